"""The published schemas are the code's, let what is valid pass, and refuse whatever is of the wrong shape."""

import json

import pytest
from jsonschema import Draft202012Validator

from matcher import InvalidInput, instance_document, instance_from, plan_document, schema
from matcher.schemas import FOLDER, published
from tests.builders import plan
from tests.matcher.documents import FULL, GONE, INVALID, TOO_LARGE, changed, edited, full, plain

INSTANCE, PLAN = (Draft202012Validator(schema(name)) for name in ("instance", "plan"))

# What a schema cannot see, for it is a matter of meaning: ids, order, sums, and what the calendar knows.
MEANING = {
    "window backwards", "availability backwards", "availability overlapping", "availability out of order",
    "availability of no length", "horizon backwards", "one seat pinned to two", "pin of a request that is not",
    "pin of a person who is not", "pin of a seat that is not", "pinned twice", "published twice", "seat 0 optional",
    "seat 0 with a lag", "lag reversed", "matrix with a short row", "matrix with a long row",
    "matrix of the wrong size", "matrix with a row too many", "matrix diagonal", "place not in the matrix",
    "point in a matrix", "end not in the matrix", "interval not in the matrix", "a time too far",
    "a time out of this world", "time zone unknown", "time zone a path", "id twice", "id in another case",
    "id in another width", "place twice", "id empty", "a time at 24 o'clock", "a day that is not",
    "a place without a matrix", "horizon", "horizon of years", "skills",
}  # fmt: skip


@pytest.mark.parametrize("name", ["instance", "plan", "proof"])
def test_the_published_schema_is_the_codes(name):
    """`python -m matcher.schemas` brings the files up to date."""
    assert (FOLDER / f"{name}.json").read_text(encoding="utf-8") == published(name)
    Draft202012Validator.check_schema(json.loads(published(name)))


def test_nothing_else_is_published():
    assert sorted(path.name for path in FOLDER.iterdir()) == ["instance.json", "plan.json", "proof.json"]


@pytest.mark.parametrize("name", FULL)
def test_what_is_written_is_valid(name):
    day = full(name)
    assert list(INSTANCE.iter_errors(json.loads(json.dumps(instance_document(day))))) == []
    seats = [] if name == "defaults" else [("R1", 0, "ada", "09:15")]
    assert list(PLAN.iter_errors(plan_document(plan(day, *seats, bound=7, gap=0.5), day))) == []


def test_the_plain_file_is_valid():
    assert list(INSTANCE.iter_errors(plain())) == []


@pytest.mark.parametrize("row", [*INVALID, *TOO_LARGE])
def test_a_bad_file_is_refused_unless_it_is_a_matter_of_meaning(row):
    changes = (INVALID.get(row) or TOO_LARGE[row])[0]
    assert INSTANCE.is_valid(edited(*changes)) == (row in MEANING)


AT_THE_LIMIT = [
    ("requests.1.minutes", 1, 10**6, 0),
    ("requests.1.affinity.bo", 0, 10**6, -1),
    ("requests.0.seats.1.minutes", 1, 10**6, 0),
    ("requests.0.seats.1.skills", {"x": 1}, {"x": 10**6}, {"x": 0}),
    ("requests.0.seats.1.lag", [0, 0], [0, 1440], [0, -1]),
    ("volunteers.0.radius_km", 0, 10**6, -0.1),
    ("volunteers.0.max_requests_per_day", 0, 10**6, -1),
    ("volunteers.3.id", "x", "x" * 200, ""),
    ("published.0.seat", 0, 10**6, -1),
    ("travel.minutes.0.1", 0, 10**6, -1),
    ("weights.pin", 0, 10**6, -1),
    ("weights.fairness", [0, 0, 0], [10**6] * 3, [0, 0, -1]),
]


@pytest.mark.parametrize(("path", "least", "most", "below"), AT_THE_LIMIT)
def test_schema_and_code_have_the_same_limits(path, least, most, below):
    for value in (least, most):
        instance_from(edited((path, value)))
        assert INSTANCE.is_valid(edited((path, value)))
    for value in (below, above(most)):
        with pytest.raises(InvalidInput):
            instance_from(edited((path, value)))
        assert not INSTANCE.is_valid(edited((path, value)))


def above(most):
    """One more than the most, however deep it stands."""
    if isinstance(most, list):
        return [*most[:-1], most[-1] + 1]
    if isinstance(most, dict):
        return {key: value + 1 for key, value in most.items()}
    return most + ("x" if isinstance(most, str) else 1)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("cost", GONE),
        ("bound", GONE),
        ("bound", 1.5),
        ("terms.pins", GONE),
        ("terms.pin", 0),
        ("status", "best"),
        ("assignments.0.seat", "0"),
        ("assignments.0.start", "09:15"),
        ("unserved.0.reasons.0.text", "why"),
        ("format", "diandan-instance/1"),
    ],
)
def test_a_bad_plan_is_refused(path, value):
    day = full("straight")
    document = plan_document(plan(day, ("R1", 0, "ada", "09:15")), day)
    document["unserved"][0]["reasons"] = [{"code": "x", "text": {"zh": "一", "en": "one"}}]
    assert PLAN.is_valid(document)
    assert not PLAN.is_valid(changed(document, (path, value)))
