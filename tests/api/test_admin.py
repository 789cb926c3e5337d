"""What an operator asks, as it is typed: backup, restore, the audit, the doctor."""

import io
import os
import shutil
import sqlite3
import subprocess
import sys
from collections import namedtuple
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import pytest
from sqlmodel import select

from api import admin, cli, presence
from api.cli import Day
from api.models import AuditRow
from api.settings import Settings
from api.workdays import DayKind
from tests.api.desk import migrated
from tests.api.test_audit_chain import unlocked
from tests.api.test_backup import ask


def run(database_url: str, *words: object, **environment: str) -> subprocess.CompletedProcess:
    """`diandan admin …` on this database; in this process, since another one takes two seconds to begin."""
    told = {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "DIANDAN_DATABASE_URL": database_url, **environment}
    command = ["diandan", "admin", *map(str, words)]
    out, errors = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    with ExitStack() as stack:
        stack.enter_context(patch.dict(os.environ, told))
        stack.enter_context(patch.object(sys, "argv", command))
        stack.enter_context(redirect_stdout(out))
        stack.enter_context(redirect_stderr(errors))
        ended = stack.enter_context(pytest.raises(SystemExit))
        cli.main()
    said = [stream.seek(0) or stream.read() for stream in (out, errors)]
    return subprocess.CompletedProcess(command, ended.value.code, *said)


def refused(done, code: str, status: int = 3) -> bool:
    """One line with this code, and no traceback."""
    return (done.returncode, done.stderr[: len(code) + 2], done.stderr.count("\n")) == (status, f"[{code}]", 1)


def test_backup_and_restore(database, elsewhere, tmp_path):
    """There and elsewhere: the same audit head is printed."""
    ask(database, 3)
    kept = run(database.url, "backup", tmp_path / "kept")
    assert kept.returncode == 0, kept.stderr
    assert kept.stdout.splitlines()[1].startswith("audit head 3 ")
    restored = run(elsewhere.url, "restore", tmp_path / "kept")
    assert (restored.returncode, restored.stdout) == (0, kept.stdout), restored.stderr
    whole = run(elsewhere.url, "verify-audit")
    assert (whole.returncode, whole.stdout) == (0, "the audit is whole: 3 rows\n")
    assert refused(run(elsewhere.url, "restore", tmp_path / "kept"), "database_not_empty")
    assert run(elsewhere.url, "restore", tmp_path / "kept", "--force").returncode == 0


def test_a_broken_audit_is_exit_1(database):
    ask(database, 3)
    unlocked(database)
    with database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE audit SET who = 'nobody' WHERE seq = 2")
    done = run(database.url, "verify-audit")
    assert refused(done, "audit_broken", 1) and " 2:" in done.stderr


def test_what_cannot_be_is_one_line(sqlite_url, tmp_path):
    """A database that is not there is not made, either."""
    assert refused(run(sqlite_url, "backup", tmp_path / "kept"), "database_missing")
    assert refused(run(sqlite_url, "restore", tmp_path / "nothing"), "file_missing")
    (tmp_path / "other").write_text("something else")
    assert refused(run(sqlite_url, "restore", tmp_path / "other"), "backup_broken")
    assert refused(run(sqlite_url, "backup", tmp_path / "nowhere" / "kept"), "file_unwritable")
    assert not (tmp_path / "diandan.db").exists()
    away = "postgresql://nobody@127.0.0.1:1/nothing"
    assert refused(run(away, "verify-audit"), "database_away")


def test_a_healthy_house(database):
    ask(database)
    done = run(database.url, "doctor")
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(done.stdout.splitlines()) == len(admin.LOOKS) and "✗" not in done.stdout


def test_the_doctor_says_what_to_do_in_both_languages(sqlite_url):
    """No database: exit 1, and the mend."""
    done = run(sqlite_url, "doctor", LC_ALL="zh_CN.UTF-8")
    assert done.returncode == 1 and "✗ 数据库: [database_missing]" in done.stdout
    assert "diandan serve 会新建数据库" in done.stdout
    done = run(sqlite_url, "doctor", DIANDAN_TIMEZONE="Asia/Nowhere")
    assert "✗ time zone data: [timezone_unknown]" in done.stdout and "mend DIANDAN_TIMEZONE" in done.stdout


# The working calendar.


