"""One intent, one effect: the answer to a key is stored in the transaction of its effect, and given again."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import Depends, Header, Request
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse
from sqlalchemy.exc import IntegrityError

from api.errors import ApiError
from api.models import IdempotencyRow
from api.security import ActorDep
from api.sessions import DatabaseDep, Now, SessionDep

KEY_LIMIT = 255


class KeyRequired(ApiError):
    status, code = 400, "idempotency_key_required"


class KeyInvalid(ApiError):
    status, code = 400, "idempotency_key_invalid"


class KeyReused(ApiError):
    status, code = 409, "idempotency_key_reused"


class KeyInProgress(ApiError):
    status, code = 409, "idempotency_in_progress"


KEY_ERRORS = (KeyRequired, KeyInvalid, KeyReused, KeyInProgress)


class Once:
    """Does what is asked for the first time, and tells the same answer every further time."""

    def __init__(
        self,
        request: Request,
        database: DatabaseDep,
        session: SessionDep,
        now: Now,
        actor: ActorDep,
        key: Annotated[str | None, Header(alias="Idempotency-Key", description="a new one for each intent")] = None,
    ) -> None:
        if key is None:
            raise KeyRequired("Idempotency-Key")
        if not 0 < len(key) <= KEY_LIMIT or not all("!" <= c <= "~" for c in key):
            raise KeyInvalid("Idempotency-Key", key, limit=KEY_LIMIT)
        self.key, self.fingerprint = key, request.state.fingerprint
        self.kept_as = f"{actor.mark} {key}"  # nobody is told what another was answered
        self.database, self.session, self.now = database, session, now

    def __call__(
        self, status: int, make: Callable[[], Any], headers: Callable[[Any], Mapping[str, str]] = lambda made: {}
    ) -> JSONResponse:
        told = self._told()
        if told is None:
            made = make()
            told = IdempotencyRow(
                key=self.kept_as,
                fingerprint=self.fingerprint,
                status=status,
                answer=jsonable_encoder(made),
                headers=dict(headers(made)),
                created_at=self.now,
            )
            self._keep(told)
        return JSONResponse(told.answer, told.status, told.headers)

    def _told(self) -> IdempotencyRow | None:
        with self.database.reading() as reader:
            row = reader.get(IdempotencyRow, self.kept_as)
        if row is not None and row.fingerprint != self.fingerprint:
            raise KeyReused("Idempotency-Key", self.key)
        return row

    def _keep(self, row: IdempotencyRow) -> None:
        """Another with the same key may have come first; then nothing of ours is kept."""
        self.session.flush()
        self.session.add(row)
        try:
            self.session.flush()
        except IntegrityError:
            raise KeyInProgress("Idempotency-Key", self.key, headers={"Retry-After": "1"}) from None


OnceDep = Annotated[Once, Depends(Once, scope="function")]
