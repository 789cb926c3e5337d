"""What happens to a seat: each function is one event of its life (api/lifecycle.py), and the request follows."""

import hmac
from datetime import timedelta

from sqlmodel import Session

from api import ledger, security
from api.errors import ApiError
from api.lifecycle import SEAT
from api.models import AssignmentRow, RequestRow, VolunteerRow
from api.models.plans import Accept, AssignmentPublic, CheckIn, Decline, Finish, Withdraw
from api.models.requests import RequestState
from api.security import Actor
from api.settling import settle
from api.timing import local_text
from api.transitions import Act, allowed, hold, move

GRACE = timedelta(minutes=60)
"""So long before its start and after its end a seat can be checked into."""


class CodeWrong(ApiError):
    status, code = 422, "check_in_code_wrong"


class NotItsTime(ApiError):
    status, code = 409, "not_its_time"


def find(session: Session, assignment_id: int, actor: Actor) -> AssignmentRow:
    """The seat with this id; NotFound if there is none, or not for this actor."""
    return security.find(session, AssignmentRow, assignment_id, actor, "assignment_id")  # type: ignore[no-any-return]


def _held(session: Session, assignment_id: int, actor: Actor) -> AssignmentRow:
    """The same, to be changed, with its request and the rest of the crew."""
    row = find(session, assignment_id, actor)
    hold(session, row.request_id)
    session.refresh(row)
    return row


def public(session: Session, row: AssignmentRow) -> AssignmentPublic:
    """A seat as it goes out."""
    request = session.get_one(RequestRow, row.request_id)
    person = session.get_one(VolunteerRow, row.volunteer_id)
    return AssignmentPublic.of(row, request.label, person.label)


def accept(session: Session, assignment_id: int, asked: Accept, act: Act, version: int | None) -> AssignmentPublic:
    """Yes."""
    return _done(session, _held(session, assignment_id, act.by), "accept", act, version)


def decline(session: Session, assignment_id: int, asked: Decline, act: Act, version: int | None) -> AssignmentPublic:
    """No; somebody else is asked."""
    row = _held(session, assignment_id, act.by)
    return _done(session, row, "decline", act.because(asked.reason), version)


def withdraw(session: Session, assignment_id: int, asked: Withdraw, act: Act, version: int | None) -> AssignmentPublic:
    """Somebody who had said yes does not come, or did not."""
    row = _held(session, assignment_id, act.by)
    why = act.because(asked.reason or asked.because)
    return _done(session, row, "withdraw", why, version, ended_because=asked.because)


def check_in(session: Session, assignment_id: int, asked: CheckIn, act: Act, version: int | None) -> AssignmentPublic:
    """There: the resident's code shows it, unless the desk was told by phone."""
    row = _held(session, assignment_id, act.by)
    allowed(SEAT, row, "check_in")
    if not row.starts_at - GRACE <= act.at <= row.ends_at + GRACE:
        raise NotItsTime("assignment_id", local_text(session, row.starts_at), grace=GRACE // timedelta(minutes=1))
    code = session.get_one(RequestRow, row.request_id).check_in_code or ""
    if not _by_phone(row, act) and not hmac.compare_digest(code.encode(), (asked.code or "").encode()):
        raise CodeWrong("code")
    return _done(session, row, "check_in", act, version)


def finish(session: Session, assignment_id: int, asked: Finish, act: Act, version: int | None) -> AssignmentPublic:
    """Done, with minutes and how many were helped; the last of a crew ends the request."""
    row = _held(session, assignment_id, act.by)
    told = _done(session, row, "finish", act, version, minutes=asked.minutes, people=asked.people)
    request = session.get_one(RequestRow, row.request_id)
    if asked.result is not None and request.state == RequestState.SERVED:
        request.result = asked.result
        session.flush()
    return told


def _done(
    session: Session, row: AssignmentRow, event: str, act: Act, version: int | None, **values: object
) -> AssignmentPublic:
    move(session, SEAT, row, event, act, version, by_phone=_by_phone(row, act), **values)
    settle(session, session.get_one(RequestRow, row.request_id), act)
    ledger.turn(session)
    return public(session, row)


def _by_phone(row: AssignmentRow, act: Act) -> bool:
    """Whoever says for another what they do has it from them by telephone."""
    return row.volunteer_id != act.by.volunteer_id
