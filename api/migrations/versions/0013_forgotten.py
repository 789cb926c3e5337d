"""What has been forgotten is known to be, whether or not there was anything to forget."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("requests", "series"):
        op.add_column(table, sa.Column("forgotten_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("""
        UPDATE requests SET forgotten_at = closed_at
        WHERE state = 'closed'
        AND coalesce(name, phone, door, text, result, words) IS NULL
        AND EXISTS (
            SELECT 1 FROM audit WHERE noun = 'request' AND noun_id = requests.id
            AND from_state = 'closed' AND to_state = 'closed' AND why IN ('retention', 'erased')
        )
    """)
