"""The engine's parts against slow, obvious twins, and its plans against the judge."""

from dataclasses import replace

import numpy as np
import pytest

from matcher import Assignment, Instance, Plan, judge, solve
from matcher.eligibility import distinct
from matcher.engine import tables
from matcher.engine.search import Search
from matcher.engine.tables import Tables
from matcher.exact import exact
from scenarios import generate, generate_hidden
from scenarios.generator import EVERYTHING
from tests.builders import instance, minute, pinned, request, seat, volunteer
from tests.matcher.meeting import drawn
from tests.samples import sample

PERSONAL_RULES = {"known", "skill", "trip", "caps", "now"}


def fits(day: Instance, plan: Plan, extra: Assignment) -> bool:
    """Whether one more assignment breaks no rule of its person, everybody else's starts as they are."""
    own = tuple(a for a in plan.assignments if a.volunteer == extra.volunteer)
    verdict = judge(day, replace(plan, assignments=(*own, extra)))
    return not any(v.rule in PERSONAL_RULES and extra.volunteer in v.who for v in verdict.violations)


def could_insert(day: Instance, plan: Plan, id: str) -> bool:
    """The slow twin of insertion: every start, every seat, every person, nobody else moved."""
    wanted = day.request(id)
    people = day.volunteer_index
    for window in wanted.windows:
        for start in range(max(0, window.start), min(day.horizon_end, window.end) + 1):
            able = []
            for k in wanted.required_seats:
                low, high = wanted.seats[k].lag
                starts = range(start + low, start + high + 1)
                able.append(
                    [
                        n
                        for name, n in people.items()
                        if any(fits(day, plan, _seat(day, id, k, name, s)) for s in starts)
                    ]
                )
                if not able[-1]:
                    break
            if all(able) and distinct(able) is not None:
                return True
    return False


def _seat(day: Instance, id: str, k: int, person: str, start: int) -> Assignment:
    return Assignment(id, k, person, start, start + day.request(id).seat_minutes(k))


@pytest.mark.prove("first-engine")
def test_around_a_hidden_plan_nothing_important_is_left_that_would_fit(record_property):
    """Every plan is clean and says what the judge finds; an urgent or high request left out could not be put in."""
    left = 0
    for seed in range(sample("first-engine", 25, 200)):
        day, _ = generate_hidden(seed=seed)
        plan = solve(day, seconds=60, seed=seed, steps=60)
        assert judge(day, plan).violations == ()
        left += len(plan.unserved)
        for one in plan.unserved:
            if day.request(one.request).priority in ("urgent", "high"):
                assert not could_insert(day, plan, one.request), (seed, one.request)
    record_property("unserved", left)


def test_the_slow_twin_finds_what_was_taken_out():
    """Take a served request out of a plan, and the twin sees that it can be put in again."""
    for seed in range(3):
        day, _ = generate_hidden(requests=6, volunteers=5, seed=seed)
        plan = solve(day, seconds=60, seed=seed, steps=20)
        id = plan.assignments[0].request
        without = replace(plan, assignments=tuple(a for a in plan.assignments if a.request != id))
        assert could_insert(day, without, id)


@pytest.mark.prove("engine-judged")
def test_every_plan_of_every_feature_is_clean_and_costs_what_it_says(record_property):
    """All of the format at once, small and crowded: no rule broken, cost and terms as the judge finds them."""
    broken = 0
    for seed in range(sample("engine-judged", 40, 1000)):
        day = generate(8 + seed % 25, 6 + seed % 30, days=1 + seed % 3, seed=seed, **EVERYTHING)
        plan = solve(day, seconds=60, seed=seed, steps=30)
        assert judge(day, plan).violations == (), seed
        broken += len(plan.broken_pins)
    record_property("broken pins", broken)


@pytest.mark.prove("engine-oracle")
def test_on_tiny_instances_the_engine_finds_what_the_oracle_proves(record_property):
    """All features, the exact model off: never below the optimum, and nearly always at it."""
    days = drawn(sample("engine-oracle", 150, 3000), 5, 4)
    found = number = 0
    for day in days:
        best = sum(exact(day, 60.0, threads=1).terms.values())
        plan = solve(day, seconds=60, steps=1000, threads=1, engine="search")
        assert judge(day, plan).violations == () and plan.cost >= best, number
        found, number = found + (plan.cost == best), number + 1
    record_property("at the optimum", found)
    assert found >= 0.97 * number


def test_the_order_of_jobs_is_that_of_lexsort():
    """Keys of one digit of sixteen bits, of several, and none at all."""
    luck = np.random.default_rng(1)
    for size, most in ((0, 9), (5_000, 7), (5_000, 1 << 16), (5_000, 1 << 40)):
        second, first = luck.integers(0, most, size), luck.integers(0, 9, size)
        assert (tables._in_order(second, first) == np.lexsort((second, first))).all()


@pytest.mark.parametrize("at_hand", [2, 1000])
def test_everybody_able_is_asked_once_and_those_near_first(monkeypatch, at_hand):
    """Who stands at the request is asked before who does not; nobody twice, nobody forgotten."""
    monkeypatch.setattr(tables, "AT_HAND", at_hand)
    day = Tables(generate(30, 60, seed=2, team_share=0.5))
    several = 0
    for r in day.open:
        rows = [row for row in day.rows if row.r == r]
        able = [day._pairs(row) for row in rows]
        several += len(rows) > 1
        asked = list(day._nearest_first(r, able))
        assert sorted(asked) == sorted({int(v) for own in able for v in day._owner[own]})
        nearest = {int(day._owner[own[np.argmin(day._kilometres(own, day.requests[r]))]]) for own in able}
        assert set(asked[: len(nearest)]) == nearest
    assert several


