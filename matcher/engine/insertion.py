"""Serving a request in its cheapest way, leaving it again, and a first plan by regret.

Compiled by numba, on the arrays of `Desk`, whose `core` is that of `trips.py`. A single request goes where it adds
least. A crew of several has one start, fixed when it is put in: of all starts at which somebody's time opens or a
window begins, the one whose crew of different people is cheapest. What was found stands in the tally.
"""

from __future__ import annotations

from typing import NamedTuple, cast

import numpy as np
from numba import njit

from matcher.engine.tables import FAR_OFF, Cube, Ints

# isort: off
from matcher.engine.trips import (
    AFTER, AT, BEGIN, BEGUN, BLINK, BY, BY_JOB, CHEAPEST, COST, COST_BEFORE, CREWS_FROM, EARLY, END, FALL, FIRST,
    FROM_PIECE, HEAD, HEAPED, HISTORY, HOME, JOB, LAST, LATE, LEG, LOAD, LOSSY, MARK, MARKED, MINUTES, MISSING, MODE,
    NEXT, NOW, OPTIONAL_PRICE, OWNER, PER_MINUTE, PRICE, RARE, RARITY, REACH, REQUEST, REQUIRED, RNG, ROWS, ROWS_END,
    SECOND, SERVED, SPANS, SPANS_END, SPARE, STARTS, TAIL, TAKEN, TARGET, TODO, TO_PIECE, TRIP, TRIPS_FROM, VERSION,
    VIA_SEAT, VIA_SLOT, VISITS, Core, allowance, follows, keep, link, load_points, places, pushed, settle, touch,
    undo, unlink, worth,
)  # fmt: skip
# isort: on

NEIGHBOURS = 64
"""So many requests near each one are known to it."""

AROUND = 24
"""Of so many of them the people are looked at for a row of too many jobs to look at all."""

SLOTS = 1 << 15
CANDIDATES = 40
"""So many of the cheapest places for each row of a crew are looked at, before all are."""

# A row of like seats: row of `row`. NODES to NODES_END - 1 are its seats, NEAR to NEAR_END - 1 its part of `close`,
# LEAST and MOST its first and last seat start, SIZE the number of its jobs.
OF, NODES, NODES_END, OPTIONAL, LAG_LOW, LAG_HIGH, NEAR, NEAR_END, LEAST, MOST, UNSKILLED, TAKES, SIZE = range(13)

# Who could fill a row of seats: row of `close`, those who cost least alone first. ALONE is that, FAR_OFF when they
# cannot. AT_COST, AT_SEAT, AT_FROM and AT_TO are the cheapest place in their trip, at whatever start, when their
# VERSION was SEEN.
WHOSE, SEEN, AT_COST, ALONE, AT_TRIP, AT_JOB, AT_SEAT, AT_FROM, AT_TO, THERE, BACK, OWN_FIT, PIECES, PIECES_END = range(
    14
)

# A slot: a place in somebody's trip for a seat of a crew. OPENS and SHUTS are starts of the request between which it
# will do; COSTS are those of its first seat start SOONEST, FALLS more for each minute after it.
COSTS, OPENS, SHUTS, WHO, DOES, BEHIND, PART, SOONEST, FALLS = range(9)

# A row of a crew being chosen: its slots are ORDER to ORDER_END - 1 of `order`, LOWEST the least that its seats can
# cost, LEFT how many are still to be filled, PRESSING the slot for the next one.
ROW, SEATS, FIRST_SEAT, ORDER, ORDER_END, ACTIVE, FALLING, LOWEST, LEFT, PRESSING = range(10)
STUCK = -2

# A seat of a crew being chosen, by column.
IN_GROUP, CHOSEN, QUEUE, BEST_CHOSEN = range(4)

# How to search: `tune`; search.TUNE says what each means.
LARGEST, BLINKS, LONGEST, CHOOSY, RIVALS, CREWS, ABSENTEES, SEAT_ALONE, APART, ORDERS = range(10)

MOST_SEATS = 64

NO, YES, EVER = (cast(int, np.int64(number)) for number in (0, 1, FAR_OFF))
"""Handed to kernels: of a plain number numba would make a kernel of its own."""


class Desk(NamedTuple):
    """All that the search reads and writes beside the core. Q seats, R requests, J jobs."""

    core: Core
    best: Ints  # [N, 16] the memory of the best plan so far
    row: Ints  # [rows, 16]
    seat_row: Ints  # [Q] the row of each seat
    span: Ints  # [spans, 2] starts of requests
    close: Ints  # [.., 16]
    near: Ints  # [R, NEIGHBOURS] requests, nearest first, then -1; near[r, 0] is -2 as long as nobody asked
    open: Ints  # [..] requests that can be served
    teams: Ints  # [..] those of several seats
    slot: Ints  # [SLOTS, 12]
    order: Ints  # [SLOTS] the slots of each row of a crew, cheapest first
    group: Ints  # [MOST_SEATS, 12]
    seats: Ints  # [4, MOST_SEATS]
    starts: Ints  # [..] starts that are tried
    todo: Ints  # [R] requests to be put in
    listed: Ints  # [R] mark: is among them
    vacant: Ints  # [Q] seats of served crews to be filled again
    stack: Ints  # [R + Q] requests still to be taken out
    key: Ints  # [R] by which they are put in order
    heap: Ints  # [R] requests that wait, those with the largest key first
    absent: Ints  # [R] requests that were unserved a while ago
    tune: Ints  # [16] how to search
    pool: Ints  # [POOL, 3]: person, first visit, visits
    pool_visit: Ints  # [POOL_VISITS, 2]: job, start
    pool_known: Ints  # [KNOWN] hashes
    interval: Ints  # [J] and so on: as in `Arrays`
    job_row: Ints
    fit: Ints
    pieces_from: Ints
    pieces_to: Ints
    jobs_from: Ints
    rows_from: Ints
    by_row: Ints


