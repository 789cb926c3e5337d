"""A service to talk to: migrated, answering on a free port of this machine; with a worker where a test asks for one."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from api import sessions
from api.app import create_app
from api.db import Database
from api.serving import answering, listening, working
from api.settings import Settings
from tests.api.desk import ROOMY, Desk, at, migrated, ready
from tests.postgres.cluster import Cluster


@pytest.fixture
def settings(database_url: str) -> Settings:
    return Settings(database_url=database_url, port=0, executor_id="test", **ROOMY)


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    """A migrated database of each kind."""
    database = ready(Database(settings.database_url))
    yield database
    database.close()


@pytest.fixture
def elsewhere(database: Database, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Database]:
    """Another, empty database of the same kind."""
    if database.is_sqlite:
        other = Database(f"sqlite:///{tmp_path / 'elsewhere' / 'diandan.db'}")
        yield other
        other.close()
        return
    cluster = request.getfixturevalue("postgres_cluster")
    name = cluster.create()
    other = Database(cluster.url(name))
    yield other
    other.close()
    cluster.drop(name)


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    """A service nobody asks: others take over its routes, since to draw them takes longer than most of the tests."""
    return create_app(Settings(database_url=f"sqlite:///{tmp_path_factory.mktemp('drawn') / 'none.db'}"))


@pytest.fixture
def app(database: Database, settings: Settings, drawn: FastAPI) -> Iterator[FastAPI]:
    app = create_app(settings)
    app.router.routes[:] = drawn.router.routes
    app.dependency_overrides = drawn.dependency_overrides  # where these routes look for them
    yield app
    drawn.dependency_overrides.clear()


@pytest.fixture
def clock(app: FastAPI) -> dict[str, datetime]:
    """What time the service thinks it is; a test moves it."""
    now = {"now": datetime.fromisoformat(at("07:00"))}
    app.dependency_overrides[sessions.now] = lambda: now["now"]
    return now


@pytest.fixture
def served_engine(app: FastAPI) -> Engine:
    """The engine the service itself uses; `database` is the test's own."""
    return app.state.database.engine


@pytest.fixture
def desk(app: FastAPI, database: Database, settings: Settings) -> Iterator[Desk]:
    """The service over HTTP, nobody working behind it."""
    with listening(settings, False) as listener, answering(app, listener):
        yield Desk.at(listener, database, settings)


@pytest.fixture
def staffed(desk: Desk, settings: Settings) -> Iterator[Desk]:
    """The service with its worker."""
    with working(settings):
        yield desk


@pytest.fixture(scope="module")
def sqlite_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One service for a whole table of inputs that never reach the database."""
    with _served(f"sqlite:///{Path(tmp_path_factory.mktemp('desk'), 'diandan.db')}") as desk:
        yield desk


@pytest.fixture(scope="module")
def postgres_desk(postgres_cluster: Cluster) -> Iterator[Desk]:
    """The same, for those that do."""
    name = postgres_cluster.create()
    with _served(postgres_cluster.url(name)) as desk:
        yield desk
    postgres_cluster.drop(name)


@contextmanager
def _served(url: str) -> Iterator[Desk]:
    settings = Settings(database_url=url, port=0, **ROOMY)
    database = migrated(url)
    with listening(settings, False) as listener, answering(create_app(settings), listener):
        yield Desk.at(listener, database, settings)
    database.close()
