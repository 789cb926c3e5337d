"""What follows for a request from what has become of its seats."""

from sqlmodel import Session

from api import rounds
from api.lifecycle import REQUEST, SEAT
from api.models import RequestRow
from api.models.plans import IN_FORCE, AssignmentState
from api.models.requests import RequestState
from api.security import HOUSE
from api.transitions import Act, move, move_all, seats_of

COUNTED = (*IN_FORCE, AssignmentState.DONE)
SAID_YES = (AssignmentState.ACCEPTED, AssignmentState.CHECKED_IN, AssignmentState.DONE)
BEGUN = (AssignmentState.CHECKED_IN, AssignmentState.DONE)


def settle(session: Session, request: RequestRow, act: Act) -> None:
    """Let the request follow its seats, as many steps as there are to take."""
    following = Act(HOUSE, act.at, act.why)
    while (event := _next(session, request)) is not None:
        values = {}
        if event == "dispatch":
            values = {"waves": request.waves + 1}
        if event == "serve":
            values = {"served_at": act.at}
        move(session, REQUEST, request, event, following, **values)
        if event in ("fall_back", "repair"):
            rounds.wish(session, request, act.at)


def release(session: Session, request: RequestRow, act: Act) -> None:
    """Let go of everybody who is asked or has said yes and has not begun."""
    for state in (AssignmentState.OFFERED, AssignmentState.ACCEPTED):
        ids = [int(seat.id or 0) for seat in seats_of(session, request, [state])]
        move_all(session, SEAT, ids, state, "release", act)


def _next(session: Session, request: RequestRow) -> str | None:
    """The event that is due, if any."""
    states: dict[int, str] = {}
    for seat in seats_of(session, request, COUNTED):
        states[seat.seat] = seat.state
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
