"""Seats over HTTP."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Response
from fastapi.responses import JSONResponse

from api.assignments import service
from api.errors import ApiError, NotFound, declared
from api.idempotency import KEY_ERRORS, OnceDep
from api.models.base import ID_LIMIT
from api.models.plans import Accept, AssignmentPublic, CheckIn, Decline, Finish, Withdraw
from api.sessions import By, Now, ReadDep, SessionDep
from api.transitions import TRANSITION_ERRORS, Act
from api.versions import HeaderInvalid, Seen, etag

router = APIRouter(prefix="/v1/assignments", tags=["席位 assignments"])

AssignmentId = Annotated[int, Path(ge=1, le=ID_LIMIT)]


@router.get("/{assignment_id}", operation_id="getAssignment", responses=declared(NotFound))
def get_assignment(assignment_id: AssignmentId, session: ReadDep, response: Response) -> AssignmentPublic:
    """One seat: who, where, when, and how far it has come."""
    row = service.find(session, assignment_id)
    response.headers.update(etag(row.version))
    return service.public(session, row)


class _Step:
    """One event of one seat, once."""

    def __init__(
        self, assignment_id: AssignmentId, session: SessionDep, once: OnceDep, now: Now, by: By, version: Seen
    ) -> None:
        self.id, self.session, self.once = assignment_id, session, once
        self.act, self.version = Act(by, now), version

    def __call__(self, does: Any, asked: Any) -> JSONResponse:
        return self.once(
            200, lambda: does(self.session, self.id, asked, self.act, self.version), lambda seat: etag(seat.version)
        )


Step = Annotated[_Step, Depends(_Step, scope="function")]


def _event(path: str, *errors: type[ApiError]) -> Any:
    """A route that lets one event happen; its name is the operation's."""
    return lambda function: router.post(
        f"/{{assignment_id}}/{path}",
        operation_id=_camel(function.__name__),
        response_model=AssignmentPublic,
        responses=declared(*KEY_ERRORS, NotFound, HeaderInvalid, *TRANSITION_ERRORS, *errors),
    )(function)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest) + "Assignment"


@_event("accept")
def accept(asked: Accept, step: Step) -> JSONResponse:
    """The volunteer says yes."""
    return step(service.accept, asked)


@_event("decline")
def decline(asked: Decline, step: Step) -> JSONResponse:
    """The volunteer says no; this request is never offered to them again."""
    return step(service.decline, asked)


@_event("withdraw")
def withdraw(asked: Withdraw, step: Step) -> JSONResponse:
    """Somebody who had said yes does not come."""
    return step(service.withdraw, asked)


@_event("check-in", service.NotItsTime, service.CodeWrong)
def check_in(asked: CheckIn, step: Step) -> JSONResponse:
    """The volunteer has arrived."""
    return step(service.check_in, asked)


@_event("finish")
def finish(asked: Finish, step: Step) -> JSONResponse:
    """The volunteer has done it."""
    return step(service.finish, asked)
