"""Two who do something to one request at the same moment: one after the other, each seeing what the other has done."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import datetime, timedelta

import pytest

from api import transitions
from api.assignments import service as seats
from api.db import WAIT_SECONDS
from api.jobs import duties
from api.jobs.scanner import Scanner
from api.models.plans import HandAssignment
from api.plans import by_hand, publish
from api.security import HOUSE
from api.transitions import Act
from api.volunteers import service as volunteers
from tests.api.desk import NOW, at, request, volunteer
from tests.api.test_dispatch import assign, event, seat_of, state, step
from tests.api.test_duties import running

CREWS = 10


def crew(desk) -> tuple[int, list[int]]:
    """A request of two, and the two seats that are offered."""
    asked = desk.enter("/v1/requests", request(seats=[{}, {}]))
    people = [desk.enter("/v1/volunteers", volunteer()) for _ in range(2)]
    return asked, [seat_of(desk, asked, person, seat=k) for k, person in enumerate(people)]


def both(desk, ids, what, **body) -> None:
    """Two people answer, as near to each other as two threads come."""
    ready = threading.Barrier(2)

    def answer(id: int) -> None:
        ready.wait()
        step(desk, id, what, **body)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(answer, ids))


def lives(desk, clock) -> set[tuple[str, ...]]:
    """What requests come to whose two people always answer at once."""
    found = set()
    for _ in range(CREWS):
        clock["now"] = datetime.fromisoformat(at("08:30"))
        asked, ids = crew(desk)
        both(desk, ids, "accept")
        agreed = state(desk, asked)
        both(desk, ids, "check-in")
        begun = state(desk, asked)
        both(desk, ids, "finish", minutes=30)
        found.add((agreed, begun, state(desk, asked)))
    return found


def test_a_crew_that_answers_at_once_is_a_crew(desk, clock):
    assert lives(desk, clock) == {("confirmed", "in_service", "served")}


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_without_the_hold_it_is_stuck(desk, clock, monkeypatch):
    """Each sees the other's seat as it was, and neither moves the request."""
    monkeypatch.setattr(seats, "hold", lambda *_: None)
    assert lives(desk, clock) != {("confirmed", "in_service", "served")}


def test_a_chase_and_the_end_of_the_wait(desk, clock, monkeypatch):
    """Whichever is first, no clock is left, and it may wait for a department again."""
    asked = desk.enter("/v1/requests", request())
    begun = clock["now"]
    body = {"for": "department", "reason": "需供电局", "external_number": "GD-17"}
    event(desk, asked, "wait", **body, until=(begun + timedelta(days=20)).isoformat()).raise_for_status()
    clock["now"] = begun + timedelta(days=7.5)
    scans = Scanner(desk.database, duties.handlers(desk.database, desk.settings), hold=duties.hold)
    with ThreadPoolExecutor(2) as pool:
        chased, resumed = pool.submit(scans.scan, clock["now"]), pool.submit(event, desk, asked, "resume")
        assert resumed.result().status_code == 200 and chased.result() in (0, 1)
    assert (state(desk, asked), running(desk, "T8"), running(desk, "until")) == ("triaged", [], [])
    again = (clock["now"] + timedelta(days=5)).isoformat()
    event(desk, asked, "wait", **body, until=again).raise_for_status()


def test_an_undo_and_the_other_seat_for_who_was_let_go(desk, clock):
    """Never two seats of one crew, at whatever times."""
    for _ in range(CREWS):
        asked = desk.enter("/v1/requests", request("08:00", "12:00", minutes=20, seats=[{}, {"lag": [60, 60]}]))
        first, second = (desk.enter("/v1/volunteers", volunteer()) for _ in range(2))
        seat_of(desk, asked, first)
        slip = seat_of(desk, asked, second, reason="换人")
        with ThreadPoolExecutor(2) as pool:
            undone = pool.submit(desk.post, f"/v1/assignments/{slip}/undo", {})
            given = pool.submit(assign, desk, asked, first, "10:00", seat=1)
            assert sorted([undone.result().status_code, given.result().status_code])[-1] == 409
        held = "SELECT count(*) FROM assignments WHERE request_id = :id AND volunteer_id = :who AND state = 'offered'"
        assert desk.rows(held, id=asked, who=first) == [(1,)]


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_what_somebody_holds_keeps_no_other_clock_waiting(desk, clock):
    """Its own clock fires at the next scan; the scanner does not stand still for it."""
    clock["now"] = datetime.fromisoformat(at("07:00"))
    asked = [desk.enter("/v1/requests", request()) for _ in range(3)]
    ids = [seat_of(desk, each, desk.enter("/v1/volunteers", volunteer())) for each in asked]
    scans = Scanner(desk.database, duties.handlers(desk.database, desk.settings), hold=duties.hold)
    with desk.database.writing() as session:
        transitions.hold(session, asked[0])
        begun = time.monotonic()
        assert scans.scan(datetime.fromisoformat(at("07:30"))) == 3, "two offers, and the round that is wished for"
        assert time.monotonic() - begun < WAIT_SECONDS
    states = [desk.get(f"/v1/assignments/{id}")["state"] for id in ids]
    assert states == ["offered", "expired", "expired"]
    assert scans.scan(datetime.fromisoformat(at("07:30"))) == 2
    assert desk.get(f"/v1/assignments/{ids[0]}")["state"] == "expired"


def leaving(desk, person, where):
    """Somebody leaves while a plan that counts on them is published, and their leaving is committed once the publisher
    waits or is through: what the publisher is told, the states of their seats, and of how many they were told."""
    with ThreadPoolExecutor(1) as pool:
        with desk.database.writing() as session:
            gone = volunteers.leave(session, person, HOUSE, NOW)
            session.flush()
            published = pool.submit(desk.publish, where)
            wait([published], timeout=1)
        answer = published.result()
    held = "SELECT state, affected FROM assignments WHERE volunteer_id = :who AND state <> 'proposed'"
    return answer.status_code, desk.rows(held, who=person), len(gone.affected)


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_somebody_leaves_while_a_plan_that_counts_on_them_is_published(desk, clock):
    person = desk.enter("/v1/volunteers", volunteer())
    desk.enter("/v1/requests", request())
    assert leaving(desk, person, desk.proposal()) == (412, [], 0)


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_without_the_hold_of_people_nobody_is_told(desk, clock, monkeypatch):
    """Who has left has an offer, and it is not marked."""
    monkeypatch.setattr(publish, "hold_people", lambda *_: [])
    person = desk.enter("/v1/volunteers", volunteer())
    desk.enter("/v1/requests", request())
    assert leaving(desk, person, desk.proposal()) == (200, [("offered", None)], 0)


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_two_who_give_somebody_something_at_once_leave_time_for_the_way(desk, clock):
    """Each seat alone could be; the second is refused once the first is there."""
    person = desk.enter("/v1/volunteers", volunteer())
    here = desk.enter("/v1/requests", request())
    there = desk.enter("/v1/requests", request(at=[108.90, 34.30]))
    first = HandAssignment(volunteer=person, start=datetime.fromisoformat(at("09:00")))
    with ThreadPoolExecutor(1) as pool:
        with desk.database.writing() as session:
            by_hand.assign(session, here, first, Act(HOUSE, clock["now"]), desk.settings)
            session.flush()
            given = pool.submit(assign, desk, there, person, "09:30")
            wait([given], timeout=1)
            assert not given.done(), "it waits"
        answer = given.result()
    assert (answer.status_code, answer.json()["code"]) == (409, "travel_time")
