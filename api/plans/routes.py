"""Plans over HTTP."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import JSONResponse

from api.errors import NotFound, declared
from api.idempotency import KEY_ERRORS, OnceDep
from api.models import PlanRow
from api.models.base import ID_LIMIT
from api.models.plans import (
    UNDER_WAY,
    AssignmentPublic,
    HandAssignment,
    PlanCreate,
    PlanPublic,
    PlanPublish,
    PlanSummary,
)
from api.paging import Page, PageInvalid, PagingDep, SortUnknown
from api.plans import by_hand, load, publish, service
from api.roles import Role
from api.security import Actor, Forbidden, RoleNeedsTerritory, TerritoryUnknown, may
from api.sessions import DatabaseDep, Now, ReadDep, SessionDep
from api.transitions import Act
from api.versions import HeaderInvalid, IfMatchRequired, MustSee, etag

router = APIRouter(prefix="/v1/plans", tags=["派单方案 plans"])

by_hand_router = APIRouter(prefix="/v1", tags=["派单 dispatch"])

RequestId = Annotated[int, Path(ge=1, le=ID_LIMIT)]
PlanId = Annotated[int, Path(ge=1, le=ID_LIMIT)]
AssignmentId = Annotated[int, Path(ge=1, le=ID_LIMIT)]

Dispatcher = Annotated[Actor, may(Role.DISPATCHER)]
Reader = Annotated[Actor, may(Role.DISPATCHER, Role.PLANNER, Role.OVERSIGHT)]


class NoFileYet(NotFound):
    """The plan has not been made, or could not be."""


@router.post(
    "",
    operation_id="createPlan",
    status_code=202,
    response_model=PlanPublic,
    responses=declared(*KEY_ERRORS, service.HorizonInvalid, TerritoryUnknown, RoleNeedsTerritory, service.SolveQuota),
)
def create_plan(
    dispatcher: Dispatcher,
    plan: PlanCreate,
    request: Request,
    database: DatabaseDep,
    session: SessionDep,
    once: OnceDep,
    now: Now,
) -> JSONResponse:
    """Ask for a plan; a worker makes it."""
    settings = request.app.state.settings
    return once(202, lambda: service.ask(database, session, plan, now, dispatcher, settings), _where_to_look)


@router.get("", operation_id="listPlans", responses=declared(PageInvalid, SortUnknown))
def list_plans(reader: Reader, session: ReadDep, paging: PagingDep) -> Page[PlanSummary]:
    """Plans, a page at a time."""
    rows, after = paging.page(session, PlanRow, reader)
    return Page(items=[PlanSummary.of(row) for row in rows], next=after)


@router.get("/{plan_id}", operation_id="getPlan", responses=declared(NotFound))
def get_plan(reader: Reader, plan_id: PlanId, session: ReadDep, response: Response) -> PlanPublic:
    """A plan as far as it has come: progress while it is made, then seats, figures and reasons."""
    row = service.find(session, plan_id, reader)
    response.headers.update(etag(row.version))
    if row.state in UNDER_WAY:
        response.headers["Retry-After"] = "1"
    return service.public(session, row)


@router.get("/{plan_id}/instance", operation_id="getPlanInstance", responses=declared(NotFound))
def get_instance(dispatcher: Dispatcher, plan_id: PlanId, session: ReadDep) -> dict[str, Any]:
    """The file the plan was made from, for `diandan solve`; it holds everybody's home."""
    return load.instance_file(session, _made(session, plan_id, dispatcher).id)


@router.get("/{plan_id}/file", operation_id="getPlanFile", responses=declared(NotFound))
def get_file(dispatcher: Dispatcher, plan_id: PlanId, session: ReadDep) -> dict[str, Any]:
    """The plan as it was made, as a file for `diandan check`."""
    row = _made(session, plan_id, dispatcher)
    return load.file_as_made(session, row.id) or load.plan_file(session, row, load.unpacked(session, row.id))


@router.post(
    "/{plan_id}/publish",
    operation_id="publishPlan",
    response_model=PlanPublic,
    responses=declared(*KEY_ERRORS, NotFound, HeaderInvalid, IfMatchRequired, *publish.PUBLISH_ERRORS),
)
def publish_plan(
    dispatcher: Dispatcher,
    plan_id: PlanId,
    request: Request,
    database: DatabaseDep,
    session: SessionDep,
    once: OnceDep,
    now: Now,
    version: MustSee,
    asked: PlanPublish | None = None,
) -> JSONResponse:
    """Put a proposed plan in force: its seats become offers."""
    wish = publish.Wish(plan_id, version, dispatcher, now, asked.reason if asked else None)
    settings = request.app.state.settings
    return once(200, lambda: publish.publish(database, session, wish, settings), _etag)


@router.post(
    "/{plan_id}/cancel",
    operation_id="cancelPlan",
    response_model=PlanPublic,
    responses=declared(*KEY_ERRORS, NotFound, service.JobFinished),
)
def cancel_plan(dispatcher: Dispatcher, plan_id: PlanId, session: SessionDep, once: OnceDep, now: Now) -> JSONResponse:
    """Give up a plan that is not made yet: its solve ends."""
    return once(200, lambda: service.cancel(session, plan_id, Act(dispatcher, now)), _etag)


@by_hand_router.post(
    "/requests/{request_id}/assign",
    operation_id="assignRequest",
    status_code=201,
    response_model=AssignmentPublic,
    responses=declared(*KEY_ERRORS, NotFound, Forbidden, *by_hand.HAND_ERRORS),
)
def assign_request(
    dispatcher: Dispatcher,
    request_id: RequestId,
    request: Request,
    session: SessionDep,
    once: OnceDep,
    now: Now,
    asked: HandAssignment,
) -> JSONResponse:
    """Offer a seat to somebody by hand, with no plan; plans work around it."""
    settings = request.app.state.settings
    return once(201, lambda: by_hand.assign(session, request_id, asked, Act(dispatcher, now), settings), _seat_address)


@by_hand_router.post(
    "/assignments/{assignment_id}/undo",
    operation_id="undoAssignment",
    response_model=AssignmentPublic,
    responses=declared(*KEY_ERRORS, NotFound, Forbidden, *by_hand.UNDO_ERRORS),
)
def undo_assignment(
    dispatcher: Dispatcher,
    assignment_id: AssignmentId,
    request: Request,
    session: SessionDep,
    once: OnceDep,
    now: Now,
) -> JSONResponse:
    """Take back a seat given by hand a moment ago; whoever was let go for it is asked again, if they still can come."""
    settings = request.app.state.settings
    return once(200, lambda: by_hand.undo(session, assignment_id, Act(dispatcher, now), settings), _seat_address)


def _seat_address(seat: AssignmentPublic) -> dict[str, str]:
    return {"Location": f"/v1/assignments/{seat.id}", **etag(seat.version)}


def _made(session: ReadDep, plan_id: int, actor: Actor) -> PlanRow:
    row = service.find(session, plan_id, actor)
    if row.result is None:
        raise NoFileYet("plan_id", plan_id)
    return row


def _etag(plan: PlanPublic) -> dict[str, str]:
    return etag(plan.version)


def _where_to_look(plan: PlanPublic) -> dict[str, str]:
    return {"Location": f"/v1/plans/{plan.id}", "Retry-After": "1", **_etag(plan)}
