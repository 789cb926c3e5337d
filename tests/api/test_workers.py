"""P8: workers watch over each other, and none of them ends a job that is not its own any more."""

import os
import signal
import sqlite3
import subprocess
import threading
import time
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from api import locks, presence, queue
from api.jobs import folders
from api.jobs.solving import Solver
from api.plans import store
from tests.api.desk import period, request, volunteer
from tests.api.test_cli import DIANDAN
from tests.api.test_kills import running, wait_until
from tests.samples import only, sample

SILENT_SECONDS = 3

processes = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="processes are found through /proc")


@pytest.fixture
def settings(settings):
    return settings.model_copy(update={"worker_silent_seconds": SILENT_SECONDS})


@contextmanager
def worker(desk, name, folder=None):
    """`diandan worker` under this name, for as long as the block, or it itself, lasts."""
    told = desk.settings.model_copy(update={"executor_id": name}).environment()
    told |= {"TMPDIR": str(folder)} if folder else {}
    process = subprocess.Popen([*DIANDAN, "worker"], env={**os.environ, **told})
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def heard_of(desk):
    return [name for (name,) in desk.rows("SELECT executor_id FROM workers ORDER BY executor_id")]


def small(desk):
    """Work for one plan."""
    desk.enter("/v1/volunteers", volunteer())
    desk.enter("/v1/requests", request())


def large(desk):
    """So much work that the solve of a plan lasts as long as it may."""
    for n in range(10):
        desk.enter("/v1/volunteers", volunteer(at=[108.9 + 0.01 * n, 34.26]))
    for n in range(50):
        desk.enter("/v1/requests", request("08:00", "11:00", at=[108.9 + 0.002 * n, 34.25 + 0.0007 * (n % 7)]))


def solving(desk, seconds=20):
    """A plan that is asked for, and will be a while in the making; its address."""
    return desk.post("/v1/plans", period(seconds=seconds, gap=0)).headers["Location"]


def kill_at_work(process):
    """SIGKILL for a worker in the middle of a solve; its child, which holds its lifeline, goes too."""
    child = running("api.jobs.child", process.pid, within=60)
    assert child is not None
    process.kill()
    process.wait()
    wait_until(lambda: not Path(f"/proc/{child}").exists())


@processes
@pytest.mark.prove("workers")
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_two_workers_lose_one_and_no_job(desk, record_property):
    """One of two is killed at work: first to come back under its name, then never. Every plan is made, each once."""
    small(desk)
    jobs, kills, ids = sample("workers", 6, 20), sample("workers", 1, 2), []
    with worker(desk, "one"):
        for _ in range(kills):
            with worker(desk, "two") as victim:
                if not ids:
                    wait_until(lambda: heard_of(desk) == ["one", "two"])
                    ids = [desk.enter("/v1/plans", period(seed=n + 1)) for n in range(jobs)]
                kill_at_work(victim)
        plans = [desk.settled(f"/v1/plans/{id}", 240) for id in ids]
        began = time.monotonic()
        assert desk.settled(desk.post("/v1/plans", period()).headers["Location"])["state"] == "proposed"
        record_property("next", f"{time.monotonic() - began:.1f} s")
    assert [plan["state"] for plan in plans] == ["proposed"] * jobs
    ends = "SELECT noun_id FROM audit WHERE noun = 'plan' AND from_state = 'solving' AND noun_id <= :last ORDER BY 1"
    assert [id for (id,) in desk.rows(ends, last=ids[-1])] == ids
    attempts = [plan["attempts"] for plan in plans]
    record_property("attempts", sum(attempts))
    assert sum(attempts) == jobs + kills and max(attempts) <= 1 + kills


def stand_still(desk, worker: subprocess.Popen) -> None:
    """Stopped between a read or write and the next: whoever stands still in one holds up SQLite's writers, for good."""
    while True:
        worker.send_signal(signal.SIGSTOP)
        if anybody_may_write(desk):
            return
        worker.send_signal(signal.SIGCONT)
        time.sleep(0.05)


