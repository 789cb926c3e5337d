"""What an operator asks: is the house in order, is the audit whole, keep a backup, put one back."""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import func, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlmodel import col, select

from api import backup, clocks, ledger, presence, schema
from api.db import Database
from api.errors import ApiError, DatabaseAway
from api.models import CalendarDayRow, PlanRow
from api.models.plans import UNDER_WAY
from api.people.commands import KEEPER
from api.settings import Settings
from api.workdays import DayKind
from matcher import InvalidInput

OLDEST_SQLITE = (3, 35, 0)
"""The first with RETURNING."""

NETWORKS = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "fuse.sshfs", "fuse.glusterfs"}
SPARE_BYTES = 2**28
MOST_SKEW_SECONDS = 2.0
LOOKED_BACK = 1000
KERNEL_SECONDS = 20.0


class DatabaseMissing(ApiError):
    code = "database_missing"


class AuditBroken(ApiError):
    code, exit_code = "audit_broken", 1


class SqliteOld(ApiError):
    code = "sqlite_old"


class SqliteJournal(ApiError):
    code = "sqlite_journal"


class FsNotLocal(ApiError):
    code = "fs_not_local"


class DiskLow(ApiError):
    code = "disk_low"


class TimezoneUnknown(ApiError):
    code = "timezone_unknown"


class ClockSkew(ApiError):
    code = "clock_skew"


class CalendarUnknown(ApiError):
    code = "calendar_unknown"


class DateInvalid(ApiError):
    code = "date_invalid"


class KernelsMissing(ApiError):
    code = "kernels_missing"


class WorkerAbsent(ApiError):
    code = "worker_absent"


@contextmanager
def opened(settings: Settings) -> Iterator[Database]:
    """The database of these settings, which must be there: only the service makes one."""
    database = Database(settings.database_url)
    _check_there(database)
    with _answering(database):
        yield database


def _check_there(database: Database) -> None:
    if database.is_sqlite and not backup.sqlite_file(database).exists():
        raise DatabaseMissing("", str(backup.sqlite_file(database)))


@contextmanager
def _answering(database: Database) -> Iterator[None]:
    """It answers, or is away."""
    try:
        yield
    except (OperationalError, PoolTimeout) as error:
        raise DatabaseAway from error
    finally:
        database.close()


def write_backup(settings: Settings, file: Path) -> backup.Manifest:
    """Keep the whole database in one file."""
    with opened(settings) as database, _told_of(file):
        return backup.write(database, file, datetime.now(UTC))


def restore_backup(settings: Settings, file: Path, force: bool) -> backup.Manifest:
    """Put a backup in the place of the database."""
    database = Database(settings.database_url)
    with _answering(database), _told_of(file):
        return backup.restore(database, file, schema.known(), force)


@contextmanager
def _told_of(file: Path) -> Iterator[None]:
    """What the disk refuses, in our words."""
    try:
        yield
    except FileNotFoundError:
        raise InvalidInput("file_missing", str(file), str(file)) from None
    except IsADirectoryError:
        raise InvalidInput("file_directory", str(file), str(file)) from None
    except OSError as error:
        raise InvalidInput("file_unwritable", str(file), error.strerror) from None


def verify_audit(settings: Settings) -> int:
    """How many rows the audit has, when each is as it was written."""
    with opened(settings) as database:
        schema.check(database, schema.wanted())
        return _verified(database)


def _verified(database: Database, last: int | None = None) -> int:
    broken, checked = ledger.verify(database, last)
    if broken is not None:
        raise AuditBroken("", broken)
    return checked


# The working calendar.


def calendar(settings: Settings) -> list[CalendarDayRow]:
    """The days that are not as their weekday says."""
    with opened(settings) as database:
        schema.check(database, schema.wanted())
        with database.reading() as session:
            return list(session.exec(select(CalendarDayRow).order_by(col(CalendarDayRow.day))))


def fill_calendar(settings: Settings, year: int) -> int:
    """Take in a year's holidays and make-up workdays: how many; a day that is there stays as it was edited."""
    with opened(settings) as database:
        schema.check(database, schema.wanted())
        with database.writing() as session:
            taken = clocks.fill_calendar(session, year)
            if taken is None:
                raise CalendarUnknown("", year)
            ledger.note(session, "calendar", [year], None, "filled", KEEPER.name, datetime.now(UTC), f"{taken} days")
            return taken


def edit_day(settings: Settings, said: str, kind: DayKind, note: str | None) -> CalendarDayRow:
    """What this day is from now on, whatever its weekday; clocks that run keep what they are due by."""
    day = _day(said)
    with opened(settings) as database:
        schema.check(database, schema.wanted())
        with database.writing() as session:
            before = session.get(CalendarDayRow, day)
            was = before and before.kind
            row = session.merge(CalendarDayRow(day=day, kind=kind, note=note))
            number = int(f"{day:%Y%m%d}")  # a day has no other id than 20261010
            ledger.note(session, "calendar", [number], was, kind, KEEPER.name, datetime.now(UTC), note)
            return row


def _day(said: str) -> date:
    try:
        return date.fromisoformat(said)
    except ValueError:
        raise DateInvalid("DAY", said) from None


