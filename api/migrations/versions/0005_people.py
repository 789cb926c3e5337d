"""People and where they may: territories, users, keys, sessions; states of volunteers, personal fields of requests."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "access_log",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("noun", sa.String(), nullable=False),
        sa.Column("noun_id", sa.Integer(), nullable=False),
        sa.Column("fields", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_access_log_noun_id"), "access_log", ["noun_id"], unique=False)
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_hash"),
    )
    op.create_table(
        "login_attempts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name_hash", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_login_attempts_address"), "login_attempts", ["address"], unique=False)
    op.create_index(op.f("ix_login_attempts_name_hash"), "login_attempts", ["name_hash"], unique=False)
    op.create_table(
        "territories",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=True),
        sa.Column("path", sa.String().with_variant(sa.String(collation="C"), "postgresql"), nullable=False),
        sa.ForeignKeyConstraint(
            ["parent_id"],
            ["territories.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code"),
    )
    op.create_index(op.f("ix_territories_parent_id"), "territories", ["parent_id"], unique=False)
    op.create_index(op.f("ix_territories_path"), "territories", ["path"], unique=False)
    op.create_table(
        "units",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("territory_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["territory_id"],
            ["territories.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_index(op.f("ix_units_territory_id"), "units", ["territory_id"], unique=False)
    op.create_table(
        "users",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=True),
        sa.Column("password_hash", sa.String(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("volunteer_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["volunteer_id"],
            ["volunteers.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_index(op.f("ix_users_volunteer_id"), "users", ["volunteer_id"], unique=False)
    op.create_table(
        "grants",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("key_id", sa.Integer(), nullable=True),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("territory_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["key_id"],
            ["api_keys.id"],
        ),
        sa.ForeignKeyConstraint(
            ["territory_id"],
            ["territories.id"],
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_grants_key_id"), "grants", ["key_id"], unique=False)
    op.create_index(op.f("ix_grants_user_id"), "grants", ["user_id"], unique=False)
    op.create_table(
        "links",
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("lets_in", sa.Boolean(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
        ),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_index(op.f("ix_links_user_id"), "links", ["user_id"], unique=False)
    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
        ),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_index(op.f("ix_sessions_user_id"), "sessions", ["user_id"], unique=False)
    op.add_column("assignments", sa.Column("affected", sa.String(), nullable=True))
    op.add_column(
        "plans",
        sa.Column("territory_id", sa.Integer(), sa.ForeignKey("territories.id"), nullable=True),
        inline_references=True,
    )
    op.create_index(op.f("ix_plans_territory_id"), "plans", ["territory_id"], unique=False)
    op.add_column("requests", sa.Column("name", sa.String(), nullable=True))
    op.add_column("requests", sa.Column("phone", sa.String(), nullable=True))
    op.add_column("requests", sa.Column("door", sa.String(), nullable=True))
    op.add_column("requests", sa.Column("text", sa.String(), nullable=True))
    op.add_column(
        "requests",
        sa.Column("territory_id", sa.Integer(), sa.ForeignKey("territories.id"), nullable=True),
        inline_references=True,
    )
    op.create_index(op.f("ix_requests_territory_id"), "requests", ["territory_id"], unique=False)
    op.add_column("volunteers", sa.Column("phone", sa.String(), nullable=True))
    op.add_column(
        "volunteers",
        sa.Column("territory_id", sa.Integer(), sa.ForeignKey("territories.id"), nullable=True),
        inline_references=True,
    )
    op.add_column(
        "volunteers",
        sa.Column("unit_id", sa.Integer(), sa.ForeignKey("units.id"), nullable=True),
        inline_references=True,
    )
    op.add_column("volunteers", sa.Column("skills_until", sa.JSON(), nullable=False, server_default="{}"))
    op.add_column("volunteers", sa.Column("state", sa.String(), nullable=False, server_default="active"))
    op.add_column("volunteers", sa.Column("version", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("volunteers", sa.Column("paused_from", sa.DateTime(timezone=True), nullable=True))
    op.add_column("volunteers", sa.Column("paused_to", sa.DateTime(timezone=True), nullable=True))
    op.create_index(op.f("ix_volunteers_state"), "volunteers", ["state"], unique=False)
    op.create_index(op.f("ix_volunteers_territory_id"), "volunteers", ["territory_id"], unique=False)
    op.create_index(op.f("ix_volunteers_unit_id"), "volunteers", ["unit_id"], unique=False)
