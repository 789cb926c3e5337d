"""A series comes in, and its days become requests, four weeks ahead; from a day on it may be otherwise, or end."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from api import clocks, ledger
from api.db import AFRESH, zone
from api.errors import ApiError, TimeFar
from api.models import ClockRow, RequestRow, SeriesEditionRow, SeriesRow
from api.models.base import LARGEST_PAGE
from api.models.plans import AssignmentState
from api.models.requests import Cancel, RequestCreate, RequestState
from api.models.series import (
    Holidays,
    OccurrencePublic,
    RuleShape,
    SeriesChange,
    SeriesChanged,
    SeriesCreate,
    SeriesDetail,
    SeriesEnd,
    SeriesPublic,
    SeriesState,
    SeriesTemplate,
)
from api.requests import life
from api.requests import service as requests
from api.security import CLOCK, HOUSE, Actor, find, placed, roles_over, told
from api.series.rules import falls, takes_place
from api.settling import BEGUN
from api.transitions import Act, StaleVersion, hold, seats_of
from api.visibility import Sight, at_a_glance, sight
from api.vocabulary import REACH
from api.workdays import DAY, LONGEST_REST, WorkingTime, moment_of

NOUN = NAME = "series"

AHEAD = timedelta(weeks=4)

LOOK_BACK = LONGEST_REST * DAY
"""A day of rest moves no farther than this."""

YEAR = timedelta(days=366)

NOT_BEGUN = (RequestState.SUBMITTED, RequestState.TRIAGED, RequestState.DISPATCHED, RequestState.CONFIRMED)


class SeriesEnded(ApiError):
    status, code = 409, "series_ended"


def create(session: Session, asked: SeriesCreate, act: Act) -> SeriesDetail:
    """Take in a series; what lies within four weeks is there at once."""
    today, first = _today(session, act.at), date.fromisoformat(asked.first_day)
    row = SeriesRow(
        territory_id=placed(session, act.by, asked.territory_id),
        first_day=first,
        last_day=_day(asked.last_day),
        state=SeriesState.RUNNING,
        expanded_until=max(first, today - LOOK_BACK) - DAY,
        created_at=act.at,
        editions=[_edition(asked, first)],
    )
    _check_near(today, first_day=first, last_day=row.last_day)
    _check(session, row, row.editions[0], act)
    session.add(row)
    session.flush()
    ledger.note(session, NOUN, [_id(row)], None, row.state, act.by.name, act.at)
    _expand(session, row, act.at)
    return detail(session, row, at_a_glance(roles_over(session, act.by, [row])(row)))


def come(session: Session, clock: ClockRow, now: datetime) -> None:
    """The clock of a series: another of its days has come within four weeks, or its last day is over."""
    row = _locked(session, clock.noun_id)
    _expand(session, row, now)
    if row.state == SeriesState.ENDED:
        ledger.note(session, NOUN, [_id(row)], SeriesState.RUNNING, row.state, CLOCK.name, now)


def look(session: Session, series_id: int, reader: Actor) -> tuple[SeriesRow, Sight]:
    """The series with this id, and what this reader sees of it in full."""
    row: SeriesRow = find(session, SeriesRow, series_id, reader, "series_id")
    return row, sight(roles_over(session, reader, [row])(row), ())


def detail(session: Session, row: SeriesRow, seen: Sight) -> SeriesDetail:
    """The series with its requests, the latest so many of them."""
    latest = _requests(row).order_by(col(RequestRow.series_day).desc()).limit(LARGEST_PAGE)
    return SeriesDetail.of(row, seen, occurrences=[_shown(one) for one in reversed(session.exec(latest).all())])


def change(session: Session, series_id: int, asked: SeriesChange, act: Act, version: int | None) -> SeriesChanged:
    """From a day on the series is otherwise, and what of it nobody has begun follows."""
    row, since = _taken(session, series_id, asked.since, act, version)
    before = next(edition for edition in reversed(row.editions) if edition.holds_from <= max(since, row.first_day))
    edition = _changed(before, asked, max(since, row.first_day))
    if "last_day" in asked.model_fields_set:
        row.last_day = _day(asked.last_day)
        _check_near(_today(session, act.at), last_day=row.last_day)
    _check(session, row, edition, act)
    row.editions = [old for old in row.editions if old.holds_from < edition.holds_from]
    session.flush()  # the editions that are replaced go first
    row.editions.append(edition)
    return _followed(session, row, since, act.because(asked.reason))


def end(session: Session, series_id: int, asked: SeriesEnd, act: Act, version: int | None) -> SeriesChanged:
    """From a day on there is no more of it, and what nobody has begun is called off."""
    row, since = _taken(session, series_id, asked.since, act, version)
    row.last_day = min(since - DAY, row.last_day or since)
    return _followed(session, row, since, act.because(asked.reason))


def _taken(session: Session, series_id: int, since: str, act: Act, version: int | None) -> tuple[SeriesRow, date]:
    """The series, held against its own clock, and the day from which on it is to be otherwise."""
    find(session, SeriesRow, series_id, act.by, "series_id")
    clocks.stop(session, NOUN, series_id, NAME, act.at)  # before the row: whoever fires it takes them in this order too
    row = _locked(session, series_id)
    if version is not None and version != row.version:
        raise StaleVersion("If-Match", version, headers={"ETag": f'"{row.version}"'}, current=row.version)
    if row.state == SeriesState.ENDED:
        raise SeriesEnded("series_id", row.last_day)
    today = _today(session, act.at)
    day = max(date.fromisoformat(since), today)
    _check_near(today, **{"from": day})
    return row, day


def _followed(session: Session, row: SeriesRow, since: date, act: Act) -> SeriesChanged:
    """Bring what has become a request into line, then go on as ever."""
    before, row.version = row.state, row.version + 1
    session.flush()
    counts = _follow(session, row, since, act)
    counts["added"] += _expand(session, row, act.at)
    ledger.note(session, NOUN, [_id(row)], before, row.state, act.by.name, act.at, act.why)
    shown = told(session, act.by, [row], SeriesPublic)[0]
    return SeriesChanged(series=shown, **counts)


def _follow(session: Session, row: SeriesRow, since: date, act: Act) -> Counter[str]:
    """The requests from this day on: those of a day that stays are amended, others called off, new days come in."""
    wanted = _planned(session, row, since - LOOK_BACK, row.expanded_until)
    counts: Counter[str] = Counter()
    found = _requests(row).where(col(RequestRow.series_day) >= since).order_by("series_day")
    hold(session, *(int(request.id or 0) for request in session.exec(found)))
    for request in session.exec(found).all():
        edition = wanted.get(request.series_day)
        if _goes_its_own_way(session, request):
            counts["kept"] += request.state != RequestState.CLOSED
        elif edition is None:
            counts["let_go"] += len(seats_of(session, request, [AssignmentState.OFFERED, AssignmentState.ACCEPTED]))
            life.cancel(session, int(request.id or 0), Cancel(reason=act.why or ""), act, None)
            request.series_day = None  # its day may come again
            counts["cancelled"] += 1
        else:
            asked = _asked(session, row, edition, request.series_day)
            gone = life.follow(session, request, asked, act)
            counts["unchanged" if gone is None else "amended"] += 1
            counts["let_go"] += gone or 0
    session.flush()
    days = {day: edition for day, edition in wanted.items() if day >= since}
    counts["added"] += _enter(session, row, days, act.at)
    return counts


def _goes_its_own_way(session: Session, request: RequestRow) -> bool:
    """Begun, over, waiting for something, or amended alone."""
    begun = request.reopened or request.state not in NOT_BEGUN or seats_of(session, request, BEGUN)
    return bool(request.detached or begun)


def _expand(session: Session, row: SeriesRow, now: datetime) -> int:
    """The days of the rule that have come within four weeks become requests; then the clock is wound. How many."""
    today = _today(session, now)
    if row.state == SeriesState.RUNNING and row.last_day is not None and row.last_day < today:
        row.state = SeriesState.ENDED
    planned = _planned(session, row, row.expanded_until + DAY, today + AHEAD)
    entered = _enter(session, row, planned, now)
    row.expanded_until = max(row.expanded_until, today + AHEAD)
    session.flush()
    clocks.stop(session, NOUN, _id(row), NAME, now)  # one that was wound before this row was held
    if row.state == SeriesState.RUNNING:
        due = moment_of(zone(session), _wakes(row), 0)
        clocks.start(session, NOUN, _id(row), NAME, due, clocks.in_force(session, zone(session)), now)
    return entered


def _enter(session: Session, row: SeriesRow, days: Mapping[date, SeriesEditionRow], now: datetime) -> int:
    """A request for each of these days that has none yet and is not over. How many."""
    taken = select(RequestRow.series_day).where(RequestRow.series_id == row.id)
    entered = 0
    for day in sorted(days.keys() - set(session.exec(taken))):
        asked = _asked(session, row, days[day], day)
        if asked.windows[0].ends_at >= now:
            requests.enter(session, asked, now, HOUSE, series_id=row.id, series_day=day)
            entered += 1
    return entered


def _planned(session: Session, row: SeriesRow, first: date, last: date) -> dict[date, SeriesEditionRow]:
    """Where the days of the rule from first to last lead to, and what is wanted there; two that meet are one."""
    working = clocks.in_force(session, zone(session)).working
    planned: dict[date, SeriesEditionRow] = {}
    for edition, ends in _periods(row):
        for day in _places(edition, ends, first, last, working):
            planned[day] = edition
    return planned


def _places(edition: SeriesEditionRow, ends: date, first: date, last: date, working: WorkingTime) -> Iterator[date]:
    """The days on which an edition takes place: from its first day to its end, wherever the rule's own days lie."""
    rule = RuleShape.model_validate(edition.rule)
    for day in _days(max(first, edition.anchor), min(last, ends)):
        if falls(rule, edition.anchor, day):
            place = takes_place(day, Holidays(edition.holidays), working)
            if place is not None and edition.holds_from <= place <= ends:
                yield place


