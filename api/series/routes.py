"""Series over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Path, Response
from fastapi.responses import JSONResponse

from api.errors import NotFound, RefUnknown, TimeFar, declared
from api.idempotency import KEY_ERRORS, OnceDep
from api.models import SeriesRow
from api.models.base import ID_LIMIT
from api.models.series import SeriesChange, SeriesChanged, SeriesCreate, SeriesDetail, SeriesEnd, SeriesPublic
from api.paging import Page, PageInvalid, PagingDep, SortUnknown
from api.roles import Role
from api.security import Actor, RoleNeedsTerritory, TerritoryUnknown, may, note_view, told
from api.series import service
from api.sessions import DatabaseDep, Now, ReadDep, SessionDep
from api.transitions import Act, Overtaken, StaleVersion
from api.versions import HeaderInvalid, Seen, etag

router = APIRouter(prefix="/v1/series", tags=["系列 series"])

SeriesId = Annotated[int, Path(ge=1, le=ID_LIMIT)]

Dispatcher = Annotated[Actor, may(Role.DISPATCHER)]
Staff = Annotated[Actor, may(Role.CLERK, Role.DISPATCHER, Role.PLANNER, Role.OVERSIGHT)]

CHANGE_ERRORS = (*KEY_ERRORS, NotFound, HeaderInvalid, StaleVersion, Overtaken, service.SeriesEnded, TimeFar)


@router.post(
    "",
    operation_id="createSeries",
    status_code=201,
    response_model=SeriesDetail,
    responses=declared(*KEY_ERRORS, RefUnknown, TimeFar, TerritoryUnknown, RoleNeedsTerritory),
)
def create_series(
    dispatcher: Dispatcher, series: SeriesCreate, session: SessionDep, once: OnceDep, now: Now
) -> JSONResponse:
    """Take in what repeats by rule: a request, a desk of k people, a campaign day. Four weeks of it are there at once.

    The answer tells personal fields masked.
    """
    return once(201, lambda: service.create(session, series, Act(dispatcher, now)), _headers)


@router.get("", operation_id="listSeries", responses=declared(PageInvalid, SortUnknown))
def list_series(staff: Staff, session: ReadDep, paging: PagingDep) -> Page[SeriesPublic]:
    """Series, a page at a time, personal fields masked."""
    rows, after = paging.page(session, SeriesRow, staff)
    return Page(items=told(session, staff, rows, SeriesPublic), next=after)


@router.get("/{series_id}", operation_id="getSeries", responses=declared(NotFound))
def get_series(
    staff: Staff, series_id: SeriesId, database: DatabaseDep, session: ReadDep, now: Now, response: Response
) -> SeriesDetail:
    """One series with its requests; who sees its personal fields in full is noted."""
    row, seen = service.look(session, series_id, staff)
    shown = service.detail(session, row, seen)
    told_of = {name: value for one in row.editions for name, value in one.template.items() if value is not None}
    note_view(database, session, staff, "series", row, seen, now, told_of)
    response.headers.update(etag(row.version))
    return shown


@router.post(
    "/{series_id}/change",
    operation_id="changeSeries",
    response_model=SeriesChanged,
    responses=declared(*CHANGE_ERRORS, RefUnknown),
)
def change_series(
    dispatcher: Dispatcher,
    series_id: SeriesId,
    asked: SeriesChange,
    session: SessionDep,
    once: OnceDep,
    now: Now,
    version: Seen,
) -> JSONResponse:
    """From a day on it is otherwise. Requests to come that nobody has begun follow; whoever was asked for something
    else is let go. What was amended alone, or called off, stays so."""
    return once(200, lambda: service.change(session, series_id, asked, Act(dispatcher, now), version), _etag)


@router.post(
    "/{series_id}/end", operation_id="endSeries", response_model=SeriesChanged, responses=declared(*CHANGE_ERRORS)
)
def end_series(
    dispatcher: Dispatcher,
    series_id: SeriesId,
    asked: SeriesEnd,
    session: SessionDep,
    once: OnceDep,
    now: Now,
    version: Seen,
) -> JSONResponse:
    """From a day on there is no more of it; requests to come that nobody has begun are called off."""
    return once(200, lambda: service.end(session, series_id, asked, Act(dispatcher, now), version), _etag)


def _headers(made: SeriesDetail) -> dict[str, str]:
    return {"Location": f"/v1/series/{made.id}", **etag(made.version)}


def _etag(changed: SeriesChanged) -> dict[str, str]:
    return etag(changed.series.version)
