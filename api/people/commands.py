"""What the command line does about people: the first administrator, a new user, a link for a new password."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

from pydantic import ValidationError
from sqlmodel import Session

from api import schema
from api.db import Database
from api.errors import ApiError
from api.models.people import GrantShape, UserCreate
from api.people import users
from api.roles import Role
from api.security import HOUSE
from api.settings import Settings

KEEPER = replace(HOUSE, name="command line")


class NameInvalid(ApiError):
    status, code = 422, "name_invalid"


def first_link(settings: Settings, address: str) -> str | None:
    """The link for the first administrator, as long as nobody can log in."""
    with _writing(settings) as session:
        admin = users.first_admin(session, _now())
        return admin and users.link(session, admin, address, _now(), KEEPER.name).link


def add_user(settings: Settings, name: str, roles: Sequence[Role], territory_id: int | None) -> str:
    """A new user; the link with which they set a password."""
    grants = [GrantShape(role=role, territory_id=territory_id) for role in roles]
    try:
        asked = UserCreate(name=name, grants=grants)
    except ValidationError:
        raise NameInvalid("NAME", name, limit=64) from None
    with _writing(settings) as session:
        users.create(session, asked, KEEPER, _now())
        return users.link(session, users.named(session, name), _address(settings), _now(), KEEPER.name).link


def link_for(settings: Settings, name: str) -> str:
    """A link with which this user sets a password."""
    with _writing(settings) as session:
        return users.link(session, users.named(session, name), _address(settings), _now(), KEEPER.name).link


@contextmanager
def _writing(settings: Settings) -> Iterator[Session]:
    database = Database(settings.database_url)
    try:
        schema.check(database, schema.wanted())
        with database.writing() as session:
            yield session
    finally:
        database.close()


def _address(settings: Settings) -> str:
    return settings.public_url or f"http://{settings.host}:{settings.port}"


def _now() -> datetime:
    return datetime.now(UTC)
