"""The dispatch loop over HTTP: asked, yes or no, gone, there, done; and by hand, with no plan at all."""

from datetime import datetime, timedelta

import pytest

from api.roles import Role
from tests.api.desk import at, request, volunteer
from tests.api.test_publish import refused


@pytest.fixture
def hand(desk, clock):
    """Two volunteers, one request, nobody asked."""
    people = [desk.enter("/v1/volunteers", volunteer()) for _ in range(2)]
    return people, desk.enter("/v1/requests", request())


def assign(desk, request_id, person, start="09:00", **more):
    return desk.post(f"/v1/requests/{request_id}/assign", {"volunteer": person, "start": at(start), **more})


def seat_of(desk, *arguments, **more):
    answer = assign(desk, *arguments, **more)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def step(desk, seat, event, **body):
    return desk.post(f"/v1/assignments/{seat}/{event}", body)


def event(desk, request_id, name, **body):
    """What happens to a request: said by the desk, or by a clerk where the resident is asked."""
    who = desk.clerk if name in ("rate", "call-back", "reopen") else desk
    return who.post(f"/v1/requests/{request_id}/{name}", body)


def state(desk, request_id):
    return desk.get(f"/v1/requests/{request_id}")["state"]


def code(desk, request_id):
    ((code,),) = desk.rows("SELECT check_in_code FROM requests WHERE id = :id", id=request_id)
    return code


def test_a_request_lives_to_its_end(desk, hand, clock):
    (person, _), asked = hand
    seat = seat_of(desk, asked, person)
    lived = [state(desk, asked)]
    for moment, name, body in (
        ("07:30", "accept", {}),
        ("08:55", "check-in", {"code": code(desk, asked)}),
        ("09:40", "finish", {"minutes": 35, "people": 2, "result": "药已送到"}),
    ):
        clock["now"] = datetime.fromisoformat(at(moment))
        step(desk, seat, name, **body).raise_for_status()
        lived.append(state(desk, asked))
    for name, body in (("rate", {"stars": 5}), ("call-back", {"result": "satisfied"})):
        event(desk, asked, name, **body).raise_for_status()
        lived.append(state(desk, asked))
    assert lived == ["dispatched", "confirmed", "in_service", "served", "callback", "closed"]
    told = desk.get(f"/v1/requests/{asked}")
    assert (told["outcome"], told["stars"], told["callback"], told["result"]) == ("done", 5, "satisfied", "药已送到")
    assert desk.get(f"/v1/assignments/{seat}")["minutes"] == 35


def test_a_no_is_never_asked_again(desk, hand):
    (person, other), asked = hand
    step(desk, seat_of(desk, asked, person), "decline", reason="上班").raise_for_status()
    assert state(desk, asked) == "triaged"
    refused(assign(desk, asked, person), 409, "declined_before")
    plan = desk.get(desk.proposal())
    assert [seat["volunteer"] for seat in plan["assignments"]] == [other]


def test_with_nobody_else_the_request_stays_unserved(desk, clock):
    person, asked = desk.enter("/v1/volunteers", volunteer()), desk.enter("/v1/requests", request())
    step(desk, seat_of(desk, asked, person), "decline").raise_for_status()
    assert [one["request"] for one in desk.get(desk.proposal())["unserved"]] == [asked]


def test_whoever_withdraws_is_replaced_and_promises_are_kept(desk, clock):
    """Two of a crew have said yes; one falls ill; the next plan keeps the other, and asks a third."""
    people = [desk.enter("/v1/volunteers", volunteer()) for _ in range(3)]
    crew = desk.enter("/v1/requests", request(seats=[{}, {}]))
    seats = [seat_of(desk, crew, person, seat=k) for k, person in enumerate(people[:2])]
    for seat in seats:
        step(desk, seat, "accept").raise_for_status()
    assert state(desk, crew) == "confirmed"
    step(desk, seats[0], "withdraw", because="ill").raise_for_status()
    assert state(desk, crew) == "triaged"
    where = desk.proposal()
    assert sorted(seat["volunteer"] for seat in desk.get(where)["assignments"]) == people[1:]
    desk.publish(where).raise_for_status()
    assert state(desk, crew) == "dispatched"
    assert desk.get(f"/v1/assignments/{seats[1]}")["state"] == "accepted"


