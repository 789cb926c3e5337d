"""Writers of one process stand in line in front of SQLite, and a turn always passes on."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import OperationalError

from api import db, ledger
from api.models import LedgerRow
from api.turns import Turns
from tests.api.desk import migrated


@pytest.fixture
def writers(sqlite_url):
    database = migrated(sqlite_url)
    yield database
    database.close()


def write(session) -> int:
    """Something that only one can do at a time; how often it was done."""
    raised = update(LedgerRow).values(version=LedgerRow.version + 1).returning(LedgerRow.version)
    return session.execute(raised).scalar_one()


def raised(database) -> int:
    with database.writing() as session:
        return write(session)


def test_first_come_first_served():
    turns, order = Turns(), []
    assert turns.take(0)

    def stand(number: int) -> None:
        assert turns.take(5)
        order.append(number)
        turns.leave()

    people = [threading.Thread(target=stand, args=(number,)) for number in range(5)]
    for n, person in enumerate(people):
        person.start()
        while len(turns._line) == n:
            time.sleep(0.001)
    turns.leave()
    for person in people:
        person.join()
    assert order == [0, 1, 2, 3, 4]
    assert turns.take(0)


def test_who_gives_up_is_not_called():
    turns = Turns()
    turns.take(0)
    assert not turns.take(0.01)
    turns.leave()
    assert turns.take(0)


def test_however_a_writing_ends_the_next_one_comes(writers):
    """An error of ours, one of the database, a connection that is lost, one that never wrote anything."""
    with pytest.raises(RuntimeError), writers.writing() as session:
        write(session)
        raise RuntimeError
    with pytest.raises(OperationalError), writers.writing() as session:
        write(session)
        session.execute(text("SELECT * FROM nowhere"))
    with writers.engine.connect() as connection:
        connection.execute(text("SELECT 1"))
        connection.invalidate()
    with writers.writing():
        pass
    began = time.monotonic()
    assert (raised(writers), raised(writers)) == (1, 2)
    assert time.monotonic() - began < db.WAIT_SECONDS


def test_readers_stand_in_no_line(writers):
    with writers.writing() as session:
        write(session)
        with ThreadPoolExecutor(1) as elsewhere, writers.reading() as reader:
            assert elsewhere.submit(ledger.version, reader).result(timeout=5) == 0


def test_who_waits_in_vain_is_told_that_the_database_is_busy(writers, monkeypatch):
    monkeypatch.setattr(db, "WAIT_SECONDS", 0.05)
    with writers.writing() as session:
        write(session)
        with (
            ThreadPoolExecutor(1) as elsewhere,
            pytest.raises(OperationalError, match="the turn to write did not come"),
        ):
            elsewhere.submit(raised, writers).result()
    assert raised(writers) == 2


def test_nobody_starves(writers):
    """Thirty write again and again; with SQLite's own waiting some of them are told 503 after five seconds."""
    with ThreadPoolExecutor(30) as people:
        done = list(people.map(lambda _: [raised(writers) for _ in range(5)], range(30)))
    assert sorted(number for each in done for number in each) == list(range(1, 151))
