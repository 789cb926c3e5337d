"""The service as a user starts it, and somebody who speaks to it over one line that stays open."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

HOUSE = Path(__file__).parent.parent.parent
PATIENCE = 30.0
"""An answer that takes longer is none."""

LINK = re.compile(r"(http://\S+)(/enter/\S+)")
PASSWORD = "load load load load"


class Refused(Exception):
    """What the run needs was not to be had."""


@dataclass(frozen=True)
class Answer:
    """What came back; `status` 0 when nothing did."""

    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def code(self) -> str:
        """What it was, for who counts failures."""
        return self.body.get("code", "") if isinstance(self.body, dict) else ""


class Caller:
    """Somebody with a line of their own, which is opened again when it has been closed."""

    def __init__(self, address: str, headers: Mapping[str, str]) -> None:
        self.address, self.headers = address, {"Accept-Language": "en", **headers}
        self._line = HTTPConnection(urlsplit(address).netloc, timeout=PATIENCE)

    def get(self, path: str) -> Answer:
        """Look something up."""
        return self._ask("GET", path, None, {})

    def post(self, path: str, body: Any, **more: str) -> Answer:
        """Ask for something to be done, once."""
        told = {"Idempotency-Key": uuid.uuid4().hex, "Content-Type": "application/json", **more}
        return self._ask("POST", path, json.dumps(body).encode(), told)

    def made(self, path: str, body: Any, **more: str) -> Any:
        """What came of it, where nothing but success will do."""
        answer = self.post(path, body, **more)
        if not 200 <= answer.status < 300:
            raise Refused(f"POST {path}: {answer.status} {answer.body}")
        return answer.body

    def seen(self, path: str) -> Any:
        """What is there, where nothing but success will do."""
        answer = self.get(path)
        if answer.status != 200:
            raise Refused(f"GET {path}: {answer.status} {answer.body}")
        return answer.body

    def _ask(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        """Twice where the line broke: the service closes one that was quiet, and the key makes one effect of both."""
        for _ in range(2):
            try:
                self._line.request(method, path, body, {**self.headers, **headers})
                told = self._line.getresponse()
                return Answer(told.status, _read(told.read(), told.headers.get_content_type()), dict(told.headers))
            except (HTTPException, OSError):
                self._line.close()
        return Answer(0, None, {})

    def follow(self, path: str, fields: Mapping[str, str]) -> str:
        """Send a form; the cookie that came of it."""
        told = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = self._ask("POST", path, urlencode(fields).encode(), told)
        if answer.status != 303:
            raise Refused(f"POST {path}: {answer.status}")
        return answer.headers["set-cookie"].partition(";")[0]


def _read(body: bytes, kind: str) -> Any:
    return json.loads(body) if kind.endswith("json") and body else None


@dataclass(frozen=True)
class Service:
    """A service that runs: where it is, and the link of its first administrator."""

    address: str
    link: str
    process: int

    def administrator(self) -> Caller:
        """The first one, who sets a password by the link."""
        visitor = Caller(self.address, {"Origin": self.address})
        cookie = visitor.follow(self.link, {"password": PASSWORD})
        return Caller(self.address, {"Origin": self.address, "Cookie": cookie})


@contextmanager
def served(database_url: str, folder: Path) -> Iterator[Service]:
    """`diandan serve` on a free port, with a database that nobody has used; its log stays in the folder."""
    settings = {"DIANDAN_DATABASE_URL": database_url, "DIANDAN_PORT": "0", "DIANDAN_LOG": "json", "TMPDIR": str(folder)}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-u", "-m", "api.cli", "--lang", "en", "serve"],
            cwd=HOUSE, env={**os.environ, **settings}, stdout=subprocess.PIPE, stderr=log, text=True, encoding="utf-8",
        )  # fmt: skip
        try:
            yield _told(process)
        finally:
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _told(process: subprocess.Popen[str]) -> Service:
    assert process.stdout is not None
    process.stdout.readline()  # its address, which the link has too
    found = LINK.search(process.stdout.readline())
    if found is None:
        raise Refused("the service printed no link for a first administrator: its database has users already")
    return Service(found[1], found[2], process.pid)
