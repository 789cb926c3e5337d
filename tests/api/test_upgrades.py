"""Migrations that have to do with rows that are there already."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Connection, MetaData, Table, insert, text

from api import schema
from api.db import Database

THEN = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def old(database_url):
    """A database that is upgraded by the test."""
    database = Database(database_url)
    yield database
    database.close()


def upgraded(database: Database, revision: str) -> None:
    with database.engine.begin() as connection:
        command.upgrade(schema._config(connection), revision)


def put(connection: Connection, into: str, /, **values: Any) -> None:
    """A row; what must not be empty and is not named is something of its type."""
    table = Table(into, MetaData(), autoload_with=connection)
    filled = {c.name: something(str(c.type)) for c in table.c if not c.nullable and not c.server_default}
    connection.execute(insert(table).values({**filled, **values}))


def something(kind: str) -> Any:
    for words, value in (
        (("JSON",), []),
        (("INT",), 1),
        (("TIME",), THEN),
        (("BOOL",), False),
        (("FLOAT", "DOUBLE"), 1),
    ):
        if any(word in kind.upper() for word in words):
            return value
    return "x"


def test_what_the_audit_says_was_forgotten_is_not_forgotten_again(old):
    """By night or when they asked; not what has a name again, or was never closed."""
    upgraded(old, "0012")
    cases = [("closed", None, "retention"), ("closed", None, "erased"), ("closed", "李奶奶", "erased")]
    cases += [("closed", None, None), ("triaged", None, "retention")]
    with old.engine.begin() as connection:
        for id, (state, name, why) in enumerate(cases, start=1):
            put(connection, "requests", id=id, state=state, name=name, closed_at=THEN)
            noted = {"noun": "request", "noun_id": id, "from_state": "closed", "to_state": "closed", "why": why}
            put(connection, "audit", seq=id, hash=str(id), **noted)
    upgraded(old, "0013")
    with old.engine.begin() as connection:
        marked = connection.execute(text("SELECT id FROM requests WHERE forgotten_at IS NOT NULL ORDER BY id"))
        assert marked.scalars().all() == [1, 2]


def test_who_waits_at_the_upgrade_comes_back(old):
    """Each wait gets the clock that ends it."""
    upgraded(old, "0010")
    until = THEN + timedelta(days=3)
    with old.engine.begin() as connection:
        put(connection, "requests", id=1, state="waiting", waits_until=until)
        put(connection, "requests", id=2, state="triaged")
    upgraded(old, "0011")
    with old.engine.begin() as connection:
        found = connection.execute(text("SELECT noun, noun_id, name, due_at, stopped_at, fired_at FROM clocks")).all()
    assert [row[:3] for row in found] == [("request", 1, "until")] and str(found[0][3]).startswith("2026-01-04")
    assert found[0][4:] == (None, None)
