"""OR-Tools routing: local cheapest insertion, then guided local search until the time is over.

Times go in as a callback, not as `RegisterTransitMatrix`, which copies the whole matrix at every plan it accepts: on
450 x 700 it then accepted two plans a second.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
from ortools.constraint_solver import pywrapcp, routing_enums_pb2

from benchmarks.peers.problem import Problem


def routes(problem: Problem, seconds: float, seed: int, told: Callable[[int], None]) -> list[list[int]]:
    """Each vehicle's visits. The routing library takes no seed."""
    homes = [vehicle.node for vehicle in problem.vehicles]
    nodes = pywrapcp.RoutingIndexManager(len(problem.travel), len(homes), homes, homes)
    model_parameters = pywrapcp.DefaultRoutingModelParameters()
    model_parameters.max_callback_cache_size = 0
    model = pywrapcp.RoutingModel(nodes, model_parameters)
    model.SetArcCostEvaluatorOfAllVehicles(model.RegisterTransitMatrix((problem.travel * problem.minute).tolist()))
    _keep_time(problem, nodes, model)
    _allow(problem, nodes, model)
    _tell(model, told)
    found = model.SolveWithParameters(_parameters(seconds))
    if found is None:
        return [[] for _ in homes]
    return [_route(nodes, model, found, vehicle) for vehicle in range(len(homes))]


def _parameters(seconds: float) -> Any:
    parameters = pywrapcp.DefaultRoutingSearchParameters()
    parameters.first_solution_strategy = routing_enums_pb2.FirstSolutionStrategy.LOCAL_CHEAPEST_INSERTION
    parameters.local_search_metaheuristic = routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    parameters.time_limit.FromTimedelta(timedelta(seconds=seconds))
    return parameters


def _keep_time(problem: Problem, nodes: pywrapcp.RoutingIndexManager, model: pywrapcp.RoutingModel) -> None:
    """Service, then the way; waiting as long as it takes; the windows of visits and of vehicles."""
    spent = problem.travel.copy()
    spent[: len(problem.visits)] += np.array([[visit.minutes] for visit in problem.visits])
    node_of = [nodes.IndexToNode(index) for index in range(nodes.GetNumberOfIndices())]
    minutes = spent[np.ix_(node_of, node_of)].tolist()
    transit = model.RegisterTransitCallback(lambda here, there: minutes[here][there])
    horizon = max(vehicle.interval.end for vehicle in problem.vehicles)
    model.AddDimension(transit, horizon, horizon, False, "time")
    time = model.GetDimensionOrDie("time")
    for number, visit in enumerate(problem.visits):
        time.CumulVar(nodes.NodeToIndex(number)).SetRange(visit.first, visit.last)
    for number, vehicle in enumerate(problem.vehicles):
        for end in (model.Start(number), model.End(number)):
            time.CumulVar(end).SetRange(vehicle.interval.start, vehicle.interval.end)


def _allow(problem: Problem, nodes: pywrapcp.RoutingIndexManager, model: pywrapcp.RoutingModel) -> None:
    """A visit may be left out at its price; only those with the skills and the time may make it."""
    possible = problem.possible()
    for number, visit in enumerate(problem.visits):
        index = nodes.NodeToIndex(number)
        model.AddDisjunction([index], visit.price)
        model.VehicleVar(index).SetValues([-1, *possible[:, number].nonzero()[0].tolist()])


def _tell(model: pywrapcp.RoutingModel, told: Callable[[int], None]) -> None:
    costs: list[int] = []

    def accepted() -> None:
        cost = model.CostVar().Max()
        if not costs or cost < costs[-1]:
            costs.append(cost)
            told(cost)

    model.AddAtSolutionCallback(accepted)


def _route(nodes: pywrapcp.RoutingIndexManager, model: pywrapcp.RoutingModel, found: Any, vehicle: int) -> list[int]:
    route, index = [], found.Value(model.NextVar(model.Start(vehicle)))
    while not model.IsEnd(index):
        route.append(nodes.IndexToNode(index))
        index = found.Value(model.NextVar(index))
    return route
