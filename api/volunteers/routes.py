"""Volunteers over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse

from api.errors import CodeTaken, NotFound, declared
from api.idempotency import KEY_ERRORS, OnceDep
from api.models import VolunteerRow
from api.models.base import ID_LIMIT
from api.models.plans import AssignmentPublic
from api.models.volunteers import VolunteerCreate, VolunteerPublic
from api.paging import Page, PageInvalid, PagingDep, SortUnknown
from api.sessions import Now, ReadDep, SessionDep
from api.volunteers import service

router = APIRouter(prefix="/v1/volunteers", tags=["志愿者 volunteers"])

VolunteerId = Annotated[int, Path(ge=1, le=ID_LIMIT)]


@router.post(
    "",
    operation_id="createVolunteer",
    status_code=201,
    response_model=VolunteerPublic,
    responses=declared(*KEY_ERRORS, CodeTaken),
)
def create_volunteer(volunteer: VolunteerCreate, session: SessionDep, once: OnceDep, now: Now) -> JSONResponse:
    """Put a volunteer on the roster."""
    return once(201, lambda: service.enter(session, volunteer, now), lambda made: {"Location": _address(made)})


@router.get("", operation_id="listVolunteers", responses=declared(PageInvalid, SortUnknown))
def list_volunteers(session: ReadDep, paging: PagingDep) -> Page[VolunteerPublic]:
    """The roster, a page at a time."""
    rows, after = paging.page(session, VolunteerRow)
    return Page(items=[VolunteerPublic.of(row) for row in rows], next=after)


@router.get("/{volunteer_id}/schedule", operation_id="getSchedule", responses=declared(NotFound))
def get_schedule(volunteer_id: VolunteerId, session: ReadDep) -> list[AssignmentPublic]:
    """What this volunteer is asked to do."""
    return service.schedule(session, volunteer_id)


def _address(volunteer: VolunteerPublic) -> str:
    return f"/v1/volunteers/{volunteer.id}/schedule"
