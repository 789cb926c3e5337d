"""The clocks T1 to T9 (LIFECYCLE.md, 1), all in the caller's transaction: started, stopped, paused, fired once."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import chinese_calendar
from sqlalchemy import ColumnElement, and_, func, tuple_, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from api import db
from api.models import CalendarDayRow, ClockRow, PolicyRow
from api.workdays import MINUTE, DayKind, Duration, Unit, WorkingTime, span

RUNNING = and_(col(ClockRow.stopped_at).is_(None), col(ClockRow.fired_at).is_(None))
TICKING = and_(RUNNING, col(ClockRow.paused_at).is_(None))


@dataclass(frozen=True)
class Policy:
    """How long everything may take, on which calendar; a request keeps the version it came under."""

    version: int
    durations: Mapping[str, Mapping[str, Duration]]
    """By clock and class: `durations["T4"]["urgent"]`; where a clock has one class, it is `any`."""

    working: WorkingTime


def in_force(session: Session, zone: str) -> Policy:
    """The newest policy: what comes in now carries its version."""
    newest = session.exec(select(func.max(PolicyRow.version))).one()
    return policy(session, newest, zone)


def policy(session: Session, version: int, zone: str) -> Policy:
    """The policy something came under, on the calendar as it is now, read once in a session."""
    known: dict[tuple[int, str], Policy] = session.info.setdefault("policies", {})
    if (version, zone) not in known:
        known[version, zone] = _read(session, session.get_one(PolicyRow, version), zone)
    return known[version, zone]


def _read(session: Session, row: PolicyRow, zone: str) -> Policy:
    days = {day: DayKind(kind) for day, kind in session.exec(select(CalendarDayRow.day, CalendarDayRow.kind))}
    working = WorkingTime(zone, [span(text) for text in row.settings["hours"]], days)
    return Policy(row.version, durations(row.settings["durations"]), working)  # type: ignore[arg-type]


def durations(settings: Mapping[str, Any]) -> dict[str, dict[str, Duration]]:
    """`{"T4": {"urgent": {"minutes": 10}}}`, read; nonsense is refused with its value."""
    return {name: {kind: _duration(said) for kind, said in kinds.items()} for name, kinds in settings.items()}


def _duration(said: Mapping[str, int]) -> Duration:
    [(unit, amount)] = said.items()
    return Duration(Unit(unit), amount)


def start(
    session: Session,
    noun: str,
    noun_id: int,
    name: str,
    due: datetime | Duration,
    policy: Policy,
    at: datetime,
    share: float = 1,
) -> ClockRow:
    """A clock of this thing runs from now until a moment, or for a duration or a share of it. The database refuses a
    second one of the same name beside it."""
    clock = ClockRow(
        noun=noun,
        noun_id=noun_id,
        name=name,
        policy_version=policy.version,
        opening=isinstance(due, Duration) and due.opening,
        started_at=at,
        due_at=due.after(at, policy.working, share) if isinstance(due, Duration) else due,
        share=share,
    )
    session.add(clock)
    session.flush()
    return clock


def start_once(session: Session, noun: str, noun_id: int, name: str, due: datetime, at: datetime) -> None:
    """A clock of the house's own: somebody else may start the same at this moment; then theirs will do."""
    with suppress(IntegrityError), session.begin_nested():
        start(session, noun, noun_id, name, due, in_force(session, db.zone(session)), at)


def stop(session: Session, noun: str, noun_id: int, name: str | None, at: datetime) -> int:
    """What it waited for has come: the clock (or, without a name, every clock of this thing) never fires. How many
    were running."""
    change = update(ClockRow).where(_of(noun, noun_id, name), RUNNING).values(stopped_at=at)
    return session.execute(change).rowcount  # type: ignore[attr-defined,no-any-return]


def stop_all(session: Session, noun: str, ids: Sequence[int], names: Sequence[str], at: datetime) -> None:
    """The clocks of these names stop, of all these things at once."""
    if names:
        these = and_(col(ClockRow.noun) == noun, col(ClockRow.noun_id).in_(ids), col(ClockRow.name).in_(names))
        session.execute(update(ClockRow).where(these, RUNNING).values(stopped_at=at))


def is_running(session: Session, noun: str, noun_id: int, name: str) -> bool:
    """Whether this thing has such a clock, ticking or paused."""
    return session.exec(select(ClockRow.id).where(_of(noun, noun_id, name), RUNNING)).first() is not None


