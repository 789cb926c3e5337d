"""What clocks do when they are due, seen from the desk; the service and the scanner go by one clock that is moved."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import select

from api import rounds
from api.clocks import RUNNING
from api.jobs.duties import handlers
from api.jobs.scanner import Scanner
from api.models import ClockRow, RequestRow
from tests.api.desk import at, request, volunteer
from tests.api.test_dispatch import assign, event, seat_of, state, step


@pytest.fixture
def scan(desk, clock):
    """Let the clocks run until then: how many have fired."""
    scanner = Scanner(desk.database, handlers(desk.database, desk.settings))

    def until(moment):
        clock["now"] = datetime.fromisoformat(at(moment)) if isinstance(moment, str) else moment
        return scanner.scan(clock["now"])

    return until


def running(desk, name):
    """What is due when, of the clocks of this name that run."""
    query = "SELECT noun_id FROM clocks WHERE name = :name AND stopped_at IS NULL AND fired_at IS NULL"
    return [id for (id,) in desk.rows(query, name=name)]


def events(desk):
    return [told for (told,) in desk.rows("SELECT event FROM outbox ORDER BY id")]


def test_an_offer_expires_and_the_day_is_planned_again(desk, scan):
    """Offered at 7:00 for 9:00 the same day: half an hour to answer. Then a round is asked for, in the same scan."""
    person, other = (desk.enter("/v1/volunteers", volunteer()) for _ in range(2))
    asked = desk.enter("/v1/requests", request())
    seat = seat_of(desk, asked, person)
    assert scan("07:29") == 0
    assert scan("07:30") == 2
    assert (desk.get(f"/v1/assignments/{seat}")["state"], state(desk, asked)) == ("expired", "triaged")
    assert scan("07:30") == 0
    (plan,) = desk.get("/v1/plans")["items"]
    assert (plan["from"], plan["state"]) == ("2030-06-02T16:00:00Z", "queued")
    assert [row for row in desk.rows("SELECT who FROM audit WHERE noun = 'plan'")] == [("clock",)]
    step(desk, seat_of(desk, asked, other), "accept").raise_for_status()
    assert running(desk, "T4") == [] and scan("09:00") == 0


def test_an_urgent_offer_expires_in_ten_minutes_and_none_outlives_its_start(desk, scan, clock):
    person = desk.enter("/v1/volunteers", volunteer())
    urgent = desk.enter("/v1/requests", request(priority="urgent"))
    seat_of(desk, urgent, person)
    clock["now"] = datetime.fromisoformat(at("09:50"))
    soon = desk.enter("/v1/requests", request("10:00", "10:00"))
    seat_of(desk, soon, person, "10:00")
    assert running(desk, "T4") == [1, 2]
    scan("10:00")
    assert running(desk, "T4") == []


def test_an_urgent_arrival_is_planned_at_once_others_wait(desk, scan):
    desk.enter("/v1/requests", request())
    assert scan("07:00") == 0
    for _ in range(2):
        desk.enter("/v1/requests", request(priority="urgent"))
    assert scan("07:00") == 1  # one round for both
    assert len(desk.get("/v1/plans")["items"]) == 1


def test_whoever_falls_ill_is_replaced_at_once(desk, scan):
    person = desk.enter("/v1/volunteers", volunteer())
    asked = desk.enter("/v1/requests", request())
    seat = seat_of(desk, asked, person)
    step(desk, seat, "accept").raise_for_status()
    step(desk, seat, "withdraw", because="ill").raise_for_status()
    assert running(desk, "T3") == [asked]
    assert scan("07:00") == 1
    assert len(desk.get("/v1/plans")["items"]) == 1


def test_what_nobody_rates_is_called_back_all_the_same(desk, scan, clock):
    person = desk.enter("/v1/volunteers", volunteer())
    asked = desk.enter("/v1/requests", request())
    seat = seat_of(desk, asked, person)
    step(desk, seat, "accept").raise_for_status()
    clock["now"] = datetime.fromisoformat(at("09:00"))
    step(desk, seat, "check-in").raise_for_status()
    step(desk, seat, "finish", minutes=20).raise_for_status()
    scan(clock["now"] + timedelta(hours=71))
    assert state(desk, asked) == "served"
    scan(clock["now"] + timedelta(hours=1))
    assert state(desk, asked) == "callback"
    assert desk.get(f"/v1/requests/{asked}")["stars"] is None
    event(desk, asked, "call-back", result="basically").raise_for_status()
    assert (running(desk, "T7"), running(desk, "T9")) == ([], [asked])


def test_clocks_stand_still_while_a_request_waits(desk, scan, clock):
    """Due a working day after it came on Monday at 7:00; it waits for two days; the day is then still to come."""
    asked = desk.enter("/v1/requests", request())
    until = (clock["now"] + timedelta(days=20)).isoformat()
    event(desk, asked, "wait", **{"for": "date"}, until=until, reason="居民外出").raise_for_status()
    assert scan(clock["now"] + timedelta(days=2)) == 0
    event(desk, asked, "resume").raise_for_status()
    assert "T3 due" not in events(desk)
    scan(clock["now"] + timedelta(days=2))
    assert events(desk).count("T3 due") == 1


@pytest.mark.parametrize("given, chased", [(6.9, (3.5, 5.6)), (7, (3.5, 5.6, 7)), (8, (7.5,)), (20, (7.5, 12, 15))])
def test_a_department_is_chased_at_half_and_four_fifths_and_the_whole_of_its_time(desk, scan, clock, given, chased):
    """Of seven days, or of fifteen where it was given more than seven; when its time is over the desk has it again."""
    asked = desk.enter("/v1/requests", request())
    begun = clock["now"]
    body = {"for": "department", "until": (begun + timedelta(days=given)).isoformat(), "reason": "需供电局"}
    event(desk, asked, "wait", external_number="GD-17", **body).raise_for_status()
    for n, days in enumerate(sorted({*chased, given})):
        assert scan(begun + timedelta(days=days, minutes=-1)) == 0 and state(desk, asked) == "waiting"
        assert scan(begun + timedelta(days=days)) == 1
        assert events(desk).count("T8 due") == min(n + 1, len(chased))
    told = desk.get(f"/v1/requests/{asked}")
    assert (told["state"], told["returned"], running(desk, "T8")) == ("triaged", 0, [])


def test_a_clock_that_stood_still_is_not_late_by_that_when_it_changes(desk, scan, clock):
    """Nineteen days of a wait count for nobody; what has fired runs again when there is more time now."""
    asked = desk.enter("/v1/requests", request(tier="simple"))
    until = clock["now"] + timedelta(days=19)
    event(desk, asked, "wait", **{"for": "date"}, until=until.isoformat(), reason="居民外出").raise_for_status()
    scan(until)
    assert (due(desk, "T3"), due(desk, "T5")) == ("2030-06-25T17:30", "2030-06-25T17:30")
    event(desk, asked, "amend", tier="joint").raise_for_status()
    assert (due(desk, "T3"), due(desk, "T5")) == ("2030-06-25T17:30", "2030-06-26T17:30")
    scan(until + timedelta(days=5))
    assert running(desk, "T5") == []
    event(desk, asked, "amend", tier="complex").raise_for_status()
    assert due(desk, "T5") == "2030-07-12T17:30"


@pytest.mark.parametrize("way", ["wait", "decline"])
def test_what_has_nobody_again_is_to_be_dispatched_in_time_again(desk, scan, clock, way):
    """T3 stops when all have said yes; put off from there, or given to somebody who declines, it runs again."""
    people = [desk.enter("/v1/volunteers", volunteer("08:00", "18:00")) for _ in range(2)]
    asked = desk.enter("/v1/requests", request("14:00", "15:00"))
    step(desk, seat_of(desk, asked, people[0], "14:00"), "accept").raise_for_status()
    assert running(desk, "T3") == []
    if way == "wait":
        event(desk, asked, "wait", **{"for": "date"}, until=at("12:00"), reason="居民外出").raise_for_status()
        scan("12:00")
    else:
        step(desk, seat_of(desk, asked, people[1], "14:00", reason="换人"), "decline").raise_for_status()
    assert (state(desk, asked), running(desk, "T3")) == ("triaged", [asked])


@pytest.mark.parametrize("ends", ["resume", "cancel"])
def test_who_waits_no_longer_is_neither_chased_nor_woken(desk, scan, clock, ends):
    asked = desk.enter("/v1/requests", request())
    body = {"for": "department", "until": (clock["now"] + timedelta(days=5)).isoformat(), "reason": "需供电局"}
    event(desk, asked, "wait", external_number="GD-17", **body).raise_for_status()
    event(desk, asked, ends, **{"cancel": {"reason": "不用了"}}.get(ends, {})).raise_for_status()
    assert (running(desk, "T8"), running(desk, "until")) == ([], [])


def test_a_wait_ends_by_itself_on_its_day(desk, scan, clock):
    """Nothing is forgotten: it is the desk's again, its clocks go on, and what is urgent is planned at once."""
    asked = desk.enter("/v1/requests", request("14:00", "15:00", priority="urgent"))
    scan("07:00")
    event(desk, asked, "wait", **{"for": "date"}, until=at("12:00"), reason="居民外出").raise_for_status()
    assert scan("11:59") == 0
    scan("12:00")
    assert state(desk, asked) == "triaged" and running(desk, "T3") == [asked]
    assert events(desk)[-1] == "resume"
    assert desk.rows("SELECT who FROM audit WHERE noun = 'request' ORDER BY seq DESC LIMIT 1") == [("clock",)]
    assert len(desk.get("/v1/plans")["items"]) == 1  # the round of its coming still waits for a worker


