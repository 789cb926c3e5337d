"""Which clocks a step of a request or a seat starts and stops: the declaration's names, with durations by class."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from api import clocks
from api.clocks import Duration, Policy
from api.db import zone
from api.lifecycle import SEAT, Edge, Machine
from api.models import AssignmentRow, RequestRow
from api.workdays import moment_of

URGENT, FACILITY = "urgent", "facility"

UNTIL = "until"
"""The clock that ends a wait."""

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
            clocks.stop_all(session, machine.noun, [id], ("T8", UNTIL), at)
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
        if edge.resumes and clocks.is_running(session, "request", int(request.id or 0), name):
            return  # it stood still, and goes on
        since = at if request.series_day is None else max(at, _counts_from(session, request.series_day))
        clocks.start(session, "request", int(request.id or 0), name, duration, policy, since, share)
        return
    due = min(duration.after(at, policy.working), max(seat.starts_at, at))  # nobody says yes to what has begun
    clocks.start(session, SEAT.noun, int(seat.id or 0), name, due, policy, at)


def _counts_from(session: Session, day: date) -> datetime:
    return moment_of(zone(session), day - BEFORE_ITS_DAY, 0)


def _class(session: Session, name: str, request: RequestRow, seat: AssignmentRow | None, at: datetime) -> str:
    """Which of a clock's durations holds."""
    if seat is None:
        return _class_of(name, request)
    local = ZoneInfo(zone(session))
    same_day = seat.starts_at.astimezone(local).date() == at.astimezone(local).date()
    return "urgent" if request.priority == URGENT else "same_day" if same_day else "normal"


def _class_of(name: str, request: RequestRow) -> str:
    """The same, of a request's own clocks."""
    match name:
        case "T3":
            return "urgent" if request.priority == URGENT else "facility" if request.tier == FACILITY else "normal"
        case "T5":
            return "simple" if request.tier == FACILITY else request.tier
        case "T7":
            return "clerk"
        case "T9":
            return "recurring" if request.reopened else "any"
    return "any"


def classes(request: RequestRow) -> dict[str, str]:
    """Which durations hold for what it is: its clocks change when these do."""
    return {name: _class_of(name, request) for name in ("T3", "T5")}


def restart(session: Session, request: RequestRow, before: Mapping[str, str], at: datetime) -> None:
    """What it is has changed: the clocks whose durations go by that run by the new ones."""
    policy = clocks.policy(session, request.policy_version, zone(session))
    for name, kind in classes(request).items():
        if kind != before[name]:
            duration = policy.durations[name][kind]
            clocks.change(session, "request", int(request.id or 0), name, duration, policy, at)


def reopen_until(session: Session, request: RequestRow) -> datetime | None:
    """T9: so long after it was closed it may be reopened; longer when what was mended has failed before."""
    if request.closed_at is None:
        return None
    policy = clocks.policy(session, request.policy_version, zone(session))
    kind = _class_of("T9", request)
    return policy.durations["T9"][kind].after(request.closed_at, policy.working)


def wait_for_department(policy: Policy, until: datetime, since: datetime) -> Duration:
    """T8, the long one when more time than the short one was given."""
    short, long = policy.durations["T8"]["short"], policy.durations["T8"]["long"]
    return long if until > short.after(since, policy.working) else short


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
