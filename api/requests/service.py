"""Requests come in: classified they can be planned at once, else they wait for triage."""

import secrets
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from api import ledger, rounds
from api.clocks import in_force
from api.db import zone
from api.errors import CodeTaken, RefUnknown
from api.lifecycle import REQUEST
from api.models import AssignmentRow, RequestRow, RequestWindowRow
from api.models.plans import AssignmentState
from api.models.requests import RequestCreate, RequestPublic, RequestState
from api.security import Actor, find, know_volunteers, placed, roles_over, told
from api.timing import URGENT
from api.transitions import Act, begin
from api.visibility import Sight, When, sight
from api.vocabulary import check

HELD = (AssignmentState.ACCEPTED, AssignmentState.CHECKED_IN, AssignmentState.DONE)
"""Whose seat is in one of these knows whose request it is."""

KEPT_IN_VIEW = timedelta(hours=72)
"""So long after the service its volunteer still sees whose it was."""


def enter(session: Session, asked: RequestCreate, at: datetime, by: Actor, **of_series: Any) -> RequestPublic:
    """Take in a request: classified it can be planned at once, else it waits for triage."""
    row = drawn_up(session, asked, at, by, **of_series)
    begin(session, REQUEST, row, "submit" if asked.submitted else "enter", Act(by, at))
    if row.priority == URGENT and not asked.submitted:
        rounds.wish(session, row, at)
    ledger.turn(session)
    return told(session, by, [row], RequestPublic)[0]


def drawn_up(session: Session, asked: RequestCreate, at: datetime, by: Actor, **of_series: Any) -> RequestRow:
    """The request as it would be kept, but not kept yet; refused where it could not be."""
    if asked.code is not None and session.exec(select(RequestRow.id).where(RequestRow.code == asked.code)).first():
        raise CodeTaken("code", asked.code)
    know_everybody(session, asked, by)
    row = RequestRow(
        **asked.model_dump(exclude={"windows", "submitted", "territory_id"}),
        territory_id=placed(session, by, asked.territory_id),
        windows=[RequestWindowRow(**window.model_dump()) for window in asked.windows],
        policy_version=in_force(session, zone(session)).version,
        check_in_code=f"{secrets.randbelow(10_000):04}",
        created_at=at,
        **of_series,
    )
    check(row, at)
    return row


def know_everybody(session: Session, asked: RequestCreate | RequestRow, by: Actor) -> None:
    """Whoever is named is on the roster."""
    named = {id: "partners" for id in asked.partners} | {id: "forbidden" for id in asked.forbidden}
    for key in asked.affinity:
        if not (key.isascii() and key.isdecimal() and len(key) <= 9 and key == str(int(key))):
            raise RefUnknown("affinity", key)
        named[int(key)] = "affinity"
    know_volunteers(session, by, named)


def look(session: Session, request_id: int, reader: Actor, now: datetime) -> tuple[RequestRow, Sight]:
    """The request with this id, and what this reader sees of it in full."""
    row: RequestRow = find(session, RequestRow, request_id, reader, "request_id")
    stages = set()
    if reader.volunteer_id is not None and _holds(session, request_id, reader.volunteer_id, now):
        stages.add(When.HOLDING)
    if row.state == RequestState.CALLBACK:
        stages.add(When.CALLING)
    return row, sight(roles_over(session, reader, [row])(row), stages)


def _holds(session: Session, request_id: int, volunteer_id: int, now: datetime) -> bool:
    """From acceptance until 72 hours after the service."""
    seats = select(AssignmentRow.id).where(
        AssignmentRow.request_id == request_id,
        AssignmentRow.volunteer_id == volunteer_id,
        col(AssignmentRow.state).in_(HELD),
        AssignmentRow.ends_at >= now - KEPT_IN_VIEW,
    )
    return session.exec(seats).first() is not None
