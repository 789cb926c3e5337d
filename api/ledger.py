"""Beside every change: the ledger's version rises, and the audit says who, when, why, from, to."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, select

from api.models import AuditRow, LedgerRow


def turn(session: Session) -> int:
    """Raise the ledger's version: what a plan is made from has changed."""
    raised = update(LedgerRow).values(version=LedgerRow.version + 1).returning(col(LedgerRow.version))
    return session.execute(raised).scalar_one()


def turn_from(session: Session, seen: int) -> bool:
    """Raise the ledger's version if it is still the one seen."""
    raised = update(LedgerRow).where(col(LedgerRow.version) == seen).values(version=seen + 1)
    return session.execute(raised).rowcount == 1  # type: ignore[attr-defined]


def version(session: Session) -> int:
    """The ledger's version as this session sees it."""
    return session.exec(select(LedgerRow.version)).one()


def note(
    session: Session,
    noun: str,
    ids: Iterable[int],
    from_state: str | None,
    to_state: str,
    who: str,
    at: datetime,
    why: str | None = None,
) -> None:
    """One audit row for each."""
    for id in ids:
        row = AuditRow(at=at, who=who, noun=noun, noun_id=id, from_state=from_state, to_state=to_state, why=why)
        session.add(row)
