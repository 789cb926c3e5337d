"""Series: a request, a desk or a campaign day that repeats by rule, and comes four weeks ahead (LIFECYCLE.md, 3)."""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Self

from pydantic import ConfigDict, model_validator
from pydantic import Field as ShapeField
from sqlalchemy import JSON, Index
from sqlmodel import Field, Relationship, SQLModel

from api.models.base import Amount, Day, Id, Shape, TimeOfDay, UtcDateTime, choice, example, items, refuse, whole
from api.models.requests import Reason, RequestChange, RequestState, RequestTemplate, SeatShape
from api.visibility import MASKED, Sight, veiled
from matcher import MAX_SEATS


class SeriesState(StrEnum):
    """Ended: its last day is over."""

    RUNNING = "running"
    ENDED = "ended"


class RuleKind(StrEnum):
    """What is counted between two days of a series."""

    WEEKLY = "weekly"
    MONTHLY = "monthly"
    DAILY = "daily"


LAST_OF = {RuleKind.WEEKLY: 7, RuleKind.MONTHLY: 31}
"""Days are numbered from 1 to this; a rule by days has none."""


class Holidays(StrEnum):
    """What becomes of a day on which nobody works, by the working calendar."""

    SAME_DAY = "same_day"
    NEXT_WORKDAY = "next_workday"
    SKIP = "skip"


class RuleShape(Shape):
    """On which days: of every n-th week or month these, or every n-th day."""

    kind: choice(tuple(RuleKind))
    every: whole(1, 366) = ShapeField(1, description="every n-th week, month or day, counted from the first day")
    on: items(whole(1, 31), 31) = ShapeField(
        default_factory=list,
        description="weekly: 1 is Monday, 7 Sunday; monthly: 31 is the last day of a shorter month too; daily: none",
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        last = LAST_OF.get(RuleKind(self.kind), 0)
        if bool(self.on) != bool(last) or any(day > last for day in self.on):
            raise refuse("rule_invalid")
        return self


class DayWindow(Shape):
    """Between these times of its day it may start, as clocks there show it; a desk has a fixed start, from = to."""

    starts: TimeOfDay = ShapeField(alias="from")
    ends: TimeOfDay = ShapeField(alias="to")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.ends < self.starts:
            raise refuse("window_invalid", why="it ends before it begins", why_zh="结束早于开始")
        return self


class SeriesTemplate(RequestTemplate):
    """What is asked for on each day; k seats for a desk of k people."""

    model_config = ConfigDict(extra="forbid")

    seats: items(SeatShape, MAX_SEATS) = ShapeField(default_factory=lambda: [SeatShape()])


TEMPLATE_EXAMPLE: dict[str, Any] = {"label": "陪同就医", "at": [108.951, 34.27], "minutes": 90}
EDITION_EXAMPLE: dict[str, Any] = {
    "template": TEMPLATE_EXAMPLE,
    "window": {"from": "09:00", "to": "10:00"},
    "rule": {"kind": "weekly", "on": [4]},
    "holidays": "next_workday",
}


class SeriesCreate(Shape):
    """A series as it comes in."""

    model_config = example(**EDITION_EXAMPLE, first_day="2026-11-26")

    template: SeriesTemplate
    window: DayWindow
    rule: RuleShape
    holidays: choice(tuple(Holidays)) = Holidays.SAME_DAY
    first_day: Day
    last_day: Day | None = None
    territory_id: Id | None = None


class SeriesChange(Shape):
    """What is different from a day on, for good; what is left out stays. A new rule is counted from that day."""

    model_config = example(**{"from": "2026-12-03"}, window={"from": "14:00", "to": "15:00"}, reason="改在下午")

    since: Day = ShapeField(alias="from", description="today if it is over")
    reason: Reason = ShapeField(description="told to whoever is let go")
    template: RequestChange | None = None
    window: DayWindow = ShapeField(None)
    rule: RuleShape = ShapeField(None)
    holidays: choice(tuple(Holidays)) = ShapeField(None)
    last_day: Day | None = None


class SeriesEnd(Shape):
    """From which day on there is no more of it."""

    model_config = example(**{"from": "2026-12-31"}, reason="活动结束")

    since: Day = ShapeField(alias="from", description="today if it is over")
    reason: Reason = ShapeField(description="told to whoever is let go")


class SeriesEditionRow(SQLModel, table=True):
    """What a series is like from a day on, until the next edition."""

    __tablename__ = "series_editions"
    __table_args__ = (Index("one_edition_a_day", "series_id", "holds_from", unique=True),)

    id: int | None = Field(default=None, primary_key=True)
    series_id: int = Field(foreign_key="series.id")
    holds_from: date
    anchor: date = Field(description="the day from which its rule is counted")
    template: dict[str, Any] = Field(sa_type=JSON)
    starts: str
    ends: str
    rule: dict[str, Any] = Field(sa_type=JSON)
    holidays: str


class SeriesRow(SQLModel, table=True):
    """A series on the books."""

    __tablename__ = "series"

    id: int | None = Field(default=None, primary_key=True)
    territory_id: int | None = Field(default=None, foreign_key="territories.id", index=True)
    first_day: date
    last_day: date | None = None
    state: str
    version: int = 1
    expanded_until: date = Field(description="the days of its rule up to this one have become requests")
    created_at: datetime = Field(sa_type=UtcDateTime)
    forgotten_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    editions: list[SeriesEditionRow] = Relationship(
        sa_relationship_kwargs={"order_by": "SeriesEditionRow.holds_from", "cascade": "all, delete-orphan"}
    )


class EditionPublic(Shape):
    """What a series is like from a day on."""

    holds_from: date
    template: SeriesTemplate
    window: DayWindow
    rule: RuleShape
    holidays: Holidays


class SeriesPublic(Shape):
    """A series as it goes out, its editions in the order of time."""

    id: Id
    territory_id: Id | None
    state: SeriesState
    version: Amount
    first_day: date
    last_day: date | None
    expanded_until: date
    editions: list[EditionPublic]

    @classmethod
    def of(cls, row: SeriesRow, seen: Sight = MASKED, **more: Any) -> Self:
        editions = [_shown(edition, seen) for edition in row.editions]
        return cls.model_validate(
            {**row.model_dump(exclude={"created_at", "forgotten_at"}), "editions": editions, **more}
        )


def _shown(edition: SeriesEditionRow, seen: Sight) -> Mapping[str, Any]:
    values = edition.model_dump(include={"holds_from", "rule", "holidays"})
    window = {"from": edition.starts, "to": edition.ends}
    return {**values, "window": window, "template": veiled("series", edition.template, seen)}


class OccurrencePublic(Shape):
    """One day of a series."""

    request: Id
    day: date
    state: RequestState
    outcome: str | None
    detached: bool


class SeriesDetail(SeriesPublic):
    """A series and its requests, the latest in the order of time."""

    occurrences: list[OccurrencePublic]


class SeriesChanged(Shape):
    """A series after a change, and what has become of its requests from that day on."""

    series: SeriesPublic
    added: Amount = 0
    amended: Amount = 0
    unchanged: Amount = 0
    cancelled: Amount = 0
    kept: Amount = ShapeField(0, description="begun, waiting, or amended alone: left as they are")
    let_go: Amount = ShapeField(0, description="people who had been asked or had said yes, and are told")
