"""Users and programs: who they are and what they may, given by administrators within their own territory."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlmodel import Session, col, select

from api import ledger
from api.errors import ApiError
from api.models import GrantRow, KeyRow, LinkRow, SessionRow, UserRow
from api.models.people import (
    GrantShape,
    KeyCreate,
    KeyPublic,
    KeyShown,
    LinkShown,
    MePublic,
    UserCreate,
    UserPublic,
)
from api.people.territories import NameTaken
from api.roles import Role
from api.security import (
    KEY_PREFIX,
    Actor,
    Grant,
    actor_of,
    find,
    grants_of,
    hashed,
    know_volunteers,
    new_token,
    placed,
)

LINK_LIFE = timedelta(minutes=15)

FIRST_ADMIN = "admin"


class UserUnknown(ApiError):
    status, code = 404, "user_unknown"


def create(session: Session, asked: UserCreate, actor: Actor, at: datetime) -> UserPublic:
    """A new user, without a password yet."""
    if session.exec(select(UserRow.id).where(UserRow.name == asked.name)).first():
        raise NameTaken("name", asked.name)
    if asked.volunteer_id is not None:
        know_volunteers(session, actor, {asked.volunteer_id: "volunteer_id"})
    row = UserRow(name=asked.name, label=asked.label, volunteer_id=asked.volunteer_id, created_at=at)
    session.add(row)
    session.flush()
    _grant(session, asked.grants, actor, user_id=row.id)
    ledger.note(session, "user", [row.id], None, "active", actor.name, at, _told(asked.grants))
    return public(session, row)


def _grant(session: Session, grants: Sequence[GrantShape], actor: Actor, **whose: int) -> None:
    """Nobody gives what lies outside of their own territory."""
    for grant in grants:
        territory_id = placed(session, actor, grant.territory_id)
        session.add(GrantRow(role=grant.role, territory_id=territory_id, **whose))
    session.flush()


def regrant(session: Session, user_id: int, grants: Sequence[GrantShape], actor: Actor, at: datetime) -> UserPublic:
    """Other roles from now on."""
    row: UserRow = find(session, UserRow, user_id, actor, "user_id")
    before = _told(public(session, row).grants)
    session.execute(delete(GrantRow).where(col(GrantRow.user_id) == user_id))
    _grant(session, grants, actor, user_id=user_id)
    ledger.note(session, "user", [user_id], before, _told(grants), actor.name, at)
    return public(session, row)


def set_active(session: Session, user_id: int, active: bool, actor: Actor, at: datetime) -> UserPublic:
    """Let somebody in again, or no more: then all their sessions and links end."""
    row: UserRow = find(session, UserRow, user_id, actor, "user_id")
    was, row.active = row.active, active
    if not active:
        _end_all(session, user_id)
    states = {True: "active", False: "inactive"}
    ledger.note(session, "user", [user_id], states[was], states[active], actor.name, at)
    session.flush()
    return public(session, row)


def _end_all(session: Session, user_id: int) -> None:
    for table in (SessionRow, LinkRow):
        session.execute(delete(table).where(col(table.user_id) == user_id))


def _told(grants: Sequence[GrantShape]) -> str:
    return " ".join(g.role if g.territory_id is None else f"{g.role}@{g.territory_id}" for g in grants) or "nothing"


def public(session: Session, row: UserRow) -> UserPublic:
    """A user as they go out."""
    return UserPublic(
        id=row.id,
        name=row.name,
        label=row.label,
        active=row.active,
        has_password=row.password_hash is not None,
        volunteer_id=row.volunteer_id,
        grants=_shapes(grants_of(session, GrantRow.user_id == row.id)),
    )


def _shapes(grants: Sequence[Grant]) -> list[GrantShape]:
    return [GrantShape(role=grant.role, territory_id=grant.territory_id) for grant in grants]


def me(actor: Actor) -> MePublic:
    """What the service knows of whoever asks."""
    return MePublic(name=actor.name, label=actor.label, volunteer_id=actor.volunteer_id, grants=_shapes(actor.grants))


def actor_by_id(session: Session, user_id: int) -> Actor:
    """A user as an actor."""
    return actor_of(session, session.get_one(UserRow, user_id))


def link(
    session: Session,
    user: UserRow,
    address: str,
    at: datetime,
    by: str,
    life: timedelta = LINK_LIFE,
    lets_in: bool = False,
) -> LinkShown:
    """A link for this user, known to whoever sees it now; all earlier ones end."""
    session.execute(delete(LinkRow).where(col(LinkRow.user_id) == user.id))
    token = new_token()
    session.add(LinkRow(token_hash=hashed(token), user_id=user.id, lets_in=lets_in, expires_at=at + life))
    ledger.note(session, "user", [user.id], None, "link", by, at)
    session.flush()
    return LinkShown(link=f"{address}/enter/{token}", expires_at=at + life)


def named(session: Session, name: str) -> UserRow:
    """The user of this name."""
    row = session.exec(select(UserRow).where(UserRow.name == name)).first()
    if row is None:
        raise UserUnknown("name", name)
    return row


def first_admin(session: Session, at: datetime) -> UserRow | None:
    """Somebody to begin with, as long as nobody can log in; None once somebody can."""
    if session.exec(select(UserRow.id).where(col(UserRow.password_hash).is_not(None))).first():
        return None
    row = session.exec(select(UserRow).where(UserRow.name == FIRST_ADMIN)).first()
    if row is None:
        row = UserRow(name=FIRST_ADMIN, created_at=at)
        session.add(row)
        session.flush()
        session.add(GrantRow(user_id=row.id, role=Role.ADMIN))
        ledger.note(session, "user", [row.id], None, "active", "house", at, "the first one")
        session.flush()
    return row


def issue_key(session: Session, asked: KeyCreate, actor: Actor, at: datetime) -> KeyShown:
    """A new key; its secret is told once and kept as a hash."""
    secret = KEY_PREFIX + new_token()
    row = KeyRow(name=asked.name, token_hash=hashed(secret), created_at=at)
    session.add(row)
    session.flush()
    _grant(session, asked.grants, actor, key_id=row.id)
    ledger.note(session, "key", [row.id], None, "issued", actor.name, at, _told(asked.grants))
    return KeyShown(**public_key(session, row).model_dump(), secret=secret)


def rotate_key(session: Session, key_id: int, actor: Actor, at: datetime) -> KeyShown:
    """Another secret for the same key; the old one ends."""
    row: KeyRow = find(session, KeyRow, key_id, actor, "key_id")
    secret = KEY_PREFIX + new_token()
    row.token_hash = hashed(secret)
    ledger.note(session, "key", [key_id], None, "rotated", actor.name, at)
    session.flush()
    return KeyShown(**public_key(session, row).model_dump(), secret=secret)


def revoke_key(session: Session, key_id: int, actor: Actor, at: datetime) -> None:
    """The key opens nothing any more."""
    row: KeyRow = find(session, KeyRow, key_id, actor, "key_id")
    if row.revoked_at is None:
        row.revoked_at = at
        ledger.note(session, "key", [key_id], "issued", "revoked", actor.name, at)


def public_key(session: Session, row: KeyRow) -> KeyPublic:
    """A key as it goes out."""
    grants = _shapes(grants_of(session, GrantRow.key_id == row.id))
    return KeyPublic(id=row.id, name=row.name, created_at=row.created_at, revoked_at=row.revoked_at, grants=grants)
