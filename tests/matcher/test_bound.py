"""The bound of seat prices: the kernel against its slow twin, never above the optimum, confirmed by its proof file."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count, pairwise
from random import Random

import numpy as np
import pytest

from matcher import Assignment, Instance, judge, judge_proof, read_proof, solve, write_proof
from matcher.cost import fairness_points
from matcher.eligibility import settled_requests
from matcher.engine import bound as bounds
from matcher.engine import pricing
from matcher.engine.bound import TURNS, Bound
from matcher.engine.compile import compile_kernels
from matcher.engine.grid import Choice, Grid
from matcher.engine.labels import MOST_LABELS, _lines, _rest, price_people
from matcher.engine.master import Pool
from matcher.engine.pricing import Priced, Pricer, Schedule
from matcher.engine.proximal import descend
from matcher.engine.tables import FAR_OFF, Tables, shortest
from matcher.exact import exact
from matcher.instance import Availability, Request, Window
from matcher.proof import Choice as Allowed
from matcher.proof import Leaf, Price, Proof, _disjoint, _Pricer, proven_bound
from scenarios import generate
from scenarios.generator import EVERYTHING, FULL_COST, TEAMS
from tests.builders import instance, pinned, request, volunteer
from tests.matcher.meeting import drawn
from tests.samples import sample


@pytest.fixture(scope="module", autouse=True)
def kernels():
    """Nothing here waits in the background for a compiler."""
    compile_kernels()


def pricer_of(day: Instance) -> Pricer:
    return Pricer(Tables(day), threads=2)


def random_grid(tables: Tables, rng: Random) -> Grid:
    """Some requests cut into buckets, some with choices made: late or early starts only, served for sure, left."""
    cuts, choices = {}, {}
    for r in tables.open:
        spans = tables.starts[r]
        if rng.random() < 0.5:
            cuts[r] = [rng.randint(spans[0][0], spans[-1][1]) for _ in range(rng.randint(1, 3))]
        if rng.random() < 0.3:
            choice, at = Choice(tuple(spans)), rng.randint(spans[0][0], spans[-1][1])
            made = rng.choice((choice.before(at), choice.since(at), Choice(choice.spans, False), Choice(())))
            choices[r] = made
    return Grid(tables, cuts, choices)


def random_prices(grid: Grid, rng: Random) -> np.ndarray:
    """All, a share, any, or a loss."""
    points = []
    for n in grid.row_of:
        row = grid.tables.rows[n]
        price = grid.tables.price[row.r]
        share = price // len(grid.tables.requests[row.r].seats)
        points.append(rng.choice((share, rng.randint(-300, price), rng.randint(0, 1500))))
    return np.array(points, dtype=np.int64)


def slow_twin(day: Instance, grid: Grid, points: np.ndarray) -> _Pricer:
    """The judge's enumeration at the same prices and under the same choices."""
    hopeless = {request.id for request in settled_requests(day)}
    choices = {}
    for r, one in enumerate(day.requests):
        choice = Choice(()) if one.id in hopeless else grid.choice(r) if r in grid.buckets else Choice(())
        starts = tuple(s for a, b in choice.spans for s in range(a, b + 1))
        choices[one.id] = Allowed(starts, choice.may_be_left)
    return _Pricer(day, grid.leaf(points), choices)


def priced(pricer: Pricer, grid: Grid, points: np.ndarray, limit: np.ndarray | None = None, near: int = 20_000):
    return pricer.priced(grid, points, np.zeros(len(pricer.tables.volunteers), dtype=np.int64), limit, near=near)


@pytest.mark.prove("bound")
def test_the_kernel_is_its_slow_twin(record_property, monkeypatch):
    """Of a person with one interval the very value; with several, never more: a request may come twice.

    Buckets of starts and choices come in, and a value known beforehand: then it is that, or what is better.
    """
    rng, same, below = Random(5), 0, 0
    for n, day in enumerate(drawn(sample("bound", 100, 3000), 4, 3)):
        if n % 2:  # as where there are many requests: several in a quarter, and no copies of ways
            monkeypatch.setattr(pricing, "QUARTERS", (2, 3))
            monkeypatch.setattr(pricing, "COPIED", 0)
        pricer = pricer_of(day)
        monkeypatch.undo()
        assert n % 2 == 0 or pricer.town.apart.shape[1] <= 2
        for grid in (Grid(pricer.tables), random_grid(pricer.tables, rng)):
            points = random_prices(grid, rng)
            found, twin = priced(pricer, grid, points), slow_twin(day, grid, points)
            assert found.relaxed == 0
            assert found.bound <= twin.bound(), n
            for person, value in zip(day.volunteers, found.values, strict=True):
                slow = -twin._best_gain(person)
                assert value == slow or (value < slow and len(person.availability) > 1), (n, person.id)
                same, below = same + int(value == slow), below + int(value < slow)
            known = np.array(
                [min(0, value + rng.choice((0, 1, 300))) for value in found.values.tolist()], dtype=np.int64
            )
            assert (priced(pricer, grid, points, known).values == found.values).all(), n
            check_schedules(pricer, grid, points, found)
    record_property("same", same)
    record_property("below", below)
    assert same > 20 * below


