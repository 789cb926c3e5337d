"""Workers watch over each other: each says that it lives, and takes the jobs of those that have fallen silent."""

import logging
import threading
from dataclasses import dataclass

from dbos import DBOS
from sqlalchemy.exc import SQLAlchemyError

from api import presence
from api.db import Database
from api.jobs import folders
from api.queue import QUEUE
from api.settings import Settings

log = logging.getLogger(__name__)

BEATS, LOOKS = 6, 4
"""So many in the time after which silence counts: with 60 seconds a beat every 10 and a look every 15."""


@dataclass(frozen=True)
class Reaper:
    """One worker's part in it, each in a thread of its own: who waits for a lock goes on living."""

    database: Database
    settings: Settings

    def beat(self, stop: threading.Event) -> None:
        """Say that we live until told to stop; while the database is away nobody can be heard, nor looks."""
        while not stop.wait(self.settings.worker_silent_seconds / BEATS):
            try:
                self.say()
            except SQLAlchemyError as error:
                log.warning("nobody hears this worker: %s", type(error).__name__)

    def watch(self, stop: threading.Event) -> None:
        """Look for who is silent, until told to stop."""
        while not stop.wait(self.settings.worker_silent_seconds / LOOKS):
            try:
                self.look()
            except Exception as error:  # whatever it is: whoever watches over others does not fall asleep over it
                log.warning("cannot see the other workers: %s", type(error).__name__)

    def say(self) -> None:
        """We live."""
        with self.database.writing() as session:
            presence.beat(session, self.settings.executor_id)

    def look(self) -> None:
        """Jobs whose worker is not among the living go back into the queue, and what the dead left on this disk goes.

        It is the jobs that are looked at: one whose worker was never heard of at all is found too.
        """
        folders.sweep()
        begun = DBOS.list_workflows(status="PENDING", queue_name=QUEUE, load_input=False, load_output=False)
        with self.database.writing() as session:
            presence.forget(session)
            alive = {row.executor_id for row in presence.living(session, self.settings.worker_silent_seconds)}
        silent = {str(job.executor_id) for job in begun} - alive - {self.settings.executor_id}
        for executor_id in sorted(silent):
            give_back(executor_id)

    def leave(self) -> None:
        """We go: others take what we had begun, without waiting for our silence."""
        give_back(self.settings.executor_id)
        with self.database.writing() as session:
            presence.leave(session, self.settings.executor_id)


def give_back(executor_id: str) -> None:
    """The jobs this worker had begun wait in the queue again; a job that somebody else has taken since is left alone.

    What DBOS does for a worker that starts, it has for others under this name only.
    """
    for job in DBOS._recover_pending_workflows([executor_id]):
        log.warning("job %s of worker %s is in the queue again", job.workflow_id, executor_id)
