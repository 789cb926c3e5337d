"""A wish for a planning round, as a clock due at once: many wishes for a day of one territory are one round."""

from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, func, select

from api import clocks
from api.db import zone
from api.models import ClockRow, GrantRow, RequestRow, TerritoryRow
from api.roles import Role
from api.timing import local_day

DAY, NAME = "day", "round"


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
        try:
            with session.begin_nested():
                clocks.start(session, noun, day, NAME, at, clocks.in_force(session, zone(session)), at)
        except IntegrityError:
            pass  # somebody else has just wished the same


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
