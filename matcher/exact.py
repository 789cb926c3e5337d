"""The whole problem as one CP-SAT model: the oracle for small instances, and proof that a small plan is best.

Read from the Instance alone. One circuit per interval of availability orders its visits; a start per seat ties trips
to crews. It looks at nothing the engine made, so that engine, judge and oracle can find each other's mistakes.
"""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from ortools.sat.python import cp_model

from matcher import cost
from matcher.eligibility import lacking, request_starts, settled_requests, within_radius
from matcher.instance import Instance, Request
from matcher.plan import TERMS, Assignment
from matcher.travel import Place

Literal = cp_model.IntVar
Linear = cp_model.LinearExpr | int


@dataclass(frozen=True)
class Exact:
    """What the model found: assignments (None when it found no plan in time), cost by term, the bound, its size."""

    assignments: tuple[Assignment, ...] | None
    terms: dict[str, int]
    bound: int
    proven: bool
    size: str
    interrupted: bool = False


@dataclass(frozen=True, eq=False)
class _Visit:
    """One person in one seat in one interval."""

    request: Request
    seat: int
    v: int
    i: int
    taken: Literal


@dataclass(eq=False)
class _Terms:
    """The objective in the making, kept by term."""

    parts: dict[str, list[Linear]] = field(default_factory=lambda: {term: [] for term in TERMS})

    def add(self, term: str, points: Linear) -> None:
        self.parts[term].append(points)

    def total(self) -> Linear:
        return cp_model.LinearExpr.sum([part for parts in self.parts.values() for part in parts])

    def values(self, solver: cp_model.CpSolver) -> dict[str, int]:
        return {term: sum(int(solver.value(part)) for part in parts) for term, parts in self.parts.items()}


def exact(
    instance: Instance,
    seconds: float,
    seed: int = 1,
    *,
    threads: int = 2,
    hint: Iterable[Assignment] = (),
) -> Exact:
    """Solve the whole problem, at most `seconds` long; `hint` is a plan to begin with.

    To put a large model together may alone take longer.
    """
    began = time.perf_counter()
    model = Model(instance)
    model.hint(hint)
    return model.solved(seconds - (time.perf_counter() - began), seed, threads)


def terms_of(instance: Instance, assignments: Collection[Assignment]) -> dict[str, int] | None:
    """What a given plan costs by term, or None when it breaks a hard rule: the oracle's own judgement."""
    model = Model(instance)
    model.fix(assignments)
    found = model.solved(60.0, 1, 1)
    return found.terms if found.proven else None


