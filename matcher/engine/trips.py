"""Trips in the making: which starts they allow, what they take, where one more visit fits, and the way back.

Compiled by numba, plain loops over plain arrays. Everything that changes stands in `memory`, in rows of 16 whole
numbers: first a row for every seat (its visit, when it is filled), then for every interval (its trip), every
volunteer, every request. A row is known by its number, so that one points to another. The last number of a row says
in which round it was first written; then its old self goes into the ledger, so that `undo` puts back exactly what was
there. Minutes are those of the instance, costs whole points. Few arrays are handed on, since each costs time in every
call.

Waiting is free, so a trip is an order of visits, each as early as the order and its own pieces allow: EARLY. LATE is
its last start after which the rest of the trip still fits. A visit may start in its pieces FROM to TO - 1, between LOW
and HIGH (a crew's start narrows them). Pieces that stand in one run gain less the later it is, so early is best.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from numba import njit

from matcher.engine.tables import FAR_OFF, Arrays, Cube, Ints

WIDTH = 16
STAMP = 15

# A seat and its visit. JOB is -1 when the seat is empty; PREV and NEXT are seats, -1 at the ends; TRIP a row.
JOB, PREV, NEXT, EARLY, LATE, LEG, LOW, HIGH, FROM, TO, REQUEST, MINUTES, GAIN, FIT, TRIP = range(15)

# A trip. HOME is its last leg, BUSY its travel and service minutes, POINTS all but fairness, LOSSY the number of visits
# which cost more when they are pushed. OWNER is the row of its person.
HEAD, TAIL, VISITS, HOME, BUSY, POINTS, LOSSY, BEGIN, END, OWNER, MODE, DAY = range(12)

# A volunteer. LOAD is minutes of this plan, FAIR what they cost, CAPPED 1 when there is any cap, RARE by how much
# dearer they look where no skill is asked for; their trips are the rows TRIPS to TRIPS_END - 1. VERSION is
# another number whenever one of these changes, and the old one again when that is undone.
LOAD, FAIR, HISTORY, TARGET, CAPPED, MOST_VISITS, MOST_TODAY, MOST_MINUTES, TRIPS, TRIPS_END, RARE, VERSION = range(12)

# A request. AT is the start of a crew of several, MISSING how many optional seats are empty. ROWS to ROWS_END - 1 are
# its rows of seats, REQUIRED and SPARE the numbers of required and optional seats, SPANS its starts.
SERVED, AT, MISSING, ROWS, ROWS_END, PRICE, REQUIRED, SPARE, SPANS, SPANS_END = range(10)

# The ledger: a row of the memory as it was before this round, and from then on, of other rows: which row that was;
# whether a row is unlike the best plan's; a list of those that are; a mark; by which seat and slot matching got there.
WAS, UNLIKE, UNLIKE_LIST, MARKED, VIA_SEAT, VIA_SLOT = range(16, 22)
LEDGER = 24

# The tally: what the search counts, and numbers it needs everywhere.
COST, ROUND, JOURNAL, COST_BEFORE, DIRTY, BEST, TODO, TRIPS_FROM, PEOPLE_FROM, CREWS_FROM = range(10)
OPTIONAL_PRICE, BLINK, REACH, MARK, HEAPED, RECORDED, WRITTEN, TAKEN, VACANT = range(10, 19)
NOW, PER_MINUTE, FAIR_ONE, FAIR_TWO, FAIR_THREE, RNG = range(20, 26)
VERSIONS, ABSENT = range(36, 38)
# What was found last: points, those of the second best person, the job, the seat before it, its pieces, and who.
CHEAPEST, SECOND, BY_JOB, AFTER, FROM_PIECE, TO_PIECE, BY, STARTS, RARITY = range(26, 35)

# A piece. RUN is behind the last piece of its run.
FIRST, LAST, WORTH, FALL, BEGUN, RUN = range(6)


class Core(NamedTuple):
    """What a trip needs. Q seats, I intervals, V people, R requests, P pieces, J jobs; N = Q + I + V + R."""

    memory: Ints  # [N, 16]
    ledger: Ints  # [N, 24]
    tally: Ints  # [48]
    piece: Ints  # [P, 8]
    there: Ints  # [J]
    back: Ints  # [J]
    travel: Cube  # [M, R, R] int32


# the way back


@njit(cache=True, nogil=True)
def touch(memory: Ints, ledger: Ints, tally: Ints, x: int) -> None:
    """Row x of the memory is about to be written."""
    if memory[x, STAMP] == tally[ROUND]:
        return
    k = tally[JOURNAL]
    for column in range(WIDTH):
        ledger[k, column] = memory[x, column]
    ledger[k, WAS] = x
    tally[JOURNAL] = k + 1
    memory[x, STAMP] = tally[ROUND]
    if ledger[x, UNLIKE] == 0:
        ledger[x, UNLIKE] = 1
        ledger[tally[DIRTY], UNLIKE_LIST] = x
        tally[DIRTY] += 1


@njit(cache=True, nogil=True)
def keep(tally: Ints) -> None:
    """What was changed since the last `keep` or `undo` is final."""
    tally[ROUND] += 1
    tally[JOURNAL] = 0
    tally[COST_BEFORE] = tally[COST]


@njit(cache=True, nogil=True)
def undo(c: Core) -> None:
    """Take back what was changed since the last `keep` or `undo`."""
    memory, ledger = c.memory, c.ledger
    for k in range(c.tally[JOURNAL]):
        x = ledger[k, WAS]
        for column in range(WIDTH):
            memory[x, column] = ledger[k, column]
    c.tally[COST] = c.tally[COST_BEFORE]
    keep(c.tally)


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
def load_points(tally: Ints, target: int, load: int) -> int:
    """The price of a load: as in matcher.cost."""
    if load <= target:
        return 0
    points: int = (
        tally[FAIR_ONE] * (load - target)
        + tally[FAIR_TWO] * max(0, load - target * 3 // 2)
        + tally[FAIR_THREE] * max(0, load - target * 2)
    )
    return points


@njit(cache=True, nogil=True)
def link(
    memory: Ints,
    ledger: Ints,
    tally: Ints, q: int, t: int, j: int, r: int, minutes: int, fit: int, after: int, begin: int, end: int, low: int,
    high: int,
) -> None:  # fmt: skip
    """Fill seat q by job j behind seat `after` of trip t (-1: first). `settle` must follow."""
    touch(memory, ledger, tally, q)
    touch(memory, ledger, tally, t)
    before = memory[t, HEAD] if after < 0 else memory[after, NEXT]
    if after < 0:
        memory[t, HEAD] = q
    else:
        touch(memory, ledger, tally, after)
        memory[after, NEXT] = q
    if before < 0:
        memory[t, TAIL] = q
    else:
        touch(memory, ledger, tally, before)
        memory[before, PREV] = q
    memory[q, JOB], memory[q, PREV], memory[q, NEXT], memory[q, TRIP] = j, after, before, t
    memory[q, LOW], memory[q, HIGH], memory[q, FROM], memory[q, TO] = low, high, begin, end
    memory[q, REQUEST], memory[q, MINUTES], memory[q, FIT] = r, minutes, fit
    memory[t, VISITS] += 1


@njit(cache=True, nogil=True)
def unlink(memory: Ints, ledger: Ints, tally: Ints, q: int) -> int:
    """Empty seat q; the trip its visit was in. `settle` must follow."""
    t, after, before = memory[q, TRIP], memory[q, PREV], memory[q, NEXT]
    touch(memory, ledger, tally, q)
    touch(memory, ledger, tally, t)
    if after < 0:
        memory[t, HEAD] = before
    else:
        touch(memory, ledger, tally, after)
        memory[after, NEXT] = before
    if before < 0:
        memory[t, TAIL] = after
    else:
        touch(memory, ledger, tally, before)
        memory[before, PREV] = after
    memory[q, JOB] = -1
    memory[t, VISITS] -= 1
    return int(t)


@njit(cache=True, nogil=True)
def settle(c: Core, t: int) -> bool:
    """Time and count trip t after its visits changed; False, and nothing counted, when it does not fit."""
    memory, ledger, tally = c.memory, c.ledger, c.tally
    piece, travel = c.piece, c.travel
    now, mode = tally[NOW], memory[t, MODE]
    free, way, service, points, lossy = memory[t, BEGIN], 0, 0, 0, 0
    last, q = -1, memory[t, HEAD]
    while q >= 0:
        touch(memory, ledger, tally, q)
        leg = c.there[memory[q, JOB]] if last < 0 else int(travel[mode, memory[last, REQUEST], memory[q, REQUEST]])
        begin, end, low, high = memory[q, FROM], memory[q, TO], memory[q, LOW], memory[q, HIGH]
        soonest = leg + (free if piece[begin, BEGUN] else max(free, now))
        p = first_piece(piece, begin, end, low, high, soonest)
        if p < 0:
            return False
        start = max(piece[p, FIRST], low, soonest)
        gain = worth(piece, p, start)
        memory[q, EARLY], memory[q, LEG], memory[q, GAIN] = start, leg, gain
        way, service = way + leg, service + memory[q, MINUTES]
        points += memory[q, FIT] - gain
        if low < high and (end - begin > 1 or piece[begin, FALL] > 0):
            lossy += 1
        free = start + memory[q, MINUTES]
        last, q = q, memory[q, NEXT]
    home = 0
    if last >= 0:
        home = c.back[memory[last, JOB]]
    bound, leg, q = memory[t, END], home, last
    while q >= 0:
        latest = bound - leg - memory[q, MINUTES]
        p = last_piece(piece, memory[q, FROM], memory[q, TO], memory[q, LOW], memory[q, HIGH], latest)
        if p < 0:
            return False
        bound = min(piece[p, LAST], memory[q, HIGH], latest)
        if bound < memory[q, EARLY]:
            return False
        memory[q, LATE] = bound
        leg, q = memory[q, LEG], memory[q, PREV]
    way += home
    _count(memory, ledger, tally, t, home, way + service, points + tally[PER_MINUTE] * way, lossy)
    return True


@njit(cache=True, nogil=True)
def _count(memory: Ints, ledger: Ints, tally: Ints, t: int, home: int, busy: int, points: int, lossy: int) -> None:
    """Enter what trip t comes to, and its person's load."""
    v = memory[t, OWNER]
    touch(memory, ledger, tally, t)
    touch(memory, ledger, tally, v)
    before, target = memory[v, HISTORY], memory[v, TARGET]
    load = memory[v, LOAD] + busy - memory[t, BUSY]
    fair = load_points(tally, target, before + load) - load_points(tally, target, before)
    tally[COST] += points - memory[t, POINTS] + fair - memory[v, FAIR]
    tally[VERSIONS] += 1
    memory[v, LOAD], memory[v, FAIR], memory[v, VERSION] = load, fair, tally[VERSIONS]
    memory[t, HOME], memory[t, BUSY], memory[t, POINTS], memory[t, LOSSY] = home, busy, points, lossy


