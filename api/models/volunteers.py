"""Volunteers: who can help, from where, when, and how much."""

from datetime import datetime
from typing import Self

from pydantic import ConfigDict
from pydantic import Field as ShapeField
from sqlalchemy import JSON
from sqlmodel import Field, Relationship, SQLModel

from api.models.base import Amount, Id, Levels, Moment, Point, Shape, Text, UtcDateTime, choice, fraction, items
from matcher import MAX_NUMBER, MODES

Mode = choice(tuple(MODES))
Kilometres = fraction(0, MAX_NUMBER)


class AvailabilityRow(SQLModel, table=True):
    """An interval in which a volunteer can make one trip."""

    __tablename__ = "availability"

    id: int | None = Field(default=None, primary_key=True)
    volunteer_id: int = Field(foreign_key="volunteers.id", index=True)
    starts_at: datetime = Field(sa_type=UtcDateTime)
    ends_at: datetime = Field(sa_type=UtcDateTime, index=True)
    at: list[float] | None = Field(default=None, sa_type=JSON)
    mode: str | None = None


class AvailabilityShape(Shape):
    """An interval in which the volunteer can make one trip."""

    starts_at: Moment = ShapeField(alias="from")
    ends_at: Moment = ShapeField(alias="to")
    at: Point | None = ShapeField(None, description="where the trip starts and ends, if not at home")
    mode: Mode | None = None


class VolunteerBase(SQLModel):
    """What an office knows of a volunteer."""

    code: Text | None = Field(default=None, unique=True, description="the office's own number")
    label: Text | None = Field(default=None, description="a name to show")
    at: Point = Field(sa_type=JSON, description="[longitude, latitude], WGS-84")
    skills: Levels = Field(default_factory=dict, sa_type=JSON, description="level by skill")
    mode: Mode = "ebike"
    radius_km: Kilometres | None = None
    max_requests_per_day: Amount | None = None
    max_minutes_per_day: Amount | None = None
    max_minutes: Amount | None = None
    history_minutes: Amount = 0
    target_minutes: Amount = 240
    unit: Text | None = None
    community: Text | None = None
    grid: Text | None = None


VOLUNTEER_EXAMPLE = {
    "code": "LH-0042",
    "label": "王秀英",
    "at": [108.94, 34.265],
    "skills": {"first_aid": 2},
    "mode": "ebike",
    "radius_km": 5,
    "availability": [{"from": "2026-11-23T08:30+08:00", "to": "2026-11-23T12:00+08:00"}],
}


class VolunteerCreate(VolunteerBase):
    """A volunteer as they are entered, with their calendar."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": VOLUNTEER_EXAMPLE})

    availability: items(AvailabilityShape, 1000) = ShapeField(default_factory=list)


class VolunteerRow(VolunteerBase, table=True):
    """Somebody on the roster."""

    __tablename__ = "volunteers"

    id: int | None = Field(default=None, primary_key=True)
    created_at: datetime = Field(sa_type=UtcDateTime)
    availability: list[AvailabilityRow] = Relationship(
        sa_relationship_kwargs={"order_by": "AvailabilityRow.starts_at", "cascade": "all, delete-orphan"}
    )


class VolunteerPublic(VolunteerBase):
    """A volunteer as they go out."""

    model_config = ConfigDict(json_schema_extra={"example": {"id": 1, **VOLUNTEER_EXAMPLE}})

    id: Id
    availability: list[AvailabilityShape]

    @classmethod
    def of(cls, row: VolunteerRow) -> Self:
        periods = [{"from": a.starts_at, "to": a.ends_at, "at": a.at, "mode": a.mode} for a in row.availability]
        return cls.model_validate({**row.model_dump(exclude={"created_at"}), "availability": periods})
