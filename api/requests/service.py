"""Requests are entered whole and classified, or refused with a reason."""

import secrets
from datetime import datetime

from sqlmodel import Session, col, select

from api import ledger, rounds
from api.clocks import in_force
from api.db import zone
from api.errors import CodeTaken, RefUnknown
from api.lifecycle import REQUEST
from api.models import RequestRow, RequestWindowRow, VolunteerRow
from api.models.requests import RequestCreate, RequestPublic
from api.requests.life import row_of
from api.transitions import Act, begin
from api.vocabulary import check


def enter(session: Session, asked: RequestCreate, at: datetime, by: str) -> RequestPublic:
    """Take in a request: classified it can be planned at once, else it waits for triage."""
    if asked.code is not None and session.exec(select(RequestRow.id).where(RequestRow.code == asked.code)).first():
        raise CodeTaken("code", asked.code)
    _know_everybody(session, asked)
    row = RequestRow(
        **asked.model_dump(exclude={"windows", "submitted"}),
        windows=[RequestWindowRow(**window.model_dump()) for window in asked.windows],
        policy_version=in_force(session, zone(session)).version,
        check_in_code=f"{secrets.randbelow(10_000):04}",
        created_at=at,
    )
    check(row, at)
    begin(session, REQUEST, row, "submit" if asked.submitted else "enter", Act(by, at))
    if row.priority == rounds.URGENT and not asked.submitted:
        rounds.wish(session, row, at)
    ledger.turn(session)
    return RequestPublic.of(row)


def _know_everybody(session: Session, asked: RequestCreate) -> None:
    """Whoever is named is on the roster."""
    named = {id: "partners" for id in asked.partners} | {id: "forbidden" for id in asked.forbidden}
    for key in asked.affinity:
        if not (key.isascii() and key.isdecimal() and len(key) <= 9 and key == str(int(key))):
            raise RefUnknown("affinity", key)
        named[int(key)] = "affinity"
    known = set(session.exec(select(VolunteerRow.id).where(col(VolunteerRow.id).in_(named))))
    for id in named.keys() - known:
        raise RefUnknown(named[id], id)


def find(session: Session, request_id: int) -> RequestPublic:
    """The request with this id; NotFound if there is none."""
    return RequestPublic.of(row_of(session, request_id))