# The doctor.


@dataclass(frozen=True)
class Check:
    """One look at the house: what was looked at, what was found, and what is wrong with it, if anything is."""

    zh: str
    en: str
    found: str
    trouble: ApiError | None = None


Look = Callable[[Settings, Database], str]
LOOKS: list[tuple[str, str, Look]] = []


def look(zh: str, en: str) -> Callable[[Look], Look]:
    """The doctor looks at this too: it returns what it found, or raises what is wrong."""

    def enter(check: Look) -> Look:
        LOOKS.append((zh, en, check))
        return check

    return enter


def examine(settings: Settings) -> Iterator[Check]:
    """Every look in turn; without a database those at it tell of that alone."""
    database = Database(settings.database_url)
    for zh, en, check in LOOKS:
        try:
            yield Check(zh, en, check(settings, database))
        except ApiError as trouble:
            yield Check(zh, en, "", trouble)
            if check is _database:
                break
        except (OperationalError, PoolTimeout):
            yield Check(zh, en, "", DatabaseAway())
    database.close()


@look("求解内核", "solver's kernels")
def _kernels(settings: Settings, database: Database) -> str:
    from matcher import kernels_ready  # with the engine, which nothing else here loads

    if not kernels_ready(KERNEL_SECONDS):
        raise KernelsMissing()
    return "numba"


@look("时区数据", "time zone data")
def _timezone(settings: Settings, database: Database) -> str:
    try:
        return f"{settings.timezone} {datetime.now(ZoneInfo(settings.timezone)):%z}"
    except (ZoneInfoNotFoundError, ValueError):
        raise TimezoneUnknown("", settings.timezone) from None


@look("磁盘空间", "disk space")
def _disk(settings: Settings, database: Database) -> str:
    """Room for a rollback journal and a copy as large as the database."""
    file = backup.sqlite_file(database) if database.is_sqlite else None
    wanted = SPARE_BYTES + (2 * file.stat().st_size if file and file.exists() else 0)
    free = shutil.disk_usage(file.parent if file else tempfile.gettempdir()).free
    if free < wanted:
        raise DiskLow("", _size(free), wanted=_size(wanted))
    return _size(free)


@look("文件系统", "file system")
def _file_system(settings: Settings, database: Database) -> str:
    if not database.is_sqlite:
        return "PostgreSQL"
    kind = file_system(backup.sqlite_file(database).parent)
    if kind in NETWORKS:
        raise FsNotLocal("", kind)
    return kind


@look("数据库", "database")
def _database(settings: Settings, database: Database) -> str:
    _check_there(database)
    with _answering(database):
        return _sqlite(database) if database.is_sqlite else f"PostgreSQL {_scalar(database, 'SHOW server_version')}"


def _sqlite(database: Database) -> str:
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise SqliteOld("", sqlite3.sqlite_version, wanted=".".join(map(str, OLDEST_SQLITE)))
    mode = _scalar(database, "PRAGMA journal_mode")
    if mode not in ("truncate", "delete", "persist"):
        raise SqliteJournal("", mode)
    return f"SQLite {sqlite3.sqlite_version}, {mode}"


@look("数据库结构", "schema")
def _schema(settings: Settings, database: Database) -> str:
    schema.check(database, schema.wanted())
    return schema.wanted()


@look("时钟", "clock")
def _clock(settings: Settings, database: Database) -> str:
    if database.is_sqlite:
        return "SQLite"
    before = datetime.now(UTC)
    theirs = _scalar(database, "SELECT clock_timestamp()")
    skew = abs((theirs - before - (datetime.now(UTC) - before) / 2).total_seconds())
    if skew > MOST_SKEW_SECONDS:
        raise ClockSkew("", round(skew, 1))
    return f"± {skew:.1f} s"


@look("工作进程", "worker")
def _worker(settings: Settings, database: Database) -> str:
    with database.reading() as session:
        waiting = session.exec(select(func.count()).where(col(PlanRow.state).in_(UNDER_WAY))).one()
        alive = [f"{one.executor_id} ({one.host})" for one in presence.living(session, settings.worker_silent_seconds)]
    if alive:
        return f"在岗 alive {', '.join(alive)}; 等待 waiting {waiting}"
    if waiting:
        raise WorkerAbsent("", waiting)
    return "不在岗 none; 等待 waiting 0"


@look("审计", "audit")
def _audit(settings: Settings, database: Database) -> str:
    return f"{_verified(database, LOOKED_BACK):,}"


def _scalar(database: Database, question: str) -> Any:
    with database.reader.connect() as connection:
        return connection.execute(text(question)).scalar_one()


def _size(count: int) -> str:
    return f"{count / 2**30:.1f} GB"


def file_system(folder: Path, mounts: Path = Path("/proc/mounts")) -> str:
    """The kind of file system a folder is on; `?` where that cannot be known."""
    try:
        entries = [line.split(" ")[1:3] for line in mounts.read_text().splitlines()]
    except OSError:
        return "?"
    real = os.path.realpath(folder)
    around = [(len(point), kind) for point, kind in entries if f"{real}/".startswith(f"{point.rstrip('/')}/")]
    return max(around)[1] if around else "?"
