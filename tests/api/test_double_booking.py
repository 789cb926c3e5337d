"""P4: nobody is double-booked. The database itself refuses, whatever the code above it forgot to look at."""

import multiprocessing
from collections import Counter
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Barrier
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlmodel import col, select

from api.db import Database
from api.errors import from_database
from api.models import AssignmentRow, PlanRow, RequestRow, VolunteerRow
from api.models.plans import IN_FORCE, AssignmentState
from tests.api.desk import drop_guard, migrated
from tests.samples import sample

NINE = datetime(2030, 6, 3, 1, tzinfo=UTC)
PATIENCE = 60


def stage(database: Database, volunteers: int) -> None:
    """So many volunteers, and for each of them the two racers' requests."""
    with database.writing() as session:
        session.add(PlanRow(state="published", starts_at=NINE, ends_at=NINE, created_at=NINE, seconds=1, gap=0, seed=1))
        session.add_all(VolunteerRow(at=[108.94, 34.265], created_at=NINE) for _ in range(volunteers))
        session.add_all(
            RequestRow(at=[108.94, 34.265], minutes=30, seats=[], state="triaged", created_at=NINE) for _ in range(2)
        )


def seat(volunteer: int, request: int, minute: int, **more: Any) -> AssignmentRow:
    """Half an hour from so many minutes after nine."""
    start = NINE + timedelta(minutes=minute)
    more = {"state": AssignmentState.OFFERED} | more
    end = start + timedelta(minutes=30)
    return AssignmentRow(
        plan_id=1, request_id=request, volunteer_id=volunteer, seat=0, starts_at=start, ends_at=end, **more
    )


def book(database: Database, row: AssignmentRow) -> str:
    """`ok`, or the code of the refusal."""
    try:
        with database.writing() as session:
            session.add(row)
    except DBAPIError as error:
        return from_database(error).code
    return "ok"


def naive_racer(url: str, racer: int, rounds: int, both: Barrier, told: Any) -> None:
    """In each round: look whether the volunteer is free, wait until the other has looked too, then book."""
    database = Database(url)
    for volunteer in range(1, rounds + 1):
        mine = seat(volunteer, racer, 10 * racer)
        with database.reading() as session:
            taken = select(AssignmentRow.id).where(
                AssignmentRow.volunteer_id == volunteer,
                col(AssignmentRow.state).in_(IN_FORCE),
                AssignmentRow.starts_at < mine.ends_at,
                AssignmentRow.ends_at > mine.starts_at,
            )
            free = session.exec(taken).first() is None
        both.wait(PATIENCE)
        told.put(book(database, mine) if free else "saw it taken")
        both.wait(PATIENCE)


def race(database: Database, rounds: int) -> Counter[str]:
    """Two processes book each volunteer for overlapping times; what they were told."""
    stage(database, rounds)
    spawn = multiprocessing.get_context("spawn")
    both, told = spawn.Barrier(2), spawn.Queue()
    racers = [spawn.Process(target=naive_racer, args=(database.url, n, rounds, both, told)) for n in (1, 2)]
    for racer in racers:
        racer.start()
    answers = Counter(told.get(timeout=PATIENCE) for _ in range(2 * rounds))
    for racer in racers:
        racer.join(PATIENCE)
    return answers


def double_bookings(database: Database) -> int:
    """Pairs of seats in force that want one person at one time."""
    with database.reading() as session:
        rows = session.exec(select(AssignmentRow).where(col(AssignmentRow.state).in_(IN_FORCE))).all()
    return sum(
        a.volunteer_id == b.volunteer_id and a.starts_at < b.ends_at and b.starts_at < a.ends_at
        for i, a in enumerate(rows)
        for b in rows[i + 1 :]
    )


@pytest.mark.prove("race")
def test_two_processes_cannot_book_one_volunteer_twice(database, record_property):
    rounds = sample("race", 25, 1000)
    answers = race(database, rounds)
    record_property("double_bookings", double_bookings(database))
    # PostgreSQL may end two exclusion checks that wait for each other as a deadlock: one of them gives way.
    assert answers["ok"] == rounds == answers["volunteer_busy"] + answers["conflict"]
    assert double_bookings(database) == 0


@pytest.mark.prove("race")
def test_the_race_shows_what_the_guard_prevents(database_url, monkeypatch, record_property):
    """The same race without the constraint: nearly every round books twice."""
    monkeypatch.setenv("DIANDAN_SABOTAGE", "no_overlap_guard")
    database = migrated(database_url)
    rounds = sample("race", 25, 1000)
    race(database, rounds)
    doubled = double_bookings(database)
    record_property("double_bookings", doubled)
    assert doubled > rounds / 2
    database.close()


def test_back_to_back_is_not_double(database):
    stage(database, 1)
    assert book(database, seat(1, 1, 0)) == "ok"
    assert book(database, seat(1, 2, 30)) == "ok"


def test_a_minute_too_early_is(database):
    stage(database, 1)
    assert book(database, seat(1, 1, 0)) == "ok"
    assert book(database, seat(1, 2, 29)) == "volunteer_busy"


def test_what_has_ended_holds_no_time(database):
    stage(database, 1)
    assert book(database, seat(1, 1, 0, state=AssignmentState.RELEASED)) == "ok"
    assert book(database, seat(1, 2, 0)) == "ok"


def test_a_change_of_state_is_guarded_too(database):
    """A proposal may overlap; turned into an offer it may not."""
    stage(database, 1)
    assert book(database, seat(1, 1, 0)) == "ok"
    assert book(database, seat(1, 2, 10, state=AssignmentState.PROPOSED)) == "ok"
    with pytest.raises(IntegrityError), database.writing() as session:
        row = session.exec(select(AssignmentRow).where(AssignmentRow.request_id == 2)).one()
        row.state = AssignmentState.OFFERED


def test_a_change_of_time_is_guarded_too(database):
    stage(database, 1)
    assert book(database, seat(1, 1, 0)) == "ok"
    assert book(database, seat(1, 2, 60)) == "ok"
    with pytest.raises(IntegrityError), database.writing() as session:
        row = session.exec(select(AssignmentRow).where(AssignmentRow.request_id == 2)).one()
        row.starts_at = NINE + timedelta(minutes=20)


def test_a_dropped_guard_is_missed(database):
    """The test above would see it."""
    drop_guard(database)
    stage(database, 1)
    assert [book(database, seat(1, n, 0)) for n in (1, 2)] == ["ok", "ok"]
    assert double_bookings(database) == 1
