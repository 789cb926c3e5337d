"""Engines that others made, asked for the same plans. Each is handed the peers' problem and answers with routes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

from benchmarks.peers.problem import BeyondPeers, Problem, plan_of, problem_of
from matcher import Instance, Plan

__all__ = ["INSTALL", "PEERS", "BeyondPeers", "Peer", "Problem", "peer_plan", "plan_of", "problem_of"]

INSTALL = "`make bench` installs it, from requirements-bench.lock"

Told = Callable[[int], None]
"""Hears the cost of a plan that is better than all before, from engines that tell."""


@dataclass(frozen=True)
class Peer:
    """One way to run one of them."""

    name: str
    package: str
    module: str
    options: tuple[int, ...] = ()

    @property
    def missing(self) -> bool:
        """Whether its package is not installed."""
        try:
            version(self.package)
        except PackageNotFoundError:
            return True
        return False

    @property
    def label(self) -> str:
        """Name, version, and what is special about this way."""
        number = ".".join(version(self.package).split(".")[:3])
        return f"{self.name} {number}" + "".join(f", exploration {level}" for level in self.options)

    def routes(self, problem: Problem, seconds: float, seed: int, told: Told) -> Sequence[Sequence[int]]:
        """The visits of each vehicle in turn, after so many seconds at most."""
        module = import_module(f"benchmarks.peers.{self.module}")
        found: Sequence[Sequence[int]] = module.routes(problem, seconds, seed, told, *self.options)
        return found


PEERS = {
    "vroom-0": Peer("VROOM", "pyvroom", "vroom", (0,)),
    "vroom-5": Peer("VROOM", "pyvroom", "vroom", (5,)),
    "pyvrp": Peer("PyVRP", "pyvrp", "pyvrp"),
    "ortools": Peer("OR-Tools routing", "ortools", "ortools"),
}


def peer_plan(peer: Peer, instance: Instance, seconds: float, seed: int, told: Told) -> Plan:
    """What this peer makes of the instance. The time is the engine's; putting the problem in its words comes on top."""
    began = time.perf_counter()
    problem = problem_of(instance)
    routes = peer.routes(problem, seconds, seed, told)
    return plan_of(problem, routes, peer.label, time.perf_counter() - began, seed)
