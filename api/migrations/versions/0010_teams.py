"""Teams: who goes out together."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "teams",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("territory_id", sa.Integer(), nullable=True),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["territory_id"],
            ["territories.id"],
        ),
        sa.ForeignKeyConstraint(
            ["unit_id"],
            ["units.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_index(op.f("ix_teams_territory_id"), "teams", ["territory_id"], unique=False)
    op.create_index(op.f("ix_teams_unit_id"), "teams", ["unit_id"], unique=False)
    op.add_column(
        "volunteers",
        sa.Column("team_id", sa.Integer(), sa.ForeignKey("teams.id"), nullable=True),
        inline_references=True,
    )
    op.create_index(op.f("ix_volunteers_team_id"), "volunteers", ["team_id"], unique=False)
