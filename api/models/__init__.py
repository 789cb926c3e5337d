"""The tables, and the shapes in which each noun comes in and goes out. The ground floor: every room stands on it."""

from api.models.clocks import CalendarDayRow, ClockRow, PolicyRow
from api.models.ledger import AuditHeadRow, AuditRow, IdempotencyRow, LedgerRow, OutboxRow
from api.models.people import (
    AccessRow,
    AttemptRow,
    GrantRow,
    KeyRow,
    LinkRow,
    SessionRow,
    TeamRow,
    TerritoryRow,
    UnitRow,
    UserRow,
)
from api.models.plans import AssignmentRow, PlanFileRow, PlanRow
from api.models.requests import RequestRow, RequestWindowRow
from api.models.series import SeriesEditionRow, SeriesRow
from api.models.volunteers import AvailabilityRow, VolunteerRow
from api.models.workers import WorkerRow

__all__ = [
    "AccessRow",
    "AssignmentRow",
    "AttemptRow",
    "AuditHeadRow",
    "AuditRow",
    "AvailabilityRow",
    "CalendarDayRow",
    "ClockRow",
    "GrantRow",
    "IdempotencyRow",
    "KeyRow",
    "LedgerRow",
    "LinkRow",
    "OutboxRow",
    "PlanFileRow",
    "PlanRow",
    "PolicyRow",
    "RequestRow",
    "RequestWindowRow",
    "SeriesEditionRow",
    "SeriesRow",
    "SessionRow",
    "TeamRow",
    "TerritoryRow",
    "UnitRow",
    "UserRow",
    "VolunteerRow",
    "WorkerRow",
]
