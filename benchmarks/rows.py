"""What is measured, by name: instances, engines and times, in groups that share a table of RESULTS.md."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.peers import PEERS
from benchmarks.solving import OURS, Run, Task, run
from matcher import Instance, Plan, Published, read_plan
from matcher.cost import keeps_published
from scenarios import generate, preset
from scenarios.generator import EVERYTHING, FULL_COST, TEAMS

Make = Callable[[int], Instance]
"""The instance of a seed."""

DEFAULT_GAP = 0.005


@dataclass(frozen=True)
class Row:
    """An instance for each seed, who plans it, and how long. Rows of one `about`, engine and time share their runs."""

    name: str
    about: str
    make: Make
    seconds: float
    engine: str = OURS
    gap: float = 0.0
    share: float = 1.0
    """How much of another time this row takes when `--seconds` names one."""
    measured: Callable[[Row, int, Path], Run] | None = None
    """How, where it takes more than one solve."""

    @property
    def key(self) -> str:
        """What its runs are kept under."""
        return f"{self.about} {self.engine} {self.seconds:g}s"

    def measure(self, seed: int, folder: Path) -> Run:
        """One run, with its files in the folder."""
        if self.measured is not None:
            return self.measured(self, seed, folder)
        return run(self.make(seed), Task(self.engine, self.seconds, seed, self.gap), folder)


@dataclass(frozen=True)
class Group:
    """Rows under one heading of RESULTS.md."""

    heading: str
    rows: tuple[Row, ...]

    def chosen(self, names: Sequence[str], seconds: float | None) -> list[Row]:
        """Rows of these names (`e` is every `e/…`), or all, with another time where one is given. KeyError if none."""
        for name in names:
            if not any(named(row, name) for row in self.rows):
                raise KeyError(name)
        rows = [row for row in self.rows if not names or any(named(row, name) for name in names)]
        if seconds is not None:
            rows = [_lasting(row, seconds * row.share) for row in rows]
        return list({row.name: row for row in rows}.values())


def named(row: Row, name: str) -> bool:
    """Whether the row goes by this name, or by the first part of its own."""
    return row.name == name or row.name.startswith(f"{name}/")


def _lasting(row: Row, seconds: float) -> Row:
    """The row with another time, also in its name if that says it."""
    return replace(row, seconds=seconds, name=re.sub(rf"/{row.seconds:g}$", f"/{seconds:g}", row.name))


def _plain(requests: int, volunteers: int) -> Make:
    """What peers can be asked: one seat, nothing but who is able when, travel, and prices of what is left."""
    return lambda seed: generate(requests, volunteers, seed=seed, fairness=False)


def _drawn(requests: int, volunteers: int, days: int = 1, **features: float | bool | None) -> Make:
    return lambda seed: generate(requests, volunteers, days=days, seed=seed, **features)


def _peers(requests: int, volunteers: int) -> tuple[Row, ...]:
    size = f"{requests}x{volunteers}"
    about, make = f"plain {size}", _plain(requests, volunteers)
    ours = (Row(f"{size}/{OURS}-half", about, make, 30, share=0.5), Row(f"{size}/{OURS}", about, make, 60))
    return ours + tuple(Row(f"{size}/{peer}", about, make, 60, peer) for peer in PEERS)


def _scale(requests: int, volunteers: int, seconds: float) -> Row:
    size = f"{requests}x{volunteers}"
    return Row(size, f"scale {size}", _drawn(requests, volunteers), seconds, gap=DEFAULT_GAP)


def _feature(name: str, make: Make, *times: float) -> tuple[Row, ...]:
    return tuple(Row(f"{name}/{seconds:g}", name, make, seconds) for seconds in times)


CAPS: Mapping[str, float] = {"cap_share": 0.3}
DISTRICT: Mapping[str, float] = {**FULL_COST, **TEAMS, **CAPS}
"""A day of a district with every cost, teams with lags, and caps."""

BEFORE, ARRIVED = 450, 45
PLANNED_FOR = 60.0
"""Row k: so many requests are planned for so long and published, then so many more come in."""


def _replanned(row: Row, seed: int, folder: Path) -> Run:
    """Plan, publish, and plan again with a tenth more requests, starting from what is published."""
    whole = row.make(seed)
    before = replace(whole, requests=whole.requests[:BEFORE], name=f"{whole.name}-before")
    first = folder / "before"
    run(before, Task(OURS, PLANNED_FOR, seed, prove=True), first)
    published = tuple(Published(a.request, a.volunteer, a.start, a.seat) for a in _plan(first, before).assignments)
    after = replace(whole, published=published)
    found = run(after, Task(OURS, row.seconds, seed, start=str(first)), folder)
    changed = changed_seats(after, _plan(folder, after))
    note = f"{changed} of {len(published)} published seats changed"
    return replace(found, note=", ".join(part for part in (note, found.note) if part))


def changed_seats(instance: Instance, plan: Plan) -> int:
    """Published entries whose request is still there and which the plan does not keep."""
    still = [entry for entry in instance.published if entry.request in instance.request_index]
    crews = plan.by_request()
    return sum(not any(keeps_published(a, entry) for a in crews.get(entry.request, ())) for entry in still)


def _plan(folder: Path, instance: Instance) -> Plan:
    return read_plan(folder / "plan.json", instance)


def _existing(name: str, make: Make, seconds: float) -> Row:
    return Row(name, name, make, seconds, gap=DEFAULT_GAP)


GROUPS = {
    "plans": Group(
        "Plans",
        (
            _existing("300x400", _drawn(300, 400), 10),
            _existing("300x400-full-cost", _drawn(300, 400, **FULL_COST), 10),
            _existing("450x700-teams", _drawn(450, 700, **FULL_COST, **TEAMS), 30),
            _existing("lianhu-day", lambda seed: preset("lianhu-day", seed=seed), 10),
            _existing("lianhu-day-340", lambda seed: preset("lianhu-day", seed=seed, requests=340), 30),
        ),
    ),
    "peers": Group("Peers", (*_peers(150, 200), *_peers(450, 700), *_peers(1000, 1000))),
    "scale": Group(
        "Scale",
        (
            _scale(150, 200, 60),
            _scale(450, 700, 60),
            _scale(1000, 1000, 120),
            _scale(3000, 2800, 300),
            _scale(10_000, 10_000, 600),
        ),
    ),
    "features": Group(
        "Features",
        (
            *_feature("c", _drawn(300, 400, **FULL_COST), 30),
            *_feature("d", _drawn(60, 80, **FULL_COST, **TEAMS), 20, 120),
            *_feature("e", _drawn(450, 700, **DISTRICT), 60, 600),
            *_feature("f", _drawn(200, 250, days=2, **EVERYTHING), 60),
            *_feature("g", _drawn(1500, 1400, days=7, **DISTRICT), 120, 600),
            *_feature("h", _drawn(3000, 2800, **{**DISTRICT, "team_share": 0.15}), 300, 1800),
            *_feature("i", _drawn(10_000, 10_000, **FULL_COST, **CAPS), 600),
            Row("j", "e", _drawn(450, 700, **DISTRICT), 60),
            Row("k", "k", _drawn(BEFORE + ARRIVED, 700, **DISTRICT), 10, measured=_replanned),
        ),
    ),
}