@njit(cache=True, nogil=True)
def draw(tally: Ints) -> int:
    """A whole number from 0 to 2**31 - 1 (xorshift64*, Vigna 2016)."""
    x = np.uint64(tally[RNG])
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    tally[RNG] = np.int64(x)
    return int((x * np.uint64(2685821657736338717)) >> np.uint64(33))


@njit(cache=True, nogil=True)
def below(tally: Ints, n: int) -> int:
    """A whole number from 0 to n - 1."""
    drawn: int = draw(tally) % n
    return drawn


# a visit of one row


@njit(cache=True, nogil=True)
def cheapest(w: Desk, n: int, bound: int, second: int) -> bool:
    """The cheapest place for a seat of row n at whatever start, below `bound` points, into the tally.

    Those are looked at to whom it costs least alone, and those who come near. `second`: the next best person is wanted.
    """
    c, close, row = w.core, w.close, w.row
    memory, tally = c.memory, c.tally
    best, next_best, by, chosen = bound, bound, -1, -1
    begin, end = row[n, NEAR], min(row[n, NEAR_END], row[n, NEAR] + tally[REACH])
    for k in range(begin, end):
        v = close[k, WHOSE]
        if close[k, SEEN] != memory[v, VERSION]:
            if memory[close[k, AT_TRIP], VISITS] == 0 and close[k, ALONE] >= (next_best if second else best):
                continue
            look(memory, c.piece, c.travel, tally, close, k, row[n, OF], row[n, TAKES])
        points = close[k, AT_COST]
        if row[n, UNSKILLED]:
            points += memory[v, RARE]
        if points < best:
            if tally[BLINK] > 0 and draw(tally) % 1000 < tally[BLINK]:
                continue
            if v != by:
                next_best = best
            best, by, chosen = points, v, k
        elif points < next_best and v != by:
            next_best = points
    tally[CHEAPEST], tally[SECOND], tally[BY], tally[BY_JOB] = best, next_best, by, -1
    if chosen >= 0:
        tally[BY_JOB], tally[AFTER] = close[chosen, AT_JOB], close[chosen, AT_SEAT]
        tally[FROM_PIECE], tally[TO_PIECE] = close[chosen, AT_FROM], close[chosen, AT_TO]
    if end - begin < row[n, SIZE]:
        tally[MARK] += 1
        _look_near(w, n, -EVER, EVER)
    return bool(tally[BY_JOB] >= 0)


@njit(cache=True, nogil=True)
def look(memory: Ints, piece: Ints, travel: Cube, tally: Ints, close: Ints, k: int, r: int, minutes: int) -> None:
    """Bring up to date what is known of the cheapest place of one who is close."""
    t = close[k, AT_TRIP]
    room = allowance(memory, t, YES)
    close[k, AT_COST] = FAR_OFF
    if room >= 0:
        close[k, AT_COST], close[k, AT_SEAT], close[k, AT_FROM], close[k, AT_TO] = places(
            memory, piece, travel, tally, t, r, minutes, close[k, THERE], close[k, BACK], close[k, OWN_FIT],
            close[k, PIECES], close[k, PIECES_END], -EVER, EVER, room,
        )  # fmt: skip
    close[k, SEEN] = memory[close[k, WHOSE], VERSION]


@njit(cache=True, nogil=True)
def cheapest_between(w: Desk, n: int, low: int, high: int, bound: int) -> bool:
    """The same where the seat starts from `low` to `high`; marked people are passed over."""
    c, close, row = w.core, w.close, w.row
    memory, ledger, tally, piece, travel = c.memory, c.ledger, c.tally, c.piece, c.travel
    tally[CHEAPEST] = tally[SECOND] = bound
    tally[BY_JOB] = tally[BY] = -1
    begin, end = row[n, NEAR], min(row[n, NEAR_END], row[n, NEAR] + tally[REACH])
    for k in range(begin, end):
        v = close[k, WHOSE]
        if ledger[v, MARKED] == tally[MARK]:
            continue
        if close[k, SEEN] != memory[v, VERSION]:
            if memory[close[k, AT_TRIP], VISITS] == 0 and close[k, ALONE] >= tally[CHEAPEST]:
                continue
            look(memory, piece, travel, tally, close, k, row[n, OF], row[n, TAKES])
        if close[k, AT_COST] < tally[CHEAPEST]:  # it cannot be less than at whatever start
            consider(
                memory, ledger, tally, piece, travel, close[k, AT_TRIP], row[n, OF], row[n, TAKES], row[n, UNSKILLED],
                close[k, AT_JOB], close[k, THERE], close[k, BACK], close[k, OWN_FIT], close[k, PIECES],
                close[k, PIECES_END], low, high,
            )  # fmt: skip
    if end - begin < row[n, SIZE]:
        _look_near(w, n, low, high)
    return bool(tally[BY_JOB] >= 0)


