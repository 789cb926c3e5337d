"""The judge of proofs: at any prices its bound is below the optimum, and what a proof does not prove is refused."""

from dataclasses import replace
from random import Random

import pytest

from matcher import Instance, solve
from matcher.cost import late_points
from matcher.eligibility import request_starts, settled_points
from matcher.exact import exact
from matcher.proof import Leaf, Price, Proof, Split, judge_proof, proven_bound
from tests.builders import instance, minute, pinned, published, request, seat, volunteer
from tests.matcher.meeting import drawn
from tests.samples import sample


def random_tree(day: Instance, rng: Random, depth: int = 2) -> Leaf | Split:
    """Any prices at all, and any choices."""
    if depth == 0 or rng.random() < 0.5:
        return Leaf(tuple(_random_prices(day, rng)))
    wanted = rng.choice(day.requests)
    at = None if rng.random() < 0.5 else rng.choice([w.start + rng.choice((0, 1, 15)) for w in wanted.windows])
    return Split(wanted.id, at, random_tree(day, rng, depth - 1), random_tree(day, rng, depth - 1))


def _random_prices(day: Instance, rng: Random):
    for wanted in day.requests:
        price = day.weights.unserved[wanted.priority]
        for k in range(len(wanted.seats)):
            for _ in range(rng.randint(0, 3)):
                first = wanted.windows[0].start + rng.choice((-60, 0, 0, 5, 30))
                points = rng.choice((price // len(wanted.seats), rng.randint(-300, price), rng.randint(0, 1500)))
                yield Price(wanted.id, k, first, first + rng.choice((0, 10, 120, 600)), points)


@pytest.mark.prove("proofs")
def test_at_any_prices_the_bound_is_below_the_optimum(record_property):
    """Random prices and choices on random instances: no bound above the oracle's optimum, some at it."""
    rng, tight = Random(3), 0
    for n, day in enumerate(drawn(sample("proofs", 150, 2000), 3, 3)):
        best = sum(exact(day, 60, threads=1).terms.values())
        for _ in range(3):
            bound = proven_bound(day, random_tree(day, rng))
            assert settled_points(day) <= bound <= best, n
            tight += bound == best
    record_property("at the optimum", tight)
    assert tight > 0


@pytest.mark.prove("proofs")
def test_one_person_alone_is_priced_to_the_point(record_property):
    """One volunteer, single seats: at unserved price less lateness for each start, the bound is the optimum itself."""
    seen = 0
    for n, day in enumerate(drawn(sample("proofs", 300, 4000), 3, 1)):
        if any(len(wanted.seats) > 1 for wanted in day.requests):
            continue
        prices = []
        for wanted in day.requests:
            for a, b in request_starts(day, wanted):
                for start in range(a, b + 1):
                    points = day.weights.unserved[wanted.priority] - late_points(day, wanted, start)
                    prices.append(Price(wanted.id, 0, start, start, points))
        assert proven_bound(day, Leaf(tuple(prices))) == sum(exact(day, 60, threads=1).terms.values()), n
        seen += 1
    record_property("days", seen)
    assert seen > 50


def ada_and_one_visit() -> Instance:
    return instance([volunteer("ada")], [request("R", "09:00-10:00")])


def test_what_a_price_proves_by_hand():
    """Ada goes for 2 x 20 x 10 = 400 (100 minutes are below her target). Unserved costs 3000.

    Paid nothing she stays, and the request is served for nothing: 0. Paid 400 she gains nothing by going, and the
    request is served at 400: the optimum. Paid 500 the request costs 500 and she gains 100: 400 again. Paid 4000 it
    is cheaper to leave it, 3000, and she gains 3600: nothing below 0 is proven, which is what is settled.
    """
    day = ada_and_one_visit()
    for points, bound in ((0, 0), (400, 400), (500, 400), (4000, 0)):
        assert proven_bound(day, Leaf((Price("R", 0, minute("09:00"), minute("10:00"), points),))) == bound


def test_where_ranges_overlap_the_last_counts():
    """400 everywhere, then 100 at 09:30: the request starts at 09:30 for 100, and nobody goes for that."""
    whole = Price("R", 0, 0, 1440, 400)
    dip = Price("R", 0, minute("09:30"), minute("09:30"), 100)
    assert proven_bound(ada_and_one_visit(), Leaf((whole, dip))) == 100
    assert proven_bound(ada_and_one_visit(), Leaf((dip, whole))) == 400


def test_choices_bind_requests_and_people_alike():
    """Served or not: without prices "served" proves 0; "not served" proves the price of leaving it, and Ada stays.

    With 4000 for going: not served 3000, and Ada cannot collect; served 4000, of which she gains 3600.
    """
    day = ada_and_one_visit()
    dear = Leaf((Price("R", 0, 0, 1440, 4000),))
    assert proven_bound(day, Split("R", None, no=Leaf(), yes=Leaf())) == 0
    assert proven_bound(day, Split("R", None, no=Leaf(), yes=dear)) == 400
    assert proven_bound(day, Split("R", minute("09:30"), no=dear, yes=dear)) == 0
    early = Leaf((Price("R", 0, 0, minute("09:29"), 400),))
    late = Leaf((Price("R", 0, minute("09:30"), 1440, 400),))
    assert proven_bound(day, Split("R", minute("09:30"), no=early, yes=late)) == 400
    assert proven_bound(day, Split("R", minute("09:30"), no=late, yes=early)) == 0


def test_what_was_promised_is_counted_and_saved():
    """A pin (1,000,000) and an entry in force (300) are owed unless Ada goes: kept, she costs 400."""
    day = instance(
        [volunteer("ada")],
        [request("R", "09:00-10:00")],
        pinned=[pinned("R", "ada", "09:10")],
        published=[published("R", "ada", "09:40")],
    )
    assert proven_bound(day, Leaf((Price("R", 0, 0, 1440, 0),))) == 400
    both = sum(exact(day, 10).terms.values())
    assert both == 400


def test_an_optional_seat_is_paid_no_more_than_it_is_worth():
    """A price of 900 on an optional seat: leaving it empty costs 600, so 600 is what the request pays."""
    day = instance([volunteer("ada")], [request("R", "09:00", seats=[seat(), seat(optional=True)])])
    prices = (Price("R", 0, 0, 1440, 400), Price("R", 1, 0, 1440, 900))
    # The request: min(3000, 400 + 600); Ada gains 900 - 400 in the optional seat.
    assert proven_bound(day, Leaf(prices)) == 1000 - 500


GONE = Leaf(missing=True)
STRANGE = Price("Q", 0, 0, 1, 1)


@pytest.fixture
def proven():
    """A day, its best plan, and a proof of it: 400 points."""
    day = ada_and_one_visit()
    leaf = Leaf((Price("R", 0, 0, 1440, 400),))
    return day, solve(day, seconds=10, engine="exact"), Proof(day.name, 400, Split("R", None, no=Leaf(), yes=leaf))


def test_a_proof_that_holds_is_confirmed(proven):
    assert judge_proof(*proven) == (400, ())


@pytest.mark.parametrize(
    ("change", "because"),
    [
        (lambda proof: replace(proof, instance="another"), "the proof is of another, not of by hand"),
        (lambda proof: replace(proof, bound=401), "the proof states 401, it proves 400"),
        (lambda proof: replace(proof, tree=replace(proof.tree, no=GONE)), "1 leaves of the tree are missing"),
        (lambda proof: replace(proof, tree=Leaf()), "the proof states 400, it proves 0"),
        (lambda proof: replace(proof, tree=Leaf((STRANGE,))), "the proof names Q, which the instance lacks"),
    ],
)  # fmt: skip
def test_a_proof_that_does_not_hold_is_refused(proven, change, because):
    day, plan, proof = proven
    _, found = judge_proof(day, plan, change(proof))
    assert because in [violation.because for violation in found]


def test_a_plan_that_states_more_than_is_proven_is_refused(proven):
    day, plan, proof = proven
    _, found = judge_proof(day, replace(plan, bound=401), proof)
    assert [v.because for v in found] == ["the plan states bound 401, the proof proves 400"]
