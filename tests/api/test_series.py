"""Series: what repeats by rule comes four weeks ahead, once; it is changed alone or from a day on, and it ends."""

import re
import threading
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError

from api.jobs.duties import handlers
from api.jobs.scanner import Scanner
from api.models.series import RuleShape
from api.roles import Role
from api.security import HOUSE
from api.series import rules, service
from api.settings import Settings
from api.transitions import Act
from api.workdays import DayKind, WorkingTime
from tests.api.desk import DAY, migrated, series, volunteer
from tests.api.test_dispatch import event, seat_of, state, step
from tests.api.test_duties import events, running, scan  # noqa: F401  `scan` is a fixture
from tests.api.test_publish import refused
from tests.api.town import PERSONAL

MONDAY = date.fromisoformat(DAY)
"""3 June 2030, when the clock of these tests stands at 7:00."""

MONDAYS = ["2030-06-03", "2030-06-10", "2030-06-17", "2030-06-24", "2030-07-01"]

REASON = {"reason": "活动调整"}


def enter(desk, **fields):
    return desk.enter("/v1/series", series() | fields)


def told(desk, series_id):
    return desk.get(f"/v1/series/{series_id}")


def days(desk, series_id):
    return [one["day"] for one in told(desk, series_id)["occurrences"]]


def request_on(desk, series_id, day):
    (found,) = [one["request"] for one in told(desk, series_id)["occurrences"] if one["day"] == day]
    return found


def windows(desk, series_id):
    """When its requests to come begin and end, told as they are stored."""
    query = """SELECT w.starts_at, w.ends_at FROM request_windows w JOIN requests r ON r.id = w.request_id
               WHERE r.series_id = :id AND r.state <> 'closed' ORDER BY w.starts_at"""
    return [tuple(str(moment)[:16] for moment in row) for row in desk.rows(query, id=series_id)]


def change(desk, series_id, since, **fields):
    return desk.post(f"/v1/series/{series_id}/change", {"from": since, **REASON, **fields})


def counts(answer):
    """What has become of its requests, without zeros."""
    return {name: n for name, n in answer.raise_for_status().json().items() if name != "series" and n}


def morning(day):
    return datetime.fromisoformat(f"{day}T07:00+08:00")


# The days of a rule.


def slow_days(rule, anchor, last):
    """The same days, counted forward step by step from the anchor."""
    found, begin = set(), anchor
    while begin <= last:
        if rule.kind == "daily":
            found.add(begin)
            begin += timedelta(days=rule.every)
        elif rule.kind == "weekly":
            monday = begin - timedelta(days=begin.weekday())
            found |= {monday + timedelta(days=day - 1) for day in rule.on}
            begin = monday + timedelta(weeks=rule.every)
        else:
            begin = begin.replace(day=1)
            length = monthrange(begin.year, begin.month)[1]
            found |= {begin.replace(day=min(day, length)) for day in rule.on}
            for _ in range(rule.every):
                begin = (begin + timedelta(days=31)).replace(day=1)
    return {day for day in found if anchor <= day <= last}


RULES = st.one_of(
    st.builds(lambda n: RuleShape(kind="daily", every=n), st.integers(1, 366)),
    st.builds(
        lambda n, on: RuleShape(kind="weekly", every=n, on=on),
        st.integers(1, 9),
        st.lists(st.integers(1, 7), min_size=1, max_size=7),
    ),
    st.builds(
        lambda n, on: RuleShape(kind="monthly", every=n, on=on),
        st.integers(1, 14),
        st.lists(st.integers(1, 31), min_size=1, max_size=9),
    ),
)


