"""The gateway's HTTP application: editions, boards, history, health, metrics, and the pages.

Live editions (`/v1/{edition}/live` and `…/events`) are not here: `protocol` hands those connections to followers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from hashlib import sha256
from http import HTTPStatus
from types import MappingProxyType
from typing import Final

import msgspec
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from ticker.core.errors import PositionError
from ticker.core.log_window import Reset
from ticker.core.messages import BoardMessage, EditionInfo, encode_message
from ticker.core.position import Position
from ticker.gateway import handshake, metrics
from ticker.gateway.admission import Refusal
from ticker.gateway.channel import Channel
from ticker.gateway.framing import Framing, websocket_payload
from ticker.gateway.hub import Hub
from ticker.web.pages import page_routes

HISTORY_MAX: Final = 500
_JSON: Final = "application/json"
_FOR_ANY_PAGE: Final = {"Access-Control-Allow-Origin": "*"}
_AT_ONCE: Final = frozenset({"/healthz", "/readyz"})
"""Cheap, and asked by those who would take a gateway that is slow to answer for a dead one."""

Endpoint = Callable[[Request], Awaitable[Response]]


def make_app(hub: Hub, version: str, collectors: Sequence[Collector] = ()) -> Starlette:
    """The application for one hub. `/metrics` has what `collectors` tell, too."""
    api = Api(hub, collectors)
    routes = [
        Route("/v1/editions", api.editions),
        Route("/v1/{edition}/board", api.board),
        Route("/v1/{edition}/lines", api.lines),
        Route("/v1/{edition}/live", api.live),
        Route("/healthz", api.health),
        Route("/readyz", api.ready),
        Route("/metrics", api.metrics),
        *page_routes(hub.channels, version=version),
    ]
    return Starlette(
        routes=routes,
        middleware=[
            Middleware(InTurn),
            Middleware(GZipMiddleware, minimum_size=1024, compresslevel=6),
        ],
        exception_handlers={Refusal: _refused, 404: _not_found, 405: _not_allowed},
    )


class InTurn:
    """Begins one request a turn of the event loop.

    Each is computed in one step, a page of history in about 2 ms: a few hundred that came at once would hold up every
    follower by as many of them.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._turn = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] not in _AT_ONCE:
            await self._turn.acquire()
            asyncio.get_running_loop().call_soon(self._turn.release)  # not when it is sent: that is up to its reader
        await self._app(scope, receive, send)


class Api:
    """The JSON endpoints."""

    def __init__(self, hub: Hub, collectors: Sequence[Collector] = ()) -> None:
        self._hub = hub
        self._registry = metrics.make_registry(hub, collectors)

    async def editions(self, request: Request) -> Response:
        """The editions that there are, each with its position and its vocabulary."""
        body = [
            {
                **msgspec.to_builtins(EditionInfo.of(channel.name, channel.edition)),
                "position": str(channel.position),
                "sections": channel.edition.sections,
                "regions": channel.edition.regions,
            }
            for _, channel in sorted(self._hub.channels.items())
        ]
        return _json(request, msgspec.json.encode({"editions": body}), _FOR_ANY_PAGE)

    async def board(self, request: Request) -> Response:
        """The `board` message of this moment."""
        channel, pages = self._shown(request)
        options = handshake.parse_options(channel.edition, Framing.WEBSOCKET, handshake.parse_fields(request.url.query))
        lines = channel.board_lines(options.lines, options.selection)
        message = BoardMessage(str(channel.position), None, EditionInfo.of(channel.name, channel.edition), lines)
        return _json(request, encode_message(message), pages)

    async def lines(self, request: Request) -> Response:
        """A page of history: `line` messages in order, and the positions to go on from.

        `after` gives what follows a position, `before` what precedes one, neither the newest. Text that was taken back
        since is gone here too.
        """
        channel, pages = self._shown(request)
        fields = handshake.parse_fields(request.url.query)
        limit = _parse_limit(handshake.one_of(fields, "limit"), self._hub.settings.history_page)
        after, before = (_parse_position(handshake.one_of(fields, name), name) for name in ("after", "before"))
        if after is not None and before is not None:
            raise Refusal(400, "before", "`after` and `before` can't be given together")
        first, last = _page(channel, after, before, limit)
        log = channel.history.log
        payloads = [websocket_payload(item.frame) for item in log.items(first - 1, last)]
        head = msgspec.json.encode(
            {
                "edition": channel.name,
                "position": str(channel.position),
                "after": _at(log.position_at(last)),
                "before": _earlier(channel, first),
            }
        )
        return _json(request, head[:-1] + b',"lines":[' + b",".join(payloads) + b"]}", pages)

    async def live(self, request: Request) -> Response:
        """Plain HTTP where a WebSocket is: those who ask for an upgrade never come here."""
        channel = self._channel(request)
        raise Refusal(426, "upgrade", f"this is a WebSocket: over plain HTTP there is /v1/{channel.name}/events")

    async def health(self, request: Request) -> Response:
        """The process is there and its loop runs."""
        return _json(request, b'{"status":"ok"}')

    async def ready(self, request: Request) -> Response:
        """Whether readers should be sent here: 200 `ready`, 200 `degraded` (served from memory), 503 otherwise."""
        hub = self._hub
        if hub.is_draining:
            status, code = "draining", 503
        elif hub.is_loading:
            status, code = "loading", 503
        else:
            status, code = ("degraded" if hub.troubles else "ready"), 200
        editions = {
            name: {
                "position": str(hub.channels[name].position) if name in hub.channels else None,
                "trouble": hub.troubles.get(name),
            }
            for name in sorted(hub.channels.keys() | hub.troubles.keys())
        }
        body = {"status": status, "followers": hub.followers, "editions": editions}
        return Response(msgspec.json.encode(body), code, {"Cache-Control": "no-store"}, _JSON)

    async def metrics(self, request: Request) -> Response:
        return Response(metrics.exposition(self._registry), headers={"Content-Type": metrics.CONTENT_TYPE})

    def _channel(self, request: Request) -> Channel:
        return self._hub.channel(request.path_params["edition"])

    def _shown(self, request: Request) -> tuple[Channel, Mapping[str, str]]:
        """The channel, and the headers that let the asking page read the answer, where the edition allows it."""
        channel = self._channel(request)
        origin = handshake.check_origin(channel.edition, handshake.Headers(request.headers.raw))
        if "*" in channel.edition.origins:
            return channel, _FOR_ANY_PAGE
        allowed = {} if origin is None else {"Access-Control-Allow-Origin": origin}
        return channel, {"Vary": "Origin", **allowed}


