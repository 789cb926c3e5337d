"""What follows for a request from what has become of its seats."""

from collections.abc import Iterable

from sqlmodel import Session, col, select

from api import ledger, rounds
from api.lifecycle import REQUEST, SEAT
from api.models import AssignmentRow, RequestRow
from api.models.plans import IN_FORCE, AssignmentState
from api.models.requests import RequestState
from api.security import HOUSE
from api.timing import URGENT
from api.transitions import Act, batches, move, move_all, seats_of

COUNTED = (*IN_FORCE, AssignmentState.DONE)
SAID_YES = (AssignmentState.ACCEPTED, AssignmentState.CHECKED_IN, AssignmentState.DONE)
BEGUN = (AssignmentState.CHECKED_IN, AssignmentState.DONE)


def settle(session: Session, request: RequestRow, act: Act) -> None:
    """Let the request follow its seats, as many steps as there are to take."""
    following = Act(HOUSE, act.at, act.why)
    crew = seats_of(session, request, COUNTED)
    while (event := _next(request, crew)) is not None:
        values = {}
        if event == "dispatch":
            values = {"waves": request.waves + 1}
        if event == "serve":
            values = {"served_at": act.at}
        move(session, REQUEST, request, event, following, **values)
        if event in ("fall_back", "repair"):
            rounds.wish(session, request, act.at)


def settle_all(session: Session, ids: Iterable[int], act: Act) -> None:
    """Let each of these requests follow its seats; all are looked at together, since most stay where they are."""
    for some in batches(sorted(ids)):
        requests = session.exec(
            select(RequestRow).where(col(RequestRow.id).in_(some)).order_by(col(RequestRow.id))
        ).all()
        crews: dict[int, list[AssignmentRow]] = {}
        seats = select(AssignmentRow).where(
            col(AssignmentRow.request_id).in_(some), col(AssignmentRow.state).in_([*COUNTED])
        )
        for seat in session.exec(seats.order_by(col(AssignmentRow.id))):
            crews.setdefault(seat.request_id, []).append(seat)
        for request in requests:
            crew = [seat for seat in crews.get(int(request.id or 0), ()) if seat.life == request.reopened]
            if _next(request, crew) is not None:
                settle(session, request, act)


def go_on(session: Session, request: RequestRow, act: Act, version: int | None = None, **values: int) -> None:
    """It waits no longer; when it is urgent, its day is planned anew."""
    fresh = {"waits_for": None, "waits_until": None, "comes_back_to": None, **values}
    move(session, REQUEST, request, "resume", act, version, target=request.comes_back_to, **fresh)
    settle(session, request, act)
    ledger.turn(session)
    if request.priority == URGENT and request.state == RequestState.TRIAGED:
        rounds.wish(session, request, act.at)


def release(session: Session, request: RequestRow, act: Act) -> None:
    """Let go of everybody who is asked or has said yes and has not begun."""
    for state in (AssignmentState.OFFERED, AssignmentState.ACCEPTED):
        ids = [int(seat.id or 0) for seat in seats_of(session, request, [state])]
        move_all(session, SEAT, ids, state, "release", act)


def _next(request: RequestRow, crew: Iterable[AssignmentRow]) -> str | None:
    """The event that is due, if any, when these seats count."""
    states = {seat.seat: seat.state for seat in crew}
    needed = [k for k, seat in enumerate(request.seats) if not seat["optional"]]
    lacking = any(k not in states for k in needed)
    agreed = all(states.get(k) in SAID_YES for k in needed)
    begun = any(state in BEGUN for state in states.values())
    over = not lacking and all(state == AssignmentState.DONE for state in states.values())
    match request.state:
        case RequestState.TRIAGED:
            return None if lacking else "dispatch"
        case RequestState.DISPATCHED:
            return "fall_back" if lacking else "confirm" if agreed else None
        case RequestState.CONFIRMED:
            return "repair" if lacking else "redispatch" if not agreed else "begin" if begun else None
        case RequestState.IN_SERVICE:
            return "repair" if lacking or not begun else "serve" if over else None
    return None
