"""Requests over HTTP."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Response
from fastapi.responses import JSONResponse

from api.errors import ApiError, CodeTaken, NotFound, RefUnknown, declared
from api.idempotency import KEY_ERRORS, OnceDep
from api.models import RequestRow
from api.models.base import ID_LIMIT
from api.models.requests import (
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
from api.sessions import By, Now, ReadDep, SessionDep
from api.transitions import TRANSITION_ERRORS, Act
from api.versions import HeaderInvalid, Seen, etag

router = APIRouter(prefix="/v1/requests", tags=["点单 requests"])

RequestId = Annotated[int, Path(ge=1, le=ID_LIMIT)]


@router.post(
    "",
    operation_id="createRequest",
    status_code=201,
    response_model=RequestPublic,
    responses=declared(*KEY_ERRORS, CodeTaken, RefUnknown),
)
def create_request(request: RequestCreate, session: SessionDep, once: OnceDep, now: Now, by: By) -> JSONResponse:
    """Take in a request: classified, so that it can be planned, or submitted, so that it waits for triage."""
    return once(201, lambda: service.enter(session, request, now, by), lambda made: {"Location": _address(made)})


@router.get("", operation_id="listRequests", responses=declared(PageInvalid, SortUnknown))
def list_requests(session: ReadDep, paging: PagingDep) -> Page[RequestPublic]:
    """Requests, a page at a time."""
    rows, after = paging.page(session, RequestRow)
    return Page(items=[RequestPublic.of(row) for row in rows], next=after)


@router.get("/{request_id}", operation_id="getRequest", responses=declared(NotFound))
def get_request(request_id: RequestId, session: ReadDep, response: Response) -> RequestPublic:
    """One request, and how far it has come."""
    found = service.find(session, request_id)
    response.headers.update(etag(found.version))
    return found


class _Step:
    """One event of one request, once."""

    def __init__(
        self, request_id: RequestId, session: SessionDep, once: OnceDep, now: Now, by: By, version: Seen
    ) -> None:
        self.id, self.session, self.once = request_id, session, once
        self.act, self.version = Act(by, now), version

    def __call__(self, does: Any, asked: Any) -> JSONResponse:
        return self.once(
            200, lambda: does(self.session, self.id, asked, self.act, self.version), lambda made: etag(made.version)
        )


Step = Annotated[_Step, Depends(_Step, scope="function")]


def _event(path: str, *errors: type[ApiError]) -> Any:
    """A route that lets one event happen."""
    told = declared(*KEY_ERRORS, NotFound, HeaderInvalid, *TRANSITION_ERRORS, *errors)

    def add(function: Any) -> Any:
        first, *rest = function.__name__.split("_")
        name = first + "".join(word.capitalize() for word in rest) + "Request"
        route = router.post(f"/{{request_id}}/{path}", operation_id=name, response_model=RequestPublic, responses=told)
        return route(function)

    return add


@_event("triage")
def triage(asked: Triage, step: Step) -> JSONResponse:
    """Classify a request, so that it can be planned."""
    return step(life.triage, asked)


@_event("answer")
def answer(asked: Answer, step: Step) -> JSONResponse:
    """Close it with an answer: nobody need come."""
    return step(life.answer, asked)


@_event("reject")
def reject(asked: Rejection, step: Step) -> JSONResponse:
    """Close it with a reason, and with who is in charge instead."""
    return step(life.reject, asked)


@_event("merge", life.MergeInvalid)
def merge(asked: Merge, step: Step) -> JSONResponse:
    """The same need was asked for before: this one lives on in that."""
    return step(life.merge, asked)


@_event("wait", life.WaitTooLong, life.NumberRequired, life.ReturnedTooOften)
def wait(asked: Wait, step: Step) -> JSONResponse:
    """Wait for the resident, a date or a department; clocks stand still."""
    return step(life.wait, asked)


@_event("resume")
def resume(asked: Resume, step: Step) -> JSONResponse:
    """Go on where it was."""
    return step(life.resume, asked)


@_event("serve")
def serve(asked: Serve, step: Step) -> JSONResponse:
    """Report what came of it."""
    return step(life.serve, asked)


@_event("rate")
def rate(asked: Rating, step: Step) -> JSONResponse:
    """What the resident thinks of it."""
    return step(life.rate, asked)


@_event("call-back")
def call_back(asked: Callback, step: Step) -> JSONResponse:
    """What came of the call to the resident; unreachable three times closes it too."""
    return step(life.call_back, asked)


@_event("reopen", life.RequestClosed, life.ReopenLate)
def reopen(asked: Reopen, step: Step) -> JSONResponse:
    """Take it up again, the second time with somebody else."""
    return step(life.reopen, asked)


@_event("cancel")
def cancel(asked: Cancel, step: Step) -> JSONResponse:
    """Call it off; whoever was to come is let go."""
    return step(life.cancel, asked)


def _address(request: RequestPublic) -> str:
    return f"/v1/requests/{request.id}"
