"""From an Instance to what the search works on: sparse lists of who can fill which seat, and travel on demand.

Memory is linear in the eligible pairs. Volunteers, requests and intervals are numbers from here on:
`v` is a volunteer, `r` a request, `k` a seat of it, `i` one of all intervals of availability in a row.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from matcher import cost
from matcher.eligibility import (
    RADIUS_TOLERANCE_KM,
    free_starts,
    lacking,
    pinned_start,
    request_starts,
    seat_spans,
)
from matcher.instance import Instance, Request
from matcher.travel import kilometres_between

Span = tuple[int, int]
CHUNK = 64


@dataclass(frozen=True, slots=True)
class Variant:
    """Seat starts that one person could keep, and the points of stability and pins that keeping them saves.

    `begun` marks work pinned to its start, which need not wait for now.
    """

    spans: tuple[Span, ...]
    saving: int
    begun: bool


@dataclass(frozen=True, slots=True, eq=False)
class Option:
    """One person in one seat of one request in one interval, alone feasible. Minutes and points."""

    r: int
    k: int
    v: int
    i: int
    there: int
    back: int
    minutes: int
    fit: int
    """Continuity, affinity and wishes: what it costs that it is this person."""
    variants: tuple[Variant, ...]


class Tables:
    """The instance by numbers. `options(r)[k]` lists who could fill seat `k` of request `r`, in order of distance."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.requests, self.volunteers = instance.requests, instance.volunteers
        self.price = [instance.weights.unserved[r.priority] for r in self.requests]
        self.intervals = [(v, interval) for v, person in enumerate(self.volunteers) for interval in person.availability]
        self.day = [instance.day(interval.start) for _, interval in self.intervals]
        self.origin = [self.volunteers[v].origin_of(interval) for v, interval in self.intervals]
        self.mode = [self.volunteers[v].mode_of(interval) for v, interval in self.intervals]
        self.first_of = np.cumsum([0, *(len(person.availability) for person in self.volunteers)])
        self.starts = [request_starts(instance, request) for request in self.requests]
        self._places = [request.at for request in self.requests]
        self._rows: dict[tuple[str, int], list[int]] = {}
        self._near: dict[int, list[tuple[int, int, int]]] = {}
        self._options: dict[int, list[list[Option]]] = {}

    def intervals_of(self, v: int) -> range:
        """The intervals of a volunteer."""
        return range(int(self.first_of[v]), int(self.first_of[v + 1]))

    def between(self, mode: str, r: int, after: int) -> int:
        """Minutes from where request `r` ends to where request `after` begins."""
        row = self._rows.get((mode, r))
        if row is None:
            table = self.instance.travel.table([self.requests[r].leaves_from], self._places, mode)
            row = self._rows[mode, r] = table[0].tolist()
        return row[after]

    @cached_property
    def scarcity(self) -> list[float]:
        """For each volunteer, how much of what is asked for hangs on their rarest skill: seats wanting it per head."""
        wanted: dict[str, int] = defaultdict(int)
        for request in self.requests:
            for seat in request.seats:
                for skill in seat.skills:
                    wanted[skill] += 1
        heads: dict[str, int] = defaultdict(int)
        for volunteer in self.volunteers:
            for skill in volunteer.skills:
                heads[skill] += 1
        share = {skill: seats / heads[skill] for skill, seats in wanted.items() if heads[skill]}
        return [max((share.get(skill, 0.0) for skill in person.skills), default=0.0) for person in self.volunteers]

    def options(self, r: int) -> list[list[Option]]:
        """Who could fill each seat of request `r`, looked up when it is first asked for."""
        found = self._options.get(r)
        if found is None:
            if r not in self._near:
                first = r - r % CHUNK
                chunk = range(first, min(first + CHUNK, len(self.requests)))
                self._near.update(zip(chunk, self._within_reach(chunk), strict=True))
            found = self._options[r] = [[] for _ in self.requests[r].seats]
            self._fill(r, self._near.pop(r), found)
        return found

    def _within_reach(self, chunk: range) -> list[list[tuple[int, int, int]]]:
        """Per request the (interval, minutes there, minutes back) that radius and time do not rule out at a glance."""
        found: list[list[tuple[int, int, int]]] = [[] for _ in chunk]
        starts = np.array([interval.start for _, interval in self.intervals], dtype=np.int64)
        ends = np.array([interval.end for _, interval in self.intervals], dtype=np.int64)
        for mode in sorted(set(self.mode)):
            rows = np.array([i for i, own in enumerate(self.mode) if own == mode], dtype=np.int64)
            homes = [self.origin[i] for i in rows]
            there = self.instance.travel.table(homes, [self.requests[r].at for r in chunk], mode)
            back = self.instance.travel.table([self.requests[r].leaves_from for r in chunk], homes, mode).T
            close = self.within_radius(rows, chunk)
            for column, r in enumerate(chunk):
                request = self.requests[r]
                if not self.starts[r]:
                    continue
                last = self.starts[r][-1][1] + max(seat.lag[1] for seat in request.seats)
                short = min(request.seat_minutes(k) for k in range(len(request.seats)))
                soonest = np.maximum(starts[rows] + there[:, column], self.starts[r][0][0])
                latest = np.minimum(ends[rows] - back[:, column] - short, last)
                for row in np.nonzero((soonest <= latest) & close[:, column])[0]:
                    found[column].append((int(rows[row]), int(there[row, column]), int(back[row, column])))
        return found

    def within_radius(self, rows: np.ndarray, chunk: range) -> np.ndarray:
        """Which requests of the chunk lie within the radius of whoever owns the interval."""
        radius = np.array([self._radius(int(i)) for i in rows])
        homes = [self.origin[int(i)] for i in rows]
        if not homes or isinstance(homes[0], str) or np.isinf(radius).all():
            return np.ones((len(rows), len(chunk)), dtype=bool)
        targets = np.array([self.requests[r].at for r in chunk], dtype=np.float64)
        km = kilometres_between(np.array(homes, dtype=np.float64)[:, None, :], targets[None, :, :])
        close: np.ndarray = km <= radius[:, None] + RADIUS_TOLERANCE_KM
        return close

    def _radius(self, i: int) -> float:
        own = self.volunteers[self.intervals[i][0]].radius_km
        return float("inf") if own is None else own

    def _fill(self, r: int, near: list[tuple[int, int, int]], seats: list[list[Option]]) -> None:
        request, instance = self.requests[r], self.instance
        forbidden = set(request.forbidden)
        spans = [seat_spans(instance, request, k) for k in range(len(request.seats))]
        for i, there, back in sorted(near, key=lambda one: (one[1] + one[2], one[0])):
            v = self.intervals[i][0]
            person = self.volunteers[v]
            if person.id in forbidden:
                continue
            fit = cost.continuity_points(instance.weights, request, person) + cost.affinity_points(request, person)
            for k in range(len(request.seats)):
                if lacking(request, k, person) is None:
                    variants = self._variants(request, k, i, (there, back), spans[k])
                    if variants:
                        seats[k].append(Option(r, k, v, i, there, back, request.seat_minutes(k), fit, variants))

    def _variants(
        self, request: Request, k: int, i: int, ways: tuple[int, int], spans: list[Span]
    ) -> tuple[Variant, ...]:
        """The ways this person could keep this seat in this interval: as pinned, as published, freely."""
        v, interval = self.intervals[i]
        person = self.volunteers[v]
        free = free_starts(self.instance, request, k, person, interval, ways, spans)
        pin = self.instance.pin_of.get((request.id, person.id))
        entry = self.instance.published_of.get((request.id, person.id))
        variants = []
        saving = self.instance.weights.pin if pin is not None and pin.seat in (None, k) else 0
        stable = 0 if entry is None else cost.disturbance_points(self.instance, entry)
        if pin is not None and pin.start is not None:
            start = pinned_start(self.instance, request, k, person, interval, ways, spans)
            if start is not None:
                kept = stable if entry is not None and abs(start - entry.start) <= cost.STABLE_MINUTES else 0
                variants.append(Variant(((start, start),), saving + kept, begun=True))
            saving = 0
        if entry is not None and stable:
            low, high = entry.start - cost.STABLE_MINUTES, entry.start + cost.STABLE_MINUTES
            near = tuple((max(a, low), min(b, high)) for a, b in free if max(a, low) <= min(b, high))
            if near:
                variants.append(Variant(near, saving + stable, begun=False))
        if free:
            variants.append(Variant(tuple(free), saving, begun=False))
        return tuple(variants)
