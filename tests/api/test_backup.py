"""P16: a backup restores to a working system, and a broken one is noticed."""

import hashlib
import multiprocessing
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from api import backup, ledger, locks, schema
from api.app import create_app
from api.db import Database
from api.models import RequestRow
from api.serving import answering, listening
from tests.api.desk import NOW, Desk, migrated, request, volunteer
from tests.api.test_audit_chain import at_first_schema
from tests.samples import sample


def ask(database: Database, rounds: int = 1) -> None:
    """So many requests, each with its turn of the ledger and its audit row."""
    for _ in range(rounds):
        with database.writing() as session:
            row = RequestRow(at=[108.94, 34.265], minutes=30, seats=[], state="triaged", created_at=NOW)
            session.add(row)
            session.flush()
            ledger.turn(session)
            ledger.note(session, "request", [row.id], None, "triaged", "desk", NOW)


@contextmanager
def busy(database: Database) -> Iterator[None]:
    """Somebody writes all the while."""
    leaving = threading.Event()

    def write() -> None:
        while not leaving.is_set():
            ask(database)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        leaving.set()
        writer.join()


def told(database: Database) -> backup.Manifest:
    with database.reader.connect() as connection:
        return backup.facts(connection, "sqlite" if database.is_sqlite else "postgresql", NOW)


def sound(database: Database) -> None:
    """What holds at every moment of a service: each request has its turn and its audit row, and the chain is whole."""
    rows = told(database).rows
    with database.reading() as session:
        assert ledger.version(session) == rows["requests"] == rows["audit"]
    assert ledger.verify(database) == (None, rows["audit"])


@pytest.mark.prove("backup")
def test_a_backup_made_during_writes_restores_elsewhere(database, elsewhere, tmp_path):
    ask(database, 20)
    for n in range(sample("backup", 2, 20)):
        with busy(database):
            time.sleep(0.05 * n)
            manifest = backup.write(database, tmp_path / "kept", NOW)
        assert backup.restore(elsewhere, tmp_path / "kept", schema.known(), force=n > 0) == manifest
        assert told(elsewhere) == manifest
        sound(elsewhere)
    assert told(database).rows["requests"] >= manifest.rows["requests"] > 20


def test_what_is_restored_goes_on_working(desk, elsewhere, settings, tmp_path):
    """Put in, planned and published, as if nothing had been."""
    desk.enter("/v1/volunteers", volunteer())
    first = desk.enter("/v1/requests", request())
    backup.write(desk.database, tmp_path / "kept", NOW)
    backup.restore(elsewhere, tmp_path / "kept", schema.known())
    schema.migrate(elsewhere)
    moved = settings.model_copy(update={"database_url": elsewhere.url})
    with listening(moved, False) as listener, answering(create_app(moved), listener):
        there = Desk.at(listener, elsewhere, moved)
        there.keys = desk.keys  # those of before are known there
        second = there.enter("/v1/requests", request("10:00", "11:00"))
        where = there.proposal()
        assert {seat["request"] for seat in there.get(where)["assignments"]} == {first, second}
        there.publish(where).raise_for_status()
    assert ledger.verify(elsewhere)[0] is None


@pytest.fixture(scope="module")
def kept(tmp_path_factory) -> Path:
    """A small backup."""
    folder = tmp_path_factory.mktemp("backup")
    database = migrated(f"sqlite:///{folder / 'diandan.db'}")
    ask(database, 3)
    backup.write(database, folder / "kept", NOW)
    database.close()
    return folder / "kept"


def sabotage(monkeypatch) -> None:
    """`DIANDAN_SABOTAGE=seal_not_read`: any seal fits; `restore_by_copy`: the file is written over, piece by piece."""
    switch = os.environ.get("DIANDAN_SABOTAGE")
    if switch == "seal_not_read":
        monkeypatch.setattr(backup, "_fits", lambda *_: True)
    if switch == "restore_by_copy":
        monkeypatch.setattr(backup, "_restore_sqlite", copy_over)


def copy_over(database: Database, payload: Path, force: bool) -> None:
    with payload.open("rb") as source, backup.sqlite_file(database).open("wb", buffering=0) as target:
        while piece := source.read(4096):
            target.write(piece)
            time.sleep(0.001)


def unnoticed(kept: Path, file: Path, rounds: int) -> int:
    """How many changes of a single bit, or of the length, a reader does not see."""
    luck, whole, missed = Random(5), kept.read_bytes(), 0
    for n in range(rounds):
        spoiled = bytearray(whole)
        place = luck.randrange(len(spoiled)) if n % 3 else luck.randrange(400)
        if n % 10 == 9:
            spoiled = spoiled[:place]
        else:
            spoiled[place] ^= 1 << luck.randrange(8)
        file.write_bytes(spoiled)
        try:
            backup.read(file)
            missed += 1
        except backup.BackupBroken:
            pass
        except (ValueError, TypeError):  # it stumbles over the manifest, which is luck
            missed += 1
    return missed


