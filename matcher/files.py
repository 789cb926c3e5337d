"""Instance and plan files (FORMAT.md): ISO times outside, minutes inside.

The JSON Schemas in `schema/` are drawn from these shapes.
"""

from __future__ import annotations

import difflib
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    Tag,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from matcher.errors import InvalidInput
from matcher.instance import (
    FAR,
    MAX_LAG,
    MAX_NUMBER,
    MAX_REQUESTS,
    MAX_SEATS,
    MAX_TEXT,
    MAX_VOLUNTEERS,
    YEARS,
    Availability,
    Instance,
    Pinned,
    Published,
    Request,
    Seat,
    Volunteer,
    Weights,
    Window,
)
from matcher.plan import STATUSES, TERMS, Assignment, Plan, Reason, Unserved
from matcher.strict_json import read_json
from matcher.travel import MAX_FACTOR, MAX_PLACES, MatrixTravel, Place, StraightTravel, Travel, check_size

INSTANCE_FORMAT = "diandan-instance/1"
PLAN_FORMAT = "diandan-plan/1"

Out = TypeVar("Out")


# Shapes: what stands in a file, checked for kind and for unknown keys only. Meaning is checked by the vocabulary,
# which names each fault; the bounds written here are for the reader of the schema.


def _moment(value: object) -> datetime:
    """A time as files write it: ISO 8601 with an offset, whole minutes."""
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        large = isinstance(value, (int, float)) and abs(value) > MAX_NUMBER
        raise PydanticCustomError("value_too_large" if large else "time_invalid", "time")
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise PydanticCustomError("time_invalid", "time") from None
    offset = moment.utcoffset()
    if offset is None:
        raise PydanticCustomError("timezone_required", "time")
    if moment.second or moment.microsecond or offset % timedelta(minutes=1):
        raise PydanticCustomError("seconds_not_allowed", "time")
    if moment.year not in YEARS:
        raise PydanticCustomError("time_invalid", "time")
    return moment


def _place(value: object) -> Place:
    if isinstance(value, str):
        return value
    if isinstance(value, (list, tuple)) and len(value) == 2 and all(type(x) in (int, float) for x in value):
        return float(value[0]), float(value[1])
    raise PydanticCustomError("coord_invalid", "place")


def _number(value: object) -> float:
    if type(value) not in (int, float):
        raise PydanticCustomError("float_type", "number")
    return float(value)  # type: ignore[arg-type]


def _bounded(**limits: Any) -> Any:
    return Field(json_schema_extra=limits)


_TIME = {
    "type": "string",
    "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:00(\.0+)?)?(Z|[+-]\d{2}:\d{2})$",
    "description": "ISO 8601 with offset, whole minutes",
}
_POINT = {
    "type": "array",
    "prefixItems": [
        {"type": "number", "minimum": -180, "maximum": 180},
        {"type": "number", "minimum": -90, "maximum": 90},
    ],
    "minItems": 2,
    "maxItems": 2,
    "description": "[longitude, latitude], WGS-84",
}
_PLACE_ID = {"type": "string", "description": "an id of travel.places, when travel.mode is matrix"}
Moment = Annotated[datetime, BeforeValidator(_moment), WithJsonSchema(_TIME)]
PlaceShape = Annotated[Any, BeforeValidator(_place), WithJsonSchema({"anyOf": [_PLACE_ID, _POINT]})]
Amount = Annotated[StrictInt, _bounded(minimum=0, maximum=MAX_NUMBER)]
Positive = Annotated[StrictInt, _bounded(minimum=1, maximum=MAX_NUMBER)]
Lag = Annotated[StrictInt, _bounded(minimum=0, maximum=MAX_LAG)]
Number = Annotated[float, BeforeValidator(_number)]
Distance = Annotated[float, BeforeValidator(_number), _bounded(minimum=0, maximum=MAX_NUMBER)]
Detour = Annotated[float, BeforeValidator(_number), _bounded(minimum=1, maximum=MAX_FACTOR)]
Speed = Annotated[float, BeforeValidator(_number), _bounded(exclusiveMinimum=0, maximum=MAX_FACTOR)]
Mode = Literal["walk", "bike", "ebike", "car"]
Text = StrictStr
Id = Annotated[StrictStr, _bounded(minLength=1, maxLength=MAX_TEXT)]
Levels = dict[Id, Positive]
Points = dict[Text, Amount]


