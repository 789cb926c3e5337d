"""A wish for a planning round, as a clock that is due at once: many wishes for one day are one round."""

from datetime import datetime

from sqlmodel import Session, select

from api import clocks
from api.db import zone
from api.models import ClockRow, RequestRow
from api.timing import local_day

NOUN, NAME = "day", "round"

URGENT = "urgent"


def wish(session: Session, request: RequestRow, at: datetime) -> None:
    """Plan the day on which this request can still be served; none when there is no such day."""
    to_come = [window for window in request.windows if window.ends_at > at]
    if not to_come:
        return
    begin, _ = local_day(session, max(at, min(window.starts_at for window in to_come)))
    day = begin.toordinal()
    wished = select(ClockRow.id).where(
        ClockRow.noun == NOUN, ClockRow.noun_id == day, ClockRow.name == NAME, clocks.RUNNING
    )
    if session.exec(wished).first() is None:
        clocks.start(session, NOUN, day, NAME, at, clocks.in_force(session, zone(session)), at)
