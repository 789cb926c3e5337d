"""A volunteer's way: applies, is approved, learns, pauses, moves, leaves; and what a plan makes of it."""

import pytest

from api.roles import Role
from tests.api.desk import DAY, at, period, request, volunteer


def planned(desk) -> list[int]:
    """Who is there to be planned with."""
    return [int(one["id"]) for one in desk.get(f"{desk.proposal()}/instance")["volunteers"]]


def times(desk) -> list[tuple[str, str]]:
    (person,) = desk.get(f"{desk.proposal()}/instance")["volunteers"]
    return [(a["from"][11:16], a["to"][11:16]) for a in person["availability"]]


def change(desk, person: int, what: str, body=None):
    return desk.post(f"/v1/volunteers/{person}/{what}", body or {})


def pause(start: str, end: str) -> dict[str, str]:
    return {"from": at(start), "to": at(end)}


@pytest.fixture
def busy(desk) -> int:
    """Somebody with an offer at 9 and one at 11."""
    person = desk.enter("/v1/volunteers", volunteer(label="王秀英"))
    for start in ("09:00", "11:00"):
        desk.enter("/v1/requests", request(start, start))
    desk.publish(desk.proposal()).raise_for_status()
    return person


def test_who_has_applied_is_planned_with_once_approved(desk):
    clerk = desk.as_(Role.CLERK)
    person = clerk.enter("/v1/volunteers/applications", volunteer())
    assert desk.get(f"/v1/volunteers/{person}")["state"] == "applied"
    assert planned(desk) == []
    assert change(clerk, person, "approve").status_code == 403
    assert change(desk, person, "approve").json()["volunteer"]["state"] == "active"
    assert planned(desk) == [person]
    told = change(desk, person, "approve")
    assert (told.status_code, told.json()["code"]) == (409, "volunteer_state")


@pytest.mark.parametrize("until, there", [(DAY, True), ("2030-06-02", False)])
def test_a_skill_that_has_expired_is_not_there(desk, until, there):
    """It holds through its last day, in the zone of the house: the plan begins at 8 on the 3rd of June."""
    desk.enter("/v1/volunteers", volunteer(skills={"lift": 2, "cook": 1}, skills_until={"lift": until}))
    lift = desk.enter("/v1/requests", request(seats=[{"skills": {"lift": 2}}]))
    plan = desk.get(desk.proposal())
    assert [one["request"] for one in plan["unserved"]] == ([] if there else [lift])


def test_a_licence_is_renewed(desk):
    person = desk.enter("/v1/volunteers", volunteer(skills={"lift": 2}, skills_until={"lift": "2029-12-31"}))
    longer = {"skills": {"lift": 3}, "skills_until": {"lift": "2031-12-31"}}
    assert change(desk, person, "skills", longer).json()["volunteer"]["skills"] == {"lift": 3}
    (known,) = desk.get(f"{desk.proposal()}/instance")["volunteers"]
    assert known["skills"] == {"lift": 3}


@pytest.mark.parametrize("day", ["2030-02-30", "tomorrow", 20300101, None])
def test_an_expiry_is_a_day(desk, day):
    answer = desk.post("/v1/volunteers", volunteer(skills_until={"lift": day}))
    assert (answer.status_code, answer.json()["code"]) == (422, "date_invalid")


@pytest.mark.parametrize("start, end, left", [
    ("09:00", "10:00", [("08:00", "09:00"), ("10:00", "12:00")]),
    ("07:00", "09:00", [("09:00", "12:00")]),
    ("11:00", "13:00", [("08:00", "11:00")]),
    ("07:00", "13:00", []),
    ("13:00", "14:00", [("08:00", "12:00")]),
])  # fmt: skip
def test_nothing_is_planned_in_a_pause(desk, start, end, left):
    person = desk.enter("/v1/volunteers", volunteer())
    change(desk, person, "pause", pause(start, end)).raise_for_status()
    assert times(desk) == left
    change(desk, person, "resume").raise_for_status()
    assert times(desk) == [("08:00", "12:00")]