def test_a_plan_works_around_what_was_given_by_hand(desk, clock):
    """The only person is promised from 9:00; what overlaps stays unserved, what follows does not."""
    person = desk.enter("/v1/volunteers", volunteer())
    first, clash, later = (desk.enter("/v1/requests", request(a, a)) for a in ("09:00", "09:10", "10:30"))
    seat = seat_of(desk, first, person)
    step(desk, seat, "accept").raise_for_status()
    where = desk.proposal()
    assert {one["request"] for one in desk.get(where)["assignments"]} == {first, later}
    assert [one["request"] for one in desk.get(where)["unserved"]] == [clash]
    desk.publish(where).raise_for_status()
    assert desk.get(f"/v1/assignments/{seat}")["state"] == "accepted"


def test_a_proposal_says_what_it_changes(desk, clock):
    """One seat stays, one goes to somebody else, one to nobody: two have no time any more, one of whom could lift."""
    people = [
        desk.enter("/v1/volunteers", volunteer(label=f"人{n}", skills={"lift": 1} if n == 2 else {})) for n in range(3)
    ]
    hours = ("09", "10", "11")
    asked = [
        desk.enter("/v1/requests", request(f"{hour}:00", f"{hour}:00", seats=seats))
        for hour, seats in zip(hours, ([{}], [{}], [{"skills": {"lift": 1}}]), strict=True)
    ]
    for person, one, hour in zip(people, asked, hours, strict=True):
        seat_of(desk, one, person, f"{hour}:00")
    desk.change("DELETE FROM availability WHERE volunteer_id IN (2, 3)")
    where = desk.proposal()
    told = desk.get(where)
    assert told["unchanged"] == 1
    moved, gone = told["changes"]
    assert (moved["request"], moved["was"]["volunteer"], moved["becomes"]["volunteer"]) == (asked[1], 2, 1)
    assert (gone["request"], gone["was"]["volunteer"], gone["becomes"]) == (asked[2], 3, None)
    page = desk.client.get(where.replace("/v1/plans/", "/?plan="), headers={"Accept-Language": "zh"}).text
    assert "改动 2 个席位，1 个不变" in page and "人1（10:00，待接单）→ 人0（10:00）" in page
    assert desk.publish(where).json()["changes"] == []


BODY = {"volunteer": 1, "start": at("09:00")}

