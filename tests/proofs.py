"""What `make prove WHAT=…` adds to pytest: it selects the tests so marked, and writes a row for each."""

import datetime
import os
import platform
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.samples import drawn, proving

RESULTS = Path(__file__).parent.parent / "benchmarks" / "RESULTS.md"
HEADING = "## Proofs"
COLUMNS = ("date", "commit", "machine", "what", "test", "sample", "result", "seconds", "properties")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "prove(what): shown on a large sample by `make prove WHAT=what`")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if proving():
        chosen, others = choose(proving(), items)
        config.hook.pytest_deselected(items=others)
        items[:] = chosen


def choose(what: str, items: Sequence[pytest.Item]) -> tuple[list[pytest.Item], list[pytest.Item]]:
    """The tests that prove `what`, and the others; an unknown `what` is refused with those there are."""
    known = sorted({name for item in items for name in named(item)})
    if what != "all" and what not in known:
        raise pytest.UsageError(f"WHAT={what!r} is not proven by any test; there are: {', '.join(['all', *known])}")
    chosen = [item for item in items if what in named(item) or (what == "all" and named(item))]
    return chosen, [item for item in items if item not in chosen]


def named(item: pytest.Item) -> set[str]:
    return {name for mark in item.iter_markers("prove") for name in mark.args}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Tell the row what was proven, and on how many, unless the test recorded its own `sample`."""
    report = yield
    if proving():
        shown = sorted(name for name in named(item) if proving() in (name, "all"))
        sizes = sorted({size for name in shown for size in drawn[item.module.__name__, name]})
        told = dict(report.user_properties)
        told.setdefault("what", ", ".join(shown))
        told.setdefault("sample", ", ".join(f"{size:,}" for size in sizes))
        report.user_properties = list(told.items())
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    finished = report.when == "call" or report.failed
    if proving() and finished and not report.skipped and "PYTEST_XDIST_WORKER" not in os.environ:
        written = append(RESULTS.read_text() if RESULTS.exists() else "", row(report))
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(written)


def row(report: pytest.TestReport) -> str:
    """One line of the table: when, where, what, on how many, and how it went."""
    told = dict(report.user_properties)
    cells = (
        datetime.date.today().isoformat(),
        commit(),
        machine(),
        told.pop("what"),
        report.nodeid.removeprefix("tests/"),
        told.pop("sample"),
        report.outcome,
        f"{report.duration:.1f}",
        ", ".join(f"{name} {value}" for name, value in told.items()),
    )
    return "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def append(text: str, line: str) -> str:
    """The text with one more row at the end of its table of proofs, wherever that stands."""
    lines = text.splitlines()
    if HEADING not in lines:
        lines += [""] * bool(lines) + [HEADING, "", f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
    start = lines.index(HEADING)
    later = (at for at in range(start + 1, len(lines)) if lines[at].startswith("#"))
    table = [at for at in range(start, next(later, len(lines))) if lines[at].startswith("|")]
    lines.insert(table[-1] + 1, line)
    return "\n".join(lines) + "\n"


def commit() -> str:
    """The commit that was tried, with a + when the tree had changes beside it."""
    head = _git("rev-parse", "--short", "HEAD") or "none"
    changed = _git("status", "--porcelain", "--", ".", f":!{RESULTS.relative_to(RESULTS.parent.parent)}")
    return head + "+" * bool(changed)


def _git(*words: str) -> str:
    try:
        told = subprocess.run(["git", *words], cwd=RESULTS.parent.parent, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return told.stdout.strip()


def machine() -> str:
    info = Path("/proc/cpuinfo")
    models = re.findall(r"model name\s*: (.+)", info.read_text()) if info.exists() else []
    return f"{os.cpu_count()} × {models[0] if models else platform.machine()}"