def _periods(row: SeriesRow) -> Iterator[tuple[SeriesEditionRow, date]]:
    """Each edition with the last day on which it holds."""
    last = row.last_day or date.max
    followers = [later.holds_from - DAY for later in row.editions[1:]]
    for edition, ends in zip(row.editions, [*followers, last], strict=True):
        yield edition, min(ends, last)


def _wakes(row: SeriesRow) -> date:
    """The day on which the next day of the rule is four weeks away; after the last one, the day when all is over."""
    seen = row.expanded_until + YEAR
    for edition, ends in _periods(row):
        rule = RuleShape.model_validate(edition.rule)
        ahead = _days(row.expanded_until + DAY, min(seen, ends))
        seen = next((day for day in ahead if falls(rule, edition.anchor, day)), seen)
    return min(seen - AHEAD, (row.last_day or seen) + DAY)


def _days(first: date, last: date) -> Iterator[date]:
    return (date.fromordinal(n) for n in range(first.toordinal(), last.toordinal() + 1))


def _asked(session: Session, row: SeriesRow, edition: SeriesEditionRow, day: date) -> RequestCreate:
    """What is asked for on this day."""
    window = {
        "from": moment_of(zone(session), day, _minute(edition.starts)),
        "to": moment_of(zone(session), day, _minute(edition.ends)),
    }
    return RequestCreate.model_validate({**edition.template, "territory_id": row.territory_id, "windows": [window]})


