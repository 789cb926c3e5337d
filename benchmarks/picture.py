"""Cost and bound against time, one line an engine, drawn as SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

Point = tuple[float, float]

WIDTH, HEIGHT = 960, 480
LEFT, RIGHT, TOP, BOTTOM = 84, 256, 56, 58
"""Room around the lines, for figures on two sides, names on the right and the title above."""
COLOURS = ("#b3261e", "#1f5fa8", "#6b4fa0", "#8a6100", "#00695c", "#5f6368")
LINE = 15
"""Between two names at least so many pixels."""


@dataclass(frozen=True)
class Curve:
    """An engine's costs, each from its second on; the last is where it stopped. `proven` are bounds, drawn dashed."""

    name: str
    points: Sequence[Point]
    proven: bool = False


@dataclass(frozen=True)
class _Scale:
    """From seconds and points to pixels."""

    seconds: float
    low: float
    high: float

    def x(self, seconds: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * seconds / self.seconds, 1)

    def y(self, points: float) -> float:
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (points - self.low) / (self.high - self.low), 1)


def draw(title: str, curves: Sequence[Curve], low: float | None = None) -> str:
    """The picture; what lies above the first plans of all but the slowest or below `low` is cut off."""
    scale = _scale(curves, low)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        'font-family="sans-serif" font-size="13" fill="#202124">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="28" font-size="17" font-weight="bold">{escape(title)}</text>',
        f'<clipPath id="inside"><rect x="{LEFT}" y="{TOP}" width="{WIDTH - LEFT - RIGHT + 6}" '
        f'height="{HEIGHT - TOP - BOTTOM}"/></clipPath>',
        *_axes(scale),
        *_lines(scale, curves),
        *_names(scale, curves),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _scale(curves: Sequence[Curve], low: float | None) -> _Scale:
    """As high as the dearest last plan and a quarter of the way more, as low as the lowest end and a little less."""
    last = [curve.points[-1][1] for curve in curves]
    bottom = min(last) if low is None else low
    spread = max(max(last) - bottom, 0.01 * max(last), 1)
    seconds = max(second for curve in curves for second, _ in curve.points)
    return _Scale(max(seconds, 1), max(0, bottom - 0.15 * spread), max(last) + 0.5 * spread)


def _axes(scale: _Scale) -> Iterator[str]:
    for second in _ticks(0, scale.seconds):
        x = scale.x(second)
        yield f'<path d="M{x} {TOP}V{HEIGHT - BOTTOM}" stroke="#e3e3e3"/>'
        yield f'<text x="{x}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{second:g}</text>'
    for points in _ticks(scale.low, scale.high):
        y = scale.y(points)
        yield f'<path d="M{LEFT} {y}H{WIDTH - RIGHT}" stroke="#e3e3e3"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{points:,.0f}</text>'
    yield f'<path d="M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}" fill="none" stroke="#202124"/>'
    middle = (LEFT + WIDTH - RIGHT) / 2
    yield f'<text x="{middle:g}" y="{HEIGHT - 16}" text-anchor="middle">seconds</text>'
    yield f'<text x="{LEFT}" y="{TOP - 10}" text-anchor="end">points</text>'


def _lines(scale: _Scale, curves: Sequence[Curve]) -> Iterator[str]:
    """Steps, for a cost holds until a better one is found; a single point is a dot."""
    yield '<g clip-path="url(#inside)" fill="none" stroke-width="2">'
    for curve, colour in zip(curves, _colours(curves), strict=True):
        (second, points), *rest = curve.points
        path = f"M{scale.x(second)} {scale.y(points)}"
        path += "".join(f"H{scale.x(second)}V{scale.y(points)}" for second, points in rest)
        dashed = ' stroke-dasharray="7 4"' if curve.proven else ""
        yield f'<path d="{path}" stroke="{colour}"{dashed}/>'
        second, points = curve.points[-1]
        yield f'<circle cx="{scale.x(second)}" cy="{scale.y(points)}" r="4" fill="{colour}"/>'
    yield "</g>"


def _names(scale: _Scale, curves: Sequence[Curve]) -> Iterator[str]:
    """Each name at the height of its end, moved apart where two would touch, with what it came to."""
    order = sorted(range(len(curves)), key=lambda i: -curves[i].points[-1][1])
    colours, below = _colours(curves), float(TOP)
    for i in order:
        second, points = curves[i].points[-1]
        wanted = scale.y(points)
        y = max(wanted, below)
        below = y + LINE
        x = WIDTH - RIGHT + 14
        yield f'<path d="M{scale.x(second) + 5} {wanted}L{x - 3} {y}" stroke="{colours[i]}" stroke-width="0.7"/>'
        yield f'<text x="{x}" y="{y + 4}" fill="{colours[i]}">{escape(curves[i].name)} {points:,.0f}</text>'


def _colours(curves: Sequence[Curve]) -> list[str]:
    """One for each engine; a bound has the colour of the curve before it."""
    colours: list[str] = []
    for curve in curves:
        colours.append(colours[-1] if curve.proven and colours else COLOURS[len(set(colours)) % len(COLOURS)])
    return colours


def _ticks(low: float, high: float) -> list[float]:
    """Round figures from low to high, about six of them."""
    rough = (high - low) / 6
    power = 10 ** floor(log10(rough))
    step = next(step * power for step in (1, 2, 5, 10) if step * power >= rough)
    return [number * step for number in range(ceil(low / step), floor(high / step) + 1)]
