"""P12: every state change is in the audit, and its chain shows any edit, removal or reordering."""

import hashlib
import os
import threading
import tracemalloc
from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from alembic import command
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from api import ledger, schema
from api.db import Database
from tests.api.desk import NOW, migrated, request, volunteer
from tests.samples import sample

ROWS = 24
COLUMNS = ("seq", "previous", "hash", "at", "who", "noun", "noun_id", "from_state", "to_state", "why")


def noted(database: Database, rounds: int, who: str = "desk") -> None:
    for n in range(rounds):
        with database.writing() as session:
            ledger.note(session, "seat", [n, n + 1], "proposed", "offered", who, NOW + timedelta(microseconds=n))


def unlocked(database: Database) -> None:
    """Somebody with the keys of the database takes the guards away."""
    with database.engine.begin() as connection:
        if database.is_sqlite:
            for event in ("update", "delete", "insert"):
                connection.execute(text(f"DROP TRIGGER audit_is_append_only_{event}"))
        else:
            connection.execute(text("ALTER TABLE audit DISABLE TRIGGER USER"))


class Forger:
    """Changes audit rows by hand, and puts everything back."""

    def __init__(self, database: Database, luck: Random) -> None:
        self.database, self.luck = database, luck
        with database.reading() as session:
            self.rows = [dict(row) for row in session.execute(text("SELECT * FROM audit ORDER BY seq")).mappings()]

    def say(self, statement: str, **params: Any) -> None:
        with self.database.writing() as session:
            session.execute(text(statement), params)

    def put_back(self) -> None:
        with self.database.writing() as session:
            session.execute(text("DELETE FROM audit"))
            names = ", ".join(COLUMNS)
            values = ", ".join(f":{name}" for name in COLUMNS)
            session.execute(text(f"INSERT INTO audit ({names}) VALUES ({values})"), self.rows)
            last = {"seq": self.rows[-1]["seq"], "hash": self.rows[-1]["hash"]}
            session.execute(text("UPDATE audit_head SET seq = :seq, hash = :hash"), last)

    def any_row(self) -> int:
        return self.luck.randint(1, ROWS)

    def edit(self) -> int:
        """One value of one row; the first broken row is that one."""
        seq = self.any_row()
        column = self.luck.choice(COLUMNS[1:])
        old = self.rows[seq - 1][column]
        changed = {"noun_id": 99, "at": "2031-01-01 00:00:00.000001"}.get(column, f"{old}x")
        self.say(f"UPDATE audit SET {column} = :value WHERE seq = :seq", value=changed, seq=seq)
        return seq

    def edit_and_hash(self) -> int:
        """The hash of the row fits again; that of the next does not."""
        seq = self.any_row()
        row = {**self.rows[seq - 1], "who": "nobody"}
        self.say("UPDATE audit SET who = 'nobody', hash = :hash WHERE seq = :seq", hash=ledger.digest(row), seq=seq)
        return min(seq + 1, ROWS)

    def remove(self) -> int:
        seq = self.any_row()
        self.say("DELETE FROM audit WHERE seq = :seq", seq=seq)
        return seq

    def cut_the_end(self) -> int:
        seq = self.any_row()
        self.say("DELETE FROM audit WHERE seq >= :seq", seq=seq)
        return seq

    def close_the_gap(self) -> int:
        """A row is removed, the later ones move up, and the head says one less."""
        seq = self.luck.randint(1, ROWS - 1)
        self.say("DELETE FROM audit WHERE seq = :seq", seq=seq)
        for later in range(seq + 1, ROWS + 1):
            self.say("UPDATE audit SET seq = seq - 1 WHERE seq = :seq", seq=later)
        self.say("UPDATE audit_head SET seq = seq - 1")
        return seq

    def swap(self) -> int:
        """Two rows change places, hashes and all."""
        one, other = sorted(self.luck.sample(range(1, ROWS + 1), 2))
        for old, new in ((one, 1000), (other, one), (1000, other)):
            self.say("UPDATE audit SET seq = :new WHERE seq = :old", old=old, new=new)
        return one

    def add_behind(self) -> int:
        """A row that fits, and the head does not know it."""
        return self._add(ROWS, self.rows[-1]["hash"]) + 1

    def add_before(self) -> int:
        self._add(-1, ledger.BEFORE_THE_FIRST)
        return 1

    def _add(self, after: int, previous: str) -> int:
        row = ledger.linked([{name: self.rows[0][name] for name in COLUMNS[3:]}], after, previous)[0]
        names = ", ".join(row)
        self.say(f"INSERT INTO audit ({names}) VALUES ({', '.join(f':{name}' for name in row)})", **row)
        return after

    def lose_the_head(self) -> int:
        self.say("UPDATE audit_head SET hash = :hash", hash="f" * 64)
        return ROWS