@njit(cache=True, nogil=True)
def allowance(memory: Ints, t: int, more: int) -> int:
    """By how many minutes trip t may grow with so many more visits under its person's caps; -FAR_OFF: not at all."""
    v = memory[t, OWNER]
    if memory[v, CAPPED] == 0:
        return FAR_OFF
    visits, busy = more, 0
    for other in range(t, memory[v, TRIPS] - 1, -1):
        if memory[other, DAY] != memory[t, DAY]:
            break
        visits, busy = visits + memory[other, VISITS], busy + memory[other, BUSY]
    for other in range(t + 1, memory[v, TRIPS_END]):
        if memory[other, DAY] != memory[t, DAY]:
            break
        visits, busy = visits + memory[other, VISITS], busy + memory[other, BUSY]
    if visits > memory[v, MOST_VISITS]:
        return -FAR_OFF
    left: int = min(memory[v, MOST_TODAY] - busy, memory[v, MOST_MINUTES] - memory[v, LOAD])
    return left


@njit(cache=True, nogil=True)
def places(
    memory: Ints, piece: Ints, travel: Cube, tally: Ints, t: int, r: int, minutes: int, there: int, back: int,
    fit: int, begin: int, end: int, low: int, high: int, room: int,
) -> tuple[int, int, int, int]:  # fmt: skip
    """The cheapest place for one more visit in trip t, started as early as it can be there.

    `room`: minutes by which the trip may grow. Returns points (FAR_OFF: none), the seat before it, and its pieces.
    """
    now, per_minute, mode = tally[NOW], tally[PER_MINUTE], memory[t, MODE]
    v = memory[t, OWNER]
    target, load = memory[v, TARGET], memory[v, HISTORY] + memory[v, LOAD]
    before = load_points(tally, target, load)
    least, most = piece[begin, FIRST], piece[begin, LAST]
    for p in range(begin + 1, end):
        least, most = min(least, piece[p, FIRST]), max(most, piece[p, LAST])
    least, most = max(least, low), min(most, high)
    best, best_after, best_begin, best_end = FAR_OFF, -1, -1, -1
    after, q, free = -1, memory[t, HEAD], memory[t, BEGIN]
    while free <= most:
        bound = memory[t, END] if q < 0 else memory[q, LATE]
        if bound >= least + minutes:
            outward = back if q < 0 else int(travel[mode, r, memory[q, REQUEST]])
            inward = there if after < 0 else int(travel[mode, memory[after, REQUEST], r])
            extra = inward + outward - (memory[t, HOME] if q < 0 else memory[q, LEG])
            last = bound - outward - minutes
            if extra + minutes <= room and free + inward <= last:
                base = per_minute * extra + fit - before + load_points(tally, target, load + extra + minutes)
                a = begin
                while a < end:
                    b = min(piece[a, RUN], end)
                    soonest = inward + (free if piece[a, BEGUN] else max(free, now))
                    p = first_piece(piece, a, b, low, high, soonest) if soonest <= last else -1
                    if p >= 0:
                        start = max(piece[p, FIRST], low, soonest)
                        if start <= last and follows(memory, piece, q, start + minutes, now, outward):
                            points = base - worth(piece, p, start)
                            if q >= 0 and memory[t, LOSSY] > 0:
                                points += pushed(memory, piece, q, start + minutes, now, outward)
                            if points < best:
                                best, best_after, best_begin, best_end = points, after, a, b
                    a = b
        if q < 0:
            break
        free = memory[q, EARLY] + memory[q, MINUTES]
        after, q = q, memory[q, NEXT]
    return best, best_after, best_begin, best_end


