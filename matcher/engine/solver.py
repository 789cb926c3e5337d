"""The one door: `solve` makes a plan in the time given and says what it costs, what is proven, and why not more."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from matcher.cost import keeps_pin
from matcher.eligibility import settled_requests
from matcher.engine.search import Search, insert_by_regret
from matcher.engine.state import State
from matcher.engine.tables import Tables
from matcher.instance import Instance
from matcher.plan import Assignment, Plan, Unserved
from matcher.plan import gap as gap_of
from matcher.reasons import why_left_out, why_settled

ENGINE = "diandan search 0.1"
REPORT_EVERY = 0.5


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a solve has come: seconds since it began, cost and bound of the plan at hand, and how many it serves."""

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
    progress: Callable[[Progress], None] | None = None,
    spent: float = 0.0,
) -> Plan:
    """Plan an instance.

    Stops after `seconds` (of which `spent` are gone already: the time since the process started), when the proven gap
    is at most `gap`, or after `steps` rounds of search. Same instance, seed and steps, and time enough for them: same
    plan. Ctrl-C ends the search early; the plan then has status `interrupted`. `progress` is called about twice a
    second.
    """
    run = _Run(instance, seconds, gap, seed, steps, progress, time.perf_counter() - spent)
    return run.plan()


class _Run:
    """One call of `solve`."""

    def __init__(
        self,
        instance: Instance,
        seconds: float,
        gap: float,
        seed: int,
        steps: int | None,
        progress: Callable[[Progress], None] | None,
        started: float,
    ) -> None:
        self.instance, self.seconds, self.wanted_gap, self.seed = instance, seconds, gap, seed
        self.steps, self.progress, self.started = steps, progress, started
        self.reported = 0.0
        self.interrupted = False
        self.settled = {request.id for request in settled_requests(instance)}
        self.bound = sum(instance.weights.unserved[r.priority] for r in instance.requests if r.id in self.settled)
        self.state = State(Tables(instance))

    def plan(self) -> Plan:
        """Build, improve, and write down."""
        servable = [r for r, request in enumerate(self.instance.requests) if request.id not in self.settled]
        search = Search(self.state, servable, Random(self.seed))
        try:
            insert_by_regret(self.state, self._out_of_time)
            search.note()
            self._improve(search)
        except KeyboardInterrupt:
            self.interrupted = True
            self.state.undo()
            search.note()
        search.finish(self._overdue)
        return self._written()

    def _improve(self, search: Search) -> None:
        done = 0
        self._report(done_now=True)
        while search.servable and not self._finished(done):
            share = self._elapsed() / self.seconds if self.steps is None else done / self.steps
            search.round(min(1.0, share))
            done += 1
            self._report()

    def _finished(self, done: int) -> bool:
        return (
            self._out_of_time()
            or (self.steps is not None and done >= self.steps)
            or self._gap(self.state.cost) <= self.wanted_gap
        )

    def _gap(self, cost: int) -> float:
        return gap_of(cost, self.bound, self.bound, 0) or 0.0

    def _out_of_time(self) -> bool:
        return self._elapsed() >= self.seconds - self._margin()

    def _overdue(self) -> bool:
        return self._elapsed() >= self.seconds

    def _margin(self) -> float:
        """Time kept back to finish and to write down why what is left is left."""
        return min(0.5, 0.1 * self.seconds)

    def _elapsed(self) -> float:
        return time.perf_counter() - self.started

    def _report(self, done_now: bool = False) -> None:
        elapsed = self._elapsed()
        if self.progress is None or (elapsed < self.reported + REPORT_EVERY and not done_now):
            return
        self.reported = elapsed
        served = sum(crew is not None for crew in self.state.crews)
        cost = self.state.cost
        self.progress(Progress(elapsed, cost, self.bound, self._gap(cost), served, len(self.state.crews)))

    def _written(self) -> Plan:
        state, instance = self.state, self.instance
        terms = state.terms()
        cost = sum(terms.values())
        assignments = tuple(sorted(state.assignments()))
        unserved = (self._unserved(r, assignments) for r, crew in enumerate(state.crews) if crew is None)
        status = "optimal" if cost == self.bound else "interrupted" if self.interrupted else "feasible"
        return Plan(
            instance=instance.name,
            assignments=assignments,
            unserved=tuple(unserved),
            broken_pins=tuple(pin for pin in instance.pinned if not any(keeps_pin(a, pin) for a in assignments)),
            cost=cost,
            terms=terms,
            bound=self.bound,
            settled=self.bound,
            gap=gap_of(cost, self.bound, self.bound, terms["pins"]),
            status=status,
            seconds=round(self._elapsed(), 3),
            seed=self.seed,
            engine=ENGINE,
        )

    def _unserved(self, r: int, assignments: tuple[Assignment, ...]) -> Unserved:
        request = self.instance.requests[r]
        if request.id in self.settled:
            return Unserved(request.id, why_settled(self.instance, request))
        choice = self.state.best(r)
        points = None if choice is None else round(choice.points)
        return Unserved(request.id, why_left_out(self.instance, request, assignments, points))