class Shape(BaseModel):
    """An object of a file; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", populate_by_name=False, ser_json_inf_nan="constants")


class PeriodShape(Shape):
    from_: Moment = Field(alias="from")
    to: Moment


class AvailabilityShape(PeriodShape):
    at: PlaceShape | None = None
    mode: Mode | None = None


class VolunteerShape(Shape):
    id: Id
    at: PlaceShape
    availability: list[AvailabilityShape]
    label: Text | None = None
    skills: Levels = {}
    mode: Mode = "ebike"
    radius_km: Distance | None = None
    max_requests_per_day: Amount | None = None
    max_minutes_per_day: Amount | None = None
    max_minutes: Amount | None = None
    history_minutes: Amount = 0
    target_minutes: Amount = 240
    unit: Text | None = None
    community: Text | None = None
    grid: Text | None = None


class SeatShape(Shape):
    skills: Levels = {}
    optional: StrictBool = False
    lag: Annotated[list[Lag], Field(min_length=2, max_length=2)] = [0, 0]
    minutes: Positive | None = None


class RequestShape(Shape):
    id: Id
    at: PlaceShape
    minutes: Positive
    windows: Annotated[list[PeriodShape], _bounded(minItems=1)]
    label: Text | None = None
    end_at: PlaceShape | None = None
    service: Text | None = None
    priority: Literal["urgent", "high", "normal", "low"] = "normal"
    due: Moment | None = None
    seats: Annotated[list[SeatShape], _bounded(minItems=1, maxItems=MAX_SEATS)] | None = None
    partners: list[Text] = []
    forbidden: list[Text] = []
    affinity: Points = {}
    wishes: Points = {}


class StraightShape(Shape):
    mode: Literal["straight"] = "straight"
    detour: Detour = 1.3
    speed_kmh: dict[Mode, Speed] = {}
    fixed_minutes: Amount = 0


class MatrixShape(Shape):
    mode: Literal["matrix"]
    places: Annotated[list[Text], _bounded(maxItems=MAX_PLACES)]
    minutes: list[list[Amount]]


def _travel_mode(value: object) -> str:
    return "matrix" if isinstance(value, dict) and value.get("mode") == "matrix" else "straight"


TravelShape = Annotated[
    Annotated[StraightShape, Tag("straight")] | Annotated[MatrixShape, Tag("matrix")], Discriminator(_travel_mode)
]


class PublishedShape(Shape):
    request: Text
    volunteer: Text
    start: Moment
    seat: Amount | None = None


class PinnedShape(Shape):
    request: Text
    volunteer: Text
    seat: Amount | None = None
    start: Moment | None = None


class UnservedPrices(Shape):
    urgent: Amount = 20_000
    high: Amount = 8_000
    normal: Amount = 3_000
    low: Amount = 1_200


class WeightsShape(Shape):
    unserved: UnservedPrices = UnservedPrices()
    optional_seat: Amount = 600
    travel: Amount = 10
    late: Amount = 5
    fairness: Annotated[list[Amount], Field(min_length=3, max_length=3)] = [2, 4, 9]
    continuity: Amount = 400
    stability: Amount = 300
    pin: Amount = 1_000_000


class InstanceShape(Shape):
    format: Literal["diandan-instance/1"]
    name: Text
    horizon: PeriodShape
    volunteers: Annotated[list[VolunteerShape], _bounded(maxItems=MAX_VOLUNTEERS)]
    requests: Annotated[list[RequestShape], _bounded(maxItems=MAX_REQUESTS)]
    note: Text | None = None
    timezone: Text = "Asia/Shanghai"
    now: Moment | None = None
    travel: TravelShape = StraightShape()
    published: list[PublishedShape] = []
    pinned: list[PinnedShape] = []
    weights: WeightsShape = WeightsShape()


class AssignmentShape(Shape):
    request: Text
    seat: Amount
    volunteer: Text
    start: Moment
    end: Moment


class TextShape(Shape):
    zh: Text
    en: Text


class ReasonShape(Shape):
    code: Text
    text: TextShape


class UnservedShape(Shape):
    request: Text
    reasons: list[ReasonShape]


class TermsShape(Shape):
    unserved: StrictInt
    travel: StrictInt
    late: StrictInt
    fairness: StrictInt
    continuity: StrictInt
    affinity: StrictInt
    stability: StrictInt
    pins: StrictInt


class PlanShape(Shape):
    format: Literal["diandan-plan/1"]
    instance: Text
    assignments: list[AssignmentShape]
    unserved: list[UnservedShape]
    broken_pins: list[PinnedShape]
    cost: StrictInt
    terms: TermsShape
    bound: StrictInt | None
    settled: StrictInt
    gap: Number | None
    status: Literal["optimal", "feasible", "interrupted"]
    seconds: Number
    seed: StrictInt
    engine: Text


assert set(TermsShape.model_fields) == set(TERMS) and STATUSES == ("optimal", "feasible", "interrupted")

SCHEMAS: dict[str, type[Shape]] = {"instance": InstanceShape, "plan": PlanShape}


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema of `instance` or `plan`, as published in `matcher/schema/`."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **SCHEMAS[name].model_json_schema(by_alias=True),
        "title": f"diandan-{name}/1",
    }


# Reading


def read_instance(path: str | Path) -> Instance:
    """The instance in this file, or InvalidInput with the path of what is wrong."""
    return instance_from(read_json(_bytes_of(path)))


def read_plan(path: str | Path, instance: Instance) -> Plan:
    """The plan in this file, in the minutes of the instance it is a plan of."""
    return plan_from(read_json(_bytes_of(path)), instance)


def instance_from(document: object) -> Instance:
    """An instance from the plain data of its file."""
    shape = _shaped(InstanceShape, INSTANCE_FORMAT, document)
    origin = shape.horizon.from_

    def minute(moment: datetime) -> int:
        return int((moment - origin).total_seconds() // 60)

    try:
        return Instance(
            name=shape.name,
            note=shape.note,
            origin=origin,
            horizon_end=minute(shape.horizon.to),
            timezone=shape.timezone,
            now=None if shape.now is None else minute(shape.now),
            travel=_under("travel", lambda: _travel(shape.travel)),
            volunteers=_each("volunteers", shape.volunteers, lambda v: _volunteer(v, minute)),
            requests=_each("requests", shape.requests, lambda r: _request(r, minute)),
            published=_each(
                "published", shape.published, lambda p: Published(p.request, p.volunteer, minute(p.start), p.seat)
            ),
            pinned=_each("pinned", shape.pinned, lambda p: _pinned(p, minute)),
            weights=_under("weights", lambda: _weights(shape.weights)),
        )
    except InvalidInput as error:
        raise _rooted(error, origin) from None


def plan_from(document: object, instance: Instance) -> Plan:
    """A plan from the plain data of its file."""
    shape = _shaped(PlanShape, PLAN_FORMAT, document)
    minute = instance.minute
    return Plan(
        instance=shape.instance,
        assignments=tuple(
            Assignment(a.request, a.seat, a.volunteer, minute(a.start), minute(a.end)) for a in shape.assignments
        ),
        unserved=tuple(
            Unserved(u.request, tuple(Reason(r.code, r.text.zh, r.text.en) for r in u.reasons)) for u in shape.unserved
        ),
        broken_pins=tuple(_pinned(p, minute) for p in shape.broken_pins),
        cost=shape.cost,
        terms={term: getattr(shape.terms, term) for term in TERMS},
        bound=shape.bound,
        settled=shape.settled,
        gap=shape.gap,
        status=shape.status,
        seconds=shape.seconds,
        seed=shape.seed,
        engine=shape.engine,
    )


def _volunteer(shape: VolunteerShape, minute: Callable[[datetime], int]) -> Volunteer:
    availability = _each(
        "availability", shape.availability, lambda a: Availability(minute(a.from_), minute(a.to), a.at, a.mode)
    )
    rest = {name: getattr(shape, name) for name in VolunteerShape.model_fields if name != "availability"}
    return Volunteer(availability=availability, **rest)


def _request(shape: RequestShape, minute: Callable[[datetime], int]) -> Request:
    rest = {name: getattr(shape, name) for name in RequestShape.model_fields}
    rest["windows"] = _each("windows", shape.windows, lambda w: Window(minute(w.from_), minute(w.to)))
    rest["due"] = None if shape.due is None else minute(shape.due)
    rest["partners"], rest["forbidden"] = tuple(shape.partners), tuple(shape.forbidden)
    if shape.seats is None:
        del rest["seats"]
    else:
        rest["seats"] = _each("seats", shape.seats, _seat)
    return Request(**rest)


def _seat(shape: SeatShape) -> Seat:
    return Seat(shape.skills, shape.optional, (shape.lag[0], shape.lag[1]), shape.minutes)


def _pinned(shape: PinnedShape, minute: Callable[[datetime], int]) -> Pinned:
    return Pinned(shape.request, shape.volunteer, shape.seat, None if shape.start is None else minute(shape.start))


def _weights(shape: WeightsShape) -> Weights:
    one, two, three = shape.fairness
    rest = {name: getattr(shape, name) for name in WeightsShape.model_fields if name not in ("unserved", "fairness")}
    return Weights(unserved=shape.unserved.model_dump(), fairness=(one, two, three), **rest)


def _travel(shape: StraightShape | MatrixShape) -> Travel:
    if isinstance(shape, StraightShape):
        speeds: dict[str, float] = {**StraightTravel().speed_kmh, **dict(shape.speed_kmh.items())}
        return StraightTravel(shape.detour, speeds, shape.fixed_minutes)
    size = len(shape.places)
    check_size(size)
    if len(shape.minutes) != size:
        raise InvalidInput("matrix_size", "minutes", len(shape.minutes), size=size)
    for i, row in enumerate(shape.minutes):
        if len(row) != size:
            raise InvalidInput("matrix_not_square", f"minutes[{i}]", len(row), row=i, size=size)
        if row and max(row) > MAX_NUMBER:
            j = row.index(max(row))
            raise InvalidInput("value_too_large", f"minutes[{i}][{j}]", row[j], limit=MAX_NUMBER)
        if row and min(row) < 0:
            j = row.index(min(row))
            raise InvalidInput("matrix_value", f"minutes[{i}][{j}]", row[j])
    return MatrixTravel(tuple(shape.places), np.array(shape.minutes, dtype=np.int64).reshape(size, size))


def _each(path: str, shapes: Iterable[Any], make: Callable[[Any], Out]) -> tuple[Out, ...]:
    made = []
    for i, shape in enumerate(shapes):
        try:
            made.append(make(shape))
        except InvalidInput as error:
            raise error.under(f"{path}[{i}]") from None
    return tuple(made)


def _under(path: str, make: Callable[[], Out]) -> Out:
    try:
        return make()
    except InvalidInput as error:
        raise error.under(path) from None


def _rooted(error: InvalidInput, origin: datetime) -> InvalidInput:
    """The error with its path from the top of the file, and times as the file writes them."""

    def time(minute: int) -> str:
        return (origin + timedelta(minutes=minute)).isoformat(timespec="minutes")

    if error.code == "window_invalid" and isinstance(error.value, tuple):
        start, end = error.value
        error.value = f"{time(start)}/{time(end)[:16]}"
    if error.code == "value_too_large" and error.params["limit"] == FAR:
        error.value, error.params["limit"] = time(error.value), time(FAR)
    return error.under("$")


AnyShape = TypeVar("AnyShape", bound=Shape)


def _shaped(shape: type[AnyShape], format: str, document: object) -> AnyShape:
    if not isinstance(document, dict):
        raise _wrong_kind("$", document, "object")
    if document.get("format") != format:
        raise InvalidInput("format", "$.format", document.get("format"), supported=format)
    try:
        return shape.model_validate(document)
    except ValidationError as error:
        raise _first(error, shape) from None


_KINDS = {
    "object": "对象",
    "list": "列表",
    "list of another length": "另一长度的列表",
    "text": "文字",
    "true or false": "true 或 false",
    "number": "数",
    "another kind": "其他类型",
}
_EXPECTED = {
    "string_type": "text",
    "list_type": "list",
    "dict_type": "object",
    "model_type": "object",
    "model_attributes_type": "object",
    "bool_type": "true or false",
    "float_type": "number",
    "too_short": "list of another length",
    "too_long": "list of another length",
}
_OWN = ("time_invalid", "timezone_required", "seconds_not_allowed", "coord_invalid")


def _first(errors: ValidationError, shape: type[Shape]) -> InvalidInput:
    """The first thing pydantic found, in our words."""
    error = errors.errors(include_url=False)[0]
    found = [step for step in error["loc"] if step != "[key]"]
    location = [step for i, step in enumerate(found) if not (i == 1 and step in ("straight", "matrix"))]
    path = "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    kind, value = error["type"], error["input"]
    if kind == "extra_forbidden" or error["loc"][-1] == "[key]":
        return InvalidInput("key_unknown", path, found[-1], nearest=_nearest(str(found[-1]), shape, found[:-1]))
    if kind == "missing":
        return InvalidInput("key_missing", path, location[-1])
    if kind in _OWN:
        return InvalidInput(kind, path, value)
    if kind == "value_too_large":
        return InvalidInput(kind, path, value, limit=MAX_NUMBER)
    if location[0] == "weights" and kind.startswith("int"):
        return InvalidInput("weight_negative", path, value)
    if location[:2] == ["travel", "minutes"] and kind.startswith("int"):
        return InvalidInput("matrix_value", path, value)
    if kind.startswith("int"):
        return InvalidInput("type_int", path, value)
    if kind == "literal_error":
        choices = "straight, matrix" if path == "$.travel.mode" else error["ctx"]["expected"]
        return InvalidInput("choice_unknown", path, value, choices=choices)
    return _wrong_kind(path, value, _EXPECTED.get(kind, "another kind"))


def _wrong_kind(path: str, value: object, expected: str) -> InvalidInput:
    return InvalidInput("type_invalid", path, value, expected=expected, expected_zh=_KINDS[expected])


def _nearest(key: str, shape: type[Shape], parent: Sequence[str | int]) -> str:
    """The key most like this one among those that the object at `parent` may have."""
    return difflib.get_close_matches(key, sorted(_keys(shape.model_json_schema(), parent)), n=1, cutoff=0.0)[0]


def _keys(schema: Mapping[str, Any], parent: Sequence[str | int]) -> Iterable[str]:
    node = schema
    for step in parent:
        if "oneOf" in node:
            node = schema["$defs"][f"{str(step).title()}Shape"]
        else:
            node = node["items"] if isinstance(step, int) else node["properties"][step]
        node = next(iter(node.get("anyOf", [node])))
        node = schema["$defs"][node["$ref"].rpartition("/")[2]] if "$ref" in node else node
    names: Iterable[str] = node["propertyNames"]["enum"] if "propertyNames" in node else node["properties"]
    return names


# Writing


def write_instance(instance: Instance, path: str | Path) -> None:
    """Write the instance's file; an old file is replaced whole or not at all."""
    _write(path, instance_document(instance))


