"""The kernel of pricing: for one person after another the cheapest schedule under given prices, or a little less.

Compiled by numba, plain loops over plain arrays; `tables.py` makes them. A label is a trip in the making, of visits in
order: when the last is over, service and travel minutes, visits, cost so far, and which requests it remembers to have
served. Minutes are those of the instance, costs and prices whole points.

A person's load costs F(load), convex and piecewise linear. What each minute costs at least, `base`, is paid as it
comes; only the rest, R(load), waits for the end. One label is no worse than another when it is over no later, has
forgotten no less, and costs no more whatever is still to come: R is convex, so the least and the most that can still
come decide.

Before labels are made, jobs are left out that no schedule better than `limit` can hold: what can be gained before a
visit and after it is bounded on a grid of `GRID` minutes or less, every way taken to be the shortest there is.

What is forgotten is never lost: a label remembers a served request only among the neighbours of where it has been
since (ng-routes), up to 128 of them, and a request may come again in another interval of the same person. So a value
may be below the cheapest schedule, never above. Where labels outgrow their room a bound stands for the trip (`_low`,
or what no trip was found to be below).
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

LABELS, FRONT, STATES, STEPS = 200_000, 512, 20_000, 200_000
COLUMNS, VISITS = 40_000, 240_000
GRID, CROWDED = 4, 1_000

MARGIN = 30
"""Time is worth what the job of this rank gains by the minute: about as many as a day holds, or two."""

EASY, LIGHT = 2_000, 300
"""With more labels than so many, more is bounded beforehand and trips are looked for again; with more than so few when
nothing but the time has been."""

DEEPER = 8
"""Of the way from what no trip can be below to the best that is known, trips are looked for part by part."""

PARTS, LINES = 2, 3
"""From one slope of fairness to the next it takes so many lines, and so many of all are used."""

STEEPER = (2, 4, 7, 11, 16, 23, 33, 48, 70)
"""Where load is capped lines are steeper than fairness by so much, points a minute: the scarcer time, the more it is
worth."""

CHARGES = 5
"""What a visit is charged where a day may have only so many is looked for in so many steps."""

ROUGH_JOBS, ROUGH_LABELS = (0, 64, 120), (0, 4_000, 32_000)
"""Of an interval, where good schedules are looked for and not the best: very roughly (1) and less so (2)."""

TIME, RANK, LOAD, BESIDE = range(4)
"""Of a label: when its last visit is over, cost and R(load), load, and another label with the same last request."""

SOME_COLUMNS, SOME_VISITS, STOPPED, MOST_LABELS, SHORT = range(5)
"""What `Room.used` says: columns and visits written, 1 when the work is to be broken off, the most labels of an
interval, and 1 when they were not enough."""


class Room(NamedTuple):
    """What the kernel writes on, one for each thread; columns, value and level outlive the person, nothing else."""

    brief: Ints  # [LABELS, 4]: what labels are compared by first, see TIME to BESIDE
    visits: Ints  # [LABELS]
    cost: Ints
    seen: Masks
    seen_too: Masks
    odd: Masks  # the tolls of which it has done one visit, or three, and so on
    job: Ints
    spot: Ints  # its request among those of the interval
    begin: Ints
    parent: Ints
    later: Ints
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
    used: Ints  # [5]: see SOME_COLUMNS to SHORT


class Town(NamedTuple):
    """Where requests lie, by mode of travel: in quarters of those that are near to each other.

    Sites are requests in the order of their quarters: whoever looks through a quarter reads what lies side by side.
    """

    nearest: Ints  # [M, R] least minutes to it from the end of any other
    site: Ints  # [M, R]
    quarter: Ints  # [M, sites]
    apart: Ints  # [M, Q, Q] least minutes from one of the first quarter to another of the second, if there are
    legs: np.ndarray  # [M, sites, sites] int16, minutes, at most what that holds
    copied: int  # of the ways between no more sites than these a copy is made, side by side


class Person(NamedTuple):
    """What holds for all trips of a person; `fair` is where R gets steeper (3) and by how much (3)."""

    v: int
    base: int  # points each minute of load costs at least
    fair: Ints  # [6]
    loaded: bool  # whether load, fairness and caps count at all
    hours: bool  # whether a cap of minutes may bind
    counts: bool  # whether a cap of visits may bind
    others: int  # minutes of the person's other intervals, the most their load can be
    today: int  # the same of those on the same day


def room(people: int) -> Room:
    """Room for one thread."""
    shapes: dict[str, int | tuple[int, int]] = dict.fromkeys(Room._fields, LABELS)
    shapes |= {"front": (4, FRONT), "state": (7, STATES), "step_job": STEPS, "step_start": STEPS}
    shapes |= {"value": people, "level": people, "column": (4, COLUMNS), "visit_job": VISITS, "visit_start": VISITS}
    shapes |= {"brief": (LABELS, 4), "used": 5}
    masks = ("seen", "seen_too", "odd")
    return Room(**{n: np.zeros(s, dtype=np.uint64 if n in masks else np.int64) for n, s in shapes.items()})


@njit(cache=True, nogil=True)
def price_people(
    d: Arrays, town: Town, points: Ints, worth: Ints, limit: Ints, near: int, most: int, people: Ints,
    rough: int, w: Room,
) -> None:  # fmt: skip
    """Value and columns of these people.

    `points`: the prices; `worth` [V]: the value a column must beat; `limit` [V]: the value of a schedule the person is
    known to have (0 of staying at home); `near`: how many neighbours a request has; `most`: so many trips of an
    interval, with different last visits, become columns beside the best schedule. Values go to w.value, how much was
    remembered to w.level. When `rough`, good schedules are looked for and values may be above the cheapest schedule:
    few jobs, one label as good as another whatever it has served, and no more than ROUGH_LABELS: very roughly (1) or
    less so (2).
    """
    for v in people:
        w.level[v] = LEVELS
        for level in range(LEVELS):
            if w.used[STOPPED]:
                return
            if _price_person(d, town, points, worth[v], limit[v], near, most, v, level, rough, w):
                w.level[v] = max(level, w.used[SHORT])
                break
        if w.level[v] == LEVELS:
            w.value[v] = _all_gains(d, points, v)


@njit(cache=True, nogil=True)
def hope_people(d: Arrays, town: Town, points: Ints, people: Ints, w: Room) -> None:
    """Into w.value what no schedule of these people costs less than, soon found: every way is the shortest there is."""
    for v in people:
        if w.used[STOPPED]:
            return
        base, fair = _fair(d, v, True)
        first, last, hoped = d.intervals_from[v], d.intervals_from[v + 1], 0
        for i in range(first, last):
            if d.jobs_from[i] < d.jobs_from[i + 1]:
                hoped += _least(d, town, points, i, base, fair, last - first == 1)
        w.value[v] = hoped


@njit(cache=True, nogil=True)
def _rest(fair: Ints, load: int) -> int:
    """R: the part of fairness that depends on how much the load comes to."""
    total = 0
    for k in range(3):
        if load > fair[k]:
            total += fair[3 + k] * (load - fair[k])
    return total


@njit(cache=True, nogil=True)
def _lines(fair: Ints, most_load: int) -> tuple[Ints, Ints]:
    """Straight lines, `slope` times the load less `least`, that no load within the cap costs less than.

    R is the highest of its own. Where it gets steeper, lines in between bound those best who come near; and where the
    load is capped, any steeper one may run through R at the cap (a Lagrangian relaxation of it). The gentlest first.
    """
    slopes, least = np.zeros((2, 1 + 3 * PARTS + len(STEEPER)), dtype=np.int64)
    number = 1
    for k in range(3):
        if fair[3 + k] and fair[k] < most_load:
            steep = slopes[number - 1] + fair[3 + k]
            until = least[number - 1] + fair[3 + k] * fair[k]
            gentle, from_there = slopes[number - 1], least[number - 1]
            for part in range(1, PARTS):
                between = gentle + (steep - gentle) * part // PARTS
                if between > slopes[number - 1]:
                    slopes[number], least[number] = between, from_there + (between - gentle) * fair[k]
                    number += 1
            slopes[number], least[number] = steep, until
            number += 1
    if most_load < FAR_OFF:
        steep, at_cap = slopes[number - 1], _rest(fair, most_load)
        for more in STEEPER:
            slopes[number], least[number] = steep + more, (steep + more) * most_load - at_cap
            number += 1
    return slopes[:number], least[:number]


@njit(cache=True, nogil=True)
def _gentler(k: int) -> Ints:
    """The lines that are next less steep, as far as there are any, and line k at last.

    Line k bounds best where every way is taken to be the shortest; then much can be done, and minutes seem dear.
    """
    less = np.arange(k - 1, max(-1, k - LINES), -1)
    return np.append(less, k)


@njit(cache=True, nogil=True)
def _steep(
    d: Arrays, points: Ints, i: int, base: int, slopes: Ints, least: Ints, jobs: Ints, ways: Ints, home: int, grid: int,
    each: int, most_visits: int,
) -> tuple[int, int, Ints]:  # fmt: skip
    """The line that bounds best, what no trip costs less than by it, and the hope under it; `home`: least minutes back.

    What lines prove is concave in how steep they are: the minutes of what a line bounds by say on which side to look.
    """
    low, high = 0, len(slopes) - 1
    bound, chosen, hope = -FAR_OFF, 0, np.zeros(1, dtype=np.int64)
    while low <= high:
        k = (low + high) // 2
        then, minutes, _ = _hope(d, points, i, base + slopes[k], jobs, ways, grid, each)
        found = (d.weights[1] + base + slopes[k]) * home - then[0] - least[k] - each * most_visits
        if found > bound:
            bound, chosen, hope = found, k, then
        load = minutes[0] + home
        if k < high and (slopes[k + 1] - slopes[k]) * load > least[k + 1] - least[k]:
            low = k + 1
        elif k > low and (slopes[k] - slopes[k - 1]) * load < least[k] - least[k - 1]:
            high = k - 1
        else:
            break
    return chosen, bound, hope


@njit(cache=True, nogil=True)
def _lead(
    d: Arrays, points: Ints, i: int, base: int, slopes: Ints, least: Ints, jobs: Ints, ways: Ints, home: int, grid: int,
    most_visits: int,
) -> tuple[int, int, Ints, int]:  # fmt: skip
    """The line and what visits are charged that bound best together, nearly; what `_steep` returns, and the charge."""
    found, each = _steep(d, points, i, base, slopes, least, jobs, ways, home, grid, 0, most_visits), 0
    charge = _charge(d, points, i, base + slopes[found[0]], jobs, ways, grid, most_visits)
    if charge:
        other = _steep(d, points, i, base, slopes, least, jobs, ways, home, grid, charge, most_visits)
        if other[1] > found[1]:
            found, each = other, charge
    return found[0], found[1], found[2], each


@njit(cache=True, nogil=True)
def _most_load(fair: Ints, points: int, most: int) -> int:
    """A load, at most `most`, above which R is `points` or more."""
    if _rest(fair, most) < points:
        return most
    if points <= 0:
        return -1
    load, slope, paid = 0, 0, 0
    for k in range(3):
        if fair[3 + k] == 0:
            continue
        if slope and paid + slope * (fair[k] - load) >= points:
            break
        paid += slope * (fair[k] - load)
        load = fair[k]
        slope += fair[3 + k]
    return min(most, load + (points - paid) // slope) if slope else most


@njit(cache=True, nogil=True)
def _fair(d: Arrays, v: int, loaded: bool) -> tuple[int, Ints]:
    """What each minute costs at least, and the steps of R."""
    base = 0
    fair = np.zeros(6, dtype=np.int64)
    target = d.target[v]
    fair[0], fair[1], fair[2] = target, target * 3 // 2, target * 2
    for k in range(3):
        fair[k] -= d.history[v]
        if not loaded:
            fair[3 + k] = 0
        elif fair[k] <= 0:
            base += d.weights[2 + k]
            fair[3 + k] = 0
        else:
            fair[3 + k] = d.weights[2 + k]
    return base, fair


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
def _price_person(
    d: Arrays, town: Town, points: Ints, worth: int, limit: int, near: int, most: int, v: int, level: int,
    rough: int, w: Room,
) -> bool:  # fmt: skip
    """Trips of each interval, then what to do in which; False when there was no room."""
    loaded = level < LEVELS - 1
    neighbours = near if level == 0 else 12 if level == 1 else 0
    state, front = w.state, w.front
    state[0, 0] = state[1, 0] = state[2, 0] = state[3, 0] = 0
    state[4, 0] = -1
    state[5, 0] = state[6, 0] = 0
    stage_from, stage_to, steps = 0, 1, 0
    first, last = d.intervals_from[v], d.intervals_from[v + 1]
    columns, visits = w.used[SOME_COLUMNS], w.used[SOME_VISITS]
    w.used[SHORT] = 0
    base, fair = _fair(d, v, loaded)
    counts = loaded and d.most_visits[v] < FAR_OFF
    hours = loaded and (d.most_today[v] < FAR_OFF or d.most_minutes[v] < FAR_OFF)
    whole = 0
    for i in range(first, last):
        whole += d.end[i] - d.start[i]
    # The least each interval's trip can cost bounds what the others must bring.
    least = np.zeros(last - first, dtype=np.int64)
    for i in range(first, last):
        if last - first > 1 and d.jobs_from[i] < d.jobs_from[i + 1]:
            least[i - first] = _least(d, town, points, i, base, fair, False)
    done_minutes = 0
    for i in range(first, last):
        length = d.end[i] - d.start[i]
        today, later_today = 0, 0
        for other in range(first, last):
            if other != i and d.day[other] == d.day[i]:
                today += d.end[other] - d.start[other]
                if other > i:
                    later_today += d.end[other] - d.start[other]
        found = 0
        if d.jobs_from[i] < d.jobs_from[i + 1]:
            person = Person(v, base, fair, loaded, hours, counts, whole - length, today)
            beside = 0
            for other in range(first, last):
                if other != i:
                    beside += least[other - first]
            alone = last - first == 1
            found = _trips(d, town, points, i, person, neighbours, limit - beside, worth, alone, most, rough, w)
            if found >= 0:
                cheapest = 0
                for f in range(found):
                    cheapest = min(cheapest, front[2, f])
                least[i - first] = max(least[i - first], cheapest)
        if found == -2:
            w.used[SOME_COLUMNS], w.used[SOME_VISITS] = columns, visits
            return False
        done_minutes += length
        new_day = i > first and d.day[i] != d.day[i - 1]
        begin, size = stage_to, stage_to
        step_from = steps
        for f in range(-1, found):
            if f >= 0:
                step_from = steps
                steps = _write_steps(w, front[3, f], steps)
                if steps < 0:
                    w.used[SOME_COLUMNS], w.used[SOME_VISITS] = columns, visits
                    return False
            for s in range(stage_from, stage_to):
                load, count, points_here = 0, 0, 0
                if f >= 0:
                    load, count, points_here = front[0, f], front[1, f], front[2, f]
                total = state[0, s] + load
                so_far = (0 if new_day else state[1, s]) + load
                done = (0 if new_day else state[2, s]) + count
                if loaded and (total > d.most_minutes[v] or so_far > d.most_today[v] or done > d.most_visits[v]):
                    continue
                if not loaded:
                    total = so_far = done = 0
                cost = state[3, s] + points_here
                grown = _enter_state(
                    d,
                    w,
                    fair,
                    v,
                    begin,
                    size,
                    total,
                    so_far,
                    done,
                    cost,
                    s,
                    hours,
                    counts,
                    whole - done_minutes,
                    later_today,
                )
                if grown < 0:
                    w.used[SOME_COLUMNS], w.used[SOME_VISITS] = columns, visits
                    return False
                if grown > size:
                    state[5, size], state[6, size] = step_from, steps if f >= 0 else step_from
                size = grown
        stage_from, stage_to = begin, size
    best, chosen = min(0, limit), -1
    for s in range(stage_from, stage_to):
        value = state[3, s] + _rest(fair, state[0, s])
        if value < best:
            best, chosen = value, s
    w.value[v] = best
    if chosen >= 0 and best < worth and loaded and not w.used[SHORT]:
        _write_schedule(w, v, best, chosen)
    return True


@njit(cache=True, nogil=True)
def _enter_state(
    d: Arrays, w: Room, fair: Ints, v: int, begin: int, size: int, total: int, today: int, done: int, cost: int,
    parent: int, hours: bool, counts: bool, to_come: int, to_come_today: int,
) -> int:  # fmt: skip
    """Add a state of the stage from `begin` on unless another is as good; the new size, -1 when there is no room."""
    state = w.state
    rank, at_most = cost + _rest(fair, total), cost + _rest(fair, total + to_come)
    for s in range(begin, size):
        if hours and state[0, s] > total and state[0, s] + to_come > d.most_minutes[v]:
            continue
        if hours and state[1, s] > today and state[1, s] + to_come_today > d.most_today[v]:
            continue
        if counts and state[2, s] > done:
            continue
        if state[0, s] <= total:
            if state[3, s] + _rest(fair, state[0, s]) <= rank:
                return size
        elif state[3, s] + _rest(fair, state[0, s] + to_come) <= at_most:
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
    c, n = w.used[SOME_COLUMNS], w.used[SOME_VISITS]
    if c >= COLUMNS:
        return
    while s > 0:
        for step in range(w.state[5, s], w.state[6, s]):
            if n >= VISITS:
                return
            w.visit_job[n], w.visit_start[n] = w.step_job[step], w.step_start[step]
            n += 1
        s = w.state[4, s]
    w.column[0, c], w.column[1, c], w.column[2, c], w.column[3, c] = v, value, w.used[SOME_VISITS], n
    w.used[SOME_COLUMNS], w.used[SOME_VISITS] = c + 1, n


@njit(cache=True, nogil=True)
def _write_trip(w: Room, v: int, value: int, label: int) -> None:
    """A column of one trip; none when there is no room."""
    c, n = w.used[SOME_COLUMNS], w.used[SOME_VISITS]
    if c >= COLUMNS:
        return
    while w.job[label] >= 0:
        if n >= VISITS:
            return
        w.visit_job[n], w.visit_start[n] = w.job[label], w.begin[label]
        n += 1
        label = w.parent[label]
    w.column[0, c], w.column[1, c], w.column[2, c], w.column[3, c] = v, value, w.used[SOME_VISITS], n
    w.used[SOME_COLUMNS], w.used[SOME_VISITS] = c + 1, n


@njit(cache=True, nogil=True)
def _worthwhile(d: Arrays, points: Ints, i: int, jobs: Ints) -> int:
    """The jobs of an interval that gain something; how many."""
    number = 0
    for j in range(d.jobs_from[i], d.jobs_from[i + 1]):
        if _gain(d, points, j) > d.idle_at[j]:
            jobs[number] = j
            number += 1
    return number


@njit(cache=True, nogil=True)
def _ways_in(d: Arrays, town: Town, i: int, jobs: Ints, number: int, ways: Ints) -> int:
    """The least minutes to each job, from wherever; returns the least minutes home of them all."""
    least = FAR_OFF
    for a in range(number):
        ways[a] = min(d.there[jobs[a]], town.nearest[d.mode[i], d.request[jobs[a]]])
        least = min(least, d.home[jobs[a]])
    return least


@njit(cache=True, nogil=True)
def _grid(d: Arrays, jobs: Ints) -> int:
    """Minutes of a step: no visit is over in the step it begins in. Longer among so many jobs as are CROWDED."""
    step = GRID if len(jobs) < CROWDED else 2 * GRID
    for j in jobs:
        step = min(step, d.minutes[j])
    return step


@njit(cache=True, nogil=True)
def _least(d: Arrays, town: Town, points: Ints, i: int, base: int, fair: Ints, alone: bool) -> int:
    """Below the cost of every trip of the interval, R left out unless it is `alone`."""
    jobs = np.empty(d.jobs_from[i + 1] - d.jobs_from[i], dtype=np.int64)
    number = _worthwhile(d, points, i, jobs)
    if number == 0:
        return 0
    ways = np.empty(number, dtype=np.int64)
    home = _ways_in(d, town, i, jobs, number, ways)
    jobs, v, pay = jobs[:number], d.owner[i], d.weights[1] + base
    grid = _grid(d, jobs)
    most_visits: int = d.most_visits[v]
    if alone:
        slopes, least_rest = _lines(fair, min(d.most_today[v], d.most_minutes[v]))
        found: int = _lead(d, points, i, base, slopes, least_rest, jobs, ways, home, grid, most_visits)[1]
    else:
        charge = _charge(d, points, i, base, jobs, ways, grid, most_visits)
        found = pay * home - _hope(d, points, i, base, jobs, ways, grid, charge)[0][0] - charge * most_visits
    return min(0, found)


@njit(cache=True, nogil=True)
def _span(d: Arrays, i: int, jobs: Ints) -> tuple[Ints, Ints]:
    """When each job can be begun at the soonest, by its windows alone, and at last."""
    soonest, latest = np.full(len(jobs), FAR_OFF, dtype=np.int64), np.full(len(jobs), -FAR_OFF, dtype=np.int64)
    for a in range(len(jobs)):
        final = d.end[i] - d.home[jobs[a]] - d.minutes[jobs[a]]
        for p in range(d.pieces_from[jobs[a]], d.pieces_to[jobs[a]]):
            soonest[a] = min(soonest[a], d.first[p])
            latest[a] = max(latest[a], min(d.last[p], final))
    return soonest, latest


@njit(cache=True, nogil=True)
def _hope(
    d: Arrays, points: Ints, i: int, base: int, jobs: Ints, ways: Ints, grid: int, each: int
) -> tuple[Ints, Ints, Ints]:  # fmt: skip
    """For each step of the grid the most a trip can still gain when it is free then; the minutes and visits it takes.

    Shortest ways, repeats allowed; of `each` visit's gain so much is taken off.
    """
    start, end, now, pay = d.start[i], d.end[i], d.weights[0], d.weights[1] + base
    steps = (end - start) // grid + 1
    hope, load, visits = np.zeros((3, steps + 1), dtype=np.int64)
    soonest, latest = _span(d, i, jobs)
    for t in range(steps - 1, -1, -1):
        best, longest, most = hope[t + 1], load[t + 1], visits[t + 1]
        free = start + t * grid
        for a in range(len(jobs)):
            # Who can be a step later and not begin later has been looked at.
            if free + ways[a] > latest[a] or free + ways[a] + grid <= soonest[a]:
                continue
            j = jobs[a]
            final = end - d.home[j] - d.minutes[j]
            net = -d.fit[j] - pay * ways[a] - base * d.minutes[j] - each
            for p in range(d.pieces_from[j], d.pieces_to[j]):
                s = max(d.first[p], (free if d.begun[p] else max(free, now)) + ways[a])
                if s <= d.last[p] and s <= final:
                    gain = net + d.gain[p] + points[d.price[p]] - d.fall[p] * (s - d.first[p])
                    over = (s + d.minutes[j] - start) // grid
                    if gain + hope[over] > best:
                        best, longest, most = (
                            gain + hope[over],
                            ways[a] + d.minutes[j] + load[over],
                            1 + visits[over],
                        )
        hope[t], load[t], visits[t] = best, longest, most
    return hope, load, visits


@njit(cache=True, nogil=True)
def _charge(
    d: Arrays, points: Ints, i: int, base: int, jobs: Ints, ways: Ints, grid: int, most_visits: int
) -> int:  # fmt: skip
    """What each visit is charged so that more than there may be hardly pay: a Lagrangian relaxation of the cap.

    No trip costs less than what one that is charged does, less the charge of as many visits as there may be.
    """
    if most_visits >= d.end[i] - d.start[i]:
        return 0
    hope, _, visits = _hope(d, points, i, base, jobs, ways, grid, 0)
    if visits[0] <= most_visits:
        return 0
    too_little, enough = 0, 0
    for a in range(len(jobs)):
        gain = _gain(d, points, jobs[a]) - (d.weights[1] + base) * ways[a] - base * d.minutes[jobs[a]]
        enough = max(enough, gain)
    least, charge = hope[0], 0
    if enough * most_visits < least:
        least, charge = enough * most_visits, enough
    for _ in range(CHARGES if most_visits > 1 else 0):
        each = (too_little + enough) // 2
        hope, _, visits = _hope(d, points, i, base, jobs, ways, grid, each)
        if hope[0] + each * most_visits < least:
            least, charge = hope[0] + each * most_visits, each
        if visits[0] == most_visits:
            break
        if visits[0] > most_visits:
            too_little = each
        else:
            enough = each
    return charge


@njit(cache=True, nogil=True)
def _reach(d: Arrays, points: Ints, i: int, base: int, jobs: Ints, ways: Ints, grid: int, each: int) -> Ints:
    """For each step of the grid the most a trip can have gained when it is free within it or before, as of `_hope`."""
    start, end, now, pay = d.start[i], d.end[i], d.weights[0], d.weights[1] + base
    steps = (end - start) // grid + 1
    reach = np.zeros(steps, dtype=np.int64)
    _, latest = _span(d, i, jobs)
    for t in range(1, steps):
        best = reach[t - 1]
        over = start + t * grid + grid - 1
        for a in range(len(jobs)):
            j = jobs[a]
            if over - d.minutes[j] - ways[a] < start:
                continue
            if t > 1 and over - grid - d.minutes[j] >= latest[a] and over - grid - d.minutes[j] - ways[a] >= start:
                continue  # it was looked at a step before
            net = -d.fit[j] - pay * ways[a] - base * d.minutes[j] - each
            for p in range(d.pieces_from[j], d.pieces_to[j]):
                soonest = max(d.first[p], (start if d.begun[p] else max(start, now)) + ways[a])
                s = min(d.last[p], over - d.minutes[j])
                if soonest <= s:
                    gain = net + d.gain[p] + points[d.price[p]] - d.fall[p] * (soonest - d.first[p])
                    best = max(best, gain + reach[(s - ways[a] - start) // grid])
        reach[t] = best
    return reach


@njit(cache=True, nogil=True)
def _likely(d: Arrays, points: Ints, pay: int, i: int, jobs: Ints, number: int, ways: Ints, most: int) -> int:
    """Keep about so many of the jobs, those likely to be in a good trip; how many.

    Most of them gain most when time has its price, what the MARGIN-th best job gains by the minute, and the way out and
    back is shared among the visits of a trip that fills half of the interval; the others when they are all there is.
    """
    by_minute, gains = np.empty(number, dtype=np.float64), np.empty(number, dtype=np.float64)
    for a in range(number):
        gains[a] = _gain(d, points, jobs[a])
        by_minute[a] = gains[a] / (d.minutes[jobs[a]] + ways[a])
    minute, visits, busy = _nth(by_minute, MARGIN), 0, 0
    for a in range(number):
        if by_minute[a] >= minute:
            visits, busy = visits + 1, busy + d.minutes[jobs[a]] + ways[a]
    part = min(0.5, 2 * busy / visits / (d.end[i] - d.start[i]))
    alone = np.empty(number, dtype=np.float64)
    for a in range(number):
        j = jobs[a]
        alone[a] = gains[a] - pay * (d.there[j] + d.back[j])
        gains[a] -= part * pay * (d.there[j] + d.back[j]) + minute * (d.minutes[j] + ways[a])
    good, good_alone, kept = _nth(gains, most - most // 4), _nth(alone, most // 4), 0
    for a in range(number):
        if kept < 2 * most and (gains[a] >= good or alone[a] >= good_alone):
            jobs[kept], ways[kept] = jobs[a], ways[a]
            kept += 1
    return kept


@njit(cache=True, nogil=True)
def _nth(values: np.ndarray, n: int) -> float:
    """The n-th largest."""
    place = max(0, len(values) - n)
    largest: float = np.partition(values, place)[place]
    return largest


@njit(cache=True, nogil=True)
def _useful(
    d: Arrays, points: Ints, i: int, base: int, limit: int, jobs: Ints, number: int, ways: Ints, home: int, each: int
) -> int:  # fmt: skip
    """Keep the jobs that a trip of less than `limit` may hold; how many. `home`: the least minutes back.

    Of `each` visit's gain so much is taken off; `limit` holds what comes of that.
    """
    start, end, now, pay = d.start[i], d.end[i], d.weights[0], d.weights[1] + base
    grid = _grid(d, jobs[:number])
    hope = _hope(d, points, i, base, jobs[:number], ways, grid, each)[0]
    reach = _reach(d, points, i, base, jobs[:number], ways, grid, each)
    kept = 0
    for a in range(number):
        j = jobs[a]
        final = end - d.home[j] - d.minutes[j]
        net = -d.fit[j] - pay * (ways[a] + home) - base * d.minutes[j] - each
        useful = False
        for p in range(d.pieces_from[j], d.pieces_to[j]):
            soonest = max(d.first[p], (start if d.begun[p] else max(start, now)) + ways[a])
            latest = min(d.last[p], final)
            s = soonest
            while s <= latest and not useful:
                until = min(latest, s + grid - 1)
                gain = net + d.gain[p] + points[d.price[p]] - d.fall[p] * (s - d.first[p])
                gain += reach[(until - ways[a] - start) // grid] + hope[(s + d.minutes[j] - start) // grid]
                useful = -gain < limit
                s = until + 1
            if useful:
                break
        if useful:
            jobs[kept], ways[kept] = j, ways[a]
            kept += 1
    return kept


class Ahead(NamedTuple):
    """What a trip can still gain at most, load put in as a straight line; home again, repeats allowed but at once.

    Job a, begun in step t of the grid: values[begin[a] + t - step[a]] once it is done; `best` the same with the job
    itself, begun then or later. Nobody goes from a request to another and straight back to it.

    And for each step and quarter the jobs there that a trip that is free then may go to next, by `best`, the most
    first: those of step t and quarter q from next_from[t, q] on, until next_from[t, q + 1].
    """

    begin: Ints
    step: Ints
    values: Ints
    best: Ints
    minute_step: Ints  # by minute of the interval its step
    next_from: Ints  # [steps + 1, Q + 1]
    next_job: Ints
    next_gain: Ints  # `best` of those jobs, begun then or later
    next_site: np.ndarray  # what is read of those jobs, side by side
    next_latest: np.ndarray
    next_begin: np.ndarray  # of `values`
    next_off: np.ndarray  # begin less step


@njit(cache=True, nogil=True)
def _after(
    d: Arrays, points: Ints, i: int, base: int, jobs: Ints, place: Ints, site: Ints, legs: np.ndarray, latest: Ints,
    quarter: Ints, by_way: Ints, away: Ints, grid: int, ways: Ints, reach: Ints, limit: int, each: int,
    used: Ints,
) -> Ahead:  # fmt: skip
    """What can be known of a trip's future beforehand. `site`, `quarter` [requests]: see `_sites`, `_by_way`.

    By `reach` it is known what a trip has gained at most when a job begins: futures are left out (-FAR_OFF) with which
    it would not cost less than `limit`; both as of `_useful`. When the work is to be broken off, by `used`, what comes
    of it is of no use.
    """
    start, end, pay = d.start[i], d.end[i], d.weights[1] + base
    number = len(jobs)
    steps = (end - start) // grid
    step, begin = np.zeros(number, dtype=np.int64), np.zeros(number + 1, dtype=np.int64)
    last_step = np.zeros(number, dtype=np.int64)
    quarters = len(away)
    many, next_from = (
        np.zeros((steps + 1, quarters), dtype=np.int64),
        np.zeros((steps + 1, quarters + 1), dtype=np.int64),
    )
    for a in range(number):
        soonest = FAR_OFF
        for p in range(d.pieces_from[jobs[a]], d.pieces_to[jobs[a]]):
            soonest = min(soonest, d.first[p])
        step[a] = (max(soonest, start) - start) // grid
        last_step[a] = (latest[a] - start) // grid
        begin[a + 1] = begin[a] + max(0, last_step[a] - step[a] + 1)
        if begin[a + 1] > begin[a]:
            many[last_step[a], quarter[place[a]]] += 1
    for t in range(steps - 1, -1, -1):  # jobs that can be begun in a step or later
        for q in range(quarters):
            many[t, q] += many[t + 1, q]
    listed_from = np.zeros(quarters + 1, dtype=np.int64)
    for q in range(quarters):
        listed_from[q + 1] = listed_from[q] + many[0, q]
    listed, number_listed = np.empty(listed_from[-1], dtype=np.int64), np.zeros(quarters, dtype=np.int64)
    in_all = 0
    for t in range(steps + 1):
        for q in range(quarters):
            next_from[t, q], in_all = in_all, in_all + many[t, q]
        next_from[t, quarters] = in_all
    top = np.full(steps + 1, -FAR_OFF, dtype=np.int64)  # `best` of all that may be next
    tops = np.full((steps + 1, quarters), -FAR_OFF, dtype=np.int64)  # and of those in a quarter
    likely = np.full((number, 2), -1, dtype=np.int64)  # by job what came next a step later
    size = begin[number]
    off = begin[:number] - step
    minute_step = np.arange(end - start + 1) // grid
    after = np.full(size, -FAR_OFF, dtype=np.int64)  # future once the job is done, begun in this step
    best = np.full(size, -FAR_OFF, dtype=np.int64)  # with the job's own gain, begun in this step or later
    onward = np.full(size, -1, dtype=np.int64)  # the site that comes after it there, -2 home
    second = np.full(size, -FAR_OFF, dtype=np.int64)  # the same where another request comes next
    next_job, next_gain = np.empty(in_all, dtype=np.int64), np.empty(in_all, dtype=np.int64)
    next_site, next_latest = np.empty(in_all, dtype=np.int32), np.empty(in_all, dtype=np.int32)
    next_begin, next_off = np.empty(in_all, dtype=np.int32), np.empty(in_all, dtype=np.int32)
    open_from = number  # jobs by when they can be begun at last
    for t in range(steps, -1, -1):
        if used[STOPPED]:
            break
        was_open = open_from
        while open_from > 0 and last_step[open_from - 1] >= t:
            open_from -= 1
        for a in range(open_from, number):
            k = begin[a] + t - step[a]
            if t < step[a]:
                continue
            j, own_site = jobs[a], site[place[a]]
            over = start + t * grid + d.minutes[j]
            gain = -FAR_OFF
            for p in range(d.pieces_from[j], d.pieces_to[j]):
                s = max(d.first[p], start + t * grid)
                if s <= d.last[p] and s < start + (t + 1) * grid:
                    gain = max(gain, d.gain[p] + points[d.price[p]] - d.fall[p] * (s - d.first[p]))
            gain -= d.fit[j] + base * d.minutes[j] + each
            leaves, needed = (t + 1) * grid - 1 - ways[a], FAR_OFF
            if leaves >= 0:
                needed = pay * ways[a] - gain - reach[leaves // grid] - limit
            first_best, first_next, second_best = needed, -1, needed
            first_job, second_job = -1, -1
            if over + d.back[j] <= end and -pay * d.back[j] > needed:
                first_best, first_next = -pay * d.back[j], -2
            here = quarter[place[a]]
            for nth in range(2):  # most likely it is what comes next now
                b = likely[a, nth]
                if b >= 0:
                    n = site[place[b]]
                    leg = legs[own_site, n]
                    arrive = over + leg
                    if arrive > latest[b]:
                        continue
                    m = max(begin[b], off[b] + minute_step[arrive - start])
                    value = best[m] - pay * leg
                    if value > second_best and onward[m] == own_site:
                        value = second[m] - pay * leg
                    if value <= second_best:
                        continue
                    if value > first_best:
                        if first_next != n:
                            second_best, second_job = first_best, first_job
                        first_best, first_next, first_job = value, n, b
                    elif first_next != n:
                        second_best, second_job = value, b
            for nth in range(quarters):
                soonest = over - start + away[here, nth]
                if soonest > end - start:
                    if nth == 0:
                        continue
                    break
                way, soon = pay * away[here, nth], minute_step[soonest]
                if nth > 0 and top[soon] - way <= second_best:
                    break
                there = by_way[here, nth]
                if tops[soon, there] - way <= second_best:
                    continue
                for at in range(next_from[soon, there], next_from[soon, there + 1]):
                    if next_gain[at] - way <= second_best:
                        break
                    n = next_site[at]
                    leg = legs[own_site, n]
                    if next_gain[at] - pay * leg <= second_best:
                        continue
                    arrive = over + leg
                    if arrive > next_latest[at] or n == own_site:
                        continue
                    m = max(next_begin[at], next_off[at] + minute_step[arrive - start])
                    value = best[m] - pay * leg
                    if value > second_best and onward[m] == own_site:
                        value = second[m] - pay * leg
                    if value <= second_best:
                        continue
                    if value > first_best:
                        if first_next != n:
                            second_best, second_job = first_best, first_job
                        first_best, first_next, first_job = value, n, next_job[at]
                    elif first_next != n:
                        second_best, second_job = value, next_job[at]
            if first_job >= 0:
                likely[a, 0], likely[a, 1] = first_job, second_job
            if first_best == needed:
                first_best = -FAR_OFF
            if second_best == needed:
                second_best = -FAR_OFF
            after[k] = first_best
            own, own_next, own_second = gain + first_best, first_next, gain + second_best
            if k + 1 < begin[a + 1]:
                if best[k + 1] > own:
                    if onward[k + 1] != own_next:
                        own_second = max(own, second[k + 1])
                    else:
                        own_second = max(own_second, second[k + 1])
                    own, own_next = best[k + 1], onward[k + 1]
                elif onward[k + 1] != own_next:
                    own_second = max(own_second, best[k + 1])
                else:
                    own_second = max(own_second, second[k + 1])
            best[k], onward[k], second[k] = own, own_next, own_second
        for a in range(open_from, was_open):
            if begin[a + 1] > begin[a]:
                q = quarter[place[a]]
                listed[listed_from[q] + number_listed[q]] = a
                number_listed[q] += 1
        for q in range(quarters):
            first, last = listed_from[q], listed_from[q] + number_listed[q]
            to = next_from[t, q]
            for n in range(first, last):  # nearly in order, as they were a step later
                a = listed[n]
                gain = best[begin[a] + max(0, t - step[a])]
                while n > first and next_gain[to + n - first - 1] < gain:
                    listed[n], next_gain[to + n - first] = listed[n - 1], next_gain[to + n - first - 1]
                    n -= 1
                listed[n], next_gain[to + n - first] = a, gain
            for n in range(first, last):
                a, at = listed[n], to + n - first
                next_job[at], next_site[at], next_latest[at] = a, site[place[a]], latest[a]
                next_begin[at], next_off[at] = begin[a], off[a]
            if last > first:
                top[t], tops[t, q] = max(top[t], next_gain[to]), next_gain[to]
    return Ahead(
        begin, step, after, best, minute_step, next_from, next_job, next_gain, next_site, next_latest, next_begin,
        next_off,
    )  # fmt: skip


@njit(cache=True, nogil=True)
def _by_way(apart: Ints) -> tuple[Ints, Ints]:
    """Of each quarter all, the nearest first but its own before all, and how far they are: [Q, Q] both."""
    quarters = len(apart)
    by_way, away = np.empty((quarters, quarters), dtype=np.int64), np.empty((quarters, quarters), dtype=np.int64)
    for q in range(quarters):
        by_way[q] = np.argsort(apart[q])
        for n in range(quarters):
            if by_way[q, n] == q:
                for m in range(n, 0, -1):
                    by_way[q, m] = by_way[q, m - 1]
                by_way[q, 0] = q
                break
        away[q] = apart[q][by_way[q]]
    return by_way, away


@njit(cache=True, nogil=True)
def _nothing_ahead() -> Ahead:
    """Where nothing is known of what a trip can still gain."""
    none, none_read = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int32)
    return Ahead(
        none, none, none, none, none, np.zeros((0, 0), dtype=np.int64), none, none, none_read, none_read, none_read,
        none_read,
    )  # fmt: skip


@njit(cache=True, nogil=True)
def _sites(town: Town, mode: int, asked: Ints) -> tuple[Ints, Ints, np.ndarray, Ints, Ints]:
    """The requests asked for, each once, by quarter.

    Of each asked for its place among them; of each where it is found in `legs`; `legs`; its quarter, of those that
    there is one in; and how far these quarters are apart.
    """
    wanted = np.zeros(town.site.shape[1], dtype=np.bool_)
    wanted[town.site[mode][asked]] = True
    site = np.nonzero(wanted)[0]
    where = np.empty(len(wanted), dtype=np.int64)
    where[site] = np.arange(len(site))
    quarter, known = town.quarter[mode][site], np.zeros(town.apart.shape[1], dtype=np.int64)
    number = 0
    for a in range(len(site)):
        if a == 0 or quarter[a] != known[number - 1]:
            known[number], number = quarter[a], number + 1
        quarter[a] = number - 1
    apart = np.empty((number, number), dtype=np.int64)
    for a in range(number):
        for b in range(number):
            apart[a, b] = town.apart[mode, known[a], known[b]]
    place, all_legs = where[town.site[mode][asked]], town.legs[mode]
    if len(site) > town.copied:
        return place, site, all_legs, quarter, apart
    legs = np.empty((len(site), len(site)), dtype=all_legs.dtype)
    for a in range(len(site)):
        for b in range(len(site)):
            legs[a, b] = all_legs[site[a], site[b]]
    return place, np.arange(len(site)), legs, quarter, apart


@njit(cache=True, nogil=True)
def _shortest(
    d: Arrays, site: Ints, legs: np.ndarray, quarter: Ints, apart: Ints, place: Ints, jobs: Ints, ways: Ints
) -> int:  # fmt: skip
    """The least minutes to each job, from home or another's request; returns the least minutes home of them all."""
    first = np.searchsorted(quarter, np.arange(len(apart) + 1))
    least = np.full(len(site), FAR_OFF, dtype=np.int64)
    for n in range(len(site)):
        for nth in range(len(apart)):
            q = quarter[n] if nth == 0 else nth - 1 if nth <= quarter[n] else nth  # its own at first
            if apart[q, quarter[n]] < least[n]:
                for other in range(first[q], first[q + 1]):
                    if other != n:
                        least[n] = min(least[n], legs[site[other], site[n]])
    home = FAR_OFF
    for a in range(len(jobs)):
        ways[a] = min(d.there[jobs[a]], least[place[a]])
        home = min(home, d.home[jobs[a]])
    return home


