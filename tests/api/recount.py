"""The figures of a report once more, slowly, from raw rows of the database; nothing here is taken from the service.

Its one use is to be compared with `GET /v1/report`. It counts minute by minute where the service looks at its clocks.
"""

import itertools
import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.api.desk import Desk
from tests.api.week import DAY, MINUTE, moment

Part = tuple[float, float | None]

HOUSE = {"house", "clock"}
OPEN = ((8 * 60 + 30, 12 * 60), (14 * 60, 17 * 60 + 30))
EARTH_KM = 6371.009
WAITING, CLOSED = "waiting", "closed"


@dataclass(frozen=True)
class Change:
    """A row of the audit."""

    at: datetime
    who: str
    was: str | None
    is_: str


@dataclass(frozen=True)
class Books:
    """Raw rows, read once: each request and seat with its changes in their order."""

    requests: Mapping[int, Mapping[str, Any]]
    seats: Mapping[int, Mapping[str, Any]]
    homes: Mapping[int, list[float]]
    story: Mapping[tuple[str, int], list[Change]]


def books(desk: Desk) -> Books:
    story: dict[tuple[str, int], list[Change]] = defaultdict(list)
    for at, who, noun, noun_id, was, is_ in desk.rows(
        "SELECT at, who, noun, noun_id, from_state, to_state FROM audit ORDER BY seq"
    ):
        story[noun, noun_id].append(Change(moment(at), who, was, is_))
    windows: dict[int, list[datetime]] = defaultdict(list)
    for request, ends in desk.rows("SELECT request_id, ends_at FROM request_windows"):
        windows[request].append(moment(ends))
    requests = {
        id: {"stars": stars, "callback": callback, "outcome": outcome, "at": _json(at), "windows": windows[id]}
        for id, stars, callback, outcome, at in desk.rows("SELECT id, stars, callback, outcome, at FROM requests")
    }
    names = ("request", "volunteer", "start", "end", "because", "minutes", "people")
    columns = "request_id, volunteer_id, starts_at, ends_at, ended_because, minutes, people"
    seats = {id: dict(zip(names, row, strict=True)) for id, *row in desk.rows(f"SELECT id, {columns} FROM assignments")}
    homes = {id: _json(at) for id, at in desk.rows("SELECT id, at FROM volunteers")}
    return Books(requests, seats, homes, story)


def _json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def recount(kept: Books, first: datetime, end: datetime) -> dict[str, Part]:
    """Every figure of a period that is over, by its code: a value and what it is of."""
    told: dict[str, Part] = {}

    def within(change: Change) -> bool:
        return first <= change.at < end

    received, answered, closed, served, still_open = 0, [], [], [], []
    for id, row in kept.requests.items():
        story = kept.story["request", id]
        if within(story[0]):
            received += 1
            if story[0].is_ == "submitted":
                answered.append(_answered(story, row))
        for n, change in enumerate(story):
            again = any(_reopens(later) for later in story[n:])
            if within(change) and (change.was, change.is_) == ("callback", CLOSED):
                closed.append((_on_time(story[:n]), not again and row["callback"] in ("satisfied", "basically")))
            if within(change) and (change.was, change.is_) == ("in_service", "served"):
                left = next(later for later in story[n + 1 :] if later.is_ == "callback")
                is_rated = left.who not in HOUSE
                served.append((is_rated, is_rated and not again and row["stars"] in (4, 5), again))
        by_then = [change for change in story if change.at < end]
        if by_then and by_then[-1].is_ != CLOSED:
            still_open.append(_unmet(by_then, row["windows"], end))
    told["received"] = received, None
    told["answered"] = answered.count(True), len(answered) - answered.count(None)
    told["on_time"] = sum(one for one, _ in closed), len(closed)
    told["solved"] = sum(one for _, one in closed), len(closed)
    told["rated"] = sum(one for one, _, _ in served), len(served)
    told["satisfied"] = sum(one for _, one, _ in served), sum(one for one, _, _ in served)
    told["reopened"] = sum(one for _, _, one in served), len(served)
    told["unmet"] = sum(still_open), len(still_open)
    return told | _volunteers(kept, first, end)


def _reopens(change: Change) -> bool:
    return change.was in ("callback", CLOSED) and change.is_ == "triaged"


def _answered(story: list[Change], row: Mapping[str, Any]) -> bool | None:
    """Five minutes of opening hours, those in which it waits not counted."""
    due = _end_of(story[0].at, 5, story)
    answer = next(c for c in story[1:] if c.is_ not in ("submitted", WAITING) and c.who not in HOUSE)
    if row["outcome"] == "cancelled" and answer.is_ == CLOSED:
        return None if answer.at <= due else False
    return answer.at <= due


