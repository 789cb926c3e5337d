"""One maker for each noun, so that a hand-made test reads as the story it tells.

Everything happens on Monday 2026-03-02 in Shanghai. The horizon begins at midnight, so minute 540 is "09:00".
A time is "09:00", "+1 09:00" on the next day, "-1 22:00" on the day before; a period is "09:00-12:00", and commas join
several.
Everybody and everything stands at a place of its own, called by its id, unless the test says where.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np

from matcher import (
    TERMS,
    Assignment,
    Availability,
    Instance,
    MatrixTravel,
    Pinned,
    Place,
    Plan,
    Published,
    Request,
    Seat,
    Travel,
    Unserved,
    Volunteer,
    Window,
)

MIDNIGHT = datetime(2026, 3, 2, tzinfo=timezone(timedelta(hours=8)))
TIME = r"(?:[+-]\d+ )?\d\d:\d\d"

Skills = str | Mapping[str, int]
"""{"nurse": 2}, or "nurse, driver" when level 1 will do."""

Minutes = int | Mapping[tuple[str, str], int] | Travel
"""The same minutes between any two places; or minutes by pair (both ways unless both are named) and 20 for the rest."""


def minute(time: str) -> int:
    """Minutes from the start of the horizon."""
    day, clock = time.rsplit(" ", 1) if " " in time else ("0", time)
    hours, minutes = clock.split(":")
    return int(day) * 1440 + int(hours) * 60 + int(minutes)


def periods(text: str) -> list[tuple[int, int]]:
    """Starts and ends of the periods named; a time alone is a period of no length."""
    return [_period(part.strip()) for part in text.split(",")]


def interval(period: str, **rest: Any) -> Availability:
    """One availability interval, with `at` and `mode` of its own where they differ."""
    return Availability(*_period(period), **rest)


def volunteer(
    id: str, available: str | Iterable[Availability] = "08:00-20:00", *, skills: Skills = "", **rest: Any
) -> Volunteer:
    """A person at home at a place called by the id."""
    intervals = (Availability(*p) for p in periods(available)) if isinstance(available, str) else available
    return Volunteer(id, rest.pop("at", id), tuple(intervals), skills=_levels(skills), **rest)


def seat(skills: Skills = "", **rest: Any) -> Seat:
    """One person's part of a request."""
    return Seat(skills=_levels(skills), **rest)


def request(
    id: str, windows: str, *, minutes: int = 60, seats: int | Iterable[Seat] = 1, due: str | None = None, **rest: Any
) -> Request:
    """What is asked for, at a place called by the id: it STARTS in one of the windows ("09:00" leaves no choice)."""
    starts = tuple(Window(*p) for p in periods(windows))
    crew = (Seat(),) * seats if isinstance(seats, int) else tuple(seats)
    return Request(id, rest.pop("at", id), minutes, starts, seats=crew, due=_minute_or_none(due), **rest)


def published(request: str, volunteer: str, start: str, seat: int | None = None) -> Published:
    """An entry of the plan in force."""
    return Published(request, volunteer, minute(start), seat)


def pinned(request: str, volunteer: str, start: str | None = None, seat: int | None = None) -> Pinned:
    """A promise to keep, in that seat and at that start where they are named."""
    return Pinned(request, volunteer, seat, _minute_or_none(start))


def instance(
    volunteers: Iterable[Volunteer],
    requests: Iterable[Request],
    *,
    travel: Minutes = 20,
    now: str | None = None,
    until: str = "24:00",
    **rest: Any,
) -> Instance:
    """One planning problem from midnight `until` then; 20 minutes between any two places unless the test differs."""
    people, wanted = tuple(volunteers), tuple(requests)
    if isinstance(travel, int | Mapping):
        travel = matrix(_places(people, wanted), travel)
    return Instance(
        rest.pop("name", "by hand"), MIDNIGHT, minute(until), people, wanted,
        now=_minute_or_none(now), travel=travel, **rest,
    )  # fmt: skip


def matrix(places: Iterable[Place], minutes: int | Mapping[tuple[str, str], int]) -> MatrixTravel:
    """The journeys between these places."""
    names = tuple(dict.fromkeys(str(place) for place in places))
    table = np.full((len(names), len(names)), minutes if isinstance(minutes, int) else 20)
    np.fill_diagonal(table, 0)
    if isinstance(minutes, Mapping):
        for (origin, destination), taken in minutes.items():
            table[names.index(origin), names.index(destination)] = taken
            if (destination, origin) not in minutes:
                table[names.index(destination), names.index(origin)] = taken
    return MatrixTravel(names, table)


def plan(
    instance: Instance,
    *assigned: tuple[str, int, str, str],
    figures: Callable[[Instance, Plan], Mapping[str, Any]] | None = None,
    **stated: Any,
) -> Plan:
    """A plan of (request, seat, volunteer, "HH:MM"): ends follow from the seats, untouched requests are unserved.

    `figures` works out the fields a plan states about itself (cost, terms, …) from instance and bare plan;
    fields given by name win.
    """
    assignments = tuple(assignment(instance, *entry) for entry in assigned)
    touched = {a.request for a in assignments}
    bare = Plan(
        instance.name,
        assignments,
        unserved=tuple(Unserved(r.id, ()) for r in instance.requests if r.id not in touched),
        broken_pins=(),
        cost=0,
        terms=dict.fromkeys(TERMS, 0),
        bound=None,
        settled=0,
        gap=None,
        status="feasible",
        seconds=0.0,
        seed=1,
        engine="by hand",
    )
    return replace(bare, **{**(figures(instance, bare) if figures else {}), **stated})


def assignment(instance: Instance, request: str, seat: int, volunteer: str, start: str) -> Assignment:
    """That person in that seat from then on, as long as the seat takes."""
    begins = minute(start)
    return Assignment(request, seat, volunteer, begins, begins + instance.request(request).seat_minutes(seat))


def _period(text: str) -> tuple[int, int]:
    found = re.fullmatch(f"({TIME})(?:-({TIME}))?", text)
    if found is None:
        raise ValueError(f"{text!r} is no period; write '09:00-12:00', '09:00' or '22:00-+1 02:00'")
    return minute(found[1]), minute(found[2] or found[1])


def _minute_or_none(time: str | None) -> int | None:
    return None if time is None else minute(time)


def _levels(skills: Skills) -> dict[str, int]:
    if isinstance(skills, str):
        return {name.strip(): 1 for name in skills.split(",") if name.strip()}
    return dict(skills)


def _places(volunteers: Iterable[Volunteer], requests: Iterable[Request]) -> Iterable[Place]:
    for person in volunteers:
        yield from (person.at, *(person.origin_of(i) for i in person.availability))
    for wanted in requests:
        yield from (wanted.at, wanted.leaves_from)
