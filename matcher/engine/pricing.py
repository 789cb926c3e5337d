"""What every person would gain at given seat prices: the half of the bound that hangs on people.

A row is a seat of a request, or several seats that ask for the same; a row has one price, at every start. Lateness
is handed on: who fills seat 0 collects the price less what the request's start costs by being late, so that the
request comes to the same at every start. At such prices `priced` bounds every plan from below, in whole points.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from matcher import cost
from matcher.eligibility import seat_spans
from matcher.engine.labels import FAR_OFF, Arrays, Cube, Ints, Room, price_people, room, shortest
from matcher.engine.tables import Span, Tables
from matcher.instance import Instance, Pinned, Published, Request
from matcher.plan import Assignment
from matcher.proof import Leaf, Price
from matcher.travel import MatrixTravel, StraightTravel

NEIGHBOURS = 20_000
"""Everything that fits into the memory is remembered: on 450 x 700 that proves more, and sooner, than 12 or 32."""
LARGEST_TABLE = 40_000_000
"""So many journeys, requests squared times modes, are held at once; a larger instance gets no bound yet."""

MOST_PLACES = 1_000
"""Up to so many places it is looked up by how much a detour can shorten a journey."""


Late = Callable[[], bool]


def never() -> bool:
    """There is time."""
    return False


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


@dataclass(frozen=True, slots=True)
class Schedule:
    """What one person could do: visits as (row, interval, seat start), and its cost, lateness of its seats 0 within."""

    v: int
    points: int
    visits: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Priced:
    """The bound at these prices, each person's part in it (0 or less), and schedules worth trying."""

    bound: int
    values: Ints
    schedules: list[Schedule]
    relaxed: int
    """People for whom less was remembered than asked for."""


def too_large(instance: Instance) -> bool:
    """Whether the journeys between all requests would fill the memory."""
    return len(instance.requests) ** 2 * 4 > LARGEST_TABLE


