"""The one door: `solve` makes a plan in the time given and says what it costs, what is proven, and why not more."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from matcher.cost import keeps_pin
from matcher.engine.compile import compiled
from matcher.engine.master import Bound
from matcher.engine.pricing import Pricer, too_large
from matcher.engine.search import Search, nothing
from matcher.engine.tables import Tables
from matcher.exact import Exact, exact
from matcher.instance import Instance, Request
from matcher.plan import Assignment, Plan, Unserved
from matcher.plan import gap as gap_of
from matcher.proof import Leaf, Proof
from matcher.reasons import out_of_time, why_left_out, why_settled

SEARCH, EXACT = "diandan search 0.1", "diandan exact 0.1"
REPORT_EVERY = 0.5

GRACE = 0.5
"""Seconds after the time is over in which reasons are still looked into."""

SMALL = (12, 100)
"""Up to so many requests and volunteers the exact model is tried before the search goes on."""

EXACT_SHARE = 0.7
"""How much of the time that is left it may take, when it was not asked for by name."""

BOUND_SHARE = 0.6
"""How much of the time that is left after the first plan goes at most into the bound, and so much of what is left
then into the best plan of the schedules it has seen."""

MOST_ROUNDS = 200
"""Where steps are counted and not seconds, so many rounds of prices."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a solve has come: seconds since it began, cost and bound of the best plan, and how many it serves."""

    seconds: float
    cost: int
    bound: int
    gap: float
    served: int
    requests: int


def solve(
    instance: Instance,
    seconds: float = 30.0,
    gap: float = 0.005,
    seed: int = 1,
    *,
    steps: int | None = None,
    threads: int | None = None,
    engine: Literal["search", "exact"] | None = None,
    progress: Callable[[Progress], None] | None = None,
    proof: Callable[[Proof], None] | None = None,
    spent: float = 0.0,
) -> Plan:
    """Plan an instance.

    Stops after `seconds` (of which `spent` are gone already: the time since the process started), when the proven gap
    is at most `gap`, or after `steps` rounds of search. `engine` "search" and "exact" (one CP-SAT model on `threads`
    threads, by default one a core) are used when named; otherwise small instances without `steps` go to the exact
    model first, and its plan is taken when it is proven best. Same instance, seed and steps: same plan. Ctrl-C ends
    the work early; the plan then has status `interrupted`. `progress` is called about twice a second. `proof` is
    handed the proof of the plan's bound, which is then what seat prices prove, and not what the exact model knows.
    """
    run = _Run(instance, seconds, gap, seed, time.perf_counter() - spent, progress)
    run.threads = threads or os.cpu_count() or 1
    run.proof = proof
    return run.plan(engine, steps)


