"""Who serves what, when, and why: instances, plans, the judge and the solver. One door for everybody else."""

from matcher.errors import InvalidInput, TooLarge, shown
from matcher.files import (
    instance_document,
    instance_from,
    plan_document,
    plan_from,
    read_instance,
    read_plan,
    schema,
    write_instance,
    write_plan,
)
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
from matcher.strict_json import read_json
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
    "instance_document",
    "instance_from",
    "plan_document",
    "plan_from",
    "read_instance",
    "read_json",
    "read_plan",
    "schema",
    "shown",
    "write_instance",
    "write_plan",
]
