"""One row -> one noun of the matcher, which refuses nonsense: a row no plan could use is refused as it comes in."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from api.models import AvailabilityRow, RequestRow, VolunteerRow
from matcher import Availability, InvalidInput, Request, Seat, Volunteer, Window

Minute = Callable[[datetime], int]
"""Minutes from the start of the instance, or of whatever takes its place."""


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
