"""The judge: every hard rule and every cost term from instance and plan alone. It asks no engine and no solver.

A rule is a sentence and a function that yields what breaks it; the sentence is what a dispatcher reads.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from matcher import cost
from matcher.eligibility import lacking, request_starts, settled_points, within_radius
from matcher.instance import Availability, Instance, Pinned, Volunteer
from matcher.plan import TERMS, Assignment, Plan, gap

Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that is broken, the ids concerned, and how, in both languages."""

    rule: str
    who: tuple[str, ...]
    because: str
    because_zh: str


@dataclass(frozen=True)
class Verdict:
    """What the judge found: broken rules (none when the plan holds) and the figures as it computes them."""

    violations: tuple[Violation, ...]
    terms: dict[str, int]
    settled: int
    broken_pins: tuple[Pinned, ...]

    @property
    def cost(self) -> int:
        """The sum of the terms."""
        return sum(self.terms.values())

    @property
    def holds(self) -> bool:
        """Whether no rule is broken."""
        return not self.violations


@dataclass(frozen=True)
class Trip:
    """One volunteer's visits in one interval, in the order of their starts."""

    volunteer: Volunteer
    interval: Availability
    visits: tuple[Assignment, ...]


class Case:
    """Instance and plan laid side by side, with the plan's visits sorted into trips."""

    def __init__(self, instance: Instance, plan: Plan) -> None:
        self.instance, self.plan = instance, plan
        self.known = tuple(a for a in plan.assignments if self._is_known(a))

    def _is_known(self, a: Assignment) -> bool:
        request = self.instance.request_index.get(a.request)
        if request is None or a.volunteer not in self.instance.volunteer_index:
            return False
        return 0 <= a.seat < len(self.instance.requests[request].seats)

    @cached_property
    def crews(self) -> dict[str, list[Assignment]]:
        """The assignments of each request, by seat."""
        crews: dict[str, list[Assignment]] = defaultdict(list)
        for a in sorted(self.known):
            crews[a.request].append(a)
        return crews

    @cached_property
    def served(self) -> set[str]:
        """Requests whose every required seat is filled by somebody else."""
        return {id for id, crew in self.crews.items() if self._is_whole(id, crew)}

    def _is_whole(self, id: str, crew: list[Assignment]) -> bool:
        seats, people = [a.seat for a in crew], [a.volunteer for a in crew]
        distinct = len(set(seats)) == len(seats) and len(set(people)) == len(people)
        return distinct and set(self.instance.request(id).required_seats) <= set(seats)

    @cached_property
    def placed(self) -> dict[Assignment, tuple[Volunteer, Availability]]:
        """The interval each assignment lies in; one that lies in none is missing here."""
        placed = {}
        for a in self.known:
            volunteer = self.instance.volunteer(a.volunteer)
            interval = next((i for i in volunteer.availability if i.start <= a.start and a.end <= i.end), None)
            if interval is not None:
                placed[a] = (volunteer, interval)
        return placed

    @cached_property
    def trips(self) -> tuple[Trip, ...]:
        """Every trip of the plan."""
        visits: dict[tuple[str, int], list[Assignment]] = defaultdict(list)
        for a, (volunteer, interval) in self.placed.items():
            visits[volunteer.id, volunteer.availability.index(interval)].append(a)
        return tuple(
            Trip(
                volunteer := self.instance.volunteer(id),
                volunteer.availability[i],
                tuple(sorted(visits[id, i], key=lambda a: (a.start, a.end))),
            )
            for id, i in sorted(visits)
        )

    def legs(self, trip: Trip) -> list[int]:
        """Travel minutes to each visit in turn, and from the last one back."""
        origin, mode = trip.volunteer.origin_of(trip.interval), trip.volunteer.mode_of(trip.interval)
        here, legs = origin, []
        for visit in trip.visits:
            request = self.instance.request(visit.request)
            legs.append(self.instance.travel.minutes(here, request.at, mode))
            here = request.leaves_from
        return [*legs, self.instance.travel.minutes(here, origin, mode)]

    def minutes(self, trip: Trip) -> int:
        """Service and travel minutes of a trip; waiting is free."""
        return sum(v.end - v.start for v in trip.visits) + sum(self.legs(trip))


Rule = Callable[[Case], Iterator[Violation]]
RULES: dict[str, tuple[str, str, Rule]] = {}


def rule(name: str, en: str, zh: str) -> Callable[[Rule], Rule]:
    """Enter a rule in the book under its name, with its sentence in both languages."""

    def enter(check: Rule) -> Rule:
        RULES[name] = (en, zh, check)
        return check

    return enter


