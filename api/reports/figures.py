"""What every figure means: one function each, whose first line is what the page says of it in English.

A figure is a value and what it is a part of. Services are followed to their end: what came of a service that ended in
the period (rated, satisfied, taken up again) is as known now, so that a figure of a past day may still change.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

from api.lifecycle import is_unmet
from api.models import AssignmentRow
from api.models.plans import AssignmentState as Seat
from api.models.plans import EndedBecause
from api.models.requests import CallbackResult, Outcome
from api.models.requests import RequestState as Life
from api.reports.record import Record, Step, by_person, is_reopening
from matcher import great_circle_km

Figure = tuple[int | float, int | float | None]
"""A value, and what it is a part of; None where it is a plain count."""

SATISFIED_FROM = 4
"""So many stars of five, or more."""

UNANSWERED = (Life.SUBMITTED, Life.WAITING)
"""To put a request off is no answer: T1 stands still meanwhile, and goes on."""


@dataclass(frozen=True)
class Definition:
    """A figure's name in both languages, what it says in Chinese, and how it is counted."""

    code: str
    zh: str
    en: str
    says_zh: str
    count: Callable[[Record], Figure]

    @property
    def says_en(self) -> str:
        return (self.count.__doc__ or "").partition("\n\n")[0].strip()


FIGURES: dict[str, Definition] = {}
"""By code, in the order in which they are told."""


def figure(zh: str, en: str, says_zh: str) -> Callable[[Callable[[Record], Figure]], Callable[[Record], Figure]]:
    """A decorator: the function counts the figure of its name."""

    def add(count: Callable[[Record], Figure]) -> Callable[[Record], Figure]:
        FIGURES[count.__name__] = Definition(count.__name__, zh, en, says_zh, count)
        return count

    return add


def meaning(code: str, lang: str) -> str:
    """What a figure says, in one sentence."""
    definition = FIGURES[code]
    return definition.says_zh if lang == "zh" else definition.says_en


# Coming in


@figure("受理请求", "received", "时段内收到的请求")
def received(record: Record) -> Figure:
    """Requests that came in."""
    return sum(1 for _ in record.requests_received()), None


@figure("响应率", "answered in time", "未归类的来件中，T1 之内由人（非自动回执）首次答复的；时限未到尚未答复的不计")
def answered(record: Record) -> Figure:
    """Of requests received unclassified, those that a person answered within T1; not yet due ones are left out.

    An answer is to classify, to tell, to refuse or to merge it. T1 stands still while the request waits. What was
    called off before T1 was over counts neither way; called off later, it is one that nobody answered.
    """
    told = [_in_time(record, step) for step in record.requests_received() if step.row.to_state == Life.SUBMITTED]
    return told.count(True), len(told) - told.count(None)


def _in_time(record: Record, step: Step) -> bool | None:
    """Whether it was answered in time; None while that is open, or when nobody wants to know any more."""
    clock = record.clock(step.thing, "T1", step.row.at)
    if clock is None:
        return None
    first = next((row for row in step.after if row.to_state not in UNANSWERED and by_person(row)), None)
    if first is None:
        return None if clock.paused_at is not None or record.now <= clock.due_at else False
    if first.to_state == Life.CLOSED and step.thing.outcome == Outcome.CANCELLED:
        return None if first.at <= clock.due_at else False
    return first.at <= clock.due_at


# Done


@figure("按时办结率", "closed in time", "时段内办结的请求中，服务在 T5 之内完成的")
def on_time(record: Record) -> Figure:
    """Of requests closed as done, those whose service ended within T5.

    T5 stands still while a request waits, and begins anew when it is taken up again.
    """
    closed = list(record.requests_that(Life.CALLBACK, Life.CLOSED))
    return sum(_served_in_time(record, step) for step in closed), len(closed)


def _served_in_time(record: Record, step: Step) -> bool:
    ended = next(row for row in step.before if row.from_state == Life.IN_SERVICE and row.to_state == Life.SERVED)
    clock = record.clock(step.thing, "T5", ended.at)
    return clock is not None and ended.at <= clock.due_at


@figure("解决率", "solved", "时段内办结的请求中，回访满意或基本满意、且此后未重开的；未接通不算解决")
def solved(record: Record) -> Figure:
    """Of requests closed as done, those called back satisfied or basically, and not taken up again.

    Whoever could not be reached has not said that it is solved.
    """
    closed = list(record.requests_that(Life.CALLBACK, Life.CLOSED))
    good = (CallbackResult.SATISFIED, CallbackResult.BASICALLY)
    return sum(not step.taken_up_again and step.thing.callback in good for step in closed), len(closed)


@figure("参评率", "rated", "时段内完成的服务中，居民评过的")
def rated(record: Record) -> Figure:
    """Of services that ended, those that were rated since."""
    ended = list(_services(record))
    return sum(_is_rated(step) for step in ended), len(ended)


@figure("满意率", "satisfied", "时段内完成且已评的服务中，四星或五星、且此后未重开的；未评不算满意")
def satisfied(record: Record) -> Figure:
    """Of services that ended and were rated, those with 4 or 5 stars that were not taken up again."""
    told = [step for step in _services(record) if _is_rated(step)]
    return sum(not step.taken_up_again and (step.thing.stars or 0) >= SATISFIED_FROM for step in told), len(told)


