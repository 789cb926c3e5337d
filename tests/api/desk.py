"""What a test says to the service: one maker for each noun, on one fixed day, and a few ways to look behind it."""

import itertools
import os
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import httpx
from sqlalchemy import text

from api import schema
from api.db import Database
from api.jobs.solving import Solver
from api.models import PlanRow, SessionRow
from api.models.people import GrantShape, KeyCreate, UserCreate
from api.people import entry, users
from api.roles import Role
from api.security import COOKIE, HOUSE, hashed
from api.settings import Settings
from matcher import Instance, Plan, solve

PLAIN = ssl.create_default_context()
"""One for all clients: to make one takes longer than most of what a test asks for."""

DISPATCHER, ADMIN = Role.DISPATCHER, Role.ADMIN

ROOMY = {"solves_each": 1000, "solves_queued": 1000}
"""A test asks for as many plans as it likes; what one may by default stands in `test_quota.py`."""

DAY = "2030-06-03"
NOW = datetime(2030, 6, 1, 4, tzinfo=UTC)


def at(clock: str) -> str:
    return f"{DAY}T{clock}+08:00"


def volunteer(start: str = "08:00", end: str = "12:00", **more: Any) -> dict[str, Any]:
    return {"at": [108.94, 34.265], "availability": [{"from": at(start), "to": at(end)}], **more}


def request(start: str = "09:00", end: str = "10:00", **more: Any) -> dict[str, Any]:
    return {"at": [108.945, 34.265], "minutes": 30, "windows": [{"from": at(start), "to": at(end)}], **more}


def series(start: str = "09:00", end: str = "10:00", first_day: str = DAY, **more: Any) -> dict[str, Any]:
    """Every Monday; what is more is asked for each time."""
    window, rule = {"from": start, "to": end}, {"kind": "weekly", "on": [1]}
    template = {"at": [108.945, 34.265], "minutes": 30, **more}
    return {"template": template, "window": window, "rule": rule, "first_day": first_day}


def period(start: str = "08:00", end: str = "20:00", **more: Any) -> dict[str, Any]:
    """Any plan will do, so the first one found ends the solve."""
    return {"from": at(start), "to": at(end), "seconds": 30, "gap": 1.0, **more}


class Here(Solver):
    """Solves in this process, where starting another is not what a test is about."""

    def _solve(self, asked: PlanRow, instance: Instance) -> Plan:
        return solve(instance, asked.seconds, asked.gap, asked.seed, threads=1)


def migrated(url: str) -> Database:
    """A database ready for work."""
    database = Database(url)
    schema.migrate(database)
    return ready(database)


def ready(database: Database) -> Database:
    """It, once it is migrated; `DIANDAN_SABOTAGE=no_overlap_guard` takes away what prevents double booking."""
    if os.environ.get("DIANDAN_SABOTAGE") == "no_overlap_guard":
        drop_guard(database)
    return database


def drop_guard(database: Database) -> None:
    with database.engine.begin() as connection:
        if database.is_sqlite:
            connection.execute(text("DROP TRIGGER no_double_booking_insert"))
            connection.execute(text("DROP TRIGGER no_double_booking_update"))
        else:
            connection.execute(text("ALTER TABLE assignments DROP CONSTRAINT no_double_booking"))


def key_for(database: Database, name: str, *roles: Role, territory: int | None = None) -> str:
    """A key with these roles; its secret."""
    grants = [GrantShape(role=role, territory_id=territory) for role in roles]
    with database.writing() as session:
        return users.issue_key(session, KeyCreate(name=name, grants=grants), HOUSE, NOW).secret


