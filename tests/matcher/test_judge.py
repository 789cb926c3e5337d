"""The book of rules and the price list, fact by fact. Every expected number is worked out by hand."""

from dataclasses import replace
from pathlib import Path

import pytest

from matcher import (
    RULES,
    TERMS,
    Assignment,
    Instance,
    Plan,
    Reason,
    StraightTravel,
    Unserved,
    Verdict,
    Violation,
    Weights,
    gap,
    judge,
)
from matcher.judge import FIGURES, Case
from tests.builders import instance, interval, matrix, pinned, plan, published, request, seat, volunteer

Entry = tuple[str, int, str, str]


def broken(rule: str, day: Instance, *assigned: Entry) -> list[str]:
    """What this one rule has to say about the plan."""
    return [violation.because for violation in RULES[rule][2](Case(day, plan(day, *assigned)))]


def verdict(day: Instance, *assigned: Entry) -> Verdict:
    return judge(day, plan(day, *assigned))


def rules_broken(day: Instance, *assigned: Entry) -> set[str]:
    """Every rule broken but `figures`, which hand-made plans do not state."""
    return {violation.rule for violation in verdict(day, *assigned).violations} - {"figures"}


def terms(day: Instance, *assigned: Entry) -> dict[str, int]:
    """What the plan costs, the terms that are nothing left out; the plan must break no rule."""
    assert rules_broken(day, *assigned) == set()
    return {term: points for term, points in verdict(day, *assigned).terms.items() if points}


def price(term: str, day: Instance, *assigned: Entry) -> int:
    return terms(day, *assigned).get(term, 0)


ada = volunteer("ada")
bo = volunteer("bo")
morning = request("R1", "09:00-12:00")


# The rule `known`


def test_known_a_plan_names_its_own_instance():
    day = instance([ada], [morning])
    other = replace(plan(day, ("R1", 0, "ada", "09:00")), instance="last week")
    found = [v.because for v in RULES["known"][2](Case(day, other))]
    assert found == ["the plan is of last week, not of by hand"]


def test_known_seats_and_people_exist():
    day = instance([ada], [morning])
    strangers = (
        Assignment("R9", 0, "ada", 540, 600),
        Assignment("R1", 1, "ada", 540, 600),
        Assignment("R1", -1, "ada", 540, 600),
        Assignment("R1", 0, "eve", 540, 600),
    )
    found = [v.because for v in RULES["known"][2](Case(day, plan(day, assignments=strangers)))]
    assert found == [
        "there is no seat 0 of R9, or no volunteer ada",
        "there is no seat 1 of R1, or no volunteer ada",
        "there is no seat -1 of R1, or no volunteer ada",
        "there is no seat 0 of R1, or no volunteer eve",
    ]


@pytest.mark.parametrize(("end", "lasts"), [(569, 29), (570, None), (571, 31), (540, 0), (510, -30)])
def test_known_a_seat_lasts_as_long_as_it_takes(end, lasts):
    """The request takes 60 minutes, this seat of it 30: from 09:00 (540) to 09:30 (570)."""
    day = instance([ada], [request("R1", "09:00-12:00", minutes=60, seats=[seat(minutes=30)])])
    made = plan(day, assignments=(Assignment("R1", 0, "ada", 540, end),))
    found = [v.because for v in RULES["known"][2](Case(day, made))]
    assert found == ([] if lasts is None else [f"ada is in seat 0 of R1 for {lasts} min, it takes 30"])


def test_known_and_nothing_else_is_asked_of_a_stranger():
    """What names nobody here breaks one rule, and the others pass over it."""
    day = instance([ada], [morning])
    made = plan(day, assignments=(Assignment("R9", 7, "eve", 0, 1),))
    assert {v.rule for v in judge(day, made).violations} == {"known", "figures"}


# The rule `seats`

pair = request("R1", "09:00-12:00", seats=2)


def test_seats_two_people_fill_two_seats():
    assert broken("seats", instance([ada, bo], [pair]), ("R1", 0, "ada", "09:00"), ("R1", 1, "bo", "09:00")) == []


def test_seats_nobody_sits_on_two():
    day = instance([ada, bo], [pair])
    assert broken("seats", day, ("R1", 0, "ada", "09:00"), ("R1", 1, "ada", "09:00")) == ["ada fills 2 seats of R1"]


def test_seats_each_takes_one_person():
    day = instance([ada, bo], [morning])
    assert broken("seats", day, ("R1", 0, "ada", "09:00"), ("R1", 0, "bo", "09:00")) == [
        "seat 0 of R1 is filled 2 times"
    ]


def test_seats_the_same_entry_twice_is_twice_too():
    day = instance([ada], [morning])
    assert broken("seats", day, ("R1", 0, "ada", "09:00"), ("R1", 0, "ada", "09:00")) == [
        "seat 0 of R1 is filled 2 times",
        "ada fills 2 seats of R1",
    ]


def test_seats_a_required_one_may_not_stay_empty():
    day = instance([ada, bo], [pair])
    assert broken("seats", day, ("R1", 0, "ada", "09:00")) == ["R1 is served without its required seat 1"]
    assert broken("seats", day, ("R1", 1, "bo", "09:00")) == ["R1 is served without its required seat 0"]


def test_seats_an_optional_one_may():
    day = instance([ada, bo], [request("R1", "09:00-12:00", seats=[seat(), seat(optional=True)])])
    assert broken("seats", day, ("R1", 0, "ada", "09:00")) == []
    assert broken("seats", day, ("R1", 1, "bo", "09:00")) == ["R1 is served without its required seat 0"]


def test_seats_are_all_empty_when_nobody_comes():
    assert broken("seats", instance([ada], [pair])) == []


# The rule `skill`


@pytest.mark.parametrize(
    ("has", "faults"),
    [
        ({"nurse": 2}, []),
        ({"nurse": 3, "driver": 1}, []),
        ({"nurse": 1}, ["ada has nurse at level 1, seat 0 of R1 wants 2"]),
        ({"driver": 5}, ["ada has nurse at level 0, seat 0 of R1 wants 2"]),
    ],
)
def test_skill_at_the_level_or_higher(has, faults):
    day = instance([volunteer("ada", skills=has)], [request("R1", "09:00", seats=[seat({"nurse": 2})])])
    assert broken("skill", day, ("R1", 0, "ada", "09:00")) == faults


def test_skill_every_one_of_the_seat():
    day = instance([volunteer("ada", skills="nurse")], [request("R1", "09:00", seats=[seat("nurse, driver")])])
    assert broken("skill", day, ("R1", 0, "ada", "09:00")) == ["ada has driver at level 0, seat 0 of R1 wants 1"]


