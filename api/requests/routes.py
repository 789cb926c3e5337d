"""Requests over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse

from api.errors import CodeTaken, NotFound, RefUnknown, declared
from api.idempotency import KEY_ERRORS, OnceDep
from api.models import RequestRow
from api.models.base import ID_LIMIT
from api.models.requests import RequestCreate, RequestPublic
from api.paging import Page, PageInvalid, PagingDep, SortUnknown
from api.requests import service
from api.sessions import By, Now, ReadDep, SessionDep

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
    """Take in a classified request."""
    return once(201, lambda: service.enter(session, request, now, by), lambda made: {"Location": _address(made)})


@router.get("", operation_id="listRequests", responses=declared(PageInvalid, SortUnknown))
def list_requests(session: ReadDep, paging: PagingDep) -> Page[RequestPublic]:
    """Requests, a page at a time."""
    rows, after = paging.page(session, RequestRow)
    return Page(items=[RequestPublic.of(row) for row in rows], next=after)


@router.get("/{request_id}", operation_id="getRequest", responses=declared(NotFound))
def get_request(request_id: RequestId, session: ReadDep) -> RequestPublic:
    """One request, and how far it has come."""
    return service.find(session, request_id)


def _address(request: RequestPublic) -> str:
    return f"/v1/requests/{request.id}"