@njit(cache=True, nogil=True)
def cheapest_of_all(w: Desk, n: int, bound: int) -> bool:
    """The same at whatever start, and everybody is looked at."""
    tally = w.core.tally
    tally[CHEAPEST] = tally[SECOND] = bound
    tally[BY_JOB] = tally[BY] = -1
    tally[MARK] += 1
    for k in range(w.rows_from[n], w.rows_from[n + 1]):
        j = w.by_row[k]
        _look_at(w, n, j, tally[TRIPS_FROM] + w.interval[j], -EVER, EVER)
    return bool(tally[BY_JOB] >= 0)


@njit(cache=True, nogil=True)
def _look_at(w: Desk, n: int, j: int, t: int, low: int, high: int) -> None:
    """Consider job j of row n, in trip t."""
    c, row = w.core, w.row
    consider(
        c.memory, c.ledger, c.tally, c.piece, c.travel, t, row[n, OF], row[n, TAKES], row[n, UNSKILLED], j, c.there[j],
        c.back[j], w.fit[j], w.pieces_from[j], w.pieces_to[j], low, high,
    )  # fmt: skip


@njit(cache=True, nogil=True)
def _look_near(w: Desk, n: int, low: int, high: int) -> None:
    """Consider the people who serve what lies near."""
    memory, tally = w.core.memory, w.core.tally
    r = w.row[n, OF]
    for k in range(min(AROUND, neighbours(w, r))):
        crew = tally[CREWS_FROM] + w.near[r, k]
        if not memory[crew, SERVED]:
            continue
        for q in range(w.row[memory[crew, ROWS], NODES], w.row[memory[crew, ROWS_END] - 1, NODES_END]):
            if memory[q, JOB] >= 0:
                i = memory[q, TRIP] - tally[TRIPS_FROM]
                j = job_at(w.job_row, w.jobs_from[i], w.jobs_from[i + 1], n)
                if j >= 0:
                    _look_at(w, n, j, memory[q, TRIP], low, high)


@njit(cache=True, nogil=True)
def job_at(job_row: Ints, begin: int, end: int, n: int) -> int:
    """The job of row n among those of an interval, -1 when it has none."""
    behind = end
    while begin < end:
        middle = (begin + end) // 2
        if job_row[middle] < n:
            begin = middle + 1
        else:
            end = middle
    return begin if begin < behind and job_row[begin] == n else -1


@njit(cache=True, nogil=True)
def consider(
    memory: Ints, ledger: Ints, tally: Ints, piece: Ints, travel: Cube, t: int, r: int, minutes: int, unskilled: int,
    j: int, there: int, back: int, fit: int, begin: int, end: int, low: int, high: int,
) -> None:  # fmt: skip
    """Take job j in trip t into what is found where it is the best, or the second best person so far."""
    v = memory[t, OWNER]
    if ledger[v, MARKED] == tally[MARK]:
        return
    room = allowance(memory, t, YES)
    if room < 0:
        return
    points, after, a, b = places(
        memory, piece, travel, tally, t, r, minutes, there, back, fit, begin, end, low, high, room
    )  # fmt: skip
    if points >= FAR_OFF:
        return
    if unskilled:
        points += memory[v, RARE]
    if points < tally[CHEAPEST]:
        if tally[BLINK] > 0 and draw(tally) % 1000 < tally[BLINK]:
            return
        if tally[BY] != v:
            tally[SECOND] = tally[CHEAPEST]
        tally[CHEAPEST], tally[BY], tally[BY_JOB] = points, v, j
        tally[AFTER], tally[FROM_PIECE], tally[TO_PIECE] = after, a, b
    elif v != tally[BY] and points < tally[SECOND]:
        tally[SECOND] = points


@njit(cache=True, nogil=True)
def fill(w: Desk, n: int, q: int, low: int, high: int) -> bool:
    """Fill seat q of row n as found."""
    c, tally = w.core, w.core.tally
    j = tally[BY_JOB]
    t = tally[TRIPS_FROM] + w.interval[j]
    link(
        c.memory, c.ledger, tally, q, t, j, w.row[n, OF], w.row[n, TAKES], w.fit[j], tally[AFTER], tally[FROM_PIECE],
        tally[TO_PIECE], low, high,
    )  # fmt: skip
    return settle(c, t)


# crews


