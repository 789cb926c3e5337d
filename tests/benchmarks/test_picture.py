"""The picture has two axes with figures and names, and a line for each engine that is told apart from the others."""

from xml.etree import ElementTree

from benchmarks.__main__ import curves_of
from benchmarks.picture import LINE, Curve, draw
from benchmarks.solving import Run

SVG = "{http://www.w3.org/2000/svg}"


def texts(picture):
    return [(float(t.get("y")), t.text) for t in ElementTree.fromstring(picture).iter(f"{SVG}text")]


def test_engines_and_axes_are_named():
    curves = [
        Curve("ours & bound", [(1, 1400), (20, 1100), (60, 1080)]),
        Curve("bound", [(2, 400), (60, 1070)], proven=True),
        Curve("peer", [(50, 1085)]),
    ]
    picture = draw("A day <small>", curves)
    said = [text for _, text in texts(picture)]
    assert {"A day <small>", "seconds", "points", "0", "60", "1,080"} <= set(said)
    names = [y for y, text in texts(picture) if text in ("ours & bound 1,080", "bound 1,070", "peer 1,085")]
    assert len(names) == 3
    assert min(b - a for a, b in zip(sorted(names), sorted(names)[1:], strict=False)) >= LINE - 0.01
    assert picture.count("<circle") == 3
    assert picture.count("stroke-dasharray") == 1


def test_curves_come_from_traces():
    """The bound is drawn from the first that proves more than what is settled; VROOM tells its end only."""
    ours = Run("d-seed1", "diandan", 9, 9, 1, 12, 11, 9, 2, 0, 1, 1, True, 1, [(1, 12, 2), (5, 12, 8), (9, 11, 9)])
    vroom = Run("d-seed1", "VROOM", 9, 3, 3, 13, 13, None, 2, 0, 1, 1, True, 1, [(3, 13, None)])
    cost, bound, peer = curves_of({"ours": ours, "vroom-0": vroom})
    assert list(cost.points) == [(1, 12), (5, 12), (9, 11)]
    assert list(bound.points) == [(5, 8), (9, 9)]
    assert bound.proven
    assert list(peer.points) == [(3, 13)]
