"""VROOM. It has no price for a visit left out: it serves what matters most first, and only then travels least."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import timedelta

import numpy as np
import vroom

from benchmarks.peers.problem import Problem

SECONDS = 60
"""VROOM counts seconds."""

HIGHEST = 100
"""The highest priority it knows. It adds priorities up, so ours go in in proportion to their prices."""


def routes(
    problem: Problem, seconds: float, seed: int, told: Callable[[int], None], exploration: int
) -> list[list[int]]:
    """Each vehicle's visits after that much exploration, or when time is over. It takes no seed and tells nothing."""
    asked = vroom.Input()
    asked.set_durations_matrix("car", (problem.travel * SECONDS).astype(np.uint32))
    asked.add_job(_jobs(problem))
    asked.add_vehicle(_vehicles(problem))
    found = asked.solve(exploration, nb_threads=os.cpu_count() or 1, timeout=timedelta(seconds=seconds)).routes
    made = found[found["type"] == "job"]
    answer: list[list[int]] = [[] for _ in problem.vehicles]
    for vehicle, visit in zip(made["vehicle_id"], made["id"], strict=True):
        answer[int(vehicle)].append(int(visit))
    pairs = zip(problem.vehicles, answer, strict=True)
    return [without_what_costs_more(problem, vehicle.node, route) for vehicle, route in pairs]


def _jobs(problem: Problem) -> list[vroom.Job]:
    dearest = max(visit.price for visit in problem.visits)
    return [
        vroom.Job(
            number,
            location=number,
            default_service=visit.minutes * SECONDS,
            skills={visit.kind},
            priority=round(visit.price * HIGHEST / max(1, dearest)),
            time_windows=[vroom.TimeWindow(visit.first * SECONDS, visit.last * SECONDS)],
        )
        for number, visit in enumerate(problem.visits)
    ]


def _vehicles(problem: Problem) -> list[vroom.Vehicle]:
    return [
        vroom.Vehicle(
            number,
            start=vehicle.node,
            end=vehicle.node,
            skills=set(vehicle.skills),
            time_window=vroom.TimeWindow(vehicle.interval.start * SECONDS, vehicle.interval.end * SECONDS),
        )
        for number, vehicle in enumerate(problem.vehicles)
    ]


def without_what_costs_more(problem: Problem, home: int, route: Sequence[int]) -> list[int]:
    """The route without visits whose detour costs more than they are worth, which VROOM cannot weigh."""
    kept = list(route)
    while kept:
        stops = [home, *kept, home]
        losses = [_detour(problem, *stops[i : i + 3]) - problem.visits[kept[i]].price for i in range(len(kept))]
        worst = int(np.argmax(losses))
        if losses[worst] <= 0:
            break
        del kept[worst]
    return kept


def _detour(problem: Problem, before: int, visit: int, after: int) -> int:
    travel = problem.travel
    return problem.minute * int(travel[before, visit] + travel[visit, after] - travel[before, after])