class Model:
    """The CP-SAT model of an instance."""

    def __init__(self, instance: Instance) -> None:
        self.instance, self.model, self.terms = instance, cp_model.CpModel(), _Terms()
        hopeless = {request.id for request in settled_requests(instance)}
        self.settled = sum(instance.weights.unserved[r.priority] for r in instance.requests if r.id in hopeless)
        self.served: dict[str, Literal] = {}
        self.start: dict[str, cp_model.IntVar] = {}
        self.seat_start: dict[tuple[str, int], cp_model.IntVar] = {}
        self.visits: list[_Visit] = []
        for request in instance.requests:
            self._add_request(request, request.id in hopeless)
        for v in range(len(instance.volunteers)):
            self._add_person(v)
        self._add_keeping()
        self.model.minimize(self.terms.total())

    def solved(self, seconds: float, seed: int, threads: int) -> Exact:
        """Minimise the cost. Ctrl-C ends it with what has been found."""
        solver = cp_model.CpSolver()
        solver.parameters.max_time_in_seconds = max(0.01, seconds)
        solver.parameters.num_workers = threads
        solver.parameters.random_seed = seed
        solver.parameters.catch_sigint_signal = False
        status, interrupted = solve_aside(solver, self.model)
        if status == cp_model.MODEL_INVALID:
            raise AssertionError(self.model.validate())
        size = f"{len(self.model.proto.variables)} variables, {len(self.model.proto.constraints)} constraints"
        bound = self.settled
        if math.isfinite(solver.best_objective_bound):
            bound = max(bound, math.ceil(solver.best_objective_bound - 1e-6))
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            return Exact(None, {}, bound, False, size, interrupted)
        terms = self.terms.values(solver)
        return Exact(tuple(self.assignments(solver)), terms, bound, status == cp_model.OPTIMAL, size, interrupted)

    # requests and their crews

    def _add_request(self, request: Request, hopeless: bool) -> None:
        weights = self.instance.weights
        price = weights.unserved[request.priority]
        spans = request_starts(self.instance, request)
        if hopeless:
            self.terms.add("unserved", price)
            return
        served = self.served[request.id] = self.model.new_bool_var(f"served {request.id}")
        start = self.start[request.id] = self.model.new_int_var_from_domain(
            cp_model.Domain.from_intervals(spans), f"start {request.id}"
        )
        self.terms.add("unserved", price - price * served)
        for k, seat in enumerate(request.seats):
            low, high = seat.lag
            seat_start = self.seat_start[request.id, k] = self.model.new_int_var(
                spans[0][0] + low, spans[-1][1] + high, f"start {request.id}/{k}"
            )
            self.model.add_linear_constraint(seat_start - start, low, high)
            crew = self._add_visits(request, k)
            if seat.optional:
                self.model.add(sum(crew) <= served)
                self.terms.add("unserved", weights.optional_seat * (served - sum(crew)))
            else:
                self.model.add(sum(crew) == served)
        self._add_one_seat_each(request)
        self._order_like_seats(request)
        self._add_lateness(request, served, start, spans[-1][1])

    def _add_visits(self, request: Request, k: int) -> list[Literal]:
        crew = []
        for v, person in enumerate(self.instance.volunteers):
            if person.id in request.forbidden or lacking(request, k, person) is not None:
                continue
            for i, interval in enumerate(person.availability):
                if within_radius(self.instance, request, person, interval):
                    taken = self.model.new_bool_var(f"{person.id}.{i} {request.id}/{k}")
                    self.visits.append(_Visit(request, k, v, i, taken))
                    crew.append(taken)
        return crew

    def _add_one_seat_each(self, request: Request) -> None:
        for v in range(len(self.instance.volunteers)):
            own = [visit.taken for visit in self.visits if visit.request is request and visit.v == v]
            if len(own) > 1:
                self.model.add_at_most_one(own)

    def _order_like_seats(self, request: Request) -> None:
        """Seats that ask for the same are filled in the order of the volunteers: nothing is lost but copies."""
        if any(pin.request == request.id and pin.seat is not None for pin in self.instance.pinned):
            return
        for k, (one, two) in enumerate(zip(request.seats, request.seats[1:], strict=False)):
            if one == two:
                difference = self._rank(request, k) - self._rank(request, k + 1)
                self.model.add_linear_constraint(difference, 0, cp_model.INT32_MAX)

    def _rank(self, request: Request, k: int) -> Linear:
        """0 for an empty seat, else one more than the number of its volunteer."""
        own = [visit for visit in self.visits if visit.request is request and visit.seat == k]
        return cp_model.LinearExpr.weighted_sum([one.taken for one in own], [one.v + 1 for one in own])

    def _add_lateness(self, request: Request, served: Literal, start: cp_model.IntVar, last: int) -> None:
        if request.due is None or (most := cost.late_points(self.instance, request, last)) == 0:
            return
        late = self.model.new_int_var(0, most, f"late {request.id}")
        rate = self.instance.weights.late
        end = start + max(request.seats[k].lag[0] + request.seat_minutes(k) for k in request.required_seats)
        self.model.add(late >= rate * (end - request.due)).only_enforce_if(served)
        self.terms.add("late", late)

    # people and their trips

    def _add_person(self, v: int) -> None:
        instance, weights = self.instance, self.instance.weights
        person = instance.volunteers[v]
        by_day: dict[int, list[tuple[Linear, Linear]]] = {}
        for i, interval in enumerate(person.availability):
            own = [visit for visit in self.visits if (visit.v, visit.i) == (v, i)]
            if own:
                travel = self._add_trip(v, i, own)
                service = sum(visit.request.seat_minutes(visit.seat) * visit.taken for visit in own)
                count = sum(visit.taken for visit in own)
                by_day.setdefault(instance.day(interval.start), []).append((count, travel + service))
                self.terms.add("travel", weights.travel * travel)
            for visit in own:
                continuity = cost.continuity_points(weights, visit.request, person)
                self.terms.add("continuity", continuity * visit.taken)
                self.terms.add("affinity", cost.affinity_points(visit.request, person) * visit.taken)
        for trips in by_day.values():
            if person.max_requests_per_day is not None:
                self.model.add(sum(count for count, _ in trips) <= person.max_requests_per_day)
            if person.max_minutes_per_day is not None:
                self.model.add(sum(minutes for _, minutes in trips) <= person.max_minutes_per_day)
        whole = [minutes for trips in by_day.values() for _, minutes in trips]
        if whole:
            if person.max_minutes is not None:
                self.model.add(sum(whole) <= person.max_minutes)
            self._add_fairness(v, sum(whole))

    def _add_fairness(self, v: int, minutes: Linear) -> None:
        person, weights = self.instance.volunteers[v], self.instance.weights
        target, before = person.target_minutes, person.history_minutes
        self.terms.add("fairness", -cost.load_points(weights, target, before))
        for slope, above in zip(weights.fairness, (target, target * 3 // 2, target * 2), strict=True):
            if slope:
                excess = self.model.new_int_var(0, cp_model.INT32_MAX, f"above {above} {person.id}")
                self.model.add(excess >= before + minutes - above)
                self.terms.add("fairness", slope * excess)

    def _add_trip(self, v: int, i: int, own: Sequence[_Visit]) -> Linear:
        """One circuit through the interval's starting point; returns its travel minutes."""
        person = self.instance.volunteers[v]
        interval = person.availability[i]
        home, mode = person.origin_of(interval), person.mode_of(interval)
        idle = self.model.new_bool_var(f"idle {person.id}.{i}")
        arcs: list[tuple[int, int, cp_model.LiteralT]] = [(0, 0, idle)]
        travel: list[Linear] = []

        def leg(origin: int, destination: int, start: Place, end: Place, name: str) -> tuple[Literal, int]:
            used = self.model.new_bool_var(f"{person.id}.{i} {name}")
            minutes = self.instance.travel.minutes(start, end, mode)
            arcs.append((origin, destination, used))
            travel.append(minutes * used)
            return used, minutes

        for n, visit in enumerate(own, start=1):
            arcs.append((n, n, ~visit.taken))
            start = self.seat_start[visit.request.id, visit.seat]
            out, minutes = leg(0, n, home, visit.request.at, f"to {n}")
            self.model.add(start >= interval.start + minutes).only_enforce_if(out)
            self._not_before_now(visit, out, minutes)
            back, minutes = leg(n, 0, visit.request.leaves_from, home, f"from {n}")
            end = start + visit.request.seat_minutes(visit.seat)
            self.model.add(end + minutes <= interval.end).only_enforce_if(back)
            # Said directly too: with journeys of no minutes it follows from the chain, but only link by link.
            self.model.add(start >= interval.start).only_enforce_if(visit.taken)
            self.model.add(end <= interval.end).only_enforce_if(visit.taken)
            for m, after in enumerate(own, start=1):
                if after.request is not visit.request:
                    on, minutes = leg(n, m, visit.request.leaves_from, after.request.at, f"{n} to {m}")
                    follows = self.seat_start[after.request.id, after.seat]
                    self.model.add(follows >= end + minutes).only_enforce_if(on)
                    self._not_before_now(after, on, minutes)
        self.model.add_circuit(arcs)
        return sum(travel)

    def _not_before_now(self, visit: _Visit, used: Literal, minutes: int) -> None:
        """The way to a visit begins now or later, unless the visit keeps a pin that names its start."""
        now = self.instance.now
        if now is None:
            return
        person = self.instance.volunteers[visit.v]
        start = self.seat_start[visit.request.id, visit.seat]
        pin = self.instance.pin_of.get((visit.request.id, person.id))
        if pin is None or pin.start is None or pin.seat not in (None, visit.seat):
            self.model.add(start >= now + minutes).only_enforce_if(used)
            return
        begun = self.model.new_bool_var(f"begun {person.id} {visit.request.id}/{visit.seat}")
        self.model.add(start == pin.start).only_enforce_if(begun)
        self.model.add(start >= now + minutes).only_enforce_if(used, ~begun)

    # what was promised before

    def _add_keeping(self) -> None:
        instance = self.instance
        for entry in instance.published:
            points = cost.disturbance_points(instance, entry)
            low, high = entry.start - cost.STABLE_MINUTES, entry.start + cost.STABLE_MINUTES
            kept = self._kept(entry.request, entry.volunteer, None, low, high)
            self.terms.add("stability", points - points * kept)
        for pin in instance.pinned:
            kept = self._kept(pin.request, pin.volunteer, pin.seat, pin.start, pin.start)
            self.terms.add("pins", instance.weights.pin - instance.weights.pin * kept)

    def _kept(self, request: str, volunteer: str, seat: int | None, low: int | None, high: int | None) -> Linear:
        """1 when this person serves this request, in that seat and within those starts where they are given."""
        ways: list[Literal] = []
        for visit in self.visits:
            same = (visit.request.id, self.instance.volunteers[visit.v].id) == (request, volunteer)
            if not same or seat not in (None, visit.seat):
                continue
            if low is None or high is None:
                ways.append(visit.taken)
                continue
            kept = self.model.new_bool_var(f"kept {request} {volunteer} {visit.i}/{visit.seat}")
            self.model.add_implication(kept, visit.taken)
            start = self.seat_start[visit.request.id, visit.seat]
            self.model.add_linear_constraint(start, low, high).only_enforce_if(kept)
            ways.append(kept)
        return sum(ways)

    def hint(self, assignments: Iterable[Assignment]) -> None:
        """Begin from this plan."""
        planned = {(a.request, a.seat): a for a in assignments}
        for (id, k), start in self.seat_start.items():
            if (id, k) in planned:
                self.model.add_hint(start, planned[id, k].start)
                if k == 0:
                    self.model.add_hint(self.start[id], planned[id, k].start)
        if not planned:
            return
        for id, served in self.served.items():
            self.model.add_hint(served, (id, 0) in planned)
        for visit in self.visits:
            found = planned.get((visit.request.id, visit.seat))
            interval = self.instance.volunteers[visit.v].availability[visit.i]
            here = found is not None and found.volunteer == self.instance.volunteers[visit.v].id
            inside = found is not None and interval.start <= found.start and found.end <= interval.end
            self.model.add_hint(visit.taken, here and inside)

    def fix(self, assignments: Collection[Assignment]) -> None:
        """Allow this plan and no other; one that names what cannot be makes the model infeasible."""
        planned = {(a.request, a.seat, a.volunteer): a for a in assignments}
        found = set()
        for visit in self.visits:
            person = self.instance.volunteers[visit.v]
            a = planned.get((visit.request.id, visit.seat, person.id))
            interval = person.availability[visit.i]
            if a is None or not (interval.start <= a.start and a.end <= interval.end):
                self.model.add(visit.taken == 0)
                continue
            found.add(a)
            self.model.add(visit.taken == 1)
            self.model.add(self.seat_start[a.request, a.seat] == a.start)
        if len(found) < len(assignments):
            self.model.add_bool_or([])

    def assignments(self, solver: cp_model.CpSolver) -> list[Assignment]:
        """The plan found."""
        found = []
        for visit in self.visits:
            if solver.boolean_value(visit.taken):
                start = int(solver.value(self.seat_start[visit.request.id, visit.seat]))
                person = self.instance.volunteers[visit.v]
                end = start + visit.request.seat_minutes(visit.seat)
                found.append(Assignment(visit.request.id, visit.seat, person.id, start, end))
        return sorted(found)


def solve_aside(solver: cp_model.CpSolver, model: cp_model.CpModel) -> tuple[cp_model.CpSolverStatus, bool]:
    """Solve in a second thread, so that this one hears Ctrl-C; the status, and whether it did."""
    with ThreadPoolExecutor(max_workers=1) as aside:
        solving = aside.submit(solver.solve, model)
        try:
            return solving.result(), False
        except KeyboardInterrupt:
            solver.stop_search()
            return solving.result(), True
