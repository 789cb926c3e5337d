"""Trips: who goes where in which order and how long the way takes, worked out from rows as they are now."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from api.models import AvailabilityRow, RequestRow, VolunteerRow
from api.models.plans import AssignmentPublic
from api.plans.load import TRAVEL
from matcher import great_circle_km

Point = tuple[float, float]


@dataclass(frozen=True)
class Way:
    """From one place to the next."""

    minutes: int
    km: float


@dataclass(frozen=True)
class Visit:
    """One seat of a request, and the way that leads to it."""

    seat: AssignmentPublic
    request: RequestRow
    way: Way

    @property
    def leave(self) -> datetime:
        """When to set out at the latest."""
        return self.seat.start - timedelta(minutes=self.way.minutes)


@dataclass(frozen=True)
class Trip:
    """What one volunteer does between leaving a place and being back there."""

    volunteer: VolunteerRow
    origin: Point
    mode: str
    visits: tuple[Visit, ...]
    back: Way

    @property
    def travel_minutes(self) -> int:
        return sum(visit.way.minutes for visit in self.visits) + self.back.minutes


def trips(
    seats: Iterable[AssignmentPublic], requests: Mapping[int, RequestRow], volunteers: Mapping[int, VolunteerRow]
) -> list[Trip]:
    """These seats as trips, one for each interval of a volunteer's calendar, in the order of their starts."""
    groups: dict[tuple[int, int | None], list[AssignmentPublic]] = defaultdict(list)
    intervals: dict[int, AvailabilityRow] = {}
    for seat in sorted(seats, key=lambda seat: (seat.start, seat.id)):
        interval = _interval(volunteers[seat.volunteer], seat)
        groups[seat.volunteer, interval and interval.id].append(seat)
        if interval is not None:
            intervals[interval.id] = interval
    return [
        _trip(volunteers[volunteer], intervals.get(interval), group, requests)
        for (volunteer, interval), group in groups.items()
    ]


def _interval(volunteer: VolunteerRow, seat: AssignmentPublic) -> AvailabilityRow | None:
    """The interval the seat lies in; none when the calendar has changed since."""
    return next((i for i in volunteer.availability if i.starts_at <= seat.start and seat.end <= i.ends_at), None)


def _trip(
    volunteer: VolunteerRow,
    interval: AvailabilityRow | None,
    seats: Iterable[AssignmentPublic],
    requests: Mapping[int, RequestRow],
) -> Trip:
    mode = (interval and interval.mode) or volunteer.mode
    origin = here = _point((interval and interval.at) or volunteer.at)
    visits = []
    for seat in seats:
        request = requests[seat.request]
        visits.append(Visit(seat, request, _way(here, _point(request.at), mode)))
        here = _point(request.end_at or request.at)
    return Trip(volunteer, origin, mode, tuple(visits), _way(here, origin, mode))


def _way(start: Point, end: Point, mode: str) -> Way:
    return Way(TRAVEL.minutes(start, end, mode), great_circle_km(start, end))


def _point(at: list[float]) -> Point:
    lon, lat = at
    return lon, lat
