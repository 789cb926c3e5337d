"""From schedules that are near to being worth it to a whole plan: the choice among them is an integer program.

People of a crew must agree about a start, which prices of whole ranges of starts cannot make them do. So before whole
schedules are chosen, each crew is held to the start it has in the best plan so far, and people are priced again.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress

import numpy as np

from matcher.cost import broken_pins
from matcher.engine.bound import ROUGH_TRIPS, Bound, in_turn, turns_of
from matcher.engine.grid import NO_TRIPLES, Choice, Grid
from matcher.engine.master import FORBIDDEN, Master, Solved
from matcher.engine.pricing import Schedule
from matcher.engine.regions import Regions
from matcher.engine.tables import Ints, Tables
from matcher.plan import Assignment

DECIDED, SURE = 2, 0.6
"""While crews have several starts one in so many is held at a time, and all that have one start with such a share."""

TIGHTENED = 3
"""So often triples are taken in once all crews have one start."""

USED = 0.05
"""A start is used in a mixture by so large a share of a schedule."""

TIMES, STRIDE, SWEEPS, PRECISE = 3, 100.0, 100, 1e-3
"""In a dive prices are moved so often, by so many points a seat, and the program solved with so many sweeps each time,
or until the mixture costs at most this share more than it need."""

ENOUGH_UNDECIDED, ENOUGH_ROUGHLY, ENOUGH = 0.01, 0.003, 0.001
"""Prices under held starts that promise less than this share are good enough: while some are open, while people are
priced roughly, and to the point."""

DIVED_EACH = 12
"""So many schedules for each person are in the program of a dive."""

SURE_OF, AT_ONCE, IN_SIGHT = 0.8, 0.01, 0.05
"""In a dive schedules with such a share are held, or for so many of the people those with most, but none with less."""

NEARLY_FULL, LAST_ONES = 0.85, 0.25
"""Once so many rows are filled, so many of those are held at once: what is held last goes wrong most easily."""

HALF_FULL = 0.5
"""From then on people are priced less roughly."""

DIVE_TURNS = 2
"""In so many turns many people are priced in a dive: in more it takes less time and ends far dearer."""

DIVED_FOR = 0.6
"""How much of the time that is left a dive takes at most: where there is less, more are held at once."""

BESIDE = 0.1
"""By such a share at most first prices of a dive that is not the first of a solve are moved."""

MANY_ROWS = 1_500
"""With more rows of seats whole schedules are chosen region by region, and without triples."""

ROUGHLY = 200_000
"""With more jobs than this schedules under held starts are never looked for to the point."""

TO_THE_POINT = 4
"""Nor are they where less time is left than so many rough rounds take."""

FEW_WHOLE, MOST_WHOLE = 3_000, 10_000
"""So many of the schedules nearest to being worth it are chosen among in one program, the first time and at most."""

WHOLE_GAP = 0.004
"""How near to the best choice it need come, the first time, as a share of what can still be different."""

FULL = 1 << 30
"""What it costs in a dive to fill a seat that is filled."""

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
        broken = broken_pins(self.tables.instance, assignments)
        self._surely = self.tables.settled + self.tables.instance.weights.pin * len(broken)
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
        held, tightened = None, 0
        try:
            enough = ENOUGH_ROUGHLY if decided else ENOUGH_UNDECIDED
            held = Bound(self.pricer, (), self.pool, grid, self._points, self._left(), 1, (enough, enough), whole=True)
            while self._left() > 0:
                if held.stalled:
                    if not decided or (self._many and held.rough == 2) or self._left() < TO_THE_POINT * held.took:
                        break
                    held.less_roughly(self._left())
                    continue
                near = not held.rough and held.promised <= ENOUGH * abs(held.proven)
                if near or held.done:
                    taken = 0 if tightened == TIGHTENED else self._tightened(held)
                    if taken == 0:
                        break
                    tightened += taken is not None
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
        share = self.pool.shares(solved)
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
        open_points = 1.0 - self._surely / max(1, self.bound.proven)
        master.ask_for_whole(self.pool, known, WHOLE_GAP / (1 << times) * max(0.0, open_points))

        def whole() -> list[Schedule]:
            chosen = master.whole(self._left)
            return [self.pool.schedules[n] for n in (self._known if chosen is None else chosen)]

        return whole

    def dive(self, others: int = 0, seed: int = 1) -> list[Schedule]:
        """A whole plan step by step: what the mixture is surest of is held, the others are priced and mixed again.

        After so many `others` in this solve it begins with prices a little beside those of the bound, by luck of the
        `seed`, and ends elsewhere.
        """
        pool, tables, people = self.pool, self.tables, len(self.tables.volunteers)
        began, seconds, steps, nobody = time.perf_counter(), DIVED_FOR * self._left(), 0, 0
        counts = np.array([len(row.seats) for row in tables.rows], dtype=np.int64)
        dearer = pool.values(self._grid, self._points) - self._limits()[pool.v]
        columns = np.argsort(dearer, kind="stable")[: int(DIVED_EACH * people)]
        columns, points, held = columns[dearer[columns] < FORBIDDEN // 2], self._points, dict[int, int]()
        if others:
            beside = np.random.default_rng((seed, others)).uniform(1.0 - BESIDE, 1.0 + BESIDE, len(points))
            points = np.rint(points * beside).astype(np.int64)
        solved: Solved | None = None
        with suppress(TimeoutError):
            while self._left() > 0:
                filled = Counter(n for number in held.values() for n in pool.rows_of(number))
                full = np.array([filled[n] >= counts[n] for n in range(len(counts))], dtype=bool)
                idle = np.ones(people, dtype=bool)
                idle[list(held)] = False
                column, row, _ = pool.visits
                possible = idle[pool.v]
                possible[column[full[row]]] = False
                master = Master(self._grid, self.pricer, filled)
                master.add(pool, columns[possible[columns]].tolist())
                solved = self._mixed(master, points, solved)
                points = np.rint(solved.prices).astype(np.int64)
                asked = points.copy()
                worth = pool.least(pool.values(self._grid, points), people, columns[possible[columns]])
                asked[: self._grid.size][full[self._grid.row_of]] = -FULL
                who, left, rough = np.nonzero(idle)[0], max(0.0, self._left()), 2 if full.mean() > HALF_FULL else 1
                turns = turns_of(who, DIVE_TURNS)
                found = self.pricer.priced(
                    self._grid,
                    asked,
                    worth,
                    people=in_turn(who, steps, turns),
                    rough=rough,
                    most=ROUGH_TRIPS,
                    seconds=left,
                )
                if master.add(pool, pool.take(found.schedules)):
                    solved = self._mixed(master, points, solved)
                    points = np.rint(solved.prices).astype(np.int64)
                columns = solved.columns
                steps += 1
                before, spent = len(held), time.perf_counter() - began
                at_once = AT_ONCE * people * (LAST_ONES if full.mean() > NEARLY_FULL else 1.0)
                if held:  # as many are to come for each seat that is open as there are for each that is filled
                    to_come = before * (1.0 / max(full.mean(), 1.0 / len(full)) - 1.0)
                    at_once = max(at_once, to_come / max(1.0, (seconds - spent) * steps / spent))
                for place in np.argsort(-solved.share, kind="stable").tolist():
                    share, number = solved.share[place], int(solved.columns[place])
                    if share < IN_SIGHT or (share < SURE_OF and len(held) - before >= at_once):
                        break
                    v, rows = pool.schedules[number].v, pool.rows_of(number)
                    if v not in held and all(filled[n] < counts[n] for n in rows):
                        held[v] = number
                        filled.update(rows)
                nobody = nobody + 1 if len(held) == before else 0
                if nobody >= turns:
                    break
        return [pool.schedules[number] for number in held.values()]

    def _mixed(self, master: Master, points: Ints, solved: Solved | None) -> Solved:
        """A mixture that is cheap at prices it makes from these, beginning with the one that was. TimeoutError."""
        enough = PRECISE * abs(self.bound.priced.bound)
        for _ in range(TIMES):
            solved = master.near(points, STRIDE, SWEEPS, enough, solved, max(0.0, self._left()))
            points = np.rint(solved.prices).astype(np.int64)
        assert solved is not None
        return solved

    def adopt(self, assignments: Sequence[Assignment]) -> None:
        """Go on from this plan: crews are held to the starts it has, prices stay."""
        self._known = self.pool.take(self.pricer.schedules_of(assignments))
        choices, cuts = dict(self._grid.choices), dict(self._grid.cuts)
        for a in assignments:
            r = self.tables.instance.request_index[a.request]
            if a.seat == 0 and len(self.tables.requests[r].seats) > 1:
                cuts[r], choices[r] = (a.start,), Choice(((a.start, a.start),))
        grid = Grid(self.tables, cuts, choices, self._grid.triples)
        self._grid, self._points = grid, self._grid.moved(self._points, grid)

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

    def _tightened(self, held: Bound) -> int | None:
        """How many triples were taken in; None if it is too early."""
        return 0 if len(self.tables.rows) > MANY_ROWS else held.tighten(self._left())

    def _near(self) -> Ints:
        """Make every schedule that is near to being worth it; by how much each of the pool is dearer than the best.

        TimeoutError when time is over.
        """
        limits, rough = self._limits(), 2 if self._many else 0
        left = max(0.0, self._left())
        worth = self.pricer.priced(
            self._grid, self._points, self.bound.nothing, limits, seconds=left, rough=rough
        ).values
        near, left = worth + NEAR_WORTH, max(0.0, self._left())
        found = self.pricer.priced(self._grid, self._points, near, near, most=NEAR_TRIPS, seconds=left, rough=rough)
        self.pool.take(found.schedules)
        dearer: Ints = self.pool.values(self._grid, self._points) - worth[self.pool.v]
        return dearer

    def _limits(self) -> Ints:
        """By person the least value of a schedule that is known."""
        return self.pool.least(self.pool.values(self._grid, self._points), len(self.tables.volunteers))


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
