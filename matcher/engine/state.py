"""A plan in the making: every trip, every crew, the cost so far, and the way back from any change."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from matcher import cost
from matcher.eligibility import distinct
from matcher.engine.options import Option, Tables
from matcher.engine.old_trips import Slot, Trip, Visit, late_if_single, make_trip, slots, visit_of, with_visit
from matcher.plan import TERMS, Assignment

INFINITE = float("inf")
CANDIDATES = 60
"""How many of the cheapest people for a seat are looked at before all of them are."""


class Crew:
    """Who fills which seat of a request: interval by seat. A crew of several has a common start, `start`."""

    __slots__ = ("late", "seats", "start")

    def __init__(self, seats: dict[int, int], start: int, late: int) -> None:
        self.seats, self.start, self.late = seats, start, late


class Choice:
    """The cheapest way found to serve a request: its points, its start, and a slot for each required seat.

    Of a single seat it also knows who that is, and the second best person with their points; of a crew, `rarity`: near
    1 when hardly anybody else could make one.
    """

    __slots__ = ("person", "points", "rarity", "runner_up", "seats", "second", "start")

    def __init__(
        self, points: float, second: float, start: int, seats: list[tuple[Option, Slot]], rarity: float = 0.0
    ) -> None:
        self.points, self.second, self.start, self.seats, self.rarity = points, second, start, seats, rarity
        self.person = self.runner_up = -1


class State:
    """All trips and crews. Every change is journalled until `keep` or `undo`."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        people = len(tables.volunteers)
        self.trips = [Trip(i) for i in range(len(tables.intervals))]
        self.load = [0] * people
        self.fairness = [0] * people
        self.token: list[object] = [object() for _ in range(people)]
        self.crews: list[Crew | None] = [None] * len(tables.requests)
        self.cost = sum(tables.price) + self._untouched()
        self._journal: list[tuple[Any, ...]] = []
        self._slots: dict[Option, tuple[object, list[Slot]]] = {}
        self._cheapest: dict[Option, tuple[object, float, Slot | None]] = {}
        self._spare = [0.0] * people

    def _untouched(self) -> int:
        """Stability and pins of a plan that keeps nothing."""
        instance = self.tables.instance
        disturbed = sum(cost.disturbance_points(instance, entry) for entry in instance.published)
        return disturbed + instance.weights.pin * len(instance.pinned)

    def spare_scarce_skills(self, points: float) -> None:
        """From now on, sending somebody with a rare skill to a seat that wants none counts as this much dearer."""
        self._spare = [points * min(1.0, rarity) for rarity in self.tables.scarcity]
        self._cheapest.clear()

    def slots(self, option: Option) -> list[Slot]:
        """Where this option fits now, caps included."""
        v = option.v
        token = self.token[v]
        known = self._slots.get(option)
        if known is not None and known[0] is token:
            return known[1]
        found = slots(self.tables, self.trips[option.i], option, self.load[v])
        person = self.tables.volunteers[v]
        if (
            person.max_requests_per_day is not None
            or person.max_minutes_per_day is not None
            or person.max_minutes is not None
        ):
            found = [slot for slot in found if self._within_caps(option, slot)]
        self._slots[option] = (token, found)
        return found

    def best(self, r: int) -> Choice | None:
        """The cheapest way to serve request `r` now; None when there is none."""
        if len(self.tables.requests[r].seats) == 1:
            return self._best_single(r)
        return self._best_crew(r)

    def best_again(self, r: int, choice: Choice, options: list[Option]) -> Choice | None:
        """`best` of a single seat after one person's trips changed, those of `options`."""
        if not choice.seats or options[0].v in (choice.person, choice.runner_up):
            return self._best_single(r)
        for option in options:
            self._consider(choice, option)
        return choice

    def serve(self, r: int, choice: Choice) -> None:
        """Put the chosen people to work, and more where an optional seat is worth it."""
        request = self.tables.requests[r]
        alone = len(request.seats) == 1
        seats = {}
        for option, slot in choice.seats:
            low, high = request.seats[option.k].lag
            allowed = None if alone else (choice.start + low, choice.start + high)
            trip = with_visit(self.tables, self.trips[option.i], option, slot, allowed)
            assert trip is not None, "a slot is a place where the visit fits"
            self._set_trip(trip)
            seats[option.k] = option.i
        self._enter(r, seats, choice.start)
        self._fill_optional(r)

    def _enter(self, r: int, seats: dict[int, int], start: int) -> None:
        """Count request `r` as served by these seats, whose trips are made already."""
        request = self.tables.requests[r]
        late = 0 if len(request.seats) == 1 else cost.late_points(self.tables.instance, request, start)
        missing = len(request.seats) - len(seats)
        points = late - self.tables.price[r] + missing * self.tables.instance.weights.optional_seat
        self._set_crew(r, Crew(seats, start, late), points)

    def drop(self, r: int) -> list[int]:
        """Leave request `r` unserved; returns it and whatever no longer fits without it on the way."""
        crew = self.crews[r]
        if crew is None:
            return []
        dropped = [r]
        request = self.tables.requests[r]
        missing = len(request.seats) - len(crew.seats)
        points = self.tables.price[r] - crew.late - missing * self.tables.instance.weights.optional_seat
        self._set_crew(r, None, points)
        for i in crew.seats.values():
            rest = [visit for visit in self.trips[i].visits if visit.option.r != r]
            trip = make_trip(self.tables, i, rest)
            if trip is not None and self._caps_hold_with(trip):
                self._set_trip(trip)
                continue
            others = [visit.option.r for visit in rest]
            self._set_trip(Trip(i))
            for other in others:
                dropped.extend(self._drop_rest(other, i))
        return dropped

    def _drop_rest(self, r: int, emptied: int) -> list[int]:
        """Drop a request whose visit in interval `emptied` is gone already."""
        crew = self.crews[r]
        if crew is None:
            return []
        seats = {k: i for k, i in crew.seats.items() if i != emptied}
        missing = len(crew.seats) - len(seats)
        points = missing * self.tables.instance.weights.optional_seat
        self._set_crew(r, Crew(seats, crew.start, crew.late), points)
        return self.drop(r)

    def people_of(self, r: int) -> list[int]:
        """Who serves request `r`."""
        crew = self.crews[r]
        return [] if crew is None else sorted({self.tables.intervals[i][0] for i in crew.seats.values()})

    def keep(self) -> None:
        """Make the changes since the last `keep` or `undo` final."""
        self._journal.clear()

    def undo(self) -> None:
        """Take back every change since the last `keep` or `undo`."""
        for kind, index, *old in reversed(self._journal):
            if kind == "trip":
                v = self.tables.intervals[index][0]
                self.trips[index], self.load[v], self.fairness[v], self.token[v], self.cost = old
            else:
                self.crews[index], self.cost = old
        self._journal.clear()

    def snapshot(self) -> tuple[list[Trip], list[Crew | None], int]:
        """What `restore` needs to come back here."""
        return list(self.trips), list(self.crews), self.cost

    def restore(self, snapshot: tuple[list[Trip], list[Crew | None], int]) -> None:
        """Go back to a snapshot."""
        trips, crews, _ = snapshot
        for i, trip in enumerate(trips):
            if trip is not self.trips[i]:
                self._set_trip(trip)
        self.crews, self.cost = list(crews), snapshot[2]
        self._journal.clear()

    def begin_from(self, assignments: Collection[Assignment]) -> bool:
        """Begin again from this plan. False, and nothing changed, where it holds what no visit alone could."""
        index = self.tables.instance.request_index
        starts = {index[a.request]: a.start for a in assignments if a.seat == 0}
        trips: dict[int, list[Visit]] = {}
        crews: dict[int, dict[int, int]] = {}
        for a in sorted(assignments, key=lambda a: a.start):
            visit = self._visit(a, starts[index[a.request]])
            if visit is None:
                return False
            trips.setdefault(visit.option.i, []).append(visit)
            crews.setdefault(visit.option.r, {})[a.seat] = visit.option.i
        other = State(self.tables)
        for i, visits in trips.items():
            trip = make_trip(self.tables, i, visits)
            if trip is None:
                return False
            other._set_trip(trip)
        for r, seats in crews.items():
            other._enter(r, seats, starts[r])
        self.restore(other.snapshot())
        return True

    def _visit(self, a: Assignment, start: int) -> Visit | None:
        """The visit an assignment makes, its request starting at `start`; a single visit stays free to move."""
        instance = self.tables.instance
        r, v = instance.request_index[a.request], instance.volunteer_index[a.volunteer]
        request = instance.requests[r]
        low, high = request.seats[a.seat].lag
        allowed = None if len(request.seats) == 1 else (start + low, start + high)
        for option in self.tables.options(r)[a.seat]:
            interval = self.tables.intervals[option.i][1]
            if option.v != v or not (interval.start <= a.start and a.end <= interval.end):
                continue
            holding = [one for one in option.variants if any(x <= a.start <= y for x, y in one.spans)]
            if holding:
                return visit_of(option, max(holding, key=lambda one: one.saving), allowed)
        return None

    def assignments(self) -> Iterator[Assignment]:
        """The plan as everybody else knows it."""
        for trip in self.trips:
            for visit, start in zip(trip.visits, trip.earliest, strict=True):
                option = visit.option
                request, person = self.tables.requests[option.r], self.tables.volunteers[option.v]
                yield Assignment(request.id, option.k, person.id, start, start + option.minutes)

    def terms(self) -> dict[str, int]:
        """The cost term by term, summed over trips and crews (the judge has its own way)."""
        tables, weights = self.tables, self.tables.instance.weights
        points = dict.fromkeys(TERMS, 0)
        points["stability"] = self._untouched() - weights.pin * len(tables.instance.pinned)
        points["pins"] = weights.pin * len(tables.instance.pinned)
        points["fairness"] = sum(self.fairness)
        for r, crew in enumerate(self.crews):
            if crew is None:
                points["unserved"] += tables.price[r]
            else:
                points["unserved"] += weights.optional_seat * (len(tables.requests[r].seats) - len(crew.seats))
                points["late"] += crew.late
        for trip in self.trips:
            points["travel"] += weights.travel * trip.travel
            for visit, start in zip(trip.visits, trip.earliest, strict=True):
                self._count_visit(points, visit.option, start)
        return points

    def _count_visit(self, points: dict[str, int], option: Option, start: int) -> None:
        tables, instance = self.tables, self.tables.instance
        request, person = tables.requests[option.r], tables.volunteers[option.v]
        points["continuity"] += cost.continuity_points(instance.weights, request, person)
        points["affinity"] += cost.affinity_points(request, person)
        points["late"] += late_if_single(tables, option.r, start)
        here = Assignment(request.id, option.k, person.id, start, start + option.minutes)
        entry = instance.published_of.get((request.id, person.id))
        if entry is not None and cost.keeps_published(here, entry):
            points["stability"] -= cost.disturbance_points(instance, entry)
        pin = instance.pin_of.get((request.id, person.id))
        if pin is not None and cost.keeps_pin(here, pin):
            points["pins"] -= instance.weights.pin

    def _set_trip(self, trip: Trip) -> None:
        old = self.trips[trip.i]
        v = self.tables.intervals[trip.i][0]
        self._journal.append(("trip", trip.i, old, self.load[v], self.fairness[v], self.token[v], self.cost))
        person, weights = self.tables.volunteers[v], self.tables.instance.weights
        load = self.load[v] + trip.travel + trip.service - old.travel - old.service
        fairness = cost.fairness_points(weights, person, load)
        self.cost += trip.points - old.points + fairness - self.fairness[v]
        self.trips[trip.i], self.load[v], self.fairness[v], self.token[v] = trip, load, fairness, object()

    def _set_crew(self, r: int, crew: Crew | None, points: int) -> None:
        self._journal.append(("crew", r, self.crews[r], self.cost))
        self.crews[r] = crew
        self.cost += points

    def _within_caps(self, option: Option, slot: Slot) -> bool:
        return self._caps_hold(option.v, option.i, slot.minutes, 1)

    def _caps_hold_with(self, trip: Trip) -> bool:
        old = self.trips[trip.i]
        grown = trip.travel + trip.service - old.travel - old.service
        return self._caps_hold(self.tables.intervals[trip.i][0], trip.i, grown, len(trip.visits) - len(old.visits))

    def _caps_hold(self, v: int, i: int, minutes: int, visits: int) -> bool:
        """Whether the person's caps allow this much more on the day of interval `i`."""
        person, day = self.tables.volunteers[v], self.tables.day[i]
        if person.max_minutes is not None and self.load[v] + minutes > person.max_minutes:
            return False
        today = [self.trips[j] for j in self.tables.intervals_of(v) if self.tables.day[j] == day]
        count = sum(len(trip.visits) for trip in today) + visits
        busy = sum(trip.travel + trip.service for trip in today) + minutes
        if person.max_requests_per_day is not None and count > person.max_requests_per_day:
            return False
        return person.max_minutes_per_day is None or busy <= person.max_minutes_per_day

    def _spared(self, option: Option) -> float:
        """What sending this person is made to look dearer by, because a rare skill would lie idle."""
        return 0.0 if self.tables.requests[option.r].seats[option.k].skills else self._spare[option.v]

    def _best_single(self, r: int) -> Choice | None:
        choice = Choice(INFINITE, INFINITE, 0, [])
        for option in self.tables.options(r)[0]:
            self._consider(choice, option)
        return choice if choice.seats else None

    def _consider(self, choice: Choice, option: Option) -> None:
        """Take the option into a single's choice where it is the best or the second best person so far."""
        known = self._cheapest.get(option)
        if known is None or known[0] is not self.token[option.v]:
            known = self._cheapest[option] = (self.token[option.v], *self._cheapest_slot(option))
        _, points, slot = known
        if slot is None or points >= choice.second:
            return
        v = option.v
        if points < choice.points:
            if choice.person != v and choice.points < choice.second:
                choice.second, choice.runner_up = choice.points, choice.person
            choice.points, choice.person = points, v
            choice.start, choice.seats = slot.first, [(option, slot)]
        elif v != choice.person:
            choice.second, choice.runner_up = points, v

    def _cheapest_slot(self, option: Option) -> tuple[float, Slot | None]:
        """The cheapest place for a single's option, its lateness counted."""
        best: tuple[float, Slot | None] = (INFINITE, None)
        spared = self._spared(option)
        for slot in self.slots(option):
            points = slot.points + spared + late_if_single(self.tables, option.r, slot.first)
            if points < best[0]:
                best = (points, slot)
        return best

    def _best_crew(self, r: int) -> Choice | None:
        seats = self.tables.requests[r].required_seats
        able = [self._able(r, k) for k in seats]
        if not all(able):
            return None
        for limit in (CANDIDATES, None):
            found = self._cheapest_start(r, seats, [people[:limit] for people in able])
            if found is not None or all(len(people) <= CANDIDATES for people in able):
                return found
        return None

    def _able(self, r: int, k: int) -> list[tuple[float, int, int, Option, Slot]]:
        """Who could fill the seat now: points, first and last start of the REQUEST, option and slot; cheapest first."""
        low, high = self.tables.requests[r].seats[k].lag
        people = []
        for option in self.tables.options(r)[k]:
            spared = self._spared(option)
            for slot in self.slots(option):
                people.append((slot.points + spared, slot.first - high, slot.last - low, option, slot))
        people.sort(key=lambda one: (one[0], one[1], one[3].i))
        return people

    def _cheapest_start(
        self, r: int, seats: tuple[int, ...], able: list[list[tuple[float, int, int, Option, Slot]]]
    ) -> Choice | None:
        request, instance = self.tables.requests[r], self.tables.instance
        spans = self.tables.starts[r]
        starts = {a for a, _ in spans} | {first for people in able for _, first, _, _, _ in people}
        best: Choice | None = None
        for start in sorted(s for s in starts if any(a <= s <= b for a, b in spans)):
            late = cost.late_points(instance, request, start)
            here = [[one for one in people if one[1] <= start <= one[2]] for people in able]
            if not all(here):
                continue
            if best is not None and late + sum(people[0][0] for people in here) >= best.points:
                continue
            crew = _crew(here)
            if crew is None:
                continue
            points = late + sum(one[0] for one in crew)
            if best is None or points < best.points:
                spare = min(len({one[3].v for one in people}) for people in here) - len(seats)
                best = Choice(points, points, start, [(one[3], one[4]) for one in crew], 1 / (1 + max(0, spare)))
        return best

    def _fill_optional(self, r: int) -> None:
        request, price = self.tables.requests[r], self.tables.instance.weights.optional_seat
        crew = self.crews[r]
        assert crew is not None
        for k in range(len(request.seats)):
            if k in crew.seats:
                continue
            low, high = crew.start + request.seats[k].lag[0], crew.start + request.seats[k].lag[1]
            present = {self.tables.intervals[i][0] for i in crew.seats.values()}
            fitting = [
                (slot.points + self._spared(option), n, option, slot)
                for n, option in enumerate(self.tables.options(r)[k])
                if option.v not in present
                for slot in self.slots(option)
                if slot.first <= high and slot.last >= low and slot.points + self._spared(option) < price
            ]
            for _, _, option, slot in sorted(fitting, key=lambda one: one[:2])[:1]:
                trip = with_visit(self.tables, self.trips[option.i], option, slot, (low, high))
                if trip is not None:
                    self._set_trip(trip)
                    crew = Crew({**crew.seats, k: option.i}, crew.start, crew.late)
                    self._set_crew(r, crew, -price)


def _crew(
    here: list[list[tuple[float, int, int, Option, Slot]]],
) -> list[tuple[float, int, int, Option, Slot]] | None:
    """Different people for the seats: the cheapest for the hardest seat first, by matching when that gets stuck."""
    chosen: dict[int, tuple[float, int, int, Option, Slot]] = {}
    taken: set[int] = set()
    for seat in sorted(range(len(here)), key=lambda n: len(here[n])):
        one = next((one for one in here[seat] if one[3].v not in taken), None)
        if one is None:
            people = distinct([list(dict.fromkeys(one[3].v for one in seat_people)) for seat_people in here])
            if people is None:
                return None
            return [next(one for one in here[n] if one[3].v == v) for n, v in enumerate(people)]
        chosen[seat] = one
        taken.add(one[3].v)
    return [chosen[n] for n in range(len(here))]
