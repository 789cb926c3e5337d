"""The roster: a volunteer is entered whole, or refused with a reason; then comes, pauses, moves and leaves."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, delete, true, update
from sqlmodel import Session, col, select

from api import ledger
from api.errors import ApiError, CodeTaken
from api.models import (
    AccessRow,
    AssignmentRow,
    AuditRow,
    AvailabilityRow,
    RequestRow,
    SessionRow,
    UserRow,
    VolunteerRow,
)
from api.models.plans import IN_FORCE, AssignmentPublic, AssignmentState
from api.models.volunteers import (
    Look,
    MoveAsk,
    OffersAsk,
    PauseAsk,
    SkillsAsk,
    Step,
    VolunteerChange,
    VolunteerCreate,
    VolunteerData,
    VolunteerPublic,
    VolunteerState,
)
from api.roles import Role
from api.security import SHOWN, Actor, Forbidden, find, know_groups, known_territory, placed, roles_over, told
from api.visibility import MASKS, Sight, When, sight
from api.vocabulary import check

APPLIED, ACTIVE, PAUSED, LEFT = VolunteerState


class VolunteerStateClash(ApiError):
    status, code = 409, "volunteer_state"


class SeatsLeft(ApiError):
    """Whoever is still asked for something is not forgotten yet."""

    status, code = 409, "volunteer_has_seats"


class PauseInvalid(ApiError):
    status, code = 422, "pause_invalid"


def enter(
    session: Session, asked: VolunteerCreate, at: datetime, by: Actor, state: VolunteerState = ACTIVE
) -> VolunteerPublic:
    """Put a volunteer on the roster, or on the list of those who would like to be."""
    rows = enter_all(session, [asked], at, by, state)
    return told(session, by, rows, VolunteerPublic)[0]


def enter_all(
    session: Session, asked: Sequence[VolunteerCreate], at: datetime, by: Actor, state: VolunteerState = ACTIVE
) -> list[VolunteerRow]:
    """Put these volunteers on the roster, all or none."""
    rows = [_row(session, one, at, by, state) for one in asked]
    session.add_all(rows)
    session.flush()
    ledger.turn(session)
    ledger.note(session, "volunteer", [row.id for row in rows], None, state, by.name, at)
    return rows


def _row(session: Session, asked: VolunteerCreate, at: datetime, by: Actor, state: VolunteerState) -> VolunteerRow:
    if asked.code is not None and session.exec(select(VolunteerRow.id).where(VolunteerRow.code == asked.code)).first():
        raise CodeTaken("code", asked.code)
    know_groups(session, by, asked.unit_id, asked.team_id)
    row = VolunteerRow(
        **asked.model_dump(exclude={"availability", "territory_id"}),
        territory_id=placed(session, by, asked.territory_id),
        state=state,
        created_at=at,
        availability=[AvailabilityRow(**period.model_dump()) for period in asked.availability],
    )
    check(row, at)
    return row


def look(session: Session, volunteer_id: int, reader: Actor) -> tuple[VolunteerRow, Sight]:
    """The volunteer with this id, and what this reader sees of them in full."""
    row: VolunteerRow = find(session, VolunteerRow, volunteer_id, reader, "volunteer_id")
    stages = {When.SELF} if row.id == reader.volunteer_id else set()
    return row, sight(roles_over(session, reader, [row])(row), stages)


def schedule(session: Session, volunteer_id: int, reader: Actor) -> list[AssignmentPublic]:
    """What this volunteer is asked to do, in the order of time."""
    volunteer: VolunteerRow = find(session, VolunteerRow, volunteer_id, reader, "volunteer_id")
    return _seats(session, volunteer, col(AssignmentRow.state).in_(SHOWN))


def _seats(session: Session, volunteer: VolunteerRow, which: ColumnElement[bool]) -> list[AssignmentPublic]:
    found = (
        select(AssignmentRow, RequestRow.label)
        .join(RequestRow)
        .where(AssignmentRow.volunteer_id == volunteer.id, which)
        .order_by(AssignmentRow.starts_at)
    )
    return [AssignmentPublic.of(seat, label, volunteer.label) for seat, label in session.exec(found)]


def approve(session: Session, volunteer_id: int, by: Actor, at: datetime) -> VolunteerChange:
    """Take somebody who has applied onto the roster."""
    row = _turned(session, volunteer_id, (APPLIED,), ACTIVE, by, at)
    return _changed(session, row, by, [])


def pause(session: Session, volunteer_id: int, asked: PauseAsk, by: Actor, at: datetime) -> VolunteerChange:
    """From then to then nothing is planned for them; a later pause takes the place of an earlier one."""
    if asked.ends_at <= asked.starts_at:
        raise PauseInvalid("to", f"{asked.starts_at.isoformat()} – {asked.ends_at.isoformat()}")
    period = {"paused_from": asked.starts_at, "paused_to": asked.ends_at}
    row = _turned(session, volunteer_id, (ACTIVE, PAUSED), PAUSED, by, at, values=period)
    _unmark(session, row, PAUSED)
    meets = (col(AssignmentRow.starts_at) < asked.ends_at) & (col(AssignmentRow.ends_at) > asked.starts_at)
    return _changed(session, row, by, _mark(session, row, PAUSED, meets, at))


def resume(session: Session, volunteer_id: int, by: Actor, at: datetime) -> VolunteerChange:
    """The pause is over, or is not to be."""
    row = _turned(session, volunteer_id, (PAUSED,), ACTIVE, by, at, values={"paused_from": None, "paused_to": None})
    _unmark(session, row, PAUSED)
    return _changed(session, row, by, [])


def move(session: Session, volunteer_id: int, asked: MoveAsk, by: Actor, at: datetime) -> VolunteerChange:
    """A new home: whatever they hold may have become too far. Another team changes nothing for that."""
    row: VolunteerRow = find(session, VolunteerRow, volunteer_id, by, "volunteer_id")
    there = asked.model_dump(exclude_unset=True)
    stays = [*there.get("at", row.at)] == [*row.at]
    if {"unit_id", "team_id"} & there.keys() and by.roles <= {Role.VOLUNTEER}:
        raise Forbidden
    if asked.territory_id is not None:
        known_territory(session, by, asked.territory_id)
    know_groups(session, by, asked.unit_id, asked.team_id)
    row = _turned(session, volunteer_id, (APPLIED, ACTIVE, PAUSED), row.state, by, at, "moved", there)
    return _changed(session, row, by, [] if stays else _mark(session, row, "moved", true(), at))


def train(session: Session, volunteer_id: int, asked: SkillsAsk, by: Actor, at: datetime) -> VolunteerChange:
    """Other skills from now on, each with the last day on which it holds."""
    row: VolunteerRow = find(session, VolunteerRow, volunteer_id, by, "volunteer_id")
    row = _turned(session, volunteer_id, (APPLIED, ACTIVE, PAUSED), row.state, by, at, "skills", asked.model_dump())
    check(row, at)
    return _changed(session, row, by, [])


def offers(session: Session, volunteer_id: int, asked: OffersAsk, by: Actor, at: datetime) -> VolunteerChange:
    """Plans may ask them, or may not; what they hold already stays theirs."""
    row: VolunteerRow = find(session, VolunteerRow, volunteer_id, by, "volunteer_id")
    row = _turned(session, volunteer_id, (APPLIED, ACTIVE, PAUSED), row.state, by, at, "offers", asked.model_dump())
    return _changed(session, row, by, [])


def leave(session: Session, volunteer_id: int, by: Actor, at: datetime) -> VolunteerChange:
    """They are not planned with any more. Their seats stay theirs until somebody finds another for each."""
    row = _turned(session, volunteer_id, (APPLIED, ACTIVE, PAUSED), LEFT, by, at)
    return _changed(session, row, by, _mark(session, row, LEFT, true(), at))


def data(session: Session, volunteer_id: int, reader: Actor) -> tuple[VolunteerData, VolunteerRow, Sight]:
    """All that is known of them: for themselves, to take along."""
    row, seen = look(session, volunteer_id, reader)
    seats = _seats(session, row, AssignmentRow.state != AssignmentState.PROPOSED)
    audit = select(AuditRow).where(AuditRow.noun == "volunteer", AuditRow.noun_id == row.id).order_by(col(AuditRow.seq))
    steps = [
        Step(at=one.at, who=one.who, before=one.from_state, after=one.to_state, why=one.why)
        for one in session.exec(audit)
    ]
    seen_by = select(AccessRow).where(AccessRow.noun == "volunteer", AccessRow.noun_id == row.id)
    looks = [
        Look(at=one.at, who=one.who, fields=one.fields.split())
        for one in session.exec(seen_by.order_by(col(AccessRow.id)))
    ]
    shown = VolunteerPublic.of(row, seen)
    return VolunteerData(volunteer=shown, seats=seats, steps=steps, looks=looks), row, seen


def erase(session: Session, volunteer_id: int, by: Actor, at: datetime) -> VolunteerChange:
    """They have left and want to be forgotten. What they did stays counted, as somebody's; their log-in is gone."""
    row: VolunteerRow = find(session, VolunteerRow, volunteer_id, by, "volunteer_id")
    held = select(AssignmentRow.id).where(AssignmentRow.volunteer_id == row.id, col(AssignmentRow.state).in_(IN_FORCE))
    if (seat := session.exec(held.limit(1)).first()) is not None:
        raise SeatsLeft("volunteer_id", seat)
    nobody = dict.fromkeys(("code", "label", "phone", "unit", "community", "grid", "unit_id", "team_id"))
    values = {**nobody, "at": MASKS["at"](row.at), "skills": {}, "skills_until": {}}
    row = _turned(session, volunteer_id, (LEFT,), LEFT, by, at, "erased", values)
    row.availability = []
    users = select(UserRow.id).where(UserRow.volunteer_id == row.id)
    session.execute(delete(SessionRow).where(col(SessionRow.user_id).in_(users)))
    for user in session.exec(select(UserRow).where(UserRow.volunteer_id == row.id)):
        user.active, user.label, user.name, user.password_hash = False, None, f"erased-{user.id}", None
    session.flush()
    return _changed(session, row, by, [])


