"""Who could go, when, and why not, for one visit alone; and what nobody can do, against trying everything."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations, product
from random import Random

import pytest

from matcher import (
    RULES,
    Assignment,
    Availability,
    Instance,
    InvalidInput,
    Pinned,
    Request,
    Seat,
    StraightTravel,
    Volunteer,
    Window,
)
from matcher.eligibility import (
    WHY_NOT,
    count_why_not,
    distinct,
    merged,
    request_starts,
    seat_starts,
    servable_alone,
    settled_points,
    settled_requests,
    why_not,
)
from matcher.judge import Case
from tests.builders import instance, interval, matrix, minute, pinned, plan, request, seat, volunteer
from tests.samples import sample

ada = volunteer("ada", "08:00-12:00")
visit = request("R1", "09:00-10:00")


def starts(day: Instance, seat: int = 0) -> list[tuple[int, str, str]]:
    """The seat starts of the only person in the only request: interval, earliest, latest."""
    found = seat_starts(day, day.requests[0], seat, day.volunteers[0])
    return [(s.interval, clock(s.earliest), clock(s.latest)) for s in found]


def clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def reason(day: Instance, seat: int = 0) -> str | None:
    found = why_not(day, day.requests[0], seat, day.volunteers[0])
    assert (found is None) == bool(starts(day, seat))
    return None if found is None else found.code


# When a request may start


def test_starts_are_the_windows_cut_to_the_horizon():
    """08:00 to 10:00 and 16:00 to 18:00, the horizon ends at 17:00; the night before is cut to midnight."""
    asked = request("R1", "-1 22:00-01:00, 08:00-10:00, 16:00-18:00, 19:00-20:00")
    day = instance([ada], [asked], until="17:00")
    assert request_starts(day, asked) == [(0, 60), (480, 600), (960, 1020)]


def test_windows_that_touch_or_overlap_are_one():
    day = instance([ada], [request("R1", "10:00-11:00, 08:00-09:00, 09:01-09:30, 10:30-12:00, 10:45, 13:00")])
    assert request_starts(day, day.requests[0]) == [(480, 570), (600, 720), (780, 780)]
    assert merged([(3, 4), (0, 1), (6, 9), (7, 8), (2, 2)]) == [(0, 4), (6, 9)]


# When a person could fill a seat


def test_starts_leave_time_for_the_way_there_and_back():
    """Free 08:00 to 12:00, 20 minutes each way and an hour's work: 08:20 to 10:40."""
    assert starts(instance([ada], [request("R1", "00:00-24:00")])) == [(0, "08:20", "10:40")]
    assert starts(instance([ada], [visit])) == [(0, "09:00", "10:00")]


def test_starts_of_a_seat_are_those_of_the_request_and_its_lag():
    """The request starts 09:00 to 10:00, the seat 15 to 30 minutes later: 09:15 to 10:30. Own minutes: 100."""
    day = instance([ada], [request("R1", "09:00-10:00", seats=[seat(), seat(lag=(15, 30), minutes=100)])])
    assert starts(day, 1) == [(0, "09:15", "10:00")]
    day = instance([ada], [request("R1", "09:00-10:00", seats=[seat(), seat(lag=(15, 30))])])
    assert starts(day, 1) == [(0, "09:15", "10:30")]


def test_starts_in_every_interval_and_window():
    person = volunteer("ada", "08:00-10:00, 13:00-18:00")
    day = instance([person], [request("R1", "08:00-08:30, 08:35-14:00, 15:00")])
    assert starts(day) == [(0, "08:20", "08:30"), (0, "08:35", "08:40"), (1, "13:20", "14:00"), (1, "15:00", "15:00")]


def test_starts_from_now_on():
    """It is 09:10, and the way takes 20 minutes."""
    assert starts(instance([ada], [visit], now="09:10")) == [(0, "09:30", "10:00")]
    assert starts(instance([ada], [visit], now="07:00")) == [(0, "09:00", "10:00")]


