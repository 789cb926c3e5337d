"""The vocabulary: who can help, what is asked for, and under which prices. Plain frozen data that refuses nonsense.

Times are whole minutes since `Instance.origin`, the start of the horizon; they may be negative. Dates and zones stay
at the edges (`files.py` and the service), which use `Instance.minute` and `Instance.moment`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from matcher.errors import InvalidInput, TooLarge
from matcher.travel import MODES, Place, StraightTravel, Travel

PRIORITIES = ("urgent", "high", "normal", "low")
MAX_REQUESTS = 20_000
MAX_VOLUNTEERS = 50_000
MAX_DAYS = 62
MAX_SEATS = 50
MAX_SKILLS = 1_000
MAX_NUMBER = 10**6
MAX_LAG = 1440
MAX_TEXT = 200
FAR = 3660 * 1440
"""No time lies further than this many minutes (about ten years) from the start of the horizon."""
YEARS = range(1900, 2200)
"""The years in which a time may lie; every moment of an instance can then be written in every time zone."""


@dataclass(frozen=True, slots=True)
class Window:
    """The start of a request lies in one of these; both ends count, and a window may have no length (a fixed start)."""

    start: int
    end: int

    def __post_init__(self) -> None:
        _check_period(self.start, self.end)


@dataclass(frozen=True, slots=True)
class Availability:
    """An interval in which a volunteer can make one trip, with its own place and mode of movement if they differ."""

    start: int
    end: int
    at: Place | None = None
    mode: str | None = None

    def __post_init__(self) -> None:
        _check_period(self.start, self.end)
        if self.start == self.end:
            raise InvalidInput("window_invalid", "", (self.start, self.end), why="it has no length", why_zh="没有长度")
        if self.mode is not None:
            _check_choice("mode", self.mode, MODES)


@dataclass(frozen=True, slots=True)
class Volunteer:
    """A person with a home, skills, a calendar, caps and a fair share of work."""

    id: str
    at: Place
    availability: tuple[Availability, ...]
    label: str | None = None
    skills: Mapping[str, int] = field(default_factory=dict)
    mode: str = "ebike"
    radius_km: float | None = None
    max_requests_per_day: int | None = None
    max_minutes_per_day: int | None = None
    max_minutes: int | None = None
    history_minutes: int = 0
    target_minutes: int = 240
    unit: str | None = None
    community: str | None = None
    grid: str | None = None

    def __post_init__(self) -> None:
        _check_text("id", self.id)
        _check_levels("skills", self.skills)
        _check_choice("mode", self.mode, MODES)
        if self.radius_km is not None and not 0 <= self.radius_km <= MAX_NUMBER:
            code = "weight_negative" if self.radius_km < 0 else "value_too_large"
            raise InvalidInput(code, "radius_km", self.radius_km, limit=MAX_NUMBER)
        for name in ("max_requests_per_day", "max_minutes_per_day", "max_minutes", "history_minutes", "target_minutes"):
            if getattr(self, name) is not None:
                _check_amount(name, getattr(self, name))
        for i, (one, two) in enumerate(zip(self.availability, self.availability[1:], strict=False), start=1):
            if two.start < one.end:
                raise InvalidInput(
                    "window_invalid", f"availability[{i}]", (two.start, two.end),
                    why="it begins before the one before it ends", why_zh="它在前一段结束之前开始",
                )  # fmt: skip

    @property
    def name(self) -> str:
        """What to call this person in a sentence."""
        return self.label or self.id

    def origin_of(self, interval: Availability) -> Place:
        """Where the trip of this interval starts and ends."""
        return self.at if interval.at is None else interval.at

    def mode_of(self, interval: Availability) -> str:
        """How this person moves in this interval."""
        return self.mode if interval.mode is None else interval.mode


@dataclass(frozen=True, slots=True)
class Seat:
    """One person's part of a request: the skills it takes, and by how many minutes it starts after the request."""

    skills: Mapping[str, int] = field(default_factory=dict)
    optional: bool = False
    lag: tuple[int, int] = (0, 0)
    minutes: int | None = None

    def __post_init__(self) -> None:
        _check_levels("skills", self.skills)
        low, high = self.lag
        if not 0 <= low <= high <= MAX_LAG:
            why = f"lag {list(self.lag)}"
            raise InvalidInput("seat_invalid", "lag", self.lag, why=why, why_zh=why)
        if self.minutes is not None:
            _check_amount("minutes", self.minutes, low=1)


