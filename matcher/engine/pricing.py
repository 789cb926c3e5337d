"""What every person would gain at given seat prices: the half of the bound that hangs on people.

A row is a seat of a request, or several seats that ask for the same; a row has one price, at every start. Lateness
is handed on: who fills seat 0 collects the price less what the request's start costs by being late, so that the
request comes to the same at every start. At such prices `priced` bounds every plan from below, in whole points.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from matcher import cost
from matcher.engine.labels import Room, price_people, room
from matcher.engine.tables import Ints, Tables, plain_pieces
from matcher.instance import Instance
from matcher.plan import Assignment
from matcher.proof import Leaf, Price

NEIGHBOURS = 20_000
"""Everything that fits into the memory is remembered: on 450 x 700 that proves more, and sooner, than 12 or 32."""
LARGEST_TABLE = 40_000_000
"""So many journeys, requests squared times modes, are held at once; a larger instance gets no bound yet."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """What one person could do: visits as (row, interval, seat start), and its cost, lateness of its seats 0 within."""

    v: int
    points: int
    visits: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Priced:
    """The bound at these prices, each person's part in it (0 or less), and schedules worth trying."""

    bound: int
    values: Ints
    schedules: list[Schedule]
    relaxed: int
    """People for whom less was remembered than asked for."""


def too_large(instance: Instance) -> bool:
    """Whether the journeys between all requests would fill the memory."""
    return len(instance.requests) ** 2 * 4 > LARGEST_TABLE


