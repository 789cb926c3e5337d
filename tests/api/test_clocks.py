"""Clocks as rows: what is due when, what a pause leaves, and the policy and calendar they run by."""

from datetime import UTC, date, datetime, timedelta

import chinese_calendar
import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from api import clocks
from api.db import Database
from api.models import CalendarDayRow, ClockRow, PolicyRow
from api.workdays import Duration, Unit

ZONE = "Asia/Shanghai"
MONDAY = date(2030, 6, 3)


def at(clock: str, days: int = 0) -> datetime:
    """That time in Xi'an, on the Monday or so many days later."""
    return datetime.fromisoformat(f"{MONDAY + timedelta(days=days)}T{clock}+08:00").astimezone(UTC)


def started(database: Database, name: str, kind: str, begun: datetime, noun_id: int = 7, share: float = 1) -> ClockRow:
    """A clock of request 7, as the policy in force has it."""
    with database.writing() as session:
        policy = clocks.in_force(session, ZONE)
        return clocks.start(session, "request", noun_id, name, policy.durations[name][kind], policy, begun, share)


def row(database: Database, clock: ClockRow) -> ClockRow:
    with database.reading() as session:
        return session.get_one(ClockRow, clock.id)


def tell(database: Database, what, name: str | None, *more) -> int:
    """Stop, pause or resume the clock of request 7."""
    with database.writing() as session:
        return what(session, "request", 7, name, *more)


def due(database: Database, now: datetime, most: int = 100) -> list[int]:
    with database.reading() as session:
        return [clock.id for clock in clocks.due(session, now, most)]


def fire(database: Database, clock: ClockRow, now: datetime) -> bool:
    with database.writing() as session:
        return clocks.fire(session, clock.id, now)


# All start on Friday 7 June 2030 at 17:20, ten minutes before closing.
@pytest.mark.parametrize(
    ("name", "kind", "days", "clock"),
    [
        ("T1", "any", 0, "17:25"),
        ("T2", "any", 3, "10:20"),  # 10 minutes on Friday, 110 on Monday
        ("T3", "facility", 3, "09:20"),
        ("T3", "urgent", 0, "17:35"),  # urgent does not wait for Monday
        ("T3", "normal", 3, "17:30"),
        ("T4", "urgent", 0, "17:30"),
        ("T4", "same_day", 0, "17:50"),
        ("T4", "normal", 3, "14:20"),  # 10 minutes, 210 in the morning, 20 after lunch
        ("T5", "simple", 3, "17:30"),
        ("T5", "joint", 5, "17:30"),
        ("T5", "general", 11, "17:30"),  # seven working days: Tuesday week
        ("T5", "complex", 21, "17:30"),
        ("T6", "any", 3, "17:20"),
        ("T7", "handler", 1, "17:20"),
        ("T7", "clerk_from", 3, "17:20"),
        ("T7", "clerk", 7, "17:20"),
        ("T8", "short", 7, "17:20"),
        ("T8", "long", 15, "17:20"),
        ("T9", "any", 7, "17:20"),
        ("T9", "recurring", 30, "17:20"),
    ],
)
def test_the_first_policy_is_the_lifecycles(database, name, kind, days, clock):
    begun = at("17:20", 4)
    assert row(database, started(database, name, kind, begun)).due_at == at(clock, 4 + days)


def test_every_clock_has_its_durations(database):
    with database.reading() as session:
        assert list(clocks.in_force(session, ZONE).durations) == [f"T{n}" for n in range(1, 10)]


def test_a_clock_of_half_the_time(database):
    """A reopened request has half the time to be dispatched: of 210 minutes today and 420 tomorrow, 315."""
    clock = started(database, "T3", "normal", at("14:00"), share=0.5)
    assert row(database, clock).due_at == at("10:15", 1)


def test_a_clock_may_be_due_at_a_moment(database):
    with database.writing() as session:
        policy = clocks.in_force(session, ZONE)
        clock = clocks.start(session, "request", 7, "T8", at("09:00", 30), policy, at("09:00"))
    kept = row(database, clock)
    assert (kept.due_at, kept.started_at, kept.opening) == (at("09:00", 30), at("09:00"), False)


def test_one_of_a_name_runs_at_a_time(database):
    """Beside it neither its twin nor, while it is paused, another; but a sister, another's, and one after its end."""
    first = started(database, "T4", "urgent", at("09:00"))
    with pytest.raises(IntegrityError):
        started(database, "T4", "normal", at("09:05"))
    tell(database, clocks.pause, "T4", ZONE, at("09:05"))
    with pytest.raises(IntegrityError):
        started(database, "T4", "normal", at("09:05"))
    started(database, "T3", "urgent", at("09:00"))
    started(database, "T4", "urgent", at("09:00"), noun_id=8)
    tell(database, clocks.resume, "T4", ZONE, at("09:05"))
    assert fire(database, first, at("09:10"))
    second = started(database, "T4", "urgent", at("09:10"))
    assert tell(database, clocks.stop, "T4", at("09:12")) == 1
    started(database, "T4", "urgent", at("09:12"))
    assert row(database, second).stopped_at == at("09:12")


