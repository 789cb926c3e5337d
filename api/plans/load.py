"""Rows -> Instance, each row by `vocabulary.py`. With these two, `store.py` alone knows both worlds."""

import json
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, true
from sqlalchemy.orm import selectinload
from sqlmodel import Session, col, select

from api.models import (
    AssignmentRow,
    PlanFileRow,
    PlanRow,
    RequestRow,
    RequestWindowRow,
    TerritoryRow,
    VolunteerRow,
)
from api.models.plans import IN_FORCE, PINNED
from api.models.requests import RequestState
from api.models.volunteers import AT_HAND, VolunteerState
from api.security import below
from api.vocabulary import REACH, Minute, request, volunteer
from matcher import (
    Availability,
    Instance,
    Pinned,
    Place,
    Plan,
    Published,
    StraightTravel,
    Volunteer,
    instance_document,
    instance_from,
    plan_from,
)

TRAVEL = StraightTravel()

OPEN = (RequestState.TRIAGED, RequestState.DISPATCHED)


@dataclass(frozen=True)
class _Errand:
    """Work that somebody has promised outside of the plan in hand: from when to when, and where."""

    start: int
    end: int
    at: Place
    leaves_from: Place


def load(session: Session, plan: PlanRow, now: datetime, timezone: str) -> Instance:
    """The world as it is now, for this plan's period."""
    origin, end = plan.starts_at, plan.ends_at

    def minute(moment: datetime) -> int:
        return int((moment - origin).total_seconds() // 60)

    def reached(moment: datetime) -> int:
        return _reached(minute(moment))

    in_force = _in_force(session)
    elsewhere = {a.request_id for a in in_force if not origin <= a.starts_at <= end}
    path = path_of(session, plan)
    requests = [row for row in _open_requests(session, origin, end, path) if row.id not in elsewhere]
    asked = {row.id for row in requests}
    held = [a for a in in_force if a.request_id in asked]
    errands = _errands(session, [a for a in in_force if a.request_id not in asked], minute)
    today = plan.starts_at.astimezone(ZoneInfo(timezone)).date()

    def person(row: VolunteerRow) -> Volunteer:
        skilled = replace(volunteer(row, minute), skills=row.skills_on(today))
        return _within(_at_hand(row, skilled, minute), minute(end), errands[row.id])

    return Instance(
        name=f"plan-{plan.id}",
        origin=origin,
        horizon_end=minute(end),
        timezone=timezone,
        now=minute(now),
        travel=TRAVEL,
        volunteers=tuple(person(row) for row in _people(session, path, {a.volunteer_id for a in held})),
        requests=tuple(request(row, reached) for row in requests),
        published=tuple(Published(str(a.request_id), str(a.volunteer_id), minute(a.starts_at), a.seat) for a in held),
        pinned=tuple(
            Pinned(str(a.request_id), str(a.volunteer_id), a.seat, minute(a.starts_at))
            for a in held
            if a.state in PINNED
        ),
    )


def path_of(session: Session, plan: PlanRow) -> str | None:
    """The territory a plan is for; None is everywhere."""
    return None if plan.territory_id is None else session.get_one(TerritoryRow, plan.territory_id).path


def inside(place: Any, path: str | None) -> ColumnElement[bool]:
    """What lies in this territory."""
    return true() if path is None else col(place).in_(select(TerritoryRow.id).where(below(path)))


def _people(session: Session, path: str | None, holders: set[int]) -> list[VolunteerRow]:
    """Who can be planned with here; and whoever holds a seat already, from wherever they are."""
    here = col(VolunteerRow.state).in_(AT_HAND) & inside(VolunteerRow.territory_id, path)
    whole = select(VolunteerRow).options(selectinload(VolunteerRow.availability)).order_by("id")
    found = {row.id: row for row in session.exec(whole.where(here))}
    missing = sorted(holders - found.keys())
    for some in (missing[i : i + 500] for i in range(0, len(missing), 500)):
        found |= {row.id: row for row in session.exec(whole.where(col(VolunteerRow.id).in_(some)))}
    return [found[id] for id in sorted(found)]


def _at_hand(row: VolunteerRow, person: Volunteer, minute: Minute) -> Volunteer:
    """Without the time of a pause; whoever has left, or is not approved, has no time at all."""
    if row.state not in AT_HAND:
        return replace(person, availability=())
    if row.state != VolunteerState.PAUSED:
        return person
    start, end = minute(row.paused_from), minute(row.paused_to)
    parts = [
        replace(a, start=low, end=high)
        for a in person.availability
        for low, high in ((a.start, min(a.end, start)), (max(a.start, end), a.end))
        if low < high
    ]
    return replace(person, availability=tuple(parts))


def _in_force(session: Session) -> Sequence[AssignmentRow]:
    found = select(AssignmentRow).where(col(AssignmentRow.state).in_(IN_FORCE)).order_by("id")
    return session.exec(found).all()


def _errands(session: Session, held: Sequence[AssignmentRow], minute: Minute) -> dict[int, list[_Errand]]:
    """These seats as their volunteers see them, in order of time."""
    in_force = select(AssignmentRow.request_id).where(col(AssignmentRow.state).in_(IN_FORCE))
    places = select(RequestRow.id, RequestRow.at, RequestRow.end_at).where(col(RequestRow.id).in_(in_force))
    where = {id: (tuple(at), tuple(end_at or at)) for id, at, end_at in session.exec(places)}
    found: dict[int, list[_Errand]] = defaultdict(list)
    for a in sorted(held, key=lambda a: a.starts_at):
        found[a.volunteer_id].append(_Errand(minute(a.starts_at), minute(a.ends_at), *where[a.request_id]))
    return found


def _open_requests(session: Session, origin: datetime, end: datetime, path: str | None) -> Sequence[RequestRow]:
    meets = select(RequestWindowRow.request_id).where(
        RequestWindowRow.ends_at >= origin, RequestWindowRow.starts_at <= end
    )
    found = select(RequestRow).where(col(RequestRow.state).in_(OPEN), col(RequestRow.id).in_(meets))
    found = found.where(inside(RequestRow.territory_id, path))
    return session.exec(found.options(selectinload(RequestRow.windows)).order_by("id")).all()


def _reached(minute: int) -> int:
    """What was entered long ago may lie farther off than an instance reaches; nothing there matters to it."""
    farthest = REACH // timedelta(minutes=1)
    return max(-farthest, min(farthest, minute))


def _within(person: Volunteer, end: int, errands: Sequence[_Errand]) -> Volunteer:
    """Only what of their calendar lies in the period, and is not promised to other requests."""
    intervals = [a for a in person.availability if a.end > 0 and a.start < end]
    free = [part for a in intervals for part in _free(person, a, errands)]
    return replace(person, availability=tuple(replace(a, start=_reached(a.start), end=_reached(a.end)) for a in free))


def _free(person: Volunteer, interval: Availability, errands: Sequence[_Errand]) -> Iterator[Availability]:
    """What is left of an interval once its person has gone on these errands and come back from each."""
    origin, mode = person.origin_of(interval), person.mode_of(interval)
    start = interval.start
    for errand in errands:
        if errand.start < interval.end and errand.end > interval.start:
            leave = errand.start - TRAVEL.minutes(origin, errand.at, mode)
            if start < leave:
                yield replace(interval, start=start, end=leave)
            start = max(start, errand.end + TRAVEL.minutes(errand.leaves_from, origin, mode))
    if start < interval.end:
        yield replace(interval, start=start)


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