class Pricer:
    """The instance for the kernel, made once; `priced` may be asked again and again."""

    def __init__(self, tables: Tables, threads: int = 1) -> None:
        self.tables, self.instance = tables, tables.instance
        self.open, self.rows, self.row_of, self.arrays = tables.open, tables.rows, tables.row_of, tables.arrays
        self._steepest = self._slopes()
        people = len(tables.volunteers)
        self._cuts = [round(n * people / threads) for n in range(threads + 1)]
        self._rooms = [room(people) for _ in range(threads)]

    def priced(self, points: Ints, worth: Ints, near: int = NEIGHBOURS, seconds: float | None = None) -> Priced:
        """The bound at these prices of rows; schedules of less than `worth` of their person come along.

        TimeoutError after so many seconds.
        """
        work = list(zip(self._rooms, self._cuts, self._cuts[1:], strict=False))

        def price(part: tuple[Room, int, int]) -> None:
            own, begin, end = part
            price_people(self.arrays, self._steepest, points, worth, near, begin, end, own)

        for own in self._rooms:
            own.used[2] = 0
        with ThreadPoolExecutor(len(work)) as pool:
            pricing = [pool.submit(price, part) for part in work]
            try:
                late = bool(wait(pricing, seconds).not_done)
            finally:  # Ctrl-C ends it too
                for own in self._rooms:
                    own.used[2] = 1
        for one in pricing:
            one.result()
        if late:
            raise TimeoutError
        values = np.concatenate([own.value[begin:end] for own, begin, end in work])
        relaxed = sum(int((own.level[begin:end] > 0).sum()) for own, begin, end in work)
        schedules = [schedule for own, _, _ in work for schedule in self._schedules(own, points)]
        return Priced(self.untouched + self._least(points) + int(values.sum()), values, schedules, relaxed)

    @cached_property
    def untouched(self) -> int:
        """Stability and pins of a plan that keeps nothing, and what is unserved because nothing else is possible."""
        instance = self.instance
        kept = sum(cost.disturbance_points(instance, entry) for entry in instance.published)
        closed = set(range(len(self.tables.requests))) - set(self.open)
        return kept + instance.weights.pin * len(instance.pinned) + sum(self.tables.price[r] for r in closed)

    def leaf(self, points: Ints) -> Leaf:
        """These prices as a proof file has them."""
        prices = []
        for row, n in zip(self.rows, points.tolist(), strict=True):
            for k in row.seats:
                for piece in plain_pieces(self.tables, row.r, k):
                    id = self.tables.requests[row.r].id
                    if not piece.fall:
                        prices.append(Price(id, k, piece.first, piece.last, n + piece.gain))
                        continue
                    for start in range(piece.first, piece.last + 1):
                        late = piece.gain - piece.fall * (start - piece.first)
                        prices.append(Price(id, k, start, start, n + late))
        return Leaf(tuple(price for price in prices if price.points))

    def schedule_of(self, v: int, assignments: Sequence[Assignment]) -> Schedule:
        """What this person does in a plan, as a schedule."""
        visits, own, loads = [], 0, 0
        by_interval: dict[int, list[Assignment]] = defaultdict(list)
        for a in assignments:
            by_interval[self._interval(v, a)].append(a)
        for i, trip in by_interval.items():
            here, mode = self.tables.origin[i], self.tables.mode[i]
            home = here
            for a in sorted(trip, key=lambda a: (a.start, a.end)):
                r = self.instance.request_index[a.request]
                request = self.tables.requests[r]
                visits.append((self.row_of[r, a.seat], i, a.start))
                leg = self.instance.travel.minutes(here, request.at, mode)
                own += self.instance.weights.travel * leg + self._fit(r, v) - self._saved(a)
                own += cost.late_points(self.instance, request, a.start) if a.seat == 0 else 0
                loads += leg + a.end - a.start
                here = request.leaves_from
            leg = self.instance.travel.minutes(here, home, mode)
            own += self.instance.weights.travel * leg
            loads += leg
        own += cost.fairness_points(self.instance.weights, self.tables.volunteers[v], loads)
        return Schedule(v, own, tuple(visits))

    def assignments(self, schedule: Schedule) -> list[Assignment]:
        """The schedule as a plan has it; of like seats the first."""
        found = []
        for n, _, start in schedule.visits:
            row = self.rows[n]
            request, k = self.tables.requests[row.r], row.seats[0]
            person = self.tables.volunteers[schedule.v].id
            found.append(Assignment(request.id, k, person, start, start + request.seat_minutes(k)))
        return found

    def _interval(self, v: int, a: Assignment) -> int:
        for i in self.tables.intervals_of(v):
            interval = self.tables.intervals[i][1]
            if interval.start <= a.start and a.end <= interval.end:
                return i
        raise AssertionError(f"{a} lies in no interval")

    def _fit(self, r: int, v: int) -> int:
        request, person = self.tables.requests[r], self.tables.volunteers[v]
        return cost.continuity_points(self.instance.weights, request, person) + cost.affinity_points(request, person)

    def _saved(self, a: Assignment) -> int:
        entry = self.instance.published_of.get((a.request, a.volunteer))
        pin = self.instance.pin_of.get((a.request, a.volunteer))
        saved = cost.disturbance_points(self.instance, entry) if entry and cost.keeps_published(a, entry) else 0
        return saved + (self.instance.weights.pin if pin and cost.keeps_pin(a, pin) else 0)

    def _least(self, points: Ints) -> int:
        """Every open request at its cheapest: unserved, or served; by these prices it is the same at every start."""
        served: dict[int, int] = dict.fromkeys(self.open, 0)
        for row, price in zip(self.rows, points.tolist(), strict=True):
            paid = min(price, self.instance.weights.optional_seat) if row.optional else price
            served[row.r] += paid * len(row.seats)
        return sum(min(self.tables.price[r], points_served) for r, points_served in served.items())

    def _schedules(self, own: Room, points: Ints) -> list[Schedule]:
        found = []
        columns, visits = int(own.used[0]), int(own.used[1])
        jobs, starts = own.visit_job[:visits], own.visit_start[:visits].tolist()
        rows, intervals = self.arrays.row[jobs], self.arrays.interval[jobs].tolist()
        collected = np.concatenate([[0], np.cumsum(points[rows])]).tolist()
        names = rows.tolist()
        for v, value, begin, end in own.column[:, :columns].T.tolist():
            seen = tuple(zip(names[begin:end], intervals[begin:end], starts[begin:end], strict=True))
            found.append(Schedule(v, value + collected[end] - collected[begin], seen))
        return found

    def _slopes(self) -> Ints:
        """The most another minute can cost each person, however full their calendar."""
        return np.array([self._slope(v) for v in range(len(self.tables.volunteers))], dtype=np.int64)

    def _slope(self, v: int) -> int:
        """The most another minute can cost this person, however full their calendar."""
        person, weights = self.tables.volunteers[v], self.instance.weights
        whole = person.history_minutes + sum(i.end - i.start for i in person.availability)
        steps = (person.target_minutes, person.target_minutes * 3 // 2, person.target_minutes * 2)
        return sum(slope for slope, above in zip(weights.fairness, steps, strict=True) if whole > above)
