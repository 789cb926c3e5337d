"""Engine, judge, oracle and brute force meet on random instances; a fault planted in any of them is found."""

import statistics
import time
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest

from matcher import Instance, judge, read_instance, solve
from matcher.exact import Exact, Model, exact, terms_of
from scenarios import generate
from scenarios.generator import EVERYTHING, TEAMS
from tests.builders import instance, request, volunteer
from tests.matcher.meeting import disagreement, drawn
from tests.samples import sample

costs, judging, modelling, tables, search = (
    import_module(f"matcher.{name}") for name in ("cost", "judge", "exact", "engine.tables", "engine.search")
)

CASES = sorted((Path(__file__).parent / "cases").glob("*.json"))


@pytest.mark.prove("oracle")
def test_brute_force_and_the_oracle_agree():
    """Up to 3 requests and 3 volunteers: trying everything finds what the model proves; mutants are judged alike."""
    for n, day in enumerate(drawn(sample("oracle", 40, 2000), 3, 3)):
        assert disagreement(day, brute=True, mutants=3) is None, n


@pytest.mark.prove("oracle")
def test_the_oracle_proves_and_the_judge_agrees(record_property):
    """Up to 6 requests and 5 volunteers: every optimum proven, clean, and no engine below it."""
    seconds = []
    for n, day in enumerate(drawn(sample("oracle", 25, 2000), 6, 5)):
        began = time.perf_counter()
        assert exact(day, 60).proven
        seconds.append(time.perf_counter() - began)
        assert disagreement(day) is None, n
    record_property("oracle median s", round(statistics.median(seconds), 3))
    record_property("oracle worst s", round(max(seconds), 2))


@pytest.mark.prove("oracle")
def test_larger_instances_are_proven_too(record_property):
    """Up to 12 requests and 10 volunteers with every feature of the format."""
    seconds = []
    for seed in range(sample("oracle", 6, 200)):
        day = generate(6 + seed % 7, 5 + seed % 6, days=1 + seed % 2, seed=seed, **EVERYTHING)
        began = time.perf_counter()
        assert exact(day, 120).proven
        seconds.append(time.perf_counter() - began)
        assert disagreement(day, steps=60) is None, seed
    record_property("oracle median s", round(statistics.median(seconds), 3))
    record_property("oracle worst s", round(max(seconds), 2))


@pytest.mark.prove("oracle-12")
def test_how_many_days_of_twelve_by_twelve_with_teams_are_proven(record_property):
    """12 x 12 with teams: the share proven in 60 s, and how large the model is. Every bound is below its cost."""
    proven, seconds, size = 0, [], ""
    count = sample("oracle-12", 2, 20)
    for seed in range(count):
        day = generate(12, 12, seed=seed, **TEAMS)
        began = time.perf_counter()
        found = exact(day, sample("oracle-12", 5, 60))
        seconds.append(time.perf_counter() - began)
        assert found.assignments is not None and found.bound <= sum(found.terms.values())
        proven, size = proven + found.proven, found.size
    record_property("proven", f"{proven}/{count}")
    record_property("median s", round(statistics.median(seconds), 2))
    record_property("model", size)


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_what_a_case_taught_is_kept(file):
    """Each file is a case that was once wrong, shrunk; its note says what it taught."""
    day = read_instance(file)
    assert day.note
    assert disagreement(day, brute=len(day.requests) <= 3, mutants=5) is None


def test_small_instances_are_solved_exactly_without_being_asked():
    """Two requests, one volunteer: `solve` says optimal, by the exact engine, and stops at once."""
    day = instance([volunteer("ada")], [request("R1", "09:00-12:00"), request("R2", "09:00-12:00")])
    plan = solve(day, seconds=60)
    assert (plan.status, plan.engine.split()[1], plan.bound) == ("optimal", "exact", plan.cost)
    assert plan.seconds < 30 and judge(day, plan).holds


def test_what_the_exact_model_proves_stands_even_when_its_plan_is_not_taken():
    """Two rounds of search with the exact engine off: only what is settled is proven; asked for, it is all proven."""
    day = generate(8, 8, seed=1)
    by_search = solve(day, seconds=60, steps=2, engine="search")
    by_model = solve(day, seconds=60, engine="exact")
    assert by_search.bound == by_search.settled <= by_model.bound == by_model.cost <= by_search.cost


def test_to_put_the_model_together_is_part_of_the_time(monkeypatch):
    whole, given = Model.solved, []

    def solved(self: Model, seconds: float, *more: int) -> Exact:
        given.append(seconds)
        return whole(self, seconds, *more)

    monkeypatch.setattr(Model, "hint", lambda self, hint: time.sleep(0.3))
    monkeypatch.setattr(Model, "solved", solved)
    assert exact(instance([volunteer("ada")], [request("R1", "09:00")]), 5.0).proven
    assert 0 < given[0] <= 4.7


