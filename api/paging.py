"""Lists in pages: a cursor says after which row the next page begins, and refuses to be tampered with."""

import base64
import binascii
import hashlib
import json
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel
from sqlmodel import Session, SQLModel, select

from api.errors import ApiError
from api.models.base import LARGEST_PAGE
from api.security import Actor, reach

SORTS = ("id", "-id")

Item = TypeVar("Item")
Row = TypeVar("Row", bound=SQLModel)


class PageInvalid(ApiError):
    status, code = 422, "page_invalid"


class SortUnknown(ApiError):
    status, code = 422, "sort_unknown"


class PageQuery(BaseModel):
    """Which page is asked for."""

    model_config = {"extra": "forbid"}

    limit: int = Query(50, ge=1, le=LARGEST_PAGE)
    cursor: str | None = Query(None, max_length=200, description="the `next` of the page before")
    sort: str = Query("id", description=f"one of {', '.join(SORTS)}")


class Page(BaseModel, Generic[Item]):
    """A page of a list, and the cursor of the next; null at the end."""

    items: list[Item]
    next: str | None


class Paging:
    """Where a page begins, how long it is, and in which order."""

    def __init__(self, query: Annotated[PageQuery, Query()]) -> None:
        if query.sort not in SORTS:
            raise SortUnknown("sort", query.sort, choices=", ".join(SORTS))
        self.limit, self.falling = query.limit, query.sort.startswith("-")
        self.after = None if query.cursor is None else _opened(query.cursor, query.sort)

    def page(self, session: Session, table: type[Row], actor: Actor) -> tuple[list[Row], str | None]:
        """The rows of this page that are there for this actor, and the cursor of the next."""
        key: Any = table.id  # type: ignore[attr-defined]
        found = (
            select(table).where(reach(actor, table)).order_by(key.desc() if self.falling else key).limit(self.limit + 1)
        )
        if self.after is not None:
            found = found.where(key < self.after if self.falling else key > self.after)
        rows = list(session.exec(found))
        more = len(rows) > self.limit
        rows = rows[: self.limit]
        return rows, _sealed(rows[-1].id, "-id" if self.falling else "id") if more else None  # type: ignore[attr-defined]


def _sealed(after: int, sort: str) -> str:
    mark = json.dumps([after, sort])
    return base64.urlsafe_b64encode(json.dumps([mark, _seal(mark)]).encode()).decode()


def _opened(cursor: str, sort: str) -> int:
    try:
        mark, seal = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        after, made_for = json.loads(mark)
    except (ValueError, TypeError, UnicodeError, binascii.Error):
        raise PageInvalid("cursor", cursor, limit=LARGEST_PAGE) from None
    if seal != _seal(mark) or made_for != sort:
        raise PageInvalid("cursor", cursor, limit=LARGEST_PAGE)
    return int(after)


def _seal(mark: str) -> str:
    """Not a secret: a slip of the pen is noticed, and what it opens is public to this reader anyhow."""
    return hashlib.sha256(mark.encode()).hexdigest()[:12]


PagingDep = Annotated[Paging, Depends(Paging)]
