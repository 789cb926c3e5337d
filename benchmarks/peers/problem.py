"""The peers' problem: the part of ours that routing engines can say. Vehicles, visits, windows, skills and prices.

A person is one vehicle for each interval of availability, which nothing but caps would tie together. A visit is worth
its unserved price, and a minute of travel costs what it costs us. What an engine answers is the order of each vehicle's
visits; the times are ours, each visit as early as can be, since waiting is free.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from matcher import TERMS, Assignment, Availability, Instance, Plan, Request, Unserved, Volunteer, judge
from matcher.eligibility import lacking, request_starts


class BeyondPeers(ValueError):
    """The instance holds something that the peers' problem has no words for."""


@dataclass(frozen=True)
class Vehicle:
    """One interval of a person: it leaves from its node and returns there within the interval."""

    volunteer: str
    interval: Availability
    skills: frozenset[int]
    """The kinds of visits this person has the skills for."""
    node: int


@dataclass(frozen=True)
class Visit:
    """A request; its number is its node. It starts from `first` to `last`."""

    request: str
    first: int
    last: int
    minutes: int
    price: int
    kind: int
    """Visits of one kind ask for the same skills."""


@dataclass(frozen=True, eq=False)
class Problem:
    """What every peer is given. `travel[i, j]` are whole minutes between nodes: visits first, then vehicles' starts."""

    instance: Instance
    vehicles: tuple[Vehicle, ...]
    visits: tuple[Visit, ...]
    travel: np.ndarray
    minute: int
    """Points per minute of travel."""

    def possible(self) -> np.ndarray:
        """possible[v, r]: vehicle v has the skills for visit r, and the time for it with nothing else to do."""
        start, end = np.array([(v.interval.start, v.interval.end) for v in self.vehicles]).T[:, :, None]
        first, last, minutes = np.array([(r.first, r.last, r.minutes) for r in self.visits]).T[:, None, :]
        homes, visits = [v.node for v in self.vehicles], range(len(self.visits))
        there, back = self.travel[np.ix_(homes, visits)], self.travel[np.ix_(visits, homes)].T
        arrives = np.maximum(start + there, first)
        skilled = np.array([[r.kind in v.skills for r in self.visits] for v in self.vehicles])
        found: np.ndarray = skilled & (arrives <= last) & (arrives + minutes + back <= end)
        return found


def problem_of(instance: Instance) -> Problem:
    """The instance as peers see it; BeyondPeers when they cannot."""
    for what, found in _beyond(instance):
        if found:
            raise BeyondPeers(f"{instance.name} has {what}, which the peers' problem knows nothing of")
    kinds: dict[tuple[tuple[str, int], ...], Request] = {}
    for request in instance.requests:
        kinds.setdefault(_asked(request), request)
    numbers = {asked: number for number, asked in enumerate(kinds)}
    visits = tuple(_visit(instance, request, numbers[_asked(request)]) for request in instance.requests)
    vehicles = tuple(_vehicles(instance.volunteers, list(kinds.values()), len(visits)))
    places = [request.at for request in instance.requests]
    places += [v.origin_of(interval) for v in instance.volunteers for interval in v.availability]
    travel = instance.travel.table(places, places, instance.volunteers[0].mode)
    return Problem(instance, vehicles, visits, travel, instance.weights.travel)


def _asked(request: Request) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(request.seats[0].skills.items()))


def _visit(instance: Instance, request: Request, kind: int) -> Visit:
    ((first, last),) = request_starts(instance, request)
    price = instance.weights.unserved[request.priority]
    return Visit(request.id, first, last, request.seat_minutes(0), price, kind)


def _vehicles(volunteers: Iterable[Volunteer], kinds: Sequence[Request], node: int) -> Iterator[Vehicle]:
    """One for each interval; `kinds` has a request of every kind."""
    for volunteer in volunteers:
        skills = frozenset(kind for kind, one in enumerate(kinds) if lacking(one, 0, volunteer) is None)
        for interval in volunteer.availability:
            yield Vehicle(volunteer.id, interval, skills, node)
            node += 1


def _beyond(instance: Instance) -> Iterator[tuple[str, bool]]:
    requests, volunteers = instance.requests, instance.volunteers
    yield "nobody or nothing in it", not (requests and any(v.availability for v in volunteers))
    yield "teams", any(len(r.seats) > 1 for r in requests)
    yield "requests without exactly one window", any(len(request_starts(instance, r)) != 1 for r in requests)
    yield "due times", any(r.due is not None for r in requests)
    yield "partners", any(r.partners for r in requests)
    yield "people who are forbidden", any(r.forbidden for r in requests)
    yield "dislikes or wishes", any(r.affinity or r.wishes for r in requests)
    yield "requests that end elsewhere", any(r.end_at is not None for r in requests)
    yield "several modes of movement", len({v.mode_of(i) for v in volunteers for i in v.availability}) > 1
    yield "radii", any(v.radius_km is not None for v in volunteers)
    yield "caps", any((v.max_requests_per_day, v.max_minutes_per_day, v.max_minutes) != (None,) * 3 for v in volunteers)
    yield "a price on load", any(instance.weights.fairness)
    yield "a plan in force", instance.now is not None or bool(instance.published or instance.pinned)


def plan_of(problem: Problem, routes: Sequence[Sequence[int]], engine: str, seconds: float, seed: int) -> Plan:
    """The plan that sends each vehicle along its route; whether it holds is the judge's to say."""
    instance = problem.instance
    pairs = zip(problem.vehicles, routes, strict=True)
    assignments = [seat for vehicle, route in pairs for seat in _timed(problem, vehicle, route)]
    served = {a.request for a in assignments}
    bare = Plan(
        instance=instance.name,
        assignments=tuple(sorted(assignments)),
        unserved=tuple(Unserved(r.id, ()) for r in instance.requests if r.id not in served),
        broken_pins=(),
        cost=0,
        terms=dict.fromkeys(TERMS, 0),
        bound=None,
        settled=0,
        gap=None,
        status="feasible",
        seconds=round(seconds, 3),
        seed=seed,
        engine=engine,
    )
    found = judge(instance, bare)
    return replace(bare, cost=found.cost, terms=found.terms, settled=found.settled)


def _timed(problem: Problem, vehicle: Vehicle, route: Iterable[int]) -> Iterator[Assignment]:
    here, free = vehicle.node, vehicle.interval.start
    for number in route:
        visit = problem.visits[number]
        start = max(visit.first, free + int(problem.travel[here, number]))
        here, free = number, start + visit.minutes
        yield Assignment(visit.request, 0, vehicle.volunteer, start, free)