class _Run:
    """One call of `solve`."""

    threads = 1
    proof: Callable[[Proof], None] | None = None
    leaf: Leaf | None = None

    def __init__(
        self,
        instance: Instance,
        seconds: float,
        gap: float,
        seed: int,
        started: float,
        progress: Callable[[Progress], None] | None,
    ) -> None:
        self.instance, self.seconds, self.wanted_gap, self.seed = instance, seconds, gap, seed
        self.started, self.progress = started, progress
        self.reported = 0.0
        self.interrupted = False
        self.tables = Tables(instance)
        self.settled = self.bound = self.tables.settled
        self.search: Search | None = None

    def plan(self, engine: str | None, steps: int | None) -> Plan:
        """Build, improve, and write down."""
        if not compiled(self._left() if steps is None else None):
            return self._written((), nothing(self.tables), SEARCH)
        search = self.search = Search(self.tables, self.seed)
        exactly = engine == "exact" or (engine is None and steps is None and self._is_small())
        proving = self.proof is not None or (steps is None and not exactly)
        try:
            search.insert_by_regret(lambda: self._spent() >= 1)
            self._report(search, always=True)
            if proving and not too_large(self.instance):
                self._prove(search, steps)
            if exactly:
                found = self._exact(search, 1.0 if engine else EXACT_SHARE)
                if found.proven or (engine and found.assignments is not None):
                    return self._written(found.assignments or (), found.terms, EXACT)
            if engine != "exact":
                self._improve(search, steps)
        except KeyboardInterrupt:
            self.interrupted = True
        search.insert_rest(lambda: self._elapsed() >= self.seconds)
        return self._written(tuple(search.best()), search.terms(), SEARCH)

    def _is_small(self) -> bool:
        requests, volunteers = SMALL
        return len(self.instance.requests) <= requests and len(self.instance.volunteers) <= volunteers

    def _exact(self, search: Search, share: float) -> Exact:
        """Ask the exact model; what it proves holds whether or not its plan is taken."""
        left = share * self._left()
        found = exact(self.instance, left, self.seed, threads=self.threads, hint=search.best())
        if self.proof is None:
            self.bound = max(self.bound, found.bound)
        if found.assignments is not None and search.best_cost > sum(found.terms.values()):
            search.begin_from(found.assignments)
        if found.interrupted:
            raise KeyboardInterrupt
        return found

    def _prove(self, search: Search, steps: int | None) -> None:
        """Look for prices that prove much, then for the best plan of the schedules they brought up."""
        until = None if steps is not None else self._elapsed() + BOUND_SHARE * self._left()
        bound = self._proven(search, until)
        if bound is None:
            return
        alone = all(len(request.seats) == 1 for request in self.instance.requests)
        if steps is None and alone and not self._finished(search):
            seconds = BOUND_SHARE * self._left()
            found = bound.best_plan(search.best(), seconds, self.seed, self.threads)
            if found is not None:
                search.begin_from(found)
                self._report(search, always=True)

    def _proven(self, search: Search, until: float | None) -> Bound | None:
        """Rounds of prices until that time; None when there was none for the first."""
        bound = None
        try:
            bound = Bound(Pricer(self.tables, self.threads), search.best(), self._before(until))
            self._note_bound(search, bound)
            rounds = 0
            while not bound.done and rounds < MOST_ROUNDS and not self._proven_enough(search):
                bound.step(self._before(until))
                self._note_bound(search, bound)
                rounds += until is None
        except TimeoutError:
            pass
        if bound is not None:
            self.leaf = bound.leaf()
        return bound

    def _note_bound(self, search: Search, bound: Bound) -> None:
        self.bound = max(self.bound, bound.proven)
        self._report(search)

    def _proven_enough(self, search: Search) -> bool:
        return self._gap(search.best_cost) <= self.wanted_gap

    def _before(self, until: float | None) -> float | None:
        """Seconds until then."""
        return None if until is None else max(0.0, until - self._elapsed())

    def _left(self) -> float:
        return max(0.0, self.seconds - self._margin() - self._elapsed())

    def _improve(self, search: Search, steps: int | None) -> None:
        def late() -> bool:
            self._report(search)
            return self._finished(search)

        search.improve(self._left() if steps is None else None, steps, late=late)

    def _finished(self, search: Search) -> bool:
        return self._spent() >= 1 or self._proven_enough(search)

    def _gap(self, cost: int) -> float:
        return gap_of(cost, self.bound, self.settled, 0) or 0.0

    def _spent(self) -> float:
        """What share of the time for planning is gone."""
        return self._elapsed() / (self.seconds - self._margin())

    def _margin(self) -> float:
        """Time kept back to finish and to write down why what is left is left."""
        return min(0.5, 0.1 * self.seconds)

    def _elapsed(self) -> float:
        return time.perf_counter() - self.started

    def _report(self, search: Search, always: bool = False) -> None:
        elapsed = self._elapsed()
        if self.progress is None or (elapsed < self.reported + REPORT_EVERY and not always):
            return
        self.reported = elapsed
        cost, requests = search.best_cost, len(self.instance.requests)
        self.progress(Progress(elapsed, cost, self.bound, self._gap(cost), search.served(), requests))

    def _written(self, assignments: tuple[Assignment, ...], terms: dict[str, int], engine: str) -> Plan:
        cost = sum(terms.values())
        status = "optimal" if cost == self.bound else "interrupted" if self.interrupted else "feasible"
        if self.proof is not None:
            leaf = Leaf() if self.leaf is None else self.leaf
            self.proof(Proof(self.instance.name, self.bound, leaf))
        served = {assignment.request for assignment in assignments}
        left = [(r, request) for r, request in enumerate(self.instance.requests) if request.id not in served]
        broken = [pin for pin in self.instance.pinned if not any(keeps_pin(a, pin) for a in assignments)]
        return Plan(
            instance=self.instance.name,
            assignments=assignments,
            unserved=tuple(self._unserved(r, request, assignments) for r, request in left),
            broken_pins=tuple(broken),
            cost=cost,
            terms=terms,
            bound=self.bound,
            settled=self.settled,
            gap=gap_of(cost, self.bound, self.settled, terms["pins"]),
            status=status,
            seconds=round(self._elapsed(), 3),
            seed=self.seed,
            engine=engine,
        )

    def _unserved(self, r: int, request: Request, assignments: tuple[Assignment, ...]) -> Unserved:
        if self._elapsed() > self.seconds + GRACE:
            return Unserved(request.id, (out_of_time(),))
        if r in self.tables.hopeless:
            return Unserved(request.id, why_settled(self.instance, request))
        points = None if self.search is None else self.search.cheapest_insertion(r)
        return Unserved(request.id, why_left_out(self.instance, request, assignments, points))