def test_skill_is_asked_of_the_seat_not_of_the_request():
    """A nurse and a helper: ada is no nurse and may help, not nurse."""
    people = [ada, volunteer("bo", skills="nurse")]
    day = instance(people, [request("R1", "09:00", seats=[seat("nurse"), seat()])])
    assert broken("skill", day, ("R1", 0, "bo", "09:00"), ("R1", 1, "ada", "09:00")) == []
    assert broken("skill", day, ("R1", 0, "ada", "09:00"), ("R1", 1, "bo", "09:00")) == [
        "ada has nurse at level 0, seat 0 of R1 wants 1"
    ]


def test_skill_a_forbidden_person_stays_away():
    day = instance([ada, bo], [request("R1", "09:00", forbidden=("ada",)), request("R2", "15:00")])
    assert broken("skill", day, ("R1", 0, "ada", "09:00")) == ["ada may not be sent to R1"]
    assert broken("skill", day, ("R1", 0, "bo", "09:00"), ("R2", 0, "ada", "15:00")) == []


# One degree of a meridian is 6371.009 km × π ÷ 180 = 111.19508 km, so 0.01° is 1.1119508 km.
@pytest.mark.parametrize(("radius", "faults"), [(1.12, 0), (1.1119509, 0), (1.1119507, 1), (0.0, 1), (None, 0)])
def test_skill_includes_the_radius(radius, faults):
    near = volunteer("ada", at=(121.0, 31.0), radius_km=radius)
    day = instance([near], [request("R1", "09:00", at=(121.0, 31.01))], travel=StraightTravel())
    assert len(broken("skill", day, ("R1", 0, "ada", "09:00"))) == faults


def test_skill_a_radius_of_nothing_reaches_the_own_place():
    day = instance(
        [volunteer("ada", at=(121.0, 31.0), radius_km=0)],
        [request("R1", "09:00", at=(121.0, 31.0))],
        travel=StraightTravel(),
    )
    assert rules_broken(day, ("R1", 0, "ada", "09:00")) == set()


def test_skill_the_radius_is_drawn_from_where_that_trip_starts():
    """At home ada is 1.1 km away; in the afternoon she starts 2.2 km away (0.02°), beyond her 1.5 km."""
    from_work = interval("13:00-18:00", at=(121.0, 31.03))
    near = volunteer("ada", [interval("08:00-12:00"), from_work], at=(121.0, 31.0), radius_km=1.5)
    day = instance([near], [request("R1", "09:00-16:00", at=(121.0, 31.01))], travel=StraightTravel())
    assert broken("skill", day, ("R1", 0, "ada", "09:00")) == []
    assert broken("skill", day, ("R1", 0, "ada", "14:00")) == ["R1 lies beyond the 1.5 km of ada"]


def test_skill_no_radius_where_there_are_no_distances():
    day = instance([volunteer("ada", radius_km=0)], [morning], travel=90)
    assert broken("skill", day, ("R1", 0, "ada", "10:00")) == []


# The rule `start`


@pytest.mark.parametrize(("time", "inside"), [("08:59", 0), ("09:00", 1), ("10:00", 1), ("10:01", 0), ("11:59", 1)])
def test_start_both_ends_of_each_window_count(time, inside):
    day = instance([ada], [request("R1", "09:00-10:00, 11:59")])
    assert len(broken("start", day, ("R1", 0, "ada", time))) == 1 - inside


def test_start_only_the_start_is_bound():
    """Started at the last minute of the window, the service ends an hour after it."""
    day = instance([ada], [request("R1", "09:00-10:00", minutes=90)])
    assert rules_broken(day, ("R1", 0, "ada", "10:00")) == set()


@pytest.mark.parametrize(("time", "inside"), [("-1 23:59", 0), ("00:00", 1), ("18:00", 1), ("18:01", 0)])
def test_start_lies_in_the_horizon_too(time, inside):
    """The horizon ends at 18:00, and work that starts then may end after it."""
    owl = volunteer("ada", "-1 12:00-+1 12:00")
    day = instance([owl], [request("R1", "-1 20:00-20:00")], until="18:00")
    assert rules_broken(day, ("R1", 0, "ada", time)) == (set() if inside else {"start"})


@pytest.mark.parametrize(("time", "inside"), [("09:09", 0), ("09:10", 1), ("09:30", 1), ("09:31", 0), ("09:00", 0)])
def test_start_a_lag_has_two_ends(time, inside):
    """The second seat comes 10 to 30 minutes after the first, which starts at 09:00."""
    day = instance([ada, bo], [request("R1", "09:00-10:00", seats=[seat(), seat(lag=(10, 30))])])
    assert len(broken("start", day, ("R1", 0, "ada", "09:00"), ("R1", 1, "bo", time))) == 1 - inside


def test_start_without_a_lag_all_come_at_once():
    day = instance([ada, bo], [pair])
    assert broken("start", day, ("R1", 0, "ada", "09:00"), ("R1", 1, "bo", "09:01")) == [
        "seat 1 of R1 starts 1 min after the request, 0 to 0 are allowed"
    ]


def test_start_a_lag_may_leave_the_window_and_the_horizon():
    day = instance(
        [ada, volunteer("bo", "08:00-+1 08:00")],
        [request("R1", "16:00-18:00", seats=[seat(), seat(lag=(60, 1440))])],
        until="18:00",
    )
    assert rules_broken(day, ("R1", 0, "ada", "18:00"), ("R1", 1, "bo", "23:00")) == set()


# The rule `trip`


@pytest.mark.parametrize(("time", "faults"), [("08:20", []), ("08:19", ["ada would reach R1 1 min late"])])
def test_trip_leaves_when_the_interval_begins(time, faults):
    """Available from 08:00, 20 minutes away: there at 08:20, not at 08:19."""
    day = instance([volunteer("ada", "08:00-12:00")], [request("R1", "08:00-12:00")])
    assert broken("trip", day, ("R1", 0, "ada", time)) == faults


@pytest.mark.parametrize(("time", "faults"), [("10:40", []), ("10:41", ["ada would be back 1 min late"])])
def test_trip_is_back_when_the_interval_ends(time, faults):
    """An hour's work and 20 minutes home before 12:00: it starts at 10:40 at the latest."""
    day = instance([volunteer("ada", "08:00-12:00")], [request("R1", "08:00-12:00")])
    assert broken("trip", day, ("R1", 0, "ada", time)) == faults


