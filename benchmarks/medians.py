"""Runs of one row as one line of a table: medians, and what every single run has to have."""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Iterable, Sequence

from benchmarks.solving import Run
from matcher import gap

PLANS_COLUMNS = (
    "instance", "seeds", "first plan s", "stopped at s", "cost of first", "cost", "bound", "served", "judged",
)  # fmt: skip
"""The table of the plans, which is older than the others."""

COLUMNS = (
    "row", "instance", "engine", "seeds", "seconds", "first plan s", "stopped at s", "first above last", "cost",
    "bound", "gap", "peak MB", "served", "judged", "note",
)  # fmt: skip

NONE = "–"


def cells(
    columns: Sequence[str], name: str, seeds: Sequence[int], runs: Sequence[Run], bounds: Sequence[int | None]
) -> list[str]:
    """What stands in these columns; `bounds` are the best proven of each run's instance, for engines without one."""
    gaps = [_gap(run, bound) for run, bound in zip(runs, bounds, strict=True)]
    seen = list(seeds) == list(range(1, len(seeds) + 1))
    of: dict[str, Callable[[], str]] = {
        "row": lambda: name,
        "instance": lambda: name if columns == PLANS_COLUMNS else _unseeded(runs[0].instance),
        "engine": lambda: runs[0].engine,
        "seeds": lambda: str(len(seeds)) if seen else f"of {', '.join(map(str, seeds))}",
        "seconds": lambda: f"{runs[0].seconds:g}",
        "first plan s": lambda: _median((run.first for run in runs), "{:.2f}"),
        "stopped at s": lambda: _median((run.stopped for run in runs), "{:.1f}"),
        "cost of first": lambda: _median((run.first_cost for run in runs), "{:.0f}"),
        "first above last": lambda: _median(map(_above, runs), "{:.1%}"),
        "cost": lambda: _median((run.cost for run in runs), "{:.0f}"),
        "bound": lambda: _median((run.bound for run in runs), "{:.0f}"),
        "gap": lambda: _median(gaps, "{:.2%}"),
        "peak MB": lambda: _median((run.peak_mb for run in runs), "{:.0f}"),
        "served": lambda: ", ".join(f"{run.served}/{run.requests}" for run in runs),
        "judged": lambda: "clean" if all(run.clean for run in runs) else "NOT CLEAN",
        "note": lambda: "; ".join(run.note for run in runs if run.note),
    }
    return [of[column]() for column in columns]


def _gap(run: Run, bound: int | None) -> float | None:
    return gap(run.cost, bound if run.bound is None else run.bound, run.settled, run.pins)


def _above(run: Run) -> float | None:
    """By what share the first plan cost more than the last."""
    return None if run.first_cost is None else run.first_cost / max(1, run.cost) - 1


def _median(figures: Iterable[float | None], shown: str) -> str:
    """The median, where every run has the figure."""
    known = list(figures)
    return NONE if None in known else shown.format(statistics.median(f for f in known if f is not None))


def _unseeded(instance: str) -> str:
    return re.sub(r"-seed\d+$", "", instance)
