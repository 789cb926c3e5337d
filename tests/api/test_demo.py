"""The demo: whole in one go, found again by a second run, begun again after a kill."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import httpx
import pytest

HOUSE = Path(__file__).parent.parent.parent


def demo(folder: Path, *words: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "api.demo", "--seconds", "5", "--port", "18400", *words]
    environment = {**os.environ, "PYTHONPATH": str(HOUSE), "PYTHONUNBUFFERED": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.Popen(command, cwd=folder, env=environment, text=True, **pipes)


def address(running: subprocess.Popen) -> str:
    """Where it says that it serves."""
    for line in running.stdout:
        if "http://" in line:
            return line[line.index("http://") :].split()[0]
    raise AssertionError("the demo ended without an address")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("demo")


def test_a_demo_killed_half_way_begins_again(folder):
    killed = demo(folder, "--once")
    address(killed)
    until = time.monotonic() + 30
    while not _entered(folder) and time.monotonic() < until:
        time.sleep(0.05)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert not (folder / "var/demo/whole.json").exists()

    again = demo(folder, "--once")
    said, _ = again.communicate(timeout=90)
    assert again.returncode == 0, said
    for part in ("lianhu-day", "unserved", "bound", "/v/", "明天"):
        assert part in said
    check = [sys.executable, "-m", "api.cli", "check", "var/demo/instance.json", "var/demo/plan.json"]
    environment = {**os.environ, "PYTHONPATH": str(HOUSE)}
    assert subprocess.run(check, cwd=folder, env=environment, stdout=subprocess.DEVNULL).returncode == 0


def _entered(folder: Path) -> bool:
    """Some requests are in, not all of them."""
    with closing(sqlite3.connect(folder / "var/demo/demo.db", timeout=5)) as database:
        return database.execute("SELECT count(*) FROM requests").fetchone()[0] > 5


def _link(running: subprocess.Popen) -> str:
    """The one that opens the demo."""
    for line in running.stdout:
        if "/enter/" in line:
            return line.strip()
    raise AssertionError("the demo ended without a link")


def test_a_second_run_is_ready_within_ten_seconds(folder):
    began = time.monotonic()
    running = demo(folder)
    where = address(running)
    assert httpx.get(f"{where}/readyz").status_code == 200
    assert time.monotonic() - began < 10
    assert httpx.get(f"{where}/v1/plans").status_code == 401
    with httpx.Client(base_url=where, follow_redirects=True) as client:
        page = client.get(_link(running))
        assert page.status_code == 200 and 'class="map"' in page.text
        assert [plan["state"] for plan in client.get("/v1/plans").json()["items"]] == ["published"]
        (grant,) = client.get("/v1/me").json()["grants"]
        assert grant["role"] == "dispatcher" and grant["territory_id"]

    second = demo(folder, "--once")
    said, _ = second.communicate(timeout=30)
    assert second.returncode == 3 and "[db_locked_by]" in said
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=15)
    assert running.returncode == 0
