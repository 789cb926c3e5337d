"""The working calendar: opening hours of working days, local in their zone, counted between moments of UTC."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
NOON, MIDNIGHT = time(12), time(0)

OFFICE_HOURS = ((time(8, 30), NOON), (time(14), time(17, 30)))
"""What a working day opens unless said otherwise: lunch is shut."""

LONGEST_REST = 366
"""A calendar without a working day for so many days is a mistake in the table."""

LAST_DAY = date(2099, 12, 31)
"""Nothing is counted beyond: what comes in reaches no farther either."""

Span = tuple[datetime, datetime]


class NeverOpen(Exception):
    """The calendar has no working day within a year after that date, or the counting went past the last day."""

    def __init__(self, after: date) -> None:
        super().__init__(f"no working day is found after {after}; are the opening hours and the calendar filled in?")


class DayKind(StrEnum):
    """What a day of the calendar is, whatever its weekday."""

    WORK = "work"
    REST = "rest"
    MORNING = "morning"
    AFTERNOON = "afternoon"


HALVES = {DayKind.MORNING: (MIDNIGHT, NOON), DayKind.AFTERNOON: (NOON, MIDNIGHT)}


@dataclass(frozen=True, eq=False)
class WorkingTime:
    """Opening spans of a working day, and the days that differ from Monday to Friday. A span ends before midnight or,
    written 00:00, at it. Made anew when the table changes."""

    zone: str
    hours: Sequence[tuple[time, time]] = OFFICE_HOURS
    days: Mapping[date, DayKind] = field(default_factory=dict)
    _known: dict[date, tuple[Span, ...]] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        edges = [minute for opens, closes in self.hours for minute in (_minute(opens), _minute(closes, end=True))]
        if not edges or any(later <= edge for edge, later in zip(edges[::2], edges[1::2], strict=True)):
            raise ValueError(f"opening hours {_shown(self.hours)}: each span must end after it begins, and one must be")
        if edges != sorted(edges):
            raise ValueError(f"opening hours {_shown(self.hours)} overlap or are out of order")

    def is_open(self, moment: datetime) -> bool:
        """Whether somebody is there at that moment; at the minute of closing nobody is."""
        return any(opens <= moment < closes for opens, closes in self._near(moment, moment))

    def is_workday(self, day: date) -> bool:
        """Whether that day opens at all; half a day does."""
        return bool(self._spans(day))

    def next_workday(self, day: date) -> date:
        """The first working day after that date."""
        for days in range(1, LONGEST_REST + 1):
            later = day + days * DAY
            if later > LAST_DAY:
                break
            if self.is_workday(later):
                return later
        raise NeverOpen(day)

    def add(self, moment: datetime, minutes: float) -> datetime:
        """The moment at which so many opening minutes have passed: closing time rather than the next opening."""
        left = timedelta(minutes=minutes)
        if left < timedelta(0):
            raise ValueError(f"{minutes} minutes cannot be added; only the future is counted")
        if not left:
            return moment
        for opens, closes in self._ahead(moment):
            if left <= closes - opens:
                return opens + left
            left -= closes - opens
        raise AssertionError("the days ahead end with NeverOpen")

    def minutes_between(self, first: datetime, last: datetime) -> float:
        """How many opening minutes pass from one moment to a later one; none if it is not later."""
        spans = ((max(opens, first), min(closes, last)) for opens, closes in self._near(first, last))
        return sum((closes - opens for opens, closes in spans if opens < closes), timedelta(0)) / MINUTE

    def workdays_after(self, moment: datetime, number: int) -> datetime:
        """The end of opening hours so many working days later; the day itself does not count."""
        if number < 1:
            raise ValueError(f"{number} working days: it takes at least one")
        day = self._local_day(moment)
        for _ in range(number):
            day = self.next_workday(day)
        return self._spans(day)[-1][1]

    def _ahead(self, moment: datetime) -> Iterator[Span]:
        """What is still open after a moment, in order."""
        day = self._local_day(moment)
        while True:
            for opens, closes in self._spans(day):
                if closes > moment:
                    yield max(opens, moment), closes
            day = self.next_workday(day)

    def _near(self, first: datetime, last: datetime) -> Iterator[Span]:
        """Every span that may touch these moments. A clock set back over midnight tells yesterday's date twice, and
        the day that had begun stays begun: so one day more is looked at."""
        day, end = self._local_day(first), self._local_day(last) + DAY
        while day <= end:
            yield from self._spans(day)
            day += DAY

    def _local_day(self, moment: datetime) -> date:
        if moment.tzinfo is None:
            raise ValueError(f"{moment!r} has no time zone; say which moment is meant")
        return moment.astimezone(ZoneInfo(self.zone)).date()

    def _spans(self, day: date) -> tuple[Span, ...]:
        if day not in self._known:
            self._known[day] = tuple(self._opening(day))
        return self._known[day]

    def _opening(self, day: date) -> Iterator[Span]:
        kind = self.days.get(day, DayKind.WORK if day.weekday() < 5 else DayKind.REST)
        if kind == DayKind.REST:
            return
        first, last = HALVES.get(kind, (MIDNIGHT, MIDNIGHT))
        for start, end in self.hours:
            opens = moment_of(self.zone, day, max(_minute(start), _minute(first)))
            closes = moment_of(self.zone, day, min(_minute(end, end=True), _minute(last, end=True)))
            if opens < closes:
                yield opens, closes


class Unit(StrEnum):
    """In what a duration is counted."""

    MINUTES = "minutes"
    OPENING_MINUTES = "opening_minutes"
    WORKDAYS = "workdays"


@dataclass(frozen=True)
class Duration:
    """How long something may take: plain minutes by day and night, opening minutes, or whole working days."""

    unit: Unit
    amount: int

    def __post_init__(self) -> None:
        if not isinstance(self.amount, int) or self.amount < 1:
            raise ValueError(f"{self.amount!r} {self.unit}: a duration is a whole number from 1")

    @property
    def opening(self) -> bool:
        """Whether the calendar matters."""
        return self.unit != Unit.MINUTES

    def after(self, moment: datetime, working: WorkingTime, share: float = 1) -> datetime:
        """When it is over; with a share of it (half, when a request is reopened), when so much of it is over."""
        if self.unit == Unit.MINUTES:
            return moment + share * self.amount * MINUTE
        if self.unit == Unit.OPENING_MINUTES:
            return working.add(moment, share * self.amount)
        due = working.workdays_after(moment, self.amount)
        return due if share == 1 else working.add(moment, share * working.minutes_between(moment, due))


def moment_of(name: str, day: date, minute: int) -> datetime:
    """When the clock on the wall of a zone first shows that minute of a day or a later one: of an hour that is told
    twice the first time, of an hour that is left out the moment of the jump."""
    zone = ZoneInfo(name)
    wall = datetime.combine(day, MIDNIGHT) + minute * MINUTE
    moment = wall.replace(tzinfo=zone).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) != wall:  # it is left out, and was read by the old offset
        while (moment - MINUTE).astimezone(zone).replace(tzinfo=None) > wall:
            moment -= MINUTE
    return moment


def span(text: str) -> tuple[time, time]:
    """`08:30-12:00`."""
    opens, closes = text.split("-")
    return time.fromisoformat(opens), time.fromisoformat(closes)


def _minute(clock: time, end: bool = False) -> int:
    """Minutes from midnight; an end at midnight is the end of the day."""
    return clock.hour * 60 + clock.minute or (1440 if end else 0)


def _shown(hours: Sequence[tuple[time, time]]) -> str:
    return ", ".join(f"{opens:%H:%M}-{closes:%H:%M}" for opens, closes in hours) or "none"
