"""The kernel of pricing: for one person after another the cheapest schedule under given prices, or a little less.

Compiled by numba, plain loops over plain arrays; `pricing.py` makes them. A label is a trip in the making, of visits in
order: when the last is over, service and travel minutes, visits, cost so far, and which requests it remembers to have
served. Minutes are those of the instance, costs and prices whole points.

What is forgotten is never lost: a label remembers a served request only among the neighbours of where it has been
since (ng-routes), up to 128 of them, and a request may come again in another interval of the same person. So a value
may be below the cheapest schedule, never above. Where labels outgrow their room, less is remembered (`LEVELS`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from matcher.engine.tables import FAR_OFF, Arrays, Ints

Masks = np.ndarray

BITS = 128
LEVELS = 4
"""How much is remembered: neighbourhoods as asked; of 12; of none; and of none, without load, fairness and caps."""

LABELS, FRONT, STATES, STEPS = 50_000, 512, 20_000, 200_000
COLUMNS, VISITS = 40_000, 240_000
PER_INTERVAL = 5
"""Beside the cheapest schedule, so many trips of each interval are written down, with different last visits."""


class Room(NamedTuple):
    """What the kernel writes on, one for each thread; nothing in it outlives a person but the columns."""

    time: Ints  # [LABELS]
    load: Ints
    visits: Ints
    cost: Ints
    seen: Masks
    seen_too: Masks
    job: Ints
    begin: Ints
    parent: Ints
    later: Ints
    beside: Ints
    dead: Ints
    front: Ints  # [4, FRONT]: load, visits, cost, label
    state: Ints  # [7, STATES]: minutes, minutes today, visits today, cost, parent, first step, last step
    step_job: Ints  # [STEPS]
    step_start: Ints
    value: Ints  # [V]
    level: Ints  # [V]
    column: Ints  # [4, COLUMNS]: person, value, first visit, behind the last
    visit_job: Ints  # [VISITS]
    visit_start: Ints
    used: Ints  # [3]: columns, visits, and 1 when the work is to be broken off


def room(people: int) -> Room:
    """Room for one thread."""
    shapes: dict[str, int | tuple[int, int]] = dict.fromkeys(Room._fields, LABELS)
    shapes |= {"front": (4, FRONT), "state": (7, STATES), "step_job": STEPS, "step_start": STEPS}
    shapes |= {"value": people, "level": people, "column": (4, COLUMNS), "visit_job": VISITS, "visit_start": VISITS}
    shapes |= {"used": 3}
    masks = ("seen", "seen_too")
    return Room(**{n: np.zeros(s, dtype=np.uint64 if n in masks else np.int64) for n, s in shapes.items()})


@njit(cache=True, nogil=True)
def price_people(d: Arrays, slope: Ints, points: Ints, worth: Ints, near: int, begin: int, end: int, w: Room) -> None:
    """Value and columns of people `begin` to `end` - 1. `points`: price of each row, `worth`: value a column must beat.

    `near`: how many neighbours a request has. Values go to w.value, how much was remembered to w.level.
    """
    w.used[0] = 0
    w.used[1] = 0
    for v in range(begin, end):
        if w.used[2]:
            return
        w.level[v] = LEVELS
        for level in range(LEVELS):
            if _price_person(d, slope[v], points, worth[v], near, v, level, w):
                w.level[v] = level
                break
        if w.level[v] == LEVELS:
            w.value[v] = _all_gains(d, points, v)


@njit(cache=True, nogil=True)
def fairness(d: Arrays, v: int, minutes: int) -> int:
    """What so many minutes of this plan add to the price of the person's load."""
    total = 0
    for sign, load in ((1, d.history[v] + minutes), (-1, d.history[v])):
        target = d.target[v]
        total += sign * d.weights[2] * max(0, load - target)
        total += sign * d.weights[3] * max(0, load - target * 3 // 2)
        total += sign * d.weights[4] * max(0, load - target * 2)
    return total


@njit(cache=True, nogil=True)
def _gain(d: Arrays, points: Ints, j: int) -> int:
    """The most a job can gain, travel left out."""
    best = -FAR_OFF
    for p in range(d.pieces_from[j], d.pieces_to[j]):
        best = max(best, d.gain[p] + points[d.price[p]])
    most: int = best - d.fit[j]
    return most


@njit(cache=True, nogil=True)
def _all_gains(d: Arrays, points: Ints, v: int) -> int:
    """Below every schedule: each interval takes every gain there is, and goes nowhere."""
    total = 0
    best = np.zeros(d.travel.shape[1], dtype=np.int64)
    for i in range(d.intervals_from[v], d.intervals_from[v + 1]):
        for j in range(d.jobs_from[i], d.jobs_from[i + 1]):
            best[d.request[j]] = max(best[d.request[j]], _gain(d, points, j))
    for r in range(len(best)):
        total -= best[r]
    return total


@njit(cache=True, nogil=True)
def _price_person(d: Arrays, steepest: int, points: Ints, worth: int, near: int, v: int, level: int, w: Room) -> bool:
    """Trips of each interval, then what to do in which; False when there was no room."""
    loaded = level < LEVELS - 1
    neighbours = near if level == 0 else 12 if level == 1 else 0
    state, front = w.state, w.front
    state[0, 0] = state[1, 0] = state[2, 0] = state[3, 0] = 0
    state[4, 0] = -1
    state[5, 0] = state[6, 0] = 0
    stage_from, stage_to, steps = 0, 1, 0
    alone = d.intervals_from[v] + 1 == d.intervals_from[v + 1]
    columns, visits = w.used[0], w.used[1]
    slope = steepest if loaded else 0
    counts = loaded and d.most_visits[v] < FAR_OFF
    hours = loaded and (d.most_today[v] < FAR_OFF or d.most_minutes[v] < FAR_OFF)
    for i in range(d.intervals_from[v], d.intervals_from[v + 1]):
        found = 0
        if d.jobs_from[i] < d.jobs_from[i + 1]:
            found = _trips(d, points, i, v, neighbours, slope, hours, counts, loaded, alone, worth, w)
        if found == -2:
            w.used[0], w.used[1] = columns, visits
            return False
        new_day = i > d.intervals_from[v] and d.day[i] != d.day[i - 1]
        begin, size = stage_to, stage_to
        step_from = steps
        for f in range(-1, found):
            if f >= 0:
                step_from = steps
                steps = _write_steps(w, front[3, f], steps)
                if steps < 0:
                    w.used[0], w.used[1] = columns, visits
                    return False
            for s in range(stage_from, stage_to):
                load, count, points_here = 0, 0, 0
                if f >= 0:
                    load, count, points_here = front[0, f], front[1, f], front[2, f]
                total = state[0, s] + load
                today = (0 if new_day else state[1, s]) + load
                done = (0 if new_day else state[2, s]) + count
                if loaded and (total > d.most_minutes[v] or today > d.most_today[v] or done > d.most_visits[v]):
                    continue
                if not loaded:
                    total = today = done = 0
                cost = state[3, s] + points_here
                grown = _enter_state(w, begin, size, total, today, done, cost, s, slope, hours, counts)
                if grown < 0:
                    w.used[0], w.used[1] = columns, visits
                    return False
                if grown > size:
                    state[5, size], state[6, size] = step_from, steps if f >= 0 else step_from
                size = grown
        stage_from, stage_to = begin, size
    best, chosen = 0, -1
    for s in range(stage_from, stage_to):
        value = state[3, s] + (fairness(d, v, state[0, s]) if loaded else 0)
        if value < best:
            best, chosen = value, s
    w.value[v] = best
    if chosen >= 0 and best < worth and loaded:
        _write_schedule(w, v, best, chosen)
    return True


@njit(cache=True, nogil=True)
def _enter_state(
    w: Room, begin: int, size: int, total: int, today: int, done: int, cost: int, parent: int, slope: int,
    hours: bool, counts: bool,
) -> int:  # fmt: skip
    """Add a state of the stage from `begin` on unless another is as good; the new size, -1 when there is no room."""
    state = w.state
    for s in range(begin, size):
        if hours and (state[0, s] > total or state[1, s] > today):
            continue
        if counts and state[2, s] > done:
            continue
        if state[3, s] + slope * max(0, state[0, s] - total) <= cost:
            return size
    if size >= STATES:
        return -1
    state[0, size], state[1, size], state[2, size] = total, today, done
    state[3, size], state[4, size] = cost, parent
    state[5, size], state[6, size] = 0, 0
    return size + 1


@njit(cache=True, nogil=True)
def _write_steps(w: Room, label: int, steps: int) -> int:
    """The visits of a label, last first; the new number of steps, -1 when there is no room."""
    while w.job[label] >= 0:
        if steps >= STEPS:
            return -1
        w.step_job[steps], w.step_start[steps] = w.job[label], w.begin[label]
        steps += 1
        label = w.parent[label]
    return steps


@njit(cache=True, nogil=True)
def _write_schedule(w: Room, v: int, value: int, s: int) -> None:
    """A column of the visits of this state and of those it came from; none when there is no room."""
    c, n = w.used[0], w.used[1]
    if c >= COLUMNS:
        return
    while s > 0:
        for step in range(w.state[5, s], w.state[6, s]):
            if n >= VISITS:
                return
            w.visit_job[n], w.visit_start[n] = w.step_job[step], w.step_start[step]
            n += 1
        s = w.state[4, s]
    w.column[0, c], w.column[1, c], w.column[2, c], w.column[3, c] = v, value, w.used[1], n
    w.used[0], w.used[1] = c + 1, n


@njit(cache=True, nogil=True)
def _write_trip(w: Room, v: int, value: int, label: int) -> None:
    """A column of one trip; none when there is no room."""
    c, n = w.used[0], w.used[1]
    if c >= COLUMNS:
        return
    while w.job[label] >= 0:
        if n >= VISITS:
            return
        w.visit_job[n], w.visit_start[n] = w.job[label], w.begin[label]
        n += 1
        label = w.parent[label]
    w.column[0, c], w.column[1, c], w.column[2, c], w.column[3, c] = v, value, w.used[1], n
    w.used[0], w.used[1] = c + 1, n


@njit(cache=True, nogil=True)
def _trips(
    d: Arrays, points: Ints, i: int, v: int, near: int, slope: int, hours: bool, counts: bool, loaded: bool,
    alone: bool, worth: int, w: Room,
) -> int:  # fmt: skip
    """The best trips of an interval by load and visits, in w.front: how many, or -2 when there was no room."""
    start, end, now, weight = d.start[i], d.end[i], d.weights[0], d.weights[1]
    travel = d.travel[d.mode[i]]
    # Jobs worth a visit, and their requests in a row of their own, those that gain most first.
    jobs = np.empty(d.jobs_from[i + 1] - d.jobs_from[i], dtype=np.int64)
    place = np.empty(len(jobs), dtype=np.int64)
    number = 0
    for j in range(d.jobs_from[i], d.jobs_from[i + 1]):
        if _gain(d, points, j) > d.idle_at[j]:
            jobs[number] = j
            number += 1
    if number == 0:
        return 0
    where = np.full(travel.shape[0], -1, dtype=np.int64)
    best = np.empty(number, dtype=np.int64)
    rows = np.empty(number, dtype=np.int64)
    first = np.full(number, FAR_OFF, dtype=np.int64)
    last = np.full(number, -FAR_OFF, dtype=np.int64)
    shortest_of = np.full(number, FAR_OFF, dtype=np.int64)
    requests = 0
    for a in range(number):
        r = d.request[jobs[a]]
        if where[r] < 0:
            where[r] = requests
            rows[requests] = r
            best[requests] = -FAR_OFF
            requests += 1
        place[a] = where[r]
        best[where[r]] = max(best[where[r]], _gain(d, points, jobs[a]))
        shortest_of[where[r]] = min(shortest_of[where[r]], d.minutes[jobs[a]])
        for p in range(d.pieces_from[jobs[a]], d.pieces_to[jobs[a]]):
            first[where[r]] = min(first[where[r]], d.first[p])
            last[where[r]] = max(last[where[r]], d.last[p])
    # Where the window is too narrow to come back after another visit, nothing need be remembered: those go last.
    for a in range(requests):
        round_trip = FAR_OFF
        for b in range(requests):
            if b != a:
                away = travel[rows[a], rows[b]] + shortest_of[b] + travel[rows[b], rows[a]]
                round_trip = min(round_trip, away)
        if max(first[a], start) + shortest_of[a] + round_trip > last[a]:
            best[a] = -FAR_OFF
    bit = np.zeros(requests, dtype=np.uint64)
    bit_too = np.zeros(requests, dtype=np.uint64)
    rank = np.argsort(-best[:requests])
    for n in range(min(requests, BITS)):
        if n < 64:
            bit[rank[n]] = np.uint64(1) << np.uint64(n)
        else:
            bit_too[rank[n]] = np.uint64(1) << np.uint64(n - 64)
    kept = np.zeros(requests, dtype=np.uint64)
    kept_too = np.zeros(requests, dtype=np.uint64)
    apart = np.empty(requests, dtype=np.int64)
    for a in range(requests):
        for b in range(requests):
            apart[b] = travel[rows[a], rows[b]] + travel[rows[b], rows[a]]
        if near >= requests:
            kept[a], kept_too[a] = ~np.uint64(0), ~np.uint64(0)
        elif near > 0:
            order = np.argsort(apart)
            for n in range(near + 1):
                kept[a] |= bit[order[n]]
                kept_too[a] |= bit_too[order[n]]
    # alive[t]: the requests that can still be begun at minute t of the interval; the others need no remembering.
    length = end - start
    alive = np.zeros(length + 1, dtype=np.uint64)
    alive_too = np.zeros(length + 1, dtype=np.uint64)
    for a in range(requests):
        t = min(length, last[a] - start)
        if t >= 0:
            alive[t] |= bit[a]
            alive_too[t] |= bit_too[a]
    for t in range(length - 1, -1, -1):
        alive[t] |= alive[t + 1]
        alive_too[t] |= alive_too[t + 1]
    most_load = min(d.most_today[v], d.most_minutes[v]) if loaded else FAR_OFF
    most_visits = d.most_visits[v] if loaded else FAR_OFF
    hope = _hope(d, points, i, jobs[:number])
    limit = 0  # what a trip must be cheaper than
    bucket = np.full(length + 1, -1, dtype=np.int64)
    group = np.full(requests, -1, dtype=np.int64)
    w.time[0], w.load[0], w.visits[0], w.cost[0] = start, 0, 0, 0
    w.seen[0], w.seen_too[0] = np.uint64(0), np.uint64(0)
    w.job[0], w.parent[0], w.dead[0], w.later[0] = -1, -1, 0, -1
    bucket[0] = 0
    size = 1
    for t in range(length + 1):
        label = bucket[t]
        while label >= 0:
            if not w.dead[label]:
                here = -1 if label == 0 else d.request[w.job[label]]
                for a in range(number):
                    j, spot = jobs[a], place[a]
                    if d.request[j] == here or (w.seen[label] & bit[spot]) | (w.seen_too[label] & bit_too[spot]):
                        continue
                    leg = d.there[j] if here < 0 else travel[here, d.request[j]]
                    minutes = d.minutes[j]
                    load = w.load[label] + leg + minutes if loaded else 0
                    visits = w.visits[label] + 1
                    if load > most_load or visits > most_visits:
                        continue
                    final = end - d.home[j] - minutes
                    base = w.cost[label] + weight * leg + d.fit[j]
                    for p in range(d.pieces_from[j], d.pieces_to[j]):
                        leaves = start + t
                        if not d.begun[p]:
                            leaves = max(leaves, now)
                        s = max(d.first[p], leaves + leg)
                        if s > d.last[p] or s > final:
                            continue
                        over = s + minutes
                        cost = base - d.gain[p] - points[d.price[p]] + d.fall[p] * (s - d.first[p])
                        if cost - hope[over - start] >= limit:
                            continue
                        seen = ((w.seen[label] & kept[spot]) | bit[spot]) & alive[over - start]
                        seen_too = ((w.seen_too[label] & kept_too[spot]) | bit_too[spot]) & alive_too[over - start]
                        beaten = False
                        other = group[spot]
                        before = -1
                        while other >= 0:
                            following = w.beside[other]
                            if (
                                w.time[other] <= over
                                and (not hours or w.load[other] <= load)
                                and (not counts or w.visits[other] <= visits)
                                and (w.seen[other] & alive[over - start] & ~seen) == 0
                                and (w.seen_too[other] & alive_too[over - start] & ~seen_too) == 0
                                and w.cost[other] + slope * max(0, w.load[other] - load) <= cost
                            ):
                                beaten = True
                                break
                            if (
                                over <= w.time[other]
                                and (not hours or load <= w.load[other])
                                and (not counts or visits <= w.visits[other])
                                and (seen & ~w.seen[other] & alive[w.time[other] - start]) == 0
                                and (seen_too & ~w.seen_too[other] & alive_too[w.time[other] - start]) == 0
                                and cost + slope * max(0, load - w.load[other]) <= w.cost[other]
                            ):
                                w.dead[other] = 1
                                if before < 0:
                                    group[spot] = following
                                else:
                                    w.beside[before] = following
                            else:
                                before = other
                            other = following
                        if beaten:
                            continue
                        if size >= LABELS:
                            return -2
                        w.time[size], w.load[size], w.visits[size], w.cost[size] = over, load, visits, cost
                        w.seen[size], w.seen_too[size] = seen, seen_too
                        w.job[size], w.begin[size], w.parent[size], w.dead[size] = j, s, label, 0
                        w.later[size] = bucket[over - start]
                        bucket[over - start] = size
                        w.beside[size] = group[spot]
                        group[spot] = size
                        size += 1
                        if alone and over + d.back[j] <= end and load + d.back[j] <= most_load:
                            value = cost + weight * d.back[j] + (fairness(d, v, load + d.back[j]) if loaded else 0)
                            limit = min(limit, max(value, worth))
            label = w.later[label]
    return _front(d, v, size, end, weight, requests, where, slope, hours, counts, loaded, worth, w)


@njit(cache=True, nogil=True)
def _hope(d: Arrays, points: Ints, i: int, jobs: Ints) -> Ints:
    """For each minute of the interval the most a trip can still gain after it: nearest ways, repeats allowed."""
    start, end, weight = d.start[i], d.end[i], d.weights[1]
    travel = d.travel[d.mode[i]]
    length = end - start
    nearest = np.empty(len(jobs), dtype=np.int64)
    for a in range(len(jobs)):
        nearest[a] = d.there[jobs[a]]
        for b in range(len(jobs)):
            if d.request[jobs[b]] != d.request[jobs[a]]:
                nearest[a] = min(nearest[a], travel[d.request[jobs[b]], d.request[jobs[a]]])
    hope = np.zeros(length + 1, dtype=np.int64)
    for t in range(length - 1, -1, -1):
        best = hope[t + 1]
        for a in range(len(jobs)):
            j = jobs[a]
            net = -d.fit[j] - weight * nearest[a]
            for p in range(d.pieces_from[j], d.pieces_to[j]):
                s = max(d.first[p], start + t + nearest[a])
                if s <= d.last[p] and s <= end - d.home[j] - d.minutes[j]:
                    gain = net + d.gain[p] + points[d.price[p]] - d.fall[p] * (s - d.first[p])
                    best = max(best, gain + hope[s + d.minutes[j] - start])
        hope[t] = best
    return hope


@njit(cache=True, nogil=True)
def _front(
    d: Arrays, v: int, size: int, end: int, weight: int, requests: int, where: Ints, slope: int, hours: bool,
    counts: bool, loaded: bool, worth: int, w: Room,
) -> int:  # fmt: skip
    """The trips that get home, in w.front, none worse than another; the cheapest by last visit become columns."""
    front = w.front
    number = 0
    most_load = min(d.most_today[v], d.most_minutes[v])
    cheapest = np.full(requests, worth, dtype=np.int64)
    chosen = np.full(requests, -1, dtype=np.int64)
    for label in range(1, size):
        j = w.job[label]
        if w.dead[label] or w.time[label] + d.back[j] > end:
            continue
        load = w.load[label] + d.back[j] if loaded else 0
        if loaded and load > most_load:
            continue
        visits, cost = w.visits[label], w.cost[label] + weight * d.back[j]
        if loaded:
            value = cost + fairness(d, v, load)
            spot = where[d.request[j]]
            if value < cheapest[spot]:
                cheapest[spot], chosen[spot] = value, label
        if cost >= 0:
            continue
        beaten = False
        kept = 0
        for f in range(number):
            if (
                (not hours or front[0, f] <= load)
                and (not counts or front[1, f] <= visits)
                and front[2, f] + slope * max(0, front[0, f] - load) <= cost
            ):
                beaten = True
                break
        if beaten:
            continue
        for f in range(number):
            worse = (
                (not hours or load <= front[0, f])
                and (not counts or visits <= front[1, f])
                and cost + slope * max(0, load - front[0, f]) <= front[2, f]
            )
            if not worse:
                for k in range(4):
                    front[k, kept] = front[k, f]
                kept += 1
        if kept >= FRONT:
            return -2
        front[0, kept], front[1, kept], front[2, kept], front[3, kept] = load, visits, cost, label
        number = kept + 1
    order = np.argsort(cheapest)
    for n in range(min(requests, PER_INTERVAL)):
        if chosen[order[n]] >= 0:
            _write_trip(w, v, cheapest[order[n]], chosen[order[n]])
    return number
