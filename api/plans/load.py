"""Rows -> Instance, each row by `vocabulary.py`. With these two, `store.py` alone knows both worlds."""

import json
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, true
from sqlalchemy.orm import selectinload
from sqlmodel import Session, col, select

from api.errors import NotFound
from api.models import (
    AssignmentRow,
    PlanFileRow,
    PlanRow,
    RequestRow,
    RequestWindowRow,
    TerritoryRow,
    VolunteerRow,
)
from api.models.plans import IN_FORCE, PINNED, AssignmentState
from api.models.requests import RequestState
from api.models.volunteers import AT_HAND, VolunteerState
from api.security import below
from api.settings import Settings
from api.vocabulary import REACH, Minute, request, volunteer
from matcher import (
    Availability,
    Instance,
    Pinned,
    Place,
    Plan,
    Published,
    Request,
    StraightTravel,
    Volunteer,
    Window,
    instance_from,
    plan_from,
)

TRAVEL = StraightTravel()

OPEN = (RequestState.TRIAGED, RequestState.DISPATCHED, RequestState.CONFIRMED, RequestState.IN_SERVICE)


@dataclass(frozen=True)
class Errand:
    """Work that somebody has promised outside of the plan in hand: from when to when, and where."""

    start: int
    end: int
    at: Place
    leaves_from: Place


EXPIRED_POINTS = 500
"""What it costs to ask somebody again who did not answer in time: as the last resort only."""

PASSED_ON = (AssignmentState.DECLINED, AssignmentState.WITHDRAWN)
"""Whoever did this is never asked for the same request again."""


