"""Figures for who runs the house, in Prometheus' text form: no names, no ids."""

import platform
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlmodel import Session, col, select
from starlette.requests import Request

from api import presence
from api.db import Database
from api.door import LoopbackOnly
from api.models import AuditHeadRow, PlanRow
from api.models.plans import PlanState
from api.settings import Settings, is_loopback

FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")
"""Who comes through a proxy of this machine comes from elsewhere."""


class Metrics:
    """What is counted while the house runs, and what its database tells when asked."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "diandan_requests", "Requests answered", ["method", "route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "diandan_request_seconds", "Seconds to the end of the answer", ["method", "route"], registry=self.registry
        )
        self.registry.register(_House(database, settings))

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """One request was answered."""
        self.requests.labels(method, route, str(status)).inc()
        self.seconds.labels(method, route).observe(seconds)

    def text(self) -> bytes:
        """All of it, as Prometheus reads it."""
        return generate_latest(self.registry)


class _House(Collector):
    """Read from the database at each look; without a database the rest is told all the same."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database, self.settings = database, settings

    def describe(self) -> Iterator[Metric]:
        return iter(())

    def collect(self) -> Iterator[Metric]:
        build = {"version": version("diandan"), "python": platform.python_version()}
        yield InfoMetricFamily("diandan_build", "What runs", value=build)
        try:
            with self.database.reading() as session:
                found = list(_figures(session, self.settings))
        except (DBAPIError, PoolTimeout):
            found = []
        yield GaugeMetricFamily("diandan_database_up", "Whether the database answers", bool(found))
        yield from found


def _figures(session: Session, settings: Settings) -> Iterator[Metric]:
    counts = dict(session.exec(select(PlanRow.state, func.count()).group_by(PlanRow.state)).all())
    plans = GaugeMetricFamily("diandan_plans", "Plans by state", labels=["state"])
    for state in PlanState:
        plans.add_metric([state], counts.get(state, 0))
    yield plans
    yield GaugeMetricFamily("diandan_jobs_waiting", "Plans nobody works at yet", counts.get(PlanState.QUEUED, 0))
    yield GaugeMetricFamily("diandan_jobs_running", "Plans being made", counts.get(PlanState.SOLVING, 0))
    first = session.exec(select(func.min(PlanRow.created_at)).where(col(PlanRow.state) == PlanState.QUEUED)).one()
    age = 0.0 if first is None else (datetime.now(UTC) - first).total_seconds()
    yield GaugeMetricFamily("diandan_oldest_waiting_job_seconds", "How long the oldest of them waits", max(age, 0))
    alive = len(presence.living(session, settings.worker_silent_seconds))
    yield GaugeMetricFamily("diandan_workers", "Workers heard of lately, on any machine", alive)
    audit = session.get_one(AuditHeadRow, 1).seq
    yield GaugeMetricFamily("diandan_audit_rows", "Length of the audit", audit)


def check_reader(request: Request, settings: Settings) -> None:
    """Other machines read only where the settings say so."""
    host = request.client.host if request.client else "127.0.0.1"
    if not settings.metrics_for_all and (not is_loopback(host) or any(name in request.headers for name in FORWARDED)):
        raise LoopbackOnly("", "/metrics")