def due(desk, name):
    """When the one running clock of this name is due, by the clock on the wall."""
    with desk.database.reading() as session:
        moment = session.exec(select(ClockRow).where(ClockRow.name == name, RUNNING)).one().due_at
    return f"{moment.astimezone(ZoneInfo('Asia/Shanghai')):%Y-%m-%dT%H:%M}"


@pytest.mark.parametrize("tier, dispatched, done", [
    ("facility", "2030-06-03T09:30", "2030-06-04T17:30"),
    ("simple", "2030-06-04T17:30", "2030-06-04T17:30"),
    ("joint", "2030-06-04T17:30", "2030-06-06T17:30"),
    ("general", "2030-06-04T17:30", "2030-06-12T17:30"),
    ("complex", "2030-06-04T17:30", "2030-06-24T17:30"),
])  # fmt: skip
def test_what_it_takes_says_when_it_is_due(desk, clock, tier, dispatched, done):
    """Asked on Monday before opening time; at the door, or told later by an amendment: then from its coming too."""
    desk.enter("/v1/requests", request(tier=tier))
    assert (due(desk, "T3"), due(desk, "T5")) == (dispatched, done)
    desk.change("UPDATE clocks SET stopped_at = started_at")
    later = desk.enter("/v1/requests", request())
    clock["now"] += timedelta(hours=3)
    event(desk, later, "amend", tier=tier).raise_for_status()
    assert (due(desk, "T3"), due(desk, "T5")) == (dispatched, done)