def change(
    session: Session, noun: str, noun_id: int, name: str, duration: Duration, policy: Policy, at: datetime
) -> None:
    """The clock has another duration, as if from its start; one that has fired runs again, if it is due later now. One
    that was stopped, and none at all, stay so."""
    clocks = _locked(session, _of(noun, noun_id, name))
    if not clocks or clocks[-1].stopped_at is not None:
        return
    clock = clocks[-1]
    due = duration.after(clock.started_at + clock.waited_minutes * MINUTE, policy.working, clock.share)
    if clock.fired_at is None:
        clock.due_at, clock.opening = due, duration.opening
        if clock.paused_at is not None:
            clock.left_minutes = _left(session, clock, policy.working.zone, clock.paused_at)
    elif due > at:
        again = start(session, noun, noun_id, name, due, policy, clock.started_at, clock.share)
        again.opening, again.waited_minutes = duration.opening, clock.waited_minutes
    session.flush()


def pause(session: Session, noun: str, noun_id: int, name: str | None, zone: str, at: datetime) -> int:
    """The clock (or every clock of this thing) stands still and keeps what is left. How many were ticking."""
    clocks = _locked(session, and_(_of(noun, noun_id, name), TICKING))
    for clock in clocks:
        clock.left_minutes = _left(session, clock, zone, at)
        clock.paused_at = at
    session.flush()
    return len(clocks)


def resume(session: Session, noun: str, noun_id: int, name: str | None, zone: str, at: datetime) -> int:
    """The clock (or every clock of this thing) goes on, due when what was left is over. How many were paused."""
    clocks = _locked(session, and_(_of(noun, noun_id, name), RUNNING, col(ClockRow.paused_at).is_not(None)))
    for clock in clocks:
        clock.due_at = _due(session, clock, zone, at)
        clock.waited_minutes += (at - clock.paused_at) / MINUTE
        clock.left_minutes = clock.paused_at = None
    session.flush()
    return len(clocks)


def _left(session: Session, clock: ClockRow, zone: str, at: datetime) -> float:
    if clock.opening:
        return policy(session, clock.policy_version, zone).working.minutes_between(at, clock.due_at)
    return max(0.0, (clock.due_at - at) / MINUTE)


def _due(session: Session, clock: ClockRow, zone: str, at: datetime) -> datetime:
    left = clock.left_minutes or 0.0
    if clock.opening:
        return policy(session, clock.policy_version, zone).working.add(at, left)
    return at + left * MINUTE


def _of(noun: str, noun_id: int, name: str | None) -> ColumnElement[bool]:
    of = and_(col(ClockRow.noun) == noun, col(ClockRow.noun_id) == noun_id)
    return of if name is None else and_(of, col(ClockRow.name) == name)


def _locked(session: Session, which: ColumnElement[bool]) -> list[ClockRow]:
    """As they are now, and nobody changes them before this transaction ends."""
    rows = select(ClockRow).where(which).order_by(col(ClockRow.id)).with_for_update()
    return list(session.exec(rows, execution_options=db.AFRESH))


def due_of(session: Session, noun: str, noun_id: int, name: str, now: datetime) -> ClockRow | None:
    """This clock of this thing, if its time has come and it has not fired yet."""
    return session.exec(select(ClockRow).where(_of(noun, noun_id, name), TICKING, col(ClockRow.due_at) <= now)).first()


def due(session: Session, now: datetime, most: int, after: ClockRow | None = None) -> list[ClockRow]:
    """Clocks whose time has come, oldest first, so many at most, going on after one of them."""
    rows = select(ClockRow).where(TICKING, col(ClockRow.due_at) <= now)
    if after is not None:
        rows = rows.where(tuple_(col(ClockRow.due_at), col(ClockRow.id)) > (after.due_at, after.id))
    return list(session.exec(rows.order_by(col(ClockRow.due_at), col(ClockRow.id)).limit(most)))


def fire(session: Session, clock_id: int, now: datetime) -> ClockRow | None:
    """Claim a clock: it is given to one caller alone, while it is due and neither stopped nor paused."""
    change = update(ClockRow).where(col(ClockRow.id) == clock_id, TICKING, col(ClockRow.due_at) <= now)
    claimed = change.values(fired_at=now).returning(ClockRow)
    return session.scalars(claimed, execution_options=db.AFRESH).first()


def fill_calendar(session: Session, year: int) -> int | None:
    """Take a year's holidays and make-up workdays into the calendar; a day that is there stays as it was edited. How
    many were taken in; None when the installed `chinesecalendar` does not know the year yet."""
    known = {
        day: (kind, name)
        for kind, days in ((DayKind.REST, chinese_calendar.holidays), (DayKind.WORK, chinese_calendar.workdays))
        for day, name in days.items()
        if day.year == year
    }
    if not known:
        return None
    period = col(CalendarDayRow.day).between(date(year, 1, 1), date(year, 12, 31))
    there = set(session.exec(select(col(CalendarDayRow.day)).where(period)))
    rows = [
        CalendarDayRow(day=day, kind=kind, note=chinese_calendar.Holiday(name).chinese)
        for day, (kind, name) in sorted(known.items())
        if day not in there
    ]
    session.add_all(rows)
    session.flush()
    session.info.pop("policies", None)
    return len(rows)
