"""From nothing to a plan, and from a plan to a better one: regret insertion, then ruin and recreate.

Regret: the request that would lose most by waiting goes first (Potvin and Rousseau 1993). Ruin and recreate: take out
what lies together and put it back greedily, accepting as in simulated annealing (Schrimpf et al. 2000; Christiaens and
Vanden Berghe 2020, whose adjacent strings and blinks are used). The kernels work on the arrays of `insertion.Desk`.
"""

from __future__ import annotations

import itertools
import math
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from numba import njit

from matcher import cost
from matcher.engine.tables import FAR_OFF, Arrays, Ints, Late, Tables, ints, never
from matcher.instance import Instance
from matcher.plan import TERMS, Assignment

# isort: off
from matcher.engine.insertion import (
    ABSENTEES, ALONE, AT_JOB, AT_TRIP, BACK, BLINKS, CHOOSY, CREWS, EVER, LAG_HIGH, LAG_LOW, LARGEST, LEAST, LONGEST,
    MOST, MOST_SEATS, NEAR, NEAR_END, NEIGHBOURS, NO, NODES, NODES_END, OF, OPTIONAL, ORDERS, OWN_FIT, PIECES,
    PIECES_END, RIVALS, SEAT_ALONE, SEEN, SIZE, SLOTS, TAKES, THERE, UNSKILLED, WHOSE, YES, Desk, below, clear,
    commit, count_left, count_optional, count_served, draw, drop, drop_all, enlist, fill_optional, find, neighbours,
    queue, reseat, serve_rest, serve_waiting,
)  # fmt: skip
from matcher.engine.trips import (
    ABSENT, BEGIN, BEGUN, BEST, BLINK, CAPPED, COST, COST_BEFORE, CREWS_FROM, DAY, DIRTY, EARLY, END, FAIR,
    FAIR_ONE, FAIR_THREE, FAIR_TWO, FALL, FIRST, HEAD, HEAPED, HISTORY, HOME, JOB, LAST, LEDGER, LEG, MARK, MARKED,
    MINUTES, MISSING, MODE, MOST_MINUTES, MOST_TODAY, MOST_VISITS, NEXT, NOW, OPTIONAL_PRICE, OWNER, PEOPLE_FROM,
    PER_MINUTE, PREV, PRICE, RARE, REACH, RECORDED, REQUEST, REQUIRED, RNG, ROUND, ROWS, ROWS_END, RUN, SERVED, SPANS,
    SPANS_END, SPARE, TAIL, TAKEN, TARGET, TODO, TRIP, TRIPS, TRIPS_END, TRIPS_FROM, UNLIKE, UNLIKE_LIST, VACANT,
    VISITS, WIDTH, WORTH, WRITTEN, Core, allowance, keep, link, settle, undo, unlink,
)  # fmt: skip
# isort: on

SPARE_POINTS = 400
"""How much dearer it looks, while the first plan is made, to send a rare skill where none is wanted."""

CLOSE, MOST_CLOSE = 600, 3_000_000
"""So many of the jobs of a row that cost least alone are held ready, and so many of all rows together."""

REACHED = 80
"""So many of them are looked at."""

TUNE = {
    "requests taken out at most, in a quarter of the rounds": 20,
    "blinks in a thousand": 20,
    "longest string": 6,
    "rival rounds in a hundred that begin with somebody unserved": 60,
    "rounds in a hundred that take out rivals": 30,
    "rounds in a hundred that take out crews": 10,
    "unserved tried in a round": 6,
    "of a crew only the seat, in a hundred": 80,
    "what a minute between windows counts": 1,
    "order: as drawn": 20,
    "order: dearest first": 20,
    "order: fewest people first": 20,
    "order: shortest windows first": 12,
    "order: most seats first": 13,
    "order: earliest first": 10,
}
"""How to search, found by measuring; in the order of LARGEST and the others. What is left of a hundred orders is those
first to whom the nearest person costs most."""

HOT, COLD = 300.0, 5.0
"""Temperatures in points at the beginning and at the end of the search."""

POOL, POOL_VISITS, KNOWN = 60_000, 240_000, 1 << 18
"""So many schedules of people, and visits in them, are remembered."""

SMALL = 8
"""In the other rounds so many requests are taken out at most."""

LOOK_AFTER = 50
"""After so many rounds it is looked up again who is unserved."""

LOOKS, ROUNDS, CHUNK = 200, 20, 0.005
"""Requests looked at in one call of a kernel, at most, and rounds made; and about so many seconds, where they count."""

# the kernels


