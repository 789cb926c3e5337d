"""From schedules that are near to being worth it to a whole plan: the choice among them is an integer program.

People of a crew must agree about a start, which prices of whole ranges of starts cannot make them do. So before whole
schedules are chosen, each crew is held to the start it has in the best plan so far, and people are priced again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from matcher.engine.bound import Bound
from matcher.engine.grid import NO_TRIPLES, Choice, Grid
from matcher.engine.master import FORBIDDEN, Master, Solved
from matcher.engine.pricing import Schedule
from matcher.engine.regions import Regions
from matcher.engine.tables import Ints, Tables
from matcher.plan import Assignment

DECIDED, SURE = 2, 0.6
"""While crews have several starts one in so many is held at a time, and all that have one start with such a share."""

USED = 0.05
"""A start is used in a mixture by so large a share of a schedule."""

REACH = 100.0
"""How far prices may move in the first round after starts were held."""

ENOUGH = 5e-4
"""Prices under held starts that promise less than this share are good enough."""

MANY_ROWS = 1_500
"""With more rows of seats whole schedules are chosen region by region, and without triples."""

ROUGHLY = 200_000
"""With more jobs than this schedules under held starts are never looked for to the point."""

FEW_WHOLE, MOST_WHOLE = 3_000, 10_000
"""So many of the schedules nearest to being worth it are chosen among in one program, the first time and at most."""

WHOLE_GAP = 0.004
"""How near to the best choice it need come, the first time, as a share of what can still be different."""

NEAR_WORTH, NEAR_TRIPS = 300, 60
"""Schedules are made that are by so many points dearer than the best of their person, and so many trips of each
interval."""


class Selection:
    """Whole plans made of what a bound's prices brought up, beginning from one that is known."""

    def __init__(self, bound: Bound, assignments: Sequence[Assignment], left: Callable[[], float]) -> None:
        self.bound, self.tables, self.pricer, self.pool = bound, bound.tables, bound.pricer, bound.pool
        self._left, self._grid, self._points = left, bound.grid, bound.points
        self._known = self.pool.take(self.pricer.schedules_of(assignments))
        self._many = len(self.tables.arrays.row) > ROUGHLY
        self._begun = {self.tables.instance.request_index[a.request]: a.start for a in assignments if a.seat == 0}

    def hold(self, most: int = 1) -> None:
        """Hold crews to the starts they have; people are priced again. A crew without a start is not sent.

        With `most` a crew may begin at so many times at first: its own, if any, and those of its people in the bound's
        last mixture. What the mixture of those is surest about is held first, and people are priced again each time.
        """
        crews = [r for r in self.tables.open if len(self.tables.requests[r].seats) > 1]
        if not crews:
            return
        used = self._starts_used() if most > 1 else {}
        starts = {}
        for r in crews:
            known = [self._begun[r]] if r in self._begun else []
            starts[r] = [*known, *(at for at in used.get(r, ()) if at not in known)][:most]
        solved = self._held_to(starts)
        while any(len(at) > 1 for at in starts.values()):
            self._decide(starts, solved)
            solved = self._held_to(starts)

    def _held_to(self, starts: Mapping[int, Sequence[int]]) -> Solved | None:
        """Hold crews to these starts, and price people again; how that came out, None when time is over."""
        choices = {r: Choice(tuple((start, start) for start in sorted(at))) for r, at in starts.items()}
        grid = Grid(self.tables, {r: sorted(at) for r, at in starts.items()}, choices, self._grid.triples)
        self._grid, self._points = grid, self._grid.moved(self._points, grid)
        decided = all(len(at) <= 1 for at in starts.values())
        held = None
        try:
            held = Bound(self.pricer, (), self.pool, grid, self._points, self._left(), rough=1, reach=REACH)
            while self._left() > 0:
                if held.settled:
                    if not decided or (self._many and held.rough == 2):
                        break
                    held.less_roughly(self._left())
                    continue
                near = not held.rough and held.promised <= ENOUGH * abs(held.proven)
                if (near or held.done) and not self._tightened(held):
                    break
                held.step(self._left())
        except TimeoutError:
            pass
        if held is not None:
            self._grid, self._points = held.grid, held.points
        return None if held is None else held.solved

    def _decide(self, starts: dict[int, list[int]], solved: Solved | None) -> None:
        """Hold the crews about whose start the mixture is surest; without one all, to the starts they have."""
        if solved is None or self._left() <= 0:
            starts.update({r: known[:1] for r, known in starts.items()})
            return
        at, sure = 0, list[tuple[float, int, int]]()
        for r in self.tables.open:
            number = len(self._grid.buckets[r])
            share = solved.served[at : at + number]
            at += number
            if len(starts.get(r, ())) > 1:
                k = int(np.argmax(share))
                sure.append((-float(share[k]), r, sorted(starts[r])[k] if share[k] > USED else starts[r][0]))
        sure.sort()
        for n, (less, r, start) in enumerate(sure):
            if n * DECIDED < len(sure) or -less >= SURE:
                starts[r] = [start]

    def _starts_used(self) -> dict[int, list[int]]:
        """By crew the starts its people have in the bound's last mixture, most of them first."""
        solved, used = self.bound.solved, dict[int, Counter[int]]()
        if solved is None:
            return {}
        column, row, start = self.pool.visits
        share = np.zeros(len(self.pool.schedules))
        share[solved.columns] = solved.share
        for n in np.nonzero(share[column] > USED)[0].tolist():
            r = self.tables.rows[row[n]].r
            at = int(start[n]) - self._grid.lows[row[n]]
            if len(self.tables.requests[r].seats) > 1 and any(a <= at <= b for a, b in self.tables.starts[r]):
                used.setdefault(r, Counter())[at] += share[column[n]]
        return {r: [at for at, _ in starts.most_common()] for r, starts in used.items()}

    def prepare(self, times: int) -> Callable[[], list[Schedule]]:
        """What then makes the best choice of schedules, more thorough the more `times` it was asked for before.

        Before it chooses, everything near to being worth it is made (as in Baldacci, Christofides and Mingozzi 2008,
        but for trips that others make superfluous).
        """
        dearer = self._near()
        order = np.argsort(dearer, kind="stable")[: min(MOST_WHOLE, FEW_WHOLE << times)]
        master = Master(self._grid, self.pricer)
        known = self._allowed(self._known)
        master.add(self.pool, [*known, *order[dearer[order] <= NEAR_WORTH].tolist()])
        open_points = 1.0 - self.tables.settled / max(1, self.bound.proven)
        master.ask_for_whole(self.pool, known, WHOLE_GAP / (1 << times) * max(0.0, open_points))

        def whole() -> list[Schedule]:
            chosen = master.whole(self._left)
            return [self.pool.schedules[n] for n in (self._known if chosen is None else chosen)]

        return whole

    def by_regions(self, threads: int, seed: int) -> list[Schedule]:
        """The known plan made cheaper region by region. Crews must be held."""
        dearer, grid = self._near(), self._grid.with_triples(NO_TRIPLES)
        regions = Regions(grid, self.pricer, self.pool, self._points, dearer, NEAR_WORTH, self._known, seed)
        regions.run(self._left, threads)
        return [self.pool.schedules[n] for n in regions.doing.values()]

    def _allowed(self, numbers: Sequence[int]) -> list[int]:
        """Those of the schedules that keep to the starts crews are held to."""
        values = self.pool.values(self._grid, self._points)
        return [n for n in numbers if values[n] < FORBIDDEN // 2]

    def _tightened(self, held: Bound) -> bool:
        """Whether triples were taken in, or may be soon."""
        return len(self.tables.rows) <= MANY_ROWS and held.tighten(self._left()) != 0

    def _near(self) -> Ints:
        """Make every schedule that is near to being worth it; by how much each of the pool is dearer than the best."""
        limits, rough = self._limits(), 2 if self._many else 0
        worth = self.pricer.priced(self._grid, self._points, self.bound.nothing, limits, rough=rough).values
        near = worth + NEAR_WORTH
        found = self.pricer.priced(self._grid, self._points, near, near, most=NEAR_TRIPS, rough=rough)
        self.pool.take(found.schedules)
        dearer: Ints = self.pool.values(self._grid, self._points) - worth[self.pool.v]
        return dearer

    def _limits(self) -> Ints:
        """By person the least value of a schedule that is known."""
        limits = self.bound.nothing.copy()
        np.minimum.at(limits, self.pool.v, self.pool.values(self._grid, self._points))
        return limits


def assigned(tables: Tables, schedules: Iterable[Schedule]) -> list[Assignment]:
    """Schedules as a plan has them; like seats are taken in order. It may hold crews that are not whole."""
    found = []
    taken: Counter[int] = Counter()
    for schedule in schedules:
        for job, start in schedule.visits:
            n = int(tables.arrays.row[job])
            row = tables.rows[n]
            if taken[n] >= len(row.seats):
                continue
            k = row.seats[taken[n]]
            taken[n] += 1
            request = tables.requests[row.r]
            person = tables.volunteers[schedule.v].id
            found.append(Assignment(request.id, k, person, start, start + request.seat_minutes(k)))
    return sorted(found)
