"""Instance files for tests: one with nothing wrong, everything that can be wrong with it, and full ones."""

import copy
from dataclasses import replace
from typing import Any

from matcher import Instance, StraightTravel, Weights
from tests.builders import MIDNIGHT, instance, interval, pinned, published, request, seat, volunteer

GONE = object()
"""Put in the place of a value: the key is left out."""

FROM, TO = "2026-03-02T08:00+08:00", "2026-03-02T12:00+08:00"
AFTERNOON = {"from": "2026-03-02T14:00+08:00", "to": "2026-03-02T18:00Z"}


def period(start: str = FROM, end: str = TO) -> dict[str, str]:
    return {"from": start, "to": end}


def plain() -> dict[str, Any]:
    """A file with something of everything in it, and nothing wrong."""
    return {
        "format": "diandan-instance/1",
        "name": "Monday",
        "note": "by hand",
        "timezone": "Asia/Shanghai",
        "horizon": period("2026-03-02T00:00+08:00", "2026-03-03T00:00+08:00"),
        "now": "2026-03-02T07:00+08:00",
        "travel": {"mode": "matrix", "places": ["home", "flat"], "minutes": [[0, 7], [9, 0]]},
        "weights": {"travel": 3, "unserved": {"low": 5}},
        "volunteers": [
            {
                "id": name,
                "at": "home",
                "availability": [period(), period("2026-03-02T14:00+08:00", "2026-03-02T18:00Z")],
            }
            for name in ("ada", "bo", "cy", "di")
        ],
        "requests": [
            {"id": "R1", "at": "flat", "minutes": 30, "windows": [period()], "seats": [{}, {"lag": [0, 5]}]},
            {"id": "R2", "at": "flat", "minutes": 30, "windows": [period()], "due": TO, "affinity": {"bo": 1}},
        ],
        "published": [{"request": "R1", "volunteer": "ada", "start": FROM}],
        "pinned": [{"request": "R1", "volunteer": "ada", "seat": 0}],
    }


def edited(*changes: tuple[str, Any]) -> dict[str, Any]:
    """The plain file with values put in by path."""
    return changed(plain(), *changes)


def changed(document: dict[str, Any], *changes: tuple[str, Any]) -> dict[str, Any]:
    """A copy with values put in by path, `requests.0.minutes` for instance; GONE leaves the key out."""
    document = copy.deepcopy(document)
    for path, value in changes:
        *parents, last = [int(step) if step.isdigit() else step for step in path.split(".")]
        place: Any = document
        for step in parents:
            place = place[step]
        if value is GONE:
            del place[last]
        else:
            place[last] = value
    return document


def straight(**travel: Any) -> tuple[tuple[str, Any], ...]:
    """The changes that put everything at coordinates."""
    places = [f"volunteers.{i}.at" for i in range(4)] + [f"requests.{i}.at" for i in range(2)]
    return (("travel", travel), *((place, [121.47, 31.23]) for place in places))


def matrix(minutes: Any) -> tuple[str, Any]:
    return "travel.minutes", minutes


def requests(count: int) -> list[dict[str, Any]]:
    return [{"id": f"Q{i}", "at": "flat", "minutes": 30, "windows": [period()]} for i in range(count)]


def volunteers(count: int) -> list[dict[str, Any]]:
    return [{"id": f"V{i}", "at": "home", "availability": []} for i in range(count)]


BACKWARDS = period(TO, FROM)
TWO_PINS = [{"request": "R1", "volunteer": name, "seat": 1} for name in ("ada", "bo")]
SKILLS = {f"s{i}": 1 for i in range(1_001)}
FAR = "9999-01-01T00:00+08:00"

