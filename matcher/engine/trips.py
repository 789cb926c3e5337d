"""Trips in the making: which starts they allow, what they take, where one more visit fits, and the way back.

Compiled by numba, plain loops over plain arrays. Everything that changes stands in `Desk.memory`, rows of 16 whole
numbers: first a row for every seat (its visit, when it is filled), then for every interval (its trip), every
volunteer, every request. `node`, `trip`, `person` and `crew` are those four parts of the same memory. The last number
of a row says in which round it was first written; then its old self goes into the journal, so that `undo` puts back
exactly what was there. Minutes are those of the instance, costs whole points.

Waiting is free, so a trip is an order of visits, each as early as the order and its own pieces allow: EARLY. LATE is
its last start after which the rest of the trip still fits. A visit may start in its pieces FROM to TO - 1, between LOW
and HIGH (a crew's start narrows them). Pieces that stand in one run gain less the later it is, so early is best.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numba import njit

from matcher.engine.tables import FAR_OFF, Arrays, Cube, Ints

WIDTH = 16
STAMP = 15

# A seat and its visit: row of `node`. JOB is -1 when the seat is empty; PREV and NEXT are seats, -1 at the ends.
JOB, PREV, NEXT, EARLY, LATE, LEG, LOW, HIGH, FROM, TO, REQUEST, MINUTES, GAIN, FIT, INTERVAL = range(15)

# A trip: row of `trip`. HOME is its last leg, BUSY its travel and service minutes, POINTS all but fairness, LOSSY the
# number of visits which cost more when they are pushed.
HEAD, TAIL, VISITS, HOME, BUSY, POINTS, LOSSY, BEGIN, END, OWNER, MODE = range(11)

# A volunteer: row of `person`. LOAD is minutes of this plan, FAIR what they cost, CAPPED 1 when there is any cap.
LOAD, FAIR, HISTORY, TARGET, CAPPED = range(5)

# A request: row of `crew`. AT is the start of a crew of several, MISSING how many optional seats are empty.
SERVED, AT, MISSING = range(3)

# What the search keeps count of: `tally`.
COST, ROUND, JOURNAL, COST_BEFORE, DIRTY, BEST, TODO, TRIPS_FROM, PEOPLE_FROM, CREWS_FROM = range(10)
OPTIONAL_PRICE, BLINK, REACH, MARK, HEAPED, RECORDED, WRITTEN, TAKEN, BETTER, VACANT = range(10, 20)

# A piece: row of `piece`. RUN is behind the last piece of its run.
FIRST, LAST, WORTH, FALL, BEGUN, RUN = range(6)

# A row of like seats: row of `row`. LEAST and MOST are its first and last seat start.
OF, NODES, NODES_END, OPTIONAL, LAG_LOW, LAG_HIGH, NEAR, NEAR_END, LEAST, MOST, UNSKILLED, TAKES, SIZE = range(13)

# A request as asked: row of `ask`. Its rows, price, seats that are required and optional, and its spans of starts.
ROWS, ROWS_END, PRICE, REQUIRED, SPARE, SPANS, SPANS_END = range(7)

# Who is near: row of `close`, of each row of seats the jobs that cost least alone. ALONE is that, FAR_OFF if never.
AT_INTERVAL, ALONE, AT_JOB, THERE, BACK, OWN_FIT, PIECES, PIECES_END = range(8)

# What was found: `found`.
CHEAPEST, SECOND, BY_JOB, AFTER, FROM_PIECE, TO_PIECE, BY, RUNNER_UP, STARTS, RARITY = range(10)


class Desk(NamedTuple):
    """All that the search reads and writes. Q seats, I intervals, V people, R requests, P pieces; N = Q + I + V + R."""

    memory: Ints  # [N, 16]
    node: Ints  # [Q, 16] part of memory
    trip: Ints  # [I, 16] part of memory
    person: Ints  # [V, 16] part of memory
    crew: Ints  # [R, 16] part of memory
    best: Ints  # [N, 16] the best plan so far
    journal: Ints  # [N, 16] rows of the memory as they were before this round
    marks: Ints  # [N, 4]: journalled row, 1 when unlike `best`, such rows listed, round in which a trip was ruined
    tally: Ints  # [32]
    vacant: Ints  # [Q] seats of served crews to be filled again
    piece: Ints  # [P, 8]
    row: Ints  # [rows, 16]
    seat_row: Ints  # [Q] the row of each seat
    ask: Ints  # [R, 8]
    span: Ints  # [spans, 2] starts of requests
    close: Ints  # [.., 8]
    near: Ints  # [R, NEIGHBOURS] requests, nearest first; near[r, 0] is -2 as long as nobody asked
    spare: Ints  # [V] by how much dearer a person of rare skills looks where none is asked for
    people: Ints  # [3, V]: mark, seat and slot by which the matching came to a person
    open: Ints  # [..] requests that can be served
    teams: Ints  # [..] those of several seats
    found: Ints  # [16]
    slot: Ints  # [SLOTS, 10]
    order: Ints  # [SLOTS] the slots of each group, cheapest first
    group: Ints  # [SEATS, 8] the rows of a crew being chosen
    seats: Ints  # [6, SEATS] its seats
    starts: Ints  # [SLOTS] starts that are tried
    todo: Ints  # [R] requests to be put in
    listed: Ints  # [R] mark: is among them
    stack: Ints  # [R + Q] requests still to be taken out
    key: Ints  # [R] what waiting costs
    heap: Ints  # [R] requests by key
    pool: Ints  # [POOL, 3]: person, first visit, visits
    pool_visit: Ints  # [POOL_VISITS, 2]: job, start
    pool_known: Ints  # [KNOWN] hashes
    rng: Ints  # [1] uint64
    interval: Ints  # what follows is that of `Arrays`
    job_row: Ints
    there: Ints
    back: Ints
    fit: Ints
    pieces_from: Ints
    pieces_to: Ints
    jobs_from: Ints
    intervals_from: Ints
    rows_from: Ints
    by_row: Ints
    day: Ints
    most_visits: Ints
    most_today: Ints
    most_minutes: Ints
    tune: Ints  # [16] see search.TUNE
    weights: Ints
    travel: Cube


# the way back


@njit(cache=True, nogil=True)
def touch(memory: Ints, journal: Ints, marks: Ints, tally: Ints, x: int) -> None:
    """Row x of the memory is about to be written."""
    if memory[x, STAMP] == tally[ROUND]:
        return
    k = tally[JOURNAL]
    for c in range(WIDTH):
        journal[k, c] = memory[x, c]
    marks[k, 0] = x
    tally[JOURNAL] = k + 1
    memory[x, STAMP] = tally[ROUND]
    if marks[x, 1] == 0:
        marks[x, 1] = 1
        marks[tally[DIRTY], 2] = x
        tally[DIRTY] += 1


@njit(cache=True, nogil=True)
def keep(w: Desk) -> None:
    """What was changed since the last `keep` or `undo` is final."""
    w.tally[ROUND] += 1
    w.tally[JOURNAL] = 0
    w.tally[COST_BEFORE] = w.tally[COST]


@njit(cache=True, nogil=True)
def undo(w: Desk) -> None:
    """Take back what was changed since the last `keep` or `undo`."""
    for k in range(w.tally[JOURNAL]):
        x = w.marks[k, 0]
        for c in range(WIDTH):
            w.memory[x, c] = w.journal[k, c]
    w.tally[COST] = w.tally[COST_BEFORE]
    keep(w)


# one trip


@njit(cache=True, nogil=True)
def first_piece(piece: Ints, begin: int, end: int, low: int, high: int, soonest: int) -> int:
    """The piece of the first start not before `soonest`, -1 when there is none."""
    for p in range(begin, end):
        if max(piece[p, FIRST], low, soonest) <= min(piece[p, LAST], high):
            return p
    return -1


@njit(cache=True, nogil=True)
def last_piece(piece: Ints, begin: int, end: int, low: int, high: int, latest: int) -> int:
    """The piece of the last start not after `latest`, -1 when there is none."""
    for p in range(end - 1, begin - 1, -1):
        if max(piece[p, FIRST], low) <= min(piece[p, LAST], high, latest):
            return p
    return -1


@njit(cache=True, nogil=True)
def worth(piece: Ints, p: int, start: int) -> int:
    """What starting then, in this piece, gains."""
    points: int = piece[p, WORTH] - piece[p, FALL] * (start - piece[p, FIRST])
    return points


@njit(cache=True, nogil=True)
def load_points(weights: Ints, target: int, load: int) -> int:
    """The price of a load: as in matcher.cost."""
    points: int = (
        weights[2] * max(0, load - target)
        + weights[3] * max(0, load - target * 3 // 2)
        + weights[4] * max(0, load - target * 2)
    )
    return points


@njit(cache=True, nogil=True)
def link(w: Desk, q: int, j: int, r: int, minutes: int, after: int, begin: int, end: int, low: int, high: int) -> int:
    """Fill seat q by job j behind seat `after` of its trip (-1: first); the interval. `settle` must follow."""
    node, trip, tally = w.node, w.trip, w.tally
    i = w.interval[j]
    t = tally[TRIPS_FROM] + i
    touch(w.memory, w.journal, w.marks, tally, q)
    touch(w.memory, w.journal, w.marks, tally, t)
    before = trip[i, HEAD] if after < 0 else node[after, NEXT]
    if after < 0:
        trip[i, HEAD] = q
    else:
        touch(w.memory, w.journal, w.marks, tally, after)
        node[after, NEXT] = q
    if before < 0:
        trip[i, TAIL] = q
    else:
        touch(w.memory, w.journal, w.marks, tally, before)
        node[before, PREV] = q
    node[q, JOB], node[q, PREV], node[q, NEXT] = j, after, before
    node[q, LOW], node[q, HIGH], node[q, FROM], node[q, TO] = low, high, begin, end
    node[q, REQUEST], node[q, MINUTES], node[q, FIT], node[q, INTERVAL] = r, minutes, w.fit[j], i
    trip[i, VISITS] += 1
    return i


@njit(cache=True, nogil=True)
def unlink(w: Desk, q: int) -> int:
    """Empty seat q; the interval its visit was in. `settle` must follow."""
    node, trip, tally = w.node, w.trip, w.tally
    i = node[q, INTERVAL]
    touch(w.memory, w.journal, w.marks, tally, q)
    touch(w.memory, w.journal, w.marks, tally, tally[TRIPS_FROM] + i)
    after, before = node[q, PREV], node[q, NEXT]
    if after < 0:
        trip[i, HEAD] = before
    else:
        touch(w.memory, w.journal, w.marks, tally, after)
        node[after, NEXT] = before
    if before < 0:
        trip[i, TAIL] = after
    else:
        touch(w.memory, w.journal, w.marks, tally, before)
        node[before, PREV] = after
    node[q, JOB] = -1
    trip[i, VISITS] -= 1
    return i


@njit(cache=True, nogil=True)
def settle(w: Desk, i: int) -> bool:
    """Time and count trip i after its visits changed; False, and nothing counted, when it does not fit."""
    node, trip, piece, tally = w.node, w.trip, w.piece, w.tally
    now = w.weights[0]
    mode = trip[i, MODE]
    free, travel, service, points, lossy = trip[i, BEGIN], 0, 0, 0, 0
    last, q = -1, trip[i, HEAD]
    while q >= 0:
        touch(w.memory, w.journal, w.marks, tally, q)
        leg = w.there[node[q, JOB]] if last < 0 else np.int64(w.travel[mode, node[last, REQUEST], node[q, REQUEST]])
        begin, end, low, high = node[q, FROM], node[q, TO], node[q, LOW], node[q, HIGH]
        soonest = leg + (free if piece[begin, BEGUN] else max(free, now))
        p = first_piece(piece, begin, end, low, high, soonest)
        if p < 0:
            return False
        start = max(piece[p, FIRST], low, soonest)
        gain = worth(piece, p, start)
        node[q, EARLY], node[q, LEG], node[q, GAIN] = start, leg, gain
        travel, service = travel + leg, service + node[q, MINUTES]
        points += node[q, FIT] - gain
        if low < high and (end - begin > 1 or piece[begin, FALL] > 0):
            lossy += 1
        free = start + node[q, MINUTES]
        last, q = q, node[q, NEXT]
    home = np.int64(0)
    if last >= 0:
        home = w.back[node[last, JOB]]
    bound, leg, q = trip[i, END], home, last
    while q >= 0:
        latest = bound - leg - node[q, MINUTES]
        p = last_piece(piece, node[q, FROM], node[q, TO], node[q, LOW], node[q, HIGH], latest)
        if p < 0:
            return False
        bound = min(piece[p, LAST], node[q, HIGH], latest)
        if bound < node[q, EARLY]:
            return False
        node[q, LATE] = bound
        leg, q = node[q, LEG], node[q, PREV]
    travel += home
    _count(w, i, home, travel + service, points + w.weights[1] * travel, lossy)
    return True


@njit(cache=True, nogil=True)
def _count(w: Desk, i: int, home: int, busy: int, points: int, lossy: int) -> None:
    """Enter what trip i comes to, and its person's load."""
    trip, person, tally = w.trip, w.person, w.tally
    v = trip[i, OWNER]
    touch(w.memory, w.journal, w.marks, tally, tally[TRIPS_FROM] + i)
    touch(w.memory, w.journal, w.marks, tally, tally[PEOPLE_FROM] + v)
    before, target = person[v, HISTORY], person[v, TARGET]
    load = person[v, LOAD] + busy - trip[i, BUSY]
    fair = load_points(w.weights, target, before + load) - load_points(w.weights, target, before)
    tally[COST] += points - trip[i, POINTS] + fair - person[v, FAIR]
    person[v, LOAD], person[v, FAIR] = load, fair
    trip[i, HOME], trip[i, BUSY], trip[i, POINTS], trip[i, LOSSY] = home, busy, points, lossy