@dataclass(frozen=True, slots=True)
class Request:
    """What a resident asks for: a place, a duration, windows for its start, and one or more seats."""

    id: str
    at: Place
    minutes: int
    windows: tuple[Window, ...]
    label: str | None = None
    end_at: Place | None = None
    service: str | None = None
    priority: str = "normal"
    due: int | None = None
    seats: tuple[Seat, ...] = field(default_factory=lambda: (Seat(),))
    partners: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    affinity: Mapping[str, int] = field(default_factory=dict)
    wishes: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_text("id", self.id)
        _check_amount("minutes", self.minutes, low=1)
        _check_choice("priority", self.priority, PRIORITIES)
        if not self.windows:
            raise InvalidInput("window_invalid", "windows", [], why="there is no window", why_zh="没有时段")
        if not self.seats:
            raise InvalidInput("seat_invalid", "seats", [], why="there is no seat", why_zh="没有席位")
        if len(self.seats) > MAX_SEATS:
            raise TooLarge("too_many_seats", "seats", len(self.seats), limit=MAX_SEATS)
        if self.seats[0].optional or self.seats[0].lag != (0, 0):
            why = "seat 0 is optional or has a lag"
            raise InvalidInput("seat_invalid", "seats[0]", None, why=why, why_zh="0 号席位可选或有 lag")
        for name in ("affinity", "wishes"):
            for key, points in getattr(self, name).items():
                _check_amount(f"{name}.{key}", points)

    @property
    def name(self) -> str:
        """What to call this request in a sentence."""
        return self.label or self.id

    @property
    def leaves_from(self) -> Place:
        """Where whoever served it stands afterwards."""
        return self.at if self.end_at is None else self.end_at

    @property
    def required_seats(self) -> tuple[int, ...]:
        """Numbers of the seats that must be filled for the request to be served: the minimum crew."""
        return tuple(k for k, seat in enumerate(self.seats) if not seat.optional)

    def seat_minutes(self, seat: int) -> int:
        """How long the person in this seat is busy with it."""
        own = self.seats[seat].minutes
        return self.minutes if own is None else own


@dataclass(frozen=True, slots=True)
class Published:
    """A seat of the plan in force: who was told to come when."""

    request: str
    volunteer: str
    start: int
    seat: int | None = None

    def __post_init__(self) -> None:
        if self.seat is not None:
            _check_amount("seat", self.seat)


@dataclass(frozen=True, slots=True)
class Pinned:
    """Begun or accepted, to be kept: in that seat and at that seat start where they are named."""

    request: str
    volunteer: str
    seat: int | None = None
    start: int | None = None


def _default_unserved() -> dict[str, int]:
    return {"urgent": 20_000, "high": 8_000, "normal": 3_000, "low": 1_200}


@dataclass(frozen=True, slots=True)
class Weights:
    """The prices, in points (FORMAT.md, Cost)."""

    unserved: Mapping[str, int] = field(default_factory=_default_unserved)
    optional_seat: int = 600
    travel: int = 10
    late: int = 5
    fairness: tuple[int, int, int] = (2, 4, 9)
    continuity: int = 400
    stability: int = 300
    pin: int = 1_000_000

    def __post_init__(self) -> None:
        for priority in self.unserved:
            _check_choice("unserved", priority, PRIORITIES)
        object.__setattr__(self, "unserved", {**_default_unserved(), **self.unserved})
        for priority, points in self.unserved.items():
            _check_amount(f"unserved.{priority}", points)
        for i, points in enumerate(self.fairness):
            _check_amount(f"fairness[{i}]", points)
        for name in ("optional_seat", "travel", "late", "continuity", "stability", "pin"):
            _check_amount(name, getattr(self, name))


