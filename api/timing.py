"""Which clocks a step of a request or a seat starts and stops: the declaration's names, with durations by class."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from api import clocks
from api.clocks import Policy
from api.db import zone
from api.lifecycle import SEAT, Edge, Machine
from api.models import AssignmentRow, RequestRow
from api.workdays import moment_of

URGENT = "urgent"

CHASED_AT = (0.5, 0.8, 1.0)
"""At these shares of T8 a department is reminded."""

BEFORE_ITS_DAY = timedelta(days=7)
"""A request of a series is there four weeks ahead, and counts as having come so long before its day: nobody is late
with what nobody waits for yet."""

AFTER_REOPENING = 0.5
"""What was not done well is dispatched in half the time."""


def stop(session: Session, machine: Machine, ids: Sequence[int], edge: Edge, at: datetime) -> None:
    """What the step ends or holds up. Before the rows change: whoever fires a clock takes them in this order too."""
    clocks.stop_all(session, machine.noun, ids, edge.stops, at)
    for id in ids:
        if edge.pauses:
            clocks.pause(session, machine.noun, id, None, zone(session), at)
        if edge.resumes:
            clocks.stop(session, machine.noun, id, "T8", at)
            clocks.resume(session, machine.noun, id, None, zone(session), at)


def start(session: Session, machine: Machine, ids: Sequence[int], edge: Edge, at: datetime) -> None:
    """What the step begins, by the policy each request came under."""
    if not edge.starts:
        return
    for request, seat in _concerned(session, machine, ids):
        policy = clocks.policy(session, request.policy_version, zone(session))
        for name in edge.starts:
            _start(session, name, request, seat, policy, edge, at)


def _start(
    session: Session,
    name: str,
    request: RequestRow,
    seat: AssignmentRow | None,
    policy: Policy,
    edge: Edge,
    at: datetime,
) -> None:
    kind = _class(session, name, request, seat, at)
    duration = policy.durations[name][kind]
    share = AFTER_REOPENING if name == "T3" and edge.event == "reopen" else 1
    if seat is None:
        since = at if request.series_day is None else max(at, _counts_from(session, request.series_day))
        clocks.start(session, "request", int(request.id or 0), name, duration, policy, since, share)
        return
    due = min(duration.after(at, policy.working), max(seat.starts_at, at))  # nobody says yes to what has begun
    clocks.start(session, SEAT.noun, int(seat.id or 0), name, due, policy, at)


def _counts_from(session: Session, day: date) -> datetime:
    return moment_of(zone(session), day - BEFORE_ITS_DAY, 0)


def _class(session: Session, name: str, request: RequestRow, seat: AssignmentRow | None, at: datetime) -> str:
    """Which of a clock's durations holds."""
    urgent = request.priority == URGENT
    if name == "T3":
        return "urgent" if urgent else "normal"
    if name == "T4":
        assert seat is not None
        local = ZoneInfo(zone(session))
        same_day = seat.starts_at.astimezone(local).date() == at.astimezone(local).date()
        return "urgent" if urgent else "same_day" if same_day else "normal"
    return {"T5": "general", "T7": "clerk", "T8": "short"}.get(name, "any")


def _concerned(session: Session, machine: Machine, ids: Sequence[int]) -> list[tuple[RequestRow, AssignmentRow | None]]:
    if machine.noun != SEAT.noun:
        return [(row, None) for row in session.exec(select(RequestRow).where(col(RequestRow.id).in_(ids)))]
    found = select(RequestRow, AssignmentRow).join(AssignmentRow).where(col(AssignmentRow.id).in_(ids))
    return [(request, seat) for request, seat in session.exec(found)]


def local_text(session: Session, moment: datetime) -> str:
    """A moment as people here write it: 2026-12-01 09:00."""
    return moment.astimezone(ZoneInfo(zone(session))).strftime("%Y-%m-%d %H:%M")


def local_day(session: Session, moment: datetime) -> tuple[datetime, datetime]:
    """The calendar day of a moment, from midnight to midnight."""
    begin = moment.astimezone(ZoneInfo(zone(session))).replace(hour=0, minute=0, second=0, microsecond=0)
    return begin, begin + timedelta(days=1)