def _on_time(before: list[Change]) -> bool:
    """Seven working days from when it was last classified or taken up again, to the end of the last day."""
    ended = max(n for n, change in enumerate(before) if (change.was, change.is_) == ("in_service", "served"))
    begun = max(
        n
        for n, change in enumerate(before[:ended])
        if _reopens(change) or (change.is_ == "triaged" and change.was in (None, "submitted"))
    )
    start, day = before[begun].at, before[begun].at
    for _ in range(7):
        day += DAY
        while day.weekday() >= 5:
            day += DAY
    due = day.replace(hour=17, minute=30)
    waits = [change for change in before[begun:ended] if WAITING in (change.is_, change.was)]
    if waits:
        minutes = sum(_is_open(start + n * MINUTE) for n in range((due - start) // MINUTE))
        due = _end_of(start, minutes, before[begun:])
    return before[ended].at <= due


def _end_of(start: datetime, minutes: int, story: list[Change]) -> datetime:
    """When so many opening minutes have passed in which it did not wait."""
    at = start
    pauses = [
        (change.at, next((later.at for later in story[n + 1 :] if later.was == WAITING), None))
        for n, change in enumerate(story)
        if change.is_ == WAITING
    ]
    while minutes:
        pause = next((end for begin, end in pauses if begin <= at and (end is None or at < end)), start)
        if pause is None:
            return datetime.max.replace(tzinfo=start.tzinfo)
        if pause > at:
            at = pause
            continue
        minutes -= _is_open(at)
        at += MINUTE
    return at


def _is_open(at: datetime) -> bool:
    minute = at.hour * 60 + at.minute
    return at.weekday() < 5 and any(opens <= minute < closes for opens, closes in OPEN)


def _unmet(by_then: list[Change], windows: Iterable[datetime], end: datetime) -> bool:
    state, last = by_then[-1].is_, max((n for n, change in enumerate(by_then) if _reopens(change)), default=0)
    offered = sum((change.was, change.is_) == ("triaged", "dispatched") for change in by_then[last:])
    past = all(window < end for window in windows)
    return (state == "triaged" and offered >= 3) or (state in ("submitted", "triaged", "dispatched", WAITING) and past)


def _volunteers(kept: Books, first: datetime, end: datetime) -> dict[str, Part]:
    offers, gone, came, done = [], set(), set(), []
    for id, seat in kept.seats.items():
        story = kept.story["assignment", id]
        for n, change in enumerate(story):
            if not first <= change.at < end:
                continue
            if change.is_ == "offered":
                offers.append({later.is_ for later in story[n + 1 :]})
            if change.is_ == "withdrawn" and seat["because"] == "no_show":
                gone.add(id)
            if change.is_ == "checked_in":
                came.add(id)
            if change.is_ == "done":
                done.append(seat)
    minutes: dict[int, int] = defaultdict(int)
    rounds: dict[tuple[int, Any], list[tuple[datetime, int]]] = defaultdict(list)
    for seat in done:
        minutes[seat["volunteer"]] += seat["minutes"]
        start = moment(seat["start"])
        rounds[seat["volunteer"], start.date()].append((start, seat["request"]))
    most = sorted(minutes.values())[len(minutes) - math.ceil(len(minutes) / 4) :]
    everybody = {id for id in kept.homes if kept.story["volunteer", id][0].at < end}
    return {
        "declined": (sum("declined" in became for became in offers), len(offers)),
        "expired": (sum("expired" in became for became in offers), len(offers)),
        "no_shows": (len(gone), len(gone | came)),
        "hours": (round(sum(minutes.values()) / 60, 2), None),
        "person_times": (sum(seat["people"] for seat in done), None),
        "served_by": (len(minutes), len(everybody | minutes.keys())),
        "distance": (round(sum(_km(kept, person, stops) for (person, _), stops in rounds.items()), 1), None),
        "busiest_quarter": (round(sum(most) / 60, 2), round(sum(minutes.values()) / 60, 2)),
    }


def _km(kept: Books, person: int, stops: list[tuple[datetime, int]]) -> float:
    home = kept.homes[person]
    points = [home, *(kept.requests[request]["at"] for _, request in sorted(stops)), home]
    return sum(_apart(*pair) for pair in itertools.pairwise(points))


def _apart(one: list[float], other: list[float]) -> float:
    """By the haversine."""
    (lon1, lat1), (lon2, lat2) = (map(math.radians, point) for point in (one, other))
    half = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_KM * math.asin(math.sqrt(half))


def holds(kept: Books) -> list[tuple[int, datetime, datetime, datetime, datetime]]:
    """Who was held for which time, from when until when on the books: from the offer to the end of the seat."""
    found = []
    for id, seat in kept.seats.items():
        story = kept.story["assignment", id]
        offered = next((change.at for change in story if change.is_ == "offered"), None)
        if offered is not None:
            found.append((seat["volunteer"], moment(seat["start"]), moment(seat["end"]), offered, story[-1].at))
    return found
