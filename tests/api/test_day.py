"""The main job over HTTP: roster and requests in, a plan out, published, seen in a volunteer's schedule."""

import pytest

from matcher import instance_from, judge, plan_from
from tests.api.desk import at, period, request, volunteer


def test_a_day_is_planned_published_and_seen(staffed):
    """Two people, three requests, one of which needs a skill nobody has."""
    for _ in range(2):
        staffed.enter("/v1/volunteers", volunteer())
    for _ in range(2):
        staffed.enter("/v1/requests", request())
    lift = staffed.enter("/v1/requests", request(label="电梯", priority="high", seats=[{"skills": {"lift": 2}}]))

    asked = staffed.post("/v1/plans", period())
    assert asked.status_code == 202 and asked.headers["Retry-After"]
    where = asked.headers["Location"]
    plan = staffed.settled(where)

    assert plan["state"] == "proposed" and plan["attempts"] == 1, plan["cause"]
    assert plan["served"] == [
        {"priority": "high", "served": 0, "requests": 1},
        {"priority": "normal", "served": 2, "requests": 2},
    ]
    assert [one["request"] for one in plan["unserved"]] == [lift]
    assert plan["unserved"][0]["reasons"][0]["zh"] and plan["unserved"][0]["reasons"][0]["en"]
    assert all(seat["reasons"] for seat in plan["assignments"])
    assert plan["cost"] == sum(plan["terms"].values())
    assert plan["settled"] == 8000 <= plan["bound"] <= plan["cost"]

    answer = staffed.publish(where)
    assert answer.status_code == 200 and answer.json()["state"] == "published"
    seat = answer.json()["assignments"][0]
    schedule = staffed.get(f"/v1/volunteers/{seat['volunteer']}/schedule")
    assert seat["id"] in [one["id"] for one in schedule]
    assert {one["state"] for one in schedule} == {"offered"}
    states = [one["state"] for one in staffed.get("/v1/requests")["items"]]
    assert states == ["dispatched", "dispatched", "triaged"]


def test_the_files_of_a_plan_are_judged_clean(desk):
    desk.enter("/v1/volunteers", volunteer())
    desk.enter("/v1/requests", request())
    where = desk.proposal()
    instance = instance_from(desk.get(f"{where}/instance"))
    assert judge(instance, plan_from(desk.get(f"{where}/file"), instance)).holds


def test_a_new_plan_takes_the_place_of_the_old(desk):
    """The second plan knows the first and supersedes it; a seat that both have goes on, and nobody is asked twice."""
    desk.enter("/v1/volunteers", volunteer())
    kept = desk.enter("/v1/requests", request())
    first = desk.proposal()
    (seat,) = desk.publish(first).raise_for_status().json()["assignments"]
    desk.enter("/v1/requests", request("10:30", "11:00"))
    second = desk.proposal()
    assert [entry["request"] for entry in desk.get(f"{second}/instance")["published"]] == [str(kept)]
    desk.publish(second).raise_for_status()

    assert [plan["state"] for plan in desk.get("/v1/plans")["items"]] == ["superseded", "published"]
    assert [one["state"] for one in desk.get(second)["assignments"]] == ["offered", "offered"]
    assert seat["id"] in [one["id"] for one in desk.get(second)["assignments"]]
    assert desk.get(first)["assignments"] == [] and len(desk.get(f"{first}/file")["assignments"]) == 1
    assert [tuple(row) for row in desk.rows("SELECT count(*) FROM audit WHERE noun = 'assignment'")] == [(2,)]


def test_a_request_let_go_is_triaged_again(desk):
    """Its only helper is entered as no longer able: the new plan cannot serve it."""
    desk.enter("/v1/volunteers", volunteer(skills={"lift": 2}))
    request_id = desk.enter("/v1/requests", request(seats=[{"skills": {"lift": 2}}]))
    desk.publish(desk.proposal()).raise_for_status()
    assert desk.get(f"/v1/requests/{request_id}")["state"] == "dispatched"
    desk.change("UPDATE volunteers SET skills = '{}'")
    desk.publish(desk.proposal()).raise_for_status()
    assert desk.get(f"/v1/requests/{request_id}")["state"] == "triaged"


