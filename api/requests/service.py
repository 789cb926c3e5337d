"""Requests are entered whole and classified, or refused with a reason."""

from datetime import datetime

from sqlmodel import Session, col, select

from api import ledger
from api.errors import CodeTaken, NotFound, RefUnknown
from api.models import RequestRow, RequestWindowRow, VolunteerRow
from api.models.requests import RequestCreate, RequestPublic, RequestState
from api.vocabulary import check


def enter(session: Session, asked: RequestCreate, at: datetime, by: str) -> RequestPublic:
    """Take in a request; it comes classified, so it is triaged at once."""
    if asked.code is not None and session.exec(select(RequestRow.id).where(RequestRow.code == asked.code)).first():
        raise CodeTaken("code", asked.code)
    _know_everybody(session, asked)
    row = RequestRow(
        **asked.model_dump(exclude={"windows"}),
        windows=[RequestWindowRow(**window.model_dump()) for window in asked.windows],
        state=RequestState.TRIAGED,
        created_at=at,
    )
    check(row, at)
    session.add(row)
    session.flush()
    ledger.turn(session)
    ledger.note(session, "request", [row.id], None, RequestState.TRIAGED, by, at)
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
    row = session.get(RequestRow, request_id)
    if row is None:
        raise NotFound("request_id", request_id)
    return RequestPublic.of(row)
