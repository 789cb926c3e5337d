"""What happens to a request once it is in: each function is one event of its life (api/lifecycle.py)."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, or_
from sqlmodel import Session, col, select

from api import clocks, ledger, retention, rounds
from api.db import zone
from api.errors import ApiError, RequestClosed
from api.lifecycle import COMES_BACK_TO, REQUEST, SEAT
from api.models import AssignmentRow, AuditRow, RequestRow, RequestWindowRow
from api.models.plans import AssignmentState
from api.models.requests import (
    Amend,
    Answer,
    Callback,
    CallbackResult,
    Cancel,
    Merge,
    Outcome,
    Rating,
    Rejection,
    Reopen,
    RequestCreate,
    RequestPublic,
    RequestState,
    Resume,
    Serve,
    Triage,
    Wait,
    WaitsFor,
    WindowShape,
)
from api.requests.service import know_everybody
from api.security import Actor, find, told
from api.settling import go_on, release, settle
from api.timing import CHASED_AT, UNTIL, URGENT, classes, local_text, reopen_until, restart, wait_for_department
from api.transitions import Act, IllegalTransition, StaleVersion, allowed, hold, move, remark, seats_of
from api.vocabulary import check

LONGEST_WAIT = timedelta(days=30)

MOST_RETURNS = 2
"""So often a department may give a request back; then it stays with whoever took it in first (首接负责)."""

CALLS = 3
"""A resident who is not reached so often has been called back."""

HIGHER_UP = 2
"""From so many reopenings on, somebody else is to come."""


AGREED_TO = {"at", "end_at", "service", "minutes", "seats", "forbidden"}
"""What somebody has said yes to, beside when; a corrected telephone number leaves them where they are."""


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


class NotIndependent(ApiError):
    """Whoever handled a request, or was there, does not ask how it was."""

    status, code = 409, "callback_not_independent"


def row_of(session: Session, request_id: int, actor: Actor, path: str = "request_id") -> RequestRow:
    """The request with this id, to be changed; NotFound if there is none, or not for this actor."""
    row: RequestRow = find(session, RequestRow, request_id, actor, path)
    hold(session, request_id)
    return row


def triage(session: Session, request_id: int, asked: Triage, act: Act, version: int | None) -> RequestPublic:
    """Classify it."""
    row = row_of(session, request_id, act.by)
    allowed(REQUEST, row, "triage")
    for name, value in asked.model_dump(exclude={"windows"}).items():
        if value is not None:
            setattr(row, name, value)
    if asked.windows is not None:
        row.windows = [RequestWindowRow(**window.model_dump()) for window in asked.windows]
    check(row, act.at)
    session.flush()
    told = _done(session, row, "triage", act, version)
    if row.priority == URGENT:
        rounds.wish(session, row, act.at)
    return told


def amend(session: Session, request_id: int, asked: Amend, act: Act, version: int | None) -> RequestPublic:
    """Mend what was taken in; an occurrence of a series goes its own way from now on."""
    row = row_of(session, request_id, act.by)
    allowed(REQUEST, row, "amend")
    _rewrite(session, row, asked.said(), asked.windows, act)
    know_everybody(session, row, act.by)
    return _done(session, row, "amend", act, version, detached=row.series_id is not None)


def follow(session: Session, row: RequestRow, asked: RequestCreate, act: Act) -> int | None:
    """An occurrence becomes as its series has it now: how many people were let go; None where it was so already."""
    wanted = asked.model_dump(exclude={"code", "territory_id", "due", "submitted", "windows"})
    gone = _rewrite(session, row, wanted, asked.windows, act)
    if gone is None:
        return None
    remark(session, REQUEST, row, act)
    settle(session, row, act)
    ledger.turn(session)
    return gone


def _rewrite(
    session: Session, row: RequestRow, wanted: Mapping[str, Any], windows: Sequence[WindowShape] | None, act: Act
) -> int | None:
    """Let it be as this says. Whoever was asked for something else, or has said yes to it, is let go: how many; None
    where all is so already."""
    values = {name: value for name, value in wanted.items() if getattr(row, name) != value}
    moved = windows is not None and _times(windows) != _times(row.windows)
    if not values and not moved:
        return None
    promised = seats_of(session, row, [AssignmentState.OFFERED, AssignmentState.ACCEPTED])
    gone = len(promised) if moved or AGREED_TO & values.keys() else 0
    if gone:
        release(session, row, act)
    before = classes(row)
    for name, value in values.items():
        setattr(row, name, value)
    if windows is not None and moved:
        row.windows = [RequestWindowRow(**window.model_dump()) for window in windows]
    check(row, act.at)
    session.flush()
    if {"tier", "priority"} & values.keys():
        restart(session, row, before, act.at)
        if row.priority == URGENT and row.state == RequestState.TRIAGED:
            rounds.wish(session, row, act.at)
    return gone


def _times(windows: Sequence[WindowShape] | Sequence[RequestWindowRow]) -> list[tuple[datetime, datetime]]:
    return sorted((window.starts_at, window.ends_at) for window in windows)


def answer(session: Session, request_id: int, asked: Answer, act: Act, version: int | None) -> RequestPublic:
    """To be told something was all that was wanted."""
    row = row_of(session, request_id, act.by)
    return _done(session, row, "answer", act, version, result=asked.answer, **_closed(Outcome.ANSWERED, act))


def reject(session: Session, request_id: int, asked: Rejection, act: Act, version: int | None) -> RequestPublic:
    """Not ours: with a reason, and whose it is."""
    row = row_of(session, request_id, act.by)
    ended = _closed(Outcome.REJECTED, act)
    return _done(session, row, "reject", act.because(asked.reason), version, next_owner=asked.next_owner, **ended)


def merge(session: Session, request_id: int, asked: Merge, act: Act, version: int | None) -> RequestPublic:
    """The same need again: it lives on in the other."""
    hold(session, request_id, asked.into)  # both at once, since it takes them in one order
    row, other = row_of(session, request_id, act.by), row_of(session, asked.into, act.by, "into")
    if row.id == other.id or row.service != other.service or other.state == RequestState.CLOSED:
        raise MergeInvalid("into", asked.into, state=other.state, service=other.service or "-")
    allowed(REQUEST, row, "merge")
    release(session, row, act)
    ended = _closed(Outcome.MERGED, act)
    return _done(session, row, "merge", act, version, merged_into=other.id, **ended)


def wait(session: Session, request_id: int, asked: Wait, act: Act, version: int | None) -> RequestPublic:
    """Nothing can be done for now. Whoever was to come is let go, but not those who are there already."""
    row = row_of(session, request_id, act.by)
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
    told = _done(session, row, "wait", act.because(asked.reason), version, **values)
    policy = clocks.policy(session, row.policy_version, zone(session))
    if asked.waits_for == WaitsFor.DEPARTMENT:  # chased at half of the time first, then later
        due = wait_for_department(policy, asked.until, act.at)
        clocks.start(session, "request", request_id, "T8", due, policy, act.at, CHASED_AT[0])
    clocks.start(session, "request", request_id, UNTIL, asked.until, policy, act.at)
    return told


def resume(session: Session, request_id: int, asked: Resume, act: Act, version: int | None) -> RequestPublic:
    """It goes on where it was."""
    row = row_of(session, request_id, act.by)
    returned = asked.returned and row.waits_for == WaitsFor.DEPARTMENT
    go_on(session, row, act, version, returned=row.returned + returned)
    return told(session, act.by, [row], RequestPublic)[0]


def serve(session: Session, request_id: int, asked: Serve, act: Act, version: int | None) -> RequestPublic:
    """What came of it, in words: the last of its people to finish has closed the service itself."""
    row = row_of(session, request_id, act.by)
    if version is not None and version != row.version:
        raise StaleVersion("If-Match", version, current=row.version)
    if row.state != RequestState.SERVED:
        raise IllegalTransition("request", row.state, "serve", REQUEST.possible(row.state))
    remark(session, REQUEST, row, act, result=asked.result)
    return told(session, act.by, [row], RequestPublic)[0]


def rate(session: Session, request_id: int, asked: Rating, act: Act, version: int | None) -> RequestPublic:
    """What the resident thinks of it."""
    row = row_of(session, request_id, act.by)
    return _done(session, row, "rate", act, version, stars=asked.stars, words=asked.words)


def call_back(session: Session, request_id: int, asked: Callback, act: Act, version: int | None) -> RequestPublic:
    """The independent call; whoever cannot be reached is tried three times."""
    row = row_of(session, request_id, act.by)
    allowed(REQUEST, row, "call_back")
    if _handled(session, row, act.by):
        raise NotIndependent("request_id", request_id)
    tries = {"callback": asked.result, "calls": row.calls + 1}
    if asked.result == CallbackResult.UNREACHABLE and tries["calls"] < CALLS:
        remark(session, REQUEST, row, act.because(asked.result), **tries)
        return told(session, act.by, [row], RequestPublic)[0]
    return _done(session, row, "call_back", act, version, **tries, **_closed(Outcome.DONE, act))


def reopen(session: Session, request_id: int, asked: Reopen, act: Act, version: int | None) -> RequestPublic:
    """It was not done well, or not at all: again, and the second time by somebody else."""
    row = row_of(session, request_id, act.by)
    allowed(REQUEST, row, "reopen")
    if row.state == RequestState.CLOSED and row.outcome != Outcome.DONE:
        raise RequestClosed(row.outcome, row.merged_into)
    until = reopen_until(session, row)
    if until is not None and act.at > until:
        raise ReopenLate("request_id", local_text(session, row.closed_at), limit=(until - row.closed_at).days)
    row.windows = [RequestWindowRow(**window.model_dump()) for window in asked.windows]
    if row.reopened + 1 >= HIGHER_UP:
        row.forbidden = sorted({*row.forbidden, *_who_came(session, request_id)})
    check(row, act.at)
    session.flush()
    fresh = {"outcome": None, "closed_at": None, "served_at": None, "result": None, "stars": None, "words": None}
    fresh |= {"callback": None, "calls": 0, "waves": 0, "reopened": row.reopened + 1, "forgotten_at": None}
    return _done(session, row, "reopen", act.because(asked.reason), version, **fresh)


def cancel(session: Session, request_id: int, asked: Cancel, act: Act, version: int | None) -> RequestPublic:
    """Called off: whoever was to come is told; who is there already ends it, with their minutes."""
    row = row_of(session, request_id, act.by)
    allowed(REQUEST, row, "cancel")
    if row.comes_back_to == RequestState.CALLBACK:
        raise IllegalTransition("request", row.state, "cancel", ["resume"])
    release(session, row, act)
    return _done(session, row, "cancel", act.because(asked.reason), version, **_closed(Outcome.CANCELLED, act))


def erase(session: Session, request_id: int, act: Act) -> RequestPublic:
    """The resident wants to be forgotten: of what is over nobody can tell any more whose it was."""
    row = row_of(session, request_id, act.by)
    if row.state != RequestState.CLOSED:
        raise IllegalTransition("request", row.state, "erase", REQUEST.possible(row.state))
    retention.erase(session, [row], act.by.name, act.at, "erased")
    return told(session, act.by, [row], RequestPublic)[0]


def _done(
    session: Session, row: RequestRow, event: str, act: Act, version: int | None, **values: object
) -> RequestPublic:
    move(session, REQUEST, row, event, act, version, **values)
    settle(session, row, act)
    ledger.turn(session)
    return told(session, act.by, [row], RequestPublic)[0]


def _closed(outcome: Outcome, act: Act) -> dict[str, str | datetime]:
    return {"outcome": outcome, "closed_at": act.at}


def _handled(session: Session, row: RequestRow, actor: Actor) -> bool:
    """Whether they have had a hand in it: with a seat of their own, or by what the audit says they did.

    Taking it in, taking it up again and calling before are not handling.
    """
    seats = select(AssignmentRow.id).where(AssignmentRow.request_id == row.id)
    own = seats.where(AssignmentRow.volunteer_id == actor.volunteer_id)
    if actor.volunteer_id is not None and session.exec(own.limit(1)).first():
        return True
    before = (RequestState.CALLBACK, RequestState.CLOSED)
    dealt = and_(
        AuditRow.noun == REQUEST.noun,
        AuditRow.noun_id == row.id,
        AuditRow.to_state != RequestState.CALLBACK,
        col(AuditRow.from_state).not_in(before),
    )
    gave = and_(AuditRow.noun == SEAT.noun, col(AuditRow.noun_id).in_(seats))
    found = select(AuditRow.seq).where(AuditRow.who == actor.name, or_(dealt, gave))
    return session.exec(found.limit(1)).first() is not None


def _who_came(session: Session, request_id: int) -> list[int]:
    found = select(AssignmentRow.volunteer_id).where(
        AssignmentRow.request_id == request_id, col(AssignmentRow.state) == AssignmentState.DONE
    )
    return [int(id) for id in session.exec(found)]
