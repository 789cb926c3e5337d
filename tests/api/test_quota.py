"""Who asks for more plans than can be made soon is told to wait, and may give one up; nobody publishes in between."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from api import locks
from api.db import zone
from api.jobs.duties import handlers
from api.models import ClockRow
from api.roles import Role
from api.settings import Settings
from api.timing import local_day
from tests.api.desk import NOW, period, request, volunteer


@pytest.fixture
def settings(database_url):
    """As an installation has them that sets nothing."""
    return Settings(database_url=database_url, port=0, executor_id="test")


def ask(desk, **more):
    return desk.post("/v1/plans", period(**more))


def refused(answer, status, code):
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    return answer.json()["detail"]


def states(desk):
    return [state for (state,) in desk.rows("SELECT state FROM plans ORDER BY id")]


def test_the_third_plan_under_way_of_one_dispatcher_waits(desk):
    """Being solved counts like being queued; others ask for theirs; what has ended counts no more."""
    assert [ask(desk).status_code for _ in range(2)] == [202, 202]
    desk.change("UPDATE plans SET state = 'solving' WHERE id = 1")
    third = ask(desk)
    assert "2 plans of yours" in refused(third, 429, "solve_quota") and int(third.headers["Retry-After"]) > 0
    assert ask(desk.as_(Role.DISPATCHER)).status_code == 202
    desk.change("UPDATE plans SET state = 'proposed' WHERE id = 1")
    assert ask(desk).status_code == 202


def test_a_refused_wish_may_be_said_again_with_the_same_key(desk):
    for _ in range(2):
        ask(desk)
    refused(desk.post("/v1/plans", period(), key="again"), 429, "solve_quota")
    desk.post("/v1/plans/1/cancel", None)
    assert [desk.post("/v1/plans", period(), key="again").json()["id"] for _ in range(2)] == [3, 3]


def test_the_21st_in_the_queue_waits_whoever_asks(desk):
    others = [desk.as_(Role.DISPATCHER) for _ in range(10)]
    assert [ask(one).status_code for one in others for _ in range(2)] == [202] * 20
    assert "20 plans of all" in refused(ask(desk), 429, "solve_quota")
    desk.change("UPDATE plans SET state = 'solving' WHERE id = 1")
    assert ask(desk).status_code == 202


def test_six_wishes_at_once_are_two_plans(desk):
    with ThreadPoolExecutor(6) as pool:
        codes = sorted(answer.status_code for answer in pool.map(lambda _: ask(desk), range(6)))
    assert codes == [202, 202, 429, 429, 429, 429] and states(desk) == ["queued"] * 2


def test_rounds_of_the_house_are_nobodys_and_wait_once(desk):
    """Three urgent arrivals on one day, while nobody works: one round waits, and will see them all."""
    plan_day = handlers(desk.database, desk.settings)["round"]
    for _ in range(3):
        with desk.database.writing() as session:
            assert zone(session) == "Asia/Shanghai"
            begin, _ = local_day(session, NOW)
            clock = ClockRow(noun="day", noun_id=begin.toordinal(), name="round", policy_version=1, opening=False)
            plan_day(session, clock, NOW)
    assert desk.rows("SELECT state, asked_by FROM plans") == [("queued", None)]
    assert [ask(desk).status_code for _ in range(3)] == [202, 202, 429]


# Giving one up


@pytest.mark.parametrize("state", ["queued", "solving"])
def test_a_plan_under_way_is_cancelled_once(desk, state):
    plan_id = desk.enter("/v1/plans", period())
    desk.change("UPDATE plans SET state = :state", state=state)
    answer = desk.post(f"/v1/plans/{plan_id}/cancel", None)
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled"), answer.text
    assert desk.rows("SELECT from_state, who FROM audit WHERE to_state = 'cancelled'") == [(state, "key:desk")]
    assert "is cancelled" in refused(desk.post(f"/v1/plans/{plan_id}/cancel", None), 409, "job_finished")


@pytest.mark.parametrize("state", ["proposed", "published", "superseded", "failed"])
def test_what_has_ended_is_not_cancelled(desk, state):
    plan_id = desk.enter("/v1/plans", period())
    desk.change("UPDATE plans SET state = :state", state=state)
    refused(desk.post(f"/v1/plans/{plan_id}/cancel", None), 409, "job_finished")
    assert states(desk) == [state]


# Publishing, one at a time


def test_whoever_publishes_while_another_does_is_told_at_once(desk):
    desk.enter("/v1/volunteers", volunteer())
    desk.enter("/v1/requests", request())
    where = desk.proposal()
    with desk.database.writing() as session:
        locks.held_to_the_end(desk.database, session, "publish")
        began = time.monotonic()
        told = desk.publish(where)
        assert time.monotonic() - began < 3  # a lock that is waited for is waited for five seconds
    refused(told, 409, "publish_in_progress")
    assert int(told.headers["Retry-After"]) > 0 and desk.get(where)["state"] == "proposed"
    assert desk.publish(where).status_code == 200


def test_a_publisher_that_fails_lets_go(desk):
    """Refused for its own reason, twice the same."""
    where = desk.proposal()
    desk.publish(where).raise_for_status()
    for _ in range(2):
        refused(desk.publish(where), 409, "transition_illegal")
