"""Rows are chosen by name, run once for each seed and version, and noted when all seeds are there."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from benchmarks import results
from benchmarks.__main__ import measure
from benchmarks.medians import COLUMNS, cells
from benchmarks.rows import GROUPS, Group, Row, changed_seats
from benchmarks.runs import Runs
from benchmarks.solving import Run
from tests.builders import instance, plan, published, request, volunteer

RUN = Run(
    "day-seed1", "by hand", 10, 9.5, 0.5, 120, 110, 100, 10, 0, 3, 4, True, 200, [(0.5, 120, 10), (9.5, 110, 100)]
)  # fmt: skip


class Measured(Row):
    """A row whose runs are made up; `fails_at` is interrupted."""

    seen: list
    fails_at: int | None = None

    def measure(self, seed, folder):
        if seed == type(self).fails_at:
            raise KeyboardInterrupt
        type(self).seen.append(seed)
        folder.mkdir(parents=True)
        return replace(RUN, instance=f"day-seed{seed}", cost=100 + 10 * seed)


@pytest.fixture
def bench(tmp_path, monkeypatch):
    """A row, where its runs are kept, and the table they come to."""
    table = tmp_path / "RESULTS.md"
    monkeypatch.setattr(results, "RESULTS", table)
    monkeypatch.setattr(results, "commit", lambda: "abc1234")
    monkeypatch.setattr(results, "version", lambda: "abc1234")
    monkeypatch.setattr("benchmarks.__main__.FOLDER", tmp_path / "folders")
    Measured.seen, Measured.fails_at = [], None
    row = Measured("x", "x", lambda seed: None, 10, engine="by hand")
    return SimpleNamespace(row=row, group=Group("Features", (row,)), runs=Runs(tmp_path / "runs.jsonl"), table=table)


def rows_in(table):
    return [line for line in table.read_text().splitlines() if "| x |" in line] if table.exists() else []


def test_an_interrupted_row_goes_on_where_it_stopped(bench):
    Measured.fails_at = 2
    with pytest.raises(KeyboardInterrupt):
        measure(bench.group, bench.row, (1, 2, 3), bench.runs)
    assert rows_in(bench.table) == []
    Measured.fails_at = None
    assert measure(bench.group, bench.row, (1, 2, 3), bench.runs)
    assert Measured.seen == [1, 2, 3]
    (line,) = rows_in(bench.table)
    assert "| 120 |" in line  # the median of 110, 120 and 130


def test_a_finished_row_is_neither_run_nor_noted_again_unless_asked_for(bench):
    for again in (False, False, True):
        measure(bench.group, bench.row, (1, 2), bench.runs, again)
    assert Measured.seen == [1, 2, 1, 2]
    assert len(rows_in(bench.table)) == 2


def test_another_version_is_measured_anew(bench, monkeypatch):
    measure(bench.group, bench.row, (1,), bench.runs)
    monkeypatch.setattr(results, "version", lambda: "def5678")
    measure(bench.group, bench.row, (1,), bench.runs)
    assert Measured.seen == [1, 1]


def test_a_line_cut_off_by_a_kill_is_no_run(tmp_path):
    file = tmp_path / "runs.jsonl"
    runs = Runs(file)
    runs.add("x", 1, "abc", RUN)
    file.write_text(file.read_text() + '\n{"of": ["x", 2, "abc"], "run": {"inst')
    runs.add("x", 3, "abc", RUN)
    assert [runs.find("x", seed, "abc") is not None for seed in (1, 2, 3)] == [True, False, True]
    assert runs.proven("day-seed1", "abc") == 100
    assert runs.proven("day-seed1", "other") is None


def test_a_peer_is_measured_by_the_bound_that_ours_proved():
    """Cost 110, of which 10 hopeless; 100 is proven: 10 of 100 could be saved."""
    peer = replace(RUN, bound=None, first=None, first_cost=None, clean=False)
    of = dict(zip(COLUMNS, cells(COLUMNS, "x", (1,), [peer], [100]), strict=True))
    assert (of["bound"], of["gap"], of["first plan s"], of["judged"]) == ("–", "10.00%", "–", "NOT CLEAN")
    of = dict(zip(COLUMNS, cells(COLUMNS, "x", (1, 2, 4), [RUN] * 3, [None] * 3), strict=True))
    assert (of["seeds"], of["gap"], of["first above last"], of["instance"]) == ("of 1, 2, 4", "10.00%", "9.1%", "day")


def test_rows_are_chosen_by_name_or_by_its_first_part():
    features = GROUPS["features"]
    assert [row.name for row in features.chosen(["e", "j"], None)] == ["e/60", "e/600", "j"]
    assert [row.name for row in features.chosen(["e", "j"], 5)] == ["e/5", "j"]
    half, whole = GROUPS["peers"].chosen(["450x700/ours-half", "450x700/ours"], 20)
    assert (half.seconds, whole.seconds) == (10, 20)
    with pytest.raises(KeyError, match="zz"):
        features.chosen(["zz"], None)


def test_names_are_told_apart():
    for group in GROUPS.values():
        names = [row.name for row in group.rows]
        assert len(names) == len(set(names))


def test_the_first_plan_is_timed_in_the_runs_of_e():
    e, j = GROUPS["features"].chosen(["e/60", "j"], None)
    assert e.key == j.key


def test_changed_seats_are_those_not_kept_of_requests_still_there():
    """R1 goes to somebody else, R2 starts an hour later, R3 is kept within half an hour, R4 is gone."""
    people = [volunteer("Ada"), volunteer("Bo")]
    told = (
        published("R1", "Ada", "09:00"), published("R2", "Ada", "11:00"), published("R3", "Ada", "14:00"),
        published("R4", "Bo", "09:00"),
    )  # fmt: skip
    day = instance(people, [request(f"R{i}", "08:00-18:00") for i in (1, 2, 3)], published=told)
    made = plan(day, ("R1", 0, "Bo", "09:00"), ("R2", 0, "Ada", "12:00"), ("R3", 0, "Ada", "14:30"))
    assert changed_seats(day, made) == 2