@njit(cache=True, nogil=True)
def _neighbours(
    site: Ints, legs: np.ndarray, near: int, bit: Masks, bit_too: Masks, kept: Masks, kept_too: Masks
) -> None:  # fmt: skip
    """Each request keeps the bits of itself and of so many others, those with the shortest way there and back."""
    apart, nearby = np.empty(near + 1, dtype=np.int64), np.empty(near + 1, dtype=np.int64)
    for a in range(len(site)):
        number = 0
        for b in range(len(site)):
            away = legs[site[a], site[b]] + legs[site[b], site[a]]
            if number > near:
                if away >= apart[near]:
                    continue
                number = near
            place = number
            while place > 0 and apart[place - 1] > away:
                apart[place], nearby[place] = apart[place - 1], nearby[place - 1]
                place -= 1
            apart[place], nearby[place] = away, b
            number += 1
        for n in range(number):
            kept[a] |= bit[nearby[n]]
            kept_too[a] |= bit_too[nearby[n]]


@njit(cache=True, nogil=True)
def _trips(
    d: Arrays, town: Town, points: Ints, i: int, person: Person, near: int, limit: int, worth: int, alone: bool,
    most: int, rough: int, w: Room,
) -> int:  # fmt: skip
    """The best trips of an interval by load and visits, in w.front: how many, or -2 when there was no room."""
    v, base, fair = person.v, person.base, person.fair
    start, end, pay = d.start[i], d.end[i], d.weights[1] + base
    jobs = np.empty(d.jobs_from[i + 1] - d.jobs_from[i], dtype=np.int64)
    number = _worthwhile(d, points, i, jobs)
    ways = np.empty(number, dtype=np.int64)
    home = _ways_in(d, town, i, jobs, number, ways)
    if rough and number > ROUGH_JOBS[rough]:
        number = _likely(d, points, pay, i, jobs, number, ways, ROUGH_JOBS[rough])
    most_today = d.most_today[v] if person.loaded else FAR_OFF
    most_minutes = d.most_minutes[v] if person.loaded else FAR_OFF
    most_load = min(most_today, most_minutes)
    most_visits = d.most_visits[v] if person.loaded else FAR_OFF
    if number == 0:
        return 0
    charge = _charge(d, points, i, base, jobs[:number], ways, _grid(d, jobs[:number]), most_visits)
    number = _useful(d, points, i, base, limit + charge * most_visits, jobs, number, ways, home, charge)
    if number == 0:
        return 0
    jobs, ways = jobs[:number], ways[:number]
    place, site, legs, quarter, apart = _sites(town, d.mode[i], d.request[jobs])
    home = _shortest(d, site, legs, quarter, apart, place, jobs, ways)
    # Jobs by when they can be begun at last.
    _, latest = _span(d, i, jobs)
    order = np.argsort(latest)
    latest, ways, jobs, place = latest[order], ways[order], jobs[order], place[order]
    requests = len(site)
    best = np.full(requests, -FAR_OFF, dtype=np.int64)
    first = np.full(requests, FAR_OFF, dtype=np.int64)
    last = np.full(requests, -FAR_OFF, dtype=np.int64)
    shortest_of = np.full(requests, FAR_OFF, dtype=np.int64)
    shortest = FAR_OFF
    for a in range(number):
        j, n = jobs[a], place[a]
        best[n] = max(best[n], _gain(d, points, j))
        shortest_of[n] = min(shortest_of[n], d.minutes[j])
        shortest = min(shortest, d.minutes[j])
        last[n] = max(last[n], latest[a])
        for p in range(d.pieces_from[j], d.pieces_to[j]):
            first[n] = min(first[n], d.first[p])
    # Where the window is too narrow to come back after another visit, nothing need be remembered: those go last.
    for a in range(requests):
        spare, b = last[a] - max(first[a], start) - shortest_of[a], 0
        if spare >= shortest:
            while b < requests and (b == a or legs[site[a], site[b]] + shortest_of[b] + legs[site[b], site[a]] > spare):
                b += 1
        if spare < shortest or b == requests:
            best[a] = -FAR_OFF
    grid = _grid(d, jobs)
    charge = _charge(d, points, i, base, jobs, ways, grid, most_visits)
    hope = _hope(d, points, i, base, jobs, ways, grid, charge)[0] - pay * home
    hope_too, slope, each = hope, 0, charge
    slopes, least_rest = _lines(fair, most_load)
    bit = np.zeros(requests, dtype=np.uint64)
    bit_too = np.zeros(requests, dtype=np.uint64)
    rank = np.argsort(-best[:requests])
    for n in range(min(requests, BITS)):
        if best[rank[n]] == -FAR_OFF:
            break
        if n < 64:
            bit[rank[n]] = np.uint64(1) << np.uint64(n)
        else:
            bit_too[rank[n]] = np.uint64(1) << np.uint64(n - 64)
    kept = np.zeros(requests, dtype=np.uint64)
    kept_too = np.zeros(requests, dtype=np.uint64)
    if near >= requests:
        kept[:], kept_too[:] = ~np.uint64(0), ~np.uint64(0)
    elif near > 0:
        _neighbours(site, legs, near, bit, bit_too, kept, kept_too)
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
    toll = np.zeros(64, dtype=np.int64)
    counted = np.zeros(number, dtype=np.uint64)
    due = np.zeros(length + 1, dtype=np.uint64)
    odd = _tolls(d, points, v, jobs, toll, counted)
    for a in range(number):
        t = min(length, latest[a] - start)
        if t >= 0:
            due[t] |= counted[a]
    for t in range(length - 1, -1, -1):
        due[t] |= due[t + 1]
    # Only where no other interval shares the day is it known how many more visits there can be.
    free_visits = most_visits if person.today == 0 else -FAR_OFF
    bucket = np.empty(length + 1, dtype=np.int64)
    group = np.empty(requests, dtype=np.int64)
    ahead, by_way, away = _nothing_ahead(), apart[:0], apart[:0]
    after = np.zeros((1, 1), dtype=np.int64)
    size, low, least = -1, -FAR_OFF, -FAR_OFF
    # Lightly first; then with all that can be known beforehand, below one level after the other: where the interval is
    # all there is, the lowest that has trips has the best; else all trips below the limit are wanted, and what is known
    # of levels only stands for them where they are too many.
    level, trips, lines, known, lead, wanted_all = 0, 0, 0, 0, 0, not alone
    while level <= DEEPER:
        if level > 0 and lines == 0:
            steep, bound, then, each = _lead(
                d, points, i, base, slopes, least_rest, jobs, ways, home, grid, most_visits
            )  # fmt: skip
            if bound >= limit:
                return 0
            slope, hope_too = slopes[steep], then + least_rest[steep] - (pay + slopes[steep]) * home
            chosen = _gentler(steep)
            slopes, least_rest, lines = slopes[chosen], least_rest[chosen], 1
        if known == 0 and lines > 0:
            by_way, away = _by_way(apart)
        for k in range(known, lines):
            reach = _reach(d, points, i, base + slopes[k], jobs, ways, grid, each)
            other = _after(
                d, points, i, base + slopes[k], jobs, place, site, legs, latest, quarter, by_way, away, grid, ways,
                reach, limit + least_rest[k] + each * most_visits, each, w.used,
            )  # fmt: skip
            if k == 0:
                after = np.empty((len(slopes), len(other.values)), dtype=np.int64)
            after[k] = other.values + least_rest[k]
            low_here = _low(
                d, points, i, pay, base, slopes[k], jobs, grid, other, least_rest[k], each, most_visits
            )  # fmt: skip
            if k == 0 or low_here > low:
                low, lead, ahead = low_here, k, other
            known += 1
        if known > 0 and low >= limit:
            return 0
        below, closely, wanted, room_for = limit, level > 0, worth, ROUGH_LABELS[rough] if rough else LIGHT
        if closely:
            wanted, room_for = -FAR_OFF, w.used[MOST_LABELS] if known == len(slopes) else EASY
            if not wanted_all:
                below = max(least, low + (limit - low) * level // DEEPER)
        size = _extend(
            d, points, i, person, below, wanted, alone, jobs, place, latest, site, legs, bit, bit_too, kept, kept_too,
            alive, alive_too, hope, hope_too, slope, slopes[:known], least_rest, free_visits, shortest, closely,
            room_for, rough, ahead, lead, after, quarter, apart, grid, bucket, group, toll, counted, due, odd, charge,
            each, w,
        )  # fmt: skip
        if size >= 0:
            trips = _front(d, person, size, end, pay, requests, below, worth, most, w)
            if alone or wanted_all or trips < 0:
                if trips != 0 or level in (0, DEEPER) or wanted_all:
                    return trips
            elif trips > 0:
                for f in range(trips):
                    below = min(below, w.front[2, f] + _rest(fair, w.front[0, f]))
                least = below
                break
            least = below
        elif level > 0 and lines < len(slopes):
            lines = len(slopes)
            continue
        elif wanted_all and level > 0:
            wanted_all, level = False, 0
        elif level > 0:
            break
        level += 1
    # No trip costs less than this, and it stands for all of them: R grows at least as fast as its parts.
    w.used[SHORT] = 1
    w.front[0, 0], w.front[1, 0], w.front[2, 0], w.front[3, 0] = 0, 0, min(limit, max(low, least)), 0
    return 1


@njit(cache=True, nogil=True)
def _tolls(d: Arrays, points: Ints, v: int, jobs: Ints, toll: Ints, counted: Masks) -> np.uint64:
    """The tolls two of whose rows (or one, and the person) are among these jobs, the dearest 64 of them.

    Into `toll` what they are, into `counted` by job those that count it; returns those that count the person. A toll
    that is left out makes schedules look cheaper, never dearer.
    """
    none = np.uint64(0)
    number = len(points) - d.toll_from[0]
    if number == 0:
        return none
    times = np.zeros(number, dtype=np.int64)
    for a in range(len(jobs)):
        for t in range(d.tolls_from[d.row[jobs[a]]], d.tolls_from[d.row[jobs[a]] + 1]):
            times[d.toll_of[t]] += 1
    for t in range(d.own_from[v], d.own_from[v + 1]):
        times[d.own_of[t]] += 1
    for k in range(number):
        times[k] = points[d.toll_from[0] + k] if times[k] > 1 else 0
    place = np.full(number, -1, dtype=np.int64)
    dearest = np.argsort(-times)
    for n in range(min(64, number)):
        if times[dearest[n]] <= 0:
            break
        place[dearest[n]], toll[n] = n, times[dearest[n]]
    for a in range(len(jobs)):
        for t in range(d.tolls_from[d.row[jobs[a]]], d.tolls_from[d.row[jobs[a]] + 1]):
            if place[d.toll_of[t]] >= 0:
                counted[a] |= np.uint64(1) << np.uint64(place[d.toll_of[t]])
    odd = none
    for t in range(d.own_from[v], d.own_from[v + 1]):
        if place[d.own_of[t]] >= 0:
            odd |= np.uint64(1) << np.uint64(place[d.own_of[t]])
    return odd


@njit(cache=True, nogil=True)
def _owed(mask: np.uint64, toll: Ints) -> int:
    """The sum of these tolls."""
    total, n = 0, 0
    while mask != np.uint64(0):
        if mask & np.uint64(1):
            total += toll[n]
        mask >>= np.uint64(1)
        n += 1
    return total


@njit(cache=True, nogil=True)
def _low(
    d: Arrays, points: Ints, i: int, pay: int, base: int, slope: int, jobs: Ints, grid: int, ahead: Ahead,
    least_rest: int, each: int, most_visits: int,
) -> int:  # fmt: skip
    """Below the cost of every trip of the interval, R put in as a straight line: the best first visit and `after`."""
    start, end, now = d.start[i], d.end[i], d.weights[0]
    low = least_rest + each * most_visits
    for a in range(len(jobs)):
        j = jobs[a]
        minutes, final = d.minutes[j], end - d.home[j] - d.minutes[j]
        own = pay * d.there[j] + base * minutes + d.fit[j] + slope * (d.there[j] + minutes) + each
        for p in range(d.pieces_from[j], d.pieces_to[j]):
            leaves = start if d.begun[p] else max(start, now)
            s = max(d.first[p], leaves + d.there[j])
            if s > d.last[p] or s > final:
                continue
            cost = own - d.gain[p] - points[d.price[p]] + d.fall[p] * (s - d.first[p])
            low = min(low, cost - ahead.values[ahead.begin[a] + (s - start) // grid - ahead.step[a]])
    return low - least_rest - each * most_visits


@njit(cache=True, nogil=True)
def _extend(
    d: Arrays, points: Ints, i: int, person: Person, limit: int, worth: int, alone: bool, jobs: Ints, place: Ints,
    latest: Ints, site: Ints, legs: np.ndarray, bit: Masks, bit_too: Masks, kept: Masks, kept_too: Masks, alive: Masks,
    alive_too: Masks, hope: Ints, hope_too: Ints, slope: int, slopes: Ints, least_rest: Ints, free_visits: int,
    shortest: int, closely: bool, room_for: int, rough: int, ahead: Ahead, lead: int, after: Ints, quarter: Ints,
    apart: Ints, grid: int, bucket: Ints, group: Ints, toll: Ints, counted: Masks, due: Masks, odd_at_home: np.uint64,
    charge: int, each: int, w: Room,
) -> int:  # fmt: skip
    """All labels of an interval, from the start on; how many, -2 when there was no room, or too many for EASY."""
    v, base, fair = person.v, person.base, person.fair
    start, end, now, pay = d.start[i], d.end[i], d.weights[0], d.weights[1] + base
    length, number = end - start, len(jobs)
    most_today = d.most_today[v] if person.loaded else FAR_OFF
    most_minutes = d.most_minutes[v] if person.loaded else FAR_OFF
    most_load = min(most_today, most_minutes)
    most_visits = d.most_visits[v] if person.loaded else FAR_OFF
    careless = rough > 0
    dear, quarters, way_there = pay + (slopes[lead] if closely else 0), len(apart), 0
    room_for = min(room_for, w.used[MOST_LABELS])
    bucket[:] = -1
    group[:] = -1
    w.brief[0, TIME], w.brief[0, RANK], w.brief[0, LOAD] = start, 0, 0
    w.visits[0], w.cost[0] = 0, 0
    w.seen[0], w.seen_too[0], w.odd[0] = np.uint64(0), np.uint64(0), odd_at_home
    w.job[0], w.spot[0], w.parent[0], w.dead[0], w.later[0] = -1, -1, -1, 0, -1
    bucket[0] = 0
    size = 1
    gone = 0
    for t in range(length + 1):
        if w.used[STOPPED]:
            return -2
        label = bucket[t]
        while gone < number and latest[gone] < start + t:
            gone += 1
        while label >= 0:
            if not w.dead[label]:
                here = w.spot[label]
                from_here, to_here, far_below = gone, number, limit
                if closely:
                    far_below = w.cost[label] + slopes[lead] * w.brief[label, LOAD] - least_rest[lead] - limit
                    far_below -= each * (most_visits - w.visits[label])
                for q in range(quarters if closely else 1):
                    if closely:
                        there = apart[quarter[here], q] if here >= 0 else 0
                        if t + there > length:
                            continue
                        soon, way_there = ahead.minute_step[t + there], dear * there
                        from_here, to_here = ahead.next_from[soon, q], ahead.next_from[soon, q + 1]
                    for at in range(from_here, to_here):
                        a = at
                        if closely:
                            if ahead.next_gain[at] - way_there <= far_below:
                                break
                            if here >= 0:
                                way = legs[site[here], ahead.next_site[at]]
                                if start + t + way > ahead.next_latest[at]:
                                    continue
                                m = max(ahead.next_begin[at], ahead.next_off[at] + ahead.minute_step[t + way])
                                if ahead.best[m] - dear * way <= far_below:
                                    continue
                            a = ahead.next_job[at]
                        spot = place[a]
                        if spot == here or (w.seen[label] & bit[spot]) | (w.seen_too[label] & bit_too[spot]):
                            continue
                        j = jobs[a]
                        leg = d.there[j] if here < 0 else legs[site[here], site[spot]]
                        if start + t + leg > latest[a]:
                            continue
                        minutes = d.minutes[j]
                        load = w.brief[label, LOAD] + leg + minutes if person.loaded else 0
                        visits = w.visits[label] + 1
                        if load > most_load or visits > most_visits:
                            continue
                        final = end - d.home[j] - minutes
                        paid = w.cost[label] + pay * leg + base * minutes + d.fit[j]
                        paid += _owed(w.odd[label] & counted[a], toll)
                        rest, to_do = _rest(fair, load), most_visits - visits
                        for p in range(d.pieces_from[j], d.pieces_to[j]):
                            leaves = start + t
                            if not d.begun[p]:
                                leaves = max(leaves, now)
                            s = max(d.first[p], leaves + leg)
                            if s > d.last[p] or s > final:
                                continue
                            over = s + minutes
                            cost = paid - d.gain[p] - points[d.price[p]] + d.fall[p] * (s - d.first[p])
                            then = (over - start) // grid
                            hoped, spare = cost - hope[then] - charge * to_do, each * to_do
                            if hoped + rest >= limit or cost + slope * load - hope_too[then] - spare >= limit:
                                continue
                            if closely:
                                m = ahead.begin[a] + (s - start) // grid - ahead.step[a]
                                hopeless = False
                                for k in range(len(slopes)):
                                    hopeless = hopeless or cost + slopes[k] * load - after[k, m] - spare >= limit
                                if hopeless:
                                    continue
                            seen = ((w.seen[label] & kept[spot]) | bit[spot]) & alive[over - start]
                            seen_too = ((w.seen_too[label] & kept_too[spot]) | bit_too[spot]) & alive_too[over - start]
                            odd = (w.odd[label] ^ counted[a]) & due[over - start]
                            rank, to_come, at_most = cost + rest, -1, 0
                            beaten = False
                            other = group[spot]
                            before = -1
                            while other >= 0:
                                other_time, other_rank = w.brief[other, TIME], w.brief[other, RANK]
                                other_load, following = w.brief[other, LOAD], w.brief[other, BESIDE]
                                # R is convex: who costs no more whatever is to come costs no more if nothing is.
                                if (
                                    other_time <= over
                                    and other_rank <= rank
                                    and (careless or (w.seen[other] & alive[over - start] & ~seen) == 0)
                                    and (careless or (w.seen_too[other] & alive_too[over - start] & ~seen_too) == 0)
                                    and (
                                        not person.hours
                                        or other_load <= load
                                        or (
                                            other_load + end - over + person.others <= most_minutes
                                            and other_load + end - over + person.today <= most_today
                                        )
                                    )
                                    and (
                                        not person.counts
                                        or w.visits[other] <= visits
                                        or w.visits[other] + (end - over) // shortest <= free_visits
                                    )
                                ):
                                    owed = 0 if careless else _owed(w.odd[other] & ~odd & due[over - start], toll)
                                    if other_load <= load:
                                        beaten = other_rank + owed <= rank
                                    else:
                                        if to_come < 0:
                                            # No more than the time, and than a schedule below `limit` can pay.
                                            to_come = end - over + person.others
                                            to_come = max(0, _most_load(fair, limit - hoped, load + to_come) - load)
                                            at_most = cost + _rest(fair, load + to_come)
                                        beaten = w.cost[other] + owed + _rest(fair, other_load + to_come) <= at_most
                                    if beaten:
                                        break
                                if (
                                    over <= other_time
                                    and rank <= other_rank
                                    and load <= other_load
                                    and (careless or (seen & ~w.seen[other] & alive[other_time - start]) == 0)
                                    and (
                                        careless or (seen_too & ~w.seen_too[other] & alive_too[other_time - start]) == 0
                                    )
                                    and (not person.counts or visits <= w.visits[other])
                                    and (
                                        careless
                                        or rank + _owed(odd & ~w.odd[other] & due[other_time - start], toll)
                                        <= other_rank
                                    )
                                ):
                                    w.dead[other] = 1
                                    if before < 0:
                                        group[spot] = following
                                    else:
                                        w.brief[before, BESIDE] = following
                                else:
                                    before = other
                                other = following
                            if beaten:
                                continue
                            if size >= room_for:
                                return size if careless else -2
                            w.brief[size, TIME], w.brief[size, RANK], w.brief[size, LOAD] = over, rank, load
                            w.visits[size], w.cost[size] = visits, cost
                            w.seen[size], w.seen_too[size], w.odd[size] = seen, seen_too, odd
                            w.job[size], w.spot[size], w.begin[size] = j, spot, s
                            w.parent[size], w.dead[size] = label, 0
                            w.later[size] = bucket[over - start]
                            bucket[over - start] = size
                            w.brief[size, BESIDE] = group[spot]
                            group[spot] = size
                            size += 1
                            if alone and over + d.back[j] <= end and load + d.back[j] <= most_load:
                                value = cost + pay * d.back[j]
                                if person.loaded:
                                    value += _rest(fair, load + d.back[j])
                                limit = min(limit, max(value, worth))
            label = w.later[label]
    return size


@njit(cache=True, nogil=True)
def _front(
    d: Arrays, person: Person, size: int, end: int, pay: int, requests: int, limit: int, worth: int,
    most: int, w: Room,
) -> int:  # fmt: skip
    """The trips that get home, in w.front, none worse than another; the cheapest by last visit become columns."""
    front, v, fair, hours, others = w.front, person.v, person.fair, person.hours, person.others
    number = 0
    most_today = d.most_today[v] if person.loaded else FAR_OFF
    most_minutes = d.most_minutes[v] if person.loaded else FAR_OFF
    cheapest = np.full(requests, worth, dtype=np.int64)
    chosen = np.full(requests, -1, dtype=np.int64)
    for label in range(1, size):
        j = w.job[label]
        if w.dead[label] or w.brief[label, TIME] + d.back[j] > end:
            continue
        load = w.brief[label, LOAD] + d.back[j] if person.loaded else 0
        if load > most_today or load > most_minutes:
            continue
        visits, cost = w.visits[label], w.cost[label] + pay * d.back[j]
        rank = cost + _rest(fair, load)
        if person.loaded:
            spot = w.spot[label]
            if rank < cheapest[spot]:
                cheapest[spot], chosen[spot] = rank, label
        if rank > limit or rank >= 0:
            continue
        at_most = cost + _rest(fair, load + others)
        beaten = False
        kept = 0
        for f in range(number):
            if (
                (
                    front[2, f] + _rest(fair, front[0, f]) <= rank
                    if front[0, f] <= load
                    else front[2, f] + _rest(fair, front[0, f] + others) <= at_most
                )
                and (
                    not hours
                    or front[0, f] <= load
                    or (front[0, f] + others <= most_minutes and front[0, f] + person.today <= most_today)
                )
                and (not person.counts or front[1, f] <= visits)
            ):
                beaten = True
                break
        if beaten:
            continue
        for f in range(number):
            worse = (
                load <= front[0, f]
                and (not person.counts or visits <= front[1, f])
                and rank <= front[2, f] + _rest(fair, front[0, f])
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
    for n in range(min(requests, most)):
        if chosen[order[n]] >= 0:
            _write_trip(w, v, cheapest[order[n]], chosen[order[n]])
    return number
