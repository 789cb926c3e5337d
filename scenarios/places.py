"""Where people live and ask for help: points around several centres of a town."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

Point = tuple[float, float]
"""Longitude and latitude, WGS-84 degrees."""

KM_PER_DEGREE = 111.195


@dataclass(frozen=True)
class Town:
    """A real place, by its middle, on which kilometres east and north are turned into degrees."""

    lon: float
    lat: float

    def point(self, east_km: float, north_km: float) -> Point:
        """Six decimals, about a hand's breadth, so that every machine draws the same town."""
        lat = self.lat + north_km / KM_PER_DEGREE
        lon = self.lon + east_km / (KM_PER_DEGREE * math.cos(math.radians(self.lat)))
        return round(lon, 6), round(lat, 6)

    def around(self, point: Point, km: float, rng: Random) -> Point:
        """A point near another: most within `km`, nearly all within twice that."""
        east = (point[0] - self.lon) * KM_PER_DEGREE * math.cos(math.radians(self.lat))
        north = (point[1] - self.lat) * KM_PER_DEGREE
        return self.point(east + rng.gauss(0, km / 1.5), north + rng.gauss(0, km / 1.5))


@dataclass(frozen=True)
class Settlement:
    """How a group of people is spread over the town: around its centres by weight, and a few anywhere."""

    town: Town
    centres: Sequence[Point]
    weights: Sequence[float]
    spread_km: float
    side_km: float
    anywhere: float = 0.15

    def draw(self, rng: Random) -> Point:
        """Where one of them lives."""
        if rng.random() < self.anywhere:
            return self.town.point(
                rng.uniform(-self.side_km / 2, self.side_km / 2), rng.uniform(-self.side_km / 2, self.side_km / 2)
            )
        centre = rng.choices(self.centres, self.weights)[0]
        return self.town.around(centre, self.spread_km, rng)
