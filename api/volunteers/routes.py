"""Volunteers over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse

from api.errors import CodeTaken, NotFound, declared
from api.idempotency import KEY_ERRORS, OnceDep
from api.models import VolunteerRow
from api.models.base import ID_LIMIT
from api.models.plans import AssignmentPublic
from api.models.volunteers import (
    MoveAsk,
    OffersAsk,
    PauseAsk,
    SkillsAsk,
    VolunteerChange,
    VolunteerCreate,
    VolunteerData,
    VolunteerPublic,
    VolunteerState,
)
from api.paging import Page, PageInvalid, PagingDep, SortUnknown
from api.roles import Role
from api.security import Actor, RoleNeedsTerritory, TeamUnknown, TerritoryUnknown, UnitUnknown, may, note_view, told
from api.sessions import DatabaseDep, Now, ReadDep, SessionDep
from api.volunteers import service

router = APIRouter(prefix="/v1/volunteers", tags=["志愿者 volunteers"])

VolunteerId = Annotated[int, Path(ge=1, le=ID_LIMIT)]

Dispatcher = Annotated[Actor, may(Role.DISPATCHER)]
Desk = Annotated[Actor, may(Role.CLERK, Role.DISPATCHER)]
Staff = Annotated[Actor, may(Role.CLERK, Role.DISPATCHER, Role.PLANNER, Role.OVERSIGHT)]
Reader = Annotated[Actor, may(Role.CLERK, Role.DISPATCHER, Role.PLANNER, Role.OVERSIGHT, Role.VOLUNTEER)]
Own = Annotated[Actor, may(Role.VOLUNTEER, Role.DISPATCHER)]
"""The volunteer, for themselves, or a dispatcher."""

ENTER_ERRORS = (*KEY_ERRORS, CodeTaken, TerritoryUnknown, UnitUnknown, TeamUnknown, RoleNeedsTerritory)
CHANGE_ERRORS = (*KEY_ERRORS, NotFound, service.VolunteerStateClash)


@router.post(
    "",
    operation_id="createVolunteer",
    status_code=201,
    response_model=VolunteerPublic,
    responses=declared(*ENTER_ERRORS),
)
def create_volunteer(
    dispatcher: Dispatcher, volunteer: VolunteerCreate, session: SessionDep, once: OnceDep, now: Now
) -> JSONResponse:
    """Put a volunteer on the roster, to be planned with at once."""
    return once(201, lambda: service.enter(session, volunteer, now, dispatcher), _where)


@router.post(
    "/applications",
    operation_id="registerVolunteer",
    status_code=201,
    response_model=VolunteerPublic,
    responses=declared(*ENTER_ERRORS),
)
def register_volunteer(
    desk: Desk, volunteer: VolunteerCreate, session: SessionDep, once: OnceDep, now: Now
) -> JSONResponse:
    """Take in somebody who would like to help; they are planned with once a dispatcher has approved."""
    applied = VolunteerState.APPLIED
    return once(201, lambda: service.enter(session, volunteer, now, desk, applied), _where)


@router.get("", operation_id="listVolunteers", responses=declared(PageInvalid, SortUnknown))
def list_volunteers(staff: Staff, session: ReadDep, paging: PagingDep) -> Page[VolunteerPublic]:
    """The roster, a page at a time, telephone numbers masked."""
    rows, after = paging.page(session, VolunteerRow, staff)
    return Page(items=told(session, staff, rows, VolunteerPublic), next=after)


@router.get("/{volunteer_id}", operation_id="getVolunteer", responses=declared(NotFound))
def get_volunteer(
    reader: Reader, volunteer_id: VolunteerId, database: DatabaseDep, session: ReadDep, now: Now
) -> VolunteerPublic:
    """One volunteer; who sees their telephone number in full is noted."""
    row, seen = service.look(session, volunteer_id, reader)
    shown = VolunteerPublic.of(row, seen)
    if row.id != reader.volunteer_id:
        note_view(database, session, reader, "volunteer", row, seen, now)
    return shown


@router.get("/{volunteer_id}/schedule", operation_id="getSchedule", responses=declared(NotFound))
def get_schedule(own: Own, volunteer_id: VolunteerId, session: ReadDep) -> list[AssignmentPublic]:
    """What this volunteer is asked to do."""
    return service.schedule(session, volunteer_id, own)


@router.post(
    "/{volunteer_id}/approve",
    operation_id="approveVolunteer",
    response_model=VolunteerChange,
    responses=declared(*CHANGE_ERRORS),
)
def approve_volunteer(
    dispatcher: Dispatcher, volunteer_id: VolunteerId, session: SessionDep, once: OnceDep, now: Now
) -> JSONResponse:
    """Take somebody who has applied onto the roster."""
    return once(200, lambda: service.approve(session, volunteer_id, dispatcher, now))


@router.post(
    "/{volunteer_id}/pause",
    operation_id="pauseVolunteer",
    response_model=VolunteerChange,
    responses=declared(*CHANGE_ERRORS, service.PauseInvalid),
)
def pause_volunteer(
    own: Own, volunteer_id: VolunteerId, asked: PauseAsk, session: SessionDep, once: OnceDep, now: Now
) -> JSONResponse:
    """Nothing is planned for this volunteer from then to then; seats in that time are marked, and listed."""
    return once(200, lambda: service.pause(session, volunteer_id, asked, own, now))


@router.post(
    "/{volunteer_id}/resume",
    operation_id="resumeVolunteer",
    response_model=VolunteerChange,
    responses=declared(*CHANGE_ERRORS),
)
def resume_volunteer(own: Own, volunteer_id: VolunteerId, session: SessionDep, once: OnceDep, now: Now) -> JSONResponse:
    """The pause is over, or is not to be."""
    return once(200, lambda: service.resume(session, volunteer_id, own, now))


@router.post(
    "/{volunteer_id}/move",
    operation_id="moveVolunteer",
    response_model=VolunteerChange,
    responses=declared(*CHANGE_ERRORS, TerritoryUnknown, UnitUnknown, TeamUnknown),
)
def move_volunteer(
    own: Own, volunteer_id: VolunteerId, asked: MoveAsk, session: SessionDep, once: OnceDep, now: Now
) -> JSONResponse:
    """A new home; seats to come are marked, since the way to them is another."""
    return once(200, lambda: service.move(session, volunteer_id, asked, own, now))


@router.post(
    "/{volunteer_id}/skills",
    operation_id="changeSkills",
    response_model=VolunteerChange,
    responses=declared(*CHANGE_ERRORS),
)
def change_skills(
    dispatcher: Dispatcher, volunteer_id: VolunteerId, asked: SkillsAsk, session: SessionDep, once: OnceDep, now: Now
) -> JSONResponse:
    """Other skills in place of all there were, each with the last day on which it holds."""
    return once(200, lambda: service.train(session, volunteer_id, asked, dispatcher, now))


@router.post(
    "/{volunteer_id}/offers",
    operation_id="changeOffers",
    response_model=VolunteerChange,
    responses=declared(*CHANGE_ERRORS),
)
def change_offers(
    own: Own, volunteer_id: VolunteerId, asked: OffersAsk, session: SessionDep, once: OnceDep, now: Now
) -> JSONResponse:
    """Whether plans may ask this volunteer; whoever does not want that is asked by a person alone."""
    return once(200, lambda: service.offers(session, volunteer_id, asked, own, now))


@router.post(
    "/{volunteer_id}/leave",
    operation_id="leaveVolunteer",
    response_model=VolunteerChange,
    responses=declared(*CHANGE_ERRORS),
)
def leave_volunteer(own: Own, volunteer_id: VolunteerId, session: SessionDep, once: OnceDep, now: Now) -> JSONResponse:
    """Somebody leaves: nothing is planned for them any more, and their seats to come are marked."""
    return once(200, lambda: service.leave(session, volunteer_id, own, now))


@router.get("/{volunteer_id}/data", operation_id="getVolunteerData", responses=declared(NotFound))
def get_data(own: Own, volunteer_id: VolunteerId, database: DatabaseDep, session: ReadDep, now: Now) -> VolunteerData:
    """All that is known of a volunteer: their entry, seats, what became of it, and who saw it in full."""
    told, row, seen = service.data(session, volunteer_id, own)
    if row.id != own.volunteer_id:
        note_view(database, session, own, "volunteer", row, seen, now)
    return told


@router.post(
    "/{volunteer_id}/erase",
    operation_id="eraseVolunteer",
    response_model=VolunteerChange,
    responses=declared(*CHANGE_ERRORS, service.SeatsLeft),
)
def erase_volunteer(own: Own, volunteer_id: VolunteerId, session: SessionDep, once: OnceDep, now: Now) -> JSONResponse:
    """Who has left is forgotten: name, telephone, home and log-in go for good; what they did stays counted."""
    return once(200, lambda: service.erase(session, volunteer_id, own, now))


def _where(volunteer: VolunteerPublic) -> dict[str, str]:
    return {"Location": f"/v1/volunteers/{volunteer.id}"}