def test_what_becomes_urgent_is_so_from_its_coming(desk, scan, clock):
    asked = desk.enter("/v1/requests", request("14:00", "15:00"))
    clock["now"] += timedelta(hours=3)
    event(desk, asked, "amend", priority="urgent").raise_for_status()
    assert due(desk, "T3") == "2030-06-03T07:15"
    scan("10:00")
    assert "T3 due" in events(desk) and len(desk.get("/v1/plans")["items"]) == 1


@pytest.mark.parametrize("before, days", [(0, 7), (1, 30)])
def test_it_may_be_reopened_for_a_week_and_for_a_month_when_it_was_before(desk, clock, before, days):
    asked = desk.enter("/v1/requests", request())
    desk.change("UPDATE clocks SET stopped_at = started_at")
    with desk.database.writing() as session:
        row = session.get_one(RequestRow, asked)
        row.state, row.outcome, row.closed_at, row.reopened = "closed", "done", clock["now"], before
    clock["now"] += timedelta(days=days, minutes=1)
    start = clock["now"] + timedelta(days=1)
    windows = [{"from": start.isoformat(), "to": (start + timedelta(hours=1)).isoformat()}]
    late = event(desk.clerk, asked, "reopen", reason="又坏了", windows=windows)
    assert (late.status_code, late.json()["code"]) == (409, "reopen_late") and f"{days} " in late.json()["detail"]
    clock["now"] -= timedelta(minutes=1)
    event(desk.clerk, asked, "reopen", reason="又坏了", windows=windows).raise_for_status()


