"""Clocks keep how long they stood still and of what share they run; what waits already comes back on its day too."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

WAKE = """
INSERT INTO clocks (noun, noun_id, name, policy_version, opening, started_at, due_at, share, waited_minutes)
SELECT 'request', id, 'until', policy_version, :opening, created_at, waits_until, 1, 0
FROM requests WHERE state = 'waiting' AND waits_until IS NOT NULL
"""


def upgrade() -> None:
    op.add_column("clocks", sa.Column("share", sa.Float(), nullable=False, server_default="1"))
    op.add_column("clocks", sa.Column("waited_minutes", sa.Float(), nullable=False, server_default="0"))
    op.get_bind().execute(sa.text(WAKE).bindparams(sa.bindparam("opening", False, sa.Boolean())))
