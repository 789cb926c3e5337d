"""A town for tests: a district of two streets, the same in each of them, and somebody for every role in the first."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import httpx

from api.models import UserRow
from api.models.people import GrantShape, TeamCreate, TerritoryCreate, UnitCreate, UserCreate
from api.people import entry, territories, users
from api.roles import ROLES, Role
from api.security import COOKIE, HOUSE
from tests.api.desk import NOW, PLAIN, Desk, request, series, volunteer

PERSONAL = {"name": "李淑芬", "phone": "13812341234", "door": "3 号楼 2 单元 501", "text": "老人腿脚不便"}
CANARY_PHONE = "13987659876"


@dataclass(frozen=True)
class Street:
    """What there is of each noun in one street."""

    territory: int
    community: int
    unit: int
    team: int
    volunteer: int
    request: int
    plan: int
    assignment: int
    series: int
    user: int
    key: int

    def id_of(self, noun: str) -> int:
        return int(getattr(self, noun))


@dataclass(frozen=True)
class Town:
    """Two streets that have nothing to do with each other."""

    desk: Desk
    district: int
    own: Street
    foreign: Street
    people: Mapping[Role, int]

    def entered(self, user_id: int) -> httpx.Client:
        """A browser in which this user has just logged in."""
        with self.desk.database.writing() as session:
            token = entry.begin(session, user_id, datetime.now(UTC)).token
        address = str(self.desk.client.base_url).rstrip("/")
        headers = {"Accept-Language": "en", "Origin": address, "Cookie": f"{COOKIE}={token}"}
        return httpx.Client(verify=PLAIN, base_url=address, timeout=30, headers=headers)

    def as_(self, role: Role) -> httpx.Client:
        """Somebody who has this role in the own street."""
        return self.entered(self.people[role])


def town(desk: Desk) -> Town:
    """Build it; in each street the one request is offered to the one volunteer."""
    with desk.database.writing() as session:
        district = territories.create(session, TerritoryCreate(name="莲湖区"), HOUSE, NOW).id
    streets = [_street(desk, district, name) for name in ("青年路街道", "环城西路街道")]
    own, foreign = (_with_work(desk, street) for street in streets)
    people = {role: user(desk, f"{role}.own", role, own.territory, own.volunteer) for role in ROLES}
    return Town(desk, district, own, foreign, people)


def _street(desk: Desk, district: int, name: str) -> Street:
    with desk.database.writing() as session:
        street = territories.create(session, TerritoryCreate(parent_id=district, name=name), HOUSE, NOW).id
        community = territories.create(session, TerritoryCreate(parent_id=street, name=f"{name}社区"), HOUSE, NOW).id
        unit = territories.create_unit(session, UnitCreate(name=f"{name}队", territory_id=street), HOUSE, NOW).id
        team = territories.create_team(session, TeamCreate(name=f"{name}一队", territory_id=street), HOUSE, NOW).id
    admin = user(desk, f"admin.{street}", Role.ADMIN, street)
    key = {"name": name, "grants": [{"role": "clerk", "territory_id": street}]}
    return Street(street, community, unit, team, 0, 0, 0, 0, 0, admin, desk.enter("/v1/keys", key))


def _with_work(desk: Desk, street: Street) -> Street:
    there = {"territory_id": street.community}
    person = desk.enter("/v1/volunteers", volunteer(label="王秀英", phone=CANARY_PHONE, **there))
    asked = desk.enter("/v1/requests", request(label="陪诊", **there, **PERSONAL))
    where = desk.proposal(territory_id=street.territory)
    desk.publish(where).raise_for_status()
    seat = desk.get(where)["assignments"][0]["id"]
    repeats = desk.enter("/v1/series", series(**PERSONAL) | there)
    plan = int(where.rpartition("/")[2])
    return replace(street, volunteer=person, request=asked, plan=plan, assignment=seat, series=repeats)


def user(desk: Desk, name: str, role: Role | None, territory: int | None = None, person: int | None = None) -> int:
    """A new user; only a volunteer is one."""
    grants = [] if role is None else [GrantShape(role=role, territory_id=territory)]
    asked = UserCreate(name=name, grants=grants, volunteer_id=person if role == Role.VOLUNTEER else None)
    with desk.database.writing() as session:
        return int(users.create(session, asked, HOUSE, NOW).id)


def with_password(desk: Desk, user_id: int, password: str) -> None:
    """As if they had followed their link."""
    with desk.database.writing() as session:
        link = users.link(session, session.get_one(UserRow, user_id), "", datetime.now(UTC), "test").link
    entry.set_password(desk.database, link.removeprefix("/enter/"), password, datetime.now(UTC))


def body_of(described: Mapping[str, Any], operation: Mapping[str, Any]) -> dict[str, Any] | None:
    """The example that OpenAPI gives for what an operation takes."""
    if "requestBody" not in operation:
        return None
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    options = [schema, *schema.get("anyOf", [])]
    name = next(one["$ref"] for one in options if "$ref" in one).rpartition("/")[2]
    return {**described["components"]["schemas"][name]["example"]}
