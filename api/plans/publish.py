"""Publishing: a proposal is judged on the rows as they are, then put in force if nobody moved meanwhile."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select as columns
from sqlalchemy import update
from sqlmodel import Session, col, select

from api import ledger
from api.db import Database
from api.errors import ApiError, VolunteerBusy
from api.models import AssignmentRow, PlanRow, RequestRow
from api.models.plans import IN_FORCE, AssignmentState, PlanPublic, PlanState
from api.models.requests import RequestState
from api.plans import load, service
from api.plans.store import move
from api.security import Actor
from matcher import Instance, Plan, judge


class IllegalTransition(ApiError):
    status, code = 409, "transition_illegal"


class StaleVersion(ApiError):
    status, code = 412, "stale_version"


class PlanOutdated(ApiError):
    status, code = 412, "plan_outdated"


class PlanInvalid(ApiError):
    status, code = 409, "plan_invalid"


class PinsBroken(ApiError):
    status, code = 409, "pins_broken"


PUBLISH_ERRORS = (IllegalTransition, PlanInvalid, PinsBroken, VolunteerBusy, StaleVersion, PlanOutdated)


@dataclass(frozen=True)
class Wish:
    """Which plan is to be put in force: the version its reader saw, by whom, when, and why."""

    plan_id: int
    version: int
    by: Actor
    at: datetime
    why: str | None


def publish(database: Database, session: Session, wish: Wish, timezone: str) -> PlanPublic:
    """Put a proposed plan in force: its seats become offers."""
    with database.reading() as reader:  # ended before anything is written
        seen = ledger.version(reader)
        made_from = _judged(reader, wish, timezone)
    if not ledger.turn_from(session, seen):
        raise PlanOutdated("plan_id", wish.plan_id, changed=ledger.version(session) - seen)
    _put_in_force(session, wish, made_from)
    row = service.find(session, wish.plan_id, wish.by)
    session.refresh(row)
    return service.public(session, row)


def _judged(session: Session, wish: Wish, timezone: str) -> Instance:
    """What the plan was made from; refused when it is not proposed, not of this world any more, or breaks a rule."""
    row = service.find(session, wish.plan_id, wish.by)
    if row.version != wish.version:
        raise StaleVersion("If-Match", wish.version, headers={"ETag": f'"{row.version}"'}, current=row.version)
    if row.state != PlanState.PROPOSED:
        raise IllegalTransition("plan_id", row.state)
    made_from = load.unpacked(session, wish.plan_id)
    if row.ledger_version != ledger.version(session):
        changed = _changed(made_from, load.load(session, row, wish.at, timezone))
        if changed:
            raise PlanOutdated("plan_id", wish.plan_id, changed=changed)
    plan = load.plan_of_rows(session, row, made_from)
    _check_rules(made_from, plan, wish)
    if plan.broken_pins and wish.why is None:
        rows = ", ".join(f"{pin.volunteer} ({pin.request})" for pin in plan.broken_pins)
        raise PinsBroken("reason", None, rows=rows)
    return made_from


def _changed(made_from: Instance, now: Instance) -> int:
    """How many things the plan was made from are different now; what has only been added does not matter."""
    people, requests = {v.id: v for v in now.volunteers}, {r.id: r for r in now.requests}
    return (
        sum(people.get(v.id) != v for v in made_from.volunteers)
        + sum(requests.get(r.id) != r for r in made_from.requests)
        + len(set(made_from.published) ^ set(now.published))
        + len(set(made_from.pinned) ^ set(now.pinned))
    )


def _check_rules(made_from: Instance, plan: Plan, wish: Wish) -> None:
    """Every rule at the time of planning, and again now: what was still to come may have passed."""
    now = replace(made_from, now=made_from.minute(wish.at))
    found = [*judge(made_from, plan).violations]
    found += [broken for broken in judge(now, plan).violations if broken.rule != "figures"]
    if found:
        rows = ", ".join(found[0].who)
        raise PlanInvalid("plan_id", wish.plan_id, rule=found[0].rule, rows=rows)


def _put_in_force(session: Session, wish: Wish, made_from: Instance) -> None:
    row = service.find(session, wish.plan_id, wish.by)
    published = {"state": PlanState.PUBLISHED, "published_at": wish.at}
    if not move(session, wish.plan_id, PlanState.PROPOSED, wish.version, **published):
        raise StaleVersion("If-Match", wish.version, current=row.version)
    ledger.note(
        session, "plan", [wish.plan_id], PlanState.PROPOSED, PlanState.PUBLISHED, wish.by.name, wish.at, wish.why
    )
    before = _retire(session, row, wish, {int(entry.request) for entry in made_from.published})
    after = _offer(session, wish)
    _turn_requests(session, after, RequestState.TRIAGED, RequestState.DISPATCHED, wish)
    _turn_requests(session, before - after, RequestState.DISPATCHED, RequestState.TRIAGED, wish)


def _retire(session: Session, row: PlanRow, wish: Wish, weighed: set[int]) -> set[int]:
    """Plans in force that meet this period are superseded, the seats of requests this plan weighed are released.

    A plan of a part leaves the plan of the whole in force: the rest of it holds.
    A crew with a seat outside the period is none of this plan's business, and stays whole. The requests let go.
    """
    old = session.exec(
        select(PlanRow.id).where(
            PlanRow.state == PlanState.PUBLISHED,
            PlanRow.id != row.id,
            PlanRow.starts_at < row.ends_at,
            PlanRow.ends_at > row.starts_at,
            load.inside(PlanRow.territory_id, load.path_of(session, row)),
        )
    ).all()
    for plan_id in old:
        move(session, plan_id, PlanState.PUBLISHED, state=PlanState.SUPERSEDED)
    ledger.note(session, "plan", old, PlanState.PUBLISHED, PlanState.SUPERSEDED, wish.by.name, wish.at)
    seats = session.exec(
        select(AssignmentRow.id, AssignmentRow.request_id, AssignmentRow.state).where(
            col(AssignmentRow.state).in_(IN_FORCE),
            AssignmentRow.starts_at >= row.starts_at,
            AssignmentRow.starts_at <= row.ends_at,
        )
    ).all()
    held = [seat for seat in seats if seat.request_id in weighed]
    for state in IN_FORCE:
        ids = [seat.id for seat in held if seat.state == state]
        _turn_seats(session, ids, state, AssignmentState.RELEASED, wish)
    return {seat.request_id for seat in held}


def _offer(session: Session, wish: Wish) -> set[int]:
    """The seats of the new plan become offers, unless somebody is promised elsewhere."""
    _refuse_busy(session, wish.plan_id)
    seats = session.exec(
        select(AssignmentRow.id, AssignmentRow.request_id).where(AssignmentRow.plan_id == wish.plan_id)
    ).all()
    _turn_seats(session, [id for id, _ in seats], AssignmentState.PROPOSED, AssignmentState.OFFERED, wish)
    return {request for _, request in seats}


def _refuse_busy(session: Session, plan_id: int) -> None:
    """Say who is taken by what; the database itself refuses in any case."""
    ours, theirs = AssignmentRow.__table__.alias("ours"), AssignmentRow.__table__.alias("theirs")
    clash = session.execute(
        columns(theirs.c.id, theirs.c.volunteer_id, theirs.c.starts_at, theirs.c.ends_at)
        .join(ours, ours.c.volunteer_id == theirs.c.volunteer_id)
        .where(ours.c.plan_id == plan_id, theirs.c.state.in_(IN_FORCE))
        .where(ours.c.starts_at < theirs.c.ends_at, theirs.c.starts_at < ours.c.ends_at)
    ).first()
    if clash is not None:
        id, volunteer, start, end = clash
        times = {"start": start.isoformat(), "end": end.isoformat()}
        raise VolunteerBusy("plan_id", plan_id, volunteer=volunteer, other=id, **times)


def _turn_seats(session: Session, ids: Sequence[int], from_state: str, to_state: str, wish: Wish) -> None:
    for some in _batches(ids):
        change = update(AssignmentRow).where(col(AssignmentRow.id).in_(some), col(AssignmentRow.state) == from_state)
        done = session.execute(change.values(state=to_state, version=AssignmentRow.version + 1)).rowcount
        if done != len(some):
            raise PlanOutdated("plan_id", wish.plan_id, changed=len(some) - done)
    ledger.note(session, "assignment", ids, from_state, to_state, wish.by.name, wish.at, wish.why)


def _turn_requests(session: Session, ids: set[int], from_state: str, to_state: str, wish: Wish) -> None:
    turned: list[int] = []
    for some in _batches(sorted(ids)):
        change = update(RequestRow).where(col(RequestRow.id).in_(some), col(RequestRow.state) == from_state)
        change = change.values(state=to_state, version=RequestRow.version + 1).returning(col(RequestRow.id))
        turned += session.execute(change).scalars()
    ledger.note(session, "request", turned, from_state, to_state, wish.by.name, wish.at)


def _batches(ids: Sequence[int], size: int = 500) -> list[Sequence[int]]:
    return [ids[i : i + size] for i in range(0, len(ids), size)]
