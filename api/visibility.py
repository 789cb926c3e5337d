"""Who sees which fields, and when (LIFECYCLE.md, 2). What is not seen in full goes out masked."""

from collections.abc import Callable, Collection, Mapping
from enum import StrEnum
from typing import Any

from api.roles import Role


class Kind(StrEnum):
    """Classes of fields."""

    PERSONAL = "personal"
    CONTACT = "contact"
    HOME = "home"
    PLACE = "place"
    INNER = "inner"


class When(StrEnum):
    """At which stage."""

    ALWAYS = "always"
    CALLING = "calling"
    HOLDING = "holding"
    SELF = "self"


WANTED: Mapping[str, Kind] = {
    "name": Kind.PERSONAL,
    "phone": Kind.PERSONAL,
    "door": Kind.PERSONAL,
    "text": Kind.PERSONAL,
    "at": Kind.PLACE,
    "end_at": Kind.PLACE,
    "partners": Kind.INNER,
    "forbidden": Kind.INNER,
    "affinity": Kind.INNER,
}

FIELDS: Mapping[str, Mapping[str, Kind]] = {
    "request": WANTED,
    "series": WANTED,
    "volunteer": {"phone": Kind.CONTACT, "at": Kind.HOME, "availability": Kind.HOME},
}
"""Fields that are not for everybody who may know of the noun at all."""

SEEN_BY: Mapping[Kind, Mapping[Role, When]] = {
    Kind.PERSONAL: {Role.DISPATCHER: When.ALWAYS, Role.CLERK: When.CALLING, Role.VOLUNTEER: When.HOLDING},
    Kind.PLACE: {Role.DISPATCHER: When.ALWAYS, Role.CLERK: When.ALWAYS, Role.VOLUNTEER: When.HOLDING},
    Kind.INNER: {
        Role.DISPATCHER: When.ALWAYS,
        Role.CLERK: When.ALWAYS,
        Role.PLANNER: When.ALWAYS,
        Role.OVERSIGHT: When.ALWAYS,
    },
    Kind.CONTACT: {Role.DISPATCHER: When.ALWAYS, Role.VOLUNTEER: When.SELF},
    Kind.HOME: {Role.DISPATCHER: When.ALWAYS, Role.VOLUNTEER: When.SELF},
}
"""Holding: from acceptance until 72 hours after the service. Calling: while the callback is due."""

NOTED = frozenset({Kind.PERSONAL, Kind.CONTACT})
"""Seen in full one at a time only, never in a list, and each time with a line in the access log."""

Sight = frozenset[Kind]
MASKED: Sight = frozenset()

GRAIN = 0.002
"""Degrees: a point is told to about 200 m."""


def sight(roles: Collection[Role], stages: Collection[When]) -> Sight:
    """What these roles see in full at these stages."""
    now = {When.ALWAYS, *stages}
    return frozenset(kind for kind, by in SEEN_BY.items() if any(by.get(role) in now for role in roles))


def at_a_glance(roles: Collection[Role]) -> Sight:
    """What these roles see in full in a list, or in the answer to what they put in."""
    return sight(roles, ()) - NOTED


def veiled(noun: str, values: Mapping[str, Any], seen: Sight) -> dict[str, Any]:
    """The values, those not seen in full masked."""
    kinds = FIELDS[noun]
    return {
        name: value if value is None or name not in kinds or kinds[name] in seen else MASKS[name](value)
        for name, value in values.items()
    }


def noted(noun: str, values: Mapping[str, Any], seen: Sight) -> list[str]:
    """The personal fields that these values show in full."""
    return [n for n, kind in FIELDS[noun].items() if kind in NOTED & seen and values.get(n) is not None]


def _phone(value: str) -> str:
    return f"{value[:3]}****{value[-4:]}" if len(value) > 8 else "****"


def _point(at: list[float]) -> list[float]:
    return [round(round(x / GRAIN) * GRAIN, 3) for x in at]


def _periods(periods: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{**period, "at": period["at"] and _point(period["at"])} for period in periods]


MASKS: Mapping[str, Callable[[Any], Any]] = {
    "name": lambda value: f"{value[0]}**",
    "phone": _phone,
    "door": lambda value: "***",
    "text": lambda value: "***",
    "at": _point,
    "end_at": _point,
    "availability": _periods,
    "partners": lambda value: [],
    "forbidden": lambda value: [],
    "affinity": lambda value: {},
}
