"""Who lives near a request and could serve it: asked when partners, habits and a plan in force are drawn."""

from collections.abc import Iterator, Mapping

import numpy as np

from matcher import Instance, Place, Request, Volunteer
from matcher.eligibility import seat_starts
from scenarios.places import Point

NEAREST = 60
"""How many of the nearest skilled people are looked at before a request is left without."""


class Neighbourhood:
    """The volunteers of an instance by where they live; `where` says where the places of a matrix lie."""

    def __init__(self, instance: Instance, where: Mapping[Place, Point] | None = None) -> None:
        self._instance = instance
        self._where = where or {}
        self._homes = np.array([self._point(v.at) for v in instance.volunteers], dtype=float).reshape(-1, 2)
        self._levels: dict[str, np.ndarray] = {}
        for i, volunteer in enumerate(instance.volunteers):
            for skill, level in volunteer.skills.items():
                self._levels.setdefault(skill, self._nobody())[i] = level

    def able(self, request: Request, seat: int = 0) -> Iterator[Volunteer]:
        """People who could fill this seat if there were nothing else to do, nearest home first."""
        for i in self._nearest(request, seat):
            volunteer = self._instance.volunteers[i]
            if seat_starts(self._instance, request, seat, volunteer):
                yield volunteer

    def _nearest(self, request: Request, seat: int) -> Iterator[int]:
        skilled = np.ones(len(self._homes), dtype=bool)
        for skill, level in request.seats[seat].skills.items():
            skilled &= self._levels.get(skill, self._nobody()) >= level
        candidates = np.flatnonzero(skilled)
        lon, lat = self._point(request.at)
        away = (self._homes[candidates] - (lon, lat)) * (np.cos(np.radians(lat)), 1.0)
        order = np.argsort((away**2).sum(axis=1), kind="stable")
        return iter(candidates[order[:NEAREST]].tolist())

    def _point(self, place: Place) -> Point:
        return self._where.get(place, place)

    def _nobody(self) -> np.ndarray:
        return np.zeros(len(self._homes), dtype=int)
