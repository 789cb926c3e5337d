"""The calendar, the policy and the clocks: what is due when, kept as rows, so that no restart forgets it."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Index, text
from sqlmodel import Field, SQLModel

from api.models.base import UtcDateTime

RUNNING = "stopped_at IS NULL AND fired_at IS NULL"
"""Not over yet; a paused clock is running too."""

TICKING = f"{RUNNING} AND paused_at IS NULL"


class CalendarDayRow(SQLModel, table=True):
    """A day that is not as its weekday says: work, rest, morning or afternoon."""

    __tablename__ = "calendar_days"

    day: date = Field(primary_key=True)
    kind: str
    note: str | None = None


class PolicyRow(SQLModel, table=True):
    """How long everything may take, and the opening hours; a change is a new row, and what came before keeps its own.

    `{"hours": ["08:30-12:00", …], "durations": {"T4": {"urgent": {"minutes": 10}, …}, …}}`
    """

    __tablename__ = "policies"

    version: int | None = Field(default=None, primary_key=True)
    made_at: datetime = Field(sa_type=UtcDateTime)
    settings: dict[str, Any] = Field(sa_type=JSON)


class ClockRow(SQLModel, table=True):
    """One clock of one thing: running until it is stopped or has fired, and due at a moment unless it is paused."""

    __tablename__ = "clocks"
    __table_args__ = (
        Index(
            "one_running_clock",
            "noun",
            "noun_id",
            "name",
            unique=True,
            sqlite_where=text(RUNNING),
            postgresql_where=text(RUNNING),
        ),
        Index("clocks_due", "due_at", "id", sqlite_where=text(TICKING), postgresql_where=text(TICKING)),
    )

    id: int | None = Field(default=None, primary_key=True)
    noun: str
    noun_id: int
    name: str
    policy_version: int = Field(foreign_key="policies.version")
    opening: bool = Field(description="what is left at a pause is counted in opening minutes")
    started_at: datetime = Field(sa_type=UtcDateTime)
    due_at: datetime = Field(sa_type=UtcDateTime)
    share: float = Field(default=1, description="of its duration, so much")
    waited_minutes: float = Field(default=0, description="how long it has stood still, before it went on")
    left_minutes: float | None = None
    paused_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    stopped_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    fired_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
