"""What clocks do when due: an offer expires, a rating is waited for no more, a day is planned, somebody is told."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from api import clocks, ledger, retention, rounds, transitions
from api.db import AFRESH, Database, zone
from api.jobs.scanner import Handler
from api.lifecycle import REQUEST, SEAT
from api.models import AssignmentRow, ClockRow, OutboxRow, RequestRow
from api.models.plans import AssignmentState, PlanCreate
from api.models.requests import RequestState
from api.plans import service as plans
from api.security import CLOCK
from api.series import service as series
from api.settings import Settings
from api.settling import go_on, settle
from api.timing import CHASED_AT, UNTIL, local_day, wait_for_department
from api.transitions import Act, move


def handlers(database: Database, settings: Settings) -> Mapping[str, Handler]:
    """By the clock's name."""

    def plan_day(session: Session, clock: ClockRow, now: datetime) -> None:
        noon = datetime.fromordinal(clock.noun_id).replace(hour=12, tzinfo=ZoneInfo(zone(session)))
        begin, end = local_day(session, noon)
        day = {"from": begin, "to": end, "seconds": settings.round_seconds, "territory_id": rounds.part_of(clock)}
        asked = PlanCreate.model_validate(day)
        if not plans.waits(session, asked):
            plans.ask(database, session, asked, now, CLOCK, settings)

    def plan_what_waits(session: Session, clock: ClockRow, now: datetime) -> None:
        rounds.wish_all(session, now)
        rounds.wind(session, settings.rounds, now)

    def forget_people(session: Session, clock: ClockRow, now: datetime) -> None:
        retention.wind(session, now, retention.forget(session, now, settings.retention_days))

    late = dict.fromkeys(("T1", "T2", "T3", "T5", "T7"), tell_late)
    other = {
        rounds.NAME: plan_day,
        rounds.DAILY: plan_what_waits,
        retention.NAME: forget_people,
        series.NAME: series.come,
    }
    return {"T4": expire, "T6": lapse, "T8": chase, "T9": forget, UNTIL: come_back, **late, **other}


def alone(clock: ClockRow) -> bool:
    """What the house and series do takes long, or takes other things: nobody's request is held meanwhile."""
    return clock.noun not in (REQUEST.noun, SEAT.noun)


def hold(session: Session, due: Sequence[ClockRow]) -> Mapping[int, object]:
    """Take the requests that these clocks are about, with their seats: by clock, what was taken. What somebody else
    holds is left to them."""
    seats = [clock.noun_id for clock in due if clock.noun == SEAT.noun]
    whose = select(AssignmentRow.id, AssignmentRow.request_id).where(col(AssignmentRow.id).in_(seats))
    of = dict(session.exec(whose).all())
    asked = {clock.noun_id for clock in due if clock.noun == REQUEST.noun}.union(of[id] for id in seats)
    requests = {row.id: row for row in transitions.hold(session, *asked, waiting=False)}
    rows = select(AssignmentRow).where(col(AssignmentRow.id).in_([id for id in seats if of[id] in requests]))
    free = rows.order_by(col(AssignmentRow.id)).with_for_update(skip_locked=True)
    crew = {row.id: (row, requests[row.request_id]) for row in session.exec(free, execution_options=AFRESH)}
    taken: Mapping[str, Mapping[int | None, object]] = {REQUEST.noun: requests, SEAT.noun: crew}
    about = {clock.id: taken[clock.noun].get(clock.noun_id) if clock.noun in taken else clock for clock in due}
    return {id: thing for id, thing in about.items() if thing is not None}


def expire(session: Session, clock: ClockRow, now: datetime) -> None:
    """Nobody has answered in time: the seat is free for somebody else."""
    seat = session.get_one(AssignmentRow, clock.noun_id)
    if seat.state == AssignmentState.OFFERED:
        act = Act(CLOCK, now)
        move(session, SEAT, seat, "expire", act)
        settle(session, session.get_one(RequestRow, seat.request_id), act)
        ledger.turn(session)


def lapse(session: Session, clock: ClockRow, now: datetime) -> None:
    """No rating came, which is not a good one: the clerk calls."""
    request = session.get_one(RequestRow, clock.noun_id)
    if request.state == RequestState.SERVED:
        move(session, REQUEST, request, "lapse", Act(CLOCK, now))


def chase(session: Session, clock: ClockRow, now: datetime) -> None:
    """The department is reminded, and again later."""
    request = session.get_one(RequestRow, clock.noun_id)
    if request.state != RequestState.WAITING or request.waits_until is None:
        return
    tell_late(session, clock, now)
    policy = clocks.policy(session, request.policy_version, zone(session))
    due = wait_for_department(policy, request.waits_until, clock.started_at)
    later = [share for share in CHASED_AT if due.after(clock.started_at, policy.working, share) > clock.due_at]
    if later:
        clocks.start(session, clock.noun, clock.noun_id, "T8", due, policy, clock.started_at, later[0])


def come_back(session: Session, clock: ClockRow, now: datetime) -> None:
    """So long was to be waited: it is the desk's again, where it was."""
    request = session.get_one(RequestRow, clock.noun_id)
    if request.state == RequestState.WAITING:
        if (last := clocks.due_of(session, clock.noun, clock.noun_id, "T8", now)) is not None:
            tell_late(session, last, now)
        go_on(session, request, Act(CLOCK, now))


def forget(session: Session, clock: ClockRow, now: datetime) -> None:
    """It can no longer be reopened; that is all."""


def tell_late(session: Session, clock: ClockRow, now: datetime) -> None:
    """Something should have happened by now."""
    session.add(OutboxRow(at=now, noun=clock.noun, noun_id=clock.noun_id, event=f"{clock.name} due"))
