"""P11, the working calendar: opening minutes come out right over lunch, holidays, make-up days and moved clocks."""

import time as stopwatch
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import workdays
from api.workdays import DayKind, Duration, NeverOpen, Unit, WorkingTime, span

ROUND_THE_CLOCK = (span("00:00-00:00"),)
MINUTE = timedelta(minutes=1)

# The first week of June 2030 begins on a Monday. Wednesday is a holiday, Saturday makes up for it, Friday is half.
WEEK = {
    date(2030, 6, 5): DayKind.REST,
    date(2030, 6, 7): DayKind.MORNING,
    date(2030, 6, 8): DayKind.WORK,
    date(2030, 6, 10): DayKind.AFTERNOON,
}
XIAN = WorkingTime("Asia/Shanghai", days=WEEK)


def local(text: str, zone: str = "Asia/Shanghai") -> datetime:
    """`2030-06-03 09:00`, as the clock there shows it; `+` at the end: the second time it does."""
    wall = datetime.fromisoformat(text.removesuffix("+"))
    return wall.replace(tzinfo=ZoneInfo(zone), fold=text.endswith("+")).astimezone(UTC)


def shown(moment: datetime, zone: str = "Asia/Shanghai") -> str:
    there = moment.astimezone(ZoneInfo(zone))
    return f"{there:%Y-%m-%d %H:%M}" + "+" * there.fold


@pytest.mark.parametrize(
    ("moment", "open_"),
    [
        ("2030-06-03 08:29", False),
        ("2030-06-03 08:30", True),
        ("2030-06-03 11:59", True),
        ("2030-06-03 12:00", False),  # lunch
        ("2030-06-03 14:00", True),
        ("2030-06-03 17:30", False),
        ("2030-06-05 09:00", False),  # a holiday on a Wednesday
        ("2030-06-07 11:00", True),  # half a Friday
        ("2030-06-07 15:00", False),
        ("2030-06-08 09:00", True),  # a Saturday that makes up for the holiday
        ("2030-06-09 09:00", False),  # Sunday
        ("2030-06-10 09:00", False),  # half a Monday
        ("2030-06-10 14:00", True),
    ],
)
def test_somebody_is_there(moment, open_):
    assert XIAN.is_open(local(moment)) is open_


@pytest.mark.parametrize(
    ("moment", "minutes", "over"),
    [
        ("2030-06-03 09:00", 5, "2030-06-03 09:05"),
        ("2030-06-03 11:58", 5, "2030-06-03 14:03"),  # lunch is shut
        ("2030-06-03 11:55", 5, "2030-06-03 12:00"),  # closing time, not the next opening
        ("2030-06-03 12:30", 5, "2030-06-03 14:05"),
        ("2030-06-03 17:28", 5, "2030-06-04 08:33"),
        ("2030-06-04 17:28", 5, "2030-06-06 08:33"),  # over the holiday
        ("2030-06-03 20:00", 420, "2030-06-04 17:30"),  # one whole day
        ("2030-06-07 11:00", 120, "2030-06-08 09:30"),  # half a Friday, then the Saturday
        ("2030-06-08 17:00", 60, "2030-06-10 14:30"),  # Sunday, then half a Monday
        ("2030-06-09 03:00", 0, "2030-06-09 03:00"),  # nothing is over at once
    ],
)
def test_so_many_opening_minutes_later(moment, minutes, over):
    assert shown(XIAN.add(local(moment), minutes)) == over
    assert XIAN.minutes_between(local(moment), local(over)) == minutes


@pytest.mark.parametrize(
    ("moment", "number", "due"),
    [
        ("2030-06-03 09:00", 1, "2030-06-04 17:30"),
        ("2030-06-03 23:00", 1, "2030-06-04 17:30"),  # late on Monday is Monday
        ("2030-06-04 09:00", 1, "2030-06-06 17:30"),  # not on the holiday
        ("2030-06-04 09:00", 2, "2030-06-07 12:00"),  # half a day is a working day, and ends at noon
        ("2030-06-04 09:00", 3, "2030-06-08 17:30"),
        ("2030-06-09 09:00", 1, "2030-06-10 17:30"),
        ("2030-06-03 09:00", 7, "2030-06-12 17:30"),
    ],
)
def test_so_many_working_days_later(moment, number, due):
    assert shown(XIAN.workdays_after(local(moment), number)) == due


