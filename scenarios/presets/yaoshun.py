"""尧舜社区: county units and red-property teams, and a compound that needs six people at once (S2a)."""

from collections.abc import Iterator
from datetime import date
from random import Random

from matcher import Availability, Instance, Request, Volunteer, Window
from scenarios.places import Point, Town
from scenarios.presets.data import Preset, clock_minutes, crew, table

OPENS, CLOSES = "08:00", "18:00"
TRADES = ("水电", "宣讲", "护理")
BUILDINGS = 8


def build(preset: Preset, seed: int, day: date | None = None) -> Instance:
    """The Saturday of the clean-up."""
    rng = Random(f"{preset.name} {seed}")
    town = Town(preset.number("lon"), preset.number("lat"))
    opens = preset.at(OPENS, day)
    return Instance(
        name=f"{preset.name}-seed{seed}",
        note=f"{preset.title} ({', '.join(preset.rows)})",
        origin=opens,
        horizon_end=_minute(CLOSES),
        now=0,
        volunteers=tuple(_volunteers(preset, town, rng)),
        requests=tuple(_requests(town, rng)),
    )


def _volunteers(preset: Preset, town: Town, rng: Random) -> Iterator[Volunteer]:
    groups = [
        (f"县直单位 {k:02}", "县直", preset.number("per_unit")) for k in range(1, preset.number("county_units") + 1)
    ]
    groups += [
        (f"红色物业 {k} 队", "红色物业", preset.number("per_team"))
        for k in range(1, preset.number("property_teams") + 1)
    ]
    half, number = preset.number("side_km") / 2, 0
    for group, (unit, skill, size) in enumerate(groups):
        for member in range(size):
            number += 1
            skills = {skill: 1} | ({"带队": 1} if member == 0 else {})
            if member == 1:
                skills[TRADES[group % len(TRADES)]] = 1
            yield Volunteer(
                id=f"V{number:03}",
                label=f"志愿者 {number:03}",
                at=town.point(rng.uniform(-half, half), rng.uniform(-half, half)),
                availability=_saturday(rng),
                skills=skills,
                mode=rng.choice(("walk", "ebike", "ebike", "bike")),
                max_requests_per_day=rng.choice((2, 3, None)),
                history_minutes=rng.randrange(0, 300, 15),
                unit=unit,
                community="尧舜社区",
            )


def _saturday(rng: Random) -> tuple[Availability, ...]:
    """The morning, the afternoon or both, with noon at home."""
    morning = Availability(_minute("08:00"), _minute("12:00"))
    afternoon = Availability(_minute("13:30"), _minute("18:30"))
    return rng.choice(((morning,), (morning,), (afternoon,), (morning, afternoon)))


def _requests(town: Town, rng: Random) -> Iterator[Request]:
    places: dict[str, Point] = {
        place: town.point(rng.uniform(-0.6, 0.6), rng.uniform(-0.6, 0.6))
        for place in ("compound", "meeting", *map(str, range(1, BUILDINGS + 1)))
    }
    for row in table("yaoshun-requests.csv"):
        first, _, last = row.window.partition("-")
        yield Request(
            id=row.id,
            label=row.label,
            service=row.service,
            at=places[row.place],
            minutes=row.minutes,
            windows=(Window(_minute(first), _minute(last or first)),),
            priority=row.priority,
            seats=crew(row.seats),
        )


def _minute(clock: str) -> int:
    """Minutes since the day opens."""
    return clock_minutes(clock) - clock_minutes(OPENS)
