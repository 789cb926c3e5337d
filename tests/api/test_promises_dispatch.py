"""PROMISES.md, table "Dispatching and planning": a test for each of its rows, under the row's name.

Not here: publish_in_progress, solve_quota, job_finished and undo are tried where they are built; an hour that summer
time leaves out cannot be told to the API, since every moment carries its offset.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

import httpx
import pytest

from api import sessions
from tests.api.desk import Desk, at, period, request, volunteer
from tests.api.test_publish import refused


@dataclass
class Day:
    """Ada is promised to the first request from 9:00 to 9:30, Bo to none; it is 7:00."""

    desk: Desk
    clock: dict[str, datetime]
    ada: int
    bo: int
    first: int
    seat: int = 0

    def asked(self, **more: object) -> int:
        return self.desk.enter("/v1/requests", request("08:30", "11:00", **more))

    def give(self, request_id: int, person: int, start: str = "09:00", **more: object) -> httpx.Response:
        body = {"volunteer": person, "start": at(start), **more}
        return self.desk.post(f"/v1/requests/{request_id}/assign", body)

    def event(self, request_id: int, name: str, **body: object) -> None:
        self.desk.post(f"/v1/requests/{request_id}/{name}", body).raise_for_status()

    def step(self, name: str, **body: object) -> httpx.Response:
        """Something happens to the seat of Ada."""
        return self.desk.post(f"/v1/assignments/{self.seat}/{name}", body)

    def begun(self) -> None:
        """Ada is there."""
        self.step("accept").raise_for_status()
        self.clock["now"] = datetime.fromisoformat(at("09:00"))
        self.step("check-in").raise_for_status()


@pytest.fixture
def day(app, desk):
    clock = {"now": datetime.fromisoformat(at("07:00"))}
    app.dependency_overrides[sessions.now] = lambda: clock["now"]
    ada, bo = (desk.enter("/v1/volunteers", volunteer()) for _ in range(2))
    whole = Day(desk, clock, ada, bo, desk.enter("/v1/requests", request("08:30", "11:00")))
    whole.seat = whole.give(whole.first, ada).raise_for_status().json()["id"]
    return whole


def overlapping(day: Day) -> None:
    told = refused(day.give(day.asked(), day.ada, "08:45"), 409, "volunteer_busy")
    window = "2030-06-03 09:00 to 2030-06-03 09:30"
    assert f"volunteer {day.ada} is taken from {window} (by {day.seat})" in told["detail"]


def back_to_back(day: Day) -> None:
    """At the same house; 5.5 km away it is a matter of the way."""
    assert day.give(day.asked(), day.ada, "09:30").status_code == 201
    told = refused(day.give(day.asked(at=[109.0, 34.265]), day.ada, "10:00"), 409, "travel_time")
    assert " min late" in told["detail"]


def inactive(day: Day) -> None:
    """Who has left is not asked, whatever the reason: the sentence of volunteer_unavailable would invite one."""
    day.desk.post(f"/v1/volunteers/{day.bo}/leave", {}).raise_for_status()
    refused(day.give(day.asked(), day.bo, reason="本人电话同意"), 409, "volunteer_state")


def on_leave(day: Day) -> None:
    pause = {"from": at("00:00"), "to": at("23:00")}
    day.desk.post(f"/v1/volunteers/{day.bo}/pause", pause).raise_for_status()
    refused(day.give(day.asked(), day.bo), 409, "volunteer_unavailable")


def lacking_certificate(day: Day) -> None:
    """It expired the day before, and no reason helps."""
    lift = {"skills": {"lift": 1}, "skills_until": {"lift": "2030-06-02"}}
    day.desk.post(f"/v1/volunteers/{day.bo}/skills", lift).raise_for_status()
    asked = day.asked(seats=[{"skills": {"lift": 1}}])
    refused(day.give(asked, day.bo, reason="本人电话同意"), 409, "skill_missing")


def cancelled_request(day: Day) -> None:
    asked = day.asked()
    day.event(asked, "cancel", reason="家人已办好")
    answer = day.give(asked, day.bo)
    assert "cancelled" in refused(answer, 409, "request_closed")["detail"] and "Link" not in answer.headers


def merged_request(day: Day) -> None:
    twin, survivor = (day.asked(submitted=True) for _ in range(2))
    day.event(twin, "merge", into=survivor)
    answer = day.give(twin, day.bo)
    assert f"merged into {survivor}" in refused(answer, 409, "request_closed")["detail"]
    assert answer.headers["Link"] == f'</v1/requests/{survivor}>; rel="related"'


def finish_before_start(day: Day) -> None:
    day.step("accept").raise_for_status()
    told = refused(day.step("finish", minutes=30), 409, "transition_illegal")
    assert "check_in" in told["errors"][0]["hint"]


def start_of_anothers_assignment(day: Day) -> None:
    day.step("accept").raise_for_status()
    refused(day.desk.of(day.bo).post(f"/v1/assignments/{day.seat}/check-in", {"code": "0000"}), 404, "not_found")


def reassign_after_start(day: Day) -> None:
    day.begun()
    refused(day.give(day.first, day.bo, "09:10"), 409, "service_started")
    assert day.give(day.first, day.bo, "09:10", reason="中途身体不适").status_code == 201


def override_without_reason(day: Day) -> None:
    """Nothing is said, and then next to nothing; publishing over a promise likewise."""
    refused(day.give(day.asked(), day.bo, "13:00"), 409, "volunteer_unavailable")
    for reason in ("", " ", "x"):
        refused(day.give(day.asked(), day.bo, "13:00", reason=reason), 422, "reason_required")
        refused(day.desk.post("/v1/plans/1/publish", {"reason": reason}, **{"If-Match": "1"}), 422, "reason_required")
    assert day.give(day.asked(), day.bo, "13:00", reason="本人同意").status_code == 201


def minutes(day: Day) -> None:
    """None, fewer, 25 hours."""
    day.begun()
    for wrong in (0, -5, 25 * 60):
        told = refused(day.step("finish", minutes=wrong), 422, "duration_invalid")
        assert (told["errors"][0]["path"], told["errors"][0]["hint"]) == ("minutes", "write 1 to 1440")


def plan_on_an_old_version(day: Day) -> None:
    """Two of those it was made from are not free any more."""
    where = day.desk.proposal()
    for person in (day.ada, day.bo):
        pause = {"from": at("00:00"), "to": at("23:00")}
        day.desk.post(f"/v1/volunteers/{person}/pause", pause).raise_for_status()
    assert "2 things changed" in refused(day.desk.publish(where), 412, "plan_outdated")["detail"]


def plan_that_breaks_a_rule(day: Day) -> None:
    """The engine is wrong, or somebody wrote into the database."""
    asked = day.asked(seats=[{"skills": {"lift": 1}}])
    able = day.desk.enter("/v1/volunteers", volunteer(skills={"lift": 1}))
    where = day.desk.proposal()
    day.desk.change("UPDATE assignments SET volunteer_id = :bo WHERE volunteer_id = :able", bo=day.bo, able=able)
    told = refused(day.desk.publish(where), 409, "plan_invalid")
    assert f"skill ({day.bo}, {asked})" in told["detail"]


def broken_pins(day: Day) -> None:
    """Ada has said yes, and then has no time that day: whom the plan would let down is named."""
    day.step("accept").raise_for_status()
    day.desk.change("DELETE FROM availability WHERE volunteer_id = :ada", ada=day.ada)
    where = day.desk.proposal()
    assert f"{day.ada} ({day.first})" in refused(day.desk.publish(where), 409, "pins_broken")["detail"]
    assert day.desk.publish(where, {"reason": "本人来电，改派他人"}).status_code == 200


def seconds(day: Day) -> None:
    for wrong in (0, 10**6, "abc"):
        told = refused(day.desk.post("/v1/plans", period() | {"seconds": wrong}), 422, "limit_range")
        assert "1–3600" in told["detail"] and told["errors"][0]["path"] == "seconds"


def one_seat_pinned_to_two(day: Day) -> None:
    """A file says pins_conflict; at the desk a pin is a seat given by hand, and two at once must not both succeed.

    A crew of two: while one seat is empty the request stays as it is, so that nothing else brings the two together.
    """
    crew = day.asked(seats=[{}, {}])
    people = [day.desk.enter("/v1/volunteers", volunteer()) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda person: day.give(crew, person), people))
    assert sorted(answer.status_code for answer in answers) == [201, 409], [answer.text for answer in answers]
    refused(day.give(crew, day.bo), 409, "seat_taken")


ROWS: dict[str, Callable[[Day], None]] = {
    "assign to a volunteer with an overlapping assignment": overlapping,
    "back-to-back": back_to_back,
    "assign inactive": inactive,
    "assign on-leave": on_leave,
    "assign lacking certificate": lacking_certificate,
    "assign cancelled request": cancelled_request,
    "assign merged request": merged_request,
    "finish before start": finish_before_start,
    "start another's assignment": start_of_anothers_assignment,
    "reassign after the volunteer has started": reassign_after_start,
    "override without reason; reason of 1 char": override_without_reason,
    "minutes 0, negative, 25 h": minutes,
    "publish draft built on old version": plan_on_an_old_version,
    "publish a plan that breaks a hard rule": plan_that_breaks_a_rule,
    "publish a plan with broken pins without a reason": broken_pins,
    "seconds 0, 10^6, abc": seconds,
    "pin one seat to two volunteers": one_seat_pinned_to_two,
}


@pytest.mark.parametrize("row", ROWS)
def test_what_the_table_says(day, row):
    ROWS[row](day)