@pytest.mark.parametrize(
    ("pin", "begun"),
    [
        (pinned("R1", "ada", "09:05"), True),
        (pinned("R1", "ada", "09:05", seat=0), True),
        (pinned("R1", "ada"), False),
        (pinned("R1", "ada", "08:59"), False),  # outside the window
        (pinned("R1", "ada", "09:35"), False),  # still to come, and among the others
    ],
)
def test_starts_of_work_that_has_begun(pin, begun):
    found = starts(instance([ada], [visit], now="09:10", pinned=(pin,)))
    assert found == [(0, "09:05", "09:05")] * begun + [(0, "09:30", "10:00")]


def test_a_pin_in_another_seat_begins_nothing_here():
    day = instance(
        [ada], [request("R1", "09:00", seats=2)], now="12:00", pinned=(pinned("R1", "ada", "09:00", seat=1),)
    )
    assert (starts(day, 0), starts(day, 1)) == ([], [(0, "09:00", "09:00")])


def test_it_just_fits_or_misses_by_a_minute():
    """20 + 60 + 20 minutes."""
    for length, fits in [(100, True), (99, False)]:
        person = Volunteer("ada", "ada", (Availability(480, 480 + length),))
        assert bool(starts(instance([person], [request("R1", "00:00-24:00")]))) == fits


def test_at_the_own_door_the_whole_interval_is_for_work():
    day = instance([volunteer("ada", "09:00-10:00", at="R1")], [request("R1", "00:00-24:00")])
    assert starts(day) == [(0, "09:00", "09:00")]


@pytest.mark.parametrize(("time", "fits"), [("08:19", 0), ("08:20", 1), ("10:40", 1), ("10:41", 0)])
def test_begun_work_fits_its_interval_too(time, fits):
    """Free 08:00 to 12:00, 20 minutes each way and an hour's work; it is 13:00."""
    day = instance([ada], [request("R1", "00:00-24:00")], now="13:00", pinned=(pinned("R1", "ada", time),))
    assert starts(day) == [(0, time, time)] * fits


@pytest.mark.parametrize(("cap", "fits"), [(100, 1), (99, 0)])
def test_begun_work_keeps_the_caps_too(cap, fits):
    day = instance([replace(ada, max_minutes=cap)], [visit], now="13:00", pinned=(pinned("R1", "ada", "09:00"),))
    assert len(starts(day)) == fits


# Why not: every reason once, and which one is told when there are several


def only(person: Volunteer, asked: Request, **rest) -> Instance:
    return instance([person], [asked], **rest)


NURSE = request("R1", "09:00-10:00", seats=[seat({"nurse": 2})])
FAR = request("R1", "09:00-10:00", at=(121.0, 31.1))
NEAR = volunteer("ada", "08:00-12:00", at=(121.0, 31.0), radius_km=11.1)  # 0.1° is 11.12 km
CASES = {
    "forbidden": [only(ada, request("R1", "09:00-10:00", forbidden=("ada",), seats=[seat("nurse")]))],
    "skill_missing": [only(ada, NURSE), only(replace(ada, skills={"driver": 3}), NURSE)],
    "skill_level": [only(replace(ada, skills={"nurse": 1}), NURSE)],
    "outside_radius": [only(NEAR, FAR, travel=StraightTravel())],
    "not_free": [
        only(volunteer("ada", ()), visit),
        only(volunteer("ada", "10:30-18:00"), visit),
        only(volunteer("ada", "08:30-09:59"), visit),
        only(volunteer("ada", "09:00-09:30, 09:30-10:00"), visit),
        only(ada, request("R1", "18:00-20:00"), until="17:00"),
    ],
    "no_time_to_travel": [
        only(volunteer("ada", "09:00-10:39"), visit),
        only(volunteer("ada", "09:41-12:00"), visit),
        only(volunteer("ada", "09:00-10:00"), request("R1", "09:00")),
    ],
    "over_cap": [
        only(replace(ada, max_minutes=99), visit),
        only(replace(ada, max_minutes_per_day=99), visit),
        only(replace(ada, max_requests_per_day=0), visit),
        only(volunteer("ada", "08:40-10:20", max_minutes=99), request("R1", "09:00")),
    ],
    "too_late_now": [only(ada, visit, now="09:41"), only(ada, visit, now="11:00")],
}


