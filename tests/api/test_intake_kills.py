"""P1: what has been acknowledged is never lost, wherever the service is killed."""

import itertools
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

import httpx
import pytest
from sqlalchemy import text

from api.roles import Role
from tests.api.desk import PLAIN, key_for, request
from tests.samples import only, sample

CLERKS, AT_WORK = 4, 6
codes = itertools.count(1)


@contextmanager
def serving(url: str) -> Iterator[str]:
    """A service that is killed without a word when the block ends; its address."""
    command = [sys.executable, "-m", "tests.api.intake", url]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, env=dict(os.environ))
    try:
        yield server.stdout.readline().decode().strip()
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


def ask(address: str, key: str, acknowledged: list[str], ended: threading.Event) -> None:
    """Enter one request after another until the service is gone; note each that it said it has."""
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(verify=PLAIN, base_url=address, headers=headers, timeout=10) as client:
        while not ended.is_set():
            code = f"R{next(codes)}"
            try:
                answer = client.post("/v1/requests", json=request(code=code), headers={"Idempotency-Key": code})
            except httpx.TransportError:
                return
            if answer.status_code == 201:
                acknowledged.append(code)


def at_work(acknowledged: list[str], count: int) -> None:
    """Wait until it has said so many times that it has something."""
    until = time.monotonic() + 60
    while len(acknowledged) < count:
        assert time.monotonic() < until, f"{len(acknowledged)} acknowledged, not {count}"
        time.sleep(0.01)


def killed(database, times: int) -> tuple[set[str], set[str]]:
    """So often the service is killed in the middle of its work: what it acknowledged, and what is stored."""
    luck, acknowledged = Random(11), []
    key = key_for(database, "hotline", Role.CLERK)
    for _ in range(times):
        ended = threading.Event()
        with serving(database.url) as address:
            clerks = [threading.Thread(target=ask, args=(address, key, acknowledged, ended)) for _ in range(CLERKS)]
            for clerk in clerks:
                clerk.start()
            at_work(acknowledged, len(acknowledged) + AT_WORK)
            time.sleep(luck.uniform(0, 0.9))
        ended.set()
        for clerk in clerks:
            clerk.join()
    told = text("SELECT code FROM requests JOIN audit ON noun = 'request' AND noun_id = requests.id")
    with database.reading() as session:
        return set(acknowledged), {code for (code,) in session.execute(told)}


@pytest.mark.prove("intake")
def test_what_was_acknowledged_is_stored(database, record_property):
    acknowledged, stored = killed(database, sample("intake", 2, 100))
    record_property("acknowledged", f"{len(acknowledged):,}")
    assert acknowledged <= stored


@only("postgres")
def test_an_answer_before_the_commit_is_seen(database, monkeypatch):
    monkeypatch.setenv("DIANDAN_SABOTAGE", "ack_before_commit")
    acknowledged, stored = killed(database, 2)
    assert acknowledged - stored
