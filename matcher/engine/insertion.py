"""Serving a request in its cheapest way, leaving it again, and a first plan by regret.

Compiled by numba, on the arrays of `trips.Desk`. A single request goes where it adds least. A crew of several has one
start, fixed when it is put in: of all starts at which somebody's time opens or a window begins, the one whose crew of
different people is cheapest. `found` says what was found: row and place in it, points, and the second best person's.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from matcher.engine.tables import FAR_OFF, Ints
from matcher.engine.trips import (
    AFTER,
    ALONE,
    AT,
    AT_INTERVAL,
    AT_JOB,
    BACK,
    BEGIN,
    BEGUN,
    BLINK,
    BY,
    BY_JOB,
    CHEAPEST,
    COST,
    CREWS_FROM,
    EARLY,
    END,
    FALL,
    FIRST,
    FROM,
    FROM_PIECE,
    HEAD,
    HEAPED,
    HISTORY,
    HOME,
    INTERVAL,
    JOB,
    LAG_HIGH,
    LAG_LOW,
    LAST,
    LATE,
    LEAST,
    LEG,
    LOAD,
    LOSSY,
    MARK,
    MINUTES,
    MISSING,
    MODE,
    MOST,
    NEAR,
    NEAR_END,
    NEXT,
    NODES,
    NODES_END,
    OF,
    OPTIONAL,
    OPTIONAL_PRICE,
    OWN_FIT,
    OWNER,
    PIECES,
    PIECES_END,
    PRICE,
    RARITY,
    REACH,
    REQUEST,
    REQUIRED,
    ROWS,
    ROWS_END,
    RUNNER_UP,
    SECOND,
    SERVED,
    SIZE,
    SPANS,
    SPANS_END,
    SPARE,
    STARTS,
    TAIL,
    TAKEN,
    TAKES,
    TARGET,
    THERE,
    TO_PIECE,
    TODO,
    TRIPS_FROM,
    UNSKILLED,
    VISITS,
    Desk,
    allowance,
    keep,
    link,
    load_points,
    places,
    pushed,
    settle,
    touch,
    undo,
    unlink,
    worth,
)

NEIGHBOURS = 64
"""So many requests near each one are known to it."""

SLOTS = 1 << 15
CANDIDATES = 40
"""So many of the cheapest places for each row of a crew are looked at, before all are."""

# A slot, row of `slot`: a place in somebody's trip for a seat of a crew. OPENS and SHUTS are starts of the request
# between which it will do; COSTS are those of its first seat start SOONEST, FALLS more for each minute after it.
COSTS, OPENS, SHUTS, WHO, DOES, BEHIND, PART, SOONEST, FALLS = range(9)

# A row of a crew being chosen: row of `group`.
ROW, SEATS, ORDER, ORDER_END, ACTIVE, FALLING = range(6)

# A seat of a crew being chosen: `seats`, by column.
IN_GROUP, CHOSEN, TRIED, QUEUE, DONE, BEST_CHOSEN = range(6)

MOST_SEATS = 64


@njit(cache=True, nogil=True)
def draw(rng: Ints) -> int:
    """A whole number from 0 to 2**31 - 1 (xorshift64*, Vigna 2016)."""
    x = rng[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    rng[0] = x
    return np.int64((x * np.uint64(2685821657736338717)) >> np.uint64(33))


@njit(cache=True, nogil=True)
def below(rng: Ints, n: int) -> int:
    """A whole number from 0 to n - 1."""
    drawn: int = draw(rng) % n
    return drawn


# a visit of one row


@njit(cache=True, nogil=True)
def cheapest(w: Desk, n: int, low: int, high: int, bound: int, second: bool, whole: bool) -> bool:
    """The cheapest place for a seat of row n starting from `low` to `high`, below `bound` points, into `found`.

    People marked in `people[0]` are passed over. `second`: the next best person is wanted too. `whole`: everybody is
    looked at, else those to whom it costs least alone, and those who come near.
    """
    found = w.found
    found[CHEAPEST], found[SECOND], found[BY_JOB], found[BY], found[RUNNER_UP] = bound, bound, -1, -1, -1
    if whole:
        for k in range(w.rows_from[n], w.rows_from[n + 1]):
            j = w.by_row[k]
            _consider(
                w, n, j, w.interval[j], w.there[j], w.back[j], w.fit[j], w.pieces_from[j], w.pieces_to[j], low, high
            )
        return bool(found[BY_JOB] >= 0)
    close, trip, person, weights = w.close, w.trip, w.person, w.weights
    free, minutes = low <= w.row[n, LEAST] and high >= w.row[n, MOST], w.row[n, TAKES]
    mark, unskilled = w.tally[MARK], w.row[n, UNSKILLED]
    begin, end = w.row[n, NEAR], w.row[n, NEAR_END]
    if end - begin > w.tally[REACH]:
        end = begin + w.tally[REACH]
    for k in range(begin, end):
        i = close[k, AT_INTERVAL]
        alone = close[k, ALONE]
        limit = found[SECOND] if second else found[CHEAPEST]
        if trip[i, VISITS] == 0:
            if alone >= limit:
                continue
            if free:  # ALONE is exact but for load and caps
                v = trip[i, OWNER]
                target, load = person[v, TARGET], person[v, HISTORY] + person[v, LOAD]
                grown = close[k, THERE] + close[k, BACK] + minutes
                points = alone + load_points(weights, target, load + grown) - load_points(weights, target, load)
                if unskilled:
                    points += w.spare[v]
                if points >= limit or w.people[0, v] == mark or allowance(w, i, 1) < grown:
                    continue
        _consider(
            w, n, close[k, AT_JOB], i, close[k, THERE], close[k, BACK], close[k, OWN_FIT], close[k, PIECES],
            close[k, PIECES_END], low, high,
        )  # fmt: skip
    if end - begin < w.row[n, SIZE]:
        _consider_near(w, n, low, high)
    return bool(found[BY_JOB] >= 0)


@njit(cache=True, nogil=True)
def _consider_near(w: Desk, n: int, low: int, high: int) -> None:
    """The people who serve what lies near."""
    r = w.row[n, OF]
    for k in range(neighbours(w, r)):
        other = w.near[r, k]
        if not w.crew[other, SERVED]:
            continue
        for q in range(w.row[w.ask[other, ROWS], NODES], w.row[w.ask[other, ROWS_END] - 1, NODES_END]):
            if w.node[q, JOB] >= 0:
                i = w.node[q, INTERVAL]
                j = job_at(w.job_row, w.jobs_from[i], w.jobs_from[i + 1], n)
                if j >= 0:
                    _consider(
                        w, n, j, i, w.there[j], w.back[j], w.fit[j], w.pieces_from[j], w.pieces_to[j], low, high
                    )  # fmt: skip


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
def _consider(
    w: Desk, n: int, j: int, i: int, there: int, back: int, fit: int, begin: int, end: int, low: int, high: int
) -> None:
    """Take job j into what is found where it is the best, or the second best person so far."""
    found = w.found
    v = w.trip[i, OWNER]
    if w.people[0, v] == w.tally[MARK]:
        return
    room = allowance(w, i, 1)
    if room < 0:
        return
    points, after, a, b = places(
        w.node, w.piece, w.weights, w.travel[w.trip[i, MODE]], w.trip[i], w.person[v], w.row[n, OF], w.row[n, TAKES],
        there, back, fit, begin, end, low, high, room,
    )  # fmt: skip
    if points >= FAR_OFF:
        return
    if w.row[n, UNSKILLED]:
        points += w.spare[v]
    if points < found[CHEAPEST]:
        if w.tally[BLINK] > 0 and below(w.rng, 1000) < w.tally[BLINK]:
            return
        if found[BY] != v:
            found[SECOND], found[RUNNER_UP] = found[CHEAPEST], found[BY]
        found[CHEAPEST], found[BY], found[BY_JOB] = points, v, j
        found[AFTER], found[FROM_PIECE], found[TO_PIECE] = after, a, b
    elif v != found[BY] and points < found[SECOND]:
        found[SECOND], found[RUNNER_UP] = points, v


@njit(cache=True, nogil=True)
def _fill(w: Desk, n: int, low: int, high: int) -> None:
    """Fill an empty seat of row n as found."""
    for q in range(w.row[n, NODES], w.row[n, NODES_END]):
        if w.node[q, JOB] < 0:
            i = link(
                w, q, w.found[BY_JOB], w.row[n, OF], w.row[n, TAKES], w.found[AFTER], w.found[FROM_PIECE],
                w.found[TO_PIECE], low, high,
            )  # fmt: skip
            settle(w, i)
            return


# crews


@njit(cache=True, nogil=True)
def _slots(w: Desk, used: int, n: int, j: int, i: int, there: int, back: int, fit: int, begin: int, end: int) -> int:
    """Every place for a seat of row n in trip i, written to `slot` from `used` on; how many there are then."""
    node, piece, weights, slot = w.node, w.piece, w.weights, w.slot
    v, r, minutes = w.trip[i, OWNER], w.row[n, OF], w.row[n, TAKES]
    room = allowance(w, i, 1)
    if room < 0:
        return used
    now, mode, target = weights[0], w.trip[i, MODE], w.person[v, TARGET]
    load = w.person[v, HISTORY] + w.person[v, LOAD]
    before = load_points(weights, target, load)
    least, most = w.row[n, LEAST], w.row[n, MOST]
    after, q, free = -1, w.trip[i, HEAD], w.trip[i, BEGIN]
    while free <= most:
        bound = w.trip[i, END] if q < 0 else node[q, LATE]
        if bound >= least + minutes:
            outward = back if q < 0 else np.int64(w.travel[mode, r, node[q, REQUEST]])
            inward = there if after < 0 else np.int64(w.travel[mode, node[after, REQUEST], r])
            extra = inward + outward - (w.trip[i, HOME] if q < 0 else node[q, LEG])
            last = bound - outward - minutes
            if extra + minutes <= room:
                base = weights[1] * extra + fit - before + load_points(weights, target, load + extra + minutes)
                for p in range(begin, end):
                    first = max(piece[p, FIRST], inward + (free if piece[p, BEGUN] else max(free, now)))
                    final = min(piece[p, LAST], last)
                    if first > final or used >= len(slot):
                        continue
                    if q >= 0 and first + minutes < now and not piece[node[q, FROM], BEGUN] and now + outward > bound:
                        continue
                    lost = 0
                    if q >= 0 and w.trip[i, LOSSY] > 0:
                        lost = pushed(node, piece, q, first + minutes, now, outward)
                    slot[used, COSTS] = base + lost - worth(piece, p, first)
                    if w.row[n, UNSKILLED]:
                        slot[used, COSTS] += w.spare[v]
                    slot[used, OPENS], slot[used, SHUTS] = first - w.row[n, LAG_HIGH], final - w.row[n, LAG_LOW]
                    slot[used, WHO], slot[used, DOES], slot[used, BEHIND], slot[used, PART] = v, j, after, p
                    slot[used, SOONEST], slot[used, FALLS] = first, piece[p, FALL]
                    used += 1
        if q < 0:
            break
        free = node[q, EARLY] + node[q, MINUTES]
        after, q = q, node[q, NEXT]
    return used


@njit(cache=True, nogil=True)
def _points_at(slot: Ints, o: int, start: int) -> int:
    """What slot o costs when the seat may start from then on."""
    points: int = slot[o, COSTS] + slot[o, FALLS] * max(0, start - slot[o, SOONEST])
    return points


@njit(cache=True, nogil=True)
def _gather(w: Desk, r: int, whole: bool) -> int:
    """The slots of every required row of the request, cheapest first; how many rows, -1 when a row has too few."""
    group, close, groups, used = w.group, w.close, 0, 0
    for n in range(w.ask[r, ROWS], w.ask[r, ROWS_END]):
        if w.row[n, OPTIONAL]:
            continue
        first = used
        if whole:
            for k in range(w.rows_from[n], w.rows_from[n + 1]):
                j = w.by_row[k]
                used = _slots(
                    w, used, n, j, w.interval[j], w.there[j], w.back[j], w.fit[j], w.pieces_from[j], w.pieces_to[j]
                )  # fmt: skip
        else:
            idle, limit = 0, CANDIDATES + w.row[n, NODES_END] - w.row[n, NODES]
            for k in range(w.row[n, NEAR], min(w.row[n, NEAR_END], w.row[n, NEAR] + w.tally[REACH])):
                i = close[k, AT_INTERVAL]
                if w.trip[i, VISITS] == 0:
                    if idle >= limit or close[k, ALONE] >= FAR_OFF:
                        continue
                    idle += 1
                used = _slots(
                    w, used, n, close[k, AT_JOB], i, close[k, THERE], close[k, BACK], close[k, OWN_FIT],
                    close[k, PIECES], close[k, PIECES_END],
                )  # fmt: skip
        seats = w.row[n, NODES_END] - w.row[n, NODES]
        if used - first < seats:
            return -1
        order = np.argsort(w.slot[first:used, COSTS])
        group[groups, FALLING] = 0
        for k in range(used - first):
            w.order[first + k] = first + order[k]
            if w.slot[first + k, FALLS] > 0:
                group[groups, FALLING] = 1
        group[groups, ROW], group[groups, SEATS] = n, seats
        group[groups, ORDER], group[groups, ORDER_END] = first, used
        groups += 1
    return groups


@njit(cache=True, nogil=True)
def _cheapest_crew(w: Desk, r: int, bound: int, whole: bool) -> bool:
    """The start and the crew of different people that cost least, below `bound`; into `found` and `seats`."""
    found, slot, starts = w.found, w.slot, w.starts
    found[CHEAPEST] = found[SECOND] = bound
    groups = _gather(w, r, whole)
    if groups < 0:
        return False
    x = 0
    for g in range(groups):
        for _ in range(w.group[g, SEATS]):
            w.seats[IN_GROUP, x] = g
            x += 1
    number = 0
    begin, end = w.ask[r, SPANS], w.ask[r, SPANS_END]
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
    for k in range(number):
        if k > 0 and tried[k] == tried[k - 1]:
            continue
        points = _crew_at(w, groups, x, tried[k], found[CHEAPEST])
        if points < found[CHEAPEST]:
            found[CHEAPEST], found[STARTS] = points, tried[k]
            found[RARITY] = FAR_OFF
            for y in range(x):
                w.seats[BEST_CHOSEN, y] = w.seats[CHOSEN, y]
            for g in range(groups):
                found[RARITY] = min(found[RARITY], w.group[g, ACTIVE] - w.group[g, SEATS])
    return bool(found[CHEAPEST] < bound)


@njit(cache=True, nogil=True)
def _crew_at(w: Desk, groups: int, seats: int, start: int, bound: int) -> int:
    """Points of different people for all seats at this start of the request, in `seats`; FAR_OFF at `bound` or more.

    The hardest row first, the cheapest people for it; by matching when that gets stuck.
    """
    group, slot, order, total = w.group, w.slot, w.order, 0
    for g in range(groups):
        need, active, falling = group[g, SEATS], 0, group[g, FALLING]
        then = start + w.row[group[g, ROW], LAG_LOW]
        least = FAR_OFF
        for k in range(group[g, ORDER], group[g, ORDER_END]):
            o = order[k]
            if slot[o, OPENS] <= start and start <= slot[o, SHUTS]:
                points = _points_at(slot, o, then)
                if falling:
                    least = min(least, points)
                elif active < need:
                    total += points
                active += 1
                if active >= seats + 4 and not falling:
                    break
        if active < need:
            return FAR_OFF
        if falling:
            total += need * least
        group[g, ACTIVE] = active
        if total >= bound:
            return FAR_OFF
    w.tally[MARK] += 1
    mark, total = w.tally[MARK], 0
    for x in range(seats):
        w.seats[CHOSEN, x] = -1
    for x in range(groups):
        w.seats[TRIED, x] = 0
    for _ in range(groups):
        g = -1
        for one in range(groups):
            if w.seats[TRIED, one] == 0 and (g < 0 or group[one, ACTIVE] < group[g, ACTIVE]):
                g = one
        w.seats[TRIED, g] = 1
        then = start + w.row[group[g, ROW], LAG_LOW]
        for x in range(seats):
            if w.seats[IN_GROUP, x] != g:
                continue
            chosen, least = -1, FAR_OFF
            for k in range(group[g, ORDER], group[g, ORDER_END]):
                o = order[k]
                if slot[o, OPENS] <= start and start <= slot[o, SHUTS] and w.people[0, slot[o, WHO]] != mark:
                    points = _points_at(slot, o, then)
                    if points < least:
                        chosen, least = o, points
                    if not group[g, FALLING]:
                        break
            if chosen < 0:
                return _matched(w, seats, start)
            w.seats[CHOSEN, x] = chosen
            w.people[0, slot[chosen, WHO]] = mark
            total += least
    return total


@njit(cache=True, nogil=True)
def _matched(w: Desk, seats: int, start: int) -> int:
    """Different people for all seats, each seat's cheapest first, by augmenting paths; points, FAR_OFF if impossible."""
    group, slot, order, chosen = w.group, w.slot, w.order, w.seats[CHOSEN]
    for x in range(seats):
        chosen[x] = -1
    for x in range(seats):
        w.tally[MARK] += 1
        mark, head, tail, freed = w.tally[MARK], 0, 1, -1
        w.seats[QUEUE, 0] = x
        while head < tail and freed < 0:
            y = w.seats[QUEUE, head]
            head += 1
            g = w.seats[IN_GROUP, y]
            for k in range(group[g, ORDER], group[g, ORDER_END]):
                o = order[k]
                v = slot[o, WHO]
                if slot[o, OPENS] > start or start > slot[o, SHUTS] or w.people[0, v] == mark:
                    continue
                w.people[0, v], w.people[1, v], w.people[2, v] = mark, y, o
                holder = -1
                for z in range(seats):
                    if chosen[z] >= 0 and slot[chosen[z], WHO] == v:
                        holder = z
                if holder < 0:
                    freed = v
                    break
                w.seats[QUEUE, tail] = holder
                tail += 1
        if freed < 0:
            return FAR_OFF
        while freed >= 0:
            y, o = w.people[1, freed], w.people[2, freed]
            freed = slot[chosen[y], WHO] if chosen[y] >= 0 else -1
            chosen[y] = o
            if y == x:
                freed = -1
    total = 0
    for x in range(seats):
        total += _points_at(slot, chosen[x], start + w.row[group[w.seats[IN_GROUP, x], ROW], LAG_LOW])
    return total