@pytest.mark.parametrize("code", WHY_NOT)
def test_why_not_has_every_reason(code):
    assert [reason(day) for day in CASES[code]] == [code] * len(CASES[code])


@pytest.mark.parametrize(
    "day",
    [
        only(replace(ada, skills={"nurse": 2}), NURSE),
        only(replace(NEAR, radius_km=11.2), FAR, travel=StraightTravel()),
        only(replace(ada, max_minutes=100, max_minutes_per_day=100, max_requests_per_day=1), visit),
        only(volunteer("ada", "09:00-10:40"), visit),
        only(volunteer("ada", "09:40-12:00"), visit),
        only(ada, visit, now="09:40"),
        only(ada, visit, now="10:00", pinned=(pinned("R1", "ada", "09:00"),)),
    ],
)
def test_why_not_is_silent_when_it_just_fits(day):
    assert reason(day) is None


def test_why_not_tells_what_came_nearest():
    """In the morning there is no time to travel, in the afternoon she is not asked for: the morning is told."""
    assert reason(only(volunteer("ada", "09:00-10:30, 13:00-18:00"), visit)) == "no_time_to_travel"
    assert reason(only(volunteer("ada", "08:00-10:45, 13:00-18:00"), visit, now="09:30")) == "too_late_now"


def test_why_not_is_said_in_both_languages():
    told = why_not(CASES["skill_level"][0], NURSE, 0, CASES["skill_level"][0].volunteers[0])
    assert (told.zh, told.en) == ("技能 nurse 级别不够", "with too low a level of nurse")


def test_the_radius_is_that_of_each_interval():
    """The afternoon starts 5.56 km away, the morning 11.12."""
    person = replace(NEAR, availability=(interval("08:00-12:00"), interval("13:00-18:00", at=(121.0, 31.05))))
    asked = request("R1", "09:00-17:00", at=(121.0, 31.1), minutes=30)
    assert {s[0] for s in starts(only(person, asked, travel=StraightTravel()))} == {1}


def test_people_are_counted_by_reason():
    people = [ada, volunteer("bo", "14:00-18:00"), volunteer("cy", "15:00-18:00"), volunteer("di", skills="nurse")]
    day = instance(people, [request("R1", "09:00", seats=[seat(), seat("nurse")])])
    able, reasons = count_why_not(day, day.requests[0], 0)
    assert (able, {r.code: n for r, n in reasons.items()}) == (2, {"not_free": 2})
    able, reasons = count_why_not(day, day.requests[0], 1)
    assert (able, {r.code: n for r, n in reasons.items()}) == (1, {"skill_missing": 3})


# What is settled: nobody could do it, even if nothing else were asked for


def settled(people: list[Volunteer], *asked: Request, **rest) -> list[str]:
    return [r.id for r in settled_requests(instance(people, asked, **rest))]


def test_two_seats_and_one_person_are_not_enough():
    pair = request("R1", "09:00-10:00", seats=2)
    assert settled([ada], pair) == ["R1"]
    assert settled([ada, volunteer("bo")], pair) == []


def test_two_seats_that_only_the_same_person_can_fill():
    """Both a nurse's seat and a driver's have only ada; there are people enough otherwise."""
    people = [volunteer("ada", skills="nurse, driver"), volunteer("bo"), volunteer("cy")]
    asked = request("R1", "09:00-10:00", seats=[seat("nurse"), seat("driver"), seat()])
    assert settled(people, asked) == ["R1"]
    assert settled([*people[:2], volunteer("cy", skills="driver")], asked) == []


def test_seats_that_have_people_but_no_common_start():
    """Ada is free in the morning, bo in the afternoon; both are in time for each seat alone."""
    asked = request("R1", "08:00-18:00", seats=2)
    morning, afternoon = volunteer("ada", "08:00-12:00"), volunteer("bo", "12:00-18:00")
    assert settled([morning, afternoon], asked) == ["R1"]
    assert settled([morning, volunteer("bo", "10:20-18:00")], asked) == []
    assert settled([morning, volunteer("bo", "10:21-18:00")], asked) == ["R1"]


