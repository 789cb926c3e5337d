"""Regions: a large instance in parts that lie together, whose prices and schedules the whole begins with.

What regions prove apart does not add up: home to A to B and home may cost less than A and B apart. So only their prices
are taken over, each of the region its request lies in, and everybody is priced again over all requests.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from matcher.engine.bound import Bound
from matcher.engine.grid import Grid
from matcher.engine.master import Pool
from matcher.engine.pricing import Pricer, Schedule
from matcher.engine.tables import Ints, Tables
from matcher.instance import Instance
from matcher.plan import Assignment

LARGEST = 450
"""Rows of seats in a region at most."""

NEAR = 7
"""So many of the requests nearest to a person decide to which region they belong."""

GOOD = 0.003
"""A region is left when its program promises no more than this share beyond what is proven."""

HANDED_ON = 60
"""Schedules are handed on that are by no more than so many points dearer than the best of their person."""


@dataclass(frozen=True, slots=True)
class Region:
    """Requests and volunteers that lie together, by number."""

    requests: tuple[int, ...]
    volunteers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Stitched:
    """What regions found out: buckets of starts, their prices, and schedules, all of the whole instance."""

    grid: Grid
    points: Ints
    schedules: list[Schedule]


def regions(tables: Tables, largest: int = LARGEST) -> list[Region]:
    """Parts of at most so many rows of seats, cut in two again and again along their greatest distance."""
    rows = np.bincount([row.r for row in tables.rows], minlength=len(tables.requests))
    apart = tables.arrays.travel[0] if tables.modes else np.zeros((0, 0), dtype=np.int32)
    parts = [np.array(tables.open, dtype=np.int64)]
    done: list[Ints] = []
    while parts:
        part = parts.pop()
        if rows[part].sum() <= largest or len(part) < 2:
            done.append(part)
            continue
        one = part[int(np.argmax(apart[part[0], part]))]
        other = part[int(np.argmax(apart[one, part]))]
        side = apart[one, part].astype(np.int64) - apart[other, part]
        order = part[np.argsort(side, kind="stable")]
        half = int(np.searchsorted(np.cumsum(rows[order]), rows[part].sum() / 2)) + 1
        half = min(half, len(part) - 1)
        parts += [order[:half], order[half:]]
    region_of = np.full(len(tables.requests), -1, dtype=np.int64)
    for k, part in enumerate(done):
        region_of[part] = k
    people: list[list[int]] = [[] for _ in done]
    d = tables.arrays
    for v in range(len(tables.volunteers)):
        own = slice(
            int(d.jobs_from[d.intervals_from[v]]), int(d.jobs_from[d.intervals_from[v + 1]])
        )
        if own.start == own.stop:
            continue
        nearest = np.argsort(d.there[own], kind="stable")[:NEAR]
        votes = np.bincount(region_of[d.request[own][nearest]], minlength=len(done))
        people[int(np.argmax(votes))].append(v)
    return [
        Region(tuple(sorted(part.tolist())), tuple(own)) for part, own in zip(done, people, strict=True) if len(part)
    ]


def part_of(instance: Instance, region: Region) -> Instance:
    """The instance of a region alone."""
    requests = tuple(instance.requests[r] for r in region.requests)
    volunteers = tuple(instance.volunteers[v] for v in region.volunteers)
    known = {request.id for request in requests}, {person.id for person in volunteers}
    return replace(
        instance,
        requests=requests,
        volunteers=volunteers,
        published=tuple(p for p in instance.published if p.request in known[0] and p.volunteer in known[1]),
        pinned=tuple(p for p in instance.pinned if p.request in known[0] and p.volunteer in known[1]),
    )


def stitch(
    pricer: Pricer, assignments: Sequence[Assignment], threads: int, left: Callable[[], float]
) -> Stitched:
    """Prices and schedules of all regions, so many at a time; `left` says how many seconds there are for all of them.

    A region that has no time keeps the prices that are guessed first.
    """
    tables = pricer.tables
    parts = regions(tables)

    def explored(k: int) -> tuple[Region, Bound | None]:
        """Each takes its share of what is left."""
        now = left()
        behind = now * (1.0 - min(1.0, threads / (len(parts) - k)))
        return parts[k], _explored(tables.instance, parts[k], assignments, lambda: left() - behind)

    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(explored, range(len(parts))))
    cuts = {
        bound_r: at
        for region, bound in found
        if bound is not None
        for bound_r, at in ((region.requests[r], at) for r, at in bound.grid.cuts.items())
    }
    grid = Grid(tables, cuts)
    points = Bound.first_prices(pricer, grid, assignments)
    schedules: list[Schedule] = []
    for region, bound in found:
        if bound is not None:
            row = _rows(tables, region, bound.tables)
            _take_prices(grid, bound.grid, bound.points, row, points)
            schedules += _handed_on(pricer, region, bound, row)
    return Stitched(grid, points, schedules)


def _explored(
    instance: Instance, region: Region, assignments: Sequence[Assignment], left: Callable[[], float]
) -> Bound | None:
    """The bound of a region alone, as good as it gets in the time; None when there was none for the first one."""
    part = part_of(instance, region)
    people = {person.id for person in part.volunteers}
    requests = {request.id for request in part.requests}
    crews: dict[str, bool] = {}
    for a in assignments:
        crews[a.request] = crews.get(a.request, True) and a.volunteer in people
    own = [a for a in assignments if a.request in requests and crews[a.request]]
    tables = Tables(part)
    if not tables.open:
        return None
    bound: Bound | None = None
    with suppress(TimeoutError):
        bound = Bound(Pricer(tables), own, Pool(tables.arrays.row), seconds=left())
        while not bound.done and left() > 0:
            good = bound.promised <= GOOD * abs(bound.proven)
            if good and not bound.refine():
                break
            bound.step(left())
    return bound


def _rows(tables: Tables, region: Region, part: Tables) -> Ints:
    """The rows of the whole, for each row of the part."""
    return np.array([tables.row_of[region.requests[row.r], row.seats[0]] for row in part.rows], dtype=np.int64)


def _take_prices(grid: Grid, part: Grid, prices: Ints, row: Ints, points: Ints) -> None:
    """Write a part's prices into those of the whole, which has the same buckets there."""
    for m, n in enumerate(row.tolist()):
        own = prices[part.price_from[m] : part.price_from[m + 1]]
        points[grid.price_from[n] : grid.price_from[n] + len(own)] = own


def _handed_on(pricer: Pricer, region: Region, bound: Bound, row: Ints) -> list[Schedule]:
    """The schedules of a part that are nearly the best of their person, as those of the whole."""
    tables, d = pricer.tables, bound.tables.arrays
    found = []
    for number in np.nonzero(bound.reduced() <= HANDED_ON)[0].tolist():
        schedule = bound.pool.schedules[number]
        v = region.volunteers[schedule.v]
        moved = int(tables.first_of[v]) - int(bound.tables.first_of[schedule.v])
        visits = tuple(
            (tables.job(int(d.interval[job]) + moved, int(row[d.row[job]])), start) for job, start in schedule.visits
        )
        found.append(Schedule(v, schedule.points, visits))
    return found
