"""What the random instances reach: a feature that is never drawn is a feature that is never tried."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

import pytest

from matcher import Assignment, Instance, MatrixTravel, Plan, solve
from tests.matcher.meeting import drawn

EVERYTHING = {
    "matrix", "straight", "a detour is quicker", "now", "published half an hour off", "somebody has left",
    "a request is over", "partners", "forbidden", "affinity", "wishes", "due", "end_at", "a fixed start", "two windows",
    "a team", "optional seat", "lag range", "own minutes", "radius", "two intervals that touch", "over midnight",
    "own place", "own mode", "visits a day", "minutes a day", "minutes", "target 0", "history above target",
    "nobody can", "served late", "a seat left empty", "a seat of choice filled", "lag at its least", "lag at its most",
    "back to back", "leaves at once", "back in the last minute", "a pin kept", "a pin broken", "begun before now",
    "in force kept", "in force given up", "two visits a trip", "a cap just met",
}  # fmt: skip


@pytest.mark.prove("oracle")
def test_the_random_instances_reach_everything(record_property):
    """Of 700 instances and their best plans, each feature and each edge is there at least once."""
    seen: Counter[str] = Counter()
    for day in drawn(700, 4, 3):
        plan = solve(day, seconds=60, engine="exact", threads=1)
        seen.update(set(asked(day)) | set(planned(day, plan)))
    assert EVERYTHING - set(seen) == set()
    record_property("rarest", ", ".join(f"{name} {count}" for name, count in seen.most_common()[-3:]))


def asked(day: Instance) -> Iterator[str]:
    """What an instance has."""
    if isinstance(day.travel, MatrixTravel):
        table = day.travel.table_of_minutes
        yield "matrix"
        if (table[:, :, None] + table[None, :, :] < table[:, None, :]).any():
            yield "a detour is quicker"
    else:
        yield "straight"
    if day.now is not None:
        yield "now"
    for entry in day.published:
        if entry.volunteer not in day.volunteer_index:
            yield "somebody has left"
        if entry.request not in day.request_index:
            yield "a request is over"
        elif any(abs(entry.start - w.start) == 30 for w in day.request(entry.request).windows):
            yield "published half an hour off"
    for wanted in day.requests:
        yield from (name for name in ("partners", "forbidden", "affinity", "wishes") if getattr(wanted, name))
        yield from (name for name in ("due", "end_at") if getattr(wanted, name) is not None)
        features = {
            "a fixed start": any(w.start == w.end for w in wanted.windows),
            "two windows": len(wanted.windows) > 1,
            "a team": len(wanted.required_seats) > 1,
            "optional seat": any(seat.optional for seat in wanted.seats),
            "lag range": any(seat.lag[0] < seat.lag[1] for seat in wanted.seats),
            "own minutes": any(seat.minutes is not None for seat in wanted.seats),
        }
        yield from (name for name, there in features.items() if there)
    for person in day.volunteers:
        features = {
            "radius": person.radius_km is not None,
            "two intervals that touch": any(a.end == b.start for a, b in pairwise(person.availability)),
            "over midnight": any(a.start < 1440 < a.end for a in person.availability),
            "own place": any(a.at not in (None, person.at) for a in person.availability),
            "own mode": any(a.mode not in (None, person.mode) for a in person.availability),
            "visits a day": person.max_requests_per_day is not None,
            "minutes a day": person.max_minutes_per_day is not None,
            "minutes": person.max_minutes is not None,
            "target 0": person.target_minutes == 0,
            "history above target": person.history_minutes > person.target_minutes,
        }
        yield from (name for name, there in features.items() if there)


def planned(day: Instance, plan: Plan) -> Iterator[str]:
    """What its best plan does."""
    if plan.settled:
        yield "nobody can"
    if plan.terms["late"]:
        yield "served late"
    if plan.broken_pins:
        yield "a pin broken"
    if day.published and plan.terms["stability"]:
        yield "in force given up"
    for id, crew in plan.by_request().items():
        wanted = day.request(id)
        start = next(a.start for a in crew if a.seat == 0)
        if len(crew) < len(wanted.seats):
            yield "a seat left empty"
        for a in crew:
            low, high = wanted.seats[a.seat].lag
            if wanted.seats[a.seat].optional:
                yield "a seat of choice filled"
            if low < high and a.start - start in (low, high):
                yield "lag at its least" if a.start - start == low else "lag at its most"
            pin, entry = day.pin_of.get((id, a.volunteer)), day.published_of.get((id, a.volunteer))
            if pin is not None and pin not in plan.broken_pins:
                yield "a pin kept"
                if day.now is not None and a.start < day.now:
                    yield "begun before now"
            if entry is not None and abs(entry.start - a.start) <= 30:
                yield "in force kept"
    for id, visits in plan.by_volunteer().items():
        yield from _walked(day, id, visits)


def _walked(day: Instance, id: str, visits: list[Assignment]) -> Iterator[str]:
    person, busy = day.volunteer(id), 0
    for interval in person.availability:
        here, free, first = person.origin_of(interval), interval.start, True
        for visit in (v for v in visits if interval.start <= v.start and v.end <= interval.end):
            wanted = day.request(visit.request)
            leg = day.travel.minutes(here, wanted.at, person.mode_of(interval))
            if not first:
                yield "two visits a trip"
            if free + leg == visit.start:
                yield "leaves at once" if first else "back to back"
            here, free, first = wanted.leaves_from, visit.end, False
            busy += leg + visit.end - visit.start
        if not first:
            back = day.travel.minutes(here, person.origin_of(interval), person.mode_of(interval))
            busy += back
            if free + back == interval.end:
                yield "back in the last minute"
    if busy in (person.max_minutes, person.max_minutes_per_day):
        yield "a cap just met"
