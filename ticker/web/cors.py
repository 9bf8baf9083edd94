"""Which pages may read an edition over HTTP (CORS, of the Fetch standard)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from ticker.gateway import handshake
from ticker.gateway.channel import Channel
from ticker.gateway.hub import Hub
from ticker.gateway.problems import EXPOSED
from ticker.gateway.request_head import Headers
from ticker.web.privacy import channel_for

ANY_ORIGIN: Final = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": EXPOSED}
"""The headers of an answer that pages of every origin may read."""
_PREFLIGHT: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, HEAD",
    "Access-Control-Allow-Headers": "Authorization, If-Modified-Since, If-None-Match, Last-Event-ID",
    "Access-Control-Max-Age": "86400",
}


def check_origin(hub: Hub, request: Request, channel: Channel) -> str | None:
    """Return the origin of the requesting page, or None if the request lacks the header `Origin`.

    Raises:
        Refusal: 403 if the edition doesn't allow the origin.

    """
    return handshake.check_origin(channel.edition, Headers(request.headers.raw), hub.settings.public_url)


def readable_channel(hub: Hub, request: Request) -> tuple[Channel, Mapping[str, str]]:
    """Return the channel of the request's edition, and the headers that let the requesting page read the response.

    Raises:
        Refusal: 403 if the edition doesn't allow the page's origin, or the refusal of `Hub.channel`.

    """
    channel = channel_for(hub, request, request.path_params["edition"])
    origin = check_origin(hub, request, channel)
    if "*" in channel.edition.origins:
        return channel, ANY_ORIGIN
    allowed = {} if origin is None else {**ANY_ORIGIN, "Access-Control-Allow-Origin": origin}
    return channel, {"Vary": "Origin", **allowed}


class Preflight:
    """Middleware that answers a browser's question whether a page may send a request with other headers.

    The answer is the same for every path and origin: the request itself is checked when it comes.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "OPTIONS":
            headers = Request(scope).headers
            if "origin" in headers and "access-control-request-method" in headers:
                await Response(status_code=204, headers=_PREFLIGHT)(scope, receive, send)
                return
        await self._app(scope, receive, send)
