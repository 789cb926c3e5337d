"""The audit becomes a chain: the rows that are there are numbered and hashed in their order, and a head is kept."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

from api.ledger import BEFORE_THE_FIRST, BLOCK, linked
from api.models.base import UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SAID = ("at", "who", "noun", "noun_id", "from_state", "to_state", "why")


def upgrade() -> None:
    postgres = op.get_bind().dialect.name == "postgresql"
    if postgres:
        op.execute("LOCK TABLE audit IN ACCESS EXCLUSIVE MODE")
    chained = op.create_table(
        "audit_chained",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("previous", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("noun", sa.String(), nullable=False),
        sa.Column("noun_id", sa.Integer(), nullable=False),
        sa.Column("from_state", sa.String(), nullable=True),
        sa.Column("to_state", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("seq"),
    )
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    seq, last = 0, BEFORE_THE_FIRST
    for block in _blocks():
        rows = linked(block, seq, last)
        op.bulk_insert(chained, rows)
        seq, last = rows[-1]["seq"], rows[-1]["hash"]
    op.bulk_insert(head, [{"id": 1, "seq": seq, "hash": last}])
    op.drop_table("audit")
    op.rename_table("audit_chained", "audit")
    op.create_index(op.f("ix_audit_noun_id"), "audit", ["noun_id"], unique=False)
    if postgres:
        _guard_postgres()
    else:
        _guard_sqlite()


def _blocks() -> Iterator[list[dict[str, Any]]]:
    """The rows that are there, in the order in which they were written."""
    types = {"at": UtcDateTime(), "noun_id": sa.Integer()}
    audit = sa.table("audit", sa.column("id"), *(sa.column(name, types.get(name)) for name in SAID))
    after = 0
    while True:
        query = sa.select(audit).where(audit.c.id > after).order_by(audit.c.id).limit(BLOCK)
        rows = op.get_bind().execute(query).mappings().all()
        if not rows:
            return
        after = rows[-1]["id"]
        yield [{name: row[name] for name in SAID} for row in rows]


def _guard_postgres() -> None:
    """The function that refuses is that of 0001."""
    for events, each in (("UPDATE OR DELETE", "ROW"), ("TRUNCATE", "STATEMENT")):
        op.execute(
            f"CREATE TRIGGER audit_is_append_only_{each.lower()} BEFORE {events} ON audit"
            f" FOR EACH {each} EXECUTE FUNCTION audit_is_append_only()"
        )


def _guard_sqlite() -> None:
    """INSERT OR REPLACE removes a row without the word DELETE, so a number that is taken is refused too."""
    taken = "WHEN EXISTS (SELECT 1 FROM audit WHERE seq = NEW.seq)"
    for event, when in (("UPDATE", ""), ("DELETE", ""), ("INSERT", taken)):
        op.execute(
            f"CREATE TRIGGER audit_is_append_only_{event.lower()} BEFORE {event} ON audit {when}"
            " BEGIN SELECT RAISE(ABORT, 'audit rows are never changed'); END"
        )
