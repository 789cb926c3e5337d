"""A dive: from the mixture of the linear program to a plan, by fixing the surest part and pricing everybody again.

First the starts of crews, which people share; then whole schedules. What is fixed leaves the program: its people, and
the seats they fill. Prices are found anew after each step, so that what is left makes the best of it; a step that costs
too much is taken back and tried smaller (diving with pricing and limited backtracking: Sadykov, Vanderbeck, Pessoa,
Tahiri and Uchoa 2019).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from matcher.engine.bound import Bound
from matcher.engine.grid import Choice, Grid
from matcher.engine.master import FORBIDDEN, Master, Solved
from matcher.engine.pricing import Schedule
from matcher.engine.tables import Ints, Tables
from matcher.plan import Assignment

SURE = 0.9
"""A share of this and more is fixed at once."""

ROUNDS = 5
"""So often are people priced again after each step, while that brings the program down."""

REACH = 1000.0
"""How far prices may move in one round."""

PATIENCE = 4
"""So many single steps are taken back before the cheapest of them is put up with."""

COLUMNS = 5_000
MOST_WHOLE = 10_000
"""So many of the schedules nearest to being worth it are chosen among in the end."""

NEAR_WORTH, NEAR_TRIPS = 300, 60
"""In the end schedules are made that are by so many points dearer than the best of their person, and so many trips of
each interval."""


@dataclass
class Fixed:
    """What a dive has fixed so far."""

    choices: dict[int, Choice]
    free: np.ndarray
    schedules: list[Schedule] = field(default_factory=list)
    filled: Counter[int] = field(default_factory=Counter)
    begun: dict[int, int] = field(default_factory=dict)

    def copy(self) -> Fixed:
        """The same, to go on from while this one stays."""
        return Fixed(dict(self.choices), self.free.copy(), list(self.schedules), Counter(self.filled), dict(self.begun))


@dataclass(frozen=True)
class Step:
    """A start of a crew, or a schedule, that could be fixed; `share` says how sure it is."""

    share: float
    r: int = -1
    start: int = 0
    number: int = -1


class Dive:
    """One dive from where a bound stands."""

    def __init__(self, bound: Bound, left: Callable[[], float], allowed: float = 6.0) -> None:
        self.bound, self.tables, self.pricer, self.pool, self._left = (
            bound, bound.tables, bound.pricer, bound.pool, left,
        )  # fmt: skip
        self.fixed = Fixed(dict(bound.grid.choices), np.ones(len(self.tables.volunteers), dtype=bool))
        self.allowed, self._points, self._grid = allowed, bound.points, bound.grid
        self._worth: np.ndarray | None = None
        self._takes = 0.0
        self._crew = np.array([len(self.tables.requests[row.r].seats) > 1 for row in self.tables.rows], dtype=bool)

    def run(self, enough: float = 0.5) -> list[Schedule]:
        """Fix all starts of crews and so much of the requests, or until the time is over; the schedules fixed."""
        points, batch = self.bound.points, 1
        if self.bound.solved is not None:
            points, self._grid = np.rint(self.bound.solved.prices).astype(np.int64), self.bound.solved_on
        solved = self._solve(self.fixed, points, None if self.bound.solved is None else self.bound.solved.worth)
        taboo: set[tuple[int, int, int]] = set()
        failed: list[tuple[float, Fixed, tuple[Solved, Ints, Ints, Grid]]] = []
        while solved is not None and self._left() > 0:
            program, columns, points, self._grid = solved
            self._points, self._worth = points, program.worth
            if not self._starts(program, columns) and self._share_filled() >= enough:
                break
            steps = [s for s in self._steps(program, columns) if (s.r, s.start, s.number) not in taboo]
            if not steps:
                if not failed:
                    break
                _, self.fixed, solved = min(failed, key=lambda one: one[0])
                failed, taboo = [], set()
                continue
            sure = sum(step.share >= SURE for step in steps)
            hurry = self._hurry(len(steps))
            taken = steps[: max(sure, batch, hurry)]
            tried = self.fixed.copy()
            number = self._fix(tried, taken)
            if not number:
                taboo.update((step.r, step.start, step.number) for step in taken)
                continue
            began = self._left()
            after = self._solve(tried, points, program.worth)
            self._takes = 0.5 * self._takes + 0.5 * (began - self._left())
            if after is None:
                break
            rise = after[0].points + sum(s.points for s in tried.schedules)
            rise -= program.points + sum(s.points for s in self.fixed.schedules)
            if rise <= self.allowed * (number + 3) or len(failed) >= PATIENCE or len(taken) <= hurry:
                if len(failed) >= PATIENCE:
                    failed.append((rise, tried, after))
                    _, tried, after = min(failed, key=lambda one: one[0])
                self.fixed, solved, failed, taboo = tried, after, [], set()
                batch = min(2 * batch, 16) if rise <= self.allowed else batch
            elif len(taken) > 1:
                batch = max(1, min(batch, len(taken)) // 4)
            else:
                taboo.add((taken[0].r, taken[0].start, taken[0].number))
                failed.append((rise, tried, after))
        return self.fixed.schedules

    def _hurry(self, steps: int) -> int:
        """How many must be fixed in a step for there to be time for all of them; about half of them fall away."""
        open_crews = len({row.r for n, row in enumerate(self.tables.rows) if self._crew[n]}) - len(self.fixed.begun)
        still = open_crews + 0.5 * steps
        return int(still * self._takes / max(0.1, self._left())) if self._takes else 1

    def finish(self, seconds: float, known: Iterable[Schedule] = ()) -> list[Schedule]:
        """The schedules fixed, and the best choice of whole ones for what is open, the `known` ones among them.

        Before it chooses, everything near to being worth it is made (as in Baldacci, Christofides and Mingozzi 2008,
        but for trips that others make superfluous).
        """
        began = self._left()
        solved = self._solve(self.fixed, self._points, self._worth)
        if solved is None:
            return self.fixed.schedules
        points, grid = (
            (self.bound.points, self.bound.grid) if not self.fixed.schedules and not self.fixed.begun else solved[2:]
        )
        known = list(known)
        self.pool.take(known)
        people = np.nonzero(self.fixed.free)[0].astype(np.int64)
        worth = self.pricer.priced(grid, points, self.bound.nothing, self._limits(grid, self.fixed, points), people)
        near = worth.values + NEAR_WORTH
        self.pool.take(self.pricer.priced(grid, points, near, near, people, most=NEAR_TRIPS).schedules)
        dearer = self.pool.values(grid, points) - worth.values[self.pool.v]
        dearer[~self.fixed.free[self.pool.v]] = FORBIDDEN
        order = np.argsort(dearer, kind="stable")[:MOST_WHOLE]
        master = Master(grid, self.pricer, self.fixed.filled)
        master.add(self.pool, order[dearer[order] < FORBIDDEN // 2].tolist())
        mine = [n for n in self.pool.take(known) if dearer[n] < FORBIDDEN // 2]
        master.add(self.pool, mine)
        chosen = master.whole(seconds - max(0.0, began - self._left()), self.pool, mine)
        return [*self.fixed.schedules, *(self.pool.schedules[n] for n in chosen or ())]

    def _share_filled(self) -> float:
        filled = sum(min(n, len(self.tables.rows[row].seats)) for row, n in self.fixed.filled.items())
        return filled / max(1, sum(len(row.seats) for row in self.tables.rows))

    def _solve(self, fixed: Fixed, points: Ints, worth: np.ndarray | None) -> tuple[Solved, Ints, Ints, Grid] | None:
        """The program of what is open, its people priced again a few times: it, its columns, its prices and grid."""
        closed = [n for n, filled in fixed.filled.items() if filled >= len(self.tables.rows[n].seats)]
        grid = Grid(self.tables, self.bound.grid.cuts, fixed.choices, closed)
        points = self._grid.moved(points, grid)
        self._grid = grid
        master = self._master(grid, fixed, points, worth)
        nothing = np.zeros(len(fixed.free), dtype=np.int64)
        people = np.nonzero(fixed.free)[0].astype(np.int64)
        solved: Solved | None = None
        for n in range(ROUNDS):
            found = master.solve(points - REACH, points + REACH, None)
            if found is None:
                break
            before, solved = solved, found
            points = np.rint(found.prices).astype(np.int64)
            if (
                n == ROUNDS - 1
                or self._left() <= 0
                or (before is not None and before.points - found.points < self.allowed)
            ):
                break
            beat = np.minimum(nothing, np.rint(found.worth).astype(np.int64))
            found_too = self.pool.take(
                self.pricer.priced(grid, points, beat, self._limits(grid, fixed, points), people).schedules
            )
            if not master.add(self.pool, found_too):
                break
        return None if solved is None else (solved, np.array(master.columns, dtype=np.int64), points, grid)

    def _limits(self, grid: Grid, fixed: Fixed, points: Ints) -> Ints:
        """By person the least value of a schedule that is known; of one in which no seat is filled already."""
        limits = np.zeros(len(fixed.free), dtype=np.int64)
        values = self.pool.values(grid, points)
        column, row, _ = self.pool.visits
        closed = np.zeros(len(self.tables.rows), dtype=bool)
        closed[list(grid.closed)] = True
        values[column[closed[row]]] = FORBIDDEN
        np.minimum.at(limits, self.pool.v, values)
        return limits

    def _master(self, grid: Grid, fixed: Fixed, points: Ints, worth: np.ndarray | None) -> Master:
        """The schedules of free people that are nearest to being worth it."""
        master = Master(grid, self.pricer, fixed.filled)
        values = self.pool.values(grid, points)
        values[~fixed.free[self.pool.v]] = FORBIDDEN
        if worth is None:
            worth = np.zeros(len(fixed.free))
            np.minimum.at(worth, self.pool.v, values.astype(np.float64))
        dearer = values - worth[self.pool.v]
        order = np.argsort(dearer, kind="stable")[:COLUMNS]
        master.add(self.pool, order[values[order] < FORBIDDEN // 2].tolist())
        return master

    def _steps(self, solved: Solved, columns: Ints) -> list[Step]:
        """What could be fixed next, the surest first: starts of crews while any is open."""
        return self._starts(solved, columns) or self._schedules(solved, columns)

    def _starts(self, solved: Solved, columns: Ints) -> list[Step]:
        column, row, start = self.pool.visits
        share = np.zeros(len(self.pool.schedules))
        share[columns[: len(solved.share)]] = solved.share
        used = (share[column] > 1e-6) & self._crew[row]
        starts: dict[int, list[tuple[int, float]]] = defaultdict(list)
        for c, n, s in zip(column[used].tolist(), row[used].tolist(), start[used].tolist(), strict=True):
            r = self.tables.rows[n].r
            if r not in self.fixed.begun:
                starts[r].append((s - self._grid.lows[n], float(share[c])))
        steps = []
        for r, found in starts.items():
            seats = len(self.tables.requests[r].required_seats)
            for at in self._common(r, found):
                near = sum(x for s, x in found if abs(s - at) <= 5)
                steps.append(Step(near / seats, r=r, start=at))
        steps.sort(key=lambda step: (-step.share, step.r, step.start))
        return steps

    def _common(self, r: int, found: list[tuple[int, float]]) -> list[int]:
        """Starts that suit many: by which half, or nearly all, of the mixture's crew would be there."""
        whole, so_far, starts = sum(x for _, x in found), 0.0, []
        marks = [0.5 * whole, 0.95 * whole]
        for s, x in sorted(found):
            so_far += x
            while marks and so_far >= marks[0] - 1e-9:
                marks.pop(0)
                starts.append(self._allowed(r, s))
        return list(dict.fromkeys(starts))

    def _allowed(self, r: int, at: int) -> int:
        spans = self._grid.choice(r).spans
        for a, b in spans:
            if at <= b:
                return max(a, at)
        return spans[-1][1]

    def _schedules(self, solved: Solved, columns: Ints) -> list[Step]:
        order = np.argsort(-solved.share, kind="stable")
        return [Step(float(solved.share[n]), number=int(columns[n])) for n in order.tolist() if solved.share[n] > 1e-6]

    def _fix(self, fixed: Fixed, steps: Iterable[Step]) -> int:
        """Fix what goes together; how many."""
        number = 0
        for step in steps:
            if step.r >= 0:
                if step.r not in fixed.begun:
                    fixed.begun[step.r] = step.start
                    fixed.choices[step.r] = Choice(((step.start, step.start),))
                    number += 1
                continue
            schedule = self.pool.schedules[step.number]
            rows = Counter(int(self.tables.arrays.row[job]) for job, _ in schedule.visits)
            requests = Counter(self.tables.rows[row].r for row in rows.elements())
            if fixed.free[schedule.v] and max(requests.values()) == 1:
                fixed.schedules.append(schedule)
                fixed.free[schedule.v] = False
                fixed.filled.update(rows)
                number += 1
        return number


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
