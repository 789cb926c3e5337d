"""The tables, and the shapes in which each noun comes in and goes out. The ground floor: every room stands on it."""

from api.models.ledger import AuditHeadRow, AuditRow, IdempotencyRow, LedgerRow
from api.models.plans import AssignmentRow, PlanFileRow, PlanRow
from api.models.requests import RequestRow, RequestWindowRow
from api.models.volunteers import AvailabilityRow, VolunteerRow

__all__ = [
    "AssignmentRow",
    "AuditHeadRow",
    "AuditRow",
    "AvailabilityRow",
    "IdempotencyRow",
    "LedgerRow",
    "PlanFileRow",
    "PlanRow",
    "RequestRow",
    "RequestWindowRow",
    "VolunteerRow",
]
