"""What happens to a request once it is in: each function is one event of its life (api/lifecycle.py)."""

from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from api import clocks, ledger, rounds
from api.db import zone
from api.errors import ApiError, NotFound
from api.lifecycle import COMES_BACK_TO, REQUEST
from api.models import AssignmentRow, RequestRow, RequestWindowRow
from api.models.plans import AssignmentState
from api.models.requests import (
    Answer,
    Callback,
    CallbackResult,
    Cancel,
    Merge,
    Outcome,
    Rating,
    Rejection,
    Reopen,
    RequestPublic,
    RequestState,
    Resume,
    Serve,
    Triage,
    Wait,
    WaitsFor,
)
from api.settling import release, settle
from api.timing import CHASED_AT
from api.transitions import Act, IllegalTransition, StaleVersion, allowed, move, remark
from api.vocabulary import check

LONGEST_WAIT = timedelta(days=30)

MOST_RETURNS = 2
"""So often a department may give a request back; then it stays with whoever took it in first (首接负责)."""

CALLS = 3
"""A resident who is not reached so often has been called back."""

REOPEN_WITHIN = timedelta(days=7)

HIGHER_UP = 2
"""From so many reopenings on, somebody else is to come."""


class RequestClosed(ApiError):
    status, code = 409, "request_closed"


class WaitTooLong(ApiError):
    status, code = 422, "wait_too_long"


class NumberRequired(ApiError):
    status, code = 422, "external_number_required"


class ReturnedTooOften(ApiError):
    status, code = 409, "returned_too_often"


class MergeInvalid(ApiError):
    status, code = 409, "merge_invalid"


class ReopenLate(ApiError):
    status, code = 409, "reopen_late"


def row_of(session: Session, request_id: int) -> RequestRow:
    """The request with this id; NotFound if there is none."""
    row = session.get(RequestRow, request_id)
    if row is None:
        raise NotFound("request_id", request_id)
    return row


def triage(session: Session, request_id: int, asked: Triage, act: Act, version: int | None) -> RequestPublic:
    """Classify it."""
    row = row_of(session, request_id)
    allowed(REQUEST, row, "triage")
    for name, value in asked.model_dump(exclude={"windows"}).items():
        if value is not None:
            setattr(row, name, value)
    if asked.windows is not None:
        row.windows = [RequestWindowRow(**window.model_dump()) for window in asked.windows]
    check(row, act.at)
    session.flush()
    told = _done(session, row, "triage", act, version)
    if row.priority == rounds.URGENT:
        rounds.wish(session, row, act.at)
    return told


def answer(session: Session, request_id: int, asked: Answer, act: Act, version: int | None) -> RequestPublic:
    """To be told something was all that was wanted."""
    row = row_of(session, request_id)
    return _done(session, row, "answer", act, version, result=asked.answer, **_closed(Outcome.ANSWERED, act))


def reject(session: Session, request_id: int, asked: Rejection, act: Act, version: int | None) -> RequestPublic:
    """Not ours: with a reason, and whose it is."""
    row = row_of(session, request_id)
    ended = _closed(Outcome.REJECTED, act)
    return _done(session, row, "reject", _because(act, asked.reason), version, next_owner=asked.next_owner, **ended)


def merge(session: Session, request_id: int, asked: Merge, act: Act, version: int | None) -> RequestPublic:
    """The same need again: it lives on in the other."""
    row, other = row_of(session, request_id), row_of(session, asked.into)
    if row.id == other.id or row.service != other.service or other.state == RequestState.CLOSED:
        raise MergeInvalid("into", asked.into, state=other.state, service=other.service or "-")
    allowed(REQUEST, row, "merge")
    release(session, row, act)
    ended = _closed(Outcome.MERGED, act)
    return _done(session, row, "merge", act, version, merged_into=other.id, **ended)


def wait(session: Session, request_id: int, asked: Wait, act: Act, version: int | None) -> RequestPublic:
    """Nothing can be done for now. Whoever was to come is let go, but not those who are there already."""
    row = row_of(session, request_id)
    allowed(REQUEST, row, "wait")
    if not act.at < asked.until <= act.at + LONGEST_WAIT:
        raise WaitTooLong("until", asked.until.isoformat(), limit=LONGEST_WAIT.days)
    if asked.waits_for == WaitsFor.DEPARTMENT:
        if asked.external_number is None:
            raise NumberRequired("external_number")
        if row.returned >= MOST_RETURNS:
            raise ReturnedTooOften("for", row.returned, limit=MOST_RETURNS)
    release(session, row, act)
    values = {
        "waits_for": asked.waits_for,
        "waits_until": asked.until,
        "external_number": asked.external_number,
        "comes_back_to": COMES_BACK_TO.get(RequestState(row.state), row.state),
    }
    told = _done(session, row, "wait", _because(act, asked.reason), version, **values)
    policy = clocks.policy(session, row.policy_version, zone(session))
    if asked.waits_for == WaitsFor.DEPARTMENT:  # chased at half of the time first, then later
        due = policy.durations["T8"]["short"]
        clocks.start(session, "request", request_id, "T8", due, policy, act.at, CHASED_AT[0])
    return told


