"""Names that one holds at a time, here or on any machine: a worker's, a service's, the right to publish.

SQLite's are files beside the database, since everybody is on one machine; PostgreSQL keeps them itself.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sqlalchemy import event, text
from sqlalchemy.orm import SessionTransaction
from sqlmodel import Session

from api.db import Database

MINE = "hashtext('diandan'), hashtext(:name)"
NOTICED = {"tcp_keepalives_idle": 20, "tcp_keepalives_interval": 5, "tcp_keepalives_count": 4}
"""A holder whose machine has died is noticed after 40 seconds, and not after the two hours of the system."""

HELD = "locks"
"""Where a session keeps the files it lets go at its end."""


class Taken(Exception):
    """Somebody else holds this; `by` is who, as far as that is known."""

    def __init__(self, by: str) -> None:
        super().__init__(by)
        self.by = by


@contextmanager
def held(database: Database, name: str, patience: float = 0) -> Iterator[None]:
    """Hold a name for as long as this process lives, waiting a while for a former holder to leave."""
    hold = _held_file if database.is_sqlite else _held_in_database
    with hold(database, name, patience):
        yield


def held_to_the_end(database: Database, session: Session, name: str) -> None:
    """Hold a name, at once or Taken, until this transaction has ended, well or not: who comes next sees what it did."""
    if not database.is_sqlite:
        question = text(f"SELECT pg_try_advisory_xact_lock({MINE})")
        if not session.execute(question, {"name": name}).scalar():
            raise Taken(name)
        return
    session.info.setdefault(HELD, ExitStack()).enter_context(_held_file(database, name, 0))


@event.listens_for(Session, "after_transaction_end")
def _let_go(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None and HELD in session.info:
        session.info.pop(HELD).close()


def in_turn(database: Database, session: Session, name: str) -> None:
    """Wait for whoever holds this name to the end; SQLite's writers are one behind the other in any case."""
    if not database.is_sqlite:
        session.execute(text(f"SELECT pg_advisory_xact_lock({MINE})"), {"name": name})


def anybody_works(database: Database) -> bool:
    """Whether a worker of any name is there."""
    if database.is_sqlite:
        file = Path(database.engine.url.database or "")
        return any(_is_locked(lock) for lock in file.parent.glob(f"{file.name}.worker-*.lock"))
    question = text(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        " AND classid = (hashtext('diandan')::bigint & 4294967295)::oid"
    )
    with database.reader.connect() as connection:
        return bool(connection.execute(question).scalar())


def _is_locked(path: Path) -> bool:
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@contextmanager
def _held_file(database: Database, name: str, patience: float) -> Iterator[None]:
    path = Path(f"{database.engine.url.database}.{name}.lock")
    with path.open("a+") as file:

        def take() -> bool:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

        if not _before(patience, take):
            file.seek(0)
            raise Taken(file.read().strip() or name)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


@contextmanager
def _held_in_database(database: Database, name: str, patience: float) -> Iterator[None]:
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.detach()  # the lock ends with this connection, so it must not live on in the pool
        for setting, value in NOTICED.items():
            connection.execute(text(f"SET {setting} = {value}"))
        question = text(f"SELECT pg_try_advisory_lock({MINE})")
        if not _before(patience, lambda: bool(connection.execute(question, {"name": name}).scalar())):
            raise Taken(name)
        yield


def _before(patience: float, take: Callable[[], bool]) -> bool:
    until = time.monotonic() + patience
    while not take():
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True
