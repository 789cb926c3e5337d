"""The makers themselves: times, places and plans mean what the tests think they mean."""

import pytest

from tests.builders import instance, interval, minute, periods, plan, request, seat, volunteer

ada = volunteer("ada", "09:00-12:00, 14:00-18:00", skills="nurse")
bo = volunteer("bo", [interval("22:00-+1 02:00", at="night shelter")], skills={"driver": 2})
visit = request("R1", "09:00-10:00", minutes=30, seats=[seat("nurse"), seat(minutes=20, lag=(5, 5))], due="11:00")
clean = request("R2", "+1 08:00", seats=2)


def test_times_are_minutes_from_midnight():
    assert [minute(t) for t in ("00:00", "09:30", "+1 09:30", "-1 23:00")] == [0, 570, 2010, -60]
    assert periods("09:00-12:00, 23:00-+1 01:00, 08:00") == [(540, 720), (1380, 1500), (480, 480)]


def test_a_mistyped_period_is_refused():
    with pytest.raises(ValueError, match="9-12"):
        periods("9-12")


def test_everything_stands_at_a_place_of_its_own():
    day = instance([ada, bo], [visit, clean], travel={("ada", "R1"): 7, ("R1", "R2"): 9, ("R2", "R1"): 11}, now="08:30")
    assert day.now == 510
    assert day.travel.places == ("ada", "bo", "night shelter", "R1", "R2")
    journeys = [("ada", "R1"), ("R1", "ada"), ("R1", "R2"), ("R2", "R1"), ("night shelter", "R1"), ("R1", "R1")]
    assert [day.travel.minutes(*journey, "walk") for journey in journeys] == [7, 7, 9, 11, 20, 0]
    assert day.moment(minute("09:00")).isoformat() == "2026-03-02T09:00:00+08:00"


def test_a_plan_ends_its_seats_and_names_who_waits():
    day = instance([ada, bo], [visit, clean], travel=20)
    made = plan(
        day,
        ("R1", 0, "ada", "09:00"),
        ("R1", 1, "bo", "09:05"),
        figures=lambda day, bare: {"cost": 3, "seed": 7},
        seed=9,
    )
    assert [(a.start, a.end) for a in made.assignments] == [(540, 570), (545, 565)]
    assert [u.request for u in made.unserved] == ["R2"]
    assert (made.cost, made.seed) == (3, 9)