@given(rule=RULES, anchor=st.dates(date(2020, 1, 1), date(2040, 1, 1)), length=st.integers(0, 1500))
def test_the_days_of_a_rule_are_those_counted_one_by_one(rule, anchor, length):
    last = anchor + timedelta(days=length)
    every = [anchor + timedelta(days=n) for n in range(-40, length + 1)]
    assert {day for day in every if rules.falls(rule, anchor, day)} == slow_days(rule, anchor, last)


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        ({"kind": "weekly", "on": [4]}, "01-03 01-10 01-17 01-24 01-31 02-07 02-14 02-21 02-28 03-07"),
        ({"kind": "weekly", "every": 2, "on": [1, 4]}, "01-03 01-14 01-17 01-28 01-31 02-11 02-14 02-25 02-28"),
        ({"kind": "monthly", "on": [5, 15, 25]}, "01-05 01-15 01-25 02-05 02-15 02-25 03-05"),
        ({"kind": "monthly", "on": [29, 30, 31]}, "01-29 01-30 01-31 02-28"),
        ({"kind": "monthly", "every": 2, "on": [3]}, "01-03 03-03"),
        ({"kind": "daily", "every": 30}, "01-03 02-02 03-04"),
    ],
)
def test_rules_worked_out_by_hand(rule, wanted):
    """From Thursday, 3 January 2030 to 9 March; February has 28 days, so its last stands in for three."""
    first, shape = date(2030, 1, 3), RuleShape.model_validate(rule)
    every = [first + timedelta(days=n) for n in range(66)]
    assert [f"{day:%m-%d}" for day in every if rules.falls(shape, first, day)] == wanted.split()


@pytest.mark.parametrize(
    ("holidays", "wanted"), [("same_day", [5, 6, 7]), ("next_workday", [5, 8, 8]), ("skip", [5, None, None])]
)
def test_what_becomes_of_a_day_of_rest(holidays, wanted):
    """Wednesday is a half day, which is a working day; Thursday and Friday rest, and Saturday makes up for it."""
    rest = {date(2030, 6, 5): DayKind.MORNING, date(2030, 6, 6): DayKind.REST, date(2030, 6, 7): DayKind.REST}
    working = WorkingTime("Asia/Shanghai", days={**rest, date(2030, 6, 8): DayKind.WORK})
    placed = [rules.takes_place(date(2030, 6, day), holidays, working) for day in (5, 6, 7)]
    assert [day and day.day for day in placed] == wanted


# Four weeks ahead.


def test_four_weeks_are_there_at_once_and_more_as_days_pass(desk, scan):  # noqa: F811
    asked = enter(desk)
    assert days(desk, asked) == MONDAYS
    one = desk.get(f"/v1/requests/{request_on(desk, asked, MONDAYS[1])}")
    assert (one["state"], one["series_id"], one["series_day"]) == ("triaged", asked, MONDAYS[1])
    assert (one["windows"][0]["from"], one["windows"][0]["to"]) == ("2030-06-10T01:00:00Z", "2030-06-10T02:00:00Z")
    assert {who for (who,) in desk.rows("SELECT who FROM audit WHERE noun = 'request'")} == {"house"}
    scan(morning("2030-06-09"))
    assert days(desk, asked) == MONDAYS
    scan(morning("2030-06-10"))
    assert days(desk, asked) == [*MONDAYS, "2030-07-08"]
    scan(morning("2030-06-10"))
    assert len(days(desk, asked)) == 6 and running(desk, "series") == [asked]


def test_nobody_is_late_with_what_is_weeks_away(desk, scan):  # noqa: F811
    """A working day to dispatch it, counted from a week before its day, or from now: two are late, the third is not."""
    enter(desk)
    scan(morning("2030-06-11"))
    assert events(desk).count("T3 due") == 2
    scan(datetime.fromisoformat("2030-06-11T17:30+08:00"))
    assert events(desk).count("T3 due") == 3 and "T5 due" not in events(desk)
    scan(datetime.fromisoformat("2030-06-19T17:30+08:00"))
    assert events(desk).count("T5 due") == 3  # those of 3, 10 and 17 June


def test_after_weeks_without_a_worker_nothing_of_the_past_comes(desk, scan):  # noqa: F811
    asked = enter(desk)
    scan(datetime.fromisoformat("2030-08-07T12:00+08:00"))
    assert days(desk, asked) == [*MONDAYS, *(f"2030-{day}" for day in ("08-12", "08-19", "08-26", "09-02"))]


def test_what_is_over_this_morning_does_not_come(desk, scan):  # noqa: F811
    assert days(desk, enter(desk, window={"from": "06:00", "to": "06:59"})) == MONDAYS[1:]
    assert days(desk, enter(desk, window={"from": "06:00", "to": "07:00"})) == MONDAYS


