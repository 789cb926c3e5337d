"""What the pages show, read from rows in one moment: the plan of the day, and a volunteer's schedule."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from statistics import fmean
from zoneinfo import ZoneInfo

from sqlalchemy import func
from sqlalchemy.orm import selectinload
from sqlmodel import Session, col, select

from api.console.trips import Point, Trip, Visit, trips
from api.errors import NotFound
from api.lifecycle import is_unmet
from api.models import PlanRow, RequestRow, VolunteerRow
from api.models.base import ID_LIMIT
from api.models.plans import UNDER_WAY, PlanPublic, PlanState, UnservedPublic
from api.models.requests import RequestState
from api.plans import service as plans
from api.security import Actor, reach
from api.volunteers import service as volunteers

RECENT = 8
VISITS = 4
"""So many visits fit on a phone page of a few kilobytes; the rest is one tap away."""

HOMES = 10_000
"""More homes than this do not make the middle of a community any clearer."""

NEWS = (*UNDER_WAY, PlanState.PROPOSED, PlanState.FAILED)


@dataclass(frozen=True)
class PlanView:
    """A plan as the dispatcher sees it: all of its figures, and the trips of one day."""

    plan: PlanPublic
    requests: Mapping[int, RequestRow]
    volunteers: Mapping[int, VolunteerRow]
    communities: Mapping[str, Point]
    whole: Sequence[Trip]
    days: Sequence[date]
    day: date
    zone: ZoneInfo
    now: datetime

    @cached_property
    def trips(self) -> list[Trip]:
        """Those of the day shown."""
        return [trip for trip in self.whole if self.local(trip.visits[0].seat.start).date() == self.day]

    @cached_property
    def visits(self) -> dict[int, list[Visit]]:
        """The day's visits by request, in the order of their starts."""
        found: dict[int, list[Visit]] = {}
        everyone = [visit for trip in self.trips for visit in trip.visits]
        for visit in sorted(everyone, key=lambda visit: (visit.seat.start, visit.seat.request, visit.seat.seat)):
            found.setdefault(visit.seat.request, []).append(visit)
        return found

    @property
    def travel_minutes(self) -> int:
        return sum(trip.travel_minutes for trip in self.whole)

    @property
    def service_minutes(self) -> int:
        return sum((seat.end - seat.start) // timedelta(minutes=1) for seat in self.plan.assignments)

    @property
    def unserved(self) -> list[UnservedPublic]:
        """The most urgent first."""
        order = [served.priority for served in self.plan.served]
        return sorted(self.plan.unserved, key=lambda one: (order.index(one.priority), one.request))

    @cached_property
    def unserved_ids(self) -> frozenset[int]:
        return frozenset(one.request for one in self.plan.unserved)

    def is_unmet(self, request: RequestRow) -> bool:
        """Whether it has been tried often enough, or its time is over."""
        return is_unmet(request.state, request.waves, [window.ends_at for window in request.windows], self.now)

    def local(self, moment: datetime) -> datetime:
        return moment.astimezone(self.zone)


@dataclass(frozen=True)
class Schedule:
    """What one volunteer is asked to do from today on: a few visits by day, and how many follow."""

    volunteer: VolunteerRow
    days: Mapping[date, Sequence[tuple[Trip, Visit]]]
    skipped: int
    more: int


def chosen_plan(session: Session, wanted: str | None, now: datetime, reader: Actor) -> PlanRow | None:
    """The plan asked for; else the one in force, now or next; else the newest proposal, else the newest of all."""
    if wanted is not None:
        if not (wanted.isascii() and wanted.isdecimal() and len(wanted) <= 10 and int(wanted) <= ID_LIMIT):
            raise NotFound("plan", wanted)
        return plans.find(session, int(wanted), reader)
    there = select(PlanRow).where(reach(reader, PlanRow))
    newest = there.order_by(col(PlanRow.id).desc())
    to_come = there.where(PlanRow.ends_at > now)
    in_force = to_come.where(PlanRow.state == PlanState.PUBLISHED).order_by(col(PlanRow.starts_at))
    proposed = to_come.where(PlanRow.state == PlanState.PROPOSED).order_by(col(PlanRow.id).desc())
    found = (session.exec(one.limit(1)).first() for one in (in_force, proposed, newest))
    return next((row for row in found if row is not None), None)


def recent_plans(session: Session, reader: Actor) -> list[PlanRow]:
    """The newest plans of any state."""
    return list(
        session.exec(select(PlanRow).where(reach(reader, PlanRow)).order_by(col(PlanRow.id).desc()).limit(RECENT))
    )


def news(row: PlanRow, recent: Iterable[PlanRow]) -> list[PlanRow]:
    """Plans that came after this one and ask for a look."""
    return [other for other in recent if other.id > row.id and other.state in NEWS]


def waiting(session: Session, reader: Actor) -> tuple[int, int]:
    """How many volunteers are on the roster, and how many requests wait for a plan."""
    roster = select(func.count()).select_from(VolunteerRow).where(reach(reader, VolunteerRow))
    asked = select(func.count()).select_from(RequestRow).where(reach(reader, RequestRow))
    triaged = asked.where(RequestRow.state == RequestState.TRIAGED)
    return session.exec(roster).one(), session.exec(triaged).one()


def plan_view(session: Session, row: PlanRow, day: str | None, now: datetime, zone: ZoneInfo) -> PlanView:
    """This plan with what its picture and table need."""
    plan = plans.public(session, row)
    asked_for = {seat.request for seat in plan.assignments} | {one.request for one in plan.unserved}
    requests = _requests(session, asked_for)
    people = _volunteers(session, {seat.volunteer for seat in plan.assignments})
    whole = trips(plan.assignments, requests, people)
    days = sorted({seat.start.astimezone(zone).date() for seat in plan.assignments})
    communities = _communities(session, {person.community for person in people.values()})
    return PlanView(plan, requests, people, communities, whole, days, _day(days, day, plan, now, zone), zone, now)


def _day(days: Sequence[date], wanted: str | None, plan: PlanPublic, now: datetime, zone: ZoneInfo) -> date:
    """The day asked for, else today, else the first with work."""
    today = now.astimezone(zone).date()
    asked = [day for day in days if day.isoformat() == wanted]
    return (asked or [day for day in days if day == today] or days or [plan.starts_at.astimezone(zone).date()])[0]


def _requests(session: Session, ids: Iterable[int]) -> dict[int, RequestRow]:
    found = select(RequestRow).where(col(RequestRow.id).in_(ids)).options(selectinload(RequestRow.windows))
    return {row.id: row for row in session.exec(found)}


def _volunteers(session: Session, ids: Iterable[int]) -> dict[int, VolunteerRow]:
    found = select(VolunteerRow).where(col(VolunteerRow.id).in_(ids)).options(selectinload(VolunteerRow.availability))
    return {row.id: row for row in session.exec(found)}


def _communities(session: Session, names: Iterable[str | None]) -> dict[str, Point]:
    """About where these communities lie: in the middle of their people's homes."""
    found = select(VolunteerRow.community, VolunteerRow.at).where(col(VolunteerRow.community).in_(names))
    homes: dict[str, list[Point]] = {}
    for name, at in session.exec(found.order_by(col(VolunteerRow.id)).limit(HOMES)):
        homes.setdefault(name, []).append(at)
    return {name: (fmean(lon for lon, _ in all), fmean(lat for _, lat in all)) for name, all in homes.items()}


def schedule(session: Session, volunteer_id: int, skip: int, now: datetime, zone: ZoneInfo, reader: Actor) -> Schedule:
    """What this volunteer is asked to do, from the beginning of today."""
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    seats = [seat for seat in volunteers.schedule(session, volunteer_id, reader) if seat.end > midnight]
    people = _volunteers(session, [volunteer_id])
    whole = trips(seats, _requests(session, {seat.request for seat in seats}), people)
    visits = [(trip, visit) for trip in whole for visit in trip.visits]
    days: dict[date, list[tuple[Trip, Visit]]] = {}
    for trip, visit in visits[skip : skip + VISITS]:
        days.setdefault(visit.seat.start.astimezone(zone).date(), []).append((trip, visit))
    return Schedule(people[volunteer_id], days, skip, max(0, len(visits) - skip - VISITS))
