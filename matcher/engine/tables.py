"""From an Instance to arrays: the one place that makes them. Sparse lists of who could fill which seat, and journeys.

Memory is linear in the eligible pairs, but for the journeys between requests. Volunteers, requests and intervals are
numbers from here on: `v` is a volunteer, `r` a request, `n` a row of like seats of one request, `i` one of all
intervals of availability in a row, `j` a job: a row in an interval of somebody who could fill it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from typing import NamedTuple

import numpy as np
from numba import njit

from matcher import cost
from matcher.eligibility import RADIUS_TOLERANCE_KM, request_starts, seat_spans, servable_alone
from matcher.engine.journeys import Journeys
from matcher.instance import Instance, Pinned, Published, Request
from matcher.travel import MatrixTravel, StraightTravel, kilometres_between

Ints = np.ndarray
Cube = np.ndarray
Span = tuple[int, int]
Late = Callable[[], bool]

FAR_OFF = 1 << 60

MOST_PLACES = 1_000
"""Up to so many places it is looked up by how much a detour can shorten a journey."""

AT_HAND = 32
"""Of the people of a row so many who are near are asked first whether they could serve a request alone."""

CLOSELY = 3_000
"""Up to so many jobs of an interval the least minutes to each are found over all chains of visits."""


class Arrays(NamedTuple):
    """The instance for the kernels: C order. I intervals, V people, J jobs, P pieces, R requests, M modes.

    A job is a seat (or a row of like seats) of a request in one interval of a person; its seat starts are pieces. The
    jobs of an interval stand together, by row; `by_row` lists them again by row, nearest first.
    """

    start: Ints  # [I] minutes
    end: Ints  # [I] minutes
    day: Ints  # [I] calendar day by number
    mode: Ints  # [I] index into travel
    owner: Ints  # [I] volunteer
    jobs_from: Ints  # [I + 1] the jobs of interval i are jobs_from[i] to jobs_from[i + 1] - 1
    intervals_from: Ints  # [V + 1]
    history: Ints  # [V] minutes
    target: Ints  # [V] minutes
    most_visits: Ints  # [V] a day; FAR_OFF when there is no cap
    most_today: Ints  # [V] minutes a day
    most_minutes: Ints  # [V] minutes of the plan
    interval: Ints  # [J]
    row: Ints  # [J]
    request: Ints  # [J]
    minutes: Ints  # [J] service
    there: Ints  # [J] minutes from the trip's starting point
    back: Ints  # [J] minutes to it
    home: Ints  # [J] the least minutes to it by way of whatever else: never above back
    fit: Ints  # [J] continuity, affinity and wishes, points
    idle_at: Ints  # [J] at this gain or less the visit is never worth making; -FAR_OFF when that is not sure
    pieces_from: Ints  # [J]
    pieces_to: Ints  # [J]
    first: Ints  # [P] seat start, minutes
    last: Ints  # [P] seat start, minutes
    gain: Ints  # [P] points at `first`, price and fit left out
    fall: Ints  # [P] points by which the gain falls each minute after `first`
    begun: Ints  # [P] 1 when the journey need not wait for now
    price: Ints  # [P] index into the prices; as made here, the row
    rows_from: Ints  # [rows + 1] the jobs of row n are by_row[rows_from[n]] to by_row[rows_from[n + 1] - 1]
    by_row: Ints  # [J]
    toll_from: Ints  # [1] index into the prices of the first toll (grid.py)
    tolls_from: Ints  # [rows + 1] the tolls that count visits of row n are toll_of[tolls_from[n]] and so on
    toll_of: Ints  # [..] toll, counted from toll_from
    own_from: Ints  # [V + 1] the same of people
    own_of: Ints  # [..]
    travel: Cube  # [M, R, R] int32, minutes from where one request ends to where another begins
    weights: Ints  # [5] now (-FAR_OFF without), points per travel minute, three of fairness


@dataclass(frozen=True, slots=True)
class Row:
    """Like seats of request `r`, priced as one."""

    r: int
    seats: tuple[int, ...]
    optional: bool


@dataclass(frozen=True, slots=True)
class Piece:
    """Seat starts with one gain that falls by `fall` points a minute; price and fit are not in it."""

    first: int
    last: int
    gain: int
    fall: int
    begun: bool = False


def never() -> bool:
    """There is time."""
    return False


class Tables:
    """The instance by numbers. `arrays` is what kernels read; `rows` are the seats of the requests in `open`.

    TimeoutError when `late` says that the time is over before they are made.
    """

    def __init__(self, instance: Instance, late: Late = never) -> None:
        self.instance, self._late = instance, late
        self.requests, self.volunteers = instance.requests, instance.volunteers
        self.price = [instance.weights.unserved[r.priority] for r in self.requests]
        self.intervals = [(v, interval) for v, person in enumerate(self.volunteers) for interval in person.availability]
        self.origin = [self.volunteers[v].origin_of(interval) for v, interval in self.intervals]
        self.mode = [self.volunteers[v].mode_of(interval) for v, interval in self.intervals]
        self.first_of = np.cumsum([0, *(len(person.availability) for person in self.volunteers)])
        self.starts = [request_starts(instance, request) for request in self.requests]
        alike = isinstance(instance.travel, MatrixTravel)  # whatever the mode
        self.modes = sorted(set(self.mode))[: 1 if alike else None]
        number = {mode: 0 if alike else self.modes.index(mode) for mode in set(self.mode)}
        self._mode = ints([number[mode] for mode in self.mode])
        self._owner = ints([v for v, _ in self.intervals])
        self._begin = ints([interval.start for _, interval in self.intervals])
        self._end = ints([interval.end for _, interval in self.intervals])
        places = [place for r in self.requests for place in (r.at, r.leaves_from)]
        self._journeys = Journeys(instance.travel, [*self.origin, *places], self.modes)
        self._homes = self._journeys.numbers(self.origin)
        self._at = self._journeys.numbers(r.at for r in self.requests)
        self._leaves = self._journeys.numbers(r.leaves_from for r in self.requests)
        self.travel = self._journeys.square(self._leaves, self._at)
        rows = [row for r in range(len(self.requests)) if self.starts[r] for row in _rows(instance, r)]
        able = [self._pairs(row) for row in rows]
        self.hopeless = self._hopeless(rows, able)
        self.open = [r for r in range(len(self.requests)) if r not in self.hopeless]
        kept = [n for n, row in enumerate(rows) if row.r not in self.hopeless]
        self.rows = [rows[n] for n in kept]
        self.row_of = {(row.r, k): n for n, row in enumerate(self.rows) for k in row.seats}
        self._pieces: list[tuple[Piece, int]] = []
        self.arrays = self._arrays([able[n] for n in kept])

    @cached_property
    def piece_groups(self) -> tuple[Ints, Ints]:
        """The different ranges of pieces that jobs have, [2, groups], and the group of each job."""
        pairs, inverse = np.unique(
            np.stack([self.arrays.pieces_from, self.arrays.pieces_to]), axis=1, return_inverse=True
        )
        return pairs, inverse.reshape(-1)

    @cached_property
    def settled(self) -> int:
        """The unserved price of the requests nobody could serve."""
        return sum(self.price[r] for r in self.hopeless)

    def intervals_of(self, v: int) -> range:
        """The intervals of a volunteer."""
        return range(int(self.first_of[v]), int(self.first_of[v + 1]))

    def job(self, i: int, n: int) -> int:
        """The job of row `n` in interval `i`; KeyError where there is none."""
        own = slice(int(self.arrays.jobs_from[i]), int(self.arrays.jobs_from[i + 1]))
        at = int(np.searchsorted(self.arrays.row[own], n))
        if at == own.stop - own.start or self.arrays.row[own.start + at] != n:
            raise KeyError(f"row {n} in interval {i}")
        return own.start + at

    def within_radius(self, owners: Ints, intervals: Ints, request: Request) -> np.ndarray:
        """Which of these intervals start within the radius of who owns them."""
        radius = self._radius[owners]
        if isinstance(request.at, str) or np.isinf(radius).all():
            return np.ones(len(owners), dtype=bool)
        close: np.ndarray = self._kilometres(intervals, request) <= radius + RADIUS_TOLERANCE_KM
        return close

    @cached_property
    def _home_points(self) -> np.ndarray:
        return np.array(self.origin, dtype=np.float64).reshape(-1, 2)

    @cached_property
    def _radius(self) -> np.ndarray:
        own = [person.radius_km for person in self.volunteers]
        return np.array([np.inf if km is None else km for km in own], dtype=np.float64)

    def _check_time(self) -> None:
        if self._late():
            raise TimeoutError

    # who could fill what

    def _pairs(self, row: Row) -> Ints:
        """The intervals in which somebody able has time for the service alone, wherever they come from."""
        self._check_time()
        request = self.requests[row.r]
        minutes = request.seat_minutes(row.seats[0])
        fits = np.zeros(len(self._begin), dtype=bool)
        for a, b in seat_spans(self.instance, request, row.seats[0]):
            fits |= np.maximum(self._begin, a) <= np.minimum(self._end - minutes, b)
        if not len(fits):
            return np.zeros(0, dtype=np.int64)
        found = np.nonzero(fits & self._able(row)[self._owner])[0]
        near: Ints = found[self.within_radius(self._owner[found], found, request)]
        return near

    def _able(self, row: Row) -> np.ndarray:
        """Who has the skills and is not forbidden."""
        request = self.requests[row.r]
        able = np.ones(len(self.volunteers), dtype=bool)
        for skill, level in request.seats[row.seats[0]].skills.items():
            able &= self._levels.get(skill, np.zeros(len(able), dtype=np.int64)) >= level
        able[[self.instance.volunteer_index[id] for id in request.forbidden]] = False
        return able

    @cached_property
    def _levels(self) -> dict[str, Ints]:
        levels: dict[str, Ints] = {}
        for v, person in enumerate(self.volunteers):
            for skill, level in person.skills.items():
                levels.setdefault(skill, np.zeros(len(self.volunteers), dtype=np.int64))[v] = level
        return levels

    def _hopeless(self, rows: Sequence[Row], able: Sequence[Ints]) -> set[int]:
        """The requests nobody could serve if there were no other (FORMAT.md, `settled`); asked of the able alone."""
        able_of: dict[int, list[Ints]] = {}
        for row, intervals in zip(rows, able, strict=True):
            able_of.setdefault(row.r, []).append(intervals)
        hopeless = set(range(len(self.requests)))
        for r, found in able_of.items():
            self._check_time()
            if servable_alone(self.instance, self.requests[r], self._nearest_first(r, found)):
                hopeless.discard(r)
        return hopeless

    def _nearest_first(self, r: int, able: Sequence[Ints]) -> Iterator[int]:
        """The people of these intervals of each row: in turns those nearest to the request, who have time, then all."""
        request, near = self.requests[r], []
        for intervals in able:
            km = self._kilometres(intervals, request)
            if len(km) > AT_HAND:
                nearest = np.argpartition(km, AT_HAND)[:AT_HAND]
                intervals, km = intervals[nearest], km[nearest]
            near.append(self._owner[intervals[np.argsort(km, kind="stable")]].tolist())
        first = dict.fromkeys(v for turn in zip_longest(*near) for v in turn if v is not None)
        yield from first
        yield from (v for v in dict.fromkeys(self._owner[np.concatenate(able)].tolist()) if v not in first)

    def _kilometres(self, intervals: Ints, request: Request) -> np.ndarray:
        """From where each of these intervals starts to the request; 0 where only names of places are known."""
        if isinstance(request.at, str):
            return np.zeros(len(intervals))
        return kilometres_between(self._home_points[intervals], np.array(request.at, dtype=np.float64))

    # the arrays

    def _arrays(self, able: Sequence[Ints]) -> Arrays:
        people, weights = self.volunteers, self.instance.weights
        jobs = self._jobs(able)
        shared = [self._enter(plain_pieces(self, row.r, row.seats[0]), n) for n, row in enumerate(self.rows)]
        begin, end = ints([a for a, _ in shared]), ints([b for _, b in shared])
        jobs["pieces_from"], jobs["pieces_to"] = begin[jobs["row"]], end[jobs["row"]]
        self._enter_promises(jobs)
        now = -FAR_OFF if self.instance.now is None else self.instance.now
        near = _in_order(jobs["there"] + jobs["back"], jobs["row"])
        pieces = [piece for piece, _ in self._pieces]
        start, end = self._asked_for(jobs, pieces)
        return Arrays(
            start=start,
            end=end,
            day=ints([self.instance.day(minute) for minute in self._begin.tolist()]),
            mode=self._mode,
            owner=self._owner,
            jobs_from=_counted(jobs["interval"], len(self._begin)),
            intervals_from=ints(self.first_of),
            history=ints([v.history_minutes for v in people]),
            target=ints([v.target_minutes for v in people]),
            most_visits=ints([_cap(v.max_requests_per_day) for v in people]),
            most_today=ints([_cap(v.max_minutes_per_day) for v in people]),
            most_minutes=ints([_cap(v.max_minutes) for v in people]),
            first=ints([piece.first for piece in pieces]),
            last=ints([piece.last for piece in pieces]),
            gain=ints([piece.gain for piece in pieces]),
            fall=ints([piece.fall for piece in pieces]),
            begun=ints([piece.begun for piece in pieces]),
            price=ints([n for _, n in self._pieces]),
            rows_from=_counted(jobs["row"], len(self.rows)),
            by_row=near,
            toll_from=ints([len(self.rows)]),
            tolls_from=np.zeros(len(self.rows) + 1, dtype=np.int64),
            toll_of=ints([]),
            own_from=np.zeros(len(people) + 1, dtype=np.int64),
            own_of=ints([]),
            travel=self.travel,
            weights=ints([now, weights.travel, *weights.fairness]),
            **jobs,
        )

    def _asked_for(self, jobs: dict[str, Ints], pieces: Sequence[Piece]) -> tuple[Ints, Ints]:
        """Begin and end of the intervals, less what lies before and behind everything that is asked for."""
        if not len(jobs["row"]) or not pieces:
            return self._begin, self._end
        first = min(piece.first for piece in pieces) - int(jobs["there"].max())
        last = max(piece.last for piece in pieces) + int((jobs["minutes"] + jobs["back"]).max())
        start: Ints = np.minimum(np.maximum(self._begin, first), self._end)
        return start, np.maximum(np.minimum(self._end, last), start)

    def _jobs(self, able: Sequence[Ints]) -> dict[str, Ints]:
        """Every seat in every interval it could fall into, by interval: chains of visits count, not visits alone."""
        interval = np.concatenate([np.zeros(0, dtype=np.int64), *able])
        row = np.repeat(np.arange(len(able), dtype=np.int64), [len(intervals) for intervals in able])
        order = _in_order(row, interval)
        jobs = {"interval": interval[order], "row": row[order]}
        lead = [row.seats[0] for row in self.rows]
        request = ints([row.r for row in self.rows])
        minutes = ints([self.requests[row.r].seat_minutes(k) for row, k in zip(self.rows, lead, strict=True)])
        spans = [seat_spans(self.instance, self.requests[row.r], k) for row, k in zip(self.rows, lead, strict=True)]
        first, last = ints([s[0][0] for s in spans]), ints([s[-1][1] for s in spans])
        jobs["request"], jobs["minutes"] = request[jobs["row"]], minutes[jobs["row"]]
        self._add_ways(jobs)
        soonest = np.maximum(first[jobs["row"]], self._begin[jobs["interval"]] + jobs.pop("to"))
        over = soonest + jobs["minutes"] + jobs["home"]
        kept = (soonest <= last[jobs["row"]]) & (over <= self._end[jobs["interval"]])
        jobs = {name: np.ascontiguousarray(values[kept]) for name, values in jobs.items()}
        jobs["fit"] = self._fits(jobs)
        jobs["idle_at"] = self._idle_at[self._mode[jobs["interval"]], jobs["row"]]
        return jobs

    def _add_ways(self, jobs: dict[str, Ints]) -> None:
        """Minutes there and back, and the least to it and home from it by way of whatever else."""
        self._check_time()
        i, r = jobs["interval"], jobs["request"]
        home, mode = self._homes[i], self._mode[i]
        there = jobs["there"] = self._journeys.pairs(home, self._at[r], mode)
        self._check_time()
        jobs["back"] = there.copy()
        if isinstance(self.instance.travel, StraightTravel):
            elsewhere = self._leaves[r] != self._at[r]
            one_way = self._journeys.pairs(self._leaves[r[elsewhere]], home[elsewhere], mode[elsewhere])
            jobs["back"][elsewhere] = one_way
            jobs["to"], jobs["home"] = self._least_straight(jobs)
        else:
            jobs["back"] = self._journeys.pairs(self._leaves[r], home, mode)
            jobs["to"], jobs["home"] = self._least_by_chains(jobs)

    def _least_straight(self, jobs: dict[str, Ints]) -> tuple[Ints, Ints]:
        """Straight ways cannot be cut short but by rounding, a minute at most, or past a service ending elsewhere."""
        mode, r = self._mode[jobs["interval"]], jobs["request"]
        to, home = jobs["there"] - 1, jobs["back"] - 1
        moving = np.nonzero(self._leaves != self._at)[0]
        if len(moving):
            moved = [self.requests[t] for t in moving]
            takes = ints([min(request.seat_minutes(k) for k in range(len(request.seats))) for request in moved])
            onward = (self.travel[:, moving, :] + takes[None, :, None]).min(axis=1)
            inward = (self.travel[:, :, moving] + takes[None, None, :]).min(axis=2)
            to, home = np.minimum(to, onward[mode, r] - 1), np.minimum(home, inward[mode, r] - 1)
        return np.maximum(0, to), np.maximum(0, home)

    def _least_by_chains(self, jobs: dict[str, Ints]) -> tuple[Ints, Ints]:
        """Over all chains of visits where the interval is not too full, else not known: 0."""
        to, home = np.zeros((2, len(jobs["row"])), dtype=np.int64)
        cuts = np.searchsorted(jobs["interval"], np.arange(len(self._begin) + 1))
        for i in range(len(self._begin)):
            own = slice(int(cuts[i]), int(cuts[i + 1]))
            if 0 < own.stop - own.start <= CLOSELY:
                self._check_time()
                r = jobs["request"][own]
                legs = np.ascontiguousarray(self.travel[self._mode[i]][np.ix_(r, r)], dtype=np.int64)
                to[own], home[own] = jobs["there"][own], jobs["back"][own]
                shortest(to[own], home[own], np.ascontiguousarray(jobs["minutes"][own]), legs)
        return to, home

    def _fits(self, jobs: dict[str, Ints]) -> Ints:
        """Continuity, affinity and wishes of each job."""
        out = np.zeros(len(jobs["row"]), dtype=np.int64)
        owner, weights = self._owner[jobs["interval"]], self.instance.weights
        order = _in_order(jobs["request"])
        cuts = np.searchsorted(jobs["request"][order], np.arange(len(self.requests) + 1))
        index = self.instance.volunteer_index
        for r in self.open:
            request = self.requests[r]
            if not (request.partners or request.affinity or request.wishes):
                continue
            points = np.full(len(self.volunteers), weights.continuity if request.partners else 0, dtype=np.int64)
            points[[index[id] for id in request.partners]] = 0
            for id, more in request.affinity.items():
                points[index[id]] += more
            for skill, more in request.wishes.items():
                has = self._levels.get(skill)
                points += more if has is None else np.where(has > 0, 0, more)
            own = order[cuts[r] : cuts[r + 1]]
            out[own] = points[owner[own]]
        return out

    @cached_property
    def _idle_at(self) -> Ints:
        """Per mode and row the gain up to which leaving the visit out is sure to be no dearer: [M, rows].

        A visit that is left out saves its service and lengthens the way by at most what passing through it can save.
        """
        instance = self.instance
        out = np.full((max(1, len(self.modes)), len(self.rows)), -FAR_OFF, dtype=np.int64)
        saves = {r: _saved_minutes(instance, self.requests[r]) for r in self.open}
        for m, mode in enumerate(self.modes):
            for n, row in enumerate(self.rows):
                request, saved = self.requests[row.r], saves[row.r]
                if saved is not None and isinstance(instance.travel, StraightTravel):
                    saved += instance.travel.minutes(request.at, request.leaves_from, mode)
                if saved is not None and saved <= request.seat_minutes(row.seats[0]):
                    out[m, n] = -instance.weights.travel * saved
        return out

    def _enter_promises(self, jobs: dict[str, Ints]) -> None:
        """Pieces of their own for people who were told or are pinned."""
        instance, people = self.instance, len(self.volunteers)
        index, persons = instance.request_index, instance.volunteer_index
        pairs = {(p.request, p.volunteer) for p in instance.published}
        pairs |= {(p.request, p.volunteer) for p in instance.pinned}
        keys = [index[r] * people + persons[v] for r, v in pairs if r in index and v in persons]
        own_keys = jobs["request"] * people + self._owner[jobs["interval"]]
        for j in np.nonzero(np.isin(own_keys, ints(keys)))[0]:
            r, v, n = int(jobs["request"][j]), int(self._owner[jobs["interval"][j]]), int(jobs["row"][j])
            request, person = self.requests[r], self.volunteers[v]
            entry = instance.published_of.get((request.id, person.id))
            pin = instance.pin_of.get((request.id, person.id))
            k = self.rows[n].seats[0]
            own = _kept_pieces(instance, plain_pieces(self, r, k), k, entry, pin)
            jobs["pieces_from"][j], jobs["pieces_to"][j] = self._enter(own, n)
            if instance.now is not None and any(piece.begun for piece in own):
                jobs["idle_at"][j] = -FAR_OFF

    def _enter(self, pieces: Sequence[Piece], row: int) -> tuple[int, int]:
        begin = len(self._pieces)
        self._pieces += [(piece, row) for piece in pieces]
        return begin, len(self._pieces)


@njit(cache=True, nogil=True)
def shortest(to: Ints, home: Ints, minutes: Ints, legs: Ints) -> None:
    """Least minutes to and from each job by way of whatever else: `to` and `home` come as direct and leave as least.

    One interval's jobs: `legs[a, b]` minutes from a to b.
    """
    number = len(to)
    changed = True
    while changed:
        changed = False
        for a in range(number):
            for b in range(number):
                if to[a] + minutes[a] + legs[a, b] < to[b]:
                    to[b] = to[a] + minutes[a] + legs[a, b]
                    changed = True
                if legs[a, b] + minutes[b] + home[b] < home[a]:
                    home[a] = legs[a, b] + minutes[b] + home[b]
                    changed = True


def _rows(instance: Instance, r: int) -> list[Row]:
    """Seats that ask for the same in one row; seat 0 carries lateness, and a pin may mean one seat of them."""
    request = instance.requests[r]
    apart = request.due is not None
    named = any(pin.request == request.id and pin.seat is not None for pin in instance.pinned)
    groups: dict[object, list[int]] = {}
    for k, seat in enumerate(request.seats):
        like = (tuple(sorted(seat.skills.items())), seat.optional, seat.lag, request.seat_minutes(k))
        groups.setdefault(k if named or (apart and k == 0) else like, []).append(k)
    return [Row(r, tuple(seats), request.seats[seats[0]].optional) for seats in groups.values()]


def plain_pieces(tables: Tables, r: int, k: int) -> list[Piece]:
    """The seat starts of everybody: one gain, but for seat 0 once it is late."""
    request, instance = tables.requests[r], tables.instance
    spans = seat_spans(instance, request, k)
    if k or request.due is None:
        return [Piece(a, b, 0, 0) for a, b in spans]
    in_time = request.due - max(request.seats[s].lag[0] + request.seat_minutes(s) for s in request.required_seats)
    found = []
    for a, b in spans:
        if a <= in_time:
            found.append(Piece(a, min(b, in_time), 0, 0))
        if b > in_time:
            begin = max(a, in_time + 1)
            found.append(Piece(begin, b, -cost.late_points(instance, request, begin), instance.weights.late))
    return found


def _kept_pieces(
    instance: Instance, plain: Sequence[Piece], k: int, entry: Published | None, pin: Pinned | None
) -> list[Piece]:
    """The pieces of somebody who was told or is pinned: what keeping it saves is gained."""
    near = (1, 0) if entry is None else (entry.start - cost.STABLE_MINUTES, entry.start + cost.STABLE_MINUTES)
    stable = 0 if entry is None else cost.disturbance_points(instance, entry)
    meant = pin is not None and pin.seat in (None, k)
    at = pin.start if pin is not None and meant else None
    always = instance.weights.pin if meant and at is None else 0
    found = []
    for piece in plain:
        for first, last, saved in _cut((piece.first, piece.last), near, stable):
            gain = piece.gain - piece.fall * (first - piece.first) + saved + always
            found.append(Piece(first, last, gain, piece.fall))
            if at is not None and first <= at <= last:
                kept = gain - piece.fall * (at - first) + instance.weights.pin
                found.append(Piece(at, at, kept, 0, begun=True))
    return found


def _cut(span: Span, near: Span, saved: int) -> list[tuple[int, int, int]]:
    """The parts of a span before, within and after another, and what each saves."""
    (a, b), (low, high) = span, near
    if low > high:
        return [(a, b, 0)]
    parts = ((a, min(b, low - 1), 0), (max(a, low), min(b, high), saved), (max(a, high + 1), b, 0))
    return [part for part in parts if part[0] <= part[1]]


def _saved_minutes(instance: Instance, request: Request) -> int | None:
    """By how many minutes passing through this request can shorten a journey at most; None when that is not known.

    Straight journeys are rounded up one by one, so two may be a minute shorter than one; its own way is added later.
    """
    if isinstance(instance.travel, StraightTravel):
        return 1 if request.end_at is None else 2
    if not isinstance(instance.travel, MatrixTravel) or len(instance.travel.places) > MOST_PLACES:
        return None
    places = list(instance.travel.places)
    whole = instance.travel.table_of_minutes
    to = instance.travel.table(places, [request.at], "walk")[:, 0]
    on = instance.travel.table([request.leaves_from], places, "walk")[0]
    return max(0, int((whole - to[:, None] - on[None, :]).max(initial=0)))


def _cap(cap: int | None) -> int:
    return FAR_OFF if cap is None else cap


def ints(values: object) -> Ints:
    """A row of numbers as kernels read them."""
    return np.array(values, dtype=np.int64).reshape(-1)


def _in_order(*keys: Ints) -> Ints:
    """As np.lexsort orders numbers of 0 and more, sixteen bits at a time: of millions it is several times as fast."""
    order = np.arange(len(keys[0]), dtype=np.int64)
    for key in keys:
        for bits in range(0, int(key.max(initial=0)).bit_length(), 16):
            order = order[np.argsort((key[order] >> bits).astype(np.uint16), kind="stable")]
    return order


def _counted(numbers: Ints, size: int) -> Ints:
    """Where each number's own begin when all stand in order: [size + 1]."""
    return ints([0, *np.cumsum(np.bincount(numbers, minlength=size))])
