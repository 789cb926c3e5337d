"""Small hands for drawing: one SVG element, a text's width, a box that is still free."""

from collections import defaultdict
from collections.abc import Iterable

from markupsafe import Markup, escape

Box = tuple[float, float, float, float]
"""Left, top, right, bottom, in pixels."""

CELL = 40


def element(name: str, *children: str, **attributes: object) -> Markup:
    """One element, escaped; `class_` and `stroke_width` are written class and stroke-width, and None is left out."""
    said = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_said(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    inside = "".join(child if isinstance(child, Markup) else escape(child) for child in children)
    return Markup(f"<{name}{said}>{inside}</{name}>")


def _said(value: object) -> str:
    """A text, escaped, or a number: a tenth of a pixel is fine enough."""
    if isinstance(value, float):
        return f"{value:.1f}".removesuffix(".0")
    return escape(value) if isinstance(value, str) else str(value)


def ems(text: str) -> float:
    """About how wide a text is, in widths of a Chinese character."""
    return sum(1.0 if ord(character) >= 0x2E80 else 0.58 for character in text)


def clipped(text: str, width: float) -> str:
    """The beginning of a text that is at most so many ems wide."""
    if ems(text) <= width:
        return text
    while text and ems(text) > width - 1:
        text = text[:-1]
    return text.rstrip() + "…"


class Taken:
    """Which boxes of a drawing are taken; cells of a coarse grid keep the question cheap."""

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self.cells: dict[tuple[int, int], list[Box]] = defaultdict(list)

    def take(self, box: Box) -> None:
        for cell in _cells(box):
            self.cells[cell].append(box)

    def is_free(self, box: Box) -> bool:
        left, top, right, bottom = box
        if left < 0 or top < 0 or right > self.width or bottom > self.height:
            return False
        return not any(
            left < other[2] and other[0] < right and top < other[3] and other[1] < bottom
            for cell in _cells(box)
            for other in self.cells[cell]
        )


def _cells(box: Box) -> Iterable[tuple[int, int]]:
    left, top, right, bottom = (int(side // CELL) for side in box)
    return ((column, row) for column in range(left, right + 1) for row in range(top, bottom + 1))
