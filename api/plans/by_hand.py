"""A seat given by hand: judged like a plan's, on what its volunteer has promised; plans then work around it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from api import ledger
from api.errors import ApiError, RefUnknown, RequestClosed, TimeFar, VolunteerBusy
from api.lifecycle import REQUEST, SEAT
from api.models import AssignmentRow, AuditRow, RequestRow, VolunteerRow
from api.models.plans import IN_FORCE, AssignmentPublic, AssignmentState, HandAssignment
from api.models.requests import RequestState
from api.models.volunteers import AT_HAND, VolunteerState
from api.plans.load import OPEN, PASSED_ON, TRAVEL, at_hand, errand, with_room
from api.security import Actor, find, know_volunteers
from api.settings import Settings
from api.settling import settle
from api.timing import local_text
from api.transitions import Act, IllegalTransition, Overtaken, begin, hold, hold_people, move, seats_of, touch
from api.vocabulary import REACH
from api.vocabulary import request as as_request
from matcher import Assignment, Instance, Pinned, Plan, Violation, judge

AROUND = timedelta(days=1)
"""What a volunteer does so long before and after may be in the way."""


class SeatUnknown(ApiError):
    status, code = 422, "seat_unknown"


class SeatTaken(ApiError):
    status, code = 409, "seat_taken"


class ServiceStarted(ApiError):
    status, code = 409, "service_started"


class DeclinedBefore(ApiError):
    status, code = 409, "declined_before"


class VolunteerUnavailable(ApiError):
    status, code = 409, "volunteer_unavailable"


class VolunteerAway(ApiError):
    """Whoever has left, or is not approved yet, is sent nowhere, whatever the reason."""

    status, code = 409, "volunteer_state"


class SkillMissing(ApiError):
    status, code = 409, "skill_missing"


class TravelTime(ApiError):
    status, code = 409, "travel_time"


class OutsideWindows(ApiError):
    status, code = 409, "outside_windows"


class OverCap(ApiError):
    status, code = 409, "over_cap"


class UndoExpired(ApiError):
    """Too long ago, answered by now, or held by a plan since."""

    status, code = 409, "undo_expired"


class TooLate(ApiError):
    status, code = 409, "too_late"


REFUSALS: Mapping[str, type[ApiError]] = {
    "known": SeatUnknown,
    "skill": SkillMissing,
    "start": OutsideWindows,
    "trip": TravelTime,
    "caps": OverCap,
    "now": TooLate,
}
"""What it is called when a rule of the judge is in the way. That a crew is not whole yet is in nobody's way."""

UNDO_WITHIN = timedelta(minutes=10)

OVERRIDABLE = (VolunteerUnavailable, TravelTime, OutsideWindows, OverCap)

HAND_ERRORS = (
    RequestClosed, IllegalTransition, SeatUnknown, SeatTaken, ServiceStarted, DeclinedBefore, VolunteerBusy,
    VolunteerUnavailable, VolunteerAway, SkillMissing, TravelTime, OutsideWindows, OverCap, TooLate, RefUnknown,
    TimeFar, Overtaken,
)  # fmt: skip

UNDO_ERRORS = (
    UndoExpired,
    VolunteerBusy,
    DeclinedBefore,
    VolunteerUnavailable,
    VolunteerAway,
    *REFUSALS.values(),
    Overtaken,
)


def assign(session: Session, request_id: int, asked: HandAssignment, act: Act, settings: Settings) -> AssignmentPublic:
    """Offer a seat to this volunteer at this time. With a reason, whoever had it is let go."""
    request, person = _request(session, request_id, act.by), _person(session, asked.volunteer, act.by)
    if asked.seat >= len(request.seats):
        raise SeatUnknown("seat", asked.seat, seats=len(request.seats))
    if abs(asked.start - act.at) > REACH:
        raise TimeFar("start", asked.start.isoformat())
    act = act.because(asked.reason)
    _make_room(session, request, asked, act)
    seat = request.seats[asked.seat]
    ends_at = asked.start + timedelta(minutes=seat["minutes"] or request.minutes)
    row = AssignmentRow(
        request_id=request.id,
        volunteer_id=person.id,
        seat=asked.seat,
        life=request.reopened,
        starts_at=asked.start,
        ends_at=ends_at,
        state=AssignmentState.OFFERED,
        reasons=[_said(asked.reason)],
    )
    for refusal in _objections(session, request, person, row, act.at, settings):
        if not isinstance(refusal, OVERRIDABLE) or asked.reason is None:
            raise refusal
        row.agreed = True
    touch(session, REQUEST, request)
    begin(session, SEAT, row, "assign", act)
    settle(session, request, act)
    ledger.turn(session)
    return AssignmentPublic.of(row, request.label, person.label)


