"""A child that hangs, eats memory, aborts or is left alone is ended, and its end has a name."""

import subprocess
import sys
import threading
import time

import pytest

from api.jobs import watch
from matcher import read_plan, write_instance
from tests.builders import instance, request, volunteer

ROOMY = watch.Limits(seconds=30, memory_bytes=2**31)


def child(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def run(code: str, limits: watch.Limits = ROOMY, stop: threading.Event | None = None) -> list[dict]:
    told: list[dict] = []
    watch.run(child(code), limits, stop or threading.Event(), told.append)
    return told


def test_what_it_tells_is_passed_on():
    assert run("""import time; print('{"cost": 1}', flush=True); time.sleep(0.5)""") == [{"cost": 1}]


def test_a_child_that_hangs_is_ended():
    began = time.monotonic()
    with pytest.raises(watch.TooLong):
        run("import time; time.sleep(60)", watch.Limits(0.5, 2**31))
    assert time.monotonic() - began < 30  # it would have slept for 60


def test_a_child_that_eats_memory_is_ended():
    with pytest.raises(watch.TooMuchMemory):
        run("import time; eaten = b'x' * 2**28; time.sleep(60)", watch.Limits(30, 2**27))


def test_a_child_that_aborts_says_how():
    with pytest.raises(watch.Died) as died:
        run("import os; os.abort()")
    assert died.value.value == "signal 6"


def test_a_child_that_raises_says_why():
    with pytest.raises(watch.Died) as died:
        run("raise ZeroDivisionError('oh')")
    assert died.value.value == "exit 1: ZeroDivisionError: oh"


def test_whatever_it_started_goes_with_it(tmp_path):
    """The child's own child would have written a file a second later."""
    late = tmp_path / "late"
    grandchild = f"import time; time.sleep(1); open({str(late)!r}, 'w')"
    code = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {grandchild!r}]); time.sleep(60)"
    with pytest.raises(watch.TooLong):
        run(code, watch.Limits(0.5, 2**31))
    time.sleep(1.2)
    assert not late.exists()


def test_a_worker_that_leaves_ends_its_child():
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    with pytest.raises(watch.Stopped):
        run("import time; time.sleep(60)", stop=stop)


def test_a_lifeline_ends_a_process_whose_starter_is_gone():
    code = "import os, time; from api.jobs import lifeline; lifeline.hold(lambda: os._exit(7)); time.sleep(60)"
    process = subprocess.Popen(child(code), stdin=subprocess.PIPE)
    process.stdin.close()
    assert process.wait(10) == 7


def test_names_and_homes_do_not_stay_on_the_disk(tmp_path):
    """The child takes the instance from its folder as it reads it, so that no kill leaves it there."""
    day = instance([volunteer("ada")], [request("R", "09:00-10:00")])
    given, found = tmp_path / "instance.json", tmp_path / "plan.json"
    write_instance(day, given)
    watch.run(watch.python("api.jobs.child", given, found, 5, 0.005, 1), ROOMY, threading.Event(), lambda told: None)
    assert not given.exists() and read_plan(found, day).status == "optimal"
