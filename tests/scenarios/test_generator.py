"""The same seed is the same instance, it is hard where it says so, and every feature can be had."""

import subprocess
import sys
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from matcher import Assignment, Instance, MatrixTravel, Unserved, Weights, instance_document, judge
from matcher.eligibility import seat_starts, settled_requests
from scenarios import EVERYTHING, FULL_COST, TEAMS, generate
from scenarios.generator import EVENING, MIDNIGHT, SKILLS
from scenarios.places import Point
from tests.builders import plan

ALL = generate(200, 250, days=2, **EVERYTHING)
PLAIN = generate(300, 400)


def share(hits: int, instance: Instance) -> float:
    return hits / len(instance.requests)


@pytest.mark.parametrize(
    "features", [{}, FULL_COST, TEAMS, EVERYTHING], ids=["plain", "full cost", "teams", "everything"]
)
def test_the_same_seed_is_the_same_instance(features):
    one, two, other = (generate(40, 50, days=2, seed=seed, **features) for seed in (7, 7, 8))
    assert one == two
    assert instance_document(one) == instance_document(two)
    assert one.requests != other.requests


def test_another_process_draws_the_same_instance():
    """Hashes of strings differ from process to process; nothing here may lean on them."""
    program = (
        "from scenarios import generate, EVERYTHING; from matcher import instance_document; import hashlib, json; "
        "print(hashlib.sha256(json.dumps(instance_document(generate(30, 40, **EVERYTHING))).encode()).hexdigest())"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": hashes}, capture_output=True, text=True, check=True
        ).stdout
        for hashes in ("1", "2")
    ]
    assert runs[0] == runs[1]