def anybody_may_write(desk) -> bool:
    """Without waiting long: the solve that is to stand still goes on meanwhile."""
    try:
        if desk.database.is_sqlite:
            with closing(sqlite3.connect(desk.database.engine.url.database, timeout=0.1, isolation_level=None)) as file:
                file.execute("BEGIN EXCLUSIVE")  # a commit waits for readers too
                file.execute("ROLLBACK")
        else:
            with desk.database.writing() as session:
                session.execute(text("SET LOCAL lock_timeout = '100ms'"))
                session.execute(text("UPDATE ledger SET version = version"))
    except (OperationalError, sqlite3.OperationalError):
        return False
    return True


@processes
@only("sqlite")
def test_a_worker_that_was_only_slow_ends_nothing_twice(desk):
    """It stands still in the middle of a solve, another takes its job over and makes the plan; then it goes on."""
    large(desk)
    with worker(desk, "slow") as slow:
        where = solving(desk, seconds=3)
        child = running("api.jobs.child", slow.pid, within=60)
        stand_still(desk, slow)
        with worker(desk, "other"):
            plan = desk.settled(where)
            assert (plan["state"], plan["attempts"]) == ("proposed", 2)
            seats = len(plan["assignments"])
            slow.send_signal(signal.SIGCONT)
            wait_until(lambda: not Path(f"/proc/{child}").exists())
            assert desk.settled(solving(desk, seconds=1))["state"] == "proposed"
        assert len(desk.get(where)["assignments"]) == seats
    assert desk.rows("SELECT count(*) FROM audit WHERE noun_id = 1 AND to_state = 'proposed'") == [(1,)]


def test_only_the_newest_attempt_ends_a_plan(desk):
    only_the_newest(desk)


def test_an_older_attempt_that_ends_it_is_seen(desk, monkeypatch):
    """Attempts are not compared, as if the job had one worker for ever."""
    compared = store.move

    def move(*arguments, attempt=None, **more):
        return compared(*arguments, **more)

    monkeypatch.setattr(store, "move", move)
    with pytest.raises(AssertionError):
        only_the_newest(desk)


def only_the_newest(desk):
    """Each thing a worker may do with a job, just after another worker has begun it anew."""
    small(desk)
    plan_id = desk.enter("/v1/plans", period())
    solver = Solver(desk.database, desk.settings, threading.Event())
    old, new = solver._begin(plan_id), solver._begin(plan_id)
    assert (old.attempts, new.attempts) == (1, 2)
    instance, seen = solver._load(old)
    plan = solver._solve(new, instance)
    before = desk.rows("SELECT * FROM plans")
    solver._tell(old, {"seconds": 1})
    solver._note_cause(old, "solve_died", {})
    solver._fail(plan_id, old.attempts, "solve_time", {})
    solver._begun[plan_id] = old
    solver.give_back()
    assert not solver._store(old, instance, plan, {a: () for a in plan.assignments}, seen)
    assert (solver._wanted(old), solver._wanted(new)) == (False, True)
    assert desk.rows("SELECT * FROM plans") == before
    assert solver._store(new, instance, plan, {a: () for a in plan.assignments}, seen)


def test_a_job_that_somebody_else_has_is_not_begun(desk):
    """Taken over between the queue and the first step."""
    plan_id = desk.enter("/v1/plans", period())
    jobs = "workflow_status" if desk.database.is_sqlite else "dbos.workflow_status"

    def mine(session, plan_id):
        return queue.holder(desk.database, session, plan_id) == "mine"

    solver = Solver(desk.database, desk.settings, threading.Event(), ours=mine)
    assert solver._begin(plan_id) is None
    desk.change(f"UPDATE {jobs} SET status = 'PENDING', executor_id = 'another'")
    assert solver._begin(plan_id) is None and desk.get(f"/v1/plans/{plan_id}")["attempts"] == 0
    desk.change(f"UPDATE {jobs} SET executor_id = 'mine'")
    assert solver._begin(plan_id).attempts == 1


def test_who_is_alive_is_told(desk):
    """To the doctor and in the figures: a beat now and then, until silence or a farewell."""
    for name in ("near", "far", "gone"):
        with desk.database.writing() as session:
            presence.beat(session, name)
    desk.change("UPDATE workers SET seen_at = :then WHERE executor_id = 'gone'", then="2020-01-01 00:00:00")
    told = {one.name: one.samples for one in text_string_to_metric_families(desk.client.get("/metrics").text)}
    assert told["diandan_workers"][0].value == 2
    with desk.database.writing() as session:
        presence.beat(session, "near")
        presence.leave(session, "far")
        presence.forget(session)
        assert [row.executor_id for row in presence.living(session, 60)] == ["near"]
    assert heard_of(desk) == ["near"]


