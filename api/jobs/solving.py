"""The solve job: load, solve in a child, store; killed anywhere, it is taken up again or fails visibly."""

import logging
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import update
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, col

from api import ledger
from api.db import Database
from api.jobs import watch
from api.models import PlanRow
from api.models.plans import UNDER_WAY, PlanState
from api.plans import load, store
from api.settings import Settings
from matcher import Instance, InvalidInput, Plan, read_plan, why_chosen, write_instance

log = logging.getLogger(__name__)

Out = TypeVar("Out")

AWAY_SECONDS = 2.0


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Solver:
    """What a worker brings along to solve."""

    database: Database
    settings: Settings
    stop: threading.Event
    now: Callable[[], datetime] = _utc_now

    def run(self, plan_id: int) -> None:
        """Bring a plan from queued to proposed or failed; begun again, it goes on counting attempts."""
        try:
            while (asked := self._patiently(self._begin, plan_id)) is not None:
                if self._attempted(asked):
                    return
        except watch.Stopped:
            raise
        except Exception as error:
            log.exception("plan %s", plan_id)
            self._patiently(self._fail, plan_id, "internal", {"value": type(error).__name__})

    def _attempted(self, asked: PlanRow) -> bool:
        """One attempt; false when another may do better."""
        try:
            self._attempt(asked)
        except watch.Stopped:
            self._give_back(asked.id)
            raise
        except watch.Died as died:
            how = died.value.partition(":")[0]  # its last words may name somebody
            log.warning("plan %s, attempt %s: the solve ended with %s", asked.id, asked.attempts, how)
            self._patiently(self._note_cause, asked.id, died.code, {"value": died.value, "attempts": asked.attempts})
            return False
        except (watch.TooLong, watch.TooMuchMemory, InvalidInput) as error:
            self._patiently(self._fail, asked.id, error.code, {"value": str(error.value), **error.params})
        return True

    def _patiently(self, work: Callable[..., Out], *arguments: object) -> Out:
        """Do it, waiting for the database as long as it is away."""
        while True:
            try:
                return work(*arguments)
            except OperationalError as error:
                log.warning("waiting for the database: %s", error.orig)
                if self.stop.wait(AWAY_SECONDS):
                    raise watch.Stopped from None

    def _begin(self, plan_id: int) -> PlanRow | None:
        """Count the attempt before it starts; None when the plan is done with, or has used its attempts up."""
        if self.stop.is_set():
            raise watch.Stopped
        with self.database.writing() as session:
            row = session.get(PlanRow, plan_id)
            if row is None or row.state not in UNDER_WAY:
                return None
            if row.attempts >= self.settings.solve_attempts:
                self._fail_in(session, row)
                return None
            if row.state == PlanState.QUEUED:
                ledger.note(session, "plan", [plan_id], row.state, PlanState.SOLVING, "worker", self.now())
            store.move(session, plan_id, row.state, state=PlanState.SOLVING, attempts=row.attempts + 1)
            session.refresh(row)
        return row

    def _give_back(self, plan_id: int) -> None:
        """An attempt we ended ourselves does not count; a busy database counts it all the same."""
        with suppress(OperationalError), self.database.writing() as session:
            session.execute(update(PlanRow).where(col(PlanRow.id) == plan_id).values(attempts=PlanRow.attempts - 1))

    def _attempt(self, asked: PlanRow) -> None:
        instance, seen = self._patiently(self._load, asked)
        plan = self._solve(asked, instance)
        why = {a: (reason,) for a, reason in why_chosen(instance, plan).items()}
        self._patiently(self._store, asked.id, instance, plan, why, seen)

    def _load(self, asked: PlanRow) -> tuple[Instance, int]:
        with self.database.reading() as session:
            return load.load(session, asked, self.now(), self.settings), ledger.version(session)

    def _store(self, plan_id: int, instance: Instance, plan: Plan, why: store.Reasons, seen: int) -> None:
        with self.database.writing() as session:
            store.store(session, plan_id, instance, plan, why, seen, self.now())

    def _solve(self, asked: PlanRow, instance: Instance) -> Plan:
        with tempfile.TemporaryDirectory(prefix="diandan-solve-") as folder:
            given, found = Path(folder, "instance.json"), Path(folder, "plan.json")
            write_instance(instance, given)
            command = watch.python("api.jobs.child", given, found, asked.seconds, asked.gap, asked.seed)
            seconds = asked.seconds + self.settings.solve_grace_seconds
            limits = watch.Limits(seconds, self.settings.solve_memory_bytes)
            watch.run(command, limits, self.stop, lambda told: self._tell(asked.id, told))
            return read_plan(found, instance)

    def _tell(self, plan_id: int, progress: dict[str, Any]) -> None:
        """Progress is only a kindness: a busy database goes without."""
        with suppress(OperationalError), self.database.writing() as session:
            change = update(PlanRow).where(col(PlanRow.id) == plan_id, col(PlanRow.state) == PlanState.SOLVING)
            session.execute(change.values(progress=progress))

    def _note_cause(self, plan_id: int, code: str, params: dict[str, Any]) -> None:
        with self.database.writing() as session:
            change = update(PlanRow).where(col(PlanRow.id) == plan_id, col(PlanRow.state) == PlanState.SOLVING)
            session.execute(change.values(cause={"code": code, "params": params}))

    def _fail(self, plan_id: int, code: str, params: dict[str, Any]) -> None:
        self._note_cause(plan_id, code, params)
        with self.database.writing() as session:
            self._fail_in(session, session.get_one(PlanRow, plan_id))

    def _fail_in(self, session: Session, row: PlanRow) -> None:
        """The plan has failed; without a cause of its own, its worker died with it each time."""
        cause = row.cause or {"code": "solve_died", "params": {"value": "worker", "attempts": row.attempts}}
        if store.move(session, row.id, row.state, state=PlanState.FAILED, cause=cause, progress=None):
            ledger.note(session, "plan", [row.id], row.state, PlanState.FAILED, "worker", self.now(), cause["code"])