class Pricer:
    """The instance for the kernel, made once; `priced` may be asked again and again."""

    def __init__(self, tables: Tables, hopeless: Collection[str], threads: int = 1, late: Late = never) -> None:
        self.tables, self.instance, self._late = tables, tables.instance, late
        self.open = [r for r, request in enumerate(tables.requests) if request.id not in hopeless and tables.starts[r]]
        self.rows = [row for r in self.open for row in _rows(self.instance, r)]
        self.row_of = {(row.r, k): n for n, row in enumerate(self.rows) for k in row.seats}
        self._modes = {mode: m for m, mode in enumerate(sorted(set(tables.mode)))}
        self._pieces: list[Piece] = []
        self.arrays = self._arrays()
        people = len(tables.volunteers)
        self._cuts = [round(n * people / threads) for n in range(threads + 1)]
        self._rooms = [room(people) for _ in range(threads)]

    def priced(self, points: Ints, worth: Ints, near: int = NEIGHBOURS, seconds: float | None = None) -> Priced:
        """The bound at these prices of rows; schedules of less than `worth` of their person come along.

        TimeoutError after so many seconds.
        """
        work = list(zip(self._rooms, self._cuts, self._cuts[1:], strict=False))

        def price(part: tuple[Room, int, int]) -> None:
            own, begin, end = part
            price_people(self.arrays, points, worth, near, begin, end, own)

        for own in self._rooms:
            own.used[2] = 0
        with ThreadPoolExecutor(len(work)) as pool:
            pricing = [pool.submit(price, part) for part in work]
            try:
                late = bool(wait(pricing, seconds).not_done)
            finally:  # Ctrl-C ends it too
                for own in self._rooms:
                    own.used[2] = 1
        for one in pricing:
            one.result()
        if late:
            raise TimeoutError
        values = np.concatenate([own.value[begin:end] for own, begin, end in work])
        relaxed = sum(int((own.level[begin:end] > 0).sum()) for own, begin, end in work)
        schedules = [schedule for own, _, _ in work for schedule in self._schedules(own, points)]
        return Priced(self.untouched + self._least(points) + int(values.sum()), values, schedules, relaxed)

    @cached_property
    def untouched(self) -> int:
        """Stability and pins of a plan that keeps nothing, and what is unserved because nothing else is possible."""
        instance = self.instance
        kept = sum(cost.disturbance_points(instance, entry) for entry in instance.published)
        closed = set(range(len(self.tables.requests))) - set(self.open)
        return kept + instance.weights.pin * len(instance.pinned) + sum(self.tables.price[r] for r in closed)

    def leaf(self, points: Ints) -> Leaf:
        """These prices as a proof file has them."""
        prices = []
        for row, n in zip(self.rows, points.tolist(), strict=True):
            for k in row.seats:
                for piece in _plain_pieces(self.tables, row.r, k):
                    id = self.tables.requests[row.r].id
                    if not piece.fall:
                        prices.append(Price(id, k, piece.first, piece.last, n + piece.gain))
                        continue
                    for start in range(piece.first, piece.last + 1):
                        late = piece.gain - piece.fall * (start - piece.first)
                        prices.append(Price(id, k, start, start, n + late))
        return Leaf(tuple(price for price in prices if price.points))

    def schedule_of(self, v: int, assignments: Sequence[Assignment]) -> Schedule:
        """What this person does in a plan, as a schedule."""
        visits, own, loads = [], 0, 0
        by_interval: dict[int, list[Assignment]] = defaultdict(list)
        for a in assignments:
            by_interval[self._interval(v, a)].append(a)
        for i, trip in by_interval.items():
            here, mode = self.tables.origin[i], self.tables.mode[i]
            home = here
            for a in sorted(trip, key=lambda a: (a.start, a.end)):
                r = self.instance.request_index[a.request]
                request = self.tables.requests[r]
                visits.append((self.row_of[r, a.seat], i, a.start))
                leg = self.instance.travel.minutes(here, request.at, mode)
                own += self.instance.weights.travel * leg + self._fit(r, v) - self._saved(a)
                own += cost.late_points(self.instance, request, a.start) if a.seat == 0 else 0
                loads += leg + a.end - a.start
                here = request.leaves_from
            leg = self.instance.travel.minutes(here, home, mode)
            own += self.instance.weights.travel * leg
            loads += leg
        own += cost.fairness_points(self.instance.weights, self.tables.volunteers[v], loads)
        return Schedule(v, own, tuple(visits))

    def assignments(self, schedule: Schedule) -> list[Assignment]:
        """The schedule as a plan has it; of like seats the first."""
        found = []
        for n, _, start in schedule.visits:
            row = self.rows[n]
            request, k = self.tables.requests[row.r], row.seats[0]
            person = self.tables.volunteers[schedule.v].id
            found.append(Assignment(request.id, k, person, start, start + request.seat_minutes(k)))
        return found

    def _interval(self, v: int, a: Assignment) -> int:
        for i in self.tables.intervals_of(v):
            interval = self.tables.intervals[i][1]
            if interval.start <= a.start and a.end <= interval.end:
                return i
        raise AssertionError(f"{a} lies in no interval")

    def _fit(self, r: int, v: int) -> int:
        request, person = self.tables.requests[r], self.tables.volunteers[v]
        return cost.continuity_points(self.instance.weights, request, person) + cost.affinity_points(request, person)

    def _saved(self, a: Assignment) -> int:
        entry = self.instance.published_of.get((a.request, a.volunteer))
        pin = self.instance.pin_of.get((a.request, a.volunteer))
        saved = cost.disturbance_points(self.instance, entry) if entry and cost.keeps_published(a, entry) else 0
        return saved + (self.instance.weights.pin if pin and cost.keeps_pin(a, pin) else 0)

    def _least(self, points: Ints) -> int:
        """Every open request at its cheapest: unserved, or served; by these prices it is the same at every start."""
        served: dict[int, int] = dict.fromkeys(self.open, 0)
        for row, price in zip(self.rows, points.tolist(), strict=True):
            paid = min(price, self.instance.weights.optional_seat) if row.optional else price
            served[row.r] += paid * len(row.seats)
        return sum(min(self.tables.price[r], points_served) for r, points_served in served.items())

    def _schedules(self, own: Room, points: Ints) -> list[Schedule]:
        found = []
        columns, visits = int(own.used[0]), int(own.used[1])
        jobs, starts = own.visit_job[:visits], own.visit_start[:visits].tolist()
        rows, intervals = self.arrays.row[jobs], self._interval_of[jobs].tolist()
        collected = np.concatenate([[0], np.cumsum(points[rows])]).tolist()
        names = rows.tolist()
        for v, value, begin, end in own.column[:, :columns].T.tolist():
            seen = tuple(zip(names[begin:end], intervals[begin:end], starts[begin:end], strict=True))
            found.append(Schedule(v, value + collected[end] - collected[begin], seen))
        return found

    # the arrays

    def _arrays(self) -> Arrays:
        tables, people = self.tables, self.tables.volunteers
        jobs = self._jobs()
        start = [interval.start for _, interval in tables.intervals]
        end = [interval.end for _, interval in tables.intervals]
        weights = self.instance.weights
        now = -FAR_OFF if self.instance.now is None else self.instance.now
        self._interval_of = jobs.pop("interval")
        counts = np.bincount(self._interval_of, minlength=len(start))
        return Arrays(
            start=_ints(start),
            end=_ints(end),
            day=_ints(tables.day),
            mode=_ints([self._modes[mode] for mode in tables.mode]),
            jobs_from=_ints([0, *np.cumsum(counts)]),
            intervals_from=_ints(tables.first_of),
            history=_ints([v.history_minutes for v in people]),
            target=_ints([v.target_minutes for v in people]),
            most_visits=_ints([_cap(v.max_requests_per_day) for v in people]),
            most_today=_ints([_cap(v.max_minutes_per_day) for v in people]),
            most_minutes=_ints([_cap(v.max_minutes) for v in people]),
            slope=_ints([self._slope(v) for v in range(len(people))]),
            first=_ints([piece.first for piece in self._pieces]),
            last=_ints([piece.last for piece in self._pieces]),
            gain=_ints([piece.gain for piece in self._pieces]),
            fall=_ints([piece.fall for piece in self._pieces]),
            begun=_ints([piece.begun for piece in self._pieces]),
            travel=self._travel,
            weights=_ints([now, weights.travel, *weights.fairness]),
            **jobs,
        )

    def _slope(self, v: int) -> int:
        """The most another minute can cost this person, however full their calendar."""
        person, weights = self.tables.volunteers[v], self.instance.weights
        whole = person.history_minutes + sum(i.end - i.start for i in person.availability)
        steps = (person.target_minutes, person.target_minutes * 3 // 2, person.target_minutes * 2)
        return sum(slope for slope, above in zip(weights.fairness, steps, strict=True) if whole > above)

    @cached_property
    def _travel(self) -> Cube:
        requests, travel = self.tables.requests, self.instance.travel
        out = np.zeros((len(self._modes), len(requests), len(requests)), dtype=np.int64)
        for mode, m in self._modes.items():
            if requests:
                out[m] = travel.table([r.leaves_from for r in requests], [r.at for r in requests], mode)
        return out

    def _jobs(self) -> dict[str, Ints]:
        """Every seat in every interval it could fall into, by interval: chains count, not visits alone."""
        tables = self.tables
        starts = np.array([interval.start for _, interval in tables.intervals], dtype=np.int64)
        ends = np.array([interval.end for _, interval in tables.intervals], dtype=np.int64)
        owner = np.array([v for v, _ in tables.intervals], dtype=np.int64)
        close = self._close()
        found: list[np.ndarray] = []
        for n, row in enumerate(self.rows):
            self._check_time()
            request = tables.requests[row.r]
            minutes = request.seat_minutes(row.seats[0])
            fits = np.zeros(len(starts), dtype=bool)
            for a, b in seat_spans(self.instance, request, row.seats[0]):
                fits |= np.maximum(starts, a) <= np.minimum(ends - minutes, b)
            able = self._able(row)
            rows = np.nonzero(fits & able[owner] & close[:, row.r])[0] if len(starts) else np.zeros(0, dtype=np.int64)
            found.append(np.stack([rows, np.full(len(rows), n)]))
        pairs = np.concatenate([np.zeros((2, 0), dtype=np.int64), *found], axis=1).astype(np.int64)
        pairs = pairs[:, np.lexsort((pairs[1], pairs[0]))]
        return self._reachable(pairs)

    def _check_time(self) -> None:
        if self._late():
            raise TimeoutError

    def _close(self) -> np.ndarray:
        """Which requests lie within the radius of which interval."""
        every = range(len(self.tables.intervals))
        return self.tables.within_radius(np.array(every, dtype=np.int64), range(len(self.tables.requests)))

    def _able(self, row: Row) -> np.ndarray:
        """Who has the skills and is not forbidden."""
        request = self.tables.requests[row.r]
        able = np.ones(len(self.tables.volunteers), dtype=bool)
        for skill, level in request.seats[row.seats[0]].skills.items():
            able &= self._levels.get(skill, np.zeros(len(able), dtype=np.int64)) >= level
        able[[self.instance.volunteer_index[id] for id in request.forbidden]] = False
        return able

    @cached_property
    def _levels(self) -> dict[str, Ints]:
        levels: dict[str, Ints] = {}
        for v, person in enumerate(self.tables.volunteers):
            for skill, level in person.skills.items():
                levels.setdefault(skill, np.zeros(len(self.tables.volunteers), dtype=np.int64))[v] = level
        return levels

    def _reachable(self, pairs: np.ndarray) -> dict[str, Ints]:
        """The jobs that some chain of visits could reach and come home from."""
        tables = self.tables
        requests = _ints([row.r for row in self.rows])
        minutes = _ints([tables.requests[row.r].seat_minutes(row.seats[0]) for row in self.rows])
        spans = [seat_spans(self.instance, tables.requests[row.r], row.seats[0]) for row in self.rows]
        first, last = _ints([s[0][0] for s in spans]), _ints([s[-1][1] for s in spans])
        cuts = np.searchsorted(pairs[0], np.arange(len(tables.intervals) + 1))
        parts: dict[str, list[np.ndarray]] = defaultdict(list)
        for i, (v, interval) in enumerate(tables.intervals):
            rows = np.ascontiguousarray(pairs[1, cuts[i] : cuts[i + 1]])
            if not len(rows):
                continue
            self._check_time()
            places = [tables.requests[r] for r in requests[rows]]
            home, mode = tables.origin[i], tables.mode[i]
            there = self.instance.travel.table([home], [place.at for place in places], mode)[0].astype(np.int64)
            back = self.instance.travel.table([p.leaves_from for p in places], [home], mode)[:, 0].astype(np.int64)
            there, back = np.ascontiguousarray(there), np.ascontiguousarray(back)
            legs = np.ascontiguousarray(self._travel[self._modes[mode]][np.ix_(requests[rows], requests[rows])])
            out = np.zeros((2, len(rows)), dtype=np.int64)
            shortest(interval.start, interval.end, there, back, minutes[rows], first[rows], last[rows], legs, out)
            kept = out[0] > 0
            rows = rows[kept]
            parts["interval"].append(np.full(len(rows), i, dtype=np.int64))
            parts["row"].append(rows)
            parts["there"].append(there[kept])
            parts["back"].append(back[kept])
            parts["home"].append(out[1][kept])
            parts["fit"].append(self._fits[requests[rows], v])
            parts["idle_at"].append(self._idle_at[self._modes[mode]][rows])
        names = ("interval", "row", "there", "back", "home", "fit", "idle_at")
        jobs = {name: np.concatenate([np.zeros(0, dtype=np.int64), *parts[name]]) for name in names}
        jobs["request"], jobs["minutes"] = requests[jobs["row"]], minutes[jobs["row"]]
        return self._with_pieces(jobs)

    @cached_property
    def _fits(self) -> np.ndarray:
        """Continuity, affinity and wishes of every request with every person: [R, V] points."""
        people, weights = self.tables.volunteers, self.instance.weights
        index = self.instance.volunteer_index
        out = np.zeros((len(self.tables.requests), len(people)), dtype=np.int64)
        for r, request in enumerate(self.tables.requests):
            if request.partners:
                out[r] += weights.continuity
                out[r, [index[id] for id in request.partners]] -= weights.continuity
            for id, points in request.affinity.items():
                out[r, index[id]] += points
            for skill, points in request.wishes.items():
                has = self._levels.get(skill)
                out[r] += points if has is None else np.where(has > 0, 0, points)
        return out

    @cached_property
    def _idle_at(self) -> list[Ints]:
        """Per mode and row the gain up to which leaving the visit out is sure to be no dearer.

        A visit that is left out saves its service and lengthens the way by at most what passing through it can save.
        """
        instance, out = self.instance, []
        saves = {r: _saved_minutes(instance, self.tables.requests[r]) for r in self.open}
        for mode in self._modes:
            floors = []
            for row in self.rows:
                request = self.tables.requests[row.r]
                saved = saves[row.r]
                if saved is not None and isinstance(instance.travel, StraightTravel):
                    saved += instance.travel.minutes(request.at, request.leaves_from, mode)
                sure = saved is not None and saved <= request.seat_minutes(row.seats[0])
                floors.append(-instance.weights.travel * (saved or 0) if sure else -FAR_OFF)
            out.append(_ints(floors))
        return out

    def _with_pieces(self, jobs: dict[str, Ints]) -> dict[str, Ints]:
        """Every row's own pieces, and those of people who were told or are pinned."""
        shared = [self._enter(_plain_pieces(self.tables, row.r, row.seats[0])) for row in self.rows]
        begin, end = _ints([a for a, _ in shared]), _ints([b for _, b in shared])
        jobs["pieces_from"], jobs["pieces_to"] = begin[jobs["row"]], end[jobs["row"]]
        index = {request.id: r for r, request in enumerate(self.tables.requests)}
        ids = [entry.request for entry in self.instance.published] + [pin.request for pin in self.instance.pinned]
        named = {index[id] for id in ids if id in index}
        for j in np.nonzero(np.isin(jobs["request"], list(named)))[0]:
            request = self.tables.requests[jobs["request"][j]]
            person = self.tables.volunteers[self.tables.intervals[jobs["interval"][j]][0]]
            entry = self.instance.published_of.get((request.id, person.id))
            pin = self.instance.pin_of.get((request.id, person.id))
            if entry is None and pin is None:
                continue
            k = self.rows[jobs["row"][j]].seats[0]
            plain = _plain_pieces(self.tables, int(jobs["request"][j]), k)
            own = _kept_pieces(self.instance, plain, k, entry, pin)
            jobs["pieces_from"][j], jobs["pieces_to"][j] = self._enter(own)
            if self.instance.now is not None and any(piece.begun for piece in own):
                jobs["idle_at"][j] = -FAR_OFF
        return jobs

    def _enter(self, pieces: Sequence[Piece]) -> tuple[int, int]:
        begin = len(self._pieces)
        self._pieces += pieces
        return begin, len(self._pieces)


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


def _plain_pieces(tables: Tables, r: int, k: int) -> list[Piece]:
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


def _ints(values: object) -> Ints:
    return np.array(values, dtype=np.int64).reshape(-1)
