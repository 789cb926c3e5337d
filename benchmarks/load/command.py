"""`python -m benchmarks load`: request intake, volunteers' schedules and dispatchers' writes, alone and together, while
one plan is being made; then many clocks due at once. It starts a service of its own and speaks to it over HTTP.

- intake: requests come in at even distances, whatever the answers take; a wait counts from when it was due.
- schedule: a volunteer's page and route by turns, on the key of a desk, at even distances too.
- writes: dispatchers, each with a key, at work one write after another: a call is taken down, triaged, given to
  somebody by hand, who says yes on the telephone; one call of four is answered at once. Between two writes they think
  for 1 to 2 seconds, evenly spread.
- clocks: offers of work that begins at one whole minute; nobody has answered, so their T4 end together.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks import results
from benchmarks.load import world as worlds
from benchmarks.load.service import Refused, served
from benchmarks.load.traffic import Do, Figures, Traffic, arriving, figures, thinking, together
from benchmarks.load.world import World

COLUMNS = (
    "database", "roster", "row", "seconds", "asked", "served /s", "failed", "p50 ms", "p95 ms", "p99 ms", "max ms",
    "target", "met", "note",
)  # fmt: skip

TARGETS = {"intake": 400, "schedule": 500, "writes": 600}
"""The p99 of each, in milliseconds."""

CLOCKS_WITHIN = 10
"""Seconds."""

THOUGHT = (1.0, 2.0)
LINES = 40
"""So many of those who come at even distances are served at a time, if it comes to that."""


def main(words: Sequence[str]) -> int:
    """Measure, print a line for each row, and note the rows where that is asked for; 1 where it could not be done."""
    asked = _asked(words)
    with tempfile.TemporaryDirectory(prefix="diandan-load-") as name:
        url = asked.database_url or f"sqlite:///{Path(name, 'diandan.db')}"
        try:
            with served(url, Path(name)) as service:
                whole = worlds.made(service, asked.volunteers, asked.requests)
                for line in measured(whole, asked, url.partition(":")[0].partition("+")[0]):
                    print("  ".join(str(cell) for cell in line), flush=True)
                    if asked.note:
                        results.note("Load", COLUMNS, line)
        except Refused as refused:
            print(refused, Path(name, "log").read_text(encoding="utf-8")[-2000:], sep="\n", file=sys.stderr)
            return 1
    return 0


def _asked(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks load", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60, help="how long each of them is measured")
    parser.add_argument("--volunteers", type=int, default=700)
    parser.add_argument("--requests", type=int, default=450)
    parser.add_argument("--intake", type=float, default=20, help="requests a second")
    parser.add_argument("--schedule", type=float, default=25, help="schedules a second")
    parser.add_argument("--dispatchers", type=int, default=40)
    parser.add_argument("--clocks", type=int, default=1000, help="so many due at once; 0 for none")
    parser.add_argument("--only", default="", help="measure these alone, as intake,writes or together,clocks")
    parser.add_argument("--database-url", help="an empty database; by default a SQLite file that is gone afterwards")
    parser.add_argument("--note", action="store_true", help="append the rows to RESULTS.md")
    return parser.parse_args(words)


@dataclass(frozen=True)
class Kind:
    """One kind of traffic: how it is driven for so long."""

    name: str
    drive: Callable[[], Traffic]


def measured(world: World, asked: argparse.Namespace, database: str) -> Iterator[list[object]]:
    """A line for each kind alone and together, while a plan is made; then one for the clocks."""
    kinds = _kinds(world, asked)
    phases = {kind.name: [kind] for kind in kinds} | {"together": kinds}
    wanted = [name for name in (*phases, "clocks") if not asked.only or name in asked.only.split(",")]
    worlds.start_solving(world, min(3600, int(len(wanted) * asked.seconds + asked.clocks / 4 + 300)))
    roster = f"{asked.volunteers} × {asked.requests}"
    for phase in (phases[name] for name in wanted if name in phases):
        found: dict[str, Traffic] = {}
        together([partial(_drive, kind, found) for kind in phase])
        solving = "a plan was being made" if world.is_solving() else "no plan was being made at its end"
        for kind in phase:
            row = f"{kind.name} {'alone' if len(phase) == 1 else 'together'}"
            yield [database, roster, row, f"{asked.seconds:g}", *_cells(kind.name, figures(found[kind.name])), solving]
    if "clocks" in wanted and asked.clocks:
        fired = worlds.due_at_once(world, asked.clocks)
        met = "yes" if fired.seconds <= CLOCKS_WITHIN else "NO"
        row = [f"{fired.clocks} clocks due at once", f"{fired.seconds:.1f}", fired.clocks, *["–"] * 6]
        yield [database, roster, *row, f"≤ {CLOCKS_WITHIN} s", met, "seconds until the last had fired"]


def _drive(kind: Kind, found: dict[str, Traffic]) -> None:
    found[kind.name] = kind.drive()


def _kinds(world: World, asked: argparse.Namespace) -> list[Kind]:
    def even(rate: float, lines: list[Do]) -> Callable[[], Traffic]:
        return partial(arriving, rate, asked.seconds, lines)

    return [
        Kind("intake", even(asked.intake, world.lines("intake", "clerk", LINES, worlds.intake(world)))),
        Kind("schedule", even(asked.schedule, world.lines("phones", "dispatcher", LINES, worlds.schedules(world)))),
        Kind("writes", partial(thinking, asked.seconds, THOUGHT, worlds.dispatchers(world, asked.dispatchers))),
    ]


def _cells(name: str, told: Figures) -> list[object]:
    failed = ", ".join(f"{number} × {why}" for why, number in told.failed.items()) or "0"
    waits = [f"{ms:.0f}" for ms in (told.p50, told.p95, told.p99, told.worst)]
    met = "yes" if told.p99 <= TARGETS[name] and not told.failed else "NO"
    return [told.asked, f"{told.rate:.1f}", failed, *waits, f"p99 ≤ {TARGETS[name]} ms", met]
