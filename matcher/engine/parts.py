"""A plan made better part by part: people who live near each other and what they do, each part searched by itself.

A part is an instance of its own, small enough for the search to work in fast memory, and each thread has one; the next
time the lines between parts run elsewhere (decomposition by route, as in Taillard 1993 and Santini et al. 2023).
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from matcher.engine.search import Search
from matcher.engine.tables import FAR_OFF, Ints, Tables
from matcher.instance import Instance
from matcher.plan import Assignment

PEOPLE = 1_250
"""About so many people make a part, but that those who hang together by working together are never parted."""

LANDMARKS = 4
"""Where somebody lives is told by the minutes from so many requests."""

NEAREST = 3
"""A request that nobody serves goes to the part of one of so many people who are nearest."""


def searched_in_parts(
    tables: Tables,
    assignments: Sequence[Assignment],
    left: Callable[[], float],
    threads: int,
    seed: int,
    hot: float,
    cold: float,
) -> list[Assignment]:
    """The plan after a search of each part, as many at once as there are `threads`, until no time is `left`.

    Each part has its share of the time by its size. Who works together in the plan is searched together.
    """
    luck = random.Random(seed)
    number = max(1, -(-len(tables.volunteers) // (PEOPLE * threads))) * threads
    parts = _divided(tables, assignments, _part_of(tables, number, luck), luck)
    lots: list[list[tuple[Instance, list[Assignment]]]] = [[] for _ in range(threads)]
    for part in sorted(parts, key=_size, reverse=True):
        min(lots, key=lambda lot: sum(map(_size, lot))).append(part)

    def work(lot: list[tuple[Instance, list[Assignment]]]) -> list[Assignment]:
        found = []
        for n, (part, plan) in enumerate(lot):
            end = left() * (1 - _size(lot[n]) / sum(map(_size, lot[n:])))  # the others' share of what is left

            def left_here(end: float = end) -> float:
                return left() - end

            found += _searched(part, plan, left_here, seed, hot, cold) if left_here() > 0 else plan
        return found

    with ThreadPoolExecutor(threads) as pool:
        working = [pool.submit(work, lot) for lot in lots]
        return sorted(a for one in working for a in one.result())


def _size(part: tuple[Instance, list[Assignment]]) -> int:
    return len(part[0].requests) + len(part[0].volunteers)


def _searched(
    part: Instance, plan: list[Assignment], left: Callable[[], float], seed: int, hot: float, cold: float
) -> list[Assignment]:
    """The plan of a part after a search, if it is any better. All of it must fit into the part to begin with."""

    def late() -> bool:
        return left() <= 0

    try:
        search = Search(Tables(part, late), seed)
    except TimeoutError:
        return plan
    search.begin_from(plan)
    before = search.best_cost
    if late() or search.best() != sorted(plan):
        return plan
    search.improve(left(), hot=hot, cold=cold, late=late)
    return search.best() if search.best_cost < before else plan


def _part_of(tables: Tables, number: int, luck: random.Random) -> Ints:
    """By volunteer the part: halved again and again where they are farthest apart. [V], -1 of those who can do nothing.

    Minutes from a few requests to the one that is nearest to somebody tell where that person lives.
    """
    d = tables.arrays
    nearest = np.full(len(tables.volunteers), -1, dtype=np.int64)
    least = np.full(len(tables.volunteers), FAR_OFF, dtype=np.int64)
    for i in range(len(d.owner)):
        begin, end = d.jobs_from[i], d.jobs_from[i + 1]
        if begin < end:
            ways = d.there[begin:end] + d.back[begin:end]
            j, v = int(np.argmin(ways)), d.owner[i]
            if ways[j] < least[v]:
                least[v], nearest[v] = ways[j], d.request[begin + j]
    part = np.full(len(nearest), -1, dtype=np.int64)
    people = np.nonzero(nearest >= 0)[0]
    landmarks = [luck.randrange(len(tables.requests)) for _ in range(LANDMARKS)]
    away = d.travel[0][landmarks][:, nearest[people]].astype(np.int64)
    labels = np.empty(len(people), dtype=np.int64)
    _halve(away, np.arange(len(people)), 0, number, labels)
    part[people] = labels
    return part


def _halve(away: Ints, some: Ints, first: int, number: int, labels: Ints) -> None:
    """Label these people with so many parts from `first` on, about as many in each. `away` [landmarks, people]."""
    if number == 1 or len(some) == 0:
        labels[some] = first
        return
    along = away[int(np.argmax(np.ptp(away[:, some], axis=1)))][some]
    order = some[np.argsort(along, kind="stable")]
    half = number // 2
    cut = len(order) * half // number
    _halve(away, order[:cut], first, half, labels)
    _halve(away, order[cut:], first + half, number - half, labels)


def _divided(
    tables: Tables, assignments: Sequence[Assignment], part: Ints, luck: random.Random
) -> list[tuple[Instance, list[Assignment]]]:
    """Each part as an instance with its share of the plan. Who works together in it is in the same part."""
    instance, d = tables.instance, tables.arrays
    crews: dict[int, list[Assignment]] = defaultdict(list)
    for a in assignments:
        crews[instance.request_index[a.request]].append(a)
    people = {r: [instance.volunteer_index[a.volunteer] for a in crew] for r, crew in crews.items()}
    part = part[_leaders(len(part), people.values())]
    home = {r: int(part[own[0]]) for r, own in people.items()}
    for n, row in enumerate(tables.rows):
        near = d.by_row[d.rows_from[n] : d.rows_from[n + 1]][:NEAREST]
        if row.r not in home and len(near):
            home[row.r] = int(part[d.owner[d.interval[near[luck.randrange(len(near))]]]])
    requests: dict[int, list[int]] = defaultdict(list)
    for r in sorted(home):
        requests[home[r]].append(r)
    return [
        (_part(instance, np.nonzero(part == n)[0].tolist(), own), [a for r in own for a in crews.get(r, ())])
        for n, own in sorted(requests.items())
    ]


def _leaders(number: int, crews: Iterable[Sequence[int]]) -> Ints:
    """By volunteer one of those who hang together by working together, the same for all of them."""
    leader = list(range(number))

    def led(v: int) -> int:
        while leader[v] != v:
            leader[v] = v = leader[leader[v]]
        return v

    for crew in crews:
        for v in crew[1:]:
            leader[led(v)] = led(crew[0])
    return np.array([led(v) for v in range(number)], dtype=np.int64)


def _part(instance: Instance, volunteers: Sequence[int], requests: Sequence[int]) -> Instance:
    """These people and requests as an instance; partners who live elsewhere have no time in it."""
    asked = [instance.requests[r] for r in requests]
    here = {instance.volunteers[v].id for v in volunteers}
    elsewhere = sorted({id for request in asked for id in request.partners} - here)
    people = [instance.volunteers[v] for v in volunteers]
    people += [replace(instance.volunteer(id), availability=()) for id in elsewhere]
    served = {request.id for request in asked}
    return replace(
        instance,
        volunteers=tuple(people),
        requests=tuple(asked),
        published=tuple(e for e in instance.published if e.request in served and e.volunteer in here),
        pinned=tuple(e for e in instance.pinned if e.request in served and e.volunteer in here),
    )
