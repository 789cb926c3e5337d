"""What stands in the files of FORMAT.md, checked for kind and for unknown keys only.

Meaning is checked by the vocabulary, which names each fault; the bounds written here are for the reader of the JSON
Schemas in `schema/`, which are drawn from these shapes.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, TypeVar

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
from matcher.instance import MAX_LAG, MAX_NUMBER, MAX_REQUESTS, MAX_SEATS, MAX_TEXT, MAX_VOLUNTEERS, YEARS
from matcher.plan import STATUSES, TERMS
from matcher.travel import MAX_FACTOR, MAX_PLACES, Place

INSTANCE_FORMAT = "diandan-instance/1"
PLAN_FORMAT = "diandan-plan/1"
PROOF_FORMAT = "diandan-proof/1"


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
    return "Matrix" if isinstance(value, dict) and value.get("mode") == "matrix" else "Straight"


TravelShape = Annotated[
    Annotated[StraightShape, Tag("Straight")] | Annotated[MatrixShape, Tag("Matrix")], Discriminator(_travel_mode)
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


class PriceShape(Shape):
    request: Text
    seat: Amount
    from_: Moment = Field(alias="from")
    to: Moment
    points: StrictInt


class LeafShape(Shape):
    prices: list[PriceShape]


class ServedShape(Shape):
    request: Text
    split: Literal["served"]
    no: NodeShape | None = None
    yes: NodeShape | None = None


class StartShape(Shape):
    request: Text
    split: Moment
    before: NodeShape | None = None
    after: NodeShape | None = None


def _kind_of_node(value: object) -> str:
    if not isinstance(value, dict) or "split" not in value:
        return "Leaf"
    return "Served" if value["split"] == "served" else "Start"


NodeShape = Annotated[
    Annotated[LeafShape, Tag("Leaf")] | Annotated[ServedShape, Tag("Served")] | Annotated[StartShape, Tag("Start")],
    Discriminator(_kind_of_node),
]


class ProofShape(Shape):
    format: Literal["diandan-proof/1"]
    instance: Text
    bound: StrictInt
    tree: NodeShape


for recursive in (ServedShape, StartShape, ProofShape):
    recursive.model_rebuild()

assert set(TermsShape.model_fields) == set(TERMS) and STATUSES == ("optimal", "feasible", "interrupted")

SCHEMAS: dict[str, type[Shape]] = {"instance": InstanceShape, "plan": PlanShape, "proof": ProofShape}


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema of `instance`, `plan` or `proof`, as published in `matcher/schema/`."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **SCHEMAS[name].model_json_schema(by_alias=True),
        "title": f"diandan-{name}/1",
    }


AnyShape = TypeVar("AnyShape", bound=Shape)


def shaped(shape: type[AnyShape], format: str, document: object) -> AnyShape:
    """The document as this shape, or InvalidInput with the path of what is wrong."""
    if not isinstance(document, dict):
        raise _wrong_kind("$", document, "object")
    if document.get("format") != format:
        raise InvalidInput("format", "$.format", document.get("format"), supported=format)
    try:
        return shape.model_validate(document)
    except ValidationError as error:
        raise _first(error, shape) from None


TAGS = ("Straight", "Matrix", "Leaf", "Served", "Start")
"""Which of several shapes an object is taken for; no key of any file is called so."""

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
    location = [step for step in found if step not in TAGS]
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
            node = schema["$defs"][f"{step}Shape"]
        else:
            node = node["items"] if isinstance(step, int) else node["properties"][step]
        node = next(iter(node.get("anyOf", [node])))
        node = schema["$defs"][node["$ref"].rpartition("/")[2]] if "$ref" in node else node
    names: Iterable[str] = node["propertyNames"]["enum"] if "propertyNames" in node else node["properties"]
    return names