def undo(session: Session, assignment_id: int, act: Act, settings: Settings) -> AssignmentPublic:
    """Take back a seat given by hand a moment ago; whoever was let go for it is asked again, if they still can come."""
    row: AssignmentRow = find(session, AssignmentRow, assignment_id, act.by, "assignment_id")
    hold(session, row.request_id)
    session.refresh(row)
    given = session.exec(_steps(row.id, AssignmentState.OFFERED)).first()
    fresh = given is not None and given.from_state is None and act.at - given.at <= UNDO_WITHIN
    if not fresh or row.plan_id is not None or row.state != AssignmentState.OFFERED:
        raise UndoExpired("assignment_id", row.state, limit=UNDO_WITHIN // timedelta(minutes=1))
    request = session.get_one(RequestRow, row.request_id)
    let_go = [
        other for other in seats_of(session, request, [*AssignmentState]) if _made_room(session, other, row, given)
    ]
    if any(other.state != AssignmentState.RELEASED for other in let_go):
        raise UndoExpired("assignment_id", let_go[0].state, limit=UNDO_WITHIN // timedelta(minutes=1))
    people = {person.id: person for person in hold_people(session, *{other.volunteer_id for other in let_go})}
    move(session, SEAT, row, "release", act.because("undone"))
    for other in let_go:
        free_again = _at_hand(people[other.volunteer_id])  # perhaps of another street
        _refuse_declined(seats_of(session, request, PASSED_ON), other.volunteer_id)
        if other.starts_at <= act.at:
            raise UndoExpired("assignment_id", other.state, limit=UNDO_WITHIN // timedelta(minutes=1))
        for refusal in _objections(session, request, free_again, other, act.at, settings):
            if not isinstance(refusal, OVERRIDABLE) or not other.agreed:
                raise refusal
        move(session, SEAT, other, "restore", act.because("undone"))
    settle(session, request, act)
    ledger.turn(session)
    person = session.get_one(VolunteerRow, row.volunteer_id)
    return AssignmentPublic.of(row, request.label, person.label)


def _made_room(session: Session, other: AssignmentRow, row: AssignmentRow, given: AuditRow) -> bool:
    """Whether the other was let go in the same act in which this one was given."""
    if other.id == row.id or other.seat != row.seat:
        return False
    ended = session.exec(_steps(other.id, other.state)).first()
    return ended is not None and (ended.at, ended.who) == (given.at, given.who)


def _steps(assignment_id: int | None, state: str) -> Any:
    """When a seat came into this state, the newest first."""
    found = select(AuditRow).where(
        AuditRow.noun == SEAT.noun, AuditRow.noun_id == assignment_id, AuditRow.to_state == state
    )
    return found.order_by(col(AuditRow.seq).desc()).limit(1)


def _request(session: Session, request_id: int, actor: Actor) -> RequestRow:
    request: RequestRow = find(session, RequestRow, request_id, actor, "request_id")
    hold(session, request_id)
    if request.state == RequestState.CLOSED:
        raise RequestClosed(request.outcome, request.merged_into)
    if request.state not in OPEN:
        raise IllegalTransition("request", request.state, "assign", REQUEST.possible(request.state))
    return request


def _person(session: Session, volunteer_id: int, actor: Actor) -> VolunteerRow:
    know_volunteers(session, actor, {volunteer_id: "volunteer"})
    [person] = hold_people(session, volunteer_id)
    return _at_hand(person)


def _at_hand(person: VolunteerRow) -> VolunteerRow:
    if person.state not in AT_HAND:
        raise VolunteerAway("volunteer", person.state)
    return person


def _refuse_declined(seats: Iterable[AssignmentRow], volunteer_id: int) -> None:
    """Who has said no is not asked again."""
    if any(seat.volunteer_id == volunteer_id and seat.state in PASSED_ON for seat in seats):
        raise DeclinedBefore("volunteer", volunteer_id)


def _make_room(session: Session, request: RequestRow, asked: HandAssignment, act: Act) -> None:
    """Whoever holds the seat is let go, for a reason."""
    rows = seats_of(session, request, [*AssignmentState])
    _refuse_declined(rows, asked.volunteer)
    for row in rows:
        if row.seat != asked.seat or row.state not in (*IN_FORCE, AssignmentState.DONE):
            continue
        begun = row.state in (AssignmentState.CHECKED_IN, AssignmentState.DONE)
        if asked.reason is None or row.state == AssignmentState.DONE:
            refusal = ServiceStarted if begun else SeatTaken
            raise refusal("seat", asked.seat, volunteer=row.volunteer_id, state=row.state)
        move(session, SEAT, row, "withdraw" if begun else "release", act)


def _objections(
    session: Session, request: RequestRow, person: VolunteerRow, row: AssignmentRow, at: datetime, settings: Settings
) -> Iterator[ApiError]:
    """All that speaks against it: other promises first, then the calendar, then each rule of the judge."""
    found = select(AssignmentRow).where(
        AssignmentRow.volunteer_id == person.id,
        col(AssignmentRow.state).in_(IN_FORCE),
        AssignmentRow.ends_at > row.starts_at - AROUND,
        AssignmentRow.starts_at < row.ends_at + AROUND,
    )
    others = session.exec(found.order_by("id")).all()
    crew = seats_of(session, request, (*IN_FORCE, AssignmentState.DONE))
    clashes = [
        *(seat for seat in crew if seat.volunteer_id == person.id),  # whatever their times: one seat of a crew each
        *(other for other in others if other.starts_at < row.ends_at and row.starts_at < other.ends_at),
    ]
    for other in clashes[:1]:
        times = {"start": local_text(session, other.starts_at), "end": local_text(session, other.ends_at)}
        yield VolunteerBusy("volunteer", person.id, volunteer=person.id, other=other.id, **times)
        return
    free = _is_free(person, row)
    if not free:
        times = {"start": local_text(session, row.starts_at), "end": local_text(session, row.ends_at)}
        yield VolunteerUnavailable("volunteer", person.id, **times)
    before = set(_violations(session, request, person, others, row.starts_at, at, settings))
    for broken in _violations(session, request, person, [*others, row], row.starts_at, at, settings):
        if broken not in before and broken.rule in REFUSALS:
            yield REFUSALS[broken.rule]("volunteer", person.id, why=broken.because, why_zh=broken.because_zh)


def _violations(
    session: Session,
    request: RequestRow,
    person: VolunteerRow,
    seats: Sequence[AssignmentRow],
    around: datetime,
    at: datetime,
    settings: Settings,
) -> list[Violation]:
    """What the judge says of a plan of these seats of one person, all of them about this time.

    Who is not free then may agree all the same: the calendar makes room for it, ways and the time of day still count.
    """
    origin = (around - AROUND).replace(second=0, microsecond=0)  # an instance counts whole minutes

    def minute(moment: datetime) -> int:
        return int((moment - origin).total_seconds() // 60)

    ids = {seat.request_id for seat in seats} - {request.id}
    rows = [request, *session.exec(select(RequestRow).where(col(RequestRow.id).in_(ids)))]
    latest = max((minute(seat.ends_at) for seat in seats), default=0)
    helper = at_hand(person, minute, around.astimezone(ZoneInfo(settings.timezone)).date())
    places = {one.id: one for one in rows}
    for seat in seats:
        if seat.agreed or not _is_free(person, seat):
            helper = with_room(helper, errand(seat, places[seat.request_id], minute))
    instance = Instance(
        name="by-hand",
        origin=origin,
        horizon_end=latest + 1,
        timezone=settings.timezone,
        now=min(minute(at), latest + 1),
        travel=TRAVEL,
        volunteers=(helper,),
        requests=tuple(as_request(one, minute) for one in rows),
        pinned=tuple(
            Pinned(str(a.request_id), str(a.volunteer_id), a.seat, minute(a.starts_at))
            for a in seats
            if a.id is not None
        ),
    )
    plan = Plan(
        instance="by-hand",
        assignments=tuple(
            sorted(
                Assignment(str(a.request_id), a.seat, str(a.volunteer_id), minute(a.starts_at), minute(a.ends_at))
                for a in seats
            )
        ),
        unserved=(),
        broken_pins=(),
        cost=0,
        terms={},
        bound=None,
        settled=0,
        gap=None,
        status="feasible",
        seconds=0.0,
        seed=0,
        engine="by hand",
    )
    return list(judge(instance, plan).violations)


def _is_free(person: VolunteerRow, seat: AssignmentRow) -> bool:
    """Whether their calendar has this time, and no pause."""
    away = (person.paused_from, person.paused_to) if person.state == VolunteerState.PAUSED else None
    if away and away[0] < seat.ends_at and seat.starts_at < away[1]:
        return False
    return any(a.starts_at <= seat.starts_at and seat.ends_at <= a.ends_at for a in person.availability)


def _said(reason: str | None) -> dict[str, str]:
    zh, en = "由派单员指定", "assigned by hand"
    return {"code": "by_hand", "zh": f"{zh}：{reason}" if reason else zh, "en": f"{en}: {reason}" if reason else en}
