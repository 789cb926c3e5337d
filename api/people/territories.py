"""The territory tree: districts, streets, communities, grids; the units that send volunteers, and their teams."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from api import ledger
from api.errors import ApiError, CodeTaken
from api.models import TeamRow, TerritoryRow, UnitRow, VolunteerRow
from api.models.people import (
    LEVELS,
    TeamCreate,
    TeamPublic,
    TerritoryCreate,
    TerritoryPublic,
    UnitCreate,
    UnitPublic,
)
from api.models.volunteers import VolunteerState
from api.security import Actor, Forbidden, TerritoryUnknown, below, find, know_groups, placed, reach


class LevelInvalid(ApiError):
    status, code = 422, "level_invalid"


class NameTaken(ApiError):
    status, code = 409, "name_taken"


def create(session: Session, asked: TerritoryCreate, actor: Actor, at: datetime) -> TerritoryPublic:
    """A new territory under its parent; a new district only by whoever is there for all of them."""
    taken = select(TerritoryRow.id).where(TerritoryRow.code == asked.code)
    if asked.code is not None and session.exec(taken).first():
        raise CodeTaken("code", asked.code)
    parent = _parent(session, asked.parent_id, actor)
    row = TerritoryRow(
        parent_id=asked.parent_id, name=asked.name, code=asked.code, level=_level_under(parent), path="/"
    )
    session.add(row)
    session.flush()
    row.path = f"{parent.path if parent else '/'}{row.id}/"
    ledger.note(session, "territory", [row.id], None, row.level, actor.name, at)
    return public(row)


def move(session: Session, territory_id: int, parent_id: int, actor: Actor, at: datetime) -> TerritoryPublic:
    """Put a territory, with all it holds, under another parent of the same level as before."""
    row: TerritoryRow = find(session, TerritoryRow, territory_id, actor, "territory_id")
    parent = _parent(session, parent_id, actor)
    if row.level != _level_under(parent):
        raise LevelInvalid("parent_id", parent.level)
    old, new = row.path, f"{parent.path}{row.id}/"
    moved = func.substr(TerritoryRow.path, len(old) + 1)
    session.execute(update(TerritoryRow).where(below(old)).values(path=new + moved))
    row.parent_id = parent_id
    ledger.note(session, "territory", [territory_id], old, new, actor.name, at)
    session.flush()
    return public(row)


def _parent(session: Session, parent_id: int | None, actor: Actor) -> TerritoryRow | None:
    """Held against others who move it meanwhile: paths below it are made from its own."""
    if parent_id is None:
        if not actor.whole:
            raise Forbidden
        return None
    session.execute(update(TerritoryRow).where(col(TerritoryRow.id) == parent_id).values(id=parent_id))
    row = session.exec(select(TerritoryRow).where(TerritoryRow.id == parent_id, reach(actor, TerritoryRow))).first()
    if row is None:
        raise TerritoryUnknown("parent_id", parent_id)
    return row


def _level_under(parent: TerritoryRow | None) -> str:
    if parent is None:
        return LEVELS[0]
    if parent.level == LEVELS[-1]:
        raise LevelInvalid("parent_id", parent.level)
    return LEVELS[LEVELS.index(parent.level) + 1]


def public(row: TerritoryRow) -> TerritoryPublic:
    """A territory as it goes out."""
    return TerritoryPublic(id=row.id, parent_id=row.parent_id, level=row.level, name=row.name, code=row.code)


def create_unit(session: Session, asked: UnitCreate, actor: Actor, at: datetime) -> UnitPublic:
    """A new work unit."""
    _refuse_taken(session, UnitRow, asked.name)
    row = UnitRow(name=asked.name, territory_id=placed(session, actor, asked.territory_id))
    return public_unit(_created(session, "unit", row, actor, at))


def public_unit(row: UnitRow) -> UnitPublic:
    """A work unit as it goes out."""
    return UnitPublic(id=row.id, name=row.name, territory_id=row.territory_id)


def create_team(session: Session, asked: TeamCreate, actor: Actor, at: datetime) -> TeamPublic:
    """A new team, of nobody yet."""
    _refuse_taken(session, TeamRow, asked.name)
    know_groups(session, actor, asked.unit_id, None)
    place = placed(session, actor, asked.territory_id)
    row = TeamRow(name=asked.name, territory_id=place, unit_id=asked.unit_id)
    return public_teams(session, [_created(session, "team", row, actor, at)])[0]


def public_teams(session: Session, rows: Sequence[TeamRow]) -> list[TeamPublic]:
    """Teams as they go out; who has left is in none."""
    ids = [row.id for row in rows]
    members = select(VolunteerRow.team_id, func.count()).where(
        col(VolunteerRow.team_id).in_(ids), VolunteerRow.state != VolunteerState.LEFT
    )
    number = dict(session.exec(members.group_by(col(VolunteerRow.team_id))).all())
    return [TeamPublic(**row.model_dump(), volunteers=number.get(row.id, 0)) for row in rows]


def _created(session: Session, noun: str, row: Any, actor: Actor, at: datetime) -> Any:
    session.add(row)
    session.flush()
    ledger.note(session, noun, [row.id], None, "created", actor.name, at)
    return row


def _refuse_taken(session: Session, table: type[UnitRow] | type[TeamRow], name: str) -> None:
    if session.exec(select(table.id).where(table.name == name)).first():
        raise NameTaken("name", name)
