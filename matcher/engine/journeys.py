"""Journeys by the thousand: minutes between places by number, straight ones by a compiled kernel."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numba import njit

from matcher.travel import EARTH_KM, ENDLESS, MatrixTravel, Place, StraightTravel, Travel


class Journeys:
    """Minutes between places that have numbers, by modes that have numbers."""

    def __init__(self, travel: Travel, places: Iterable[Place], modes: Sequence[str]) -> None:
        self.travel, self.modes = travel, list(modes)
        self.places = list(dict.fromkeys(places))
        self.number = {place: n for n, place in enumerate(self.places)}
        self._straight = isinstance(travel, StraightTravel)
        if isinstance(travel, StraightTravel):
            degrees = np.array(self.places, dtype=np.float64).reshape(-1, 2)
            lon, lat = np.radians(degrees).T
            self._radians = np.stack([lon, lat, np.cos(lat)])
            speeds = [travel.speed_kmh[mode] for mode in self.modes]
            self._detour_speed = np.array([[travel.detour, speed] for speed in speeds], dtype=np.float64).reshape(-1, 2)
            self._fixed = travel.fixed_minutes
        elif isinstance(travel, MatrixTravel):
            self._table = travel.table(self.places, self.places, "") if self.places else np.zeros((0, 0), np.int64)

    def numbers(self, places: Iterable[Place]) -> np.ndarray:
        """The numbers of these places."""
        return np.array([self.number[place] for place in places], dtype=np.int64)

    def pairs(self, origins: np.ndarray, destinations: np.ndarray, modes: np.ndarray) -> np.ndarray:
        """Minutes from each origin to the destination beside it by the mode beside it, int64."""
        if self._straight:
            out = np.empty(len(origins), dtype=np.int64)
            straight_pairs(self._radians, origins, destinations, modes, self._detour_speed, self._fixed, out)
            return out
        if isinstance(self.travel, MatrixTravel):
            found: np.ndarray = self._table[origins, destinations].astype(np.int64)
            return found
        out = np.empty(len(origins), dtype=np.int64)
        for m, mode in enumerate(self.modes):
            for a in np.unique(origins[modes == m]):
                here = np.nonzero((origins == a) & (modes == m))[0]
                to = [self.places[b] for b in destinations[here]]
                out[here] = self.travel.table([self.places[a]], to, mode)[0]
        return out

    def square(self, origins: np.ndarray, destinations: np.ndarray) -> np.ndarray:
        """Minutes from every origin to every destination by every mode: [modes, origins, destinations], int32."""
        out = np.zeros((len(self.modes), len(origins), len(destinations)), dtype=np.int32)
        for m, mode in enumerate(self.modes):
            if self._straight:
                detour, speed = self._detour_speed[m]
                straight_square(self._radians, origins, destinations, detour, speed, self._fixed, out[m])
            elif isinstance(self.travel, MatrixTravel):
                out[m] = self._table[np.ix_(origins, destinations)]
            elif len(origins):
                to = [self.places[b] for b in destinations]
                out[m] = self.travel.table([self.places[a] for a in origins], to, mode)
        return out


@njit(cache=True, nogil=True)
def _straight(radians: np.ndarray, a: int, b: int, detour: float, speed: float, fixed: int) -> int:
    """The slow twin is `StraightTravel.minutes`: same sphere, same order of operations, differing by rounding alone."""
    if a == b:
        return 0
    lon1, lat1, lon2, lat2 = radians[0, a], radians[1, a], radians[0, b], radians[1, b]
    half = np.sin((lat2 - lat1) / 2) ** 2 + radians[2, a] * radians[2, b] * np.sin((lon2 - lon1) / 2) ** 2
    km = EARTH_KM * 2 * np.arcsin(np.sqrt(min(1.0, max(0.0, half))))
    minutes: int = max(0, int(np.ceil(min(ENDLESS, km * detour / speed * 60) - 1e-9))) + fixed
    return minutes


@njit(cache=True, nogil=True)
def straight_pairs(
    radians: np.ndarray, origins: np.ndarray, destinations: np.ndarray, modes: np.ndarray, detour_speed: np.ndarray,
    fixed: int, out: np.ndarray,
) -> None:  # fmt: skip
    """Minutes of each journey into `out`. `radians` [3, places]: longitude, latitude, the cosine of that.

    `detour_speed` [modes, 2].
    """
    for n in range(len(origins)):
        detour, speed = detour_speed[modes[n], 0], detour_speed[modes[n], 1]
        out[n] = _straight(radians, origins[n], destinations[n], detour, speed, fixed)


@njit(cache=True, nogil=True)
def straight_square(
    radians: np.ndarray, origins: np.ndarray, destinations: np.ndarray, detour: float, speed: float, fixed: int,
    out: np.ndarray,
) -> None:  # fmt: skip
    """Minutes of every journey into out[origin, destination]."""
    for a in range(len(origins)):
        for b in range(len(destinations)):
            out[a, b] = _straight(radians, origins[a], destinations[b], detour, speed, fixed)
