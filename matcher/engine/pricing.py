"""What every person would gain at given seat prices: the half of the bound that hangs on people, and their schedules.

At any prices (dual prices of the seats, on a grid: `grid.py`) the bound is what requests come to less what every person
gains at most: the Lagrangian bound of the program that has one schedule for each person. It bounds every plan from
below, in whole points.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import pairwise
from queue import SimpleQueue
from typing import TypeVar

import numpy as np

from matcher import cost
from matcher.engine.grid import Grid
from matcher.engine.labels import (
    LABELS,
    MOST_LABELS,
    SOME_COLUMNS,
    SOME_VISITS,
    STOPPED,
    Room,
    Town,
    hope_people,
    price_people,
    room,
)  # fmt: skip
from matcher.engine.tables import FAR_OFF, Ints, Tables
from matcher.plan import Assignment

Made = TypeVar("Made")

NEIGHBOURS = 20_000
"""Everything that fits into the memory is remembered: on 450 x 700 that proves more, and sooner, than 12 or 32."""

TRIPS = 5
"""Beside the cheapest schedule so many trips of each interval are taken down, with different last visits."""

QUARTERS, IN_QUARTER = (48, 192), 32
"""So many parts of a town, at least and at most, are looked into one by one for what is next; of so many requests."""

FAR = 32_767
"""A way of so many minutes or more, longer than any interval as a rule, counts as so many: two bytes hold it."""

COPIED = 400
"""Of the ways between no more requests of an interval than these a copy is made, side by side."""

SHARE = 32
"""So many people, or fewer, are priced in one go of a thread, so that threads end together."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """What one person could do: visits as (job, seat start), the first first, and its cost, lateness of its seats 0
    within."""

    v: int
    points: int
    visits: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Priced:
    """The bound at these prices, each person's part in it (0 or less), and schedules worth trying."""

    bound: int
    values: Ints
    schedules: list[Schedule]
    levels: Ints
    """By person how much less was remembered than asked for: their value may be less than their best schedule's."""
    labels: Ints
    """By person how many labels an interval could have, 0 of who was not asked."""

    @property
    def relaxed(self) -> int:
        """How many people that is."""
        return int((self.levels > 0).sum())


