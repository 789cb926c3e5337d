"""Beside every change: the ledger's version rises, and the audit says who, when, why, from, to.

The audit is a chain: the hash of each row covers that of the row before, and the head knows the last.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import String, event, func, insert, type_coerce, update
from sqlalchemy import select as columns
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, col, select

from api.db import Database
from api.models import AuditHeadRow, AuditRow, LedgerRow

BEFORE_THE_FIRST = "0" * 64
"""What stands where the first row looks for the hash of the one before."""

BLOCK = 1000


TURNED = "turned"
"""Where a session keeps which of its transactions raise the ledger's version."""


def turn(session: Session) -> None:
    """Raise the ledger's version: what a plan is made from has changed.

    Once, at the end of this transaction: whoever has taken the ledger takes only the audit's head after it.
    """
    session.info[TURNED] = session.get_transaction() or session.begin()


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
    """One audit row for each, in this transaction.

    They are written at its end: whoever has taken the head takes nothing more, so that no two wait for each other.
    """
    what = {"at": at, "who": who, "noun": noun, "from_state": from_state, "to_state": to_state, "why": why}
    notes = [{**what, "noun_id": id} for id in ids]
    transaction = session.get_transaction() or session.begin()
    if session.in_nested_transaction():  # may be taken back alone, and its rows with it
        _chain(session, notes)
    else:
        session.info.setdefault(transaction, []).extend(notes)


@event.listens_for(Session, "before_commit")
def _at_its_end(session: Session) -> None:
    if session.in_nested_transaction():
        return
    transaction = session.get_transaction()
    if session.info.pop(TURNED, None) is transaction:
        session.execute(update(LedgerRow).values(version=LedgerRow.version + 1))
    _chain(session, session.info.pop(transaction, []))


def _chain(session: Session, notes: Sequence[Mapping[str, Any]]) -> None:
    """Take the head, add the rows behind it, leave the new head."""
    if not notes:
        return
    taken = update(AuditHeadRow).values(seq=AuditHeadRow.seq + len(notes))
    last, previous = session.execute(taken.returning(col(AuditHeadRow.seq), col(AuditHeadRow.hash))).one()
    rows = linked(notes, last - len(notes), previous)
    session.execute(insert(AuditRow), rows)
    session.execute(update(AuditHeadRow).values(hash=rows[-1]["hash"]))


def linked(notes: Iterable[Mapping[str, Any]], after: int, previous: str) -> list[dict[str, Any]]:
    """The rows that follow row number `after`, whose hash is `previous`."""
    rows = []
    for seq, fields in enumerate(notes, after + 1):
        row = {**fields, "seq": seq, "previous": previous}
        previous = row["hash"] = digest(row)
        rows.append(row)
    return rows


def digest(row: Mapping[str, Any]) -> str:
    """SHA-256 of all that a row says, of its number and of the hash before it."""
    said = [row[name] for name in ("previous", "seq", "who", "noun", "noun_id", "from_state", "to_state", "why")]
    return hashlib.sha256(json.dumps([*said, _moment(row["at"])], default=repr).encode()).hexdigest()


def _moment(at: Any) -> Any:
    """One writing for one moment; SQLite's own is read where it can be, and left as it is where somebody spoiled it."""
    if isinstance(at, str):
        try:
            at = datetime.fromisoformat(at)
        except ValueError:
            return at
    if not isinstance(at, datetime):
        return at
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC).isoformat(timespec="microseconds")


def verify(database: Database, last: int | None = None) -> tuple[int | None, int]:
    """The first row (of the last so many) that is missing or not as it was written, and how many before it are.

    A block at a time: a million rows do not fill the memory, and no long look keeps SQLite's writers waiting.
    """
    with database.reading() as session:
        head = session.get(AuditHeadRow, 1)
        newest = session.execute(columns(func.max(AuditRow.seq))).scalar() or 0
        if head is None:
            return 1, 0
        start = 0 if last is None else max(0, head.seq - last)
        previous = session.execute(columns(AuditRow.hash).where(AuditRow.seq == start)).scalar() or BEFORE_THE_FIRST
    seq = start
    while seq < head.seq:
        block = _block(database, seq, head.seq)
        for row in block or [{"seq": None}]:
            if row["seq"] != seq + 1 or row["previous"] != previous or row["hash"] != digest(row):
                return seq + 1, seq - start
            seq, previous = seq + 1, row["hash"]
    if newest > head.seq:
        return head.seq + 1, seq - start
    return (None if previous == head.hash else seq), seq - start


def _block(database: Database, after: int, last: int) -> list[Mapping[str, Any]]:
    """The next rows, as they stand; none where the database cannot read them."""
    table = AuditRow.__table__  # type: ignore[attr-defined]
    read = [type_coerce(column, String).label("at") if column.name == "at" else column for column in table.c]
    query = columns(*read).where(table.c.seq <= last).order_by(table.c.seq).limit(BLOCK)
    if after:
        query = query.where(table.c.seq > after)
    try:
        with database.reading() as session:
            return list(session.execute(query).mappings())
    except DBAPIError:
        return []
