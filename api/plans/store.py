"""Plan -> rows: a solved plan is stored whole, or not at all."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, select

from api import ledger
from api.models import AssignmentRow, PlanFileRow, PlanRow, RequestRow
from api.models.plans import AssignmentState, PlanState
from api.plans.load import packed
from matcher import Assignment, Instance, Plan, Reason, instance_document, plan_document

Reasons = Mapping[Assignment, Sequence[Reason]]


def store(
    session: Session,
    plan_id: int,
    instance: Instance,
    plan: Plan,
    why: Reasons,
    seen: int,
    at: datetime,
    attempt: int | None = None,
) -> bool:
    """The plan becomes a proposal; false when it is not wanted any more, or another attempt is made at it by now.

    `seen` is the ledger version at load.
    """
    document = plan_document(plan, instance)
    result = {key: value for key, value in document.items() if key != "assignments"}
    proposed = {"state": PlanState.PROPOSED, "result": result, "ledger_version": seen, "progress": None}
    if not move(session, plan_id, PlanState.SOLVING, attempt=attempt, **proposed):
        return False
    given = packed(instance_document(instance))
    session.add(PlanFileRow(plan_id=plan_id, instance=given, plan=packed(document)))
    lives = dict(session.exec(select(RequestRow.id, RequestRow.reopened).where(RequestRow.reopened > 0)).all())
    for a in plan.assignments:
        session.add(
            AssignmentRow(
                plan_id=plan_id,
                request_id=int(a.request),
                volunteer_id=int(a.volunteer),
                seat=a.seat,
                life=lives.get(int(a.request), 0),
                starts_at=instance.moment(a.start),
                ends_at=instance.moment(a.end),
                state=AssignmentState.PROPOSED,
                reasons=[{"code": r.code, "zh": r.zh, "en": r.en} for r in why[a]],
            )
        )
    ledger.note(session, "plan", [plan_id], PlanState.SOLVING, PlanState.PROPOSED, "worker", at)
    return True


def move(
    session: Session, plan_id: int, was: str, version: int | None = None, attempt: int | None = None, **values: object
) -> bool:
    """Change a plan that is still in this state (version, attempt); false when somebody else was first."""
    change = update(PlanRow).where(col(PlanRow.id) == plan_id, col(PlanRow.state) == was)
    if version is not None:
        change = change.where(col(PlanRow.version) == version)
    if attempt is not None:
        change = change.where(col(PlanRow.attempts) == attempt)
    return session.execute(change.values(version=PlanRow.version + 1, **values)).rowcount == 1
