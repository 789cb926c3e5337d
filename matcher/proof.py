"""Proofs of a bound (FORMAT.md, Proof), and their judge: a slow, obvious pricer that shares nothing with the engine's.

A leaf gives every seat a price by start time. At these prices no plan costs less than what is counted here: each
request at its cheapest choice, and each person at their cheapest schedule of all they could have alone. The bound of a
tree of choices is its least leaf.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from matcher import cost
from matcher.eligibility import lacking, request_starts, settled_requests, within_radius
from matcher.instance import Instance, Request, Volunteer
from matcher.judge import Violation
from matcher.plan import Plan

NEVER = -(10**15)
"""Collected by a visit that cannot be."""


@dataclass(frozen=True, slots=True)
class Price:
    """What a person collects for filling this seat with a seat start from `first` to `last`."""

    request: str
    seat: int
    first: int
    last: int
    points: int


@dataclass(frozen=True, slots=True)
class Leaf:
    """Prices that hold under the choices above. A leaf that a file leaves out has none, and is `missing`."""

    prices: tuple[Price, ...] = ()
    missing: bool = False


@dataclass(frozen=True, slots=True)
class Split:
    """Either `no` or `yes`: served or not, or, with a time `at`, starting (if at all) before it or from it on."""

    request: str
    at: int | None
    no: Leaf | Split
    yes: Leaf | Split


@dataclass(frozen=True, slots=True)
class Proof:
    """What is claimed of an instance, and the tree that proves it."""

    instance: str
    bound: int
    tree: Leaf | Split


@dataclass(frozen=True, slots=True)
class Choice:
    """What a path of splits leaves of a request: starts in order, and whether it may be left unserved."""

    starts: tuple[int, ...]
    may_be_left: bool


Choices = Mapping[str, Choice]


def judge_proof(instance: Instance, plan: Plan, proof: Proof) -> tuple[int, tuple[Violation, ...]]:
    """The bound the proof really proves, and what is wrong with what it and the plan state."""
    found = []
    if proof.instance != instance.name:
        found.append(
            _wrong(
                f"the proof is of {proof.instance}, not of {instance.name}",
                f"证明属于 {proof.instance}，不是 {instance.name}",
            )
        )
    unknown = [split.request for split in _splits(proof.tree) if split.request not in instance.request_index]
    unknown += [price.request for price in _prices(proof.tree) if not _is_seat(instance, price)]
    if unknown:
        found.append(
            _wrong(f"the proof names {unknown[0]}, which the instance lacks", f"证明提到不存在的 {unknown[0]}")
        )
        return 0, tuple(found)
    missing = sum(leaf.missing for leaf in _leaves(proof.tree))
    if missing:
        found.append(_wrong(f"{missing} leaves of the tree are missing", f"证明树缺少 {missing} 个叶子"))
    proven = proven_bound(instance, proof.tree)
    if proof.bound > proven:
        found.append(
            _wrong(f"the proof states {proof.bound}, it proves {proven}", f"证明写作 {proof.bound}，实际证明 {proven}")
        )
    if plan.bound is not None and plan.bound > proven:
        found.append(
            _wrong(
                f"the plan states bound {plan.bound}, the proof proves {proven}",
                f"计划的下界 {plan.bound}，证明只到 {proven}",
            )
        )
    return proven, tuple(found)


def proven_bound(instance: Instance, tree: Leaf | Split) -> int:
    """The least any plan of this instance costs, as far as this tree shows: its least leaf, never below settled."""
    hopeless = settled_requests(instance)
    settled = sum(instance.weights.unserved[request.priority] for request in hopeless)
    ids = {request.id for request in hopeless}
    choices = {}
    for request in instance.requests:
        spans = () if request.id in ids else request_starts(instance, request)
        choices[request.id] = Choice(tuple(s for a, b in spans for s in range(a, b + 1)), True)
    least = min(_Pricer(instance, leaf, under).bound() for leaf, under in _paths(tree, choices))
    assert least < math.inf, "the empty plan is below one of the leaves"
    return max(settled, int(least))


def _wrong(en: str, zh: str) -> Violation:
    return Violation("proof", (), en, zh)


def _is_seat(instance: Instance, price: Price) -> bool:
    r = instance.request_index.get(price.request)
    return r is not None and 0 <= price.seat < len(instance.requests[r].seats)


def _leaves(tree: Leaf | Split) -> Iterator[Leaf]:
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Leaf):
            yield node
        else:
            waiting += [node.no, node.yes]


def first_leaf(tree: Leaf | Split) -> Leaf:
    """The leaf to which the first answer to every choice leads."""
    while isinstance(tree, Split):
        tree = tree.no
    return tree


def _splits(tree: Leaf | Split) -> Iterator[Split]:
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Split):
            yield node
            waiting += [node.no, node.yes]


def _prices(tree: Leaf | Split) -> Iterator[Price]:
    for leaf in _leaves(tree):
        yield from leaf.prices


def _paths(tree: Leaf | Split, choices: Choices) -> Iterator[tuple[Leaf, Choices]]:
    """Every leaf with what the choices on its path leave open."""
    waiting = [(tree, choices)]
    while waiting:
        node, under = waiting.pop()
        if isinstance(node, Leaf):
            yield node, under
            continue
        old = under[node.request]
        if node.at is None:
            no, yes = Choice((), old.may_be_left), Choice(old.starts, False)
        else:
            no = Choice(tuple(s for s in old.starts if s < node.at), old.may_be_left)
            yes = Choice(tuple(s for s in old.starts if s >= node.at), False)
        waiting += [(node.no, {**under, node.request: no}), (node.yes, {**under, node.request: yes})]


@dataclass(frozen=True, slots=True)
class _Trip:
    """What one order of visits in one interval comes to: the requests served, its minutes, and the points it gains."""

    requests: frozenset[str]
    day: int
    minutes: int
    gain: int


class _Pricer:
    """The bound of one leaf. Gains count downwards from the own cost, so what is best is what gains most."""

    def __init__(self, instance: Instance, leaf: Leaf, choices: Choices) -> None:
        self.instance, self.choices = instance, choices
        self.named: dict[tuple[str, int], list[Price]] = {}
        for price in leaf.prices:
            self.named.setdefault((price.request, price.seat), []).append(price)

    def bound(self) -> float:
        """Requests at their cheapest choices, people at their cheapest schedules, and a plan that keeps nothing."""
        instance = self.instance
        nothing = sum(cost.disturbance_points(instance, entry) for entry in instance.published)
        nothing += instance.weights.pin * len(instance.pinned)
        requests = sum(self._cheapest_choice(request) for request in instance.requests)
        return nothing + requests - sum(self._best_gain(person) for person in instance.volunteers)

    def price(self, request: Request, seat: int, starts: np.ndarray) -> np.ndarray:
        """What a seat pays at each of these starts; where ranges overlap the last named counts."""
        points = np.zeros(len(starts), dtype=np.int64)
        for price in self.named.get((request.id, seat), ()):
            points[(price.first <= starts) & (starts <= price.last)] = price.points
        return points

    def _cheapest_choice(self, request: Request) -> float:
        """Left unserved, or served at the start where lateness and the prices of its seats come to least."""
        weights, choice = self.instance.weights, self.choices[request.id]
        best: float = weights.unserved[request.priority] if choice.may_be_left else math.inf
        if not choice.starts:
            return best
        starts = np.array(choice.starts, dtype=np.int64)
        points = np.array([cost.late_points(self.instance, request, s) for s in choice.starts], dtype=np.int64)
        for k, seat in enumerate(request.seats):
            low, high = seat.lag
            paid = np.min([self.price(request, k, starts + lag) for lag in range(low, high + 1)], axis=0)
            points += np.minimum(paid, weights.optional_seat) if seat.optional else paid
        return min(best, int(points.min()))

    def _best_gain(self, person: Volunteer) -> int:
        """The most a schedule of this person alone gains over its own cost; 0 for staying at home."""
        trips = [self._trips(person, i) for i in range(len(person.availability))]
        best = 0
        for chosen in _disjoint(trips):
            if self._within_caps(person, chosen):
                minutes = sum(trip.minutes for trip in chosen)
                own = cost.fairness_points(self.instance.weights, person, minutes)
                best = max(best, sum(trip.gain for trip in chosen) - own)
        return best

    def _within_caps(self, person: Volunteer, trips: Sequence[_Trip]) -> bool:
        days = {trip.day for trip in trips}
        minutes = {day: sum(trip.minutes for trip in trips if trip.day == day) for day in days}
        visits = {day: sum(len(trip.requests) for trip in trips if trip.day == day) for day in days}
        return (
            (person.max_minutes is None or sum(minutes.values()) <= person.max_minutes)
            and (person.max_minutes_per_day is None or max(minutes.values(), default=0) <= person.max_minutes_per_day)
            and (person.max_requests_per_day is None or max(visits.values(), default=0) <= person.max_requests_per_day)
        )

    def _trips(self, person: Volunteer, i: int) -> list[_Trip]:
        """Every trip in one interval, the best of those that serve the same requests in the same minutes."""
        trips = _Interval(self, person, i)
        best: dict[tuple[frozenset[str], int], int] = {}
        for requests, minutes, gain in trips.enumerate():
            best[requests, minutes] = max(gain, best.get((requests, minutes), NEVER))
        day = self.instance.day(person.availability[i].start)
        return [_Trip(requests, day, minutes, gain) for (requests, minutes), gain in best.items()]


def _disjoint(trips: Sequence[Sequence[_Trip]]) -> Iterator[tuple[_Trip, ...]]:
    """At most one trip an interval, no request twice."""
    if not trips:
        yield ()
        return
    for rest in _disjoint(trips[1:]):
        yield rest
        taken = frozenset[str]().union(*(trip.requests for trip in rest))
        for trip in trips[0]:
            if not trip.requests & taken:
                yield (trip, *rest)


class _Interval:
    """All orders of visits a person could make in one interval of availability, minute by minute."""

    def __init__(self, pricer: _Pricer, person: Volunteer, i: int) -> None:
        self.pricer, self.instance, self.person = pricer, pricer.instance, person
        self.interval = person.availability[i]
        self.home, self.mode = person.origin_of(self.interval), person.mode_of(self.interval)
        self.clock = np.arange(self.interval.start, self.interval.end + 1)

    @cached_property
    def visits(self) -> list[tuple[Request, int, np.ndarray]]:
        """(request, seat, what it gains at each minute of the interval) for every seat this person may fill."""
        found = []
        for request in self.instance.requests:
            near = within_radius(self.instance, request, self.person, self.interval)
            if self.person.id in request.forbidden or not near or not self.pricer.choices[request.id].starts:
                continue
            for k in range(len(request.seats)):
                if lacking(request, k, self.person) is None:
                    found.append((request, k, self._gain(request, k)))
        return found

    def _gain(self, request: Request, k: int) -> np.ndarray:
        """Price and what is saved of stability and pins, less what this person costs here; NEVER where it may not."""
        instance, person = self.instance, self.person
        gain = self.pricer.price(request, k, self.clock)
        gain -= cost.continuity_points(instance.weights, request, person) + cost.affinity_points(request, person)
        entry = instance.published_of.get((request.id, person.id))
        if entry is not None:
            near = np.abs(self.clock - entry.start) <= cost.STABLE_MINUTES
            gain[near] += cost.disturbance_points(instance, entry)
        pin = instance.pin_of.get((request.id, person.id))
        if pin is not None and pin.seat in (None, k):
            kept = np.full(len(self.clock), pin.start is None) | (self.clock == pin.start)
            gain[kept] += instance.weights.pin
        low, high = request.seats[k].lag
        starts = np.array(self.pricer.choices[request.id].starts)
        allowed = np.unique(np.concatenate([starts + lag for lag in range(low, high + 1)]))
        gain[~np.isin(self.clock, allowed)] = NEVER
        return gain

    def enumerate(self) -> Iterator[tuple[frozenset[str], int, int]]:
        """(requests, minutes, gain less travel) of every order of visits that gets back in time."""
        weights = self.instance.weights
        # An open order: its requests, where it ends, service and travel so far, and the most gained by a last visit
        # that is over at each minute.
        at_home = np.full(len(self.clock), NEVER, dtype=np.int64)
        at_home[0] = 0
        waiting = [(frozenset[str](), self.home, 0, 0, at_home)]
        while waiting:
            done, here, service, travel, over = waiting.pop()
            back = self.instance.travel.minutes(here, self.home, self.mode)
            in_time = over[: max(0, len(over) - back)]
            if done and len(in_time) and in_time.max() > NEVER // 2:
                whole = travel + back
                yield done, service + whole, int(in_time.max()) - weights.travel * whole
            for request, k, gain in self.visits:
                if request.id in done:
                    continue
                leg = self.instance.travel.minutes(here, request.at, self.mode)
                minutes = request.seat_minutes(k)
                after = self._after(over, leg, minutes, gain, request, k)
                if after.max() > NEVER // 2:
                    now_done = done | {request.id}
                    waiting.append((now_done, request.leaves_from, service + minutes, travel + leg, after))

    def _after(
        self, over: np.ndarray, leg: int, minutes: int, gain: np.ndarray, request: Request, k: int
    ) -> np.ndarray:
        """The most gained by each minute at which this visit, made next, may be over."""
        ready = np.maximum.accumulate(over)
        reached = _later(ready, leg)
        now = self.instance.now
        if now is not None:
            pin = self.instance.pin_of.get((request.id, self.person.id))
            begun = pin is not None and pin.start is not None and pin.seat in (None, k)
            early = self.clock < now + leg
            if begun and pin is not None:
                early &= self.clock != pin.start
            reached[early] = NEVER
        started = np.maximum(reached + gain, NEVER)
        return _later(started, minutes)


def _later(values: np.ndarray, minutes: int) -> np.ndarray:
    """The same values so many minutes later."""
    shifted = np.full(len(values), NEVER, dtype=np.int64)
    if minutes < len(values):
        shifted[minutes:] = values[: len(values) - minutes]
    return shifted
