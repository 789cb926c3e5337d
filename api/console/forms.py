"""Forms: what a page of ours sends back, and nothing that another site's page sends."""

from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from api.door import BodyTooLarge, LoopbackOnly, fingerprint
from api.models.base import Shape

LARGEST_FORM = 8 * 2**10
LONGEST_REASON = 200
NUMBERS = {"minutes", "people"}


class CrossSite(LoopbackOnly):
    """Another site's page would have us do something; a browser says where a form comes from."""


async def form(request: Request) -> dict[str, str]:
    """The fields of a form, each once, and its fingerprint for the idempotency key."""
    _check_origin(request)
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_FORM:
            raise BodyTooLarge("", len(body), limit=LARGEST_FORM)
    request.state.fingerprint = fingerprint(request.scope, bytes(body))
    return dict(parse_qsl(body.decode("utf-8", "replace")))


def _check_origin(request: Request) -> None:
    """Browsers say whether a form is ours; who says nothing is no browser of today, and has the API."""
    said = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    ours = "same-origin", f"{request.url.scheme}://{request.headers.get('host')}"
    if said == (None, None) or any(word not in (None, own) for word, own in zip(said, ours, strict=True)):
        raise CrossSite("Origin", said[1] or said[0] or "?")


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


FormDep = Annotated[dict[str, str], Depends(form)]
