"""A scripted week: what residents, clerks, dispatchers and volunteers do in turn, told to the service over HTTP.

Everybody acts by an agenda: what is next is done at its minute, after the clocks that are due by then. Luck is seeded
and all times are fixed, so that the same week is lived again each time.
"""

import heapq
import itertools
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import Any

import httpx

from api.jobs.duties import handlers
from api.jobs.scanner import Scanner
from api.jobs.solving import Solver
from api.roles import Role
from tests.api.desk import Desk

MONDAY = datetime.fromisoformat("2030-06-03T00:00+08:00")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ASKED_FOR, SENT = 12, 28
"""So many days from Monday on residents have time, and volunteers: what is reopened may take longer."""

BUSY = {"volunteer_busy", "travel_time", "declined_before", "skill_missing", "volunteer_unavailable"}
"""Why somebody cannot be given a seat by hand: the next is tried."""


@dataclass(frozen=True)
class Fate:
    """What becomes of a request: how it comes in, what the desk does with it, how those who are asked behave."""

    name: str
    submitted: bool = False
    first: str = "triage"
    offers: tuple[str, ...] = ("come",)
    """What becomes of its offers, one after the other; further ones are like the last."""

    stars: int | None = 5
    calls: tuple[str, ...] = ("satisfied",)
    reopens: str | None = None
    crew: int = 1
    priority: str = "normal"
    days: str = "any"
    by_round: bool = False
    """It waits for the next round of planning."""


FATES = (
    Fate("as it should be", by_round=True),
    Fate("by telephone, and never reached again", True, stars=None, calls=("unreachable",) * 3),
    Fate("an answer is enough", True, "answer"),
    Fate("not ours", True, "reject"),
    Fate("asked for before", True, "merge"),
    Fate("called off before anybody answered", True, "call_off"),
    Fate("answered too late", True, "late", calls=("basically",)),
    Fate("the resident is to say more", True, "ask_resident"),
    Fate("another day", offers=("another_day", "come"), by_round=True),
    Fate("two departments", first="department"),
    Fate("declined", offers=("decline", "come"), stars=4, by_round=True),
    Fate("nobody answers", offers=("expire", "expire", "expire", "come"), stars=3),
    Fate("ill", offers=("ill", "come"), stars=4),
    Fate("does not come", offers=("no_show", "come"), stars=2, calls=("unreachable", "basically")),
    Fate("reopened by a clerk", stars=1, reopens="clerk"),
    Fate("reopened by oversight before the call", stars=2, reopens="oversight"),
    Fate("called off when somebody was asked", offers=("cancel",)),
    Fate("called off half-way", offers=("cancel_in_service",)),
    Fate("a crew of two", crew=2, by_round=True),
    Fate("much later", days="late", calls=("unreachable", "satisfied")),
    Fate("not to be called now", calls=("wait", "satisfied")),
    Fate("urgent", priority="urgent", calls=("basically",), stars=None),
    Fate("at another time than was asked", offers=("expire", "come"), days="one"),
    Fate("asked for twice by the same", True, "triage_and_merge"),
    Fate("called off while it waits", first="wait_and_call_off"),
    Fate("called off when somebody had promised", offers=("accept_and_cancel",)),
    Fate("put off when somebody had promised", offers=("accept_and_put_off", "come")),
    Fate("given up half-way", offers=("give_up", "come")),
    Fate("interrupted", offers=("interrupted",)),
    Fate("somebody nearer is found", offers=("hand_over", "come")),
    Fate("taken down wrong, twice", True, "mend"),
    Fate("every other day", first="series"),
    Fate("a slip of the hand", offers=("slip",)),
)


@dataclass
class Case:
    """A request on its way."""

    fate: Fate
    id: int = 0
    windows: list[tuple[datetime, datetime]] = field(default_factory=list)
    offered: int = 0
    reopened: bool = False

    def next_offer(self) -> str:
        """What becomes of the offer that is made now."""
        behaviour = self.fate.offers[min(self.offered, len(self.fate.offers) - 1)]
        self.offered += 1
        return behaviour


