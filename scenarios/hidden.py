"""Instances made backwards: first a plan that serves everything, then the wishes it happens to fulfil."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from random import Random

from matcher import (
    Assignment,
    Availability,
    Instance,
    Request,
    Seat,
    StraightTravel,
    Volunteer,
    Window,
    great_circle_km,
)
from scenarios.generator import COMMON, DAY, MIDNIGHT, PRIORITIES, SKILLS, drawn
from scenarios.places import Point, Town

TOWN = Town(117.0, 30.1)
TRAVEL = StraightTravel()


@dataclass
class _Visit:
    request: str
    seat: int
    at: Point
    start: int
    end: int


@dataclass
class _Trip:
    """One person's trip while it grows: it leaves home at `leaves` and has no end until it is closed."""

    leaves: int
    visits: list[_Visit] = field(default_factory=list)


@dataclass
class _Person:
    id: str
    home: Point
    mode: str
    skills: dict[str, int]
    trips: list[_Trip]

    def ready(self, at: Point) -> int:
        """The earliest this person can be there on the trip under way."""
        trip = self.trips[-1]
        if not trip.visits:
            return trip.leaves + TRAVEL.minutes(self.home, at, self.mode)
        return trip.visits[-1].end + TRAVEL.minutes(trip.visits[-1].at, at, self.mode)

    def back(self, trip: _Trip) -> int:
        """When this person is home again; a trip without visits takes an hour for nothing."""
        if not trip.visits:
            return trip.leaves + 60
        return trip.visits[-1].end + TRAVEL.minutes(trip.visits[-1].at, self.home, self.mode)

    def busy(self, trip: _Trip) -> int:
        """Service and travel minutes of the trip."""
        service = sum(visit.end - visit.start for visit in trip.visits)
        stops = [self.home, *(visit.at for visit in trip.visits), self.home]
        return service + sum(TRAVEL.minutes(one, two, self.mode) for one, two in pairwise(stops))


