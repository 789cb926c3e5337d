"""Files: what a bad one is told, that a good one comes back as it was, and that writing is all or nothing."""

import json
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from matcher import (
    Availability,
    Instance,
    InvalidInput,
    Pinned,
    Plan,
    Reason,
    StraightTravel,
    TooLarge,
    Unserved,
    Window,
    instance_document,
    instance_from,
    judge,
    plan_document,
    plan_from,
    read_instance,
    read_json,
    read_plan,
    solve,
    write_instance,
    write_plan,
)
from tests.builders import (
    assignment,
    instance,
    pinned,
    plan,
    request,
    seat,
    volunteer,
)
from tests.matcher.documents import (
    FROM,
    FULL,
    GONE,
    INVALID,
    TOO_LARGE,
    changed,
    edited,
    full,
    period,
    plain,
    requests,
    straight,
    volunteers,
)


@pytest.mark.parametrize("row", [*INVALID, *TOO_LARGE])
def test_a_bad_instance_file_is_told_what_is_wrong_and_where(row):
    changes, code, path, value, *limit = INVALID.get(row) or TOO_LARGE[row]
    with pytest.raises(InvalidInput) as raised:
        instance_from(edited(*changes))
    error = raised.value
    assert (error.code, error.path, error.value) == (code, path, value)
    assert (type(error), error.exit_code) == ((TooLarge, 4) if limit else (InvalidInput, 3))
    assert not limit or error.params["limit"] == limit[0]
    for lang in ("zh", "en"):
        told = error.sentence(lang) + error.hint(lang)
        assert told.replace("{}", "").isprintable() and not re.search(r"\{\w", told)


def test_the_plain_file_has_nothing_wrong():
    assert instance_from(plain()).name == "Monday"
    assert instance_from(edited(*straight())).travel == StraightTravel()


@pytest.mark.parametrize(
    ("changes", "nearest"),
    [
        ([("volunters", [])], "volunteers"),
        ([("volunteers.0.lable", "x")], "label"),
        ([("requests.0.seats.1.skill", {})], "skills"),
        ([("volunteers.0.availability.0.form", FROM)], "from"),
        ([("weights.unserved.urgnt", 1)], "urgent"),
        ([("travel.place", [])], "places"),
        (straight(speed=[]), "speed_kmh"),
        (straight(speed_kmh={"ebikes": 3}), "ebike"),
    ],
)
def test_an_unknown_key_is_told_the_nearest_of_its_own_object(changes, nearest):
    with pytest.raises(InvalidInput) as raised:
        instance_from(edited(*changes))
    assert raised.value.hint("en") == f"did you mean {nearest}?"
    assert raised.value.hint("zh") == f"是不是 {nearest}？"


@pytest.mark.parametrize("size", ["requests", "volunteers", "places", "days", "seats", "skills"])
def test_at_its_limit_a_file_is_still_read(size):
    within = {
        "requests": [("requests", requests(20_000)), ("pinned", []), ("published", [])],
        "volunteers": [("volunteers", volunteers(50_000)), ("pinned", [])],
        "places": [("travel.places", ["home", "flat"])],
        "days": [("horizon.to", "2026-05-03T00:00+08:00")],
        "seats": [("requests.1.seats", [{}] * 50)],
        "skills": [("volunteers.0.skills", {f"s{i}": 1 for i in range(1_000)})],
    }
    assert instance_from(edited(*within[size])).name == "Monday"


@pytest.mark.parametrize("document", [[], "x", 7, None])
def test_a_file_is_one_object(document):
    with pytest.raises(InvalidInput) as raised:
        instance_from(document)
    assert (raised.value.code, raised.value.path) == ("type_invalid", "$")


def test_a_message_is_one_line_whatever_the_file_holds():
    with pytest.raises(InvalidInput) as raised:
        instance_from(edited(("volunteers.0.\nx\x1b[31m", 1)))
    assert str(raised.value).isprintable()


def test_what_people_left_behind_is_ignored():
    """Unknown ids in partners, forbidden and affinity; unknown requests and volunteers in published."""
    read = instance_from(
        edited(
            ("requests.0.partners", ["gone"]),
            ("requests.0.forbidden", ["gone", "bo"]),
            ("requests.0.affinity", {"gone": 5}),
            ("published", [{"request": "R9", "volunteer": "gone", "start": FROM, "seat": 7}]),
        )
    )
    first = read.requests[0]
    assert (first.partners, first.forbidden, first.affinity) == ((), ("bo",), {})
    assert read.published[0].request == "R9"


