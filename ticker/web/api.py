"""The JSON API over plain HTTP: editions, boards, history, health and metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import msgspec
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, choose_encoder
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from ticker.core.edition import in_order
from ticker.core.errors import PositionError
from ticker.core.log_window import Reset
from ticker.core.messages import BoardMessage, EditionInfo, encode_message
from ticker.core.position import Position
from ticker.gateway import handshake
from ticker.gateway.admission import Refusal
from ticker.gateway.channel import Channel
from ticker.gateway.framing import Framing, websocket_payload
from ticker.gateway.hub import Hub
from ticker.gateway.metrics import make_registry
from ticker.gateway.request_head import Headers, method_refusal
from ticker.gateway.worker_metrics import WorkerMetrics
from ticker.web.http_cache import cacheable_response

HISTORY_MAX: Final = 500
"""Maximum number of entries on one page of history."""
_JSON: Final = "application/json"
_ANY_ORIGIN: Final = {"Access-Control-Allow-Origin": "*"}
# A cache may not serve a stale response if the gateway fails: it could contain a text that was withdrawn.
_SHARED_FOR_A_SECOND: Final = {
    "Cache-Control": "public, max-age=1, must-revalidate",
    "X-Content-Type-Options": "nosniff",
    "Access-Control-Expose-Headers": "ETag",
}


class Api:
    """The handlers."""

    def __init__(self, hub: Hub, collectors: Sequence[Collector] = (), workers: WorkerMetrics | None = None) -> None:
        self._hub = hub
        self._workers = workers
        self._registry = make_registry(hub, collectors)

    async def editions(self, request: Request) -> Response:
        """Return all editions, each with its position, its sections and its regions."""
        editions = [
            {
                **msgspec.to_builtins(EditionInfo.of(channel.name, channel.edition)),
                "position": str(channel.position),
                "sections": channel.edition.sections,
                "regions": channel.edition.regions,
            }
            for channel in map(self._hub.channels.__getitem__, in_order(self._hub.channels))
        ]
        return _json(request, msgspec.json.encode({"editions": editions}), _ANY_ORIGIN)

    async def board(self, request: Request) -> Response:
        """Return the current `board` message."""
        channel, cors = self._readable_channel(request)
        fields = handshake.parse_fields(request.url.query)
        options = handshake.parse_options(channel.edition, Framing.WEBSOCKET, fields)
        lines = channel.board_lines(options.lines, options.selection)
        edition = EditionInfo.of(channel.name, channel.edition, options.language)
        message = BoardMessage(str(channel.position), None, edition, lines, channel.history.is_incomplete)
        return _json(request, encode_message(message), cors)

    async def lines(self, request: Request) -> Response:
        """Return a page of history: `line` messages in order, and the positions of the adjacent pages.

        `after` selects the entries after a position, `before` those before it; without either the page has the newest.
        Text that was withdrawn later is missing here too.
        """
        channel, cors = self._readable_channel(request)
        fields = handshake.parse_fields(request.url.query)
        limit = _parse_limit(handshake.one_of(fields, "limit"), self._hub.settings.history_page)
        after, before = (_parse_position(handshake.one_of(fields, name), name) for name in ("after", "before"))
        if after is not None and before is not None:
            raise Refusal(400, "before", "`after` and `before` can't be used together: choose one")
        position = after or before
        if position is not None and position.seq > channel.history.log.head:
            await channel.members.wait_until_certain(position)
        first, last = _page_bounds(channel, after, before, limit)
        log = channel.history.log
        items = log.items(first - 1, last)
        messages = [websocket_payload(item.frame) for item in items]
        head = msgspec.json.encode(
            {
                "edition": channel.name,
                "position": str(channel.position),
                "after": _text_of(log.position_at(last)),
                "before": _text_of(log.position_at(first)) if first > log.first else None,
                "forget": [line_id for item in items for line_id in item.forgotten],
            }
        )
        # The messages are encoded already: they are put into the object as they are.
        return _json(request, head[:-1] + b',"lines":[' + b",".join(messages) + b"]}", cors)

    async def live(self, request: Request) -> Response:
        """Refuse plain HTTP on the WebSocket's path. Upgrade requests never reach this handler."""
        channel = self._channel(request)
        raise Refusal(426, "upgrade", f"this is a WebSocket; over plain HTTP, use /v1/{channel.name}/events")

    async def events(self, request: Request) -> Response:
        """Answer HEAD as GET would be answered, without the events. GET never reaches this handler."""
        channel = self._channel(request)
        origin = self._check_origin(request, channel)
        channel.requests.parse(Framing.EVENTS, request.url.query, request.headers.get("last-event-id"))
        response = Response(headers=handshake.events_headers(origin))
        del response.headers["Content-Length"]
        return response

    async def health(self, request: Request) -> Response:
        """Report that the process runs and its event loop answers."""
        return _json(request, b'{"status":"ok"}')

    async def ready(self, request: Request) -> Response:
        """Report whether readers should be sent here: 200 `ready` or `degraded` (served from memory), 503 otherwise."""
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
            for name in in_order(hub.channels.keys() | hub.troubles.keys())
        }
        body = {"status": status, "followers": hub.followers, "editions": editions}
        return Response(msgspec.json.encode(body), code, {"Cache-Control": "no-store"}, _JSON)

    async def metrics(self, request: Request) -> Response:
        """Return the metrics in the format that the client accepts: Prometheus's text or OpenMetrics.

        Any worker of several returns the metrics of all.
        """
        registry = self._registry if self._workers is None else await self._workers.gather(self._registry)
        try:
            encode, content_type = choose_encoder(", ".join(request.headers.getlist("accept")))
        except TypeError:  # prometheus_client 0.24 fails if the version in the header isn't a number
            encode, content_type = generate_latest, CONTENT_TYPE_PLAIN_0_0_4
        return Response(encode(registry), headers={"Content-Type": content_type})

    def _channel(self, request: Request) -> Channel:
        return self._hub.channel(request.path_params["edition"])

    def _check_origin(self, request: Request, channel: Channel) -> str | None:
        headers = Headers(request.headers.raw)
        return handshake.check_origin(channel.edition, headers, self._hub.settings.public_url)

    def _readable_channel(self, request: Request) -> tuple[Channel, Mapping[str, str]]:
        """Return the channel, and the CORS headers that let the requesting page read the response.

        Raises:
            Refusal: 403 if the edition doesn't allow the page's origin, 404 if the edition doesn't exist.

        """
        channel = self._channel(request)
        origin = self._check_origin(request, channel)
        if "*" in channel.edition.origins:
            return channel, _ANY_ORIGIN
        allowed = {} if origin is None else {"Access-Control-Allow-Origin": origin}
        return channel, {"Vary": "Origin", **allowed}