def test_what_is_due_comes_oldest_first_and_not_before(database):
    late = started(database, "T4", "urgent", at("09:10"), 1)
    first = started(database, "T4", "urgent", at("09:00"), 2)
    same = started(database, "T4", "urgent", at("09:00"), 3)
    assert due(database, at("09:09")) == []
    assert due(database, at("09:10")) == [first.id, same.id]
    assert due(database, at("09:30")) == [first.id, same.id, late.id]
    with database.reading() as session:
        [seen] = clocks.due(session, at("09:30"), 1)
        assert seen.id == first.id
        assert [clock.id for clock in clocks.due(session, at("09:30"), 5, after=seen)] == [same.id, late.id]


def test_a_clock_fires_once_and_not_early(database):
    clock = started(database, "T4", "urgent", at("09:00"))
    assert not fire(database, clock, at("09:09"))
    assert fire(database, clock, at("09:10"))
    assert not fire(database, clock, at("09:11"))
    assert row(database, clock).fired_at == at("09:10")
    assert due(database, at("09:30")) == []


def test_a_stopped_clock_never_fires(database):
    clock = started(database, "T4", "urgent", at("09:00"))
    assert tell(database, clocks.stop, "T4", at("09:09")) == 1
    assert due(database, at("09:30")) == []
    assert not fire(database, clock, at("09:30"))
    assert tell(database, clocks.stop, "T4", at("09:40")) == 0
    assert row(database, clock).stopped_at == at("09:09")


def test_a_clock_that_has_fired_is_neither_stopped_nor_paused(database):
    clock = started(database, "T4", "urgent", at("09:00"))
    assert fire(database, clock, at("09:10"))
    assert tell(database, clocks.stop, "T4", at("09:11")) == 0
    assert tell(database, clocks.pause, "T4", ZONE, at("09:11")) == 0
    assert row(database, clock).stopped_at is None


def test_a_paused_clock_never_fires(database):
    clock = started(database, "T4", "urgent", at("09:00"))
    assert tell(database, clocks.pause, "T4", ZONE, at("09:04")) == 1
    assert tell(database, clocks.pause, "T4", ZONE, at("09:06")) == 0, "it stands still already"
    assert due(database, at("10:00")) == []
    assert not fire(database, clock, at("10:00"))
    assert tell(database, clocks.resume, "T4", ZONE, at("11:55")) == 1
    assert tell(database, clocks.resume, "T4", ZONE, at("11:56")) == 0
    assert row(database, clock).due_at == at("12:01"), "six plain minutes were left"
    assert not fire(database, clock, at("12:00"))
    assert fire(database, clock, at("12:01"))


def test_a_paused_clock_may_be_stopped(database):
    clock = started(database, "T4", "urgent", at("09:00"))
    tell(database, clocks.pause, "T4", ZONE, at("09:04"))
    assert tell(database, clocks.stop, "T4", at("09:05")) == 1
    assert tell(database, clocks.resume, "T4", ZONE, at("09:06")) == 0
    assert not fire(database, clock, at("23:00"))


@pytest.mark.parametrize(
    ("name", "kind", "paused", "left", "resumed", "over"),
    [
        ("T2", "any", ("09:00", 0), 90, ("11:30", 2), ("15:00", 2)),  # lunch lies between
        ("T2", "any", ("12:30", 0), 0, ("15:00", 0), ("15:00", 0)),  # was due already
        ("T5", "simple", ("17:00", 0), 450, ("14:00", 4), ("14:30", 7)),  # 210 on Friday, 240 on Monday
        ("T6", "any", ("08:30", 1), 2880, ("12:00", 5), ("12:00", 7)),  # plain minutes run through the weekend
        ("T4", "urgent", ("08:50", 0), 0, ("09:00", 0), ("09:00", 0)),  # was due already
    ],
)
def test_a_pause_keeps_what_is_left(database, name, kind, paused, left, resumed, over):
    """Started on Monday at 08:30; a day is so many days after that Monday."""
    clock = started(database, name, kind, at("08:30"))
    tell(database, clocks.pause, name, ZONE, at(*paused))
    kept = row(database, clock)
    assert (kept.left_minutes, kept.paused_at) == (left, at(*paused))
    tell(database, clocks.resume, name, ZONE, at(*resumed))
    kept = row(database, clock)
    assert (kept.due_at, kept.left_minutes, kept.paused_at) == (at(*over), None, None)


