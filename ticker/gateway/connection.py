"""HTTP on a connection, until it asks for a live edition: then its transport becomes a follower's.

uvicorn's own httptools protocol does the HTTP. Three things are added: `GET /v1/{edition}/live` and `…/events` are
answered here instead of by the application, a request has to arrive whole within a time, and connections are bounded.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from ticker.core.log_window import Reset
from ticker.core.position import Position
from ticker.gateway import handshake
from ticker.gateway.admission import RETRY_S, Refusal, client_address, counted_as
from ticker.gateway.follower import Follower
from ticker.gateway.framing import Framing, deflate_extension
from ticker.gateway.handshake import Headers, Target

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application

    from ticker.gateway.hub import Hub

REQUEST_BYTES_MAX: Final = 32 * 1024
"""Of one request, with what was pipelined behind it. Nothing here takes a body; llhttp itself has no bound."""
PIPELINED_MAX: Final = 16
"""How many requests may wait behind the one that is answered. One of 20 bytes costs us 1.5 KB until its turn comes, and
whoever doesn't read the first answer chooses when that is. Browsers and proxies send none."""


class GatewayProtocol(HttpToolsProtocol):
    """One connection to the gateway. Made by uvicorn; the hub is found in the application's state."""

    hub: Hub
    _target: Target | None = None  # the live edition that the request is for
    _is_events = False  # whether it is for a stream of events, and not for a WebSocket
    _taken = False
    _visitor: str | None = None  # the address that this connection is counted for
    _request_bytes = 0
    _upgrades: bool | None = None  # whether the newest request asks for an upgrade, once somebody wanted to know
    _answering: RequestResponseCycle | None = None  # `cycle` is that of the newest request: others may wait before it

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.hub = self.config.loaded_app.state.hub
        # From here on, so that a transport is never beyond it, and nobody told, when a follower takes it over.
        transport.set_write_buffer_limits(high=self.hub.settings.follower_buffer_bytes)
        address = self.client[0] if self.client else ""
        if not self.hub.has_room(len(self.connections)):
            self._taken = True
            transport.abort()
        elif not self.hub.enters(address):
            most = self.hub.settings.followers_per_address
            self._refuse(Refusal(429, "address-full", f"this address has {most} connections: {most} at most", RETRY_S))
        else:
            self._visitor = address
            self.hub.awaits(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.hub.forget(self)
        self.hub.flows(self)
        self._leave_hub()
        self._drop_answer()  # the base sees to that of the newest request only
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._taken:
            return
        self._request_bytes += len(data)
        if self._request_bytes > REQUEST_BYTES_MAX:
            self.hub.admission.refused["too-big"] += 1
            self._refuse(Refusal(431, "too-big", f"a request has {REQUEST_BYTES_MAX} bytes at most"))
            return
        self.hub.turns.take(partial(self._read, data))

    def _read(self, data: bytes) -> None:
        if self._taken or self.transport.is_closing():
            return
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or cycle.response_complete:
            # Also for what begins no request yet (line breaks are allowed before one): any byte ends the time that
            # uvicorn gives an idle connection.
            self.hub.awaits(self)
        super().data_received(data)

    def pause_writing(self) -> None:
        super().pause_writing()
        self.hub.stalls(self)

    def resume_writing(self) -> None:
        self.hub.flows(self)
        super().resume_writing()

    # httptools' callbacks. A stream of events is taken over when its request is complete; the base never hears of it.

    # Once it is taken over, or refused, what was pipelined behind it must not be answered into its stream.

    def on_message_begin(self) -> None:
        if self._taken:
            return
        self._target, self._is_events, self._upgrades = None, False, None
        self.hub.awaits(self)
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        if self._taken:
            return
        target = self._target = handshake.parse_target(self.url)
        if target is not None and target.framing is Framing.EVENTS and self.parser.get_method() == b"GET":
            self._is_events = not (self.parser.should_upgrade() and self._should_upgrade())
        if len(self.pipeline) >= PIPELINED_MAX:
            self.hub.admission.refused["pipelined"] += 1
            self._refuse(Refusal(429, "pipelined", f"{PIPELINED_MAX} requests wait already: read their answers first"))
        elif not self._is_events:
            super().on_headers_complete()

    def _should_upgrade(self) -> bool:
        """Asked three times of each request, and each time the base goes through all headers."""
        if self._upgrades is None:
            self._upgrades = super()._should_upgrade()
        return self._upgrades

    def on_body(self, body: bytes) -> None:
        if not self._is_events and not self._taken:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if self._taken:
            return
        self.hub.forget(self)
        self._request_bytes = 0
        if self._is_events and self._target is not None:
            self._follow(self._target)
        else:
            super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """Answer an upgrade. The application has no WebSockets of its own, so other paths are refused."""
        if self._taken:  # pipelined behind a stream of events: it would be answered into that
            return
        target = self._target
        if target is None or target.framing is not Framing.WEBSOCKET:
            self._refuse(Refusal(404, "path", "there is no WebSocket here: it is at /v1/{edition}/live"))
        elif self.parser.get_method() != b"GET" or self.parser.get_http_version() != "1.1":
            self._refuse(Refusal(400, "method", "a WebSocket is opened with GET and HTTP/1.1"))
        else:
            self._follow(target)
        # The parser and this object hold each other: 15,000 such pairs would wait for the garbage collector.
        self.parser = None  # type: ignore[assignment]

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP in the words of every other refusal: uvicorn's own are plain text."""
        if not self._taken:
            self.hub.admission.refused["malformed"] += 1
            self._refuse(Refusal(400, "malformed", "this is no HTTP request"))

    # The hand-over

    def _follow(self, target: Target) -> None:
        cycle: RequestResponseCycle | None = self.cycle
        if (cycle is not None and not cycle.response_complete) or self.flow.write_paused:
            # Pipelined behind a request that is still being answered: its answer would end up inside the stream. Or its
            # answer isn't read yet: the transport has told us that it is full, and wouldn't tell the follower again.
            self._leave_uvicorn()
            self.transport.abort()
            return
        try:
            follower, response, after = self._decide(target)
        except Refusal as refusal:
            self._refuse(refusal)
            return
        self._leave_uvicorn()
        self.transport.set_protocol(follower)
        follower.view.channel.join(follower, response, after)

    def _decide(self, target: Target) -> tuple[Follower, bytes, Position | Reset | None]:
        hub, headers = self.hub, Headers(self.headers)
        channel = hub.channel(target.edition)
        origin = handshake.check_origin(channel.edition, headers)
        last_event_id = headers.one(b"last-event-id") if target.framing is Framing.EVENTS else None
        framing, extension = target.framing, None
        if framing is Framing.WEBSOCKET and hub.settings.compression:
            extension = deflate_extension(", ".join(headers.all(b"sec-websocket-extensions")))
            framing = Framing.WEBSOCKET if extension is None else Framing.DEFLATED
        request = channel.read(framing, target.query, last_event_id)
        if framing is Framing.EVENTS:
            response = handshake.events_response(origin)
        else:
            response = handshake.websocket_response(headers, extension)
        hub.check_views(channel, request.wish)
        peer = self.client[0] if self.client else ""
        address = counted_as(client_address(peer, headers.all(b"x-forwarded-for"), hub.trusted))
        hub.admission.admit(address, self.loop.time())
        return Follower(self.transport, channel.view(request.wish), address), response, request.after

    def _refuse(self, refusal: Refusal) -> None:
        self._leave_uvicorn()
        self.transport.write(handshake.refusal_response(refusal))
        self.transport.close()

    def _leave_uvicorn(self) -> None:
        self._taken = True
        self.hub.flows(self)
        self._drop_answer()
        self._unset_keepalive_if_required()
        self._leave_hub()
        self.connections.discard(self)

    def cut_off(self) -> None:
        """End the connection at once, whatever is under way on it."""
        self._drop_answer()
        self.transport.abort()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def _drop_answer(self) -> None:
        """Have the application's answer to an earlier request go nowhere.

        It would come behind what this connection was told since, or find the transport closed: an error in the log for
        everybody who sends garbage behind a request.
        """
        self.pipeline.clear()
        if self._answering is not None and not self._answering.response_complete:
            self._answering.disconnected = True
            self._answering.message_event.set()

    def _leave_hub(self) -> None:
        if self._visitor is not None:
            self.hub.leaves(self._visitor)
            self._visitor = None
