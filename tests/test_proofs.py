"""`make prove WHAT=…` chooses the tests so marked, draws the large sample and writes a row for each."""

from types import SimpleNamespace

import pytest

from benchmarks.results import append
from tests.proofs import choose
from tests.samples import sample


def marked(*names: str) -> SimpleNamespace:
    marks = [SimpleNamespace(args=names)] if names else []
    return SimpleNamespace(iter_markers=lambda name: marks)


@pytest.mark.parametrize(("asked", "size"), [("", 50), ("races", 1000), ("all", 1000), ("kills", 50)])
def test_the_sample_is_large_when_it_is_proven(monkeypatch, asked, size):
    monkeypatch.setattr("tests.samples.proving", lambda: asked)  # not the environment, which is this run's own
    assert sample("races", 50, 1000) == size


def test_only_the_tests_so_marked_are_chosen():
    races, kills, plain = marked("races"), marked("kills"), marked()
    assert choose("races", [races, kills, plain]) == ([races], [kills, plain])
    assert choose("all", [races, kills, plain]) == ([races, kills], [plain])


def test_an_unknown_what_is_refused_with_those_there_are():
    with pytest.raises(pytest.UsageError, match="WHAT='raecs' is not proven by any test; there are: all, kills, races"):
        choose("raecs", [marked("races"), marked("kills"), marked()])


def test_a_row_ends_its_own_table_and_disturbs_no_other():
    first = append("# Results\n\n| engine |\n|---|\n| x |\n", "Proofs", ["what"], "| one |")
    assert first.startswith("# Results\n\n| engine |\n|---|\n| x |\n\n## Proofs\n\n| what |\n|---|\n")
    second = append(first + "\n## Later\n\n| y |\n", "Proofs", ["what"], "| two |")
    assert "| one |\n| two |\n\n## Later\n\n| y |\n" in second