REFUSED = {
    "overlapping": ({**BODY, "start": at("08:40")}, {}, 409, "volunteer_busy"),
    "too short a way": ({**BODY, "start": at("09:31")}, {"at": [109.0, 34.265]}, 409, "travel_time"),
    "outside the calendar": ({**BODY, "start": at("13:00")}, {}, 409, "volunteer_unavailable"),
    "lacking the skill": ({**BODY, "start": at("10:00")}, {"seats": [{"skills": {"lift": 1}}]}, 409, "skill_missing"),
    "outside the windows": ({**BODY, "start": at("11:00")}, {}, 409, "outside_windows"),
    "forbidden": ({**BODY, "start": at("10:00")}, {"forbidden": [1]}, 409, "skill_missing"),
    "nobody of that number": ({**BODY, "volunteer": 9}, {}, 422, "ref_unknown"),
    "no such seat": ({**BODY, "seat": 3}, {}, 422, "seat_unknown"),
    "a reason of one sign": ({**BODY, "reason": "x"}, {}, 422, "reason_required"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_by_hand_no_hard_rule_is_broken(desk, hand, case):
    """Volunteer 1 is promised from 9:00 to 9:30."""
    (person, _), first = hand
    seat_of(desk, first, person)
    body, more, status, wanted = REFUSED[case]
    asked = desk.enter("/v1/requests", request("08:40", "10:30", **more))
    told = refused(desk.post(f"/v1/requests/{asked}/assign", body), status, wanted)
    assert "{" not in told["detail"] and told["errors"][0]["hint"]


def test_back_to_back_is_possible_where_the_way_is(desk, hand):
    """The same house: done at 9:30, begun at 9:30."""
    (person, _), first = hand
    seat_of(desk, first, person)
    again = desk.enter("/v1/requests", request("09:30", "09:30"))
    seat_of(desk, again, person, "09:30")


def test_a_reason_overrides_time_and_is_kept(desk, hand):
    (person, _), asked = hand
    refused(assign(desk, asked, person, "13:00"), 409, "volunteer_unavailable")
    seat = seat_of(desk, asked, person, "13:00", reason="本人电话同意")
    assert "本人电话同意" in desk.get(f"/v1/assignments/{seat}")["reasons"][0]["zh"]
    assert desk.rows("SELECT why FROM audit WHERE noun = 'assignment'") == [("本人电话同意",)]


def test_by_hand_at_any_second(desk, hand, clock):
    """A plan counts whole minutes; a desk does not."""
    clock["now"] += timedelta(seconds=13, microseconds=7)
    (person, _), asked = hand
    seat_of(desk, asked, person)
    late = desk.enter("/v1/requests", request("07:00", "07:10"))
    refused(assign(desk, late, person, "07:00", reason="着急"), 409, "too_late")


def test_by_hand_half_a_year_ahead(desk, clock):
    """Further off than a plan is long. What she is certified for ends the day before; ten years are too far."""
    clock["now"] -= timedelta(days=180)
    person = desk.enter("/v1/volunteers", volunteer(skills={"lift": 1}, skills_until={"lift": "2030-06-02"}))
    plain = desk.enter("/v1/requests", request())
    lifting = desk.enter("/v1/requests", request("10:00", "11:00", seats=[{"skills": {"lift": 1}}]))
    seat_of(desk, plain, person)
    refused(assign(desk, lifting, person, "10:00"), 409, "skill_missing")
    far = {"volunteer": person, "start": "2041-06-03T09:00+08:00"}
    refused(desk.post(f"/v1/requests/{plain}/assign", far), 422, "time_far")


def test_a_promise_outside_the_calendar_is_kept_by_plans(desk, hand):
    (person, _), asked = hand
    step(desk, seat_of(desk, asked, person, "13:00", reason="本人电话同意"), "accept").raise_for_status()
    where = desk.proposal()
    assert desk.get(where)["broken_pins"] == []
    desk.publish(where).raise_for_status()


def test_giving_a_seat_to_somebody_else_needs_a_reason(desk, hand, clock):
    (person, other), asked = hand
    seat = seat_of(desk, asked, person)
    refused(assign(desk, asked, other), 409, "seat_taken")
    second = seat_of(desk, asked, other, reason="更近")
    assert desk.get(f"/v1/assignments/{seat}")["state"] == "released"
    step(desk, second, "accept").raise_for_status()
    clock["now"] = datetime.fromisoformat(at("09:00"))
    step(desk, second, "check-in").raise_for_status()
    third = desk.enter("/v1/volunteers", volunteer())
    refused(assign(desk, asked, third, "09:20"), 409, "service_started")
    assign(desk, asked, third, "09:20", reason="中途身体不适").raise_for_status()
    assert (desk.get(f"/v1/assignments/{second}")["state"], state(desk, asked)) == ("withdrawn", "dispatched")


def test_who_read_a_request_before_a_seat_was_given_reads_it_anew(desk, hand):
    """Its state is the same; whoever was just asked is not let go by somebody who did not know of them."""
    (first, second), asked = hand
    seat_of(desk, asked, first)
    version = desk.client.get(f"/v1/requests/{asked}").headers["ETag"]
    seat_of(desk, asked, second, reason="换人")
    late = desk.post(f"/v1/requests/{asked}/cancel", {"reason": "不用了"}, **{"If-Match": version})
    refused(late, 412, "stale_version")


def test_checking_in_takes_the_code_and_the_time(desk, hand, clock):
    (person, _), asked = hand
    seat = seat_of(desk, asked, person)
    refused(step(desk, seat, "check-in"), 409, "transition_illegal")
    step(desk, seat, "accept").raise_for_status()
    refused(step(desk, seat, "check-in"), 409, "not_its_time")
    clock["now"] = datetime.fromisoformat(at("08:30"))
    own = desk.of(person)
    refused(step(own, seat, "check-in", code="wrong"), 422, "check_in_code_wrong")
    refused(step(own, seat, "check-in"), 422, "check_in_code_wrong")
    step(own, seat, "check-in", code=code(desk, asked)).raise_for_status()
    assert desk.get(f"/v1/assignments/{seat}")["by_phone"] is False


def test_whoever_says_it_for_another_has_it_by_phone(desk, hand):
    (person, other), asked = hand
    seat = seat_of(desk, asked, person)
    refused(step(desk.of(other), seat, "accept"), 404, "not_found")
    assert step(desk, seat, "accept").json()["by_phone"] is True


def test_who_handled_it_does_not_call_back(desk, hand, clock):
    """Neither whoever dispatched or reported it, nor a clerk who was there as a volunteer."""
    (person, _), asked = hand
    seat = seat_of(desk, asked, person)
    both = desk.as_(Role.DISPATCHER, Role.CLERK)
    step(both, seat, "accept").raise_for_status()
    clock["now"] = datetime.fromisoformat(at("09:00"))
    step(desk, seat, "check-in").raise_for_status()
    step(desk, seat, "finish", minutes=30).raise_for_status()
    event(desk, asked, "rate", stars=4).raise_for_status()
    for who in (both, desk.of(person, Role.CLERK)):
        refused(who.post(f"/v1/requests/{asked}/call-back", {"result": "satisfied"}), 409, "callback_not_independent")
    refused(desk.post(f"/v1/requests/{asked}/call-back", {"result": "satisfied"}), 403, "forbidden")
    event(desk, asked, "call-back", result="satisfied").raise_for_status()


@pytest.mark.parametrize("minutes", [0, -1, 1500, "30"])
def test_minutes_are_minutes(desk, hand, minutes):
    told = step(desk, 1, "finish", minutes=minutes)
    refused(told, 422, "duration_invalid")


def test_a_closed_request_takes_nobody(desk, hand):
    (person, _), asked = hand
    seat = seat_of(desk, asked, person)
    event(desk, asked, "cancel", reason="居民不需要了").raise_for_status()
    assert desk.get(f"/v1/assignments/{seat}")["state"] == "released"
    refused(assign(desk, asked, person), 409, "request_closed")
    refused(event(desk, asked, "reopen", reason="再试", windows=request()["windows"]), 409, "request_closed")


def test_triage_corrects_what_came_in(desk, clock):
    asked = desk.enter("/v1/requests", request(submitted=True))
    assert state(desk, asked) == "submitted"
    assert desk.get(desk.proposal())["unserved"] == []  # it is not classified: no plan knows it
    event(desk, asked, "triage", minutes=45, priority="urgent", seats=[{"skills": {"lift": 1}}]).raise_for_status()
    told = desk.get(f"/v1/requests/{asked}")
    assert (told["state"], told["minutes"], told["priority"]) == ("triaged", 45, "urgent")
    assert told["seats"][0]["skills"] == {"lift": 1}
    refused(event(desk, asked, "triage"), 409, "transition_illegal")


def test_answered_rejected_merged(desk, clock):
    ids = [desk.enter("/v1/requests", request(submitted=True, service="药品")) for _ in range(4)]
    event(desk, ids[0], "answer", answer="药店 24 小时营业").raise_for_status()
    event(desk, ids[1], "reject", reason="属于物业", next_owner="物业 029-1234").raise_for_status()
    event(desk, ids[2], "merge", into=ids[3]).raise_for_status()
    told = [desk.get(f"/v1/requests/{id}") for id in ids[:3]]
    assert [one["outcome"] for one in told] == ["answered", "rejected", "merged"]
    assert (told[0]["result"], told[1]["next_owner"], told[2]["merged_into"]) == (
        "药店 24 小时营业", "物业 029-1234", ids[3],
    )  # fmt: skip
    refused(event(desk, ids[3], "merge", into=ids[2]), 409, "merge_invalid")
    refused(event(desk, ids[3], "merge", into=ids[3]), 409, "merge_invalid")


def test_a_department_may_give_it_back_twice(desk, hand, clock):
    _, asked = hand
    until = (clock["now"] + timedelta(days=7)).isoformat()
    body = {"for": "department", "until": until, "reason": "需供电局", "external_number": "GD-17"}
    refused(event(desk, asked, "wait", **{**body, "external_number": None}), 422, "external_number_required")
    refused(event(desk, asked, "wait", **{**body, "until": at("06:00")}), 422, "wait_too_long")
    for _ in range(2):
        event(desk, asked, "wait", **body).raise_for_status()
        event(desk, asked, "resume", returned=True).raise_for_status()
        assert state(desk, asked) == "triaged"
    refused(event(desk, asked, "wait", **body), 409, "returned_too_often")


def test_whoever_was_to_come_is_let_go_while_it_waits(desk, hand, clock):
    (person, _), asked = hand
    seat = seat_of(desk, asked, person)
    until = (clock["now"] + timedelta(days=1)).isoformat()
    event(desk, asked, "wait", **{"for": "resident"}, until=until, reason="联系不上").raise_for_status()
    assert desk.get(f"/v1/assignments/{seat}")["state"] == "released"
    event(desk, asked, "resume").raise_for_status()
    assert state(desk, asked) == "triaged"


def test_what_has_been_done_is_not_called_off_in_a_wait(desk, hand, clock):
    asked = served(desk, hand, clock)
    event(desk.clerk, asked, "rate", stars=1).raise_for_status()
    until = (clock["now"] + timedelta(days=3)).isoformat()
    event(desk, asked, "wait", **{"for": "resident"}, until=until, reason="联系不上").raise_for_status()
    refused(event(desk, asked, "cancel", reason="不用了"), 409, "transition_illegal")


def test_what_came_of_it_is_told_once_it_is_served(desk, hand, clock):
    refused(event(desk, hand[1], "serve", result="修好了"), 409, "transition_illegal")
    asked = served(desk, hand, clock)
    event(desk, asked, "serve", result="修好了").raise_for_status()
    told = desk.get(f"/v1/requests/{asked}")
    assert (told["state"], told["result"]) == ("served", "修好了")


def test_nobody_reached_three_times_is_called_back_enough(desk, hand, clock):
    asked = served(desk, hand, clock)
    event(desk, asked, "rate", stars=2).raise_for_status()
    for calls in (1, 2, 3):
        event(desk, asked, "call-back", result="unreachable").raise_for_status()
        assert desk.get(f"/v1/requests/{asked}")["calls"] == calls
    assert state(desk, asked) == "closed"


def test_the_second_time_somebody_else_comes(desk, hand, clock):
    (person, other), _ = hand
    asked = served(desk, hand, clock)
    event(desk, asked, "rate", stars=1).raise_for_status()
    for _ in range(2):
        clock["now"] -= timedelta(hours=3)
        event(desk, asked, "reopen", reason="没修好", windows=request()["windows"]).raise_for_status()
        told = desk.get(f"/v1/requests/{asked}")
        assert told["state"] == "triaged" and told["stars"] is None
        if told["reopened"] == 2:
            break
        serve(desk, asked, person, clock)
        event(desk, asked, "rate", stars=1).raise_for_status()
    refused(assign(desk, asked, person), 409, "skill_missing")
    assert [seat["volunteer"] for seat in desk.get(desk.proposal())["assignments"]] == [other]


def serve(desk, asked, person, clock):
    """From nobody asked to done, by phone."""
    seat = seat_of(desk, asked, person)
    step(desk, seat, "accept").raise_for_status()
    clock["now"] = datetime.fromisoformat(at("09:00"))
    step(desk, seat, "check-in").raise_for_status()
    step(desk, seat, "finish", minutes=30).raise_for_status()


def served(desk, hand, clock):
    (person, _), asked = hand
    serve(desk, asked, person, clock)
    return asked


def test_two_answers_at_once_have_one_effect(desk, hand):
    """Accepted and declined by version: the second is told that it is stale."""
    (person, _), asked = hand
    seat = seat_of(desk, asked, person)
    version = desk.client.get(f"/v1/assignments/{seat}").headers["ETag"]
    desk.post(f"/v1/assignments/{seat}/accept", {}, **{"If-Match": version}).raise_for_status()
    refused(desk.post(f"/v1/assignments/{seat}/decline", {}, **{"If-Match": version}), 412, "stale_version")


def test_a_step_asked_for_twice_happens_once(desk, hand):
    (person, _), asked = hand
    seat = seat_of(desk, asked, person)
    answers = [desk.post(f"/v1/assignments/{seat}/accept", {}, key="once") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert desk.rows("SELECT count(*) FROM outbox WHERE event = 'accept'") == [(1,)]


def test_a_slip_of_the_hand_is_undone(desk, hand, clock):
    """Whoever was let go for it is asked again; nobody was asked in their place meanwhile."""
    (person, other), asked = hand
    first = seat_of(desk, asked, person)
    step(desk, first, "accept").raise_for_status()
    clock["now"] += timedelta(minutes=1)
    second = seat_of(desk, asked, other, reason="点错了")
    clock["now"] += timedelta(minutes=10)
    undone = desk.post(f"/v1/assignments/{second}/undo", {})
    assert (undone.status_code, undone.json()["state"]) == (200, "released")
    assert desk.get(f"/v1/assignments/{first}")["state"] == "offered"
    assert state(desk, asked) == "dispatched"
    refused(desk.post(f"/v1/assignments/{second}/undo", {}), 409, "undo_expired")
    step(desk, first, "accept").raise_for_status()
    assert state(desk, asked) == "confirmed"


def test_what_nobody_had_is_nobodys_again(desk, hand):
    (person, _), asked = hand
    seat = seat_of(desk, asked, person)
    desk.post(f"/v1/assignments/{seat}/undo", {}).raise_for_status()
    assert state(desk, asked) == "triaged"
    seat_of(desk, asked, person)  # an undone offer is no refusal: they may be asked again


def test_nobody_has_two_seats_of_one_crew(desk, clock):
    """Not at other times either, nor when the first of them is done: no plan could say so."""
    person = desk.enter("/v1/volunteers", volunteer())
    asked = desk.enter("/v1/requests", request(seats=[{}, {"lag": [60, 60]}]))
    seat = seat_of(desk, asked, person)
    refused(assign(desk, asked, person, "10:00", seat=1), 409, "volunteer_busy")
    step(desk, seat, "accept").raise_for_status()
    clock["now"] = datetime.fromisoformat(at("09:00"))
    step(desk, seat, "check-in").raise_for_status()
    step(desk, seat, "finish", minutes=30).raise_for_status()
    refused(assign(desk, asked, person, "10:00", seat=1), 409, "volunteer_busy")


def test_who_was_let_go_may_be_elsewhere_by_now(desk, hand):
    """Then the slip stays, and it is said why."""
    (person, other), asked = hand
    seat_of(desk, asked, person)
    second = seat_of(desk, asked, other, reason="点错了")
    elsewhere = seat_of(desk, desk.enter("/v1/requests", request()), person)
    error = refused(desk.post(f"/v1/assignments/{second}/undo", {}), 409, "volunteer_busy")
    assert f"(by {elsewhere})" in error["detail"]
    assert desk.get(f"/v1/assignments/{second}")["state"] == "offered"
    desk.post(f"/v1/volunteers/{person}/leave", {}).raise_for_status()
    refused(desk.post(f"/v1/assignments/{second}/undo", {}), 409, "volunteer_state")


def test_who_has_said_no_is_not_asked_again_by_an_undo(desk, clock):
    people = [desk.enter("/v1/volunteers", volunteer()) for _ in range(2)]
    asked = desk.enter("/v1/requests", request(seats=[{}, {}]))
    seat_of(desk, asked, people[0])
    second = seat_of(desk, asked, people[1], reason="换人")
    step(desk, seat_of(desk, asked, people[0], seat=1), "decline").raise_for_status()
    refused(desk.post(f"/v1/assignments/{second}/undo", {}), 409, "declined_before")


def test_what_should_have_begun_is_not_restored(desk, clock):
    people = [desk.enter("/v1/volunteers", volunteer()) for _ in range(2)]
    asked = desk.enter("/v1/requests", request("08:00", "12:00", minutes=20))
    seat_of(desk, asked, people[0], "09:00")
    clock["now"] = datetime.fromisoformat(at("08:55"))
    second = seat_of(desk, asked, people[1], "11:00", reason="换人")
    clock["now"] = datetime.fromisoformat(at("09:00"))
    refused(desk.post(f"/v1/assignments/{second}/undo", {}), 409, "undo_expired")


def test_a_neighbour_who_was_let_go_is_asked_again_too(desk, clock):
    """A dispatcher lets go of somebody of another street, and may take that back."""
    city = desk.enter("/v1/territories", {"name": "区"})
    own, other = (desk.enter("/v1/territories", {"name": name, "parent_id": city}) for name in ("一街", "二街"))
    neighbour, person = (desk.enter("/v1/volunteers", volunteer(territory_id=place)) for place in (other, own))
    asked = desk.enter("/v1/requests", request(territory_id=own))
    first = seat_of(desk, asked, neighbour)
    street = desk.as_(Role.DISPATCHER, territory=own)
    street.post(f"/v1/assignments/{seat_of(street, asked, person, reason='换人')}/undo", {}).raise_for_status()
    assert desk.get(f"/v1/assignments/{first}")["state"] == "offered"


@pytest.mark.parametrize("late", ["time", "answer", "plan"])
def test_what_has_gone_on_is_not_undone(desk, hand, clock, late):
    """More than ten minutes ago, answered by now, or gone on under a plan."""
    (person, _), asked = hand
    seat = seat_of(desk, asked, person)
    if late == "time":
        clock["now"] += timedelta(minutes=10, seconds=1)
    elif late == "answer":
        step(desk, seat, "accept").raise_for_status()
    else:
        desk.publish(desk.proposal()).raise_for_status()
    refused(desk.post(f"/v1/assignments/{seat}/undo", {}), 409, "undo_expired")


def test_a_visit_far_ahead_is_given_by_hand_too(desk, clock):
    """A year from now: no instance need reach from today to then."""
    day = {"from": "2031-06-03T08:00+08:00", "to": "2031-06-03T12:00+08:00"}
    person = desk.enter("/v1/volunteers", volunteer(availability=[day]))
    asked = desk.enter("/v1/requests", request(windows=[day]))
    body = {"volunteer": person, "start": "2031-06-03T09:00+08:00"}
    assert desk.post(f"/v1/requests/{asked}/assign", body).status_code == 201
