"""What a report is counted from: the audit's rows of a period, with what came before and after, for one reader.

States, and when and by whom they changed, are the audit's alone. Stars, minutes, people, windows, results of calls and
the ends of clocks are read from the rows as they are now.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import and_, or_
from sqlalchemy.orm import aliased, selectinload
from sqlmodel import Session, col, select

from api.lifecycle import REQUEST, SEAT
from api.models import AssignmentRow, AuditRow, ClockRow, RequestRow, VolunteerRow
from api.models.requests import RequestState
from api.models.volunteers import AT_HAND
from api.security import CLOCK, HOUSE, Actor, reach

VOLUNTEER = "volunteer"

OVER = (RequestState.CALLBACK, RequestState.CLOSED)
"""From these a request is taken up again."""


@dataclass(frozen=True)
class Step:
    """One row of the audit, among all rows of the same thing."""

    thing: Any
    story: Sequence[AuditRow]
    place: int

    @property
    def row(self) -> AuditRow:
        return self.story[self.place]

    @property
    def before(self) -> Sequence[AuditRow]:
        """The newest first."""
        return self.story[: self.place][::-1]

    @property
    def after(self) -> Sequence[AuditRow]:
        return self.story[self.place + 1 :]

    @property
    def taken_up_again(self) -> bool:
        """Whether the request has been reopened since: then its row tells of a later service."""
        return any(is_reopening(row) for row in self.after)


@dataclass(frozen=True)
class Record:
    """A period, from its first moment on up to the last and without it, as its reader may know of it."""

    start: datetime
    end: datetime
    now: datetime
    zone: ZoneInfo
    requests: Mapping[int, RequestRow]
    lives: Mapping[int, Sequence[AuditRow]]
    clocks: Mapping[tuple[int, str], Sequence[ClockRow]]
    seats: Mapping[int, AssignmentRow]
    seat_lives: Mapping[int, Sequence[AuditRow]]
    volunteers: Mapping[int, VolunteerRow]
    places: Mapping[int, Sequence[Any]]
    """Where each request of these seats begins and ends."""

    on_roster: frozenset[int]
    """Who could be asked at the end of the period, by the audit."""

    def requests_that(self, was: str | None, became: str) -> Iterator[Step]:
        """Each time in the period that a request came from the one state to the other."""
        for step in self._steps(self.requests, self.lives):
            if step.row.from_state == was and step.row.to_state == became:
                yield step

    def requests_received(self) -> Iterator[Step]:
        """Each coming in, whether classified or not."""
        return (step for step in self._steps(self.requests, self.lives) if step.row.from_state is None)

    def seats_that(self, became: str) -> Iterator[Step]:
        """Each time in the period that a seat came into this state from another."""
        for step in self._steps(self.seats, self.seat_lives):
            if step.row.to_state == became != step.row.from_state:
                yield step

    def at_the_end(self) -> Iterator[Step]:
        """Every request that was in by the end of the period, with the last that had happened to it by then."""
        for id, story in self.lives.items():
            past = sum(row.at < self.end for row in story)
            if past:
                yield Step(self.requests[id], story, past - 1)

    def clock(self, request: RequestRow, name: str, at: datetime) -> ClockRow | None:
        """The clock of this name that was started last by then."""
        started = [clock for clock in self.clocks.get((int(request.id or 0), name), ()) if clock.started_at <= at]
        return started[-1] if started else None

    def _steps(self, things: Mapping[int, Any], stories: Mapping[int, Sequence[AuditRow]]) -> Iterator[Step]:
        for id, story in stories.items():
            for place, row in enumerate(story):
                if self.start <= row.at < self.end:
                    yield Step(things[id], story, place)


def by_person(row: AuditRow) -> bool:
    """Whether somebody did it, and not the service itself."""
    return row.who not in (HOUSE.name, CLOCK.name)


def is_reopening(row: AuditRow) -> bool:
    return row.from_state in OVER and row.to_state == RequestState.TRIAGED


def read(session: Session, reader: Actor, start: datetime, end: datetime, now: datetime, zone: ZoneInfo) -> Record:
    """All that the figures need, of what this reader may know of."""
    alive = and_(RequestRow.created_at < end, or_(col(RequestRow.closed_at).is_(None), RequestRow.closed_at >= start))
    there = and_(reach(reader, RequestRow), alive)
    requests = session.exec(select(RequestRow).where(there).options(selectinload(RequestRow.windows))).all()
    ids = select(RequestRow.id).where(there)
    seats = _seats(session, reader, start, end)
    volunteers = reach(reader, VolunteerRow)
    return Record(
        start,
        end,
        now,
        zone,
        {int(row.id or 0): row for row in requests},
        _stories(session, REQUEST.noun, ids),
        _clocks(session, ids),
        {int(seat.id or 0): seat for seat in seats},
        _stories(session, SEAT.noun, _touched(reader, start, end)),
        _who(session, {seat.volunteer_id for seat in seats}),
        _places(session, {seat.request_id for seat in seats}),
        _on_roster(_stories(session, VOLUNTEER, select(VolunteerRow.id).where(volunteers)), end),
    )


def _touched(reader: Actor, start: datetime, end: datetime) -> Any:
    """The ids of seats to which anything happened in the period."""
    moved = aliased(AuditRow)
    ids = select(moved.noun_id).where(moved.noun == SEAT.noun, moved.at >= start, moved.at < end)
    return select(AssignmentRow.id).where(reach(reader, AssignmentRow), col(AssignmentRow.id).in_(ids))


def _seats(session: Session, reader: Actor, start: datetime, end: datetime) -> Sequence[AssignmentRow]:
    return session.exec(select(AssignmentRow).where(col(AssignmentRow.id).in_(_touched(reader, start, end)))).all()


def _stories(session: Session, noun: str, ids: Any) -> dict[int, list[AuditRow]]:
    """All that has ever happened to each of these, in order."""
    found = select(AuditRow).where(AuditRow.noun == noun, col(AuditRow.noun_id).in_(ids)).order_by(col(AuditRow.seq))
    stories: dict[int, list[AuditRow]] = defaultdict(list)
    for row in session.exec(found):
        stories[row.noun_id].append(row)
    return dict(stories)


def _clocks(session: Session, ids: Any) -> dict[tuple[int, str], list[ClockRow]]:
    """T1 and T5 of these requests, each in the order of their starts."""
    found = select(ClockRow).where(
        ClockRow.noun == REQUEST.noun, col(ClockRow.noun_id).in_(ids), col(ClockRow.name).in_(("T1", "T5"))
    )
    clocks: dict[tuple[int, str], list[ClockRow]] = defaultdict(list)
    for clock in session.exec(found.order_by(col(ClockRow.id))):
        clocks[clock.noun_id, clock.name].append(clock)
    return dict(clocks)


def _who(session: Session, ids: Iterable[int]) -> dict[int, VolunteerRow]:
    return {int(row.id or 0): row for row in session.exec(select(VolunteerRow).where(col(VolunteerRow.id).in_(ids)))}


def _places(session: Session, ids: Iterable[int]) -> dict[int, Sequence[Any]]:
    found = select(RequestRow.id, RequestRow.at, RequestRow.end_at).where(col(RequestRow.id).in_(ids))
    return {id: (at, end_at) for id, at, end_at in session.exec(found)}


def _on_roster(stories: Mapping[int, Sequence[AuditRow]], end: datetime) -> frozenset[int]:
    past = {id: [row for row in story if row.at < end] for id, story in stories.items()}
    return frozenset(id for id, rows in past.items() if rows and rows[-1].to_state in AT_HAND)