@pytest.mark.parametrize(("time", "faults"), [("10:20", []), ("10:10", ["ada would reach R2 10 min late"])])
def test_trip_counts_the_way_between(time, faults):
    """Ada is done at 10:00, and R2 is 20 minutes on."""
    day = instance([ada], [morning, request("R2", "09:00-12:00")])
    assert broken("trip", day, ("R1", 0, "ada", "09:00"), ("R2", 0, "ada", time)) == faults


def test_trip_back_to_back_at_one_place():
    day = instance([ada], [morning, request("R2", "10:00", at="R1")])
    assert broken("trip", day, ("R1", 0, "ada", "09:00"), ("R2", 0, "ada", "10:00")) == []
    assert broken("trip", day, ("R1", 0, "ada", "09:01"), ("R2", 0, "ada", "10:00")) == [
        "ada would reach R2 1 min late"
    ]


def test_trip_nobody_is_in_two_places():
    """Both from 09:00: after R1 at 10:00 and 20 minutes on, she would be 80 minutes late."""
    day = instance([ada], [morning, request("R2", "09:00")])
    assert broken("trip", day, ("R1", 0, "ada", "09:00"), ("R2", 0, "ada", "09:00")) == [
        "ada would reach R2 80 min late"
    ]


def test_trip_waiting_is_allowed():
    day = instance([ada], [morning, request("R2", "17:00")])
    assert broken("trip", day, ("R1", 0, "ada", "09:00"), ("R2", 0, "ada", "17:00")) == []


def test_trip_goes_on_from_where_the_service_ends():
    """R1 ends at the clinic, 5 minutes from R2 and 50 from home, though R2 is 20 minutes from R1."""
    escort = request("R1", "09:00", end_at="clinic")
    ways = {("clinic", "R2"): 5, ("clinic", "ada"): 50}
    day = instance([volunteer("ada", "08:00-11:30")], [escort, request("R2", "10:00-11:00", minutes=5)], travel=ways)
    assert broken("trip", day, ("R1", 0, "ada", "09:00"), ("R2", 0, "ada", "10:05")) == []
    assert broken("trip", day, ("R1", 0, "ada", "09:00"), ("R2", 0, "ada", "10:04")) == [
        "ada would reach R2 1 min late"
    ]
    short = replace(day, volunteers=(volunteer("ada", "08:00-10:49"),))
    assert broken("trip", short, ("R1", 0, "ada", "09:00")) == ["ada would be back 1 min late"]


def test_trip_the_way_there_is_not_the_way_back():
    """30 minutes uphill, 10 down."""
    day = instance(
        [volunteer("ada", "08:00-09:40")], [request("R1", "08:00-12:00")], travel={("ada", "R1"): 30, ("R1", "ada"): 10}
    )
    assert broken("trip", day, ("R1", 0, "ada", "08:30")) == []
    assert broken("trip", day, ("R1", 0, "ada", "08:29")) == ["ada would reach R1 1 min late"]
    assert broken("trip", day, ("R1", 0, "ada", "08:31")) == ["ada would be back 1 min late"]


def test_trip_service_lies_inside_one_interval():
    """11:30 to 12:30 lies across the end of the morning, though she is free again at 12:00."""
    day = instance([volunteer("ada", "08:00-12:00, 12:00-16:00")], [request("R1", "08:00-16:00", at="ada")])
    assert broken("trip", day, ("R1", 0, "ada", "11:00")) == []
    assert broken("trip", day, ("R1", 0, "ada", "12:00")) == []
    assert broken("trip", day, ("R1", 0, "ada", "11:30")) == ["ada is not available for R1 at 03-02 11:30"]


def test_trip_two_intervals_that_touch_are_two_trips():
    """R2 is next door to R1, but she must be home at 12:00 and set out again: 20 + 20 minutes, not 0."""
    day = instance(
        [volunteer("ada", "08:00-12:00, 12:00-16:00")], [morning, request("R2", "12:00-15:00", at="R1")], travel=20
    )
    assert broken("trip", day, ("R1", 0, "ada", "10:40"), ("R2", 0, "ada", "12:20")) == []
    assert broken("trip", day, ("R1", 0, "ada", "11:00"), ("R2", 0, "ada", "12:00")) == [
        "ada would be back 20 min late",
        "ada would reach R2 20 min late",
    ]
    one = replace(day, volunteers=(volunteer("ada", "08:00-16:00"),))
    assert broken("trip", one, ("R1", 0, "ada", "11:00"), ("R2", 0, "ada", "12:00")) == []


def test_trip_starts_at_the_place_of_that_interval():
    """At home 20 minutes away; from the office, 50."""
    office = interval("14:00-18:00", at="office")
    person = volunteer("ada", [interval("08:00-12:00"), office])
    day = instance([person], [request("R1", "08:00-18:00")], travel={("office", "R1"): 50})
    assert broken("trip", day, ("R1", 0, "ada", "08:20")) == []
    assert broken("trip", day, ("R1", 0, "ada", "14:50")) == []
    assert broken("trip", day, ("R1", 0, "ada", "14:20")) == ["ada would reach R1 30 min late"]


def test_trip_goes_by_the_mode_of_that_interval():
    """0.045° of a meridian is 5.003779 km, × 1.3 = 6.504912 km: 26.02 min by e-bike, 19.5 by car; 27 and 20."""
    by_car = interval("14:00-18:00", mode="car")
    person = volunteer("ada", [interval("08:00-12:00"), by_car], at=(121.0, 31.0))
    day = instance([person], [request("R1", "08:00-18:00", at=(121.0, 31.045))], travel=StraightTravel())
    assert broken("trip", day, ("R1", 0, "ada", "08:27")) == []
    assert broken("trip", day, ("R1", 0, "ada", "08:26")) == ["ada would reach R1 1 min late"]
    assert broken("trip", day, ("R1", 0, "ada", "14:20")) == []
    assert broken("trip", day, ("R1", 0, "ada", "14:19")) == ["ada would reach R1 1 min late"]


# The rule `caps`

noon = request("R2", "12:00", minutes=30)
evening = request("R3", "18:00", minutes=30)


def capped(**caps: int) -> Instance:
    return instance([volunteer("ada", "08:00-13:00, 17:00-20:00", **caps)], [morning, noon, evening])


ALL_DAY = (("R1", 0, "ada", "09:00"), ("R2", 0, "ada", "12:00"), ("R3", 0, "ada", "18:00"))
# Morning trip 60 + 30 service, 20 + 20 + 20 travel = 150; evening trip 30 service, 20 + 20 travel = 70. Together 220.


