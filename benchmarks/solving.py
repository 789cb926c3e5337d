"""One solve in a process of its own, which starts from files as a user's would: its seconds and memory are its own.

`python -m benchmarks.solving TASK` is the child. It reads the instance, solves, and leaves the plan beside the task;
the parent samples memory meanwhile, and judges afterwards.
"""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.memory import resident_mb
from benchmarks.peers import PEERS, peer_plan
from matcher import (
    Instance,
    Plan,
    Progress,
    judge,
    read_instance,
    read_plan,
    read_proof,
    solve,
    write_instance,
    write_plan,
    write_proof,
)

HOUSE = Path(__file__).parent.parent
OURS = "ours"
SAMPLE_EVERY = 0.2
PATIENCE = 900
"""Seconds beyond its time after which a child is ended."""


class Failed(RuntimeError):
    """A child that left no plan."""


@dataclass(frozen=True)
class Task:
    """What a child is asked for. `start` is the folder of an earlier task whose plan and proof it starts from."""

    engine: str
    seconds: float
    seed: int
    gap: float = 0.0
    start: str | None = None
    prove: bool = False


@dataclass(frozen=True)
class Run:
    """What one solve came to. Seconds count from the start of its process; a trace is [seconds, cost, bound] lines."""

    instance: str
    engine: str
    seconds: float
    stopped: float
    first: float | None
    first_cost: int | None
    cost: int
    bound: int | None
    settled: int
    pins: int
    served: int
    requests: int
    clean: bool
    peak_mb: int
    trace: list[tuple[float, int, int | None]]
    note: str = ""


def run(instance: Instance, task: Task, folder: Path) -> Run:
    """Have a child do the task in that folder; its plan is judged here."""
    folder.mkdir(parents=True, exist_ok=True)
    write_instance(instance, folder / "instance.json")
    (folder / "plan.json").unlink(missing_ok=True)
    peak = _watched(task, folder)
    told = json.loads((folder / "told.json").read_text())
    plan = read_plan(folder / "plan.json", instance)
    verdict = judge(instance, plan)
    trace = [(round(seconds, 2), cost, bound) for seconds, cost, bound in told["trace"]]
    return Run(
        instance=instance.name,
        engine=plan.engine,
        seconds=task.seconds,
        stopped=told["stopped"],
        first=trace[0][0] if trace else None,
        first_cost=trace[0][1] if trace else None,
        cost=verdict.cost,
        bound=plan.bound,
        settled=verdict.settled,
        pins=verdict.terms["pins"],
        served=len(instance.requests) - len(plan.unserved),
        requests=len(instance.requests),
        clean=verdict.holds,
        peak_mb=peak,
        trace=trace,
        note=told["note"],
    )


def _watched(task: Task, folder: Path) -> int:
    """The peak of its memory in MB, when the child has ended well."""
    (folder / "task.json").write_text(json.dumps({**asdict(task), "born": time.monotonic()}))
    words = [sys.executable, "-m", "benchmarks.solving", str(folder)]
    with (folder / "errors.txt").open("w+") as errors:
        child = subprocess.Popen(words, cwd=HOUSE, stdout=errors, stderr=errors)
        peak, end = 0, time.monotonic() + task.seconds + PATIENCE
        try:
            while child.poll() is None and time.monotonic() < end:
                peak = max(peak, resident_mb(child.pid))
                time.sleep(SAMPLE_EVERY)
        finally:
            child.kill()
            child.wait()
        errors.seek(0)
        if child.returncode:
            last = errors.read().strip().splitlines()[-1:]
            raise Failed(f"{task.engine} ended with {child.returncode}: {' '.join(last)}")
    return peak


def main(folder: Path) -> None:
    """The child's side."""
    asked = json.loads((folder / "task.json").read_text())
    born = asked.pop("born")
    task = Task(**asked)
    instance = read_instance(folder / "instance.json")
    trace: list[tuple[float, int, int | None]] = []

    def told(cost: int, bound: int | None = None) -> None:
        if not trace or (cost, bound) != trace[-1][1:]:
            trace.append((time.monotonic() - born, cost, bound))

    note = ""
    if task.engine == OURS:
        plan, note = _ours(instance, task, folder, born, told)
    else:
        plan = peer_plan(PEERS[task.engine], instance, task.seconds, task.seed, told)
    stopped = time.monotonic() - born
    trace.append((stopped, plan.cost, plan.bound))
    write_plan(plan, instance, folder / "plan.json")
    (folder / "told.json").write_text(json.dumps({"stopped": round(stopped, 2), "trace": trace, "note": note}))


def _ours(
    instance: Instance, task: Task, folder: Path, born: float, told: Callable[[int, int | None], None]
) -> tuple[Plan, str]:
    """Our plan, and what is to be noted about it. A start is handed over where `solve` takes one."""
    takes = inspect.signature(solve).parameters
    more: dict[str, Any] = {}
    if task.start is not None and "start" in takes:
        more = start_from(instance, Path(task.start))
    proofs: list[Any] = []
    if task.prove:
        more["proof"] = proofs.append

    def heard(progress: Progress) -> None:
        told(progress.cost, progress.bound)

    spent = time.monotonic() - born
    plan = solve(instance, task.seconds, task.gap, task.seed, progress=heard, spent=spent, **more)
    if proofs:
        write_proof(proofs[-1], instance, folder / "proof.json")
    return plan, "" if task.start is None or "start" in more else "from scratch"


def start_from(instance: Instance, folder: Path) -> dict[str, Any]:
    """The plan and the proof of an earlier task, whose instance asked for less than this one."""
    before = read_instance(folder / "instance.json")
    return {
        "start": replace(read_plan(folder / "plan.json", before), instance=instance.name),
        "start_proof": replace(read_proof(folder / "proof.json", before), instance=instance.name),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
