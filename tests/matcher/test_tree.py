"""Buckets, choices and the tree: what is proven under them, and whole plans made of schedules."""

import subprocess
import sys
import time
from dataclasses import replace

import pytest

from matcher import judge, judge_proof, read_proof, solve, write_proof
from matcher.engine import forget_stale_kernels
from matcher.engine.bound import Bound
from matcher.engine.compile import compile_kernels
from matcher.engine.grid import Grid
from matcher.engine.master import Master
from matcher.engine.pricing import Pricer
from matcher.engine.search import Search
from matcher.engine.selection import Selection, assigned
from matcher.engine.tables import Tables
from matcher.engine.tree import Tree
from matcher.exact import exact
from matcher.proof import Proof, Split, first_leaf, proven_bound
from scenarios import generate
from scenarios.generator import EVERYTHING, FULL_COST, TEAMS
from tests.builders import pinned
from tests.matcher.meeting import drawn
from tests.samples import sample


@pytest.fixture(scope="module", autouse=True)
def kernels():
    """Nothing here waits in the background for a compiler."""
    compile_kernels()


def bound_of(day, rounds: int = 30) -> tuple[Bound, Search]:
    """Prices in some rounds, buckets cut as they ask for it, and a first plan."""
    tables = Tables(day)
    search = Search(tables, 1)
    search.insert_by_regret()
    bound = Bound(Pricer(tables, 1), search.best())
    for _ in range(rounds):
        if bound.done and not bound.refine():
            break
        bound.step()
        bound.refine()
    return bound, search


@pytest.mark.prove("tree")
def test_a_tree_proves_no_more_than_the_optimum_and_its_file_says_the_same(record_property, tmp_path):
    """All features, tiny: split a few times, the least leaf stays below the best plan, and the slow judge agrees."""
    split = closed = 0
    for n, day in enumerate(drawn(sample("tree", 40, 1000), 4, 4)):
        best = sum(exact(day, 60.0, threads=1).terms.values())
        bound, search = bound_of(day, 8)
        tree = Tree(bound)
        before = tree.proven
        for _ in range(3):
            if tree.stuck or tree.proven >= search.best_cost:
                break
            tree.step(lambda: 60.0, search.best_cost)
        claimed = min(tree.proven, search.best_cost)
        assert before <= claimed <= best, n
        made = tree.tree()
        assert proven_bound(day, made) >= claimed, n
        write_proof(Proof(day.name, claimed, made), day, tmp_path / "proof.json")
        assert read_proof(tmp_path / "proof.json", day).tree == made
        split, closed = split + isinstance(made, Split), closed + (before < claimed)
    record_property("split", split)
    record_property("raised", closed)
    assert split > 0


def test_cutting_buckets_raises_the_bound_of_crews():
    """One price a seat over the whole window lets half crews come at different times; cut, it does not."""
    day = generate(24, 30, seed=3, **FULL_COST, **{**TEAMS, "team_share": 0.5})
    bound, search = bound_of(day, 0)
    while not bound.done:
        bound.step()
    whole, size = bound.proven, bound.grid.size
    for _ in range(60):
        if bound.done and not bound.refine():
            break
        bound.step()
    assert bound.grid.size > size
    assert whole < bound.proven <= search.best_cost


def test_prices_come_back_from_a_proof():
    """What a leaf says of a grid's own prices is those prices again, so that an earlier proof can be gone on from."""
    day = generate(20, 25, seed=5, **FULL_COST, **TEAMS)
    bound, _ = bound_of(day, 12)
    grid, points = bound.proven_at
    again = grid.points_of(first_leaf(grid.leaf(points)))
    assert (again == points).all()
    assert Grid(bound.tables).points_of(grid.leaf(points)).shape == (Grid(bound.tables).size,)


@pytest.mark.parametrize("crews", [{}, TEAMS], ids=["singles", "crews"])
@pytest.mark.parametrize("regional", [0, 12, 200], ids=["at once", "by regions", "by one region"])
def test_a_selection_is_a_whole_plan_no_dearer_than_the_one_it_began_from(monkeypatch, crews, regional):
    monkeypatch.setattr("matcher.engine.regions.PEOPLE", regional)
    day = generate(40, 50, seed=2, **FULL_COST, **crews)
    bound, search = bound_of(day, 25)
    bound.tighten()
    bound.step()
    end = time.perf_counter() + 5.0
    selection = Selection(bound, search.best(), lambda: end - time.perf_counter())
    selection.hold()
    schedules = selection.by_regions(threads=2, seed=1) if regional else selection.prepare(times=0)()
    after = Search(bound.tables, seed=1)
    after.begin_from(assigned(bound.tables, schedules))
    assert bound.proven <= after.best_cost <= search.best_cost
    assert after.served() >= search.served()


