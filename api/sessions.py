"""What a route may ask for: a transaction, a moment to read, the time."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Request
from sqlmodel import Session

from api.db import Database


def database(request: Request) -> Database:
    """The database of this application."""
    return request.app.state.database  # type: ignore[no-any-return]


def transaction(database: Annotated[Database, Depends(database)]) -> Iterator[Session]:
    """One transaction for the whole request, begun by its first statement."""
    with database.writing() as session:
        yield session


def moment_to_read(database: Annotated[Database, Depends(database)]) -> Iterator[Session]:
    """One moment of the database, for who only looks."""
    with database.reading() as session:
        yield session


def now() -> datetime:
    """The time; tests hand in their own."""
    return datetime.now(UTC)


# The commit ends before the answer leaves: without scope="function" a commit that fails would still answer 201.
SessionDep = Annotated[Session, Depends(transaction, scope="function")]
ReadDep = Annotated[Session, Depends(moment_to_read, scope="function")]
DatabaseDep = Annotated[Database, Depends(database)]
Now = Annotated[datetime, Depends(now)]
