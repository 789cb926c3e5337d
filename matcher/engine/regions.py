"""Whole schedules chosen anew region by region: people who could take work over from each other, the rest held.

Where an instance is too large for one integer program, each region has its own, of schedules near to being worth it at
the prices of the whole (the matheuristic POPMUSIC of Taillard and Voss 2002, with set covering as its inner part).
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from matcher.engine.grid import Grid
from matcher.engine.master import Master, Pool
from matcher.engine.pricing import Pricer
from matcher.engine.tables import FAR_OFF, Ints

PEOPLE, COLUMNS = 200, 4_000
"""So many people make a region, with so many of the schedules that are nearest to being worth it."""

SECONDS, GAP = 6.0, 0.0005
"""A region's program gets at most so much time, and need come so near to its best choice."""


class Regions:
    """A plan as schedules of the pool, one a person, made cheaper region by region until nobody changes any more."""

    def __init__(
        self,
        grid: Grid,
        pricer: Pricer,
        pool: Pool,
        points: Ints,
        dearer: Ints,
        near: int,
        plan: Iterable[int],
        seed: int,
    ) -> None:
        """`plan`: numbers of the pool. Schedules that are by more than `near` points `dearer` are not looked at."""
        self.grid, self.pricer, self.pool, self.near = grid, pricer, pool, near
        self.tables = pricer.tables
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self.doing = {pool.schedules[n].v: n for n in plan}
        column, row, start = pool.visits
        good = np.nonzero(dearer <= near)[0]
        order = good[np.lexsort((dearer[good], pool.v[good]))]
        people = len(self.tables.volunteers)
        self._columns, self._columns_from = order, np.searchsorted(pool.v[order], np.arange(people + 1))
        self._dearer = dearer
        self._visits_from = np.searchsorted(column, np.arange(len(pool.schedules) + 1))
        self._row, self._price = row, points[grid.index(row, start)]
        used = np.zeros(len(dearer), dtype=bool)
        used[order] = True
        here = used[column]
        pairs = np.unique(np.stack([row[here], pool.v[column[here]]]), axis=1)
        self._people, self._people_from = pairs[1], np.searchsorted(pairs[0], np.arange(len(self.tables.rows) + 1))
        back = pairs[:, np.lexsort((pairs[0], pairs[1]))]
        self._rows, self._rows_from = back[0], np.searchsorted(back[1], np.arange(people + 1))
        self._times = np.zeros(people, dtype=np.int64)
        self._busy = np.zeros(people, dtype=bool)
        self._since_change = 0

    def run(self, left: Callable[[], float], threads: int) -> None:
        """Work on, a region a thread, until the time is over or four whole turns changed nothing."""
        with ThreadPoolExecutor(threads) as pool:
            for done in [pool.submit(self._work, left) for _ in range(threads)]:
                done.result()

    def _work(self, left: Callable[[], float]) -> None:
        turns = 4 * -(-len(self._times) // PEOPLE)
        while left() > 0 and self._since_change < turns:
            with self._lock:
                if self._busy.all():
                    return
                region = self._region()
                self._busy[region] = True
                mine = [self.doing[v] for v in region.tolist() if v in self.doing]
                master = self._program(region, mine)
            chosen = master.whole(lambda: min(SECONDS, left()))
            with self._lock:
                self._busy[region] = False
                self._times[region] += 1
                self._since_change += 1
                if chosen is not None and set(chosen) != set(mine):
                    self._since_change = 0
                    for n in mine:
                        del self.doing[self.pool.schedules[n].v]
                    self._take(chosen)

    def _region(self) -> Ints:
        """People around one who had fewest turns, of those who does what is dearest for them: who could do the same."""
        times = np.where(self._busy, FAR_OFF, self._times)
        fewest = np.nonzero(times == times.min())[0]
        dearer = np.array([self._over(v) for v in fewest.tolist()])
        dearest = fewest[dearer == dearer.max()]
        v = int(dearest[self._random.randrange(len(dearest))])
        people, seen, rows = [v], {v}, set[int]()
        at = 0
        while at < len(people) and len(people) < PEOPLE:
            mine = self._rows[self._rows_from[people[at]] : self._rows_from[people[at] + 1]].tolist()
            self._random.shuffle(mine)
            for n in mine:
                if n in rows:
                    continue
                rows.add(n)
                for other in self._people[self._people_from[n] : self._people_from[n + 1]].tolist():
                    if other not in seen and not self._busy[other] and len(people) < PEOPLE:
                        seen.add(other)
                        people.append(other)
            at += 1
        return np.array(sorted(people), dtype=np.int64)

    def _over(self, v: int) -> int:
        """By how much what somebody does is dearer than the best there is for them, as far as that is known."""
        n = self.doing.get(v, len(self._dearer))
        return int(self._dearer[n]) if n < len(self._dearer) else 0

    def _program(self, region: Ints, mine: list[int]) -> Master:
        """The program of these people, everybody else held."""
        inside = set(region.tolist())
        filled: Counter[int] = Counter()
        for v, n in self.doing.items():
            if v not in inside:
                filled.update(self.pool.rows_of(n))
        full = np.zeros(len(self.tables.rows), dtype=bool)
        for n, times in filled.items():
            full[n] = times >= len(self.tables.rows[n].seats)
        found = np.concatenate(
            [self._columns[self._columns_from[v] : self._columns_from[v + 1]] for v in region.tolist()]
        )
        dearer = np.array([self._dearer[n] + self._wasted(n, full) for n in found.tolist()], dtype=np.int64)
        order = np.argsort(dearer, kind="stable")[:COLUMNS]
        columns = [*mine, *found[order[dearer[order] <= self.near]].tolist()]
        master = Master(self.grid, self.pricer, filled)
        master.add(self.pool, columns)
        master.ask_for_whole(self.pool, mine, GAP)
        return master

    def _wasted(self, n: int, full: np.ndarray) -> int:
        span = slice(self._visits_from[n], self._visits_from[n + 1])
        return int(self._price[span][full[self._row[span]]].sum())

    def _take(self, chosen: Iterable[int]) -> None:
        """These schedules, less the visits that others make too."""
        filled: Counter[int] = Counter()
        for n in self.doing.values():
            filled.update(self.pool.rows_of(n))
        for n in chosen:
            schedule = self.pool.schedules[n]
            kept = []
            for job, start in schedule.visits:
                row = int(self.tables.arrays.row[job])
                if filled[row] < len(self.tables.rows[row].seats):
                    filled[row] += 1
                    kept.append((job, start))
            if len(kept) < len(schedule.visits):
                n = self.pool.take([self.pricer.schedule(schedule.v, kept)])[0] if kept else -1
            if n >= 0:
                self.doing[schedule.v] = n