@njit(cache=True, nogil=True)
def _fill_crew(w: Desk, r: int) -> None:
    """Send the crew that was found."""
    seats, start = w.ask[r, REQUIRED], w.found[STARTS]
    for x in range(seats):
        o = w.seats[BEST_CHOSEN, x]
        n = w.group[w.seats[IN_GROUP, x], ROW]
        for q in range(w.row[n, NODES], w.row[n, NODES_END]):
            if w.node[q, JOB] < 0:
                part = w.slot[o, PART]
                i = link(
                    w, q, w.slot[o, DOES], r, w.row[n, TAKES], w.slot[o, BEHIND], part, part + 1,
                    start + w.row[n, LAG_LOW], start + w.row[n, LAG_HIGH],
                )  # fmt: skip
                settle(w, i)
                break


# whole requests


@njit(cache=True, nogil=True)
def find(w: Desk, r: int, bound: int, second: bool, thorough: bool) -> bool:
    """The cheapest way to serve the request below `bound` points, into `found`. `thorough`: at any cost of time."""
    if w.ask[r, REQUIRED] + w.ask[r, SPARE] > 1:
        return _cheapest_crew(w, r, bound, False) or (thorough and _cheapest_crew(w, r, bound, True))
    w.tally[MARK] += 1
    n = w.ask[r, ROWS]
    if cheapest(w, n, -FAR_OFF, FAR_OFF, bound, second, False):
        return True
    beyond = w.row[n, SIZE] > min(w.tally[REACH], w.row[n, NEAR_END] - w.row[n, NEAR])
    return thorough and beyond and cheapest(w, n, -FAR_OFF, FAR_OFF, bound, second, True)


