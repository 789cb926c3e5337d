"""The map: a schematic drawing of one day, north up, without tiles or network.

Requests are points coloured by priority, unserved ones red diamonds; squares are where trips begin, and lines follow
each trip. Points that would hide each other are moved a few pixels apart.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import cos, pi, radians, sin

from markupsafe import Markup

from api.console.read import PlanView
from api.console.svg import Box, Taken, clipped, element, ems
from api.console.texts import Say
from api.console.trips import Point, Trip
from matcher import PRIORITIES

WIDTH, LEAST_HEIGHT, MOST_HEIGHT = 660, 330, 480
MARGIN = 26
FOOT = 30
"""Room below the points for the scale bar."""

DEGREE_KM = 111.195
LEAST_KM = 1.0
"""A map is never of a smaller piece of the earth, so that two neighbours do not seem worlds apart."""

FEW = 150
LETTER = 11
SCALES = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)

Spot = tuple[float, float]


@dataclass(frozen=True)
class Ground:
    """A piece of the earth small enough to lie flat: east to the right, a degree of longitude shortened by cos(lat)."""

    middle: Point
    pixels_per_km: float
    height: float

    @classmethod
    def under(cls, points: Sequence[Point]) -> "Ground":
        """All of these points in one picture."""
        lons, lats = [lon for lon, _ in points] or [0.0], [lat for _, lat in points] or [0.0]
        middle = (min(lons) + max(lons)) / 2, (min(lats) + max(lats)) / 2
        wide = max(LEAST_KM, (max(lons) - min(lons)) * DEGREE_KM * cos(radians(middle[1])))
        tall = max(LEAST_KM, (max(lats) - min(lats)) * DEGREE_KM)
        room = MOST_HEIGHT - 2 * MARGIN - FOOT
        scale = min((WIDTH - 2 * MARGIN) / wide, room / tall)
        return cls(middle, scale, max(LEAST_HEIGHT, tall * scale + 2 * MARGIN + FOOT))

    def spot(self, point: Point) -> Spot:
        """Where on the picture a point lies."""
        east = (point[0] - self.middle[0]) * DEGREE_KM * cos(radians(self.middle[1]))
        north = (point[1] - self.middle[1]) * DEGREE_KM
        return WIDTH / 2 + east * self.pixels_per_km, (self.height - FOOT) / 2 - north * self.pixels_per_km


def draw_map(view: PlanView, say: Say) -> Markup:
    """The whole map of the day shown."""
    trips = view.trips
    shown = _shown(view, trips)
    places = {id: _place(view.requests[id].at) for id in shown}
    ground = Ground.under([*places.values(), *(trip.origin for trip in trips)])
    taken = Taken(WIDTH, ground.height - FOOT / 2)
    size = 6.0 if len(shown) <= FEW else 4.0
    spots = {id: _apart(ground.spot(places[id]), size, taken) for id in shown}
    homes = Taken(WIDTH, ground.height - FOOT / 2)
    for trip in trips:
        homes.take(_around(ground.spot(trip.origin), 3))
    layers = [
        *_grid(ground, say),
        *(_line(trip, ground, spots) for trip in trips),
        *(_home(trip, ground, 0.4 * size) for trip in trips),
        *(_point(view, id, spots[id], size, say) for id in reversed(shown)),
        *_labels(view, spots, size, taken, homes),
        *_names(view, ground, taken, homes),
    ]
    box = f"0 0 {WIDTH} {ground.height:.0f}"
    return element("svg", *layers, class_="map", viewBox=box, role="group", aria_label=say("map_of"))


def _shown(view: PlanView, trips: Sequence[Trip]) -> list[int]:
    """The requests on the map, the most pressing first: unserved, then by priority."""
    unserved = view.unserved_ids
    served = {visit.seat.request for trip in trips for visit in trip.visits}

    def pressing(id: int) -> tuple[bool, int, int]:
        return id not in unserved, PRIORITIES.index(view.requests[id].priority), id

    return sorted(unserved | served, key=pressing)


def _place(at: Sequence[float]) -> Point:
    return at[0], at[1]


def _apart(spot: Spot, size: float, taken: Taken) -> Spot:
    """The nearest place round about that is still free, and is taken from now on."""
    for step in range(240):
        far, angle = 1.6 * size * (step / 6) ** 0.5, step * pi * (3 - 5**0.5)
        tried = spot[0] + far * cos(angle), spot[1] + far * sin(angle)
        if taken.is_free(_around(tried, size + 0.5)):
            spot = tried
            break
    taken.take(_around(spot, size + 0.5))
    return spot


def _around(spot: Spot, size: float) -> Box:
    return spot[0] - size, spot[1] - size, spot[0] + size, spot[1] + size


def _grid(ground: Ground, say: Say) -> Iterator[Markup]:
    """Faint squares of a round length, and the bar that says how long it is."""
    km = max((scale for scale in SCALES if scale * ground.pixels_per_km <= WIDTH / 5), default=SCALES[0])
    step = km * ground.pixels_per_km
    middle = ground.spot(ground.middle)
    across = [middle[0] + step * k for k in range(-40, 41) if 0 < middle[0] + step * k < WIDTH]
    down = [middle[1] + step * k for k in range(-40, 41) if 0 < middle[1] + step * k < ground.height]
    path = "".join(f"M{x:.1f} 0V{ground.height:.0f}" for x in across)
    path += "".join(f"M0 {y:.1f}H{WIDTH}" for y in down)
    yield element("path", d=path, class_="grid")
    y = ground.height - 10
    yield element("path", d=f"M12 {y - 5:.1f}V{y:.1f}H{12 + step:.1f}V{y - 5:.1f}", class_="scale")
    yield element("text", say("scale", km=f"{km:g}"), x=18 + step, y=y, class_="small")
    yield element("text", say("north"), x=WIDTH - 12, y=y, class_="small", text_anchor="end")


def _line(trip: Trip, ground: Ground, spots: Mapping[int, Spot]) -> Markup:
    """From where the trip begins to its visits, in order."""
    stops = [ground.spot(trip.origin), *(spots[visit.seat.request] for visit in trip.visits)]
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in stops)
    return element("path", element("title", trip.volunteer.label or str(trip.volunteer.id)), d=path, class_="trip")


def _home(trip: Trip, ground: Ground, half: float) -> Markup:
    """Where a trip begins; it leads to its row of the timeline."""
    x, y = ground.spot(trip.origin)
    name = element("title", trip.volunteer.label or str(trip.volunteer.id))
    square = element("rect", x=x - half, y=y - half, width=2 * half, height=2 * half)
    return element("a", name, square, href=f"#v{trip.volunteer.id}", class_="home", tabindex=-1)


def _point(view: PlanView, id: int, spot: Spot, size: float, say: Say) -> Markup:
    """A request; it leads to its row of the table."""
    request = view.requests[id]
    unserved = id in view.unserved_ids
    x, y = spot
    told = say("point", id=id, label=request.label or "", priority=say(f"priority_{request.priority}"))
    told = f"{told} · {say('unserved')}" if unserved else told
    parts = [element("title", told), element("circle", cx=x, cy=y, r=2.2 * size, class_="halo")]
    if unserved:
        r = 1.25 * size
        parts.append(element("path", d=f"M{x:.1f} {y - r:.1f}l{r} {r}l{-r} {r}l{-r} {-r}z"))
    else:
        parts.append(element("circle", cx=x, cy=y, r=size))
        if len(request.seats) > 1:
            parts.append(element("circle", cx=x, cy=y, r=0.4 * size, class_="eye"))
    kind = "unserved" if unserved else request.priority
    return element("a", *parts, href=f"#r{id}", id=f"m{id}", class_=f"point {kind}")


def _labels(view: PlanView, spots: Mapping[int, Spot], size: float, taken: Taken, homes: Taken) -> Iterator[Markup]:
    """Numbers beside the points, and the name of what is unserved where there is room for it."""
    unserved = view.unserved_ids
    for id, spot in spots.items():
        name = clipped(view.requests[id].label or "", 9)
        tries = [f"{id} {name}", str(id)] if id in unserved else [str(id)]
        rooms = [(text, box) for text in tries for box in _rooms(text, spot, size) if taken.is_free(box)]
        rooms.sort(key=lambda room: (tries.index(room[0]), not homes.is_free(room[1])))
        for text, box in rooms[:1]:
            taken.take(box)
            kind = "label unserved" if id in unserved else "label"
            yield element("text", text, x=box[0] + 1, y=box[3] - 3, class_=kind)


def _rooms(text: str, spot: Spot, size: float) -> Iterator[Box]:
    """Boxes round a point that would hold its text, the best place first."""
    width, height = ems(text) * LETTER + 2, LETTER + 2
    x, y = spot
    gap = size + 1
    for left, top in (
        (x + gap, y - height / 2),
        (x - gap - width, y - height / 2),
        (x - width / 2, y - gap - height),
        (x - width / 2, y + gap),
        (x + gap * 0.7, y - gap - height * 0.7),
        (x + gap * 0.7, y + gap - height * 0.3),
        (x - gap * 0.7 - width, y - gap - height * 0.7),
        (x - gap * 0.7 - width, y + gap - height * 0.3),
    ):
        yield left, top, left + width, top + height


def _names(view: PlanView, ground: Ground, taken: Taken, homes: Taken) -> Iterator[Markup]:
    """Communities by name, faintly, where nothing else stands."""
    for name, middle in view.communities.items():
        x, y = ground.spot(middle)
        half = ems(name) * LETTER / 2
        box = x - half, y - LETTER, x + half, y + 4
        if taken.is_free(box) and homes.is_free(box):
            taken.take(box)
            yield element("text", name, x=x, y=y, class_="place", text_anchor="middle")


def glyph(kind: str) -> Markup:
    """A sign of the legend: a priority, `team`, `unserved` or `home`."""
    signs = {
        "unserved": element("path", d="M8 1l7 7l-7 7l-7 -7z"),
        "home": element("rect", x=5, y=5, width=6, height=6),
        "team": Markup("").join(
            [element("circle", cx=8, cy=8, r=6), element("circle", cx=8, cy=8, r=2.4, class_="eye")]
        ),
    }
    sign = signs.get(kind) or element("circle", cx=8, cy=8, r=6)
    group = element("g", sign, class_="home" if kind == "home" else f"point {kind}")
    return element("svg", group, class_="glyph", viewBox="0 0 16 16", aria_hidden="true")