def _minute(clock: str) -> int:
    hours, minutes = clock.split(":")
    return 60 * int(hours) + int(minutes)


def _check(session: Session, row: SeriesRow, edition: SeriesEditionRow, act: Act) -> None:
    """Refuse now what a clock could not take in later."""
    day = max(edition.holds_from, _today(session, act.at))
    requests.drawn_up(session, _asked(session, row, edition, day), act.at, act.by)


def _check_near(today: date, **days: date | None) -> None:
    for path, day in days.items():
        if day is not None and abs(day - today) > REACH:
            raise TimeFar(path, day.isoformat())


def _edition(asked: SeriesCreate, first: date) -> SeriesEditionRow:
    return SeriesEditionRow(
        holds_from=first,
        anchor=first,
        template=asked.template.model_dump(mode="json"),
        starts=asked.window.starts,
        ends=asked.window.ends,
        rule=asked.rule.model_dump(mode="json"),
        holidays=asked.holidays,
    )


def _changed(before: SeriesEditionRow, asked: SeriesChange, since: date) -> SeriesEditionRow:
    """The edition from that day on."""
    said = asked.model_fields_set
    template = {**before.template, **(asked.template.said() if asked.template else {})}
    return SeriesEditionRow(
        holds_from=since,
        anchor=since if "rule" in said else before.anchor,
        template=SeriesTemplate.model_validate(template).model_dump(mode="json"),
        starts=asked.window.starts if "window" in said else before.starts,
        ends=asked.window.ends if "window" in said else before.ends,
        rule=asked.rule.model_dump(mode="json") if "rule" in said else before.rule,
        holidays=asked.holidays if "holidays" in said else before.holidays,
    )


def _requests(row: SeriesRow) -> Any:
    """Those that stand for a day of the series."""
    return select(RequestRow).where(RequestRow.series_id == row.id, col(RequestRow.series_day).is_not(None))


def _shown(request: RequestRow) -> OccurrencePublic:
    return OccurrencePublic(
        request=request.id,
        day=request.series_day,
        state=request.state,
        outcome=request.outcome,
        detached=request.detached,
    )


def _locked(session: Session, series_id: int) -> SeriesRow:
    """As it is now, and nobody else changes it before this transaction ends."""
    wanted = select(SeriesRow).where(SeriesRow.id == series_id).with_for_update()
    return session.exec(wanted, execution_options=AFRESH).one()


def _today(session: Session, now: datetime) -> date:
    return now.astimezone(ZoneInfo(zone(session))).date()


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _id(row: SeriesRow) -> int:
    return int(row.id or 0)