@pytest.mark.parametrize(
    ("caps", "faults"),
    [
        ({"max_requests_per_day": 3}, []),
        ({"max_requests_per_day": 2}, ["ada has 3 requests a day, at most 2 are allowed"]),
        ({"max_minutes_per_day": 220}, []),
        ({"max_minutes_per_day": 219}, ["ada has 220 minutes a day, at most 219 are allowed"]),
        ({"max_minutes": 220}, []),
        ({"max_minutes": 219}, ["ada has 220 minutes, at most 219 are allowed"]),
        ({"max_minutes": 220, "history_minutes": 10_000}, []),
        ({"max_requests_per_day": 0}, ["ada has 3 requests a day, at most 0 are allowed"]),
    ],
)
def test_caps_count_service_and_travel_of_this_plan(caps, faults):
    assert broken("caps", capped(**caps), *ALL_DAY) == faults


def two_days(available: str, **caps: int) -> Instance:
    late, early = request("R1", "22:00-23:30", minutes=30), request("R2", "+1 00:30-+1 09:00", minutes=30)
    return instance([volunteer("ada", available, **caps)], [late, early], until="+1 24:00", travel=10)


TWO_NIGHTS = (("R1", 0, "ada", "22:00"), ("R2", 0, "ada", "+1 01:00"))


def test_caps_a_day_ends_at_midnight():
    """One visit and 30 + 20 minutes on each of two days."""
    day = two_days("20:00-24:00, +1 00:00-+1 08:00", max_requests_per_day=1, max_minutes_per_day=50)
    assert rules_broken(day, *TWO_NIGHTS) == set()


def test_caps_a_trip_over_midnight_counts_on_its_first_day():
    """Two visits, 60 + 10 + 10 + 10 = 90 minutes, all on the day on which the interval began."""
    day = two_days("20:00-+1 08:00", max_requests_per_day=1, max_minutes_per_day=89)
    assert broken("caps", day, *TWO_NIGHTS) == [
        "ada has 2 requests a day, at most 1 are allowed",
        "ada has 90 minutes a day, at most 89 are allowed",
    ]


def test_caps_the_day_is_that_of_the_time_zone():
    """In Shanghai the two trips begin at 20:00 and 00:00, on two days; in London at 12:00 and 16:00, on one."""
    day = two_days("20:00-24:00, +1 00:00-+1 08:00", max_requests_per_day=1)
    assert broken("caps", day, *TWO_NIGHTS) == []
    london = replace(day, timezone="Europe/London")
    assert broken("caps", london, *TWO_NIGHTS) == ["ada has 2 requests a day, at most 1 are allowed"]


def test_caps_the_whole_plan_is_more_than_its_days():
    day = two_days("20:00-24:00, +1 00:00-+1 08:00", max_minutes_per_day=50, max_minutes=99)
    assert broken("caps", day, *TWO_NIGHTS) == ["ada has 100 minutes, at most 99 are allowed"]


# The rule `now`


def at_ten(**rest) -> Instance:
    """It is ten; R1 is asked for all day, 20 minutes away."""
    return instance([ada, bo], [request("R1", "08:30-18:00"), request("R2", "08:30-18:00")], now="10:00", **rest)


@pytest.mark.parametrize(
    ("time", "faults"),
    [
        ("10:20", []),
        ("10:19", ["ada would have had to leave for R1 1 min ago"]),
        ("10:00", ["ada would have had to leave for R1 20 min ago"]),
        ("09:00", ["ada would have had to leave for R1 80 min ago"]),
    ],
)
def test_now_even_the_way_there_lies_ahead(time, faults):
    assert broken("now", at_ten(), ("R1", 0, "ada", time)) == faults


def test_now_is_nothing_when_no_now_is_named():
    assert broken("now", instance([ada], [morning]), ("R1", 0, "ada", "09:00")) == []


@pytest.mark.parametrize(
    ("pin", "faults"),
    [
        (pinned("R1", "ada", "09:30"), 0),
        (pinned("R1", "ada", "09:30", seat=0), 0),
        (pinned("R1", "ada", "09:31"), 1),
        (pinned("R1", "ada"), 1),
        (pinned("R1", "ada", seat=0), 1),
        (pinned("R1", "bo", "09:30"), 1),
    ],
)
def test_now_work_that_has_begun_stays(pin, faults):
    """Only a pin that names this start, and is kept, excuses work before now."""
    assert len(broken("now", at_ten(pinned=(pin,)), ("R1", 0, "ada", "09:30"))) == faults


def test_now_a_pin_for_another_seat_excuses_nothing():
    day = instance([ada, bo], [pair], now="10:00", pinned=(pinned("R1", "ada", "09:30", seat=1),))
    here = (("R1", 0, "bo", "09:30"), ("R1", 1, "ada", "09:30"))
    assert broken("now", day, *here) == ["bo would have had to leave for R1 50 min ago"]
    there = (("R1", 0, "ada", "09:30"), ("R1", 1, "bo", "09:30"))
    assert len(broken("now", day, *there)) == 2


def test_now_the_next_visit_goes_on_from_begun_work():
    """Begun at 09:00, done at 10:00, 20 minutes on to R2: she leaves for it at 10:00 and not before."""
    day = at_ten(pinned=(pinned("R1", "ada", "09:00"),))
    assert rules_broken(day, ("R1", 0, "ada", "09:00"), ("R2", 0, "ada", "10:20")) == set()
    assert rules_broken(day, ("R1", 0, "ada", "09:00"), ("R2", 0, "ada", "10:19")) == {"trip", "now"}


# The rule `figures`


def stated(day: Instance, *assigned: Entry, **wrong) -> list[str]:
    """What is said about a plan that states everything rightly but what is given by name."""
    found = verdict(day, *assigned)
    bound = wrong.get("bound", found.settled)
    right = {
        "cost": found.cost,
        "terms": found.terms,
        "settled": found.settled,
        "bound": bound,
        "gap": gap(found.cost, bound, found.settled, found.terms["pins"]),
        "status": "optimal" if bound == found.cost else "feasible",
        "broken_pins": found.broken_pins,
    }
    made = plan(day, *assigned, **{**right, **wrong})
    return [v.because for v in judge(day, made).violations]


# R1 is served 20 minutes from home: travel 2 × 20 × 10 = 400. Nobody is a nurse: R2, urgent, is hopeless, 20000.
hopeless = request("R2", "09:00", seats=[seat("nurse")], priority="urgent")
some_day = instance([ada], [morning, hopeless])
SERVED = ("R1", 0, "ada", "09:00")