def write_plan(plan: Plan, instance: Instance, path: str | Path) -> None:
    """Write the plan's file; an old file is replaced whole or not at all."""
    _write(path, plan_document(plan, instance))


def instance_document(instance: Instance) -> dict[str, Any]:
    """The plain data of an instance's file. What equals its default is left out."""
    time = _clock(instance)
    document: dict[str, Any] = {
        "format": INSTANCE_FORMAT,
        "name": instance.name,
        "note": instance.note,
        "timezone": instance.timezone,
        "horizon": {"from": time(0), "to": time(instance.horizon_end)},
        "now": None if instance.now is None else time(instance.now),
        "travel": _travel_document(instance.travel),
        "weights": {**asdict(instance.weights), "fairness": list(instance.weights.fairness)},
        "volunteers": [_volunteer_document(v, time) for v in instance.volunteers],
        "requests": [_request_document(r, time) for r in instance.requests],
        "published": [_present({**asdict(p), "start": time(p.start)}) for p in instance.published],
        "pinned": [_pin_document(p, time) for p in instance.pinned],
    }
    always = ("volunteers", "requests")
    return {key: value for key, value in document.items() if key in always or (value is not None and value != [])}


def plan_document(plan: Plan, instance: Instance) -> dict[str, Any]:
    """The plain data of a plan's file."""
    time = _clock(instance)
    return {
        "format": PLAN_FORMAT,
        "instance": plan.instance,
        "status": plan.status,
        "cost": plan.cost,
        "bound": plan.bound,
        "gap": plan.gap,
        "settled": plan.settled,
        "terms": dict(plan.terms),
        "seconds": plan.seconds,
        "seed": plan.seed,
        "engine": plan.engine,
        "assignments": [{**asdict(a), "start": time(a.start), "end": time(a.end)} for a in plan.assignments],
        "unserved": [
            {
                "request": u.request,
                "reasons": [{"code": r.code, "text": {"zh": r.zh, "en": r.en}} for r in u.reasons],
            }
            for u in plan.unserved
        ],
        "broken_pins": [_pin_document(p, time) for p in plan.broken_pins],
    }