@njit(cache=True, nogil=True)
def slots(
    c: Core, slot: Ints, used: int, t: int, row: Ints, j: int, there: int, back: int, fit: int, begin: int, end: int
) -> int:
    """Every place in trip t for a seat of this row, written to `slot` from `used` on; how many there are then.

    Where `slot` is full, the others are left out.
    """
    memory, piece, tally, travel = c.memory, c.piece, c.tally, c.travel
    v, r, minutes = memory[t, OWNER], row[OF], row[TAKES]
    room = allowance(memory, t, YES)
    if room < 0 or (tally[BLINK] > 0 and draw(tally) % 1000 < tally[BLINK]):
        return used
    now, mode, target = tally[NOW], memory[t, MODE], memory[v, TARGET]
    load = memory[v, HISTORY] + memory[v, LOAD]
    before = load_points(tally, target, load) - (memory[v, RARE] if row[UNSKILLED] else 0)
    after, q, free = -1, memory[t, HEAD], memory[t, BEGIN]
    while free <= row[MOST]:
        bound = memory[t, END] if q < 0 else memory[q, LATE]
        if bound >= row[LEAST] + minutes:
            outward = back if q < 0 else int(travel[mode, r, memory[q, REQUEST]])
            inward = there if after < 0 else int(travel[mode, memory[after, REQUEST], r])
            extra = inward + outward - (memory[t, HOME] if q < 0 else memory[q, LEG])
            last = bound - outward - minutes
            if extra + minutes <= room and free + inward <= last:
                base = tally[PER_MINUTE] * extra + fit - before + load_points(tally, target, load + extra + minutes)
                for p in range(begin, end):
                    first = max(piece[p, FIRST], inward + (free if piece[p, BEGUN] else max(free, now)))
                    final = min(piece[p, LAST], last)
                    if first > final or used >= len(slot):
                        continue
                    if not follows(memory, piece, q, first + minutes, now, outward):
                        continue
                    lost = 0
                    if q >= 0 and memory[t, LOSSY] > 0:
                        lost = pushed(memory, piece, q, first + minutes, now, outward)
                    slot[used, COSTS], slot[used, WHO] = base + lost - worth(piece, p, first), v
                    slot[used, OPENS], slot[used, SHUTS] = first - row[LAG_HIGH], final - row[LAG_LOW]
                    slot[used, DOES], slot[used, BEHIND], slot[used, PART] = j, after, p
                    slot[used, SOONEST], slot[used, FALLS] = first, piece[p, FALL]
                    used += 1
        if q < 0:
            break
        free = memory[q, EARLY] + memory[q, MINUTES]
        after, q = q, memory[q, NEXT]
    return used


@njit(cache=True, nogil=True)
def _threshold(w: Desk, n: int, begin: int, end: int, number: int) -> int:
    """What the so-many-eth cheapest of those close to row n costs; all are brought up to date."""
    close, memory = w.close, w.core.memory
    for k in range(begin, end):
        if close[k, SEEN] != memory[close[k, WHOSE], VERSION]:
            look(memory, w.core.piece, w.core.travel, w.core.tally, close, k, w.row[n, OF], w.row[n, TAKES])
    if end - begin <= number:
        return FAR_OFF
    return int(np.partition(close[begin:end, AT_COST], number - 1)[number - 1])


@njit(cache=True, nogil=True)
def _gather(w: Desk, r: int, whole: int) -> int:
    """The slots of every row of the request, cheapest first, the required rows first; how many rows.

    -1 when a required row has too few. Slots of optional seats cost so much less as leaving them empty would cost.
    """
    c, group, slot, used, groups = w.core, w.group, w.slot, NO, NO
    memory, tally = c.memory, c.tally
    crew = tally[CREWS_FROM] + r
    seats = NO
    for optional in range(2):
        for n in range(memory[crew, ROWS], memory[crew, ROWS_END]):
            row = w.row[n]
            if row[OPTIONAL] != optional:
                continue
            first, need = used, row[NODES_END] - row[NODES]
            share = len(slot) * (groups + 1) // (memory[crew, ROWS_END] - memory[crew, ROWS])
            used = _slots_of_row(w, slot[:share], n, first, whole)
            if used - first < need and not optional:
                return -1
            group[groups, FALLING], group[groups, LOWEST] = 0, 0
            order = np.argsort(slot[first:used, COSTS])
            for k in range(used - first):
                o = first + order[k]
                w.order[first + k] = o
                if optional:
                    slot[o, COSTS] -= tally[OPTIONAL_PRICE]
                if k < need and (slot[o, COSTS] < 0 or not optional):
                    group[groups, LOWEST] += slot[o, COSTS]
                if slot[o, FALLS] > 0:
                    group[groups, FALLING] = 1
            group[groups, ROW], group[groups, SEATS], group[groups, FIRST_SEAT] = n, need, seats
            group[groups, ORDER], group[groups, ORDER_END] = first, used
            if group[groups, FALLING] and (slot[w.order[first], COSTS] < 0 or not optional):
                group[groups, LOWEST] = need * slot[w.order[first], COSTS]
            for _ in range(need):
                w.seats[IN_GROUP, seats] = groups
                seats += 1
            groups += 1
    return groups


@njit(cache=True, nogil=True)
def _slots_of_row(w: Desk, slot: Ints, n: int, used: int, whole: int) -> int:
    """The slots of a row, from `used` on, of those to whom it costs least or of everybody; how many there are then."""
    c, close, row = w.core, w.close, w.row[n]
    if whole:
        for k in range(w.rows_from[n], w.rows_from[n + 1]):
            j = w.by_row[k]
            t = c.tally[TRIPS_FROM] + w.interval[j]
            used = slots(c, slot, used, t, row, j, c.there[j], c.back[j], w.fit[j], w.pieces_from[j], w.pieces_to[j])
        return int(used)
    begin, end = row[NEAR], min(row[NEAR_END], row[NEAR] + c.tally[REACH])
    limit = _threshold(w, n, begin, end, CANDIDATES + row[NODES_END] - row[NODES])
    for k in range(begin, end):
        if close[k, AT_COST] < FAR_OFF and close[k, AT_COST] <= limit:
            used = slots(
                c, slot, used, close[k, AT_TRIP], row, close[k, AT_JOB], close[k, THERE], close[k, BACK],
                close[k, OWN_FIT], close[k, PIECES], close[k, PIECES_END],
            )  # fmt: skip
    return int(used)


