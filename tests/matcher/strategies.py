"""Random tiny instances that reach every feature of the format and the edges of each.

Times are drawn from few marks, so that windows, intervals, pins and `now` often touch exactly; journeys from few
lengths, so that trips often just fit. Everything is drawn by hypothesis, which shrinks what fails.
"""

from itertools import pairwise

from hypothesis import strategies as st

from matcher import Availability, Instance, Pinned, Published, Request, Seat, StraightTravel, Volunteer, Weights, Window
from tests.builders import MIDNIGHT, matrix

PLACES = ("home", "market", "school", "yard")
MARKS = (480, 500, 510, 530, 540, 570, 600, 630, 660, 720)
LATE_MARKS = (1410, 1430, 1440, 1450, 1470, 1500)
POINTS = ((117.00, 30.00), (117.01, 30.00), (117.00, 30.01), (117.02, 30.015))


def instances(requests: int, volunteers: int, seats: int = 3) -> st.SearchStrategy[Instance]:
    """Instances of up to so many requests, volunteers and seats a request."""
    return _instances(requests, volunteers, seats)


@st.composite
def _instances(draw: st.DrawFn, requests: int, volunteers: int, seats: int) -> Instance:
    on_matrix = draw(st.booleans())
    places = PLACES if on_matrix else POINTS
    marks = draw(st.sampled_from((MARKS, MARKS, MARKS + LATE_MARKS)))
    crowd = (1, *range(max(1, volunteers - 2), volunteers + 1), volunteers)
    people = tuple(draw(_volunteer(f"v{n}", places, marks)) for n in range(draw(st.sampled_from(crowd))))
    wanted = tuple(
        draw(_request(f"r{n}", places, marks, seats, [v.id for v in people]))
        for n in range(draw(st.integers(1, requests)))
    )
    pairs = [(r, v.id) for r in wanted for v in people]
    in_force = draw(st.lists(st.sampled_from(pairs), max_size=3, unique_by=lambda pair: (pair[0].id, pair[1])))
    kept = draw(st.lists(st.sampled_from(pairs), max_size=2, unique_by=lambda pair: (pair[0].id, pair[1])))
    return Instance(
        "drawn",
        MIDNIGHT,
        draw(st.sampled_from((1440, 1440, 2880, 600))),
        people,
        wanted,
        now=draw(st.none() | st.sampled_from((470, 500, 510, 545, 600))),
        travel=draw(_travel(on_matrix)),
        published=tuple(draw(_published(r, v, marks)) for r, v in in_force) + draw(_gone(wanted)),
        pinned=_without_clashes([draw(_pinned(r, v, marks)) for r, v in kept]),
        weights=draw(_weights()),
    )


@st.composite
def _volunteer(draw: st.DrawFn, id: str, places: tuple, marks: tuple) -> Volunteer:
    drawn = st.lists(st.sampled_from(marks), min_size=2, max_size=4, unique=True).map(sorted)
    whole = st.just([marks[0], marks[-1]])
    ends = draw(whole | whole | st.just([marks[0], 600, marks[-1]]) | drawn)
    intervals = [
        Availability(
            a,
            b + draw(st.sampled_from((0, 0, 60, 150))) * (b == ends[-1]),
            at=draw(st.none() | st.none() | st.sampled_from(places)),
            mode=draw(st.sampled_from((None, None, "car", "walk"))),
        )
        for a, b in (pairwise(ends) if draw(st.booleans()) else zip(ends[::2], ends[1::2], strict=False))
    ]
    return Volunteer(
        id,
        draw(st.sampled_from(places)),
        tuple(intervals),
        skills=draw(st.sampled_from(({}, {"nurse": 1}, {"nurse": 2, "driver": 1}, {"nurse": 2}, {"driver": 1}))),
        radius_km=draw(st.sampled_from((None, None, None, 1.0, 1.8))),
        max_requests_per_day=draw(st.sampled_from((None, None, None, None, None, 1, 2))),
        max_minutes_per_day=draw(st.sampled_from((None, None, None, None, None, 60, 100))),
        max_minutes=draw(st.sampled_from((None, None, None, None, None, 70, 130))),
        history_minutes=draw(st.sampled_from((0, 0, 30, 90))),
        target_minutes=draw(st.sampled_from((240, 60, 41, 0))),
    )