def generate_hidden(
    requests: int = 12,
    volunteers: int = 9,
    *,
    seed: int = 1,
    team_share: float = 0.3,
    optional_share: float = 0.2,
    slack: int = 30,
    visits_a_trip: int = 3,
) -> tuple[Instance, tuple[Assignment, ...]]:
    """An instance around a plan that fills every seat, and that plan.

    Windows, intervals and caps leave the hidden plan `slack` minutes to spare at most, and often none.
    """
    if volunteers < 3:
        raise ValueError(f"{volunteers} volunteers cannot hide a team of three; take 3 or more")
    rng = Random(f"hidden {requests} {volunteers} {seed}")
    people = [_person(f"V{i + 1:02}", rng) for i in range(volunteers)]
    wishes = [
        _request(f"R{i + 1:02}", people, rng, team_share, optional_share, slack, visits_a_trip) for i in range(requests)
    ]
    calendars = tuple(_volunteer(person, rng, slack) for person in people)
    visits = [(v, person.id) for person in people for trip in person.trips for v in trip.visits]
    hidden = tuple(sorted(Assignment(v.request, v.seat, who, v.start, v.end) for v, who in visits))
    crews = defaultdict(set)
    for assignment in hidden:
        crews[assignment.request].add(assignment.volunteer)
    instance = Instance(
        name=f"hidden-{requests}x{volunteers}-seed{seed}",
        origin=MIDNIGHT,
        horizon_end=(max(assignment.start for assignment in hidden) // DAY + 1) * DAY,
        volunteers=calendars,
        requests=tuple(_acquainted(request, crews[request.id], people, rng) for request in wishes),
    )
    return instance, hidden


def _person(id: str, rng: Random) -> _Person:
    skills = {skill: rng.randint(1, 3) for skill in rng.sample(list(SKILLS), rng.randint(0, 3))}
    mode = rng.choice(("bike", "ebike", "ebike", "car"))
    return _Person(id, _point(rng), mode, skills, [_Trip(rng.randrange(480, 660, 5))])


def _request(
    id: str,
    people: Sequence[_Person],
    rng: Random,
    team_share: float,
    optional_share: float,
    slack: int,
    visits_a_trip: int,
) -> Request:
    """The next thing that some of the people who have done least so far happen to do, and the windows that allow it."""
    at, minutes = _point(rng), rng.randrange(15, 65, 5)
    size = rng.randint(2, 3) if rng.random() < team_share else 1
    least_busy = sorted(people, key=lambda person: person.ready(at))[: max(size, len(people) // 2)]
    crew = rng.sample(least_busy, size)
    seats = tuple(_seat(number, person, minutes, rng, optional_share) for number, person in enumerate(crew))
    for person in crew:
        if len(person.trips[-1].visits) >= visits_a_trip:
            person.trips.append(_Trip(person.back(person.trips[-1]) + rng.randrange(2 * slack + 1, 2 * slack + 60)))
    waits = [rng.randint(seat.lag[0], seat.lag[1]) for seat in seats]
    start = max(person.ready(at) - wait for person, wait in zip(crew, waits, strict=True)) + rng.choice((0, 0, 5, 10))
    request = Request(
        id, at, minutes, _windows(start, rng, slack), priority=drawn(rng, PRIORITIES), seats=seats,
        due=start + minutes + rng.randrange(0, 60, 5) if rng.random() < 0.3 else None,
    )  # fmt: skip
    for number, (person, wait) in enumerate(zip(crew, waits, strict=True)):
        end = start + wait + request.seat_minutes(number)
        person.trips[-1].visits.append(_Visit(id, number, at, start + wait, end))
    return request


def _seat(number: int, person: _Person, minutes: int, rng: Random, optional_share: float) -> Seat:
    """A seat that asks for no more than this person can do."""
    asked = [skill for skill in person.skills if rng.random() < 0.5]
    skills = {skill: rng.randint(1, person.skills[skill]) for skill in asked}
    if number == 0:
        return Seat(skills)
    low = rng.choice((0, 0, 10))
    own = rng.choice((None, minutes + 10, max(5, minutes - 10)))
    return Seat(skills, rng.random() < optional_share, (low, low + rng.choice((0, 15))), own)


def _windows(start: int, rng: Random, slack: int) -> tuple[Window, ...]:
    """One that holds the start and, now and then, a decoy later in the day."""
    window = Window(start - rng.randint(0, slack), start + rng.randint(0, slack))
    decoy = Window(window.end + 90, window.end + 90 + slack)
    return (window, decoy) if rng.random() < 0.2 else (window,)


def _volunteer(person: _Person, rng: Random, slack: int) -> Volunteer:
    """The person with a calendar, caps and a radius in which the hidden trips just fit."""
    calendar = tuple(
        Availability(trip.leaves - rng.randint(0, slack), person.back(trip) + rng.randint(0, slack))
        for trip in person.trips
    )
    visits: dict[int, int] = defaultdict(int)
    minutes: dict[int, int] = defaultdict(int)
    for interval, trip in zip(calendar, person.trips, strict=True):
        visits[interval.start // DAY] += len(trip.visits)
        minutes[interval.start // DAY] += person.busy(trip)
    farthest = max((great_circle_km(person.home, v.at) for trip in person.trips for v in trip.visits), default=1.0)
    return Volunteer(
        person.id,
        person.home,
        calendar,
        skills=person.skills,
        mode=person.mode,
        radius_km=farthest + rng.choice((0, 1)) if rng.random() < 0.5 else None,
        max_requests_per_day=max(visits.values()) + rng.randint(0, 1) if rng.random() < 0.5 else None,
        max_minutes_per_day=max(minutes.values()) + rng.randint(0, slack) if rng.random() < 0.5 else None,
        max_minutes=sum(minutes.values()) + rng.randint(0, slack) if rng.random() < 0.5 else None,
        history_minutes=rng.randrange(0, 300, 10),
    )


def _acquainted(request: Request, crew: set[str], people: Sequence[_Person], rng: Random) -> Request:
    """Partners may be of the crew or not; the forbidden never are."""
    others = [person.id for person in people if person.id not in crew]
    return replace(
        request,
        partners=tuple(rng.sample([person.id for person in people], 2)) if rng.random() < 0.3 else (),
        forbidden=tuple(rng.sample(others, 1)) if others and rng.random() < 0.3 else (),
        wishes={rng.choice(COMMON): 100} if rng.random() < 0.2 else {},
    )


def _point(rng: Random) -> Point:
    return TOWN.point(rng.uniform(-2, 2), rng.uniform(-2, 2))