# Leaving


@processes
@only("postgres")
def test_a_worker_asked_to_leave_is_gone_within_five_seconds(desk, tmp_path):
    """In the middle of a solve: the child is gone, its folder too; another goes on at once, and the attempt is none."""
    large(desk)
    with worker(desk, "leaver", tmp_path) as leaver:
        where = solving(desk, seconds=3)
        child = running("api.jobs.child", leaver.pid, within=60)
        wait_until(lambda: desk.get(where)["progress"] is not None)
        began = time.monotonic()
        leaver.terminate()
        assert leaver.wait(10) == 0 and time.monotonic() - began < 5
    assert not Path(f"/proc/{child}").exists() and list(tmp_path.glob("diandan-solve-*")) == []
    assert (desk.get(where)["attempts"], heard_of(desk)) == (0, [])
    with worker(desk, "other"):
        plan = desk.settled(where)
    assert (plan["state"], plan["attempts"]) == ("proposed", 1)


@processes
def test_an_idle_service_leaves_at_once(sqlite_url):
    """`diandan serve`, web and worker, on SIGTERM."""
    told = {"DIANDAN_DATABASE_URL": sqlite_url, "DIANDAN_PORT": "0"}
    process = subprocess.Popen([*DIANDAN, "serve"], env={**os.environ, **told}, stdout=subprocess.PIPE, text=True)
    try:
        assert "http://" in process.stdout.readline()
        inner = running("api.jobs.worker", process.pid)
        file = Path(sqlite_url.removeprefix("sqlite:///"))
        wait_until(lambda: file.with_name(f"{file.name}.worker-worker-1.lock").exists())
        began = time.monotonic()
        process.terminate()
        assert process.wait(20) == 0 and time.monotonic() - began < 5
        assert not Path(f"/proc/{inner}").exists()
    finally:
        process.kill()
        process.stdout.close()


@processes
@only("postgres")
def test_a_cancelled_solve_ends_at_once(desk):
    """And the worker takes the next job."""
    large(desk)
    with worker(desk, "one") as one:
        where = solving(desk, seconds=60)
        child = running("api.jobs.child", one.pid, within=60)
        wait_until(lambda: desk.get(where)["progress"] is not None)
        desk.post(f"{where}/cancel", None).raise_for_status()
        began = time.monotonic()
        wait_until(lambda: not Path(f"/proc/{child}").exists())
        assert time.monotonic() - began < 5  # a look a second; it would have gone on for a minute
        assert desk.settled(solving(desk, seconds=1))["state"] == "proposed"
        assert desk.get(where)["state"] == "cancelled"


# What the killed leave


def test_a_folder_that_nobody_works_in_is_swept_away(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for name in ("diandan-solve-left", "another-one"):
        (tmp_path / name).mkdir()
    (tmp_path / "diandan-solve-left" / "plan.json").write_text("{}")
    (tmp_path / "diandan-solve-link").symlink_to(tmp_path / "another-one")
    with folders.folder() as own:
        folders.sweep()
        assert {path.name for path in tmp_path.iterdir()} == {own.name, "another-one", "diandan-solve-link"}
    assert not own.exists()


@processes
@only("sqlite")
def test_the_folder_of_a_killed_worker_is_swept_by_the_next(desk, tmp_path):
    large(desk)
    with worker(desk, "one", tmp_path) as one:
        where = solving(desk)
        kill_at_work(one)
    (left,) = tmp_path.glob("diandan-solve-*")
    with worker(desk, "two", tmp_path):
        wait_until(lambda: not left.exists())
        desk.post(f"{where}/cancel", None).raise_for_status()


def test_a_lock_of_a_transaction_goes_with_it(database):
    """Committed or not."""
    for ending in (None, ZeroDivisionError):
        try:
            with database.writing() as session:
                locks.held_to_the_end(database, session, "publish")
                with database.writing() as other, pytest.raises(locks.Taken):
                    locks.held_to_the_end(database, other, "publish")
                if ending:
                    raise ending
        except ZeroDivisionError:
            pass
    with database.writing() as session:
        locks.held_to_the_end(database, session, "publish")