def test_figures_a_plan_stated_by_hand_holds():
    """Cost 20400, settled and bound 20000, gap 400 ÷ max(1, 20400 − 20000) = 1."""
    made = Plan(
        "by hand",
        (Assignment("R1", 0, "ada", 540, 600),),
        (Unserved("R2", (Reason("nobody_can", "无人", "nobody"),)),),
        (),
        cost=20_400,
        terms={**dict.fromkeys(TERMS, 0), "unserved": 20_000, "travel": 400},
        bound=20_000,
        settled=20_000,
        gap=1.0,
        status="feasible",
        seconds=0.1,
        seed=1,
        engine="by hand",
    )
    found = judge(some_day, made)
    assert (found.violations, found.holds, found.cost, found.settled) == ((), True, 20_400, 20_000)


def test_figures_say_what_is_stated_and_what_is_found():
    assert stated(some_day, SERVED) == []
    assert stated(some_day, SERVED, cost=20_399) == ["cost is stated as 20399, found 20400"]
    assert stated(some_day, SERVED, settled=0)[0] == "settled is stated as 0, found 20000"


@pytest.mark.parametrize("term", TERMS)
def test_figures_every_term_is_looked_at(term):
    right = verdict(some_day, SERVED).terms
    assert stated(some_day, SERVED, terms={**right, term: right[term] + 1}) == [
        f"{term} is stated as {right[term] + 1}, found {right[term]}"
    ]
    without = {name: points for name, points in right.items() if name != term}
    assert stated(some_day, SERVED, terms=without) == [f"{term} is stated as None, found {right[term]}"]


def test_figures_the_bound_lies_between_settled_and_cost():
    assert stated(some_day, SERVED, bound=20_200) == []
    assert stated(some_day, SERVED, bound=20_401) == ["bound is stated as 20401, found at most 20400"]
    assert stated(some_day, SERVED, bound=19_999) == ["bound is stated as 19999, found at least 20000"]
    assert stated(some_day, SERVED, bound=None, gap=None) == []


def test_figures_optimal_is_said_exactly_when_cost_is_bound():
    unlike = "status is stated as {}, found optimal exactly when the bound is the cost"
    assert stated(some_day, SERVED, bound=20_400) == []
    assert stated(some_day, SERVED, bound=20_400, status="feasible") == [unlike.format("feasible")]
    assert stated(some_day, SERVED, bound=20_400, status="interrupted") == [unlike.format("interrupted")]
    assert stated(some_day, SERVED, bound=20_399, status="optimal") == [unlike.format("optimal")]
    assert stated(some_day, SERVED, bound=None, gap=None, status="optimal") == [unlike.format("optimal")]


def test_figures_the_gap_agrees_to_six_decimals():
    """(20400 − 20267) ÷ (20400 − 20000) = 0.3325; with a bound of 20267."""
    assert stated(some_day, SERVED, bound=20_267, gap=0.3325) == []
    assert stated(some_day, SERVED, bound=20_267, gap=0.332501) == ["gap is stated as 0.332501, found 0.3325"]
    assert stated(some_day, SERVED, bound=20_267, gap=0.3325004) == []
    assert stated(some_day, SERVED, bound=20_267, gap=None) == ["gap is stated as None, found 0.3325"]
    assert stated(some_day, SERVED, bound=None, gap=0.0) == ["gap is stated as 0.0, found None"]
    assert stated(some_day, SERVED, gap=float("nan")) == ["gap is stated as nan, found 1.0"]


def test_figures_what_is_hopeless_and_what_is_broken_do_not_flatter_the_gap():
    """R1 unserved and a pin broken: 23000 + 1000000; (1023000 − 20000) ÷ (1023000 − 20000 − 1000000) = 334.333333."""
    day = replace(some_day, pinned=(pinned("R1", "ada"),))
    assert verdict(day).cost == 1_023_000
    assert stated(day, gap=334.333333) == []


def test_figures_the_gap_of_nothing_is_nothing():
    """Everything hopeless: cost = settled = bound, 0 ÷ max(1, 0) = 0."""
    assert stated(instance([ada], [hopeless]), gap=0.0, status="optimal") == []


def test_figures_every_unserved_request_is_listed_once():
    twice = (Unserved("R2", ()), Unserved("R2", ()))
    assert stated(some_day, SERVED, unserved=()) == ["R2 is not listed in unserved"]
    assert stated(some_day, SERVED, unserved=twice) == ["R2 is once too often listed in unserved"]
    served_too = (Unserved("R1", ()), Unserved("R2", ()))
    assert stated(some_day, SERVED, unserved=served_too) == ["R1 is once too often listed in unserved"]
    stranger = (Unserved("R2", ()), Unserved("R9", ()))
    assert stated(some_day, SERVED, unserved=stranger) == ["R9 is once too often listed in unserved"]


def test_figures_a_broken_pin_is_listed_as_it_was_pinned():
    pin = pinned("R1", "ada", "10:00", seat=0)
    day = replace(some_day, pinned=(pin,))
    assert stated(day, SERVED, broken_pins=(pin,)) == []
    assert stated(day, SERVED, broken_pins=()) == ["R1/ada is not listed in broken_pins"]
    assert stated(day, SERVED, broken_pins=(pin, pin)) == ["R1/ada is once too often listed in broken_pins"]
    assert sorted(stated(day, SERVED, broken_pins=(pinned("R1", "ada"),))) == [
        "R1/ada is not listed in broken_pins",
        "R1/ada is once too often listed in broken_pins",
    ]
    kept = ("R1", 0, "ada", "10:00")
    assert stated(day, kept, broken_pins=(pin,)) == ["R1/ada is once too often listed in broken_pins"]


# The term `unserved`


def test_unserved_costs_by_priority():
    """20000 + 8000 + 3000 + 1200, and 3000 once more for the one of no stated priority."""
    wanted = [request(f"R{p}", "09:00", priority=p) for p in ("urgent", "high", "normal", "low")]
    assert terms(instance([], [*wanted, morning])) == {"unserved": 35_200}


def test_unserved_takes_the_given_prices():
    """Two at 7, the low one at its default 1200."""
    weights = Weights(unserved={"normal": 7})
    wanted = [morning, request("R2", "09:00"), request("R3", "09:00", priority="low")]
    assert terms(instance([], wanted, weights=weights)) == {"unserved": 1_214}


def crew(optional: int) -> Instance:
    wanted = request("R1", "09:00", seats=[seat(), *[seat(optional=True)] * optional], priority="high")
    return instance([ada, bo], [wanted], travel=0)


