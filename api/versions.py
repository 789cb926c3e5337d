"""If-Match: which version of a thing its reader saw."""

from typing import Annotated

from fastapi import Depends, Header

from api.errors import ApiError


class IfMatchRequired(ApiError):
    status, code = 428, "if_match_required"


class HeaderInvalid(ApiError):
    status, code = 400, "header_invalid"


IfMatch = Annotated[str | None, Header(alias="If-Match", description="the ETag, as last read")]


def seen(if_match: IfMatch = None) -> int | None:
    """The version named; None if none is."""
    if if_match is None:
        return None
    text = if_match.strip('"')
    if not text.isdecimal() or len(text) > 9:
        raise HeaderInvalid("If-Match", if_match)
    return int(text)


def must_see(if_match: IfMatch = None) -> int:
    """The version named; it has to be."""
    version = seen(if_match)
    if version is None:
        raise IfMatchRequired("If-Match")
    return version


Seen = Annotated[int | None, Depends(seen)]
MustSee = Annotated[int, Depends(must_see)]


def etag(version: int) -> dict[str, str]:
    """The header that says which version this is."""
    return {"ETag": f'"{version}"'}