@pytest.mark.prove("backup")
def test_a_flipped_bit_is_noticed(kept, tmp_path, monkeypatch, record_property):
    sabotage(monkeypatch)
    rounds = 50 * sample("backup", 2, 20)
    record_property("sample", f"{rounds:,}")
    assert backup.read(kept).rows["requests"] == 3
    assert unnoticed(kept, tmp_path / "spoiled", rounds) == 0


def test_without_the_seal_it_would_not_be(kept, tmp_path, monkeypatch):
    monkeypatch.setenv("DIANDAN_SABOTAGE", "seal_not_read")
    sabotage(monkeypatch)
    assert unnoticed(kept, tmp_path / "spoiled", 100) > 50


def sealed(file: Path, **more: object) -> None:
    """A backup that is whole, of rubbish."""
    payload = file.with_suffix(".payload")
    payload.write_bytes(b"rubbish")
    manifest = {"made_at": "2030", "kind": "sqlite", "schema": schema.wanted(), "rows": {}, "audit": None}
    file.unlink(missing_ok=True)
    backup._seal(file, backup.Manifest(**{**manifest, **more}), payload)


def test_a_restore_that_cannot_be_leaves_what_was_there(database, tmp_path):
    """Newer, of the other kind, rubbish in a whole seal, and a database with rows."""
    ask(database, 2)
    before, file = told(database), tmp_path / "kept"
    kind, other = ("sqlite", "postgresql") if database.is_sqlite else ("postgresql", "sqlite")
    for more, refusal in (
        ({"kind": kind, "schema": "9999"}, backup.BackupNewer),
        ({"kind": other}, backup.BackupKind),
        ({"kind": kind}, backup.ToolFailed),
    ):
        sealed(file, **more)
        with pytest.raises(refusal):
            backup.restore(database, file, schema.known(), force=True)
        assert told(database) == before
    backup.write(database, tmp_path / "whole", NOW)
    with pytest.raises(backup.DatabaseNotEmpty) as refused:
        backup.restore(database, tmp_path / "whole", schema.known())
    assert refused.value.value == 4
    assert told(database) == before


def test_force_replaces(database, tmp_path):
    ask(database, 2)
    before = backup.write(database, tmp_path / "kept", NOW)
    ask(database, 3)
    backup.restore(database, tmp_path / "kept", schema.known(), force=True)
    assert told(database) == before
    ask(database)
    sound(database)


def test_a_new_database_counts_as_empty(database, elsewhere, tmp_path):
    ask(database)
    schema.migrate(elsewhere)
    backup.write(database, tmp_path / "kept", NOW)
    backup.restore(elsewhere, tmp_path / "kept", schema.known())
    sound(elsewhere)


@pytest.mark.parametrize("name", ["serve", "worker-7"])
def test_nothing_is_restored_under_a_running_service(sqlite_url, tmp_path, name):
    database = migrated(sqlite_url)
    backup.write(database, tmp_path / "kept", NOW)
    with locks.held(database, name), pytest.raises(backup.DatabaseInUse):
        backup.restore(database, tmp_path / "kept", schema.known(), force=True)
    backup.restore(database, tmp_path / "kept", schema.known(), force=True)
    database.close()


def test_nor_under_anybody_on_postgres(postgres_url, tmp_path):
    database = migrated(postgres_url)
    backup.write(database, tmp_path / "kept", NOW)
    other = Database(postgres_url)
    with other.reader.connect(), pytest.raises(backup.DatabaseInUse):
        backup.restore(database, tmp_path / "kept", schema.known(), force=True)
    other.close()
    backup.restore(database, tmp_path / "kept", schema.known(), force=True)
    database.close()


def restoring(url: str, file: Path) -> None:
    database = Database(url)
    while True:
        backup.restore(database, file, schema.known(), force=True)


def halves(url: str, folder: Path, rounds: int) -> int:
    """How many of so many restores, each killed at random, leave neither the database of before nor the other one."""
    database, luck = migrated(url), Random(11)
    ask(database, 2)
    ends = [backup.write(database, folder / "small", NOW)]
    ask(database, 40)
    ends.append(backup.write(database, folder / "large", NOW))
    found = 0
    for n in range(rounds):
        database.close()
        file = folder / ("small", "large")[n % 2]
        child = multiprocessing.get_context("fork").Process(target=restoring, args=(url, file))
        child.start()
        time.sleep(luck.uniform(0.05, 0.5))
        child.kill()
        child.join()
        try:
            found += told(database) not in ends or ledger.verify(database)[0] is not None
        except DatabaseError:
            found += 1
    database.close()
    return found


