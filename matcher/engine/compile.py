"""The kernels are compiled ahead, so that nobody waits for a compiler at the first plan.

`make`'s set-up step does it; numba keeps what it made beside the sources. Where that was left out, a solve compiles in
the background and has no bound until it is done.
"""

from __future__ import annotations

from datetime import UTC, datetime
from threading import Thread

import numpy as np

from matcher.engine.grid import Grid
from matcher.engine.pricing import Pricer
from matcher.engine.tables import Tables
from matcher.instance import Availability, Instance, Request, Volunteer, Window

_compiling = Thread(target=lambda: compile_kernels(), daemon=True)
_started = False


def compile_kernels() -> None:
    """Price one person and one visit: every kernel is compiled, or found compiled."""
    here = (117.0, 30.0)
    instance = Instance(
        "kernels",
        datetime(2026, 1, 1, tzinfo=UTC),
        1440,
        (Volunteer("v", here, (Availability(0, 60),)),),
        (Request("r", here, 10, (Window(0, 30),)),),
    )
    tables = Tables(instance)
    Pricer(tables).priced(Grid(tables), np.full(1, 100, dtype=np.int64), np.zeros(1, dtype=np.int64))


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
