"""Seats over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Path, Response
from fastapi.responses import JSONResponse

from api.assignments import service
from api.errors import NotFound, declared
from api.lifecycle import SEAT
from api.models.base import ID_LIMIT
from api.models.plans import Accept, AssignmentPublic, CheckIn, Decline, Finish, Withdraw
from api.roles import Role
from api.security import Actor, may
from api.sessions import ReadDep
from api.steps import events, step_of
from api.versions import etag

router = APIRouter(prefix="/v1/assignments", tags=["席位 assignments"])

AssignmentId = Annotated[int, Path(ge=1, le=ID_LIMIT)]
Reader = Annotated[Actor, may(Role.VOLUNTEER, Role.CLERK, Role.DISPATCHER, Role.OVERSIGHT)]


@router.get("/{assignment_id}", operation_id="getAssignment", responses=declared(NotFound))
def get_assignment(
    reader: Reader, assignment_id: AssignmentId, session: ReadDep, response: Response
) -> AssignmentPublic:
    """One seat: who, where, when, and how far it has come."""
    row = service.find(session, assignment_id, reader)
    response.headers.update(etag(row.version))
    return service.public(session, row)


Step = step_of(SEAT.noun)
event = events(router, SEAT, AssignmentPublic)


@event("accept")
def accept(asked: Accept, step: Step) -> JSONResponse:
    """The volunteer says yes."""
    return step(service.accept, asked)


@event("decline")
def decline(asked: Decline, step: Step) -> JSONResponse:
    """The volunteer says no; this request is never offered to them again."""
    return step(service.decline, asked)


@event("withdraw")
def withdraw(asked: Withdraw, step: Step) -> JSONResponse:
    """Somebody who had said yes does not come."""
    return step(service.withdraw, asked)


@event("check-in", service.NotItsTime, service.CodeWrong)
def check_in(asked: CheckIn, step: Step) -> JSONResponse:
    """The volunteer has arrived."""
    return step(service.check_in, asked)


@event("finish")
def finish(asked: Finish, step: Step) -> JSONResponse:
    """The volunteer has done it."""
    return step(service.finish, asked)