@pytest.mark.prove("backup")
def test_a_restore_killed_anywhere_leaves_one_or_the_other(sqlite_url, tmp_path, monkeypatch):
    sabotage(monkeypatch)
    assert halves(sqlite_url, tmp_path, sample("backup", 4, 40)) == 0


def test_a_copy_killed_half_way_would_be_seen(sqlite_url, tmp_path, monkeypatch):
    monkeypatch.setenv("DIANDAN_SABOTAGE", "restore_by_copy")
    sabotage(monkeypatch)
    assert halves(sqlite_url, tmp_path, 4) > 0


def test_what_is_no_database_any_more_is_moved_aside(sqlite_url, tmp_path):
    database = migrated(sqlite_url)
    ask(database)
    backup.write(database, tmp_path / "kept", NOW)
    database.close()
    file = backup.sqlite_file(database)
    file.write_bytes(b"rubbish" * 1000)
    with pytest.raises(backup.DatabaseNotEmpty):
        backup.restore(database, tmp_path / "kept", schema.known())
    backup.restore(database, tmp_path / "kept", schema.known(), force=True)
    sound(database)
    assert file.with_name("diandan.db.unreadable").read_bytes().startswith(b"rubbish")
    database.close()


def test_a_damaged_database_is_not_backed_up(sqlite_url, tmp_path):
    database = migrated(sqlite_url)
    ask(database, 50)
    database.close()
    file = backup.sqlite_file(database)
    bytes_ = bytearray(file.read_bytes())
    bytes_[8 * 4096 : 20 * 4096] = b"\xff" * 12 * 4096
    file.write_bytes(bytes_)
    with pytest.raises(backup.DatabaseCorrupt):
        backup.write(database, tmp_path / "kept", NOW)
    assert not (tmp_path / "kept").exists()


def test_only_a_backup_is_overwritten(kept, sqlite_url, tmp_path):
    """And nobody else may read it."""
    database = migrated(sqlite_url)
    with pytest.raises(backup.FileTaken):
        backup.write(database, backup.sqlite_file(database), NOW)
    file = tmp_path / "kept"
    file.write_bytes(kept.read_bytes())
    backup.write(database, file, NOW)
    assert backup.read(file).rows["requests"] == 0
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    database.close()


def test_the_database_alone_is_behind_three_lines(kept, tmp_path):
    """Without this program: `tail -n +4`."""
    payload = kept.read_bytes().split(b"\n", 3)[3]
    (tmp_path / "alone.db").write_bytes(payload)
    with closing(sqlite3.connect(tmp_path / "alone.db")) as connection:
        assert connection.execute("SELECT count(*) FROM requests").fetchone() == (3,)
    told_seal = kept.read_bytes().split(b"\n", 2)[1].decode()
    assert hashlib.sha256(kept.read_bytes().split(b"\n", 2)[2]).hexdigest() == told_seal


def test_without_pg_dump_it_says_what_to_install(postgres_url, tmp_path, monkeypatch):
    database = migrated(postgres_url)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(backup.ToolMissing) as missing:
        backup.write(database, tmp_path / "kept", NOW)
    assert missing.value.value == "pg_dump"
    database.close()


# Before the schema changes, what is there is kept.


def backups(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.backup"))


def test_a_migration_keeps_what_was_there(database_url, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    database = at_first_schema(database_url)
    before = told(database)
    schema.migrate(database)
    (file,) = backups(tmp_path)
    assert schema.found(database) == schema.wanted()
    backup.restore(database, file, schema.known(), force=True)
    assert told(database).rows == before.rows and schema.found(database) == "0001"
    schema.migrate(database)
    schema.migrate(database)
    assert len(backups(tmp_path)) <= 2
    database.close()


def test_a_first_migration_keeps_nothing(database_url, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    migrated(database_url).close()
    assert backups(tmp_path) == []


def test_a_migration_that_cannot_be_backed_up_changes_nothing(sqlite_url, monkeypatch):
    database = at_first_schema(sqlite_url)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backup, "_copy_sqlite", full)
    with pytest.raises(OSError, match="No space"):
        schema.migrate(database)
    assert schema.found(database) == "0001"
    database.close()


def test_without_pg_dump_a_migration_says_so_and_goes_on(postgres_url, tmp_path, monkeypatch, caplog):
    database = at_first_schema(postgres_url)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    schema.migrate(database)
    assert schema.found(database) == schema.wanted()
    assert "[no_backup]" in caplog.text and "apt-get install postgresql-client" in caplog.text
    database.close()


def test_a_database_of_a_newer_program_is_left_alone(database):
    with database.writing() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(schema.SchemaNewer):
        schema.migrate(database)
