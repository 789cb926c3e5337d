"""Hard instances on purpose: scarce skills, tight windows, helpers living elsewhere, evenings when everybody calls.

Nothing here knows an engine. All luck comes from the seed, so a seed is the same instance on every machine.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from itertools import islice
from math import ceil, cos, hypot, radians
from random import Random
from typing import TypeVar

import numpy as np

from matcher import (
    Availability,
    Instance,
    MatrixTravel,
    Pinned,
    Place,
    Published,
    Request,
    Seat,
    StraightTravel,
    Volunteer,
    Weights,
    Window,
)
from matcher.eligibility import seat_starts
from scenarios.neighbourhood import Neighbourhood
from scenarios.places import KM_PER_DEGREE, Point, Settlement, Town

Drawn = TypeVar("Drawn")

MIDNIGHT = datetime(2026, 3, 2, tzinfo=timezone(timedelta(hours=8)))
DAY = 1440
OPENS, EVENING, CLOSES = 8 * 60, 17 * 60 + 30, 20 * 60 + 30
"""Minutes of the day: requests start between the first and the last, those of the evening after the second."""

SKILLS = {
    "first aid": (0.25, 18),
    "computer": (0.20, 14),
    "hairdressing": (0.08, 15),
    "nursing": (0.05, 20),
    "plumbing": (0.03, 14),
    "electrics": (0.02, 12),
    "sign language": (0.01, 7),
}
"""Skill -> the share of volunteers who have it, and its weight among the skills asked for, which differs on purpose."""

FEWEST = 4
"""So many people have any skill, however small the instance."""

COMMON = ("first aid", "computer")
"""What the further seats of a team ask for: teams that nobody can man are not hard, they are settled."""

PRIORITIES = {"urgent": 5, "high": 20, "normal": 55, "low": 20}
MINUTES = {20: 15, 30: 30, 45: 20, 60: 20, 90: 10, 120: 5}
MODES = {"walk": 20, "bike": 15, "ebike": 50, "car": 15}
DESK_STARTS = (9 * 60, 14 * 60, 18 * 60 + 30)

FULL_COST: Mapping[str, float] = {
    "due_share": 0.3, "partner_share": 0.25, "history_share": 0.7, "affinity_share": 0.15, "wish_share": 0.15,
}  # fmt: skip
"""Features that give every term of the cost something to say but stability and pins."""

TEAMS: Mapping[str, float] = {"team_share": 0.2, "optional_share": 0.2, "lag_share": 0.3}
"""A fifth of the requests are for teams, with optional and lagged seats."""

EVERYTHING: Mapping[str, float | bool] = {
    **FULL_COST, **TEAMS, "desk_share": 0.03, "cap_share": 0.4, "radius_share": 0.3, "forbidden_share": 0.1,
    "second_window_share": 0.15, "second_interval_share": 0.3, "own_place_share": 0.15, "own_mode_share": 0.15,
    "mode_share": 0.5, "end_elsewhere_share": 0.1, "published_share": 0.3, "pinned_share": 0.4, "matrix": True,
    "now": 11 * 60,
}  # fmt: skip
"""All of the format at once."""


@dataclass(frozen=True)
class Features:
    """What makes an instance hard, and what of the format it uses. A share lies between 0 and 1."""

    side_km: float = 12.0
    centres: int = 5
    evening_share: float = 0.45
    """Of the requests: start between 17:30 and 20:00."""
    tight_share: float = 0.5
    """Of the windows: at most 45 minutes long."""
    skilled_share: float = 0.5
    """Of the single requests: ask for a skill."""
    second_window_share: float = 0.0
    due_share: float = 0.0
    end_elsewhere_share: float = 0.0
    partner_share: float = 0.0
    """Of the requests: name partners, who live near and could serve them."""
    affinity_share: float = 0.0
    wish_share: float = 0.0
    forbidden_share: float = 0.0
    team_share: float = 0.0
    """Of the requests: 2 to `max_team` seats."""
    max_team: int = 6
    optional_share: float = 0.0
    """Of the seats of a team after the second."""
    lag_share: float = 0.0
    """Of the seats of a team after the first: start later, within bounds, and take their own time."""
    desk_share: float = 0.0
    """Of the requests: service desks at a centre, fixed starts, two or three seats."""
    second_interval_share: float = 0.0
    """Of the volunteers who have one interval a day: have two."""
    own_place_share: float = 0.0
    """Of the intervals: begin and end elsewhere, at work say."""
    own_mode_share: float = 0.0
    mode_share: float = 0.0
    """Of the volunteers: do not simply go by e-bike."""
    radius_share: float = 0.0
    cap_share: float = 0.0
    """Of the volunteers, for each of the three caps."""
    history_share: float = 0.0
    fairness: bool = True
    matrix: bool = False
    """Travel as a matrix of minutes that differ a little by direction, instead of straight lines."""
    now: int | None = None
    """Minute from the start at which the plan is made; requests whose windows are over by then are not drawn."""
    published_share: float = 0.0
    """Of the requests: stand in a plan in force that would hold."""
    pinned_share: float = 0.0
    """Of the published ones: pinned, whole crews, together keepable."""

    def __post_init__(self) -> None:
        for field in fields(self):
            if field.name.endswith("_share") and not 0 <= getattr(self, field.name) <= 1:
                raise ValueError(f"{field.name} is {getattr(self, field.name)}; a share lies between 0 and 1")
        if self.max_team < 2 or self.centres < 1:
            raise ValueError(f"max_team {self.max_team} and centres {self.centres} must be at least 2 and 1")
        if self.now is not None and self.now > CLOSES - 60:
            raise ValueError(f"now is minute {self.now}; leave an hour to draw requests from, up to {CLOSES - 60}")

    def unusual(self) -> dict[str, float | bool | None]:
        """The features that are not at their defaults."""
        return {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}

    def mark(self) -> str:
        """A few letters for these features, so that instances that differ in them differ in name; none for plain."""
        unusual = self.unusual()
        return f"-{sha256(repr(sorted(unusual.items())).encode()).hexdigest()[:6]}" if unusual else ""


def generate(
    requests: int = 300, volunteers: int = 400, *, days: int = 1, seed: int = 1, **features: float | bool | None
) -> Instance:
    """An instance of this size over days from Monday 2026-03-02 on; `features` are those of `Features`, by name."""
    chosen = Features(**features)
    rng = Random(f"diandan {requests} {volunteers} {days} {seed}")
    town = _Town(rng, days, chosen)
    bare = Instance(
        name=f"generated-{requests}x{volunteers}-{days}d{chosen.mark()}-seed{seed}",
        note=", ".join(f"{name} {value}" for name, value in chosen.unusual().items()) or None,
        origin=MIDNIGHT,
        horizon_end=days * DAY,
        volunteers=tuple(town.volunteers(volunteers)),
        requests=tuple(town.requests(requests)),
        now=chosen.now,
        weights=Weights() if chosen.fairness else Weights(fairness=(0, 0, 0)),
    )
    instance, where = on_matrix(bare, rng) if chosen.matrix else (bare, {})
    neighbourhood = Neighbourhood(instance, where)
    acquainted = replace(instance, requests=tuple(_acquaintances(instance, neighbourhood, rng, chosen)))
    return _in_force(acquainted, where, rng, chosen) if chosen.published_share else acquainted


def on_matrix(instance: Instance, rng: Random) -> tuple[Instance, Mapping[Place, Point]]:
    """The same instance with named places and a matrix of e-bike minutes, and where each named place lies."""
    points: dict[Point, str] = {}

    def named(point: Place) -> str:
        return points.setdefault(point, f"P{len(points) + 1:04}")

    volunteers = tuple(
        replace(
            v,
            at=named(v.at),
            availability=tuple(replace(i, at=None if i.at is None else named(i.at)) for i in v.availability),
        )
        for v in instance.volunteers
    )
    requests = tuple(
        replace(r, at=named(r.at), end_at=None if r.end_at is None else named(r.end_at)) for r in instance.requests
    )
    where = {name: point for point, name in points.items()}
    travel = MatrixTravel(tuple(where), _rough_minutes(list(where.values()), rng))
    return replace(instance, volunteers=volunteers, requests=requests, travel=travel), where


def _rough_minutes(points: list[Point], rng: Random) -> np.ndarray:
    """What an e-bike takes, and up to 3 minutes more by direction, as streets are: triangles need not close."""
    minutes = StraightTravel().table(points, points, "ebike")
    minutes += np.random.default_rng(rng.getrandbits(64)).integers(0, 4, minutes.shape)
    np.fill_diagonal(minutes, 0)
    return minutes


class _Town:
    """Draws people and wishes one by one; residents and volunteers crowd around the same centres in opposite order."""

    def __init__(self, rng: Random, days: int, features: Features) -> None:
        self._rng, self._days, self._features = rng, days, features
        self._place = Town(117.0, 30.1)
        half = features.side_km * 0.4
        self._centres = [
            self._place.point(rng.uniform(-half, half), rng.uniform(-half, half)) for _ in range(features.centres)
        ]
        weights = [1 / (i + 1) for i in range(features.centres)]
        self._residents = self._settlement(weights, features.side_km / 16)
        self._helpers = self._settlement(weights[::-1], features.side_km / 9)

    def volunteers(self, count: int) -> Iterator[Volunteer]:
        skills = self._skills_of(count)
        for i in range(count):
            yield self._volunteer(f"V{i + 1:05}", skills[i])

    def requests(self, count: int) -> Iterator[Request]:
        desks, teams = round(self._features.desk_share * count), round(self._features.team_share * count)
        kinds = ["desk"] * desks + ["team"] * teams
        kinds = [*kinds, *["single"] * (count - len(kinds))][:count]
        self._rng.shuffle(kinds)
        for i, kind in enumerate(kinds):
            id = f"R{i + 1:05}"
            yield self._desk(id) if kind == "desk" else self._request(id, team=kind == "team")

    def _request(self, id: str, team: bool) -> Request:
        rng, features = self._rng, self._features
        windows = tuple(sorted(self._windows(), key=lambda w: w.start))
        minutes = drawn(rng, MINUTES)
        request = Request(
            id=id,
            at=self._residents.draw(rng),
            minutes=minutes,
            windows=windows,
            priority=drawn(rng, PRIORITIES),
            seats=tuple(self._crew()) if team else (Seat(self._wanted(features.skilled_share)),),
            due=windows[0].start + minutes + rng.randrange(0, 90, 5) if rng.random() < features.due_share else None,
            wishes={self._skill(): rng.randrange(50, 400, 50)} if rng.random() < features.wish_share else {},
        )
        if rng.random() < features.end_elsewhere_share:
            end_at = self._place.around(request.at, 1.0, rng)
            request = replace(request, end_at=end_at, minutes=minutes + _errand_minutes(request.at, end_at))
        return request

    def _settlement(self, weights: list[float], spread_km: float) -> Settlement:
        return Settlement(self._place, self._centres, weights, spread_km, self._features.side_km)

    def _skills_of(self, count: int) -> list[dict[str, int]]:
        """Each skill goes to its share of the people, and to a few at least, so that small instances have it too."""
        skills: list[dict[str, int]] = [{} for _ in range(count)]
        for skill, (share, _) in SKILLS.items():
            for i in self._rng.sample(range(count), min(count, max(FEWEST, round(share * count)))):
                skills[i][skill] = self._rng.choices((1, 2, 3), (5, 4, 1))[0]
        return skills

    def _volunteer(self, id: str, skills: dict[str, int]) -> Volunteer:
        rng, features = self._rng, self._features
        return Volunteer(
            id=id,
            at=self._helpers.draw(rng),
            availability=tuple(self._calendar()),
            skills=skills,
            mode=drawn(rng, MODES) if rng.random() < features.mode_share else "ebike",
            radius_km=round(rng.uniform(2, 7), 1) if rng.random() < features.radius_share else None,
            max_requests_per_day=rng.randint(1, 4) if rng.random() < features.cap_share else None,
            max_minutes_per_day=rng.randrange(90, 270, 30) if rng.random() < features.cap_share else None,
            max_minutes=self._days * rng.randrange(60, 210, 30) + 60 if rng.random() < features.cap_share else None,
            history_minutes=rng.randrange(0, 420, 10) if rng.random() < features.history_share else 0,
        )

    def _calendar(self) -> Iterator[Availability]:
        """One kind of life for all days: at work by day, at home by day, or free."""
        rng = self._rng
        life = rng.choices(("works", "at home", "free"), (55, 30, 15))[0]
        twice = rng.random() < self._features.second_interval_share
        coming = [day for day in range(self._days) if rng.random() < 0.6]
        for day in coming or [rng.randrange(self._days)]:
            for start, end in self._intervals(life, twice):
                yield self._interval(day * DAY + start, day * DAY + end)

    def _intervals(self, life: str, twice: bool) -> list[tuple[int, int]]:
        rng = self._rng
        lunch = (12 * 60, 13 * 60 + 30)
        morning = (rng.randrange(480, 575, 15), rng.randrange(690, 720, 15))
        afternoon = (rng.randrange(810, 870, 15), rng.randrange(1000, 1080, 15))
        evening = (rng.randrange(1050, 1125, 15), rng.randrange(1200, 1305, 15))
        if life == "works":
            return [lunch, evening] if twice else [evening]
        if life == "at home":
            return [morning, afternoon] if twice else [rng.choice((morning, afternoon))]
        return [morning, (afternoon[0], evening[1])] if twice else [(morning[0], evening[1])]

    def _interval(self, start: int, end: int) -> Availability:
        rng, features = self._rng, self._features
        at = self._helpers.draw(rng) if rng.random() < features.own_place_share else None
        mode = drawn(rng, MODES) if rng.random() < features.own_mode_share else None
        return Availability(start, end, at, mode)

    def _windows(self) -> Iterator[Window]:
        first = self._window()
        yield first
        if self._rng.random() < self._features.second_window_share:
            second = self._window()
            if second.start > first.end or second.end < first.start:
                yield second

    def _window(self) -> Window:
        """A time to start that is not over by now."""
        rng, features = self._rng, self._features
        while True:
            day = rng.randrange(self._days) * DAY
            evening = rng.random() < features.evening_share
            start = rng.randrange(EVENING, 1205, 5) if evening else rng.randrange(OPENS, EVENING, 5)
            length = rng.randrange(5, 50, 5) if rng.random() < features.tight_share else rng.randrange(60, 245, 15)
            window = Window(day + start, day + min(start + length, CLOSES))
            if features.now is None or window.end >= features.now + 30:
                return window

    def _wanted(self, share: float) -> dict[str, int]:
        return {self._skill(): self._rng.choices((1, 2), (8, 2))[0]} if self._rng.random() < share else {}

    def _skill(self) -> str:
        return drawn(self._rng, {skill: weight for skill, (_, weight) in SKILLS.items()})

    def _crew(self) -> Iterator[Seat]:
        rng, features = self._rng, self._features
        yield Seat(self._wanted(features.skilled_share / 2))
        for number in range(1, rng.randint(2, features.max_team)):
            optional = number > 1 and rng.random() < features.optional_share
            lag, minutes = (0, 0), None
            if rng.random() < features.lag_share:
                low = rng.choice((0, 15, 30))
                lag, minutes = (low, low + rng.choice((0, 15, 30))), rng.choice((15, 30, 60))
            skills = {rng.choice(COMMON): 1} if rng.random() < features.skilled_share / 2 else {}
            yield Seat(skills, optional, lag, minutes)

    def _desk(self, id: str) -> Request:
        rng, now = self._rng, self._features.now
        starts = [day * DAY + start for day in range(self._days) for start in DESK_STARTS]
        start = rng.choice([s for s in starts if now is None or s >= now + 30] or starts[-1:])
        seats = (Seat(), Seat(), Seat(optional=True)) if rng.random() < 0.5 else (Seat(), Seat())
        return Request(
            id, rng.choice(self._centres), 120, (Window(start, start),), service="desk", priority="high", seats=seats
        )


def _acquaintances(
    instance: Instance, neighbourhood: Neighbourhood, rng: Random, features: Features
) -> Iterator[Request]:
    """The requests with the people they know, dislike or must not meet: near and able, else a name means nothing."""
    shares = (features.partner_share, features.affinity_share, features.forbidden_share)
    for request in instance.requests:
        known, disliked, unwanted = (rng.random() < share for share in shares)
        if not (known or disliked or unwanted):
            yield request
            continue
        near = list(islice(neighbourhood.able(request), 8))
        rng.shuffle(near)
        partners = [near.pop() for _ in range(rng.randint(1, 3)) if near] if known else []
        forbidden = [near.pop() for _ in range(rng.randint(1, 2)) if near] if unwanted else []
        yield replace(
            request,
            partners=tuple(v.id for v in partners),
            forbidden=tuple(v.id for v in forbidden),
            affinity={v.id: rng.randrange(50, 500, 50) for v in near[:3]} if disliked else {},
        )


def _in_force(instance: Instance, where: Mapping[Place, Point], rng: Random, features: Features) -> Instance:
    """The instance with a plan in force, some of it pinned; everybody has one visit at most, so that it would hold."""
    earlier = replace(instance, now=None)  # the plan was made before now, so it may have begun
    neighbourhood = Neighbourhood(earlier, where)
    busy: set[str] = set()
    published: list[Published] = []
    pinned: list[Pinned] = []
    for request in instance.requests:
        if rng.random() < features.published_share:
            crew = _crew_for(earlier, request, neighbourhood, busy)
            busy.update(entry.volunteer for entry in crew)
            published.extend(crew)
            if rng.random() < features.pinned_share:
                pinned.extend(_pin(instance, entry, rng) for entry in crew)
    return replace(instance, published=tuple(published), pinned=tuple(pinned))


def _crew_for(instance: Instance, request: Request, neighbourhood: Neighbourhood, busy: set[str]) -> list[Published]:
    """Near people who are still free for every required seat, or nobody."""
    crew: list[Published] = []
    for seat in request.required_seats:
        low, high = request.seats[seat].lag
        earliest, latest = (crew[0].start + low, crew[0].start + high) if crew else (0, instance.horizon_end)
        taken = busy | {entry.volunteer for entry in crew}
        entry = next(
            (
                Published(request.id, volunteer.id, max(span.earliest, earliest), seat)
                for volunteer in neighbourhood.able(request, seat)
                if volunteer.id not in taken
                for span in seat_starts(instance, request, seat, volunteer)
                if max(span.earliest, earliest) <= min(span.latest, latest)
            ),
            None,
        )
        if entry is None:
            return []
        crew.append(entry)
    return crew


def _pin(instance: Instance, entry: Published, rng: Random) -> Pinned:
    """Seat and start are named when the journey has begun, as they must be, else now and then."""
    spans = seat_starts(instance, instance.request(entry.request), entry.seat or 0, instance.volunteer(entry.volunteer))
    begun = not any(span.earliest <= entry.start <= span.latest for span in spans)
    if begun or rng.random() < 0.5:
        return Pinned(entry.request, entry.volunteer, entry.seat, entry.start)
    return Pinned(entry.request, entry.volunteer)


def _errand_minutes(origin: Point, destination: Point) -> int:
    """The walk between the two ends of a request, which its minutes contain."""
    (lon1, lat1), (lon2, lat2) = origin, destination
    km = KM_PER_DEGREE * hypot((lon2 - lon1) * cos(radians(lat1)), lat2 - lat1)
    return ceil(km * 1.3 / 4.5 * 60)


def drawn(rng: Random, weights: Mapping[Drawn, int]) -> Drawn:
    """One of the keys, by weight."""
    return rng.choices(list(weights), list(weights.values()))[0]
