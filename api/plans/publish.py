"""Publishing: a proposal is judged on the rows as they are, then put in force if nobody moved meanwhile."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from api import ledger, locks
from api.db import Database
from api.errors import ApiError, VolunteerBusy
from api.lifecycle import REQUEST, SEAT
from api.models import AssignmentRow, PlanRow, RequestRow
from api.models.plans import IN_FORCE, AssignmentState, PlanPublic, PlanState
from api.models.requests import RequestState
from api.plans import load, service, store
from api.plans.difference import held_in, what
from api.security import HOUSE, Actor
from api.settings import Settings
from api.settling import settle_all
from api.timing import local_text
from api.transitions import Act, IllegalTransition, StaleVersion, hold, hold_people, move_all
from matcher import Instance, Plan, judge


class PublishInProgress(ApiError):
    """Two publishers at once: the second would only wait to be told that its plan is outdated."""

    status, code = 409, "publish_in_progress"


class PlanOutdated(ApiError):
    status, code = 412, "plan_outdated"


class PlanInvalid(ApiError):
    status, code = 409, "plan_invalid"


class PinsBroken(ApiError):
    status, code = 409, "pins_broken"


UNBEGUN = (AssignmentState.OFFERED, AssignmentState.ACCEPTED)
LET_GO = (*UNBEGUN, AssignmentState.CHECKED_IN)
"""What may be let go, with the dispatcher's reason where it is a promise; what is done stays done."""

PUBLISH_ERRORS = (
    PublishInProgress, IllegalTransition, PlanInvalid, PinsBroken, VolunteerBusy, StaleVersion, PlanOutdated,
)  # fmt: skip


@dataclass(frozen=True)
class Wish:
    """Which plan is to be put in force: the version its reader saw, by whom, when, and why."""

    plan_id: int
    version: int
    by: Actor
    at: datetime
    why: str | None

    @property
    def act(self) -> Act:
        """It as the audit has it."""
        return Act(self.by, self.at, self.why)


def publish(database: Database, session: Session, wish: Wish, settings: Settings) -> PlanPublic:
    """Put a proposed plan in force: its seats become offers."""
    try:
        locks.held_to_the_end(database, session, "publish")
    except locks.Taken:
        raise PublishInProgress("plan_id", wish.plan_id, headers={"Retry-After": "1"}) from None
    with database.reading() as reader:  # ended before anything is written
        seen = ledger.version(reader)
        made_from = _judged(reader, wish, settings)
    hold(session, *{int(one.id) for one in made_from.requests}, *{int(one.request) for one in made_from.published})
    hold_people(session, *_people(session, wish.plan_id), *{int(one.volunteer) for one in made_from.published})
    if ledger.version(session) == seen:
        _put_in_force(session, wish, made_from)
    if not ledger.turn_from(session, seen):  # last, since whoever has the ledger waits for nobody
        raise PlanOutdated("plan_id", wish.plan_id, changed=ledger.version(session) - seen)
    row = service.find(session, wish.plan_id, wish.by)
    session.refresh(row)
    return service.public(session, row)


def _people(session: Session, plan_id: int) -> set[int]:
    seats = select(AssignmentRow.volunteer_id).where(AssignmentRow.plan_id == plan_id)
    return {int(id) for id in session.exec(seats)}


def _judged(session: Session, wish: Wish, settings: Settings) -> Instance:
    """What the plan was made from; refused when it is not proposed, not of this world any more, or breaks a rule."""
    row = service.find(session, wish.plan_id, wish.by)
    if row.version != wish.version:
        raise StaleVersion("If-Match", wish.version, headers={"ETag": f'"{row.version}"'}, current=row.version)
    if row.state != PlanState.PROPOSED:
        raise IllegalTransition("plan", row.state, "publish")
    made_from = load.unpacked(session, wish.plan_id)
    if row.ledger_version != ledger.version(session):
        then = made_from.moment(made_from.now or 0)  # what was too soon then is no change
        changed = _changed(made_from, load.load(session, row, then, settings))
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
    if not store.move(session, wish.plan_id, PlanState.PROPOSED, wish.version, **published):
        raise StaleVersion("If-Match", wish.version, current=row.version)
    ledger.note(
        session, "plan", [wish.plan_id], PlanState.PROPOSED, PlanState.PUBLISHED, wish.by.name, wish.at, wish.why
    )
    _supersede(session, row, wish)
    weighed = {int(entry.request) for entry in made_from.published}
    touched = _carry_on(session, row, wish, weighed)
    fresh = _offer(session, wish)
    _dispatch(session, fresh - touched, wish)
    settle_all(session, touched, wish.act)


