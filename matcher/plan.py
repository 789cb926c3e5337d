"""A plan: who serves which seat when, what stays unserved and why, what it costs and how far from best it may be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from matcher.instance import Pinned

TERMS = ("unserved", "travel", "late", "fairness", "continuity", "affinity", "stability", "pins")
STATUSES = ("optimal", "feasible", "interrupted")


@dataclass(frozen=True, slots=True, order=True)
class Assignment:
    """One volunteer in one seat of a request; start and end are the seat's, in minutes of the instance."""

    request: str
    seat: int
    volunteer: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Reason:
    """A code and what it says in both languages."""

    code: str
    zh: str
    en: str

    def text(self, lang: str) -> str:
        """The sentence in this language."""
        return self.zh if lang == "zh" else self.en


@dataclass(frozen=True, slots=True)
class Unserved:
    """A request that nobody serves in this plan, and why."""

    request: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class Plan:
    """The answer to an instance. Every stated figure can be recomputed by the judge from instance and plan alone."""

    instance: str
    assignments: tuple[Assignment, ...]
    unserved: tuple[Unserved, ...]
    broken_pins: tuple[Pinned, ...]
    cost: int
    terms: Mapping[str, int]
    bound: int | None
    settled: int
    gap: float | None
    status: str
    seconds: float
    seed: int
    engine: str

    def by_volunteer(self) -> dict[str, list[Assignment]]:
        """Each volunteer's assignments in the order of their starts."""
        return _grouped(self.assignments, "volunteer")

    def by_request(self) -> dict[str, list[Assignment]]:
        """Each served request's assignments in the order of their starts."""
        return _grouped(self.assignments, "request")


def gap(cost: int, bound: int | None, settled: int, pins: int) -> float | None:
    """How far the cost may be from the best, not counting what is hopeless (FORMAT.md, Plan)."""
    if bound is None:
        return None
    return round((cost - bound) / max(1, cost - settled - pins), 6)


def _grouped(assignments: Iterable[Assignment], key: str) -> dict[str, list[Assignment]]:
    groups: dict[str, list[Assignment]] = defaultdict(list)
    for assignment in sorted(assignments, key=lambda a: (a.start, a.end, a.request, a.seat)):
        groups[getattr(assignment, key)].append(assignment)
    return dict(groups)
