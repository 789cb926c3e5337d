"""The working calendar, the first policy, and the clocks."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

DAY = 24 * 60

FIRST_POLICY = {
    "hours": ["08:30-12:00", "14:00-17:30"],
    "durations": {
        "T1": {"any": {"opening_minutes": 5}},
        "T2": {"any": {"opening_minutes": 120}},
        "T3": {"facility": {"opening_minutes": 60}, "urgent": {"minutes": 15}, "normal": {"workdays": 1}},
        "T4": {"urgent": {"minutes": 10}, "same_day": {"minutes": 30}, "normal": {"opening_minutes": 240}},
        "T5": {
            "simple": {"workdays": 1},
            "joint": {"workdays": 3},
            "general": {"workdays": 7},
            "complex": {"workdays": 15},
        },
        "T6": {"any": {"minutes": 3 * DAY}},
        "T7": {"handler": {"minutes": DAY}, "clerk_from": {"minutes": 3 * DAY}, "clerk": {"minutes": 7 * DAY}},
        "T8": {"short": {"minutes": 7 * DAY}, "long": {"minutes": 15 * DAY}},
        "T9": {"any": {"minutes": 7 * DAY}, "recurring": {"minutes": 30 * DAY}},
    },
}


def upgrade() -> None:
    op.add_column("requests", sa.Column("policy_version", sa.Integer(), nullable=False, server_default="1"))
    op.create_table(
        "calendar_days",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("day"),
    )
    policies = op.create_table(
        "policies",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("version"),
    )
    op.create_table(
        "clocks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("noun", sa.String(), nullable=False),
        sa.Column("noun_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("policy_version", sa.Integer(), nullable=False),
        sa.Column("opening", sa.Boolean(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("left_minutes", sa.Float(), nullable=True),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fired_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["policy_version"],
            ["policies.version"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    running = sa.text("stopped_at IS NULL AND fired_at IS NULL")
    ticking = sa.text("stopped_at IS NULL AND fired_at IS NULL AND paused_at IS NULL")
    op.create_index(
        "one_running_clock",
        "clocks",
        ["noun", "noun_id", "name"],
        unique=True,
        sqlite_where=running,
        postgresql_where=running,
    )
    op.create_index("clocks_due", "clocks", ["due_at", "id"], sqlite_where=ticking, postgresql_where=ticking)
    # The version is left to the database, which on PostgreSQL counts on from what it gave out itself.
    op.bulk_insert(policies, [{"made_at": datetime.now(UTC), "settings": FIRST_POLICY}])
