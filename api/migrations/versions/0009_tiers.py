"""How much a request is expected to take, which says when it is due."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("requests", sa.Column("tier", sa.String(), nullable=False, server_default="general"))