@njit(cache=True, nogil=True)
def commit(w: Desk, r: int) -> None:
    """Serve the request in the way that was found, and fill what optional seats are worth it."""
    if w.ask[r, REQUIRED] + w.ask[r, SPARE] > 1:
        _fill_crew(w, r)
    else:
        _fill(w, w.ask[r, ROWS], -FAR_OFF, FAR_OFF)
    count_served(w, r, w.found[STARTS])
    if w.ask[r, SPARE] > 0:
        fill_optional(w, r)


@njit(cache=True, nogil=True)
def count_served(w: Desk, r: int, start: int) -> None:
    """The required seats of the request are filled, the optional ones empty."""
    touch(w.memory, w.journal, w.marks, w.tally, w.tally[CREWS_FROM] + r)
    w.crew[r, SERVED], w.crew[r, AT], w.crew[r, MISSING] = 1, start, w.ask[r, SPARE]
    w.tally[COST] += w.ask[r, SPARE] * w.tally[OPTIONAL_PRICE] - w.ask[r, PRICE]


@njit(cache=True, nogil=True)
def mark_crew(w: Desk, r: int) -> None:
    """Mark the people of the request, and nobody else."""
    w.tally[MARK] += 1
    for q in range(w.row[w.ask[r, ROWS], NODES], w.row[w.ask[r, ROWS_END] - 1, NODES_END]):
        if w.node[q, JOB] >= 0:
            w.people[0, w.trip[w.node[q, INTERVAL], OWNER]] = w.tally[MARK]