def test_a_pause_marks_what_it_touches(desk, busy):
    told = change(desk, busy, "pause", pause("10:45", "12:00")).json()
    assert told["volunteer"]["state"] == "paused"
    assert [(one["request"], one["affected"]) for one in told["affected"]] == [(2, "paused")]
    schedule = desk.get(f"/v1/volunteers/{busy}/schedule")
    assert [one["affected"] for one in schedule] == [None, "paused"]
    told = change(desk, busy, "pause", pause("08:30", "09:30")).json()  # in place of the other
    assert [one["request"] for one in told["affected"]] == [1]
    assert [one["affected"] for one in desk.get(f"/v1/volunteers/{busy}/schedule")] == ["paused", None]
    change(desk, busy, "resume").raise_for_status()
    assert [one["affected"] for one in desk.get(f"/v1/volunteers/{busy}/schedule")] == [None, None]


def test_a_pause_that_ends_before_it_begins_is_refused(desk, busy):
    told = change(desk, busy, "pause", pause("10:00", "10:00"))
    assert (told.status_code, told.json()["code"]) == (422, "pause_invalid")


def test_a_new_home_marks_what_is_to_come(desk, busy):
    there = {"at": [108.99, 34.3], "community": "纸坊村社区"}
    told = change(desk, busy, "move", there).json()
    assert [one["affected"] for one in told["affected"]] == ["moved", "moved"]
    known = desk.get(f"/v1/volunteers/{busy}")
    assert (known["at"], known["community"], known["state"]) == ([108.99, 34.3], "纸坊村社区", "active")
    (person,) = desk.get(f"{desk.proposal()}/instance")["volunteers"]
    assert person["at"] == [108.99, 34.3]


def test_who_leaves_is_planned_with_no_more(desk, busy):
    """What they hold stays theirs, and marked, until the next plan finds somebody else for it."""
    other = desk.enter("/v1/volunteers", volunteer())
    told = change(desk, busy, "leave").json()
    assert [one["affected"] for one in told["affected"]] == ["left", "left"]
    where = desk.proposal()
    assert {one["volunteer"] for one in desk.get(where)["assignments"]} == {other}
    desk.publish(where).raise_for_status()
    assert desk.get(f"/v1/volunteers/{busy}/schedule") == []
    assert planned(desk) == [other]
    for what in ("approve", "resume", "leave"):
        assert change(desk, busy, what).status_code == 409


def test_a_promise_of_somebody_who_left_is_told_as_broken(desk, busy):
    desk.change("UPDATE assignments SET state = 'accepted'")
    change(desk, busy, "leave").raise_for_status()
    where = desk.proposal()
    assert len(desk.get(where)["broken_pins"]) == 2
    assert desk.publish(where).json()["code"] == "pins_broken"


def test_a_plan_made_before_somebody_paused_is_outdated(desk):
    person = desk.enter("/v1/volunteers", volunteer())
    desk.enter("/v1/requests", request())
    where = desk.proposal()
    change(desk, person, "pause", pause("08:00", "12:00")).raise_for_status()
    assert desk.publish(where).json()["code"] == "plan_outdated"


def test_each_step_is_in_the_audit(desk, busy):
    change(desk, busy, "pause", pause("10:45", "12:00"))
    change(desk, busy, "move", {"at": [108.99, 34.3]})
    change(desk, busy, "leave")
    told = desk.rows("SELECT from_state, to_state, why FROM audit WHERE noun = 'volunteer' ORDER BY seq")
    assert told == [
        (None, "active", None),
        ("active", "paused", None),
        ("paused", "paused", "moved"),
        ("paused", "left", None),
    ]


def test_the_same_step_twice_is_taken_once(desk, busy):
    answers = [desk.post(f"/v1/volunteers/{busy}/leave", {}, key="one") for _ in range(2)]
    assert answers[0].json() == answers[1].json() and answers[1].status_code == 200


def test_a_plan_for_a_territory_that_is_not_there(desk):
    answer = desk.post("/v1/plans", period(territory_id=99))
    assert (answer.status_code, answer.json()["code"]) == (422, "territory_unknown")