def test_a_crew_that_began_before_the_period_is_left_alone(desk):
    """One seat starts at 08:50, the other an hour later; a plan from 09:30 on knows of neither and lets go of none."""
    for _ in range(2):
        desk.enter("/v1/volunteers", volunteer())
    crew = desk.enter("/v1/requests", request("08:50", "08:50", seats=[{}, {"lag": [60, 60]}]))
    desk.publish(desk.proposal()).raise_for_status()
    desk.publish(desk.proposal(**{"from": at("09:30")})).raise_for_status()
    assert desk.get(f"/v1/requests/{crew}")["state"] == "dispatched"
    assert [seat["state"] for seat in desk.get("/v1/plans/1")["assignments"]] == ["offered", "offered"]


@pytest.mark.parametrize(("start", "unserved"), [("08:58", []), ("08:59", [2])])
def test_the_way_to_other_work_is_kept_free(desk, start, unserved):
    """Promised at 10:00, 5.5 km from home (29 minutes by e-bike): whoever goes out before must be back by 09:31.

    Half an hour's work 3 minutes from home may start at 08:58, not a minute later.
    """
    desk.enter("/v1/volunteers", volunteer())
    desk.enter("/v1/requests", request("10:00", "10:00", at=[109.0, 34.265]))
    desk.publish(desk.proposal(**{"from": at("09:59")})).raise_for_status()
    desk.enter("/v1/requests", request(start, start))
    where = desk.proposal(to=at("09:58"))
    assert [one["request"] for one in desk.get(where)["unserved"]] == unserved


def test_what_lies_too_far_off_spoils_no_plan(desk):
    """Entered long ago, or by hand: a calendar and a window without end, a due date of another century."""
    desk.enter("/v1/volunteers", volunteer())
    kept = desk.enter("/v1/requests", request(due=at("12:00")))
    past, far = "1990-01-01 00:00:00", "2099-01-01 00:00:00"
    desk.change("UPDATE availability SET starts_at = :past, ends_at = :far", past=past, far=far)
    desk.change("UPDATE request_windows SET ends_at = :far", far=far)
    assert [seat["request"] for seat in desk.get(desk.proposal())["assignments"]] == [kept]
    desk.change("UPDATE requests SET due = :past", past=past)
    assert desk.get(desk.proposal())["unserved"]  # so late that it had better not be served, and the plan says so


def test_every_state_change_is_in_the_audit(desk):
    desk.enter("/v1/volunteers", volunteer())
    desk.enter("/v1/requests", request())
    desk.publish(desk.proposal()).raise_for_status()
    told = desk.rows("SELECT noun, from_state, to_state, who FROM audit WHERE noun != 'key' ORDER BY seq")
    assert told == [
        ("volunteer", None, "active", "key:desk"),
        ("request", None, "triaged", "key:desk"),
        ("plan", None, "queued", "key:desk"),
        ("plan", "queued", "solving", "worker"),
        ("plan", "solving", "proposed", "worker"),
        ("plan", "proposed", "published", "key:desk"),
        ("assignment", "proposed", "offered", "key:desk"),
        ("request", "triaged", "dispatched", "house"),
    ]


def test_pages_of_a_list_follow_each_other(desk):
    ids = [desk.enter("/v1/requests", request()) for _ in range(5)]
    first = desk.get("/v1/requests?limit=2&sort=-id")
    second = desk.get(f"/v1/requests?limit=2&sort=-id&cursor={first['next']}")
    third = desk.get(f"/v1/requests?limit=2&sort=-id&cursor={second['next']}")
    assert [one["id"] for page in (first, second, third) for one in page["items"]] == ids[::-1]
    assert third["next"] is None
