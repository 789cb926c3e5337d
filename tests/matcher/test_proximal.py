"""The program near a centre: against its slow twin, a quadratic program of HiGHS, and step by step to a corner."""

import highspy
import numpy as np
import pytest

from matcher.engine.bound import Bound
from matcher.engine.compile import compile_kernels
from matcher.engine.grid import Grid
from matcher.engine.master import Master, Pool
from matcher.engine.pricing import Pricer
from matcher.engine.proximal import AT_LEAST, AT_MOST, EVEN, Near, descend, state_of
from matcher.engine.search import Search
from matcher.engine.tables import Tables
from scenarios import generate
from scenarios.generator import FULL_COST, TEAMS


@pytest.fixture(scope="module", autouse=True)
def kernels():
    """Nothing here waits in the background for a compiler."""
    compile_kernels()


def random_program(rng: np.random.Generator) -> Near:
    """Blocks of a few columns with entries in a few rows of every kind, like columns and empty ones among them."""
    rows, blocks = int(rng.integers(2, 9)), int(rng.integers(1, 7))
    sizes = rng.integers(1, 5, blocks)
    alone = int(rng.integers(0, 3))
    number = int(sizes.sum()) + alone
    entries = [sorted(rng.choice(rows, size=rng.integers(0, min(4, rows)), replace=False)) for _ in range(number)]
    for n in range(number - alone, number):  # of no block: it pays, so there is a best weight
        entries[n] = [int(rng.integers(0, rows))]
    lengths = [len(row) for row in entries]
    cost = rng.integers(-300, 300, number).astype(float)
    cost[number - alone :] = rng.integers(1, 300, alone)
    times = rng.integers(1, 3, sum(lengths)).astype(float)
    member = np.concatenate([rng.permutation(number - alone), np.arange(number - alone, number)]).astype(np.int64)
    return Near(
        cost,
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        np.array([n for row in entries for n in row], dtype=np.int64),
        times,
        np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        member,
        rng.random(blocks) < 0.3,
        rng.integers(0, 3, rows).astype(float),
        rng.choice([EVEN, AT_LEAST, AT_MOST], rows).astype(np.int64),
        rng.integers(0, 200, rows).astype(float),
        float(rng.choice([3.0, 50.0, 400.0])),
    )


def slow_twin(p: Near) -> tuple[float, np.ndarray]:
    """The least of the augmented Lagrangian and the prices there: rows with what they are short of as variables."""
    columns, rows = len(p.cost), len(p.asked)
    h = highspy.Highs()
    h.setOptionValue("output_flag", False)
    for cost in p.cost:
        h.addVar(0.0, highspy.kHighsInf)
        h.changeColCost(h.getNumCol() - 1, float(cost))
    for n in range(rows):
        h.addVar(-highspy.kHighsInf, highspy.kHighsInf)
        h.changeColCost(columns + n, float(p.centre[n]))
    dense = np.zeros((columns, rows))
    for column in range(columns):
        for e in range(p.entries_from[column], p.entries_from[column + 1]):
            dense[column, p.row[e]] += p.times[e]
    for n in range(rows):  # filled and short of come to what is asked for, or to more or less
        index = np.append(np.nonzero(dense[:, n])[0], columns + n).astype(np.int32)
        value = np.append(dense[np.nonzero(dense[:, n])[0], n], 1.0)
        low = -highspy.kHighsInf if p.kind[n] == AT_MOST else p.asked[n]
        high = highspy.kHighsInf if p.kind[n] == AT_LEAST else p.asked[n]
        h.addRow(low, high, len(index), index, value)
    for block, whole in enumerate(p.whole):
        index = p.member[p.block_from[block] : p.block_from[block + 1]].astype(np.int32)
        h.addRow(1.0 if whole else 0.0, 1.0, len(index), index, np.ones(len(index)))
    hessian = highspy.HighsHessian()
    hessian.dim_, hessian.format_ = columns + rows, highspy.HessianFormat.kTriangular
    hessian.start_ = [*([0] * columns), *range(rows + 1)]
    hessian.index_, hessian.value_ = list(range(columns, columns + rows)), [p.stride] * rows
    h.passHessian(hessian)
    h.run()
    assert h.getModelStatus() == highspy.HighsModelStatus.kOptimal
    short = np.array(h.getSolution().col_value)[columns:]
    return h.getInfo().objective_function_value, p.centre + p.stride * short


