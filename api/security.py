"""Who is asking, what they may, and which rows are there for them: the one place where all three are decided."""

import hashlib
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

from fastapi import Depends, Request
from sqlalchemy import ColumnElement, and_, false, or_, true
from sqlalchemy import select as columns
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, SQLModel, col, select

from api.db import Database
from api.errors import ApiError, NotFound, RefUnknown
from api.models import (
    AccessRow,
    AssignmentRow,
    GrantRow,
    KeyRow,
    RequestRow,
    SessionRow,
    TeamRow,
    TerritoryRow,
    UnitRow,
    UserRow,
    VolunteerRow,
)
from api.models.plans import IN_FORCE, AssignmentState
from api.roles import Role
from api.sessions import DatabaseDep, Now
from api.visibility import Sight, at_a_glance, noted

Shaped = TypeVar("Shaped")

COOKIE = "session"
BEARER = "bearer "
KEY_PREFIX = "dd_"

IDLE = timedelta(hours=12)
"""A session ends after so long without a request."""

LONGEST = timedelta(days=30)
"""And after so long in any case."""

HARMLESS = ("GET", "HEAD", "OPTIONS")

SHOWN = (*IN_FORCE, AssignmentState.DONE)
"""Seats their volunteer knows of."""


class Unauthenticated(ApiError):
    """No valid credentials; which of them is wrong is nobody's business."""

    status, code = 401, "unauthenticated"

    def __init__(self) -> None:
        super().__init__(headers={"WWW-Authenticate": "Bearer"})


class Forbidden(ApiError):
    status, code = 403, "forbidden"


class CrossSite(ApiError):
    """Another site's page would have us do something; a browser says where a request comes from."""

    status, code = 403, "cross_site"


class TerritoryUnknown(ApiError):
    status, code = 422, "territory_unknown"


class TeamUnknown(ApiError):
    status, code = 422, "team_unknown"


class UnitUnknown(ApiError):
    status, code = 422, "unit_unknown"


class RoleNeedsTerritory(ApiError):
    status, code = 422, "role_needs_territory"


@dataclass(frozen=True)
class Grant:
    """A role in a territory and all below it; without a path, everywhere."""

    role: Role
    territory_id: int | None = None
    path: str | None = None


@dataclass(frozen=True)
class Actor:
    """Who is asking: a user or a program's key, with what they may."""

    name: str
    grants: tuple[Grant, ...]
    user_id: int | None = None
    key_id: int | None = None
    label: str | None = None
    volunteer_id: int | None = None
    form_token: str = field(default="", repr=False)

    @property
    def mark(self) -> str:
        """What tells them from everybody else, for good."""
        return f"key-{self.key_id}" if self.key_id else f"user-{self.user_id}"

    @property
    def is_house(self) -> bool:
        """Whether this is the service itself."""
        return self.user_id is None and self.key_id is None

    @property
    def roles(self) -> frozenset[Role]:
        return frozenset(grant.role for grant in self.grants)

    @property
    def whole(self) -> bool:
        """Whether one of the roles reaches everywhere."""
        return any(grant.path is None for grant in self.grants if grant.role != Role.VOLUNTEER)

    def as_one_of(self, roles: Collection[Role]) -> "Actor":
        """The same, with no other roles than these: on this errand nothing else counts."""
        return replace(self, grants=tuple(grant for grant in self.grants if grant.role in roles))


HOUSE = Actor("house", tuple(Grant(role) for role in Role))
"""The service itself, on its own errands."""

CLOCK = replace(HOUSE, name="clock")
"""The service when a clock has run out."""


def new_token() -> str:
    """256 random bits that fit into an address."""
    return secrets.token_urlsafe(32)