def _clock(instance: Instance) -> Callable[[int], str]:
    known: dict[int, str] = {}

    def time(minute: int) -> str:
        if minute not in known:
            known[minute] = instance.moment(minute).isoformat(timespec="minutes")
        return known[minute]

    return time


def _present(document: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if value is not None and value != {} and value != []}


def _volunteer_document(volunteer: Volunteer, time: Callable[[int], str]) -> dict[str, Any]:
    document = _present(_fields(volunteer))
    document["availability"] = [
        _present({"from": time(a.start), "to": time(a.end), "at": a.at, "mode": a.mode}) for a in volunteer.availability
    ]
    return document


def _request_document(request: Request, time: Callable[[int], str]) -> dict[str, Any]:
    document = _present(_fields(request))
    document["windows"] = [{"from": time(w.start), "to": time(w.end)} for w in request.windows]
    document["partners"], document["forbidden"] = list(request.partners), list(request.forbidden)
    if request.due is not None:
        document["due"] = time(request.due)
    document["seats"] = [_seat_document(seat) for seat in request.seats]
    return _present(document)


def _seat_document(seat: Seat) -> dict[str, Any]:
    document = _present({"skills": dict(seat.skills), "minutes": seat.minutes})
    if seat.optional:
        document["optional"] = True
    if seat.lag != (0, 0):
        document["lag"] = list(seat.lag)
    return document