def test_a_crew_comes_whole_or_not_at_all():
    """Three seats and two people: nobody is sent. A third person, free from 09:30 and 20 min away: all at 09:50."""
    clean = request("R", "09:00-10:00", seats=3)
    two = [volunteer("a"), volunteer("b")]
    assert solve(instance(two, [clean]), steps=5).assignments == ()
    plan = solve(instance([*two, volunteer("c", "09:30-12:00")], [clean]), steps=5)
    assert {(a.volunteer, a.start) for a in plan.assignments} == {(name, minute("09:50")) for name in "abc"}


def test_a_rare_skill_is_not_spent_on_an_errand():
    """One visit a day each: the electrician, though nearer to the errand, is kept for the socket."""
    people = [
        volunteer("electrician", skills="electrics", max_requests_per_day=1),
        volunteer("neighbour", max_requests_per_day=1),
    ]
    wanted = [request("errand", "09:00-10:00"), request("socket", "15:00-16:00", seats=[seat("electrics")])]
    day = instance(people, wanted, travel={("electrician", "errand"): 1})
    search = Search(Tables(day), seed=1)
    search.insert_by_regret()
    assert {(a.request, a.volunteer) for a in search.best()} == {
        ("errand", "neighbour"),
        ("socket", "electrician"),
    }


def test_an_optional_seat_is_filled_when_it_is_worth_it():
    """Left empty the seat costs 600. From 20 min away filling it costs 2 x 20 x 10 = 400, from 40 min away 800."""
    visit = request("R", "09:00", seats=[seat("nurse"), seat(optional=True)])
    for way, filled in ((20, 2), (40, 1)):
        people = [volunteer("nurse", skills="nurse"), volunteer("friend")]
        plan = solve(instance(people, [visit], travel={("friend", "R"): way}), steps=5)
        assert len(plan.assignments) == filled


def test_pins_that_cannot_all_be_kept_are_said_aloud():
    """Ada is pinned to two visits at once: one is kept, the other is listed, and bo goes to that one."""
    day = instance(
        [volunteer("ada"), volunteer("bo")],
        [request("R1", "09:00"), request("R2", "09:00")],
        pinned=[pinned("R1", "ada"), pinned("R2", "ada")],
    )
    plan = solve(day, steps=20)
    assert judge(day, plan).violations == ()
    assert len(plan.broken_pins) == 1 and plan.terms["pins"] == 1_000_000
    assert len(plan.by_request()) == 2


def test_the_same_seed_and_steps_give_the_same_plan():
    day = generate(40, 50, seed=2, team_share=0.2)
    one, two = (replace(solve(day, seconds=600, seed=7, steps=80), seconds=0.0) for _ in range(2))
    assert one == two


def test_more_search_is_never_worse():
    day = generate(60, 60, seed=4, team_share=0.2)
    assert solve(day, seconds=600, steps=300).cost <= solve(day, seconds=600, steps=0).cost


def test_what_is_reported_never_gets_worse():
    """Costs told while searching fall or stay, and the plan costs no more than the last of them."""
    told = []
    plan = solve(generate(60, 60, seed=4, team_share=0.2), seconds=3, progress=told.append)
    costs = [one.cost for one in told]
    assert len(costs) > 2 and costs == sorted(costs, reverse=True) and plan.cost <= costs[-1]
    assert all(one.bound <= one.cost and one.served <= one.requests == 60 for one in told)


def test_what_there_was_no_time_for_is_said():
    """A minute too late to plan anything: nobody is sent, and every request that could be served says why not."""
    day = generate(40, 40, seed=1, team_share=0.2)
    plan = solve(day, seconds=1, spent=60)
    assert judge(day, plan).violations == () and plan.assignments == ()
    assert {reason.code for one in plan.unserved for reason in one.reasons} == {"out_of_time"}


def test_an_interrupted_solve_keeps_the_best_plan():
    """Ctrl-C while searching: what there is is finished, judged clean and marked."""
    day = generate(60, 60, seed=4, team_share=0.2)
    calls = []

    def interrupt(progress):
        calls.append(progress)
        if len(calls) == 2:
            raise KeyboardInterrupt

    plan = solve(day, seconds=600, progress=interrupt)
    assert plan.status == "interrupted" and judge(day, plan).violations == ()
    assert plan.cost <= calls[0].cost


@pytest.mark.parametrize(("people", "wanted"), [(0, 0), (0, 2), (2, 0)])
def test_nothing_to_do_is_done_at_once_and_best(people, wanted):
    """No requests or no volunteers: the empty plan costs what is settled, and that is proven."""
    day = instance(
        [volunteer(f"v{n}") for n in range(people)], [request(f"R{n}", "09:00") for n in range(wanted)], travel=5
    )
    plan = solve(day, seconds=600)
    assert (plan.status, plan.cost, plan.gap) == ("optimal", 3000 * wanted, 0.0)
    assert judge(day, plan).violations == ()