@njit(cache=True, nogil=True)
def allowance(w: Desk, i: int, more: int) -> int:
    """By how many minutes trip i may grow with so many more visits under its person's caps; -FAR_OFF: not at all."""
    v = w.trip[i, OWNER]
    if w.person[v, CAPPED] == 0:
        return FAR_OFF
    visits, busy = more, 0
    for k in range(i, w.intervals_from[v] - 1, -1):
        if w.day[k] != w.day[i]:
            break
        visits, busy = visits + w.trip[k, VISITS], busy + w.trip[k, BUSY]
    for k in range(i + 1, w.intervals_from[v + 1]):
        if w.day[k] != w.day[i]:
            break
        visits, busy = visits + w.trip[k, VISITS], busy + w.trip[k, BUSY]
    if visits > w.most_visits[v]:
        return -FAR_OFF
    left: int = min(w.most_today[v] - busy, w.most_minutes[v] - w.person[v, LOAD])
    return left


@njit(cache=True, nogil=True)
def places(
    node: Ints, piece: Ints, weights: Ints, way: Cube, trip: Ints, person: Ints, r: int, minutes: int, there: int,
    back: int, fit: int, begin: int, end: int, low: int, high: int, room: int,
) -> tuple[int, int, int, int]:  # fmt: skip
    """The cheapest place for one more visit in a trip, started as early as it can be there.

    `trip` and `person` are rows, `way` minutes between requests [R, R], `room` minutes by which the trip may grow.
    Returns points (FAR_OFF: none), the visit before it, and its pieces.
    """
    now = weights[0]
    target, load = person[TARGET], person[HISTORY] + person[LOAD]
    before = load_points(weights, target, load)
    least, most = piece[begin, FIRST], piece[begin, LAST]
    for p in range(begin + 1, end):
        least, most = min(least, piece[p, FIRST]), max(most, piece[p, LAST])
    least, most = max(least, low), min(most, high)
    best, best_after, best_begin, best_end = FAR_OFF, -1, -1, -1
    after, q, free = -1, trip[HEAD], trip[BEGIN]
    while True:
        if free > most:
            break
        if q < 0:
            bound, outward, old = trip[END], back, trip[HOME]
        else:
            bound, outward, old = node[q, LATE], np.int64(0), node[q, LEG]
        if bound >= least + minutes:
            if q >= 0:
                outward = np.int64(way[r, node[q, REQUEST]])
            inward = there if after < 0 else np.int64(way[node[after, REQUEST], r])
            extra = inward + outward - old
            last = bound - outward - minutes
            if extra + minutes <= room:
                base = weights[1] * extra + fit - before + load_points(weights, target, load + extra + minutes)
                a = begin
                while a < end:
                    b = min(piece[a, RUN], end)
                    soonest = inward + (free if piece[a, BEGUN] else max(free, now))
                    p = first_piece(piece, a, b, low, high, soonest) if soonest <= last else -1
                    if p >= 0:
                        start = max(piece[p, FIRST], low, soonest)
                        if start <= last and _follows(node, piece, q, start + minutes, now, outward, bound):
                            points = base - worth(piece, p, start)
                            if q >= 0 and trip[LOSSY] > 0:
                                points += pushed(node, piece, q, start + minutes, now, outward)
                            if points < best:
                                best, best_after, best_begin, best_end = points, after, a, b
                    a = b
        if q < 0:
            break
        free = node[q, EARLY] + node[q, MINUTES]
        after, q = q, node[q, NEXT]
    return best, best_after, best_begin, best_end


