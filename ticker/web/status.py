"""The status page, and the status for programs. `ticker.web.status_access` decides who may see them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec
from jinja2 import Environment
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from ticker.core.status import SystemStatus
from ticker.gateway.hub import Hub
from ticker.gateway.problems import CHALLENGES
from ticker.web.http_cache import cacheable_response
from ticker.web.policy import security_headers
from ticker.web.privacy import NO_STORE
from ticker.web.status_access import Client, StatusAccess

LANGUAGES: Final = {"en": "English", "ar": "العربية", "es": "Español"}
"""The languages of the page, with their own names."""
_RIGHT_TO_LEFT: Final = frozenset({"ar"})
_LANG_MAX: Final = 35
FRESH_S: Final = 0.5
"""How long an answer serves further viewers."""
_HEADERS: Final = {
    "Cache-Control": NO_STORE,
    "X-Robots-Tag": "noindex",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class StatusPage:
    """The handlers.

    Attributes:
        access: Decides on requests.

    """

    def __init__(self, hub: Hub, token: str | None, environment: Environment) -> None:
        """Create the handlers.

        Raises:
            SettingsError: If the token can't be used.

        """
        self.access = StatusAccess(token, hub.settings, hub.admission.refused)
        self._hub = hub
        self._environment = environment
        self._body = b""
        self._fresh_until = 0.0

    @property
    def routes(self) -> list[Route]:
        """The routes of the page and of its data."""
        return [Route("/status", self.page), Route("/status.json", self.status)]

    async def page(self, request: Request) -> Response:
        """Show the page. It has no figures: its script requests them.

        Without a token, the answer is already 401 or 403. The browser shows it all the same: it has a form for the
        token, or the reason.
        """
        code, headers = 200, {**security_headers("'none'"), **_HEADERS}
        needs_token = self.access.has_token
        if needs_token:
            code, headers["WWW-Authenticate"] = 401, CHALLENGES["status-token"]
        elif not self.access.is_local(client_of(request, self._hub.port)):
            code = 403
        tag = page_language(request.query_params.get("lang", ""), request.headers.get("accept-language", ""))
        language = _base(tag)
        body = self._environment.get_template("status.html").render(
            lang=tag,
            language=language,
            dir="rtl" if language in _RIGHT_TO_LEFT else "ltr",
            languages=LANGUAGES,
            text=page_words()[language],
            needs_token=needs_token,
            message="status-closed" if code == 403 else "loading",
        )
        return HTMLResponse(body, code, {**headers, "Vary": "Accept-Language"})

    async def status(self, request: Request) -> Response:
        """Return the status of the system. Viewers share an answer for half a second."""
        client, loop = client_of(request, self._hub.port), asyncio.get_running_loop()
        self.access.check(client, loop.time())
        self.access.enter(client, loop.time())
        if loop.time() >= self._fresh_until:
            status: SystemStatus = await self._hub.status.status()
            self._body = msgspec.json.encode(status)
            self._fresh_until = loop.time() + FRESH_S
        return cacheable_response(request, self._body, "application/json", _HEADERS)


class NoteProxies:
    """Middleware that shows every plain request to the access check: a proxy on this machine betrays itself."""

    def __init__(self, app: ASGIApp, access: StatusAccess, hub: Hub) -> None:
        self._app = app
        self._access = access
        self._hub = hub

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self._access.note(client_of(Request(scope), self._hub.port))
        await self._app(scope, receive, send)


def client_of(request: Request, port: int) -> Client:
    """Return the facts of a request to the gateway's `port`."""
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    peer = request.client.host if request.client else ""
    return Client(peer, port, request.scope["http_version"], headers)


def page_language(wanted: str, accepted: str) -> str:
    """Return the language of the page (BCP 47): `wanted`, or the client's best one, or English."""
    ranges = []
    for place, each in enumerate(accepted[:500].split(",")):
        tag, _, weight = each.strip().partition(";q=")
        try:
            ranges.append((-float(weight or 1), place, tag))
        except ValueError:
            continue
    for tag in (wanted, *(tag for _, _, tag in sorted(ranges))):
        is_tag = len(tag) <= _LANG_MAX and tag.isascii() and tag.replace("-", "").isalnum()
        if is_tag and _base(tag) in LANGUAGES:
            return tag
    return "en"


def _base(tag: str) -> str:
    return tag.partition("-")[0].lower()


@cache
def page_words() -> Mapping[str, Mapping[str, str]]:
    """Return the words of the page by language and name."""
    source = (files("ticker.web") / "templates" / "status.json").read_bytes()
    return msgspec.json.decode(source, type=dict[str, dict[str, str]])
