"""Good prices: the linear program over everybody's schedules, its columns priced in turns, its duals steadied.

What it says is never believed: prices are rounded to whole points and `Pricer.priced` bounds every plan at those.
Steadied as by Wentges (1997): prices are asked for between the best so far and what the program says now. The best
plan made of the columns alone is then one more program, in whole numbers.
"""

from __future__ import annotations

import math
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from ortools.linear_solver import pywraplp
from ortools.sat.python import cp_model

from matcher.engine.pricing import Pricer, Schedule
from matcher.engine.tables import Ints
from matcher.exact import solve_aside
from matcher.plan import Assignment
from matcher.proof import Leaf

Floats = np.ndarray

REACH = 100.0
"""How far, in points, the first prices may be moved in one round; later as far as has proved right."""

CLOSE_ENOUGH = 1e-4
"""The program and the bound this near to each other: the prices are as good as they get."""

MOST_IDLE = 6
"""After so many rounds in a row that promised no more than that, it is enough."""

ACTIVE_COLUMNS = 5_000
"""About so many schedules are in the linear program at once, those nearest to being worth it."""

MOST_COLUMNS = 8_000
"""So many of the nearest to being worth it go into the program of whole numbers."""


class Master:
    """The linear program. Its rows tie schedules to seats, its columns come from `Pricer`.

    Beside the schedules each row can be filled or relieved at its `low` and `high` price, so that prices stay between.
    """

    def __init__(self, pricer: Pricer) -> None:
        self.pricer = pricer
        self._solver = pywraplp.Solver.CreateSolver("GLOP")
        self._objective = self._solver.Objective()
        self._objective.SetMinimization()
        self._objective.SetOffset(pricer.untouched)
        # Filled seats and, while the request is unserved, all of them: as many as there are.
        self._seats = [self._solver.Constraint(float(len(row.seats)), float(len(row.seats))) for row in pricer.rows]
        self._people: dict[int, pywraplp.Constraint] = {}
        unserved = {r: self._column(pricer.tables.price[r], 1.0) for r in pricer.open}
        for row, seats in zip(pricer.rows, self._seats, strict=True):
            seats.SetCoefficient(unserved[row.r], len(row.seats))
            if row.optional:
                seats.SetCoefficient(self._column(pricer.instance.weights.optional_seat), 1.0)
        self._filled = [self._column(0.0) for _ in pricer.rows]
        self._relieved = [self._column(0.0) for _ in pricer.rows]
        for seats, filled, relieved in zip(self._seats, self._filled, self._relieved, strict=True):
            seats.SetCoefficient(filled, 1.0)
            seats.SetCoefficient(relieved, -1.0)

    def add(self, schedule: Schedule) -> None:
        """One more column."""
        if schedule.v not in self._people:
            self._people[schedule.v] = self._solver.Constraint(-math.inf, 1.0)
        column = self._column(schedule.points)
        self._people[schedule.v].SetCoefficient(column, 1.0)
        for row, times in Counter(row for row, _, _ in schedule.visits).items():
            self._seats[row].SetCoefficient(column, times)

    def solve(self, low: Floats, high: Floats, seconds: float | None) -> tuple[float, Floats, Floats] | None:
        """The least points of a mixture of schedules, the price of each row and the worth of each person."""
        for filled, relieved, a, b in zip(self._filled, self._relieved, low.tolist(), high.tolist(), strict=True):
            self._objective.SetCoefficient(filled, b)
            self._objective.SetCoefficient(relieved, -a)
        if seconds is not None:
            self._solver.SetTimeLimit(max(1, int(seconds * 1000)))
        if self._solver.Solve() != pywraplp.Solver.OPTIMAL:
            return None
        prices = np.array([seats.dual_value() for seats in self._seats], dtype=np.float64)
        worth = np.zeros(len(self.pricer.tables.volunteers))
        for v, person in self._people.items():
            worth[v] = person.dual_value()
        return float(self._objective.Value()), prices, worth

    def _column(self, points: float, most: float = math.inf) -> pywraplp.Variable:
        column = self._solver.NumVar(0.0, most, "")
        self._objective.SetCoefficient(column, points)
        return column


