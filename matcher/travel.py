"""How long a journey takes: the one place that knows, for straight lines and for a matrix of minutes.

Anything with these three methods can stand in for the two below, a routing server's answers for instance.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, cast, runtime_checkable

import numpy as np
from geopy.distance import great_circle

from matcher.errors import InvalidInput, TooLarge

Point = tuple[float, float]
"""[longitude, latitude], WGS-84 degrees."""

Place = Point | str
"""A point, or the id of a place of the matrix."""

MODES = ("walk", "bike", "ebike", "car")
EARTH_KM = 6371.009
MAX_PLACES = 5000
MAX_FACTOR = 1e6
MAX_MINUTES = 10**6
ENDLESS = 1e9
"""A journey of this many minutes fits into no calendar; longer ones (a speed of almost nothing) count as this long."""


@runtime_checkable
class Travel(Protocol):
    """What a provider of travel times answers. Minutes are whole and at least 0."""

    def minutes(self, origin: Place, destination: Place, mode: str) -> int:
        """Minutes from one place to another by this mode of movement."""

    def table(self, origins: Sequence[Place], destinations: Sequence[Place], mode: str) -> np.ndarray:
        """The same for many at once: minutes[i, j] from origins[i] to destinations[j], int64."""

    def check(self, place: Place) -> None:
        """Refuse a place this provider cannot reach with InvalidInput."""


@dataclass(frozen=True)
class StraightTravel:
    """Great-circle distance times a detour factor at the mode's speed, rounded up to whole minutes."""

    detour: float = 1.3
    speed_kmh: Mapping[str, float] = field(default_factory=lambda: {"walk": 4.5, "bike": 12, "ebike": 15, "car": 20})
    fixed_minutes: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.detour <= MAX_FACTOR:
            raise InvalidInput("number_range", "detour", self.detour, low=1, high=MAX_FACTOR)
        for mode, speed in self.speed_kmh.items():
            if mode not in MODES:
                raise InvalidInput("choice_unknown", "speed_kmh", mode, choices=", ".join(MODES))
            if not 0 < speed <= MAX_FACTOR:
                raise InvalidInput("number_range", f"speed_kmh.{mode}", speed, low="> 0", high=MAX_FACTOR)
        missing = [mode for mode in MODES if mode not in self.speed_kmh]
        if missing:
            raise InvalidInput("key_missing", "speed_kmh", missing[0])
        if not 0 <= self.fixed_minutes <= MAX_MINUTES:
            code = "weight_negative" if self.fixed_minutes < 0 else "value_too_large"
            raise InvalidInput(code, "fixed_minutes", self.fixed_minutes, limit=MAX_MINUTES)

    def minutes(self, origin: Place, destination: Place, mode: str) -> int:
        if origin == destination:
            return 0
        road_km = great_circle_km(cast(Point, origin), cast(Point, destination)) * self.detour
        return self.fixed_minutes + max(0, math.ceil(min(ENDLESS, road_km / self.speed_kmh[mode] * 60) - 1e-9))

    def table(self, origins: Sequence[Place], destinations: Sequence[Place], mode: str) -> np.ndarray:
        start = np.array(origins, dtype=np.float64).reshape(-1, 1, 2)
        end = np.array(destinations, dtype=np.float64).reshape(1, -1, 2)
        road_km = kilometres_between(start, end) * self.detour
        with np.errstate(over="ignore"):
            moving = np.minimum(ENDLESS, road_km / self.speed_kmh[mode] * 60)
        minutes = np.maximum(0, np.ceil(moving - 1e-9)).astype(np.int64)
        minutes += self.fixed_minutes
        minutes[(start == end).all(axis=2)] = 0
        return minutes

    def check(self, place: Place) -> None:
        if not _is_point(place):
            raise InvalidInput("coord_invalid", "at", place)


@dataclass(frozen=True, eq=False)
class MatrixTravel:
    """Minutes as given, for every mode alike. `table_of_minutes[i, j]` is the way from places[i] to places[j]."""

    places: tuple[str, ...]
    table_of_minutes: np.ndarray

    def __post_init__(self) -> None:
        size = len(self.places)
        check_size(size)
        index = {place: i for i, place in enumerate(self.places)}
        if len(index) != size:
            twice = next(p for i, p in enumerate(self.places) if index[p] != i)
            raise InvalidInput("id_duplicate", "places", twice, other=twice)
        if self.table_of_minutes.shape != (size, size):
            raise InvalidInput("matrix_size", "minutes", len(self.table_of_minutes), size=size)
        if not np.issubdtype(self.table_of_minutes.dtype, np.integer):
            raise InvalidInput("matrix_value", "minutes", str(self.table_of_minutes.dtype))
        for wrong, code in (
            (self.table_of_minutes < 0, "matrix_value"),
            (np.diag(np.diag(self.table_of_minutes)) != 0, "matrix_diagonal"),
        ):
            if wrong.any():
                i, j = (int(x) for x in np.argwhere(wrong)[0])
                raise InvalidInput(code, f"minutes[{i}][{j}]", int(self.table_of_minutes[i, j]))
        object.__setattr__(self, "_index", index)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, MatrixTravel)
            and self.places == other.places
            and bool(np.array_equal(self.table_of_minutes, other.table_of_minutes))
        )

    __hash__ = None  # type: ignore[assignment]

    def minutes(self, origin: Place, destination: Place, mode: str) -> int:
        index: dict[Place, int] = self._index  # type: ignore[attr-defined]
        return int(self.table_of_minutes[index[origin], index[destination]])

    def table(self, origins: Sequence[Place], destinations: Sequence[Place], mode: str) -> np.ndarray:
        index: dict[Place, int] = self._index  # type: ignore[attr-defined]
        rows = np.array([index[place] for place in origins], dtype=np.int64)
        columns = np.array([index[place] for place in destinations], dtype=np.int64)
        found: np.ndarray = self.table_of_minutes[np.ix_(rows, columns)]
        return found

    def check(self, place: Place) -> None:
        if place not in self._index:  # type: ignore[attr-defined]
            raise InvalidInput("place_unknown", "at", place)


def check_size(places: int) -> None:
    """Refuse a matrix of too many places, best before its rows are looked at."""
    if places > MAX_PLACES:
        raise TooLarge("too_large", "places", places, what="matrix places", what_zh="矩阵地点", limit=MAX_PLACES)


def _is_point(place: Place) -> bool:
    return (
        isinstance(place, tuple)
        and len(place) == 2
        and all(isinstance(x, (int, float)) and math.isfinite(x) for x in place)
        and abs(place[0]) <= 180
        and abs(place[1]) <= 90
    )


def great_circle_km(origin: Point, destination: Point) -> float:
    """Kilometres between two points on a sphere of 6371.009 km."""
    (lon1, lat1), (lon2, lat2) = origin, destination
    return float(great_circle((lat1, lon1), (lat2, lon2)).km)


def kilometres_between(origins: np.ndarray, destinations: np.ndarray) -> np.ndarray:
    """Haversine kilometres, pairwise or broadcast, of arrays [..., 2] of (longitude, latitude) degrees.

    The fast twin of `great_circle_km`: same sphere, differing by rounding alone.
    """
    lon1, lat1 = np.radians(origins[..., 0]), np.radians(origins[..., 1])
    lon2, lat2 = np.radians(destinations[..., 0]), np.radians(destinations[..., 1])
    half = np.sin((lat2 - lat1) / 2) ** 2 + np.cos(lat1) * np.cos(lat2) * np.sin((lon2 - lon1) / 2) ** 2
    arc: np.ndarray = 2 * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0)))
    return EARTH_KM * arc