def test_a_window_may_have_no_length_and_a_horizon_too():
    read = instance_from(edited(("requests.0.windows.0", period(FROM, FROM)), ("horizon", period(FROM, FROM))))
    assert read.requests[0].windows == (Window(0, 0),)


def test_times_may_carry_any_offset():
    """08:00 in Shanghai is 00:00 in London and 05:30 in Delhi."""
    read = instance_from(edited(("now", "2026-03-02T00:00Z"), ("requests.1.due", "2026-03-02T05:30:00+05:30")))
    assert (read.now, read.requests[1].due) == (480, 480)


# What ends well: odd, but an answer. Exit 0.


def quick(day: Instance) -> Plan:
    """A plan of a small instance; the judge has nothing against it."""
    made = solve(day, seconds=5, steps=60, seed=1)
    assert judge(day, made).violations == ()
    return made


nurses = [volunteer("ada", "09:00-12:00"), volunteer("bo", "14:00-16:00")]


def why(made: Plan) -> dict[str, list[tuple[str, str]]]:
    return {u.request: [(reason.code, reason.en) for reason in u.reasons] for u in made.unserved}


def test_a_request_longer_than_everybody_is_there_is_unserved_with_the_counts():
    made = quick(instance(nurses, [request("R1", "08:00-18:00", minutes=200), request("R2", "10:00")]))
    [(code, text)] = why(made)["R1"]
    assert (code, made.settled) == ("nobody_can", 3_000)
    assert "of 2 people" in text and "2 not free" in text
    assert [a.request for a in made.assignments] == ["R2"]


def test_a_skill_that_nobody_has_is_told_with_the_counts():
    made = quick(instance(nurses, [request("R1", "08:00-18:00", seats=[seat("diver")])]))
    [(code, text)] = why(made)["R1"]
    assert code == "nobody_can" and "2 without the skill diver" in text


@pytest.mark.parametrize(
    ("promises", "broken"),
    [
        # R1 from 09:00 and R2 from 09:30 overlap, and both ends of R2 and R3: two can be kept, without R2.
        ([("R1", "ada", "09:00"), ("R2", "ada", "09:30"), ("R3", "ada", "10:20")], ["R2"]),
        ([("R1", "ada", "09:00"), ("R1", "bo", "09:00")], None),  # one seat for two people: either
        ([("R1", "cy", "09:00"), ("R2", "ada", "09:30")], ["R1"]),  # cy is away
        ([("R4", "ada", "11:00"), ("R1", "bo", "09:00")], ["R4"]),  # ada's mate has to be a diver
    ],
)
def test_pins_that_cannot_all_be_kept_are_kept_as_far_as_can_be(promises, broken):
    people = [volunteer("ada"), volunteer("bo"), volunteer("cy", "18:00-20:00")]
    windows = {"R1": "09:00-11:00", "R2": "09:00-11:00", "R3": "10:20"}
    wanted = [request(id, window) for id, window in windows.items()]
    wanted.append(request("R4", "11:00", seats=[seat(), seat("diver")]))
    day = instance(people, wanted, pinned=[pinned(*promise) for promise in promises])
    made = quick(day)
    found = [pin.request for pin in made.broken_pins]
    assert found == broken if broken is not None else len(found) == 1


def test_without_requests_the_plan_is_empty():
    made = quick(instance(nurses, []))
    assert (made.assignments, made.unserved, made.cost, made.bound, made.status) == ((), (), 0, 0, "optimal")


def test_without_volunteers_everything_is_unserved():
    made = quick(instance([], [request("R1", "09:00"), request("R2", "09:00", priority="low")]))
    assert sorted(why(made)) == ["R1", "R2"]
    assert (made.cost, made.settled, made.status) == (4_200, 4_200, "optimal")


# There and back again


@pytest.mark.parametrize("name", FULL)
def test_an_instance_comes_back_as_it_was(name, tmp_path):
    first, second, third = (tmp_path / f"{n}.json" for n in "123")
    write_instance(full(name), first)
    write_instance(read_instance(first), second)
    write_instance(read_instance(second), third)
    assert read_instance(first) == read_instance(second) == full(name)
    assert third.read_bytes() == second.read_bytes()
    assert instance_from(instance_document(full(name))) == full(name)