def judge(instance: Instance, plan: Plan) -> Verdict:
    """Check a plan, hand-made or not, against every rule and recompute its cost term by term."""
    case = Case(instance, plan)
    verdict = Verdict((), terms(case), settled_points(instance), broken_pins(case))
    found = [violation for _, _, check in RULES.values() for violation in check(case)]
    found.extend(figures(case, verdict))
    return Verdict(tuple(found), verdict.terms, verdict.settled, verdict.broken_pins)


@rule(
    "known",
    "Every assignment names a seat of a request and a volunteer of this instance, and lasts as long as the seat does.",
    "每条派单都指向本实例中的席位与志愿者，时长等于席位时长。",
)
def known(case: Case) -> Iterator[Violation]:
    if case.plan.instance != case.instance.name:
        yield Violation(
            "known",
            (case.plan.instance,),
            f"the plan is of {case.plan.instance}, not of {case.instance.name}",
            f"计划属于 {case.plan.instance}，不是 {case.instance.name}",
        )
    there = set(case.known)
    for a in case.plan.assignments:
        if a not in there:
            yield Violation(
                "known",
                (a.request, a.volunteer),
                f"there is no seat {a.seat} of {a.request}, or no volunteer {a.volunteer}",
                f"没有请求 {a.request} 的 {a.seat} 号席位，或没有志愿者 {a.volunteer}",
            )
        elif a.end - a.start != (minutes := case.instance.request(a.request).seat_minutes(a.seat)):
            yield Violation(
                "known",
                (a.request, a.volunteer),
                f"{a.volunteer} is in seat {a.seat} of {a.request} for {a.end - a.start} min, it takes {minutes}",
                f"{a.volunteer} 在 {a.request} 的 {a.seat} 号席位为 {a.end - a.start} 分钟，应为 {minutes}",
            )


@rule(
    "seats",
    "A request has every required seat filled, each seat by somebody else, or nobody is sent to it.",
    "请求的必需席位全部到齐且每席一人各不相同，否则不派任何人。",
)
def seats(case: Case) -> Iterator[Violation]:
    for id, crew in case.crews.items():
        for seat, count in Counter(a.seat for a in crew).items():
            if count > 1:
                yield Violation(
                    "seats",
                    (id,),
                    f"seat {seat} of {id} is filled {count} times",
                    f"{id} 的 {seat} 号席位派了 {count} 次",
                )
        for volunteer, count in Counter(a.volunteer for a in crew).items():
            if count > 1:
                yield Violation(
                    "seats",
                    (id, volunteer),
                    f"{volunteer} fills {count} seats of {id}",
                    f"{volunteer} 占了 {id} 的 {count} 个席位",
                )
        empty = set(case.instance.request(id).required_seats) - {a.seat for a in crew}
        if empty:
            yield Violation(
                "seats",
                (id,),
                f"{id} is served without its required seat {min(empty)}",
                f"{id} 缺少必需的 {min(empty)} 号席位",
            )


@rule(
    "skill",
    "Whoever fills a seat has its skills at its levels, may be sent to this resident and lives near enough.",
    "席位上的人具备所需技能和级别，未被该居民排除，且在服务半径之内。",
)
def skill(case: Case) -> Iterator[Violation]:
    for a in case.known:
        request, volunteer = case.instance.request(a.request), case.instance.volunteer(a.volunteer)
        missing = lacking(request, a.seat, volunteer)
        if missing is not None:
            level = request.seats[a.seat].skills[missing]
            has = volunteer.skills.get(missing, 0)
            yield Violation(
                "skill",
                (a.volunteer, a.request),
                f"{a.volunteer} has {missing} at level {has}, seat {a.seat} of {a.request} wants {level}",
                f"{a.volunteer} 的 {missing} 为 {has} 级，{a.request} 的 {a.seat} 号席位要 {level} 级",
            )
        if a.volunteer in request.forbidden:
            yield Violation(
                "skill",
                (a.volunteer, a.request),
                f"{a.volunteer} may not be sent to {a.request}",
                f"{a.volunteer} 不得派往 {a.request}",
            )
        if a in case.placed and not within_radius(case.instance, request, volunteer, case.placed[a][1]):
            yield Violation(
                "skill",
                (a.volunteer, a.request),
                f"{a.request} lies beyond the {volunteer.radius_km} km of {a.volunteer}",
                f"{a.request} 超出 {a.volunteer} 的 {volunteer.radius_km} 公里",
            )


