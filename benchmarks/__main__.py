"""`python -m benchmarks [GROUP [NAME …]]`: measure rows and append their medians to RESULTS.md.

A single run that is finished is kept under var/bench/, so an interrupted command goes on where it stopped.
`python -m benchmarks load` measures the service instead; see its --help.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence

from benchmarks import results
from benchmarks.load.command import main as load
from benchmarks.medians import COLUMNS, PLANS_COLUMNS, cells
from benchmarks.peers import INSTALL, PEERS
from benchmarks.picture import Curve, draw
from benchmarks.rows import GROUPS, Group, Row
from benchmarks.runs import FOLDER, Runs
from benchmarks.solving import OURS, Failed, Run

SEEDS = (1, 2, 3)


def main(words: list[str]) -> int:
    """Run the rows named; 1 when one of them could not be measured."""
    if words[:1] == ["load"]:
        return load(words[1:])
    asked = _asked(words)
    group = GROUPS[asked.group]
    runs, whole = Runs(), True
    for row in asked.chosen:
        if row.engine in PEERS and PEERS[row.engine].missing:
            print(f"{row.name}: {PEERS[row.engine].package} is not here; {INSTALL}", file=sys.stderr, flush=True)
            whole = False
            continue
        whole &= measure(group, row, asked.seeds, runs, asked.again)
    if asked.plot:
        _plot(asked.chosen, asked.seeds[0], runs)
    return 0 if whole else 1


def _asked(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("group", nargs="?", default="plans", choices=GROUPS)
    parser.add_argument("rows", nargs="*", metavar="NAME", help="rows, or the first part of their names; all if none")
    parser.add_argument("--seeds", default=SEEDS, type=_numbers, help="1,2,3 by default")
    parser.add_argument("--seconds", type=float, help="another time for every row")
    parser.add_argument("--again", action="store_true", help="do not take runs that are kept")
    parser.add_argument("--plot", action="store_true", help="draw cost and bound of the last instance against time")
    asked = parser.parse_args(words)
    group = GROUPS[asked.group]
    try:
        asked.chosen = group.chosen(asked.rows, asked.seconds)
    except KeyError as unknown:
        parser.error(f"there is no row {unknown}; there are {', '.join(row.name for row in group.rows)}")
    return asked


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split(","))


def measure(group: Group, row: Row, seeds: Sequence[int], runs: Runs, again: bool = False) -> bool:
    """Every seed's run, kept ones taken as they are; then the medians, once. False when a run failed."""
    version = results.version()
    found: list[Run] = []
    for seed in seeds:
        run = None if again else runs.find(row.key, seed, version)
        if run is None:
            folder = FOLDER / f"{row.name.replace('/', '-')}-seed{seed}"
            _compile(row)
            try:
                run = row.measure(seed, folder)
            except Failed as failed:
                print(f"{row.name}, seed {seed}: {failed}; its files are left in {folder}", file=sys.stderr, flush=True)
                return False
            runs.add(row.key, seed, version, run)
            shutil.rmtree(folder)
        print(f"{row.name}, seed {seed}: {run.cost} in {run.stopped} s, bound {run.bound}", flush=True)
        found.append(run)
    if again or not runs.noted(row.name, seeds, row.key, version):
        columns = PLANS_COLUMNS if group.heading == "Plans" else COLUMNS
        line = cells(columns, row.name, seeds, found, [runs.proven(run.instance, version) for run in found])
        results.note(group.heading, columns, line)
        runs.note(row.name, seeds, row.key, version)
        print("  ".join(line), flush=True)
    return True


def _compile(row: Row) -> None:
    """Our kernels are compiled ahead, as `make` does it."""
    if row.engine == OURS:
        code = "from matcher.engine.compile import compile_kernels; compile_kernels()"
        subprocess.run([sys.executable, "-c", code], check=True)


def _plot(rows: Sequence[Row], seed: int, runs: Runs) -> None:
    """One instance: that of the last row, with the longest kept run of each engine."""
    best: dict[str, Run] = {}
    for row in rows:
        run = runs.find(row.key, seed, results.version())
        if run is not None and row.about == rows[-1].about:
            best[row.engine] = max(best.get(row.engine, run), run, key=lambda run: run.seconds)
    curves = list(curves_of(best))
    if curves:
        title = f"Cost of the best plan so far: {rows[-1].about}, seed {seed}"
        results.PICTURE.write_text(draw(title, curves), encoding="utf-8")
        print(f"drawn: {results.PICTURE}")


def curves_of(best: dict[str, Run]) -> list[Curve]:
    """A curve for each engine, and one for our bound from the first that says anything."""
    curves = []
    for engine, run in best.items():
        name = "diandan" if engine == OURS else run.engine
        curves.append(Curve(name, [(second, cost) for second, cost, _ in run.trace]))
        proven = [(second, bound) for second, _, bound in run.trace if bound is not None and bound > run.settled]
        if proven:
            curves.append(Curve("diandan, proven bound", proven, proven=True))
    return curves


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what we have started ends with us
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        print("Interrupted; the same command goes on after the runs that are finished.", file=sys.stderr)
        sys.exit(130)
