"""The pages over HTTP."""

import uuid
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, FastAPI, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlmodel import Session
from starlette.staticfiles import StaticFiles

from api.assignments import service as seats
from api.assignments.routes import AssignmentId
from api.console import forms, read
from api.console.columns import draw_days
from api.console.drawing import address, page
from api.console.login import router as login
from api.console.map import draw_map, glyph
from api.console.reader import Reader
from api.console.texts import speaker
from api.console.timeline import draw_timeline
from api.errors import NotFound, language
from api.messages import hint
from api.models import PlanRow
from api.models.base import Shape
from api.models.plans import UNDER_WAY, Accept, CheckIn, Decline, Finish, Withdraw
from api.models.requests import RequestPublic
from api.models.volunteers import OffersAsk
from api.plans import publish
from api.plans import service as plans
from api.plans.routes import Dispatcher, IfMatchRequired, PlanId
from api.reports import service as reports
from api.reports.figures import meaning
from api.reports.routes import First, To
from api.reports.routes import Reader as ReportReader
from api.requests import service as requests
from api.security import note_view
from api.sessions import DatabaseDep, Now, ReadDep
from api.transitions import Act
from api.visibility import Kind
from api.volunteers import service as volunteers
from api.volunteers.routes import Own, VolunteerId
from matcher import PRIORITIES

STATIC = Path(__file__).parent / "static"
LEGEND = (*PRIORITIES, "team", "unserved", "home")

STEPS: dict[str, tuple[type[Shape], Any]] = {
    "accept": (Accept, seats.accept),
    "decline": (Decline, seats.decline),
    "withdraw": (Withdraw, seats.withdraw),
    "check-in": (CheckIn, seats.check_in),
    "finish": (Finish, seats.finish),
}
"""What a volunteer may do with a seat: the shape of the form, and what it does."""

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


def add_pages(app: FastAPI) -> None:
    """The pages, what they are drawn with, and how their reader is met."""
    app.include_router(router)
    app.include_router(login)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_middleware(Reader)


@router.get("/")
def plan_page(
    dispatcher: Dispatcher,
    request: Request,
    session: ReadDep,
    now: Now,
    plan: str | None = None,
    day: str | None = None,
) -> HTMLResponse:
    """The plan of the day: pictures, figures, table, and what is not served."""
    row = read.chosen_plan(session, plan, now, dispatcher)
    recent = read.recent_plans(session, dispatcher)
    around = {"recent": recent, "row": row, "news": read.news(row, recent) if row else []}
    if row is None:
        roster, triaged = read.waiting(session, dispatcher)
        return HTMLResponse(page("empty.html", request, **around, roster=roster, triaged=triaged))
    if row.result is None:
        shown = {**_unmade(request, session, row), "key": uuid.uuid4().hex}
        return HTMLResponse(page("unmade.html", request, **around, **shown))
    view = read.plan_view(session, row, day, now, _zone(request))
    say = speaker(language(request.scope))
    axis, rows = draw_timeline(view, now, say)
    legend = [(kind, glyph(kind)) for kind in LEGEND]
    days = [(each, address(request, day=each.isoformat())) for each in view.days]
    pictures = {"map": draw_map(view, say), "axis": axis, "rows": rows, "legend": legend}
    return HTMLResponse(page("plan.html", request, **around, view=view, days=days, key=uuid.uuid4().hex, **pictures))


def _unmade(request: Request, session: Session, row: PlanRow) -> dict[str, Any]:
    """How far a plan has come that is not made yet, or why it never was."""
    lang = language(request.scope)
    mend = hint(row.cause["code"], lang, row.cause["params"]) if row.cause else None
    return {"under_way": row.state in UNDER_WAY, "mend": mend, "plan": plans.public(session, row)}


@router.get("/report")
def report_page(
    reader: ReportReader, request: Request, session: ReadDep, now: Now, first: First = None, to: To = None
) -> HTMLResponse:
    """What a day or a period came to."""
    lang = language(request.scope)
    record = reports.read(session, first, to, reader, now, _zone(request))
    report, days = reports.report(record), reports.daily(record)
    length = report.to - report.first
    shown = {
        "report": report,
        "last": days[-1].day,
        "is_empty": not any(figure.value for figure in report.figures),
        "figures": [(figure, meaning(figure.code, lang)) for figure in report.figures],
        "drawing": draw_days(days, speaker(lang), lang),
        "earlier": address(request, **{"from": report.first - length}, to=report.first),
        "later": address(request, **{"from": report.to}, to=report.to + length),
    }
    return HTMLResponse(page("report.html", request, **shown))