def test_a_series_may_begin_later_and_have_begun_before(desk, scan):  # noqa: F811
    """Every second week: counted from May, the Mondays are others than those counted from June."""
    later = enter(desk, first_day="2030-09-02")
    assert days(desk, later) == []
    every = {"kind": "weekly", "every": 2, "on": [1]}
    assert days(desk, enter(desk, rule=every, first_day="2030-05-20")) == [MONDAYS[0], MONDAYS[2], MONDAYS[4]]
    assert days(desk, enter(desk, rule=every, first_day="2030-05-27")) == [MONDAYS[1], MONDAYS[3]]
    scan(morning("2030-08-04"))
    assert days(desk, later) == []
    scan(morning("2030-08-05"))
    assert days(desk, later) == ["2030-09-02"]


def test_a_series_ends_after_its_last_day(desk, scan):  # noqa: F811
    asked = enter(desk, last_day="2030-06-17")
    assert days(desk, asked) == MONDAYS[:3]
    scan(morning("2030-06-17"))
    assert told(desk, asked)["state"] == "running"
    scan(morning("2030-06-18"))
    assert (told(desk, asked)["state"], running(desk, "series"), days(desk, asked)) == ("ended", [], MONDAYS[:3])
    query = "SELECT who, from_state, to_state FROM audit WHERE noun = 'series' ORDER BY seq"
    assert desk.rows(query) == [("key:desk", None, "running"), ("clock", "running", "ended")]


def test_campaign_days_move_to_the_next_working_day_and_those_that_meet_are_one(desk, scan):  # noqa: F811
    """Saturday 15 June and Sunday the 16th both move to Monday the 17th, which is a campaign day as well."""
    rule = {"kind": "monthly", "on": [5, 15, 16, 17, 25]}
    wanted = ["2030-06-05", "2030-06-17", "2030-06-25"]
    assert days(desk, enter(desk, rule=rule, holidays="next_workday")) == wanted
    assert days(desk, enter(desk, rule=rule, holidays="skip")) == wanted
    assert len(days(desk, enter(desk, rule=rule))) == 5


def test_days_that_meet_across_the_edge_of_four_weeks_are_one(desk, scan):  # noqa: F811
    """The 1st of July is just in sight and moves to the 2nd, which comes into sight the day after."""
    desk.change("INSERT INTO calendar_days (day, kind) VALUES ('2030-07-01', 'rest')")
    asked = enter(desk, rule={"kind": "monthly", "on": [1, 2]}, holidays="next_workday")
    assert days(desk, asked) == ["2030-07-02"]
    scan(morning("2030-06-04"))
    assert days(desk, asked) == ["2030-07-02"] and told(desk, asked)["expanded_until"] == "2030-07-02"


def test_a_calendar_edited_meanwhile_neither_doubles_nor_drops_a_day(desk, scan):  # noqa: F811
    """The last Monday in sight becomes a day of rest after its request has come; the other way round as well."""
    doubled = enter(desk, holidays="next_workday")
    sunday = enter(desk, holidays="next_workday", rule={"kind": "weekly", "on": [7]})
    assert (days(desk, doubled)[-1], days(desk, sunday)[-1]) == ("2030-07-01", "2030-07-01")
    desk.change("INSERT INTO calendar_days (day, kind) VALUES ('2030-07-01', 'rest'), ('2030-06-30', 'work')")
    scan(morning("2030-06-09"))
    assert days(desk, doubled) == MONDAYS
    assert days(desk, sunday)[-2:] == ["2030-07-01", "2030-07-08"]


def test_a_desk_has_a_fixed_start_and_k_seats(desk, scan):  # noqa: F811
    seats = [{}, {}, {"skills": {"first_aid": 1}}]
    asked = desk.enter("/v1/series", series("14:00", "14:00", label="便民服务台", seats=seats))
    one = desk.get(f"/v1/requests/{request_on(desk, asked, DAY)}")
    assert one["windows"] == [{"from": "2030-06-03T06:00:00Z", "to": "2030-06-03T06:00:00Z"}]
    assert [seat["skills"] for seat in one["seats"]] == [{}, {}, {"first_aid": 1}]
    person = desk.enter("/v1/volunteers", volunteer("08:00", "20:00"))
    step(desk, seat_of(desk, one["id"], person, "14:00"), "accept").raise_for_status()


