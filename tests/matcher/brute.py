"""A third opinion for tiny instances: every crew, every order of visits, every promise kept or not.

Given crews, orders, the window each request starts in and the promises that are to be kept, every remaining rule says
"this start is at least so many minutes after that one", so there is one earliest solution, found by raising starts
until nothing moves; it is also the least late. Shares no code with judge, oracle or engine but the vocabulary.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations, product

from matcher import Instance, Request
from matcher.eligibility import settled_requests

Place = tuple[int, int]
"""A volunteer and one of their intervals, by number."""

Crew = dict[int, Place]
"""Seat -> who fills it, in which interval."""


@dataclass(frozen=True)
class Promise:
    """An entry of the plan in force or a pin, and what keeping it saves."""

    request: str
    volunteer: str
    seat: int | None
    first: int | None
    last: int | None
    points: int
    begun: bool


def cheapest(instance: Instance) -> int:
    """The cost of the best plan, by trying them all."""
    hopeless = {r.id for r in settled_requests(instance)}
    choices = [[{}] if r.id in hopeless else list(_crews(instance, r)) for r in instance.requests]
    promises = list(_promises(instance))
    whole = sum(p.points for p in promises)
    best: int | None = None
    ranked = []
    for crews in product(*choices):
        for orders in _orders(crews):
            fixed = _fixed_cost(instance, crews, orders)
            if fixed is not None:
                ranked.append((fixed, len(ranked), crews, orders))
    ranked.sort(key=lambda one: one[:2])
    for fixed, _, crews, orders in ranked:
        able = [p for p in promises if _could_keep(instance, p, crews)]
        if best is not None and fixed + whole - sum(p.points for p in able) >= best:
            continue
        for kept in product((True, False), repeat=len(able)):
            held = [p for p, keep in zip(able, kept, strict=True) if keep]
            points = fixed + whole - sum(p.points for p in held)
            if best is not None and points >= best:
                continue
            late = _least_lateness(instance, crews, orders, held)
            if late is not None and (best is None or points + late < best):
                best = points + late
    assert best is not None
    return best


def _crews(instance: Instance, request: Request) -> Iterator[Crew]:
    """Nobody, or every way to fill the required seats and any of the optional ones with different people."""
    yield {}
    options = []
    for seat in request.seats:
        fitting: list[Place | None] = [
            (v, i)
            for v, person in enumerate(instance.volunteers)
            for i, interval in enumerate(person.availability)
            if person.id not in request.forbidden
            and all(person.skills.get(skill, 0) >= level for skill, level in seat.skills.items())
            and _near(instance, request, v, i)
        ]
        options.append([*fitting, None] if seat.optional else fitting)
    for crew in product(*options):
        people = [place[0] for place in crew if place is not None]
        if len(set(people)) == len(people):
            yield {k: place for k, place in enumerate(crew) if place is not None}


def _near(instance: Instance, request: Request, v: int, i: int) -> bool:
    from geopy.distance import great_circle

    person = instance.volunteers[v]
    home = person.availability[i].at or person.at
    if person.radius_km is None or isinstance(home, str):
        return True
    return great_circle(home[::-1], request.at[::-1]).km <= person.radius_km + 1e-9


def _orders(crews: tuple[Crew, ...]) -> Iterator[dict[Place, tuple[tuple[int, int], ...]]]:
    """Every order of the visits (request, seat) of every trip."""
    trips: dict[Place, list[tuple[int, int]]] = {}
    for r, crew in enumerate(crews):
        for k, place in crew.items():
            trips.setdefault(place, []).append((r, k))
    places = list(trips)
    for orders in product(*(permutations(trips[place]) for place in places)):
        yield dict(zip(places, orders, strict=True))


def _legs(instance: Instance, place: Place, order: tuple[tuple[int, int], ...]) -> list[int]:
    v, i = place
    person = instance.volunteers[v]
    interval = person.availability[i]
    home, mode = interval.at or person.at, interval.mode or person.mode
    here, legs = home, []
    for r, _ in order:
        request = instance.requests[r]
        legs.append(instance.travel.minutes(here, request.at, mode))
        here = request.end_at or request.at
    return [*legs, instance.travel.minutes(here, home, mode)]


def _minutes(instance: Instance, r: int, k: int) -> int:
    request = instance.requests[r]
    return request.seats[k].minutes or request.minutes


def _fixed_cost(instance: Instance, crews: tuple[Crew, ...], orders: dict) -> int | None:
    """Everything that does not depend on starts; None where a cap is exceeded."""
    weights, points = instance.weights, 0
    for request, crew in zip(instance.requests, crews, strict=True):
        if not crew:
            points += weights.unserved[request.priority]
            continue
        points += weights.optional_seat * (len(request.seats) - len(crew))
        for v, _ in crew.values():
            person = instance.volunteers[v]
            if request.partners and person.id not in request.partners:
                points += weights.continuity
            points += request.affinity.get(person.id, 0)
            points += sum(n for skill, n in request.wishes.items() if skill not in person.skills)
    for v, person in enumerate(instance.volunteers):
        total, days, counts = 0, {}, {}
        for (w, i), order in orders.items():
            if w == v:
                legs = _legs(instance, (v, i), order)
                points += weights.travel * sum(legs)
                busy = sum(legs) + sum(_minutes(instance, r, k) for r, k in order)
                day = instance.moment(person.availability[i].start).date()
                days[day] = days.get(day, 0) + busy
                counts[day] = counts.get(day, 0) + len(order)
                total += busy
        if person.max_minutes is not None and total > person.max_minutes:
            return None
        if any(person.max_minutes_per_day is not None and n > person.max_minutes_per_day for n in days.values()):
            return None
        if any(person.max_requests_per_day is not None and n > person.max_requests_per_day for n in counts.values()):
            return None
        points += _curve(weights.fairness, person.target_minutes, person.history_minutes + total)
        points -= _curve(weights.fairness, person.target_minutes, person.history_minutes)
    return points


def _curve(slopes: tuple[int, int, int], target: int, load: int) -> int:
    """The price of a load, minute by minute."""
    return sum(
        slopes[0] * (minute > target) + slopes[1] * (minute > target * 3 // 2) + slopes[2] * (minute > target * 2)
        for minute in range(1, load + 1)
    )


def _promises(instance: Instance) -> Iterator[Promise]:
    there = {request.id for request in instance.requests}
    for entry in instance.published:
        soon = instance.now is not None and entry.start < instance.now + 1440
        points = instance.weights.stability * (2 if soon else 1) * (entry.request in there)
        yield Promise(entry.request, entry.volunteer, None, entry.start - 30, entry.start + 30, points, False)
    for pin in instance.pinned:
        named = pin.start is not None
        yield Promise(pin.request, pin.volunteer, pin.seat, pin.start, pin.start, instance.weights.pin, named)


def _seat_of(instance: Instance, promise: Promise, crews: tuple[Crew, ...]) -> tuple[int, int] | None:
    """The (request, seat) this person fills where the promise wants them."""
    for r, request in enumerate(instance.requests):
        for k, (v, _) in crews[r].items():
            same = (request.id, instance.volunteers[v].id) == (promise.request, promise.volunteer)
            if same and promise.seat in (None, k):
                return r, k
    return None


def _could_keep(instance: Instance, promise: Promise, crews: tuple[Crew, ...]) -> bool:
    return _seat_of(instance, promise, crews) is not None


def _least_lateness(instance: Instance, crews: tuple[Crew, ...], orders: dict, held: list[Promise]) -> int | None:
    """The least lateness of these crews in these orders with these promises kept, over all choices of windows."""
    served = [r for r, crew in enumerate(crews) if crew]
    best: int | None = None
    for windows in product(*(instance.requests[r].windows for r in served)):
        starts = _earliest(instance, crews, orders, held, dict(zip(served, windows, strict=True)))
        if starts is not None:
            late = sum(_late(instance, r, starts[r, 0]) for r in served)
            best = late if best is None else min(best, late)
    return best


def _late(instance: Instance, r: int, start: int) -> int:
    request = instance.requests[r]
    if request.due is None:
        return 0
    end = max(start + seat.lag[0] + (seat.minutes or request.minutes) for seat in request.seats if not seat.optional)
    return instance.weights.late * max(0, end - request.due)


def _earliest(instance: Instance, crews, orders, held, windows) -> dict[tuple[int, int], int] | None:
    """Raise every start to what the rules ask for until nothing moves; None when a latest start is passed."""
    first: dict[tuple[int, int], int] = {}
    last: dict[tuple[int, int], int] = {}
    after: list[tuple[tuple[int, int], tuple[int, int], int]] = []  # one starts at least n minutes after another
    begun = set()
    for r, window in windows.items():
        for k in crews[r]:
            low, high = instance.requests[r].seats[k].lag
            first[r, k], last[r, k] = -(10**9), 10**9
            after += [((r, 0), (r, k), low), ((r, k), (r, 0), -high)]
        first[r, 0], last[r, 0] = max(0, window.start), min(instance.horizon_end, window.end)
    for promise in held:
        seat = _seat_of(instance, promise, crews)
        if promise.first is not None:
            first[seat], last[seat] = max(first[seat], promise.first), min(last[seat], promise.last)
        if promise.begun:
            begun.add(seat)
    for (v, i), order in orders.items():
        interval, legs = instance.volunteers[v].availability[i], _legs(instance, (v, i), order)
        first[order[0]] = max(first[order[0]], interval.start + legs[0])
        ending = order[-1]
        last[ending] = min(last[ending], interval.end - legs[-1] - _minutes(instance, *ending))
        for visit, leg in zip(order, legs, strict=False):
            if instance.now is not None and visit not in begun:
                first[visit] = max(first[visit], instance.now + leg)
        for one, two, leg in zip(order, order[1:], legs[1:], strict=False):
            after.append((one, two, _minutes(instance, *one) + leg))
    moved = True
    while moved:
        moved = False
        for one, two, minutes in after:
            if first[one] + minutes > first[two]:
                first[two], moved = first[one] + minutes, True
                if first[two] > last[two]:
                    return None
    return first if all(first[visit] <= last[visit] for visit in first) else None