@njit(cache=True, nogil=True)
def cheapest_crew(w: Desk, r: int, bound: int, whole: int) -> bool:
    """The start and the crew of different people that cost least, below `bound`; into the tally and `seats`.

    The crew is chosen with those in optional seats whom it is worth to send.
    """
    slot, starts, tally, memory = w.slot, w.starts, w.core.tally, w.core.memory
    crew = tally[CREWS_FROM] + r
    empty = memory[crew, SPARE] * tally[OPTIONAL_PRICE]
    tally[CHEAPEST] = bound - empty
    groups = _gather(w, r, whole)
    if groups < 0:
        return False
    number = 0
    begin, end = memory[crew, SPANS], memory[crew, SPANS_END]
    for k in range(begin, end):
        starts[number] = w.span[k, 0]
        number += 1
    for g in range(groups):
        for o in range(w.group[g, ORDER], w.group[g, ORDER_END]):
            opens = slot[o, OPENS]
            for k in range(begin, end):
                if w.span[k, 0] < opens <= w.span[k, 1] and number < len(starts):
                    starts[number] = opens
                    number += 1
    tried = np.sort(starts[:number])
    required = memory[crew, REQUIRED]
    for k in range(number):
        if k > 0 and tried[k] == tried[k - 1]:
            continue
        points = crew_at(w.group, slot, w.order, w.seats, w.row, w.core.ledger, tally, groups, required, tried[k])
        if points < tally[CHEAPEST]:
            tally[CHEAPEST], tally[STARTS] = points, tried[k]
            tally[RARITY] = FAR_OFF
            for x in range(required + memory[crew, SPARE]):
                w.seats[BEST_CHOSEN, x] = w.seats[CHOSEN, x]
            for g in range(groups):
                if w.group[g, FIRST_SEAT] < required:
                    tally[RARITY] = min(tally[RARITY], w.group[g, ACTIVE] - w.group[g, SEATS])
    tally[CHEAPEST] += empty
    return bool(tally[CHEAPEST] < bound)


@njit(cache=True, nogil=True)
def crew_at(
    group: Ints, slot: Ints, order: Ints, seats: Ints, row: Ints, ledger: Ints, tally: Ints, groups: int, required: int,
    start: int,
) -> int:  # fmt: skip
    """Points of different people for the seats at this start of the request; FAR_OFF where they cannot be below what
    was found.

    The seat first that loses most by waiting (regret); by matching when a required one gets stuck.
    """
    total = 0
    for g in range(groups):
        total += group[g, LOWEST]
    if total >= tally[CHEAPEST]:
        return FAR_OFF
    for g in range(groups):
        need, active, falling = group[g, SEATS], 0, group[g, FALLING]
        then, wanted = start + row[group[g, ROW], LAG_LOW], group[g, FIRST_SEAT] < required
        least, some = FAR_OFF, 0
        for k in range(group[g, ORDER], group[g, ORDER_END]):
            o = order[k]
            if slot[o, OPENS] <= start and start <= slot[o, SHUTS]:
                points = points_at(slot, o, then)
                if falling:
                    least = min(least, points)
                elif active < need and (wanted or points < 0):
                    some += points
                active += 1
                if active >= need + 4 and not falling:
                    break
        if active < need and wanted:
            return FAR_OFF
        if falling and (wanted or least < 0):
            some = need * least
        group[g, ACTIVE], group[g, LEFT] = active, need
        total += some - group[g, LOWEST]
        if total >= tally[CHEAPEST]:
            return FAR_OFF
    tally[MARK] += 1
    total, g = 0, NO
    for x in range(group[groups - 1, FIRST_SEAT] + group[groups - 1, SEATS]):
        seats[CHOSEN, x] = -1
    while True:
        g = most_pressing(group, slot, order, row, ledger, tally, groups, required, start)
        if g == -1:
            return total
        if g == STUCK:
            total = matched(group, slot, order, seats, row, ledger, tally, required, start)
            if total >= FAR_OFF:
                return FAR_OFF
            for one in range(groups):
                if group[one, FIRST_SEAT] < required:
                    group[one, LEFT] = 0
                else:
                    group[one, LEFT] = group[one, SEATS]
            tally[MARK] += 1
            for x in range(group[groups - 1, FIRST_SEAT] + group[groups - 1, SEATS]):
                if x >= required:
                    seats[CHOSEN, x] = -1
                else:
                    ledger[slot[seats[CHOSEN, x], WHO], MARKED] = tally[MARK]
            continue
        o = group[g, PRESSING]
        seats[CHOSEN, group[g, FIRST_SEAT] + group[g, SEATS] - group[g, LEFT]] = o
        group[g, LEFT] -= 1
        ledger[slot[o, WHO], MARKED] = tally[MARK]
        total += points_at(slot, o, start + row[group[g, ROW], LAG_LOW])


