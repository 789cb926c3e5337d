"""Copies of one migrated database, for tests: each is used again once it is as it was, since to make a new one takes
longer than what most tests ask of it."""

import secrets
from collections.abc import Callable

from psycopg import Connection, sql
from psycopg.errors import ObjectInUse

from tests.postgres.cluster import Cluster

OURS = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"

TABLES = f"""
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND {OURS}
"""

SEQUENCES = (
    f"SELECT schemaname, sequencename, last_value FROM pg_sequences n WHERE {OURS.replace('n.nspname', 'schemaname')}"
)

SHAPE = f"""
SELECT md5(string_agg(said, E'\\n' ORDER BY said)) FROM (
    SELECT concat_ws(
        ' ', n.nspname, c.relname, c.relkind, a.attname, a.atttypid, a.attnotnull, pg_get_expr(d.adbin, d.adrelid),
        CASE WHEN c.relkind = 'i' THEN pg_get_indexdef(c.oid) END
    ) AS said
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum WHERE {OURS}
    UNION ALL
    SELECT concat_ws(' ', n.nspname, o.conname, pg_get_constraintdef(o.oid))
    FROM pg_constraint o JOIN pg_namespace n ON n.oid = o.connamespace WHERE {OURS}
    UNION ALL
    SELECT concat_ws(' ', n.nspname, p.proname, p.prosrc) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE {OURS} AND p.probin IS NULL
    UNION ALL
    SELECT concat_ws(' ', t.tgname, t.tgenabled, pg_get_triggerdef(t.oid)) FROM pg_trigger t WHERE NOT t.tgisinternal
) AS whole
"""
"""One word for what a database is like, whatever is in it."""


class Model:
    """A migrated database, its copies that wait to be used again, and what makes them as they were."""

    def __init__(self, cluster: Cluster, migrate: Callable[[str], None]) -> None:
        self.cluster, self.name = cluster, cluster.create()
        migrate(cluster.url(self.name))
        self._waiting: list[str] = []
        with cluster.connect(self.name) as connection:
            self._shape, self._cleaning = _shape(connection), _cleaning(connection)

    def copy(self) -> str:
        """A database like the model that nobody else uses; its name, which none had before."""
        return self._waiting.pop() if self._waiting else self.cluster.create(self.name)

    def take_back(self, was: str) -> None:
        """Whoever is connected to it is put out, and finds it no more; where more than rows has changed, it goes."""
        name = f"diandan_{secrets.token_hex(4)}"
        rename = sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(was), sql.Identifier(name))
        put_out = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s"
        with self.cluster.connect("postgres") as connection:
            for patience in range(10, -1, -1):  # somebody may come back in between
                connection.execute(put_out, [was])
                try:
                    connection.execute(rename)
                    break
                except ObjectInUse:
                    if not patience:
                        raise
        with self.cluster.connect(name) as connection:
            same = _shape(connection) == self._shape
            if same:
                connection.execute(self._cleaning)
        if same:
            self._waiting.append(name)
        else:
            self.cluster.drop(name)


def _shape(connection: Connection) -> str:
    return connection.execute(SHAPE).fetchone()[0]


def _cleaning(connection: Connection) -> sql.Composed:
    """Statements that bring a database's rows and sequences back to what they are now."""
    steps = [sql.SQL("SET session_replication_role = replica")]
    tables = [sql.Identifier(*found) for found in connection.execute(TABLES).fetchall()]
    steps += [sql.SQL("DELETE FROM {}").format(table) for table in tables]
    for table in tables:
        rows = connection.execute(sql.SQL("SELECT json_agg(t)::text FROM {} AS t").format(table)).fetchone()[0]
        if rows is not None:
            put = sql.SQL("INSERT INTO {} SELECT * FROM json_populate_recordset(NULL::{}, {})")
            steps.append(put.format(table, table, sql.Literal(rows)))
    for schema, name, last in connection.execute(SEQUENCES).fetchall():
        back = sql.SQL("SELECT setval({}, {}, {})")
        which = sql.Literal(f'"{schema}"."{name}"')
        steps.append(back.format(which, sql.Literal(1 if last is None else last), sql.Literal(last is not None)))
    return sql.SQL("; ").join(steps)