def test_unserved_counts_the_empty_optional_seats_of_what_is_served():
    """Two optional seats: both empty 1200, one filled 600; with one optional seat and it filled, nothing."""
    lead, mate = ("R1", 0, "ada", "09:00"), ("R1", 1, "bo", "09:00")
    assert terms(crew(2), lead) == {"unserved": 1_200}
    assert terms(crew(2), lead, mate) == {"unserved": 600}
    assert terms(crew(2), lead, ("R1", 2, "bo", "09:00")) == {"unserved": 600}
    assert terms(crew(1), lead, mate) == {}


def test_unserved_takes_no_optional_seats_of_what_is_not_served():
    assert terms(crew(2)) == {"unserved": 8_000}


# The term `travel`


def test_travel_counts_out_between_and_back():
    """20 + 7 + 11 = 38 minutes at 10."""
    ways = {("ada", "R1"): 20, ("R1", "R2"): 7, ("R2", "ada"): 11, ("R2", "R1"): 99, ("R1", "ada"): 99}
    day = instance([ada], [morning, request("R2", "11:00")], travel={**ways, ("ada", "R2"): 99})
    assert terms(day, ("R1", 0, "ada", "09:00"), ("R2", 0, "ada", "11:00")) == {"travel": 380}


def test_travel_starts_at_the_place_of_the_interval_and_goes_on_from_the_end():
    """Office to R1 15, from the clinic where it ends back to the office 35: 50 minutes."""
    person = volunteer("ada", [interval("08:00-18:00", at="office")])
    ways = {("office", "R1"): 15, ("clinic", "office"): 35}
    day = instance([person], [request("R1", "09:00", end_at="clinic")], travel=ways)
    assert terms(day, ("R1", 0, "ada", "09:00")) == {"travel": 500}


def test_travel_is_paid_for_every_trip():
    """Two trips of 20 + 20 minutes; in one trip it would be 20 + 20 + 20."""
    day = instance([volunteer("ada", "08:00-12:00, 13:00-18:00")], [morning, request("R2", "15:00")])
    assert terms(day, ("R1", 0, "ada", "09:00"), ("R2", 0, "ada", "15:00")) == {"travel": 800}


def test_travel_at_another_price_and_waiting_is_free():
    day = instance([ada], [morning, request("R2", "18:00", at="R1")], weights=Weights(travel=3))
    assert terms(day, ("R1", 0, "ada", "09:00"), ("R2", 0, "ada", "18:00")) == {"travel": 120}


# The term `late`


@pytest.mark.parametrize(("start", "points"), [("09:00", 0), ("10:00", 0), ("10:01", 5), ("11:00", 300)])
def test_late_per_minute_after_due(start, points):
    """An hour's work due at 11:00: started at 10:00 it just ends in time; at 11:00 it is 60 minutes late."""
    day = instance([ada], [request("R1", "09:00-12:00", due="11:00")], travel=0)
    assert price("late", day, ("R1", 0, "ada", start)) == points


def test_late_is_the_last_required_seat_at_its_least_lag():
    """Seat 1 starts 30 to 50 after and takes 40: 30 + 40 = 70 after the start, more than seat 0's 60.
    From 09:00 that is 10:10, 10 minutes late, also when the lag taken is 50; the optional seat does not count."""
    seats = [seat(), seat(lag=(30, 50), minutes=40), seat(optional=True, minutes=300)]
    people = [ada, bo, volunteer("cy")]
    day = instance(people, [request("R1", "09:00-10:00", seats=seats, due="10:00")], travel=0)
    lead, third = ("R1", 0, "ada", "09:00"), ("R1", 2, "cy", "09:00")
    assert price("late", day, lead, ("R1", 1, "bo", "09:30")) == 50
    assert price("late", day, lead, ("R1", 1, "bo", "09:50"), third) == 50


def test_late_work_that_is_not_done_costs_nothing_late():
    day = instance([ada], [request("R1", "09:00-12:00", due="08:00")])
    assert terms(day) == {"unserved": 3_000}


def test_late_at_another_price():
    """Due the day before at 23:59, done at 10:00: 601 minutes at 2."""
    day = instance([ada], [request("R1", "09:00", due="-1 23:59")], travel=0, weights=Weights(late=2))
    assert terms(day, ("R1", 0, "ada", "09:00")) == {"late": 1_202}


# The term `fairness`


def load(history: int, target: int, minutes: int, *weights: int) -> int:
    """The fairness points of somebody with this history and target who now works these minutes, travel none."""
    day = instance(
        [volunteer("ada", "08:00-24:00", history_minutes=history, target_minutes=target)],
        [request("R1", "08:00", minutes=minutes)],
        travel=0,
        weights=Weights(fairness=weights or (2, 4, 9)),
    )
    return price("fairness", day, ("R1", 0, "ada", "08:00"))


@pytest.mark.parametrize(
    ("minutes", "points"),
    [
        (100, 0),  # at the target
        (101, 2),
        (150, 100),  # 50 × 2; the second step begins
        (151, 106),  # 51 × 2 + 1 × 4
        (200, 400),  # 100 × 2 + 50 × 4; the third step begins
        (201, 415),  # 101 × 2 + 51 × 4 + 1 × 9
        (260, 1_300),  # 160 × 2 + 110 × 4 + 60 × 9 = 320 + 440 + 540
    ],
)
def test_fairness_has_three_steps(minutes, points):
    assert load(0, 100, minutes) == points


def test_fairness_rounds_the_second_step_down():
    """1.5 × 33 = 49.5, rounded down 49: 50 minutes are 17 above 33 and 1 above 49, 17 × 2 + 4."""
    assert (load(0, 33, 49), load(0, 33, 50), load(0, 33, 66), load(0, 33, 67)) == (32, 38, 134, 149)


def test_fairness_charges_only_what_this_plan_adds():
    """History 120 of 100: cost(150) − cost(120) = 100 − 40; above twice the target, 15 a minute."""
    assert load(120, 100, 30) == 60
    assert load(90, 100, 20) == 20
    assert load(300, 100, 10) == 150
    assert load(50, 100, 50) == 0


def test_fairness_of_a_target_of_nothing():
    """All three steps begin at 0: 15 a minute."""
    assert load(0, 0, 10) == 150


def test_fairness_at_other_prices():
    """260 of 100: 160 × 1 + 110 × 10 + 60 × 100."""
    assert load(0, 100, 260, 1, 10, 100) == 7_260


def test_fairness_counts_travel_and_every_trip_of_the_plan():
    """Two trips of 60 + 20 + 20 minutes: 200 of the target of 190; in no single trip would it be reached."""
    day = instance(
        [volunteer("ada", "08:00-12:00, 13:00-18:00", target_minutes=190)], [morning, request("R2", "15:00")]
    )
    assert terms(day, ("R1", 0, "ada", "09:00"), ("R2", 0, "ada", "15:00")) == {"travel": 800, "fairness": 20}


