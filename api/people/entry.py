"""The way in: passwords, one-time links, sessions; and patience with whoever guesses."""

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from pwdlib import PasswordHash
from sqlalchemy import delete
from sqlmodel import Session, col, select

from api import ledger
from api.db import Database
from api.errors import ApiError
from api.models import AttemptRow, LinkRow, SessionRow, UserRow
from api.security import IDLE, hashed, new_token

SHORTEST = 10
LATELY = timedelta(minutes=15)
TRIES_OF_A_NAME = 10
TRIES_OF_AN_ADDRESS = 50

_PASSWORDS = PasswordHash.recommended()
_FEW_AT_ONCE = threading.BoundedSemaphore(2)
"""A hash takes 64 MB and a core for a moment: guessers queue up, and the house stays up."""


class LoginFailed(ApiError):
    """The name or the password: which of them is nobody's business."""

    status, code = 401, "login_failed"


class LoginRate(ApiError):
    status, code = 429, "login_rate"

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds=seconds, headers={"Retry-After": str(seconds)})


class LinkUnknown(ApiError):
    status, code = 404, "link_unknown"


class PasswordShort(ApiError):
    status, code = 422, "password_short"


@dataclass(frozen=True)
class Entered:
    """Somebody who is in: the token of their session, told once."""

    token: str
    user_id: int
    expires_at: datetime


def log_in(database: Database, name: str, password: str, address: str, at: datetime) -> Entered:
    """Let somebody in. The attempt counts before it is looked at, so that guesses sent at once count too."""
    attempt = _count(database, name, address, at)
    with database.reading() as session:
        user = session.exec(select(UserRow).where(UserRow.name == name, col(UserRow.active).is_(True))).first()
    right, better = _verified(password, user.password_hash if user else None)
    if user is None or not right:
        raise LoginFailed("name")
    with database.writing() as session:
        mine = [AttemptRow.name_hash == attempt.name_hash, AttemptRow.address == address]
        session.execute(delete(AttemptRow).where(*mine))
        if better is not None:
            session.get_one(UserRow, user.id).password_hash = better
        return begin(session, user.id, at)


def _count(database: Database, name: str, address: str, at: datetime) -> AttemptRow:
    attempt = AttemptRow(name_hash=hashed(name), address=address, at=at)
    with database.writing() as session:
        session.execute(delete(AttemptRow).where(col(AttemptRow.at) <= at - LATELY))
        _refuse_too_many(session, attempt, at)
        session.add(attempt)
    return attempt


def _refuse_too_many(session: Session, attempt: AttemptRow, at: datetime) -> None:
    same_name, same_address = AttemptRow.name_hash == attempt.name_hash, AttemptRow.address == attempt.address
    for same, most in ((same_name, TRIES_OF_A_NAME), (same_address, TRIES_OF_AN_ADDRESS)):
        times = session.exec(select(AttemptRow.at).where(same).order_by(col(AttemptRow.at).desc()).limit(most)).all()
        if len(times) == most:
            raise LoginRate(int((times[-1] + LATELY - at).total_seconds()) + 1)


def _verified(password: str, kept: str | None) -> tuple[bool, str | None]:
    """Whether the password is right, and its newer hash if there is a better way by now.

    Without a hash another one is compared with all the same, so that nobody learns from the time it takes.
    """
    with _FEW_AT_ONCE:
        right, better = _PASSWORDS.verify_and_update(password, kept or _nobodys())
    return right and kept is not None, better


@cache
def _nobodys() -> str:
    return _PASSWORDS.hash(new_token())


def begin(session: Session, user_id: int, at: datetime) -> Entered:
    """A session of this user; those that have ended are swept out."""
    session.execute(delete(SessionRow).where(col(SessionRow.expires_at) <= at))
    token = new_token()
    session.add(SessionRow(token_hash=hashed(token), user_id=user_id, created_at=at, expires_at=at + IDLE))
    session.flush()
    return Entered(token, user_id, at + IDLE)


def end(session: Session, token: str) -> None:
    """Log out."""
    session.execute(delete(SessionRow).where(col(SessionRow.token_hash) == hashed(token)))


def linked(session: Session, token: str, at: datetime) -> tuple[LinkRow, UserRow]:
    """Whom this link is for, as long as it holds."""
    link = session.get(LinkRow, hashed(token))
    user = link and session.get(UserRow, link.user_id)
    if link is None or user is None or link.expires_at <= at or not user.active:
        raise LinkUnknown
    return link, user


def set_password(database: Database, token: str, password: str, at: datetime) -> Entered:
    """Use a link up: its user has this password from now on, is in, and is out everywhere else."""
    with database.reading() as session:
        link, user = linked(session, token, at)
    if link.lets_in:
        raise LinkUnknown
    if len(password) < SHORTEST:
        raise PasswordShort("password", limit=SHORTEST)
    with _FEW_AT_ONCE:
        kept = _PASSWORDS.hash(password)
    with database.writing() as session:
        if session.execute(delete(LinkRow).where(col(LinkRow.token_hash) == link.token_hash)).rowcount != 1:
            raise LinkUnknown
        session.get_one(UserRow, user.id).password_hash = kept
        session.execute(delete(SessionRow).where(col(SessionRow.user_id) == user.id))
        ledger.note(session, "user", [user.id], None, "password set", user.name, at)
        return begin(session, user.id, at)


def let_in(session: Session, token: str, at: datetime) -> Entered:
    """The link of a demo lets its user in as often as it is opened."""
    link, user = linked(session, token, at)
    if not link.lets_in:
        raise LinkUnknown
    return begin(session, user.id, at)