def test_two_scanners_and_a_crash_bring_each_day_once(desk, scan, monkeypatch):  # noqa: F811
    """The handler dies after the request has come in: all of it is as if it had never been, and it comes again."""
    asked = enter(desk)
    entered = service.requests.enter

    def dying(*arguments, **more):
        entered(*arguments, **more)
        raise ZeroDivisionError

    monkeypatch.setattr(service.requests, "enter", dying)
    scan(morning("2030-06-17"))
    assert days(desk, asked) == MONDAYS
    monkeypatch.undo()
    scanners = [Scanner(desk.database, handlers(desk.database, desk.settings)) for _ in range(2)]
    both = [threading.Thread(target=one.scan, args=(morning("2030-06-17"),)) for one in scanners]
    for one in both:
        one.start()
    for one in both:
        one.join(60)
    assert days(desk, asked) == [*MONDAYS, "2030-07-08", "2030-07-15"]


def test_the_database_refuses_a_second_request_of_a_day(desk, scan):  # noqa: F811
    asked = enter(desk)
    with pytest.raises(IntegrityError):
        desk.change("UPDATE requests SET series_day = :day WHERE series_id = :id", day=date(2030, 6, 3), id=asked)


# Clocks on the wall.

NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture
def abroad(database_url):
    """The same service in New York, three weeks before clocks are set forward there (10 March 2030) or back."""
    settings = Settings(database_url=database_url, port=0, timezone="America/New_York")
    database = migrated(database_url)
    database.timezone = settings.timezone
    yield database
    database.close()


@pytest.mark.parametrize(
    ("window", "first", "utc"),
    [
        (("01:30", "02:30"), date(2030, 3, 10), ("06:30", "07:00")),  # half past two is not told: at the jump, 3:00
        (("02:30", "02:30"), date(2030, 3, 10), ("07:00", "07:00")),
        (("02:30", "03:30"), date(2030, 3, 10), ("07:00", "07:30")),
        (("02:30", "02:30"), date(2030, 3, 11), ("06:30", "06:30")),
        (("01:30", "01:30"), date(2030, 11, 3), ("05:30", "05:30")),  # half past one is told twice: the first time
        (("01:30", "02:30"), date(2030, 11, 3), ("05:30", "07:30")),
        (("09:00", "10:00"), date(2030, 11, 2), ("13:00", "14:00")),
        (("09:00", "10:00"), date(2030, 11, 4), ("14:00", "15:00")),
    ],
)
def test_windows_go_by_the_clock_on_the_wall(abroad, window, first, utc):
    asked = service.SeriesCreate.model_validate(series(*window, first_day=str(first)) | {"rule": {"kind": "daily"}})
    noon = datetime(first.year, first.month, first.day, 12, tzinfo=NEW_YORK) - timedelta(days=1)
    with abroad.writing() as session:
        made = service.create(session, asked, Act(HOUSE, noon))
        row = session.get_one(service.RequestRow, made.occurrences[0].request)
        moments = [(one.starts_at.astimezone(UTC), one.ends_at.astimezone(UTC)) for one in row.windows]
    assert [f"{moment:%H:%M}" for moment in moments[0]] == list(utc)
    assert made.occurrences[0].day == first == moments[0][0].astimezone(NEW_YORK).date()


# One of them.


def test_one_is_amended_alone_and_later_changes_pass_it_by(desk, scan):  # noqa: F811
    asked = enter(desk)
    one = request_on(desk, asked, MONDAYS[1])
    window = [{"from": "2030-06-11T09:00+08:00", "to": "2030-06-11T10:00+08:00"}]
    amended = event(
        desk, one, "amend", windows=window, minutes=45, priority="high", seats=[{}, {}], label="两人"
    ).json()
    assert (amended["state"], amended["minutes"], amended["priority"], amended["detached"]) == (
        "triaged", 45, "high", True,
    )  # fmt: skip
    assert (len(amended["seats"]), amended["windows"][0]["from"]) == (2, "2030-06-11T01:00:00Z")
    assert counts(change(desk, asked, DAY, template={"minutes": 60})) == {"amended": 4, "kept": 1}
    assert desk.get(f"/v1/requests/{one}")["minutes"] == 45
    assert days(desk, asked) == MONDAYS
    steps = "SELECT from_state, to_state FROM audit WHERE noun = 'request' AND noun_id = :id ORDER BY seq"
    assert desk.rows(steps, id=one) == [(None, "triaged"), ("triaged", "triaged")]


