"""Why a request stays unserved and why a person was chosen, in sentences with the numbers that prove them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from matcher.eligibility import count_why_not, request_starts, seat_starts
from matcher.instance import Instance, Request, Volunteer
from matcher.plan import Assignment, Plan, Reason
from matcher.travel import great_circle_km

EXAMPLES = 3


def why_settled(instance: Instance, request: Request) -> tuple[Reason, ...]:
    """Why nobody could serve it even if there were no other request: the counts that prove it."""
    if not request_starts(instance, request):
        return (Reason("outside_horizon", "时段不在计划期内", "none of its windows lies in the horizon"),)
    reasons = []
    for seats in _like_seats(request):
        able, why = count_why_not(instance, request, seats[0])
        if able < len(seats):
            reasons.append(_nobody_can(instance, request, seats, able, why.most_common()))
    if reasons:
        return tuple(reasons)
    zh = "每个席位都有人能胜任，但没有哪个开始时间能让不同的人同时到齐"
    return (Reason("no_common_start", zh, "every seat has people, but at no start are there different people for all"),)


def why_left_out(
    instance: Instance, request: Request, assignments: Sequence[Assignment], points: int | None
) -> tuple[Reason, ...]:
    """Why a request that could be served alone is left out of this plan.

    `points` is what serving it beside everything else would cost, None when it does not fit.
    """
    price = instance.weights.unserved[request.priority]
    if points is not None and points >= price:
        zh = f"还能安排，但要多花 {points} 点，不安排为 {price} 点"
        return (Reason("too_dear", zh, f"it could be served at {points} points, leaving it costs {price}"),)
    seats = min(_like_seats(request), key=lambda seats: len(_able(instance, request, seats[0])) - len(seats))
    able = _able(instance, request, seats[0])
    return (_all_taken(instance, request, seats, able, assignments),)


def out_of_time() -> Reason:
    """What is said of a request when the time was over before anybody could look."""
    zh = "时间用完：还没来得及安排或查明原因，请给更多秒数"
    return Reason(
        "out_of_time", zh, "time was up before it could be placed or looked into; give the solve more seconds"
    )


def why_chosen(instance: Instance, plan: Plan) -> dict[Assignment, Reason]:
    """For each assignment why this person: the skills asked for, how many others could, the way, the load so far."""
    able: dict[tuple[object, ...], int] = {}
    chosen = {}
    for assignment in plan.assignments:
        request = instance.request(assignment.request)
        key = (request.id, *_asks_for(request, assignment.seat))
        if key not in able:
            able[key] = len(_able(instance, request, assignment.seat))
        chosen[assignment] = _why_this_person(instance, plan, assignment, able[key])
    return chosen


def _why_this_person(instance: Instance, plan: Plan, assignment: Assignment, able: int) -> Reason:
    request, person = instance.request(assignment.request), instance.volunteer(assignment.volunteer)
    skills = request.seats[assignment.seat].skills
    parts = [(f"{skill} {person.skills[skill]} 级", f"{skill} level {person.skills[skill]}") for skill in skills]
    if person.id in request.partners:
        parts.append(("居民认识的人", "known to the resident"))
    parts.append(_way(instance, plan, assignment))
    parts.append((f"{able} 人单独可去", f"{able} could go if free"))
    parts.append(_load(person))
    return Reason("chosen", "；".join(zh for zh, _ in parts), "; ".join(en for _, en in parts))


def _like_seats(request: Request) -> list[list[int]]:
    """Required seats that ask for the same, together."""
    groups: dict[tuple[object, ...], list[int]] = {}
    for k in request.required_seats:
        groups.setdefault(_asks_for(request, k), []).append(k)
    return list(groups.values())


def _asks_for(request: Request, k: int) -> tuple[object, ...]:
    """What a seat asks of whoever fills it: alike for seats that anybody fit for one is fit for."""
    seat = request.seats[k]
    return tuple(sorted(seat.skills.items())), seat.lag, request.seat_minutes(k)


def _able(instance: Instance, request: Request, seat: int) -> list[Volunteer]:
    return [v for v in instance.volunteers if seat_starts(instance, request, seat, v)]


def _seats_named(request: Request, seats: Sequence[int]) -> tuple[str, str]:
    if len(request.seats) == 1:
        return "", ""
    numbers = ", ".join(str(k) for k in seats)
    return f"席位 {numbers}：", f"seat {numbers}: " if len(seats) == 1 else f"seats {numbers}: "


def _nobody_can(
    instance: Instance, request: Request, seats: Sequence[int], able: int, why: Iterable[tuple[Reason, int]]
) -> Reason:
    """The counts that prove it: so many people, so many of them without the skill, so many too far."""
    whole = len(instance.volunteers)
    zh_counts = "，".join(f"{count} 人{reason.zh}" for reason, count in why)
    en_counts = ", ".join(f"{count} {reason.en}" for reason, count in why)
    zh_seat, en_seat = _seats_named(request, seats)
    zh_can, en_can = ("无人可去", "nobody can") if able == 0 else (f"只有 {able} 人可去", f"only {able} can")
    zh = f"{zh_seat}{whole} 人中{zh_can}，需要 {len(seats)} 人：{zh_counts}"
    return Reason("nobody_can", zh, f"{en_seat}of {whole} people {en_can}, {len(seats)} needed: {en_counts}")


def _all_taken(
    instance: Instance,
    request: Request,
    seats: Sequence[int],
    able: Sequence[Volunteer],
    assignments: Sequence[Assignment],
) -> Reason:
    names = {person.id for person in able}
    busy: dict[str, Assignment] = {}
    for assignment in assignments:
        if assignment.volunteer in names:
            busy.setdefault(assignment.volunteer, assignment)
    zh_list = "，".join(_busy_with(instance, a, "去") for a in list(busy.values())[:EXAMPLES])
    en_list = ", ".join(_busy_with(instance, a, " at ") for a in list(busy.values())[:EXAMPLES])
    zh_seat, en_seat = _seats_named(request, seats)
    zh = f"{zh_seat}{len(able)} 人单独可去，其中 {len(busy)} 人已有安排，其余时间凑不到一起"
    en = f"{en_seat}{len(able)} could go if free, {len(busy)} have other work; what time is left does not fit"
    if busy:
        zh, en = f"{zh}（{zh_list}）", f"{en} ({en_list})"
    return Reason("all_taken", zh, en)


def _busy_with(instance: Instance, assignment: Assignment, joint: str) -> str:
    person, request = instance.volunteer(assignment.volunteer), instance.request(assignment.request)
    begin, end = (instance.moment(m).strftime("%H:%M") for m in (assignment.start, assignment.end))
    return f"{person.name} {begin}–{end}{joint}{request.name}"


def _way(instance: Instance, plan: Plan, assignment: Assignment) -> tuple[str, str]:
    request, person = instance.request(assignment.request), instance.volunteer(assignment.volunteer)
    interval = next(i for i in person.availability if i.start <= assignment.start and assignment.end <= i.end)
    before = [a for a in plan.assignments if a.volunteer == person.id and interval.start <= a.start < assignment.start]
    last = max(before, key=lambda a: a.start, default=None)
    origin = person.origin_of(interval) if last is None else instance.request(last.request).leaves_from
    minutes = instance.travel.minutes(origin, request.at, person.mode_of(interval))
    far = (
        ""
        if isinstance(origin, str) or isinstance(request.at, str)
        else f" {great_circle_km(origin, request.at):.1f} km"
    )
    if last is None:
        return f"出发地{far}，路上 {minutes} 分钟", f"{minutes} min{far and ',' + far} from where the trip starts"
    there = instance.request(last.request).name
    return f"接着“{there}”{far}，路上 {minutes} 分钟", f"{minutes} min{far and ',' + far} on from “{there}”"


def _load(person: Volunteer) -> tuple[str, str]:
    done, fair = person.history_minutes, person.target_minutes
    return f"此前已服务 {done} 分钟，合理份额 {fair}", f"{done} min of work before, {fair} is the fair share"
