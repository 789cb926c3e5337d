"""`python -m benchmarks [NAME …]`: run measured rows and append them to RESULTS.md."""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.results import note
from matcher import Instance, Plan, Progress, judge, solve
from scenarios import generate, preset
from scenarios.generator import FULL_COST, TEAMS

SEEDS = (1, 2, 3)
COLUMNS = ("instance", "seeds", "first plan s", "stopped at s", "cost of first", "cost", "bound", "served", "judged")


@dataclass(frozen=True)
class Row:
    """An instance for each seed, and how long to plan it."""

    make: Callable[[int], Instance]
    seconds: float


ROWS: dict[str, Row] = {
    "300x400": Row(lambda seed: generate(300, 400, seed=seed), 10),
    "300x400-full-cost": Row(lambda seed: generate(300, 400, seed=seed, **FULL_COST), 10),
    "450x700-teams": Row(lambda seed: generate(450, 700, seed=seed, **FULL_COST, **TEAMS), 30),
    "lianhu-day": Row(lambda seed: preset("lianhu-day", seed=seed), 10),
    "lianhu-day-340": Row(lambda seed: preset("lianhu-day", seed=seed, requests=340), 30),
}


def main(words: list[str]) -> int:
    """Run the rows named, or all of them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="NAME", help=f"of {', '.join(ROWS)}; all when none is named")
    names = parser.parse_args(words).rows or list(ROWS)
    unknown = [name for name in names if name not in ROWS]
    if unknown:
        parser.error(f"there is no row {unknown[0]!r}; there are {', '.join(ROWS)}")
    for name in names:
        run(name, ROWS[name])
    return 0


def run(name: str, row: Row) -> None:
    """Plan one instance per seed, judge every plan, and write the medians down."""
    runs = [_planned(row.make(seed), seed, row.seconds) for seed in SEEDS]
    medians = [statistics.median(run[column] for run in runs) for column in range(5)]
    served = ", ".join(run[5] for run in runs)
    judged = "clean" if all(run[6] for run in runs) else "NOT CLEAN"
    first, stopped, first_cost, cost, bound = medians
    figures = (f"{first:.2f}", f"{stopped:.1f}", int(first_cost), int(cost), int(bound), served, judged)
    note("Plans", COLUMNS, (name, len(SEEDS), *figures))
    print(name, *figures, sep="  ", flush=True)


def _planned(instance: Instance, seed: int, seconds: float) -> tuple[float, float, int, int, int, str, bool]:
    reports: list[Progress] = []
    plan: Plan = solve(instance, seconds=seconds, seed=seed, progress=reports.append)
    clean = judge(instance, plan).holds
    first = reports[0]
    served = f"{len(instance.requests) - len(plan.unserved)}/{len(instance.requests)}"
    return first.seconds, plan.seconds, first.cost, plan.cost, plan.bound or 0, served, clean


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