@njit(cache=True, nogil=True)
def closest(d: Arrays, out: Ints, row: Ints, trips: int, people: int, most: int) -> int:
    """Into `out` of each row the jobs that cost least alone, at most so many; how many there are. `out` [.., 16]."""
    used, now = 0, d.weights[0]
    alone = np.empty(len(d.row), dtype=np.int64)
    for j in range(len(alone)):
        i = d.interval[j]
        alone[j] = FAR_OFF
        last = d.end[i] - d.back[j] - d.minutes[j]
        for p in range(d.pieces_from[j], d.pieces_to[j]):
            soonest = d.there[j] + (d.start[i] if d.begun[p] else max(d.start[i], now))
            start = max(soonest, d.first[p])
            if start <= min(last, d.last[p]):
                gain = d.gain[p] - d.fall[p] * (start - d.first[p])
                alone[j] = min(alone[j], d.weights[1] * (d.there[j] + d.back[j]) + d.fit[j] - gain)
    for n in range(len(row)):
        begin, end = d.rows_from[n], d.rows_from[n + 1]
        points = alone[d.by_row[begin:end]]
        limit = FAR_OFF
        if end - begin > most:
            limit = np.partition(points, most - 1)[most - 1]
        near = np.nonzero(points <= limit)[0]
        order = near[np.argsort(points[near])[:most]]
        row[n, NEAR] = used
        for k in order:
            j = d.by_row[begin + k]
            out[used, AT_TRIP], out[used, ALONE], out[used, AT_JOB] = trips + d.interval[j], points[k], j
            out[used, WHOSE], out[used, SEEN] = people + d.owner[d.interval[j]], -1
            out[used, THERE], out[used, BACK], out[used, OWN_FIT] = d.there[j], d.back[j], d.fit[j]
            out[used, PIECES], out[used, PIECES_END] = d.pieces_from[j], d.pieces_to[j]
            used += 1
        row[n, NEAR_END] = used
    return used


@njit(cache=True, nogil=True)
def note(w: Desk) -> None:
    """Remember the plan, and what its people do, if it is the best so far; after `keep`."""
    memory, ledger, tally = w.core.memory, w.core.ledger, w.core.tally
    if tally[COST] >= tally[BEST]:
        return
    for k in range(tally[DIRTY]):
        x = ledger[k, UNLIKE_LIST]
        ledger[x, UNLIKE] = 0
        for column in range(WIDTH):
            w.best[x, column] = memory[x, column]
        if tally[PEOPLE_FROM] <= x < tally[CREWS_FROM]:
            _record(memory, tally, w.pool, w.pool_visit, w.pool_known, x)
    tally[DIRTY] = 0
    tally[BEST] = tally[COST]