# What PROMISES.md promises of instance files, row by row: code, path and value of what is wrong.
INVALID = {
    "no format": ([("format", GONE)], "format", "$.format", None),
    "unknown format": ([("format", "diandan-instance/2")], "format", "$.format", "diandan-instance/2"),
    "format of a plan": ([("format", "diandan-plan/1")], "format", "$.format", "diandan-plan/1"),
    "window backwards": (
        [("requests.1.windows.0", BACKWARDS)],
        "window_invalid", "$.requests[1].windows[0]", "2026-03-02T12:00+08:00/2026-03-02T08:00",
    ),
    "availability backwards": (
        [("volunteers.3.availability.0", BACKWARDS)],
        "window_invalid", "$.volunteers[3].availability[0]", "2026-03-02T12:00+08:00/2026-03-02T08:00",
    ),
    "availability overlapping": (
        [("volunteers.3.availability.1", period("2026-03-02T11:59+08:00", "2026-03-02T18:00+08:00"))],
        "window_invalid", "$.volunteers[3].availability[1]", "2026-03-02T11:59+08:00/2026-03-02T18:00",
    ),
    "availability out of order": (
        [("volunteers.3.availability.1", period("2026-03-02T05:00+08:00", "2026-03-02T06:00+08:00"))],
        "window_invalid", "$.volunteers[3].availability[1]", "2026-03-02T05:00+08:00/2026-03-02T06:00",
    ),
    "availability of no length": (
        [("volunteers.0.availability.0", period(FROM, FROM))],
        "window_invalid", "$.volunteers[0].availability[0]", "2026-03-02T08:00+08:00/2026-03-02T08:00",
    ),
    "horizon backwards": (
        [("horizon", BACKWARDS)], "window_invalid", "$.horizon", "2026-03-02T12:00+08:00/2026-03-02T08:00",
    ),
    "no window": ([("requests.0.windows", [])], "window_invalid", "$.requests[0].windows", []),
    "one seat pinned to two": ([("pinned", TWO_PINS)], "pins_conflict", "$.pinned[1]", "ada"),
    "pin of a request that is not": ([("pinned.0.request", "R9")], "pin_unknown", "$.pinned[0].request", "R9"),
    "pin of a person who is not": ([("pinned.0.volunteer", "eve")], "pin_unknown", "$.pinned[0].volunteer", "eve"),
    "pin of a seat that is not": ([("pinned.0.seat", 2)], "pin_unknown", "$.pinned[0].seat", 2),
    "pinned twice": (
        [("pinned", [{"request": "R1", "volunteer": "ada"}] * 2)], "entry_duplicate", "$.pinned[1]", "R1 / ada",
    ),
    "published twice": (
        [("published", plain()["published"] * 2)], "entry_duplicate", "$.published[1]", "R1 / ada",
    ),
    "seconds": (
        [("now", "2026-03-02T08:00:01+08:00")], "seconds_not_allowed", "$.now", "2026-03-02T08:00:01+08:00",
    ),
    "fractions of a second": (
        [("requests.1.due", "2026-03-02T08:00:00.5+08:00")],
        "seconds_not_allowed", "$.requests[1].due", "2026-03-02T08:00:00.5+08:00",
    ),
    "seconds in the offset": (
        [("now", "2026-03-02T08:00+08:05:43")], "seconds_not_allowed", "$.now", "2026-03-02T08:00+08:05:43",
    ),
    "seat 0 optional": ([("requests.0.seats.0.optional", True)], "seat_invalid", "$.requests[0].seats[0]", None),
    "seat 0 with a lag": ([("requests.0.seats.0.lag", [0, 1])], "seat_invalid", "$.requests[0].seats[0]", None),
    "lag reversed": ([("requests.0.seats.1.lag", [9, 8])], "seat_invalid", "$.requests[0].seats[1].lag", (9, 8)),
    "lag above a day": (
        [("requests.0.seats.1.lag", [0, 1441])], "seat_invalid", "$.requests[0].seats[1].lag", (0, 1441),
    ),
    "lag below nothing": ([("requests.0.seats.1.lag", [-1, 0])], "seat_invalid", "$.requests[0].seats[1].lag", (-1, 0)),
    "lag of three": ([("requests.0.seats.1.lag", [0, 1, 2])], "type_invalid", "$.requests[0].seats[1].lag", [0, 1, 2]),
    "no seat": ([("requests.0.seats", [])], "seat_invalid", "$.requests[0].seats", []),
    "matrix with a short row": ([matrix([[0, 7], [9]])], "matrix_not_square", "$.travel.minutes[1]", 1),
    "matrix with a long row": ([matrix([[0, 7, 7], [9, 0]])], "matrix_not_square", "$.travel.minutes[0]", 3),
    "matrix of the wrong size": ([matrix([[0]])], "matrix_size", "$.travel.minutes", 1),
    "matrix with a row too many": ([matrix([[0, 7], [9, 0], [1, 1]])], "matrix_size", "$.travel.minutes", 3),
    "matrix negative": ([matrix([[0, -7], [9, 0]])], "matrix_value", "$.travel.minutes[0][1]", -7),
    "matrix NaN as text": ([matrix([[0, "NaN"], [9, 0]])], "matrix_value", "$.travel.minutes[0][1]", "NaN"),
    "matrix null": ([matrix([[0, 7], [None, 0]])], "matrix_value", "$.travel.minutes[1][0]", None),
    "matrix fraction": ([matrix([[0, 7], [1.5, 0]])], "matrix_value", "$.travel.minutes[1][0]", 1.5),
    "matrix diagonal": ([matrix([[0, 7], [9, 1]])], "matrix_diagonal", "$.travel.minutes[1][1]", 1),
    "matrix 10^14": ([matrix([[0, 10**14], [9, 0]])], "value_too_large", "$.travel.minutes[0][1]", 10**14),
    "place not in the matrix": ([("requests.1.at", "attic")], "place_unknown", "$.requests[1].at", "attic"),
    "point in a matrix": ([("volunteers.1.at", [121, 31])], "place_unknown", "$.volunteers[1].at", (121.0, 31.0)),
    "end not in the matrix": ([("requests.1.end_at", "attic")], "place_unknown", "$.requests[1].end_at", "attic"),
    "interval not in the matrix": (
        [("volunteers.1.availability.1.at", "attic")], "place_unknown", "$.volunteers[1].availability[1].at", "attic",
    ),
    "10^14 as time": ([("now", 10**14)], "value_too_large", "$.now", 10**14),
    "a time too far": ([("now", "2040-01-01T00:00+08:00")], "value_too_large", "$.now", "2040-01-01T00:00+08:00"),
    "a time out of this world": ([("requests.1.due", FAR)], "time_invalid", "$.requests[1].due", FAR),
    "10^14 minutes": ([("requests.1.minutes", 10**14)], "value_too_large", "$.requests[1].minutes", 10**14),
    "10^14 as weight": ([("weights.late", 10**14)], "value_too_large", "$.weights.late", 10**14),
    "10^14 as price": ([("weights.unserved.low", 10**14)], "value_too_large", "$.weights.unserved.low", 10**14),
    "10^14 in fairness": ([("weights.fairness", [1, 2, 10**14])], "value_too_large", "$.weights.fairness[2]", 10**14),
    "10^14 as affinity": ([("requests.1.affinity.bo", 10**14)], "value_too_large", "$.requests[1].affinity.bo", 10**14),
    "10^14 as wish": ([("requests.1.wishes", {"x": 10**14})], "value_too_large", "$.requests[1].wishes.x", 10**14),
    "10^14 fixed": (straight(fixed_minutes=10**14), "value_too_large", "$.travel.fixed_minutes", 10**14),
    "one above the largest": ([("weights.pin", 10**6 + 1)], "value_too_large", "$.weights.pin", 10**6 + 1),
    "weight negative": ([("weights.continuity", -1)], "weight_negative", "$.weights.continuity", -1),
    "price negative": ([("weights.unserved.low", -1)], "weight_negative", "$.weights.unserved.low", -1),
    "weight in quotes": ([("weights.stability", "5")], "weight_negative", "$.weights.stability", "5"),
    "weight true": ([("weights.stability", True)], "weight_negative", "$.weights.stability", True),
    "affinity negative": ([("requests.1.affinity.bo", -1)], "weight_negative", "$.requests[1].affinity.bo", -1),
    "cap negative": (
        [("volunteers.0.max_minutes_per_day", -1)], "weight_negative", "$.volunteers[0].max_minutes_per_day", -1,
    ),
    "history negative": (
        [("volunteers.0.history_minutes", -1)], "weight_negative", "$.volunteers[0].history_minutes", -1,
    ),
    "radius negative": ([("volunteers.0.radius_km", -0.5)], "weight_negative", "$.volunteers[0].radius_km", -0.5),
    "fixed minutes negative": (straight(fixed_minutes=-5), "weight_negative", "$.travel.fixed_minutes", -5),
    "published seat negative": ([("published.0.seat", -1)], "weight_negative", "$.published[0].seat", -1),
    "no minutes": ([("requests.1.minutes", 0)], "number_range", "$.requests[1].minutes", 0),
    "level 0": ([("volunteers.0.skills", {"nurse": 0})], "number_range", "$.volunteers[0].skills.nurse", 0),
    "detour below 1": (straight(detour=0.99), "number_range", "$.travel.detour", 0.99),
    "no speed": (straight(speed_kmh={"car": 0}), "number_range", "$.travel.speed_kmh.car", 0.0),
    "minutes in quotes": ([("requests.1.minutes", "30")], "type_int", "$.requests[1].minutes", "30"),
    "minutes a fraction": ([("requests.1.minutes", 30.5)], "type_int", "$.requests[1].minutes", 30.5),
    "level true": ([("volunteers.0.skills", {"nurse": True})], "type_int", "$.volunteers[0].skills.nurse", True),
    "detour in quotes": (straight(detour="1.3"), "type_invalid", "$.travel.detour", "1.3"),
    "volunteers an object": ([("volunteers", {})], "type_invalid", "$.volunteers", {}),
    "skills a list": ([("volunteers.0.skills", ["nurse"])], "type_invalid", "$.volunteers[0].skills", ["nurse"]),
    "name a number": ([("name", 7)], "type_invalid", "$.name", 7),
    "optional a word": (
        [("requests.0.seats.1.optional", "no")], "type_invalid", "$.requests[0].seats[1].optional", "no",
    ),
    "a volunteer who is a name": ([("volunteers.0", "ada")], "type_invalid", "$.volunteers[0]", "ada"),
    "priority unknown": ([("requests.1.priority", "now")], "choice_unknown", "$.requests[1].priority", "now"),
    "mode unknown": ([("volunteers.1.mode", "bus")], "choice_unknown", "$.volunteers[1].mode", "bus"),
    "travel mode unknown": ([("travel", {"mode": "bus"})], "choice_unknown", "$.travel.mode", "bus"),
    "time zone unknown": ([("timezone", "Asia/Xian")], "timezone_unknown", "$.timezone", "Asia/Xian"),
    "time zone a path": ([("timezone", "../passwd")], "timezone_unknown", "$.timezone", "../passwd"),
    "id twice": ([("volunteers.1.id", "ada")], "id_duplicate", "$.volunteers[1].id", "ada"),
    "id in another case": ([("requests.1.id", "r1")], "id_duplicate", "$.requests[1].id", "r1"),
    "id in another width": ([("requests.1.id", "Ｒ１")], "id_duplicate", "$.requests[1].id", "Ｒ１"),
    "place twice": ([("travel.places", ["home", "home"])], "id_duplicate", "$.travel.places", "home"),
    "id empty": ([("requests.1.id", " ")], "text_invalid", "$.requests[1].id", " "),
    "skill without a name": ([("volunteers.0.skills", {"": 1})], "text_invalid", "$.volunteers[0].skills", ""),
    "unknown key": ([("volunters", [])], "key_unknown", "$.volunters", "volunters"),
    "unknown key inside": (
        [("requests.0.seats.1.skill", {})], "key_unknown", "$.requests[0].seats[1].skill", "skill",
    ),
    "a key of another object": ([("volunteers.0.windows", [])], "key_unknown", "$.volunteers[0].windows", "windows"),
    "unknown way to move": (straight(speed_kmh={"bicycle": 9}), "key_unknown", "$.travel.speed_kmh.bicycle", "bicycle"),
    "missing key": ([("requests.1.minutes", GONE)], "key_missing", "$.requests[1].minutes", "minutes"),
    "a time without offset": (
        [("requests.1.windows.0.from", "2026-03-02T08:00")],
        "timezone_required", "$.requests[1].windows[0].from", "2026-03-02T08:00",
    ),
    "a date without a time": ([("now", "2026-03-02")], "timezone_required", "$.now", "2026-03-02"),
    "a time at 24 o'clock": ([("now", "2026-03-02T24:00+08:00")], "time_invalid", "$.now", "2026-03-02T24:00+08:00"),
    "a day that is not": ([("now", "2026-02-30T08:00+08:00")], "time_invalid", "$.now", "2026-02-30T08:00+08:00"),
    "a point with three numbers": (
        [*straight(), ("volunteers.0.at", [121, 31, 4])], "coord_invalid", "$.volunteers[0].at", [121, 31, 4],
    ),
    "a point swapped": (
        [*straight(), ("requests.0.at", [31.2, 121.4])], "coord_invalid", "$.requests[0].at", (31.2, 121.4),
    ),
    "a place without a matrix": ([*straight(), ("requests.0.at", "flat")], "coord_invalid", "$.requests[0].at", "flat"),
}  # fmt: skip

