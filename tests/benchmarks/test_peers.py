"""Every peer is asked the same small day, whose best plan is worked out by hand."""

from importlib import import_module

import pytest

from benchmarks.peers import INSTALL, PEERS, BeyondPeers, peer_plan, plan_of, problem_of
from matcher import Instance, Weights, judge, solve
from tests.builders import instance, request, seat, volunteer
from tests.conftest import absent

UNFAIR = Weights(fairness=(0, 0, 0))


def day() -> Instance:
    """Ada mends the tap, cooks lunch and comes again for tea; Bo walks the dog and is home to the minute.

    Ada: 10 + 5 + 10 and 10 + 10 minutes, Bo: 9 + 9. Nobody goes to the far one, worth 1200, for going on there from
    tea takes Ada 130 minutes more. She could walk the dog between tap and lunch: 20 minutes more, against Bo's 18. And
    Bo lives next to the tap, but is no plumber.
    """
    return instance(
        [volunteer("Ada", "08:00-13:30, 15:00-20:00", skills="plumbing"), volunteer("Bo", "08:00-11:09")],
        [
            request("tap", "09:00-09:15", seats=[seat("plumbing")]),
            request("dog", "10:30", minutes=30),
            request("lunch", "12:00-12:15"),
            request("tea", "15:00-15:10"),
            request("far", "18:00-18:15", minutes=30, priority="low"),
        ],
        travel={
            ("Ada", "tap"): 10, ("tap", "lunch"): 5, ("lunch", "Ada"): 10, ("Ada", "tea"): 10, ("Bo", "dog"): 9,
            ("Bo", "tap"): 1, ("tap", "dog"): 5,
            **{(place, "far"): 70 for place in ("Ada", "Bo", "tap", "dog", "lunch", "tea")},
        },
        weights=UNFAIR,
    )  # fmt: skip


BEST = 10 * (25 + 18 + 20) + 1200
CREW = {"tap": "Ada", "dog": "Bo", "lunch": "Ada", "tea": "Ada"}


@pytest.mark.parametrize("name", PEERS)
def test_a_peer_finds_the_best_plan_and_it_holds(name):
    peer = PEERS[name]
    if peer.missing:
        absent(peer.package, INSTALL)
    heard = []
    plan = peer_plan(peer, day(), seconds=0.5, seed=1, told=heard.append)
    assert judge(day(), plan).violations == ()
    assert {a.request: a.volunteer for a in plan.assignments} == CREW
    assert plan.cost == BEST
    assert heard[-1:] in ([], [BEST])


def test_the_best_plan_is_what_the_exact_model_says():
    assert solve(day(), 5, engine="exact").cost == BEST


def test_who_goes_where_in_order_is_a_plan():
    """One vehicle for each interval; in the second one nobody can come from the first."""
    problem = problem_of(day())
    assert [v.volunteer for v in problem.vehicles] == ["Ada", "Ada", "Bo"]
    plan = plan_of(problem, [[0, 2], [3], [1]], "by hand", 0.0, 1)
    assert [(a.request, a.start // 60) for a in plan.assignments] == [
        ("dog", 10),
        ("lunch", 12),
        ("tap", 9),
        ("tea", 15),
    ]
    assert plan.cost == BEST
    assert judge(day(), plan).holds


def test_an_order_that_cannot_be_kept_is_found_by_the_judge():
    plan = plan_of(problem_of(day()), [[2, 0], [3], [1]], "by hand", 0.0, 1)
    assert {v.rule for v in judge(day(), plan).violations} == {"start", "trip"}


def test_what_is_possible_alone():
    """Bo cannot mend the tap and is gone by lunch; a person's intervals are asked one by one."""
    possible = problem_of(day()).possible()
    names = [r.id for r in day().requests]
    able = [{names[r] for r in row.nonzero()[0]} for row in possible]
    assert able == [{"tap", "dog", "lunch"}, {"tea", "far"}, {"dog"}]


@pytest.mark.parametrize(
    ("person", "wanted", "weights", "what"),
    [
        ({}, {"seats": 2}, UNFAIR, "teams"),
        ({}, {"due": "09:30"}, UNFAIR, "due times"),
        ({}, {"partners": ("Ada",)}, UNFAIR, "partners"),
        ({"max_requests_per_day": 1}, {}, UNFAIR, "caps"),
        ({}, {}, Weights(), "a price on load"),
    ],
)
def test_what_peers_have_no_words_for_is_refused(person, wanted, weights, what):
    odd = instance([volunteer("Ada", **person)], [request("R", "09:00", **wanted)], weights=weights)
    with pytest.raises(BeyondPeers, match=what):
        problem_of(odd)


def test_vroom_drops_a_visit_that_costs_more_than_it_is_worth():
    if PEERS["vroom-0"].missing:
        absent("pyvroom", INSTALL)
    drop = import_module("benchmarks.peers.vroom").without_what_costs_more
    problem = problem_of(day())
    assert drop(problem, problem.vehicles[0].node, [0, 2]) == [0, 2]
    assert drop(problem, problem.vehicles[1].node, [3, 4]) == [3]
