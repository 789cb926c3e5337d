"""What the declared machines allow, and nothing else: compare-and-swap, audit and outbox in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, SQLModel, col, select

from api import ledger, timing
from api.db import AFRESH
from api.errors import ApiError
from api.lifecycle import MACHINES, REQUEST, SEAT, ZH, Edge, Machine
from api.models import AssignmentRow, OutboxRow, RequestRow, VolunteerRow
from api.security import Actor, Forbidden, capacities

TABLES: Mapping[str, type[RequestRow] | type[AssignmentRow]] = {REQUEST.noun: RequestRow, SEAT.noun: AssignmentRow}

AT_ONCE = 500
"""So many rows change in one statement."""


class IllegalTransition(ApiError):
    """What was asked for may not happen in the state the thing is in; these events may."""

    status, code = 409, "transition_illegal"

    def __init__(self, noun: str, state: str, event: str, possible: Sequence[str] = ()) -> None:
        states = {**ZH, **next((machine.states for machine in MACHINES if machine.noun == noun), {})}
        zh = {"noun_zh": ZH[noun], "value_zh": states[state], "event_zh": ZH.get(event, event)}
        may = {"possible": ", ".join(possible) or "-", "possible_zh": "、".join(ZH[one] for one in possible) or "无"}
        super().__init__(f"{noun}_id", state, noun=noun, event=event, **zh, **may)


class Overtaken(ApiError):
    """Somebody else changed it between our looking and our writing."""

    status, code = 409, "conflict"


class StaleVersion(ApiError):
    status, code = 412, "stale_version"


TRANSITION_ERRORS = (IllegalTransition, Overtaken, StaleVersion)


@dataclass(frozen=True, slots=True)
class Act:
    """Who does it, when, and why."""

    by: Actor
    at: datetime
    why: str | None = None

    def because(self, why: str | None) -> "Act":
        """The same, for this reason."""
        return replace(self, why=why)


def hold(session: Session, *ids: int, waiting: bool = True) -> list[RequestRow]:
    """Nobody else changes these requests, their seats or their clocks before this transaction ends; those that somebody
    else holds are waited for, or left out. They are as they stand now, whatever was read of them before.

    First of all, before anything of theirs is read. Two people who answer at once would each see the other's seat as it
    was, and neither would move the request. SQLite's writers take turns anyhow.
    """
    held: list[RequestRow] = []
    for some in batches(sorted(ids)):
        rows = select(RequestRow).where(col(RequestRow.id).in_(some)).order_by(col(RequestRow.id))
        held += session.exec(rows.with_for_update(skip_locked=not waiting), execution_options=AFRESH)
    return held


def hold_people(session: Session, *ids: int) -> list[VolunteerRow]:
    """None of these volunteers leaves, pauses or is given anything else before this transaction ends; after the
    requests. Two who give somebody something at once would each judge without the other."""
    held: list[VolunteerRow] = []
    for some in batches(sorted(ids)):
        rows = select(VolunteerRow).where(col(VolunteerRow.id).in_(some)).order_by(col(VolunteerRow.id))
        held += session.exec(rows.with_for_update(key_share=True), execution_options=AFRESH)
    return held


def move(
    session: Session,
    machine: Machine,
    row: RequestRow | AssignmentRow,
    event: str,
    act: Act,
    version: int | None = None,
    **values: Any,
) -> None:
    """Let this happen to one row, as it was read (and as its reader saw it, by `version`); `values` change with it."""
    if version is not None and row.version != version:
        raise StaleVersion("If-Match", version, headers={"ETag": f'"{row.version}"'}, current=row.version)
    edge = allowed(machine, row, event, values.pop("target", None))
    _permit(session, row, edge, act.by)
    source = row.state
    timing.stop(session, machine, [int(row.id or 0)], edge, act.at)
    _swap(session, machine, row, state=edge.target, **values)
    _tell(session, machine, [int(row.id or 0)], source, edge, act)


def _permit(session: Session, row: RequestRow | AssignmentRow, edge: Edge, actor: Actor) -> None:
    """Refuse whoever the declaration does not name."""
    if isinstance(row, AssignmentRow):
        request = session.get_one(RequestRow, row.request_id)
        capable = capacities(session, actor, request, row)
    else:
        capable = capacities(session, actor, row)
    if not capable & {*edge.who}:
        raise Forbidden


def remark(session: Session, machine: Machine, row: RequestRow | AssignmentRow, act: Act, **values: Any) -> None:
    """Something is noted on a row that stays in its state."""
    _swap(session, machine, row, **values)
    ledger.note(session, machine.noun, [int(row.id or 0)], row.state, row.state, act.by.name, act.at, act.why)


def touch(session: Session, machine: Machine, row: RequestRow | AssignmentRow) -> None:
    """Something that hangs on it is otherwise now: whoever has read it as it was is told so."""
    _swap(session, machine, row)


def move_all(
    session: Session, machine: Machine, ids: Sequence[int], source: str, event: str, act: Act, **values: Any
) -> None:
    """Let this happen to rows that were all seen in one state; Overtaken when one of them is in another by now."""
    edge = machine.edge(event, source)
    assert edge is not None, f"{event} never happens to a {machine.noun} that is {source}"
    if not {*edge.who} & ({"house"} if act.by.is_house else act.by.roles):
        raise Forbidden
    table = TABLES[machine.noun]
    for some in batches(ids):
        timing.stop(session, machine, some, edge, act.at)
        change = update(table).where(col(table.id).in_(some), col(table.state) == source)
        changed = session.execute(change.values(state=edge.target, version=table.version + 1, **values))
        if changed.rowcount != len(some):  # type: ignore[attr-defined]
            raise Overtaken(f"{machine.noun}_id", some[0])
        _tell(session, machine, some, source, edge, act)


def begin(session: Session, machine: Machine, row: SQLModel, event: str, act: Act) -> None:
    """A new row comes into being by this event: it is added, with its audit."""
    edge = machine.edge(event, None)
    assert edge is not None, f"no {machine.noun} begins by {event}"
    row.state = edge.target  # type: ignore[attr-defined]
    session.add(row)
    session.flush()
    _tell(session, machine, [int(row.id)], None, edge, act)  # type: ignore[attr-defined]


def allowed(machine: Machine, row: RequestRow | AssignmentRow, event: str, target: str | None = None) -> Edge:
    """What this event does now (to this target, where there are several); IllegalTransition where it may not be."""
    edges = [e for e in machine.edges if e.event == event and row.state in e.sources]
    edge = next((e for e in edges if target in (None, e.target)), None)
    if edge is None:
        raise IllegalTransition(machine.noun, row.state, event, machine.possible(row.state))
    return edge


def batches(ids: Sequence[int]) -> list[Sequence[int]]:
    """As many as one statement takes."""
    return [ids[i : i + AT_ONCE] for i in range(0, len(ids), AT_ONCE)]


def seats_of(session: Session, request: RequestRow, states: Sequence[str]) -> Sequence[AssignmentRow]:
    """The seats in these states of what a request is now, not before it was reopened, in the order of their making."""
    found = select(AssignmentRow).where(
        AssignmentRow.request_id == request.id,
        AssignmentRow.life == request.reopened,
        col(AssignmentRow.state).in_([*states]),
    )
    return session.exec(found.order_by("id")).all()


def _swap(session: Session, machine: Machine, row: RequestRow | AssignmentRow, **values: Any) -> None:
    table = TABLES[machine.noun]
    session.flush()
    same = (col(table.id) == row.id, col(table.state) == row.state, col(table.version) == row.version)
    change = update(table).where(*same).values(version=table.version + 1, **values).returning(table)
    if session.scalars(change, execution_options=AFRESH).first() is None:
        raise Overtaken(f"{machine.noun}_id", row.id)


def _tell(session: Session, machine: Machine, ids: Sequence[int], source: str | None, edge: Edge, act: Act) -> None:
    ledger.note(session, machine.noun, ids, source, edge.target, act.by.name, act.at, act.why)
    timing.start(session, machine, ids, edge, act.at)
    session.add_all(OutboxRow(at=act.at, noun=machine.noun, noun_id=id, event=edge.event) for id in ids)