def _pin_document(pin: Pinned, time: Callable[[int], str]) -> dict[str, Any]:
    return _present({**asdict(pin), "start": None if pin.start is None else time(pin.start)})


def _fields(thing: Volunteer | Request) -> dict[str, Any]:
    return {name: getattr(thing, name) for name in type(thing).__dataclass_fields__}


def _travel_document(travel: Travel) -> dict[str, Any]:
    if isinstance(travel, MatrixTravel):
        return {"mode": "matrix", "places": list(travel.places), "minutes": travel.table_of_minutes.tolist()}
    if isinstance(travel, StraightTravel):
        return {"mode": "straight", **asdict(travel)}
    raise TypeError(f"travel of {type(travel).__name__} has no file form; ask it for a matrix first")


def _bytes_of(path: str | Path) -> bytes:
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise InvalidInput("file_missing", "", str(path)) from None
    except IsADirectoryError:
        raise InvalidInput("file_directory", "", str(path)) from None
    except OSError as error:
        raise InvalidInput("file_unreadable", "", error.strerror or str(error)) from None


def _write(path: str | Path, document: Mapping[str, Any]) -> None:
    text = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    target = Path(path)
    try:
        if target.exists() and not (target.is_file() or target.is_dir()):
            target.write_text(text, encoding="utf-8")  # a pipe or a device is written to, never replaced
        else:
            _replace(target.resolve(), text)
    except OSError as error:
        raise InvalidInput("file_unwritable", "", error.strerror or str(error)) from None


def _replace(target: Path, text: str) -> None:
    """Put a file in the place of another; whoever could read the old one can read the new one."""
    mode = target.stat().st_mode & 0o777 if target.exists() else 0o644
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(mode)
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
