"""PyVRP. It has no skills: each set of skills gets journeys of its own, on which visits beyond them lie too far away.

Its defaults look at 50 neighbours of a visit, which is too few where windows are tight and everybody starts elsewhere:
on 150 x 200 they ended a quarter above what it finds with all neighbours and fewer visits perturbed at once.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyvrp
from pyvrp.search import NeighbourhoodParams, PerturbationParams
from pyvrp.stop import MaxRuntime

from benchmarks.peers.problem import Problem

FAR = 10_000
"""Minutes, more than anybody is free at a stretch."""

PERTURBED = 10
"""At most so many visits a step."""


class _Teller(pyvrp.IteratedLocalSearchCallbacks):
    """Tells what every better plan costs."""

    def __init__(self, told: Callable[[int], None]) -> None:
        self._told = told

    def on_best(self, best: pyvrp.Solution) -> None:
        self._told(best.distance_cost() + best.uncollected_prizes())


def routes(problem: Problem, seconds: float, seed: int, told: Callable[[int], None]) -> list[list[int]]:
    """Each vehicle's visits; none where it found no plan that holds."""
    parameters = pyvrp.SolveParams(
        ils=pyvrp.IteratedLocalSearchParams(callbacks=_Teller(told)),
        neighbourhood=NeighbourhoodParams(num_neighbours=max(1, len(problem.visits) - 1)),
        perturbation=PerturbationParams(1, PERTURBED),
    )
    stop = MaxRuntime(seconds)
    found = pyvrp.solve(_data(problem), stop, seed=seed, collect_stats=False, display=False, params=parameters).best
    answer: list[list[int]] = [[] for _ in problem.vehicles]
    for route in found.routes() if found.is_feasible() else ():
        answer[route.vehicle_type()] = [step.idx for step in route if step.is_client()]
    return answer


def _data(problem: Problem) -> pyvrp.ProblemData:
    """Every vehicle is a type of its own, for everybody lives elsewhere."""
    profiles = {skills: number for number, skills in enumerate(dict.fromkeys(v.skills for v in problem.vehicles))}
    journeys = [_journeys(problem, skills) for skills in profiles]
    visits = [
        pyvrp.Client(node, service_duration=v.minutes, tw_early=v.first, tw_late=v.last, prize=v.price, required=False)
        for node, v in enumerate(problem.visits)
    ]
    vehicles = [
        pyvrp.VehicleType(
            start_depot=number,
            end_depot=number,
            tw_early=vehicle.interval.start,
            tw_late=vehicle.interval.end,
            unit_distance_cost=problem.minute,
            profile=profiles[vehicle.skills],
        )
        for number, vehicle in enumerate(problem.vehicles)
    ]
    places = [pyvrp.Location(0, 0) for _ in problem.travel]
    depots = [pyvrp.Depot(vehicle.node) for vehicle in problem.vehicles]
    return pyvrp.ProblemData(places, visits, depots, vehicles, journeys, journeys)


def _journeys(problem: Problem, skills: frozenset[int]) -> np.ndarray:
    journeys = problem.travel.copy()
    barred = [node for node, visit in enumerate(problem.visits) if visit.kind not in skills]
    journeys[:, barred] = FAR
    np.fill_diagonal(journeys, 0)
    return journeys