def test_any_request_is_amended_as_long_as_nobody_said_yes_to_all_of_it(desk, scan):  # noqa: F811
    """A telephone number leaves whoever was asked where they are; another hour lets them go."""
    person = desk.enter("/v1/volunteers", volunteer())
    asked = enter(desk, template=series(seats=[{}, {}])["template"])
    one = request_on(desk, asked, DAY)
    seat = seat_of(desk, one, person)
    event(desk, one, "amend", phone="13912345678", minutes=30).raise_for_status()
    assert desk.get(f"/v1/assignments/{seat}")["state"] == "offered"
    window = [{"from": "2030-06-03T10:00+08:00", "to": "2030-06-03T10:00+08:00"}]
    event(desk, one, "amend", windows=window).raise_for_status()
    assert desk.get(f"/v1/assignments/{seat}")["state"] == "released"
    refused(event(desk, one, "amend", minutes=None), 422, "type_int")
    refused(event(desk, one, "amend", partners=[99]), 422, "ref_unknown")
    refused(desk.post(f"/v1/requests/{one}/amend", {"minutes": 20}, **{"If-Match": '"1"'}), 412, "stale_version")
    for k in (0, 1):
        other = desk.enter("/v1/volunteers", volunteer())
        seat_of(desk, one, other, "10:00", seat=k)
    refused(event(desk, one, "amend", minutes=20), 409, "transition_illegal")


def test_one_that_is_called_off_stays_away(desk, scan):  # noqa: F811
    asked = enter(desk)
    event(desk, request_on(desk, asked, MONDAYS[1]), "cancel", reason="外出").raise_for_status()
    scan(morning("2030-06-04"))
    assert counts(change(desk, asked, DAY, template={"minutes": 60})) == {"amended": 3}
    assert days(desk, asked) == MONDAYS
    closed = [one for one in told(desk, asked)["occurrences"] if one["state"] == "closed"]
    assert [(one["day"], one["outcome"]) for one in closed] == [(MONDAYS[1], "cancelled")]
    assert len(desk.get("/v1/requests")["items"]) == 5


# All that follow.


def test_what_follows_is_changed_in_place(desk, scan):  # noqa: F811
    """From the third Monday on in the afternoon and for longer; what comes later as well, what was before stays."""
    asked = enter(desk)
    before = told(desk, asked)["occurrences"]
    window = {"from": "14:00", "to": "15:00"}
    assert counts(change(desk, asked, MONDAYS[2], window=window, template={"minutes": 60})) == {"amended": 3}
    assert told(desk, asked)["occurrences"] == before
    scan(morning("2030-06-10"))
    hours = [start[11:] for start, _ in windows(desk, asked)]
    assert hours == ["01:00", "01:00", "06:00", "06:00", "06:00", "06:00"]
    minutes = "SELECT minutes FROM requests WHERE series_id = :id ORDER BY series_day"
    assert [m for (m,) in desk.rows(minutes, id=asked)] == [30, 30, 60, 60, 60, 60]
    assert [one["holds_from"] for one in told(desk, asked)["editions"]] == [DAY, MONDAYS[2]]


def test_another_rule_calls_off_some_days_and_brings_others(desk, scan):  # noqa: F811
    """Thursdays instead of Mondays, from Wednesday on; what stays the same is left alone, with its people."""
    asked = enter(desk)
    person = desk.enter("/v1/volunteers", volunteer())
    step(desk, seat_of(desk, request_on(desk, asked, DAY), person), "accept").raise_for_status()
    both = {"kind": "weekly", "on": [1, 4]}
    assert counts(change(desk, asked, DAY, rule=both)) == {"unchanged": 5, "added": 4}
    assert state(desk, request_on(desk, asked, DAY)) == "confirmed"
    answer = change(desk, asked, "2030-06-12", rule={"kind": "weekly", "on": [4]})
    assert counts(answer) == {"cancelled": 3, "unchanged": 3}
    thursdays = ["2030-06-13", "2030-06-20", "2030-06-27"]
    assert days(desk, asked) == [MONDAYS[0], "2030-06-06", MONDAYS[1], *thursdays]
    assert counts(change(desk, asked, "2030-06-12", rule=both))["added"] == 3  # they come back, as new requests
    assert len(days(desk, asked)) == 9


