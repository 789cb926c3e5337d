"""A district's day in a real server, and a browser that looks at it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request, Response, sync_playwright

from api.app import create_app
from api.db import Database
from api.models.people import GrantShape, UserCreate
from api.people import entry, users
from api.roles import Role
from api.security import COOKIE, HOUSE
from api.serving import answering, listening
from api.sessions import now
from api.settings import Settings
from scenarios import preset
from tests.api.desk import migrated
from tests.browser.seeded import seeded

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NOW = datetime.fromisoformat("2026-03-03T14:40+08:00")


PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class Served:
    """Where the service is, and a session of its dispatcher."""

    address: str
    session: str


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The plan of `lianhu-day`, in the afternoon of its day; `wang` is its dispatcher."""
    settings = Settings(database_url=f"sqlite:///{Path(tmp_path_factory.mktemp('day'), 'diandan.db')}", port=0)
    database = migrated(settings.database_url)
    seeded(database, preset("lianhu-day"))
    session = dispatcher(database)
    database.close()
    app = create_app(settings)
    app.dependency_overrides[now] = lambda: NOW
    with listening(settings, False) as listener, answering(app, listener):
        yield Served(f"http://127.0.0.1:{listener.getsockname()[1]}", session)


def dispatcher(database: Database) -> str:
    """Somebody who has set their password; the token of a session of theirs."""
    with database.writing() as session:
        asked = UserCreate(name="wang", label="王主任", grants=[GrantShape(role=Role.DISPATCHER)])
        users.create(session, asked, HOUSE, NOW)
        link = users.link(session, users.named(session, "wang"), "", NOW, "test").link
    return entry.set_password(database, link.removeprefix("/enter/"), PASSWORD, NOW).token


@pytest.fixture(scope="session")
def address(served: Served) -> str:
    return served.address


@pytest.fixture(scope="session")
def chromium(browser_path: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Eyes:
    """What a browser asked for and complained of while it showed a page."""

    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        page.on("request", self._asked)
        page.on("response", self._answered)
        page.on("requestfailed", lambda request: self.complaints.append(f"failed: {request.url}"))
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _asked(self, request: Request) -> None:
        self.requests.append(request.url)

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self.complaints.append(f"{response.status}: {response.url}")


@pytest.fixture
def eyes(page: Page) -> Eyes:
    eyes = Eyes()
    eyes.watch(page)
    return eyes


@pytest.fixture
def viewport() -> tuple[int, int]:
    """The screen of an office."""
    return 1366, 768


@pytest.fixture
def stranger(chromium: Browser, address: str, viewport: tuple[int, int]) -> Iterator[Page]:
    """A page of somebody who has not logged in."""
    width, height = viewport
    screen = {"width": width, "height": height}
    context = chromium.new_context(base_url=address, viewport=screen, locale="zh-CN", java_script_enabled=False)
    yield context.new_page()
    context.close()


@pytest.fixture
def page(chromium: Browser, served: Served, viewport: tuple[int, int]) -> Iterator[Page]:
    """A page of the dispatcher."""
    width, height = viewport
    screen = {"width": width, "height": height}
    context = chromium.new_context(base_url=served.address, viewport=screen, locale="zh-CN")
    context.add_cookies([{"name": COOKIE, "value": served.session, "url": served.address}])
    yield context.new_page()
    context.close()
