"""What happens to a seat: each function is one event of its life (api/lifecycle.py), and the request follows."""

import hmac
from datetime import timedelta

from sqlmodel import Session

from api import ledger
from api.errors import ApiError, NotFound
from api.lifecycle import SEAT
from api.models import AssignmentRow, RequestRow, VolunteerRow
from api.models.plans import Accept, AssignmentPublic, CheckIn, Decline, Finish, Withdraw
from api.models.requests import RequestState
from api.settling import settle
from api.transitions import Act, allowed, move

GRACE = timedelta(minutes=60)
"""So long before its start and after its end a seat can be checked into."""


class CodeWrong(ApiError):
    status, code = 422, "check_in_code_wrong"


class NotItsTime(ApiError):
    status, code = 409, "not_its_time"


def find(session: Session, assignment_id: int) -> AssignmentRow:
    """The seat with this id; NotFound if there is none."""
    row = session.get(AssignmentRow, assignment_id)
    if row is None:
        raise NotFound("assignment_id", assignment_id)
    return row


def public(session: Session, row: AssignmentRow) -> AssignmentPublic:
    """A seat as it goes out."""
    request = session.get_one(RequestRow, row.request_id)
    person = session.get_one(VolunteerRow, row.volunteer_id)
    return AssignmentPublic.of(row, request.label, person.label)


def accept(session: Session, assignment_id: int, asked: Accept, act: Act, version: int | None) -> AssignmentPublic:
    """Yes."""
    return _done(session, find(session, assignment_id), "accept", act, version, by_phone=asked.by_phone)


def decline(session: Session, assignment_id: int, asked: Decline, act: Act, version: int | None) -> AssignmentPublic:
    """No; somebody else is asked."""
    row = find(session, assignment_id)
    return _done(session, row, "decline", _because(act, asked.reason), version, by_phone=asked.by_phone)


def withdraw(session: Session, assignment_id: int, asked: Withdraw, act: Act, version: int | None) -> AssignmentPublic:
    """Somebody who had said yes does not come, or did not."""
    row = find(session, assignment_id)
    ended = {"ended_because": asked.because, "by_phone": asked.by_phone}
    return _done(session, row, "withdraw", _because(act, asked.reason or asked.because), version, **ended)


def check_in(session: Session, assignment_id: int, asked: CheckIn, act: Act, version: int | None) -> AssignmentPublic:
    """There: the resident's code shows it, or the desk was told by phone."""
    row = find(session, assignment_id)
    allowed(SEAT, row, "check_in")
    if not row.starts_at - GRACE <= act.at <= row.ends_at + GRACE:
        raise NotItsTime("assignment_id", row.starts_at.isoformat(), grace=GRACE // timedelta(minutes=1))
    code = session.get_one(RequestRow, row.request_id).check_in_code or ""
    if not asked.by_phone and not hmac.compare_digest(code.encode(), (asked.code or "").encode()):
        raise CodeWrong("code")
    return _done(session, row, "check_in", act, version, by_phone=asked.by_phone)


def finish(session: Session, assignment_id: int, asked: Finish, act: Act, version: int | None) -> AssignmentPublic:
    """Done, with minutes and how many were helped; the last of a crew ends the request."""
    row = find(session, assignment_id)
    values = {"minutes": asked.minutes, "people": asked.people, "by_phone": asked.by_phone}
    told = _done(session, row, "finish", act, version, **values)
    request = session.get_one(RequestRow, row.request_id)
    if asked.result is not None and request.state == RequestState.SERVED:
        request.result = asked.result
        session.flush()
    return told


def _done(
    session: Session, row: AssignmentRow, event: str, act: Act, version: int | None, **values: object
) -> AssignmentPublic:
    move(session, SEAT, row, event, act, version, **values)
    settle(session, session.get_one(RequestRow, row.request_id), act)
    ledger.turn(session)
    return public(session, row)


def _because(act: Act, reason: str | None) -> Act:
    return Act(act.by, act.at, reason)
