"""Plans are asked for and looked at; `publish.py` puts them in force."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, func, select

from api import ledger, locks, security
from api.db import Database
from api.errors import ApiError, TimeFar
from api.messages import LANGUAGES, sentence
from api.models import AssignmentRow, PlanRow, RequestRow, VolunteerRow
from api.models.plans import (
    UNDER_WAY,
    AssignmentPublic,
    CausePublic,
    PinPublic,
    PlanAsk,
    PlanCreate,
    PlanPublic,
    PlanState,
    ServedPublic,
    UnservedPublic,
)
from api.plans import store
from api.plans.difference import changes
from api.queue import enqueue_solve
from api.security import Actor, placed
from api.settings import Settings
from api.transitions import Act
from api.vocabulary import REACH
from matcher import MAX_DAYS, PRIORITIES

LONGEST = timedelta(days=MAX_DAYS)

LATER = {"Retry-After": "10"}
"""A solve takes about so long, or longer."""


class HorizonInvalid(ApiError):
    status, code = 422, "horizon_invalid"


class SolveQuota(ApiError):
    """Who asks for more than can be made soon makes everybody wait."""

    status, code = 429, "solve_quota"


class JobFinished(ApiError):
    status, code = 409, "job_finished"


def ask(
    database: Database, session: Session, asked: PlanCreate, at: datetime, by: Actor, settings: Settings
) -> PlanPublic:
    """Record the wish for a plan, and the job that makes it, in one commit."""
    if not timedelta(0) < asked.ends_at - asked.starts_at <= LONGEST:
        shown = f"{asked.starts_at.isoformat()} – {asked.ends_at.isoformat()}"
        raise HorizonInvalid("to", shown, limit=LONGEST.days)
    if abs(asked.starts_at - at) > REACH:
        raise TimeFar("from", asked.starts_at.isoformat())
    territory_id = placed(session, by, asked.territory_id)
    asked_by = None if by.is_house else by.mark
    if asked_by:
        locks.in_turn(database, session, "ask")
        _check_quota(session, asked_by, settings)
    row = PlanRow(
        **asked.model_dump(exclude={"territory_id"}),
        territory_id=territory_id,
        state=PlanState.QUEUED,
        created_at=at,
        asked_by=asked_by,
    )
    session.add(row)
    session.flush()
    ledger.note(session, "plan", [row.id], None, PlanState.QUEUED, by.name, at)
    enqueue_solve(database, session, row.id)
    return public(session, row)


def _check_quota(session: Session, asked_by: str, settings: Settings) -> None:
    """Refuse whoever has enough plans under way, and everybody while enough are waiting."""
    under_way = select(func.count()).where(col(PlanRow.state).in_(UNDER_WAY))
    own = session.exec(under_way.where(PlanRow.asked_by == asked_by)).one()
    if own >= settings.solves_each:
        raise SolveQuota("", own, headers=LATER, limit=settings.solves_each, whose="of yours", whose_zh="您的")
    waiting = session.exec(select(func.count()).where(PlanRow.state == PlanState.QUEUED)).one()
    if waiting >= settings.solves_queued:
        raise SolveQuota("", waiting, headers=LATER, limit=settings.solves_queued, whose="of all", whose_zh="全部")


def waits(session: Session, asked: PlanCreate) -> bool:
    """Whether the house has a plan of this period and part in the queue already: it will be made of what is then."""
    same = (
        PlanRow.starts_at == asked.starts_at,
        PlanRow.ends_at == asked.ends_at,
        PlanRow.territory_id == asked.territory_id,  # SQLAlchemy says IS NULL where there is none
        col(PlanRow.asked_by).is_(None),
    )
    return session.exec(select(PlanRow.id).where(PlanRow.state == PlanState.QUEUED, *same)).first() is not None


def cancel(session: Session, plan_id: int, act: Act) -> PlanPublic:
    """A plan under way is not wanted any more: whoever is at it sees that within a second or two."""
    find(session, plan_id, act.by)
    held = select(PlanRow).where(PlanRow.id == plan_id).with_for_update().execution_options(populate_existing=True)
    row = session.exec(held).one()
    if row.state not in UNDER_WAY:
        raise JobFinished("plan_id", row.state)
    was = row.state
    store.move(session, plan_id, was, state=PlanState.CANCELLED, progress=None)
    ledger.note(session, "plan", [plan_id], was, PlanState.CANCELLED, act.by.name, act.at, act.why)
    session.refresh(row)
    return public(session, row)


def find(session: Session, plan_id: int, actor: Actor) -> PlanRow:
    """The plan with this id; NotFound if there is none, or not for this actor."""
    return security.find(session, PlanRow, plan_id, actor, "plan_id")  # type: ignore[no-any-return]


def public(session: Session, row: PlanRow) -> PlanPublic:
    """A plan as far as it has come."""
    result: Mapping[str, Any] = row.result or {}
    figures = {name: result.get(name) for name in ("cost", "terms", "bound", "settled", "gap", "status", "engine")}
    asked = PlanAsk(seconds=row.seconds, gap=row.gap, seed=row.seed)
    period = {"from": row.starts_at, "to": row.ends_at}
    told = PlanPublic(
        id=row.id,
        state=row.state,
        version=row.version,
        territory_id=row.territory_id,
        asked=asked,
        created_at=row.created_at,
        published_at=row.published_at,
        attempts=row.attempts,
        cause=_cause(row),
        progress=row.progress,
        **period,
        **figures,
    )
    if row.result is not None:
        told.assignments = _assignments(session, row)
        told.unserved = _unserved(session, result["unserved"])
        told.served = _served(session, told)
        told.broken_pins = [_pin(entry) for entry in result["broken_pins"]]
    if row.state == PlanState.PROPOSED:
        weighed = {seat.request for seat in told.assignments} | {one.request for one in told.unserved}
        told.changes, told.unchanged = changes(session, row, weighed)
    return told


def _cause(row: PlanRow) -> CausePublic | None:
    if row.cause is None:
        return None
    code, params = row.cause["code"], row.cause["params"]
    return CausePublic(code=code, **{lang: sentence(code, lang, params) for lang in LANGUAGES})


def _assignments(session: Session, row: PlanRow) -> list[AssignmentPublic]:
    found = (
        select(AssignmentRow, RequestRow.label, VolunteerRow.label)
        .join(RequestRow)
        .join(VolunteerRow)
        .where(AssignmentRow.plan_id == row.id)
        .order_by(AssignmentRow.starts_at, AssignmentRow.id)
    )
    return [AssignmentPublic.of(*each) for each in session.exec(found)]


def _unserved(session: Session, entries: list[Mapping[str, Any]]) -> list[UnservedPublic]:
    known = _requests(session, [int(entry["request"]) for entry in entries])
    return [
        UnservedPublic(
            request=int(entry["request"]),
            request_label=known[int(entry["request"])].label,
            priority=known[int(entry["request"])].priority,
            reasons=[{"code": reason["code"], **reason["text"]} for reason in entry["reasons"]],
        )
        for entry in entries
    ]


def _pin(entry: Mapping[str, Any]) -> PinPublic:
    start = datetime.fromisoformat(entry["start"]) if "start" in entry else None
    return PinPublic(
        request=int(entry["request"]), volunteer=int(entry["volunteer"]), seat=entry.get("seat"), start=start
    )


def _served(session: Session, plan: PlanPublic) -> list[ServedPublic]:
    """Of each priority, how many requests are served of how many."""
    rows = _requests(session, {a.request for a in plan.assignments})
    served = Counter(row.priority for row in rows.values())
    asked = served + Counter(one.priority for one in plan.unserved)
    return [ServedPublic(priority=p, served=served[p], requests=asked[p]) for p in PRIORITIES if asked[p]]


def _requests(session: Session, ids: Any) -> dict[int, RequestRow]:
    return {row.id: row for row in session.exec(select(RequestRow).where(RequestRow.id.in_(ids)))}