@rule(
    "start",
    "A request starts in one of its windows and in the horizon, and every seat within its lag after it.",
    "请求在其时段与计划期内开始，各席位在规定的间隔内开始。",
)
def start(case: Case) -> Iterator[Violation]:
    for id, crew in case.crews.items():
        request = case.instance.request(id)
        lead = next((a for a in crew if a.seat == 0), None)
        if lead is None:
            continue
        if not any(a <= lead.start <= b for a, b in request_starts(case.instance, request)):
            at = _clock(case.instance, lead.start)
            yield Violation(
                "start", (id,), f"{id} starts at {at}, outside its windows", f"{id} 在 {at} 开始，不在时段内"
            )
        for a in crew:
            low, high = request.seats[a.seat].lag
            lag = a.start - lead.start
            if not low <= lag <= high:
                yield Violation(
                    "start",
                    (id, a.volunteer),
                    f"seat {a.seat} of {id} starts {lag} min after the request, {low} to {high} are allowed",
                    f"{id} 的 {a.seat} 号席位晚 {lag} 分钟开始，允许 {low} 到 {high}",
                )


@rule(
    "trip",
    "In each interval of availability a volunteer makes one trip, is never in two places, and is back in time.",
    "志愿者每个空闲时段出门一趟：不早于时段开始出发，不分身两处，时段结束前回到出发地。",
)
def trip(case: Case) -> Iterator[Violation]:
    for a in case.known:
        if a not in case.placed:
            yield Violation(
                "trip",
                (a.volunteer, a.request),
                f"{a.volunteer} is not available for {a.request} at {_clock(case.instance, a.start)}",
                f"{a.volunteer} 在 {_clock(case.instance, a.start)} 没有空闲去 {a.request}",
            )
    for one in case.trips:
        legs, free, name = case.legs(one), one.interval.start, one.volunteer.id
        for leg, visit in zip(legs, one.visits, strict=False):
            late = free + leg - visit.start
            if late > 0:
                yield Violation(
                    "trip",
                    (name, visit.request),
                    f"{name} would reach {visit.request} {late} min late",
                    f"{name} 到 {visit.request} 会晚 {late} 分钟",
                )
            free = visit.end
        late = free + legs[-1] - one.interval.end
        if late > 0:
            yield Violation(
                "trip", (name,), f"{name} would be back {late} min late", f"{name} 会晚 {late} 分钟回到出发地"
            )


@rule(
    "caps",
    "Nobody does more visits or minutes in a day, or minutes in the whole plan, than they said.",
    "任何人的每日次数、每日分钟和总分钟都不超过本人上限。",
)
def caps(case: Case) -> Iterator[Violation]:
    visits: Counter[tuple[str, int]] = Counter()
    daily: Counter[tuple[str, int]] = Counter()
    whole: Counter[str] = Counter()
    for one in case.trips:
        day = (one.volunteer.id, case.instance.day(one.interval.start))
        visits[day] += len(one.visits)
        daily[day] += case.minutes(one)
        whole[one.volunteer.id] += case.minutes(one)
    for (id, _), count in visits.items():
        yield from _over(id, count, case.instance.volunteer(id).max_requests_per_day, "requests a day", "次/日")
    for (id, _), count in daily.items():
        yield from _over(id, count, case.instance.volunteer(id).max_minutes_per_day, "minutes a day", "分钟/日")
    for id, count in whole.items():
        yield from _over(id, count, case.instance.volunteer(id).max_minutes, "minutes", "分钟")


def _over(id: str, count: int, cap: int | None, what: str, what_zh: str) -> Iterator[Violation]:
    if cap is not None and count > cap:
        yield Violation(
            "caps",
            (id,),
            f"{id} has {count} {what}, at most {cap} are allowed",
            f"{id} 有 {count} {what_zh}，上限 {cap}",
        )


@rule(
    "now",
    "Nothing starts before now, nor the way to it, but work that is pinned to its start.",
    "除钉住开始时间的工作外，任何事情及其路程都不早于现在开始。",
)
def now(case: Case) -> Iterator[Violation]:
    if case.instance.now is None:
        return
    for one in case.trips:
        for leg, visit in zip(case.legs(one), one.visits, strict=False):
            pin = case.instance.pin_of.get((visit.request, visit.volunteer))
            begun = pin is not None and pin.start is not None and cost.keeps_pin(visit, pin)
            early = case.instance.now - (visit.start - leg)
            if early > 0 and not begun:
                yield Violation(
                    "now",
                    (visit.volunteer, visit.request),
                    f"{visit.volunteer} would have had to leave for {visit.request} {early} min ago",
                    f"{visit.volunteer} 须在 {early} 分钟之前就出发去 {visit.request}",
                )


