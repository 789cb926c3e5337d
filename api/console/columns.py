"""Columns by day, drawn on the server: what came in, and what was served."""

from collections.abc import Sequence
from datetime import date

from markupsafe import Markup

from api.console.svg import element
from api.console.texts import Say, calendar_day
from api.reports.service import Day

WIDTH, HEIGHT = 1000, 120
TOP, BOTTOM = 14, 16
MOST_NAMED = 14
"""More days than these are too narrow for their names and numbers."""


def draw_days(days: Sequence[Day], say: Say, lang: str) -> Markup:
    """Two columns for each day, on one scale; the numbers stand over them and in the title of each."""
    room = WIDTH / len(days)
    most = max(1, *(max(day.received, day.served) for day in days))
    parts = [part for place, day in enumerate(days) for part in _day(day, place * room, room, most, say, lang)]
    picture = {"viewBox": f"0 0 {WIDTH} {HEIGHT}", "role": "img", "aria_label": say("report_daily")}
    return element("svg", *parts, class_="columns", **picture)


def _day(day: Day, left: float, room: float, most: int, say: Say, lang: str) -> list[Markup]:
    named = room >= WIDTH / MOST_NAMED
    parts = []
    for nth, (kind, number) in enumerate((("normal", day.received), ("high", day.served))):
        height = (HEIGHT - TOP - BOTTOM) * number / most
        at, wide = left + room * (0.15 + 0.35 * nth), room * 0.33
        title = element("title", say("report_day", day=_name(day.day, lang), came=day.received, served=day.served))
        parts.append(
            element("rect", title, class_=kind, x=at, y=HEIGHT - BOTTOM - height, width=wide, height=max(height, 0.5))
        )
        if named:
            middle = {"x": at + wide / 2, "y": HEIGHT - BOTTOM - height - 3, "text_anchor": "middle"}
            parts.append(element("text", str(number), class_="small", **middle))
    if named:
        where = {"x": left + room / 2, "y": HEIGHT - 3, "text_anchor": "middle"}
        parts.append(element("text", _name(day.day, lang), class_="small", **where))
    return parts


def _name(day: date, lang: str) -> str:
    return calendar_day(day, lang)
