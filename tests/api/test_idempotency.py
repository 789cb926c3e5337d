"""P2: one intent, one effect, however often and however closely it is sent."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from sqlalchemy import insert

from api.models import IdempotencyRow
from tests.api.desk import period, request, volunteer


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


def test_a_key_in_flight_is_told_so(desk):
    """Somebody holds the key in a transaction that ends a moment later."""
    held, seen = threading.Event(), threading.Event()

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
            seen.wait(0.5)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    answer = desk.post("/v1/requests", request(), key="one")
    holder.join()
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
