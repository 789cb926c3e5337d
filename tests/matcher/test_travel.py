"""How long a journey takes: numbers worked out by hand, the slow way against the fast one."""

import math
from random import Random

import numpy as np
import pytest
from geopy.distance import great_circle

from matcher import MODES, InvalidInput, MatrixTravel, StraightTravel, Travel
from matcher.travel import ENDLESS, great_circle_km, kilometres_between
from tests.builders import matrix

HOME = (121.0, 31.0)
NORTH = (121.0, 31.01)


def test_a_degree_of_a_meridian_is_a_360th_of_the_way_round():
    """2 π × 6371.009 km ÷ 360 = 111.195084 km; a quarter of the way round 10007.557535 km."""
    assert great_circle_km((0, 0), (0, 1)) == pytest.approx(111.195084, abs=1e-6)
    assert great_circle_km((121, 31), (121, 30)) == pytest.approx(111.195084, abs=1e-6)
    assert great_circle_km((0, 0), (0, 90)) == pytest.approx(10_007.557535, abs=1e-5)
    assert great_circle_km((0, 0), (90, 0)) == pytest.approx(10_007.557535, abs=1e-5)
    assert great_circle_km((30, 0), (210, 0)) == pytest.approx(20_015.115070, abs=1e-4)


def test_longitude_first():
    """At 60° north a degree of longitude is about half a degree of latitude."""
    assert great_circle_km((24, 60), (25, 60)) == pytest.approx(55.597, abs=0.002)
    assert great_circle_km((24, 60), (24, 61)) == pytest.approx(111.195, abs=0.001)


@pytest.mark.parametrize(("mode", "minutes"), [("walk", 20), ("bike", 8), ("ebike", 6), ("car", 5)])
def test_straight_by_the_defaults(mode, minutes):
    """0.01° is 1.11195 km, × 1.3 = 1.445536 km: ÷ 4.5, 12, 15, 20 km/h = 19.27, 7.23, 5.78, 4.34 min, rounded up."""
    assert StraightTravel().minutes(HOME, NORTH, mode) == minutes


def test_straight_with_everything_set():
    """1.11195 km × 2 ÷ 10 km/h = 13.34 min, rounded up, + 4."""
    travel = StraightTravel(2, {"walk": 1, "bike": 1, "ebike": 10, "car": 1}, 4)
    assert travel.minutes(HOME, NORTH, "ebike") == 18


def test_nothing_between_equal_points_not_even_the_fixed_minutes():
    travel = StraightTravel(fixed_minutes=5)
    assert travel.minutes(HOME, (121, 31), "walk") == 0
    assert travel.minutes(HOME, (121.0, 31.0000001), "walk") == 6
    assert travel.table([HOME, NORTH], [HOME], "walk").tolist() == [[0], [25]]


def test_a_journey_of_whole_minutes_is_not_rounded_up_by_an_error_of_the_last_digit():
    """At 60 × its kilometres ÷ n an hour, the way takes n minutes exactly."""
    km = great_circle_km(HOME, NORTH)
    for minutes in range(1, 200):
        travel = StraightTravel(1, dict.fromkeys(MODES, km * 60 / minutes))
        assert travel.minutes(HOME, NORTH, "walk") == minutes
        assert travel.table([HOME], [NORTH], "walk").tolist() == [[minutes]]


def points(rng: Random, number: int) -> list[tuple[float, float]]:
    near = [(121 + rng.uniform(-0.3, 0.3), 31 + rng.uniform(-0.3, 0.3)) for _ in range(number)]
    far = [(rng.uniform(-180, 180), rng.uniform(-90, 90)) for _ in range(number)]
    return [
        *near,
        *far,
        near[0],
        far[0],
        (180.0, 10.0),
        (-180.0, 10.0),
        (0.0, 0.0),
        (-0.0, 0.0),
        (0.0, 90.0),
        (9.0, 90.0),
    ]


def test_kilometres_are_geopys():
    rng = Random(1)
    places = points(rng, 30)
    apart = kilometres_between(np.array(places)[:, None, :], np.array(places)[None, :, :])
    for i, one in enumerate(places):
        for j, two in enumerate(places):
            asked = great_circle((one[1], one[0]), (two[1], two[0]), radius=6371.009).km
            assert apart[i, j] == pytest.approx(asked, abs=1e-4)
            assert great_circle_km(one, two) == pytest.approx(asked, abs=1e-9)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("seed", range(3))
