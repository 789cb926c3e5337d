"""So many at once that each finds a thread whenever it needs one; the others wait in front, and not for ever."""

from concurrent.futures import ThreadPoolExecutor

import anyio
import pytest
from anyio.from_thread import start_blocking_portal

from api.crowd import Crowd
from tests.api.desk import request, volunteer


def scope(path: str = "/v1/plans"):
    return {"type": "http", "method": "GET", "path": path, "headers": [], "state": {"request_id": "r"}}


class House:
    """Serves whoever is let in once it is told to; `answers` are held back until somebody reads them."""

    def __init__(self):
        self.inside, self.most_inside, self.doors = 0, 0, anyio.Event()

    async def __call__(self, scope, receive, send):
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        await self.doors.wait()
        self.inside -= 1
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await anyio.sleep(0.05)  # a slow reader
        if scope["path"] == "/broken":
            raise ZeroDivisionError


async def visit(crowd: Crowd, told: list, path: str = "/v1/plans") -> None:
    async def send(event):
        if event["type"] == "http.response.start":
            told.append((event["status"], dict(event["headers"]).get(b"retry-after")))

    await crowd(scope(path), None, send)


def run(visits, *args):
    """In a thread with a loop of its own: a browser's tests before these leave theirs running in this one."""
    with start_blocking_portal() as portal:
        return portal.call(visits, *args)


async def five_visits(most: int, patience: float, path: str = "/v1/plans"):
    house, told = House(), []
    crowd = Crowd(house, most, patience)
    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(visit, crowd, told, path)
        await anyio.sleep(0.02)
        seen = house.inside
        if patience > 1:
            house.doors.set()
        await anyio.sleep(0.2)
        house.doors.set()
    return seen, house.most_inside, told


def test_all_are_served_so_many_at_a_time():
    assert run(five_visits, 2, 5.0) == (2, 2, [(200, None)] * 5)


def test_who_waits_too_long_is_told_to_come_again():
    _, _, told = run(five_visits, 2, 0.05)
    assert sorted(told, key=lambda one: one[0]) == [(200, None)] * 2 + [(503, b"5")] * 3


def test_whether_we_live_is_always_answered():
    seen, _, told = run(five_visits, 2, 0.05, "/livez")
    assert seen == 5 and told == [(200, None)] * 5


def test_a_place_is_free_again_after_a_failure():
    async def visits():
        house = House()
        house.doors.set()
        crowd = Crowd(house, 1, 1.0)
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                await visit(crowd, [], "/broken")
        assert crowd.places.value == 1

    run(visits)


def test_more_come_than_there_are_threads(sqlite_desk):
    """Sixty at once, half of them write: with SQLite a reader bars the commit, and must get a thread to end its answer.

    Without the crowd's door nothing moved until everybody had given up after five seconds.
    """
    person = sqlite_desk.enter("/v1/volunteers", volunteer())

    def come(number: int) -> int:
        if number % 2:
            return sqlite_desk.client.get(f"/v1/volunteers/{person}/schedule").status_code
        return sqlite_desk.post("/v1/requests", request()).status_code

    with ThreadPoolExecutor(60) as people:
        assert set(people.map(come, range(240))) == {200, 201}