@router.post("/plans/{plan_id}/publish")
def publish_plan(
    dispatcher: Dispatcher,
    plan_id: PlanId,
    request: Request,
    form: forms.OnceFormDep,
    database: DatabaseDep,
) -> RedirectResponse:
    """The dispatcher's yes, from the page: only for the version its reader saw."""
    version = form.fields.get("version", "")
    if not (version.isascii() and version.isdecimal() and len(version) <= 9):
        raise IfMatchRequired("version", version)
    wish = publish.Wish(plan_id, int(version), dispatcher, form.now, forms.reason_of(form.fields))
    form(partial(publish.publish, database), wish, request.app.state.settings)
    return RedirectResponse(f"/?plan={plan_id}", 303)


@router.post("/plans/{plan_id}/cancel")
def cancel_plan(dispatcher: Dispatcher, plan_id: PlanId, form: forms.OnceFormDep) -> RedirectResponse:
    """The dispatcher does not want it any more, from the page."""
    form(plans.cancel, plan_id, Act(dispatcher, form.now, forms.reason_of(form.fields)))
    return RedirectResponse(f"/?plan={plan_id}", 303)


@router.post("/v/{volunteer_id}/{assignment_id}/{event}")
def step(
    own: Own,
    volunteer_id: VolunteerId,
    assignment_id: AssignmentId,
    event: Literal["accept", "decline", "withdraw", "check-in", "finish"],
    form: forms.OnceFormDep,
) -> RedirectResponse:
    """The volunteer's yes, no, here or done, from the phone."""
    if seats.find(form.session, assignment_id, own).volunteer_id != volunteer_id:
        raise NotFound("assignment_id", assignment_id)
    shape, does = STEPS[event]
    form(does, assignment_id, forms.read_as(form.fields, shape), Act(own, form.now), None)
    return RedirectResponse(f"/v/{volunteer_id}", 303)


@router.post("/v/{volunteer_id}/offers")
def change_offers(own: Own, volunteer_id: VolunteerId, form: forms.OnceFormDep) -> RedirectResponse:
    """Whether plans may ask this volunteer, said on the phone."""
    asked = OffersAsk(automatic=form.fields.get("automatic") == "yes")
    form(volunteers.offers, volunteer_id, asked, own, form.now)
    return RedirectResponse(f"/v/{volunteer_id}", 303)


@router.get("/v/{volunteer_id}/{assignment_id}")
def visit_page(
    own: Own,
    volunteer_id: VolunteerId,
    assignment_id: AssignmentId,
    request: Request,
    database: DatabaseDep,
    session: ReadDep,
    now: Now,
) -> HTMLResponse:
    """To whom exactly: what only those see who have said yes. Each look is noted."""
    seat = seats.find(session, assignment_id, own)
    if seat.volunteer_id != volunteer_id:
        raise NotFound("assignment_id", assignment_id)
    row, seen = requests.look(session, seat.request_id, own, now)
    shown = RequestPublic.of(row, seen)
    note_view(database, session, own, "request", row, seen, now)
    whole = Kind.PERSONAL in seen
    return HTMLResponse(page("visit.html", request, seat=seat, shown=shown, whole=whole, zone=_zone(request)))


@router.get("/v/{volunteer_id}")
def volunteer_page(
    own: Own,
    volunteer_id: VolunteerId,
    request: Request,
    session: ReadDep,
    now: Now,
    skip: Annotated[int, Query(ge=0, le=10**6)] = 0,
    size: str | None = None,
) -> HTMLResponse:
    """One volunteer's schedule, for a phone."""
    shown = read.schedule(session, volunteer_id, skip, now, _zone(request), own)
    large = size == "large"
    links = {
        "size_address": address(request, size=None if large else "large"),
        "more_address": address(request, skip=skip + read.VISITS),
        "first_address": address(request, skip=None),
    }
    links["key"] = uuid.uuid4().hex
    return HTMLResponse(page("volunteer.html", request, shown=shown, zone=_zone(request), large=large, **links))


def _zone(request: Request) -> ZoneInfo:
    return ZoneInfo(request.app.state.settings.timezone)
