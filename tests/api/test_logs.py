"""P14: the service tells what it does, and never what anybody typed."""

import io
import json
import logging
import os
import sys
import threading
import time
import traceback

import pytest
from sqlalchemy import text

from api import logs
from api.jobs import watch
from api.jobs.solving import Solver
from api.requests import service
from api.settings import Settings
from tests.api.desk import period, request, volunteer

NAME, PHONE = "王小明", "13812345678"
CANARIES = (NAME, PHONE, "%E7%8E%8B", "\\u738b")


@pytest.fixture(params=["json", "text"])
def said(request, monkeypatch):
    """What the house says on standard error while the test runs."""
    root, dbos = logging.getLogger(), logging.getLogger("dbos")
    before = root.handlers[:], root.level, dbos.handlers[:], dbos.propagate
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    logs.set_up(request.param)
    yield stream
    root.handlers[:], level, dbos.handlers[:], dbos.propagate = before
    root.setLevel(level)
    logging.getLogger("api").setLevel(logging.NOTSET)


def sabotage(monkeypatch) -> None:
    """`DIANDAN_SABOTAGE=errors_in_full`: errors speak for themselves, as they do by default in Python."""
    if os.environ.get("DIANDAN_SABOTAGE") == "errors_in_full":
        monkeypatch.setattr(logs, "_story", lambda error: "".join(traceback.format_exception(error)))


def lines(stream: io.StringIO, count: int) -> list[dict]:
    """So many; the last may be written when the answer has left already."""
    until = time.monotonic() + 10
    while stream.getvalue().count("\n") < count and time.monotonic() < until:
        time.sleep(0.01)
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize("said", ["json"], indirect=True)
def test_each_request_leaves_a_line(desk, said):
    answer = desk.client.get("/v1/plans/77")
    (line,) = lines(said, 1)
    assert line.pop("time") and line.pop("milliseconds") > 0
    assert line == {
        "level": "INFO",
        "logger": "api.observing",
        "message": "answered",
        "request_id": answer.headers["X-Request-Id"],
        "route": "GET /v1/plans/{plan_id}",
        "status": 404,
    }


@pytest.mark.parametrize("said", ["json"], indirect=True)
def test_a_failure_is_told_by_kind_and_place(desk, said, monkeypatch):
    """And under the id that the reader was given."""

    def fail(*_):
        raise ValueError(f"{NAME} is unlucky")

    monkeypatch.setattr(service, "enter", fail)
    answer = desk.post("/v1/requests", request())
    failure, access = lines(said, 2)
    assert answer.json()["request_id"] == failure["request_id"] == access["request_id"]
    assert failure["error"].startswith("ValueError at ") and "test_logs.py" in failure["error"]
    assert access["status"] == 500


def told_everything(desk, monkeypatch) -> None:
    """A name and a phone number by every way in, with every kind of end."""
    person = {"label": NAME, "code": PHONE}
    for path, body in (("/v1/volunteers", volunteer(**person)), ("/v1/requests", request(**person))):
        assert desk.post(path, body, key=f"{path[4:]}-{PHONE}").status_code == 201
        assert desk.post(path, body).status_code == 409
        assert desk.post(path, {**body, "mode": NAME, "minutes": NAME, "priority": NAME, PHONE: 1}).status_code == 422
        broken = {"content": f'{{"{NAME}": {PHONE}', "headers": {"Content-Type": "application/json"}}
        assert desk.client.post(path, **broken).status_code == 400
        desk.client.get(path, params={"sort": NAME, "cursor": PHONE})
        desk.client.get(f"{path}/{NAME}")
        desk.client.request(f"M{PHONE}", path)
    desk.client.get("/", params={"plan": NAME, "day": PHONE}, headers={"Cookie": f"lang={PHONE}"})
    desk.client.get(f"/v/{PHONE}", headers={"User-Agent": PHONE})
    desk.client.get("/livez", headers={"Host": f"{PHONE}.example"})
    desk.client.post("/plans/1/publish", data={"reason": NAME, "version": PHONE, "key": PHONE})
    _fail_inside(desk, monkeypatch)
    _die_solving(desk, monkeypatch)


def _fail_inside(desk, monkeypatch) -> None:
    """The database and our own code say what they stumbled over."""

    def stumble(session, asked, *_):
        try:
            session.execute(text("SELECT 1 FROM nowhere WHERE name = :name"), {"name": asked.label})
        finally:
            raise LookupError(asked.label, asked.code)

    def misread(session, asked, *_):
        session.execute(text("SELECT CAST(:name AS integer) / 0"), {"name": asked.label}).scalar_one()
        raise LookupError(asked.label)

    with monkeypatch.context() as patched:
        patched.setattr(service, "enter", stumble)
        assert desk.post("/v1/requests", request(label=NAME, code=PHONE)).status_code == 500
        patched.setattr(service, "enter", misread)
        assert desk.post("/v1/requests", request(label=NAME, code=PHONE)).status_code == 500


def _die_solving(desk, monkeypatch) -> None:
    def die(*_):
        raise watch.Died("", f"exit 1: InvalidInput: {NAME} {PHONE}")

    monkeypatch.setattr(watch, "run", die)
    Solver(desk.database, desk.settings, threading.Event()).run(desk.enter("/v1/plans", period()))


def test_no_line_holds_what_somebody_typed(desk, said, monkeypatch):
    sabotage(monkeypatch)
    told_everything(desk, monkeypatch)
    assert said.getvalue().count("\n") > 20
    assert [line for line in said.getvalue().splitlines() if any(canary in line for canary in CANARIES)] == []


def test_errors_in_their_own_words_would_be_seen(desk, said, monkeypatch):
    monkeypatch.setenv("DIANDAN_SABOTAGE", "errors_in_full")
    sabotage(monkeypatch)
    told_everything(desk, monkeypatch)
    assert any(canary in said.getvalue() for canary in CANARIES)


def test_the_form_is_chosen_by_who_reads(monkeypatch):
    assert Settings().log == "json"
    monkeypatch.setattr(sys, "stderr", type("Terminal", (), {"isatty": lambda self: True})())
    assert Settings().log == "text"
    monkeypatch.setenv("DIANDAN_LOG", "json")
    assert Settings().log == "json"
