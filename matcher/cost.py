"""What a plan costs, piece by piece (FORMAT.md, Cost). Judge and engines add these up, each in its own way."""

from __future__ import annotations

from collections.abc import Iterable

from matcher.instance import Instance, Pinned, Published, Request, Volunteer, Weights
from matcher.plan import Assignment

STABLE_MINUTES = 30
SOON_MINUTES = 24 * 60


def late_points(instance: Instance, request: Request, start: int) -> int:
    """What it costs that the request's required work, started at `start`, ends after its due time."""
    if request.due is None:
        return 0
    end = start + max(request.seats[k].lag[0] + request.seat_minutes(k) for k in request.required_seats)
    return instance.weights.late * max(0, end - request.due)


def load_points(weights: Weights, target: int, load: int) -> int:
    """The price of a person's load (history, service, travel minutes) above the fair target: convex, three steps."""
    one, two, three = weights.fairness
    return one * max(0, load - target) + two * max(0, load - target * 3 // 2) + three * max(0, load - target * 2)


def fairness_points(weights: Weights, volunteer: Volunteer, minutes: int) -> int:
    """What this plan's minutes add to the price of a person's load."""
    before, target = volunteer.history_minutes, volunteer.target_minutes
    return load_points(weights, target, before + minutes) - load_points(weights, target, before)


def continuity_points(weights: Weights, request: Request, volunteer: Volunteer) -> int:
    """The price of a stranger where the resident named people they know."""
    return weights.continuity if request.partners and volunteer.id not in request.partners else 0


def affinity_points(request: Request, volunteer: Volunteer) -> int:
    """Dislike or habit as given, and the wishes this person cannot fulfil."""
    unmet = sum(points for skill, points in request.wishes.items() if skill not in volunteer.skills)
    return request.affinity.get(volunteer.id, 0) + unmet


def disturbance_points(instance: Instance, entry: Published) -> int:
    """The price of not keeping this entry of the plan in force: nothing once its request is gone, double when soon."""
    if entry.request not in instance.request_index:
        return 0
    soon = instance.now is not None and entry.start < instance.now + SOON_MINUTES
    return instance.weights.stability * (2 if soon else 1)


def keeps_published(assignment: Assignment, entry: Published) -> bool:
    """Whether this assignment is what the volunteer was told, give or take half an hour, in whichever seat."""
    same = (assignment.request, assignment.volunteer) == (entry.request, entry.volunteer)
    return same and abs(assignment.start - entry.start) <= STABLE_MINUTES


def keeps_pin(assignment: Assignment, pin: Pinned) -> bool:
    """Whether this assignment is the pinned one, in the seat and at the start the pin names."""
    return (
        (assignment.request, assignment.volunteer) == (pin.request, pin.volunteer)
        and pin.seat in (None, assignment.seat)
        and pin.start in (None, assignment.start)
    )


def broken_pins(instance: Instance, assignments: Iterable[Assignment]) -> tuple[Pinned, ...]:
    """The pins that a plan does not keep."""
    made = {(a.request, a.volunteer): a for a in assignments}
    found = ((pin, made.get((pin.request, pin.volunteer))) for pin in instance.pinned)
    return tuple(pin for pin, a in found if a is None or not keeps_pin(a, pin))