def load(session: Session, plan: PlanRow, now: datetime, settings: Settings) -> Instance:
    """The world as it is now, for this plan's period."""
    origin, end = plan.starts_at, plan.ends_at

    def minute(moment: datetime) -> int:
        return int((moment - origin).total_seconds() // 60)

    def reached(moment: datetime) -> int:
        return _reached(minute(moment))

    in_force = _in_force(session)
    elsewhere = {a.request_id for a in in_force if not origin <= a.starts_at <= end}
    path = path_of(session, plan)
    rows = [row for row in _open_requests(session, origin, end, path) if row.id not in elsewhere]
    asked = {row.id for row in rows}
    held = [a for a in in_force if a.request_id in asked]
    soonest = minute(now + timedelta(minutes=settings.lead_minutes))
    begun = {str(a.request_id) for a in held}
    promised_at = {str(a.request_id): minute(a.starts_at) for a in held if a.seat == 0 and a.agreed}
    requests = [request(row, reached) for row in rows]
    requests = [_as_promised(r, promised_at) if r.id in begun else _from_lead(r, soonest) for r in requests]
    requests = _remembering(session, requests, asked)
    errands = _errands(session, [a for a in in_force if a.request_id not in asked], minute)
    people = _people(session, path, {a.volunteer_id for a in held})
    by_hand = {row.id for row in people if not row.automatic}
    promised = [a for a in held if a.volunteer_id in by_hand or (a.agreed and a.state in PINNED)]
    agreed = _errands(session, promised, minute)
    today = plan.starts_at.astimezone(ZoneInfo(settings.timezone)).date()

    def person(row: VolunteerRow) -> Volunteer:
        known = at_hand(row, minute, today)
        if not row.automatic:  # there for what they were asked for by hand, and for nothing else
            known = replace(known, availability=())
        return _within(known, minute(end), errands[row.id], agreed[row.id])

    return Instance(
        name=f"plan-{plan.id}",
        origin=origin,
        horizon_end=minute(end),
        timezone=settings.timezone,
        now=minute(now),
        travel=TRAVEL,
        volunteers=tuple(person(row) for row in people),
        requests=tuple(requests),
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


def at_hand(row: VolunteerRow, minute: Minute, day: date) -> Volunteer:
    """Somebody with the skills that hold on this day, without the time of a pause; who has left, or is not approved,
    has no time at all."""
    person = replace(volunteer(row, minute), skills=row.skills_on(day))
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


def _as_promised(request: Request, at: Mapping[str, int]) -> Request:
    """What was agreed to outside of its windows may begin then."""
    start = at.get(request.id)
    if start is None or any(w.start <= start <= w.end for w in request.windows):
        return request
    return replace(request, windows=(*request.windows, Window(start, start)))


def _from_lead(request: Request, soonest: int) -> Request:
    """Nobody is sent at shorter notice, unless all of it is shorter: then what can be done is for the solver to say."""
    later = tuple(replace(w, start=max(w.start, soonest)) for w in request.windows if w.end >= soonest)
    return replace(request, windows=later) if later else request


def _remembering(session: Session, requests: Sequence[Request], asked: set[int | None]) -> list[Request]:
    """Who has said no to a request is not asked again; who did not answer, only if there is nobody else."""
    found = (
        select(AssignmentRow.request_id, AssignmentRow.volunteer_id, AssignmentRow.state)
        .join(RequestRow)
        .where(col(RequestRow.state).in_(OPEN))
        .where(col(AssignmentRow.state).in_((*PASSED_ON, AssignmentState.EXPIRED)))
    )
    no: dict[str, set[str]] = defaultdict(set)
    silent: dict[str, Counter[str]] = defaultdict(Counter)
    for request_id, volunteer_id, state in session.exec(found):
        if request_id in asked and state in PASSED_ON:
            no[str(request_id)].add(str(volunteer_id))
        elif request_id in asked:
            silent[str(request_id)][str(volunteer_id)] += EXPIRED_POINTS
    return [
        replace(
            r,
            forbidden=tuple(sorted({*r.forbidden, *no[r.id]})),
            affinity=dict(Counter(r.affinity) + silent[r.id]),
        )
        if r.id in no or r.id in silent
        else r
        for r in requests
    ]


def _in_force(session: Session) -> Sequence[AssignmentRow]:
    """What holds time, and what is done of requests that are not."""
    still_open = select(RequestRow.id).where(col(RequestRow.state).in_(OPEN))
    done = (AssignmentRow.state == AssignmentState.DONE) & col(AssignmentRow.request_id).in_(still_open)
    found = select(AssignmentRow).where(col(AssignmentRow.state).in_(IN_FORCE) | done).order_by("id")
    lives = dict(session.exec(select(RequestRow.id, RequestRow.reopened).where(RequestRow.reopened > 0)).all())
    return [a for a in session.exec(found) if a.state in IN_FORCE or a.life == lives.get(a.request_id, 0)]


def _errands(session: Session, held: Sequence[AssignmentRow], minute: Minute) -> dict[int, list[Errand]]:
    """These seats as their volunteers see them, in order of time."""
    ids = {a.request_id for a in held}
    places = select(RequestRow.id, RequestRow.at, RequestRow.end_at).where(col(RequestRow.id).in_(ids))
    where = {place.id: place for place in session.exec(places)}
    found: dict[int, list[Errand]] = defaultdict(list)
    for a in sorted(held, key=lambda a: a.starts_at):
        found[a.volunteer_id].append(errand(a, where[a.request_id], minute))
    return found


def errand(seat: AssignmentRow, request: Any, minute: Minute) -> Errand:
    """A seat as its volunteer sees it."""
    place = tuple(request.at)
    return Errand(minute(seat.starts_at), minute(seat.ends_at), place, tuple(request.end_at or place))


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


def _within(person: Volunteer, end: int, errands: Sequence[Errand], agreed: Sequence[Errand]) -> Volunteer:
    """Only what of their calendar lies in the period, and is not promised to other requests.

    Whoever has agreed to a time outside of their calendar is there for it.
    """
    for one in agreed:
        person = with_room(person, one)
    intervals = [a for a in person.availability if a.end > 0 and a.start < end]
    free = [part for a in intervals for part in _free(person, a, errands)]
    return replace(person, availability=tuple(replace(a, start=_reached(a.start), end=_reached(a.end)) for a in free))


def with_room(person: Volunteer, errand: Errand) -> Volunteer:
    """Somebody whose calendar has room for this; what it runs into becomes one with it."""
    start = errand.start - TRAVEL.minutes(person.at, errand.at, person.mode)
    end = errand.end + TRAVEL.minutes(errand.leaves_from, person.at, person.mode)
    if any(a.start <= errand.start and errand.end <= a.end for a in person.availability):
        return person
    touched = [a for a in person.availability if a.start <= end and start <= a.end]
    widest = Availability(min([start, *(a.start for a in touched)]), max([end, *(a.end for a in touched)]))
    others = (a for a in person.availability if a not in touched)
    return replace(person, availability=tuple(sorted([*others, widest], key=lambda a: a.start)))


def _free(person: Volunteer, interval: Availability, errands: Sequence[Errand]) -> Iterator[Availability]:
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


def packed(document: Mapping[str, Any]) -> bytes:
    """A file, small enough to keep."""
    return zlib.compress(json.dumps(document, ensure_ascii=False).encode())


def instance_file(session: Session, plan_id: int) -> dict[str, Any]:
    """The file a plan was made from; NotFound once it is too old to be kept."""
    kept = session.get(PlanFileRow, plan_id)
    if kept is None:
        raise NotFound("plan_id", plan_id)
    return json.loads(zlib.decompress(kept.instance))


def unpacked(session: Session, plan_id: int) -> Instance:
    """The instance a plan was made from."""
    return instance_from(instance_file(session, plan_id))


def file_as_made(session: Session, plan_id: int) -> dict[str, Any] | None:
    """The plan as it was made, whatever has become of its seats; None where that is not kept."""
    kept = session.get(PlanFileRow, plan_id)
    return None if kept is None or kept.plan is None else json.loads(zlib.decompress(kept.plan))


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