@njit(cache=True, nogil=True)
def _follows(node: Ints, piece: Ints, q: int, over: int, now: int, leg: int, bound: int) -> bool:
    """Whether visit q can be reached after work begun before now, which the bound alone does not say."""
    if q < 0 or over >= now or piece[node[q, FROM], BEGUN]:
        return True
    reached: bool = now + leg <= bound
    return reached


@njit(cache=True, nogil=True)
def pushed(node: Ints, piece: Ints, q: int, free: int, now: int, leg: int) -> int:
    """What it costs that visit q is reached over `leg` from `free` on, and the visits behind it later than now."""
    lost = 0
    while q >= 0:
        begin, low = node[q, FROM], node[q, LOW]
        soonest = leg + (free if piece[begin, BEGUN] else max(free, now))
        if soonest <= node[q, EARLY]:
            break
        p = first_piece(piece, begin, node[q, TO], low, node[q, HIGH], soonest)
        if p < 0:
            break
        start = max(piece[p, FIRST], low, soonest)
        lost += node[q, GAIN] - worth(piece, p, start)
        free = start + node[q, MINUTES]
        q = node[q, NEXT]
        if q >= 0:
            leg = node[q, LEG]
    return lost


# the slow twin


class Stop(NamedTuple):
    """A visit for the slow twin: a job, and the seat starts it may have, each with its gain, and whether it is begun."""

    j: int
    gains: dict[int, int]
    begun: bool


