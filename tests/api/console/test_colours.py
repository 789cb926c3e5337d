"""Every pair of colours that meet in a text keeps WCAG AA: 4.5 to 1."""

import re
from pathlib import Path

import pytest

import api.console

STYLES = Path(api.console.__file__).parent / "static"
COLOURS = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", (STYLES / "console.css").read_text()))
WHITE = "#ffffff"
PAIRS = [
    *((text, ground) for text in ("ink", "quiet", "accent") for ground in ("card", "ground", "marked")),
    ("ink", "faint"),
    *((kind, ground) for kind in ("urgent", "high", "normal", "low", "unserved") for ground in ("card", "marked")),
]


def luminance(colour: str) -> float:
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("text, ground", PAIRS)
def test_text_stands_out(text, ground):
    assert contrast(COLOURS[text], COLOURS[ground]) >= 4.5


@pytest.mark.parametrize("bar", ["accent", "urgent", "high", "normal", "low"])
def test_white_stands_out_on_bars_and_buttons(bar):
    assert contrast(WHITE, COLOURS[bar]) >= 4.5


def test_the_phone_page_stands_out():
    colours = set(re.findall(r"color:(#[0-9a-f]{6})", (STYLES / "phone.css").read_text()))
    assert colours
    assert all(contrast(colour, ground) >= 4.5 for colour in colours for ground in (WHITE, "#f4f6f8"))


def test_contrast_is_measured_as_it_is_defined():
    assert contrast("#000000", WHITE) == pytest.approx(21)
    assert contrast("#777777", WHITE) == pytest.approx(4.48, abs=0.01)
