"""People over HTTP: territories, units, teams, users, keys, and logging in and out."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import JSONResponse

from api.door import client_address
from api.errors import CodeTaken, NotFound, RefUnknown, declared
from api.idempotency import KEY_ERRORS, OnceDep
from api.models import KeyRow, TeamRow, TerritoryRow, UnitRow, UserRow
from api.models.base import ID_LIMIT
from api.models.people import (
    GrantsChange,
    KeyCreate,
    KeyPublic,
    KeyShown,
    LinkShown,
    LogIn,
    MePublic,
    TeamCreate,
    TeamPublic,
    TerritoryCreate,
    TerritoryMove,
    TerritoryPublic,
    UnitCreate,
    UnitPublic,
    UserCreate,
    UserPublic,
)
from api.paging import Page, PageInvalid, PagingDep, SortUnknown
from api.people import entry, territories, users
from api.roles import ROLES, Role
from api.security import (
    COOKIE,
    LONGEST,
    Actor,
    ActorDep,
    RoleNeedsTerritory,
    TerritoryUnknown,
    UnitUnknown,
    find,
    may,
    origin,
)
from api.sessions import DatabaseDep, Now, ReadDep, SessionDep

router = APIRouter(prefix="/v1")

LAND, PEOPLE, WAY_IN = "辖区 territories", "用户 users", "登录 log-in"

TerritoryId = Annotated[int, Path(ge=1, le=ID_LIMIT)]
UserId = Annotated[int, Path(ge=1, le=ID_LIMIT)]
KeyId = Annotated[int, Path(ge=1, le=ID_LIMIT)]

Admin = Annotated[Actor, may(Role.ADMIN)]
Staff = Annotated[Actor, may(*(role for role in ROLES if role != Role.VOLUNTEER))]

PLACE_ERRORS = (TerritoryUnknown, RoleNeedsTerritory)


@router.post(
    "/territories",
    operation_id="createTerritory",
    tags=[LAND],
    status_code=201,
    response_model=TerritoryPublic,
    responses=declared(*KEY_ERRORS, CodeTaken, TerritoryUnknown, territories.LevelInvalid),
)
def create_territory(
    admin: Admin, territory: TerritoryCreate, session: SessionDep, once: OnceDep, now: Now
) -> JSONResponse:
    """Add a district, or a street, community or grid below its parent."""
    return once(201, lambda: territories.create(session, territory, admin, now))


@router.get("/territories", operation_id="listTerritories", tags=[LAND], responses=declared(PageInvalid, SortUnknown))
def list_territories(staff: Staff, session: ReadDep, paging: PagingDep) -> Page[TerritoryPublic]:
    """The territories one is there for, a page at a time."""
    rows, after = paging.page(session, TerritoryRow, staff)
    return Page(items=[territories.public(row) for row in rows], next=after)


@router.post(
    "/territories/{territory_id}/move",
    operation_id="moveTerritory",
    tags=[LAND],
    response_model=TerritoryPublic,
    responses=declared(*KEY_ERRORS, NotFound, TerritoryUnknown, territories.LevelInvalid),
)
def move_territory(
    admin: Admin, territory_id: TerritoryId, asked: TerritoryMove, session: SessionDep, once: OnceDep, now: Now
) -> JSONResponse:
    """Put a territory, with all it holds, under another parent of the same level."""
    return once(200, lambda: territories.move(session, territory_id, asked.parent_id, admin, now))


@router.post(
    "/units",
    operation_id="createUnit",
    tags=[LAND],
    status_code=201,
    response_model=UnitPublic,
    responses=declared(*KEY_ERRORS, territories.NameTaken, *PLACE_ERRORS),
)
def create_unit(admin: Admin, unit: UnitCreate, session: SessionDep, once: OnceDep, now: Now) -> JSONResponse:
    """Add a work unit that sends volunteers."""
    return once(201, lambda: territories.create_unit(session, unit, admin, now))


@router.get("/units", operation_id="listUnits", tags=[LAND], responses=declared(PageInvalid, SortUnknown))
def list_units(staff: Staff, session: ReadDep, paging: PagingDep) -> Page[UnitPublic]:
    """Work units, a page at a time."""
    rows, after = paging.page(session, UnitRow, staff)
    return Page(items=[territories.public_unit(row) for row in rows], next=after)


@router.post(
    "/teams",
    operation_id="createTeam",
    tags=[LAND],
    status_code=201,
    response_model=TeamPublic,
    responses=declared(*KEY_ERRORS, territories.NameTaken, UnitUnknown, *PLACE_ERRORS),
)
def create_team(admin: Admin, team: TeamCreate, session: SessionDep, once: OnceDep, now: Now) -> JSONResponse:
    """Add a team; volunteers say which one they are of."""
    return once(201, lambda: territories.create_team(session, team, admin, now))


@router.get("/teams", operation_id="listTeams", tags=[LAND], responses=declared(PageInvalid, SortUnknown))
def list_teams(staff: Staff, session: ReadDep, paging: PagingDep) -> Page[TeamPublic]:
    """Teams and how many are in each, a page at a time."""
    rows, after = paging.page(session, TeamRow, staff)
    return Page(items=territories.public_teams(session, rows), next=after)


@router.post(
    "/users",
    operation_id="createUser",
    tags=[PEOPLE],
    status_code=201,
    response_model=UserPublic,
    responses=declared(*KEY_ERRORS, territories.NameTaken, RefUnknown, *PLACE_ERRORS),
)
def create_user(admin: Admin, user: UserCreate, session: SessionDep, once: OnceDep, now: Now) -> JSONResponse:
    """Add a user; they set their own password by a link."""
    return once(201, lambda: users.create(session, user, admin, now))


@router.get("/users", operation_id="listUsers", tags=[PEOPLE], responses=declared(PageInvalid, SortUnknown))
def list_users(admin: Admin, session: ReadDep, paging: PagingDep) -> Page[UserPublic]:
    """Users, a page at a time."""
    rows, after = paging.page(session, UserRow, admin)
    return Page(items=[users.public(session, row) for row in rows], next=after)


@router.post(
    "/users/{user_id}/grants",
    operation_id="changeGrants",
    tags=[PEOPLE],
    response_model=UserPublic,
    responses=declared(*KEY_ERRORS, NotFound, *PLACE_ERRORS),
)
def change_grants(
    admin: Admin, user_id: UserId, asked: GrantsChange, session: SessionDep, once: OnceDep, now: Now
) -> JSONResponse:
    """Give a user other roles, in place of all they had."""
    return once(200, lambda: users.regrant(session, user_id, asked.grants, admin, now))


@router.post(
    "/users/{user_id}/deactivate",
    operation_id="deactivateUser",
    tags=[PEOPLE],
    response_model=UserPublic,
    responses=declared(*KEY_ERRORS, NotFound),
)
def deactivate_user(admin: Admin, user_id: UserId, session: SessionDep, once: OnceDep, now: Now) -> JSONResponse:
    """Let a user in no more; their sessions end at once."""
    return once(200, lambda: users.set_active(session, user_id, False, admin, now))


@router.post(
    "/users/{user_id}/activate",
    operation_id="activateUser",
    tags=[PEOPLE],
    response_model=UserPublic,
    responses=declared(*KEY_ERRORS, NotFound),
)
def activate_user(admin: Admin, user_id: UserId, session: SessionDep, once: OnceDep, now: Now) -> JSONResponse:
    """Let a user in again."""
    return once(200, lambda: users.set_active(session, user_id, True, admin, now))


@router.post(
    "/users/{user_id}/link", operation_id="linkUser", tags=[PEOPLE], status_code=201, responses=declared(NotFound)
)
def link_user(admin: Admin, user_id: UserId, request: Request, session: SessionDep, now: Now) -> LinkShown:
    """A link, shown this once, with which a user sets a password within 15 minutes; it is kept nowhere."""
    row = find(session, UserRow, user_id, admin, "user_id")
    return users.link(session, row, origin(request), now, admin.name)


@router.post("/keys", operation_id="createKey", tags=[PEOPLE], status_code=201, responses=declared(*PLACE_ERRORS))
def create_key(admin: Admin, key: KeyCreate, session: SessionDep, now: Now) -> KeyShown:
    """A key for a program, its secret shown this once. Takes no idempotency key: the secret is kept nowhere."""
    return users.issue_key(session, key, admin, now)


@router.get("/keys", operation_id="listKeys", tags=[PEOPLE], responses=declared(PageInvalid, SortUnknown))
def list_keys(admin: Admin, session: ReadDep, paging: PagingDep) -> Page[KeyPublic]:
    """Keys, never their secrets, a page at a time."""
    rows, after = paging.page(session, KeyRow, admin)
    return Page(items=[users.public_key(session, row) for row in rows], next=after)


@router.post("/keys/{key_id}/rotate", operation_id="rotateKey", tags=[PEOPLE], responses=declared(NotFound))
def rotate_key(admin: Admin, key_id: KeyId, session: SessionDep, now: Now) -> KeyShown:
    """Another secret for the same key, shown this once; the old one ends."""
    return users.rotate_key(session, key_id, admin, now)


@router.delete("/keys/{key_id}", operation_id="revokeKey", tags=[PEOPLE], status_code=204, responses=declared(NotFound))
def revoke_key(admin: Admin, key_id: KeyId, session: SessionDep, now: Now) -> None:
    """End a key."""
    users.revoke_key(session, key_id, admin, now)


@router.get("/me", operation_id="getMe", tags=[WAY_IN])
def get_me(actor: ActorDep) -> MePublic:
    """Who is asking, and what they may."""
    return users.me(actor)


@router.post(
    "/sessions",
    operation_id="logIn",
    tags=[WAY_IN],
    status_code=201,
    responses=declared(entry.LoginFailed, entry.LoginRate),
)
def log_in(asked: LogIn, request: Request, response: Response, database: DatabaseDep, now: Now) -> MePublic:
    """Log in; the session is in a cookie. Takes no idempotency key: logging in twice does no harm."""
    address = client_address(request.scope, request.app.state.settings)
    entered = entry.log_in(database, asked.name, asked.password, address, now)
    set_cookie(response, request, entered.token)
    with database.reading() as session:
        return users.me(users.actor_by_id(session, entered.user_id))


@router.delete("/sessions/current", operation_id="logOut", tags=[WAY_IN], status_code=204)
def log_out(actor: ActorDep, request: Request, response: Response, session: SessionDep) -> None:
    """Log out; a key stays as it is."""
    entry.end(session, request.cookies.get(COOKIE, ""))
    response.delete_cookie(COOKIE)


def set_cookie(response: Response, request: Request, token: str) -> None:
    """Out of reach of scripts, of other sites' requests, and where there is https of every eavesdropper."""
    secure = request.app.state.settings.is_https
    life = int(LONGEST.total_seconds())
    response.set_cookie(COOKIE, token, max_age=life, path="/", secure=secure, httponly=True, samesite="lax")