def random_triples(day: Instance, grid: Grid, rng: Random) -> np.ndarray:
    """Of requests with one seat, and of people with one interval."""
    tables = grid.tables
    rows = [n for n, row in enumerate(tables.rows) if len(tables.requests[row.r].seats) == 1]
    people = [-1 - v for v, person in enumerate(day.volunteers) if len(person.availability) == 1]
    found = set()
    for _ in range(6):
        some = rng.sample(rows, min(3, len(rows)))
        if people and rng.random() < 0.5:
            some[:1] = [rng.choice(people)]
        if len(some) == 3:
            found.add(tuple(sorted(some)))
    return np.array(sorted(found), dtype=np.int64).reshape(-1, 3)


def tolled_value(twin: _Pricer, grid: Grid, points: np.ndarray, v: int) -> int:
    """The least of a schedule's cost less prices and with tolls, among all there are."""
    person, tables, best = twin.instance.volunteers[v], grid.tables, 0
    for trips in _disjoint([twin._trips(person, i) for i in range(len(person.availability))]):
        if not twin._within_caps(person, trips):
            continue
        done = {twin.instance.request_index[id] for trip in trips for id in trip.requests}
        value = fairness_points(twin.instance.weights, person, sum(trip.minutes for trip in trips))
        value -= sum(trip.gain for trip in trips)
        for triple, toll in zip(grid.triples.tolist(), points[grid.size :].tolist(), strict=True):
            times = sum(n == -1 - v or (n >= 0 and tables.rows[n].r in done) for n in triple)
            value += toll * (times // 2)
        best = min(best, value)
    return best


def test_the_kernel_counts_tolls_as_its_slow_twin_does():
    """Of a person with one interval the very value; with several, never more: trips are tolled each by itself."""
    rng, paid, same, below = Random(6), 0, 0, 0
    for n, day in enumerate(drawn(sample("bound", 100, 3000), 5, 3)):
        pricer = pricer_of(day)
        plain = random_grid(pricer.tables, rng)
        grid = plain.with_triples(random_triples(day, plain, rng))
        prices = random_prices(grid, rng)
        points = np.concatenate([prices, [rng.choice((0, 7, 200, 2000)) for _ in grid.triples]]).astype(np.int64)
        found, twin = priced(pricer, grid, points), slow_twin(day, plain, prices)
        for v, value in enumerate(found.values.tolist()):
            slow = tolled_value(twin, grid, points, v)
            assert value == slow or (value < slow and len(day.volunteers[v].availability) > 1), (n, v)
            same, below = same + (value == slow), below + (value < slow)
            paid += slow > -twin._best_gain(day.volunteers[v])
        pool = Pool(pricer.tables.arrays.row)
        pool.take(found.schedules)
        assert (pool.values(grid, points) >= found.values[pool.v]).all(), n
    assert same > 10 * below and paid > same // 50


def check_schedules(pricer: Pricer, grid: Grid, points: np.ndarray, found: Priced) -> None:
    """What the kernel says a schedule costs is what its visits cost one by one; the best of a person is among them."""
    d, tables, best = pricer.tables.arrays, pricer.tables, np.zeros(len(found.values), dtype=np.int64)
    pool = Pool(d.row)
    pool.take(found.schedules)
    np.minimum.at(best, pool.v, pool.values(grid, points))
    assert (best == found.values).all()
    for schedule in found.schedules:
        rows = [int(d.row[job]) for job, _ in schedule.visits]
        single = all(len(tables.rows[row].seats) == 1 for row in rows)
        if single and len({tables.rows[row].r for row in rows}) == len(rows):
            again = pricer.schedule_of(schedule.v, assignments_of(tables, schedule))
            assert (again.points, sorted(again.visits)) == (schedule.points, sorted(schedule.visits))


def assignments_of(tables: Tables, schedule: Schedule) -> list[Assignment]:
    """The schedule as a plan has it; of like seats the first."""
    found = []
    for job, start in schedule.visits:
        row = tables.rows[tables.arrays.row[job]]
        request, k = tables.requests[row.r], row.seats[0]
        found.append(
            Assignment(request.id, k, tables.volunteers[schedule.v].id, start, start + request.seat_minutes(k))
        )
    return found


def test_ways_are_the_same_side_by_side_and_where_they_lie():
    """450 requests of a town of several quarters, with ways that differ there and back, few labels and many."""
    rng = np.random.default_rng(3)
    for features in (FULL_COST, EVERYTHING):
        tables = Tables(generate(450, 30, seed=2, **features))
        grid, nothing = Grid(tables), np.zeros(len(tables.volunteers), dtype=np.int64)
        points = rng.integers(0, 900, grid.size).astype(np.int64)
        here, copied = Pricer(tables), Pricer(tables)
        here.town, copied.town = here.town._replace(copied=0), here.town._replace(copied=10_000)
        assert here.town.apart.shape[1] == 48
        for labels in (100, 3_000, 200_000):
            one, other = (pricer.priced(grid, points, nothing, labels=labels) for pricer in (here, copied))
            assert (one.values == other.values).all() and one.relaxed == other.relaxed
            assert one.values.sum() < 0


def test_quarters_hold_every_request_and_are_as_far_apart_as_their_nearest():
    tables = Tables(generate(120, 20, seed=1, **EVERYTHING))
    town, travel = Pricer(tables).town, tables.arrays.travel
    for m in range(len(travel)):
        site, quarter = town.site[m], town.quarter[m]
        assert sorted(site.tolist()) == list(range(120)) and (np.diff(quarter) >= 0).all()
        assert (town.legs[m][np.ix_(site, site)] == travel[m]).all()
        for one, other in ((0, 0), (0, 1), (5, 2)):
            ways = [
                int(travel[m, a, b])
                for a in range(120)
                for b in range(120)
                if a != b and (quarter[site[a]], quarter[site[b]]) == (one, other)
            ]
            assert not ways or town.apart[m, one, other] == min(ways)


def test_ways_longer_than_any_interval_are_not_taken():
    """S and T are a month apart, each as good as the other: Ada makes one of them."""
    day = instance(
        [volunteer("Ada", "09:00-18:00")],
        [request("S", "09:00-17:00"), request("T", "09:00-17:00")],
        travel={("S", "T"): 43_200},
    )
    pricer = pricer_of(day)
    assert pricer.town.legs.dtype == np.int16 and pricer.town.legs.max() == 32_767
    found = priced(pricer, Grid(pricer.tables), np.array([500, 500]))
    assert [len(schedule.visits) for schedule in found.schedules] == [1] * len(found.schedules)
    one = priced(pricer, Grid(pricer.tables), np.array([500, 0]))
    assert found.values[0] == one.values[0] < 0
    quarter = Request("S", "S", 60, (Window(0, 90_000),)), Request("T", "T", 60, (Window(0, 90_000),))
    long = instance(
        [volunteer("Ada", [Availability(0, 89_000)])], quarter, travel={("S", "T"): 43_200}, until="1488:00"
    )
    pricer = pricer_of(long)
    found = priced(pricer, Grid(pricer.tables), np.array([500_000, 500_000]))
    assert found.schedules and all(len(schedule.visits) == 1 for schedule in found.schedules)
    both = Schedule(0, 0, ((0, 20), (1, 43_280)))
    assert found.values[0] <= pricer.schedule(0, both.visits).points - 1_000_000


def test_lines_are_never_above_fairness_within_the_cap():
    for fair in ([240, 360, 480, 2, 4, 9], [-10, 110, 230, 0, 4, 9], [50, 60, 70, 0, 0, 0]):
        for cap in (30, 180, 300, 900, FAR_OFF):
            slopes, least = _lines(np.array(fair, dtype=np.int64), cap)
            assert (np.diff(slopes) > 0).all()
            for load in range(min(cap, 1000) + 1):
                assert max(slope * load - low for slope, low in zip(slopes, least, strict=True)) <= _rest(
                    np.array(fair, dtype=np.int64), load
                )


def test_a_cap_makes_minutes_dear():
    """An hour for forty visits of a quarter of one, each worth 500: two fit, and with few labels less than three do."""
    wanted = [request(f"R{n}", "09:00-17:00", minutes=15) for n in range(40)]
    day = instance([volunteer("Ada", "09:00-18:00", max_minutes=60)], wanted, travel=5)
    pricer = pricer_of(day)
    points = np.full(len(pricer.tables.rows), 500, dtype=np.int64)
    few, many = (
        pricer.priced(Grid(pricer.tables), points, np.zeros(1, dtype=np.int64), labels=n) for n in (200, 200_000)
    )
    assert many.relaxed == 0 and many.values[0] == -2 * 500 + 15 * 10
    assert many.values[0] - 500 <= few.values[0] <= many.values[0]


def test_what_is_forgotten_only_lowers_the_value():
    """Fewer neighbours remembered, lower values; nothing remembered and no load, lower still."""
    rng = Random(2)
    for seed in range(4):
        day = generate(60, 12, days=2, seed=seed, **EVERYTHING)
        pricer = pricer_of(day)
        grid = Grid(pricer.tables)
        points = random_prices(grid, rng)
        values = [priced(pricer, grid, points, near=near).values for near in (60, 12, 3, 0)]
        for more, less in pairwise(values):
            assert (less <= more).all()
        assert (values[-1] < values[0]).any()


def test_where_labels_find_no_room_less_is_remembered():
    """Ninety visits, all day long, all worth a great deal: labels outgrow their room, and the value is no schedule's.

    Ada could make one every half hour from 09:20 to 17:50, 18 of them, 19 legs of 20 minutes at 10 points: 3,800
    points, and for 18 x 10 + 380 = 560 minutes fairness of 2 x 320 + 4 x 200 + 9 x 80 = 2,160.
    """
    wanted = [request(f"R{n}", "09:00-18:00", minutes=10, priority="urgent") for n in range(90)]
    day = instance([volunteer("Ada", "09:00-21:00")], wanted)
    pricer = pricer_of(day)
    points = np.array([20_000 - 7 * n for n in range(len(pricer.tables.rows))], dtype=np.int64)
    found = priced(pricer, Grid(pricer.tables), points)
    assert found.relaxed == 1 and max(own.level.max() for own in pricer.rooms) > 0
    assert found.values[0] <= -sum(points[:18].tolist()) + 3_800 + 2_160


@pytest.mark.prove("bound")
def test_every_bound_is_below_the_optimum_and_its_proof_is_confirmed(record_property, tmp_path):
    """All features, tiny: what the plan states, its file proves to the judge, and no plan is cheaper."""
    tight = 0
    days = [*drawn(sample("bound", 100, 3000), 3, 3), *drawn(sample("bound", 20, 300), 5, 4)]
    for n, day in enumerate(days):
        best = sum(exact(day, 60.0, threads=1).terms.values())
        proofs = []
        plan = solve(day, seconds=60, steps=10, threads=1, proof=proofs.append)
        assert plan.bound <= best <= plan.cost, n
        write_proof(proofs[0], day, tmp_path / "proof.json")
        assert read_proof(tmp_path / "proof.json", day) == proofs[0]
        proven, wrong = judge_proof(day, plan, proofs[0])
        assert not wrong and plan.bound <= proven <= best, n
        tight += plan.bound == best
    record_property("at the optimum", tight)
    assert tight > len(days) // 2


def test_triples_raise_the_bound_and_never_above_the_optimum():
    """With the triples that a mixture breaks more is proven, and still the truth; with pins, crews and days too."""
    raised = 0
    for seed in range(sample("bound", 10, 120)):
        day = generate(22, 10 + seed % 5, seed=seed, fairness=bool(seed % 2))
        if seed == 4:  # an optional seat, at first priced above what it is worth
            day = generate(13, 9, seed=2, **EVERYTHING)
        oracle = exact(day, 60.0)
        best = sum(oracle.terms.values())
        assert oracle.proven
        bound = Bound(pricer_of(day), oracle.assignments)
        while not bound.done or bound.refine():
            bound.step()
        before, taken = bound.proven, 1
        while taken:
            while not bound.done:
                bound.step()
            assert bound.proven <= best, seed
            taken = bound.tighten()
        raised += bound.proven > before
    assert raised > 1


def test_a_solve_with_seconds_proves_and_stops_at_the_gap():
    """Small enough to close: bound and plan meet within what was asked for, and the reports only ever close in."""
    day = generate(40, 60, seed=4, **FULL_COST)
    reports, proofs = [], []
    plan = solve(day, seconds=60, gap=0.02, threads=2, progress=reports.append, proof=proofs.append)
    assert judge(day, plan).violations == ()
    assert plan.gap <= 0.02 and plan.seconds < 50
    assert [r.bound for r in reports] == sorted(r.bound for r in reports)
    assert [r.cost for r in reports] == sorted((r.cost for r in reports), reverse=True)
    assert proofs[0].bound == plan.bound


def test_pins_begun_before_now_are_priced():
    """Ada began at 9:00 what she is pinned to; it is 9:30, and only by keeping it can she reach the next door."""
    day = instance(
        [volunteer("Ada", "09:00-12:00")],
        [request("R", "09:00", minutes=60, priority="low"), request("Q", "10:00-10:30", minutes=30)],
        now="09:30",
        pinned=[pinned("R", "Ada", "09:00")],
    )
    proofs = []
    plan = solve(day, seconds=10, steps=5, proof=proofs.append)
    assert plan.bound == plan.cost == proven_bound(day, proofs[0].tree)


def test_with_steps_the_bound_is_the_same_each_time():
    """No clock has a say when steps are counted."""
    day = generate(30, 30, seed=2, **EVERYTHING)
    runs = []
    for _ in range(2):
        proofs = []
        plan = solve(day, seconds=600, steps=5, threads=1, proof=proofs.append)
        runs.append((plan.bound, plan.assignments, proofs[0]))
    assert runs[0] == runs[1]


def test_each_kernel_is_compiled_once():
    """A second signature would be a second compilation, at the user's first plan."""
    solve(generate(20, 20, seed=1, **EVERYTHING), seconds=3)
    assert len(price_people.signatures) == 1 and len(shortest.signatures) <= 1 and len(descend.signatures) <= 1


def test_a_district_of_singles_has_a_small_gap(record_property):
    """300 x 400 with everything that a single request can cost, in a few seconds: recorded, and clean."""
    day = generate(300, 400, seed=1, **FULL_COST)
    plan = solve(day, seconds=15)
    record_property("gap", plan.gap)
    assert judge(day, plan).violations == ()
    assert plan.bound > plan.settled


def test_where_labels_run_out_less_than_the_best_stands_for_it():
    rng, short, whole = np.random.default_rng(1), 0, 0
    for seed in range(6):
        for features in (FULL_COST, EVERYTHING):
            tables = Tables(generate(40, 30, seed=seed, **features))
            grid, nothing = Grid(tables), np.zeros(len(tables.volunteers), dtype=np.int64)
            points = rng.integers(0, 900, grid.size).astype(np.int64)
            exact = Pricer(tables).priced(grid, points, nothing)
            for labels in (3, 12, 40, 120):
                few = Pricer(tables).priced(grid, points, nothing, labels=labels)
                assert (few.values <= exact.values).all()
                assert few.bound <= exact.bound
                assert few.relaxed or few.bound == exact.bound
                short += few.relaxed
                whole += not few.relaxed
    assert short > 80 and whole > 5


@pytest.mark.parametrize("crews", [{}, TEAMS], ids=["singles", "crews"])
def test_priced_again_with_all_labels_those_of_whom_less_was_remembered_prove_more(crews):
    """Also once buckets were cut and triples taken in, since prices are taken over."""
    gained = 0
    for seed in range(3):
        day = generate(24, 12, seed=seed, **FULL_COST, **crews)
        tables = Tables(day)
        for after in ("step", "refine", "tighten"):
            bound = Bound(Pricer(tables, threads=2), ())
            bound.labels = 3
            for _ in range(4):
                bound.step()
            if after != "step":
                getattr(bound, after)()
            before, was_relaxed, proven = bound.priced.bound, bound.priced.relaxed, bound.proven
            more = bound.firmer()
            assert bound.priced.bound == before + more and bound.proven >= max(proven, bound.priced.bound)
            assert bound.priced.relaxed <= was_relaxed
            at, points = bound.proven_at
            closely = bound.pricer.priced(at, points, bound.nothing)
            assert bound.proven <= closely.bound
            rest = bound.pricer.untouched + bound.grid.requests(bound.points)
            assert bound.priced.bound <= rest + int(bound.priced.values.sum())
            if after == "refine" and not len(at.triples):
                assert bound.proven <= proven_bound(day, at.leaf(points))
            gained += more
    assert gained > 0


@pytest.mark.parametrize("crews", [{}, TEAMS], ids=["singles", "crews"])
def test_a_round_to_the_point_proves_something_however_early_it_ends(monkeypatch, crews):
    """What is hoped stands for people who were not priced; going on with them proves what the whole round does."""
    monkeypatch.setattr(bounds, "IN_ONE_GO", 0.0)  # two people a thread
    for seed in range(3):
        tables = Tables(generate(40, 30, seed=seed, **FULL_COST, **crews))
        proven = []
        for goes in (0, 1, 4):
            bound = Bound(Pricer(tables, threads=2), (), rough=1)
            while not bound.stalled:
                bound.step()
            asked = count()
            bound.less_roughly(60.0, at_once=True, enough=lambda asked=asked, goes=goes: next(asked) == goes)
            assert (bound.priced.labels > 0).sum() == 4 * goes
            proven.append(bound.priced.bound)
            exact = bound.pricer.priced(bound.grid, bound.points, bound.nothing)
            assert (bound.priced.values <= exact.values).all() and bound.proven <= exact.bound
            more = bound.firmer()
            assert proven[-1] + more == bound.priced.bound == exact.bound
            known = bound.priced.labels == 0  # who can hope for no more than is known is not priced
            assert (bound.priced.levels[known] == 0).all() and not known.all()
        assert proven[0] < proven[1] < proven[2]


def test_what_is_hoped_no_schedule_costs_less_than():
    rng = np.random.default_rng(1)
    for seed in range(6):
        for features in (FULL_COST, EVERYTHING):
            tables = Tables(generate(40, 30, seed=seed, **features))
            grid, nothing = Grid(tables), np.zeros(len(tables.volunteers), dtype=np.int64)
            pricer, points = Pricer(tables, threads=2), rng.integers(0, 900, grid.size).astype(np.int64)
            hoped, exact = pricer.hoped(grid, points), pricer.priced(grid, points, nothing)
            assert (hoped <= exact.values).all()
            assert features is EVERYTHING or hoped.sum() > 5 * exact.values.sum()  # a pin may be hoped for many times
    with pytest.raises(TimeoutError):
        pricer.hoped(grid, points, seconds=0.0)


@pytest.mark.parametrize("crews", [{}, TEAMS], ids=["singles", "crews"])
def test_the_fewer_visits_a_day_may_have_the_less_is_hoped_for(crews):
    """And where few labels leave a bound only, that knows of the cap too."""
    day = generate(60, 20, seed=1, **FULL_COST, **crews)
    hopes, bounds_of_few, values = [], [], []
    for most in (1, 2, 4, None):
        people = tuple(replace(v, max_requests_per_day=most) for v in day.volunteers)
        tables = Tables(replace(day, volunteers=people))
        grid, nothing = Grid(tables), np.zeros(len(people), dtype=np.int64)
        pricer, points = Pricer(tables), np.full(grid.size, 900, dtype=np.int64)
        exact, few = pricer.priced(grid, points, nothing), pricer.priced(grid, points, nothing, labels=3)
        hoped = pricer.hoped(grid, points)
        assert (hoped <= few.values).all() and (few.values <= exact.values).all()
        hopes.append(int(hoped.sum()))
        bounds_of_few.append(int(few.values.sum()))
        values.append(int(exact.values.sum()))
    assert hopes == sorted(hopes, reverse=True) and len(set(hopes)) == 4
    assert hopes[0] > 2 * values[0] and bounds_of_few[0] > 1.02 * values[0]


def test_people_are_priced_again_only_until_it_is_enough():
    bound = Bound(Pricer(Tables(generate(20, 20, seed=1, **FULL_COST))), ())
    assert bound.firmer() == 0  # with all labels already
    bound.labels = 3
    bound.step()
    before = bound.priced.bound
    assert bound.priced.relaxed and bound.firmer(enough=lambda: True) == 0 and bound.firmer(seconds=0.0) == 0
    assert bound.priced.bound == before
    bound.rough = 1
    assert bound.firmer() == 0


def test_what_is_found_roughly_proves_nothing_before_it_is_priced_to_the_point():
    tables = Tables(generate(40, 30, seed=1, **FULL_COST))
    bound = Bound(Pricer(tables), (), rough=1)
    assert bound.rough and bound.proven == tables.settled and bound.leaf() == Leaf()
    while not bound.stalled:
        bound.step()
        assert bound.rough and bound.proven == tables.settled
    bound.less_roughly(None)
    assert not bound.rough
    exact = Pricer(tables).priced(bound.grid, bound.points, np.zeros(len(tables.volunteers), dtype=np.int64))
    assert bound.proven == max(tables.settled, exact.bound)


def test_people_take_turns_while_they_are_priced_roughly(monkeypatch):
    """Each is asked once in so many rounds; what they would prove together is reckoned; in the end everybody is."""
    monkeypatch.setattr(bounds, "MANY_PEOPLE", 0)
    tables = Tables(generate(40, 30, seed=1, **FULL_COST))
    pricer, asked = Pricer(tables), list[list[int]]()
    priced = pricer.priced

    def noted(*given, people=None, **named):
        asked.append((pricer.everybody if people is None else people).tolist())
        return priced(*given, people=people, **named)

    monkeypatch.setattr(pricer, "priced", noted)
    bound = Bound(pricer, (), rough=1)
    while not bound.stalled:
        bound.step()
        assert bound.proven == tables.settled
    assert sorted(v for some in asked[:TURNS] for v in some) == list(range(30))
    assert len(asked[-1]) == 30 and {len(some) for some in asked} == {7, 8, 30}
    everybody = priced(bound.grid, bound.points, bound.nothing, bound._limits(bound.points), rough=1)
    assert bound.priced.bound == everybody.bound  # nothing is reckoned any more
    bound.less_roughly(None)
    assert not bound.rough and sorted(asked[-1]) == np.nonzero(bound.priced.labels)[0].tolist()
    assert bound.proven == max(tables.settled, priced(bound.grid, bound.points, bound.nothing).bound)


def test_schedules_come_as_they_are_gone_through():
    """The first visit first, and at that way's cost: an asymmetric way backwards would cost another."""
    day = generate(40, 20, seed=1, **FULL_COST)
    pricer = pricer_of(day)
    grid = Grid(pricer.tables)
    points = np.full(grid.size, 2_000, dtype=np.int64)
    found = pricer.priced(grid, points, np.zeros(20, dtype=np.int64)).schedules
    assert any(len(schedule.visits) > 2 for schedule in found)
    for schedule in found:
        starts = [start for _, start in schedule.visits]
        assert starts == sorted(starts)
        assert pricer.schedule(schedule.v, schedule.visits).points >= schedule.points


def test_what_is_priced_in_another_thread_can_be_broken_off():
    """Within a second, whatever time it was given; and nothing is priced from then on."""
    day = generate(600, 400, seed=1, **FULL_COST)
    pricer = pricer_of(day)
    grid, nothing = Grid(pricer.tables), np.zeros(400, dtype=np.int64)
    points = np.full(grid.size, 6_000, dtype=np.int64)
    with ThreadPoolExecutor(1) as pool:
        rounds = [pool.submit(pricer.priced, grid, points, nothing) for _ in range(50)]
        while not any(room.used[MOST_LABELS] for room in pricer.rooms):
            time.sleep(0.001)
        pricer.stop()
        for one in rounds:
            with pytest.raises(TimeoutError):
                one.result(timeout=5.0)


def test_prices_of_an_earlier_proof_may_be_as_large_as_they_like():
    """What is beyond all reason is cut off: the bound is the same in the end, and never too high."""
    day = instance([volunteer("ada")], [request("R1", "09:00"), request("R2", "09:00")])
    leaf = Leaf((Price("R1", 0, 540, 540, 10**30), Price("R2", 0, 540, 540, -(10**30))))
    start = Proof(day.name, 0, leaf)
    proofs = []
    plan = solve(day, seconds=5, engine="search", start=solve(day, steps=1), start_proof=start, proof=proofs.append)
    assert plan.cost == plan.bound == 3_400
    assert np.abs(Grid(Tables(day)).points_of(leaf)).tolist() == [12_000, 12_000]


def test_to_reckon_how_long_pricing_takes_takes_no_longer_than_there_is():
    bound = Bound(pricer_of(generate(40, 30, seed=1, **FULL_COST)), (), rough=1)
    with pytest.raises(TimeoutError):
        bound.reckoned(100, seconds=0.0)
    assert bound.reckoned(100, seconds=60.0) > 0.0
