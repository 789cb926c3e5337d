"""The reader of the pages: which language, under which rules the browser shows them, and problems as pages."""

import json
from http import HTTPStatus
from urllib.parse import urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.console.drawing import page
from api.door import JSON_ROOT
from api.errors import language
from api.messages import LANGUAGES
from api.security import Unauthenticated

COOKIE = "lang"
RULES = {
    # Nothing from elsewhere, no script at all; forms go home only, and nobody frames the pages.
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


class Reader:
    """ASGI middleware round everything but the JSON API."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(JSON_ROOT):
            return await self.app(scope, receive, send)
        lang = chosen_language(scope)
        scope = {**scope, "headers": _asking_for(lang, scope)}
        answer = _Answer(scope, receive, send, _cookie(scope))
        await self.app(scope, receive, answer)


class _Answer:
    """Sends an answer on under the rules of a page; a problem is held back until it is whole, then drawn."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, cookie: str | None) -> None:
        self.scope, self.receive, self.send, self.cookie = scope, receive, send, cookie
        self.problem: Message | None = None
        self.body = b""

    async def __call__(self, event: Message) -> None:
        if event["type"] == "http.response.start":
            self._set_rules(MutableHeaders(scope=event))
            if self._is_for_eyes(event):
                self.problem = event
                return
        if self.problem is None:
            return await self.send(event)
        self.body += event.get("body", b"")
        if not event.get("more_body", False):
            await self._draw(self.problem)

    def _set_rules(self, headers: MutableHeaders) -> None:
        headers.update(RULES)
        headers.setdefault("Cache-Control", "no-cache")
        headers.add_vary_header("Accept-Language, Cookie")
        if self.cookie is not None:
            headers.append("Set-Cookie", self.cookie)

    def _is_for_eyes(self, event: Message) -> bool:
        kind, accepted = Headers(raw=event["headers"]), Headers(scope=self.scope)
        is_problem = kind.get("content-type", "").startswith("application/problem+json")
        return is_problem and "text/html" in accepted.get("accept", "")

    async def _draw(self, start: Message) -> None:
        problem = json.loads(self.body)
        if problem["code"] == Unauthenticated.code:
            return await self._lead_to_login()
        text = page("problem.html", Request(self.scope), problem=problem, phrase=HTTPStatus(start["status"]).phrase)
        drawn = HTMLResponse(text, start["status"])
        kept = [pair for pair in start["headers"] if pair[0] not in (b"content-type", b"content-length")]
        drawn.raw_headers += kept
        await drawn(self.scope, self.receive, self.send)

    async def _lead_to_login(self) -> None:
        """Whoever is not logged in is asked to, and then comes back to what they wanted to see."""
        asked = Request(self.scope).url
        wanted = f"{asked.path}?{asked.query}" if asked.query else asked.path
        back = "?" + urlencode({"next": wanted}) if self.scope["method"] == "GET" and wanted != "/" else ""
        await RedirectResponse(f"/login{back}", 303)(self.scope, self.receive, self.send)


def chosen_language(scope: Scope) -> str:
    """What the address says, else what was chosen before, else what the browser asks for, else Chinese."""
    request = Request(scope)
    for wish in (request.query_params.get(COOKIE), request.cookies.get(COOKIE)):
        if wish in LANGUAGES:
            return wish
    return language(scope)


def _asking_for(lang: str, scope: Scope) -> list[tuple[bytes, bytes]]:
    """The headers, as if the browser had asked for this language: errors are then told in it too."""
    others = [pair for pair in scope["headers"] if pair[0] != b"accept-language"]
    return [*others, (b"accept-language", lang.encode())]


def _cookie(scope: Scope) -> str | None:
    """Remember a language that was chosen in the address."""
    wish = Request(scope).query_params.get(COOKIE)
    return f"{COOKIE}={wish}; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly" if wish in LANGUAGES else None
