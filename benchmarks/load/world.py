"""A district to work in: its people, what is asked of them, a plan in force, and whoever speaks to the service."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from benchmarks.load.service import Answer, Caller, Refused, Service
from benchmarks.load.traffic import Do, together
from matcher import instance_document
from scenarios import generate

ZONE = ZoneInfo("Asia/Shanghai")
SEED = 1
LINES = 4
"""So many at once put in what a run begins with."""

MORNINGS = 14
"""After the day of the plan, everybody is free on so many mornings, for what desks give out by hand."""

FIRST_PLAN = 10
"""Seconds for the plan that is in force while another is made."""

ANSWERED = 4
"""One call of so many is answered on the telephone; nobody need come."""


@dataclass(frozen=True)
class Person:
    """Somebody on the roster, and where they live."""

    id: int
    at: Any


@dataclass
class World:
    """Tomorrow's district, and the key of a desk there."""

    service: Service
    admin: Caller
    desk: Caller
    day: datetime
    people: list[Person] = field(default_factory=list)
    solving: str = ""
    """Where the plan is that is being made all the while."""

    def key(self, name: str, role: str) -> Mapping[str, str]:
        """The header of a new key with this role."""
        made = self.admin.made("/v1/keys", {"name": name, "grants": [{"role": role}]})
        return {"Authorization": f"Bearer {made['secret']}"}

    def lines(self, name: str, role: str, number: int, ask: Callable[[Caller], Answer]) -> list[Do]:
        """So many lines on one key, each asking this whenever its turn comes."""
        headers = self.key(name, role)
        callers = [Caller(self.service.address, headers) for _ in range(number)]
        return [lambda caller=caller: ask(caller) for caller in callers]  # type: ignore[misc]

    def is_solving(self) -> bool:
        """Whether the plan is still being made."""
        return bool(self.desk.seen(self.solving)["state"] == "solving")


def made(service: Service, volunteers: int, requests: int) -> World:
    """The roster and the requests put in, a plan in force; nobody is solving yet."""
    admin = service.administrator()
    tomorrow = datetime.now(ZONE).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    world = World(service, admin, admin, tomorrow)
    desk = world.key("desk", "dispatcher")
    world.desk = Caller(service.address, desk)
    document = instance_document(replace(generate(requests, volunteers, seed=SEED), origin=tomorrow))
    people = {}

    def enter(caller: Caller, entry: dict[str, Any]) -> None:
        free = [*entry["availability"], *_mornings(tomorrow)]
        body = {**_but(entry, "id"), "code": entry["id"], "availability": free}
        people[entry["id"]] = Person(caller.made("/v1/volunteers", body)["id"], entry["at"])

    def ask(caller: Caller, entry: dict[str, Any]) -> None:
        named = {key: [people[id].id for id in entry[key]] for key in ("partners", "forbidden") if key in entry}
        if "affinity" in entry:
            named["affinity"] = {str(people[id].id): points for id, points in entry["affinity"].items()}
        caller.made("/v1/requests", {**_but(entry, "id"), "code": entry["id"], **named})

    _each(service, desk, document["volunteers"], enter)
    _each(service, desk, document["requests"], ask)
    world.people = list(people.values())
    _publish(world)
    return world


def _mornings(day: datetime) -> list[dict[str, str]]:
    mornings = (day + timedelta(days=1 + n) for n in range(MORNINGS))
    return [{"from": _time(one, hours=8), "to": _time(one, hours=12)} for one in mornings]


def _time(day: datetime, **later: int) -> str:
    return (day + timedelta(**later)).isoformat()


def _but(entry: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name != key}


def _each(
    service: Service, headers: Mapping[str, str], entries: Sequence[Any], do: Callable[[Caller, Any], object]
) -> None:
    """Each entry once, a few at a time."""
    waiting = iter(entries)
    lock = threading.Lock()

    def work() -> None:
        caller = Caller(service.address, headers)
        while True:
            with lock:
                entry = next(waiting, None)
            if entry is None:
                return
            do(caller, entry)

    together([work] * LINES)


def _publish(world: World) -> None:
    """A plan is made for tomorrow and put in force: its volunteers have something on their pages."""
    where = start_solving(world, FIRST_PLAN)
    while (answer := world.desk.get(where)).body["state"] in ("queued", "solving"):
        time.sleep(0.2)
    if answer.body["state"] != "proposed":
        raise Refused(f"the first plan is {answer.body['state']}: {answer.body['cause']}")
    world.desk.made(f"{where}/publish", {}, **{"If-Match": answer.headers["etag"]})