class Pricer:
    """Prices people on so many threads; `priced` may be asked again and again, of any grid of these tables."""

    def __init__(self, tables: Tables, threads: int = 1) -> None:
        self.tables, self.instance = tables, tables.instance
        people = len(tables.volunteers)
        self.rooms = [room(people) for _ in range(threads)]
        self.everybody = np.arange(people, dtype=np.int64)
        self.town = _town(tables)
        longest = int((tables.arrays.end - tables.arrays.start).max(initial=0))
        self._stopped = False
        self._endless = longest >= FAR  # then schedules with ways that count for too little are left out

    def priced(
        self,
        grid: Grid,
        points: Ints,
        worth: Ints,
        limit: Ints | None = None,
        people: Ints | None = None,
        near: int = NEIGHBOURS,
        most: int = TRIPS,
        seconds: float | None = None,
        rough: int = 0,
        labels: int = LABELS,
    ) -> Priced:
        """The bound at these prices; schedules of less than `worth` of their person come along.

        `limit`: by person the value, at most 0, of a schedule that is known. Of `people` only, the bound is not one.
        TimeoutError after so many seconds. When `rough` (very, 1, or less so, 2), good schedules are looked for
        only, and the bound is a guess.
        Where an interval has more than so many `labels`, a little less than its best trip stands for it.
        """
        who = self.everybody if people is None else people
        limit = np.zeros(len(self.everybody), dtype=np.int64) if limit is None else limit
        values, levels, asked = np.zeros((3, len(self.everybody)), dtype=np.int64)
        asked[who] = labels

        def price(part: Ints, own: Room) -> list[Schedule]:
            own.used[[SOME_COLUMNS, SOME_VISITS, MOST_LABELS]] = 0, 0, labels
            price_people(grid.arrays, self.town, points, worth, limit, near, most, part, rough, own)
            values[part], levels[part] = own.value[part], own.level[part]
            return self._schedules(grid, own, points)

        schedules = [schedule for some in self._shared(price, who, seconds) for schedule in some]
        bound = self.untouched + grid.requests(points) + int(values.sum())
        return Priced(bound, values, schedules, levels, asked)

    def hoped(self, grid: Grid, points: Ints, seconds: float | None = None) -> Ints:
        """By person what no schedule costs less than, found in a twentieth of the time and much too low."""
        values = np.zeros(len(self.everybody), dtype=np.int64)

        def hope(part: Ints, own: Room) -> None:
            hope_people(grid.arrays, self.town, points, part, own)
            values[part] = own.value[part]

        self._shared(hope, self.everybody, seconds)
        return values

    def stop(self) -> None:
        """Break off what another thread asked for: it gets a TimeoutError, and so does whoever asks from now on."""
        self._stopped = True
        for own in self.rooms:
            own.used[STOPPED] = 1

    def _shared(self, work: Callable[[Ints, Room], Made], who: Ints, seconds: float | None) -> list[Made]:
        """What comes of the work for some of these people after others, on all threads. TimeoutError."""
        free: SimpleQueue[Room] = SimpleQueue()
        for own in self.rooms:
            own.used[:] = 0
            free.put(own)
        if self._stopped:  # not before: it may be while they are made ready
            raise TimeoutError

        def done(part: Ints) -> Made:
            own = free.get()
            try:
                return work(part, own)
            finally:
                free.put(own)

        share = max(1, min(SHARE, len(who) // (8 * len(self.rooms))))
        with ThreadPoolExecutor(len(self.rooms)) as pool:
            begun = [pool.submit(done, who[at : at + share].copy()) for at in range(0, len(who), share)]
            try:
                late = bool(wait(begun, seconds).not_done)
            finally:  # Ctrl-C ends it too
                for own in self.rooms:
                    own.used[STOPPED] = 1
                for one in begun:
                    one.cancel()
        if late or self._stopped:
            raise TimeoutError
        return [one.result() for one in begun]

    @property
    def untouched(self) -> int:
        """Stability and pins of a plan that keeps nothing, and what is unserved because nothing else is possible."""
        instance = self.instance
        kept = sum(cost.disturbance_points(instance, entry) for entry in instance.published)
        return kept + instance.weights.pin * len(instance.pinned) + self.tables.settled

    def schedule_of(self, v: int, assignments: Sequence[Assignment]) -> Schedule:
        """What this person does in a plan, as a schedule."""
        visits = []
        for a in sorted(assignments, key=lambda a: (a.start, a.end)):
            r = self.instance.request_index[a.request]
            visits.append((self.tables.job(self._interval(v, a), self.tables.row_of[r, a.seat]), a.start))
        return self.schedule(v, visits)

    def schedules_of(self, assignments: Sequence[Assignment]) -> list[Schedule]:
        """What each person does in a plan."""
        own: dict[int, list[Assignment]] = {}
        for a in assignments:
            own.setdefault(self.instance.volunteer_index[a.volunteer], []).append(a)
        return [self.schedule_of(v, work) for v, work in own.items()]

    def schedule(self, v: int, visits: Sequence[tuple[int, int]]) -> Schedule:
        """The schedule of these visits (job, seat start), in the order of their starts, and what it costs."""
        d, weights = self.tables.arrays, self.instance.weights
        own, minutes, last = 0, 0, -1
        for job, start in visits:
            if last >= 0 and d.interval[last] == d.interval[job]:
                leg = int(d.travel[d.mode[d.interval[job]], d.request[last], d.request[job]])
            else:
                leg = int(d.there[job]) + (int(d.back[last]) if last >= 0 else 0)
            own += int(d.fit[job]) - max(
                int(d.gain[p] - d.fall[p] * (start - d.first[p]))
                for p in range(d.pieces_from[job], d.pieces_to[job])
                if d.first[p] <= start <= d.last[p]
            )
            own, minutes, last = own + weights.travel * leg, minutes + leg + int(d.minutes[job]), job
        back = int(d.back[last]) if last >= 0 else 0
        own += weights.travel * back + cost.fairness_points(weights, self.tables.volunteers[v], minutes + back)
        return Schedule(v, own, tuple(visits))

    def _interval(self, v: int, a: Assignment) -> int:
        for i in self.tables.intervals_of(v):
            interval = self.tables.intervals[i][1]
            if interval.start <= a.start and a.end <= interval.end:
                return i
        raise AssertionError(f"{a} lies in no interval")

    def _schedules(self, grid: Grid, own: Room, points: Ints) -> list[Schedule]:
        found = []
        columns, visits = int(own.used[SOME_COLUMNS]), int(own.used[SOME_VISITS])
        jobs, starts = own.visit_job[:visits], own.visit_start[:visits]
        visited = list(zip(jobs.tolist(), starts.tolist(), strict=True))  # last first
        if len(grid.triples):  # what is collected does not say what was paid in tolls
            for v, _, begin, end in own.column[:, :columns].T.tolist():
                found.append(self.schedule(v, visited[begin:end][::-1]))
            return self._real(found)
        paid = points[grid.index(grid.arrays.row[jobs], starts)]
        collected = np.concatenate([[0], np.cumsum(paid)]).tolist()
        for v, value, begin, end in own.column[:, :columns].T.tolist():
            found.append(Schedule(v, value + collected[end] - collected[begin], tuple(visited[begin:end][::-1])))
        return self._real(found)

    def _real(self, schedules: list[Schedule]) -> list[Schedule]:
        """Those without a way of FAR or more between visits; others are not looked at where nobody has so long."""
        if not self._endless:
            return schedules
        d = self.tables.arrays
        real = []
        for schedule in schedules:
            trips = [(a, b) for (a, _), (b, _) in pairwise(schedule.visits) if d.interval[a] == d.interval[b]]
            if all(d.travel[d.mode[d.interval[a]], d.request[a], d.request[b]] < FAR for a, b in trips):
                real.append(schedule)
        return real


def _town(tables: Tables) -> Town:
    """Quarters around requests that are as far from each other as can be, each request in the nearest."""
    travel = tables.arrays.travel
    modes, requests = travel.shape[0], travel.shape[1]
    number = min(requests, max(QUARTERS[0], min(QUARTERS[1], requests // IN_QUARTER)))
    legs = np.zeros((modes, requests, requests), dtype=np.int16)
    nearest = np.full((modes, requests), FAR_OFF, dtype=np.int64)
    site, quarter = np.zeros((2, modes, requests), dtype=np.int64)
    apart = np.zeros((modes, number, number), dtype=np.int64)
    far = np.iinfo(np.int32).max
    for m in range(modes if requests else 0):
        away, near = np.full(requests, far, dtype=np.int64), np.zeros(requests, dtype=np.int64)
        middle = 0
        for q in range(number):
            around = travel[m, middle].astype(np.int64) + travel[m, :, middle]
            around[middle] = 0  # also where it ends far from where it begins
            near[around < away] = q
            away = np.minimum(away, around)
            middle = int(np.argmax(away))
        order = np.argsort(near, kind="stable")
        site[m, order], quarter[m] = np.arange(requests), near[order]
        least = np.full((number, requests), far, dtype=np.int64)
        for a, r in enumerate(order):
            way = travel[m, r, order]
            legs[m, a] = np.minimum(way, FAR)
            way[a] = far
            np.minimum(least[near[r]], way, out=least[near[r]])
        nearest[m, order] = np.where(least.min(axis=0) < far, least.min(axis=0), FAR_OFF)
        for q in range(number):
            apart[m, :, q] = least[:, quarter[m] == q].min(axis=1, initial=far)
    return Town(nearest, site, quarter, apart, legs, COPIED)