@njit(cache=True, nogil=True)
def most_pressing(
    group: Ints, slot: Ints, order: Ints, row: Ints, ledger: Ints, tally: Ints, groups: int, required: int, start: int
) -> int:
    """The row whose next seat loses most if its cheapest person is gone, PRESSING being theirs; -1: all is filled.

    STUCK: nobody is left for a required seat.
    """
    found, most = -1, -1
    for g in range(groups):
        left = group[g, LEFT]
        if left == 0:
            continue
        wanted = group[g, FIRST_SEAT] < required
        then, falling = start + row[group[g, ROW], LAG_LOW], group[g, FALLING]
        one, least, second, free = -1, FAR_OFF, FAR_OFF, 0
        for k in range(group[g, ORDER], group[g, ORDER_END]):
            o = order[k]
            if slot[o, OPENS] > start or start > slot[o, SHUTS] or ledger[slot[o, WHO], MARKED] == tally[MARK]:
                continue
            points = points_at(slot, o, then)
            if points < least:
                if one < 0 or slot[one, WHO] != slot[o, WHO]:
                    second = least
                    free += 1
                one, least = o, points
            elif slot[o, WHO] != slot[one, WHO]:
                second = min(second, points)
                free += 1
            if free > left and not falling:
                break
        if not wanted:
            if least >= 0:
                group[g, LEFT] = 0
                continue
            second = min(second, 0)
        elif one < 0:
            return STUCK
        elif free <= left:
            second = FAR_OFF
        if second - least > most:
            found, most = g, second - least
            group[g, PRESSING] = one
    return found


@njit(cache=True, nogil=True)
def points_at(slot: Ints, o: int, start: int) -> int:
    """What slot o costs when the seat may start from then on."""
    points: int = slot[o, COSTS] + slot[o, FALLS] * max(0, start - slot[o, SOONEST])
    return points


@njit(cache=True, nogil=True)
def matched(
    group: Ints, slot: Ints, order: Ints, seats: Ints, row: Ints, ledger: Ints, tally: Ints, number: int, start: int
) -> int:
    """Points of different people for all seats, by augmenting paths, cheap ones first; FAR_OFF if there are none."""
    chosen = seats[CHOSEN]
    for x in range(number):
        chosen[x] = -1
    for x in range(number):
        tally[MARK] += 1
        mark, head, tail, freed = tally[MARK], 0, 1, -1
        seats[QUEUE, 0] = x
        while head < tail and freed < 0:
            y = seats[QUEUE, head]
            head += 1
            g = seats[IN_GROUP, y]
            for k in range(group[g, ORDER], group[g, ORDER_END]):
                o = order[k]
                v = slot[o, WHO]
                if slot[o, OPENS] > start or start > slot[o, SHUTS] or ledger[v, MARKED] == mark:
                    continue
                ledger[v, MARKED], ledger[v, VIA_SEAT], ledger[v, VIA_SLOT] = mark, y, o
                holder = -1
                for z in range(number):
                    if chosen[z] >= 0 and slot[chosen[z], WHO] == v:
                        holder = z
                if holder < 0:
                    freed = v
                    break
                seats[QUEUE, tail] = holder
                tail += 1
        if freed < 0:
            return FAR_OFF
        y = -1
        while y != x:
            y, o = ledger[freed, VIA_SEAT], ledger[freed, VIA_SLOT]
            freed = slot[chosen[y], WHO] if chosen[y] >= 0 else -1
            chosen[y] = o
    total = 0
    for x in range(number):
        total += points_at(slot, chosen[x], start + row[group[seats[IN_GROUP, x], ROW], LAG_LOW])
    return total


@njit(cache=True, nogil=True)
def _fill_crew(w: Desk, r: int) -> None:
    """Send the crew that was found."""
    memory, tally, slot = w.core.memory, w.core.tally, w.slot
    start, crew = tally[STARTS], tally[CREWS_FROM] + r
    count_served(w.core, crew, start)
    for x in range(memory[crew, REQUIRED] + memory[crew, SPARE]):
        o = w.seats[BEST_CHOSEN, x]
        if o < 0:
            continue
        n = w.group[w.seats[IN_GROUP, x], ROW]
        for q in range(w.row[n, NODES], w.row[n, NODES_END]):
            if memory[q, JOB] < 0:
                tally[BY_JOB], tally[AFTER] = slot[o, DOES], slot[o, BEHIND]
                tally[FROM_PIECE], tally[TO_PIECE] = slot[o, PART], slot[o, PART] + 1
                fill(w, n, q, start + w.row[n, LAG_LOW], start + w.row[n, LAG_HIGH])
                if w.row[n, OPTIONAL]:
                    count_optional(w.core, crew, YES)
                break


# whole requests


@njit(cache=True, nogil=True)
def find(w: Desk, r: int, bound: int, second: int, thorough: int) -> bool:
    """The cheapest way to serve the request below `bound` points, into the tally. `thorough`: at any cost of time."""
    memory, tally = w.core.memory, w.core.tally
    crew = tally[CREWS_FROM] + r
    if memory[crew, REQUIRED] + memory[crew, SPARE] > 1:
        return cheapest_crew(w, r, bound, NO) or (thorough > 0 and cheapest_crew(w, r, bound, YES))
    n = memory[crew, ROWS]
    if cheapest(w, n, bound, second):
        return True
    beyond = w.row[n, SIZE] > min(tally[REACH], w.row[n, NEAR_END] - w.row[n, NEAR])
    return thorough > 0 and beyond and cheapest_of_all(w, n, bound)


@njit(cache=True, nogil=True)
def commit(w: Desk, r: int) -> None:
    """Serve the request in the way that was found, and fill what optional seats are worth it."""
    memory, tally = w.core.memory, w.core.tally
    crew = tally[CREWS_FROM] + r
    if memory[crew, REQUIRED] + memory[crew, SPARE] > 1:
        _fill_crew(w, r)
    else:
        n = memory[crew, ROWS]
        fill(w, n, w.row[n, NODES], -EVER, EVER)
        count_served(w.core, crew, tally[STARTS])
    if memory[crew, SPARE] > 0:
        fill_optional(w, r)


