"""The tables, and the shapes in which each noun comes in and goes out. The ground floor: every room stands on it."""

from api.models.ledger import AuditRow, IdempotencyRow, LedgerRow
from api.models.people import (
    AccessRow,
    AttemptRow,
    GrantRow,
    KeyRow,
    LinkRow,
    SessionRow,
    TerritoryRow,
    UnitRow,
    UserRow,
)
from api.models.plans import AssignmentRow, PlanFileRow, PlanRow
from api.models.requests import RequestRow, RequestWindowRow
from api.models.volunteers import AvailabilityRow, VolunteerRow

__all__ = [
    "AccessRow",
    "AssignmentRow",
    "AttemptRow",
    "AuditRow",
    "AvailabilityRow",
    "GrantRow",
    "IdempotencyRow",
    "KeyRow",
    "LedgerRow",
    "LinkRow",
    "PlanFileRow",
    "PlanRow",
    "RequestRow",
    "RequestWindowRow",
    "SessionRow",
    "TerritoryRow",
    "UnitRow",
    "UserRow",
    "VolunteerRow",
]
