"""The solve job: load, solve in a child, store; killed anywhere, it is taken up again or fails visibly."""

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, update
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, col, select

from api import ledger, sessions
from api.db import Database
from api.jobs import folders, watch
from api.models import PlanRow
from api.models.plans import UNDER_WAY, PlanState
from api.plans import load, store
from api.settings import Settings
from matcher import Instance, InvalidInput, Plan, read_plan, why_chosen, write_instance

log = logging.getLogger(__name__)

Out = TypeVar("Out")

AWAY_SECONDS = 2.0


def _everything(session: Session, plan_id: int) -> bool:
    """Where nobody else works, every job is ours."""
    return True


@dataclass(frozen=True)
class Solver:
    """What a worker brings along to solve. `ours`: whether a plan's job is (still) this worker's to begin."""

    database: Database
    settings: Settings
    stop: threading.Event
    now: Callable[[], datetime] = field(default=sessions.now, kw_only=True)
    ours: Callable[[Session, int], bool] = field(default=_everything, kw_only=True)
    _begun: dict[int, PlanRow] = field(default_factory=dict, init=False)
    """Attempts that have not ended, by plan."""

    def run(self, plan_id: int) -> None:
        """Bring a plan from queued to proposed or failed; begun again, it goes on counting attempts."""
        try:
            while (asked := self._patiently(self._begin, plan_id)) is not None:
                self._begun[plan_id] = asked
                if self._attempted(asked):
                    break
            self._begun.pop(plan_id, None)
        except watch.Stopped:
            raise
        except Exception as error:
            log.exception("plan %s", plan_id)
            begun = self._begun.pop(plan_id, None)
            self._patiently(self._fail, plan_id, begun and begun.attempts, "internal", {"value": type(error).__name__})

    def give_back(self) -> None:
        """Attempts that this worker breaks off do not count; a busy database counts them all the same."""
        for plan_id, asked in [*self._begun.items()]:
            with suppress(OperationalError), self.database.writing() as session:
                session.execute(update(PlanRow).where(*_own(asked)).values(attempts=PlanRow.attempts - 1))
            self._begun.pop(plan_id, None)

    def _attempted(self, asked: PlanRow) -> bool:
        """One attempt; false when another may do better."""
        try:
            self._attempt(asked)
        except watch.Stopped:
            self.give_back()
            raise
        except watch.Unwanted:
            log.info("plan %s, attempt %s: nobody waits for it any more", asked.id, asked.attempts)
        except watch.Died as died:
            how = died.value.partition(":")[0]  # its last words may name somebody
            log.warning("plan %s, attempt %s: the solve ended with %s", asked.id, asked.attempts, how)
            self._patiently(self._note_cause, asked, died.code, {"value": died.value, "attempts": asked.attempts})
            return False
        except (watch.TooLong, watch.TooMuchMemory, InvalidInput) as error:
            cause = {"value": str(error.value), **error.params}
            self._patiently(self._fail, asked.id, asked.attempts, error.code, cause)
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
        """Count the attempt before it starts; None when the plan is done with, somebody else's, or out of attempts."""
        if self.stop.is_set():
            raise watch.Stopped
        with self.database.writing() as session:
            row = session.get(PlanRow, plan_id) if self.ours(session, plan_id) else None
            if row is None or row.state not in UNDER_WAY:
                return None
            if row.attempts >= self.settings.solve_attempts:
                self._fail_in(session, row)
                return None
            was, attempt = row.state, row.attempts
            counted = {"state": PlanState.SOLVING, "attempts": attempt + 1}
            if not store.move(session, plan_id, was, attempt=attempt, **counted):
                return None  # cancelled as we looked
            if was == PlanState.QUEUED:
                ledger.note(session, "plan", [plan_id], was, PlanState.SOLVING, "worker", self.now())
            session.refresh(row)
        return row

    def _attempt(self, asked: PlanRow) -> None:
        instance, seen = self._patiently(self._load, asked)
        plan = self._solve(asked, instance)
        why = {a: (reason,) for a, reason in why_chosen(instance, plan).items()}
        if not self._patiently(self._store, asked, instance, plan, why, seen):
            raise watch.Unwanted

    def _load(self, asked: PlanRow) -> tuple[Instance, int]:
        with self.database.reading() as session:
            return load.load(session, asked, self.now(), self.settings), ledger.version(session)

    def _store(self, asked: PlanRow, instance: Instance, plan: Plan, why: store.Reasons, seen: int) -> bool:
        with self.database.writing() as session:
            return store.store(session, asked.id, instance, plan, why, seen, self.now(), asked.attempts)

    def _solve(self, asked: PlanRow, instance: Instance) -> Plan:
        with folders.folder() as folder:
            given, found = folder / "instance.json", folder / "plan.json"
            write_instance(instance, given)
            command = watch.python("api.jobs.child", given, found, asked.seconds, asked.gap, asked.seed)
            seconds = asked.seconds + self.settings.solve_grace_seconds
            limits = watch.Limits(seconds, self.settings.solve_memory_bytes)
            watch.run(command, limits, self.stop, lambda told: self._tell(asked, told), lambda: self._wanted(asked))
            return read_plan(found, instance)

    def _tell(self, asked: PlanRow, progress: dict[str, Any]) -> None:
        """Progress is only a kindness: a busy database goes without."""
        with suppress(OperationalError), self.database.writing() as session:
            session.execute(update(PlanRow).where(*_own(asked)).values(progress=progress))

    def _wanted(self, asked: PlanRow) -> bool:
        """Whether this attempt may still end as the plan; who cannot see it goes on."""
        with suppress(OperationalError), self.database.reading() as session:
            return session.exec(select(PlanRow.id).where(*_own(asked))).first() is not None
        return True

    def _note_cause(self, asked: PlanRow, code: str, params: dict[str, Any]) -> None:
        with self.database.writing() as session:
            session.execute(update(PlanRow).where(*_own(asked)).values(cause={"code": code, "params": params}))

    def _fail(self, plan_id: int, attempt: int | None, code: str, params: dict[str, Any]) -> None:
        """The plan has failed, if it is this attempt that would have made it."""
        with self.database.writing() as session:
            row = session.get_one(PlanRow, plan_id)
            if row.state in UNDER_WAY and attempt in (None, row.attempts):
                self._fail_in(session, row, {"code": code, "params": params})

    def _fail_in(self, session: Session, row: PlanRow, cause: dict[str, Any] | None = None) -> None:
        """Without a cause of its own, its worker died with it each time."""
        died = {"code": "solve_died", "params": {"value": "worker", "attempts": row.attempts}}
        cause = cause or row.cause or died
        was = row.state
        if store.move(session, row.id, was, attempt=row.attempts, state=PlanState.FAILED, cause=cause, progress=None):
            ledger.note(session, "plan", [row.id], was, PlanState.FAILED, "worker", self.now(), cause["code"])


def _own(asked: PlanRow) -> tuple[ColumnElement[bool], ...]:
    """The plan, while this attempt at it is the newest."""
    same = col(PlanRow.id) == asked.id, col(PlanRow.attempts) == asked.attempts
    return (*same, col(PlanRow.state) == PlanState.SOLVING)
