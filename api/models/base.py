"""Words and numbers as they come in: each type refuses nonsense under its own code, and says its range in OpenAPI."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, WithJsonSchema
from pydantic_core import PydanticCustomError
from sqlalchemy import DateTime, Dialect
from sqlalchemy.types import TypeDecorator

from matcher import MAX_NUMBER, MAX_TEXT

ID_LIMIT = 2**31 - 1
LARGEST_PAGE = 200
RESERVED = ("house", "worker", "clock", "desk")
EARLIEST, LATEST = datetime(1980, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment, stored in UTC; SQLite forgets the zone, so it is put back here and nowhere else."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone; say which moment is meant")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Shape(BaseModel):
    """What comes in or goes out over HTTP: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


def example(**values: Any) -> ConfigDict:
    """What a shape that comes in says of itself: unknown fields are refused, and this is what one looks like."""
    return ConfigDict(extra="forbid", json_schema_extra={"example": values})


def refuse(code: str, **params: Any) -> PydanticCustomError:
    """A malformed value, by its code in the catalogue; the handler adds path and value."""
    return PydanticCustomError(code, code, params)  # type: ignore[arg-type]


def whole(low: int, high: int = MAX_NUMBER, code: str = "number_range") -> Any:
    """A whole number from low to high; `"5"`, `5.0` and `true` are none."""

    def check(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise refuse("type_int" if code == "number_range" else code, low=low, high=high)
        if not low <= value <= high:
            raise refuse(code, low=low, high=high)
        return value

    return Annotated[int, BeforeValidator(check), _schema(type="integer", minimum=low, maximum=high)]


def fraction(low: float, high: float) -> Any:
    """A number from low to high."""

    def check(value: Any) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise refuse("type_invalid", expected="a number", expected_zh="数字")
        if not low <= value <= high:
            raise refuse("number_range", low=low, high=high)
        return float(value)

    return Annotated[float, BeforeValidator(check), _schema(type="number", minimum=low, maximum=high)]


def text(limit: int = MAX_TEXT, least: int = 1) -> Any:
    """Words, not blank, so many signs at least; the reader of the body has refused what no database can keep."""

    def check(value: Any) -> str:
        if not isinstance(value, str):
            raise refuse("type_invalid", expected="text", expected_zh="文字")
        if least > 1 and len(value.strip()) < least:
            raise refuse("reason_required", least=least)
        if not value.strip() or len(value) > limit:
            raise refuse("text_invalid", limit=limit)
        return value

    return Annotated[str, BeforeValidator(check), _schema(type="string", minLength=least, maxLength=limit)]


def choice(options: tuple[str, ...]) -> Any:
    """One of a few words."""

    def check(value: Any) -> str:
        if value not in options:
            raise refuse("choice_unknown", choices=", ".join(options))
        return str(value)

    return Annotated[str, BeforeValidator(check), _schema(type="string", enum=list(options))]


def levels(low: int) -> Any:
    """Numbers by name: skill levels (from 1) or points (from 0)."""
    return dict[text(), whole(low)]  # type: ignore[misc]


def items(kind: Any, limit: int, least: int = 0) -> Any:
    """A list of so many at most."""

    def check(value: Any) -> Any:
        if not isinstance(value, list):
            raise refuse("type_invalid", expected="a list", expected_zh="列表")
        if not least <= len(value) <= limit:
            raise refuse("list_length", low=least, high=limit)
        return value

    return Annotated[list[kind], BeforeValidator(check)]  # type: ignore[valid-type]


def _point(value: Any) -> list[float]:
    """[longitude, latitude], WGS-84."""
    numbers = isinstance(value, list | tuple) and len(value) == 2
    if not numbers or not all(isinstance(x, int | float) and not isinstance(x, bool) for x in value):
        raise refuse("coord_invalid")
    lon, lat = value
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        raise refuse("coord_invalid")
    return [float(lon), float(lat)]


def _moment(value: Any) -> datetime:
    """ISO 8601 with its offset, whole minutes."""
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise refuse("time_invalid") from None
    if moment.tzinfo is None:
        raise refuse("timezone_required")
    if moment.second or moment.microsecond or moment.utcoffset() % timedelta(minutes=1):
        raise refuse("seconds_not_allowed")
    if not EARLIEST <= moment <= LATEST:
        raise refuse("value_too_large", limit=LATEST.isoformat())
    return moment.astimezone(UTC)


def _day(value: Any) -> str:
    """A calendar day, as text: 2026-11-23."""
    try:
        return date.fromisoformat(value).isoformat()
    except (TypeError, ValueError):
        raise refuse("date_invalid") from None


def _time_of_day(value: Any) -> str:
    """What a clock on the wall shows, as text: 09:00."""
    if not isinstance(value, str) or not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", value):
        raise refuse("time_of_day_invalid")
    return value


def _login_name(value: Any) -> str:
    """Letters of any script, digits and a few signs; not a name under which the service itself acts."""
    if not isinstance(value, str) or not re.fullmatch(r"[\w.@-]{1,64}", value) or value in RESERVED:
        raise refuse("name_invalid", limit=64)
    return value


def _schema(**schema: Any) -> WithJsonSchema:
    return WithJsonSchema(schema, mode="validation")


_LON, _LAT = ({"type": "number", "minimum": -most, "maximum": most} for most in (180, 90))
Point = Annotated[
    list[float], BeforeValidator(_point), _schema(type="array", prefixItems=[_LON, _LAT], minItems=2, maxItems=2)
]
Moment = Annotated[datetime, BeforeValidator(_moment), _schema(type="string", format="date-time")]
Id = whole(1, ID_LIMIT)
Text = text()
Phone = text(40)
LoginName = Annotated[str, BeforeValidator(_login_name), _schema(type="string", minLength=1, maxLength=64)]
Day = Annotated[str, BeforeValidator(_day), _schema(type="string", format="date")]
TimeOfDay = Annotated[str, BeforeValidator(_time_of_day), _schema(type="string", pattern="^[0-2][0-9]:[0-5][0-9]$")]
Dates = dict[Text, Day]
Levels = levels(1)
Points = levels(0)
Amount = whole(0)
