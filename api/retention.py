"""What is kept of people is kept so long and no longer (LIFECYCLE.md, 2): a clock that winds itself, at night."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import delete
from sqlmodel import Session, col, or_, select

from api import clocks, ledger
from api.db import zone
from api.models import IdempotencyRow, PlanFileRow, PlanRow, RequestRow, SeriesEditionRow, SeriesRow
from api.models.requests import RequestState
from api.models.series import SeriesState
from api.security import CLOCK
from api.visibility import FIELDS, MASKS, Kind

NAME, NOUN = "retention", "house"

AT = time(3)
"""When nobody waits for anything."""

KEYS_DAYS = 30
"""Whoever says the same thing again so much later means it anew."""

SOME = 500
"""So many requests are forgotten at once."""

PERSONAL = [name for name, kind in FIELDS["request"].items() if kind == Kind.PERSONAL]
IN_WORDS = ["result", "words"]
"""What somebody wrote freely, and may have named anybody in."""


def wind(session: Session, at: datetime, more: bool = False) -> None:
    """Tonight, and not twice; in a minute where there is `more` to do: nobody is to wait behind a long night's work."""
    local = ZoneInfo(zone(session))
    tonight = datetime.combine(at.astimezone(local).date(), AT, local)
    due = tonight if tonight > at else datetime.combine(tonight.date() + timedelta(days=1), AT, local)
    due = at + timedelta(minutes=1) if more else due
    clocks.stop(session, NOUN, 1, NAME, at)
    clocks.start_once(session, NOUN, 1, NAME, due.astimezone(UTC), at)


def forget(session: Session, now: datetime, days: int) -> bool:
    """Requests closed so long ago lose whose they were and where exactly, as do series that have ended; files of plans
    of that time go. Figures stay as they are. Whether there are more requests than are done at once."""
    before = now - timedelta(days=days)
    more = _requests(session, before, now)
    _series(session, before)
    session.execute(
        delete(PlanFileRow).where(col(PlanFileRow.plan_id).in_(select(PlanRow.id).where(PlanRow.ends_at < before)))
    )
    session.execute(delete(IdempotencyRow).where(col(IdempotencyRow.created_at) < now - timedelta(days=KEYS_DAYS)))
    return more


def _requests(session: Session, before: datetime, now: datetime) -> bool:
    fields = [getattr(RequestRow, name) for name in (*PERSONAL, *IN_WORDS)]
    known = or_(*(field.is_not(None) for field in fields))
    old = select(RequestRow).where(RequestRow.state == RequestState.CLOSED, col(RequestRow.closed_at) < before, known)
    rows = session.exec(old.order_by(col(RequestRow.id)).limit(SOME)).all()
    if rows:
        erase(session, rows, CLOCK.name, now, NAME)
    return len(rows) == SOME


def erase(session: Session, rows: Sequence[RequestRow], who: str, now: datetime, why: str) -> None:
    """Nobody can tell any more whose these closed requests were, nor at which door."""
    for row in rows:
        for name in (*PERSONAL, *IN_WORDS):
            setattr(row, name, None)
        row.at, row.end_at = MASKS["at"](row.at), row.end_at and MASKS["end_at"](row.end_at)
        row.version += 1
    session.flush()
    ids = [int(row.id or 0) for row in rows]
    ledger.note(session, "request", ids, RequestState.CLOSED, RequestState.CLOSED, who, now, why)


def _series(session: Session, before: datetime) -> None:
    """A template is as personal as what is made by it."""
    ended = select(SeriesRow.id).where(SeriesRow.state == SeriesState.ENDED, col(SeriesRow.last_day) < before.date())
    for edition in session.exec(select(SeriesEditionRow).where(col(SeriesEditionRow.series_id).in_(ended))):
        edition.template = {**edition.template, **dict.fromkeys(PERSONAL), "at": MASKS["at"](edition.template["at"])}
