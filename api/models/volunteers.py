"""Volunteers: who can help, from where, when, and how much."""

from datetime import date, datetime
from enum import StrEnum
from typing import Self

from pydantic import ConfigDict, StrictBool
from pydantic import Field as ShapeField
from sqlalchemy import JSON
from sqlmodel import Field, Relationship, SQLModel

from api.models.base import (
    Amount,
    Dates,
    Id,
    Levels,
    Moment,
    Phone,
    Point,
    Shape,
    Text,
    UtcDateTime,
    choice,
    fraction,
    items,
)
from api.models.plans import AssignmentPublic
from api.visibility import MASKED, Sight, veiled
from matcher import MAX_NUMBER, MODES

Mode = choice(tuple(MODES))
Kilometres = fraction(0, MAX_NUMBER)


class VolunteerState(StrEnum):
    """How somebody stands with us."""

    APPLIED = "applied"
    ACTIVE = "active"
    PAUSED = "paused"
    LEFT = "left"


AT_HAND = (VolunteerState.ACTIVE, VolunteerState.PAUSED)
"""These can be planned with, outside of their pause."""


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
    phone: Phone | None = None
    at: Point = Field(sa_type=JSON, description="[longitude, latitude], WGS-84")
    territory_id: Id | None = Field(default=None, foreign_key="territories.id", index=True)
    unit_id: Id | None = Field(default=None, foreign_key="units.id", index=True)
    team_id: Id | None = Field(default=None, foreign_key="teams.id", index=True)
    skills: Levels = Field(default_factory=dict, sa_type=JSON, description="level by skill")
    skills_until: Dates = Field(
        default_factory=dict, sa_type=JSON, description="last valid day of a skill that expires"
    )
    automatic: StrictBool = Field(default=True, description="plans may ask them; otherwise a person alone does")
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
    state: str = Field(default=VolunteerState.ACTIVE, index=True)
    version: int = 1
    paused_from: datetime | None = Field(default=None, sa_type=UtcDateTime)
    paused_to: datetime | None = Field(default=None, sa_type=UtcDateTime)
    availability: list[AvailabilityRow] = Relationship(
        sa_relationship_kwargs={"order_by": "AvailabilityRow.starts_at", "cascade": "all, delete-orphan"}
    )

    def skills_on(self, day: date) -> dict[str, int]:
        """The skills that have not expired by that day."""
        last = self.skills_until
        return {skill: level for skill, level in self.skills.items() if last.get(skill, "9999") >= day.isoformat()}


class VolunteerPublic(VolunteerBase):
    """A volunteer as they go out."""

    model_config = ConfigDict(json_schema_extra={"example": {"id": 1, "state": "active", **VOLUNTEER_EXAMPLE}})

    id: Id
    state: VolunteerState
    version: Amount
    paused_from: datetime | None
    paused_to: datetime | None
    availability: list[AvailabilityShape]

    @classmethod
    def of(cls, row: VolunteerRow, seen: Sight = MASKED) -> Self:
        periods = [{"from": a.starts_at, "to": a.ends_at, "at": a.at, "mode": a.mode} for a in row.availability]
        values = {**row.model_dump(exclude={"created_at"}), "availability": periods}
        return cls.model_validate(veiled("volunteer", values, seen))


class PauseAsk(Shape):
    """From when to when somebody is away."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"from": "2026-12-01T00:00+08:00", "to": "2026-12-15T00:00+08:00"}},
    )

    starts_at: Moment = ShapeField(alias="from")
    ends_at: Moment = ShapeField(alias="to")


class MoveAsk(Shape):
    """Where somebody lives from now on, and which unit and team they are of."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"at": [108.93, 34.27]}})

    at: Point = ShapeField(None)  # may be left out, and may not be null; so with the territory
    territory_id: Id = ShapeField(None)
    unit_id: Id | None = None
    team_id: Id | None = None
    community: Text | None = None
    grid: Text | None = None


class OffersAsk(Shape):
    """Whether plans may ask somebody, or a person alone does."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"automatic": False}})

    automatic: StrictBool


class SkillsAsk(Shape):
    """What somebody can do, and until when."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"skills": {"first_aid": 2}, "skills_until": {"first_aid": "2027-05-31"}}},
    )

    skills: Levels
    skills_until: Dates = ShapeField(default_factory=dict)


class Step(Shape):
    """Something that happened to an entry, as the audit has it."""

    at: datetime
    who: str
    before: str | None
    after: str
    why: str | None


class Look(Shape):
    """Somebody saw these fields in full."""

    at: datetime
    who: str
    fields: list[str]


class VolunteerData(Shape):
    """All that the house knows of a volunteer."""

    volunteer: VolunteerPublic
    seats: list[AssignmentPublic]
    steps: list[Step]
    looks: list[Look]


class VolunteerChange(Shape):
    """A volunteer after a change, and their seats in force that it touches."""

    volunteer: VolunteerPublic
    affected: list[AssignmentPublic]
