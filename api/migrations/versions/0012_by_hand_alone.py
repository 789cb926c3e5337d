"""Volunteers who are asked by a person alone."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("volunteers", sa.Column("automatic", sa.Boolean(), nullable=False, server_default=sa.true()))
