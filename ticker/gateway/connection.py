"""HTTP on a connection until it requests a live edition. Then a follower takes over its transport.

uvicorn's httptools protocol does the HTTP. This class adds three things: it answers `GET /v1/{edition}/live` and
`…/events` itself, a request must be complete within a time, and the number of connections is limited.
"""

from __future__ import annotations

import asyncio
import socket
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from ticker.gateway import handshake, problems, request_head, takeover
from ticker.gateway.admission import RETRY_S, Refusal
from ticker.gateway.connection_limits import Close
from ticker.gateway.framing import Framing
from ticker.gateway.handshake import Target
from ticker.gateway.hub import Hub
from ticker.gateway.request_head import Headers

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application

REQUEST_BYTES_MAX: Final = 32 * 1024
"""Maximum size of a request, including data pipelined after it. No endpoint accepts a body, and llhttp is unlimited."""
PIPELINED_MAX: Final = 16
"""Maximum number of requests that wait for the response to an earlier one.

A request of 20 bytes takes 1.5 KB of memory while it waits, and a peer that doesn't read the first response decides how
long that is. Browsers and proxies don't pipeline.
"""


class Connection(HttpToolsProtocol):
    """One connection to the gateway, with `functools.partial(Connection, hub)` as the class for uvicorn."""

    _headers: Headers  # of the newest request
    _target: Target | None = None  # the live edition that the request is for
    _is_events = False  # whether the request is for an event stream
    _is_head = False  # whether the request's method is HEAD: the response is sent without a body
    _detached = False  # whether this object no longer handles the connection
    _closes_as = Close.REQUESTS  # what to count this connection as when it closes
    _request_at: float | None = None  # when the newest request began
    _counted_address: str | None = None  # the address that this connection is counted for
    _request_bytes = 0
    _upgrades: bool | None = None  # whether the newest request asks for an upgrade; None: not known yet
    _answering: RequestResponseCycle | None = None  # the request being answered; `cycle` is the newest one

    def __init__(self, hub: Hub, *, opened_at: float | None = None, received: bytes = b"", **options: Any) -> None:
        """Create the protocol of one connection.

        Args:
            hub: The channels and the limits.
            opened_at: When the connection was opened, if not now.
            received: The bytes that the acceptor has already read from the connection.
            options: Those of uvicorn.

        """
        super().__init__(**options)
        self.hub = hub
        self._opened_at = opened_at
        self._received = received

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        # Not the base class's method: it asks uvloop's transport for both addresses, and the transport keeps them
        # as long as the connection lives, which takes 290 bytes.
        self.connections.add(self)
        self.transport, self.flow = transport, FlowControl(transport)
        self.client, self.scheme = _peer_of(transport), "http"
        hub = self.hub
        hub.limits.opened += 1
        # The follower's high-water mark, from the start: lowered at the takeover, it could be exceeded without a call
        # of `pause_writing`.
        transport.set_write_buffer_limits(high=hub.settings.follower_buffer_bytes)
        address = self.client[0] if self.client else ""
        if not hub.limits.has_room(len(self.connections) + hub.admission.followers):
            self._detached, self._closes_as = True, Close.REFUSED
            transport.abort()
        elif not hub.limits.enter(address):
            most = hub.settings.followers_per_address
            self._refuse(Refusal(429, "address-full", f"this address has {most} connections, the maximum", RETRY_S))
        else:
            self._counted_address = address
            now = self.loop.time()
            hub.limits.start_request_timeout(self, now if self._opened_at is None else self._opened_at)
            received, self._received = self._received, b""
            if received:
                self.data_received(received)

    def connection_lost(self, exc: Exception | None) -> None:
        self.hub.limits.closed[self._closes_as] += 1
        self.hub.limits.stop_request_timeout(self)
        self.hub.limits.remove_unread(self)
        self._uncount()
        self._drop_answer()  # the base class does this for the newest request only
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._detached:
            return
        self._request_bytes += len(data)
        if self._request_bytes > REQUEST_BYTES_MAX:
            self.hub.admission.refused["too-big"] += 1
            self._refuse(Refusal(431, "too-big", f"a request may have up to {REQUEST_BYTES_MAX} bytes"))
            return
        self.hub.time_slices.run(partial(self._parse, data))

    def eof_received(self) -> bool:  # type: ignore[override]
        """Close the connection in the next iteration, after the application has begun to answer the last request.

        The acceptor may have read that request already. Then the peer's end arrives before the application starts.
        """
        self.loop.call_soon(self.transport.close)
        return True

    def _parse(self, data: bytes) -> None:
        if self._detached or self.transport.is_closing():
            return
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or cycle.response_complete:
            # Line breaks before a request count too: any byte stops uvicorn's keep-alive timeout.
            self.hub.limits.start_request_timeout(self, self.loop.time())
        super().data_received(data)

    def pause_writing(self) -> None:
        super().pause_writing()
        self.hub.limits.add_unread(self, self.transport.get_write_buffer_size(), self.loop.time())

    def resume_writing(self) -> None:
        self.hub.limits.remove_unread(self)
        super().resume_writing()

    # Callbacks of httptools. A follower takes an event stream over when its request is complete, and the base class
    # never sees that request. After a takeover or a refusal, pipelined requests must not be answered.

    def on_message_begin(self) -> None:
        if self._detached:
            return
        self._target, self._is_events, self._is_head, self._upgrades = None, False, False, None
        self.hub.limits.start_request_timeout(self, self.loop.time())
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        if self._detached:
            return
        method, version = self.parser.get_method(), self.parser.get_http_version()
        self._is_head = method == b"HEAD"
        self._headers = Headers(self.headers)
        try:
            self.url = request_head.normalize_head(method, version, self.url, self._headers)
        except Refusal as refusal:
            self._refuse_head(refusal)
            return
        target = self._target = handshake.parse_target(self.url)
        if target is not None and target.framing is Framing.EVENTS and method == b"GET":
            self._is_events = not (self.parser.should_upgrade() and self._should_upgrade())
        if len(self.pipeline) >= PIPELINED_MAX:
            self._refuse_head(
                Refusal(429, "pipelined", f"{PIPELINED_MAX} requests are waiting: read their responses first")
            )
        elif not self._is_events:
            super().on_headers_complete()
            if self.parser.should_upgrade() and not self._should_upgrade():
                self.cycle.keep_alive = False  # the upgrade is ignored, but llhttp parses nothing after it

    def _should_upgrade(self) -> bool:
        """Return whether the request asks for a WebSocket. The base class calls this three times per request.

        It would look at the last `Connection` only, and compare `Upgrade` as a whole.
        """
        if self._upgrades is None:
            self._upgrades = request_head.requests_websocket(self.parser.get_http_version(), self._headers)
        return self._upgrades

    def on_body(self, body: bytes) -> None:
        if not self._is_events and not self._detached:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if self._detached:
            return
        self._request_at = self.hub.limits.stop_request_timeout(self)
        self._request_bytes = 0
        if self._is_events and self._target is not None:
            self._follow(self._target)
        else:
            super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """Answer an upgrade request. The application doesn't serve WebSockets, so other paths are refused."""
        if self._detached:  # pipelined after an event stream: the response would go into that stream
            return
        target = self._target
        if target is None or target.framing is not Framing.WEBSOCKET:
            self._refuse(Refusal(404, "path", "there is no WebSocket here: it is at /v1/{edition}/live"))
        elif self.parser.get_method() != b"GET":
            self._refuse(Refusal(400, "method", "a WebSocket is opened with GET"))
        elif request_head.has_body(self._headers):
            # A proxy could read it as the request's body, and the gateway as frames.
            self._refuse(Refusal(400, "body", "the request for a WebSocket has no body"))
        else:
            self._follow(target)
        # The parser and this object refer to each other: 15,000 such pairs would wait for the garbage collector.
        self.parser = None  # type: ignore[assignment]

    def send_400_response(self, msg: str) -> None:
        """Refuse malformed HTTP like everything else: with JSON, where uvicorn sends plain text."""
        if not self._detached:
            self.hub.admission.refused["malformed"] += 1
            self._refuse(Refusal(400, "malformed", "this is not an HTTP request"))

    # The takeover

    def _follow(self, target: Target) -> None:
        """Let a follower take the transport over, or refuse the request."""
        cycle: RequestResponseCycle | None = self.cycle
        if (cycle is not None and not cycle.response_complete) or self.flow.write_paused:
            # Pipelined after a request that is still being answered: its response would go into the stream. Or that
            # response isn't read yet: the transport has called `pause_writing` and wouldn't call the follower's.
            self._detach()
            self.cut_off()
            return
        try:
            peer = self.client[0] if self.client else ""
            channel, follower, response, after = takeover.accept(self.hub, target, self._headers, peer, self.transport)
        except Refusal as refusal:
            self._refuse(refusal)
            return
        self._detach()
        self.transport.set_protocol(follower)
        channel.members.join(follower, response, after)
        if self._request_at is not None:
            self.hub.limits.handshake_s.observe(self.loop.time() - self._request_at)

    def _refuse_head(self, refusal: Refusal) -> None:
        """Refuse a request whose head is invalid, or that is one too many."""
        self.hub.admission.refused[refusal.code] += 1
        self._refuse(refusal)

    def _refuse(self, refusal: Refusal) -> None:
        self._closes_as = Close.REFUSED
        self._detach()
        self.transport.write(problems.refusal_response(refusal, has_body=not self._is_head))
        self.transport.close()

    def _detach(self) -> None:
        """Stop being an HTTP connection: nothing that comes later is parsed or answered."""
        self._detached = True
        self.hub.limits.remove_unread(self)
        self._drop_answer()
        self._unset_keepalive_if_required()
        self._uncount()
        self.connections.discard(self)

    def cut_off(self) -> None:
        """Abort the connection and drop any response in progress."""
        self._closes_as = Close.CUT_OFF
        self._drop_answer()
        self.transport.abort()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def _drop_answer(self) -> None:
        """Discard the application's response to an earlier request.

        It would follow a refusal on the same connection, or find the transport closed. uvicorn logs the latter as an
        error, for every peer that sends garbage after a request.
        """
        self.pipeline.clear()
        if self._answering is not None and not self._answering.response_complete:
            self._answering.disconnected = True
            self._answering.message_event.set()

    def _uncount(self) -> None:
        if self._counted_address is not None:
            self.hub.limits.leave(self._counted_address)
            self._counted_address = None


def _peer_of(transport: asyncio.Transport) -> tuple[str, int] | None:
    """Return the peer's address and port, or None for a Unix socket or a peer that is gone."""
    accepted = transport.get_extra_info("socket")
    if accepted is None:
        named: tuple[str, int] | None = transport.get_extra_info("peername")
        return named
    # The base class of `socket.socket`, which takes two thirds of the time.
    borrowed = socket.SocketType(accepted.family, accepted.type, accepted.proto, accepted.fileno())
    try:
        peer = borrowed.getpeername()
    except OSError:
        return None
    finally:
        borrowed.detach()  # the transport closes it
    return (peer[0], peer[1]) if isinstance(peer, tuple) else None