# What is beyond the stated limits: the figure and the limit are said.
TOO_LARGE = {
    "requests": ([("requests", requests(20_001))], "too_large", "$.requests", 20_001, 20_000),
    "volunteers": ([("volunteers", volunteers(50_001))], "too_large", "$.volunteers", 50_001, 50_000),
    "places": ([("travel.places", [f"P{i}" for i in range(5_001)])], "too_large", "$.travel.places", 5_001, 5_000),
    "horizon": ([("horizon.to", "2026-05-03T00:01+08:00")], "horizon_too_long", "$.horizon", 63, 62),
    "horizon of years": ([("horizon.to", "2099-05-03T00:01+08:00")], "horizon_too_long", "$.horizon", 26_726, 62),
    "seats": ([("requests.1.seats", [{}] * 51)], "too_many_seats", "$.requests[1].seats", 51, 50),
    "skills": ([("volunteers.0.skills", SKILLS)], "too_many_skills", "$", 1_001, 1_000),
}


def full(name: str) -> Instance:
    """Instances with every key in use somewhere."""
    people = [
        volunteer("ada", [interval("08:00-12:00"), interval("12:00-18:00", at=(121.5, 31.2), mode="car")],
                  at=(121.4, 31.25), label="阿达", skills={"nurse": 3, "driver": 1}, mode="walk", radius_km=2.5,
                  max_requests_per_day=4, max_minutes_per_day=300, max_minutes=900, history_minutes=35,
                  target_minutes=100, unit="三队", community="瑶顺", grid="七"),
        volunteer("bo", (), at=(-0.1, -51.5)),
    ]  # fmt: skip
    wanted = [
        request("R1", "09:00-10:00, +1 09:00", at=(121.41, 31.26), end_at=(121.5, 31.3), minutes=45, due="12:00",
                label="陪诊", service="escort", priority="urgent", partners=("ada",), forbidden=("bo",),
                affinity={"bo": 7, "ada": 0}, wishes={"woman": 12},
                seats=[seat({"nurse": 2}), seat("driver", optional=True, lag=(5, 1440), minutes=10)]),
        request("R2", "-1 23:00-10:00", at=(121.0, 31.0)),
    ]  # fmt: skip
    rest = {
        "published": (published("R1", "gone", "-1 09:00"), published("R2", "ada", "09:00", seat=3)),
        "pinned": (pinned("R1", "ada"), pinned("R2", "bo", "09:30", seat=0)),
        "weights": Weights({"low": 1}, 2, 3, 4, (5, 6, 7), 8, 9, 10),
        "note": "“quoted”\nand a second line",
        "name": "周一",
    }
    travel = StraightTravel(1.5, {"walk": 4, "bike": 11.5, "ebike": 16, "car": 30}, 3)
    if name == "straight":
        return instance(people, wanted, travel=travel, now="07:30", until="+2 00:00", **rest)
    if name == "matrix":
        places = [replace(v, at=v.id, availability=v.availability[:1]) for v in people]
        asked = [replace(r, at=r.id, end_at=None) for r in wanted]
        return instance(places, asked, travel={("ada", "R1"): 7, ("R1", "ada"): 9}, **rest)
    return Instance("defaults", MIDNIGHT, 0, (), ())


FULL = ("straight", "matrix", "defaults")