def _page_bounds(channel: Channel, after: Position | None, before: Position | None, limit: int) -> tuple[int, int]:
    """Return the seq of the first and the last entry of a page, within the retained log.

    Raises:
        Refusal: 410 if the position isn't in the retained log.

    """
    log = channel.history.log
    given = after or before
    cursor = log.head if given is None else log.resume(given)
    if isinstance(cursor, Reset):
        raise Refusal(410, cursor, f"the position {given} is no longer valid ({cursor}): start from the board")
    if after is not None:
        return cursor + 1, min(cursor + limit, log.head)
    last = cursor if before is None else cursor - 1
    return max(last - limit + 1, log.first), last


def _text_of(position: Position | None) -> str | None:
    return None if position is None else str(position)


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


def _json(request: Request, body: bytes, cors: Mapping[str, str] = MappingProxyType({})) -> Response:
    return cacheable_response(request, body, _JSON, {**_SHARED_FOR_A_SECOND, **cors})


async def refused(request: Request, error: Exception) -> Response:
    """Return a refusal as JSON. Pages of any origin may read it, so that their element learns the reason."""
    assert isinstance(error, Refusal), "registered for refusals only"
    headers = {**_ANY_ORIGIN, **handshake.refusal_headers(error)}
    return Response(handshake.refusal_body(error), error.status, headers, _JSON)


async def not_found(request: Request, error: Exception) -> Response:
    """Return 404 for a path that no route matches."""
    return await refused(request, Refusal(404, "path", f"nothing is served at {request.url.path[:100]!a}"))


async def method_not_allowed(request: Request, error: Exception) -> Response:
    """Return 405 for any method but GET and HEAD."""
    return await refused(request, method_refusal())