def _supersede(session: Session, row: PlanRow, wish: Wish) -> None:
    """Plans in force that meet this period are no longer what is in force.

    A plan of a part leaves the plan of the whole in force: the rest of it holds.
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
        store.move(session, plan_id, PlanState.PUBLISHED, state=PlanState.SUPERSEDED)
    ledger.note(session, "plan", old, PlanState.PUBLISHED, PlanState.SUPERSEDED, wish.by.name, wish.at)


def _carry_on(session: Session, row: PlanRow, wish: Wish, weighed: set[int]) -> set[int]:
    """Seats in force that the plan has too go on under it, whatever their state; the others it weighed are let go.

    A crew with a seat outside the period is none of this plan's business, and stays whole. The requests concerned.
    """
    held = held_in(session, row, weighed, (*IN_FORCE, AssignmentState.DONE))
    proposed = session.exec(select(AssignmentRow).where(AssignmentRow.plan_id == row.id)).all()
    twins = {what(seat): seat for seat in proposed}
    gone: dict[str, list[int]] = {}
    for seat in held:
        twin = twins.get(what(seat))
        if twin is not None:
            seat.plan_id, seat.seat = row.id, twin.seat
            session.delete(twin)
        elif seat.state in LET_GO:
            gone.setdefault(seat.state, []).append(int(seat.id or 0))
    session.flush()
    for state, ids in gone.items():
        move_all(session, SEAT, ids, state, "release" if state in UNBEGUN else "withdraw", wish.act)
    return {seat.request_id for seat in held}


def _offer(session: Session, wish: Wish) -> set[int]:
    """The seats that are new become offers, unless somebody is promised elsewhere; the requests they are of."""
    _refuse_busy(session, wish.plan_id)
    seats = session.exec(
        select(AssignmentRow.id, AssignmentRow.request_id).where(
            AssignmentRow.plan_id == wish.plan_id, AssignmentRow.state == AssignmentState.PROPOSED
        )
    ).all()
    move_all(session, SEAT, [int(id or 0) for id, _ in seats], AssignmentState.PROPOSED, "offer", wish.act)
    return {request for _, request in seats}


def _dispatch(session: Session, ids: set[int], wish: Wish) -> None:
    """Requests nobody was asked for before: all their seats are offered."""
    waiting = session.exec(
        select(RequestRow.id).where(col(RequestRow.id).in_(ids), RequestRow.state == RequestState.TRIAGED)
    ).all()
    dispatched = [int(id or 0) for id in waiting]
    act = Act(HOUSE, wish.at, wish.why)
    move_all(session, REQUEST, dispatched, RequestState.TRIAGED, "dispatch", act, waves=RequestRow.waves + 1)


def _refuse_busy(session: Session, plan_id: int) -> None:
    """Say who is taken by what; the database itself refuses in any case."""
    ours, theirs = AssignmentRow.__table__.alias("ours"), AssignmentRow.__table__.alias("theirs")
    clash = session.execute(
        columns(theirs.c.id, theirs.c.volunteer_id, theirs.c.starts_at, theirs.c.ends_at)
        .join(ours, ours.c.volunteer_id == theirs.c.volunteer_id)
        .where(ours.c.plan_id == plan_id, ours.c.state == AssignmentState.PROPOSED, theirs.c.state.in_(IN_FORCE))
        .where(ours.c.starts_at < theirs.c.ends_at, theirs.c.starts_at < ours.c.ends_at)
    ).first()
    if clash is not None:
        id, volunteer, start, end = clash
        times = {"start": local_text(session, start), "end": local_text(session, end)}
        raise VolunteerBusy("plan_id", plan_id, volunteer=volunteer, other=id, **times)