FIGURES = (
    "Every stated figure is the judge's; unserved requests and broken pins are listed once; settled ≤ bound ≤ cost.",
    "所列数字与评判一致，未满足的请求与未保留的固定安排各列一次，既定部分 ≤ 下界 ≤ 成本。",
)
HALF_OF_SIX_DECIMALS = 5e-7


def figures(case: Case, verdict: Verdict) -> Iterator[Violation]:
    """What the plan says of itself against what is found."""
    plan = case.plan
    for term in TERMS:
        yield from _unlike(term, plan.terms.get(term), verdict.terms[term])
    yield from _unlike("cost", plan.cost, verdict.cost)
    yield from _unlike("settled", plan.settled, verdict.settled)
    wanted = gap(verdict.cost, plan.bound, verdict.settled, verdict.terms["pins"])
    if plan.gap is None or wanted is None or not abs(plan.gap - wanted) < HALF_OF_SIX_DECIMALS:
        yield from _unlike("gap", plan.gap, wanted)
    if plan.bound is not None and plan.bound > verdict.cost:
        yield from _unlike("bound", plan.bound, f"at most {verdict.cost}")
    if plan.bound is not None and plan.bound < verdict.settled:
        yield from _unlike("bound", plan.bound, f"at least {verdict.settled}")
    if (plan.status == "optimal") != (plan.bound == verdict.cost):
        yield from _unlike("status", plan.status, "optimal exactly when the bound is the cost")
    yield from _unlike_list(
        "unserved",
        [u.request for u in plan.unserved],
        [r.id for r in case.instance.requests if r.id not in case.served],
    )
    yield from _unlike_list("broken_pins", plan.broken_pins, verdict.broken_pins, _pin_id)


def _unlike(name: str, stated: object, found: object) -> Iterator[Violation]:
    if stated != found:
        yield Violation(
            "figures", (name,), f"{name} is stated as {stated}, found {found}", f"{name} 写作 {stated}，应为 {found}"
        )


def _unlike_list(
    name: str, stated: Iterable[Entry], found: Iterable[Entry], id_of: Callable[[Entry], str] = str
) -> Iterator[Violation]:
    difference = Counter(stated)
    difference.subtract(found)
    for entry, count in difference.items():
        if count:
            id = id_of(entry)
            said, zh = ("once too often", "多列") if count > 0 else ("not", "漏列")
            yield Violation("figures", (name, id), f"{id} is {said} listed in {name}", f"{name} {zh}了 {id}")


def _pin_id(pin: Pinned) -> str:
    return f"{pin.request}/{pin.volunteer}"  # the same for a pin listed with another seat or start than it has


def terms(case: Case) -> dict[str, int]:
    """The cost of the plan, term by term."""
    instance, weights = case.instance, case.instance.weights
    points = dict.fromkeys(TERMS, 0)
    for request in instance.requests:
        if request.id not in case.served:
            points["unserved"] += weights.unserved[request.priority]
            continue
        filled = {a.seat for a in case.crews[request.id]}
        points["unserved"] += weights.optional_seat * (len(request.seats) - len(filled))
        lead = next(a for a in case.crews[request.id] if a.seat == 0)
        points["late"] += cost.late_points(instance, request, lead.start)
    minutes: Counter[str] = Counter()
    for one in case.trips:
        points["travel"] += weights.travel * sum(case.legs(one))
        minutes[one.volunteer.id] += case.minutes(one)
    for id, total in minutes.items():
        points["fairness"] += cost.fairness_points(weights, instance.volunteer(id), total)
    for a in case.known:
        request, volunteer = instance.request(a.request), instance.volunteer(a.volunteer)
        points["continuity"] += cost.continuity_points(weights, request, volunteer)
        points["affinity"] += cost.affinity_points(request, volunteer)
    for entry in instance.published:
        if not any(cost.keeps_published(a, entry) for a in case.crews.get(entry.request, ())):
            points["stability"] += cost.disturbance_points(instance, entry)
    points["pins"] = weights.pin * len(broken_pins(case))
    return points


def broken_pins(case: Case) -> tuple[Pinned, ...]:
    """The pinned entries this plan does not keep."""
    return tuple(
        pin for pin in case.instance.pinned if not any(cost.keeps_pin(a, pin) for a in case.crews.get(pin.request, ()))
    )


def _clock(instance: Instance, minute: int) -> str:
    return instance.moment(minute).strftime("%m-%d %H:%M")
