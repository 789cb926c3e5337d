"""莲湖区: 2,800 members of 84 units, paired with 131 communities and 364 grids, on one day (S5a, S5b)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from itertools import cycle, islice
from math import ceil
from random import Random
from typing import Any

from matcher import Availability, Instance, Request, Volunteer, Window
from scenarios.generator import drawn
from scenarios.neighbourhood import Neighbourhood
from scenarios.places import Point, Town
from scenarios.presets.data import Preset, clock_minutes, crew, table

OPENS, CLOSES = "08:30", "20:30"
FEWEST_REQUESTS = 20
DESK_STARTS = ("09:00", "14:30", "18:30")
HOURS = {"morning": ("08:45", "10:15"), "afternoon": ("14:00", "15:45"), "evening": ("18:15", "20:15")}
PARTS = {"day": ("morning", "afternoon"), "any": ("morning", "afternoon", "evening", "evening", "evening")}
LEAKAGE = ("19:00", "19:25")
"""Shorter than one check, so that a licensed electrician makes one of them and no second."""

MODES = {"walk": 20, "bike": 20, "ebike": 45, "car": 15}
OLD_FRIENDS = ("visit", "sit", "dressing")
"""Services whose residents know the people who usually come."""


@dataclass(frozen=True)
class _Community:
    name: str
    at: Point
    grids: tuple[str, ...]


class _District:
    """The map: nine street offices, their communities and grids."""

    def __init__(self, preset: Preset, rng: Random) -> None:
        west, east, south, north = (preset.number(n) for n in ("west_lon", "east_lon", "south_lat", "north_lat"))
        self._box = (west, east, south, north)
        self._town = Town((west + east) / 2, (south + north) / 2)
        self.communities = list(self._communities(preset.number("communities"), preset.number("grids"), rng))

    def near(self, at: Point, km: float, rng: Random) -> Point:
        """A point about there, within the district's extent."""
        west, east, south, north = self._box
        lon, lat = self._town.around(at, km, rng)
        return min(max(lon, west), east), min(max(lat, south), north)

    def _communities(self, count: int, grids: int, rng: Random) -> Iterator[_Community]:
        """The table shares the communities out among the streets; the grids are shared out evenly among them."""
        rows = [(row, k) for row in table("lianhu-streets.csv") for k in range(1, row.communities + 1)]
        larger = set(rng.sample(range(count), grids % count))
        for i, (row, k) in enumerate(rows):
            name = f"{row.street}街道 {k:02} 社区"
            own = range(1, grids // count + (i in larger) + 1)
            at = self.near((row.lon, row.lat), row.spread_km, rng)
            yield _Community(name, at, tuple(f"{name} {g} 网格" for g in own))


def build(preset: Preset, seed: int, requests: int | None = None, day: date | None = None) -> Instance:
    """One day, planned as it opens."""
    count = preset.number("requests") if requests is None else requests
    if count < FEWEST_REQUESTS:
        raise ValueError(f"requests is {count}; desks, teams and the hopeless take {FEWEST_REQUESTS} at least")
    rng = Random(f"{preset.name} {seed}")
    district = _District(preset, rng)
    volunteers = tuple(_members(preset, district, rng))
    wishes = tuple(_requests(preset, district, count, Random(f"{preset.name} {seed} {count}")))
    instance = Instance(
        name=f"{preset.name}-{count}-seed{seed}",
        note=f"{preset.title} ({', '.join(preset.rows)})",
        origin=preset.at(OPENS, day),
        horizon_end=_minute(CLOSES),
        now=0,
        volunteers=volunteers,
        requests=wishes,
    )
    return _with_old_friends(instance, rng)


def _members(preset: Preset, district: _District, rng: Random) -> Iterator[Volunteer]:
    """Each unit's members, spread over the grids of the communities it is paired with."""
    count = preset.number("members")
    units = [f"区直单位 {k:02}" for k in range(1, preset.number("units") + 1)]
    paired = _pairing(units, district.communities, rng)
    offices = {unit: district.near(paired[unit][0].at, 1.0, rng) for unit in units}
    skills = _skills(preset, count, rng)
    licensed = rng.sample([i for i in range(count) if "电工" in skills[i]], preset.number("licensed_electricians"))
    served = {unit: cycle([(community, g) for community in paired[unit] for g in community.grids]) for unit in units}
    for i in range(count):
        unit = units[i] if i < len(units) else rng.choice(units)
        community, grid = next(served[unit])
        calendar = _calendar(preset, offices[unit], rng)
        if i in licensed:
            skills[i] = {**skills[i], "电工": 3}
            calendar = (Availability(_minute("18:00"), _minute("21:30")),)
        yield Volunteer(
            id=f"M{i + 1:04}",
            label=f"志愿者 {i + 1:04}",
            at=district.near(community.at, 0.6 if rng.random() < 0.6 else 2.5, rng),
            availability=calendar,
            skills=skills[i],
            mode="ebike" if i in licensed else drawn(rng, MODES),
            radius_km=round(rng.uniform(2, 5), 1) if rng.random() < 0.5 and i not in licensed else None,
            max_requests_per_day=rng.choice((1, 2, 3)) if rng.random() < 0.6 else None,
            history_minutes=rng.choice((0, 0, rng.randrange(0, 180, 10), rng.randrange(60, 480, 10))),
            unit=unit,
            community=community.name,
            grid=grid,
        )


def _pairing(units: list[str], communities: list[_Community], rng: Random) -> dict[str, list[_Community]]:
    """Every community has one unit, a unit has one community or two."""
    shuffled = rng.sample(communities, len(communities))
    return {unit: shuffled[k :: len(units)] for k, unit in enumerate(units)}


def _skills(preset: Preset, count: int, rng: Random) -> list[dict[str, int]]:
    """Each skill goes to its share of the members, at level 1 or 2."""
    skills: list[dict[str, int]] = [{} for _ in range(count)]
    for skill, known in preset.skills.items():
        for i in rng.sample(range(count), round(known["share"] * count)):
            skills[i][skill] = rng.choice((1, 1, 2))
    return skills


def _calendar(preset: Preset, office: Point, rng: Random) -> tuple[Availability, ...]:
    """The retired are free by day, the others in the evening or over lunch, when they leave from their office."""
    if rng.random() < preset.number("retired_share"):
        morning = Availability(_minute("08:30"), _minute("11:30") + rng.randrange(0, 60, 15))
        afternoon = Availability(_minute("13:30") + rng.randrange(0, 60, 15), _minute("18:00"))
        return rng.choice(((morning,), (afternoon,), (morning, afternoon)))
    calendar = []
    if rng.random() < preset.number("lunch_share"):
        calendar.append(Availability(_minute("12:00"), _minute("13:45"), at=office))
    if rng.random() < preset.number("evening_share"):
        start = _minute("18:00") + rng.randrange(0, 45, 15)
        calendar.append(Availability(start, start + rng.randrange(105, 240, 15)))
    return tuple(calendar)


def _requests(preset: Preset, district: _District, count: int, rng: Random) -> Iterator[Request]:
    """What is asked for, in the order in which it came in."""
    weights = [rng.uniform(0.2, 1.2) for _ in district.communities]
    powerless = rng.choice(district.communities)
    desks = cycle(DESK_STARTS)
    for number, service in enumerate(_mix(preset, count, rng), start=1):
        community = powerless if service.kind == "crowded" else rng.choices(district.communities, weights)[0]
        desk = service.kind == "desk"
        window = _fixed(next(desks)) if desk else _window(service.hours, rng)
        yield Request(
            id=f"Q{number:04}",
            label=f"{service.label} · {community.name}" + ("" if desk else f" {rng.randint(1, 30)} 号楼"),
            service=service.service,
            at=community.at if desk else district.near(community.at, 0.3, rng),
            minutes=service.minutes,
            windows=(window,),
            priority=service.priority,
            due=window.start + service.minutes + 30
            if service.kind == "single" and service.priority == "high"
            else None,
            seats=crew(service.seats),
        )


def _mix(preset: Preset, count: int, rng: Random) -> list[Any]:
    """So many rows of the catalogue of each kind, shuffled."""
    services = table("lianhu-services.csv")
    sizes = {
        "team": ceil(preset.number("team_share") * count),
        "desk": max(len(DESK_STARTS), round(preset.number("desk_share") * count)),
        "impossible": max(2, round(preset.number("impossible_share") * count)),
        "crowded": preset.number("licensed_electricians") + max(3, round(preset.number("crowded_share") * count)),
    }
    sizes["single"] = count - sum(sizes.values())
    mixed = []
    for kind, size in sizes.items():
        rows = [row for row in services if row.kind == kind]
        mixed += rng.choices(rows, [row.weight for row in rows], k=size)
    return rng.sample(mixed, count)


def _window(hours: str, rng: Random) -> Window:
    """Half an hour to three hours in which to start."""
    if hours == "leakage":
        return Window(*map(_minute, LEAKAGE))
    opens, closes = map(_minute, HOURS[rng.choice(PARTS.get(hours, (hours,)))])
    start = rng.randrange(opens, closes - 25, 5)
    return Window(start, min(closes, start + rng.choice((30, 30, 45, 60, 120, 180))))


def _fixed(clock: str) -> Window:
    return Window(_minute(clock), _minute(clock))


def _with_old_friends(instance: Instance, rng: Random) -> Instance:
    """Half of the residents who are visited at home know one or two members who live near and could come."""
    neighbourhood = Neighbourhood(instance)
    requests = []
    for request in instance.requests:
        if request.service in OLD_FRIENDS and rng.random() < 0.5:
            near = [volunteer.id for volunteer in islice(neighbourhood.able(request), 5)]
            request = replace(request, partners=tuple(rng.sample(near, min(len(near), rng.randint(1, 2)))))
        requests.append(request)
    return replace(instance, requests=tuple(requests))


def _minute(clock: str) -> int:
    """Minutes since the day opens."""
    return clock_minutes(clock) - clock_minutes(OPENS)