def _page(channel: Channel, after: Position | None, before: Position | None, limit: int) -> tuple[int, int]:
    """The first and the last seq of a page, inside what is retained."""
    log = channel.history.log
    given = after or before
    cursor = log.head if given is None else log.resume(given)
    if isinstance(cursor, Reset):
        raise Refusal(410, cursor, f"the position {given} doesn't hold any more ({cursor}): begin with the board")
    if after is not None:
        return cursor + 1, min(cursor + limit, log.head)
    last = cursor if before is None else cursor - 1
    return max(last - limit + 1, log.first), last


def _at(position: Position | None) -> str | None:
    return None if position is None else str(position)


def _earlier(channel: Channel, first: int) -> str | None:
    """The position to give as `before` for the page that precedes `first`; None where nothing is retained there."""
    log = channel.history.log
    return _at(log.position_at(first)) if first > log.first else None


def _parse_position(text: str | None, name: str) -> Position | None:
    try:
        return None if text is None else Position.parse(text)
    except PositionError as error:
        raise Refusal(400, name, str(error)) from error


def _parse_limit(text: str | None, default: int) -> int:
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) <= 3 and 1 <= int(text) <= HISTORY_MAX):
        raise Refusal(400, "limit", f"limit {text[:40]!a} is not a number from 1 to {HISTORY_MAX}")
    return int(text)


def _json(request: Request, body: bytes, pages: Mapping[str, str] = MappingProxyType({})) -> Response:
    """A JSON response that caches keep for a second and then ask about by its ETag; `pages` says who may read it."""
    etag = f'"{sha256(body).hexdigest()[:32]}"'
    headers = {
        "ETag": etag,
        "Cache-Control": "public, max-age=1",
        "X-Content-Type-Options": "nosniff",
        "Access-Control-Expose-Headers": "ETag",
        **pages,
    }
    if etag in [each.strip() for each in request.headers.get("if-none-match", "").split(",")]:
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=_JSON)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal), "registered for refusals only"
    headers = dict(_FOR_ANY_PAGE)
    if error.retry_s is not None:
        headers["Retry-After"] = str(error.retry_s)
    if error.status == HTTPStatus.UPGRADE_REQUIRED:
        headers["Upgrade"] = "websocket"
    return Response(handshake.refusal_body(error), error.status, headers, _JSON)


async def _not_found(request: Request, error: Exception) -> Response:
    return await _refused(request, Refusal(404, "path", f"there is nothing at {request.url.path[:100]!a}"))


async def _not_allowed(request: Request, error: Exception) -> Response:
    return await _refused(request, Refusal(405, "method", "only GET and HEAD are answered here"))
