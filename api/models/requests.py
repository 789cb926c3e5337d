"""Requests: what a resident asks for, and how far it has come (LIFECYCLE.md, 1)."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any, Self

from pydantic import ConfigDict, StrictBool
from pydantic import Field as ShapeField
from sqlalchemy import JSON, Index
from sqlmodel import Field, Relationship, SQLModel

from api.models.base import (
    Amount,
    Id,
    Levels,
    Moment,
    Phone,
    Point,
    Points,
    Shape,
    Text,
    UtcDateTime,
    choice,
    example,
    items,
    text,
    whole,
)
from api.visibility import MASKED, Sight, veiled
from matcher import MAX_LAG, MAX_SEATS, PRIORITIES

Minutes = whole(1)
Lag = whole(0, MAX_LAG)
Priority = choice(PRIORITIES)

TIERS = ("facility", "simple", "joint", "general", "complex")
"""How much a request takes, and so when it is due: a public facility out of order, done on the spot, by several
together, as usual, or by departments."""

Tier = choice(TIERS)
Code = text(40)
Reason = text(500, least=2)
LongText = text(4000)


class RequestState(StrEnum):
    """How far a request has come."""

    SUBMITTED = "submitted"
    TRIAGED = "triaged"
    DISPATCHED = "dispatched"
    CONFIRMED = "confirmed"
    IN_SERVICE = "in_service"
    WAITING = "waiting"
    SERVED = "served"
    CALLBACK = "callback"
    CLOSED = "closed"


class Outcome(StrEnum):
    """How a closed request ended."""

    DONE = "done"
    ANSWERED = "answered"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    MERGED = "merged"


class WaitsFor(StrEnum):
    """What a request waits for: the resident (待补充), a date (挂起), or a department (转办)."""

    RESIDENT = "resident"
    DATE = "date"
    DEPARTMENT = "department"


class CallbackResult(StrEnum):
    """What the resident says when called back."""

    SATISFIED = "satisfied"
    BASICALLY = "basically"
    UNREACHABLE = "unreachable"


class RequestWindowRow(SQLModel, table=True):
    """The request's start lies in one of its windows."""

    __tablename__ = "request_windows"

    id: int | None = Field(default=None, primary_key=True)
    request_id: int = Field(foreign_key="requests.id", index=True)
    starts_at: datetime = Field(sa_type=UtcDateTime)
    ends_at: datetime = Field(sa_type=UtcDateTime, index=True)


class WindowShape(Shape):
    """The request may start from then to then, both ends counted."""

    starts_at: Moment = ShapeField(alias="from")
    ends_at: Moment = ShapeField(alias="to")


class SeatShape(Shape):
    """One person's part of a request."""

    skills: Levels = ShapeField(default_factory=dict)
    optional: StrictBool = False
    lag: items(Lag, 2, least=2) = ShapeField(default_factory=lambda: [0, 0])
    minutes: Minutes | None = None


class RequestTemplate(SQLModel):
    """What is asked for, on whatever day."""

    label: Text | None = Field(default=None, description="a few words to show; no name, phone or door")
    name: Text | None = Field(default=None, description="the resident")
    phone: Phone | None = None
    door: Text | None = Field(default=None, description="building, unit, door")
    text: LongText | None = Field(default=None, description="in the resident's words")
    at: Point = Field(sa_type=JSON, description="[longitude, latitude], WGS-84")
    end_at: Point | None = Field(default=None, sa_type=JSON, description="service ends elsewhere")
    service: Text | None = None
    minutes: Minutes
    priority: Priority = "normal"
    tier: Tier = Field("general", description="how much it takes: says when it is due to be dispatched and done")
    partners: items(Id, 1000) = Field(default_factory=list, sa_type=JSON, description="volunteers this resident knows")
    forbidden: items(Id, 1000) = Field(default_factory=list, sa_type=JSON)
    affinity: Points = Field(default_factory=dict, sa_type=JSON, description="points by volunteer id")
    wishes: Points = Field(default_factory=dict, sa_type=JSON, description="points by skill")


class RequestBase(RequestTemplate):
    """What is asked for."""

    code: Text | None = Field(default=None, unique=True, description="the office's own number")
    territory_id: Id | None = Field(default=None, foreign_key="territories.id", index=True)
    due: Moment | None = Field(default=None, sa_type=UtcDateTime, description="ending later is late, not forbidden")


REQUEST_EXAMPLE: dict[str, Any] = {
    "code": "2026-1123-007",
    "label": "陪同就医",
    "at": [108.951, 34.27],
    "minutes": 90,
    "windows": [{"from": "2026-11-23T09:00+08:00", "to": "2026-11-23T10:00+08:00"}],
    "priority": "high",
    "seats": [{"skills": {"first_aid": 1}}],
}