@njit(cache=True, nogil=True)
def count_served(c: Core, crew: int, start: int) -> None:
    """The required seats of a request, by its row in the memory, are filled, the optional ones empty."""
    memory = c.memory
    touch(c.memory, c.ledger, c.tally, crew)
    memory[crew, SERVED], memory[crew, AT], memory[crew, MISSING] = 1, start, memory[crew, SPARE]
    c.tally[COST] += memory[crew, SPARE] * c.tally[OPTIONAL_PRICE] - memory[crew, PRICE]


@njit(cache=True, nogil=True)
def count_left(c: Core, crew: int) -> None:
    """The request is unserved from now on."""
    touch(c.memory, c.ledger, c.tally, crew)
    c.memory[crew, SERVED] = 0
    c.tally[COST] += c.memory[crew, PRICE] - c.memory[crew, MISSING] * c.tally[OPTIONAL_PRICE]


@njit(cache=True, nogil=True)
def count_optional(c: Core, crew: int, filled: int) -> None:
    """An optional seat was filled (1) or emptied (-1)."""
    touch(c.memory, c.ledger, c.tally, crew)
    c.memory[crew, MISSING] -= filled
    c.tally[COST] -= filled * c.tally[OPTIONAL_PRICE]


@njit(cache=True, nogil=True)
def mark_crew(w: Desk, crew: int) -> None:
    """Mark the people of a request, and nobody else."""
    memory, tally = w.core.memory, w.core.tally
    tally[MARK] += 1
    for q in range(w.row[memory[crew, ROWS], NODES], w.row[memory[crew, ROWS_END] - 1, NODES_END]):
        if memory[q, JOB] >= 0:
            w.core.ledger[memory[memory[q, TRIP], OWNER], MARKED] = tally[MARK]


@njit(cache=True, nogil=True)
def fill_optional(w: Desk, r: int) -> None:
    """Fill empty optional seats of a served request where that is worth it."""
    memory, tally = w.core.memory, w.core.tally
    crew, price = tally[CREWS_FROM] + r, tally[OPTIONAL_PRICE]
    for n in range(memory[crew, ROWS], memory[crew, ROWS_END]):
        if not w.row[n, OPTIONAL]:
            continue
        for q in range(w.row[n, NODES], w.row[n, NODES_END]):
            if memory[q, JOB] < 0:
                if not reseat(w, r, n, q, price):
                    break
                count_optional(w.core, crew, YES)


@njit(cache=True, nogil=True)
def reseat(w: Desk, r: int, n: int, q: int, bound: int) -> bool:
    """Somebody for the empty seat q of row n of a served crew, at its start; False: there is nobody below `bound`."""
    crew = w.core.tally[CREWS_FROM] + r
    start = w.core.memory[crew, AT]
    low, high = start + w.row[n, LAG_LOW], start + w.row[n, LAG_HIGH]
    mark_crew(w, crew)
    return cheapest_between(w, n, low, high, bound) and fill(w, n, q, low, high)


@njit(cache=True, nogil=True)
def drop(w: Desk, r: int) -> None:
    """Leave the request unserved, and whatever no longer fits without it on the way; `todo` lists what was left."""
    w.stack[0] = r
    drop_all(w, YES)


@njit(cache=True, nogil=True)
def drop_all(w: Desk, top: int) -> None:
    """Leave the requests on the stack unserved, and whatever no longer fits without them."""
    c, memory, tally = w.core, w.core.memory, w.core.tally
    while top > 0:
        top -= 1
        r = w.stack[top]
        crew = tally[CREWS_FROM] + r
        if not memory[crew, SERVED]:
            continue
        enlist(w.todo, w.listed, tally, r)
        count_left(c, crew)
        for q in range(w.row[memory[crew, ROWS], NODES], w.row[memory[crew, ROWS_END] - 1, NODES_END]):
            if memory[q, JOB] >= 0:
                t = unlink(memory, c.ledger, tally, q)
                if not settle(c, t) or allowance(memory, t, NO) < 0:
                    top = clear(c, w.stack, t, top)


@njit(cache=True, nogil=True)
def clear(c: Core, stack: Ints, t: int, top: int) -> int:
    """Empty trip t; the requests it served are put on the stack, whose new height comes back."""
    memory = c.memory
    touch(c.memory, c.ledger, c.tally, t)
    q = memory[t, HEAD]
    while q >= 0:
        touch(c.memory, c.ledger, c.tally, q)
        stack[top] = memory[q, REQUEST]
        top += 1
        memory[q, JOB] = -1
        q = memory[q, NEXT]
    memory[t, HEAD] = memory[t, TAIL] = -1
    memory[t, VISITS] = 0
    settle(c, t)
    return top


@njit(cache=True, nogil=True)
def enlist(todo: Ints, listed: Ints, tally: Ints, r: int) -> None:
    """The request is to be put in."""
    if listed[r] != tally[TAKEN]:
        listed[r] = tally[TAKEN]
        todo[tally[TODO]] = r
        tally[TODO] += 1


@njit(cache=True, nogil=True)
def neighbours(w: Desk, r: int) -> int:
    """How many requests stand in near[r]: the nearest by way and by time, looked up when first asked for."""
    near = w.near
    if near[r, 0] == -2:
        _look_around(w, r)
    number = 0
    while number < NEIGHBOURS and near[r, number] >= 0:
        number += 1
    return number


