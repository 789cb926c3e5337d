"""What publishing a proposal would change for people who have been told something already."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from api.models import AssignmentRow, PlanRow, RequestRow, VolunteerRow
from api.models.plans import IN_FORCE, ChangePublic, ToldPublic


def changes(session: Session, row: PlanRow, requests: Iterable[int]) -> tuple[list[ChangePublic], int]:
    """Seats in force of the requests the plan weighed that would move or be let go; and how many stay as they are."""
    held = held_in(session, row, set(requests), IN_FORCE)
    proposed = session.exec(select(AssignmentRow).where(AssignmentRow.plan_id == row.id)).all()
    twins = {what(one): one for one in proposed}
    stay = [seat for seat in held if what(seat) in twins]
    taken = {twins[what(seat)].id for seat in stay}
    free = {(one.request_id, one.seat): one for one in proposed if one.id not in taken}
    moved = [(seat, free.get((seat.request_id, seat.seat))) for seat in held if seat not in stay]
    labels = _labels(session, [one for pair in moved for one in pair if one is not None])
    return [_change(was, becomes, labels) for was, becomes in moved], len(stay)


def what(seat: AssignmentRow) -> tuple[int, int, datetime]:
    """What makes two seats the same: like seats of one request are interchangeable."""
    return seat.request_id, seat.volunteer_id, seat.starts_at


def held_in(session: Session, row: PlanRow, requests: set[int], states: Sequence[str]) -> list[AssignmentRow]:
    """Seats of these requests in these states that begin in a plan's period."""
    found = select(AssignmentRow).where(
        col(AssignmentRow.state).in_(states),
        AssignmentRow.starts_at >= row.starts_at,
        AssignmentRow.starts_at <= row.ends_at,
    )
    return [seat for seat in session.exec(found.order_by("starts_at", "id")) if seat.request_id in requests]


def _labels(session: Session, seats: Iterable[AssignmentRow]) -> dict[tuple[str, int], str | None]:
    people = {seat.volunteer_id for seat in seats}
    requests = {seat.request_id for seat in seats}
    asked = select(RequestRow.id, RequestRow.label).where(col(RequestRow.id).in_(requests))
    known = select(VolunteerRow.id, VolunteerRow.label).where(col(VolunteerRow.id).in_(people))
    labels: dict[tuple[str, int], str | None] = {("request", int(id or 0)): label for id, label in session.exec(asked)}
    return labels | {("volunteer", int(id or 0)): label for id, label in session.exec(known)}


def _change(
    was: AssignmentRow, becomes: AssignmentRow | None, labels: dict[tuple[str, int], str | None]
) -> ChangePublic:
    def told(seat: AssignmentRow) -> ToldPublic:
        label = labels["volunteer", seat.volunteer_id]
        return ToldPublic(volunteer=seat.volunteer_id, volunteer_label=label, start=seat.starts_at, state=seat.state)

    return ChangePublic(
        request=was.request_id,
        request_label=labels["request", was.request_id],
        seat=was.seat,
        was=told(was),
        becomes=None if becomes is None else told(becomes),
    )
