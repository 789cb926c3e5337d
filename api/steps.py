"""Events of a life over HTTP: one route for each, for whom the declaration names, once for each intent."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from fastapi.responses import JSONResponse
from sqlmodel import Session

from api.errors import ApiError, NotFound, declared
from api.idempotency import KEY_ERRORS, Once, OnceDep
from api.lifecycle import Machine
from api.models.base import ID_LIMIT
from api.roles import ROLES, Role
from api.security import ActorDep, Forbidden, may
from api.sessions import Now, SessionDep
from api.transitions import TRANSITION_ERRORS, Act
from api.versions import HeaderInvalid, Seen, etag

Does = Callable[[Session, int, Any, Act, int | None], Any]
"""What an event does: to the thing with this id, as asked, by whom, if it is still as its reader saw it."""


@dataclass(frozen=True)
class Step:
    """One event of one thing, once."""

    id: int
    session: Session
    once: Once
    act: Act
    version: int | None

    def __call__(self, does: Does, asked: Any) -> JSONResponse:
        return self.once(
            200, lambda: does(self.session, self.id, asked, self.act, self.version), lambda made: etag(made.version)
        )


def roles_of(machine: Machine, event: str) -> tuple[Role, ...]:
    """The log-ins whose holders may bring an event about."""
    who = {str(one) for edge in machine.edges if edge.event == event for one in edge.who}
    return tuple(role for role in ROLES if role in who)


def step_of(noun: str) -> Any:
    """The dependency that a route of an event takes."""

    def step(
        id: Annotated[int, Path(alias=f"{noun}_id", ge=1, le=ID_LIMIT)],
        session: SessionDep,
        once: OnceDep,
        now: Now,
        actor: ActorDep,
        version: Seen,
    ) -> Step:
        return Step(id, session, once, Act(actor, now), version)

    return Annotated[Step, Depends(step, scope="function")]


def events(router: APIRouter, machine: Machine, shape: type) -> Callable[..., Any]:
    """A decorator for routes that each let one event of this machine happen; the function's name is the event's."""

    def event(path: str, *errors: type[ApiError], roles: tuple[Role, ...] = ()) -> Any:
        def add(function: Any) -> Any:
            first, *rest = function.__name__.split("_")
            return router.post(
                f"/{{{machine.noun}_id}}/{path}",
                operation_id=first + "".join(word.capitalize() for word in (*rest, machine.noun)),
                response_model=shape,
                dependencies=[may(*(roles or roles_of(machine, function.__name__)))],
                responses=declared(*KEY_ERRORS, NotFound, Forbidden, HeaderInvalid, *TRANSITION_ERRORS, *errors),
            )(function)

        return add

    return event
