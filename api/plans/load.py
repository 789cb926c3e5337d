"""Rows -> Instance. With `store.py` the only place that knows both worlds."""

import json
import zlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.orm import selectinload
from sqlmodel import Session, col, select

from api.models import AssignmentRow, AvailabilityRow, PlanRow, RequestRow, RequestWindowRow, VolunteerRow
from api.models.plans import IN_FORCE, PINNED, PlanFileRow
from api.models.requests import RequestState
from matcher import (
    Availability,
    Instance,
    InvalidInput,
    Pinned,
    Plan,
    Published,
    Request,
    Seat,
    Volunteer,
    Window,
    instance_document,
    instance_from,
    plan_from,
)

Minute = Callable[[datetime], int]

OPEN = (RequestState.TRIAGED, RequestState.DISPATCHED)


def load(session: Session, plan: PlanRow, now: datetime, timezone: str) -> Instance:
    """The world as it is now, for this plan's period."""
    origin, end = plan.starts_at, plan.ends_at

    def minute(moment: datetime) -> int:
        return int((moment - origin).total_seconds() // 60)

    in_force = _in_force(session)
    elsewhere = {a.request_id for a in in_force if not origin <= a.starts_at <= end}
    requests = [row for row in _open_requests(session, origin, end) if row.id not in elsewhere]
    asked = {row.id for row in requests}
    held = [a for a in in_force if a.request_id in asked]
    busy: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for a in in_force:
        if a.request_id not in asked:
            busy[a.volunteer_id].append((minute(a.starts_at), minute(a.ends_at)))
    people = session.exec(select(VolunteerRow).options(selectinload(VolunteerRow.availability)).order_by("id"))
    return Instance(
        name=f"plan-{plan.id}",
        origin=origin,
        horizon_end=minute(end),
        timezone=timezone,
        now=minute(now),
        volunteers=tuple(_within(volunteer(row, minute), minute(end), busy[row.id]) for row in people),
        requests=tuple(request(row, minute) for row in requests),
        published=tuple(Published(str(a.request_id), str(a.volunteer_id), minute(a.starts_at), a.seat) for a in held),
        pinned=tuple(
            Pinned(str(a.request_id), str(a.volunteer_id), a.seat, minute(a.starts_at))
            for a in held
            if a.state in PINNED
        ),
    )


def _in_force(session: Session) -> Sequence[AssignmentRow]:
    found = select(AssignmentRow).where(col(AssignmentRow.state).in_(IN_FORCE)).order_by("id")
    return session.exec(found).all()


def _open_requests(session: Session, origin: datetime, end: datetime) -> Sequence[RequestRow]:
    meets = select(RequestWindowRow.request_id).where(
        RequestWindowRow.ends_at >= origin, RequestWindowRow.starts_at <= end
    )
    found = select(RequestRow).where(col(RequestRow.state).in_(OPEN), col(RequestRow.id).in_(meets))
    return session.exec(found.options(selectinload(RequestRow.windows)).order_by("id")).all()


def volunteer(row: VolunteerRow, minute: Minute) -> Volunteer:
    return Volunteer(
        id=str(row.id),
        label=row.label or row.code,
        at=tuple(row.at),
        availability=tuple(_interval(a, minute) for a in row.availability),
        skills=row.skills,
        mode=row.mode,
        radius_km=row.radius_km,
        max_requests_per_day=row.max_requests_per_day,
        max_minutes_per_day=row.max_minutes_per_day,
        max_minutes=row.max_minutes,
        history_minutes=row.history_minutes,
        target_minutes=row.target_minutes,
        unit=row.unit,
        community=row.community,
        grid=row.grid,
    )


def check(row: VolunteerRow | RequestRow) -> None:
    """Refuse, before it is kept, a row that no plan could use."""
    epoch = datetime(2000, 1, 1, tzinfo=UTC)

    def minute(moment: datetime) -> int:
        return int((moment - epoch).total_seconds() // 60)

    try:
        volunteer(row, minute) if isinstance(row, VolunteerRow) else request(row, minute)
    except InvalidInput as error:
        if error.code == "window_invalid" and isinstance(error.value, tuple):
            error.value = " – ".join(f"{epoch + timedelta(minutes=m):%Y-%m-%dT%H:%MZ}" for m in error.value)
        raise


def _interval(row: AvailabilityRow, minute: Minute) -> Availability:
    at = None if row.at is None else tuple(row.at)
    return Availability(minute(row.starts_at), minute(row.ends_at), at, row.mode)


def request(row: RequestRow, minute: Minute) -> Request:
    return Request(
        id=str(row.id),
        label=row.label or row.code,
        at=tuple(row.at),
        end_at=None if row.end_at is None else tuple(row.end_at),
        service=row.service,
        minutes=row.minutes,
        windows=tuple(Window(minute(w.starts_at), minute(w.ends_at)) for w in row.windows),
        priority=row.priority,
        due=None if row.due is None else minute(row.due),
        seats=tuple(Seat(s["skills"], s["optional"], tuple(s["lag"]), s["minutes"]) for s in row.seats),
        partners=tuple(str(id) for id in row.partners),
        forbidden=tuple(str(id) for id in row.forbidden),
        affinity=row.affinity,
        wishes=row.wishes,
    )


def _within(person: Volunteer, end: int, taken: Sequence[tuple[int, int]]) -> Volunteer:
    """Only what of their calendar lies in the period, and is not promised to other requests."""
    intervals = [a for a in person.availability if a.end > 0 and a.start < end]
    for start, stop in taken:
        intervals = [part for a in intervals for part in _without(a, start, stop)]
    return replace(person, availability=tuple(intervals))


def _without(interval: Availability, start: int, stop: int) -> list[Availability]:
    if stop <= interval.start or start >= interval.end:
        return [interval]
    parts = [(interval.start, start), (stop, interval.end)]
    return [Availability(a, b, interval.at, interval.mode) for a, b in parts if a < b]


def packed(instance: Instance) -> bytes:
    """The instance as a file would hold it, small enough to keep."""
    return zlib.compress(json.dumps(instance_document(instance), ensure_ascii=False).encode())


def instance_file(session: Session, plan_id: int) -> dict[str, Any]:
    """The file a plan was made from."""
    return json.loads(zlib.decompress(session.get_one(PlanFileRow, plan_id).instance))


def unpacked(session: Session, plan_id: int) -> Instance:
    """The instance a plan was made from."""
    return instance_from(instance_file(session, plan_id))


def plan_of_rows(session: Session, row: PlanRow, instance: Instance) -> Plan:
    """A stored plan as the judge reads it."""
    return plan_from(plan_file(session, row, instance), instance)


def plan_file(session: Session, row: PlanRow, instance: Instance) -> dict[str, Any]:
    """A stored plan as a file would hold it: its seats from their rows."""
    seats = session.exec(select(AssignmentRow).where(AssignmentRow.plan_id == row.id).order_by("id"))

    def time(moment: datetime) -> str:
        minutes = (moment - instance.origin) // timedelta(minutes=1)
        return instance.moment(minutes).isoformat(timespec="minutes")

    assignments = [
        {
            "request": str(a.request_id),
            "seat": a.seat,
            "volunteer": str(a.volunteer_id),
            "start": time(a.starts_at),
            "end": time(a.ends_at),
        }
        for a in seats
    ]
    return {**(row.result or {}), "assignments": assignments}
