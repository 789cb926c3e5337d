"""The door: what is turned away before any route sees it, by size, by name, by form."""

import hashlib
import logging
import uuid
from email.message import Message
from typing import Any

from anyio import to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.types import Message as Event

from api.errors import UNREADABLE, ApiError, declared, invalid, problem, told_as_problem
from api.logs import request_id
from api.settings import Settings, is_loopback
from matcher import InvalidInput, read_json

log = logging.getLogger(__name__)

JSON_ROOT = "/v1/"


class HostUnknown(ApiError):
    status, code = 400, "host_unknown"


class LoopbackOnly(ApiError):
    status, code = 403, "loopback_only"


class HeadersTooLarge(ApiError):
    status, code = 431, "headers_too_large"


class RangeInvalid(ApiError):
    status, code = 416, "range_invalid"


class MediaType(ApiError):
    status, code = 415, "media_type"


class BodyTooLarge(ApiError):
    status, code = 413, "body_too_large"


class TooManyParts(ApiError):
    status, code = 413, "too_many_parts"


OF_BODIES = {
    400: told_as_problem(", ".join(sorted(UNREADABLE))),
    **declared(BodyTooLarge, TooManyParts, MediaType),
}
"""What may come of any body, as OpenAPI tells it."""


class Door:
    """ASGI middleware. Below it every body under /v1/ is whole, strict JSON of a bearable size."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app, self.settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        name = uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = name
        request_id.set(name)
        begun = False

        async def answer(event: Event) -> None:
            nonlocal begun
            if event["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=event)
                headers["X-Request-Id"] = name
                if scope["path"].startswith(JSON_ROOT):
                    headers["Cache-Control"] = "no-store"
            await send(event)

        try:
            self._look(scope)
            if scope["path"].startswith(JSON_ROOT) and scope["method"] in ("POST", "PUT", "PATCH"):
                body = await self._read(scope, receive)
                scope["state"]["fingerprint"] = fingerprint(scope, body)
                receive = _again(body, receive)
        except ApiError as error:
            return await problem(scope, error)(scope, receive, answer)
        except InvalidInput as error:
            return await invalid(scope, error)(scope, receive, answer)
        try:
            await self.app(scope, receive, answer)
        except Exception:
            log.exception("a request failed")
            if begun:
                raise
            await problem(scope, ApiError())(scope, receive, answer)

    def _look(self, scope: Scope) -> None:
        lines = scope["headers"]
        size = sum(len(name) + len(value) for name, value in lines)
        range_ = Headers(scope=scope).get("range", "")
        if range_.count(",") > 8:
            raise RangeInvalid("Range", range_)
        if len(lines) > self.settings.max_headers:
            raise HeadersTooLarge("", len(lines), limit=self.settings.max_headers)
        if size > self.settings.max_header_bytes:
            raise HeadersTooLarge("", size, limit=self.settings.max_header_bytes)
        for side in ("server", "client"):
            if self.settings.public_url is None and not is_loopback((scope.get(side) or ("127.0.0.1",))[0]):
                raise LoopbackOnly("", scope[side][0])
        host = Headers(scope=scope).get("host", "")
        if _without_port(host).lower() not in self.settings.names:
            raise HostUnknown("Host", host)

    async def _read(self, scope: Scope, receive: Receive) -> bytes:
        """The body, not a byte more than is allowed, looked through."""
        headers = Headers(scope=scope)
        limit = self.settings.max_body_bytes
        if int(headers.get("content-length", 0)) > limit:
            raise BodyTooLarge("", headers["content-length"], limit=limit)
        body = bytearray()
        more = True
        while more:
            event = await receive()
            body += event.get("body", b"")
            more = event.get("more_body", False)
            if len(body) > limit:
                raise BodyTooLarge("", len(body), limit=limit)
        if body:
            kind = Message()
            kind["content-type"] = headers.get("content-type", "")
            self._check_parts(kind, body)
            if kind.get_content_type() != "application/json":
                raise MediaType("Content-Type", headers.get("content-type", ""))
            await to_thread.run_sync(read_json, bytes(body))
        return bytes(body).removeprefix(b"\xef\xbb\xbf")

    def _check_parts(self, kind: Message, body: bytearray) -> None:
        boundary = kind.get_boundary()
        if boundary and body.count(b"--" + boundary.encode()) > self.settings.max_parts + 1:
            raise TooManyParts("", None, limit=self.settings.max_parts)


def _without_port(host: str) -> str:
    """`[::1]:8000` is ::1, `localhost:8000` is localhost."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def client_address(scope: Scope, settings: Settings) -> str:
    """Who is at the other end: behind a proxy of ours, whoever it says it speaks for."""
    peer = str((scope.get("client") or ("127.0.0.1",))[0])
    told = [part.strip() for part in Headers(scope=scope).get("x-forwarded-for", "").split(",")]
    return told[-1] if settings.public_url and peer in settings.proxies and told[-1] else peer


def fingerprint(scope: Scope, body: bytes) -> str:
    """Which operation on which body: the same key may not be used for two of them."""
    return hashlib.sha256(f"{scope['method']} {scope['path']}\n".encode() + body).hexdigest()


def _again(body: bytes, receive: Receive) -> Receive:
    """Hand out the body that was read, then whatever comes."""
    events: list[dict[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Event:
        return events.pop() if events else await receive()

    return replay
