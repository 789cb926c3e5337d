"""A week of the service, from the first request in to the last call back: nothing is lost, and the report is right."""

from dataclasses import replace
from datetime import datetime

import pytest

from api.lifecycle import MACHINES
from api.reports import figures
from tests.api.recount import Books, books, holds, recount
from tests.api.week import DAY, FATES, MONDAY, Week
from tests.samples import only, sample

WEDNESDAY = MONDAY + 2 * DAY
PERIODS = {
    "the whole of it": (MONDAY, MONDAY + 30 * DAY),
    "the week": (MONDAY, MONDAY + 7 * DAY),
    "one day": (WEDNESDAY, WEDNESDAY + DAY),
}

NOT_LIVED = {"assignment": {(None, "proposed")}}
"""A proposal is nobody's affair yet: the plan's own row in the audit stands for its seats."""


def reported(desk, first: datetime, end: datetime) -> dict:
    """The figures that the service tells; a share is what it says it is."""
    told = desk.get(f"/v1/report?from={first:%Y-%m-%d}&to={end:%Y-%m-%d}")["figures"]
    for one in told:
        share = round(one["value"] / one["of"], 4) if one["of"] else None
        assert one["share"] == share, one
    return {one["code"]: (one["value"], one["of"]) for one in told}


def differences(desk, kept: Books) -> dict:
    """Where report and recount differ: (period, code) -> what each says."""
    found = {}
    for name, (first, end) in PERIODS.items():
        told, counted = reported(desk, first, end), recount(kept, first, end)
        for code in told.keys() | counted.keys():
            if told.get(code) != counted.get(code):
                found[name, code] = told.get(code), counted.get(code)
    return found


def moved(kept: Books, noun: str) -> set[tuple[str | None, str]]:
    return {(change.was, change.is_) for (what, _), story in kept.story.items() if what == noun for change in story}


def visited(kept: Books, noun: str) -> set[str]:
    return {state for move in moved(kept, noun) for state in move if state is not None}


@pytest.mark.prove("week")
@only("postgres")
def test_a_week_is_lived_to_its_end(desk, clock, record_property):
    """Every fate of a request occurs; each ends closed, nobody is in two places, and every figure is recounted."""
    week = Week(desk, clock, sample("week", len(FATES), 300), sample("week", 2, 4))
    week.live()
    kept = books(desk)
    assert len(kept.requests) > week.size and kept.requests.keys() == week.cases.keys()
    assert [id for id, row in kept.requests.items() if kept.story["request", id][-1].is_ != "closed"] == []
    assert all(row["outcome"] for row in kept.requests.values())
    for machine in MACHINES:
        assert visited(kept, machine.noun) == {*machine.states}
        declared = {(source, edge.target) for edge in machine.edges for source in edge.sources}
        assert declared - moved(kept, machine.noun) == NOT_LIVED.get(machine.noun, set())
    assert unkept(kept) == []
    assert clashes(kept) == []
    assert differences(desk, kept) == {}
    record_property("changes", f"{sum(map(len, kept.story.values())):,}")


def unkept(kept: Books) -> list[int]:
    """Seats that somebody was asked for, of which nothing has come, not even a no."""
    ends = {"done", "declined", "expired", "withdrawn", "released"}
    return [id for (noun, id), story in kept.story.items() if noun == "assignment" and story[-1].is_ not in ends]


def clashes(kept: Books) -> list:
    """Two seats at one time that held the same volunteer at the same moment."""
    held = sorted(holds(kept), key=lambda one: one[:2])
    return [
        (one, other)
        for n, one in enumerate(held)
        for other in held[n + 1 :]
        if one[0] == other[0] and other[1] < one[2] and one[3] < other[4] and other[3] < one[4]
    ]


@only("sqlite")
def test_a_wrong_number_is_seen(desk, clock, monkeypatch):
    """A figure of the service is spoiled by one, each in turn: the comparison names it, and no other."""
    Week(desk, clock, 8, 0).live()
    kept = books(desk)
    for code, definition in list(figures.FIGURES.items()):

        def spoiled(record, count=definition.count):
            value, of = count(record)
            return value + 1, of

        with monkeypatch.context() as patch:
            patch.setitem(figures.FIGURES, code, replace(definition, count=spoiled))
            assert {found for _, found in differences(desk, kept)} == {code}