def stops(d: Arrays, j: int) -> list[Stop]:
    """The ways in which a job can be done, minute by minute: begun work apart, and what gains more later apart."""
    found: list[Stop] = []
    last = FAR_OFF
    for p in range(int(d.pieces_from[j]), int(d.pieces_to[j])):
        begin, end, begun = int(d.first[p]), int(d.last[p]), bool(d.begun[p])
        gains = {start: int(d.gain[p] - d.fall[p] * (start - begin)) for start in range(begin, end + 1)}
        joins = found and last < begin and found[-1].begun == begun and gains[begin] <= found[-1].gains[last]
        if joins:
            found[-1].gains.update(gains)
        else:
            found.append(Stop(j, gains, begun))
        last = end
    return found


def timed(d: Arrays, i: int, visits: Sequence[Stop]) -> tuple[list[int], int] | None:
    """The starts of a trip of these visits in this order, as early as may be, and its points; None: it does not fit."""
    if not visits:
        return [], 0
    way, now, starts = d.travel[d.mode[i]], int(d.weights[0]), []
    free, travel, points = int(d.start[i]), 0, 0
    for n, (j, gains, begun) in enumerate(visits):
        leg = int(d.there[j] if n == 0 else way[d.request[visits[n - 1].j], d.request[j]])
        soonest = leg + (free if begun else max(free, now))
        start = min((s for s in gains if s >= soonest), default=None)
        if start is None:
            return None
        starts.append(start)
        travel, points = travel + leg, points + int(d.fit[j]) - gains[start]
        free = start + int(d.minutes[j])
    home = int(d.back[visits[-1].j])
    return (starts, points + int(d.weights[1]) * (travel + home)) if free + home <= d.end[i] else None