def test_the_size_and_the_days_are_those_asked_for():
    week = generate(150, 140, days=7)
    assert (len(week.requests), len(week.volunteers), week.horizon_end, week.origin) == (150, 140, 7 * 1440, MIDNIGHT)
    assert {r.windows[0].start // 1440 for r in week.requests} == set(range(7))


def test_plain_is_plain():
    """The problem routers can be asked: one seat, one window, one trip, everybody by e-bike, no people named."""
    assert all(len(r.seats) == len(r.windows) == 1 and r.due is None for r in PLAIN.requests)
    assert not any(r.partners or r.affinity or r.wishes or r.forbidden or r.end_at for r in PLAIN.requests)
    assert all(len(v.availability) == 1 and v.mode == "ebike" and v.history_minutes == 0 for v in PLAIN.volunteers)
    assert generate(5, 5, fairness=False).weights == Weights(fairness=(0, 0, 0))


def test_it_is_hard_by_design():
    """Evenings are crowded, half the windows tight, and the three scarcest skills asked for beyond their share."""
    evenings = sum(r.windows[0].start >= EVENING for r in PLAIN.requests)
    tight = sum(r.windows[0].end - r.windows[0].start <= 45 for r in PLAIN.requests)
    assert 0.38 < share(evenings, PLAIN) < 0.52
    assert 0.4 < share(tight, PLAIN) < 0.7
    for skill in ("plumbing", "electrics", "sign language"):
        holders = sum(skill in v.skills for v in PLAIN.volunteers)
        asking = sum(skill in seat.skills for r in PLAIN.requests for seat in r.seats)
        assert holders == max(4, round(SKILLS[skill][0] * 400))
        assert share(asking, PLAIN) > holders / 400


def test_residents_and_volunteers_crowd_in_different_places():
    """The kilometre squares where a third of the residents live hold far fewer of the volunteers."""

    def square(point: Point) -> tuple[int, int]:
        return round(point[0] * 96), round(point[1] * 111)

    residents = Counter(square(r.at) for r in PLAIN.requests)
    helpers = Counter(square(v.at) for v in PLAIN.volunteers)
    crowded = [where for where, _ in residents.most_common(8)]
    assert sum(residents[w] for w in crowded) / 300 > 1.8 * sum(helpers[w] for w in crowded) / 400


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_hard_is_not_hopeless(seed):
    """At district size nearly every request could be served if it were alone."""
    assert len(settled_requests(generate(300, 400, seed=seed, **FULL_COST, **TEAMS))) < 0.08 * 300


def test_partners_are_near_and_able():
    full = generate(300, 400, **FULL_COST)
    known = [r for r in full.requests if r.partners]
    assert share(len(known), full) > 0.15
    for request in known:
        for partner in map(full.volunteer, request.partners):
            assert seat_starts(full, request, 0, partner)
    apart = [distance(r.at, full.volunteer(p).at) for r in known for p in r.partners]
    anyone = [distance(r.at, v.at) for r in known for v in full.volunteers]
    assert np.median(apart) < 0.6 * np.median(anyone)


def distance(one: Point, two: Point) -> float:
    return float(np.hypot((one[0] - two[0]) * 0.87, one[1] - two[1]))


def seats(instance: Instance, hit) -> bool:
    return any(hit(seat) for request in instance.requests for seat in request.seats)


@pytest.mark.parametrize(
    ("feature", "shown"),
    [
        ("due_share", lambda i: any(r.due for r in i.requests)),
        ("wish_share", lambda i: any(r.wishes for r in i.requests)),
        ("affinity_share", lambda i: any(r.affinity for r in i.requests)),
        ("forbidden_share", lambda i: any(r.forbidden for r in i.requests)),
        ("partner_share", lambda i: any(r.partners for r in i.requests)),
        ("second_window_share", lambda i: any(len(r.windows) == 2 for r in i.requests)),
        ("end_elsewhere_share", lambda i: any(r.end_at not in (None, r.at) for r in i.requests)),
        (
            "desk_share",
            lambda i: any(r.service == "desk" and r.windows[0].start == r.windows[0].end for r in i.requests),
        ),
        ("team_share", lambda i: {2, 3, 4, 5, 6} <= {len(r.seats) for r in i.requests}),
        ("optional_share", lambda i: seats(i, lambda seat: seat.optional)),
        ("lag_share", lambda i: seats(i, lambda seat: seat.lag[0] < seat.lag[1] and seat.minutes)),
        ("second_interval_share", lambda i: any(len(v.availability) == 2 for v in i.volunteers)),
        ("own_place_share", lambda i: any(a.at for v in i.volunteers for a in v.availability)),
        ("own_mode_share", lambda i: any(a.mode for v in i.volunteers for a in v.availability)),
        ("mode_share", lambda i: {v.mode for v in i.volunteers} == {"walk", "bike", "ebike", "car"}),
        ("radius_share", lambda i: any(v.radius_km for v in i.volunteers)),
        ("cap_share", lambda i: all(any(getattr(v, cap) for v in i.volunteers) for cap in CAPS)),
        ("history_share", lambda i: any(v.history_minutes for v in i.volunteers)),
        ("published_share", lambda i: i.published),
        ("matrix", lambda i: isinstance(i.travel, MatrixTravel)),
        ("now", lambda i: i.now is not None),
    ],
)
def test_every_feature_is_off_until_asked_for(feature, shown):
    helped = {"team_share": 0.5} if feature in ("optional_share", "lag_share") else {}
    value = {"matrix": True, "now": 660}.get(feature, 0.5)
    assert not shown(generate(100, 120, seed=3, **helped))
    assert shown(generate(100, 120, seed=3, **helped, **{feature: value}))


CAPS = ("max_requests_per_day", "max_minutes_per_day", "max_minutes")


def test_shares_are_met_where_they_are_counts():
    mixed = generate(200, 250, team_share=0.2, desk_share=0.05)
    assert sum(r.service == "desk" for r in mixed.requests) == 10
    assert sum(r.service != "desk" and len(r.seats) > 1 for r in mixed.requests) == 40


def test_the_plan_in_force_held_when_it_was_made():
    assert len(ALL.published) > 20
    assert max(Counter(entry.volunteer for entry in ALL.published).values()) == 1
    assert broken_rules(replace(ALL, now=None, pinned=()), [entry.request for entry in ALL.published]) == set()


def test_all_pins_can_be_kept_together():
    """Also those of journeys that have begun, which name their start."""
    assert len(ALL.pinned) > 5
    assert broken_rules(ALL, [pin.request for pin in ALL.pinned]) == set()


def broken_rules(instance: Instance, requests: list[str]) -> set[str]:
    """What would break if exactly these requests were served, and as published."""
    kept = [
        Assignment(e.request, e.seat, e.volunteer, e.start, e.start + instance.request(e.request).seat_minutes(e.seat))
        for e in instance.published
        if e.request in requests
    ]
    unserved = tuple(Unserved(r.id, ()) for r in instance.requests if r.id not in requests)
    verdict = judge(instance, plan(instance, assignments=tuple(kept), unserved=unserved))
    assert not verdict.broken_pins
    return {violation.rule for violation in verdict.violations} - {"figures"}


def test_instances_that_differ_in_a_feature_differ_in_name():
    assert PLAIN.name == "generated-300x400-1d-seed1" and PLAIN.note is None
    assert generate(5, 5, due_share=0.2).name != generate(5, 5, due_share=0.3).name
    assert generate(5, 5, due_share=0.2).note == "due_share 0.2"


def test_nothing_is_over_by_now():
    assert all(r.windows[-1].end >= ALL.now + 30 or r.service == "desk" for r in ALL.requests)


def test_a_matrix_has_detours_that_differ_by_direction():
    table = ALL.travel.table([*ALL.travel.places], [*ALL.travel.places], "ebike")
    assert (table != table.T).any() and (np.diag(table) == 0).all()


@pytest.mark.parametrize("wrong", [{"team_share": 1.2}, {"max_team": 1}, {"now": 1300}])
def test_nonsense_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        generate(5, 5, **wrong)