class RequestCreate(RequestBase):
    """A request as it comes in: classified, with its windows and seats."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": REQUEST_EXAMPLE})

    windows: items(WindowShape, 1000)
    seats: items(SeatShape, MAX_SEATS) = ShapeField(default_factory=lambda: [SeatShape()])
    submitted: StrictBool = ShapeField(False, description="not classified yet: it waits for triage")


WINDOW_EXAMPLE = {"from": "2026-12-03T09:00+08:00", "to": "2026-12-03T10:00+08:00"}


class Triage(Shape):
    """How the desk classifies a request; what is left out stays as it came."""

    model_config = example(priority="urgent", minutes=45)

    service: Text | None = None
    minutes: Minutes | None = None
    priority: Priority | None = None
    tier: Tier | None = None
    windows: items(WindowShape, 1000) | None = None
    seats: items(SeatShape, MAX_SEATS) | None = None


class RequestChange(Shape):
    """What is to be different; what is left out stays as it is."""

    model_config = example(minutes=45)

    label: Text | None = None
    name: Text | None = None
    phone: Phone | None = None
    door: Text | None = None
    text: LongText | None = None
    at: Point = ShapeField(None)  # may be left out, and may not be null; so with others below
    end_at: Point | None = None
    service: Text | None = None
    minutes: Minutes = ShapeField(None)
    priority: Priority = ShapeField(None)
    tier: Tier = ShapeField(None)
    partners: items(Id, 1000) = ShapeField(None)
    forbidden: items(Id, 1000) = ShapeField(None)
    affinity: Points = ShapeField(None)
    wishes: Points = ShapeField(None)
    seats: items(SeatShape, MAX_SEATS) = ShapeField(None)

    def said(self) -> dict[str, Any]:
        """The fields that were sent, each whole."""
        return self.model_dump(include=self.model_fields_set - {"windows"})


class Amend(RequestChange):
    """What the desk mends in a request that nobody has said yes to."""

    model_config = example(minutes=45, windows=[WINDOW_EXAMPLE])

    due: Moment | None = None
    windows: items(WindowShape, 1000, least=1) | None = None


class Answer(Shape):
    """What the resident was told: that was all that was asked for."""

    model_config = example(answer="周三上午社区卫生站可量血压")

    answer: Text


class Rejection(Shape):
    """Why the house cannot take it on, and who can."""

    model_config = example(reason="属于物业维修", next_owner="物业服务中心")

    reason: Reason
    next_owner: Text = ShapeField(description="who the resident is to turn to")


class Merge(Shape):
    """The same need was asked for before."""

    model_config = example(into=1)

    into: Id


class Wait(Shape):
    """What is waited for, and how long at most; a department has it under a number of its own."""

    model_config = example(**{"for": "date", "until": "2026-11-30T18:00+08:00"}, reason="等配件到货")

    waits_for: choice(tuple(WaitsFor)) = ShapeField(alias="for")
    until: Moment
    reason: Reason
    external_number: Code | None = None


class Resume(Shape):
    """It goes on where it was; `returned`: the department gave it back undone."""

    model_config = example(returned=False)

    returned: StrictBool = False


class Serve(Shape):
    """What came of it, in a few words."""

    model_config = example(result="灯已换好")

    result: Text


class Rating(Shape):
    """What the resident thinks of it."""

    model_config = example(stars=5, words="很耐心")

    stars: whole(1, 5)
    words: Text | None = None


class Callback(Shape):
    """What came of the call."""

    model_config = example(result="satisfied")

    result: choice(tuple(CallbackResult))


class Reopen(Shape):
    """Why it is taken up again, and when the resident is there for it."""

    model_config = example(reason="灯又不亮了", windows=[WINDOW_EXAMPLE])

    reason: Reason
    windows: items(WindowShape, 1000, least=1)


class Cancel(Shape):
    """Why it is called off."""

    model_config = example(reason="家人已办好")

    reason: Reason


class RequestLife(SQLModel):
    """What a request's life leaves behind."""

    outcome: str | None = None
    result: str | None = None
    next_owner: str | None = None
    merged_into: int | None = None
    waits_for: str | None = None
    waits_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    external_number: str | None = None
    returned: int = Field(default=0, description="times a department gave it back")
    waves: int = Field(default=0, description="times its seats were offered")
    stars: int | None = None
    words: str | None = None
    callback: str | None = None
    calls: int = Field(default=0, description="times it was tried to call back")
    reopened: int = 0
    served_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    series_id: int | None = Field(default=None, foreign_key="series.id", description="the series it is one of")
    series_day: date | None = Field(default=None, description="its day in the series; none once it was replaced")
    detached: bool = Field(default=False, description="amended alone: changes of its series pass it by")


class RequestRow(RequestBase, RequestLife, table=True):
    """A request on the books."""

    __tablename__ = "requests"
    __table_args__ = (Index("one_request_a_day", "series_id", "series_day", unique=True),)

    id: int | None = Field(default=None, primary_key=True)
    state: str = Field(index=True)
    version: int = 1
    created_at: datetime = Field(sa_type=UtcDateTime)
    seats: list[dict[str, Any]] = Field(sa_type=JSON)
    policy_version: int = Field(default=1, description="the durations it came under")
    comes_back_to: str | None = None
    check_in_code: str | None = None
    forgotten_at: datetime | None = Field(
        default=None, sa_type=UtcDateTime, description="nobody knows since whose it was"
    )
    windows: list[RequestWindowRow] = Relationship(
        sa_relationship_kwargs={"order_by": "RequestWindowRow.starts_at", "cascade": "all, delete-orphan"}
    )


class RequestPublic(RequestBase, RequestLife):
    """A request as it goes out."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"id": 7, "state": "triaged", "version": 1, **REQUEST_EXAMPLE}}
    )

    id: Id
    state: RequestState
    version: Amount
    created_at: datetime
    windows: list[WindowShape]
    seats: list[SeatShape]

    @classmethod
    def of(cls, row: RequestRow, seen: Sight = MASKED) -> Self:
        windows = [{"from": w.starts_at, "to": w.ends_at} for w in row.windows]
        hidden = {"policy_version", "comes_back_to", "check_in_code"}
        values = {**row.model_dump(exclude=hidden), "windows": windows}
        return cls.model_validate(veiled("request", values, seen))
