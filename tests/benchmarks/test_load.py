"""The load runs against a service of its own, and says who came, who was served and how long they waited."""

import time

import pytest

from benchmarks import results
from benchmarks.load.command import COLUMNS, main
from benchmarks.load.service import Answer
from benchmarks.load.traffic import Traffic, Wait, arriving, figures, thinking, together

TINY = "--seconds 1 --volunteers 8 --requests 6 --intake 4 --schedule 4 --dispatchers 3 --clocks 0 --note"


def test_a_tiny_load_is_carried(tmp_path, monkeypatch):
    """Shapes alone: how long anything took says nothing here."""
    monkeypatch.setattr(results, "RESULTS", tmp_path / "RESULTS.md")
    monkeypatch.setattr(results, "commit", lambda: "abc1234")
    assert main(TINY.split()) == 0
    lines = [line.split(" | ") for line in (tmp_path / "RESULTS.md").read_text().splitlines() if "sqlite" in line]
    rows = [dict(zip(COLUMNS, line[3:], strict=True)) for line in lines]
    kinds = ("intake", "schedule", "writes")
    assert [row["row"] for row in rows] == [f"{k} alone" for k in kinds] + [f"{k} together" for k in kinds]
    assert all(int(row["asked"]) > 0 and row["failed"] == "0" for row in rows)
    assert {row["row"]: row["asked"] for row in rows if "writes" not in row["row"]} == {
        f"{kind} {how}": "4" for kind in kinds[:2] for how in ("alone", "together")
    }


def slow(seconds: float):
    def ask() -> Answer:
        time.sleep(seconds)
        return Answer(200, None, {})

    return ask


def test_waiting_for_a_free_line_counts():
    """Twenty come within 0.2 s and there is one line, which takes 0.05 s for each: the last waits 0.8 s or more."""
    traffic = arriving(100, 0.2, [slow(0.05)])
    assert len(traffic.waits) == 20
    assert max(wait.seconds for wait in traffic.waits) > 0.8


def test_who_thinks_asks_one_thing_after_another():
    """Each takes 0.1 s: in half a second nobody asks a seventh time, even without a thought."""
    traffic = thinking(0.5, (0, 0), [slow(0.1)] * 3)
    assert 3 <= len(traffic.waits) <= 3 * 6


def test_quantiles_are_waits_that_somebody_had():
    traffic = Traffic()
    traffic.waits = [Wait(n / 1000, n / 10, 200) for n in range(1, 100)] + [Wait(0.5, 20.0, 503, "database_away")]
    told = figures(traffic)
    assert (told.p50, told.p95, told.p99, told.worst) == (50, 95, 99, 500)
    assert (told.asked, told.rate, told.failed) == (100, 99 / 20, {"503 database_away": 1})


def test_what_one_of_them_raises_is_raised():
    with pytest.raises(ZeroDivisionError):
        together([lambda: None, lambda: 1 / 0])
