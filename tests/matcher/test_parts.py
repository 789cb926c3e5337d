"""A plan searched part by part: parts cost what they cost in the whole, and nothing is lost between them."""

import time
from dataclasses import replace
from itertools import count
from random import Random

import pytest

from matcher import Instance, Plan, judge
from matcher.eligibility import settled_requests
from matcher.engine import bound, parts, solver
from matcher.engine.bound import Bound
from matcher.engine.compile import compile_kernels
from matcher.engine.labels import LABELS
from matcher.engine.pricing import Pricer
from matcher.engine.search import Search
from matcher.engine.tables import Tables
from scenarios import generate
from scenarios.generator import EVERYTHING, FULL_COST, TEAMS
from tests.matcher.test_search import check


@pytest.fixture(scope="module", autouse=True)
def kernels():
    compile_kernels()


def begun(day: Instance, rounds: int = 200) -> Search:
    found = Search(Tables(day), seed=1)
    found.insert_by_regret()
    found.improve(rounds=rounds)
    return found


def days() -> list[Instance]:
    return [
        generate(60, 80, days=2, seed=seed, **features)
        for seed in range(4)
        for features in (EVERYTHING, {**FULL_COST, **TEAMS})
    ]


def test_what_parts_gain_the_whole_gains():
    """Partners who live elsewhere, promises and pins cost in a part what they cost in the whole."""
    gained = elsewhere = 0
    for day in days():
        whole = begun(day)
        luck = Random(day.name)
        before, plan = whole.best_cost, whole.best()
        divided = parts._divided(whole.tables, plan, parts._part_of(whole.tables, 3, luck), luck)
        found, gains = [], 0
        for part, own in divided:
            search = Search(Tables(part), seed=1)
            search.begin_from(own)
            assert search.best() == sorted(own)
            was = search.best_cost
            search.improve(rounds=300)
            check(part, search)
            found += search.best()
            gains += was - search.best_cost
            elsewhere += sum(not volunteer.availability for volunteer in part.volunteers)
        after = Search(whole.tables, seed=1)
        after.begin_from(found)
        check(day, after)
        assert after.best_cost == before - gains
        gained += gains
    assert gained > 0 and elsewhere > 0


def test_nobody_and_nothing_is_in_two_parts():
    for day in days():
        tables = Tables(day)
        luck = Random(1)
        plan = begun(day, 20).best()
        divided = parts._divided(tables, plan, parts._part_of(tables, 4, luck), luck)
        people = [v.id for part, _ in divided for v in part.volunteers if v.availability]
        wanted = [r.id for part, _ in divided for r in part.requests]
        assert len(people) == len(set(people)) and len(wanted) == len(set(wanted))
        assert sorted(a for _, own in divided for a in own) == sorted(plan)
        assert len(divided) > 1


def test_searched_in_parts_a_plan_gets_better_and_without_time_it_stays(monkeypatch):
    monkeypatch.setattr(parts, "PEOPLE", 20)
    for day in days()[:2]:
        whole = begun(day, 20)
        plan, before, asked = whole.best(), whole.best_cost, count(1)
        assert parts.searched_in_parts(whole.tables, plan, lambda: 0.0, 2, 1, 40.0, 1.0) == sorted(plan)
        for threads in (1, 2):  # time is what is asked for it, so that nothing depends on how fast the machine is

            def left(asked: count = asked, end: int = 300 * threads) -> float:
                return max(0.0, float(end - next(asked)))

            whole.begin_from(parts.searched_in_parts(whole.tables, whole.best(), left, threads, 1, 40.0, 1.0))
            check(day, whole)
        assert whole.best_cost < before