def test_the_table_is_the_minutes_pair_by_pair(mode, seed):
    rng = Random(seed)
    travel = StraightTravel(rng.uniform(1, 2), {m: rng.uniform(1, 60) for m in MODES}, rng.choice([0, 7]))
    origins, destinations = points(rng, 25), points(rng, 15)
    destinations += origins[:10]
    table = travel.table(origins, destinations, mode)
    assert table.dtype == np.int64 and (table >= 0).all()
    assert table.tolist() == [[travel.minutes(a, b, mode) for b in destinations] for a in origins]


def test_a_table_of_nothing():
    for travel in (StraightTravel(), matrix(["a"], 0)):
        assert travel.table([], [], "walk").shape == (0, 0)


def test_a_speed_of_almost_nothing_is_no_overflow():
    travel = StraightTravel(speed_kmh=dict.fromkeys(MODES, 1e-300))
    assert travel.minutes(HOME, NORTH, "car") == ENDLESS
    assert travel.table([HOME], [NORTH], "car").tolist() == [[ENDLESS]]


@pytest.mark.parametrize(
    ("wrong", "code", "path"),
    [
        ({"detour": 0.999}, "number_range", "detour"),
        ({"detour": math.nan}, "number_range", "detour"),
        ({"speed_kmh": {**dict.fromkeys(MODES, 5), "car": 0}}, "number_range", "speed_kmh.car"),
        ({"speed_kmh": {**dict.fromkeys(MODES, 5), "car": math.nan}}, "number_range", "speed_kmh.car"),
        ({"speed_kmh": {**dict.fromkeys(MODES, 5), "bus": 5}}, "choice_unknown", "speed_kmh"),
        ({"speed_kmh": {"car": 5}}, "key_missing", "speed_kmh"),
        ({"fixed_minutes": -1}, "weight_negative", "fixed_minutes"),
        ({"fixed_minutes": 10**6 + 1}, "value_too_large", "fixed_minutes"),
    ],
)
def test_straight_travel_refuses_nonsense(wrong, code, path):
    with pytest.raises(InvalidInput) as raised:
        StraightTravel(**wrong)
    assert (raised.value.code, raised.value.path) == (code, path)


@pytest.mark.parametrize("place", ["home", (181, 0), (0, 90.5), (math.nan, 0), (1, 2, 3), [1, 2]])
def test_a_straight_journey_needs_points(place):
    with pytest.raises(InvalidInput) as raised:
        StraightTravel().check(place)
    assert raised.value.code == "coord_invalid"


def test_a_matrix_is_used_as_given_for_every_mode():
    """Uphill 30, down 10; by way of the mill 5 + 5 would be shorter, and is not taken."""
    travel = matrix(["valley", "hill", "mill"], {("valley", "hill"): 30, ("hill", "valley"): 10, ("valley", "mill"): 5})
    for mode in MODES:
        assert travel.minutes("valley", "hill", mode) == 30
        assert travel.minutes("hill", "valley", mode) == 10
        assert travel.minutes("hill", "hill", mode) == 0
        assert travel.table(["hill", "valley"], ["valley", "hill", "hill"], mode).tolist() == [[10, 0, 0], [0, 30, 30]]


def test_a_matrix_knows_its_places():
    travel = matrix(["home"], 0)
    travel.check("home")
    for place in ("attic", (121.0, 31.0)):
        with pytest.raises(InvalidInput) as raised:
            travel.check(place)
        assert raised.value.code == "place_unknown"


@pytest.mark.parametrize(
    ("places", "minutes", "code", "path"),
    [
        (("a", "b"), [[0, 1]], "matrix_size", "minutes"),
        (("a",), [[0, 1]], "matrix_size", "minutes"),
        (("a", "b"), [[0, -1], [1, 0]], "matrix_value", "minutes[0][1]"),
        (("a", "b"), [[0, 1], [1, 2]], "matrix_diagonal", "minutes[1][1]"),
        (("a", "b"), [[0.0, 1.0], [math.nan, 0.0]], "matrix_value", "minutes"),
        (("a", "a"), [[0, 1], [1, 0]], "id_duplicate", "places"),
        (tuple(range(5_001)), [[0]], "too_large", "places"),
    ],
)
def test_a_matrix_refuses_nonsense(places, minutes, code, path):
    with pytest.raises(InvalidInput) as raised:
        MatrixTravel(places, np.array(minutes))
    assert (raised.value.code, raised.value.path) == (code, path)


def test_two_providers_of_the_same_are_equal():
    assert matrix(["a", "b"], 7) == matrix(["a", "b"], 7)
    assert matrix(["a", "b"], 7) != matrix(["b", "a"], 7)
    assert matrix(["a", "b"], 7) != matrix(["a", "b"], 8)
    assert matrix(["a", "b"], 7) != StraightTravel()
    assert all(isinstance(travel, Travel) for travel in (StraightTravel(), matrix(["a"], 0)))
