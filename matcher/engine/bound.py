"""The bound: rounds of prices and schedules, prices pulled towards the best so far, starts refined where it pays.

It is the proximal bundle method (Kiwiel 1990): prices are moved the farther, the better what the program says of them
has proved to be true. Buckets of starts are cut where the program has a crew at odds about the time.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

import numpy as np

from matcher.engine.grid import Grid
from matcher.engine.labels import LABELS, LEVELS
from matcher.engine.master import FORBIDDEN, Master, Pool, Solved, broken_triples
from matcher.engine.pricing import TRIPS, Priced, Pricer
from matcher.engine.tables import Ints, never
from matcher.plan import Assignment
from matcher.proof import Leaf

STRIDE, LEAST_STRIDE, LONGEST_STRIDE, CUT_STRIDES = 50.0, 5.0, 10_000.0, (20.0, 150.0)
"""By so many points the price of a seat is moved where the mixture leaves it empty: at first, at least, at most, and at
least and at most after buckets were cut."""

LONGER, SHORTER, TRUE = 1.5, (0.5, 0.7), (0.3, 0.1)
"""It is moved farther where so large a share of what was promised came true, and less far where nothing did; the second
while people take turns: then much of what did not come true has not been looked at."""

SWEEPS, ROUGH_SWEEPS = 200, 100
"""So many sweeps the program is solved with, and while people are priced roughly."""

PRECISE, ROUGHLY_PRECISE = 1e-4, 1e-3
"""Or until the mixture costs at most this share more than it need."""

CLOSE_ENOUGH, CLOSE_SEATS = 1e-4, 0.1
"""The program and the bound this near to each other: prices are as good as they get. What the mixture leaves empty, or
fills twice, counts by this share of its price."""

USED = 0.01
"""A start is used by a mixture that has such a share of a schedule with it: it has a little of many."""

SETTLE = 4
"""So many rounds of prices between one cutting of buckets and the next."""

STUBBORN = 5
"""So many rounds that proved little more are enough while people are priced roughly."""

PATIENT = 12
"""So many that proved nothing more, to the point."""

TIGHTENINGS, GAIN = 6, 1e-4
"""Triples are looked for so often before people are priced again, while they raise the program by so large a share."""

ROUGH_TRIPS = 2
VERY_ROUGH_GAP, ROUGH_GAP, ROUGH_GAIN = 0.03, 0.005, 0.0005
"""Schedules are looked for very roughly, and in the last rough stage, until the program promises no more than this
share, or what seems proven has not grown by so much for STUBBORN rounds."""

MANY_JOBS = 600_000
"""In larger instances a very rough stage is followed by one that is less so: to price to the point takes long."""

MANY_PEOPLE, TURNS = 1_000, 4
"""More people take turns while they are priced roughly, one in so many each round: what the others would bring is
reckoned. In the last rough stage, once rounds bring little more, it is everybody."""

RECKONED = 100
"""From so many people it is reckoned how long it takes to price everybody to the point."""

DOUBTFUL, MORE_LABELS = 2e-5, 5
"""People of whom less was remembered are priced again where their value is by so large a share of the bound below the
best that is known of them; with so many times as many labels each time."""

IN_ONE_GO = 3.0
"""To the point people are first priced in goes of about so many seconds: what one does not end is lost."""

FIRST_SHARE = 4
"""First prices begin at one part in so many of what a plan suggests."""

ACTIVE_COLUMNS, ACTIVE_EACH = 6_000, 20.0
"""About so many schedules are in the program at once, or so many for each person and row of seats, those nearest to
being worth it."""

OUTGROWN = 1.4
"""With so many times that number the program is made anew."""


def turns_of(people: Ints, turns: int = TURNS) -> int:
    """In how many turns these are priced roughly, many of them in so many."""
    return turns if len(people) > MANY_PEOPLE else 1


def in_turn(people: Ints, turn: int, turns: int) -> Ints:
    """Those of these whose turn it is."""
    return people[turn % turns :: turns]


class Bound:
    """The best proven bound so far and the prices that prove it; each `step` is a round of prices and schedules."""

    def __init__(
        self,
        pricer: Pricer,
        assignments: Sequence[Assignment],
        pool: Pool | None = None,
        grid: Grid | None = None,
        points: Ints | None = None,
        seconds: float | None = None,
        rough: int = 0,
        enough: tuple[float, float] = (VERY_ROUGH_GAP, ROUGH_GAP),
        whole: bool = False,
    ) -> None:
        """`points`: the first prices; else those of a plan, or parts of them.

        In the rough stages before the last, and in that, these shares of what is still promised are little `enough`.
        `whole`: everybody is priced before any of them ends, for the sake of its mixture.
        """
        self.rough, self.stalled, self._enough, self._whole = rough, False, enough, whole
        self._program = self._pricing = 0.0  # seconds, the last time
        self.labels = LABELS
        self._turns, self._turn = turns_of(pricer.everybody) if rough else 1, 0
        self.pricer, self.tables = pricer, pricer.tables
        self.grid = grid or Grid(self.tables)
        self.pool = pool or Pool(self.tables.arrays.row)
        self.pool.take(self.pricer.schedules_of(assignments))
        self.nothing = np.zeros(len(self.tables.volunteers), dtype=np.int64)
        self.active = max(ACTIVE_COLUMNS, int(ACTIVE_EACH * (len(self.tables.volunteers) + len(self.tables.rows))))
        self.points = self._first_prices(assignments) // (FIRST_SHARE if rough else 1) if points is None else points
        self.proven = self.tables.settled
        self.proven_at: tuple[Grid, Ints] | None = None
        began = time.perf_counter()
        self.priced = self._priced_at(self.points, self.nothing, self._limits(self.points), seconds)
        self.pool.take(self.priced.schedules)
        if rough and points is None:
            self._scale(None if seconds is None else seconds - (time.perf_counter() - began))
        self.master = self._fresh_master(self.active)
        self.promised = float(abs(self.priced.bound)) + 1.0
        self.solved: Solved | None = None
        self.solved_on = self.grid
        self.done = False
        self._stride, self._slow, self._since, self._since_tight = STRIDE, 0, 0, SETTLE

    def _scale(self, seconds: float | None) -> None:
        """Halve the first prices, else double them, as long as that promises more: a plan's seats look too dear."""
        began = time.perf_counter()
        for lower in (True, False):
            better = False
            while self.points.any():
                left = None if seconds is None else max(0.0, seconds - (time.perf_counter() - began))
                points = self.points // 2 if lower else self.points * 2
                try:
                    priced = self._priced_at(points, self.nothing, self._limits(points), left)
                except TimeoutError:
                    return
                self.pool.take(priced.schedules)
                if priced.bound <= self.priced.bound:
                    break
                self.points, self.priced, better = points, priced, True
            if better:
                return

    def leaf(self) -> Leaf:
        """The prices that prove it, as a proof file has them."""
        return Leaf() if self.proven_at is None else self.proven_at[0].leaf(self.proven_at[1])

    def step(self, seconds: float | None = None) -> None:
        """Solve the program, price people at its prices, and keep what proves more; TimeoutError when time is up.

        While people are priced roughly, `stalled` says that it brings little more.
        """
        began = time.perf_counter()
        self._since += 1
        self._since_tight += 1
        if len(self.master.columns) > OUTGROWN * self.active:
            self.master = self._fresh_master(self.active)
        sweeps, precise = (ROUGH_SWEEPS, ROUGHLY_PRECISE) if self.rough else (SWEEPS, PRECISE)
        enough = precise * abs(self.priced.bound)
        solved = self.master.near(self.points, self._stride, sweeps, enough, self.solved, seconds)
        asked = np.rint(solved.prices).astype(np.int64)
        values = self.pool.values(self.grid, asked)
        worth = self.pool.least(values, len(self.nothing))
        points = self.pricer.untouched + self.grid.requests(asked) + int(worth.sum())
        self.solved, self.solved_on = replace(solved, points=float(points)), self.grid
        # Pricing tells of nothing that is no better than what is known, so that must be in the program.
        known = np.nonzero((values < 0) & (values == worth[self.pool.v]))[0]
        back = self.master.add(self.pool, known.tolist())
        if not back and (asked == self.points).all():
            self._promise(points)
            self.done = not self.rough
            if self.rough:
                self._stall(began, seconds)
            return
        self._program = time.perf_counter() - began
        left = None if seconds is None else max(0.0, seconds - self._program)
        priced = self._priced_at(asked, worth, worth, left)
        helpful = bool(self.master.add(self.pool, self.pool.take(priced.schedules)) or back)
        kept = priced.bound - self.priced.bound
        self._promise(points)
        in_turns = self._turns > 1
        if kept > TRUE[in_turns] * self.promised:
            self._stride = min(LONGEST_STRIDE, LONGER * self._stride)
        elif kept <= 0 and not helpful:  # what was said is true: prices were moved too little, not too far
            self._stride = min(LONGEST_STRIDE, LONGER * LONGER * self._stride)
        elif kept <= 0:
            self._stride = max(LEAST_STRIDE, SHORTER[in_turns] * self._stride)
        if kept > 0:
            self.points, self.priced = asked, priced
        scale = max(1.0, abs(points))
        if self.rough:
            self._slow = 0 if kept > ROUGH_GAIN * scale else self._slow + 1
            little = self._enough[self.last_rough]
            if max(self.promised, kept) <= little * scale or self._slow > STUBBORN or not helpful:
                self._stall(began, seconds)
            return
        self._slow = 0 if kept > 0 else self._slow + 1
        open_points = float(solved.short @ np.abs(solved.prices[: self.grid.size]))
        close = max(self.promised, kept, CLOSE_SEATS * open_points) <= CLOSE_ENOUGH * scale
        self.done = close or self._slow > PATIENT

    def _stall(self, began: float, seconds: float | None) -> None:
        """Rounds bring little more: in the last rough stage everybody is priced in each from now on, if not before."""
        if self._turns == 1 or not (self.last_rough or self._whole):
            self.stalled = True
            return
        self._turns, self._slow = 1, 0
        left = None if seconds is None else max(0.0, seconds - (time.perf_counter() - began))
        self._price_again(left)

    def _price_again(self, seconds: float | None) -> None:
        """What the best prices so far prove by how people are priced now."""
        self.priced = self._priced_at(self.points, self.nothing, self._limits(self.points), seconds)
        self.master.add(self.pool, self.pool.take(self.priced.schedules))

    def less_roughly(
        self, seconds: float | None, at_once: bool = False, enough: Callable[[], bool] = never
    ) -> None:  # fmt: skip
        """From now on people are priced less roughly, in the end, or `at_once`, to the point.

        First at the best prices so far: to the point as far as there is time, or until it is `enough`. TimeoutError as
        in `step` otherwise.
        """
        was, self.stalled, self._slow = (self.rough, self._turns), False, 0
        self.rough = 0 if at_once or self.last_rough else self.rough + 1
        self._turns = turns_of(self.pricer.everybody) if self.rough else 1
        try:
            if self.rough:
                self._price_again(seconds)
            else:
                self._price_closely(seconds, enough)
        except TimeoutError:
            self.rough, self._turns = was
            raise
        if not self.rough:
            self._stride = max(LEAST_STRIDE, SHORTER[0] * self._stride)  # much that was not seen roughly is new
        self.promised = np.inf

    def _price_closely(self, seconds: float | None, enough: Callable[[], bool]) -> None:
        """To the point for the first time: what is hoped at most stands for those of whom no more is known in time."""
        began = time.perf_counter()
        hoped, limits = self.pricer.hoped(self.grid, self.points, seconds), self._limits(self.points)
        bound = self.pricer.untouched + self.grid.requests(self.points) + int(hoped.sum())
        self.priced = Priced(bound, hoped, [], np.where(hoped < limits, LEVELS, 0), self.nothing)
        self._keep(self.priced, self.points)
        left = None if seconds is None else seconds - (time.perf_counter() - began)
        self.firmer(left, lambda: bool((self.priced.labels > 0)[hoped < limits].all()) or enough())
        self._pricing = time.perf_counter() - began

    def firmer(self, seconds: float | None = None, enough: Callable[[], bool] = never) -> int:
        """Price people again at the best prices who were not priced to the point yet, or with too few labels.

        First the former, then those of whom most may be gained for each label. Until the time is over, it is `enough`,
        or nobody else is doubtful; how many points more are proven. Prices are hardly moved any more afterwards: with
        fewer labels others seldom prove as much.
        """
        if self.rough:
            return 0
        began, before, each, last = time.perf_counter(), self.priced.bound, 0.0, 0
        limits = self._limits(self.points)
        with suppress(TimeoutError):
            while not enough():
                asked, doubt = self.priced.labels, limits - self.priced.values
                doubt[(self.priced.levels == 0) | (asked >= LABELS)] = 0
                if (doubt[asked == 0] > 0).any():
                    doubt[asked > 0] = 0
                doubt[(asked > 0) & (doubt <= DOUBTFUL * abs(before))] = 0
                labels = np.where(asked > 0, np.minimum(LABELS, MORE_LABELS * asked), self.labels)
                hopeful = doubt / labels
                most = int(np.argmax(hopeful))
                if doubt[most] == 0:
                    break
                same = np.nonzero((labels == labels[most]) & (doubt > 0))[0]
                some = same[np.argsort(-hopeful[same], kind="stable")]
                left = None if seconds is None else max(0.0, seconds - (time.perf_counter() - began))
                if left is not None:
                    number = 2 * len(self.pricer.rooms)
                    if labels[most] == last:
                        number = max(number, int(min(IN_ONE_GO, left) / each))
                        if left < number * each:  # it would not end in time
                            break
                    some = some[:number]
                since, last = time.perf_counter(), int(labels[most])
                self._price_more(some, limits, last, left)
                each = (time.perf_counter() - since) / len(some)
        self.promised = max(0.0, self.promised - (self.priced.bound - before))
        return self.priced.bound - before

    def _price_more(self, some: Ints, limits: Ints, labels: int, seconds: float | None) -> None:
        """Of some people what is proven at the best prices with so many labels, where it is more. TimeoutError."""
        worth = limits if self.priced.labels[some].any() else self.nothing
        again = self.pricer.priced(self.grid, self.points, worth, limits, people=some, seconds=seconds, labels=labels)
        values, levels, asked = self.priced.values.copy(), self.priced.levels.copy(), self.priced.labels.copy()
        values[some], levels[some] = np.maximum(values[some], again.values[some]), again.levels[some]
        asked[some] = labels
        bound = self.priced.bound + int((values - self.priced.values).sum())
        self.priced = replace(self.priced, bound=bound, values=values, levels=levels, labels=asked)
        self.master.add(self.pool, self.pool.take(again.schedules))
        self._keep(self.priced, self.points)

    def _keep(self, priced: Priced, points: Ints) -> None:
        if priced.bound > self.proven:
            self.proven, self.proven_at = priced.bound, (self.grid, points)

    def _promise(self, points: int) -> None:
        """Note what the program promises beyond what is known. Rounded prices may lack a little of that.

        It is not solved to the end, so it can also lack much: then it has nothing to say.
        """
        more = float(points - self.priced.bound)
        self.promised = max(0.0, more) if more >= -CLOSE_ENOUGH * abs(points) else np.inf

    def reckoned(self, labels: int, seconds: float | None = None) -> float:
        """The seconds it takes to price everybody to the point with so many labels, reckoned from some.

        Those with many jobs, which takes long, are among them in due proportion. TimeoutError after so many seconds.
        """
        began, number, d = time.perf_counter(), len(self.tables.volunteers), self.tables.arrays
        jobs = np.diff(d.jobs_from[d.intervals_from])
        every = -(-number // RECKONED)
        some = np.argsort(-jobs, kind="stable")[every // 2 :: every].astype(np.int64)
        limits = self._limits(self.points)
        priced = self.pricer.priced(self.grid, self.points, self.nothing, limits, some, seconds=seconds, labels=labels)
        self.master.add(self.pool, self.pool.take(priced.schedules))
        return (time.perf_counter() - began) * number / max(1, len(some))

    @property
    def took(self) -> float:
        """The seconds that a round takes."""
        return self._program + self._pricing

    @property
    def last_rough(self) -> bool:
        """Whether less roughly means to the point."""
        return self.rough == (2 if len(self.tables.arrays.row) > MANY_JOBS else 1)

    def _priced_at(self, points: Ints, worth: Ints, limits: Ints, seconds: float | None) -> Priced:
        """Everybody at these prices, or those whose turn it is; what that proves is kept. `limits`: as of `_limits`.

        What some bring beyond what is known is taken to be their part of what all would bring.
        """
        began, who = time.perf_counter(), None
        if self._turns > 1:
            who = in_turn(self.pricer.everybody, self._turn, self._turns)
            self._turn += 1
        priced = self.pricer.priced(
            self.grid,
            points,
            worth,
            limits,
            people=who,
            seconds=seconds,
            rough=self.rough,
            most=ROUGH_TRIPS if self.rough else TRIPS,
            labels=LABELS if self.rough else self.labels,
        )
        if who is not None:
            values = limits.copy()
            values[who] = np.minimum(limits[who], priced.values[who])
            more = int((values - limits).sum()) * len(values) // len(who)
            known = self.pricer.untouched + self.grid.requests(points) + int(limits.sum())
            priced = replace(priced, bound=known + more, values=values)
        self._pricing = time.perf_counter() - began
        if not self.rough:
            self._keep(priced, points)
        return priced

    def refine(self) -> int:
        """Cut buckets where the last mixture has a crew at odds about the time; how many cuts.

        0 while the last cuts are not made good use of yet.
        """
        if self._since < SETTLE and not self.done:
            return 0
        self._since = 0
        cuts = self._odds()
        if not cuts:
            return 0
        finer = {r: (*self.grid.cuts.get(r, ()), *at) for r, at in cuts.items()}
        self.regrid(Grid(self.tables, {**self.grid.cuts, **finer}, self.grid.choices, self.grid.triples))
        return sum(len(at) for at in cuts.values())

    def regrid(self, grid: Grid) -> None:
        """Go on with other buckets or choices; prices are taken over, the bound stands only if choices stay."""
        self.points = self.grid.moved(self.points, grid)
        self.grid, self._slow = grid, 0
        self._stride = min(max(CUT_STRIDES[0], self._stride), CUT_STRIDES[1])
        self.master = self._fresh_master(self.active)
        self.done = False

    def tighten(self, seconds: float | None = None) -> int | None:
        """Take in triples that the last mixture breaks; how many, 0 where that brings little. Idle ones leave.

        None while the last are not made good use of yet.
        """
        if self.solved is None or self.solved_on is not self.grid or (self._since_tight < SETTLE and not self.done):
            return None
        self._since_tight = 0
        began, grid, master = time.perf_counter(), self.grid, self._fresh_master(ACTIVE_COLUMNS)

        def corner() -> Solved:
            found = master.solve(None if seconds is None else max(0.0, seconds - (time.perf_counter() - began)))
            if found is None:
                raise TimeoutError
            return found

        solved = corner()
        before = solved.points
        for _ in range(TIGHTENINGS):
            broken = broken_triples(self.pool, grid, solved)
            if not len(broken):
                break
            grid = grid.with_triples(np.concatenate([grid.triples, broken]))
            master.tighten(grid, self.pool)
            was, solved = solved.points, corner()
            if solved.points - was < GAIN * abs(before):
                break
        if solved.points - before < GAIN * abs(before):
            return 0
        busy = (solved.prices[grid.size :] >= 0.5) | (self.grid.moved(self.points, grid)[grid.size :] > 0)
        self.regrid(grid.with_triples(grid.triples[busy]))
        self._stride = max(STRIDE, self._stride)
        self.promised = solved.points - self.priced.bound
        return int(busy.sum())

    def _odds(self) -> Mapping[int, tuple[int, ...]]:
        """By request of several seats the starts to cut at: the middle of the mixture's starts within a bucket."""
        if self.solved is None:
            return {}
        column, row, start = self.pool.visits
        share = self.pool.shares(self.solved)
        used = share[column] > USED
        found: dict[tuple[int, int], list[tuple[int, float]]] = defaultdict(list)
        for c, n, s in zip(column[used].tolist(), row[used].tolist(), start[used].tolist(), strict=True):
            r = self.tables.rows[n].r
            if len(self.tables.requests[r].seats) > 1:
                at = s - self.grid.lows[n]
                found[r, self.grid.bucket_of(r, at)].append((at, float(share[c])))
        cuts: dict[int, tuple[int, ...]] = {}
        for (r, k), starts in found.items():
            first, last = self.grid.buckets[r][k]
            times = sorted({min(max(at, first), last) for at, _ in starts})
            if len(times) < 2:
                continue
            half, so_far = sum(x for _, x in starts) / 2, 0.0
            for at, x in sorted(starts):
                so_far += x
                if so_far >= half and at > times[0]:
                    cuts[r] = (*cuts.get(r, ()), min(at, last))
                    break
            else:
                cuts[r] = (*cuts.get(r, ()), times[-1])
        return cuts

    def _limits(self, points: Ints) -> Ints:
        """By person the least value of a schedule that is known."""
        return self.pool.least(self.pool.values(self.grid, points), len(self.nothing))

    def _fresh_master(self, most: int) -> Master:
        """A program of at most so many schedules, those nearest to being worth it at the prices that prove most."""
        master = Master(self.grid, self.pricer)
        dearer = self.reduced()
        order = np.argsort(dearer, kind="stable")[:most]
        master.add(self.pool, order[dearer[order] < FORBIDDEN // 2].tolist())
        return master

    def reduced(self) -> Ints:
        """By how much each schedule is dearer than its person's best known, at the prices that prove most."""
        if not self.pool.schedules:
            return np.zeros(0, dtype=np.int64)
        values = self.pool.values(self.grid, self.points)
        dearer: Ints = values - self.pool.least(values, len(self.nothing))[self.pool.v]
        return dearer

    def _first_prices(self, assignments: Sequence[Assignment]) -> Ints:
        """Of a seat that is filled its share of what its person does, else what a person near by would take for it."""
        tables = self.tables
        d, travel = tables.arrays, tables.instance.weights.travel
        prices = np.zeros(len(tables.rows), dtype=np.int64)
        for n, row in enumerate(tables.rows):
            near = d.by_row[d.rows_from[n] : d.rows_from[n + 1]][:3]
            alone = int((travel * (d.there[near] + d.back[near]) + d.fit[near]).max(initial=0))
            prices[n] = min(alone, tables.price[row.r])
        for schedule in self.pricer.schedules_of(assignments):
            for job, _ in schedule.visits:
                prices[d.row[job]] = max(0, schedule.points // len(schedule.visits))
        return prices[self.grid.row_of]
