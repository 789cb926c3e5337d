"""Who could fill which seat, when, and why not: for one visit alone, with no other request in the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from matcher.instance import Availability, Instance, Request, Volunteer
from matcher.plan import Reason
from matcher.travel import great_circle_km

RADIUS_TOLERANCE_KM = 1e-9

WHY_NOT = {
    "forbidden": ("不得派给这位居民", "not to be sent to this resident"),
    "skill_missing": ("没有技能 {skill}", "without the skill {skill}"),
    "skill_level": ("技能 {skill} 级别不够", "with too low a level of {skill}"),
    "outside_radius": ("超出服务半径", "living outside the radius"),
    "not_free": ("所求时段没空", "not free in the windows asked for"),
    "no_time_to_travel": ("来回路程放不进空闲时段", "without time for the way there and back"),
    "over_cap": ("单这一次就超过本人上限", "over the own cap by this visit alone"),
    "too_late_now": ("现在出发已来不及", "too late to get there any more"),
}
"""Why one person cannot fill one seat, in the order in which it is asked."""


@dataclass(frozen=True, slots=True)
class StartRange:
    """Seat starts from `earliest` to `latest` that one person could keep in their interval number `interval`."""

    interval: int
    earliest: int
    latest: int


def request_starts(instance: Instance, request: Request) -> list[tuple[int, int]]:
    """The starts the request allows: its windows cut to the horizon, merged, in order."""
    spans = ((max(0, w.start), min(instance.horizon_end, w.end)) for w in request.windows)
    return merged((a, b) for a, b in spans if a <= b)


def merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Closed spans of minutes in order, those that touch or overlap made one."""
    result: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if result and start <= result[-1][1] + 1:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result


def seat_starts(instance: Instance, request: Request, seat: int, volunteer: Volunteer) -> list[StartRange]:
    """All seat starts at which this person could serve this seat and nothing else; empty when not eligible."""
    if _unfit(request, seat, volunteer) is not None:
        return []
    ranges = []
    spans = seat_spans(instance, request, seat)
    for i in range(len(volunteer.availability)):
        ranges.extend(_ranges(instance, request, seat, volunteer, i, spans))
    return ranges


def why_not(instance: Instance, request: Request, seat: int, volunteer: Volunteer) -> Reason | None:
    """Why this person cannot fill this seat even with nothing else to do; None when they can."""
    unfit = _unfit(request, seat, volunteer)
    if unfit is not None:
        return unfit
    if seat_starts(instance, request, seat, volunteer):
        return None
    spans = seat_spans(instance, request, seat)
    stages = [_obstacle(instance, request, seat, volunteer, interval, spans) for interval in volunteer.availability]
    order = list(WHY_NOT)
    return _reason(max(stages, key=order.index, default="not_free"))


def count_why_not(instance: Instance, request: Request, seat: int) -> tuple[int, Counter[Reason]]:
    """How many people could fill this seat, and for all others how many for which reason."""
    able, reasons = 0, Counter[Reason]()
    for volunteer in instance.volunteers:
        reason = why_not(instance, request, seat, volunteer)
        if reason is None:
            able += 1
        else:
            reasons[reason] += 1
    return able, reasons


def servable_alone(instance: Instance, request: Request, among: Iterable[int] | None = None) -> bool:
    """Whether different people could fill every required seat at one start if there were no other request.

    `among`: numbers of the volunteers who come into question, where the others are known not to.
    """
    seats = request.required_seats
    options: list[tuple[int, int, int, int]] = []  # request start from, to, index into seats, volunteer
    tried = 0
    for v in range(len(instance.volunteers)) if among is None else among:
        options.extend(_start_options(instance, request, seats, v, instance.volunteers[v]))
        if len(options) >= max(len(seats), 2 * tried):
            tried = len(options)
            if _some_start_fills_all(instance, request, len(seats), options):
                return True
    return len(options) > tried and _some_start_fills_all(instance, request, len(seats), options)


def settled_requests(instance: Instance) -> tuple[Request, ...]:
    """The requests nobody can serve, whatever else is planned."""
    return tuple(request for request in instance.requests if not servable_alone(instance, request))


def settled_points(instance: Instance) -> int:
    """The unserved price of the requests nobody can serve: the least any plan costs."""
    return sum(instance.weights.unserved[request.priority] for request in settled_requests(instance))


def within_radius(instance: Instance, request: Request, volunteer: Volunteer, interval: Availability) -> bool:
    """Whether the request lies within the distance this person goes from where this trip starts."""
    if volunteer.radius_km is None:
        return True
    origin = volunteer.origin_of(interval)
    if isinstance(origin, str) or isinstance(request.at, str):
        return True
    return great_circle_km(origin, request.at) <= volunteer.radius_km + RADIUS_TOLERANCE_KM


def lacking(request: Request, seat: int, volunteer: Volunteer) -> str | None:
    """The first skill of the seat this person does not have at its level."""
    wanted = request.seats[seat].skills
    return next((skill for skill, level in wanted.items() if volunteer.skills.get(skill, 0) < level), None)


def _unfit(request: Request, seat: int, volunteer: Volunteer) -> Reason | None:
    if volunteer.id in request.forbidden:
        return _reason("forbidden")
    skill = lacking(request, seat, volunteer)
    if skill is None:
        return None
    return _reason("skill_level" if skill in volunteer.skills else "skill_missing", skill=skill)


def _reason(code: str, **params: str) -> Reason:
    zh, en = WHY_NOT[code]
    return Reason(code, zh.format(**params), en.format(**params))


