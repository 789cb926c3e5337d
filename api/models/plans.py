"""Plans and their assignments: who is to serve what, and how far that has come (LIFECYCLE.md, 1)."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from pydantic import ConfigDict
from pydantic import Field as ShapeField
from sqlalchemy import JSON, LargeBinary
from sqlmodel import Field, SQLModel

from api.models.base import Amount, Id, Moment, Shape, Text, UtcDateTime, choice, example, fraction, text, whole
from matcher import MAX_SEATS, PRIORITIES


class PlanState(StrEnum):
    """How far a plan has come."""

    QUEUED = "queued"
    SOLVING = "solving"
    PROPOSED = "proposed"
    PUBLISHED = "published"
    SUPERSEDED = "superseded"
    FAILED = "failed"
    CANCELLED = "cancelled"


UNDER_WAY = (PlanState.QUEUED, PlanState.SOLVING)
"""Not made yet, and somebody is at it."""


class AssignmentState(StrEnum):
    """How far a seat has come, from the proposal to the work done or not."""

    PROPOSED = "proposed"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    CHECKED_IN = "checked_in"
    DONE = "done"
    DECLINED = "declined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    RELEASED = "released"


IN_FORCE = (AssignmentState.OFFERED, AssignmentState.ACCEPTED, AssignmentState.CHECKED_IN)
"""These hold their volunteer's time: nobody has two of them at once, which the database sees to."""

PINNED = (AssignmentState.ACCEPTED, AssignmentState.CHECKED_IN, AssignmentState.DONE)
"""These are promises, or kept already: a new plan keeps them."""


class PlanAsk(SQLModel):
    """How a plan is to be made."""

    seconds: whole(1, 3600, "limit_range") = Field(30, description="how long to look for better ones")
    gap: fraction(0, 1) = Field(0.005, description="stop when at most this far from the best")
    seed: Amount = 1


class PlanCreate(PlanAsk):
    """The wish for a plan: its period, and how it is to be made."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {"from": "2026-11-23T08:00+08:00", "to": "2026-11-23T20:00+08:00", "seconds": 30}
        },
    )

    starts_at: Moment = ShapeField(alias="from")
    ends_at: Moment = ShapeField(alias="to")
    territory_id: Id | None = ShapeField(None, description="whose requests and volunteers; without one, everybody's")


class PlanRow(PlanAsk, table=True):
    """One row, one id, from the wish for a plan to its end; its file columns are read only where they are needed."""

    __tablename__ = "plans"

    id: int | None = Field(default=None, primary_key=True)
    state: str = Field(index=True)
    version: int = 1
    territory_id: int | None = Field(default=None, foreign_key="territories.id", index=True)
    starts_at: datetime = Field(sa_type=UtcDateTime)
    ends_at: datetime = Field(sa_type=UtcDateTime)
    created_at: datetime = Field(sa_type=UtcDateTime)
    asked_by: str | None = Field(default=None, description="the mark of who asked; none where the house did")
    published_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    attempts: int = 0
    cause: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    progress: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    ledger_version: int | None = None
    result: dict[str, Any] | None = Field(default=None, sa_type=JSON)


class PlanFileRow(SQLModel, table=True):
    """The instance a plan was made from and the plan as it was made, as the files of `diandan solve`, packed."""

    __tablename__ = "plan_files"

    plan_id: int = Field(primary_key=True, foreign_key="plans.id")
    instance: bytes = Field(sa_type=LargeBinary)
    plan: bytes | None = Field(default=None, sa_type=LargeBinary)


class AssignmentRow(SQLModel, table=True):
    """One volunteer in one seat of a request. `affected`: the volunteer has since paused, moved or left.

    `life`: how often the request had been reopened. `agreed`: at a time outside of the calendar or the windows.
    """

    __tablename__ = "assignments"

    id: int | None = Field(default=None, primary_key=True)
    plan_id: int | None = Field(default=None, foreign_key="plans.id", index=True)
    request_id: int = Field(foreign_key="requests.id", index=True)
    volunteer_id: int = Field(foreign_key="volunteers.id", index=True)
    seat: int
    starts_at: datetime = Field(sa_type=UtcDateTime)
    ends_at: datetime = Field(sa_type=UtcDateTime)
    state: str
    version: int = 1
    reasons: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)
    life: int = 0
    agreed: bool = False
    ended_because: str | None = None
    by_phone: bool = False
    minutes: int | None = None
    people: int | None = None
    affected: str | None = None


class ReasonPublic(Shape):
    """A reason in both languages."""

    code: str
    zh: str
    en: str


class AssignmentPublic(Shape):
    """One volunteer in one seat of a request, and why."""

    id: Id
    request: Id
    request_label: str | None
    seat: Amount
    volunteer: Id
    volunteer_label: str | None
    start: datetime
    end: datetime
    state: AssignmentState
    version: Amount
    ended_because: str | None = None
    by_phone: bool = False
    minutes: Amount | None = None
    people: Amount | None = None
    affected: str | None
    reasons: list[ReasonPublic]

    @classmethod
    def of(cls, row: AssignmentRow, request_label: str | None, volunteer_label: str | None) -> Self:
        return cls(
            id=row.id,
            request=row.request_id,
            request_label=request_label,
            seat=row.seat,
            volunteer=row.volunteer_id,
            volunteer_label=volunteer_label,
            start=row.starts_at,
            end=row.ends_at,
            state=row.state,
            version=row.version,
            ended_because=row.ended_because,
            by_phone=row.by_phone,
            minutes=row.minutes,
            people=row.people,
            affected=row.affected,
            reasons=row.reasons,
        )


class EndedBecause(StrEnum):
    """Why somebody does not come who had said yes."""

    NO_SHOW = "no_show"
    ILL = "ill"
    BUSY = "busy"
    OTHER = "other"


class Accept(Shape):
    """The volunteer's yes."""

    model_config = example()


