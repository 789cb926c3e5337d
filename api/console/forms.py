"""Forms: what a page of ours sends back, and nothing that another site's page sends."""

import hmac
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from api.door import BodyTooLarge, fingerprint
from api.idempotency import Once
from api.models.base import Shape
from api.security import ActorDep, CrossSite, check_origin
from api.sessions import DatabaseDep, Now, SessionDep

LARGEST_FORM = 8 * 2**10
LONGEST_REASON = 200
NUMBERS = {"minutes", "people"}


async def form(request: Request) -> dict[str, str]:
    """The fields of a form, each once, and its fingerprint for the idempotency key."""
    check_origin(request)
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_FORM:
            raise BodyTooLarge("", len(body), limit=LARGEST_FORM)
    request.state.fingerprint = fingerprint(request.scope, bytes(body))
    return dict(parse_qsl(body.decode("utf-8", "replace")))


def own_form(fields: Annotated[dict[str, str], Depends(form)], actor: ActorDep) -> dict[str, str]:
    """The fields of a form that was drawn for this very log-in."""
    if not hmac.compare_digest(fields.pop("token", "").encode(), actor.form_token.encode()):
        raise CrossSite("token", "?")
    return fields


def reason_of(fields: dict[str, str]) -> str | None:
    """The reason as one line of text; none when it is blank."""
    text = "".join(c if c.isprintable() else " " for c in fields.get("reason", "")).strip()
    return text[:LONGEST_REASON] or None


def read_as(fields: dict[str, str], shape: type[Shape]) -> Shape:
    """What a form says of this shape: blank fields are left out, digits are numbers where numbers are asked for."""
    known = {name: text.strip() for name, text in fields.items() if name in shape.model_fields and text.strip()}
    said = {name: int(text) if name in NUMBERS and text.isdecimal() else text for name, text in known.items()}
    try:
        return shape.model_validate(said)
    except ValidationError as error:
        raise RequestValidationError([{**one, "loc": ("body", *one["loc"])} for one in error.errors()]) from None


class OnceForm:
    """A form of one's own log-in that takes effect once, however often it is sent."""

    def __init__(
        self,
        request: Request,
        fields: Annotated[dict[str, str], Depends(own_form)],
        database: DatabaseDep,
        session: SessionDep,
        actor: ActorDep,
        now: Now,
    ) -> None:
        self.fields, self.session, self.now = fields, session, now
        self._say = partial(Once, request, database, session, now, actor, fields.get("key"))

    def __call__(self, does: Callable[..., Any], *what: Any) -> None:
        """Do this, in the transaction of the form."""
        self._say()(200, partial(does, self.session, *what))


PlainFormDep = Annotated[dict[str, str], Depends(form)]
FormDep = Annotated[dict[str, str], Depends(own_form)]
OnceFormDep = Annotated[OnceForm, Depends(OnceForm)]
