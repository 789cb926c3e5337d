"""Who is at work: a worker says so again and again, and counts as gone when it has been silent for too long.

Moments are the database's: machines whose clocks differ do not take each other for dead.
"""

import os
import socket
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func, update
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from api.models import WorkerRow

FORGOTTEN = timedelta(days=1)
"""So long the list shows a worker that went without a word."""


def beat(session: Session, executor_id: str) -> None:
    """This process lives, under this name."""
    now = moment(session)
    this = {"host": socket.gethostname(), "pid": os.getpid()}
    same = (col(WorkerRow.executor_id) == executor_id, *(col(getattr(WorkerRow, k)) == v for k, v in this.items()))
    if session.execute(update(WorkerRow).where(*same).values(seen_at=now)).rowcount != 1:  # type: ignore[attr-defined]
        session.merge(WorkerRow(executor_id=executor_id, **this, started_at=now, seen_at=now))


def leave(session: Session, executor_id: str) -> None:
    """It goes, and says so."""
    session.execute(delete(WorkerRow).where(col(WorkerRow.executor_id) == executor_id))


def forget(session: Session) -> None:
    """Those that went long ago are listed no more."""
    session.execute(delete(WorkerRow).where(col(WorkerRow.seen_at) < moment(session) - FORGOTTEN))


def living(session: Session, silent_seconds: float) -> Sequence[WorkerRow]:
    """Workers heard of lately, by name."""
    since = moment(session) - timedelta(seconds=silent_seconds)
    found = select(WorkerRow).where(col(WorkerRow.seen_at) > since)
    return session.exec(found.order_by(col(WorkerRow.executor_id))).all()


def moment(session: Session) -> datetime:
    """The time, by the clock of the machine the database is on."""
    if session.get_bind().dialect.name == "sqlite":
        return datetime.now(UTC)
    now: datetime = session.execute(columns(func.clock_timestamp())).scalar_one()
    return now
