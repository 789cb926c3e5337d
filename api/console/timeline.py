"""The timeline: one row for each volunteer at work, bars for visits, thin lines for the way between them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from markupsafe import Markup

from api.console.read import PlanView
from api.console.svg import clipped, element, ems
from api.console.texts import Say
from api.console.trips import Trip, Visit

WIDTH, GUTTER, RIGHT = 660, 104, 14
ROW, BAR, HEAD = 17, 12, 24
LETTER = 11


@dataclass(frozen=True)
class Clock:
    """The hours drawn, from the left edge of the bars to the right."""

    start: datetime
    end: datetime

    @classmethod
    def of(cls, trips: Sequence[Trip], view: PlanView) -> "Clock":
        """Whole hours about all that happens."""
        begins = [trip.visits[0].leave for trip in trips]
        ends = [trip.visits[-1].seat.end + timedelta(minutes=trip.back.minutes) for trip in trips]
        start = view.local(min(begins)).replace(minute=0)
        end = view.local(max(ends)) + timedelta(minutes=59)
        return cls(start, end.replace(minute=0))

    def x(self, moment: datetime) -> float:
        return GUTTER + (WIDTH - GUTTER - RIGHT) * ((moment - self.start) / (self.end - self.start))

    def hours(self) -> Iterator[datetime]:
        """Hours that leave each other room for their names."""
        count = (self.end - self.start) // timedelta(hours=1)
        step = next(step for step in (1, 2, 3, 6, 12, 24) if count / step <= 16 or step == 24)
        for hour in range(0, count + 1, step):
            yield self.start + timedelta(hours=hour)


def draw_timeline(view: PlanView, now: datetime, say: Say) -> tuple[Markup, Markup]:
    """The hours, which stay in sight, and the rows below them; both empty when nobody is at work."""
    trips = view.trips
    if not trips:
        return Markup(""), Markup("")
    clock = Clock.of(trips, view)
    people = [list(own) for _, own in groupby(_by_person(trips), key=lambda trip: trip.volunteer.id)]
    people.sort(key=lambda own: (own[0].visits[0].seat.start, own[0].volunteer.id))
    height = ROW * len(people) + 6
    rows = [_row(own, place, clock, say) for place, own in enumerate(people)]
    lines = [*_stripes(len(people)), *_hour_lines(clock, height), *rows, *_now_line(clock, now, height)]
    axis = element("svg", *_hour_names(clock, now, say), class_="timeline", viewBox=f"0 0 {WIDTH} {HEAD}")
    box = f"0 0 {WIDTH} {height}"
    return axis, element("svg", *lines, class_="timeline", viewBox=box, role="group", aria_label=say("timeline_of"))


def _by_person(trips: Sequence[Trip]) -> list[Trip]:
    return sorted(trips, key=lambda trip: (trip.volunteer.id, trip.visits[0].seat.start))


def _hour_names(clock: Clock, now: datetime, say: Say) -> Iterator[Markup]:
    """Hours along the top, and the time it is."""
    shown = clock.start <= now <= clock.end
    for hour in clock.hours():
        if not shown or abs(clock.x(hour) - clock.x(now)) > 34:
            yield element("text", f"{hour:%H:%M}", x=clock.x(hour), y=16, class_="hour", text_anchor="middle")
    if shown:
        told = say("now", time=f"{now.astimezone(clock.start.tzinfo):%H:%M}")
        yield element("text", told, x=clock.x(now), y=16, class_="now", text_anchor="middle")


def _hour_lines(clock: Clock, height: int) -> Iterator[Markup]:
    path = "".join(f"M{clock.x(hour):.1f} 0V{height}" for hour in clock.hours())
    yield element("path", d=path, class_="grid")


def _now_line(clock: Clock, now: datetime, height: int) -> Iterator[Markup]:
    if clock.start <= now <= clock.end:
        yield element("path", d=f"M{clock.x(now):.1f} 0V{height}", class_="now")


def _stripes(rows: int) -> Iterator[Markup]:
    """Every other row is shaded, so that the eye keeps the line."""
    path = "".join(f"M0 {place * ROW + 3}h{WIDTH}v{ROW}h-{WIDTH}z" for place in range(1, rows, 2))
    yield element("path", d=path, class_="stripe")


def _row(own: Sequence[Trip], place: int, clock: Clock, say: Say) -> Markup:
    """One volunteer's name, which leads to the own page, and the trips of the day."""
    top = place * ROW + 3 + (ROW - BAR) / 2
    person = own[0].volunteer
    label = person.label or str(person.id)
    name = element("text", clipped(label, (GUTTER - 10) / LETTER), x=8, y=top + BAR - 3, class_="name")
    link = element("a", element("title", label), name, href=f"/v/{person.id}")
    bars = [bar for trip in own for bar in _trip(trip, top, clock, say)]
    return element("g", link, *bars, id=f"v{person.id}")


def _trip(trip: Trip, top: float, clock: Clock, say: Say) -> Iterator[Markup]:
    """The way to each visit ends as the visit starts; the last leads back."""
    middle = top + BAR / 2
    for visit in trip.visits:
        yield _way(clock.x(visit.leave), clock.x(visit.seat.start), middle)
    last = trip.visits[-1].seat.end
    yield _way(clock.x(last), clock.x(last + timedelta(minutes=trip.back.minutes)), middle)
    for visit in trip.visits:
        yield _visit(visit, top, clock, say)


def _way(left: float, right: float, middle: float) -> Markup:
    return element("path", d=f"M{left:.1f} {middle:.1f}H{right:.1f}", class_="way")


def _visit(visit: Visit, top: float, clock: Clock, say: Say) -> Markup:
    """A visit with its number; it leads to its row of the table."""
    seat, request = visit.seat, visit.request
    left, right = clock.x(seat.start), clock.x(seat.end)
    zone = clock.start.tzinfo
    period = f"{seat.start.astimezone(zone):%H:%M}–{seat.end.astimezone(zone):%H:%M}"
    told = say("point", id=seat.request, label=request.label or "", priority=say(f"priority_{request.priority}"))
    number = str(seat.request)
    parts = [
        element("title", f"{period} {told}"),
        element("rect", x=left, y=top, width=max(2.0, right - left), height=BAR, rx=2),
    ]
    if ems(number) * LETTER + 2 <= right - left:
        parts.append(element("text", number, x=(left + right) / 2, y=top + BAR - 3, text_anchor="middle"))
    return element(
        "a", *parts, href=f"#r{seat.request}", id=f"t{seat.request}-{seat.seat}", class_=f"visit {request.priority}"
    )