def lagrangian(p: Near, weight: np.ndarray, price: np.ndarray) -> float:
    short = (price - p.centre) / p.stride
    return float(p.cost @ weight + p.centre @ short + 0.5 * p.stride * short @ short)


def test_it_comes_to_what_a_quadratic_program_comes_to():
    rng = np.random.default_rng(4)
    moved = 0
    for n in range(60):
        p = random_program(rng)
        state = state_of(p, rng.random(len(p.cost)) if n % 2 else np.zeros(len(p.cost)))
        before = lagrangian(p, state.weight, state.price)
        descend(p, state, 20_000, 1e-6)
        least, prices = slow_twin(p)
        assert lagrangian(p, state.weight, state.price) == pytest.approx(least, rel=1e-5, abs=1e-2), n
        assert state.price == pytest.approx(prices, rel=1e-3, abs=0.5), n
        moved += before > least + 1
        block = np.repeat(np.arange(len(p.whole)), np.diff(p.block_from))
        inside = np.bincount(block, weights=state.weight[p.member[: len(block)]], minlength=len(p.whole))
        assert (inside <= 1 + 1e-9).all() and inside[p.whole] == pytest.approx(1.0)
        filled = np.zeros(len(p.asked))
        column = np.repeat(np.arange(len(p.cost)), np.diff(p.entries_from))
        np.add.at(filled, p.row, p.times * state.weight[column])
        assert state.filled == pytest.approx(filled, abs=1e-6)
    assert moved > 40


@pytest.mark.parametrize("features", [FULL_COST, {**FULL_COST, **TEAMS}], ids=["singles", "crews"])
def test_step_by_step_it_comes_to_the_corner_that_the_simplex_finds(features):
    """Each time the centre moves on to where prices were, as in the method of multipliers."""
    tables = Tables(generate(30, 25, seed=3, **features))
    search, pricer, pool = Search(tables, 1), Pricer(tables, 1), Pool(tables.arrays.row)
    search.insert_by_regret()
    search.improve(rounds=50)
    cuts = {r: [starts[0][0] + 20, starts[0][0] + 40] for r, starts in enumerate(tables.starts) if starts and r % 2}
    grid = Grid(tables, cuts)
    pool.take(pricer.schedule(v, visits) for v, visits in search.pool())
    pool.take(pricer.schedules_of(search.best()))
    master = Master(grid, pricer)
    master.add(pool, range(len(pool.schedules)))
    corner = master.solve(None)
    points, solved = np.zeros(grid.size), None
    for _ in range(60):
        solved = master.near(points, 200.0, 500, 1e-3, solved)
        points = solved.prices
    assert corner is not None
    assert solved.points == pytest.approx(corner.points, rel=1e-3)
    assert solved.short @ np.abs(points) < 2e-3 * abs(corner.points)
    whole = np.rint(points).astype(np.int64)
    worth = np.zeros(len(tables.volunteers), dtype=np.int64)
    np.minimum.at(worth, pool.v, pool.values(grid, whole))
    promised = pricer.untouched + grid.requests(whole) + worth.sum()
    assert promised <= corner.points + grid.size
    assert promised == pytest.approx(corner.points, rel=2e-3)


def test_what_is_known_and_not_in_the_program_comes_back():
    """Pricing tells of nothing that is no better than what the pool has, so half of it left out must not be lost."""
    tables = Tables(generate(30, 25, seed=3, **FULL_COST))
    found = []
    for half in (False, True):
        bound = Bound(Pricer(tables, 1), ())
        while not bound.done:
            bound.step()
        best = bound.proven
        if half:
            again = Bound(bound.pricer, (), bound.pool)
            again.master = Master(again.grid, again.pricer)
            again.master.add(again.pool, range(0, len(again.pool.schedules), 2))
            while not again.done:
                again.step()
            best = again.proven
        found.append(best)
    assert found[1] == pytest.approx(found[0], rel=1e-3)


def test_a_program_is_left_when_time_is_over():
    tables = Tables(generate(30, 25, seed=3, **FULL_COST))
    pricer, pool = Pricer(tables, 1), Pool(tables.arrays.row)
    master = Master(Grid(tables), pricer)
    points = np.full(len(tables.rows), 300, dtype=np.int64)
    master.add(pool, pool.take(pricer.priced(Grid(tables), points, np.zeros(25, dtype=np.int64)).schedules))
    with pytest.raises(TimeoutError):
        master.near(points, 50.0, 10_000_000, -1.0, seconds=0.05)
