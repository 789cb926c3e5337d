"""A backup: the whole database as of one moment in one file, which shows by itself whether it is still whole.

Three lines, then the database: the format, the SHA-256 of all that follows, the manifest (JSON). The database is a
SQLite file or what pg_dump writes in its custom format, so `tail -n +4 FILE` is enough where this program is lost.
"""

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, create_engine, inspect, make_url, text
from sqlalchemy.exc import DatabaseError

from api import locks
from api.db import WAIT_SECONDS, Database
from api.errors import ApiError

FORMAT = b"diandan-backup/1\n"
PIECE = 2**20
QUEUE_TABLES = {"application_versions", "dbos_migrations", "queues"}
FILLED_FROM_THE_FIRST = {"alembic_version", "audit_head", "ledger", *QUEUE_TABLES, "policies"}
"""Tables with rows in them before anybody has entered anything."""


class BackupBroken(ApiError):
    code = "backup_broken"


class BackupNewer(ApiError):
    code = "backup_newer"


class BackupKind(ApiError):
    code = "backup_kind"


class FileTaken(ApiError):
    code = "file_taken"


class DatabaseNotEmpty(ApiError):
    code = "database_not_empty"


class DatabaseCorrupt(ApiError):
    code = "database_corrupt"


class DatabaseInUse(ApiError):
    code = "database_in_use"


class ToolMissing(ApiError):
    code = "tool_missing"


class ToolFailed(ApiError):
    code = "tool_failed"


@dataclass(frozen=True)
class Manifest:
    """What a backup holds: of which kind and schema, how many rows of each table, and where its audit ends."""

    made_at: str
    kind: str
    schema: str | None
    rows: dict[str, int]
    audit: dict[str, Any] | None


def write(database: Database, file: Path, at: datetime) -> Manifest:
    """Write a backup while others go on writing; the file is there whole, or not at all."""
    if file.exists() and not _is_ours(file):
        raise FileTaken(str(file))
    file.parent.mkdir(parents=True, exist_ok=True)
    copy = _copy_sqlite if database.is_sqlite else _dump_postgres
    with tempfile.TemporaryDirectory(prefix=f".{file.name}-", dir=file.parent) as folder:
        payload, whole = Path(folder, "database"), Path(folder, "backup")
        manifest = copy(database, payload, at)
        _seal(whole, manifest, payload)
        whole.replace(file)
    return manifest


def read(file: Path) -> Manifest:
    """What the backup says of itself, after every byte of it was looked at."""
    with _opened(file) as (manifest, _):
        return manifest


def restore(database: Database, file: Path, known: Collection[str], force: bool = False) -> Manifest:
    """Put the backup in the place of this database: wholly, or the database stays as it is."""
    with _opened(file) as (manifest, stream):
        if manifest.kind != _kind(database):
            raise BackupKind(str(file), manifest.kind, wanted=_kind(database))
        if manifest.schema not in known:
            raise BackupNewer(str(file), manifest.schema)
        put_back = _restore_sqlite if database.is_sqlite else _restore_postgres
        with tempfile.TemporaryDirectory(prefix=".diandan-restore-", dir=_folder(database)) as folder:
            payload = Path(folder, "database")
            with payload.open("wb") as out:
                shutil.copyfileobj(stream, out, PIECE)
            put_back(database, payload, force)
    return manifest


def facts(connection: Connection, kind: str, at: datetime) -> Manifest:
    """The manifest of the database as this connection sees it."""
    tables = inspect(connection).get_table_names()
    rows = {name: connection.execute(text(f'SELECT count(*) FROM "{name}"')).scalar_one() for name in sorted(tables)}
    audit = None
    if "audit_head" in tables:
        audit = dict(connection.execute(text("SELECT seq, hash FROM audit_head")).mappings().one())
    schema = MigrationContext.configure(connection).get_current_revision()
    return Manifest(at.astimezone(UTC).isoformat(timespec="seconds"), kind, schema, rows, audit)


def _kind(database: Database) -> str:
    return "sqlite" if database.is_sqlite else "postgresql"


def _folder(database: Database) -> Path | None:
    """Where there is room for a second copy: beside the SQLite file, else where temporary files go."""
    return sqlite_file(database).parent if database.is_sqlite else None


def sqlite_file(database: Database) -> Path:
    """The file of a SQLite database."""
    return Path(database.engine.url.database or "").absolute()


# The file.


def _is_ours(file: Path) -> bool:
    with file.open("rb") as stream:
        return stream.read(len(FORMAT)) == FORMAT


