"""P7: only declared changes happen; the chart in docs/ is the declaration drawn."""

import itertools

import pytest

from api.lifecycle import CHART, MACHINES, REQUEST, SEAT, chart


def test_the_chart_is_the_declaration_drawn():
    assert CHART.read_text(encoding="utf-8") == chart(), "run `python -m api.lifecycle`"


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.noun)
def test_every_state_is_declared_and_reached(machine):
    reached = {edge.target for edge in machine.edges}
    named = reached | {source for edge in machine.edges for source in edge.sources if source is not None}
    assert reached == named == set(machine.states)


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.noun)
def test_an_event_leads_to_one_state_but_going_on_where_it_was(machine):
    pairs = [(edge.event, source) for edge in machine.edges for source in edge.sources]
    twice = {event for (event, source), group in itertools.groupby(sorted(pairs, key=str)) if len(list(group)) > 1}
    assert twice <= {"resume"}


def test_a_closed_request_is_only_reopened_and_an_ended_seat_stays():
    assert REQUEST.possible("closed") == ["reopen"]
    for ended in ("done", "declined", "expired", "withdrawn"):
        assert SEAT.possible(ended) == []
    assert SEAT.possible("released") == ["restore"]


def test_every_clock_that_starts_is_stopped_somewhere():
    edges = [edge for machine in MACHINES for edge in machine.edges]
    started = {name for edge in edges for name in edge.starts}
    stopped = {name for edge in edges for name in edge.stops}
    begun_by_hand = {"T8", "until"}  # a wait says how long; whatever ends it stops them
    assert started == stopped - begun_by_hand == {"T1", "T2", "T3", "T4", "T5", "T6", "T7", "T9"}
