"""The report of a period: its days, and its figures in their order."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session

from api.errors import ApiError
from api.models.reports import FigurePublic, ReportPublic
from api.models.requests import RequestState
from api.reports.figures import FIGURES, Definition
from api.reports.record import Record, Step
from api.reports.record import read as read_rows
from api.security import Actor

DAY = timedelta(days=1)

USUAL = timedelta(days=7)
"""Without a wish, so many days up to today."""

LONGEST = 366


class DayInvalid(ApiError):
    status, code = 422, "date_invalid"


class PeriodInvalid(ApiError):
    status, code = 422, "period_invalid"


REPORT_ERRORS = (DayInvalid, PeriodInvalid)


@dataclass(frozen=True)
class Day:
    """What came in and what was served on one day."""

    day: date
    received: int
    served: int


def read(session: Session, first: str | None, to: str | None, reader: Actor, now: datetime, zone: ZoneInfo) -> Record:
    """The record of these days, as far as its reader may know of it."""
    begin, end = period(first, to, now.astimezone(zone).date())
    return read_rows(session, reader, _midnight(begin, zone), _midnight(end, zone), now, zone)


def report(record: Record) -> ReportPublic:
    """What these days came to."""
    begin, end = record.start.date(), record.end.date()
    figures = [_told(definition, record) for definition in FIGURES.values()]
    return ReportPublic(**{"from": begin}, to=end, days=(end - begin).days, figures=figures)


def daily(record: Record) -> list[Day]:
    """The same period, day by day."""
    days = [record.start.date() + n * DAY for n in range((record.end.date() - record.start.date()).days)]
    came = Counter(_local(step, record) for step in record.requests_received())
    served = Counter(
        _local(step, record) for step in record.requests_that(RequestState.IN_SERVICE, RequestState.SERVED)
    )
    return [Day(day, came[day], served[day]) for day in days]


def _local(step: Step, record: Record) -> date:
    return step.row.at.astimezone(record.zone).date()


def period(first: str | None, to: str | None, today: date) -> tuple[date, date]:
    """From the first day on, up to and without the last; by default the week that ends today."""
    begin, end = _day("from", first), _day("to", to)
    if end is None:
        end = today + DAY if begin is None else begin + USUAL
    begin = begin or end - USUAL
    if not 1 <= (end - begin).days <= LONGEST:
        raise PeriodInvalid("to", f"{begin} – {end}", limit=LONGEST)
    return begin, end


def _day(path: str, text: str | None) -> date | None:
    """A day between years that every calendar knows; blank is none, as a form sends it."""
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise DayInvalid(path, text) from None
    if not 1980 <= day.year < 2100:
        raise DayInvalid(path, text)
    return day


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


def _told(definition: Definition, record: Record) -> FigurePublic:
    value, of = definition.count(record)
    share = round(value / of, 4) if of else None
    return FigurePublic(code=definition.code, zh=definition.zh, en=definition.en, value=value, of=of, share=share)
