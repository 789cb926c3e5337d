"""The database has the tables the code speaks of, or the service says that it is not ready."""

import time

import httpx
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel

from api.app import create_app
from api.db import Database
from api.schema import migrate
from api.serving import answering, listening
from api.settings import Settings
from tests.api.desk import request


def ours(_object, name, kind, *_rest) -> bool:
    """The queue's tables belong to DBOS."""
    return kind != "table" or name in SQLModel.metadata.tables


def test_the_migrations_make_the_tables_of_the_code(database):
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": ours})
        assert compare_metadata(context, SQLModel.metadata) == []


def test_migrating_again_changes_nothing(database):
    migrate(database)


def test_ready_means_the_schema_is_current(desk):
    assert desk.get("/readyz")["status"] == "ready"
    desk.change("UPDATE alembic_version SET version_num = '0000'")
    answer = desk.client.get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "schema_mismatch")
    assert desk.get("/livez") == {"status": "alive"}


def test_an_empty_database_is_not_ready(settings):
    with listening(settings, False) as listener, answering(create_app(settings), listener):
        answer = httpx.get(f"http://127.0.0.1:{listener.getsockname()[1]}/readyz")
    assert answer.status_code == 503


def test_a_database_that_is_away_is_told_within_five_seconds():
    settings = Settings(database_url="postgresql://nobody@127.0.0.1:1/nothing", port=0)
    with listening(settings, False) as listener, answering(create_app(settings), listener):
        began = time.monotonic()
        answer = httpx.get(f"http://127.0.0.1:{listener.getsockname()[1]}/readyz", timeout=10)
    assert time.monotonic() - began < 6
    assert (answer.status_code, answer.json()["code"]) == (503, "database_away")
    assert answer.headers["Retry-After"]


def test_a_writer_waits_five_seconds_at_most(desk):
    """Somebody holds what every writer needs."""
    with desk.database.writing() as session:
        session.execute(text("UPDATE ledger SET version = version"))
        began = time.monotonic()
        answer = desk.post("/v1/requests", request())
        assert 4 < time.monotonic() - began < 7
    assert (answer.status_code, answer.json()["code"]) == (503, "database_away")
    assert desk.get("/v1/requests")["items"] == []


def test_sqlite_keeps_what_it_acknowledged(sqlite_url):
    """No write-ahead log on versions that can lose rows with one, and a full flush at each commit."""
    database = Database(sqlite_url)
    with database.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "truncate"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    database.close()


def test_audit_rows_are_never_changed(desk):
    desk.enter("/v1/plans", {"from": "2030-06-03T08:00+08:00", "to": "2030-06-03T09:00+08:00"})
    for statement in ("UPDATE audit SET who = 'nobody'", "DELETE FROM audit"):
        with pytest.raises(DBAPIError, match="never changed"):
            desk.change(statement)
