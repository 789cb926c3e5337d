"""The one queue: a job is put in it in the transaction of the row it belongs to."""

from dbos import DBOSClient
from sqlalchemy import column, select, table
from sqlmodel import Session

from api.db import Database

APPLICATION = "diandan"
APPLICATION_VERSION = "1"
"""Raised when a job begun by an older program could not be ended by this one."""

QUEUE = "solve"
SOLVE = "solve"


def enqueue_solve(database: Database, session: Session, plan_id: int) -> None:
    """The plan's job stands in the queue exactly when the plan stands in its table."""
    client = DBOSClient(system_database_engine=database.engine, lazy=True)
    job = {
        "workflow_name": SOLVE,
        "queue_name": QUEUE,
        "workflow_id": _job_of(plan_id),
        "app_version": APPLICATION_VERSION,
        "application_name": APPLICATION,
    }
    client.enqueue_in_transaction(session, job, plan_id)  # type: ignore[arg-type]


def holder(database: Database, session: Session, plan_id: int) -> str | None:
    """The worker that has this plan's job; nobody takes it over until the transaction has ended."""
    jobs = table(
        "workflow_status",
        column("workflow_uuid"),
        column("status"),
        column("executor_id"),
        schema=None if database.is_sqlite else "dbos",
    )
    begun = select(jobs.c.executor_id).where(jobs.c.workflow_uuid == _job_of(plan_id), jobs.c.status == "PENDING")
    return session.execute(begun.with_for_update()).scalar()


def _job_of(plan_id: int) -> str:
    return f"plan-{plan_id}"
