"""Each request leaves a line in the log and a mark in the figures, by the name of its route and never its address."""

import logging
import time
from http import HTTPMethod

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.metrics import Metrics

log = logging.getLogger(__name__)

METHODS = set(HTTPMethod)


class Observer:
    """ASGI middleware round the door: what is turned away there is seen too."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        began, status = time.monotonic(), 500

        async def answer(event: Message) -> None:
            nonlocal status
            if event["type"] == "http.response.start":
                status = event["status"]
            await send(event)

        try:
            await self.app(scope, receive, answer)
        finally:
            self._note(scope, status, time.monotonic() - began)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        method, route = known_method(scope), template(scope)
        self.metrics.count(method, route, status, seconds)
        told = {"route": f"{method} {route}", "status": status, "milliseconds": round(1000 * seconds, 1)}
        log.info("answered", extra=told)


def known_method(scope: Scope) -> str:
    """A method may be any word; only the usual ones are repeated."""
    return scope["method"] if scope["method"] in METHODS else "other"


def template(scope: Scope) -> str:
    """`/v1/plans/{plan_id}`, whichever plan it was; `/static` for any file of it; one word for what is not there."""
    path = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) else scope.get("root_path") or "unknown"