def test_the_next_working_day_is_never_today():
    assert XIAN.next_workday(date(2030, 6, 3)) == date(2030, 6, 4)
    assert XIAN.next_workday(date(2030, 6, 4)) == date(2030, 6, 6)
    assert [XIAN.is_workday(date(2030, 6, day)) for day in range(3, 11)] == [
        *(True, True, False, True),  # Monday to Thursday
        *(True, True, False, True),  # Friday (half), Saturday (made up), Sunday, Monday (half)
    ]


def test_noon_cuts_a_day_that_has_no_lunch():
    through = WorkingTime("Asia/Shanghai", [span("09:00-17:00")], {date(2030, 6, 3): DayKind.AFTERNOON})
    assert shown(through.add(local("2030-06-03 09:00"), 60)) == "2030-06-03 13:00"


def test_half_a_day_that_opens_in_the_other_half_is_none():
    """The desk opens in the evening only, so a morning is no working day."""
    evening = WorkingTime("Asia/Shanghai", [span("18:00-20:00")], {date(2030, 6, 4): DayKind.MORNING})
    assert not evening.is_workday(date(2030, 6, 4))
    assert shown(evening.workdays_after(local("2030-06-03 09:00"), 1)) == "2030-06-05 20:00"


# The clock on the wall moves: zone, hours, a moment, so many opening minutes, the moment they are over.
MOVED = [
    # New York, 10 March 2024: 02:00 becomes 03:00, the day has 23 hours.
    ("America/New_York", "00:00-00:00", "2024-03-10 00:00", 23 * 60, "2024-03-11 00:00"),
    ("America/New_York", "00:00-00:00", "2024-03-10 01:30", 60, "2024-03-10 03:30"),
    ("America/New_York", "01:00-04:00", "2024-03-10 00:00", 2 * 60, "2024-03-10 04:00"),
    ("America/New_York", "01:00-02:30", "2024-03-10 00:00", 60, "2024-03-10 03:00"),  # shuts in the hour left out
    ("America/New_York", "02:30-04:00", "2024-03-10 00:00", 30, "2024-03-10 03:30"),  # opens in it
    ("America/New_York", "02:10-02:50", "2024-03-10 00:00", 40, "2024-03-11 02:50"),  # is left out whole
    # 3 November 2024: 01:00 to 02:00 is told twice, the day has 25 hours.
    ("America/New_York", "00:00-00:00", "2024-11-03 00:00", 25 * 60, "2024-11-04 00:00"),
    ("America/New_York", "00:00-00:00", "2024-11-03 01:30", 60, "2024-11-03 01:30+"),
    ("America/New_York", "00:00-04:00", "2024-11-03 00:00", 5 * 60, "2024-11-03 04:00"),
    ("America/New_York", "01:30-04:00", "2024-11-03 00:00", 60, "2024-11-03 01:30+"),  # opens the first time
    # Office hours lie beside it: a weekend's jump moves the moment of Monday's opening, not the count.
    ("America/New_York", "08:30-12:00,14:00-17:30", "2024-03-08 17:00", 60, "2024-03-11 09:00"),
    ("America/New_York", "08:30-12:00,14:00-17:30", "2024-11-01 17:00", 60, "2024-11-04 09:00"),
    # Shanghai had summer time from 1986 to 1991: 4 May 1986 lost an hour at 02:00, 14 September got it back.
    ("Asia/Shanghai", "00:00-00:00", "1986-05-04 00:00", 23 * 60, "1986-05-05 00:00"),
    ("Asia/Shanghai", "00:00-00:00", "1986-09-14 00:00", 25 * 60, "1986-09-15 00:00"),
    ("Asia/Shanghai", "08:30-12:00,14:00-17:30", "1986-05-02 17:00", 60, "1986-05-05 09:00"),
    ("Asia/Shanghai", "08:30-12:00,14:00-17:30", "1991-09-13 17:00", 60, "1991-09-16 09:00"),
    ("Asia/Shanghai", "00:00-00:00", "2024-05-05 00:00", 24 * 60, "2024-05-06 00:00"),  # and no longer has
    # St John's set its clock back over midnight: 29 October 2006 began at 00:00, became yesterday 23:01, began again.
    ("America/St_Johns", "00:00-00:00", "2006-10-28 00:00", 25 * 60 - 1, "2006-10-28 23:59+"),
    ("America/St_Johns", "00:00-00:00", "2006-10-28 23:30+", 60, "2006-10-29 00:30"),
]


@pytest.mark.parametrize(("zone", "hours", "moment", "minutes", "over"), MOVED)
def test_a_clock_that_is_moved_loses_and_doubles_nothing(zone, hours, moment, minutes, over):
    assert counted(zone, hours, moment, minutes, over) == (over, minutes)


