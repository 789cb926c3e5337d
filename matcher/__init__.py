"""Who serves what, when, and why: instances, plans, the judge and the solver. One door for everybody else."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from matcher.errors import InvalidInput, TooLarge, shown
from matcher.files import (
    instance_document,
    instance_from,
    plan_document,
    plan_from,
    proof_document,
    read_instance,
    read_plan,
    read_proof,
    write_instance,
    write_plan,
    write_proof,
)
from matcher.instance import (
    MAX_DAYS,
    MAX_LAG,
    MAX_NUMBER,
    MAX_SEATS,
    MAX_TEXT,
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
from matcher.proof import Leaf, Price, Proof, Split, judge_proof
from matcher.reasons import why_chosen
from matcher.shapes import schema
from matcher.strict_json import read_json
from matcher.travel import MODES, MatrixTravel, Place, StraightTravel, Travel, great_circle_km

if TYPE_CHECKING:
    from matcher.engine.compile import compiled as kernels_ready
    from matcher.engine.solver import Progress, solve

__all__ = [
    "MAX_DAYS",
    "MAX_LAG",
    "MAX_NUMBER",
    "MAX_SEATS",
    "MAX_TEXT",
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
    "Leaf",
    "MatrixTravel",
    "Pinned",
    "Place",
    "Plan",
    "Price",
    "Progress",
    "Proof",
    "Published",
    "Reason",
    "Request",
    "Seat",
    "Split",
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
    "great_circle_km",
    "instance_document",
    "instance_from",
    "judge",
    "judge_proof",
    "kernels_ready",
    "plan_document",
    "plan_from",
    "proof_document",
    "read_instance",
    "read_json",
    "read_plan",
    "read_proof",
    "schema",
    "shown",
    "solve",
    "why_chosen",
    "write_instance",
    "write_plan",
    "write_proof",
]

_ENGINE = {
    "Progress": ("solver", "Progress"),
    "kernels_ready": ("compile", "compiled"),
    "solve": ("solver", "solve"),
}


def __getattr__(name: str) -> Any:
    """Who only reads, judges or explains does not wait for the engine and its compiler to load."""
    if name not in _ENGINE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, own = _ENGINE[name]
    return getattr(import_module(f"matcher.engine.{module}"), own)