def test_a_lag_makes_a_common_start():
    """Ada starts at 10:40 at the latest and bo at 12:20 at the earliest: 100 minutes apart."""
    people = [volunteer("ada", "08:00-12:00"), volunteer("bo", "12:00-18:00")]
    assert settled(people, request("R1", "08:00-18:00", seats=[seat(), seat(lag=(0, 100))])) == []
    assert settled(people, request("R1", "08:00-18:00", seats=[seat(), seat(lag=(0, 99))])) == ["R1"]


@pytest.mark.parametrize(("least", "settles"), [(10, []), (11, ["R1"])])
def test_the_least_lag_counts_backwards(least, settles):
    """The nurse starts at 10:30 at the earliest, the driver at 10:40 at the latest."""
    people = [volunteer("ada", "10:10-18:00", skills="nurse"), volunteer("bo", "08:00-12:00", skills="driver")]
    asked = request("R1", "08:00-18:00", seats=[seat("nurse"), seat("driver", lag=(least, 30))])
    assert settled(people, asked) == settles


def test_optional_seats_settle_nothing():
    assert settled([ada], request("R1", "09:00", seats=[seat(), seat("diver", optional=True)])) == []


def test_what_is_settled_costs_its_price():
    asked = [
        request("R1", "09:00", seats=[seat("diver")], priority="urgent"),
        request("R2", "05:00", priority="low"),
        request("R3", "09:00", priority="high"),
        request("R4", "23:00"),
    ]
    day = instance([ada], asked, until="22:00")
    assert [r.id for r in settled_requests(day)] == ["R1", "R2", "R4"]
    assert settled_points(day) == 20_000 + 1_200 + 3_000


def test_a_crew_that_has_begun_is_not_settled():
    """It is 11:00; both began at 09:00. Without bo's pin he would have to be there in the past."""
    people, pair = [ada, volunteer("bo")], request("R1", "09:00-10:00", seats=2)
    begun = (pinned("R1", "ada", "09:00"), pinned("R1", "bo", "09:00"))
    assert settled(people, pair, now="11:00", pinned=begun) == []
    assert settled(people, pair, now="11:00", pinned=begun[:1]) == ["R1"]


@pytest.mark.parametrize(
    ("able", "found"),
    [
        ([], []),
        ([[1], [1]], None),
        ([[1, 2], [1]], [2, 1]),
        ([[1, 2], [1, 2], [1, 2]], None),
        ([[1, 2], [2, 3], [1]], [2, 3, 1]),
        ([[]], None),
    ],
)
def test_different_people_for_all_seats(able, found):
    assert distinct(able) == found


# Against trying everything, with the judge to say what is allowed

PEOPLE, LENGTH = "abc", 45


def small(rng: Random) -> Instance:
    """Three people, one request, three quarters of an hour; everything tight enough to fail now and then.
    Where the pins drawn contradict each other there are none."""
    people = [somebody(rng, id) for id in PEOPLE[: rng.randint(1, 3)]]
    asked = something(rng)
    table = {(x, y): rng.randint(0, 6) for x in [*PEOPLE, "R", "E"] for y in [*PEOPLE, "R", "E"] if x != y}
    pins = [
        Pinned("R", p.id, rng.choice([None, rng.randrange(len(asked.seats))]), rng.choice([None, rng.randint(0, 30)]))
        for p in people
        if rng.random() < 0.3
    ]
    travel = matrix([*PEOPLE, "R", "E"], table)
    now = rng.choice([None, None, None, "00:05", "00:20"])
    try:
        return instance(people, [asked], travel=travel, now=now, until=clock(rng.randint(15, LENGTH)), pinned=pins)
    except InvalidInput:
        return instance(people, [asked], travel=travel, now=now)


def somebody(rng: Random, id: str) -> Volunteer:
    cut = sorted(rng.sample(range(LENGTH + 1), 4))
    intervals = [Availability(cut[0], cut[1]), Availability(cut[2], cut[3])]
    if rng.random() < 0.8:
        intervals = [Availability(cut[0], cut[3], at=rng.choice([None, "E"]))]
    caps = {name: rng.choice([None, None, rng.randint(10, 40)]) for name in ("max_minutes", "max_minutes_per_day")}
    return volunteer(id, intervals, skills={"nurse": rng.randint(1, 2)} if rng.random() < 0.6 else "", **caps)