def resume(session: Session, request_id: int, asked: Resume, act: Act, version: int | None) -> RequestPublic:
    """It goes on where it was."""
    row = row_of(session, request_id)
    returned = asked.returned and row.waits_for == WaitsFor.DEPARTMENT
    values = {"waits_for": None, "waits_until": None, "comes_back_to": None, "returned": row.returned + returned}
    return _done(session, row, "resume", act, version, target=row.comes_back_to, **values)


def serve(session: Session, request_id: int, asked: Serve, act: Act, version: int | None) -> RequestPublic:
    """What came of it, in words: the last of its people to finish has closed the service itself."""
    row = row_of(session, request_id)
    if version is not None and version != row.version:
        raise StaleVersion("If-Match", version, current=row.version)
    if row.state != RequestState.SERVED:
        raise IllegalTransition("request_id", row.state, noun="request", event="serve", possible="-")
    remark(session, REQUEST, row, act, result=asked.result)
    return RequestPublic.of(row)


def rate(session: Session, request_id: int, asked: Rating, act: Act, version: int | None) -> RequestPublic:
    """What the resident thinks of it."""
    row = row_of(session, request_id)
    return _done(session, row, "rate", act, version, stars=asked.stars, words=asked.words)


def call_back(session: Session, request_id: int, asked: Callback, act: Act, version: int | None) -> RequestPublic:
    """The independent call; whoever cannot be reached is tried three times."""
    row = row_of(session, request_id)
    allowed(REQUEST, row, "call_back")
    tries = {"callback": asked.result, "calls": row.calls + 1}
    if asked.result == CallbackResult.UNREACHABLE and tries["calls"] < CALLS:
        remark(session, REQUEST, row, _because(act, asked.result), **tries)
        return RequestPublic.of(row)
    return _done(session, row, "call_back", act, version, **tries, **_closed(Outcome.DONE, act))


def reopen(session: Session, request_id: int, asked: Reopen, act: Act, version: int | None) -> RequestPublic:
    """It was not done well, or not at all: again, and the second time by somebody else."""
    row = row_of(session, request_id)
    allowed(REQUEST, row, "reopen")
    if row.state == RequestState.CLOSED and row.outcome != Outcome.DONE:
        raise RequestClosed("request_id", row.outcome, other=row.merged_into or "-")
    if row.closed_at is not None and act.at > row.closed_at + REOPEN_WITHIN:
        raise ReopenLate("request_id", row.closed_at.isoformat(), limit=REOPEN_WITHIN.days)
    row.windows = [RequestWindowRow(**window.model_dump()) for window in asked.windows]
    if row.reopened + 1 >= HIGHER_UP:
        row.forbidden = sorted({*row.forbidden, *_who_came(session, request_id)})
    check(row, act.at)
    session.flush()
    fresh = {"outcome": None, "closed_at": None, "served_at": None, "result": None, "stars": None, "words": None}
    fresh |= {"callback": None, "calls": 0, "waves": 0, "reopened": row.reopened + 1}
    return _done(session, row, "reopen", _because(act, asked.reason), version, **fresh)


def cancel(session: Session, request_id: int, asked: Cancel, act: Act, version: int | None) -> RequestPublic:
    """Called off: whoever was to come is told."""
    row = row_of(session, request_id)
    allowed(REQUEST, row, "cancel")
    release(session, row, act)
    return _done(session, row, "cancel", _because(act, asked.reason), version, **_closed(Outcome.CANCELLED, act))


def _done(
    session: Session, row: RequestRow, event: str, act: Act, version: int | None, **values: object
) -> RequestPublic:
    move(session, REQUEST, row, event, act, version, **values)
    settle(session, row, act)
    ledger.turn(session)
    return RequestPublic.of(row)


def _closed(outcome: Outcome, act: Act) -> dict[str, str | datetime]:
    return {"outcome": outcome, "closed_at": act.at}


def _because(act: Act, reason: str) -> Act:
    return Act(act.by, act.at, reason)


def _who_came(session: Session, request_id: int) -> list[int]:
    found = select(AssignmentRow.volunteer_id).where(
        AssignmentRow.request_id == request_id, col(AssignmentRow.state) == AssignmentState.DONE
    )
    return [int(id) for id in session.exec(found)]
