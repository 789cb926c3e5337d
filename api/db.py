"""The database: one way in for who reads, one for who writes, on SQLite and PostgreSQL alike."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from api.turns import Turns

WAIT_SECONDS = 5
"""Nobody waits longer than this for a lock or a connection; the answer is then 503."""

CONNECTIONS = 20

AFRESH = {"populate_existing": True}
"""For a statement whose rows are to be as they stand now, whatever was read of them before."""

MORE_ON_SQLITE = 60
"""A writer that waits for its turn holds a connection; whoever only reads is not to wait for one behind them."""


class Database:
    """Engines for one database. Writers are serialised by SQLite, by rows on PostgreSQL; readers see one moment."""

    def __init__(self, url: str, timezone: str = "Asia/Shanghai") -> None:
        self.url, self.timezone = with_driver(url), timezone
        self.is_sqlite = self.url.startswith("sqlite")
        self.engine = _sqlite(self.url) if self.is_sqlite else _postgres(self.url)
        self.reader = self.engine.execution_options(**self._reading())

    def _reading(self) -> dict[str, Any]:
        if self.is_sqlite:
            return {"diandan_reads": True}
        return {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """One transaction that is committed whole at the end, or not at all."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            session.info["zone"] = self.timezone
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """One moment of the database; nothing that is changed in it is kept."""
        with Session(self.reader, expire_on_commit=False, autoflush=False) as session:
            yield session

    def close(self) -> None:
        """Let all connections go."""
        self.engine.dispose()


def zone(session: Session) -> str:
    """The time zone whose calendar this writer goes by."""
    return str(session.info["zone"])


def with_driver(url: str) -> str:
    """The address with the driver we ship: `postgres://` and `postgresql://` mean psycopg."""
    for scheme in ("postgres://", "postgresql://"):
        if url.startswith(scheme):
            return "postgresql+psycopg://" + url.removeprefix(scheme)
    return url


def _postgres(url: str) -> Engine:
    wait = f"-c lock_timeout={WAIT_SECONDS}s -c timezone=UTC"
    return create_engine(
        url,
        pool_size=CONNECTIONS,
        pool_timeout=WAIT_SECONDS,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={"connect_timeout": WAIT_SECONDS - 1, "options": wait},
    )


def _sqlite(url: str) -> Engine:
    file = make_url(url).database
    if file:
        Path(file).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url,
        pool_size=CONNECTIONS,
        max_overflow=MORE_ON_SQLITE,
        pool_timeout=WAIT_SECONDS,
        hide_parameters=True,  # an error that is logged must not tell whose row it was
        connect_args={"timeout": WAIT_SECONDS},
    )
    turns = Turns()
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", partial(_begin, turns))
    event.listen(engine, "checkin", partial(_leave, turns))
    return engine


def _prepare(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, so that tables are made in transactions too
    # Write-ahead logging can lose committed rows below SQLite 3.51.3; a rollback journal cannot.
    connection.execute("PRAGMA journal_mode=TRUNCATE")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


TURN = "turn"


def _begin(turns: Turns, connection: Connection) -> None:
    """A writer takes its turn at once: a reader that turned writer half-way would be refused, not made to wait."""
    if connection.get_execution_options().get("diandan_reads"):
        connection.exec_driver_sql("BEGIN")
        return
    if TURN not in connection.info:
        if not turns.take(WAIT_SECONDS):
            raise OperationalError("BEGIN IMMEDIATE", None, TimeoutError("the turn to write did not come"))
        connection.info[TURN] = True
    connection.exec_driver_sql("BEGIN IMMEDIATE")  # other processes stand in no line of ours


def _leave(turns: Turns, _connection: Any, record: Any) -> None:
    """However a transaction ends, its connection comes back."""
    if record.info.pop(TURN, False):
        turns.leave()