def something(rng: Random) -> Request:
    seats = [Seat(a_skill(rng))]
    for _ in range(rng.choice([0, 1, 1, 2])):
        low = rng.randint(0, 4)
        own = rng.choice([None, rng.randint(1, 12)])
        seats.append(Seat(a_skill(rng), rng.random() < 0.2, (low, low + rng.randint(0, 3)), own))
    begins = [rng.randint(-3, 35) for _ in range(rng.randint(1, 2))]
    windows = tuple(Window(a, a + rng.randint(0, 12)) for a in begins)
    forbidden = tuple(id for id in PEOPLE if rng.random() < 0.1)
    return Request(
        "R", "R", rng.randint(1, 12), windows, end_at=rng.choice([None, "E"]), seats=tuple(seats), forbidden=forbidden
    )


def a_skill(rng: Random) -> dict[str, int]:
    return {"nurse": rng.randint(1, 2)} if rng.random() < 0.25 else {}


def allowed(day: Instance, seat: int, person: Volunteer) -> Iterator[int]:
    """Every seat start that the judge lets pass for this person alone, whatever the other seats do."""
    asked = day.requests[0]
    low, high = asked.seats[seat].lag
    asked_for = [s for s in range(LENGTH + 20) if any(w.start <= s <= w.end for w in asked.windows)]
    possible = {s + lag for s in asked_for if 0 <= s <= day.horizon_end for lag in range(low, high + 1)}
    empty = plan(day)
    for start in sorted(possible):
        alone = (Assignment("R", seat, person.id, start, start + asked.seat_minutes(seat)),)
        case = Case(day, replace(empty, assignments=alone))
        if not any(True for rule in ("skill", "trip", "caps", "now") for _ in RULES[rule][2](case)):
            yield start


def servable_by_trying(day: Instance, free: dict[tuple[int, str], set[int]]) -> bool:
    """Every start, every crew of different people, every lag."""
    asked = day.requests[0]
    for start in range(day.horizon_end + 1):
        if any(w.start <= start <= w.end for w in asked.windows):
            for crew in permutations([p.id for p in day.volunteers], len(asked.required_seats)):
                seated = zip(asked.required_seats, crew, strict=True)
                if all(free[k, id] & lagged(asked.seats[k], start) for k, id in seated):
                    return True
    return False


def lagged(one: Seat, start: int) -> set[int]:
    return set(range(start + one.lag[0], start + one.lag[1] + 1))


@pytest.mark.prove("eligibility")
def test_small_instances_against_trying_everything():
    verdicts = []
    for number in range(sample("eligibility", test=600, prove=10_000)):
        day = small(Random(number))
        asked = day.requests[0]
        free = {}
        for k, person in product(range(len(asked.seats)), day.volunteers):
            found = seat_starts(day, asked, k, person)
            free[k, person.id] = set(allowed(day, k, person))
            assert {t for s in found for t in range(s.earliest, s.latest + 1)} == free[k, person.id], number
            assert (why_not(day, asked, k, person) is None) == bool(found), number
            for s in found:
                within = person.availability[s.interval]
                assert within.start <= s.earliest <= s.latest < within.end
        verdicts.append(servable_alone(day, asked))
        assert verdicts[-1] == servable_by_trying(day, free), number
    assert 0.2 < sum(verdicts) / len(verdicts) < 0.8


def test_many_people_who_all_miss_by_a_little_are_soon_counted():
    """Two thousand people for two seats, of which one has nobody: no start is tried for it."""
    crowd = [volunteer(f"v{i}", f"08:{i % 60:02}-12:00", at="home") for i in range(2_000)]
    asked = request("R1", "08:00-12:00", seats=[seat(), seat("diver")])
    assert settled(crowd, asked, travel=matrix(["home", "R1"], 5)) == ["R1"]


def test_minutes_of_the_tests_are_minutes_of_the_clock():
    assert clock(minute("09:05")) == "09:05"
