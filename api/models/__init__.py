"""The tables, and the shapes in which each noun comes in and goes out. The ground floor: every room stands on it."""

from api.models.clocks import CalendarDayRow, ClockRow, PolicyRow
from api.models.ledger import AuditHeadRow, AuditRow, IdempotencyRow, LedgerRow, OutboxRow
from api.models.plans import AssignmentRow, PlanFileRow, PlanRow
from api.models.requests import RequestRow, RequestWindowRow
from api.models.volunteers import AvailabilityRow, VolunteerRow

__all__ = [
    "AssignmentRow",
    "AuditHeadRow",
    "AuditRow",
    "AvailabilityRow",
    "CalendarDayRow",
    "ClockRow",
    "IdempotencyRow",
    "LedgerRow",
    "OutboxRow",
    "PlanFileRow",
    "PlanRow",
    "PolicyRow",
    "RequestRow",
    "RequestWindowRow",
    "VolunteerRow",
]
