"""P8: a solve killed anywhere leaves the plan in force; the job is taken up again, or fails visibly."""

import itertools
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from api.jobs import watch
from api.jobs.solving import Solver
from api.plans import load, store
from api.settings import Settings
from matcher import InvalidInput
from tests.api.desk import Desk, period, request, volunteer
from tests.samples import only, sample

VISIBLE_SECONDS = 90

ENDS = (signal.SIGKILL, signal.SIGABRT, signal.SIGSTOP)
"""What becomes of a solve; the last is one that hangs."""


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A solve that hangs is given up sooner."""
    return settings.model_copy(update={"solve_grace_seconds": 5.0})


def children(pid: int) -> dict[int, str]:
    """The children of a process, with the module each of them runs."""
    found = {}
    for listing in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in listing.read_text().split():
            words = Path(f"/proc/{child}/cmdline").read_text().split("\0")
            found[int(child)] = words[2] if len(words) > 2 else ""
    return found


def running(module: str, under: int, within: float = 10) -> int | None:
    """The process under this one that runs a module, if it appears in time."""
    until = time.monotonic() + within
    while time.monotonic() < until:
        for pid, runs in children(under).items():
            if runs == module:
                return pid
        time.sleep(0.02)
    return None


def wait_until(so: Callable[[], bool]) -> None:
    until = time.monotonic() + VISIBLE_SECONDS
    while not so():
        assert time.monotonic() < until, f"not so after {VISIBLE_SECONDS} s"
        time.sleep(0.05)


def in_force(desk: Desk) -> list[tuple]:
    return desk.rows("SELECT id, request_id, volunteer_id, starts_at, state FROM assignments WHERE state = 'offered'")


@pytest.fixture
def published(staffed):
    """A plan in force, and more requests than can be planned best in a moment."""
    staffed.enter("/v1/volunteers", volunteer())
    staffed.enter("/v1/requests", request())
    where = staffed.post("/v1/plans", period()).headers["Location"]
    assert staffed.settled(where)["state"] == "proposed"
    staffed.publish(where).raise_for_status()
    for n in range(10):
        staffed.enter("/v1/volunteers", volunteer(at=[108.9 + 0.01 * n, 34.26]))
    for n in range(50):
        staffed.enter("/v1/requests", request("08:00", "11:00", at=[108.9 + 0.002 * n, 34.25 + 0.0007 * (n % 7)]))
    return where


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="processes are found through /proc")
@pytest.mark.prove("kills")
def test_a_killed_solve_leaves_the_plan_in_force(staffed, published, record_property):
    """Killed, broken off or made to hang, the child or its worker, at a random moment."""
    luck = Random(3)
    before = in_force(staffed)
    ends = []
    for _ in range(sample("kills", 2, 100)):
        where = staffed.post("/v1/plans", period(seconds=2, gap=0)).headers["Location"]
        time.sleep(luck.uniform(0, 3))
        worker = running("api.jobs.worker", os.getpid())
        child = running("api.jobs.child", worker, within=1)
        victim, how = luck.choice(
            [(worker, signal.SIGKILL), (worker, signal.SIGABRT), *((child, s) for s in ENDS if child)]
        )
        os.kill(victim, how)
        ends.append(staffed.settled(where, VISIBLE_SECONDS)["state"])
        assert in_force(staffed) == before
        assert staffed.get(published)["state"] == "published"
    record_property("ends", " ".join(ends))
    assert set(ends) <= {"proposed", "failed"}


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="processes are found through /proc")
@only("sqlite")
def test_a_solve_that_always_dies_is_failed_with_its_cause(staffed, published):
    """Three attempts, then it is said; and it is in nobody's way."""
    where = staffed.post("/v1/plans", period(seconds=20, gap=0)).headers["Location"]
    worker = running("api.jobs.worker", os.getpid())
    for attempt in (1, 2, 3):
        wait_until(lambda attempt=attempt: staffed.get(where)["attempts"] >= attempt)
        os.kill(running("api.jobs.child", worker), signal.SIGKILL)
    plan = staffed.settled(where, VISIBLE_SECONDS)
    assert (plan["state"], plan["attempts"]) == ("failed", 3)
    assert plan["cause"]["code"] == "solve_died" and "signal 9" in plan["cause"]["en"]
    assert staffed.settled(staffed.post("/v1/plans", period()).headers["Location"])["state"] == "proposed"