def from_midnight(name: str, day: date, minute: int) -> datetime:
    """As if each day kept the offset with which it began."""
    return datetime.combine(day, time(0), ZoneInfo(name)).astimezone(UTC) + minute * MINUTE


def on_the_wall(name: str, day: date, minute: int) -> datetime:
    """A local moment: the difference of two is what the clock on the wall shows, not what has passed."""
    return datetime.combine(day, time(0), ZoneInfo(name)) + minute * MINUTE


@pytest.mark.parametrize("mistake", [from_midnight, on_the_wall])
def test_the_table_shows_what_is_counted_wrong(mistake, monkeypatch):
    """P11's planted faults: the two usual mistakes with clocks that are moved, each seen in more than one zone."""
    monkeypatch.setattr(workdays, "moment_of", mistake)
    wrong = [case for case in MOVED if counted(*case) != (case[4], case[3])]
    assert len(wrong) >= 5 and len({zone for zone, *_ in wrong}) >= 2, wrong


def counted(zone, hours, moment, minutes, over) -> tuple[str, float]:
    """When so many opening minutes are over; and how many there are until then."""
    every_day = {local(moment, zone).date() + timedelta(days=n): DayKind.WORK for n in (-1, 0, 1)}
    days = every_day if "," not in hours else {}
    working = WorkingTime(zone, [span(text) for text in hours.split(",")], days)
    counted_on = shown(working.add(local(moment, zone), minutes), zone)
    return counted_on, working.minutes_between(local(moment, zone), local(over, zone))


def test_the_end_of_a_working_day_is_told_by_the_clock_on_the_wall():
    """Friday to Monday, over the night in which New York loses an hour: 17:30 is four hours behind UTC, not five."""
    due = WorkingTime("America/New_York").workdays_after(datetime(2024, 3, 8, 15, tzinfo=UTC), 1)
    assert due == datetime(2024, 3, 11, 21, 30, tzinfo=UTC)


ZONES = ("Asia/Shanghai", "America/New_York", "America/St_Johns", "Australia/Lord_Howe", "UTC")
HOURS = ("08:30-12:00,14:00-17:30", "00:00-00:00", "00:30-01:30,01:30-02:45", "22:00-00:00", "09:00-17:00")
# Within these years each of the zones moves its clock, some over midnight, some by half an hour.
moments = st.datetimes(datetime(1986, 1, 1), datetime(2008, 1, 1), timezones=st.just(UTC))


@st.composite
def calendars(draw, near: datetime) -> WorkingTime:
    """Any hours, and any days around that moment made into something else."""
    days = st.dictionaries(st.integers(-3, 60), st.sampled_from(DayKind), max_size=30)
    named = {near.date() + timedelta(days=n): kind for n, kind in draw(days).items()}
    hours = [span(text) for text in draw(st.sampled_from(HOURS)).split(",")]
    return WorkingTime(draw(st.sampled_from(ZONES)), hours, named)


@given(st.data(), moments, st.integers(0, 20_000))
def test_what_is_added_has_passed(data, moment, minutes):
    working = data.draw(calendars(moment))
    over = working.add(moment, minutes)
    assert working.minutes_between(moment, over) == minutes
    if minutes:
        assert working.minutes_between(moment, over - MINUTE) < minutes, "and no earlier moment would do"


@given(st.data(), moments, st.integers(0, 3_000))
def test_minutes_are_counted_as_somebody_would_who_looks_each_minute(data, moment, wait):
    """The slow way: whether it is open, minute by minute."""
    working = data.draw(calendars(moment))
    moment = moment.replace(second=0, microsecond=0)
    looked = sum(working.is_open(moment + n * MINUTE) for n in range(wait))
    assert working.minutes_between(moment, moment + wait * MINUTE) == looked


@given(st.data(), moments)
def test_away_from_moved_clocks_open_is_what_the_clock_on_the_wall_says(data, moment):
    zone = ZoneInfo(data.draw(st.sampled_from(ZONES)))
    wall = moment.astimezone(zone)
    office = WorkingTime(zone.key)  # nobody moves a clock in office hours
    in_hours = time(8, 30) <= wall.time() < time(12) or time(14) <= wall.time() < time(17, 30)
    assert office.is_open(moment) == (wall.weekday() < 5 and in_hours)


def test_no_minute_passes_backwards():
    assert XIAN.minutes_between(local("2030-06-03 10:00"), local("2030-06-03 09:00")) == 0


