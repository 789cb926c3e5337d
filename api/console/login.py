"""Logging in and out by plain forms, which need no script; one-time links; and who one is."""

from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session, col, select

from api.console.drawing import page
from api.console.forms import FormDep, PlainFormDep
from api.db import Database
from api.door import client_address
from api.errors import language
from api.messages import sentence
from api.models import TerritoryRow, UserRow
from api.people import entry
from api.people.routes import set_cookie
from api.roles import Role
from api.security import COOKIE, ActorDep, actor_of
from api.sessions import DatabaseDep, Now, ReadDep, SessionDep

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

LONGEST_PASSWORD = 200


@router.get("/login")
def login_page(request: Request, next: str = "") -> HTMLResponse:
    """Who are you?"""
    return HTMLResponse(page("login.html", request, next=next, name="", failed=None))


@router.post("/login")
def log_in(request: Request, fields: PlainFormDep, database: DatabaseDep, now: Now) -> Response:
    """Let somebody in, or show the form again and say why not."""
    name, password = fields.get("name", ""), fields.get("password", "")[:LONGEST_PASSWORD]
    wanted = fields.get("next", "")
    try:
        entered = entry.log_in(database, name, password, client_address(request.scope, request.app.state.settings), now)
    except (entry.LoginFailed, entry.LoginRate) as error:
        failed = sentence(error.code, language(request.scope), error.params)
        text = page("login.html", request, next=wanted, name=name, failed=failed)
        return HTMLResponse(text, error.status, error.headers)
    return _enter(request, database, entered, wanted)


@router.post("/logout")
def log_out(request: Request, fields: FormDep, session: SessionDep) -> RedirectResponse:
    """End the session."""
    entry.end(session, request.cookies.get(COOKIE, ""))
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(COOKIE)
    return answer


@router.get("/enter/{token}")
def link_page(token: str, request: Request, database: DatabaseDep, now: Now) -> Response:
    """What a link opens. Looking at it does not use it up: chat programs look at every link."""
    with database.reading() as session:
        link, user = entry.linked(session, token, now)
    if not link.lets_in:
        return _unkept(HTMLResponse(page("enter.html", request, name=user.name, limit=entry.SHORTEST)))
    with database.writing() as session:
        entered = entry.let_in(session, token, now)
    return _enter(request, database, entered, "")


@router.post("/enter/{token}")
def use_link(token: str, request: Request, fields: PlainFormDep, database: DatabaseDep, now: Now) -> Response:
    """Set the password, and come in."""
    password = fields.get("password", "")[:LONGEST_PASSWORD]
    return _enter(request, database, entry.set_password(database, token, password, now), "")


@router.get("/me")
def me_page(actor: ActorDep, request: Request, session: ReadDep) -> HTMLResponse:
    """Who one is here, and for which part."""
    ids = {grant.territory_id for grant in actor.grants}
    known = select(TerritoryRow.id, TerritoryRow.name).where(col(TerritoryRow.id).in_(ids))
    names = dict(session.exec(known).all())
    grants = [(grant.role, names.get(grant.territory_id)) for grant in actor.grants]
    return HTMLResponse(page("me.html", request, grants=grants, roles=actor.roles))


def _enter(request: Request, database: Database, entered: entry.Entered, wanted: str) -> Response:
    """To where they wanted to go, if that is one of our pages; else to where their work is."""
    with database.reading() as session:
        home = _home(session, session.get_one(UserRow, entered.user_id))
    answer = RedirectResponse(wanted if _is_ours(wanted) else home, 303)
    set_cookie(answer, request, entered.token)
    return _unkept(answer)


def _home(session: Session, user: UserRow) -> str:
    actor = actor_of(session, user)
    if Role.DISPATCHER in actor.roles:
        return "/"
    if Role.VOLUNTEER in actor.roles and actor.volunteer_id is not None:
        return f"/v/{actor.volunteer_id}"
    return "/me"


def _is_ours(wanted: str) -> bool:
    """A path of this service, never `//elsewhere` nor what a browser would take for it."""
    plain = wanted.isascii() and wanted.isprintable() and "\\" not in wanted
    parts = urlsplit(wanted if plain else "")
    return wanted.startswith("/") and not wanted.startswith("//") and plain and not (parts.scheme or parts.netloc)


def _unkept(answer: Response) -> Response:
    """A token in the address or in a cookie stays in no cache."""
    answer.headers["Cache-Control"] = "no-store"
    return answer