@njit(cache=True, nogil=True)
def _record(memory: Ints, tally: Ints, pool: Ints, pool_visit: Ints, pool_known: Ints, person: int) -> None:
    """Write down what a person does, unless it is known; the oldest is written over."""
    mixed, visits = np.uint64(person + 1), 0
    for t in range(memory[person, TRIPS], memory[person, TRIPS_END]):
        q = memory[t, HEAD]
        while q >= 0:
            mixed = (mixed ^ np.uint64(memory[q, JOB])) * np.uint64(0x9E3779B97F4A7C15)
            mixed = (mixed ^ (mixed >> np.uint64(29)) ^ np.uint64(memory[q, EARLY])) * np.uint64(0xBF58476D1CE4E5B9)
            mixed ^= mixed >> np.uint64(32)
            visits += 1
            q = memory[q, NEXT]
    if visits == 0 or visits > POOL_VISITS // 2:
        return
    name = np.int64(mixed >> np.uint64(2)) + 1
    place = name % KNOWN
    while pool_known[place] != 0:
        if pool_known[place] == name:
            return
        place = (place + 1) % KNOWN
    if tally[RECORDED] % (KNOWN // 2) == KNOWN // 2 - 1:
        pool_known[:] = 0
    pool_known[place] = name
    entry = tally[RECORDED] % POOL
    pool[entry, 0], pool[entry, 1], pool[entry, 2] = person - tally[PEOPLE_FROM], tally[WRITTEN], visits
    tally[RECORDED] += 1
    for t in range(memory[person, TRIPS], memory[person, TRIPS_END]):
        q = memory[t, HEAD]
        while q >= 0:
            place = tally[WRITTEN] % POOL_VISITS
            pool_visit[place, 0], pool_visit[place, 1] = memory[q, JOB], memory[q, EARLY]
            tally[WRITTEN] += 1
            q = memory[q, NEXT]


@njit(cache=True, nogil=True)
def return_to_best(w: Desk) -> None:
    """The plan is the best one again."""
    memory, ledger, tally = w.core.memory, w.core.ledger, w.core.tally
    for k in range(tally[DIRTY]):
        x = ledger[k, UNLIKE_LIST]
        ledger[x, UNLIKE] = 0
        for column in range(WIDTH):
            memory[x, column] = w.best[x, column]
    tally[DIRTY] = 0
    tally[COST] = tally[BEST]
    keep(tally)


# The columns of `given`, a plan to begin from: one row a visit, by seat start.
SEAT, BY_MEANS, OF_CREW, FROM_PART, TO_PART, NOT_BEFORE, NOT_AFTER, STARTED = range(8)


@njit(cache=True, nogil=True)
def take_over(w: Desk, given: Ints, crews: Ints, members: Ints) -> None:
    """Begin again from these visits: all at once; whatever does not fit leaves, and is tried again alone.

    `crews` [.., 4]: request, start, first and behind the last of its visits in `members`, which numbers `given`.
    """
    c, memory, tally = w.core, w.core.memory, w.core.tally
    _leave_all(w)
    for k in range(len(given)):
        t = tally[TRIPS_FROM] + w.interval[given[k, BY_MEANS]]
        _give(w, given, k, t, memory[t, TAIL])
    for n in range(len(crews)):
        _count_crew(w, given, crews, members, n)
    tally[TAKEN] += 1
    tally[TODO] = 0
    for k in range(len(given)):
        t = tally[TRIPS_FROM] + w.interval[given[k, BY_MEANS]]
        if memory[t, VISITS] > 0 and (not settle(c, t) or allowance(memory, t, NO) < 0):
            drop_all(w, clear(c, w.stack, t, NO))
    keep(tally)
    for n in range(len(crews)):
        if memory[tally[CREWS_FROM] + crews[n, 0], SERVED] == 0:
            fits = True
            for k in range(crews[n, 2], crews[n, 3]):
                fits = fits and _give_alone(w, given, members[k])
            if fits:
                _count_crew(w, given, crews, members, n)
                keep(tally)
            else:
                undo(c)


@njit(cache=True, nogil=True)
def _leave_all(w: Desk) -> None:
    """Nobody does anything."""
    c, tally = w.core, w.core.tally
    for t in range(tally[TRIPS_FROM], tally[PEOPLE_FROM]):
        if c.memory[t, VISITS] > 0:
            clear(c, w.stack, t, NO)
    for crew in range(tally[CREWS_FROM], len(c.memory)):
        if c.memory[crew, SERVED]:
            count_left(c, crew)
    keep(tally)


@njit(cache=True, nogil=True)
def _give(w: Desk, given: Ints, k: int, t: int, after: int) -> None:
    """One of the visits goes into trip t, behind that seat."""
    q, j = given[k, SEAT], given[k, BY_MEANS]
    c = w.core
    link(
        c.memory, c.ledger, c.tally, q, t, j, given[k, OF_CREW], w.row[w.seat_row[q], TAKES], w.fit[j], after,
        given[k, FROM_PART], given[k, TO_PART], given[k, NOT_BEFORE], given[k, NOT_AFTER],
    )  # fmt: skip


@njit(cache=True, nogil=True)
def _give_alone(w: Desk, given: Ints, k: int) -> bool:
    """One visit more in a trip that holds, where its start belongs; whether it fits."""
    memory = w.core.memory
    t = w.core.tally[TRIPS_FROM] + w.interval[given[k, BY_MEANS]]
    after, q = -1, memory[t, HEAD]
    while q >= 0 and memory[q, EARLY] <= given[k, STARTED]:
        after, q = q, memory[q, NEXT]
    _give(w, given, k, t, after)
    return settle(w.core, t) and allowance(memory, t, NO) >= 0


@njit(cache=True, nogil=True)
def _count_crew(w: Desk, given: Ints, crews: Ints, members: Ints, n: int) -> None:
    """A crew whose visits are in their trips is served."""
    crew = w.core.tally[CREWS_FROM] + crews[n, 0]
    count_served(w.core, crew, crews[n, 1])
    for k in range(crews[n, 2], crews[n, 3]):
        if w.row[w.seat_row[given[members[k], SEAT]], OPTIONAL]:
            count_optional(w.core, crew, YES)


# ruin


@njit(cache=True, nogil=True)
def _is_crew(memory: Ints, crew: int) -> bool:
    """Whether the request has several seats."""
    return bool(memory[crew, REQUIRED] + memory[crew, SPARE] > 1)


@njit(cache=True, nogil=True)
def _some_seat(w: Desk, crew: int) -> int:
    """A filled seat of a served request, -1 when all have just been emptied."""
    memory = w.core.memory
    begin, end = w.row[memory[crew, ROWS], NODES], w.row[memory[crew, ROWS_END] - 1, NODES_END]
    if end == begin + 1:
        return int(begin)
    q = begin + below(w.core.tally, end - begin)
    for _ in range(begin, end):
        if memory[q, JOB] >= 0:
            return int(q)
        q = q + 1 if q + 1 < end else begin
    return -1


@njit(cache=True, nogil=True)
def _take_out(w: Desk, q: int) -> None:
    """Take one visit out: of a crew its seat alone, which is then vacant, or the whole crew."""
    c, memory, tally = w.core, w.core.memory, w.core.tally
    r = memory[q, REQUEST]
    crew = tally[CREWS_FROM] + r
    if not _is_crew(memory, crew) or draw(tally) % 100 >= w.tune[SEAT_ALONE]:
        drop(w, r)
        return
    t = unlink(memory, c.ledger, tally, q)
    w.vacant[tally[VACANT]] = q
    tally[VACANT] += 1
    if w.row[w.seat_row[q], OPTIONAL]:
        count_optional(c, crew, -YES)
    if not settle(c, t) or allowance(memory, t, NO) < 0:
        drop_all(w, clear(c, w.stack, t, NO))


@njit(cache=True, nogil=True)
def _take_string(w: Desk, q: int, longest: int) -> int:
    """Take a string of visits around q out of its trip; how many."""
    memory, tally = w.core.memory, w.core.tally
    t = memory[q, TRIP]
    w.core.ledger[t, MARKED] = tally[TAKEN]
    length = 1 + below(tally, min(longest, memory[t, VISITS]))
    back = below(tally, length)
    while back > 0 and memory[q, PREV] >= 0:
        q = memory[q, PREV]
        back -= 1
    taken = 0
    while q >= 0 and taken < length:
        following = memory[q, NEXT]
        _take_out(w, q)
        taken += 1
        if following >= 0 and memory[following, JOB] < 0:
            break
        q = following
    return taken


@njit(cache=True, nogil=True)
def _ruin_strings(w: Desk, seed: int, size: int) -> None:
    """Strings of the trips that pass near a request; those unserved there are to be put in as well."""
    memory, ledger, tally = w.core.memory, w.core.ledger, w.core.tally
    taken, absent, number = 0, 0, neighbours(w, seed)
    for k in range(-1, number):
        r = seed if k < 0 else w.near[seed, k]
        crew = tally[CREWS_FROM] + r
        if taken >= size:
            break
        if not memory[crew, SERVED]:
            if absent < w.tune[ABSENTEES]:
                enlist(w.todo, w.listed, tally, r)
                absent += 1
            continue
        q = _some_seat(w, crew)
        if q >= 0 and ledger[memory[q, TRIP], MARKED] != tally[TAKEN]:
            taken += _take_string(w, q, w.tune[LONGEST])


@njit(cache=True, nogil=True)
def _ruin_rivals(w: Desk, seed: int, size: int) -> None:
    """What people do who could serve a request, at about its time."""
    memory, tally = w.core.memory, w.core.tally
    crew = tally[CREWS_FROM] + seed
    _renew(w, seed)
    n = memory[crew, ROWS] + below(tally, memory[crew, ROWS_END] - memory[crew, ROWS])
    number = min(w.row[n, NEAR_END] - w.row[n, NEAR], tally[REACH])
    taken = 0
    for _ in range(3 * size if number > 0 else 0):
        t = w.close[w.row[n, NEAR] + below(tally, number), AT_TRIP]
        q = memory[t, HEAD]
        if q < 0:
            continue
        while memory[q, EARLY] + memory[q, MINUTES] < w.row[n, LEAST] and memory[q, NEXT] >= 0:
            q = memory[q, NEXT]
        taken += _take_string(w, q, w.tune[LONGEST])
        if taken >= size:
            return


@njit(cache=True, nogil=True)
def _ruin_crews(w: Desk, seed: int, size: int) -> None:
    """A crew and others near in place and time, and some singles."""
    _renew(w, seed)
    taken = 1
    for k in range(neighbours(w, seed)):
        r = w.near[seed, k]
        several = _is_crew(w.core.memory, w.core.tally[CREWS_FROM] + r)
        if taken >= size:
            return
        if draw(w.core.tally) % 100 < (60 if several else 10):
            _renew(w, r)
            taken += 1


@njit(cache=True, nogil=True)
def _renew(w: Desk, r: int) -> None:
    """The request is to be put in, anew if it is served."""
    if w.core.memory[w.core.tally[CREWS_FROM] + r, SERVED]:
        drop(w, r)
    else:
        enlist(w.todo, w.listed, w.core.tally, r)


# recreate


@njit(cache=True, nogil=True)
def _sort(w: Desk) -> None:
    """Put `todo` in one of several orders."""
    todo, key, row, memory, tally = w.todo, w.key, w.row, w.core.memory, w.core.tally
    number = tally[TODO]
    for k in range(number - 1, 0, -1):
        other = below(tally, k + 1)
        todo[k], todo[other] = todo[other], todo[k]
    kind, chance = 0, draw(tally) % 100
    while kind < 6 and chance >= w.tune[ORDERS + kind]:
        chance -= w.tune[ORDERS + kind]
        kind += 1
    if kind == 0:
        return
    for k in range(number):
        r = todo[k]
        crew = tally[CREWS_FROM] + r
        n = memory[crew, ROWS]
        if kind == 1:
            key[r] = -memory[crew, PRICE]
        elif kind == 2:
            key[r] = row[n, SIZE]
            for m in range(n, memory[crew, ROWS_END]):
                if not row[m, OPTIONAL]:
                    key[r] = min(key[r], row[m, SIZE] // (row[m, NODES_END] - row[m, NODES]))
        elif kind == 3:
            key[r] = row[n, MOST] - row[n, LEAST]
        elif kind == 4:
            key[r] = -(memory[crew, REQUIRED] + memory[crew, SPARE])
        elif kind == 5:
            key[r] = row[n, LEAST]
        else:
            key[r] = -w.close[row[n, NEAR], ALONE]
    for k in range(1, number):
        r = todo[k]
        place = k
        while place > 0 and key[todo[place - 1]] > key[r]:
            todo[place] = todo[place - 1]
            place -= 1
        todo[place] = r


@njit(cache=True, nogil=True)
def _put_in(w: Desk, begin: int) -> int:
    """Serve what is listed from there on, each in its cheapest way; how many are listed."""
    memory, tally = w.core.memory, w.core.tally
    k = begin
    while k < tally[TODO]:
        r = w.todo[k]
        crew = tally[CREWS_FROM] + r
        if not memory[crew, SERVED] and find(w, r, memory[crew, PRICE], NO, YES if draw(tally) % 8 == 0 else NO):
            commit(w, r)
        k += 1
    return k


@njit(cache=True, nogil=True)
def _fill_vacant(w: Desk) -> None:
    """The seats that were taken out of crews are filled again, or the crew goes."""
    memory, tally = w.core.memory, w.core.tally
    for k in range(tally[VACANT]):
        q = w.vacant[k]
        n = w.seat_row[q]
        r = w.row[n, OF]
        if memory[tally[CREWS_FROM] + r, SERVED] and memory[q, JOB] < 0:
            if w.row[n, OPTIONAL]:
                fill_optional(w, r)
            elif not reseat(w, r, n, q, EVER):
                drop(w, r)
    tally[VACANT] = 0


@njit(cache=True, nogil=True)
def _round(w: Desk, temperature: float) -> None:
    """One ruin and one recreate, taken back where it is too dear for the temperature."""
    tally, tune = w.core.tally, w.tune
    tally[TAKEN] += 1
    tally[TODO] = tally[VACANT] = 0
    tally[BLINK] = tune[BLINKS]
    seed = w.open[below(tally, len(w.open))]
    size = 1 + below(tally, tune[LARGEST] if draw(tally) % 4 == 0 else SMALL)
    kind = draw(tally) % 100
    if kind < tune[CREWS] and len(w.teams) > 0:
        _ruin_crews(w, w.teams[below(tally, len(w.teams))], 1 + draw(tally) % 4)
    elif kind < tune[CREWS] + tune[RIVALS]:
        if tally[ABSENT] > 0 and draw(tally) % 100 < tune[CHOOSY]:
            seed = w.absent[below(tally, tally[ABSENT])]
        _ruin_rivals(w, seed, size)
    else:
        _ruin_strings(w, seed, size)
    early = draw(tally) % 2 == 0
    if early:
        _fill_vacant(w)
    _sort(w)
    put_in = _put_in(w, NO)
    if not early:
        _fill_vacant(w)
        _put_in(w, put_in)
    tally[BLINK] = 0
    chance = (draw(tally) % (1 << 30) + 1) / (1 << 30)
    if tally[COST] - tally[COST_BEFORE] > -temperature * math.log(chance):
        undo(w.core)
        return
    keep(tally)
    note(w)


@njit(cache=True, nogil=True)
def _list_absent(w: Desk) -> None:
    """Who is unserved, for the rounds to come."""
    tally = w.core.tally
    tally[ABSENT] = 0
    for r in w.open:
        if not w.core.memory[tally[CREWS_FROM] + r, SERVED]:
            w.absent[tally[ABSENT]] = r
            tally[ABSENT] += 1


@njit(cache=True, nogil=True)
def cool(w: Desk, number: int, done: float, step: float, whole: float, hot: float, cold: float) -> None:
    """So many rounds, cooling by (done + step a round) / whole."""
    for k in range(number):
        if k % LOOK_AFTER == 0:
            _list_absent(w)
        progress = min(1.0, (done + step * k) / whole)
        _round(w, hot * (cold / hot) ** progress)


# the door


class Search:
    """A plan in the making: first by regret, then better and better. Same seed and same rounds: same plan."""

    def __init__(self, tables: Tables, seed: int) -> None:
        self.tables, self.instance = tables, tables.instance
        self.desk = desk(tables, seed)
        self._spare = _spare(tables)
        tally = self.desk.core.tally
        self._people = slice(int(tally[PEOPLE_FROM]), int(tally[CREWS_FROM]))

    @property
    def cost(self) -> int:
        """Points of the plan as it stands."""
        return int(self.desk.core.tally[COST])

    @property
    def best_cost(self) -> int:
        """Points of the best plan so far."""
        return int(self.desk.core.tally[BEST])

    def insert_by_regret(self, late: Late = never) -> None:
        """Serve, again and again, the request that would lose most by waiting; rare skills are spared meanwhile."""
        w = self.desk
        w.core.memory[self._people, RARE] = self._spare
        w.core.tally[[HEAPED, BLINK]] = 0
        try:
            for begin, end in _spans(len(w.open), late):
                queue(w, begin, end)
            for number in _paces(late):
                if not serve_waiting(w, number):
                    break
        finally:
            w.core.memory[self._people, RARE] = 0
            note(w)

    def insert_rest(self, late: Late = never) -> None:
        """Serve in the best plan whatever still fits and is worth it, dearest first."""
        w = self.desk
        return_to_best(w)
        order = sorted(self.tables.open, key=lambda r: (-self.tables.price[r], r))
        w.todo[: len(order)] = order
        for begin, end in _spans(len(order), late):
            serve_rest(w, begin, end)
        note(w)

    def improve(
        self,
        seconds: float | None = None,
        rounds: int | None = None,
        hot: float = HOT,
        cold: float = COLD,
        late: Late = never,
    ) -> None:
        """Ruin and recreate for so long, or for so many rounds, cooling from `hot` to `cold` points."""
        if not len(self.desk.open):
            return
        began, done, number = time.perf_counter(), 0, 1
        while not late() and (rounds is None or done < rounds):
            before = time.perf_counter()
            spent = 1.0 if seconds is None else (before - began) / seconds
            if rounds is not None:
                number = min(ROUNDS, rounds - done)
                cool(self.desk, number, float(done), 1.0, float(rounds), hot, cold)
            elif seconds is not None and spent >= 1:
                break
            else:
                cool(self.desk, number, spent, 0.0, 1.0, hot, cold)
                took = time.perf_counter() - before
                number = max(1, min(2 * number, int(number * CHUNK / max(took, 1e-6))))
            done += number

    def begin_from(self, assignments: Sequence[Assignment]) -> None:
        """Begin again from this plan: what holds is kept, the rest is dropped."""
        given, crews, members = self._given(assignments)
        take_over(self.desk, given, crews, members)
        note(self.desk)

    def best(self) -> list[Assignment]:
        """The best plan so far, whole and feasible."""
        w, found = self.desk, []
        filled = np.nonzero(w.best[: len(w.seat_row), JOB] >= 0)[0]
        for q in filled.tolist():
            job, early = int(w.best[q, JOB]), int(w.best[q, EARLY])
            n = int(w.seat_row[q])
            row = self.tables.rows[n]
            request, k = self.tables.requests[row.r], row.seats[q - int(w.row[n, NODES])]
            person = self.tables.volunteers[int(self.tables.arrays.owner[w.interval[job]])]
            found.append(Assignment(request.id, k, person.id, early, early + request.seat_minutes(k)))
        return sorted(found)

    def served(self) -> int:
        """How many requests the best plan serves."""
        return int(self.desk.best[self.desk.core.tally[CREWS_FROM] :, SERVED].sum())

    def terms(self) -> dict[str, int]:
        """The cost of the best plan term by term, summed over trips and crews (the judge has its own way)."""
        w, tables, instance = self.desk, self.tables, self.instance
        weights, points = instance.weights, {**nothing(tables), "unserved": 0}
        people, crews = int(w.core.tally[PEOPLE_FROM]), w.best[w.core.tally[CREWS_FROM] :]
        points["fairness"] = int(w.best[people : people + len(tables.volunteers), FAIR].sum())
        for r in range(len(tables.requests)):
            served = bool(crews[r, SERVED])
            points["unserved"] += weights.optional_seat * int(crews[r, MISSING]) if served else tables.price[r]
        for a in self.best():
            self._count_visit(points, a)
        points["travel"] = weights.travel * self._minutes_travelled()
        return points

    def _count_visit(self, points: dict[str, int], a: Assignment) -> None:
        instance = self.instance
        request, person = instance.request(a.request), instance.volunteer(a.volunteer)
        points["continuity"] += cost.continuity_points(instance.weights, request, person)
        points["affinity"] += cost.affinity_points(request, person)
        points["late"] += cost.late_points(instance, request, a.start) if a.seat == 0 else 0
        entry, pin = instance.published_of.get((a.request, a.volunteer)), instance.pin_of.get((a.request, a.volunteer))
        if entry is not None and cost.keeps_published(a, entry):
            points["stability"] -= cost.disturbance_points(instance, entry)
        if pin is not None and cost.keeps_pin(a, pin):
            points["pins"] -= instance.weights.pin

    def _minutes_travelled(self) -> int:
        w = self.desk
        nodes, trips = w.best[: len(w.seat_row)], w.best[w.core.tally[TRIPS_FROM] : w.core.tally[PEOPLE_FROM]]
        return int(nodes[nodes[:, JOB] >= 0, LEG].sum() + trips[trips[:, VISITS] > 0, HOME].sum())

    def cheapest_insertion(self, r: int) -> int | None:
        """Points of serving request r beside everything the best plan does; None where it does not fit."""
        w = self.desk
        return_to_best(w)
        if r in self.tables.hopeless or not find(w, r, FAR_OFF, 0, 1):
            return None
        commit(w, r)
        points = self.cost - self.best_cost + self.tables.price[r]
        undo(w.core)
        return points

    def pool(self) -> list[tuple[int, tuple[tuple[int, int], ...]]]:
        """What people did in plans that were the best when they were made, oldest first: (volunteer, (job, start)…)."""
        w, found = self.desk, []
        recorded, written = int(w.core.tally[RECORDED]), int(w.core.tally[WRITTEN])
        for entry in range(max(0, recorded - POOL), recorded):
            v, begin, visits = w.pool[entry % POOL].tolist()
            if begin >= written - POOL_VISITS:
                own = w.pool_visit[np.arange(begin, begin + visits) % POOL_VISITS]
                found.append((v, tuple((int(j), int(start)) for j, start in own)))
        return found

    def _given(self, assignments: Sequence[Assignment]) -> tuple[Ints, Ints, Ints]:
        """A plan in numbers, as `take_over` wants it: its visits by start, its crews, and their visits."""
        crews: dict[int, list[tuple[int, ...]]] = {}
        starts: dict[int, int] = {}
        for r, crew in _by_request(self.instance, assignments).items():
            start = next((a.start for a in crew if a.seat == 0), -FAR_OFF)
            if r in self.tables.hopeless or not any(a <= start <= b for a, b in self.tables.starts[r]):
                continue
            visits = [visit for a in crew if (visit := self._visit(r, a, start)) is not None]
            there = {int(self.desk.seat_row[visit[0]]) for visit in visits}
            filled = sum(not self.desk.row[self.desk.seat_row[visit[0]], OPTIONAL] for visit in visits)
            if filled == len(self.tables.requests[r].required_seats) and there:
                crews[r], starts[r] = visits, start
        flat = [visit for visits in crews.values() for visit in visits]
        order = sorted(range(len(flat)), key=lambda n: (flat[n][STARTED], flat[n]))
        place = {n: k for k, n in enumerate(order)}
        given = np.array([flat[n] for n in order], dtype=np.int64).reshape(-1, 8)
        cuts = np.cumsum([0, *(len(visits) for visits in crews.values())])
        table = [[r, starts[r], int(cuts[c]), int(cuts[c + 1])] for c, r in enumerate(crews)]
        members = np.array([place[n] for n in range(len(flat))], dtype=np.int64)
        return given, np.array(table, dtype=np.int64).reshape(-1, 4), members

    def _visit(self, r: int, a: Assignment, start: int) -> tuple[int, ...] | None:
        """One assignment in numbers; None where it breaks a rule by itself."""
        w, d, request = self.desk, self.tables.arrays, self.tables.requests[r]
        v, n = self.instance.volunteer_index[a.volunteer], self.tables.row_of[r, a.seat]
        low, high = (start + lag for lag in request.seats[a.seat].lag)
        if a.end - a.start != request.seat_minutes(a.seat) or not low <= a.start <= high:
            return None
        for i in self.tables.intervals_of(v):
            if not (d.start[i] <= a.start and a.end <= d.end[i]):
                continue
            begin, end = int(d.jobs_from[i]), int(d.jobs_from[i + 1])
            j = begin + int(np.searchsorted(d.row[begin:end], n))
            pieces = self._pieces(j, a.start) if j < end and d.row[j] == n else None
            if pieces is None:
                return None
            seat = int(w.row[n, NODES]) + self.tables.rows[n].seats.index(a.seat)
            if len(request.seats) == 1:
                return seat, j, r, pieces[0], pieces[1], -FAR_OFF, FAR_OFF, a.start
            return seat, j, r, pieces[2], pieces[2] + 1, low, high, a.start
        return None

    def _pieces(self, j: int, start: int) -> tuple[int, int, int] | None:
        """The run of pieces of a job that gains most at this start, and the piece itself; None where there is none."""
        piece, d = self.desk.core.piece, self.tables.arrays
        best, begin, end = None, int(d.pieces_from[j]), int(d.pieces_to[j])
        while begin < end:
            behind = min(int(piece[begin, RUN]), end)
            for p in range(begin, behind):
                if piece[p, FIRST] <= start <= piece[p, LAST]:
                    gain = int(piece[p, WORTH] - piece[p, FALL] * (start - piece[p, FIRST]))
                    best = max(best or (-FAR_OFF, 0, 0, 0), (gain, begin, behind, p))
            begin = behind
        return None if best is None else best[1:]


def _paces(late: Late) -> Iterator[int]:
    """How many requests to look at in the next call of a kernel, so that one takes about CHUNK; until it is late."""
    number = 1
    while not late():
        began = time.perf_counter()
        yield number
        took = time.perf_counter() - began
        number = max(1, min(2 * number, int(number * CHUNK / max(took, 1e-6)), LOOKS))


def _spans(number: int, late: Late) -> Iterator[tuple[int, int]]:
    """So many requests, in such paces."""
    begin = 0
    for pace in _paces(late):
        if begin >= number:
            break
        yield begin, min(number, begin + pace)
        begin += pace


def nothing(tables: Tables) -> dict[str, int]:
    """The cost, term by term, of a plan in which nobody does anything."""
    instance = tables.instance
    points = dict.fromkeys(TERMS, 0)
    points["unserved"] = sum(tables.price)
    points["stability"] = sum(cost.disturbance_points(instance, entry) for entry in instance.published)
    points["pins"] = instance.weights.pin * len(instance.pinned)
    return points


def _by_request(instance: Instance, assignments: Sequence[Assignment]) -> dict[int, list[Assignment]]:
    """The known assignments by request, each seat once and each person once."""
    crews: dict[int, list[Assignment]] = defaultdict(list)
    for a in sorted(assignments):
        r = instance.request_index.get(a.request)
        if r is None or a.volunteer not in instance.volunteer_index or a.seat >= len(instance.requests[r].seats):
            continue
        if not any(a.seat == other.seat or a.volunteer == other.volunteer for other in crews[r]):
            crews[r].append(a)
    return crews


def _spare(tables: Tables) -> Ints:
    """By how much dearer each person is made to look where no skill is asked for: seats wanting theirs, per head."""
    wanted = Counter(skill for request in tables.requests for seat in request.seats for skill in seat.skills)
    heads = Counter(skill for person in tables.volunteers for skill in person.skills)
    share = {skill: min(1.0, seats / heads[skill]) for skill, seats in wanted.items() if heads[skill]}
    rarest = [max((share.get(skill, 0.0) for skill in person.skills), default=0.0) for person in tables.volunteers]
    return np.array([round(SPARE_POINTS * rarity) for rarity in rarest], dtype=np.int64)


def desk(tables: Tables, seed: int) -> Desk:
    """The desk for an instance: nobody does anything yet."""
    d, requests = tables.arrays, len(tables.requests)
    row, spans = _row_table(tables), [span for starts in tables.starts for span in starts]
    seats = [n for n, one in enumerate(tables.rows) for _ in one.seats]
    core = _core(tables, seats, seed)
    most = min(CLOSE, MOST_CLOSE // max(1, len(row)))
    close = _zeros(int(np.minimum(np.diff(d.rows_from), most).sum()), 16)
    closest(d, close, row, int(core.tally[TRIPS_FROM]), int(core.tally[PEOPLE_FROM]), most)
    return Desk(
        core=core,
        best=core.memory.copy(),
        row=row,
        seat_row=ints(seats),
        span=ints(spans).reshape(-1, 2),
        close=close,
        near=np.full((requests, NEIGHBOURS), -2, dtype=np.int64),
        open=ints(tables.open),
        teams=ints([r for r in tables.open if len(tables.requests[r].seats) > 1]),
        slot=_zeros(SLOTS, 12),
        order=_zeros(SLOTS),
        group=_zeros(MOST_SEATS, 12),
        seats=_zeros(4, MOST_SEATS),
        starts=_zeros(SLOTS + len(spans)),
        todo=_zeros(requests),
        listed=_zeros(requests),
        vacant=_zeros(len(seats)),
        stack=_zeros(requests + len(seats) + 1),
        key=_zeros(requests),
        heap=_zeros(requests),
        absent=_zeros(requests),
        tune=ints([*TUNE.values(), *[0] * (16 - len(TUNE))]),
        pool=_zeros(POOL, 3),
        pool_visit=_zeros(POOL_VISITS, 2),
        pool_known=_zeros(KNOWN),
        interval=d.interval,
        job_row=d.row,
        fit=d.fit,
        pieces_from=d.pieces_from,
        pieces_to=d.pieces_to,
        jobs_from=d.jobs_from,
        rows_from=d.rows_from,
        by_row=d.by_row,
    )


def _core(tables: Tables, seats: Sequence[int], seed: int) -> Core:
    """The memory, nobody doing anything yet, and what goes with it."""
    d, instance = tables.arrays, tables.instance
    sizes = (len(seats), len(tables.intervals), len(tables.volunteers), len(tables.requests))
    cuts = np.cumsum([0, *sizes])
    memory = _zeros(int(cuts[-1]), WIDTH)
    node, trip, person, crew = (memory[a:b] for a, b in itertools.pairwise(cuts))
    node[:, JOB] = trip[:, HEAD] = trip[:, TAIL] = -1
    trip[:, BEGIN], trip[:, END], trip[:, OWNER], trip[:, MODE], trip[:, DAY] = (
        d.start, d.end, cuts[2] + d.owner, d.mode, d.day,
    )  # fmt: skip
    person[:, HISTORY], person[:, TARGET] = d.history, d.target
    person[:, MOST_VISITS], person[:, MOST_TODAY], person[:, MOST_MINUTES] = d.most_visits, d.most_today, d.most_minutes
    person[:, CAPPED] = np.minimum(d.most_visits, np.minimum(d.most_today, d.most_minutes)) < FAR_OFF
    person[:, TRIPS], person[:, TRIPS_END] = cuts[1] + d.intervals_from[:-1], cuts[1] + d.intervals_from[1:]
    _enter_requests(tables, crew)
    tally = _zeros(48)
    tally[[TRIPS_FROM, PEOPLE_FROM, CREWS_FROM]] = cuts[1:4]
    tally[[COST, COST_BEFORE, BEST]] = sum(nothing(tables).values())
    tally[[ROUND, MARK, TAKEN]] = 1
    tally[OPTIONAL_PRICE], tally[REACH] = instance.weights.optional_seat, REACHED
    tally[[NOW, PER_MINUTE, FAIR_ONE, FAIR_TWO, FAIR_THREE]] = d.weights
    tally[RNG] = ((seed + 1) * 0x9E3779B97F4A7C15) % (1 << 63) or 1
    ledger = np.empty((len(memory), LEDGER), dtype=np.int64)
    ledger[:, WIDTH:] = 0
    return Core(memory, ledger, tally, _piece_table(d), d.there, d.back, d.travel)


def _enter_requests(tables: Tables, crew: Ints) -> None:
    """What is asked, into the requests' rows of the memory."""
    used = 0
    for n, row in enumerate(tables.rows):
        if n == 0 or tables.rows[n - 1].r != row.r:
            crew[row.r, ROWS] = n
        crew[row.r, ROWS_END] = n + 1
        crew[row.r, SPARE if row.optional else REQUIRED] += len(row.seats)
    for r, spans in enumerate(tables.starts):
        crew[r, [PRICE, SPANS, SPANS_END]] = tables.price[r], used, used + len(spans)
        used += len(spans)


def _row_table(tables: Tables) -> Ints:
    """The rows of seats: `Desk.row`, but for who is near."""
    table, used = np.zeros((len(tables.rows), 16), dtype=np.int64), 0
    sizes = np.diff(tables.arrays.rows_from).tolist()
    for n, row in enumerate(tables.rows):
        request, k = tables.requests[row.r], row.seats[0]
        low, high = request.seats[k].lag
        spans = tables.starts[row.r]
        table[n, [OF, NODES, NODES_END, OPTIONAL]] = row.r, used, used + len(row.seats), row.optional
        table[n, [LAG_LOW, LAG_HIGH, LEAST, MOST]] = low, high, spans[0][0] + low, spans[-1][1] + high
        table[n, [UNSKILLED, TAKES, SIZE]] = not request.seats[k].skills, request.seat_minutes(k), sizes[n]
        used += len(row.seats)
    return table


def _piece_table(d: Arrays) -> Ints:
    """The pieces: `Core.piece`. A run is of pieces in order, none gaining more than the one before."""
    number = len(d.first)
    table = np.zeros((number, 8), dtype=np.int64)
    for column, values in ((FIRST, d.first), (LAST, d.last), (WORTH, d.gain), (FALL, d.fall), (BEGUN, d.begun)):
        table[:, column] = values
    over = d.gain - d.fall * (d.last - d.first)
    run = number
    for p in range(number - 1, -1, -1):
        joins = (
            p + 1 < number and d.first[p + 1] > d.last[p] and d.gain[p + 1] <= over[p] and d.begun[p] == d.begun[p + 1]
        )
        run = run if joins else p + 1
        table[p, RUN] = run
    return table


def _zeros(*shape: int) -> Ints:
    return np.zeros(shape, dtype=np.int64)