@dataclass(frozen=True)
class Instance:
    """One planning problem, whole: everything a plan depends on."""

    name: str
    origin: datetime
    horizon_end: int
    volunteers: tuple[Volunteer, ...]
    requests: tuple[Request, ...]
    timezone: str = "Asia/Shanghai"
    note: str | None = None
    now: int | None = None
    travel: Travel = field(default_factory=StraightTravel)
    published: tuple[Published, ...] = ()
    pinned: tuple[Pinned, ...] = ()
    weights: Weights = field(default_factory=Weights)

    def __post_init__(self) -> None:
        self._check_size()
        self._check_times()
        _check_ids("volunteers", [v.id for v in self.volunteers])
        _check_ids("requests", [r.id for r in self.requests])
        self._check_places()
        self._forget_people_who_left()
        _check_pairs("published", [(p.request, p.volunteer) for p in self.published])
        _check_pairs("pinned", [(p.request, p.volunteer) for p in self.pinned])
        self._check_pins()

    def minute(self, moment: datetime) -> int:
        """Minutes from the start of the horizon to a moment that carries its own offset."""
        return int((moment - self.origin).total_seconds() // 60)

    def moment(self, minute: int) -> datetime:
        """The moment a minute stands for, in the instance's time zone."""
        return (self.origin + timedelta(minutes=minute)).astimezone(self._zone)

    def day(self, minute: int) -> int:
        """A number for the calendar day, in the instance's time zone, on which this minute falls."""
        return self.moment(minute).toordinal()

    def volunteer(self, id: str) -> Volunteer:
        """The volunteer with this id; KeyError if there is none."""
        return self.volunteers[self.volunteer_index[id]]

    def request(self, id: str) -> Request:
        """The request with this id; KeyError if there is none."""
        return self.requests[self.request_index[id]]

    @cached_property
    def volunteer_index(self) -> dict[str, int]:
        """Position of each volunteer by id."""
        return {v.id: i for i, v in enumerate(self.volunteers)}

    @cached_property
    def request_index(self) -> dict[str, int]:
        """Position of each request by id."""
        return {r.id: i for i, r in enumerate(self.requests)}

    @cached_property
    def pin_of(self) -> dict[tuple[str, str], Pinned]:
        """The pinned entry of a request and a volunteer; there is at most one."""
        return {(p.request, p.volunteer): p for p in self.pinned}

    @cached_property
    def published_of(self) -> dict[tuple[str, str], Published]:
        """The published entry of a request and a volunteer; there is at most one."""
        return {(p.request, p.volunteer): p for p in self.published}

    @cached_property
    def _zone(self) -> ZoneInfo:
        try:
            return ZoneInfo(self.timezone)
        except (ValueError, OSError, KeyError) as error:
            raise InvalidInput("timezone_unknown", "timezone", self.timezone) from error

    def _check_size(self) -> None:
        for name, things, limit, zh in (
            ("requests", self.requests, MAX_REQUESTS, "请求数"),
            ("volunteers", self.volunteers, MAX_VOLUNTEERS, "志愿者数"),
        ):
            if len(things) > limit:
                raise TooLarge("too_large", name, len(things), what=name, what_zh=zh, limit=limit)
        skills = {skill for v in self.volunteers for skill in v.skills}
        skills.update(skill for r in self.requests for seat in r.seats for skill in seat.skills)
        skills.update(skill for r in self.requests for skill in r.wishes)
        if len(skills) > MAX_SKILLS:
            raise TooLarge("too_many_skills", "", len(skills), limit=MAX_SKILLS)

    def _check_times(self) -> None:
        if self.origin.tzinfo is None:
            raise InvalidInput("timezone_required", "horizon.from", self.origin.isoformat())
        if self.origin.year not in YEARS:
            raise InvalidInput("time_invalid", "horizon.from", self.origin.isoformat())
        if self.origin.second or self.origin.microsecond:
            raise InvalidInput("seconds_not_allowed", "horizon.from", self.origin.isoformat())
        # In a zone with summer time, the hours of a wall clock are not the hours that pass.
        object.__setattr__(self, "origin", self.origin.astimezone(UTC))
        self._zone  # noqa: B018  an unknown zone is refused here
        if self.horizon_end < 0:
            raise _reversed("horizon", (0, self.horizon_end))
        if self.horizon_end > MAX_DAYS * 1440:
            days = -(-self.horizon_end // 1440)
            raise TooLarge("horizon_too_long", "horizon", days, limit=MAX_DAYS)
        for path, minute in self._all_times():
            if abs(minute) > FAR:
                raise InvalidInput("value_too_large", path, minute, limit=FAR)

    def _all_times(self) -> Iterable[tuple[str, int]]:
        if self.now is not None:
            yield "now", self.now
        for i, volunteer in enumerate(self.volunteers):
            for j, interval in enumerate(volunteer.availability):
                yield f"volunteers[{i}].availability[{j}].from", interval.start
                yield f"volunteers[{i}].availability[{j}].to", interval.end
        for i, request in enumerate(self.requests):
            for j, window in enumerate(request.windows):
                yield f"requests[{i}].windows[{j}].from", window.start
                yield f"requests[{i}].windows[{j}].to", window.end
            if request.due is not None:
                yield f"requests[{i}].due", request.due
        for i, entry in enumerate(self.published):
            yield f"published[{i}].start", entry.start
        for i, pin in enumerate(self.pinned):
            if pin.start is not None:
                yield f"pinned[{i}].start", pin.start

    def _check_places(self) -> None:
        for i, volunteer in enumerate(self.volunteers):
            _at(self.travel, volunteer.at, f"volunteers[{i}]")
            for j, interval in enumerate(volunteer.availability):
                if interval.at is not None:
                    _at(self.travel, interval.at, f"volunteers[{i}].availability[{j}]")
        for i, request in enumerate(self.requests):
            _at(self.travel, request.at, f"requests[{i}]")
            if request.end_at is not None:
                _at(self.travel, request.end_at, f"requests[{i}]", "end_at")

    def _forget_people_who_left(self) -> None:
        """Drop ids in partners, forbidden and affinity that no longer exist; no partner left means none named."""
        known = self.volunteer_index
        object.__setattr__(self, "requests", tuple(_without_strangers(r, known) for r in self.requests))

    def _check_pins(self) -> None:
        holders: dict[tuple[str, int], str] = {}
        for i, pin in enumerate(self.pinned):
            if pin.request not in self.request_index:
                raise InvalidInput("pin_unknown", f"pinned[{i}].request", pin.request)
            if pin.volunteer not in self.volunteer_index:
                raise InvalidInput("pin_unknown", f"pinned[{i}].volunteer", pin.volunteer)
            if pin.seat is None:
                continue
            if not 0 <= pin.seat < len(self.request(pin.request).seats):
                raise InvalidInput("pin_unknown", f"pinned[{i}].seat", pin.seat)
            other = holders.setdefault((pin.request, pin.seat), pin.volunteer)
            if other != pin.volunteer:
                raise InvalidInput("pins_conflict", f"pinned[{i}]", other, other=pin.volunteer)


def _without_strangers(request: Request, known: Mapping[str, int]) -> Request:
    partners = tuple(p for p in request.partners if p in known)
    forbidden = tuple(p for p in request.forbidden if p in known)
    affinity = {p: points for p, points in request.affinity.items() if p in known}
    if (partners, forbidden, affinity) == (request.partners, request.forbidden, request.affinity):
        return request
    return replace(request, partners=partners, forbidden=forbidden, affinity=affinity)


def _at(travel: Travel, place: Place, path: str, key: str = "at") -> None:
    try:
        travel.check(place)
    except InvalidInput as error:
        raise InvalidInput(error.code, f"{path}.{key}", error.value, **error.params) from None


def _reversed(path: str, period: tuple[int, int]) -> InvalidInput:
    return InvalidInput("window_invalid", path, period, why="it ends before it begins", why_zh="结束早于开始")


def _check_period(start: int, end: int) -> None:
    if end < start:
        raise _reversed("", (start, end))


def _check_amount(path: str, value: int, low: int = 0) -> None:
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidInput("type_int", path, value)
    if value < low:
        raise InvalidInput("weight_negative" if low == 0 else "number_range", path, value, low=low, high=MAX_NUMBER)
    if value > MAX_NUMBER:
        raise InvalidInput("value_too_large", path, value, limit=MAX_NUMBER)


def _check_levels(path: str, levels: Mapping[str, int]) -> None:
    for skill, level in levels.items():
        _check_text(path, skill)
        _check_amount(f"{path}.{skill}", level, low=1)


def _check_choice(path: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise InvalidInput("choice_unknown", path, value, choices=", ".join(choices))


def _check_text(path: str, value: str, limit: int = MAX_TEXT) -> None:
    if not isinstance(value, str) or not value.strip() or len(value) > limit:
        raise InvalidInput("text_invalid", path, value, limit=limit)


def _check_ids(path: str, ids: Sequence[str]) -> None:
    """Ids that differ only by case or by full and half width are one id to the people who type them."""
    seen: dict[str, str] = {}
    for i, id in enumerate(ids):
        folded = unicodedata.normalize("NFKC", id).casefold().strip()
        if folded in seen:
            raise InvalidInput("id_duplicate", f"{path}[{i}].id", id, other=seen[folded])
        seen[folded] = id


def _check_pairs(path: str, pairs: Sequence[tuple[str, str]]) -> None:
    seen: set[tuple[str, str]] = set()
    for i, pair in enumerate(pairs):
        if pair in seen:
            raise InvalidInput("entry_duplicate", f"{path}[{i}]", " / ".join(pair))
        seen.add(pair)
