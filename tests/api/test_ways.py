"""P4: by whatever two ways a seat comes to somebody at one moment, it is theirs once."""

import itertools
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.api.desk import at, drop_guard, request, volunteer
from tests.api.test_double_booking import double_bookings
from tests.samples import sample

WAYS = ("publish", "assign", "undo")


def ready(desk, way: str, person: int) -> tuple[str, dict, dict]:
    """Something is one step from giving this person a seat at nine; the step."""
    asked = desk.enter("/v1/requests", request("09:00", "09:00", priority="urgent"))
    if way == "publish":
        where = desk.proposal()
        return f"{where}/publish", {}, {"If-Match": desk.client.get(where).headers["ETag"]}
    if way == "assign":
        return f"/v1/requests/{asked}/assign", {"volunteer": person, "start": at("09:00")}, {}
    first = desk.enter(f"/v1/requests/{asked}/assign", {"volunteer": person, "start": at("09:00")})
    other = desk.enter("/v1/volunteers", volunteer(at=[108.95, 34.2]))
    taken = {"volunteer": other, "start": at("09:00"), "reason": "换人"}
    second = desk.enter(f"/v1/requests/{asked}/assign", taken)
    assert desk.get(f"/v1/assignments/{first}")["state"] == "released"
    return f"/v1/assignments/{second}/undo", {}, {}


def taken(desk, step: tuple[str, dict, dict], both: threading.Barrier):
    """The step, as soon as the other is ready for theirs."""
    both.wait()
    return desk.post(step[0], step[1], **step[2])


def collide(desk, rounds: int) -> Counter[int]:
    """In each round two ways lead to one person for one time, at once; the statuses told."""
    told: Counter[int] = Counter()
    ways = itertools.cycle(itertools.product(WAYS, WAYS))
    with ThreadPoolExecutor(2) as pool:
        for first, second in itertools.islice(ways, rounds):
            person = desk.enter("/v1/volunteers", volunteer())
            steps = [ready(desk, way, person) for way in (first, second)]
            both = threading.Barrier(2)
            answers = pool.map(
                lambda step, both=both: (both.wait() and None) or desk.post(step[0], step[1], **step[2]), steps
            )
            told.update(answer.status_code for answer in answers)
            assert double_bookings(desk.database) == 0
            for table in ("assignments", "plan_files", "plans", "clocks", "request_windows", "requests"):
                desk.change(f"DELETE FROM {table}")
            desk.change("UPDATE volunteers SET state = 'left'")
    return told


@pytest.mark.prove("ways")
def test_no_two_ways_lead_to_one_person(desk, clock, record_property):
    told = collide(desk, sample("ways", 9, 1000))
    record_property("told", " ".join(f"{status}: {count}" for status, count in sorted(told.items())))
    assert set(told) <= {200, 201, 409, 412} and told[409] + told[412] > 0


def test_ways_without_the_guard_do(desk, clock):
    """The same without the constraint, and without looking first: somebody is booked twice."""
    drop_guard(desk.database)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("api.plans.by_hand._objections", lambda *_: iter(()))
        with pytest.raises(AssertionError):
            collide(desk, 9)