@njit(cache=True, nogil=True)
def fill_optional(w: Desk, r: int) -> None:
    """Fill empty optional seats of a served request where that is worth it."""
    start, price = w.crew[r, AT], w.tally[OPTIONAL_PRICE]
    for n in range(w.ask[r, ROWS], w.ask[r, ROWS_END]):
        if not w.row[n, OPTIONAL]:
            continue
        low, high = start + w.row[n, LAG_LOW], start + w.row[n, LAG_HIGH]
        for q in range(w.row[n, NODES], w.row[n, NODES_END]):
            if w.node[q, JOB] >= 0:
                continue
            mark_crew(w, r)
            if not cheapest(w, n, low, high, price, False, False):
                break
            _fill(w, n, low, high)
            touch(w.memory, w.journal, w.marks, w.tally, w.tally[CREWS_FROM] + r)
            w.crew[r, MISSING] -= 1
            w.tally[COST] -= price


@njit(cache=True, nogil=True)
def reseat(w: Desk, r: int, n: int, q: int) -> bool:
    """Somebody for seat q of row n of a served crew, now empty, at the crew's start; False when there is nobody."""
    low, high = w.crew[r, AT] + w.row[n, LAG_LOW], w.crew[r, AT] + w.row[n, LAG_HIGH]
    mark_crew(w, r)
    if not cheapest(w, n, low, high, FAR_OFF, False, False):
        return False
    i = link(
        w, q, w.found[BY_JOB], r, w.row[n, TAKES], w.found[AFTER], w.found[FROM_PIECE], w.found[TO_PIECE], low, high
    )  # fmt: skip
    return settle(w, i)


