"""What is kept of people is kept so long and no longer (LIFECYCLE.md, 2): a clock that winds itself, at night."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import delete
from sqlmodel import Session, col, select

from api import clocks, ledger
from api.db import AFRESH, zone
from api.models import IdempotencyRow, PlanFileRow, PlanRow, RequestRow, SeriesRow
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
    clocks.stop(session, NOUN, 1, NAME, at)
    due = at + timedelta(minutes=1) if more else _next_night(at, ZoneInfo(zone(session)))
    clocks.start_once(session, NOUN, 1, NAME, due, at)


def _next_night(at: datetime, local: ZoneInfo) -> datetime:
    tonight = datetime.combine(at.astimezone(local).date(), AT, local)
    if tonight <= at:
        tonight = datetime.combine(tonight.date() + timedelta(days=1), AT, local)
    return tonight.astimezone(UTC)


def forget(session: Session, now: datetime, days: int) -> bool:
    """Requests closed so long ago lose whose they were and where exactly, as do series that have ended; files of plans
    of that time go. Figures stay as they are. Whether there are more requests than are done at once."""
    before = now - timedelta(days=days)
    more = _requests(session, before, now)
    _series(session, before, now)
    session.execute(
        delete(PlanFileRow).where(col(PlanFileRow.plan_id).in_(select(PlanRow.id).where(PlanRow.ends_at < before)))
    )
    session.execute(delete(IdempotencyRow).where(col(IdempotencyRow.created_at) < now - timedelta(days=KEYS_DAYS)))
    return more


def _requests(session: Session, before: datetime, now: datetime) -> bool:
    old = select(RequestRow).where(
        RequestRow.state == RequestState.CLOSED,
        col(RequestRow.closed_at) < before,
        col(RequestRow.forgotten_at).is_(None),
    )
    old = old.order_by(col(RequestRow.id)).limit(SOME).with_for_update(skip_locked=True)
    rows = session.exec(old, execution_options=AFRESH).all()
    if rows:
        erase(session, rows, CLOCK.name, now, NAME)
    return len(rows) == SOME


def erase(session: Session, rows: Sequence[RequestRow], who: str, now: datetime, why: str) -> None:
    """Nobody can tell any more whose these closed requests were, nor at which door.

    What the office calls them stays, as do reasons in the audit, whose chain bears no edit; so does their place in the
    files of plans, which go when they are old enough.
    """
    for row in rows:
        for name in (*PERSONAL, *IN_WORDS):
            setattr(row, name, None)
        row.at, row.end_at = _about(row.at), row.end_at and _about(row.end_at)
        row.forgotten_at = now
        row.version += 1
    session.flush()
    ids = [int(row.id or 0) for row in rows]
    ledger.note(session, "request", ids, RequestState.CLOSED, RequestState.CLOSED, who, now, why)


def _series(session: Session, before: datetime, now: datetime) -> None:
    """A template is as personal as what is made by it."""
    ended = select(SeriesRow).where(
        SeriesRow.state == SeriesState.ENDED,
        col(SeriesRow.last_day) < before.date(),
        col(SeriesRow.forgotten_at).is_(None),
    )
    for series in session.exec(ended):
        for edition in series.editions:
            was = edition.template
            places = {name: _about(was[name]) for name in ("at", "end_at") if was.get(name) is not None}
            edition.template = {**was, **dict.fromkeys(PERSONAL), **places}
        series.forgotten_at = now


def _about(at: list[float]) -> list[float]:
    return MASKS["at"](at)  # type: ignore[no-any-return]