@pytest.mark.parametrize("others", [0, 3], ids=["the first", "after others"])
def test_a_dive_finds_a_whole_plan_of_its_own_which_regions_make_cheaper(others):
    """Crews then begin when they do in the new plan, and not when they were held to."""
    day = generate(40, 50, seed=2, **FULL_COST, **TEAMS)
    bound, search = bound_of(day, 25)
    selection = Selection(bound, search.best(), lambda: 60.0)
    selection.hold(3)
    dived = Search(bound.tables, seed=1)
    dived.begin_from(assigned(bound.tables, selection.dive(others)))
    dived.insert_rest()
    assert bound.proven <= dived.best_cost <= 1.1 * search.best_cost
    assert dived.served() >= 0.9 * search.served()
    starts = {a.request: a.start for a in dived.best() if a.seat == 0}
    selection.adopt(dived.best())
    after = Search(bound.tables, seed=1)
    after.begin_from(assigned(bound.tables, selection.by_regions(threads=2, seed=1)))
    assert bound.proven <= after.best_cost <= dived.best_cost
    crews = {request.id for request in day.requests if len(request.seats) > 1}
    assert all(starts.get(a.request, a.start) == a.start for a in after.best() if a.seat == 0 and a.request in crews)


def test_a_first_plan_keeps_every_pin_that_can_be_kept():
    """The generator pins whole crews of a plan that holds, so all can be."""
    for seed in range(6):
        day = generate(60, 80, days=2, seed=seed, **EVERYTHING)
        plan = solve(day, seconds=1.0, engine="search")
        assert day.pinned and plan.broken_pins == ()


def test_a_solve_starts_from_an_earlier_plan_and_its_proof():
    """The very same instance: nothing is lost, and the proof's prices prove again what they proved."""
    day = generate(40, 60, seed=4, **FULL_COST, team_share=0.2)
    proofs = []
    first = solve(day, seconds=6, proof=proofs.append)
    again = solve(day, seconds=6, start=first, start_proof=proofs[0])
    assert judge(day, again).violations == ()
    assert again.cost <= first.cost
    assert again.bound >= first.bound * 0.99


def test_a_solve_with_crews_proves_by_a_tree_what_its_file_shows(tmp_path):
    """Small enough that the slow judge can follow: the tree's bound is what the plan states."""
    day = generate(9, 8, seed=6, team_share=0.4)
    proofs = []
    plan = solve(day, seconds=8, gap=0.0, engine="search", proof=proofs.append)
    proven, wrong = judge_proof(day, plan, proofs[0])
    assert not wrong and plan.bound <= proven
    assert judge(day, plan).violations == ()