@njit(cache=True, nogil=True)
def follows(memory: Ints, piece: Ints, q: int, over: int, now: int, leg: int) -> bool:
    """Whether visit q can be reached after work that is over before now, which its LATE alone does not say."""
    if q < 0 or over >= now or piece[memory[q, FROM], BEGUN]:
        return True
    return bool(now + leg <= memory[q, LATE])


@njit(cache=True, nogil=True)
def pushed(memory: Ints, piece: Ints, q: int, free: int, now: int, leg: int) -> int:
    """What it costs that visit q is reached over `leg` from `free` on, and the visits behind it later than now."""
    lost = 0
    while q >= 0:
        begin, low = memory[q, FROM], memory[q, LOW]
        soonest = leg + (free if piece[begin, BEGUN] else max(free, now))
        if soonest <= memory[q, EARLY]:
            break
        p = first_piece(piece, begin, memory[q, TO], low, memory[q, HIGH], soonest)
        if p < 0:
            break
        start = max(piece[p, FIRST], low, soonest)
        lost += memory[q, GAIN] - worth(piece, p, start)
        free = start + memory[q, MINUTES]
        q = memory[q, NEXT]
        if q >= 0:
            leg = memory[q, LEG]
    return lost


# the slow twin


class Stop(NamedTuple):
    """A visit for the slow twin: a job, what each seat start gains that it may have, and whether it is begun."""

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
