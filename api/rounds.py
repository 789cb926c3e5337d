"""A wish for a planning round, as a clock due at once: many wishes for a day of one territory are one round."""

from collections.abc import Sequence
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from sqlalchemy.orm import selectinload
from sqlmodel import Session, col, func, select

from api import clocks
from api.db import zone
from api.models import ClockRow, GrantRow, RequestRow, TerritoryRow
from api.models.requests import RequestState
from api.roles import Role
from api.timing import local_day
from api.workdays import WorkingTime

DAY, NAME = "day", "round"

DAILY = "rounds"
"""The clock that plans whatever waits, at set times."""


def wish(session: Session, request: RequestRow, at: datetime) -> None:
    """Plan the day on which this request can still be served; none when there is no such day."""
    to_come = [window for window in request.windows if window.ends_at > at]
    if not to_come:
        return
    begin, _ = local_day(session, max(at, min(window.starts_at for window in to_come)))
    part = _planned_with(session, request)
    noun, day = DAY if part is None else f"{DAY}@{part}", begin.toordinal()
    wished = select(ClockRow.id).where(
        ClockRow.noun == noun, ClockRow.noun_id == day, ClockRow.name == NAME, clocks.RUNNING
    )
    if session.exec(wished).first() is None:
        clocks.start_once(session, noun, day, NAME, at, at)


def wish_all(session: Session, at: datetime) -> None:
    """A round for every day and territory in which something waits."""
    waiting = (
        select(RequestRow).where(RequestRow.state == RequestState.TRIAGED).options(selectinload(RequestRow.windows))
    )
    for request in session.exec(waiting.order_by("id")):
        wish(session, request, at)


def wind(session: Session, times: Sequence[str], at: datetime) -> None:
    """At the next of these local times on a working day whatever waits is planned; an earlier wish ends."""
    clocks.stop(session, DAILY, 1, DAILY, at)
    if times:
        working = clocks.in_force(session, zone(session)).working
        clocks.start_once(session, DAILY, 1, DAILY, _next(working, times, ZoneInfo(zone(session)), at), at)


def _next(working: WorkingTime, times: Sequence[str], local: ZoneInfo, at: datetime) -> datetime:
    """The next of these times on a working day."""
    today = at.astimezone(local).date()
    day = today if working.is_workday(today) else working.next_workday(today)
    for text in sorted(times):
        moment = datetime.combine(day, time.fromisoformat(text), local).astimezone(UTC)
        if moment > at:
            return moment
    first = time.fromisoformat(min(times))
    return datetime.combine(working.next_workday(day), first, local).astimezone(UTC)


def part_of(clock: ClockRow) -> int | None:
    """The territory that a round is for; None is everywhere."""
    part = clock.noun.partition("@")[2]
    return int(part) if part else None


def _planned_with(session: Session, request: RequestRow) -> int | None:
    """The smallest territory around a request that has a dispatcher of its own: whoever dispatches it sees the plan."""
    if request.territory_id is None:
        return None
    around = session.get_one(TerritoryRow, request.territory_id).above
    dispatched = (
        select(TerritoryRow.id)
        .join(GrantRow)
        .where(col(TerritoryRow.id).in_(around), GrantRow.role == Role.DISPATCHER, col(GrantRow.user_id).is_not(None))
    )
    return session.exec(dispatched.order_by(func.length(TerritoryRow.path).desc()).limit(1)).first()