def test_fairness_asks_nothing_of_who_stays_at_home():
    assert terms(instance([volunteer("ada", history_minutes=10_000)], [])) == {}


# The term `continuity`


@pytest.mark.parametrize(
    ("partners", "points"),
    [((), 0), (("ada",), 400), (("ada", "bo"), 0), (("cy",), 800), (("gone",), 0), (("gone", "ada"), 400)],
)
def test_continuity_per_seat_filled_by_a_stranger(partners, points):
    """Ada and bo come. Partners who are gone are dropped first; none left is as if none were named."""
    wanted = request("R1", "09:00", seats=2, partners=partners)
    day = instance([ada, bo, volunteer("cy")], [wanted], travel=0)
    assert price("continuity", day, ("R1", 0, "ada", "09:00"), ("R1", 1, "bo", "09:00")) == points


def test_continuity_at_another_price_and_optional_seats_too():
    wanted = request("R1", "09:00", seats=[seat(), seat(optional=True)], partners=("ada",))
    day = instance([ada, bo], [wanted], travel=0, weights=Weights(continuity=7))
    assert terms(day, ("R1", 0, "ada", "09:00"), ("R1", 1, "bo", "09:00")) == {"continuity": 7}


def test_continuity_of_work_that_is_not_done_is_nothing():
    assert terms(instance([ada, bo], [request("R1", "09:00", partners=("bo",))])) == {"unserved": 3_000}


# The term `affinity`


def test_affinity_is_added_per_seat_that_person_fills():
    """Ada is 30 at R1 and 5 at R2, bo is not named."""
    wanted = [request("R1", "09:00", seats=2, affinity={"ada": 30}), request("R2", "12:00", affinity={"ada": 5})]
    day = instance([ada, bo], wanted, travel=0)
    both = (("R1", 0, "bo", "09:00"), ("R1", 1, "ada", "09:00"))
    assert terms(day, *both, ("R2", 0, "ada", "12:00")) == {"affinity": 35}
    assert terms(day, *both, ("R2", 0, "bo", "12:00")) == {"affinity": 30}


def test_affinity_counts_wishes_nobody_meets():
    """Wished for: a speaker of Shanghainese (40) and a woman (25). Ada has the first at any level, bo neither."""
    wanted = request("R1", "09:00", seats=2, wishes={"shanghainese": 40, "woman": 25})
    people = [volunteer("ada", skills="shanghainese"), bo, volunteer("cy", skills="shanghainese, woman")]
    day = instance(people, [wanted], travel=0)
    assert terms(day, ("R1", 0, "ada", "09:00"), ("R1", 1, "bo", "09:00")) == {"affinity": 25 + 65}
    assert terms(day, ("R1", 0, "ada", "09:00"), ("R1", 1, "cy", "09:00")) == {"affinity": 25}


def test_affinity_and_wishes_add_up():
    wanted = request("R1", "09:00", affinity={"ada": 3, "gone": 1_000}, wishes={"woman": 25})
    assert terms(instance([ada], [wanted], travel=0), ("R1", 0, "ada", "09:00")) == {"affinity": 28}


# The term `stability`


@pytest.mark.parametrize(
    ("start", "points"), [("10:00", 0), ("10:30", 0), ("10:31", 300), ("09:30", 0), ("09:29", 300), ("11:30", 300)]
)
def test_stability_allows_half_an_hour_either_way(start, points):
    told = (published("R1", "ada", "10:00"),)
    day = instance([ada], [request("R1", "09:00-12:00")], travel=0, published=told)
    assert price("stability", day, ("R1", 0, "ada", start)) == points


def test_stability_any_seat_will_do():
    """Told to take seat 0, ada now takes seat 1: kept. Told for bo, who does not come: not kept."""
    told = (published("R1", "ada", "09:00", seat=0), published("R1", "bo", "09:00", seat=1))
    day = instance([ada, bo, volunteer("cy")], [pair], travel=0, published=told)
    assert terms(day, ("R1", 0, "cy", "09:00"), ("R1", 1, "ada", "09:00")) == {"stability": 300}


def test_stability_is_the_start_of_the_seat():
    """Bo's seat is published at 10:00, an hour after the request; the request starts at 09:20 now, bo at 10:20."""
    wanted = request("R1", "09:00-10:00", seats=[seat(), seat(lag=(60, 60))])
    day = instance([ada, bo], [wanted], travel=0, published=(published("R1", "bo", "10:00"),))
    assert terms(day, ("R1", 0, "ada", "09:20"), ("R1", 1, "bo", "10:20")) == {}
    assert terms(day, ("R1", 0, "ada", "09:31"), ("R1", 1, "bo", "10:31")) == {"stability": 300}


@pytest.mark.parametrize(
    ("told", "points"),
    [
        ("-1 09:00", 600),  # past
        ("08:00", 600),  # now
        ("10:00", 600),  # within 24 hours
        ("+1 07:59", 600),
        ("+1 08:00", 300),  # 24 hours on
        ("+1 12:00", 300),
    ],
)
def test_stability_is_double_when_it_is_soon_or_past(told, points):
    day = instance(
        [ada], [request("R1", "+3 09:00")], now="08:00", until="+4 00:00", published=(published("R1", "ada", told),)
    )
    assert terms(day) == {"unserved": 3_000, "stability": points}


def test_stability_is_never_double_without_a_now():
    day = instance([ada], [morning], published=(published("R1", "ada", "-1 09:00"),))
    assert terms(day) == {"unserved": 3_000, "stability": 300}


def test_stability_of_who_is_gone_counts_and_of_what_is_gone_does_not():
    told = (published("R1", "gone", "09:00"), published("R9", "ada", "09:00"), published("R9", "gone", "09:00"))
    day = instance([ada], [morning], travel=0, published=told)
    assert terms(day, ("R1", 0, "ada", "09:00")) == {"stability": 300}


def test_stability_at_another_price():
    day = instance([ada], [morning], published=(published("R1", "ada", "09:00"),), weights=Weights(stability=11))
    assert terms(day) == {"unserved": 3_000, "stability": 11}


# The term `pins`