def test_without_a_name_every_clock_of_the_thing_is_meant(database):
    """A request waits, comes back and is closed; its neighbour's clocks go on."""
    for name, kind in (("T3", "urgent"), ("T5", "simple")):
        started(database, name, kind, at("09:00"))
    other = started(database, "T3", "urgent", at("09:00"), noun_id=8)
    assert tell(database, clocks.pause, None, ZONE, at("09:01")) == 2
    assert due(database, at("09:00", 9)) == [other.id]
    assert tell(database, clocks.resume, None, ZONE, at("09:02")) == 2
    assert tell(database, clocks.stop, None, at("09:03")) == 2
    assert due(database, at("09:00", 9)) == [other.id]


def test_a_clock_begun_in_a_transaction_that_fails_was_never_there(database):
    with pytest.raises(ZeroDivisionError), database.writing() as session:
        policy = clocks.in_force(session, ZONE)
        clocks.start(session, "request", 7, "T1", at("09:00"), policy, at("08:30"))
        1 / 0  # noqa: B018
    assert due(database, at("09:00", 9)) == []


def test_a_new_policy_leaves_what_runs_alone(database):
    """Hours and durations change overnight: the old clock, resumed, still counts by the hours it came under."""
    old = started(database, "T2", "any", at("08:30"))
    tell(database, clocks.pause, "T2", ZONE, at("08:30"))
    night = {"hours": ["20:00-00:00"], "durations": {"T2": {"any": {"opening_minutes": 30}}}}
    with database.writing() as session:
        session.add(PolicyRow(made_at=at("19:00"), settings=night))
    new = started(database, "T2", "any", at("19:00"), noun_id=8)
    tell(database, clocks.resume, "T2", ZONE, at("08:30", 1))
    old, new = row(database, old), row(database, new)
    assert (old.policy_version, old.due_at) == (1, at("10:30", 1))
    assert (new.policy_version, new.due_at) == (2, at("20:30"))


def test_durations_are_read_from_the_settings():
    assert clocks.durations({"T6": {"any": {"minutes": 5}}}) == {"T6": {"any": Duration(Unit.MINUTES, 5)}}


@pytest.mark.parametrize(
    ("nonsense", "said"),
    [
        ({"minutes": 0}, "0 minutes: a duration is a whole number from 1"),
        ({"fortnights": 1}, "'fortnights' is not a valid Unit"),
        ({"minutes": 1, "workdays": 1}, "too many values"),
        ({}, "not enough values"),
    ],
)
def test_a_duration_that_makes_no_sense_is_refused(nonsense, said):
    with pytest.raises(ValueError, match=said):
        clocks.durations({"T6": {"any": nonsense}})


def test_the_calendar_moves_what_is_due(database):
    with database.writing() as session:
        session.add(CalendarDayRow(day=MONDAY, kind="rest", note="停电"))
        session.add(CalendarDayRow(day=MONDAY + timedelta(days=1), kind="afternoon"))
    assert row(database, started(database, "T1", "any", at("09:00"))).due_at == at("14:05", 1)


def filled(database: Database, year: int) -> int | None:
    with database.writing() as session:
        return clocks.fill_calendar(session, year)


def calendar(database: Database) -> dict[date, tuple[str, str | None]]:
    with database.reading() as session:
        return {day.day: (day.kind, day.note) for day in session.exec(select(CalendarDayRow))}


def test_the_national_day_of_2026(database):
    """Seven days of rest; Sunday 20 September and Saturday 10 October make up for two of them."""
    assert filled(database, 2026) == 39
    days = calendar(database)
    assert days[date(2026, 10, 1)] == ("rest", "国庆节")
    assert days[date(2026, 9, 20)] == days[date(2026, 10, 10)] == ("work", "国庆节")
    with database.reading() as session:
        working = clocks.in_force(session, ZONE).working
    every = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
    assert [working.is_workday(day) for day in every] == [chinese_calendar.is_workday(day) for day in every]


def test_filling_leaves_edited_days_alone(database):
    with database.writing() as session:
        session.add(CalendarDayRow(day=date(2026, 10, 1), kind="morning", note="值班"))
    assert filled(database, 2026) == 38
    assert filled(database, 2026) == 0
    assert calendar(database)[date(2026, 10, 1)] == ("morning", "值班")


@pytest.mark.parametrize("year", [1999, 2093])
def test_a_year_nobody_knows_yet_is_said(database, year):
    assert filled(database, year) is None
    assert calendar(database) == {}


def test_the_scan_has_an_index(database):
    """However many clocks have ended, the scan reads those that tick."""
    ticking = select(ClockRow.id).where(clocks.TICKING, col(ClockRow.due_at) <= at("09:00"))
    query = ticking.order_by(col(ClockRow.due_at), col(ClockRow.id)).limit(5)
    with database.engine.connect() as connection:
        if not database.is_sqlite:
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")  # an empty table is read whole otherwise
        explain = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
        plain = query.compile(connection, compile_kwargs={"literal_binds": True})
        assert "clocks_due" in str(connection.exec_driver_sql(f"{explain} {plain}").all())