@pytest.mark.parametrize("vast", [True, False], ids=["parts alone", "parts, then regions"])
def test_a_large_instance_is_dived_for_and_searched_in_parts(monkeypatch, vast):
    """Small ones stand for large ones: what is judged is the way there, not how good it is."""
    searched = []
    monkeypatch.setattr(solver, "MANY_ROWS", 0)
    monkeypatch.setattr(solver, "VAST_JOBS", 0 if vast else 1 << 60)
    monkeypatch.setattr(bound, "MANY_PEOPLE", 0)
    monkeypatch.setattr(solver, "searched_in_parts", lambda *a: searched.append(1) or parts.searched_in_parts(*a))
    day = generate(40, 50, seed=3, **FULL_COST, **TEAMS)
    plan = solver.solve(day, seconds=6.0, gap=0.0, engine="search", threads=2)
    assert searched and judge(day, plan).violations == ()
    assert plan.bound > plan.settled


@pytest.mark.parametrize("takes", [0.0, 47.0, 1e6], ids=["soon over", "long", "too long"])
def test_rough_prices_leave_time_for_the_round_to_the_point(monkeypatch, takes):
    """However long it takes, a less rough stage comes before it; with few labels if it would not end in time."""
    went, labels = [], []
    less_roughly = Bound.less_roughly

    def noted(self: Bound, left: float | None, at_once: bool = False, **named: object) -> None:
        went.append((self.rough, at_once))
        labels.append(self.labels)
        less_roughly(self, left, at_once, **named)

    monkeypatch.setattr(Bound, "less_roughly", noted)
    monkeypatch.setattr(Bound, "reckoned", lambda self, labels, seconds: takes)
    plan, day = proven_at_once(monkeypatch)
    first = [at_once for _, at_once in went].index(True)  # dives price roughly too, later on
    assert went[: first + 1] == [(1, False), (2, True)]
    assert labels[first] == LABELS * solver.SHARES[takes > 60.0]
    assert judge(day, plan).violations == () and plan.bound > plan.settled


def test_the_round_to_the_point_leaves_time_for_a_selection(monkeypatch):
    """Of 60 seconds it may have nine tenths, but three quarters where a selection is not worth beginning with less."""
    given = []
    less_roughly, started = Bound.less_roughly, 0.0

    def noted(self: Bound, left: float | None, at_once: bool = False, **named: object) -> None:
        if at_once:
            given.append(time.perf_counter() - started + left)
        less_roughly(self, left, at_once, **named)

    monkeypatch.setattr(Bound, "less_roughly", noted)
    monkeypatch.setattr(Bound, "reckoned", lambda self, labels, seconds: 0.0)
    for seconds in (0.0, 1e6):
        monkeypatch.setattr(solver, "SELECT_SECONDS", seconds)
        started = time.perf_counter()
        proven_at_once(monkeypatch)
    assert len(given) == 2 and given[1] < 48.0 < 52.0 < given[0]


def test_where_no_time_is_left_even_to_hope_nothing_is_proven(monkeypatch, caplog):
    def late(*given: object) -> None:
        raise TimeoutError

    compile_kernels()  # which hopes too
    monkeypatch.setattr(Bound, "reckoned", lambda self, labels, seconds: 0.0)
    monkeypatch.setattr(Pricer, "hoped", late)
    plan, day = proven_at_once(monkeypatch, seconds=6.0)
    assert judge(day, plan).violations == () and plan.bound == plan.settled
    assert "nothing is proven" in caplog.text


def proven_at_once(monkeypatch: pytest.MonkeyPatch, seconds: float = 60.0) -> tuple[Plan, Instance]:
    """A small instance treated like a large one, until something of it is proven."""

    def proven(told: solver.Progress) -> None:
        if told.bound > 0:
            raise KeyboardInterrupt

    monkeypatch.setattr(solver, "MANY_JOBS", 0)
    monkeypatch.setattr(solver, "LARGEST_TREE", 0)
    monkeypatch.setattr(bound, "MANY_JOBS", 0)
    day = generate(40, 50, seed=3, **FULL_COST, **TEAMS)
    day = replace(day, requests=tuple(request for request in day.requests if request not in settled_requests(day)))
    return solver.solve(day, seconds=seconds, gap=0.0, engine="search", threads=2, progress=proven), day


def test_of_nothing_nothing_comes():
    day = generate(3, 4, seed=1)
    assert parts.searched_in_parts(Tables(day), [], lambda: 0.0, 2, 1, 40.0, 1.0) == []