@st.composite
def _request(draw: st.DrawFn, id: str, places: tuple, marks: tuple, seats: int, people: list[str]) -> Request:
    crew = [Seat(draw(_skills()), minutes=draw(st.sampled_from((None, None, 20))))]
    for _ in range(draw(st.sampled_from((0, 0, 0, *range(1, seats))))):
        low = draw(st.sampled_from((0, 0, 10)))
        crew.append(
            Seat(
                draw(_skills()),
                optional=draw(st.sampled_from((False, False, True))),
                lag=(low, low + draw(st.sampled_from((0, 5, 30)))),
                minutes=draw(st.sampled_from((None, None, 15))),
            )
        )
    starts = sorted(draw(st.lists(st.sampled_from(marks), min_size=1, max_size=2, unique=True)))
    some = st.lists(st.sampled_from(people), max_size=2, unique=True)
    return Request(
        id,
        draw(st.sampled_from(places)),
        draw(st.sampled_from((20, 30, 60))),
        tuple(Window(a, a + draw(st.sampled_from((0, 10, 30, 120, 120)))) for a in starts),
        end_at=draw(st.none() | st.none() | st.sampled_from(places)),
        priority=draw(st.sampled_from(("urgent", "high", "normal", "low"))),
        due=draw(st.none() | st.sampled_from(marks)),
        seats=tuple(crew),
        partners=tuple(draw(st.just([]) | some)),
        forbidden=tuple(draw(st.just([]) | st.just([]) | some)),
        affinity=dict.fromkeys(draw(st.just([]) | some), draw(st.sampled_from((50, 900)))),
        wishes=draw(st.sampled_from(({}, {}, {"nurse": 120}, {"driver": 80}))),
    )


def _skills() -> st.SearchStrategy[dict[str, int]]:
    return st.sampled_from(({}, {}, {}, {}, {}, {"nurse": 1}, {"nurse": 2}, {"driver": 1}))


@st.composite
def _travel(draw: st.DrawFn, on_matrix: bool):
    """A matrix whose detours may be quicker than the straight way, or great circles."""
    if not on_matrix:
        return StraightTravel(fixed_minutes=draw(st.sampled_from((0, 0, 3))))
    pairs = [(one, two) for one in PLACES for two in PLACES if one != two]
    return matrix(PLACES, {pair: draw(st.sampled_from((0, 5, 10, 10, 20, 40))) for pair in pairs})


@st.composite
def _published(draw: st.DrawFn, request: Request, volunteer: str, marks: tuple) -> Published:
    """In force: at one of the windows, or exactly half an hour off, or a minute more."""
    start = draw(st.sampled_from([w.start for w in request.windows])) + draw(st.sampled_from((0, 0, 30, -30, 31, -31)))
    return Published(request.id, volunteer, start)


@st.composite
def _gone(draw: st.DrawFn, wanted: tuple[Request, ...]) -> tuple[Published, ...]:
    """Now and then somebody who has left, or a request that is over."""
    return draw(st.sampled_from(((), (), (), (Published(wanted[0].id, "left", 500),), (Published("over", "v0", 500),))))


@st.composite
def _pinned(draw: st.DrawFn, request: Request, volunteer: str, marks: tuple) -> Pinned:
    """Kept or not: in a seat or any, at a start (begun, perhaps, before now) or any."""
    seat = draw(st.none() | st.integers(0, len(request.seats) - 1))
    ends = [w.start for w in request.windows] * 2 + [w.end for w in request.windows]
    start = draw(st.none() | st.sampled_from(ends) | st.sampled_from(ends))
    return Pinned(request.id, volunteer, seat, start)


def _without_clashes(pins: list[Pinned]) -> tuple[Pinned, ...]:
    """One seat pinned to two people is refused at the door, so it is not drawn."""
    kept: dict[tuple[str, int | None], Pinned] = {}
    for pin in pins:
        key = (pin.request, pin.seat if pin.seat is not None else -1 - len(kept))
        kept.setdefault(key, pin)
    return tuple(kept.values())


def _weights() -> st.SearchStrategy[Weights]:
    """The default prices, and some that turn the order of things round."""
    return st.sampled_from(
        (
            Weights(),
            Weights(),
            Weights(travel=1, optional_seat=100, late=40, continuity=30),
            Weights(fairness=(30, 10, 5), stability=2000),
            Weights(unserved={"low": 100, "normal": 300}, pin=500),
            Weights(optional_seat=0, late=0, stability=0),
        )
    )
