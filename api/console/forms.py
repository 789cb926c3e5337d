"""Forms: what a page of ours sends back, and nothing that another site's page sends."""

import hmac
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import Depends, Request

from api.door import BodyTooLarge, fingerprint
from api.security import ActorDep, CrossSite, check_origin

LARGEST_FORM = 8 * 2**10
LONGEST_REASON = 200


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


PlainFormDep = Annotated[dict[str, str], Depends(form)]
FormDep = Annotated[dict[str, str], Depends(own_form)]
