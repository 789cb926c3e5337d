"""What is drawn stands where it is, hides nothing, and is escaped."""

import pytest

from api.console.map import Ground, _apart
from api.console.svg import Taken, clipped, element, ems


def test_a_kilometre_is_as_long_to_the_east_as_to_the_north():
    """At 60° north a degree of longitude is half as long as one of latitude."""
    ground = Ground.under([(10.0, 59.99), (10.04, 60.01)])
    x0, y0 = ground.spot((10.0, 60.0))
    x1, _ = ground.spot((10.02, 60.0))
    _, y1 = ground.spot((10.0, 60.01))
    assert x1 - x0 == pytest.approx(y0 - y1, rel=0.001)
    assert (x1 > x0) and (y1 < y0)  # east is right, north is up


def test_everything_lies_within_the_picture():
    corners = [(108.85, 34.24), (108.95, 34.30)]
    ground = Ground.under(corners)
    assert all(0 < ground.spot(corner)[0] < 660 and 0 < ground.spot(corner)[1] < ground.height for corner in corners)


@pytest.mark.parametrize("points", [[], [(108.9, 34.2)], [(108.9, 34.2), (108.9, 34.2)]])
def test_a_map_of_one_place_or_none_is_a_map(points):
    assert Ground.under(points).pixels_per_km < 660


def test_two_at_one_place_are_both_seen():
    taken = Taken(660, 400)
    spots = [_apart((100.0, 100.0), 6, taken) for _ in range(20)]
    assert spots[0] == (100.0, 100.0)
    near = [(a, b) for i, a in enumerate(spots) for b in spots[:i] if max(abs(a[0] - b[0]), abs(a[1] - b[1])) < 12]
    assert near == []


def test_a_box_is_free_until_it_is_taken():
    taken = Taken(100, 100)
    assert taken.is_free((10, 10, 20, 20))
    taken.take((10, 10, 20, 20))
    assert not taken.is_free((19, 19, 90, 90))
    assert taken.is_free((20, 10, 30, 20))  # side by side
    assert not taken.is_free((-1, 0, 5, 5))  # outside the picture


def test_an_element_escapes_what_it_is_told():
    drawn = element("text", "<script>", x=1.04, class_='"', stroke_width=None)
    assert drawn == '<text x="1" class="&#34;">&lt;script&gt;</text>'


@pytest.mark.parametrize(
    "text, width, shown", [("志愿者 0001", 9, "志愿者 0001"), ("电梯困人隐患排查", 5, "电梯困人…"), ("", 3, "")]
)
def test_a_long_text_is_cut(text, width, shown):
    assert clipped(text, width) == shown
    assert ems(clipped(text, width)) <= width