@njit(cache=True, nogil=True)
def _look_around(w: Desk, r: int) -> None:
    """The requests that lie nearest: a minute there and one back count five each, one between the windows as tuned."""
    near, distance, number = w.near[r], np.empty(NEIGHBOURS, dtype=np.int64), 0
    memory, crews, travel, row = w.core.memory, w.core.tally[CREWS_FROM], w.core.travel, w.row
    m = memory[crews + r, ROWS]
    near[0] = -1
    for k in range(len(w.open)):
        other = w.open[k]
        if other == r:
            continue
        n = memory[crews + other, ROWS]
        apart = max(0, row[n, LEAST] - row[m, MOST] - row[m, TAKES], row[m, LEAST] - row[n, MOST] - row[n, TAKES])
        away = 5 * (int(travel[0, r, other]) + int(travel[0, other, r])) + w.tune[APART] * apart
        if number == NEIGHBOURS and away >= distance[number - 1]:
            continue
        place = number if number < NEIGHBOURS else number - 1
        while place > 0 and distance[place - 1] > away:
            distance[place], near[place] = distance[place - 1], near[place - 1]
            place -= 1
        distance[place], near[place] = away, other
        number = min(number + 1, NEIGHBOURS)
    for k in range(number, NEIGHBOURS):
        near[k] = -1


# the first plan


@njit(cache=True, nogil=True)
def _urgency(c: Core, r: int) -> int:
    """What waiting may cost, of what was found: the gap to the second best; of a crew the less, the more there are."""
    memory, tally = c.memory, c.tally
    crew = tally[CREWS_FROM] + r
    if memory[crew, REQUIRED] + memory[crew, SPARE] == 1:
        return int(1000 * (tally[SECOND] - tally[CHEAPEST]))
    return int(1000 * (memory[crew, PRICE] - tally[CHEAPEST]) // (1 + max(0, tally[RARITY])))


@njit(cache=True, nogil=True)
def _before(heap: Ints, key: Ints, a: int, b: int) -> bool:
    """Whether the request at place a of the heap comes before the one at b."""
    one, two = heap[a], heap[b]
    return bool(key[one] > key[two] or (key[one] == key[two] and one < two))


@njit(cache=True, nogil=True)
def push(heap: Ints, key: Ints, tally: Ints, r: int, urgency: int) -> None:
    """Let the request wait."""
    key[r] = urgency
    place = tally[HEAPED]
    heap[place] = r
    tally[HEAPED] += 1
    while place > 0 and _before(heap, key, place, (place - 1) // 2):
        heap[place], heap[(place - 1) // 2] = heap[(place - 1) // 2], heap[place]
        place = (place - 1) // 2


@njit(cache=True, nogil=True)
def pop(heap: Ints, key: Ints, tally: Ints) -> int:
    """The most urgent of those who wait, who waits no longer."""
    first = heap[0]
    tally[HEAPED] -= 1
    size, place = tally[HEAPED], NO
    heap[0] = heap[size]
    while 2 * place + 1 < size:
        child = 2 * place + 1
        if child + 1 < size and _before(heap, key, child + 1, child):
            child += 1
        if not _before(heap, key, child, place):
            break
        heap[place], heap[child] = heap[child], heap[place]
        place = child
    return int(first)


@njit(cache=True, nogil=True)
def queue(w: Desk, begin: int, end: int) -> None:
    """Look at the unserved among `open[begin:end]`, and let them wait by what waiting costs."""
    memory, crews = w.core.memory, w.core.tally[CREWS_FROM]
    for k in range(begin, end):
        r = w.open[k]
        if not memory[crews + r, SERVED] and find(w, r, memory[crews + r, PRICE], YES, YES):
            push(w.heap, w.key, w.core.tally, r, _urgency(w.core, r))


@njit(cache=True, nogil=True)
def serve_waiting(w: Desk, looks: int) -> bool:
    """Serve those who wait, most urgent first, in at most so many looks; whether somebody waits still.

    What waiting costs is looked at again only when a request's turn comes; if another is then more urgent, it waits on.
    """
    tally = w.core.tally
    for _ in range(looks):
        if tally[HEAPED] == 0:
            return False
        r = pop(w.heap, w.key, tally)
        if not find(w, r, w.core.memory[tally[CREWS_FROM] + r, PRICE], YES, YES):
            continue
        urgency = _urgency(w.core, r)
        if tally[HEAPED] > 0 and urgency < w.key[w.heap[0]]:
            push(w.heap, w.key, tally, r, urgency)
            continue
        commit(w, r)
        keep(tally)
    return bool(tally[HEAPED] > 0)


@njit(cache=True, nogil=True)
def serve_rest(w: Desk, begin: int, end: int) -> None:
    """Serve what still fits among `todo[begin:end]`, each where that makes the plan cheaper; fill optional seats."""
    memory, tally = w.core.memory, w.core.tally
    for k in range(begin, end):
        r = w.todo[k]
        crew = tally[CREWS_FROM] + r
        if memory[crew, SERVED]:
            if memory[crew, MISSING] > 0:
                fill_optional(w, r)
        elif find(w, r, memory[crew, PRICE], NO, YES):
            commit(w, r)
        if tally[COST] < tally[COST_BEFORE]:
            keep(tally)
        else:
            undo(w.core)