class Decline(Shape):
    """The volunteer's no; nobody is asked the same twice."""

    model_config = example(reason="那天要值班")

    reason: Text | None = None


class Withdraw(Shape):
    """Somebody who had said yes does not come."""

    model_config = example(because="ill", reason="发烧")

    because: choice(tuple(EndedBecause))
    reason: Text | None = None


class CheckIn(Shape):
    """The volunteer is there: the resident's code says so, or the desk was told by phone."""

    model_config = example(code="0427")

    code: Text | None = None


class Finish(Shape):
    """How long it took, how many were helped, and what came of it."""

    model_config = example(minutes=40, people=1, result="药已送到")

    minutes: whole(1, 1440, "duration_invalid")
    people: whole(0, 100_000) = 1
    result: Text | None = None


class HandAssignment(Shape):
    """A seat given by hand. Times or distance may be overridden with a reason, skills and other promises never."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"volunteer": 1, "seat": 0, "start": "2026-11-23T09:00+08:00"}}
    )

    volunteer: Id
    seat: whole(0, MAX_SEATS - 1) = 0
    start: Moment = ShapeField(description="when this seat begins")
    reason: text(500, least=2) | None = None


class UnservedPublic(Shape):
    """A request nobody serves in this plan, and why."""

    request: Id
    request_label: str | None
    priority: str
    reasons: list[ReasonPublic]


class PinPublic(Shape):
    """A promise the plan does not keep."""

    request: Id
    volunteer: Id
    seat: Amount | None = None
    start: datetime | None = None


class ToldPublic(Shape):
    """Who has a seat, from when on, and how far that has come."""

    volunteer: Id
    volunteer_label: str | None
    start: datetime
    state: AssignmentState


class ChangePublic(Shape):
    """A seat that somebody was told of: who has it, and who would; nobody, where it is let go."""

    request: Id
    request_label: str | None
    seat: Amount
    was: ToldPublic
    becomes: ToldPublic | None


class ProgressPublic(Shape):
    """How far the solve has come; rewritten about once a second."""

    seconds: float
    cost: int
    bound: int
    gap: float
    served: int
    requests: int


class CausePublic(Shape):
    """Why a plan failed."""

    code: str
    zh: str
    en: str


class ServedPublic(Shape):
    """How many requests of one priority the plan serves."""

    priority: choice(PRIORITIES)
    served: Amount
    requests: Amount


class PlanPublic(Shape):
    """A plan as far as it has come: what is not known yet is null or empty."""

    id: Id
    state: PlanState
    version: Amount
    territory_id: Id | None = None
    starts_at: datetime = ShapeField(alias="from")
    ends_at: datetime = ShapeField(alias="to")
    asked: PlanAsk
    created_at: datetime
    published_at: datetime | None = None
    attempts: Amount
    cause: CausePublic | None = None
    progress: ProgressPublic | None = None
    cost: int | None = None
    terms: dict[str, int] | None = None
    bound: int | None = None
    settled: int | None = None
    gap: float | None = None
    status: str | None = None
    engine: str | None = None
    served: list[ServedPublic] = ShapeField(default_factory=list)
    assignments: list[AssignmentPublic] = ShapeField(default_factory=list)
    unserved: list[UnservedPublic] = ShapeField(default_factory=list)
    broken_pins: list[PinPublic] = ShapeField(default_factory=list)
    changes: list[ChangePublic] = ShapeField(default_factory=list, description="of a proposal, to what is in force")
    unchanged: Amount = ShapeField(0, description="seats in force that the proposal keeps")


class PlanSummary(Shape):
    """A plan in a list: its figures without its seats."""

    id: Id
    state: PlanState
    version: Amount
    territory_id: Id | None = None
    starts_at: datetime = ShapeField(alias="from")
    ends_at: datetime = ShapeField(alias="to")
    created_at: datetime
    cost: int | None = None
    gap: float | None = None

    @classmethod
    def of(cls, row: PlanRow) -> Self:
        result = row.result or {}
        period = {"from": row.starts_at, "to": row.ends_at}
        figures = {"cost": result.get("cost"), "gap": result.get("gap")}
        figures |= {"territory_id": row.territory_id, "version": row.version}
        return cls(id=row.id, state=row.state, created_at=row.created_at, **period, **figures)


class PlanPublish(Shape):
    """The dispatcher's yes."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {}})

    reason: text(500, least=2) | None = ShapeField(
        None, description="why promises may be broken, where the plan breaks any"
    )
