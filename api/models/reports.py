"""Reports: figures as they go out, each with what it is a part of."""

from datetime import date

from pydantic import ConfigDict
from pydantic import Field as ShapeField

from api.models.base import Amount, Shape


class FigurePublic(Shape):
    """One figure. `of` is null where it is a plain count; `share` is null there, and where `of` is 0."""

    code: str
    zh: str
    en: str
    value: int | float
    of: int | float | None
    share: float | None


class ReportPublic(Shape):
    """A period from its first day on, up to and without the day `to`."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "from": "2026-12-01",
                "to": "2026-12-08",
                "days": 7,
                "figures": [
                    {"code": "answered", "zh": "响应率", "en": "answered in time", "value": 38, "of": 40, "share": 0.95}
                ],
            }
        },
    )

    first: date = ShapeField(alias="from")
    to: date
    days: Amount
    figures: list[FigurePublic]
