"""How many are served at once: never more than there are threads, so that whoever holds something can let go of it."""

from anyio import Semaphore, move_on_after
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.db import WAIT_SECONDS
from api.errors import ApiError, problem

MOST = 32
"""AnyIO lends 40 threads; the door reads bodies with the others, and /livez is answered."""

ALWAYS_IN = ("/livez",)


class Crowded(ApiError):
    status, code = 503, "crowded"

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": str(WAIT_SECONDS)})


class Crowd:
    """ASGI middleware next to the routes.

    A request needs a thread more than once: for what it depends on, for itself, for its answer to be written. Between
    two of these a reader of SQLite keeps its moment, and no writer can commit; when all threads were taken by readers
    who waited for that commit, nothing moved until they gave up.
    """

    def __init__(self, app: ASGIApp, most: int = MOST, patience: float = WAIT_SECONDS) -> None:
        self.app, self.places, self.patience = app, Semaphore(most), patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in ALWAYS_IN:
            return await self.app(scope, receive, send)
        with move_on_after(self.patience) as waiting:
            await self.places.acquire()
        if waiting.cancelled_caught:
            return await problem(scope, Crowded())(scope, receive, send)
        inside = True

        def leave() -> None:
            nonlocal inside
            if inside:
                self.places.release()
            inside = False

        async def answer(event: Message) -> None:
            leave()  # all is committed by now; how fast an answer is read is its reader's business
            await send(event)

        try:
            await self.app(scope, receive, answer)
        finally:
            leave()