def test_what_was_classified_is_dispatched_in_time_or_somebody_is_told(desk, scan):
    """First answered by a person within 5 minutes of opening hours: the office opens at 8:30."""
    asked = desk.enter("/v1/requests", request(submitted=True))
    assert scan("08:34") == 0
    assert scan("08:35") == 1 and events(desk)[-1] == "T1 due"
    event(desk, asked, "triage").raise_for_status()
    assert (running(desk, "T2"), running(desk, "T3")) == ([], [asked])
    assert assign(desk, asked, desk.enter("/v1/volunteers", volunteer())).status_code == 201


def test_what_waits_is_planned_at_set_times_on_working_days(desk, clock):
    """Monday 2030-06-03 at 7:00; a round at 8:15, no second one beside it; on Tuesday there is nothing left."""
    settings = desk.settings.model_copy(update={"rounds": ["12:45", "08:15"]})
    scanner = Scanner(desk.database, handlers(desk.database, settings))
    with desk.database.writing() as session:
        rounds.wind(session, settings.rounds, clock["now"])
    desk.enter("/v1/requests", request("15:00", "16:00"))

    def plans(moment):
        scanner.scan(datetime.fromisoformat(moment))
        return len(desk.get("/v1/plans")["items"])

    assert plans(at("08:14")) == 0
    assert plans(at("08:15")) == 1
    assert plans(at("12:44")) == 1
    assert plans(at("12:45")) == 1  # the one of the morning still waits for a worker
    desk.post("/v1/plans/1/cancel", {}).raise_for_status()
    assert plans("2030-06-03T13:00+08:00") == 1
    desk.enter("/v1/requests", request("15:00", "16:00", priority="urgent"))
    assert plans("2030-06-03T13:01+08:00") == 2
    assert plans("2030-06-04T08:15+08:00") == 2  # its windows are past: there is no day left to plan
    assert running(desk, "rounds") == [1]


def test_no_round_on_a_day_of_rest_and_none_without_times(desk, clock):
    """From Friday 13:00 the next is on Monday; whoever wants none has none."""
    friday = datetime.fromisoformat("2030-06-07T13:00+08:00")
    due = "SELECT due_at FROM clocks WHERE name = 'rounds' AND stopped_at IS NULL AND fired_at IS NULL"
    with desk.database.writing() as session:
        rounds.wind(session, ["08:15", "12:45"], friday)
        (clock_row,) = session.exec(select(ClockRow).where(ClockRow.name == "rounds", RUNNING))
        assert clock_row.due_at == datetime.fromisoformat("2030-06-10T08:15+08:00")
        rounds.wind(session, [], friday)
    assert desk.rows(due) == []


def test_a_round_goes_to_whoever_dispatches_there(desk, scan):
    """A street with a dispatcher of its own sees a plan of its own; the rest of the district is the district's."""
    district = desk.enter("/v1/territories", {"name": "莲湖区"})
    street, quiet = (
        desk.enter("/v1/territories", {"name": name, "parent_id": district}) for name in ("甲街道", "乙街道")
    )
    community = desk.enter("/v1/territories", {"name": "社区", "parent_id": street})
    for name, place in (("boss", district), ("own", street)):
        desk.enter("/v1/users", {"name": name, "grants": [{"role": "dispatcher", "territory_id": place}]})
    for place in (community, quiet):
        desk.enter("/v1/requests", request(priority="urgent", territory_id=place))
    desk.enter("/v1/requests", request(priority="urgent"))
    scan("07:00")
    plans = desk.get("/v1/plans")["items"]
    assert [desk.get(f"/v1/plans/{plan['id']}")["territory_id"] for plan in plans] == [street, district, None]