def _turned(
    session: Session,
    volunteer_id: int,
    was: Sequence[VolunteerState],
    state: str,
    by: Actor,
    at: datetime,
    why: str | None = None,
    values: Mapping[str, object] = {},
) -> VolunteerRow:
    """The volunteer in another state, if nobody else was first."""
    row: VolunteerRow = find(session, VolunteerRow, volunteer_id, by, "volunteer_id")
    before, version = row.state, row.version
    same = (col(VolunteerRow.id) == volunteer_id, col(VolunteerRow.version) == version)
    change = update(VolunteerRow).where(*same).values(state=state, version=version + 1, **values)
    if before not in was or session.execute(change).rowcount != 1:  # type: ignore[attr-defined]
        raise VolunteerStateClash("volunteer_id", before)
    ledger.turn(session)
    ledger.note(session, "volunteer", [volunteer_id], before, state, by.name, at, why)
    session.refresh(row)
    return row


def _mark(
    session: Session, row: VolunteerRow, what: str, which: ColumnElement[bool], at: datetime
) -> list[AssignmentPublic]:
    """Seats in force that have not ended and are touched by a change carry its name."""
    touched = (
        (col(AssignmentRow.volunteer_id) == row.id)
        & col(AssignmentRow.state).in_(IN_FORCE)
        & (col(AssignmentRow.ends_at) > at)
        & which
    )
    session.execute(update(AssignmentRow).where(touched).values(affected=what, version=AssignmentRow.version + 1))
    return _seats(session, row, touched)


def _unmark(session: Session, row: VolunteerRow, what: str) -> None:
    marked = (AssignmentRow.volunteer_id == row.id, AssignmentRow.affected == what)
    session.execute(update(AssignmentRow).where(*marked).values(affected=None, version=AssignmentRow.version + 1))


def _changed(session: Session, row: VolunteerRow, by: Actor, affected: list[AssignmentPublic]) -> VolunteerChange:
    return VolunteerChange(volunteer=told(session, by, [row], VolunteerPublic)[0], affected=affected)
