"""The linear program over everybody's schedules: which mixture of them is cheapest, and what each seat is worth there.

What it says is never believed: prices are rounded to whole points and `Pricer.priced` bounds every plan at those. Its
rows are seats of requests by bucket of start (`grid.py`) and people, its columns schedules and what requests may
choose. Round by round it is solved near the best prices so far (`proximal.py`); HiGHS is asked where a corner is
wanted, or whole schedules are.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import NamedTuple

import highspy
import numpy as np

from matcher.engine.grid import Grid
from matcher.engine.pricing import Pricer, Schedule
from matcher.engine.proximal import AT_LEAST, AT_MOST, EVEN, Floats, Near, descend, state_of
from matcher.engine.tables import Ints


class Pool:
    """Every schedule seen, each once, and its visits by number."""

    def __init__(self, rows: Ints) -> None:
        self.schedules: list[Schedule] = []
        self._known: dict[tuple[int, tuple[tuple[int, int], ...]], int] = {}
        self._row_of_job = rows
        self._made = 0
        self._v = self._points = self._column = self._job = self._start = np.zeros(0, dtype=np.int64)

    def take(self, schedules: Iterable[Schedule]) -> list[int]:
        """Take in the schedules that are new; the numbers of all of them."""
        numbers = []
        for schedule in schedules:
            key = (schedule.v, tuple(sorted(schedule.visits)))
            number = self._known.setdefault(key, len(self.schedules))
            if number == len(self.schedules):
                self.schedules.append(schedule)
            numbers.append(number)
        return numbers

    def _fill(self) -> None:
        fresh = self.schedules[self._made :]
        if not fresh:
            return
        visits = [(c, job, s) for c, schedule in enumerate(fresh, start=self._made) for job, s in schedule.visits]
        table = np.array(visits, dtype=np.int64).reshape(-1, 3)
        self._v = np.concatenate([self._v, np.array([s.v for s in fresh], dtype=np.int64)])
        self._points = np.concatenate([self._points, np.array([s.points for s in fresh], dtype=np.int64)])
        self._column = np.concatenate([self._column, table[:, 0]])
        self._job = np.concatenate([self._job, table[:, 1]])
        self._start = np.concatenate([self._start, table[:, 2]])
        self._made = len(self.schedules)

    @property
    def v(self) -> Ints:
        """The person of each schedule."""
        self._fill()
        return self._v

    @property
    def points(self) -> Ints:
        """The own cost of each schedule."""
        self._fill()
        return self._points

    def rows_of(self, n: int) -> list[int]:
        """The rows of the seats a schedule fills."""
        return [int(self._row_of_job[job]) for job, _ in self.schedules[n].visits]

    @property
    def visits(self) -> tuple[Ints, Ints, Ints]:
        """(schedule, row, seat start) of every visit."""
        self._fill()
        return self._column, self._row_of_job[self._job], self._start

    def shares(self, solved: Solved) -> Floats:
        """How much of each schedule a mixture has."""
        share = np.zeros(len(self.schedules))
        share[solved.columns] = solved.share
        return share

    def least(self, values: Ints, people: int, columns: Ints | None = None) -> Ints:
        """By person the least of these values of schedules, of all or of some, or 0."""
        found, v = np.zeros(people, dtype=np.int64), self.v
        if columns is not None:
            v, values = v[columns], values[columns]
        np.minimum.at(found, v, values)
        return found

    def values(self, grid: Grid, points: Ints) -> Ints:
        """Own cost less what is collected at these prices, for each; FORBIDDEN where a choice forbids it."""
        column, row, start = self.visits
        paid = points[grid.index(row, start)] if len(row) and grid.size else np.zeros(len(row), dtype=np.int64)
        out = self.points.copy()
        np.subtract.at(out, column, paid)
        if len(grid.triples):
            groups, tolls, times = grid.tolled(column, row, self.v)
            np.add.at(out, groups, times * points[grid.size + tolls])
        if grid.choices:
            out[column[~grid.allows(row, start)]] = FORBIDDEN
        return out


FORBIDDEN = 1 << 50

DUAL = 1
"""HiGHS's simplex after rows were added."""

