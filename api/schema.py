"""The shape of the database: which one it has, which one this program wants, and the way from one to the other."""

import logging
from datetime import UTC, datetime
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from api import backup
from api.db import Database
from api.errors import ApiError, SchemaMismatch
from api.messages import LANGUAGES, line

log = logging.getLogger(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"


class SchemaNewer(ApiError):
    code = "schema_newer"


def migrate(database: Database) -> None:
    """Bring the database to the schema this program wants; one with an older schema is backed up first."""
    from dbos import DBOS

    before = found(database)
    if before is not None and before not in known():
        raise SchemaNewer("", before, wanted=wanted())
    if before not in (None, wanted()):
        _back_up(database, before, datetime.now(UTC))
    with database.engine.begin() as connection:
        command.upgrade(_config(connection), "head")
    logging.getLogger("dbos").setLevel(logging.WARNING)
    DBOS.migrate(database.url)


def _back_up(database: Database, before: str, at: datetime) -> None:
    """Beside the SQLite file, else under var/backups; nothing is changed when that fails."""
    name = f"{before}-{at:%Y%m%dT%H%M%SZ}.backup"
    if database.is_sqlite:
        file = backup.sqlite_file(database)
        file = file.with_name(f"{file.name}.{name}")
    else:
        file = Path("var/backups", f"{database.engine.url.database}.{name}")
    try:
        backup.write(database, file, at)
    except backup.ToolMissing as missing:
        for lang in LANGUAGES:
            log.warning(line("no_backup", lang, {"value": missing.value}))
    else:
        log.warning("schema %s becomes %s; the backup of before is %s", before, wanted(), file)


def found(database: Database) -> str | None:
    """The schema the database has; None if it is empty."""
    with database.reader.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def known() -> set[str]:
    """Every schema this program has a way from."""
    return {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}


def wanted() -> str:
    """The newest schema this program knows."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def check(database: Database, head: str) -> None:
    """Refuse to work on a database that is older or newer."""
    now = found(database)
    if now != head:
        raise SchemaMismatch(now, head)


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config