def hashed(token: str) -> str:
    """What is kept of a token: it is random, so a fast hash will do."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def actor(request: Request, database: DatabaseDep, now: Now) -> Actor:
    """Who is asking, by the cookie of a session or the key of a program; never by both."""
    keys, cookies = request.headers.getlist("authorization"), _cookies(request)
    if len(keys) + len(cookies) != 1:
        raise Unauthenticated
    found = _by_key(database, keys[0]) if keys else _by_session(database, cookies[0], now)
    if found is None:
        raise Unauthenticated
    if cookies and request.method not in HARMLESS:
        check_origin(request)
    request.state.actor = found
    return found


ActorDep = Annotated[Actor, Depends(actor, scope="function")]


def may(*roles: Role) -> Any:
    """A dependency: the actor in these roles, or 403 for whoever has none of them."""

    def check(actor: ActorDep) -> Actor:
        allowed = actor.as_one_of(roles)
        if not allowed.grants:
            raise Forbidden
        return allowed

    check.roles = roles  # type: ignore[attr-defined]
    return Depends(check, scope="function")


def _cookies(request: Request) -> list[str]:
    pairs = [pair.strip() for line in request.headers.getlist("cookie") for pair in line.split(";")]
    return [pair.removeprefix(f"{COOKIE}=") for pair in pairs if pair.startswith(f"{COOKIE}=")]


def _by_key(database: Database, header: str) -> Actor | None:
    if not header.lower().startswith(BEARER):
        return None
    token = header[len(BEARER) :].strip()
    with database.reading() as session:
        wanted = select(KeyRow).where(KeyRow.token_hash == hashed(token), col(KeyRow.revoked_at).is_(None))
        key = session.exec(wanted).first()
        if key is None:
            return None
        grants = grants_of(session, GrantRow.key_id == key.id)
        return Actor(f"key:{key.name}", grants, key_id=key.id, form_token=hashed(f"form {token}"))


def _by_session(database: Database, token: str, now: datetime) -> Actor | None:
    with database.reading() as session:
        kept = session.get(SessionRow, hashed(token))
        user = kept and session.get(UserRow, kept.user_id)
        if kept is None or user is None or not user.active or kept.expires_at <= now:
            return None
        found = replace(actor_of(session, user), form_token=hashed(f"form {token}"))
    if kept.expires_at - now < IDLE / 2:
        _renew(database, kept, now)
    return found


def actor_of(session: Session, user: UserRow) -> Actor:
    """A user as an actor."""
    grants = grants_of(session, GrantRow.user_id == user.id)
    return Actor(user.name, grants, user_id=user.id, label=user.label, volunteer_id=user.volunteer_id)


def grants_of(session: Session, whose: Any) -> tuple[Grant, ...]:
    """The grants of a user or a key, with the paths of their territories."""
    found = select(GrantRow, TerritoryRow.path).join(TerritoryRow, isouter=True).where(whose).order_by(col(GrantRow.id))
    return tuple(Grant(Role(row.role), row.territory_id, path) for row, path in session.exec(found))


def _renew(database: Database, kept: SessionRow, now: datetime) -> None:
    """Whoever works stays logged in, up to a limit; a busy database is asked again next time."""
    with suppress(OperationalError), database.writing() as session:
        row = session.get(SessionRow, kept.token_hash)
        if row is not None:
            row.expires_at = min(now + IDLE, row.created_at + LONGEST)


def check_origin(request: Request) -> None:
    """Browsers say whether a request comes from a page of ours; who says nothing is no browser of today."""
    said = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    ours = "same-origin", origin(request)
    if said == (None, None) or any(word not in (None, own) for word, own in zip(said, ours, strict=True)):
        raise CrossSite("Origin", said[1] or said[0] or "?")


def origin(request: Request) -> str:
    """Where our pages are, as browsers write it."""
    public = request.app.state.settings.public_url
    if public is None:
        return f"{request.url.scheme}://{request.headers.get('host')}"
    parts = urlsplit(public)
    return f"{parts.scheme}://{parts.netloc}"


# Which rows are there for whom


def reach(actor: Actor, table: type[SQLModel]) -> ColumnElement[bool]:
    """The rows of a table that this actor may know of; all others are not there for them."""
    held = [_held(table, grant.path) for grant in actor.grants if grant.role != Role.VOLUNTEER]
    own = _own(table, actor.volunteer_id) if Role.VOLUNTEER in actor.roles else false()
    return or_(false(), own, *held)


def find(session: Session, table: type[Any], id: int, actor: Actor, path: str) -> Any:
    """The row with this id; NotFound if there is none, or not for this actor."""
    row = session.exec(select(table).where(table.id == id, reach(actor, table))).first()
    if row is None:
        raise NotFound(path, id)
    return row


def know_volunteers(session: Session, actor: Actor, named: Mapping[int, str]) -> None:
    """Refuse ids of volunteers of whom this actor may know nothing; `named` says in which field each stands."""
    there = select(VolunteerRow.id).where(col(VolunteerRow.id).in_(named), reach(actor, VolunteerRow))
    known = set(session.exec(there)) if named else set()
    for id in named.keys() - known:
        raise RefUnknown(named[id], id)


def _held(table: type[SQLModel], path: str | None) -> ColumnElement[bool]:
    if path is None:
        return true()
    if table is AssignmentRow:
        return col(AssignmentRow.request_id).in_(columns(RequestRow.id).where(_held(RequestRow, path)))
    if table is TerritoryRow:
        return below(path)
    if table in (UserRow, KeyRow):
        return _granted_below(table, path)
    return col(table.territory_id).in_(columns(TerritoryRow.id).where(below(path)))  # type: ignore[attr-defined]


def below(path: str) -> ColumnElement[bool]:
    """A territory and all it holds: one range of the index, since `0` comes right after `/`."""
    return and_(col(TerritoryRow.path) >= path, col(TerritoryRow.path) < f"{path[:-1]}0")


def _granted_below(table: type[Any], path: str) -> ColumnElement[bool]:
    """Whoever has a role at all, and none outside of this territory: who may more is not administered from below."""
    whose = GrantRow.user_id if table is UserRow else GrantRow.key_id
    inside = col(GrantRow.territory_id).in_(columns(TerritoryRow.id).where(below(path)))
    some = columns(GrantRow.id).where(whose == table.id).exists()
    outside = columns(GrantRow.id).where(whose == table.id, or_(col(GrantRow.territory_id).is_(None), ~inside)).exists()
    return and_(some, ~outside)


def _own(table: type[SQLModel], volunteer_id: int | None) -> ColumnElement[bool]:
    """What a volunteer may know of: the own entry, and requests with a seat of their own."""
    if table is VolunteerRow:
        return col(VolunteerRow.id) == volunteer_id
    if table is RequestRow:
        seats = columns(AssignmentRow.request_id).where(
            col(AssignmentRow.volunteer_id) == volunteer_id, col(AssignmentRow.state).in_(SHOWN)
        )
        return col(RequestRow.id).in_(seats)
    if table is AssignmentRow:  # what is only proposed is not theirs yet
        return and_(AssignmentRow.volunteer_id == volunteer_id, AssignmentRow.state != AssignmentState.PROPOSED)
    return false()


def roles_over(session: Session, actor: Actor, rows: Sequence[Any]) -> Callable[[Any], frozenset[Role]]:
    """Which of the actor's roles hold for each of these rows: a role elsewhere counts for nothing here."""
    places = {row.territory_id for row in rows}
    known = select(TerritoryRow.id, TerritoryRow.path).where(col(TerritoryRow.id).in_(places))
    paths: dict[int, str] = dict(session.exec(known).all())

    def over(row: Any) -> frozenset[Role]:
        path = paths.get(row.territory_id, "")
        return frozenset(
            grant.role
            for grant in actor.grants
            if grant.role == Role.VOLUNTEER or grant.path is None or path.startswith(grant.path)
        )

    return over


