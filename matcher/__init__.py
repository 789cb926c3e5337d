"""Who serves what, when, and why: instances, plans, the judge and the solver. One door for everybody else."""

from matcher.engine.solver import Progress, solve
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
from matcher.judge import RULES, Verdict, Violation, judge
from matcher.messages import MESSAGES
from matcher.plan import STATUSES, TERMS, Assignment, Plan, Reason, Unserved, gap
from matcher.reasons import why_chosen
from matcher.strict_json import read_json
from matcher.travel import MODES, MatrixTravel, Place, StraightTravel, Travel

__all__ = [
    "MESSAGES",
    "MODES",
    "PRIORITIES",
    "RULES",
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
    "Progress",
    "Published",
    "Reason",
    "Request",
    "Seat",
    "StraightTravel",
    "TooLarge",
    "Travel",
    "Unserved",
    "Verdict",
    "Violation",
    "Volunteer",
    "Weights",
    "Window",
    "gap",
    "instance_document",
    "instance_from",
    "judge",
    "plan_document",
    "plan_from",
    "read_instance",
    "read_json",
    "read_plan",
    "schema",
    "shown",
    "solve",
    "why_chosen",
    "write_instance",
    "write_plan",
]
