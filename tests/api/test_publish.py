"""Publishing: the judge runs on the rows as they are, and the world must not have moved on."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.api.desk import at, period, request, volunteer
from tests.samples import sample

EARLY = "2030-06-02 23:00:00"  # before the period, so that publishing does not release it


@pytest.fixture
def proposed(desk):
    """Two volunteers, two requests, a proposal that serves both; its address."""
    for skills in ({}, {"lift": 2}):
        desk.enter("/v1/volunteers", volunteer(skills=skills))
    desk.enter("/v1/requests", request("09:00", "09:00"))
    desk.enter("/v1/requests", request("10:00", "10:00", seats=[{"skills": {"lift": 2}}]))
    where = desk.proposal()
    assert len(desk.get(where)["assignments"]) == 2
    return where


def refused(answer, status, code):
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    return answer.json()


MUTATIONS = {
    "shifted by a minute": "UPDATE assignments SET starts_at = {later} WHERE request_id = 1",
    "seat that is none": "UPDATE assignments SET seat = 1 WHERE request_id = 1",
    "skill not there": "UPDATE assignments SET volunteer_id = 1 WHERE request_id = 2",
    "one seat missing": "DELETE FROM assignments WHERE request_id = 1",
    "a cheaper story": "UPDATE plans SET result = {cheaper}",
}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_plan_that_breaks_a_rule_is_not_published(desk, proposed, mutation):
    sqlite = desk.database.is_sqlite
    later = "datetime(starts_at, '+1 minute')" if sqlite else "starts_at + interval '1 minute'"
    cheaper = (
        "replace(result, '\"cost\": ', '\"cost\": 1')"
        if sqlite
        else "replace(result::text, '\"cost\": ', '\"cost\": 1')::json"
    )
    desk.change(MUTATIONS[mutation].format(later=later, cheaper=cheaper))
    told = refused(desk.publish(proposed), 409, "plan_invalid")
    assert "breaks a hard rule" in told["detail"]
    assert desk.get(proposed)["state"] == "proposed"


def test_a_changed_request_makes_the_plan_outdated(desk, proposed):
    desk.change("UPDATE requests SET minutes = 45 WHERE id = 1")
    desk.change("UPDATE ledger SET version = version + 1")
    assert "1 things changed" in refused(desk.publish(proposed), 412, "plan_outdated")["detail"]


def test_a_volunteer_who_left_makes_the_plan_outdated(desk, proposed):
    desk.change("DELETE FROM availability WHERE volunteer_id = 1")
    desk.change("UPDATE ledger SET version = version + 1")
    refused(desk.publish(proposed), 412, "plan_outdated")


def test_what_was_only_added_does_not_matter(desk, proposed):
    desk.enter("/v1/requests", request())
    desk.enter("/v1/volunteers", volunteer())
    assert desk.publish(proposed).status_code == 200


def test_a_plan_is_published_once(desk, proposed):
    assert desk.publish(proposed).status_code == 200
    refused(desk.publish(proposed), 409, "transition_illegal")


def test_broken_promises_need_a_reason(desk):
    """Two volunteers have accepted; one of them is not there any more."""
    person = desk.enter("/v1/volunteers", volunteer())
    desk.enter("/v1/volunteers", volunteer(skills={"lift": 1}))
    desk.enter("/v1/requests", request())
    desk.publish(desk.proposal()).raise_for_status()
    desk.change("UPDATE assignments SET state = 'accepted', volunteer_id = :person", person=person)
    desk.change("DELETE FROM availability WHERE volunteer_id = :person", person=person)
    where = desk.proposal(seed=2)
    assert desk.get(where)["broken_pins"]
    told = refused(desk.publish(where), 409, "pins_broken")
    assert f"{person} (1)" in told["detail"]
    assert desk.publish(where, {"reason": "she fell ill"}).status_code == 200
    assert desk.rows("SELECT why FROM audit WHERE to_state = 'published' AND why IS NOT NULL") == [("she fell ill",)]


def test_a_seat_promised_elsewhere_is_named(desk, proposed):
    """A hand-made offer to the same person at the same time, which the ledger does not know of."""
    other = desk.enter("/v1/plans", period())
    desk.change(
        "INSERT INTO assignments (plan_id, request_id, volunteer_id, seat, starts_at, ends_at, state, version, reasons)"
        " SELECT :other, request_id, volunteer_id, seat, starts_at, ends_at, 'offered', 1, '[]' FROM assignments"
        " WHERE request_id = 2",
        other=other,
    )
    desk.change("UPDATE assignments SET starts_at = :early WHERE plan_id = :other", other=other, early=EARLY)
    told = refused(desk.publish(proposed), 409, "volunteer_busy")
    assert "volunteer 2 is taken" in told["detail"]


@pytest.mark.prove("publish")
def test_two_publishers_of_two_plans(desk, proposed):
    """At once, again and again: one plan is in force, the other is told why not."""
    for round_ in range(sample("publish", 5, 50)):
        plans = [desk.proposal(seed=2 * round_ + n) for n in (2, 3)]
        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(desk.publish, plans))
        codes = sorted(answer.status_code for answer in answers)
        assert codes[0] == 200 and codes[1] in (200, 409, 412), [answer.text for answer in answers]
        assert desk.rows("SELECT count(*) FROM plans WHERE state = 'published'") == [(1,)]
        in_force = desk.rows("SELECT request_id FROM assignments WHERE state = 'offered' ORDER BY request_id")
        assert in_force == [(1,), (2,)]


def test_who_is_asked_by_hand_alone_is_in_no_plan(desk):
    """Near by and free, and still somebody else goes; what a person has asked of them stays theirs in the next plan."""
    near = desk.enter("/v1/volunteers", volunteer(at=[108.945, 34.265]))
    far = desk.enter("/v1/volunteers", volunteer(at=[108.99, 34.265]))
    told = desk.of(near).post(f"/v1/volunteers/{near}/offers", {"automatic": False}).json()
    assert told["volunteer"]["automatic"] is False
    first = desk.enter("/v1/requests", request())
    assert [seat["volunteer"] for seat in desk.get(desk.proposal())["assignments"]] == [far]
    by_hand = {"volunteer": near, "start": at("09:10")}
    seat = desk.enter(f"/v1/requests/{first}/assign", by_hand)
    desk.enter("/v1/requests", request("10:30", "11:30"))
    where = desk.proposal()
    assert [one["volunteer"] for one in desk.get(where)["assignments"]] == [near, far]
    desk.publish(where).raise_for_status()
    assert desk.get(f"/v1/assignments/{seat}")["state"] == "offered"
    desk.of(near).post(f"/v1/volunteers/{near}/offers", {"automatic": True}).raise_for_status()
    desk.enter("/v1/requests", request("11:00", "11:30"))
    assert [one["volunteer"] for one in desk.get(desk.proposal())["assignments"]].count(near) > 1
