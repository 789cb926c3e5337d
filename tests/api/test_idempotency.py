"""P2: one intent, one effect, however often and however closely it is sent."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from random import Random

import httpx
import pytest
from sqlalchemy import insert

from api.idempotency import Once
from api.models import IdempotencyRow
from tests.api.desk import PLAIN, period, request, volunteer
from tests.samples import sample


def test_the_same_key_is_answered_the_same(desk):
    first = desk.post("/v1/requests", request(), key="one")
    again = desk.post("/v1/requests", request(), key="one")
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert again.headers["Location"] == first.headers["Location"]
    assert len(desk.get("/v1/requests")["items"]) == 1


def test_many_at_once_have_one_effect(desk):
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: desk.post("/v1/requests", request(), key="one"), range(20)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {"idempotency_in_progress"}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
    assert len(desk.get("/v1/requests")["items"]) == 1


def test_a_key_in_flight_is_told_so(desk, monkeypatch):
    """Somebody holds the key in a transaction that ends once the other has looked for it and not found it."""
    held, looked = threading.Event(), threading.Event()
    told = Once._told

    def look(once: Once) -> IdempotencyRow | None:
        row = told(once)
        looked.set()
        return row

    monkeypatch.setattr(Once, "_told", look)

    def hold() -> None:
        row = {
            "key": "key-1 one",  # as the desk's own is kept
            "fingerprint": "",
            "status": 201,
            "answer": {},
            "headers": {},
            "created_at": datetime.now(UTC),
        }
        with desk.database.writing() as session:
            session.execute(insert(IdempotencyRow).values(row))
            held.set()
            assert looked.wait(60)

    with ThreadPoolExecutor(1) as pool:
        holder = pool.submit(hold)
        held.wait()
        answer = desk.post("/v1/requests", request(), key="one")
        holder.result()
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_in_progress")
    assert answer.headers["Retry-After"]
    assert desk.get("/v1/requests")["items"] == []


def test_a_refused_request_does_not_use_its_key_up(desk):
    assert desk.post("/v1/requests", request(partners=[9]), key="one").status_code == 422
    assert desk.post("/v1/requests", request(), key="one").status_code == 201


def test_one_key_asks_for_one_plan(desk):
    """The job too stands in the queue once."""
    for _ in range(2):
        assert desk.post("/v1/plans", period(), key="one").status_code == 202
    table = "workflow_status" if desk.database.is_sqlite else "dbos.workflow_status"
    assert desk.rows(f"SELECT count(*) FROM {table}") == [(1,)]


def test_publishing_again_with_its_key_is_answered_the_same(desk):
    desk.enter("/v1/volunteers", volunteer())
    desk.enter("/v1/requests", request())
    where = desk.proposal()
    version = desk.client.get(where).headers["ETag"]
    first = desk.post(f"{where}/publish", {}, key="one", **{"If-Match": version})
    again = desk.post(f"{where}/publish", {}, key="one", **{"If-Match": version})
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()


def storm(desk, intents: int) -> int:
    """Each intent is sent 2 to 50 times at once, some cut off before the answer; how many requests there are."""
    luck = Random(5)
    with ThreadPoolExecutor(16) as pool:
        for n in range(intents):
            times = 50 if n % 40 == 39 else luck.randint(2, 6)
            cut_off = [luck.random() < 0.2 for _ in range(times)]
            list(pool.map(lambda cut, key=f"intent-{n}": sent(desk, key, cut), cut_off))
    answers = [desk.post("/v1/requests", request(), key=f"intent-{n}") for n in range(intents)]
    assert all(answer.status_code == 201 for answer in answers)
    return len(desk.rows("SELECT id FROM requests"))


def sent(desk, key: str, cut_off: bool) -> None:
    with suppress(httpx.ReadTimeout):
        patience = httpx.Timeout(30, read=0.001) if cut_off else 30
        headers = {**desk.client.headers, "Idempotency-Key": key}
        answer = httpx.post(
            f"{desk.client.base_url}/v1/requests", json=request(), headers=headers, timeout=patience, verify=PLAIN
        )
        assert answer.status_code in (201, 409), answer.text


@pytest.mark.prove("intents")
def test_each_intent_is_one_request(desk, record_property):
    """Afterwards each is sent once more, and answered as it was the first time."""
    intents = sample("intents", 40, 2000)
    stored = storm(desk, intents)
    record_property("requests", stored)
    assert stored == intents


def test_a_service_that_forgets_its_keys_is_seen(desk, monkeypatch):
    """`DIANDAN_SABOTAGE=no_idempotency`: nothing is told again, so the same intent is many requests."""
    monkeypatch.setattr(Once, "_told", lambda self: None)
    monkeypatch.setattr(Once, "_keep", lambda self, row: None)
    assert storm(desk, 5) > 5
