"""The scanner: once a second it looks which clocks are due, and lets each do what it is there for, once."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from api import clocks, sessions
from api.db import Database
from api.models import ClockRow

log = logging.getLogger(__name__)

Handler = Callable[[Session, ClockRow, datetime], None]
"""What a clock does when it is due, in the transaction that fires it."""

EVERY_SECONDS = 1.0

MOST_AT_ONCE = 500
"""So many are listed at a time."""

TOGETHER = 25
"""So many fire in one transaction: each commit waits for the disk, and on SQLite everybody else for the file."""

GAP_ON_SQLITE = 0.05
"""Between them others get at the file; without it, whoever writes waits until the last clock has fired."""


def nothing_shared(session: Session, due: Sequence[ClockRow]) -> Mapping[int, object]:
    """These clocks are about nothing that anybody else changes."""
    return {clock.id: clock for clock in due}


@dataclass
class Scanner:
    """Fires what is due. Any number of scanners may run side by side, here or elsewhere: a clock fires once, and a
    firing that was broken off, with all its effects, is as if it had never been."""

    database: Database
    handlers: Mapping[str, Handler]
    now: Callable[[], datetime] = sessions.now
    hold: Callable[[Session, Sequence[ClockRow]], Mapping[int, object]] = nothing_shared
    """What is taken before clocks are, since whoever changes a thing takes the thing first and its clocks then: by the
    clock's id, and kept until all have fired. What a clock is about may be left to whoever has it; the clock is not
    among them then, and waits for the next scan."""
    alone: Callable[[ClockRow], bool] = lambda clock: False
    """Whether a clock fires in a transaction of its own."""
    _told: set[int] = field(default_factory=set, init=False)
    """Clocks whose failure stands in the log already."""

    def run(self, stop: threading.Event) -> None:
        """Scan each second until told to stop; while the database is away, wait for it."""
        while not stop.is_set():
            try:
                self.scan(self.now())
            except SQLAlchemyError as error:
                log.warning("clocks wait for the database: %s", type(error).__name__)
            stop.wait(EVERY_SECONDS)

    def scan(self, now: datetime) -> int:
        """Fire every clock that is due, oldest first, each with its effect or not at all. How many have fired."""
        return sum(self._fired(batch, now) for batch in self._batches(now))

    def _batches(self, now: datetime) -> Iterator[list[ClockRow]]:
        """Clocks that fire in one transaction, listed page by page: those that fail never hide those behind them."""
        last = None
        while page := self._page(now, last):
            for batch in self._split(page):
                yield batch
                if self.database.is_sqlite:
                    time.sleep(GAP_ON_SQLITE)
            last = page[-1]

    def _split(self, page: Sequence[ClockRow]) -> Iterator[list[ClockRow]]:
        batch: list[ClockRow] = []
        for clock in page:
            if batch and (len(batch) == TOGETHER or self.alone(clock)):
                yield batch
                batch = []
            batch.append(clock)
            if self.alone(clock):
                yield batch
                batch = []
        if batch:
            yield batch

    def _page(self, now: datetime, last: ClockRow | None) -> list[ClockRow]:
        with self.database.reading() as session:
            return clocks.due(session, now, MOST_AT_ONCE, last)

    def _fired(self, batch: list[ClockRow], now: datetime) -> int:
        """Fire these, one by one where together they fail; one that fails is told once, and tried again next time."""
        try:
            fired = self._fire(batch, now)
        except Exception as error:
            self._still_there()
            if len(batch) > 1:
                return sum(self._fired([clock], now) for clock in batch)
            self._tell(batch[0], error)
            return 0
        self._told.difference_update(fired)
        return len(fired)

    def _fire(self, batch: list[ClockRow], now: datetime) -> list[int]:
        fired: list[int] = []
        with self.database.writing() as session:
            taken = self.hold(session, batch)
            for id in (clock.id for clock in batch if clock.id in taken):
                if (clock := clocks.fire(session, id, now)) is not None:
                    self.handlers[clock.name](session, clock, now)
                    fired.append(id)
        return fired

    def _still_there(self) -> None:
        """Raises when it is the database that failed, so that a scan does not wait for it once for every clock."""
        with self.database.writing() as session:
            session.connection()

    def _tell(self, clock: ClockRow, error: Exception) -> None:
        """Which clock, what went wrong and where in the code; not the error's words, which may tell of people."""
        if clock.id not in self._told:
            self._told.add(clock.id)  # type: ignore[arg-type]
            log.error("clock %s (%s) of %s %s: %s", clock.id, clock.name, clock.noun, clock.noun_id, _place(error))


def _place(error: Exception) -> str:
    step = error.__traceback__
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    where = f" at {step.tb_frame.f_code.co_filename}:{step.tb_lineno}" if step else ""
    return type(error).__name__ + where
