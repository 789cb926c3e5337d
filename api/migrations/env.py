"""Alembic's way in: the connection is handed over by `api.schema`."""

from alembic import context
from sqlmodel import SQLModel

import api.models  # noqa: F401  the tables must be known
from api.models.base import UtcDateTime


def _render(kind, thing, _context):
    """Moments are plain timestamps to the database."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(thing, UtcDateTime) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_item=_render,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
