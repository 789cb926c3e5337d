"""What stands beside the nouns: the ledger's version, the audit, and the keys of requests already answered."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON
from sqlmodel import Field, SQLModel

from api.models.base import UtcDateTime


class LedgerRow(SQLModel, table=True):
    """One row: a number that rises with every change to what a plan is made from."""

    __tablename__ = "ledger"

    id: int = Field(default=1, primary_key=True)
    version: int = 0


class AuditRow(SQLModel, table=True):
    """One state change: who, when, why, from, to. Rows are only ever added, each chained to the one before."""

    __tablename__ = "audit"

    seq: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    previous: str
    hash: str
    at: datetime = Field(sa_type=UtcDateTime, index=True)
    who: str
    noun: str
    noun_id: int = Field(index=True)
    from_state: str | None
    to_state: str
    why: str | None = None


class OutboxRow(SQLModel, table=True):
    """What somebody may have to be told of, written with the change itself; whoever tells it notes when."""

    __tablename__ = "outbox"

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(sa_type=UtcDateTime)
    noun: str
    noun_id: int
    event: str
    told_at: datetime | None = Field(default=None, sa_type=UtcDateTime, index=True)


class AuditHeadRow(SQLModel, table=True):
    """One row: where the audit ends. Who writes takes it first, so that the chain never forks."""

    __tablename__ = "audit_head"

    id: int = Field(default=1, primary_key=True)
    seq: int
    hash: str


class IdempotencyRow(SQLModel, table=True):
    """An answer already given, kept so that the same wish is not granted twice."""

    __tablename__ = "idempotency_keys"

    key: str = Field(primary_key=True)
    fingerprint: str
    status: int
    answer: dict[str, Any] = Field(sa_type=JSON)
    headers: dict[str, str] = Field(sa_type=JSON)
    created_at: datetime = Field(sa_type=UtcDateTime)