@pytest.mark.parametrize(
    ("pin", "kept"),
    [
        (pinned("R1", "ada"), True),
        (pinned("R1", "ada", "09:00"), True),
        (pinned("R1", "ada", "09:01"), False),
        (pinned("R1", "ada", seat=0), True),
        (pinned("R1", "ada", seat=1), False),
        (pinned("R1", "ada", "09:00", seat=0), True),
        (pinned("R1", "ada", "09:00", seat=1), False),
        (pinned("R1", "bo", "09:10"), True),
        (pinned("R1", "bo", "09:00"), False),
        (pinned("R1", "bo", seat=1), True),
        (pinned("R1", "cy"), False),
    ],
)
def test_pins_are_kept_in_the_seat_and_at_the_seat_start_they_name(pin, kept):
    """Ada leads from 09:00; bo's seat starts at 09:10. A broken pin is a million, and nothing less will do."""
    wanted = request("R1", "09:00", seats=[seat(), seat(lag=(10, 10))])
    day = instance([ada, bo, volunteer("cy")], [wanted], travel=0, pinned=(pin,))
    crew = (("R1", 0, "ada", "09:00"), ("R1", 1, "bo", "09:10"))
    assert terms(day, *crew) == ({} if kept else {"pins": 1_000_000})
    assert verdict(day, *crew).broken_pins == (() if kept else (pin,))


def test_pins_are_counted_one_by_one():
    """Three promises at 5 points, one kept."""
    promises = (pinned("R1", "ada"), pinned("R2", "ada"), pinned("R2", "bo"))
    day = instance([ada, bo], [morning, request("R2", "09:00")], travel=0, pinned=promises, weights=Weights(pin=5))
    assert terms(day, ("R1", 0, "ada", "09:00")) == {"unserved": 3_000, "pins": 10}
    assert verdict(day, ("R1", 0, "ada", "09:00")).broken_pins == promises[1:]


def test_pins_of_a_request_nobody_serves_are_broken():
    """The promise is broken even though nothing could be done: bo is not there any more that day."""
    day = instance([ada, volunteer("bo", ())], [morning], pinned=(pinned("R1", "bo", "09:00"),))
    assert terms(day) == {"unserved": 3_000, "pins": 1_000_000}


# A day with everything in it, and the book itself


def test_a_day_with_everything_in_it_costs_what_the_hand_says():
    """A lift for a wheelchair needs two, a third is welcome; a lesson; an urgent call for a nurse there is none of.

    ada: 08:00 to 12:00, ten from the lift, target 60, history 50; leads the lift 09:10 to 10:10.
    bo: seat 1 of the lift, 09:20 to 10:00 (lag 5 to 15, 40 minutes), 30 away; then the lesson 10:30 to 11:30, 25 on,
    5 from home.
    unserved 20000 (urgent) + 600 (third seat) = 20600
    travel   ada 10 + 10, bo 30 + 25 + 5 = 80 min: 800
    late     lift due 10:00, 09:10 + max(60, 5 + 40) = 10:10: 50; lesson in time
    fairness ada 50 + 60 + 20 = 130 of 60: 70 × 2 + 40 × 4 + 10 × 9 = 390; bo 40 + 60 + 60 = 160 of 240: 0
    continuity lift knows bo: ada 400; affinity ada 15, lesson's wish of 20 unmet by bo = 35
    stability now 08:00: ada told 09:40 at the lift, kept; bo told to teach at 09:50, 40 off, soon: 600
    pins     bo pinned to the lift's seat 0, sits on 1: 1000000
    """
    lift = request(
        "lift", "09:00-10:00", minutes=60, due="10:00", partners=("bo",), affinity={"ada": 15},
        seats=[seat(), seat(lag=(5, 15), minutes=40), seat(optional=True)],
    )  # fmt: skip
    lesson = request("lesson", "10:30", wishes={"piano": 20}, due="11:30")
    call = request("call", "09:00", seats=[seat("nurse")], priority="urgent")
    day = instance(
        [volunteer("ada", "08:00-12:00", target_minutes=60, history_minutes=50), volunteer("bo", "08:00-12:00")],
        [lift, lesson, call],
        travel={("ada", "lift"): 10, ("bo", "lift"): 30, ("lift", "lesson"): 25, ("lesson", "bo"): 5},
        now="08:00",
        published=(published("lift", "ada", "09:40"), published("lesson", "bo", "09:50")),
        pinned=(pinned("lift", "bo", seat=0),),
    )
    crew = (("lift", 0, "ada", "09:10"), ("lift", 1, "bo", "09:20"), ("lesson", 0, "bo", "10:30"))
    assert terms(day, *crew) == {
        "unserved": 20_600,
        "travel": 800,
        "late": 50,
        "fairness": 390,
        "continuity": 400,
        "affinity": 35,
        "stability": 600,
        "pins": 1_000_000,
    }
    assert verdict(day, *crew).settled == 20_000
    assert verdict(day, *crew).cost == 1_022_875


def test_every_rule_and_every_term_is_named_in_a_test():
    story = Path(__file__).read_text(encoding="utf-8")
    facts = {name: story.count(f"\ndef test_{name}_") for name in (*RULES, "figures", *TERMS)}
    assert {name: count for name, count in facts.items() if count < 3} == {}


def test_every_rule_is_a_sentence_in_both_languages():
    for en, zh in (*((en, zh) for en, zh, _ in RULES.values()), FIGURES):
        assert en[0].isupper() and en.endswith(".") and zh.endswith("。")


def test_a_violation_says_who_and_how_in_both_languages():
    day = instance([ada, bo], [pair])
    (found,) = RULES["seats"][2](Case(day, plan(day, ("R1", 0, "ada", "09:00"))))
    expected = Violation("seats", ("R1",), "R1 is served without its required seat 1", "R1 缺少必需的 1 号席位")
    assert found == expected


def test_an_empty_plan_always_holds():
    """Planning never fails because one thing cannot be had: whatever is asked, doing nothing breaks no rule."""
    day = instance([ada], [morning, hopeless], pinned=(pinned("R1", "ada"),), now="+1 09:00")
    assert rules_broken(day) == set()


def test_a_matrix_that_breaks_the_triangle_is_used_as_given():
    """Straight to R2 takes 100 minutes, by way of R1 10 + 10: it is reached by way of R1 and not directly."""
    places = ("ada", "R1", "R2")
    ways = {("ada", "R1"): 10, ("R1", "R2"): 10, ("ada", "R2"): 100, ("R2", "ada"): 5}
    day = instance([ada], [request("R1", "08:10", minutes=5), request("R2", "08:25")], travel=matrix(places, ways))
    assert rules_broken(day, ("R1", 0, "ada", "08:10"), ("R2", 0, "ada", "08:25")) == set()
    assert rules_broken(day, ("R2", 0, "ada", "08:25")) == {"trip"}
