"""People who use the service and where they may: territories, users, grants, keys, sessions, links, and who looked."""

from datetime import datetime
from enum import StrEnum

from pydantic import ConfigDict
from pydantic import Field as ShapeField
from sqlalchemy import String
from sqlmodel import Field, SQLModel

from api.models.base import Id, LoginName, Shape, Text, UtcDateTime, choice, items, text
from api.roles import ROLES


class Level(StrEnum):
    """How large a territory is."""

    DISTRICT = "district"
    STREET = "street"
    COMMUNITY = "community"
    GRID = "grid"


LEVELS = tuple(Level)

Bytewise = String().with_variant(String(collation="C"), "postgresql")
"""Text in the order of its bytes, as SQLite has it anyhow: a subtree is then one range of an index."""

Password = text(200)
RoleName = choice(ROLES)
MOST_GRANTS = 50


class TerritoryRow(SQLModel, table=True):
    """A part of the district. `path` names everything above it and itself: `/1/4/`."""

    __tablename__ = "territories"

    id: int | None = Field(default=None, primary_key=True)
    parent_id: int | None = Field(default=None, foreign_key="territories.id", index=True)
    level: str
    name: str
    code: str | None = Field(default=None, unique=True)
    path: str = Field(sa_type=Bytewise, index=True)

    @property
    def above(self) -> list[int]:
        """Everything it lies in, the largest first, and itself."""
        return [int(id) for id in self.path.strip("/").split("/")]


class UnitRow(SQLModel, table=True):
    """A work unit that sends volunteers."""

    __tablename__ = "units"

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    territory_id: int | None = Field(default=None, foreign_key="territories.id", index=True)


class TeamRow(SQLModel, table=True):
    """Volunteers who go out together, of a unit or of none."""

    __tablename__ = "teams"

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    territory_id: int | None = Field(default=None, foreign_key="territories.id", index=True)
    unit_id: int | None = Field(default=None, foreign_key="units.id", index=True)


class UserRow(SQLModel, table=True):
    """Somebody who may log in, once they have a password."""

    __tablename__ = "users"

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    label: str | None = None
    password_hash: str | None = None
    active: bool = True
    volunteer_id: int | None = Field(default=None, foreign_key="volunteers.id", index=True)
    created_at: datetime = Field(sa_type=UtcDateTime)


class KeyRow(SQLModel, table=True):
    """A program's key: shown once, kept as its hash."""

    __tablename__ = "api_keys"

    id: int | None = Field(default=None, primary_key=True)
    name: str
    token_hash: str = Field(unique=True)
    created_at: datetime = Field(sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class GrantRow(SQLModel, table=True):
    """One role of a user or a key, in one territory and all below it; without one, everywhere."""

    __tablename__ = "grants"

    id: int | None = Field(default=None, primary_key=True)
    user_id: int | None = Field(default=None, foreign_key="users.id", index=True)
    key_id: int | None = Field(default=None, foreign_key="api_keys.id", index=True)
    role: str
    territory_id: int | None = Field(default=None, foreign_key="territories.id")


class SessionRow(SQLModel, table=True):
    """Somebody is logged in."""

    __tablename__ = "sessions"

    token_hash: str = Field(primary_key=True)
    user_id: int = Field(foreign_key="users.id", index=True)
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)


class LinkRow(SQLModel, table=True):
    """A link with which its user sets a password, once; or, for a demo, is simply let in."""

    __tablename__ = "links"

    token_hash: str = Field(primary_key=True)
    user_id: int = Field(foreign_key="users.id", index=True)
    lets_in: bool = False
    expires_at: datetime = Field(sa_type=UtcDateTime)


class AttemptRow(SQLModel, table=True):
    """Somebody tried to log in and has not succeeded. The name is kept as a hash: people type passwords there."""

    __tablename__ = "login_attempts"

    id: int | None = Field(default=None, primary_key=True)
    name_hash: str = Field(index=True)
    address: str = Field(index=True)
    at: datetime = Field(sa_type=UtcDateTime)


class AccessRow(SQLModel, table=True):
    """Somebody saw personal data in full: who, when, whose, which fields."""

    __tablename__ = "access_log"

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(sa_type=UtcDateTime)
    who: str
    noun: str
    noun_id: int = Field(index=True)
    fields: str


class TerritoryCreate(Shape):
    """A new territory: a district, or what lies one level below its parent."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"name": "莲湖区", "code": "610104"}})

    parent_id: Id | None = None
    name: Text
    code: Text | None = None


class TerritoryMove(Shape):
    """Where it is to lie from now on."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"parent_id": 1}})

    parent_id: Id


class TerritoryPublic(Shape):
    """A territory as it goes out."""

    id: Id
    parent_id: Id | None
    level: Level
    name: str
    code: str | None


class UnitCreate(Shape):
    """A new work unit."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"name": "区医院志愿服务队"}})

    name: Text
    territory_id: Id | None = None


class UnitPublic(Shape):
    """A work unit as it goes out."""

    id: Id
    name: str
    territory_id: Id | None


class TeamCreate(Shape):
    """A new team."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"name": "城关红色物业一队"}})

    name: Text
    territory_id: Id | None = None
    unit_id: Id | None = None


class TeamPublic(Shape):
    """A team as it goes out, with how many are in it."""

    id: Id
    name: str
    territory_id: Id | None
    unit_id: Id | None
    volunteers: int


class GrantShape(Shape):
    """A role, in a territory and all below it; without one, everywhere."""

    role: RoleName
    territory_id: Id | None = None


GRANTS_EXAMPLE = [{"role": "dispatcher"}]


class UserCreate(Shape):
    """A new user: they set their own password by a link."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"name": "wang", "label": "王主任", "grants": GRANTS_EXAMPLE}}
    )

    name: LoginName
    label: Text | None = None
    volunteer_id: Id | None = None
    grants: items(GrantShape, MOST_GRANTS) = ShapeField(default_factory=list)


class GrantsChange(Shape):
    """All roles of a user from now on."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"grants": GRANTS_EXAMPLE}})

    grants: items(GrantShape, MOST_GRANTS)


class UserPublic(Shape):
    """A user as they go out."""

    id: Id
    name: str
    label: str | None
    active: bool
    has_password: bool
    volunteer_id: Id | None
    grants: list[GrantShape]


class KeyCreate(Shape):
    """A new key for a program."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"name": "12345 热线", "grants": GRANTS_EXAMPLE}}
    )

    name: Text
    grants: items(GrantShape, MOST_GRANTS, least=1)


class KeyPublic(Shape):
    """A key as it goes out: never its secret."""

    id: Id
    name: str
    created_at: datetime
    revoked_at: datetime | None
    grants: list[GrantShape]


class KeyShown(KeyPublic):
    """A key with its secret, this once."""

    secret: str


class LinkShown(Shape):
    """A link with which a user sets a password, this once."""

    link: str
    expires_at: datetime


class LogIn(Shape):
    """Who wants in. A name that nobody could have is told the same as a wrong one."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"name": "wang", "password": "…"}})

    name: Text
    password: Password


class MePublic(Shape):
    """Who is asking, and what they may."""

    name: str
    label: str | None
    volunteer_id: Id | None
    grants: list[GrantShape]
