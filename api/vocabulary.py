"""One row -> one noun of the matcher, which refuses nonsense: a row no plan could use is refused as it comes in."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from api.errors import TimeFar
from api.models import AvailabilityRow, RequestRow, VolunteerRow
from matcher import Availability, InvalidInput, Request, Seat, TooLarge, Volunteer, Window

Minute = Callable[[datetime], int]
"""Minutes from the start of the instance, or of whatever takes its place."""

REACH = timedelta(days=3650)
"""What comes in is no farther from today than that; an instance reaches a little farther from its start."""

MOST_SKILLS = 100
"""So many a row may name: an instance bears a thousand, and one slip must not spoil everybody's plans."""


def check(row: VolunteerRow | RequestRow, at: datetime) -> None:
    """Refuse, before it is kept, a row that no plan could use, or that would spoil every plan."""
    for path, moment in _times(row):
        if abs(moment - at) > REACH:
            raise TimeFar(path, moment.isoformat())
    skills = _skills(row)
    if len(skills) > MOST_SKILLS:
        raise TooLarge("too_many_skills", "", len(skills), limit=MOST_SKILLS)
    epoch = datetime(2000, 1, 1, tzinfo=UTC)

    def minute(moment: datetime) -> int:
        return int((moment - epoch).total_seconds() // 60)

    try:
        volunteer(row, minute) if isinstance(row, VolunteerRow) else request(row, minute)
    except InvalidInput as error:
        if error.code == "window_invalid" and isinstance(error.value, tuple):
            error.value = " – ".join(f"{epoch + timedelta(minutes=m):%Y-%m-%dT%H:%MZ}" for m in error.value)
        raise


def _times(row: VolunteerRow | RequestRow) -> Iterator[tuple[str, datetime]]:
    """Every moment a row names, and its path."""
    name = "availability" if isinstance(row, VolunteerRow) else "windows"
    for i, period in enumerate(getattr(row, name)):
        yield f"{name}[{i}].from", period.starts_at
        yield f"{name}[{i}].to", period.ends_at
    if isinstance(row, RequestRow) and row.due is not None:
        yield "due", row.due


def _skills(row: VolunteerRow | RequestRow) -> set[str]:
    if isinstance(row, VolunteerRow):
        return set(row.skills)
    return {skill for seat in row.seats for skill in seat["skills"]} | set(row.wishes)


def volunteer(row: VolunteerRow, minute: Minute) -> Volunteer:
    """Somebody on the roster, with their calendar."""
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


def request(row: RequestRow, minute: Minute) -> Request:
    """What a resident asked for."""
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


def _interval(row: AvailabilityRow, minute: Minute) -> Availability:
    at = None if row.at is None else tuple(row.at)
    return Availability(minute(row.starts_at), minute(row.ends_at), at, row.mode)