def test_a_change_far_ahead_holds_from_its_day(desk, scan):  # noqa: F811
    asked = enter(desk)
    rule = {"kind": "daily", "every": 3}
    assert counts(change(desk, asked, "2030-07-09", rule=rule, template={"label": "新"})) == {}
    scan(morning("2030-06-20"))
    assert days(desk, asked) == [*MONDAYS, "2030-07-08", "2030-07-09", "2030-07-12", "2030-07-15", "2030-07-18"]
    labels = desk.rows("SELECT label FROM requests WHERE series_id = :id ORDER BY series_day", id=asked)
    assert [label for (label,) in labels] == [None] * 6 + ["新"] * 4


def test_whoever_has_said_yes_to_something_else_is_let_go_and_told(desk, scan):  # noqa: F811
    """One has said yes and one is asked, for the first two Mondays; the third is under way and stays as it is."""
    asked = enter(desk)
    person = desk.enter("/v1/volunteers", volunteer())
    seats = []
    for day in MONDAYS[:2]:
        answer = desk.post(
            f"/v1/requests/{request_on(desk, asked, day)}/assign",
            {"volunteer": person, "start": f"{day}T09:00+08:00", "reason": "本人同意"},
        )
        seats.append(answer.raise_for_status().json()["id"])
    step(desk, seats[0], "accept").raise_for_status()
    until = "2030-06-20T09:00+08:00"
    waiting = request_on(desk, asked, MONDAYS[2])
    event(desk, waiting, "wait", **{"for": "date"}, until=until, reason="外出").raise_for_status()
    assert counts(change(desk, asked, DAY, template={"phone": "13912345678"})) == {"amended": 4, "kept": 1}
    assert [desk.get(f"/v1/assignments/{seat}")["state"] for seat in seats] == ["accepted", "offered"]
    answer = change(desk, asked, DAY, window={"from": "10:00", "to": "10:00"})
    assert counts(answer) == {"amended": 4, "kept": 1, "let_go": 2}
    assert [desk.get(f"/v1/assignments/{seat}")["state"] for seat in seats] == ["released"] * 2
    assert [state(desk, request_on(desk, asked, day)) for day in MONDAYS[:3]] == ["triaged", "triaged", "waiting"]
    whys = desk.rows("SELECT why FROM audit WHERE noun = 'assignment' AND to_state = 'released'")
    assert whys == [(REASON["reason"],)] * 2
    assert events(desk).count("release") == 2


def test_a_change_is_of_what_its_reader_saw(desk, scan):  # noqa: F811
    asked = enter(desk)
    where = f"/v1/series/{asked}"
    version = desk.client.get(where).headers["ETag"]
    body = {"from": DAY, **REASON, "template": {"minutes": 60}}
    changed = desk.post(f"{where}/change", body, **{"If-Match": version})
    assert changed.headers["ETag"] != version
    refused(desk.post(f"{where}/change", body, **{"If-Match": version}), 412, "stale_version")
    assert counts(desk.post(f"{where}/change", body, **{"If-Match": changed.headers["ETag"]})) == {"unchanged": 5}


def test_a_change_that_could_not_come_in_is_refused_now(desk, scan):  # noqa: F811
    asked = enter(desk)
    refused(change(desk, asked, DAY, template={"partners": [99]}), 422, "ref_unknown")
    refused(change(desk, asked, "2045-01-01", template={"minutes": 60}), 422, "time_far")
    refused(change(desk, 99, DAY), 404, "not_found")
    assert told(desk, asked)["version"] == 1 and running(desk, "series") == [asked]


# Its end.


def test_no_more_of_it_from_a_day_on(desk, scan):  # noqa: F811
    asked = enter(desk)
    person = desk.enter("/v1/volunteers", volunteer())
    step(desk, seat_of(desk, request_on(desk, asked, DAY), person), "accept").raise_for_status()
    where = f"/v1/series/{asked}/end"
    assert counts(desk.post(where, {"from": MONDAYS[3], **REASON})) == {"cancelled": 2}
    assert (told(desk, asked)["state"], told(desk, asked)["last_day"]) == ("running", "2030-06-23")
    assert counts(desk.post(where, {"from": "2030-01-01", **REASON})) == {"cancelled": 3, "let_go": 1}
    assert (told(desk, asked)["state"], running(desk, "series"), windows(desk, asked)) == ("ended", [], [])
    refused(desk.post(where, {"from": DAY, **REASON}), 409, "series_ended")
    refused(change(desk, asked, DAY), 409, "series_ended")
    scan(morning("2030-07-01"))
    assert windows(desk, asked) == []


