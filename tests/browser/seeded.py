"""A database that holds an instance: its people, its requests, and a plan for them, made by the service's own hands."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from api import ledger
from api.db import Database
from api.models import PlanRow
from api.models.plans import PlanState
from api.models.requests import RequestCreate
from api.models.volunteers import VolunteerCreate
from api.plans import load, publish, store
from api.requests import service as requests
from api.roles import Role
from api.security import HOUSE, Actor, Grant
from api.settings import Settings
from api.volunteers import service as volunteers
from matcher import Instance, instance_document, solve, why_chosen

ZONE = "Asia/Shanghai"

DISPATCHER = Actor("desk", (Grant(Role.DISPATCHER),), user_id=1)


def seeded(database: Database, instance: Instance, steps: int = 50) -> int:
    """A published plan of this instance; its id."""
    enter(database, instance)
    plan_id = proposed(database, instance, steps)
    wish = publish.Wish(plan_id, 2, DISPATCHER, instance.moment(0), None)
    with database.writing() as session:
        publish.publish(database, session, wish, Settings(timezone=ZONE))
    return plan_id


def enter(database: Database, instance: Instance) -> None:
    """Everybody and everything of this instance, in one transaction."""
    document = instance_document(instance)
    at = instance.moment(0)
    with database.writing() as session:
        asked = [VolunteerCreate.model_validate(_coded(entry)) for entry in document["volunteers"]]
        people = {row.code: row.id for row in volunteers.enter_all(session, asked, at, HOUSE)}
        for entry in document["requests"]:
            named = {key: [people[id] for id in entry[key]] for key in ("partners", "forbidden") if key in entry}
            requests.enter(session, RequestCreate.model_validate({**_coded(entry), **named}), at, HOUSE)


def _coded(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry of a file as the office would enter it: our ids are given by the database."""
    return {**{key: value for key, value in entry.items() if key != "id"}, "code": entry["id"]}


def proposed(database: Database, instance: Instance, steps: int = 50) -> int:
    """A proposal for all that waits in the instance's period; its id."""
    start, end = instance.moment(0), instance.moment(instance.horizon_end)
    plan_id = asked(database, start, end, PlanState.SOLVING)
    with database.writing() as session:
        row = session.get_one(PlanRow, plan_id)
        made_from = load.load(session, row, start, Settings(timezone=ZONE))
        plan = solve(made_from, seconds=60, steps=steps)
        why = {a: (reason,) for a, reason in why_chosen(made_from, plan).items()}
        assert store.store(session, plan_id, made_from, plan, why, ledger.version(session), start)
    return plan_id


def asked(database: Database, start: datetime, end: datetime, state: str, **more: Any) -> int:
    """A plan that is not made yet, in whatever state; its id."""
    with database.writing() as session:
        row = PlanRow(state=state, starts_at=start, ends_at=end, created_at=start, **more)
        session.add(row)
        session.flush()
        return int(row.id)
