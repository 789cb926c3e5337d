"""P10: clocks fire on time and once: across kills, two scanners, a database that is away, a clock set back."""

import logging
import multiprocessing
import os
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from sqlalchemy import func, text, update
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, col, select

from api import clocks, ledger
from api.db import Database
from api.jobs import scanner
from api.jobs.scanner import Scanner
from api.models import AuditRow, ClockRow
from tests.samples import proving, sample

NOON = datetime(2030, 6, 3, 4, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
PATIENCE = 60


def ring(session: Session, clock: ClockRow, now: datetime) -> None:
    """What our clocks do when they are due: leave a line in the audit."""
    ledger.note(session, clock.noun, [clock.noun_id], None, "rung", clock.name, now)


HANDLERS = {"T4": ring}


def ring_slowly(session: Session, clock: ClockRow, now: datetime) -> None:
    """So that a kill comes in between."""
    ring(session, clock, now)
    session.flush()
    time.sleep(0.005)


def fire_blindly(session: Session, clock_id: int, now: datetime) -> ClockRow:
    """Without the comparison: it was due when it was listed."""
    session.execute(update(ClockRow).where(col(ClockRow.id) == clock_id).values(fired_at=now))
    return session.get_one(ClockRow, clock_id)


@pytest.fixture(autouse=True)
def sabotaged(monkeypatch) -> None:
    """`DIANDAN_SABOTAGE=blind_fire` takes away what makes a clock fire once: the races below must fail."""
    if os.environ.get("DIANDAN_SABOTAGE") == "blind_fire":
        monkeypatch.setattr(clocks, "fire", fire_blindly)


def wind(database: Database, number: int, due: datetime = NOON, name: str = "T4", first: int = 1) -> None:
    """So many clocks, due all at once."""
    with database.writing() as session:
        session.add_all(
            ClockRow(
                noun="offer",
                noun_id=first + n,
                name=name,
                policy_version=1,
                opening=False,
                started_at=due - MINUTE,
                due_at=due,
            )
            for n in range(number)
        )


def rung(database: Database) -> Counter[int]:
    """How often each has rung."""
    with database.reading() as session:
        return Counter(session.exec(select(AuditRow.noun_id).where(AuditRow.to_state == "rung")))


def unfired(database: Database) -> int:
    with database.reading() as session:
        ticking = select(func.count()).select_from(ClockRow).where(col(ClockRow.fired_at).is_(None))
        return session.exec(ticking).one()


def once(number: int) -> Counter[int]:
    """Each of so many, once."""
    return Counter(range(1, number + 1))


@pytest.mark.prove("clocks")
def test_a_thousand_due_at_once_ring_once_each(database, record_property):
    wind(database, 1000)
    began = time.monotonic()
    assert Scanner(database, HANDLERS).scan(NOON) == 1000
    seconds = time.monotonic() - began
    record_property("last_after_seconds", f"{seconds:.1f}")
    assert rung(database) == once(1000)
    assert Scanner(database, HANDLERS).scan(NOON + MINUTE) == 0
    assert not proving() or seconds < 4, "with a second until the scan begins, the last is at most five late"


def race(database: Database, number: int, monkeypatch) -> int:
    """Two scanners that have both listed every clock before either fires one; how many each says it fired, added."""
    wind(database, number)
    both = threading.Barrier(2, timeout=PATIENCE)
    listed = clocks.due

    def due(session: Session, now: datetime, most: int, after: ClockRow | None = None) -> list[ClockRow]:
        rows = listed(session, now, most, after)
        if after is None:
            both.wait()
        return rows

    monkeypatch.setattr(clocks, "due", due)
    monkeypatch.setattr(scanner, "MOST_AT_ONCE", number)
    fired: list[int] = []
    racers = [threading.Thread(target=lambda: fired.append(Scanner(database, HANDLERS).scan(NOON))) for _ in range(2)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join(PATIENCE)
    assert len(fired) == 2, "both have ended"
    return sum(fired)


@pytest.mark.prove("clocks")
def test_two_scanners_ring_no_clock_twice(database, monkeypatch):
    number = sample("clocks", 200, 5000)
    assert race(database, number, monkeypatch) == number
    assert rung(database) == once(number)


@pytest.mark.prove("clocks")
def test_the_race_shows_what_the_comparison_prevents(database, monkeypatch, record_property):
    """The same race where a clock is fired without looking again: every one rings twice."""
    monkeypatch.setattr(clocks, "fire", fire_blindly)
    number = sample("clocks", 200, 5000)
    race(database, number, monkeypatch)
    doubled = sum(times > 1 for times in rung(database).values())
    record_property("doubled", doubled)
    assert doubled > number / 2


def scan_for_ever(url: str, ready) -> None:
    """A scanner in a process of its own, which nobody asks to leave."""
    if os.environ.get("DIANDAN_SABOTAGE") == "blind_fire":
        clocks.fire = fire_blindly
    database = Database(url)
    ready.set()
    Scanner(database, {"T4": ring_slowly}, lambda: NOON).run(threading.Event())


@contextmanager
def scanning(database: Database, number: int) -> Iterator[list[multiprocessing.Process]]:
    """So many scanners, in processes that are gone at the end."""
    spawn = multiprocessing.get_context("spawn")
    ready = [spawn.Event() for _ in range(number)]
    processes = [spawn.Process(target=scan_for_ever, args=(database.url, event), daemon=True) for event in ready]
    try:
        for process in processes:
            process.start()
        assert all(event.wait(PATIENCE) for event in ready)
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.join(PATIENCE)


@pytest.mark.prove("clocks")
def test_killed_scanners_lose_and_double_nothing(database, record_property):
    """Two at once, SIGKILL for both at a random moment, two new ones, a few times over; then one that lives."""
    number, luck = sample("clocks", 200, 5000), Random(3)
    wind(database, number)
    left = [number]
    while left[-1] and len(left) <= sample("clocks", 2, 20):
        with scanning(database, 2) as processes:
            wait_until(lambda: unfired(database) < left[-1])
            time.sleep(luck.uniform(0, 0.2))
            for process in processes:
                process.kill()
        left.append(unfired(database))
        assert sum(rung(database).values()) == number - left[-1], "a clock that has fired has rung, and no other"
    record_property("left_at_each_kill", " ".join(map(str, left)))
    assert left[1], "the first kill came in between"
    Scanner(database, HANDLERS).scan(NOON)
    assert rung(database) == once(number)


@pytest.mark.prove("clocks")
def test_what_is_stopped_or_paused_after_it_was_listed_never_rings(database):
    """The first clock to fire stops every second one behind it, and makes every third one wait."""
    number = sample("clocks", 200, 5000)

    def interfere(session: Session, clock: ClockRow, now: datetime) -> None:
        others = range(1, number + 1)
        for id in others[::2]:
            clocks.stop(session, "offer", id, "T4", now)
        for id in others[::3]:
            clocks.pause(session, "offer", id, "T4", "Asia/Shanghai", now)

    wind(database, 1, NOON - MINUTE, "T1", first=0)
    wind(database, number)
    scans = Scanner(database, {"T1": interfere, "T4": ring})
    for minute in range(3):
        scans.scan(NOON + minute * MINUTE)
    assert rung(database) == Counter(n for n in range(1, number + 1) if n % 2 == 0 and n % 3 != 1)


@contextmanager
def away(database: Database, request: pytest.FixtureRequest) -> Iterator[None]:
    """SQLite: somebody holds the file. PostgreSQL: the database lets nobody in, and puts out who is there."""
    if database.is_sqlite:
        holder = sqlite3.connect(database.engine.url.database, isolation_level=None)
        holder.execute("BEGIN EXCLUSIVE")
        yield
        holder.close()
        return
    name = database.engine.url.database
    with request.getfixturevalue("postgres_cluster").connect("postgres") as server:
        server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        yield
        server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


@contextmanager
def running(scans: Scanner) -> Iterator[None]:
    """The scanner at work beside us."""
    stop = threading.Event()
    thread = threading.Thread(target=scans.run, args=(stop,))
    thread.start()
    yield
    stop.set()
    thread.join(PATIENCE)
    assert not thread.is_alive()


def wait_until(so: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not so():
        assert time.monotonic() < until, f"not so after {PATIENCE} s"
        time.sleep(0.02)


def test_what_was_due_while_the_database_was_away_rings_when_it_is_back(database, request, monkeypatch, caplog):
    monkeypatch.setattr("api.db.WAIT_SECONDS", 2)  # a test has less patience
    wind(database, 20)
    clock_on_the_wall = [NOON - MINUTE]
    impatient = Database(database.url)
    scans = Scanner(impatient, HANDLERS, lambda: clock_on_the_wall[0])
    assert scans.scan(NOON - MINUTE) == 0
    with away(database, request), running(scans):
        clock_on_the_wall[0] = NOON
        wait_until(lambda: "clocks wait for the database" in caplog.text)
    with running(scans):
        wait_until(lambda: len(rung(database)) == 20)
    impatient.close()
    assert rung(database) == once(20)
    assert "(T4)" not in caplog.text, "no clock is blamed"


@pytest.mark.parametrize(("together", "done"), [(1, 7), (5, 5), (50, 0)])
def test_a_database_that_goes_away_in_the_middle_ends_the_scan(database, request, monkeypatch, caplog, together, done):
    """It is not waited for once for each clock; what was committed has rung, the rest rings later."""
    monkeypatch.setattr(scanner, "TOGETHER", together)
    monkeypatch.setattr("api.db.WAIT_SECONDS", 2)
    wind(database, 20)
    impatient = Database(database.url)
    with ExitStack() as until_back:

        def cut(session: Session, clock: ClockRow, now: datetime) -> None:
            ring(session, clock, now)
            if clock.noun_id == 8:
                session.rollback()
                until_back.enter_context(away(database, request))
                raise ConnectionError

        with pytest.raises(OperationalError):
            Scanner(impatient, {"T4": cut}).scan(NOON)
    assert rung(database) == once(done)
    assert Scanner(impatient, HANDLERS).scan(NOON) == 20 - done
    impatient.close()
    assert rung(database) == once(20)
    assert caplog.text == "", "no clock is blamed"


@pytest.mark.prove("clocks")
def test_clocks_ring_on_time(database, record_property):
    """Due at any moment of two seconds; late by the wait for the next scan, and the scan."""
    number, begun, late = sample("clocks", 20, 500), time.monotonic(), []

    def now() -> datetime:
        return NOON + timedelta(seconds=time.monotonic() - begun)

    def measure(session: Session, clock: ClockRow, _: datetime) -> None:
        late.append((now() - clock.due_at).total_seconds())

    for n in range(number):
        wind(database, 1, NOON + n * timedelta(seconds=2) / number, first=n)
    with running(Scanner(database, {"T4": measure}, now)):
        wait_until(lambda: unfired(database) == 0)
    worst = sorted(late)[int(0.99 * number)]
    record_property("late_p99_seconds", f"{worst:.2f}")
    assert len(late) == number
    assert min(late) >= 0
    assert worst <= 5


def test_a_clock_on_the_wall_that_is_set_back_loses_and_doubles_nothing(database):
    wind(database, 1)
    wind(database, 1, NOON + 30 * MINUTE, first=2)
    scans = Scanner(database, HANDLERS)
    assert [scans.scan(NOON + minutes * MINUTE) for minutes in (-1, 0, -60, 0, 29, 31, 5, 600)] == [
        0,
        1,
        0,
        0,
        0,
        1,
        0,
        0,
    ]
    assert rung(database) == once(2)


def test_left_to_itself_it_goes_by_the_clock_of_the_machine(database):
    wind(database, 1, datetime(2020, 1, 1, tzinfo=UTC))
    wind(database, 1, datetime(2090, 1, 1, tzinfo=UTC), first=2)
    with running(Scanner(database, HANDLERS)):
        wait_until(lambda: unfired(database) == 1)
    assert rung(database) == once(1)


def test_the_oldest_rings_first(database):
    for n in (3, 1, 2):
        wind(database, 1, NOON + n * MINUTE, first=n)
    order = []
    Scanner(database, {"T4": lambda session, clock, now: order.append(clock.noun_id)}).scan(NOON + 5 * MINUTE)
    assert order == [1, 2, 3]


def test_some_fire_alone_and_the_others_together(database, monkeypatch):
    """In the order in which they are due."""
    monkeypatch.setattr(scanner, "TOGETHER", 2)
    for n, name in enumerate(["T4", "T4", "T4", "round", "T4", "round", "round"], start=1):
        wind(database, 1, NOON + n * MINUTE, name, first=n)
    fired: dict[int, list[int]] = {}

    def ring_here(session: Session, clock: ClockRow, now: datetime) -> None:
        fired.setdefault(id(session), []).append(clock.noun_id)
        kept.append(session)

    kept: list[Session] = []
    scans = Scanner(database, {"T4": ring_here, "round": ring_here}, alone=lambda clock: clock.name == "round")
    assert scans.scan(NOON + 9 * MINUTE) == 7
    assert [*fired.values()] == [[1, 2], [3], [4], [5], [6], [7]]


def test_a_clock_may_start_the_next_of_its_name(database):
    """A transferred case is chased at half its time, and again."""

    def chase(session: Session, clock: ClockRow, now: datetime) -> None:
        ring(session, clock, now)
        policy = clocks.in_force(session, "Asia/Shanghai")
        clocks.start(session, clock.noun, clock.noun_id, clock.name, now + MINUTE, policy, now)

    wind(database, 1, name="T8")
    scans = Scanner(database, {"T8": chase})
    assert [scans.scan(NOON), scans.scan(NOON), scans.scan(NOON + MINUTE)] == [1, 0, 1]


def fail(session: Session, clock: ClockRow, now: datetime) -> None:
    """Half of its effect, then a mistake whose words tell of a resident."""
    ring(session, clock, now)
    session.flush()
    raise ValueError("张三 13912345678")


def refused(session: Session, clock: ClockRow, now: datetime) -> None:
    """What the database refuses: a second row of the same id."""
    ring(session, clock, now)
    session.execute(text("INSERT INTO calendar_days (day, kind, note) VALUES ('2030-06-03', '张三', '13912345678')"))
    session.execute(text("INSERT INTO calendar_days (day, kind, note) VALUES ('2030-06-03', '张三', '13912345678')"))


@pytest.mark.parametrize(("mistake", "told"), [(fail, "ValueError at "), (refused, "IntegrityError at ")])
def test_one_that_fails_is_told_and_in_nobodys_way(database, monkeypatch, caplog, mistake, told):
    """Five that fail, more than a page of them, before two that do not; mended, they ring too."""
    monkeypatch.setattr(scanner, "MOST_AT_ONCE", 2)
    wind(database, 5, NOON - MINUTE, "T5")
    wind(database, 2, first=6)
    scans = Scanner(database, {"T5": mistake, "T4": ring})
    with caplog.at_level(logging.INFO):
        assert [scans.scan(NOON), scans.scan(NOON)] == [2, 0]
    assert rung(database) == Counter({6: 1, 7: 1})
    said = [record.getMessage() for record in caplog.records]
    assert [line.split(" (")[0] for line in said] == [f"clock {n}" for n in range(1, 6)], "each once, not at each scan"
    assert f"(T5) of offer 1: {told}" in said[0]
    assert "张三" not in caplog.text
    assert "139" not in caplog.text
    assert Scanner(database, {"T5": ring}).scan(NOON) == 5
    assert rung(database) == once(7)


def test_a_clock_nobody_handles_is_told_and_waits(database, caplog):
    wind(database, 1, name="T9")
    assert Scanner(database, HANDLERS).scan(NOON) == 0
    assert "clock 1 (T9) of offer 1: KeyError" in caplog.text
    assert Scanner(database, {"T9": ring}).scan(NOON) == 1
