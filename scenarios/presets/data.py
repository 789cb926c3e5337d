"""A preset's numbers and tables: which are reported, which are assumed, and how crews are written in a table."""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from importlib.resources import as_file, files
from typing import Any

import pandas as pd

from matcher import Instance, Seat

SHANGHAI = timezone(timedelta(hours=8))


@dataclass(frozen=True)
class Preset:
    """A district of the reports. A `reported` number names its row, an `assumed` one says why."""

    name: str
    title: str
    description: str
    rows: tuple[str, ...]
    day: date
    options: Mapping[str, str]
    reported: Mapping[str, Mapping[str, Any]]
    assumed: Mapping[str, Mapping[str, Any]]
    skills: Mapping[str, Mapping[str, Any]]
    build: Callable[..., Instance]

    def number(self, name: str) -> Any:
        """A figure, reported or assumed."""
        return (self.reported.get(name) or self.assumed[name])["value"]

    def at(self, clock: str, day: date | None) -> datetime:
        """The moment a clock shows this on the preset's day, or on the day it is shifted to."""
        return datetime.combine(day or self.day, time.fromisoformat(clock), SHANGHAI)


def load(name: str, file: str, build: Callable[..., Instance]) -> Preset:
    """The preset whose numbers stand in this file beside us."""
    data = tomllib.loads((files(__package__) / file).read_text(encoding="utf-8"))
    return Preset(
        name=name,
        title=data["title"],
        description=data["description"],
        rows=tuple(data["rows"]),
        day=data["day"],
        options=data["options"],
        reported=data["reported"],
        assumed=data["assumed"],
        skills=data.get("skills", {}),
        build=build,
    )


def table(file: str) -> list[Any]:
    """The rows of a table beside us, each with its columns as attributes."""
    with as_file(files(__package__) / file) as path:
        return list(pd.read_csv(path).itertuples(index=False))


def crew(text: str) -> tuple[Seat, ...]:
    """Seats as a table writes them.

    `护理:1|宣讲:1 +0..15|- ?` is a nurse, a speaker who starts up to 15 minutes later, and anybody else if possible.
    """
    return tuple(_seat(part.split()) for part in text.split("|"))


def clock_minutes(clock: str) -> int:
    """Minutes of the day."""
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def _seat(words: list[str]) -> Seat:
    skills, lag = {}, (0, 0)
    for word in words:
        if ":" in word:
            skill, level = word.split(":")
            skills[skill] = int(level)
        elif word.startswith("+"):
            low, high = word[1:].split("..")
            lag = (int(low), int(high))
    return Seat(skills, "?" in words, lag)
