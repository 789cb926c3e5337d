"""A solve in a process of its own leaves a plan, what it heard, and how much memory it took."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from benchmarks.memory import family, resident_mb
from benchmarks.solving import Failed, Task, run, start_from
from tests.builders import instance, request, volunteer

DAY = instance([volunteer("Ada")], [request("R1", "09:00"), request("R2", "11:00-12:00")])


def test_ours_is_run_and_judged(tmp_path):
    found = run(DAY, Task("ours", seconds=30, seed=1, prove=True), tmp_path)
    assert (found.instance, found.served, found.requests, found.clean) == ("by hand", 2, 2, True)
    assert found.cost == found.bound == 600  # three journeys of 20 minutes
    assert found.first < found.stopped < 30
    assert found.first_cost == found.trace[0][1]
    assert found.peak_mb > 10
    start = start_from(replace(DAY, name="with more"), tmp_path)
    assert (start["start"].cost, start["start"].instance) == (600, "with more")
    assert (start["start_proof"].bound, start["start_proof"].instance) == (600, "with more")


def test_a_child_that_cannot_says_why(tmp_path):
    with pytest.raises(Failed, match="a price on load"):
        run(DAY, Task("ortools", seconds=1, seed=1), tmp_path)


def test_memory_counts_the_children_too():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert {os.getpid(), child.pid} <= set(family(os.getpid()))
        alone = resident_mb(child.pid)
        assert resident_mb(os.getpid()) > alone
        child.kill()
    assert resident_mb(child.pid) == 0