class Week:
    """Everybody who acts, and what is on the agenda."""

    def __init__(self, desk: Desk, clock: dict[str, datetime], size: int, rounds: int) -> None:
        self.desk, self.clock, self.size, self.rounds = desk, clock, size, rounds
        self.luck = Random(20300603)
        self.front, self.caller = desk.as_(Role.CLERK), desk.as_(Role.CLERK)
        self.oversight = desk.as_(Role.OVERSIGHT)
        self.scanner = Scanner(desk.database, handlers(desk.database, desk.settings))
        self.agenda: list[tuple[datetime, int, Callable[[], None]]] = []
        self.numbers = itertools.count()
        self.cases: dict[int, Case] = {}
        self.people: list[int] = []
        self.phones: dict[int, Desk] = {}
        self.followed: set[int] = set()
        self.refused: Counter[str] = Counter()

    @property
    def now(self) -> datetime:
        return self.clock["now"]

    def live(self) -> None:
        """From Monday morning until nothing is left to do."""
        self.clock["now"] = MONDAY + 6 * HOUR
        self.people = [self._volunteer() for _ in range(max(8, self.size // 5))]
        for nth in range(self.size):
            case = Case(FATES[nth % len(FATES)])
            self.later(self._arrival(nth), self.arrive, case)
        for day in range(1, 1 + self.rounds):
            self.later(MONDAY + day * DAY + 7 * HOUR + 30 * MINUTE, self.plan)
        while self.agenda:
            self.clock["now"], _, act = heapq.heappop(self.agenda)
            self.scanner.scan(self.now)
            act()

    def later(self, at: datetime, act: Callable[..., None], *arguments: Any, **more: Any) -> None:
        heapq.heappush(self.agenda, (max(at, self.now), next(self.numbers), partial(act, *arguments, **more)))

    def soon(self, low: int, high: int) -> datetime:
        """So many minutes from now."""
        return self.now + self.luck.randint(low, high) * MINUTE

    def say(self, who: Desk, case: Case, event: str, **body: Any) -> None:
        _done(who.post(f"/v1/requests/{case.id}/{event}", body), case)

    def state(self, case: Case) -> str:
        return str(self.desk.get(f"/v1/requests/{case.id}")["state"])

    # Coming in

    def _volunteer(self) -> int:
        days = [
            {"from": _said(MONDAY + day * DAY + 8 * HOUR), "to": _said(MONDAY + day * DAY + 20 * HOUR)}
            for day in range(SENT)
        ]
        return self.desk.enter("/v1/volunteers", {"at": self._place(), "availability": days})

    def _place(self) -> list[float]:
        return [round(108.94 + self.luck.uniform(-0.01, 0.01), 4), round(34.265 + self.luck.uniform(-0.01, 0.01), 4)]

    def _arrival(self, nth: int) -> datetime:
        """On one of five days, between opening and three in the afternoon, over noon too."""
        return MONDAY + (nth // 3 % 5) * DAY + self.luck.randint(8 * 60 + 30, 15 * 60) * MINUTE

    def _windows(self, case: Case) -> list[tuple[datetime, datetime]]:
        """Today from an hour on, and each day after; or today alone; or the end of next week alone."""
        today = self.now.replace(hour=0, minute=0)
        days = [today + day * DAY for day in range((MONDAY + ASKED_FOR * DAY - today).days)]
        windows = [(max(day + 9 * HOUR, self.now + HOUR), day + 17 * HOUR) for day in days]
        return {"any": windows, "one": windows[:1], "late": windows[-1:]}[case.fate.days]

    def series(self) -> None:
        """Entered once, it comes every other working day for a week; each time is followed like every other request."""
        first = (self.now + DAY).date()
        entered = {
            "template": {"at": self._place(), "minutes": 30, "service": "陪护"},
            "window": {"from": "09:00", "to": "17:00"},
            "rule": {"kind": "daily", "every": 2},
            "holidays": "next_workday",
            "first_day": first.isoformat(),
            "last_day": (first + 6 * DAY).isoformat(),
        }
        told = self.desk.get(f"/v1/series/{self.desk.enter('/v1/series', entered)}")
        for one in told["occurrences"]:
            day = datetime.fromisoformat(f"{one['day']}T00:00+08:00")
            case = Case(FATES[0], one["request"], [(day + 9 * HOUR, day + 17 * HOUR)])
            self.cases[case.id] = case
            self.later(day + 8 * HOUR + 10 * MINUTE, self.by_hand, case)

    def arrive(self, case: Case) -> None:
        fate = case.fate
        if fate.first == "series":
            return self.series()
        case.windows = self._windows(case)
        body = {
            "at": self._place(),
            "minutes": self.luck.choice((20, 30, 45)),
            "service": "陪护",
            "priority": fate.priority,
            "windows": _told(case.windows),
            "seats": [{}] * fate.crew,
            "submitted": fate.submitted,
        }
        case.id = self.front.enter("/v1/requests", body)
        self.cases[case.id] = case
        first = getattr(self, fate.first)
        if fate.submitted:
            self.later(self.soon(1, 4), first, case)
        elif fate.first != "triage":
            first(case)
        else:
            self.look_for_somebody(case)

    # What the desk does with it

    def triage(self, case: Case) -> None:
        self.say(self.desk, case, "triage", minutes=30)
        self.look_for_somebody(case)

    def mend(self, case: Case) -> None:
        """Its time is corrected before it is classified, and again after."""
        self.say(self.front, case, "amend", minutes=25)
        self.say(self.desk, case, "triage")
        self.say(self.front, case, "amend", minutes=35)
        self.look_for_somebody(case)

    def late(self, case: Case) -> None:
        self.later(self.soon(360, 420), self.triage, case)

    def answer(self, case: Case) -> None:
        self.say(self.front, case, "answer", answer="药店 24 小时营业")

    def reject(self, case: Case) -> None:
        self.say(self.desk, case, "reject", reason="属于物业", next_owner="物业服务中心")

    def merge(self, case: Case) -> None:
        other = self.desk.enter(
            "/v1/requests",
            {"at": self._place(), "minutes": 20, "service": "陪护", "windows": _told(case.windows)},
        )
        self.cases[other] = twin = Case(FATES[0], other, case.windows)
        self.say(self.desk, case, "merge", into=other)
        self.look_for_somebody(twin)

    def triage_and_merge(self, case: Case) -> None:
        self.say(self.desk, case, "triage")
        self.merge(case)

    def call_off(self, case: Case) -> None:
        self.say(self.front, case, "cancel", reason="居民不需要了")

    def wait_and_call_off(self, case: Case) -> None:
        body = {"for": "date", "until": _said(self.now + DAY), "reason": "居民外出"}
        self.say(self.desk, case, "wait", **body)
        self.later(self.now + 3 * HOUR, self.call_off, case)

    def ask_resident(self, case: Case) -> None:
        """Put off, then gone on with: while somebody waits for the resident, no clock of the desk's runs."""
        until = _said(self.now + DAY)
        self.say(self.desk, case, "wait", **{"for": "resident"}, until=until, reason="地址不详")
        self.later(self.now + HOUR, self.say, self.desk, case, "resume")
        self.later(self.now + HOUR + 2 * MINUTE, self.triage, case)

    def department(self, case: Case) -> None:
        """Given away twice, given back twice; a third time is refused, and the house does it itself."""
        for nth in range(2):
            self.later(self.now + nth * HOUR, self._give_away, case)
            self.later(self.now + nth * HOUR + 30 * MINUTE, self.say, self.desk, case, "resume", returned=True)
        self.later(self.now + 2 * HOUR, self._give_away_again, case)

    def _asked(self, case: Case) -> dict[str, Any]:
        until = _said(self.now + DAY)
        return {"for": "department", "until": until, "reason": "需供电局", "external_number": f"GD-{case.id}"}

    def _give_away(self, case: Case) -> None:
        self.say(self.desk, case, "wait", **self._asked(case))

    def _give_away_again(self, case: Case) -> None:
        told = self.desk.post(f"/v1/requests/{case.id}/wait", self._asked(case))
        assert (told.status_code, told.json()["code"]) == (409, "returned_too_often"), told.text
        self.look_for_somebody(case)

    # Somebody is asked

    def look_for_somebody(self, case: Case) -> None:
        """By hand in a while, unless it is for the next round; and by hand after that if the round found nobody."""
        if not case.fate.by_round or case.offered:
            self.later(self.soon(15, 40), self.by_hand, case)
            return
        morning = self.now.replace(hour=10, minute=0) + DAY
        self.later(morning, self.by_hand, case)

    def by_hand(self, case: Case) -> None:
        if self.state(case) != "triaged":
            return
        if self.now.hour >= 16 or self.now.weekday() >= 5:  # nobody is asked in the evening, or on a Sunday
            return self.later(self.now.replace(hour=9, minute=self.now.minute % 30) + DAY, self.by_hand, case)
        held = {seat for (seat,) in self._held(case)}
        for seat in sorted({*range(case.fate.crew)} - held):
            self.offered(self._assigned(case, seat), case)

    def _held(self, case: Case) -> list[Any]:
        return self.desk.rows(
            "SELECT seat FROM assignments WHERE request_id = :id AND state IN ('offered', 'accepted')", id=case.id
        )

    def _assigned(self, case: Case, seat: int) -> dict[str, Any]:
        """Given to the first who can, at the first time at which somebody can."""
        people = self.luck.sample(self.people, len(self.people))
        return self._first_who_can(case, seat, self._times(case), people)

    def _first_who_can(
        self, case: Case, seat: int, times: Iterable[tuple[datetime, dict[str, str]]], people: list[int]
    ) -> dict[str, Any]:
        for start, more in times:
            for person in people:
                body = {"volunteer": person, "seat": seat, "start": _said(start), **more}
                answer = self.desk.post(f"/v1/requests/{case.id}/assign", body)
                if answer.status_code == 201:
                    return dict(answer.json())
                code = answer.json()["code"]
                assert code in BUSY, answer.text
                self.refused[code] += 1
        raise AssertionError(f"nobody can do request {case.id} ({case.fate.name})")

    def _times(self, case: Case) -> Iterable[tuple[datetime, dict[str, str]]]:
        """Every half hour of its windows from an hour on; when they are past, with the resident's consent."""
        soonest = self.now + HOUR
        windows, more = [w for w in case.windows if w[1] >= soonest], {}
        if not windows:
            windows, more = [(soonest, soonest + 3 * HOUR)], {"reason": "居民同意改期"}
        for opens, closes in windows:
            start = max(opens, soonest)
            while start <= closes:
                yield start, more
                start += 30 * MINUTE

    def plan(self) -> None:
        """A round for the day: made, put in force; everybody who is asked behaves as their request has it."""
        day = self.now.replace(hour=8, minute=0)
        asked = {"from": _said(day), "to": _said(day + 12 * HOUR), "seconds": 30, "gap": 1.0}
        plan_id = self.desk.enter("/v1/plans", asked)
        settings = self.desk.settings.model_copy(update={"solve_grace_seconds": 240})
        Solver(self.desk.database, settings, threading.Event(), now=lambda: self.now).run(plan_id)
        where = f"/v1/plans/{plan_id}"
        assert self.desk.get(where)["state"] == "proposed", self.desk.get(where)
        _done(self.desk.publish(where))
        for seat in sorted(self.desk.get(where)["assignments"], key=lambda seat: (seat["request"], seat["seat"])):
            if seat["state"] == "offered" and seat["id"] not in self.followed:
                self.offered(seat, self.cases[seat["request"]])

    def offered(self, seat: dict[str, Any], case: Case) -> None:
        self.followed.add(seat["id"])
        getattr(self, f"_{case.next_offer()}")(seat, case)

    # What becomes of an offer

    def _come(self, seat: dict[str, Any], case: Case) -> None:
        start, end = _moments(seat)
        who = self._speaker(seat)
        self.later(self.soon(1, 5), self.step, who, seat, case, "accept")
        self.later(start - self.luck.randint(0, 15) * MINUTE, self._check_in, who, seat, case)
        self.later(end + self.luck.randint(0, 10) * MINUTE, self._finish, who, seat, case)

    def _decline(self, seat: dict[str, Any], case: Case) -> None:
        self.later(self.soon(1, 5), self.step, self._phone(seat), seat, case, "decline")
        self.later(self.soon(20, 30), self.by_hand, case)

    def _expire(self, seat: dict[str, Any], case: Case) -> None:
        """Nobody says anything: the clock ends it, and at that moment the agenda lets the clocks run."""
        ((due,),) = self.desk.rows(
            "SELECT due_at FROM clocks WHERE noun = 'assignment' AND noun_id = :id AND name = 'T4'", id=seat["id"]
        )
        over = moment(due)
        self.later(over, _nothing)
        unmet_overnight = case.offered == len(case.fate.offers) - 1
        self.later(over + (DAY if unmet_overnight else 20 * MINUTE), self.by_hand, case)

    def _ill(self, seat: dict[str, Any], case: Case) -> None:
        who = self._phone(seat)
        self.later(self.soon(1, 5), self.step, who, seat, case, "accept")
        self.later(self.soon(6, 12), self.step, who, seat, case, "withdraw", {"because": "ill"})
        self.later(self.soon(20, 30), self.by_hand, case)

    def _no_show(self, seat: dict[str, Any], case: Case) -> None:
        start, _ = _moments(seat)
        self.later(self.soon(1, 5), self.step, self._phone(seat), seat, case, "accept")
        self.later(start + 15 * MINUTE, self.step, self.desk, seat, case, "withdraw", {"because": "no_show"})
        self.later(start + 25 * MINUTE, self.by_hand, case)

    def _another_day(self, seat: dict[str, Any], case: Case) -> None:
        self.later(self.soon(2, 5), self._put_off, case)

    def _put_off(self, case: Case) -> None:
        """Until tomorrow; whoever was to come is let go."""
        body = {"for": "date", "until": _said(self.now + 2 * DAY), "reason": "居民外出"}
        self.say(self.desk, case, "wait", **body)
        tomorrow = self.now.replace(hour=9, minute=0) + DAY
        self.later(tomorrow, self.say, self.desk, case, "resume")
        self.later(tomorrow + 30 * MINUTE, self.by_hand, case)

    def _accept(self, seat: dict[str, Any], case: Case) -> None:
        self.later(self.soon(1, 4), self.step, self._speaker(seat), seat, case, "accept")

    def _accept_and_put_off(self, seat: dict[str, Any], case: Case) -> None:
        self._accept(seat, case)
        self.later(self.soon(6, 9), self._put_off, case)

    def _accept_and_cancel(self, seat: dict[str, Any], case: Case) -> None:
        self._accept(seat, case)
        self.later(self.soon(6, 9), self.call_off, case)

    def _hand_over(self, seat: dict[str, Any], case: Case) -> None:
        """The desk gives a promised seat to somebody else, and says why."""
        self._accept(seat, case)
        others = [person for person in self.people if person != seat["volunteer"]]
        self.later(self.soon(6, 9), self._give_to, others, seat, case)

    def _give_to(self, others: list[int], seat: dict[str, Any], case: Case) -> None:
        times = [(moment(seat["start"]), {"reason": "住得更近"})]
        self.offered(self._first_who_can(case, 0, times, others), case)

    def _slip(self, seat: dict[str, Any], case: Case) -> None:
        """The desk gives the seat to somebody else, sees that it was the wrong one, and takes it back."""
        others = [person for person in self.people if person != seat["volunteer"]]
        self.later(self.soon(3, 6), self._give_and_undo, others, seat, case)

    def _give_and_undo(self, others: list[int], seat: dict[str, Any], case: Case) -> None:
        times = [(moment(seat["start"]), {"reason": "点错了"})]
        wrong = self._first_who_can(case, 0, times, others)
        self.followed.add(wrong["id"])
        _done(self.desk.post(f"/v1/assignments/{wrong['id']}/undo", {}), case)
        self._come(seat, case)

    def _give_up(self, seat: dict[str, Any], case: Case) -> None:
        start, _ = _moments(seat)
        who = self._phone(seat)
        self._accept(seat, case)
        self.later(start, self._check_in, who, seat, case)
        self.later(start + 5 * MINUTE, self.step, who, seat, case, "withdraw", {"because": "busy"})
        self.later(start + 10 * MINUTE, self.by_hand, case)

    def _interrupted(self, seat: dict[str, Any], case: Case) -> None:
        """It cannot go on for a while; who is there stays."""
        start, end = _moments(seat)
        who = self._phone(seat)
        body = {"for": "resident", "until": _said(start + DAY), "reason": "居民临时外出"}
        self._accept(seat, case)
        self.later(start, self._check_in, who, seat, case)
        self.later(start + 3 * MINUTE, self.say, self.desk, case, "wait", **body)
        self.later(start + 15 * MINUTE, self.say, self.desk, case, "resume")
        self.later(end + 10 * MINUTE, self._finish, who, seat, case)

    def _cancel(self, seat: dict[str, Any], case: Case) -> None:
        self.later(self.soon(2, 5), self.say, self.front, case, "cancel", reason="家人已办好")

    def _cancel_in_service(self, seat: dict[str, Any], case: Case) -> None:
        """Whoever is there already still says how long it took."""
        start, end = _moments(seat)
        who = self._phone(seat)
        self.later(self.soon(1, 5), self.step, who, seat, case, "accept")
        self.later(start, self._check_in, who, seat, case)
        self.later(start + 5 * MINUTE, self.say, self.desk, case, "cancel", reason="居民就医")
        self.later(end, self._finish, who, seat, case)

    def _speaker(self, seat: dict[str, Any]) -> Desk:
        """The volunteer's own telephone, or the desk that was rung up."""
        return self._phone(seat) if self.luck.random() < 0.6 else self.desk

    def _phone(self, seat: dict[str, Any]) -> Desk:
        person = int(seat["volunteer"])
        if person not in self.phones:
            self.phones[person] = self.desk.of(person)
        return self.phones[person]

    def step(self, who: Desk, seat: dict[str, Any], case: Case, event: str, body: dict[str, Any] | None = None) -> None:
        _done(who.post(f"/v1/assignments/{seat['id']}/{event}", body or {}), case)

    def _check_in(self, who: Desk, seat: dict[str, Any], case: Case) -> None:
        ((code,),) = self.desk.rows("SELECT check_in_code FROM requests WHERE id = :id", id=case.id)
        self.step(who, seat, case, "check-in", {} if who is self.desk else {"code": code})

    def _finish(self, who: Desk, seat: dict[str, Any], case: Case) -> None:
        told = {"minutes": self.luck.randint(15, 60), "people": self.luck.randint(1, 3)}
        self.step(who, seat, case, "finish", told)
        if self.state(case) == "served":
            self._afterwards(case)

    # Afterwards

    def _afterwards(self, case: Case) -> None:
        """Rated in the next days, or not at all; called back some days later. The second time all is well."""
        fate, again = case.fate, case.reopened
        stars, calls = (5, ("satisfied",)) if again else (fate.stars, fate.calls)
        self.say(self.desk, case, "serve", result="已办好")
        rated = self.now + 3 * DAY if stars is None else self.soon(30, 24 * 60)
        if stars is None:
            self.later(rated, _nothing)  # the time for it is over
        else:
            self.later(rated, self.say, self.caller, case, "rate", stars=stars)
        if fate.reopens == "oversight" and not again:
            return self.later(rated + HOUR, self._reopen, self.oversight, case)
        for nth, result in enumerate(calls, 1):
            self.later(rated + nth * DAY, self._call, case, result)
        if fate.reopens == "clerk" and not again:
            self.later(rated + 2 * DAY, self._reopen, self.caller, case)

    def _call(self, case: Case, result: str) -> None:
        if result != "wait":
            return self.say(self.caller, case, "call-back", result=result)
        body = {"for": "date", "until": _said(self.now + DAY), "reason": "居民在忙"}
        self.say(self.desk, case, "wait", **body)
        self.later(self.now + 2 * HOUR, self.say, self.desk, case, "resume")

    def _reopen(self, who: Desk, case: Case) -> None:
        days = [self.now.replace(hour=0, minute=0) + day * DAY for day in (1, 2, 3, 4)]
        case.windows = [(day + 9 * HOUR, day + 17 * HOUR) for day in days]
        case.reopened = True
        self.say(who, case, "reopen", reason="没修好", windows=_told(case.windows))
        self.look_for_somebody(case)


def moment(told: Any) -> datetime:
    """A moment as an answer or a database has it, on the clock of the house."""
    at = datetime.fromisoformat(told) if isinstance(told, str) else told
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(MONDAY.tzinfo)


def _nothing() -> None:
    """The clocks run, that is all."""


def _done(answer: httpx.Response, case: Case | None = None) -> None:
    assert answer.is_success, f"{answer.request.url} of {case}: {answer.text}"


def _said(at: datetime) -> str:
    return at.isoformat(timespec="minutes")


def _told(windows: Iterable[tuple[datetime, datetime]]) -> list[dict[str, str]]:
    return [{"from": _said(opens), "to": _said(closes)} for opens, closes in windows]


def _moments(seat: dict[str, Any]) -> tuple[datetime, datetime]:
    return moment(seat["start"]), moment(seat["end"])