@njit(cache=True, nogil=True)
def drop(w: Desk, r: int) -> None:
    """Leave the request unserved, and whatever no longer fits without it on the way; `todo` lists what was left."""
    w.stack[0] = r
    top = 1
    while top > 0:
        top -= 1
        one = w.stack[top]
        if not w.crew[one, SERVED]:
            continue
        if w.listed[one] != w.tally[TAKEN]:
            w.listed[one] = w.tally[TAKEN]
            w.todo[w.tally[TODO]] = one
            w.tally[TODO] += 1
        touch(w.memory, w.journal, w.marks, w.tally, w.tally[CREWS_FROM] + one)
        w.crew[one, SERVED] = 0
        w.tally[COST] += w.ask[one, PRICE] - w.crew[one, MISSING] * w.tally[OPTIONAL_PRICE]
        for q in range(w.row[w.ask[one, ROWS], NODES], w.row[w.ask[one, ROWS_END] - 1, NODES_END]):
            if w.node[q, JOB] >= 0:
                i = unlink(w, q)
                if not settle(w, i) or allowance(w, i, 0) < 0:
                    top = clear(w, i, top)


@njit(cache=True, nogil=True)
def clear(w: Desk, i: int, top: int) -> int:
    """Empty trip i; the requests it served are put on the stack, whose new height comes back."""
    touch(w.memory, w.journal, w.marks, w.tally, w.tally[TRIPS_FROM] + i)
    q = w.trip[i, HEAD]
    while q >= 0:
        touch(w.memory, w.journal, w.marks, w.tally, q)
        w.stack[top] = w.node[q, REQUEST]
        top += 1
        w.node[q, JOB] = -1
        q = w.node[q, NEXT]
    w.trip[i, HEAD] = w.trip[i, TAIL] = -1
    w.trip[i, VISITS] = 0
    settle(w, i)
    return top


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
    """The requests that lie nearest: a minute's way counts as five of time between the windows."""
    near, distance, number = w.near[r], np.empty(NEIGHBOURS, dtype=np.int64), 0
    least, most = w.row[w.ask[r, ROWS], LEAST], w.row[w.ask[r, ROWS], MOST]
    near[0] = -1
    for k in range(len(w.open)):
        other = w.open[k]
        if other == r:
            continue
        n = w.ask[other, ROWS]
        apart = max(0, w.row[n, LEAST] - most - w.row[w.ask[r, ROWS], TAKES])
        apart = max(apart, least - w.row[n, MOST] - w.row[n, TAKES])
        away = 5 * (w.travel[0, r, other] + w.travel[0, other, r]) + 2 * apart
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
def _urgency(w: Desk, r: int) -> int:
    """What waiting may cost, of what was found: the gap to the second best; of a crew the less, the more there are."""
    if w.ask[r, REQUIRED] + w.ask[r, SPARE] == 1:
        urgency: int = 1000 * (w.found[SECOND] - w.found[CHEAPEST])
        return urgency
    return 1000 * (w.ask[r, PRICE] - w.found[CHEAPEST]) // (1 + max(0, w.found[RARITY]))


