"""The worker process: takes jobs from the queue, one at a time, until it is told to leave."""

import argparse
import logging
import os
import signal
import sys
import threading
from contextlib import suppress
from datetime import UTC, datetime

from dbos import DBOS, DBOSConfig
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from api import locks, logs, retention, rounds, schema
from api.db import Database
from api.errors import SchemaMismatch
from api.jobs import duties, folders, lifeline
from api.jobs.reaper import Reaper
from api.jobs.scanner import Scanner
from api.jobs.solving import Solver
from api.jobs.watch import Stopped
from api.messages import LANGUAGES, line
from api.queue import APPLICATION, APPLICATION_VERSION, QUEUE, SOLVE, holder
from api.settings import Settings

log = logging.getLogger(__name__)

PATIENCE = 15.0
"""A worker that was killed may take a moment to be gone."""

LEAVING = 2.0
"""How long ending the child may take, or a step that cannot be broken off; and so long again, giving back the job."""


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
        with locks.held(database, f"worker-{settings.executor_id}", PATIENCE):
            _work(database, settings, stop)
    except SchemaMismatch as error:
        return _refuse("schema_mismatch", {"value": error.value, **error.params})
    except locks.Taken:
        return _refuse("worker_twin", {"value": settings.executor_id})
    return 0


def _work(database: Database, settings: Settings, stop: threading.Event) -> None:
    idle = threading.Event()
    idle.set()

    def ours(session: Session, plan_id: int) -> bool:
        return holder(database, session, plan_id) == settings.executor_id

    solver = Solver(database, settings, stop, ours=ours)

    @DBOS.workflow(name=SOLVE, max_recovery_attempts=None)  # the plan counts its own, and says so when it has failed
    def solve(plan_id: int) -> None:
        idle.clear()
        try:
            solver.run(plan_id)
        except Stopped:
            idle.set()
            threading.Event().wait()  # the job is not done: we leave without a word, and it is begun again
        finally:
            idle.set()

    config: DBOSConfig = {
        "name": APPLICATION,
        "system_database_url": database.url,
        "executor_id": settings.executor_id,
        "application_version": APPLICATION_VERSION,
        "log_level": "WARNING",
    }
    DBOS(config=config)
    folders.sweep()
    reaper = Reaper(database, settings)
    reaper.say()  # before a job is begun: whoever has one and is not among the living loses it
    DBOS.launch()
    with database.writing() as session:
        rounds.wind(session, settings.rounds, datetime.now(UTC))
        retention.wind(session, datetime.now(UTC))
    scanner = Scanner(database, duties.handlers(database, settings), hold=duties.hold, alone=duties.alone)
    for name, look in {"clocks": scanner.run, "heartbeat": reaper.beat, "reaper": reaper.watch}.items():
        threading.Thread(target=look, args=(stop,), name=name, daemon=True).start()
    DBOS.register_queue(QUEUE, worker_concurrency=1, polling_interval_sec=0.5)
    stop.wait()
    idle.wait(LEAVING)
    leaving = threading.Thread(target=_leave, args=(solver, reaper), name="leaving", daemon=True)
    leaving.start()
    leaving.join(LEAVING)  # a database that is away learns of it by our silence
    logging.shutdown()
    os._exit(0)


def _leave(solver: Solver, reaper: Reaper) -> None:
    """Give back what is begun, for whoever takes it next."""
    with suppress(SQLAlchemyError):
        solver.give_back()
        reaper.leave()


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
