"""Who serves what, when, and why: instances, plans, the judge and the solver. One door for everybody else."""

from matcher.errors import InvalidInput, TooLarge, shown
from matcher.instance import (
    PRIORITIES,
    Availability,
    Instance,
    Pinned,
    Published,
    Request,
    Seat,
    Volunteer,
    Weights,
    Window,
)
from matcher.messages import MESSAGES
from matcher.plan import STATUSES, TERMS, Assignment, Plan, Reason, Unserved, gap
from matcher.travel import MODES, MatrixTravel, Place, StraightTravel, Travel

__all__ = [
    "MESSAGES",
    "MODES",
    "PRIORITIES",
    "STATUSES",
    "TERMS",
    "Assignment",
    "Availability",
    "Instance",
    "InvalidInput",
    "MatrixTravel",
    "Pinned",
    "Place",
    "Plan",
    "Published",
    "Reason",
    "Request",
    "Seat",
    "StraightTravel",
    "TooLarge",
    "Travel",
    "Unserved",
    "Volunteer",
    "Weights",
    "Window",
    "gap",
    "shown",
]
