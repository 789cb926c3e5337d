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
from api.roles import Role
from api.security import Actor, RoleNeedsTerritory, TerritoryUnknown, may, note_view, told
from api.sessions import DatabaseDep, Now, ReadDep, SessionDep

router = APIRouter(prefix="/v1/requests", tags=["点单 requests"])

RequestId = Annotated[int, Path(ge=1, le=ID_LIMIT)]

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
    """Take in a classified request. The answer tells personal fields masked."""
    return once(201, lambda: service.enter(session, request, now, desk), lambda made: {"Location": _address(made)})


@router.get("", operation_id="listRequests", responses=declared(PageInvalid, SortUnknown))
def list_requests(reader: Reader, session: ReadDep, paging: PagingDep) -> Page[RequestPublic]:
    """Requests, a page at a time, personal fields masked."""
    rows, after = paging.page(session, RequestRow, reader)
    return Page(items=told(session, reader, rows, RequestPublic), next=after)


@router.get("/{request_id}", operation_id="getRequest", responses=declared(NotFound))
def get_request(
    reader: Reader, request_id: RequestId, database: DatabaseDep, session: ReadDep, now: Now
) -> RequestPublic:
    """One request, and how far it has come; who sees its personal fields in full is noted."""
    row, seen = service.look(session, request_id, reader, now)
    shown = RequestPublic.of(row, seen)
    note_view(database, session, reader, "request", row, seen, now)
    return shown


def _address(request: RequestPublic) -> str:
    return f"/v1/requests/{request.id}"