@pytest.mark.parametrize("name", FULL)
def test_a_plan_comes_back_as_it_was(name, tmp_path):
    day = full(name)
    seats = [] if name == "defaults" else [("R1", 0, "ada", "09:15"), ("R1", 1, "bo", "+1 09:15")]
    made = plan(
        day,
        *seats,
        unserved=(Unserved("R2", (Reason("too_dear", "太贵", "too dear"), Reason("x", "一", "one"))),),
        broken_pins=day.pinned,
        bound=None if name == "matrix" else 5,
        gap=None if name == "matrix" else 0.123457,
        seconds=1.25,
    )
    write_plan(made, day, tmp_path / "plan.json")
    assert read_plan(tmp_path / "plan.json", day) == made
    assert plan_from(plan_document(made, day), day) == made


@pytest.mark.parametrize("key", [key for key in plan_document(plan(full("straight")), full("straight"))])
def test_no_key_of_a_plan_may_be_missing(key):
    day = full("straight")
    document = {k: v for k, v in plan_document(plan(day), day).items() if k != key}
    with pytest.raises(InvalidInput) as raised:
        plan_from(document, day)
    assert (raised.value.code, raised.value.path) == ("format" if key == "format" else "key_missing", f"$.{key}")


def test_a_plan_is_read_as_strictly_as_an_instance():
    day = full("straight")
    document = plan_document(plan(day, ("R1", 0, "ada", "09:15")), day)
    faults = [
        ("terms.pins", "0", "type_int", "$.terms.pins"),
        ("terms.late", GONE, "key_missing", "$.terms.late"),
        ("terms.lates", 1, "key_unknown", "$.terms.lates"),
        ("status", "best", "choice_unknown", "$.status"),
        ("assignments.0.start", "2026-03-02T09:15", "timezone_required", "$.assignments[0].start"),
        ("gap", "0.1", "type_invalid", "$.gap"),
        ("unserved.0.reasons", None, "type_invalid", "$.unserved[0].reasons"),
    ]
    for path, value, code, where in faults:
        with pytest.raises(InvalidInput) as raised:
            plan_from(changed(document, (path, value)), day)
        assert (raised.value.code, raised.value.path) == (code, where)


def test_files_write_the_wall_clock_of_the_time_zone():
    day = replace(full("straight"), timezone="Europe/London")
    assert instance_document(day)["horizon"]["from"] == "2026-03-01T16:00+00:00"


def test_hours_are_hours_when_the_clocks_change():
    """New York 2026-03-08: 02:00 becomes 03:00, so from midnight to 04:00 pass 3 hours, and the day has 23."""
    york = ZoneInfo("America/New_York")
    day = Instance("spring", datetime(2026, 3, 8, tzinfo=york), 23 * 60, (), (), timezone="America/New_York")
    assert day.minute(datetime(2026, 3, 8, 4, tzinfo=york)) == 180
    assert day.moment(180).isoformat() == "2026-03-08T04:00:00-04:00"
    assert day.moment(23 * 60).isoformat() == "2026-03-09T00:00:00-04:00"
    assert [day.day(minute) - day.day(0) for minute in (0, 22 * 60 + 59, 23 * 60)] == [0, 0, 1]
    assert instance_from(instance_document(day)) == day


def test_a_horizon_begins_at_a_whole_minute_of_a_year_of_ours():
    zone = timezone(timedelta(hours=8))
    for origin, code in [
        (datetime(2026, 3, 2), "timezone_required"),
        (datetime(2026, 3, 2, 0, 0, 1, tzinfo=zone), "seconds_not_allowed"),
        (datetime(1, 1, 1, tzinfo=zone), "time_invalid"),
    ]:
        with pytest.raises(InvalidInput) as raised:
            Instance("x", origin, 0, (), ())
        assert (raised.value.code, raised.value.path) == (code, "horizon.from")


def test_an_instance_made_by_hand_refuses_nonsense_too():
    with pytest.raises(InvalidInput) as raised:
        Availability(5, 5)
    assert raised.value.code == "window_invalid"
    with pytest.raises(InvalidInput) as raised:
        instance([volunteer("ada")], [], now="+3700 00:00")
    assert (raised.value.code, raised.value.value) == ("value_too_large", 3_700 * 1440)
    with pytest.raises(InvalidInput) as raised:
        replace(full("straight"), pinned=(Pinned("R9", "ada"),))
    assert raised.value.code == "pin_unknown"


