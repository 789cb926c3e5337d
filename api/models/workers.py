"""Workers: what each says of itself while it lives."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from api.models.base import UtcDateTime


class WorkerRow(SQLModel, table=True):
    """A worker by its name, where it runs, and when it last said that it lives, by the clock of the database."""

    __tablename__ = "workers"

    executor_id: str = Field(primary_key=True)
    host: str
    pid: int
    started_at: datetime = Field(sa_type=UtcDateTime)
    seen_at: datetime = Field(sa_type=UtcDateTime)