def start_solving(world: World, seconds: int) -> str:
    """Ask for a plan of tomorrow that takes so long unless it is proven to be the best; its address."""
    period = {"from": world.day.isoformat(), "to": _time(world.day, days=1)}
    plan = world.desk.made("/v1/plans", {**period, "seconds": seconds, "gap": 0})
    world.solving = f"/v1/plans/{plan['id']}"
    return world.solving


# Those who ask


def intake(world: World) -> Callable[[Caller], Answer]:
    """A request comes in, not classified, with all that a resident tells."""
    numbers = itertools.count(1)

    def ask(caller: Caller) -> Answer:
        number = next(numbers)
        body = _wish(world.people[number % len(world.people)], world.day + timedelta(days=1))
        told = {"name": f"居民{number}", "phone": "13800000000", "door": "3 号楼 501", "text": "需要人陪同去医院"}
        return caller.post("/v1/requests", {**body, **told, "submitted": True})

    return ask


def schedules(world: World) -> Callable[[Caller], Answer]:
    """A volunteer looks at what there is to do: the page for a phone, and the route for a program, by turns."""
    numbers = itertools.count()

    def ask(caller: Caller) -> Answer:
        number = next(numbers)
        person = world.people[number * 7 % len(world.people)].id
        return caller.get(f"/v/{person}" if number % 2 else f"/v1/volunteers/{person}/schedule")

    return ask


def dispatchers(world: World, number: int) -> list[Do]:
    """So many desks, each with a key and volunteers of its own."""
    desks = []
    for n in range(number):
        caller = Caller(world.service.address, world.key(f"desk {n}", "dispatcher"))
        work = _calls(caller, world.people[n::number], world.day)
        desks.append(lambda work=work: next(work))
    return desks  # type: ignore[return-value]


def _calls(caller: Caller, people: Sequence[Person], day: datetime) -> Iterator[Answer]:
    """A call is taken down, triaged and given to somebody by hand, who says yes on the telephone; each is one write.

    Of four calls one is answered at once. Whatever failed, the next call comes.
    """
    for n in itertools.count():
        person = people[n % len(people)]
        morning = day + timedelta(days=1 + n // len(people) % MORNINGS)
        taken = caller.post("/v1/requests", {**_wish(person, morning), "submitted": True})
        yield taken
        if taken.status != 201:
            continue
        request = f"/v1/requests/{taken.body['id']}"
        if n % ANSWERED == ANSWERED - 1:
            yield caller.post(f"{request}/answer", {"answer": "周三上午社区卫生站可量血压"})
            continue
        yield caller.post(f"{request}/triage", {"minutes": 30, "service": "陪同就医"})
        given = caller.post(f"{request}/assign", {"volunteer": person.id, "start": _time(morning, hours=9)})
        yield given
        if given.status == 201:
            yield caller.post(f"/v1/assignments/{given.body['id']}/accept", {})


def _wish(person: Person, day: datetime) -> dict[str, Any]:
    """Something to do where this person lives, on that morning."""
    return {"at": person.at, "minutes": 30, "windows": [{"from": _time(day, hours=8), "to": _time(day, hours=11)}]}


# Clocks


@dataclass(frozen=True)
class Fired:
    """So many offers ended at one moment, because what they were for began; the last was seen ended so much later."""

    clocks: int
    seconds: float


def due_at_once(world: World, number: int) -> Fired:
    """So many offers of work that all begins at one whole minute: an offer nobody answered ends there, by its T4."""
    people = [*world.people, *_more(world, number - len(world.people))][:number]
    begun = time.time()
    asked = [world.desk.made("/v1/requests", _wish(one, world.day))["id"] for one in people]
    soon = 2 * (time.time() - begun) + 20  # an offer takes longer than a request
    moment = datetime.fromtimestamp((time.time() + soon) // 60 * 60 + 60, ZONE)
    seats = []
    for request, person in zip(asked, people, strict=True):
        body = {"volunteer": person.id, "start": moment.isoformat(), "reason": "本人电话同意"}
        seats.append(world.desk.made(f"/v1/requests/{request}/assign", body)["id"])
    if time.time() > moment.timestamp():
        raise Refused(f"{number} offers took longer to make than the {soon:.0f} s there were; run it again")
    time.sleep(max(0.0, moment.timestamp() - time.time()))
    ended = moment.timestamp()
    for seat in reversed(seats):  # the last to fire first: when that has ended, so have the others, or are waited for
        while world.desk.seen(f"/v1/assignments/{seat}")["state"] == "offered":
            time.sleep(0.05)
            ended = time.time()
    return Fired(number, ended - moment.timestamp())


def _more(world: World, number: int) -> list[Person]:
    """More people, who have no calendar."""
    at = world.people[0].at
    return [Person(world.desk.made("/v1/volunteers", {"at": at})["id"], at) for _ in range(number)]