def test_the_calendar_is_filled_listed_and_edited(database):
    """What was edited stays when the year is filled again; who changed what is in the audit."""
    empty = run(database.url, "calendar")
    assert (empty.returncode, empty.stdout) == (0, "the calendar is empty: Monday to Friday are working days\n")
    edited = run(database.url, "calendar", "2026-10-01", "morning", "--note", "值班")
    assert (edited.returncode, edited.stdout) == (0, "2026-10-01 morning 值班\n"), edited.stderr
    assert run(database.url, "calendar", "2026").stdout == "38 days of 2026 taken in\n"
    assert run(database.url, "calendar", "2026", LC_ALL="zh_CN.UTF-8").stdout == "2026 年录入 0 天\n"
    run(database.url, "calendar", "2026-10-10", "rest").check_returncode()
    listed = run(database.url, "calendar").stdout.splitlines()
    assert len(listed) == 39 and listed == sorted(listed)
    assert {"2026-10-01 morning 值班", "2026-10-02 rest 国庆节", "2026-10-10 rest"} <= {*listed}
    with database.reading() as session:
        rows = [(row.who, row.noun_id, row.from_state, row.to_state) for row in session.exec(select(AuditRow))]
    assert rows == [
        ("command line", 20261001, None, "morning"),
        ("command line", 2026, None, "filled"),
        ("command line", 2026, None, "filled"),
        ("command line", 20261010, "work", "rest"),
    ]


def test_what_the_calendar_does_not_take_is_said(database):
    unknown = run(database.url, "calendar", "2093")
    assert refused(unknown, "calendar_unknown") and "diandan admin calendar 2093-01-01 rest" in unknown.stderr
    assert refused(run(database.url, "calendar", "2026-02-30", "rest"), "date_invalid")
    for words in (["2026-10-10"], ["2026-10-10", "half"]):
        done = run(database.url, "calendar", *words)
        assert done.returncode == 2 and "Traceback" not in done.stderr
        assert "morning" in done.stderr
    assert run(database.url, "calendar").stdout.startswith("the calendar is empty")


def test_every_kind_of_day_can_be_typed():
    assert [*Day] == [*DayKind]


# Each look sees what it is there for.


def troubles(database) -> list[str]:
    checks = admin.examine(Settings(database_url=database.url))
    return [check.trouble.code for check in checks if check.trouble]


def test_no_trouble_is_made_up(database):
    assert troubles(database) == []


def test_an_old_schema_is_seen(database):
    with database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    assert troubles(database) == ["schema_mismatch"]


def test_a_database_that_is_away_is_told_once():
    away = admin.examine(Settings(database_url="postgresql://nobody@127.0.0.1:1/nothing"))
    *_, last = away
    assert last.trouble.code == "database_away"


def test_a_broken_audit_is_seen(database):
    ask(database, 2)
    unlocked(database)
    with database.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM audit WHERE seq = 2")
    assert troubles(database) == ["audit_broken"]


def test_jobs_that_nobody_takes_are_seen(desk):
    asked = {"from": "2030-06-03T08:00+08:00", "to": "2030-06-03T09:00+08:00"}
    desk.enter("/v1/plans", asked)
    assert troubles(desk.database) == ["worker_absent"]
    with desk.database.writing() as session:
        presence.beat(session, "anybody")
    assert troubles(desk.database) == []
    desk.change("UPDATE workers SET seen_at = :then", then="2020-01-01 00:00:00")
    assert troubles(desk.database) == ["worker_absent"]


def test_a_full_disk_is_seen(sqlite_url, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, 10**6))
    database = migrated(sqlite_url)
    assert troubles(database) == ["disk_low"]


def test_an_uncompiled_solver_is_seen(sqlite_url, monkeypatch):
    monkeypatch.setattr("matcher.kernels_ready", lambda seconds: False)
    assert troubles(migrated(sqlite_url)) == ["kernels_missing"]


def test_an_old_sqlite_is_seen(sqlite_url, monkeypatch):
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))
    assert troubles(migrated(sqlite_url)) == ["sqlite_old"]


def test_another_journal_is_seen(sqlite_url, monkeypatch):
    monkeypatch.setattr(admin, "_scalar", lambda database, question: "wal")
    assert troubles(migrated(sqlite_url)) == ["sqlite_journal"]


def test_clocks_that_differ_are_seen(postgres_url, monkeypatch):
    asked = admin._scalar
    theirs = datetime.now(UTC) + timedelta(seconds=30)
    monkeypatch.setattr(admin, "_scalar", lambda *words: theirs if "clock" in words[1] else asked(*words))
    assert troubles(migrated(postgres_url)) == ["clock_skew"]


MOUNTS = "/dev/vda / ext4 rw 0 0\nserver:/x /srv/share nfs4 rw 0 0\n/dev/b /srv/share/local xfs rw 0 0\n"


@pytest.mark.parametrize(
    ("folder", "kind"),
    [("/srv", "ext4"), ("/srv/share/x", "nfs4"), ("/srv/shares", "ext4"), ("/srv/share/local", "xfs")],
)
def test_the_nearest_mount_counts(tmp_path, folder, kind):
    (tmp_path / "mounts").write_text(MOUNTS)
    assert admin.file_system(Path(folder), tmp_path / "mounts") == kind


def test_a_network_file_system_is_seen(sqlite_url, monkeypatch):
    monkeypatch.setattr(admin, "file_system", lambda folder: "nfs4")
    assert troubles(migrated(sqlite_url)) == ["fs_not_local"]
