"""Requests: what a resident asks for, and how far it has come (LIFECYCLE.md, 1)."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from pydantic import ConfigDict, StrictBool
from pydantic import Field as ShapeField
from sqlalchemy import JSON
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
    items,
    text,
    whole,
)
from api.visibility import MASKED, Sight, veiled
from matcher import MAX_LAG, MAX_SEATS, PRIORITIES

Minutes = whole(1)
Lag = whole(0, MAX_LAG)
Priority = choice(PRIORITIES)
LongText = text(4000)


class RequestState(StrEnum):
    """How far a request has come."""

    TRIAGED = "triaged"
    DISPATCHED = "dispatched"


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


class RequestBase(SQLModel):
    """What is asked for."""

    code: Text | None = Field(default=None, unique=True, description="the office's own number")
    label: Text | None = Field(default=None, description="a few words to show; no name, phone or door")
    name: Text | None = Field(default=None, description="the resident")
    phone: Phone | None = None
    door: Text | None = Field(default=None, description="building, unit, door")
    text: LongText | None = Field(default=None, description="in the resident's words")
    territory_id: Id | None = Field(default=None, foreign_key="territories.id", index=True)
    at: Point = Field(sa_type=JSON, description="[longitude, latitude], WGS-84")
    end_at: Point | None = Field(default=None, sa_type=JSON, description="service ends elsewhere")
    service: Text | None = None
    minutes: Minutes
    priority: Priority = "normal"
    due: Moment | None = Field(default=None, sa_type=UtcDateTime, description="ending later is late, not forbidden")
    partners: items(Id, 1000) = Field(default_factory=list, sa_type=JSON, description="volunteers this resident knows")
    forbidden: items(Id, 1000) = Field(default_factory=list, sa_type=JSON)
    affinity: Points = Field(default_factory=dict, sa_type=JSON, description="points by volunteer id")
    wishes: Points = Field(default_factory=dict, sa_type=JSON, description="points by skill")


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


class RequestRow(RequestBase, table=True):
    """A request on the books."""

    __tablename__ = "requests"

    id: int | None = Field(default=None, primary_key=True)
    state: str = Field(index=True)
    version: int = 1
    created_at: datetime = Field(sa_type=UtcDateTime)
    seats: list[dict[str, Any]] = Field(sa_type=JSON)
    windows: list[RequestWindowRow] = Relationship(
        sa_relationship_kwargs={"order_by": "RequestWindowRow.starts_at", "cascade": "all, delete-orphan"}
    )


class RequestPublic(RequestBase):
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
        return cls.model_validate(veiled("request", {**row.model_dump(), "windows": windows}, seen))
