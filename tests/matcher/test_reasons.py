"""Why a request is left, and why a person was chosen: sentences with numbers worked out by hand."""

from matcher import solve, why_chosen
from tests.builders import instance, request, seat, volunteer


def reasons(day) -> dict[str, str]:
    plan = solve(day, seconds=30, steps=20)
    return {one.request: " | ".join(reason.en for reason in one.reasons) for one in plan.unserved}


def test_what_nobody_can_do_comes_with_the_counts_that_prove_it():
    """Three people: one without the skill, one at too low a level, one free in the evening only."""
    people = [
        volunteer("ada"),
        volunteer("bo", skills={"lift": 1}),
        volunteer("cy", "18:00-20:00", skills={"lift": 3}),
    ]
    day = instance(people, [request("R", "09:00-10:00", seats=[seat({"lift": 3})])])
    assert reasons(day) == {
        "R": "of 3 people nobody can, 1 needed: 1 without the skill lift, 1 with too low a level of lift, "
        "1 not free in the windows asked for"
    }


def test_seats_that_ask_for_the_same_are_counted_together():
    """Two nurses wanted, one there."""
    people = [volunteer("ada", skills="nurse"), volunteer("bo")]
    day = instance(people, [request("R", "09:00", seats=[seat("nurse"), seat("nurse")])])
    assert reasons(day) == {"R": "seats 0, 1: of 2 people only 1 can, 2 needed: 1 without the skill nurse"}


def test_people_for_each_seat_but_no_start_for_all():
    """Ada is free at nine, Bo at three, and the two seats start together."""
    people = [volunteer("ada", "08:00-11:00", skills="nurse"), volunteer("bo", "14:00-17:00", skills="driver")]
    day = instance(people, [request("R", "08:00-16:00", seats=[seat("nurse"), seat("driver")])])
    assert reasons(day) == {"R": "every seat has people, but at no start are there different people for all"}


def test_who_is_busy_with_what_instead():
    """One electrician, two sockets at nine: the urgent one is mended."""
    wanted = [request("one", "09:00", priority="urgent"), request("two", "09:00")]
    day = instance([volunteer("eve", label="Eve")], wanted)
    assert reasons(day) == {
        "two": "1 could go if free, 1 have other work; what time is left does not fit (Eve 09:00–10:00 at one)"
    }


def test_what_would_cost_more_than_leaving_it():
    """200 minutes there and back cost 4000 for travel, and a load of 460 is 220 above target; leaving it costs 1200."""
    day = instance([volunteer("ada")], [request("R", "12:00", priority="low")], travel=200)
    # 4000 + 2 x 220 + 4 x (460 - 360) = 4840
    assert reasons(day) == {"R": "it could be served at 4840 points, leaving it costs 1200"}


def test_why_this_person():
    """Ada, a nurse of level 2 whom the resident knows, goes on from Q; of two nurses one is free at eleven."""
    people = [
        volunteer("ada", "08:00-12:30", skills={"nurse": 2}, history_minutes=30),
        volunteer("bo", "08:00-10:00", skills="nurse"),
    ]
    wanted = [
        request("Q", "09:00", partners=("ada",)),
        request("R", "11:00", seats=[seat("nurse")], partners=("ada",)),
    ]
    day = instance(people, wanted, travel=15)
    plan = solve(day, seconds=30, steps=20)
    said = {assignment.request: reason.en for assignment, reason in why_chosen(day, plan).items()}
    assert said["R"] == (
        "nurse level 2; known to the resident; 15 min on from “Q”; 1 could go if free; "
        "30 min of work before, 240 is the fair share"
    )
