"""Where judge, oracle, engine and brute force meet on one instance, and the first thing they disagree about."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random

from hypothesis import HealthCheck, Phase, given, settings

from matcher import Assignment, Instance, judge, solve
from matcher.eligibility import settled_requests
from matcher.exact import exact, terms_of
from tests.matcher.brute import cheapest
from tests.matcher.strategies import instances

QUIET = settings(deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
"""The same examples in every run, and no limit on how long one takes."""


def disagreement(day: Instance, *, brute: bool = False, mutants: int = 0, steps: int = 20) -> str | None:
    """What two of them disagree about, or None."""
    oracle = exact(day, 60.0, threads=1)
    if not oracle.proven or oracle.assignments is None:
        return "the oracle proves nothing"
    cost = sum(oracle.terms.values())
    if brute and (tried := cheapest(day)) != cost:
        return f"brute force finds {tried}, the oracle {cost}"
    for engine in ("exact", "search"):
        plan = solve(day, seconds=60, seed=1, steps=steps, threads=1, engine=engine)
        verdict = judge(day, plan)
        if verdict.violations:
            return f"the judge on the plan of {engine}: {verdict.violations[0].because}"
        if plan.cost < cost or (engine == "exact" and plan.cost != cost):
            return f"{engine} finds {plan.cost}, the oracle {cost}"
    tempting = list(lawless(day)) if mutants else []
    for changed in [*tempting, *mutated(day, oracle.assignments, Random(day.name + str(cost)), mutants)]:
        said = _judged(day, changed)
        model = terms_of(day, changed)
        if said != model:
            return f"the judge says {said}, the model {model} of {changed}"
    return None


def _judged(day: Instance, assignments: tuple[Assignment, ...]) -> dict[str, int] | None:
    """The judge's terms, or None when a hard rule is broken."""
    plan = replace(solve(day, seconds=60, steps=0, engine="search"), assignments=assignments)
    verdict = judge(day, plan)
    return None if any(v.rule != "figures" for v in verdict.violations) else verdict.terms


def lawless(day: Instance) -> Iterator[tuple[Assignment, ...]]:
    """The best plans if nobody had caps, and if no time had passed yet: what is tempting, and often forbidden."""
    free = tuple(
        replace(v, max_requests_per_day=None, max_minutes_per_day=None, max_minutes=None) for v in day.volunteers
    )
    hopeless = {request.id for request in settled_requests(day)}
    for easier in (replace(day, volunteers=free), replace(day, now=None)):
        if easier != day:
            yield tuple(a for a in exact(easier, 60.0, threads=1).assignments or () if a.request not in hopeless)


def mutated(
    day: Instance, assignments: tuple[Assignment, ...], rng: Random, count: int
) -> Iterator[tuple[Assignment, ...]]:
    """The plan, changed a little: a start shifted, somebody else sent, a seat emptied or filled."""
    open_requests = set(day.request_index) - {request.id for request in settled_requests(day)}
    seats = [(r.id, k) for r in day.requests if r.id in open_requests for k in range(len(r.seats))]
    for _ in range(count if seats else 0):
        plan = {(a.request, a.seat): a for a in assignments}
        for _ in range(rng.randint(1, 2)):
            id, k = rng.choice(list(plan) or seats)
            if rng.random() < 0.2:
                id, k = rng.choice(seats)
            old = plan.get((id, k))
            start = old.start if old else rng.choice([w.start for w in day.request(id).windows])
            person = old.volunteer if old else rng.choice(day.volunteers).id
            match rng.randrange(4):
                case 0 | 1:
                    start += rng.choice((-31, -5, -1, 1, 5, 10, 31))
                case 2:
                    person = rng.choice(day.volunteers).id
                case 3:
                    plan.pop((id, k), None)
                    continue
            plan[id, k] = Assignment(id, k, person, start, start + day.request(id).seat_minutes(k))
        yield tuple(sorted(plan.values()))


def drawn(count: int, requests: int, volunteers: int) -> list[Instance]:
    """So many instances of the strategy, always the same ones."""
    found: list[Instance] = []

    @settings(QUIET, max_examples=count, phases=[Phase.generate])
    @given(instances(requests, volunteers))
    def collect(day: Instance) -> None:
        found.append(day)

    collect()
    return found