def seat_spans(instance: Instance, request: Request, seat: int) -> list[tuple[int, int]]:
    """The seat starts that the request's own starts and the seat's lag allow."""
    low, high = request.seats[seat].lag
    return merged((a + low, b + high) for a, b in request_starts(instance, request))


def _ranges(
    instance: Instance, request: Request, seat: int, volunteer: Volunteer, i: int, spans: Sequence[tuple[int, int]]
) -> list[StartRange]:
    interval = volunteer.availability[i]
    last = interval.end - request.seat_minutes(seat)
    free_then = any(max(a, interval.start) <= min(b, last) for a, b in spans)
    if not free_then or not within_radius(instance, request, volunteer, interval):
        return []
    ways = _ways(instance, request, volunteer, interval)
    free = free_starts(instance, request, seat, volunteer, interval, ways, spans)
    pinned = pinned_start(instance, request, seat, volunteer, interval, ways, spans)
    if pinned is not None and not any(a <= pinned <= b for a, b in free):
        free.insert(0, (pinned, pinned))
    return [StartRange(i, a, b) for a, b in free]


def free_starts(
    instance: Instance,
    request: Request,
    seat: int,
    volunteer: Volunteer,
    interval: Availability,
    ways: tuple[int, int],
    spans: Sequence[tuple[int, int]],
) -> list[tuple[int, int]]:
    """Seat starts among `spans` that fit a trip of this visit alone, begun now or later; `ways` is there and back."""
    there, back = ways
    minutes = request.seat_minutes(seat)
    if _over_cap(volunteer, there + minutes + back):
        return []
    leave = interval.start if instance.now is None else max(interval.start, instance.now)
    cut = ((max(a, leave + there), min(b, interval.end - back - minutes)) for a, b in spans)
    return [(a, b) for a, b in cut if a <= b]


def pinned_start(
    instance: Instance,
    request: Request,
    seat: int,
    volunteer: Volunteer,
    interval: Availability,
    ways: tuple[int, int],
    spans: Sequence[tuple[int, int]],
) -> int | None:
    """The start this person is pinned to in this seat, if a trip of this visit alone can keep it, `now` or no `now`."""
    pin = instance.pin_of.get((request.id, volunteer.id))
    if pin is None or pin.start is None or pin.seat not in (None, seat):
        return None
    there, back = ways
    minutes = request.seat_minutes(seat)
    fits = interval.start + there <= pin.start <= interval.end - back - minutes
    allowed = any(a <= pin.start <= b for a, b in spans)
    return pin.start if fits and allowed and not _over_cap(volunteer, there + minutes + back) else None


def _ways(instance: Instance, request: Request, volunteer: Volunteer, interval: Availability) -> tuple[int, int]:
    origin, mode = volunteer.origin_of(interval), volunteer.mode_of(interval)
    there = instance.travel.minutes(origin, request.at, mode)
    return there, instance.travel.minutes(request.leaves_from, origin, mode)


def _over_cap(volunteer: Volunteer, minutes: int) -> bool:
    caps = [cap for cap in (volunteer.max_minutes_per_day, volunteer.max_minutes) if cap is not None]
    return volunteer.max_requests_per_day == 0 or any(minutes > cap for cap in caps)


def _obstacle(
    instance: Instance,
    request: Request,
    seat: int,
    volunteer: Volunteer,
    interval: Availability,
    spans: Sequence[tuple[int, int]],
) -> str:
    """The first thing that stands in the way in this interval."""
    minutes = request.seat_minutes(seat)
    if not within_radius(instance, request, volunteer, interval):
        return "outside_radius"
    first, last = interval.start, interval.end - minutes
    if not any(max(a, first) <= min(b, last) for a, b in spans):
        return "not_free"
    there, back = _ways(instance, request, volunteer, interval)
    if not any(max(a, first + there) <= min(b, last - back) for a, b in spans):
        return "no_time_to_travel"
    if _over_cap(volunteer, there + minutes + back):
        return "over_cap"
    return "too_late_now"


def _start_options(
    instance: Instance, request: Request, seats: Sequence[int], v: int, volunteer: Volunteer
) -> list[tuple[int, int, int, int]]:
    """Request starts at which this person could be in a seat: (from, to, index into `seats`, volunteer)."""
    options = []
    for index, seat in enumerate(seats):
        low, high = request.seats[seat].lag
        for span in seat_starts(instance, request, seat, volunteer):
            options.append((span.earliest - high, span.latest - low, index, v))
    return options


def _some_start_fills_all(
    instance: Instance, request: Request, seats: int, options: Sequence[tuple[int, int, int, int]]
) -> bool:
    """Moving a start that works earlier until someone would drop out ends at the beginning of an option or a window."""
    if len({index for _, _, index, _ in options}) < seats:
        return False
    spans = request_starts(instance, request)
    starts = {a for a, _ in spans} | {option[0] for option in options}
    for start in sorted(s for s in starts if any(a <= s <= b for a, b in spans)):
        able: list[list[int]] = [[] for _ in range(seats)]
        for first, last, index, v in options:
            if first <= start <= last:
                able[index].append(v)
        if all(able) and distinct(able) is not None:
            return True
    return False


def distinct(able: Sequence[Sequence[int]]) -> list[int] | None:
    """One different member of each list, or None: bipartite matching by augmenting paths."""
    holder: dict[int, int] = {}

    def place(seat: int, seen: set[int]) -> bool:
        for v in able[seat]:
            if v not in seen:
                seen.add(v)
                if v not in holder or place(holder[v], seen):
                    holder[v] = seat
                    return True
        return False

    for seat in sorted(range(len(able)), key=lambda k: len(able[k])):
        if not place(seat, set()):
            return None
    chosen = {seat: v for v, seat in holder.items()}
    return [chosen[seat] for seat in range(len(able))]
