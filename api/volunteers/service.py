"""The roster's service: a volunteer is entered whole, or refused with a reason."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, select

from api import ledger
from api.errors import CodeTaken, NotFound
from api.models import AssignmentRow, AvailabilityRow, RequestRow, VolunteerRow
from api.models.plans import IN_FORCE, AssignmentPublic, AssignmentState
from api.models.volunteers import VolunteerCreate, VolunteerPublic
from api.vocabulary import check

SHOWN = (*IN_FORCE, AssignmentState.DONE)


def enter(session: Session, asked: VolunteerCreate, at: datetime) -> VolunteerPublic:
    """Put a volunteer on the roster."""
    (row,) = enter_all(session, [asked], at)
    return VolunteerPublic.of(row)


def enter_all(session: Session, asked: Sequence[VolunteerCreate], at: datetime) -> list[VolunteerRow]:
    """Put these volunteers on the roster, all or none."""
    rows = [_row(session, one, at) for one in asked]
    session.add_all(rows)
    session.flush()
    ledger.turn(session)
    return rows


def _row(session: Session, asked: VolunteerCreate, at: datetime) -> VolunteerRow:
    if asked.code is not None and session.exec(select(VolunteerRow.id).where(VolunteerRow.code == asked.code)).first():
        raise CodeTaken("code", asked.code)
    row = VolunteerRow(
        **asked.model_dump(exclude={"availability"}),
        created_at=at,
        availability=[AvailabilityRow(**period.model_dump()) for period in asked.availability],
    )
    check(row, at)
    return row


def schedule(session: Session, volunteer_id: int) -> list[AssignmentPublic]:
    """What this volunteer is asked to do, in the order of time."""
    volunteer = session.get(VolunteerRow, volunteer_id)
    if volunteer is None:
        raise NotFound("volunteer_id", volunteer_id)
    found = (
        select(AssignmentRow, RequestRow.label)
        .join(RequestRow)
        .where(AssignmentRow.volunteer_id == volunteer_id, AssignmentRow.state.in_(SHOWN))
        .order_by(AssignmentRow.starts_at)
    )
    return [AssignmentPublic.of(seat, label, volunteer.label) for seat, label in session.exec(found)]