@njit(cache=True, nogil=True)
def _before(w: Desk, a: int, b: int) -> bool:
    """Whether the request at place a of the heap comes before the one at b."""
    one, two = w.heap[a], w.heap[b]
    return bool(w.key[one] > w.key[two] or (w.key[one] == w.key[two] and one < two))


@njit(cache=True, nogil=True)
def _push(w: Desk, r: int, key: int) -> None:
    w.key[r] = key
    place = w.tally[HEAPED]
    w.heap[place] = r
    w.tally[HEAPED] += 1
    while place > 0 and _before(w, place, (place - 1) // 2):
        w.heap[place], w.heap[(place - 1) // 2] = w.heap[(place - 1) // 2], w.heap[place]
        place = (place - 1) // 2


@njit(cache=True, nogil=True)
def _pop(w: Desk) -> int:
    first = w.heap[0]
    w.tally[HEAPED] -= 1
    size, place = w.tally[HEAPED], 0
    w.heap[0] = w.heap[size]
    while 2 * place + 1 < size:
        child = 2 * place + 1
        if child + 1 < size and _before(w, child + 1, child):
            child += 1
        if not _before(w, child, place):
            break
        w.heap[place], w.heap[child] = w.heap[child], w.heap[place]
        place = child
    return int(first)


@njit(cache=True, nogil=True)
def queue(w: Desk, begin: int, end: int) -> None:
    """Look at the unserved among `open[begin:end]`, and let them wait by what waiting costs."""
    for k in range(begin, end):
        r = w.open[k]
        if not w.crew[r, SERVED] and find(w, r, w.ask[r, PRICE], True, True):
            _push(w, r, _urgency(w, r))


@njit(cache=True, nogil=True)
def serve_waiting(w: Desk, looks: int) -> bool:
    """Serve those who wait, most urgent first, in at most so many looks; whether somebody waits still.

    What waiting costs is looked at again only when a request's turn comes; if another is then more urgent, it waits on.
    """
    for _ in range(looks):
        if w.tally[HEAPED] == 0:
            return False
        r = _pop(w)
        if not find(w, r, w.ask[r, PRICE], True, True):
            continue
        urgency = _urgency(w, r)
        if w.tally[HEAPED] > 0 and urgency < w.key[w.heap[0]]:
            _push(w, r, urgency)
            continue
        commit(w, r)
        keep(w)
    return bool(w.tally[HEAPED] > 0)


@njit(cache=True, nogil=True)
def serve_rest(w: Desk, begin: int, end: int) -> None:
    """Serve what still fits among `todo[begin:end]`, each where that makes the plan cheaper; fill optional seats."""
    for k in range(begin, end):
        r = w.todo[k]
        before = w.tally[COST]
        if w.crew[r, SERVED]:
            if w.crew[r, MISSING] > 0:
                fill_optional(w, r)
        elif find(w, r, w.ask[r, PRICE], False, True):
            commit(w, r)
        if w.tally[COST] < before:
            keep(w)
        else:
            undo(w)
