"""The tests' own database server does what the other tests rely on."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests import conftest
from tests.postgres.cluster import INSTALL, Cluster
from tests.postgres.model import Model


def test_each_database_is_fresh_and_can_exclude_overlaps(postgres_cluster: Cluster):
    name = postgres_cluster.create()
    with postgres_cluster.connect(name) as connection:
        connection.execute("CREATE EXTENSION btree_gist")
        connection.execute(
            "CREATE TABLE trip (who int, t tstzrange, EXCLUDE USING gist (who WITH =, t WITH &&))",
        )
        connection.execute("INSERT INTO trip VALUES (1, '[2024-03-04 09:00+08, 2024-03-04 10:00+08)')")
        with pytest.raises(psycopg.errors.ExclusionViolation):
            connection.execute("INSERT INTO trip VALUES (1, '[2024-03-04 09:59+08, 2024-03-04 11:00+08)')")
    postgres_cluster.drop(name)
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        postgres_cluster.connect(name)


def test_two_databases_do_not_see_each_other(postgres_cluster: Cluster):
    first, second = postgres_cluster.create(), postgres_cluster.create()
    with postgres_cluster.connect(first) as connection:
        connection.execute("CREATE TABLE only_here (id int)")
    with postgres_cluster.connect(second) as connection:
        assert connection.execute("SELECT to_regclass('only_here')").fetchone() == (None,)


def test_database_url_is_of_each_kind(database_url: str):
    assert database_url.startswith(("sqlite:////", "postgresql+psycopg://"))


def test_a_killed_run_leaves_no_server_behind(postgres_cluster: Cluster):
    """The run gets SIGKILL, so nothing of its own can clean up."""
    story = (
        "import time\n"
        "from tests.postgres.cluster import cluster\n"
        "with cluster() as server:\n"
        "    print(server.port, flush=True)\n"
        "    time.sleep(60)\n"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", story], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2], text=True
    )
    port = int(run.stdout.readline())
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    until = time.monotonic() + 10
    while time.monotonic() < until and _answers(port):
        time.sleep(0.05)
    assert not _answers(port)


def _answers(port: int) -> bool:
    try:
        psycopg.connect(host="127.0.0.1", port=port, user="nobody", password="-", connect_timeout=2).close()
    except psycopg.OperationalError as error:
        return "refused" not in str(error)
    return True


def test_absence_skips_and_says_what_to_install(monkeypatch):
    monkeypatch.delenv("DIANDAN_REQUIRE", raising=False)
    with pytest.raises(pytest.skip.Exception, match=INSTALL):
        conftest.absent("postgres", INSTALL)


def test_absence_fails_where_it_is_required(monkeypatch):
    monkeypatch.setenv("DIANDAN_REQUIRE", "postgres,browser")
    with pytest.raises(pytest.fail.Exception, match=INSTALL):
        conftest.absent("postgres", INSTALL)


@pytest.fixture
def small(postgres_cluster: Cluster) -> Iterator[Model]:
    """A model of two tables, one of which refers to the other, with a row and a number that counts on."""

    def make(url: str) -> None:
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute("CREATE TABLE people (id serial PRIMARY KEY, born timestamptz, raw bytea, more json)")
            connection.execute("CREATE TABLE visits (who int REFERENCES people, CHECK (who > 0))")
            connection.execute(
                """INSERT INTO people (born, raw, more) VALUES ('1950-01-01 08:00+08', '\\x00ff', '{"a": "李"}')"""
            )

    model = Model(postgres_cluster, make)
    yield model
    postgres_cluster.drop(model.name)


def rows(cluster: Cluster, name: str) -> list[tuple[object, ...]]:
    with cluster.connect(name) as connection:
        connection.execute("INSERT INTO people (born) VALUES (now())")
        people = connection.execute("SELECT id, raw, more, extract(epoch FROM born) FROM people ORDER BY id LIMIT 1")
        return [*people.fetchall(), *connection.execute("SELECT max(id), count(*) FROM people").fetchall()]


def test_a_copy_is_used_again_once_it_is_as_it_was(small: Model, postgres_cluster: Cluster):
    first = small.copy()
    before = rows(postgres_cluster, first)
    with postgres_cluster.connect(first) as connection:
        connection.execute("INSERT INTO visits SELECT id FROM people")
        connection.execute("UPDATE people SET born = NULL, more = NULL")
        oid = connection.execute("SELECT oid FROM pg_database WHERE datname = current_database()").fetchone()
        small.take_back(first)  # somebody is still connected
    second = small.copy()
    assert second != first, "whoever still knows the old name finds nothing"
    with postgres_cluster.connect(second) as connection:
        assert connection.execute("SELECT oid FROM pg_database WHERE datname = current_database()").fetchone() == oid
        assert connection.execute("SELECT count(*) FROM visits").fetchone() == (0,)
    assert rows(postgres_cluster, second) == before
    postgres_cluster.drop(second)


@pytest.mark.parametrize("change", [
    "ALTER TABLE visits DROP CONSTRAINT visits_who_check",
    "ALTER TABLE people ADD COLUMN name text",
    "CREATE TABLE more (id int)",
    "CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1'",
])  # fmt: skip
def test_a_copy_that_is_like_another_now_goes(small: Model, postgres_cluster: Cluster, change: str):
    name = small.copy()
    with postgres_cluster.connect(name) as connection:
        connection.execute(change)
    small.take_back(name)
    with postgres_cluster.connect("postgres") as connection:
        assert connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is None
