"""A district's day in a real server, and a browser that looks at it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request, Response, sync_playwright

from api.app import create_app
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


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the plan of `lianhu-day` is shown, in the afternoon of its day."""
    settings = Settings(database_url=f"sqlite:///{Path(tmp_path_factory.mktemp('day'), 'diandan.db')}", port=0)
    database = migrated(settings.database_url)
    seeded(database, preset("lianhu-day"))
    database.close()
    app = create_app(settings)
    app.dependency_overrides[now] = lambda: NOW
    with listening(settings, False) as listener, answering(app, listener):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


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
def page(chromium: Browser, address: str, viewport: tuple[int, int]) -> Iterator[Page]:
    width, height = viewport
    context = chromium.new_context(base_url=address, viewport={"width": width, "height": height}, locale="zh-CN")
    yield context.new_page()
    context.close()
