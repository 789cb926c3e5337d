"""What `make prove WHAT=…` adds to pytest: it selects the tests so marked, and writes a row for each."""

import os
from collections.abc import Sequence

import pytest

from benchmarks import results
from tests.samples import drawn, proving

COLUMNS = ("what", "test", "sample", "result", "seconds", "properties")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "prove(what): shown on a large sample by `make prove WHAT=what`")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if proving():
        chosen, others = choose(proving(), items)
        config.hook.pytest_deselected(items=others)
        items[:] = chosen
    else:
        long_first(items)


def long_first(items: list[pytest.Item]) -> None:
    """Whoever draws a sample takes longest: begun last, one process would still be at it when the others have ended."""
    long = {item.module.__name__ for item in items if named(item)}
    items.sort(key=lambda item: item.module.__name__ not in long)


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
        results.note("Proofs", COLUMNS, cells(report))


def cells(report: pytest.TestReport) -> tuple[object, ...]:
    """What was proven, on how many, and how it went."""
    told = dict(report.user_properties)
    return (
        told.pop("what"),
        report.nodeid.removeprefix("tests/"),
        told.pop("sample"),
        report.outcome,
        f"{report.duration:.1f}",
        ", ".join(f"{name} {value}" for name, value in told.items()),
    )