@dataclass
class Desk:
    """Somebody who puts things in over HTTP."""

    client: httpx.Client
    database: Database
    settings: Settings
    keys: Any = field(default_factory=itertools.count)

    @classmethod
    def at(cls, listener: socket.socket, database: Database, settings: Settings) -> "Desk":
        """By default of a dispatcher for everywhere, who is the administrator too."""
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        told = {"Accept-Language": "en", "Authorization": f"Bearer {key_for(database, 'desk', DISPATCHER, ADMIN)}"}
        return cls(httpx.Client(verify=PLAIN, base_url=address, timeout=30, headers=told), database, settings)

    def as_(self, *roles: Role, territory: int | None = None) -> "Desk":
        """The same service, as somebody else."""
        key = key_for(self.database, f"desk {next(self.keys)}", *roles, territory=territory)
        return self.holding(key)

    def holding(self, key: str) -> "Desk":
        """The same service, with this key."""
        headers = {**self.client.headers, "authorization": f"Bearer {key}"}
        client = httpx.Client(verify=PLAIN, base_url=self.client.base_url, timeout=30, headers=headers)
        return Desk(client, self.database, self.settings, self.keys)

    def of(self, volunteer_id: int, *more: Role) -> "Desk":
        """The same service, as this volunteer, who may be here for more than that."""
        grants = [GrantShape(role=role) for role in (Role.VOLUNTEER, *more)]
        asked = UserCreate(name=f"v{volunteer_id}.{next(self.keys)}", volunteer_id=volunteer_id, grants=grants)
        with self.database.writing() as session:
            token = entry.begin(session, users.create(session, asked, HOUSE, NOW).id, NOW).token
            session.get_one(SessionRow, hashed(token)).expires_at = NOW + timedelta(days=90)  # whatever the clock says
        address = str(self.client.base_url).rstrip("/")
        headers = {"Accept-Language": "en", "Origin": address, "Cookie": f"{COOKIE}={token}"}
        client = httpx.Client(verify=PLAIN, base_url=address, timeout=30, headers=headers)
        return Desk(client, self.database, self.settings, self.keys)

    @cached_property
    def clerk(self) -> "Desk":
        """The same service, as a clerk who has handled nothing."""
        return self.as_(Role.CLERK)

    def anonymous(self) -> httpx.Client:
        """A client that nobody knows yet; it keeps its cookies."""
        return httpx.Client(verify=PLAIN, base_url=self.client.base_url, timeout=30, headers={"Accept-Language": "en"})

    def post(self, path: str, body: Any, key: str | None = None, **headers: str) -> httpx.Response:
        headers = {"Idempotency-Key": key or f"key-{next(self.keys)}", **headers}
        return self.client.post(path, json=body, headers=headers)

    def get(self, path: str) -> Any:
        return self.client.get(path).raise_for_status().json()

    def enter(self, path: str, body: Mapping[str, Any]) -> int:
        """Put one in; its id."""
        answer = self.post(path, body)
        assert answer.status_code in (201, 202), answer.text
        return int(answer.json()["id"])

    def proposal(self, **more: Any) -> str:
        """A proposed plan, solved here and now; its address."""
        plan_id = self.enter("/v1/plans", period(**more))
        Here(self.database, self.settings, threading.Event()).run(plan_id)
        where = f"/v1/plans/{plan_id}"
        assert self.get(where)["state"] == "proposed", self.get(where)
        return where

    def publish(self, where: str, body: Mapping[str, Any] | None = None, key: str | None = None) -> httpx.Response:
        version = self.client.get(where).headers["ETag"]
        return self.post(f"{where}/publish", body or {}, key, **{"If-Match": version})

    def settled(self, where: str, within: float = 90) -> dict[str, Any]:
        """The plan once its job has ended."""
        until = time.monotonic() + within
        while (plan := self.get(where))["state"] in ("queued", "solving"):
            assert time.monotonic() < until, f"still {plan['state']} after {within} s: {plan}"
            time.sleep(0.1)
        return plan

    def rows(self, query: str, **params: Any) -> list[Any]:
        with self.database.reading() as session:
            return [tuple(row) for row in session.execute(text(query), params)]

    def change(self, statement: str, **params: Any) -> None:
        with self.database.writing() as session:
            session.execute(text(statement), params)
