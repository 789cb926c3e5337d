"""The lives of requests and seats: what they leave behind, seats without a plan, and what is to be told."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

LIFE = (
    ("outcome", sa.String(), None),
    ("result", sa.String(), None),
    ("next_owner", sa.String(), None),
    ("merged_into", sa.Integer(), None),
    ("waits_for", sa.String(), None),
    ("waits_until", sa.DateTime(timezone=True), None),
    ("external_number", sa.String(), None),
    ("returned", sa.Integer(), "0"),
    ("waves", sa.Integer(), "0"),
    ("stars", sa.Integer(), None),
    ("words", sa.String(), None),
    ("callback", sa.String(), None),
    ("calls", sa.Integer(), "0"),
    ("reopened", sa.Integer(), "0"),
    ("served_at", sa.DateTime(timezone=True), None),
    ("closed_at", sa.DateTime(timezone=True), None),
    ("comes_back_to", sa.String(), None),
    ("check_in_code", sa.String(), None),
)

IN_FORCE = "('offered', 'accepted', 'checked_in')"


def upgrade() -> None:
    for name, kind, default in LIFE:
        column = sa.Column(name, kind, nullable=default is None, server_default=default)
        op.add_column("requests", column)
    op.add_column("plan_files", sa.Column("plan", sa.LargeBinary(), nullable=True))
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("noun", sa.String(), nullable=False),
        sa.Column("noun_id", sa.Integer(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_outbox_told_at"), "outbox", ["told_at"], unique=False)
    with op.batch_alter_table("assignments") as assignments:
        assignments.alter_column("plan_id", existing_type=sa.Integer(), nullable=True)
        assignments.add_column(sa.Column("life", sa.Integer(), nullable=False, server_default="0"))
        assignments.add_column(sa.Column("agreed", sa.Boolean(), nullable=False, server_default=sa.false()))
        assignments.add_column(sa.Column("ended_because", sa.String(), nullable=True))
        assignments.add_column(sa.Column("by_phone", sa.Boolean(), nullable=False, server_default=sa.false()))
        assignments.add_column(sa.Column("minutes", sa.Integer(), nullable=True))
        assignments.add_column(sa.Column("people", sa.Integer(), nullable=True))
    if op.get_bind().dialect.name == "sqlite":
        _guard_again()


def _guard_again() -> None:
    """On SQLite the table was made anew, and its triggers went with the old one."""
    for event in ("INSERT", "UPDATE"):
        op.execute(
            f"CREATE TRIGGER no_double_booking_{event.lower()} BEFORE {event} ON assignments"
            f" WHEN NEW.state IN {IN_FORCE} BEGIN"
            " SELECT RAISE(ABORT, 'no_double_booking') WHERE EXISTS ("
            "SELECT 1 FROM assignments WHERE volunteer_id = NEW.volunteer_id AND id IS NOT NEW.id"
            f" AND state IN {IN_FORCE} AND starts_at < NEW.ends_at AND ends_at > NEW.starts_at);"
            " END"
        )