class Bound:
    """The best proven bound so far and the prices that prove it; each `step` is a round of prices and schedules."""

    def __init__(self, pricer: Pricer, assignments: Sequence[Assignment], seconds: float | None = None) -> None:
        self.pricer = pricer
        self.master = Master(pricer)
        self.columns = 0
        self.schedules: list[Schedule] = []
        self._known: set[tuple[int, int, tuple[int, ...]]] = set()
        self._nothing = np.zeros(len(pricer.tables.volunteers), dtype=np.int64)
        self.learn(assignments)
        self.points = self._first_prices(assignments)
        self.priced = pricer.priced(self.points, self._nothing, seconds=seconds)
        self._take(self.priced.schedules)
        self.done = False
        self._idle = 0
        self._reach = np.maximum(REACH, 0.5 * np.abs(self.points))

    @property
    def proven(self) -> int:
        """The bound."""
        return self.priced.bound

    def learn(self, assignments: Sequence[Assignment]) -> None:
        """Take in what the people of a plan do."""
        self._take(self._schedules_of(assignments))

    def step(self, seconds: float | None = None) -> None:
        """Solve the program, price everybody at its prices, and keep what proves more; TimeoutError when time is up."""
        began = time.perf_counter()
        low, high = self.points - self._reach, self.points + self._reach
        if self.columns > 2 * ACTIVE_COLUMNS:
            self._renew()
        solved = self.master.solve(low, high, seconds)
        if solved is None:
            self.done = True
            return
        model, prices, worth = solved
        asked = np.rint(prices).astype(np.int64)
        left = None if seconds is None else max(0.0, seconds - (time.perf_counter() - began))
        worth_at_most = np.minimum(self._nothing, np.rint(worth).astype(np.int64))
        priced = self.pricer.priced(asked, worth_at_most, seconds=left)
        self._take(priced.schedules)
        promised, kept = model - self.proven, priced.bound - self.proven
        at_edge = (prices <= low + 0.5) | (prices >= high - 0.5)
        grown = np.where(at_edge, 2.0, 0.8) if kept > 0 else 0.5
        self._reach = np.maximum(1.0, self._reach * grown)
        if kept > 0:
            self.points, self.priced = asked, priced
        near = max(promised, kept) <= CLOSE_ENOUGH * max(1.0, abs(model))
        self._idle = self._idle + 1 if near else 0
        self.done = (near and not at_edge.any()) or self._idle >= MOST_IDLE

    def leaf(self) -> Leaf:
        """The prices that prove it, as a proof file has them."""
        return self.pricer.leaf(self.points)

    def best_plan(
        self, assignments: Sequence[Assignment], seconds: float, seed: int, threads: int
    ) -> list[Assignment] | None:
        """The best plan made of the schedules seen, when it is cheaper than this one; for requests of one seat."""
        self.learn(assignments)
        mine = {self._key(schedule) for schedule in self._schedules_of(assignments)}
        dearer = self.reduced()
        order = [n for n in np.argsort(dearer, kind="stable").tolist() if _once(self.schedules[n])]
        chosen = [self.schedules[n] for n in order[:MOST_COLUMNS]]
        chosen += [self.schedules[n] for n in order[MOST_COLUMNS:] if self._key(self.schedules[n]) in mine]
        model = cp_model.CpModel()
        people: dict[int, list[cp_model.IntVar]] = defaultdict(list)
        seats: dict[int, list[cp_model.IntVar]] = defaultdict(list)
        price = self.pricer.tables.price
        taken, points = [], []
        for schedule in chosen:
            column = model.new_bool_var("")
            people[schedule.v].append(column)
            for row, _, _ in schedule.visits:
                seats[row].append(column)
            model.add_hint(column, self._key(schedule) in mine)
            taken.append(column)
            points.append(schedule.points - sum(price[self.pricer.rows[row].r] for row, _, _ in schedule.visits))
        for group in (*people.values(), *seats.values()):
            model.add_at_most_one(group)
        model.minimize(cp_model.LinearExpr.weighted_sum(taken, points))
        solver = cp_model.CpSolver()
        solver.parameters.max_time_in_seconds = max(0.01, seconds)
        solver.parameters.num_workers = threads
        solver.parameters.random_seed = seed
        solver.parameters.catch_sigint_signal = False
        status, interrupted = solve_aside(solver, model)
        if interrupted:
            raise KeyboardInterrupt
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            return None
        picked = [schedule for schedule, column in zip(chosen, taken, strict=True) if solver.boolean_value(column)]
        return sorted(a for schedule in picked for a in self.pricer.assignments(schedule))

    def _take(self, schedules: Iterable[Schedule]) -> int:
        """Take in the schedules that are new; how many."""
        before = len(self.schedules)
        for schedule in schedules:
            key = self._key(schedule)
            if key not in self._known:
                self._known.add(key)
                self.schedules.append(schedule)
                self.master.add(schedule)
                self.columns += 1
        return len(self.schedules) - before

    def _key(self, schedule: Schedule) -> tuple[int, int, tuple[int, ...]]:
        return schedule.v, schedule.points, tuple(sorted(row for row, _, _ in schedule.visits))

    def _renew(self) -> None:
        """A program of the schedules that are nearest to being worth it at the prices that prove most."""
        self.master = Master(self.pricer)
        for n in np.argsort(self.reduced(), kind="stable")[:ACTIVE_COLUMNS]:
            self.master.add(self.schedules[n])
        self.columns = ACTIVE_COLUMNS

    def reduced(self) -> Ints:
        """By how much each schedule is dearer than its person's best, at the prices that prove most."""
        points = self.points.tolist()
        values = self.priced.values.tolist()
        own = [s.points - sum(points[row] for row, _, _ in s.visits) - values[s.v] for s in self.schedules]
        return np.array(own, dtype=np.int64)

    def _schedules_of(self, assignments: Sequence[Assignment]) -> list[Schedule]:
        own: dict[str, list[Assignment]] = defaultdict(list)
        for a in assignments:
            own[a.volunteer].append(a)
        index = self.pricer.instance.volunteer_index
        return [self.pricer.schedule_of(index[id], work) for id, work in own.items()]

    def _first_prices(self, assignments: Sequence[Assignment]) -> Ints:
        """Of a seat that is filled its share of what its person does, else what a person near by would take for it."""
        pricer, tables = self.pricer, self.pricer.tables
        prices = np.zeros(len(pricer.rows), dtype=np.int64)
        travel = pricer.instance.weights.travel
        for n, row in enumerate(pricer.rows):
            d = tables.arrays
            near = d.by_row[d.rows_from[n] : d.rows_from[n + 1]][:3]
            alone = int((travel * (d.there[near] + d.back[near]) + d.fit[near]).max(initial=0))
            prices[n] = min(alone, tables.price[row.r])
        for schedule in self._schedules_of(assignments):
            for seat, _, _ in schedule.visits:
                prices[seat] = max(0, schedule.points // len(schedule.visits))
        return prices


def _once(schedule: Schedule) -> bool:
    """Whether no request comes twice."""
    return len({row for row, _, _ in schedule.visits}) == len(schedule.visits)
