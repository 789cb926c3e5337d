"""P9: no plan that breaks a hard rule is published, even if the engine is wrong; and what breaks none is."""

from collections import Counter
from datetime import timedelta
from random import Random

import pytest
from sqlmodel import Session, select

from api.models import AssignmentRow, LedgerRow, PlanRow, RequestRow, VolunteerRow
from api.plans import publish
from tests.api.desk import request, volunteer
from tests.samples import only, sample

TRADES = ("lift", "electric", "nurse", "haircut", "piano", "plumb")


@pytest.fixture
def proposed(desk):
    """Each trade has its one master, who makes one visit a day at most; each is wanted at a minute of its own."""
    for trade in TRADES:
        desk.enter("/v1/volunteers", volunteer(skills={trade: 2}, max_requests_per_day=1))
    for hour, trade in enumerate(TRADES):
        start = f"{8 + hour // 2:02}:{30 * (hour % 2) + 25:02}"
        desk.enter("/v1/requests", request(start, start, minutes=20, seats=[{"skills": {trade: 2}}]))
    where = desk.proposal()
    assert len(desk.get(where)["assignments"]) == len(TRADES)
    return where


def shift(session: Session, seats: list[AssignmentRow], luck: Random) -> None:
    """By a minute or more, to and fro, the end with it or not."""
    seat, minutes = luck.choice(seats), timedelta(minutes=luck.choice([-60, -5, -1, 1, 2, 30]))
    seat.starts_at += minutes
    seat.ends_at += minutes * luck.randint(0, 1)


def stretch(session: Session, seats: list[AssignmentRow], luck: Random) -> None:
    luck.choice(seats).ends_at += timedelta(minutes=luck.choice([-10, -1, 1, 60]))


def swap(session: Session, seats: list[AssignmentRow], luck: Random) -> None:
    """Two masters of different trades."""
    one, other = luck.sample(seats, 2)
    one.volunteer_id, other.volunteer_id = other.volunteer_id, one.volunteer_id


def pile_up(session: Session, seats: list[AssignmentRow], luck: Random) -> None:
    """Two visits for somebody who makes one a day, and has not the skill for one of them."""
    one, other = luck.sample(seats, 2)
    one.volunteer_id = other.volunteer_id


def wrong_seat(session: Session, seats: list[AssignmentRow], luck: Random) -> None:
    luck.choice(seats).seat = luck.randint(1, 5)


def forget(session: Session, seats: list[AssignmentRow], luck: Random) -> None:
    session.delete(luck.choice(seats))


def twice(session: Session, seats: list[AssignmentRow], luck: Random) -> None:
    """One seat, two people."""
    seat, other = luck.sample(seats, 2)
    session.add(AssignmentRow(**{**seat.model_dump(exclude={"id"}), "volunteer_id": other.volunteer_id}))


def boast(session: Session, seats: list[AssignmentRow], luck: Random) -> None:
    """A cheaper story than the seats tell."""
    plan = session.get_one(PlanRow, seats[0].plan_id)
    plan.result = {**plan.result, "cost": plan.result["cost"] - luck.randint(1, 100)}


def stale_volunteer(session: Session, seats: list[AssignmentRow], luck: Random) -> None:
    """Somebody's licence has gone since the plan was made."""
    session.get_one(VolunteerRow, luck.choice(seats).volunteer_id).skills = {}
    session.exec(select(LedgerRow)).one().version += 1


def stale_request(session: Session, seats: list[AssignmentRow], luck: Random) -> None:
    session.get_one(RequestRow, luck.choice(seats).request_id).minutes += luck.randint(1, 9)
    session.exec(select(LedgerRow)).one().version += 1


MUTATIONS = (shift, stretch, swap, pile_up, wrong_seat, forget, twice, boast, stale_volunteer, stale_request)
TABLES = (AssignmentRow, PlanRow, RequestRow, VolunteerRow, LedgerRow)


def let_through(desk, where: str, mutants: int) -> list[str]:
    """Publish one mutant after another, each from the plan as it was: the mutations that went through."""
    luck, through = Random(13), []
    with desk.database.reading() as session:
        kept = {table: [row.model_dump() for row in session.exec(select(table))] for table in TABLES}
    version = desk.client.get(where).headers["ETag"]
    told: Counter[str] = Counter()
    for n in range(mutants):
        mutation = MUTATIONS[n % len(MUTATIONS)]
        with desk.database.writing() as session:
            mutation(session, list(session.exec(select(AssignmentRow).order_by("id"))), luck)
        answer = desk.post(f"{where}/publish", {}, **{"If-Match": version})
        told[answer.json().get("code", "published")] += 1
        if answer.is_success:
            return [*through, mutation.__name__]
        restore(desk, kept)
    assert set(told) == {"plan_invalid", "plan_outdated"}
    return through


def restore(desk, kept) -> None:
    with desk.database.writing() as session:
        for row in session.exec(select(AssignmentRow)):
            session.delete(row)
        session.flush()
        for table, rows in kept.items():
            for values in rows:
                session.merge(table(**values))


@pytest.mark.prove("mutants")
def test_no_mutant_is_published_and_the_plan_itself_is(desk, proposed):
    assert let_through(desk, proposed, sample("mutants", 60, 10_000)) == []
    assert desk.publish(proposed).json()["state"] == "published"


@only("sqlite")
@pytest.mark.parametrize("blind", ["_check_rules", "_changed"])
def test_a_service_that_does_not_look_is_seen(desk, proposed, monkeypatch, blind):
    """`_check_rules`: nobody judges; `_changed`: nobody looks whether the world has moved on."""
    monkeypatch.setattr(publish, blind, lambda *_: 0)
    assert let_through(desk, proposed, 60) != []