FREE = 40_000.0
"""What it costs HiGHS at least to fill a seat with nobody, or too often."""

AT_ONCE = 5
"""After so many sweeps it is looked whether time is over."""

MOST_TRIPLES, EACH_ROW, BROKEN = 150, 5, 1.01
"""So many triples are taken in at a time, of each row so many, if their schedules add up to so much."""

UNFILLED = 50_000.0
"""What it costs to leave a seat of a crew empty that has begun to be filled, where whole schedules are chosen."""


class Unsolved(ArithmeticError):
    """HiGHS found no mixture, and not for want of time."""


@dataclass(frozen=True, slots=True)
class Solved:
    """The points of a mixture, each price and toll, and how much of each column."""

    points: float
    prices: Floats
    columns: Ints
    """Their numbers in the pool, in the order they were added."""
    share: Floats
    """[columns]"""
    fixed: Floats
    """The same of columns that are no schedules."""
    served: Floats
    """[buckets of requests counted through]"""
    short: Floats
    """By how much each seat is filled too little or too often."""


class Columns(NamedTuple):
    """Columns by their entries, with their points and how much there may be of each."""

    points: Floats
    most: Floats
    entries_from: Ints
    row: Ints
    times: Floats


class Master:
    """The linear program of one grid. `filled`: how many seats of a row are filled already."""

    def __init__(self, grid: Grid, pricer: Pricer, filled: Mapping[int, int] | None = None) -> None:
        self.grid, self.pricer, self.filled = grid, pricer, filled or {}
        self.columns: list[int] = []
        self._there: set[int] = set()
        self._schedules: list[Columns] = []
        self._entries: Near | None = None
        self._began = False
        self._build()

    @cached_property
    def _highs(self) -> highspy.Highs:
        """The same for HiGHS, where a seat can also be filled, or left, for a lot of points."""
        h = highspy.Highs()
        h.setOptionValue("output_flag", False)
        h.setOptionValue("threads", 1)
        h.setOptionValue("presolve", "off")
        none = np.zeros(0, dtype=np.int32)
        h.addRows(len(self._lower), self._lower, self._upper, 0, none, none, np.zeros(0))
        boxes = np.concatenate([np.arange(self.grid.size), np.arange(self._first_toll, len(self._lower))])
        both, ways = np.concatenate([boxes, boxes]), np.repeat([1.0, -1.0], len(boxes))
        optional = self.grid.tables.instance.weights.optional_seat
        dear = max(FREE, 2.0 * max([optional, *self.grid.tables.price]))
        free = Columns(np.full(len(both), dear), np.full(len(both), np.inf), np.arange(len(both) + 1), both, ways)
        self._first_schedule = self._first_free + len(both)
        for columns in (self._fixed, free, *self._schedules):
            _add_to(h, columns)
        h.changeObjectiveOffset(self._offset)
        return h

    def add(self, pool: Pool, numbers: Sequence[int]) -> list[int]:
        """More columns: schedules of the pool by number; those that were not there yet."""
        assert "_highs" not in self.__dict__, "HiGHS has its columns already"
        fresh = [n for n in dict.fromkeys(numbers) if n not in self._there]
        if not fresh:
            return []
        self._entries = None
        self._there.update(fresh)
        wanted = np.array(fresh, dtype=np.int64)
        column, row, start = pool.visits
        position = np.full(len(pool.schedules), -1, dtype=np.int64)
        position[wanted] = np.arange(len(wanted))
        here = position[column] >= 0
        seats = self.grid.index(row[here], start[here])
        people = self._first_person + pool.v[wanted]
        paying, tolls, often = self.grid.tolled(position[column[here]], row[here], pool.v[wanted])
        where = np.concatenate([position[column[here]], np.arange(len(wanted)), paying])
        rows = np.concatenate([seats, people, self._first_toll + tolls])
        times = np.concatenate([np.ones(len(seats) + len(people)), often])
        self._schedules.append(self._entered(pool.points[wanted].astype(float), where, rows, times))
        self.columns.extend(fresh)
        return fresh

    def near(
        self,
        centre: Ints,
        stride: float,
        sweeps: int,
        enough: float,
        last: Solved | None = None,
        seconds: float | None = None,
    ) -> Solved:
        """A mixture and its prices, which are pulled towards the `centre` (`proximal.py`), after so many `sweeps`.

        Or when the mixture costs at most `enough` points more there than it need. `last`: where to begin. TimeoutError
        after so many `seconds`.
        """
        began, size, first = time.perf_counter(), self.grid.size, self._first_free
        self._entries = self._entries or self._near()
        p = self._entries._replace(centre=self._centre(centre), stride=float(stride))
        weight = np.zeros(len(p.cost))
        if last is not None:
            known = np.zeros(1 + max(int(last.columns.max(initial=0)), max(self.columns, default=0)))
            known[last.columns] = last.share
            weight[first:] = known[self.columns]
            if len(last.fixed) == first:
                weight[:first] = last.fixed
        state = state_of(p, weight)
        for done in range(0, sweeps, AT_ONCE):
            if done and seconds is not None and time.perf_counter() - began > seconds:
                raise TimeoutError
            if descend(p, state, AT_ONCE, enough) <= enough:
                break
        prices = np.concatenate([state.price[:size], np.maximum(0.0, -state.price[self._first_toll :])])
        short = np.abs(p.asked - state.filled)[:size]
        return self._solved(float(p.cost @ state.weight) + self._offset, prices, state.weight, short)

    def solve(self, seconds: float | None) -> Solved | None:
        """The best mixture; None when it was not found in time. Unsolved where there is none."""
        h, size = self._highs, self.grid.size
        h.setOptionValue("time_limit", float(h.getRunTime() + seconds) if seconds is not None else highspy.kHighsInf)
        # From nothing an interior point is found sooner; with new rows the simplex goes on from where it was.
        h.setOptionValue("solver", "simplex" if self._began else "ipm")
        h.run()
        self._began = True
        nothing = highspy.HighsModelStatus.kModelEmpty
        if h.getModelStatus() == highspy.HighsModelStatus.kTimeLimit:
            return None
        if h.getModelStatus() not in (highspy.HighsModelStatus.kOptimal, nothing):
            raise Unsolved(f"HiGHS says {h.modelStatusToString(h.getModelStatus())} of {h.getNumRow()} rows")
        duals, weight = np.array(h.getSolution().row_dual), np.array(h.getSolution().col_value)
        if h.getModelStatus() == nothing:
            return self._solved(self._offset, np.zeros(0), np.zeros(0), np.zeros(0))
        prices = np.concatenate([duals[:size], np.maximum(0.0, -duals[self._first_toll :])])
        points = float(h.getInfo().objective_function_value)
        weight = np.concatenate([weight[: self._first_free], weight[self._first_schedule :]])
        return self._solved(points, prices, weight, np.zeros(size))

    def _solved(self, points: float, prices: Floats, weight: Floats, short: Floats) -> Solved:
        fixed, share = weight[: self._first_free], weight[self._first_free :]
        columns = np.array(self.columns, dtype=np.int64)
        return Solved(points, prices, columns, share, fixed, self._served(weight), short)

    def tighten(self, grid: Grid, pool: Pool) -> None:
        """Take in the triples by which this grid has more."""
        self._highs.setOptionValue("simplex_strategy", DUAL)
        old, self.grid = len(self.grid.triples), grid
        position = np.full(len(pool.schedules), -1, dtype=np.int64)
        position[self.columns] = np.arange(len(self.columns))
        column, row, _ = pool.visits
        here = position[column] >= 0
        paying, tolls, often = grid.tolled(position[column[here]], row[here], pool.v[self.columns])
        fresh = tolls >= old
        order = np.argsort(tolls[fresh], kind="stable")
        paying, tolls, often = paying[fresh][order], tolls[fresh][order] - old, often[fresh][order]
        number = len(grid.triples) - old
        starts = np.searchsorted(tolls, np.arange(number)).astype(np.int32)
        columns = (self._first_schedule + paying).astype(np.int32)
        most = np.ones(number)
        self._highs.addRows(number, np.full(number, -np.inf), most, len(tolls), starts, columns, often.astype(float))

    def ask_for_whole(self, pool: Pool, known: Sequence[int], gap: float) -> None:
        """From now on only whole schedules will do, where requests have one bucket each. `known`: those of a plan.

        Seats may be filled more often than asked for; what is too much is left out of the plan.
        """
        h, size = self._highs, self.grid.size
        boxes = np.arange(self._first_free, self._first_schedule, dtype=np.int32)
        most = np.zeros(len(boxes))
        some_filled = [p for n in self.filled for p in range(self.grid.price_from[n], self.grid.price_from[n + 1])]
        most[some_filled] = np.inf
        h.changeColsCost(len(boxes), boxes, np.where(np.arange(len(boxes)) < size, UNFILLED, 0.0))
        h.changeColsBounds(len(boxes), boxes, np.zeros(len(boxes)), most)
        rows = np.arange(size, dtype=np.int32)
        lower = np.array(h.getLp().row_lower_)[:size]
        h.changeRowsBounds(size, rows, lower, np.full(size, np.inf))
        self._cover_triples(pool)
        whole = [*self._choices, *range(self._first_schedule, self._first_schedule + len(self.columns))]
        h.changeColsIntegrality(len(whole), np.array(whole, dtype=np.int32), np.ones(len(whole), dtype=np.uint8))
        h.setOptionValue("solver", "choose")
        h.setOptionValue("simplex_strategy", DUAL)
        h.setOptionValue("presolve", "on")
        h.setOptionValue("mip_rel_gap", gap)
        self._begin_from(pool, known)

    def _cover_triples(self, pool: Pool) -> None:
        """Tolls, as rows that hold where seats are filled more often too: half of the rows of a triple, rounded up."""
        h, triples = self._highs, self.grid.triples
        number = len(triples)
        if not number:
            return
        h.deleteRows(number, np.arange(self._first_toll, self._first_toll + number, dtype=np.int32))
        row_of = dict(enumerate(self.grid.row_of.tolist()))
        lp = h.getLp().a_matrix_
        index, start = np.array(lp.index_), np.array(lp.start_)
        visits: dict[int, list[int]] = {}  # columns by row of seats
        for column in [*self._choices, *range(self._first_schedule, self._first_schedule + len(self.columns))]:
            for p in index[start[column] : start[column + 1]].tolist():
                if p in row_of:
                    visits.setdefault(row_of[p], []).append(column)
        v = np.full(len(start) - 1, -1, dtype=np.int64)
        v[self._first_schedule : self._first_schedule + len(self.columns)] = pool.v[self.columns]
        buckets = np.diff(self.grid.price_from)
        for triple in triples.tolist():
            times = np.zeros(len(v), dtype=np.int64)
            rows = [n for n in triple if n >= 0]
            if not buckets[rows].all():  # of a request that stays unserved nothing need be covered
                continue
            for n in rows:
                times[visits.get(n, [])] += 1
            if triple[0] < 0:
                times[v == -1 - triple[0]] -= 1
            half = (times + 1) // 2
            columns = np.nonzero(half > 0)[0].astype(np.int32)
            least = float((len(rows) - (triple[0] < 0) + 1) // 2)
            h.addRow(least, np.inf, len(columns), columns, half[columns].astype(float))

    def whole(self, left: Callable[[], float]) -> list[int] | None:
        """The best whole schedules among the columns found until no seconds are left: their numbers in the pool.

        None if there are none.
        """
        h = self._highs
        h.setOptionValue("time_limit", float(h.getRunTime() + max(0.1, left())))

        def stop(event: highspy.highs.HighsCallbackEvent) -> None:  # as the gap is reached, or somebody is tired of it
            if left() <= 0:
                event.interrupt()

        for asked in (h.cbMipInterrupt, h.cbSimplexInterrupt, h.cbIpmInterrupt):
            asked.subscribe(stop)
        h.run()
        share = np.array(h.getSolution().col_value)
        if len(share) < self._first_schedule or h.getInfo().primal_solution_status != 2:
            return None
        return [self.columns[n] for n in np.nonzero(share[self._first_schedule :] > 0.5)[0].tolist()]

    def _begin_from(self, pool: Pool, known: Sequence[int]) -> None:
        """Tell the integer program of a plan."""
        place = {number: n for n, number in enumerate(self.columns)}
        mine = [place[number] for number in known if number in place]
        if not mine:
            return
        column, row, start = pool.visits
        done = np.isin(column, known)
        here = self.grid.index(row[done], start[done])
        wanted = np.array(self._highs.getLp().row_lower_)[: self.grid.size]
        covered = np.bincount(here, minlength=self.grid.size) >= wanted
        optional = np.array([self.grid.tables.rows[n].optional for n in self.grid.row_of], dtype=bool)
        value = np.zeros(self._first_schedule + len(self.columns))
        lp = self._highs.getLp().a_matrix_
        for choice in self._choices:
            seats = [p for p in lp.index_[lp.start_[choice] : lp.start_[choice + 1]] if p < self.grid.size]
            value[choice] = float(not (covered[seats] | optional[seats]).all())
        value[self._first_schedule + np.array(mine)] = 1.0
        whole = [*self._choices, *range(self._first_schedule, len(value))]
        self._highs.setSolution(len(whole), np.array(whole, dtype=np.int32), value[whole])

    def _served(self, share: Floats) -> Floats:
        out = np.zeros(len(self._served_by))
        for n, (column, sign) in enumerate(self._served_by):
            out[n] = share[column] if sign > 0 else 1.0 - share[column] if column >= 0 else 1.0
        return out

    def _build(self) -> None:
        grid, tables = self.grid, self.grid.tables
        weights = tables.instance.weights
        size = grid.size
        counts = np.array([len(row.seats) for row in tables.rows], dtype=np.int64)
        rows_of: dict[int, list[int]] = {}
        for n, row in enumerate(tables.rows):
            rows_of.setdefault(row.r, []).append(n)
        low = np.zeros(size)
        columns: list[tuple[float, float, list[tuple[int, int]]]] = []  # points, most, (row, times)
        block: list[int] = []  # by column; -1 for none
        whole: list[bool] = []  # by block
        pairs: list[tuple[int, int]] = []  # a row that links a seat to prices of several buckets, and one of those
        extra: list[float] = []  # right-hand sides of rows after the prices
        offset = float(self.pricer.untouched)
        self._served_by: list[tuple[int, int]] = []
        self._choices: list[int] = []  # columns of requests left unserved
        terms = np.stack(grid.terms) if size else np.zeros((4, 0), dtype=np.int64)
        by_bucket = np.searchsorted(terms[0], np.arange(int(terms[0].max(initial=-1)) + 2))
        number = 0
        for r in tables.open:
            buckets, choice = grid.buckets[r], grid.choice(r)
            if not buckets:
                offset += tables.price[r]
                continue
            if len(buckets) == 1:
                seats = [(int(grid.price_from[n]), int(counts[n])) for n in rows_of[r]]
                for n, (p, count) in zip(rows_of[r], seats, strict=True):
                    low[p] = count - self.filled.get(n, 0)
                begun = any(self.filled.get(n, 0) for n in rows_of[r])
                if choice.may_be_left and not begun:
                    self._served_by.append((len(columns), -1))
                    self._choices.append(len(columns))
                    columns.append((float(tables.price[r]), 1.0, seats))
                    block.append(len(whole))
                    whole.append(False)
                else:
                    self._served_by.append((-1, -1))
                number += 1
                continue
            choose = size + len(extra)
            extra.append(1.0)
            if choice.may_be_left:
                columns.append((float(tables.price[r]), 1.0, [(choose, 1)]))
                block.append(len(whole))
            for _ in buckets:
                entries = [(choose, 1)]
                links: list[tuple[int, int, int]] = []
                for t in range(int(by_bucket[number]), int(by_bucket[number + 1])):
                    first, last, n = int(terms[1, t]), int(terms[2, t]), int(terms[3, t])
                    if first == last:
                        entries.append((first, -int(counts[n])))
                    else:
                        link = size + len(extra)
                        extra.append(0.0)
                        entries.append((link, -int(counts[n])))
                        links.append((link, first, last))
                self._served_by.append((len(columns), 1))
                columns.append((0.0, 1.0, entries))
                block.append(len(whole))
                for link, first, last in links:
                    for q in range(first, last + 1):
                        columns.append((0.0, np.inf, [(link, 1), (q, -1)]))
                        block.append(-1)
                        pairs.append((link, q))
                number += 1
            whole.append(True)
        for n, row in enumerate(tables.rows):
            if row.optional:
                for p in range(int(grid.price_from[n]), int(grid.price_from[n + 1])):
                    columns.append((float(weights.optional_seat), np.inf, [(p, 1)]))
                    block.append(-1)
        people = len(tables.volunteers)
        self._first_person = size + len(extra)
        self._first_toll = self._first_person + people
        high = low.copy()
        if self.filled:  # what is filled may be filled again: the visit is left out in the end
            high[:] = np.inf
        tolls = len(grid.triples)
        self._lower = np.concatenate([low, np.array(extra), np.full(people + tolls, -np.inf)])
        self._upper = np.concatenate([high, np.array(extra), np.ones(people + tolls)])
        points = np.array([c[0] for c in columns], dtype=float)
        most = np.array([c[1] for c in columns], dtype=float)
        where = np.array([n for n, c in enumerate(columns) for _ in c[2]], dtype=np.int64)
        rows = np.array([row for c in columns for row, _ in c[2]], dtype=np.int64)
        times = np.array([times for c in columns for _, times in c[2]], dtype=float)
        self._fixed = self._entered(points, where, rows, times, most)
        self._first_free, self._offset = len(columns), offset
        self._block, self._whole = np.array(block, dtype=np.int64), np.array(whole, dtype=bool)
        self._pairs = np.array(pairs, dtype=np.int64).reshape(-1, 2)
        self._in_blocks = np.zeros(len(self._lower), dtype=bool)  # rows that say that a block adds up to one
        self._in_blocks[self._first_person : self._first_toll] = True
        self._in_blocks[size : self._first_person] = np.array(extra) == 1.0

    def _entered(self, points: Floats, where: Ints, rows: Ints, times: Floats, most: Floats | None = None) -> Columns:
        """Columns by their entries (column, row, times); like entries of a column are added up."""
        number = max(1, len(self._lower))
        keys, inverse = np.unique(where * number + rows, return_inverse=True)
        value = np.bincount(inverse.reshape(-1), weights=times, minlength=len(keys)).astype(float)
        most = np.full(len(points), np.inf) if most is None else most
        return Columns(points, most, np.searchsorted(keys // number, np.arange(len(points) + 1)), keys % number, value)

    def _centre(self, points: Ints) -> Floats:
        """These prices and tolls by row; a row that links a seat to several buckets has the lowest of their prices."""
        size, here = self.grid.size, np.zeros(len(self._lower))
        here[:size], here[self._first_toll :] = points[:size], -points[size:]
        if len(self._pairs):
            here[self._pairs[:, 0]] = np.inf
            np.minimum.at(here, self._pairs[:, 0], here[self._pairs[:, 1]])
        return here

    def _near(self) -> Near:
        """The program near no prices yet; rows that say that a block adds up to one are left to `descend`."""
        people = self._first_toll - self._first_person
        all_of = [self._fixed, *self._schedules]
        row, times = (np.concatenate([getattr(columns, name) for columns in all_of]) for name in ("row", "times"))
        column = np.repeat(
            np.arange(self._first_free + len(self.columns)), np.concatenate([np.diff(c.entries_from) for c in all_of])
        )
        mine = (row >= self._first_person) & (row < self._first_toll)
        kept = ~self._in_blocks[row]
        block = np.full(self._first_free + len(self.columns), people + len(self._whole), dtype=np.int64)
        block[: self._first_free] = np.where(self._block >= 0, people + self._block, people + len(self._whole))
        block[column[mine]] = row[mine] - self._first_person
        member = np.argsort(block, kind="stable")
        block_from = np.searchsorted(block[member], np.arange(people + len(self._whole) + 1))
        finite = self._lower > -np.inf
        return Near(
            np.concatenate([columns.points for columns in all_of]),
            np.searchsorted(column[kept], np.arange(len(block) + 1)),
            row[kept],
            times[kept],
            block_from,
            member,
            np.concatenate([np.zeros(people, dtype=bool), self._whole]),
            np.where(finite, self._lower, self._upper),
            np.where(~finite, AT_MOST, np.where(np.isinf(self._upper), AT_LEAST, EVEN)),
            np.zeros(len(self._lower)),
            1.0,
        )


def _add_to(highs: highspy.Highs, columns: Columns) -> None:
    number, begin = len(columns.points), columns.entries_from[:-1].astype(np.int32)
    least, row = np.zeros(number), columns.row.astype(np.int32)
    highs.addCols(number, columns.points, least, columns.most, len(row), begin, row, columns.times)


def broken_triples(pool: Pool, grid: Grid, solved: Solved) -> Ints:
    """Triples (`grid.py`) of which a mixture has more than one schedule with two or three, the worst first: [K, 3]."""
    tables = grid.tables
    column, row, _ = pool.visits
    share = pool.shares(solved)
    fractional = (share > 1e-6) & (share < 1 - 1e-6)
    visited: dict[int, set[int]] = defaultdict(set)
    for c, n in zip(column[fractional[column]].tolist(), row[fractional[column]].tolist(), strict=True):
        if len(tables.rows[n].seats) == 1 and not tables.rows[n].optional:
            visited[c].add(n)
    intervals = np.diff(tables.arrays.intervals_from)
    pairs: dict[tuple[int, int], float] = defaultdict(float)
    whole: dict[tuple[int, int, int], float] = defaultdict(float)
    near: dict[int, set[int]] = defaultdict(set)
    for c, rows in visited.items():
        v = pool.schedules[c].v
        members = sorted({*rows, -1 - v} if intervals[v] == 1 else rows)
        for a, b in combinations(members, 2):
            pairs[a, b] += share[c]
            near[a].add(b)
        for a, b, d in combinations(members, 3):
            whole[a, b, d] += share[c]
    found: dict[tuple[int, int, int], float] = {}
    for (a, b), together in pairs.items():
        for d in near[a] | near[b]:
            triple = (a, min(b, d), max(b, d))
            if a < d != b and triple not in found:
                paired = together + pairs.get(triple[1:], 0.0) + pairs.get((a, d), 0.0)
                found[triple] = paired - 2 * whole.get(triple, 0.0)
    there = set(map(tuple, grid.triples.tolist()))
    order = sorted((-size, triple) for triple, size in found.items() if size > BROKEN and triple not in there)
    used: Counter[int] = Counter()
    chosen = []
    for _, triple in order:
        if max(used[n] for n in triple) < EACH_ROW:
            used.update(triple)
            chosen.append(triple)
    return np.array(chosen[:MOST_TRIPLES], dtype=np.int64).reshape(-1, 3)