def test_a_plan_the_model_cannot_hold_has_no_terms():
    """Ada in two places at once breaks a rule; one of the two alone costs 2 x 20 x 10 travel and 3000 unserved."""
    day = instance([volunteer("ada")], [request("R1", "09:00"), request("R2", "09:00")])
    plan = solve(day, seconds=60, engine="exact")
    one = plan.assignments[0]
    other = replace(one, request="R2" if one.request == "R1" else "R1")
    assert terms_of(day, [one, other]) is None
    found = terms_of(day, [one])
    assert found is not None and (found["travel"], found["unserved"]) == (400, 3000)


# Faults planted one at a time. The suite must see each.


def _no_caps(monkeypatch):
    monkeypatch.delitem(judging.RULES, "caps")


def _no_now(monkeypatch):
    monkeypatch.delitem(judging.RULES, "now")


def _no_skills(monkeypatch):
    monkeypatch.setattr(judging, "lacking", lambda request, seat, volunteer: None)


def _judge_forgets_the_way_home(monkeypatch):
    whole = judging.Case.legs
    monkeypatch.setattr(judging.Case, "legs", lambda self, trip: [*whole(self, trip)[:-1], 0])


def _judge_is_a_minute_lenient_on_lags(monkeypatch):
    rule = judging.start

    def lenient(case):
        return (v for v in rule(case) if "min after the request" not in v.because)

    en, zh, _ = judging.RULES["start"]
    monkeypatch.setitem(judging.RULES, "start", (en, zh, lenient))


def _half_an_hour_is_29_minutes_to_the_oracle(monkeypatch):
    rule = Model._kept

    def narrower(self, request, volunteer, seat, low, high):
        shorter = high is not None and high > low
        return rule(self, request, volunteer, seat, low, high - 1 if shorter else high)

    monkeypatch.setattr(Model, "_kept", narrower)


def _continuity_twice_in_the_oracle(monkeypatch):
    add = modelling._Terms.add
    twice = lambda self, term, points: [add(self, term, points) for _ in range(1 + (term == "continuity"))]  # noqa: E731
    monkeypatch.setattr(modelling._Terms, "add", twice)


def _oracle_leaves_before_now(monkeypatch):
    monkeypatch.setattr(Model, "_not_before_now", lambda self, visit, used, minutes: None)


def _one_and_a_half_times_is_rounded_up(monkeypatch):
    def rounded_up(weights, target, load):
        one, two, three = weights.fairness
        above = max(0, load - -(-target * 3 // 2))
        return one * max(0, load - target) + two * above + three * max(0, load - 2 * target)

    monkeypatch.setattr(costs, "load_points", rounded_up)


def _late_by_the_latest_lag(monkeypatch):
    def by_the_latest(instance, request, start):
        if request.due is None:
            return 0
        end = start + max(request.seats[k].lag[1] + request.seat_minutes(k) for k in request.required_seats)
        return instance.weights.late * max(0, end - request.due)

    monkeypatch.setattr(costs, "late_points", by_the_latest)


def _engine_forgets_caps(monkeypatch):
    monkeypatch.setattr(tables, "_cap", lambda cap: tables.FAR_OFF)


def _engine_counts_wishes_twice(monkeypatch):
    count = search.Search._count_visit

    def twice(self, points, assignment):
        before = points["affinity"]
        count(self, points, assignment)
        points["affinity"] += points["affinity"] - before

    monkeypatch.setattr(search.Search, "_count_visit", twice)


FAULTS = [
    _no_caps,
    _no_now,
    _no_skills,
    _judge_forgets_the_way_home,
    _judge_is_a_minute_lenient_on_lags,
    _half_an_hour_is_29_minutes_to_the_oracle,
    _continuity_twice_in_the_oracle,
    _oracle_leaves_before_now,
    _one_and_a_half_times_is_rounded_up,
    _late_by_the_latest_lag,
    _engine_forgets_caps,
    _engine_counts_wishes_twice,
]


def _ends_late_at_its_most(day: Instance) -> bool:
    """Some request is due, and a seat of it begins within a range."""
    return any(r.due is not None and any(one.lag[0] < one.lag[1] for one in r.seats) for r in day.requests)


SEEN_BY = {_late_by_the_latest_lag: _ends_late_at_its_most}
"""On which days a fault may show that shows on few; the others need not be tried."""


@pytest.fixture(scope="module")
def some() -> list[Instance]:
    return drawn(600, 3, 3)


@pytest.mark.parametrize("plant", FAULTS, ids=lambda plant: plant.__name__.strip("_"))
def test_a_planted_fault_is_found(plant, some, monkeypatch, record_property):
    plant(monkeypatch)
    days = filter(SEEN_BY.get(plant), some)
    found = next((n for n, day in enumerate(days) if disagreement(day, brute=True, mutants=3) is not None), None)
    assert found is not None
    record_property("found at", found)