def capacities(
    session: Session, actor: Actor, request: RequestRow, seat: AssignmentRow | None = None
) -> frozenset[str]:
    """As what this actor may act on a request or one of its seats: by the roles that hold there, a volunteer on the own
    seat alone, the house as nothing but the house."""
    if actor.is_house:
        return frozenset({"house"})
    over = roles_over(session, actor, [request])(request)
    own = seat is not None and seat.volunteer_id == actor.volunteer_id
    return frozenset(role for role in over if own or role != Role.VOLUNTEER)


def told(session: Session, actor: Actor, rows: Sequence[Any], shape: type[Shaped]) -> list[Shaped]:
    """These rows as they go out in a list: personal fields masked."""
    over = roles_over(session, actor, rows)
    return [shape.of(row, at_a_glance(over(row))) for row in rows]  # type: ignore[attr-defined]


def placed(session: Session, actor: Actor, territory_id: int | None) -> int | None:
    """The territory that something new belongs to: the one named, else the only one the actor has."""
    if territory_id is not None:
        return known_territory(session, actor, territory_id)
    own = {grant.territory_id for grant in actor.grants}
    if actor.whole:
        return None
    if len(own) != 1:
        raise RoleNeedsTerritory("territory_id")
    return own.pop()


def known_territory(session: Session, actor: Actor, territory_id: int) -> int:
    """The same id, if there is such a territory for this actor."""
    known = select(TerritoryRow.id).where(TerritoryRow.id == territory_id, reach(actor, TerritoryRow))
    if session.exec(known).first() is None:
        raise TerritoryUnknown("territory_id", territory_id)
    return territory_id


def know_groups(session: Session, actor: Actor, unit_id: int | None, team_id: int | None) -> None:
    """Refuse a unit or a team that is not there for this actor."""
    for table, id, unknown in ((UnitRow, unit_id, UnitUnknown), (TeamRow, team_id, TeamUnknown)):
        if id is not None and session.exec(select(table.id).where(table.id == id, reach(actor, table))).first() is None:
            raise unknown("unit_id" if table is UnitRow else "team_id", id)


def note_view(
    database: Database,
    read: Session,
    actor: Actor,
    noun: str,
    row: Any,
    seen: Sight,
    now: datetime,
    values: Mapping[str, Any] | None = None,
) -> None:
    """Before personal data is told in full, note who saw it. The reading ends first: it would bar the writing."""
    fields = noted(noun, row.model_dump() if values is None else values, seen)
    read.close()
    if fields:
        with database.writing() as session:
            session.add(AccessRow(at=now, who=actor.name, noun=noun, noun_id=row.id, fields=" ".join(fields)))
