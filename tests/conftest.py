"""What every test may ask for: a database of either kind, a browser."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from tests.api.desk import migrated
from tests.postgres.cluster import INSTALL, Cluster, binaries, cluster
from tests.postgres.model import Model

pytest_plugins = ["tests.proofs"]

os.environ["DIANDAN_ROUNDS"] = "[]"  # a test of the morning would meet a round


def absent(name: str, install: str) -> NoReturn:
    """Skip and say what to install; fail instead where DIANDAN_REQUIRE names it, as on CI."""
    if name in os.environ.get("DIANDAN_REQUIRE", "").split(","):
        pytest.fail(f"DIANDAN_REQUIRE names {name}, and it is not here; {install}", pytrace=False)
    pytest.skip(f"{name} is not here; {install}")


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[Cluster]:
    """One server for all tests of this process."""
    if binaries() is None:
        absent("postgres", INSTALL)
    with cluster() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_model(postgres_cluster: Cluster) -> Model:
    """A migrated database that others are made like: to migrate each would take longer."""
    return Model(postgres_cluster, lambda url: migrated(url).close())


@pytest.fixture
def postgres_url(postgres_cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[str]:
    """A PostgreSQL database of one's own; empty, unless the test wants it migrated anyhow."""
    if "database" in request.fixturenames:
        model: Model = request.getfixturevalue("postgres_model")
        name = model.copy()
        yield postgres_cluster.url(name)
        model.take_back(name)
    else:
        name = postgres_cluster.create()
        yield postgres_cluster.url(name)
        postgres_cluster.drop(name)


@pytest.fixture(scope="session")
def sqlite_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, as a file."""
    file = tmp_path_factory.mktemp("model") / "diandan.db"
    migrated(f"sqlite:///{file}").close()
    return file


@pytest.fixture
def sqlite_url(tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """A SQLite database that is not there yet, unless the test wants it migrated anyhow."""
    file = tmp_path / "diandan.db"
    if "database" in request.fixturenames:
        shutil.copyfile(request.getfixturevalue("sqlite_model"), file)
    return f"sqlite:///{file}"


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh, empty database of each kind: a test of data that takes it runs on both."""
    return request.getfixturevalue(f"{request.param}_url")


@pytest.fixture(scope="session")
def browser_path() -> str:
    """The Chromium that Playwright drives."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    absent("browser", "apt-get install chromium fonts-noto-cjk")