class Doomed(Solver):
    """Each attempt dies; the tenth is the last that is waited for."""

    def _solve(self, asked, instance):
        if next(self.lives) == 10:
            raise watch.Stopped
        raise watch.Died("", "signal 9")


def dies_each_time(desk) -> str:
    """What the plan is after a worker has tried to make it for as long as it likes."""
    plan_id = desk.enter("/v1/plans", period())
    Doomed.lives = itertools.count()
    with suppress(watch.Stopped):
        Doomed(desk.database, desk.settings, threading.Event()).run(plan_id)
    ((state, attempts),) = desk.rows("SELECT state, attempts FROM plans WHERE id = :id", id=plan_id)
    return f"{state} after {attempts}"


def test_attempts_are_counted_to_three(desk):
    assert dies_each_time(desk) == "failed after 3"


def test_attempts_that_are_not_counted_are_seen(desk, monkeypatch):
    """A solve that dies each time would be begun again for ever."""
    counted = store.move

    def move(*arguments, attempts=None, **more):
        return counted(*arguments, **more)

    monkeypatch.setattr(store, "move", move)
    assert dies_each_time(desk).startswith("solving")


@only("postgres")
def test_a_worker_asked_to_leave_gives_its_attempt_back(staffed, published):
    """SIGTERM in the middle: the child goes, the job is begun again by the next worker, and counts once."""
    where = staffed.post("/v1/plans", period(seconds=5, gap=0)).headers["Location"]
    wait_until(lambda: staffed.get(where)["progress"] is not None)
    worker = running("api.jobs.worker", os.getpid())
    child = running("api.jobs.child", worker)
    os.kill(worker, signal.SIGTERM)
    plan = staffed.settled(where, VISIBLE_SECONDS)
    assert not Path(f"/proc/{child}").exists()
    assert (plan["state"], plan["attempts"]) == ("proposed", 1)


@pytest.mark.parametrize(
    "limit, cause", [({"solve_memory_bytes": 2**20}, "solve_memory"), ({"solve_grace_seconds": -29.9}, "solve_time")]
)
def test_a_solve_beyond_its_limits_is_failed_at_once(desk, limit, cause):
    """Again it would be no better, so it is not begun again."""
    plan_id = desk.enter("/v1/plans", period())
    settings = desk.settings.model_copy(update=limit)
    Solver(desk.database, settings, threading.Event()).run(plan_id)
    plan = desk.get(f"/v1/plans/{plan_id}")
    assert (plan["state"], plan["attempts"], plan["cause"]["code"]) == ("failed", 1, cause)


def test_a_plan_beyond_the_limits_is_failed_with_their_name(desk, monkeypatch):
    """What the matcher refuses while the instance is made is the plan's cause."""

    def refuse(*_):
        raise InvalidInput("too_large", "requests", 20_001, what="requests", what_zh="请求数", limit=20_000)

    monkeypatch.setattr(load, "load", refuse)
    plan_id = desk.enter("/v1/plans", period())
    Solver(desk.database, desk.settings, threading.Event()).run(plan_id)
    assert "20001" in desk.get(f"/v1/plans/{plan_id}")["cause"]["en"]


def test_a_mistake_of_ours_fails_the_plan_and_not_the_worker(desk, monkeypatch):
    monkeypatch.setattr(load, "load", lambda *_: 1 / 0)
    plan_id = desk.enter("/v1/plans", period())
    Solver(desk.database, desk.settings, threading.Event()).run(plan_id)
    assert desk.get(f"/v1/plans/{plan_id}")["cause"]["code"] == "internal"
