"""Requests over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Path, Response
from fastapi.responses import JSONResponse

from api.errors import CodeTaken, NotFound, RefUnknown, RequestClosed, declared
from api.idempotency import KEY_ERRORS, OnceDep
from api.lifecycle import REQUEST
from api.models import RequestRow
from api.models.base import ID_LIMIT
from api.models.requests import (
    Amend,
    Answer,
    Callback,
    Cancel,
    Merge,
    Rating,
    Rejection,
    Reopen,
    RequestCreate,
    RequestPublic,
    Resume,
    Serve,
    Triage,
    Wait,
)
from api.paging import Page, PageInvalid, PagingDep, SortUnknown
from api.requests import life, service
from api.roles import Role
from api.security import Actor, RoleNeedsTerritory, TerritoryUnknown, may, note_view, told
from api.sessions import DatabaseDep, Now, ReadDep, SessionDep
from api.steps import events, step_of
from api.transitions import Act, IllegalTransition
from api.versions import etag

router = APIRouter(prefix="/v1/requests", tags=["点单 requests"])

RequestId = Annotated[int, Path(ge=1, le=ID_LIMIT)]

Dispatcher = Annotated[Actor, may(Role.DISPATCHER)]
Desk = Annotated[Actor, may(Role.CLERK, Role.DISPATCHER)]
Reader = Annotated[Actor, may(Role.CLERK, Role.DISPATCHER, Role.PLANNER, Role.OVERSIGHT, Role.VOLUNTEER)]


@router.post(
    "",
    operation_id="createRequest",
    status_code=201,
    response_model=RequestPublic,
    responses=declared(*KEY_ERRORS, CodeTaken, RefUnknown, TerritoryUnknown, RoleNeedsTerritory),
)
def create_request(desk: Desk, request: RequestCreate, session: SessionDep, once: OnceDep, now: Now) -> JSONResponse:
    """Take in a request: classified, so that it can be planned, or submitted, so that it waits for triage.

    The answer tells personal fields masked.
    """
    return once(201, lambda: service.enter(session, request, now, desk), lambda made: {"Location": _address(made)})


@router.get("", operation_id="listRequests", responses=declared(PageInvalid, SortUnknown))
def list_requests(reader: Reader, session: ReadDep, paging: PagingDep) -> Page[RequestPublic]:
    """Requests, a page at a time, personal fields masked."""
    rows, after = paging.page(session, RequestRow, reader)
    return Page(items=told(session, reader, rows, RequestPublic), next=after)


@router.get("/{request_id}", operation_id="getRequest", responses=declared(NotFound))
def get_request(
    reader: Reader, request_id: RequestId, database: DatabaseDep, session: ReadDep, now: Now, response: Response
) -> RequestPublic:
    """One request, and how far it has come; who sees its personal fields in full is noted."""
    row, seen = service.look(session, request_id, reader, now)
    shown = RequestPublic.of(row, seen)
    note_view(database, session, reader, "request", row, seen, now)
    response.headers.update(etag(row.version))
    return shown


Step = step_of(REQUEST.noun)
event = events(router, REQUEST, RequestPublic)


@event("triage")
def triage(asked: Triage, step: Step) -> JSONResponse:
    """Classify a request, so that it can be planned."""
    return step(life.triage, asked)


@event("amend", RefUnknown)
def amend(asked: Amend, step: Step) -> JSONResponse:
    """Mend what was taken in; whoever was asked for something else is let go. Changes of its series pass it by now."""
    return step(life.amend, asked)


@event("answer")
def answer(asked: Answer, step: Step) -> JSONResponse:
    """Close it with an answer: nobody need come."""
    return step(life.answer, asked)


@event("reject")
def reject(asked: Rejection, step: Step) -> JSONResponse:
    """Close it with a reason, and with who is in charge instead."""
    return step(life.reject, asked)


@event("merge", life.MergeInvalid)
def merge(asked: Merge, step: Step) -> JSONResponse:
    """The same need was asked for before: this one lives on in that."""
    return step(life.merge, asked)


@event("wait", life.WaitTooLong, life.NumberRequired, life.ReturnedTooOften)
def wait(asked: Wait, step: Step) -> JSONResponse:
    """Wait for the resident, a date or a department; clocks stand still."""
    return step(life.wait, asked)


@event("resume")
def resume(asked: Resume, step: Step) -> JSONResponse:
    """Go on where it was."""
    return step(life.resume, asked)


@event("serve", roles=(Role.DISPATCHER,))
def serve(asked: Serve, step: Step) -> JSONResponse:
    """Report what came of it."""
    return step(life.serve, asked)


@event("rate")
def rate(asked: Rating, step: Step) -> JSONResponse:
    """What the resident thinks of it."""
    return step(life.rate, asked)


@event("call-back", life.NotIndependent)
def call_back(asked: Callback, step: Step) -> JSONResponse:
    """What came of the call to the resident; unreachable three times closes it too."""
    return step(life.call_back, asked)


@event("reopen", RequestClosed, life.ReopenLate)
def reopen(asked: Reopen, step: Step) -> JSONResponse:
    """Take it up again, the second time with somebody else."""
    return step(life.reopen, asked)


@event("cancel")
def cancel(asked: Cancel, step: Step) -> JSONResponse:
    """Call it off; whoever was to come is let go."""
    return step(life.cancel, asked)


@router.post(
    "/{request_id}/erase",
    operation_id="eraseRequest",
    response_model=RequestPublic,
    responses=declared(*KEY_ERRORS, NotFound, IllegalTransition),
)
def erase_request(
    dispatcher: Dispatcher, request_id: RequestId, session: SessionDep, once: OnceDep, now: Now
) -> JSONResponse:
    """The resident wants to be forgotten: name, telephone, door, exact place and words of a closed request go for good.

    Its label and the office's code stay, as do the reasons in the audit; plans' files keep the place until they go too.
    """
    return once(200, lambda: life.erase(session, request_id, Act(dispatcher, now)))


def _address(request: RequestPublic) -> str:
    return f"/v1/requests/{request.id}"
