"""The shape of the database: which one it has, which one this program wants, and the way from one to the other."""

import logging
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from api.db import Database
from api.errors import SchemaMismatch

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(database: Database) -> None:
    """Bring the database to the schema this program wants; a database that is there already is left alone."""
    from dbos import DBOS

    with database.engine.begin() as connection:
        command.upgrade(_config(connection), "head")
    logging.getLogger("dbos").setLevel(logging.WARNING)
    DBOS.migrate(database.url)


def wanted() -> str:
    """The newest schema this program knows."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def check(database: Database, head: str) -> None:
    """Refuse to work on a database that is older or newer."""
    with database.reader.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    if found != head:
        raise SchemaMismatch(found, head)


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config
