"""Instances made backwards: the hidden plan fills every seat and breaks no rule, so a solver has no excuse."""

import pytest

from matcher import Instance, judge
from scenarios import generate_hidden
from tests.builders import plan
from tests.samples import sample

SOME = [generate_hidden(seed=seed) for seed in range(30)]


def broken_rules(instance: Instance, hidden) -> set[str]:
    """Rules the hidden plan breaks, but for the figures it does not state."""
    verdict = judge(instance, plan(instance, assignments=hidden, unserved=()))
    return {violation.rule for violation in verdict.violations} - {"figures"}


@pytest.mark.prove("hidden")
def test_hidden_plans_break_no_rule():
    for seed in range(sample("hidden", test=100, prove=2000)):
        instance, hidden = generate_hidden(8 + seed % 8, 6 + seed % 7, seed=seed)
        assert broken_rules(instance, hidden) == set(), instance.name


def test_hidden_plans_fill_every_seat():
    for instance, hidden in SOME:
        seats = {(request.id, k) for request in instance.requests for k in range(len(request.seats))}
        assert {(a.request, a.seat) for a in hidden} == seats
        assert len(hidden) == len(seats)


def test_they_leave_little_to_spare():
    """An hour's delay of anybody breaks a rule in every one of them."""
    for instance, hidden in SOME:
        assert broken_rules(
            instance, [type(a)(a.request, a.seat, a.volunteer, a.start + 61, a.end + 61) for a in hidden]
        )


def test_trips_have_several_visits_and_teams_their_lags():
    visits = [
        sum(i.start <= a.start < i.end for a in h if a.volunteer == v.id)
        for day, h in SOME
        for v in day.volunteers
        for i in v.availability
    ]
    assert max(visits) == 3 and sum(n > 1 for n in visits) > 50
    crews = [request.seats for instance, _ in SOME for request in instance.requests if len(request.seats) > 1]
    assert len(crews) > 60
    assert sum(seat.lag[1] > 0 for crew in crews for seat in crew) > 30


def test_the_same_seed_hides_the_same_plan():
    assert generate_hidden(seed=5) == generate_hidden(seed=5)
    assert generate_hidden(seed=5) != generate_hidden(seed=6)


def test_two_people_hide_no_team():
    with pytest.raises(ValueError, match="2 volunteers"):
        generate_hidden(5, 2)
