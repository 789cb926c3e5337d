"""P6: whoever looks sees exactly one published plan, however often another takes its place meanwhile."""

import threading

import httpx
import pytest

from api.plans import publish
from tests.api.desk import PLAIN, request, volunteer
from tests.samples import sample


class Reader(threading.Thread):
    """Looks again and again: how many plans were published, and how many seats in force each volunteer had."""

    def __init__(self, desk, path: str, count) -> None:
        super().__init__()
        self.client = httpx.Client(verify=PLAIN, base_url=desk.client.base_url, headers=desk.client.headers, timeout=30)
        self.path, self.count = path, count
        self.seen: list[int] = []
        self.stop = threading.Event()

    def run(self) -> None:
        while not self.stop.is_set():
            answer = self.client.get(self.path)
            assert answer.status_code == 200, answer.text
            self.seen.append(self.count(answer))


def published(answer) -> int:
    return sum(plan["state"] == "published" for plan in answer.json()["items"])


def watched(desk, turns: int) -> dict[str, set[int]]:
    """What readers of the list, of the page and of a schedule see while plans are published in turn."""
    desk.enter("/v1/volunteers", volunteer())
    desk.enter("/v1/requests", request("09:00", "09:00"))
    desk.publish(desk.proposal()).raise_for_status()
    readers = {
        "list": Reader(desk, "/v1/plans?sort=-id&limit=20", published),
        "page": Reader(desk, "/", lambda answer: int("09:00" in answer.text)),
        "schedule": Reader(desk, "/v1/volunteers/1/schedule", lambda answer: len(answer.json())),
    }
    for reader in readers.values():
        reader.start()
    for _ in range(turns):
        desk.publish(desk.proposal()).raise_for_status()
    for reader in readers.values():
        reader.stop.set()
        reader.join()
    return {name: set(reader.seen) for name, reader in readers.items()}


@pytest.mark.prove("one-plan")
def test_exactly_one_plan_is_in_force(desk):
    assert watched(desk, sample("one-plan", 8, 500)) == {"list": {1}, "page": {1}, "schedule": {1}}


def test_two_plans_at_once_are_seen(desk, monkeypatch):
    """The plan before is not retired: the readers notice."""
    monkeypatch.setattr(publish, "_supersede", lambda session, row, wish: None)
    assert max(watched(desk, 2)["list"]) > 1