def _seal(whole: Path, manifest: Manifest, payload: Path) -> None:
    told = json.dumps(asdict(manifest), ensure_ascii=False).encode() + b"\n"
    with payload.open("rb") as stream:
        digest = _digest(stream, hashlib.sha256(told))
    with open(os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out, payload.open("rb") as stream:
        out.write(FORMAT + digest.encode() + b"\n" + told)
        shutil.copyfileobj(stream, out, PIECE)
        out.flush()
        os.fsync(out.fileno())


@contextmanager
def _opened(file: Path) -> Iterator[tuple[Manifest, BinaryIO]]:
    """The manifest, and the stream where the database begins."""
    with file.open("rb") as stream:
        if stream.readline(len(FORMAT)) != FORMAT:
            raise BackupBroken(str(file))
        seal = stream.readline(65)
        begin = stream.tell()
        if not _fits(seal, stream):
            raise BackupBroken(str(file))
        stream.seek(begin)
        yield Manifest(**json.loads(stream.readline())), stream


def _fits(seal: bytes, stream: BinaryIO) -> bool:
    return seal == _digest(stream, hashlib.sha256()).encode() + b"\n"


def _digest(stream: BinaryIO, begun: Any) -> str:
    """Of what was hashed already and all that follows in the stream."""
    while piece := stream.read(PIECE):
        begun.update(piece)
    return str(begun.hexdigest())


# SQLite.


def _copy_sqlite(database: Database, payload: Path, at: datetime) -> Manifest:
    """In one step: taken in several, the copy would begin again with every write of others, and might never end."""
    try:
        with closing(_connect(sqlite_file(database))) as source, closing(sqlite3.connect(payload)) as target:
            source.backup(target)
            found = target.execute("PRAGMA integrity_check").fetchone()[0]
    except sqlite3.DatabaseError as error:
        found = str(error)
    if found != "ok":
        raise DatabaseCorrupt("", found.splitlines()[0])
    engine = create_engine(f"sqlite:///{payload}")
    with engine.connect() as connection:
        manifest = facts(connection, "sqlite", at)
    engine.dispose()
    return manifest


def _connect(file: Path) -> sqlite3.Connection:
    """A file that is there."""
    return sqlite3.connect(f"{file.as_uri()}?mode=rw", uri=True, timeout=WAIT_SECONDS, isolation_level=None)


def _restore_sqlite(database: Database, payload: Path, force: bool) -> None:
    """Into the file itself, in one transaction: a kill leaves what was there, and nobody holds a file that is gone."""
    with _alone(database):
        file = sqlite_file(database)
        if file.exists():
            _check_replaceable(database, force)
        try:
            with closing(sqlite3.connect(payload)) as source, closing(_target(file)) as target:
                source.backup(target)
        except sqlite3.DatabaseError as error:
            raise ToolFailed("", "SQLite", said=str(error)) from error


@contextmanager
def _alone(database: Database) -> Iterator[None]:
    """No service and no worker is at this file."""
    try:
        with locks.held(database, "serve"):
            if locks.anybody_works(database):
                raise DatabaseInUse()
            yield
    except locks.Taken:
        raise DatabaseInUse() from None


def _check_replaceable(database: Database, force: bool) -> None:
    """Nothing is lost, or it is wished."""
    try:
        with database.reader.connect() as connection:
            rows = facts(connection, _kind(database), datetime.now(UTC)).rows
    except DatabaseError:
        if not database.is_sqlite:
            raise
        rows = {"?": 1}  # no database any more, so nobody knows what is lost
    finally:
        database.close()
    filled = sum(rows[name] for name in rows.keys() - FILLED_FROM_THE_FIRST)
    if filled and not force:
        raise DatabaseNotEmpty("", filled)


def _target(file: Path) -> sqlite3.Connection:
    """The database to be replaced; what is no database any more is moved aside."""
    try:
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA schema_version")
    except sqlite3.DatabaseError:
        file.replace(file.with_name(f"{file.name}.unreadable"))
    return sqlite3.connect(file)


# PostgreSQL.


def _dump_postgres(database: Database, payload: Path, at: datetime) -> Manifest:
    """The manifest is of the very moment that pg_dump sees."""
    with database.reader.connect() as connection:
        manifest = facts(connection, "postgresql", at)
        moment = connection.execute(text("SELECT pg_export_snapshot()")).scalar_one()
        options = ("--format=custom", "--no-owner", "--no-privileges", f"--snapshot={moment}")
        _run(database, "pg_dump", *options, f"--file={payload}")
    return manifest


EMPTY = ("DROP SCHEMA IF EXISTS dbos CASCADE", "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")


def _restore_postgres(database: Database, payload: Path, force: bool) -> None:
    """In one transaction of psql's."""
    _check_replaceable(database, force)
    _check_unused(database)
    script = payload.with_suffix(".sql")
    _run(None, "pg_restore", "--no-owner", "--no-privileges", f"--file={script}", str(payload))
    options = ["--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1"]
    _run(database, "psql", *options, *(f"--command={statement}" for statement in EMPTY), f"--file={script}")


def _check_unused(database: Database) -> None:
    others = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    with database.reader.connect() as connection:
        count = connection.execute(others).scalar_one()
    database.close()
    if count:
        raise DatabaseInUse()


def _run(database: Database | None, program: str, *arguments: str) -> None:
    """One of PostgreSQL's own programs; the password goes by the environment, where other users do not see it."""
    found = shutil.which(program)
    if found is None:
        raise ToolMissing("", program)
    environment, where = dict(os.environ), []
    if database is not None:
        url = make_url(database.url).set(drivername="postgresql")
        environment |= {"PGPASSWORD": url.password} if url.password else {}
        where = [f"--dbname={url._replace(password=None).render_as_string()}"]
    done = subprocess.run(
        [found, *where, *arguments], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode:
        said = (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1]
        raise ToolFailed("", program, said=said)
