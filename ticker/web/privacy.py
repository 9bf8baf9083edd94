"""Private editions in the web application: every door asks here for an edition, and no cache keeps the answer."""

from __future__ import annotations

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ticker.gateway.access import token_of
from ticker.gateway.channel import Channel
from ticker.gateway.hub import Hub
from ticker.gateway.request_head import Headers

NO_STORE: Final = "private, no-store"
"""`Cache-Control` of an answer about a private edition."""
_PRIVATE: Final = "ticker.private"
"""The key in a request's scope that marks such an answer."""


def channel_for(hub: Hub, request: Request, name: str) -> Channel:
    """Return the channel of an edition that the request may read. The answer about a private one isn't cached.

    Raises:
        Refusal: As `Hub.channel`.

    """
    channel = hub.channel(name, Headers(request.headers.raw))
    if channel.is_private:
        request.scope[_PRIVATE] = True
    return channel


def listed_channels(hub: Hub, request: Request) -> dict[str, Channel]:
    """Return the channels that a list for this request may name: open ones, and those that its token is for."""
    headers = Headers(request.headers.raw)
    channels = hub.open_channels()
    if token_of(headers) is None:
        return channels
    private = {
        name: each for name, each in hub.channels.items() if each.is_private and hub.access.allows(name, headers)
    }
    if private:
        request.scope[_PRIVATE] = True
    return {**channels, **private}


class PrivateAnswers:
    """Middleware that keeps answers about private editions out of caches, search engines and the header `Referer`.

    It replaces the headers of every door, also of doors that are added later.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start" and scope.get(_PRIVATE):
                headers = MutableHeaders(scope=message)
                headers["Cache-Control"] = NO_STORE
                headers["Referrer-Policy"] = "no-referrer"
                headers["X-Robots-Tag"] = "noindex"
                headers.add_vary_header("Authorization")
            await send(message)

        await self._app(scope, receive, send_marked)