EDITS: list[Callable[[Forger], int]] = [
    Forger.edit, Forger.edit_and_hash, Forger.remove, Forger.cut_the_end, Forger.close_the_gap, Forger.swap,
    Forger.add_behind, Forger.add_before, Forger.lose_the_head,
]  # fmt: skip


def sabotaged(monkeypatch: pytest.MonkeyPatch) -> None:
    """`DIANDAN_SABOTAGE=content_not_hashed`: a hash of nothing but the row's place."""
    if os.environ.get("DIANDAN_SABOTAGE") == "content_not_hashed":
        place = lambda row: hashlib.sha256(f"{row['seq']} {row['previous']}".encode()).hexdigest()  # noqa: E731
        monkeypatch.setattr(ledger, "digest", place)


def missed(database: Database, rounds: int) -> list[str]:
    """The edits, out of so many, that nobody would have noticed."""
    noted(database, ROWS // 2)
    unlocked(database)
    forger = Forger(database, Random(7))
    unseen = []
    for n in range(rounds):
        edit = EDITS[n % len(EDITS)]
        expected = edit(forger)
        found, _ = ledger.verify(database)
        if found != expected:
            unseen.append(f"{edit.__name__}: {found} instead of {expected}")
        forger.put_back()
    assert ledger.verify(database) == (None, ROWS)
    return unseen


@pytest.mark.prove("audit")
def test_any_edit_is_found(database, monkeypatch):
    sabotaged(monkeypatch)
    assert missed(database, sample("audit", 45, 1000)) == []


def test_a_hash_of_nothing_finds_no_edit(database, monkeypatch):
    """The test above would see it."""
    monkeypatch.setenv("DIANDAN_SABOTAGE", "content_not_hashed")
    sabotaged(monkeypatch)
    assert {line.split(":")[0] for line in missed(database, 45)} == {"edit", "edit_and_hash"}


def test_what_the_database_cannot_read_is_broken_too(sqlite_url):
    database = migrated(sqlite_url)
    noted(database, 3)
    unlocked(database)
    Forger(database, Random(1)).say("UPDATE audit SET who = CAST(x'ff' AS TEXT) WHERE seq = 1")
    assert ledger.verify(database)[0] == 1
    database.close()


def test_a_lost_head_is_found(database):
    noted(database, 3)
    with database.writing() as session:
        session.execute(text("DELETE FROM audit_head"))
    assert ledger.verify(database)[0] == 1


def test_the_last_rows_alone(database):
    """An edit further back is not looked at; one among them is found."""
    noted(database, 5)
    unlocked(database)
    forger = Forger(database, Random(1))
    forger.say("UPDATE audit SET who = 'nobody' WHERE seq = 2")
    assert ledger.verify(database, last=4) == (None, 4)
    forger.say("UPDATE audit SET who = 'nobody' WHERE seq = 9")
    assert ledger.verify(database, last=4) == (9, 2)


REPLACE = (
    "INSERT OR REPLACE INTO audit"
    " SELECT seq, previous, hash, at, 'nobody', noun, noun_id, from_state, to_state, why FROM audit"
)


def test_rows_are_only_ever_added(database):
    """Each way to change or remove them that this database's language has."""
    noted(database, 2)
    own = REPLACE if database.is_sqlite else "TRUNCATE audit"
    for statement in ("UPDATE audit SET who = 'nobody'", "DELETE FROM audit", own):
        with pytest.raises(DBAPIError, match="never changed"), database.writing() as session:
            session.execute(text(statement))
        assert ledger.verify(database) == (None, 4)


@pytest.mark.prove("audit")
def test_writers_follow_each_other(database):
    """Four at once, and some give up half-way: no hole, no fork."""
    rounds = sample("audit", 45, 1000) // 4

    def write(name: str) -> None:
        for n in range(rounds):
            noted(database, 1, name)
            if n % 3 == 0:
                with pytest.raises(ZeroDivisionError), database.writing() as session:
                    ledger.note(session, "seat", [n], None, "proposed", name, NOW)
                    1 / 0  # noqa: B018

    writers = [threading.Thread(target=write, args=(f"writer {n}",)) for n in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert ledger.verify(database) == (None, 4 * rounds * 2)


def test_a_savepoint_taken_back_takes_its_rows_along(database):
    with database.writing() as session:
        ledger.note(session, "seat", [1], None, "proposed", "before", NOW)
        with pytest.raises(ZeroDivisionError), session.begin_nested():
            ledger.note(session, "seat", [2], None, "proposed", "inside", NOW)
            1 / 0  # noqa: B018
        with session.begin_nested():
            ledger.note(session, "seat", [3], None, "proposed", "kept", NOW)
    with database.reading() as session:
        assert sorted(session.execute(text("SELECT who FROM audit")).scalars()) == ["before", "kept"]
    assert ledger.verify(database) == (None, 2)


@pytest.mark.prove("audit")
def test_verifying_does_not_fill_the_memory(sqlite_url):
    """However many rows there are, a block of them is held."""
    database = migrated(sqlite_url)
    for _ in range(sample("audit", 10_000, 1_000_000) // 10_000):
        with database.writing() as session:
            ledger.note(session, "seat", range(10_000), None, "proposed", "desk", NOW)
    tracemalloc.start()
    broken, checked = ledger.verify(database)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert broken is None and checked >= 10_000
    assert peak < 8 * 2**20
    database.close()


def test_rows_that_were_there_before_the_chain_are_chained(database_url, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    database = at_first_schema(database_url)
    with database.writing() as session:
        for id, at in ((1, "2030-06-01 04:00:00.000001"), (2, "2030-06-01 04:00:00"), (5, "2030-06-01 04:00:01.5")):
            session.execute(
                text(
                    "INSERT INTO audit (id, at, who, noun, noun_id, to_state) VALUES (:id, :at, 'desk', 'plan', 7, 'x')"
                ),
                {"id": id, "at": at},
            )
    schema.migrate(database)
    assert ledger.verify(database) == (None, 3)
    noted(database, 1)
    assert ledger.verify(database) == (None, 5)
    with pytest.raises(DBAPIError, match="never changed"), database.writing() as session:
        session.execute(text("DELETE FROM audit"))
    database.close()


def at_first_schema(url: str) -> Database:
    """A database as the first release left it."""
    database = Database(url)
    with database.engine.begin() as connection:
        command.upgrade(schema._config(connection), "0001")
    return database


# Every state change has its row.

NOUNS = {"plan": "plans", "request": "requests", "assignment": "assignments", "volunteer": "volunteers"}


def states(desk) -> dict[tuple[str, int], str]:
    found = {}
    for noun, table in NOUNS.items():
        found |= {(noun, id): state for id, state in desk.rows(f"SELECT id, state FROM {table}")}
    return found


def unexplained(desk, before: dict, since: int) -> dict:
    """What the audit rows since then do not lead to; a proposal's seats come with their plan."""
    told = dict(before)
    steps = "SELECT noun, noun_id, from_state, to_state, who FROM audit WHERE seq > :since ORDER BY seq"
    for noun, id, from_state, to_state, who in desk.rows(steps, since=since):
        assert told.get((noun, id)) in (from_state, None) and who
        told[noun, id] = to_state
    now = states(desk)
    return {key: now.get(key) for key in told | now if now.get(key) not in (told.get(key), "proposed")}


def day(desk):
    """Each write of the service in turn; after each, what the audit does not explain."""
    writes = [
        lambda: desk.enter("/v1/volunteers", volunteer()),
        lambda: desk.enter("/v1/requests", request()),
        lambda: desk.publish(desk.proposal()).raise_for_status(),
        lambda: desk.enter("/v1/requests", request("10:00", "11:00")),
        lambda: desk.publish(desk.proposal()).raise_for_status(),
    ]
    for write in writes:
        before, (since,) = states(desk), desk.rows("SELECT coalesce(max(seq), 0) FROM audit")[0]
        write()
        yield unexplained(desk, before, since)


def test_every_write_is_explained(desk):
    assert list(day(desk)) == [{}] * 5
    assert ledger.verify(desk.database)[0] is None


def test_a_silent_service_explains_nothing(desk, monkeypatch):
    """The test above would see it."""
    monkeypatch.setattr(ledger, "note", lambda *_, **__: None)
    assert any(day(desk))