@pytest.mark.parametrize(
    "order", [("highspy", "ortools.sat.python.cp_model"), ("ortools.sat.python.cp_model", "highspy")]
)
def test_both_solvers_load_in_either_order(order):
    """They bring copies of one library; a version of highspy that cannot live beside OR-Tools must not slip in."""
    code = f"""
import {order[0]}, {order[1]}
import highspy
from ortools.sat.python import cp_model
h = highspy.Highs(); h.setOptionValue("output_flag", False)
h.addVar(1.0, 5.0); h.changeColCost(0, 2.0); h.run()
assert h.getInfo().objective_function_value == 2.0
model = cp_model.CpModel(); x = model.new_int_var(1, 5, "x"); model.minimize(2 * x)
solver = cp_model.CpSolver(); assert solver.solve(model) == cp_model.OPTIMAL and solver.objective_value == 2
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


@pytest.mark.parametrize("steps", [None, 20], ids=["seconds", "steps"])
@pytest.mark.parametrize("small", [True, False], ids=["small", "large"])
def test_prices_wait_for_their_kernels_as_long_as_there_is_time(small, steps, monkeypatch, caplog):
    """Counted steps wait as long as it takes. When they are not ready, that is said, and what is settled is proven."""
    waits: list[float | None] = []
    monkeypatch.setattr("matcher.engine.solver.compiled", waits.append)
    day, proofs = generate(3, 3, seed=1) if small else generate(40, 50, seed=1), []
    plan = solve(day, seconds=4, steps=steps, proof=proofs.append)
    assert waits == [None] if steps else len(waits) == 1 and 0 < waits[0] < 4
    assert plan.bound == plan.settled == proofs[0].bound
    assert "nothing is proven by prices: the engine is not compiled" in caplog.text


@pytest.mark.parametrize("place", ["__pycache__", "elsewhere"])
def test_kernels_are_compiled_anew_when_the_source_of_any_changes(tmp_path, monkeypatch, place):
    """Numba itself looks only at the file a kernel stands in, wherever it keeps what it made."""
    cache = tmp_path / place
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    if place == "elsewhere":
        monkeypatch.setenv("NUMBA_CACHE_DIR", str(cache))
    (tmp_path / "one.py").write_text("njit 1")
    (tmp_path / "other.py").write_text("1")
    forget_stale_kernels(tmp_path)
    (cache / "two.nbi").write_text("")
    (tmp_path / "other.py").write_text("2")
    forget_stale_kernels(tmp_path)
    assert (cache / "two.nbi").exists()
    (tmp_path / "one.py").write_text("njit 2")
    forget_stale_kernels(tmp_path)
    assert not (cache / "two.nbi").exists()


def test_a_pin_nobody_can_keep_does_not_end_a_choice_sooner(monkeypatch):
    """Its million is in the cost whatever is chosen; what can still be different is left as far open as without it."""
    open_at = []
    monkeypatch.setattr(Master, "ask_for_whole", lambda self, pool, known, gap: open_at.append(gap))
    day = generate(40, 40, seed=3, fairness=False)
    ada = replace(day.volunteers[0], id="ada", availability=())
    for pins in ((), (pinned(day.requests[0].id, "ada"),)):
        bound, search = bound_of(replace(day, volunteers=(*day.volunteers, ada), pinned=pins), 8)
        Selection(bound, search.best(), lambda: 60.0).prepare(0)
        open_at[-1] *= bound.proven
    without, with_one = open_at
    assert without > 0 and with_one == pytest.approx(without, rel=0.1)


def test_a_dive_after_others_ends_elsewhere(monkeypatch):
    """By the prices it begins with alone: people are alike, and many mixtures cost the same."""
    day = generate(80, 120, seed=3, fairness=False)

    def dived(others: int, seed: int = 1) -> list[tuple[tuple[int, int], ...]]:
        bound, search = bound_of(day, 8)
        selection = Selection(bound, search.best(), lambda: 60.0)
        return sorted(schedule.visits for schedule in selection.dive(others, seed))

    assert dived(0) == dived(0)
    assert dived(1) == dived(1) and dived(1) != dived(0) and dived(1, seed=2) != dived(1)
    monkeypatch.setattr("matcher.engine.selection.BESIDE", 0.0)
    assert dived(1) == dived(0)


@pytest.mark.parametrize("many, turns", [(0, 2), (1_000, 1)])
def test_in_a_dive_many_people_take_two_turns(monkeypatch, many, turns):
    """Before anybody is held every second is asked, where there are many; else everybody."""
    bound, search = bound_of(generate(80, 120, seed=3, fairness=False), 8)
    selection, asked = Selection(bound, search.best(), lambda: 60.0), []
    priced = Pricer.priced

    def noted(self, *given, people, **named):
        asked.append(people.tolist())
        return priced(self, *given, people=people, **named)

    monkeypatch.setattr("matcher.engine.bound.MANY_PEOPLE", many)
    monkeypatch.setattr(Pricer, "priced", noted)
    selection.dive()
    assert asked[0] == list(range(0, len(bound.tables.volunteers), turns))


def test_the_integer_program_ends_when_the_time_does():
    """Somebody presses Ctrl-C as soon as it was given a minute: the plan it began from is there, and nothing better."""
    bound, search = bound_of(generate(80, 120, seed=3, fairness=False), 10)
    minute = [60.0]
    selection = Selection(bound, search.best(), lambda: minute.pop() if len(minute) > 0 else 0.0)
    costs = []
    for patience in (1, 1_000_000):
        minute[:] = [60.0] * 1000
        choose = selection.prepare(times=1)
        minute[:] = [60.0] * patience
        after = Search(bound.tables, seed=1)
        after.begin_from(assigned(bound.tables, choose()))
        costs.append(after.best_cost)
    assert costs[1] < costs[0] == search.best_cost
