"""A dive: from the mixture of the linear program to a plan, by fixing the surest part and pricing everybody again.

First the starts of crews, which people share; then whole schedules. What is fixed leaves the program: its people, and
the seats they fill. Prices are found anew after each step, so that what is left makes the best of it (Sadykov,
Vanderbeck, Pessoa, Tahiri and Uchoa 2019 on diving with pricing; without their limited discrepancy).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable

import numpy as np

from matcher.engine.bound import Bound
from matcher.engine.grid import Choice, Grid
from matcher.engine.master import FORBIDDEN, Master, Solved
from matcher.engine.pricing import Schedule
from matcher.engine.tables import Ints, Tables
from matcher.plan import Assignment

SURE = 0.9
"""A share of this and more is fixed at once; where there is none, the largest."""

ROUNDS = 12
"""So often are people priced again after each step, while that brings new schedules."""

REACH = 30000.0
"""How far prices may move in one round."""

BATCH = 0.1
"""So large a part of the starts of crews that are open is fixed in a step, at least."""


class Dive:
    """One dive from where a bound stands; `plan` is what it came to."""

    def __init__(self, bound: Bound, late: Callable[[], bool]) -> None:
        self.bound, self.tables, self.pricer, self.pool, self._late = bound, bound.tables, bound.pricer, bound.pool, late
        self.choices: dict[int, Choice] = dict(bound.grid.choices)
        self.grid, self.points = bound.grid, bound.points.copy()
        self.fixed: list[Schedule] = []
        self._last = 1e9
        self.free = np.ones(len(self.tables.volunteers), dtype=bool)
        self._filled: Counter[int] = Counter()  # seats by row
        self._team = np.array([len(self.tables.requests[row.r].seats) > 1 for row in self.tables.rows], dtype=bool)
        self._begun: dict[int, int] = {}  # starts of crews that are fixed

    def run(self) -> list[Schedule]:
        """Fix until nothing is open or the time is over; the schedules fixed."""
        while not self._late():
            solved, columns = self._solve()
            if solved is None:
                break
            if not self._fix_starts(solved, columns) and not self._fix_schedules(solved, columns):
                break
        return self.fixed

    def _solve(self) -> tuple[Solved | None, Ints]:
        """The program of what is open, its people priced again a few times."""
        master = self._master()
        nothing = np.zeros(len(self.free), dtype=np.int64)
        people = np.nonzero(self.free)[0].astype(np.int64)
        solved = None
        for n in range(ROUNDS):
            found = master.solve(self.points * 0 - REACH, self.points * 0 + REACH, None)
            if found is None:
                break
            before, solved = solved, found
            if before is not None and before.points - found.points < 0.0005 * abs(found.points) and found.points + sum(s.points for s in self.fixed) < self._last * 1.01 + 200:
                break
            if n == ROUNDS - 1 or self._late():
                break
            self.points = np.rint(found.prices).astype(np.int64)
            worth = np.minimum(nothing, np.rint(found.worth).astype(np.int64))
            priced = self.pricer.priced(self.grid, self.points, worth, None, people)
            new = self.pool.take(priced.schedules)
            if not new:
                break
            master.add(self.pool, new)
        self._last = solved.points + sum(s.points for s in self.fixed) if solved else 0.0
        return solved, np.array(master.columns, dtype=np.int64)

    def _master(self) -> Master:
        """The schedules of free people that are nearest to being worth it."""
        master = Master(self.grid, self.pricer, self._filled)
        values = self.pool.values(self.grid, self.points)
        values[~self.free[self.pool.v]] = FORBIDDEN
        best = np.zeros(len(self.free), dtype=np.int64)
        np.minimum.at(best, self.pool.v, values)
        dearer = values - best[self.pool.v]
        order = np.argsort(dearer, kind="stable")[:6000]
        master.add(self.pool, order[values[order] < FORBIDDEN // 2].tolist())
        return master

    def _fix_starts(self, solved: Solved, columns: Ints) -> int:
        """Fix the starts of the surest crews; how many."""
        column, row, start = self.pool.visits
        share = np.zeros(len(self.pool.schedules))
        share[columns[: len(solved.share)]] = solved.share
        used = (share[column] > 1e-6) & self._team[row]
        starts: dict[int, list[tuple[int, float]]] = defaultdict(list)
        for c, n, s in zip(column[used].tolist(), row[used].tolist(), start[used].tolist(), strict=True):
            r = self.tables.rows[n].r
            if r not in self._begun:
                starts[r].append((s - self.grid.lows[n], float(share[c])))
        if not starts:
            return 0
        seats = {r: sum(not seat.optional for seat in self.tables.requests[r].seats) for r in starts}
        ranked = []
        for r, found in starts.items():
            by_start: Counter[int] = Counter()
            for s, x in found:
                by_start[s] += x
            at = self._common(r, found)
            near = sum(x for s, x in by_start.items() if abs(s - at) <= 5)
            ranked.append((near / seats[r], r, at))
        ranked.sort(reverse=True)
        sure = [one for one in ranked if one[0] >= SURE]
        chosen = sure or ranked[: max(1, int(BATCH * len(ranked)))]
        for _, r, at in chosen:
            self._begun[r] = at
            self.choices[r] = Choice(((at, at),))
        self._regrid()
        return len(chosen)

    def _common(self, r: int, found: list[tuple[int, float]]) -> int:
        """A start that suits most: at least half of the weight could come by then; moved into the allowed starts."""
        half, so_far, at = sum(x for _, x in found) * 0.5, 0.0, found[0][0]
        for s, x in sorted(found):
            so_far += x
            at = s
            if so_far >= half:
                break
        spans = self.grid.choice(r).spans
        for a, b in spans:
            if at <= b:
                return max(a, at)
        return spans[-1][1]

    def _fix_schedules(self, solved: Solved, columns: Ints) -> int:
        """Fix the surest schedules; how many."""
        share = solved.share
        order = np.argsort(-share, kind="stable")
        chosen: list[int] = []
        for n in order.tolist():
            if share[n] <= 1e-6 or (share[n] < SURE and chosen):
                break
            schedule = self.pool.schedules[int(columns[n])]
            rows = Counter(int(self.tables.arrays.row[job]) for job, _ in schedule.visits)
            room = all(self._filled[row] + times <= len(self.tables.rows[row].seats) for row, times in rows.items())
            requests = Counter(self.tables.rows[row].r for row in rows.elements())
            if not self.free[schedule.v] or not room or max(requests.values()) > 1:
                self.free[schedule.v] &= max(requests.values()) == 1
                continue
            chosen.append(n)
            self.fixed.append(schedule)
            self.free[schedule.v] = False
            self._filled.update(rows)
        if chosen:
            self._regrid()
        return len(chosen)

    def _regrid(self) -> None:
        closed = [n for n, filled in self._filled.items() if filled >= len(self.tables.rows[n].seats)]
        grid = Grid(self.tables, self.grid.cuts, self.choices, closed)
        self.points, self.grid = self.grid.moved(self.points, grid), grid


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


__all__ = ["Dive", "assigned"]
