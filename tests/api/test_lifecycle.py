"""P7: only declared changes happen; the chart in docs/ is the declaration drawn."""

import itertools
import re

import pytest

from api.lifecycle import CHART, MACHINES, REQUEST, SEAT, Who, chart
from api.messages import MESSAGES
from api.models.plans import PlanState
from api.transitions import IllegalTransition


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


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.noun)
def test_what_may_not_be_is_said_in_chinese_without_a_latin_letter(machine):
    asked_for = {edge.event for edge in machine.edges if edge.who != (Who.HOUSE,)}
    for state, event in itertools.product(machine.states, sorted(asked_for)):
        refusal = IllegalTransition(machine.noun, state, event, machine.possible(state))
        for part in ("zh", "hint_zh"):
            said = MESSAGES["transition_illegal"][part].format(value=refusal.value, **refusal.params)
            assert not re.search("[A-Za-z_{}]", said), said


def test_a_volunteer_who_is_late_is_told_so():
    refusal = IllegalTransition("assignment", "expired", "accept", SEAT.possible("expired"))
    said = {part: text.format(value=refusal.value, **refusal.params) for part, text in MESSAGES[refusal.code].items()}
    assert said == {
        "zh": "席位现在是“超时未接”，不能接单",
        "en": "the assignment is expired, so it cannot accept",
        "hint_zh": "现在可以：无",
        "hint_en": "possible now: -",
    }


def test_a_plan_that_is_in_force_is_told_so():
    for state in PlanState:
        assert IllegalTransition("plan", state, "publish").params["value_zh"] not in ("", state)