# Who, and what is refused.


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"rule": {"kind": "weekly"}}, "rule_invalid"),
        ({"rule": {"kind": "weekly", "on": [8]}}, "rule_invalid"),
        ({"rule": {"kind": "daily", "on": [1]}}, "rule_invalid"),
        ({"rule": {"kind": "monthly", "on": [32]}}, "number_range"),
        ({"rule": {"kind": "yearly"}}, "choice_unknown"),
        ({"rule": {"kind": "daily", "every": 0}}, "number_range"),
        ({"window": {"from": "9:00", "to": "10:00"}}, "time_of_day_invalid"),
        ({"window": {"from": "24:00", "to": "24:00"}}, "time_of_day_invalid"),
        ({"window": {"from": "10:00", "to": "09:00"}}, "window_invalid"),
        ({"holidays": "never"}, "choice_unknown"),
        ({"first_day": "2030-02-30"}, "date_invalid"),
        ({"first_day": "9999-12-31"}, "time_far"),
        ({"last_day": "9999-12-31"}, "time_far"),
        ({"template": {"at": [108.9, 34.2]}}, "key_missing"),
        ({"template": {"at": [108.9, 34.2], "minutes": 30, "code": "A-1"}}, "field_unknown"),
        ({"template": {"at": [108.9, 34.2], "minutes": 30, "partners": [99]}}, "ref_unknown"),
        ({"territory_id": 99}, "territory_unknown"),
    ],
)
def test_nonsense_is_refused_as_it_comes_in(sqlite_desk, fields, code):
    told = refused(sqlite_desk.post("/v1/series", series(first_day="2027-06-07") | fields), 422, code)
    assert not re.search(r"{\w+}", told["detail"]) and told["errors"][0]["hint"]
    assert sqlite_desk.get("/v1/series")["items"] == []


def test_personal_fields_are_masked_and_each_full_view_is_noted(desk, scan):  # noqa: F811
    body = series(**PERSONAL)
    made = desk.post("/v1/series", body).json()
    asked = made["id"]
    masked = {"name": "李**", "phone": "138****1234", "door": "***", "text": "***"}

    def personal(shown):
        return {name: shown["editions"][0]["template"][name] for name in PERSONAL}

    (listed,) = desk.get("/v1/series")["items"]
    changed = change(desk, asked, DAY, template={"minutes": 60}).json()["series"]
    for shown in (made, listed, changed, *(told(desk.as_(role), asked) for role in (Role.CLERK, Role.OVERSIGHT))):
        assert personal(shown) == masked
    assert desk.rows("SELECT noun FROM access_log") == []
    assert personal(told(desk, asked)) == PERSONAL
    assert desk.rows("SELECT noun, noun_id, fields FROM access_log") == [("series", asked, "name phone door text")]


def test_a_series_is_its_streets(desk, scan):  # noqa: F811
    """Whoever dispatches one street makes series there, and knows of no other's; a clerk reads."""
    own, other = (desk.enter("/v1/territories", {"name": name}) for name in ("甲区", "乙区"))
    here, there = (desk.as_(Role.DISPATCHER, territory=one) for one in (own, other))
    asked = here.enter("/v1/series", series())
    assert told(here, asked)["territory_id"] == own
    assert {one["territory_id"] for one in here.get("/v1/requests")["items"]} == {own}
    assert there.get("/v1/series")["items"] == there.get("/v1/requests")["items"] == []
    refused(change(there, asked, DAY), 404, "not_found")
    refused(there.post("/v1/series", series() | {"territory_id": own}), 422, "territory_unknown")
    clerk = desk.as_(Role.CLERK, territory=own)
    assert days(clerk, asked) == MONDAYS
    refused(change(clerk, asked, DAY), 403, "forbidden")
    refused(clerk.post("/v1/series", series()), 403, "forbidden")