# Writing and reading the disk


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    """The disk is full when the file is nearly written; and again when it is put in its place."""
    target = tmp_path / "instance.json"
    write_instance(full("straight"), target)
    before = target.read_bytes()

    def full_disk(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    for module, name in (("os", "fsync"), ("pathlib.Path", "replace")):
        with monkeypatch.context() as patch:
            patch.setattr(f"{module}.{name}", full_disk)
            with pytest.raises(InvalidInput) as raised:
                write_instance(full("defaults"), target)
        assert (raised.value.code, raised.value.exit_code) == ("file_unwritable", 3)
        assert "No space left" in str(raised.value)
    assert target.read_bytes() == before
    assert list(tmp_path.iterdir()) == [target]


def test_an_interrupted_write_leaves_the_old_file(tmp_path, monkeypatch):
    target = tmp_path / "instance.json"
    target.write_text("old")

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_instance(full("defaults"), target)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_what_cannot_be_written_is_not_begun(tmp_path):
    target = tmp_path / "plan.json"
    target.write_text("old")
    with pytest.raises(ValueError, match="JSON compliant"):
        write_plan(plan(full("straight"), seconds=float("nan")), full("straight"), target)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_a_private_file_stays_private_and_a_link_stays_a_link(tmp_path):
    real, link = tmp_path / "real.json", tmp_path / "link.json"
    real.touch(0o600)
    link.symlink_to(real)
    write_instance(full("defaults"), link)
    assert link.is_symlink() and real.stat().st_mode & 0o777 == 0o600
    assert read_instance(real) == full("defaults")


def test_a_device_is_written_to_and_never_replaced():
    write_instance(full("defaults"), "/dev/null")
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize(
    ("name", "code"), [("nothing.json", "file_missing"), ("", "file_directory"), ("file/below.json", "file_unreadable")]
)
def test_a_file_that_is_not_there_has_its_own_name(name, code, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InvalidInput) as raised:
        read_instance(tmp_path / name)
    assert (raised.value.code, raised.value.exit_code) == (code, 3)


@pytest.mark.parametrize("name", ["missing/plan.json", "."])
def test_a_place_that_cannot_be_written_to_is_told(name, tmp_path):
    with pytest.raises(InvalidInput) as raised:
        write_instance(full("defaults"), tmp_path / name)
    assert raised.value.code == "file_unwritable"


# The strict reader of JSON


def nested(depth: int, innermost: bytes = b"") -> bytes:
    return b"[" * depth + innermost + b"]" * depth


BOM = b"\xef\xbb\xbf"

REFUSED = {
    "nothing": (b"", "json_invalid", {"line": 1, "column": 1, "offset": 0}),
    "half an object": (b"{", "json_invalid", {"line": 1, "column": 2, "offset": 1}),
    "trailing NUL": (b'{"a": 1}\0', "json_invalid", {"line": 1, "column": 9, "offset": 8}),
    "trailing comma": (b'{"a": 1,\n }', "json_invalid", {"line": 2, "column": 2, "offset": 10}),
    "comment": (b'{\n  // note\n  "a": 1}', "json_invalid", {"line": 2, "column": 3, "offset": 4}),
    "NaN": (b'{"\\"NaN": "NaN",\n "b": NaN}', "json_invalid", {"line": 2, "column": 7, "offset": 23}),
    "Infinity": (b"[Infinity]", "json_invalid", {"line": 1, "column": 2, "offset": 1}),
    "-Infinity": (b"[1, -Infinity]", "json_invalid", {"line": 1, "column": 5, "offset": 4}),
    "after a BOM and Chinese": (BOM + '{"名": ]'.encode(), "json_invalid", {"line": 1, "column": 7, "offset": 11}),
    "control character": (b'["a\nb"]', "json_invalid", {"line": 1, "column": 4, "offset": 3}),
    "key twice": (b'{"x": [{"a": 1, "a": 2}]}', "json_duplicate_key", {}),
    "depth 65": (nested(65), "json_too_deep", {"limit": 64}),
    "depth 10 000": (nested(10_000), "json_too_deep", {"limit": 64}),
    "depth 10 000 of objects": (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "json_too_deep", {"limit": 64}),
    "10 000 opened": (b"[" * 10_000, "json_too_deep", {"limit": 64}),
    "UTF-16": ('{"a": 1}'.encode("utf-16"), "encoding_not_utf8", {"offset": 0}),
    "GBK": ('{"名": 1}'.encode("gbk"), "encoding_not_utf8", {"offset": 2, "guess": "GBK/GB18030? "}),
    "neither": (b'{"a": "\xff\xff"}', "encoding_not_utf8", {"offset": 7, "guess": ""}),
    "lone surrogate": (b'{"a": ["\\ud800"]}', "text_invalid_unicode", {}),
    "lone surrogate in a key": (b'{"\\udfff": 1}', "text_invalid_unicode", {}),
    "NUL in a text": (b'{"a": {"b": "x\\u0000"}}', "text_nul", {}),
    "NUL in a key": (b'{"\\u0000": 1}', "text_nul", {}),
    "1e400": (b'{"a": [0, 1e400]}', "number_range", {"high": "1.8e308"}),
    "400 digits": (b'{"a": ' + b"9" * 400 + b"}", "number_range", {"high": "1.8e308"}),
}


@pytest.mark.parametrize("row", REFUSED)
def test_the_strict_reader_refuses(row):
    data, code, params = REFUSED[row]
    with pytest.raises(InvalidInput) as raised:
        read_json(data)
    error = raised.value
    assert (error.code, error.exit_code) == (code, 3)
    assert error.params.items() >= params.items()
    assert str(error).isprintable() and error.hint("zh") and error.sentence("zh")


@pytest.mark.parametrize(
    ("row", "path"),
    [
        ("key twice", "$.x[0].a"),
        ("lone surrogate", "$.a[0]"),
        ("NUL in a text", "$.a.b"),
        ("1e400", "$.a[1]"),
        ("400 digits", "$.a"),
    ],
)
def test_the_strict_reader_says_where(row, path):
    with pytest.raises(InvalidInput) as raised:
        read_json(REFUSED[row][0])
    assert raised.value.path == path


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (BOM + b'{"a": 1}', {"a": 1}),
        (b" 7 ", 7),
        (b'"\\ud83d\\ude00"', "😀"),
        ('"点单 NaN"'.encode(), "点单 NaN"),
        (b"[1e308, -0.0, 1e-400]", [1e308, 0.0, 0.0]),
        (b'{"a": {"a": 1}}', {"a": {"a": 1}}),
        (nested(64)[1:-1], json.loads(nested(63))),
    ],
)
def test_the_strict_reader_lets_plain_json_through(data, value):
    assert read_json(data) == value


