"""The six log-ins (LIFECYCLE.md, 2). A person may hold several, each for a part of the territory."""

from enum import StrEnum


class Role(StrEnum):
    """What somebody may be here for."""

    VOLUNTEER = "volunteer"
    CLERK = "clerk"
    DISPATCHER = "dispatcher"
    PLANNER = "planner"
    OVERSIGHT = "oversight"
    ADMIN = "admin"


ROLES = tuple(Role)