def test_seconds_are_kept():
    """A pause in the middle of a minute loses nothing."""
    start = local("2030-06-03 11:59") + timedelta(seconds=30)
    assert XIAN.add(start, 1) == local("2030-06-03 14:00") + timedelta(seconds=30)
    assert XIAN.minutes_between(start, local("2030-06-03 14:00")) == 0.5


def test_a_calendar_without_a_working_day_is_said_and_not_searched_for_ever():
    shut = WorkingTime("Asia/Shanghai", days={date(2030, 1, 1) + timedelta(days=n): DayKind.REST for n in range(800)})
    begun = local("2030-06-03 09:00")
    for ask in (
        lambda: shut.add(begun, 1),
        lambda: shut.workdays_after(begun, 1),
        lambda: shut.next_workday(begun.date()),
    ):
        with pytest.raises(NeverOpen, match="no working day is found after 2030-06-03"):
            ask()
    assert shut.minutes_between(begun, local("2031-06-03 09:00")) == 0
    assert not shut.is_open(begun)


def test_more_minutes_than_there_are_is_said_in_time():
    began = stopwatch.monotonic()
    with pytest.raises(NeverOpen, match="2099-12-31"):
        XIAN.add(local("1980-01-01 09:00"), 10**9)
    assert stopwatch.monotonic() - began < 10


def test_a_thousand_additions_of_a_year_work_out_each_day_once(monkeypatch):
    """What a day is open costs most; how long they take is not asked, since that depends on what else runs."""
    worked_out = []
    opening = WorkingTime._opening
    monkeypatch.setattr(WorkingTime, "_opening", lambda self, day: worked_out.append(day) or opening(self, day))
    working = WorkingTime("Asia/Shanghai", days=WEEK)
    begun = local("2030-01-01 09:00")
    ends = [working.add(begun + timedelta(hours=8 * n), 250 * 420) for n in range(1000)]
    assert ends == sorted(ends)
    assert len(worked_out) == len(set(worked_out)) <= (ends[-1].date() - begun.date()).days + 1


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        ((), "opening hours none"),
        ((span("09:00-09:00"),), "must end after it begins"),
        ((span("17:30-08:30"),), "must end after it begins"),
        ((span("08:30-12:00"), span("11:00-17:00")), "overlap"),
        ((span("14:00-17:30"), span("08:30-12:00")), "out of order"),
        ((span("20:00-00:00"), span("08:30-12:00")), "out of order"),
    ],
)
def test_hours_that_make_no_sense_are_refused(hours, said):
    with pytest.raises(ValueError, match=said):
        WorkingTime("Asia/Shanghai", hours)


@pytest.mark.parametrize("ask", [XIAN.is_open, lambda m: XIAN.add(m, 1), lambda m: XIAN.workdays_after(m, 1)])
def test_a_moment_without_a_zone_is_refused(ask):
    with pytest.raises(ValueError, match="has no time zone"):
        ask(datetime(2030, 6, 3, 9))


def test_time_is_not_turned_back():
    with pytest.raises(ValueError, match="-5 minutes cannot be added"):
        XIAN.add(local("2030-06-03 09:00"), -5)
    with pytest.raises(ValueError, match="0 working days"):
        XIAN.workdays_after(local("2030-06-03 09:00"), 0)


@pytest.mark.parametrize(
    ("duration", "share", "over"),
    [
        (Duration(Unit.MINUTES, 10), 1, "2030-06-03 12:05"),  # lunch or not
        (Duration(Unit.OPENING_MINUTES, 10), 1, "2030-06-03 14:05"),
        (Duration(Unit.WORKDAYS, 1), 1, "2030-06-04 17:30"),
        (Duration(Unit.OPENING_MINUTES, 10), 0.5, "2030-06-03 12:00"),
        (Duration(Unit.WORKDAYS, 1), 0.5, "2030-06-04 10:12"),  # 317.5 of 635: 5 today, 210, 102.5
        (Duration(Unit.MINUTES, 7 * 24 * 60), 0.5, "2030-06-06 23:55"),
    ],
)
def test_a_duration_from_five_to_noon(duration, share, over):
    assert shown(duration.after(local("2030-06-03 11:55"), XIAN, share)) == over


@pytest.mark.parametrize("amount", [0, -1, 1.5, "5"])
def test_a_duration_of_nothing_is_refused(amount):
    with pytest.raises(ValueError, match="whole number from 1"):
        Duration(Unit.MINUTES, amount)