@pytest.mark.parametrize("innermost", [b"", b"1", b'"text"'])
def test_depth_64_passes_and_65_does_not(innermost):
    read_json(nested(64, innermost))
    with pytest.raises(InvalidInput, match="json_too_deep"):
        read_json(nested(65, innermost))


@pytest.mark.parametrize("row", ["depth 10 000", "depth 10 000 of objects", "10 000 opened"])
def test_what_is_too_deep_is_refused_at_once(row):
    assert min(seconds_to_refuse(REFUSED[row][0])) <= 0.05


def seconds_to_refuse(data: bytes) -> Iterator[float]:
    for _ in range(3):
        begun = time.perf_counter()
        with pytest.raises(InvalidInput):
            read_json(data)
        yield time.perf_counter() - begun


def test_bad_json_in_a_file_is_told_line_and_column(tmp_path):
    file = tmp_path / "instance.json"
    file.write_text('{\n "format": "diandan-instance/1",\n "name": NaN\n}')
    with pytest.raises(InvalidInput) as raised:
        read_instance(file)
    assert "line 3 column 10" in str(raised.value) and "第 3 行第 10 列" in raised.value.sentence("zh")


def test_the_builders_plan_is_what_the_file_says():
    """Ada's seat of 45 minutes from 09:15 in Shanghai."""
    day = full("straight")
    [entry] = plan_document(plan(day, ("R1", 0, "ada", "09:15")), day)["assignments"]
    assert entry == {
        "request": "R1", "seat": 0, "volunteer": "ada",
        "start": "2026-03-02T09:15+08:00", "end": "2026-03-02T10:00+08:00",
    }  # fmt: skip
    assert assignment(day, "R1", 0, "ada", "09:15").end == 600
