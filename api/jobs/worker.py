"""The worker process: takes jobs from the queue, one at a time, until it is told to leave."""

import argparse
import logging
import os
import signal
import sys
import threading
from datetime import UTC, datetime

from dbos import DBOS

from api import logs, rounds, schema
from api.db import Database
from api.errors import SchemaMismatch
from api.jobs import duties, identity, lifeline
from api.jobs.scanner import Scanner
from api.jobs.solving import Solver
from api.jobs.watch import Stopped
from api.messages import LANGUAGES, line
from api.queue import APPLICATION, APPLICATION_VERSION, QUEUE, SOLVE
from api.settings import Settings

log = logging.getLogger(__name__)

PATIENCE = 15.0
"""A worker that was killed may take a moment to be gone."""

LEAVING = 5.0
"""How long ending the child may take."""


def run(settings: Settings, supervised: bool = False) -> int:
    """Work until SIGTERM, SIGINT or, supervised, until whoever started us is gone."""
    database = Database(settings.database_url, settings.timezone)
    stop = threading.Event()
    for wish in (signal.SIGTERM, signal.SIGINT):
        signal.signal(wish, lambda *_: stop.set())
    if supervised:
        lifeline.hold(stop.set)
    try:
        schema.check(database, schema.wanted())
        with identity.held(database, f"worker-{settings.executor_id}", PATIENCE):
            _work(Solver(database, settings, stop))
    except SchemaMismatch as error:
        return _refuse("schema_mismatch", {"value": error.value, **error.params})
    except identity.Taken:
        return _refuse("worker_twin", {"value": settings.executor_id})
    return 0


def _work(solver: Solver) -> None:
    idle = threading.Event()
    idle.set()

    @DBOS.workflow(name=SOLVE)
    def solve(plan_id: int) -> None:
        idle.clear()
        try:
            solver.run(plan_id)
        except Stopped:
            idle.set()
            threading.Event().wait()  # the job is not done: we leave without a word, and it is begun again
        finally:
            idle.set()

    DBOS(
        config={
            "name": APPLICATION,
            "system_database_url": solver.database.url,
            "executor_id": solver.settings.executor_id,
            "application_version": APPLICATION_VERSION,
            "log_level": "WARNING",
        }
    )
    DBOS.launch()
    with solver.database.writing() as session:
        rounds.wind(session, solver.settings.rounds, datetime.now(UTC))
    scanner = Scanner(solver.database, duties.handlers(solver.database, solver.settings))
    threading.Thread(target=scanner.run, args=(solver.stop,), name="clocks", daemon=True).start()
    DBOS.register_queue(QUEUE, worker_concurrency=1, polling_interval_sec=0.5)
    solver.stop.wait()
    idle.wait(LEAVING)
    logging.shutdown()
    os._exit(0)


def _refuse(code: str, params: dict[str, object]) -> int:
    for lang in LANGUAGES:
        print(line(code, lang, params), file=sys.stderr)
    return 3


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--supervised", action="store_true")
    given = Settings()
    logs.set_up(given.log)
    sys.exit(run(given, parser.parse_args().supervised))
