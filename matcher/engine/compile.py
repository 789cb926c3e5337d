"""The kernels are compiled ahead, so that nobody waits for a compiler at the first plan.

`make`'s set-up step does it; numba keeps what it made beside the sources. Where that was left out, a solve waits for it
as long as it has time.
"""

from __future__ import annotations

from datetime import UTC, datetime
from threading import Thread

import numpy as np

from matcher.engine.grid import Grid
from matcher.engine.master import Master, Pool
from matcher.engine.pricing import Pricer
from matcher.engine.search import Search
from matcher.engine.tables import Tables, shortest
from matcher.instance import Availability, Instance, Request, Seat, Volunteer, Window

_compiling = Thread(target=lambda: compile_kernels(), daemon=True)
_started = False


def compile_kernels() -> None:
    """Price and plan two people, a visit and a crew: every kernel is compiled, or found compiled."""
    _price()
    _plan()


def _tables() -> Tables:
    here = (117.0, 30.0)
    instance = Instance(
        "kernels",
        datetime(2026, 1, 1, tzinfo=UTC),
        1440,
        (Volunteer("v", here, (Availability(0, 60),)), Volunteer("w", here, (Availability(0, 60),))),
        (Request("r", here, 10, (Window(0, 30),)), Request("s", here, 10, (Window(0, 30),), seats=(Seat(), Seat()))),
    )
    return Tables(instance)


def _price() -> None:
    tables = _tables()
    pricer, grid, points = Pricer(tables), Grid(tables), np.full(len(tables.rows), 100, dtype=np.int64)
    pool = Pool(tables.arrays.row)
    master = Master(grid, pricer)
    master.add(pool, pool.take(pricer.priced(grid, points, np.zeros(2, dtype=np.int64)).schedules))
    pricer.hoped(grid, points)
    master.near(points, 1.0, 1, 0.0)
    none = np.zeros(1, dtype=np.int64)
    shortest(none, none.copy(), none.copy(), np.zeros((1, 1), dtype=np.int64))


def _plan() -> None:
    search = Search(_tables(), 1)
    search.insert_by_regret()
    search.improve(rounds=1)
    search.begin_from(search.best())
    search.insert_rest()
    search.cheapest_insertion(0)


def compile_side_by_side() -> None:
    """The same in two processes: one kernel after the other takes nearly twice as long."""
    from concurrent.futures import ProcessPoolExecutor  # not what a solve should wait for
    from multiprocessing import get_context

    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        for part in [pool.submit(_price), pool.submit(_plan)]:
            part.result()


def start_compiling() -> None:
    """Begin, if that has not been done, without waiting for it."""
    global _started
    if not _started:
        _started = True
        _compiling.start()


def compiled(seconds: float | None) -> bool:
    """Wait at most so long for the kernels; whether they are there."""
    start_compiling()
    _compiling.join(seconds)
    return not _compiling.is_alive()