@figure("重开", "reopened", "时段内完成的服务中，此后被重开的")
def reopened(record: Record) -> Figure:
    """Of services that ended, those that were taken up again since."""
    ended = list(_services(record))
    return sum(step.taken_up_again for step in ended), len(ended)


def _services(record: Record) -> Iterator[Step]:
    return record.requests_that(Life.IN_SERVICE, Life.SERVED)


def _is_rated(step: Step) -> bool:
    """Served is left by a rating or when the time for it is over: who did it tells which."""
    left = next((row for row in step.after if row.to_state == Life.CALLBACK), None)
    return left is not None and by_person(left)


# Not done


@figure("暂未满足", "unmet", "时段末未结的请求中，派过三轮仍无人、或约定时间已全部过去而无人的")
def unmet(record: Record) -> Figure:
    """Of requests open at the end of the period, those offered three times with nobody, or past all their windows."""
    still_open = [step for step in record.at_the_end() if step.row.to_state != Life.CLOSED]
    return sum(_is_unmet(record, step) for step in still_open), len(still_open)


def _is_unmet(record: Record, step: Step) -> bool:
    waves = 0
    for row in (step.row, *step.before):
        if is_reopening(row):
            break
        waves += row.from_state == Life.TRIAGED and row.to_state == Life.DISPATCHED
    ends = [window.ends_at for window in step.thing.windows]
    return is_unmet(step.row.to_state, waves, ends, min(record.end, record.now))


# Volunteers


@figure("拒单", "declined offers", "时段内发出的派单中，被拒的")
def declined(record: Record) -> Figure:
    """Of offers made, those that were declined."""
    return _offers_that(record, Seat.DECLINED)


@figure("超时未接", "expired offers", "时段内发出的派单中，超时无人应答的")
def expired(record: Record) -> Figure:
    """Of offers made, those that nobody answered in time."""
    return _offers_that(record, Seat.EXPIRED)


def _offers_that(record: Record, became: str) -> Figure:
    offers = list(record.seats_that(Seat.OFFERED))
    return sum(any(row.to_state == became for row in step.after) for step in offers), len(offers)


@figure("未到", "no-shows", "时段内应到的（已签到的与未到的）席位中，未到的")
def no_shows(record: Record) -> Figure:
    """Of those who were to come (checked in, or did not), those who did not."""
    gone = {
        step.thing.id for step in record.seats_that(Seat.WITHDRAWN) if step.thing.ended_because == EndedBecause.NO_SHOW
    }
    came = {step.thing.id for step in record.seats_that(Seat.CHECKED_IN)}
    return len(gone), len(gone | came)


@figure("服务时长（小时）", "hours of service", "时段内完成的席位，志愿者所报分钟数之和")
def hours(record: Record) -> Figure:
    """The minutes that volunteers reported of seats done, in hours."""
    return _hours(sum(seat.minutes or 0 for seat in _done(record))), None


@figure("服务人次", "person-times", "时段内完成的席位，所报服务人数之和")
def person_times(record: Record) -> Figure:
    """How many people were helped, once for each seat done."""
    return sum(seat.people or 0 for seat in _done(record)), None


@figure("上岗志愿者", "volunteers who served", "时段末可派的与时段内完成过服务的志愿者中，完成过服务的")
def served_by(record: Record) -> Figure:
    """Of volunteers on the roster at the end of the period, or who served in it, those who served."""
    served = {seat.volunteer_id for seat in _done(record)}
    return len(served), len(served | record.on_roster)


@figure("路程（公里）", "distance in km", "时段内上岗者每日从家到各处、再回家的直线距离之和")
def distance(record: Record) -> Figure:
    """From home to each place of the day and home again, as the crow flies, of all who served."""
    rounds: dict[tuple[int, date], list[AssignmentRow]] = defaultdict(list)
    for seat in _done(record):
        rounds[seat.volunteer_id, seat.starts_at.astimezone(record.zone).date()].append(seat)
    return round(sum(_round_km(record, person, seats) for (person, _), seats in rounds.items()), 1), None


def _round_km(record: Record, person: int, seats: list[AssignmentRow]) -> float:
    home = here = _point(record.volunteers[person].at)
    km = 0.0
    for seat in sorted(seats, key=lambda seat: (seat.starts_at, seat.id)):
        at, end_at = record.places[seat.request_id]
        km += great_circle_km(here, _point(at))
        here = _point(end_at or at)
    return km + great_circle_km(here, home)


@figure("最忙四分之一", "borne by the busiest quarter", "全部服务时长中，最忙的四分之一上岗者承担的；均等时为 25%")
def busiest_quarter(record: Record) -> Figure:
    """Of all hours, those of the busiest quarter of volunteers who served: 25% where all bear the same."""
    minutes: dict[int, int] = defaultdict(int)
    for seat in _done(record):
        minutes[seat.volunteer_id] += seat.minutes or 0
    busiest = sorted(minutes.values(), reverse=True)[: math.ceil(len(minutes) / 4)]
    return _hours(sum(busiest)), _hours(sum(minutes.values()))


def _done(record: Record) -> Iterator[AssignmentRow]:
    return (step.thing for step in record.seats_that(Seat.DONE))


def _hours(minutes: int) -> float:
    return round(minutes / 60, 2)


def _point(at: list[float]) -> tuple[float, float]:
    lon, lat = at
    return lon, lat
