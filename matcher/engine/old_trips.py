"""One person's trip in one interval: which starts it allows, what it takes, and where one more visit would fit.

Waiting is free, so a trip is an order of visits; each visit starts as early as the order and its own spans allow.
`earliest[n]` is that start; `latest[n]` is the last start of visit n after which the rest of the trip still fits.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from matcher import cost
from matcher.engine.options import Option, Span, Tables, Variant


@dataclass(frozen=True, slots=True, eq=False)
class Visit:
    """A seat being filled: whose, how, and the seat starts that are allowed (narrowed by the crew's common start)."""

    option: Option
    variant: Variant
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Trip:
    """A feasible order of visits.

    `legs[n]` are the travel minutes to visit n, the last leg those back; `travel` and `service` are minutes, `points`
    all but fairness.
    """

    i: int
    visits: tuple[Visit, ...] = ()
    legs: tuple[int, ...] = (0,)
    earliest: tuple[int, ...] = ()
    latest: tuple[int, ...] = ()
    travel: int = 0
    service: int = 0
    points: int = 0


class Slot(NamedTuple):
    """A place in a trip where a visit fits, at any start from `first` to `last`; `points` leave out its lateness."""

    points: int
    first: int
    last: int
    position: int
    variant: Variant
    minutes: int
    """By how many minutes of travel and service the person's load grows."""


def make_trip(tables: Tables, i: int, visits: Sequence[Visit]) -> Trip | None:
    """The trip of these visits in this order, or None when it does not fit its interval."""
    if not visits:
        return Trip(i)
    legs = _legs(tables, i, visits)
    earliest = _earliest(tables, i, visits, legs)
    if earliest is None:
        return None
    _, interval = tables.intervals[i]
    latest: list[int] = []
    bound = interval.end
    for visit, leg in zip(reversed(visits), reversed(legs[1:]), strict=True):
        start = last_start(visit.spans, bound - leg - visit.option.minutes)
        if start is None:
            return None
        latest.append(start)
        bound = start
    latest.reverse()
    if any(a > b for a, b in zip(earliest, latest, strict=True)):
        return None
    travel = sum(legs)
    points = tables.instance.weights.travel * travel
    for visit, start in zip(visits, earliest, strict=True):
        points += visit.option.fit - visit.variant.saving + late_if_single(tables, visit.option.r, start)
    service = sum(visit.option.minutes for visit in visits)
    return Trip(i, tuple(visits), tuple(legs), tuple(earliest), tuple(latest), travel, service, points)


def slots(tables: Tables, trip: Trip, option: Option, load: int) -> list[Slot]:
    """Every place in the trip where this option fits; caps are the caller's to check."""
    v, interval = tables.intervals[trip.i]
    person, weights, now = tables.volunteers[v], tables.instance.weights, tables.instance.now
    mode, visits, minutes = tables.mode[trip.i], trip.visits, option.minutes
    before = cost.load_points(weights, person.target_minutes, person.history_minutes + load)
    found: list[Slot] = []
    free, count = interval.start, len(visits)
    for position in range(count + 1):
        bound = trip.latest[position] if position < count else interval.end
        inward = tables.between(mode, visits[position - 1].option.r, option.r) if position else option.there
        outward = tables.between(mode, option.r, visits[position].option.r) if position < count else option.back
        extra = inward + outward - trip.legs[position]
        added = extra + minutes
        points = weights.travel * extra + option.fit - before
        points += cost.load_points(weights, person.target_minutes, person.history_minutes + load + added)
        last = bound - outward - minutes
        for variant in option.variants:
            begin = free if variant.begun or now is None else max(free, now)
            soonest = begin + inward
            follows_now = position < count and not visits[position].variant.begun
            if variant.begun and now is not None and follows_now and now + outward > bound:
                continue
            if soonest <= last:
                for a, b in variant.spans:
                    low, high = max(a, soonest), min(b, last)
                    if low <= high:
                        found.append(Slot(points - variant.saving, low, high, position, variant, added))
        if position < count:
            free = trip.earliest[position] + visits[position].option.minutes
    return found


def with_visit(tables: Tables, trip: Trip, option: Option, slot: Slot, allowed: Span | None) -> Trip | None:
    """The trip with this option in this slot, its start bound to `allowed` where a crew's start binds it."""
    visits = list(trip.visits)
    visits.insert(slot.position, visit_of(option, slot.variant, allowed))
    return make_trip(tables, trip.i, visits)


def visit_of(option: Option, variant: Variant, allowed: Span | None) -> Visit:
    """This option filled in this way, its start bound to `allowed` where there is one."""
    if allowed is None:
        return Visit(option, variant, variant.spans)
    low, high = allowed
    spans = ((max(a, low), min(b, high)) for a, b in variant.spans)
    return Visit(option, variant, tuple((a, b) for a, b in spans if a <= b))


def first_start(spans: Sequence[Span], soonest: int) -> int | None:
    """The first start not before `soonest`."""
    for a, b in spans:
        if soonest <= b:
            return max(a, soonest)
    return None


def last_start(spans: Sequence[Span], bound: int) -> int | None:
    """The last start not after `bound`."""
    for a, b in reversed(spans):
        if a <= bound:
            return min(b, bound)
    return None


def late_if_single(tables: Tables, r: int, start: int) -> int:
    """Lateness of a request whose only seat starts then; a crew's lateness is booked with its common start."""
    request = tables.requests[r]
    if request.due is None or len(request.seats) > 1:
        return 0
    return cost.late_points(tables.instance, request, start)


def _legs(tables: Tables, i: int, visits: Sequence[Visit]) -> list[int]:
    """Minutes to each visit in turn and from the last one back."""
    rows = [visit.option.r for visit in visits]
    between = [tables.between(tables.mode[i], r, after) for r, after in itertools.pairwise(rows)]
    return [visits[0].option.there, *between, visits[-1].option.back]


def _earliest(tables: Tables, i: int, visits: Sequence[Visit], legs: Sequence[int]) -> list[int] | None:
    now = tables.instance.now
    free = tables.intervals[i][1].start
    starts = []
    for visit, leg in zip(visits, legs, strict=False):
        begin = free if now is None or visit.variant.begun else max(free, now)
        start = first_start(visit.spans, begin + leg)
        if start is None:
            return None
        starts.append(start)
        free = start + visit.option.minutes
    return starts
