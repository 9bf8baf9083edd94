"""A gateway without sockets: bytes in, bytes out, and a check of the bytes that come out.

Everything but the transport is the product's own code. A fuzzer can try hundreds of conversations per second, and sees
every exception.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import h11
import uvicorn
from uvicorn.server import ServerState
from websockets.frames import Opcode

from tests.support.gateway_clients import parse_frame
from tests.support.gateway_fixtures import kept_of_connections, kept_of_followers
from ticker.core.edition import DEFAULT_EDITIONS
from ticker.core.entry import Entry, Logged, encode_entry
from ticker.core.line import Change, Line
from ticker.core.messages import decode_message
from ticker.core.position import next_link
from ticker.gateway.channel import Channel
from ticker.gateway.connection import Connection
from ticker.gateway.hub import Hub
from ticker.settings import Settings
from ticker.web.app import make_app

NOW: Final = datetime(2026, 11, 24, 12, tzinfo=UTC)
NONCE: Final = "5e" * 32
STATUSES: Final = frozenset({200, 204, 304, 307, 400, 403, 404, 405, 410, 426, 429, 431, 503})
CLOSE_CODES: Final = frozenset({1002, 1007, 1008, 1009})
"""The gateway's close codes for a protocol violation. It echoes the code of a peer that closes."""


class FakeTransport(asyncio.Transport):
    """A transport whose peer reads everything immediately."""

    def __init__(self, address: str = "192.0.2.1") -> None:
        super().__init__({"peername": (address, 50_000), "sockname": ("192.0.2.9", 80)})
        self.sent = bytearray()
        self.protocol: asyncio.BaseProtocol | None = None
        self.is_aborted = False
        self._closing = False

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        assert self.protocol is not None
        return self.protocol

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        if self._closing:  # as uvloop does after a close
            raise RuntimeError("unable to perform operation on a closed transport")
        self.sent += data

    def close(self) -> None:
        self._closing = True

    def abort(self) -> None:
        self._closing = self.is_aborted = True

    def is_closing(self) -> bool:
        return self._closing

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


class SocketlessGateway:
    """A gateway with one edition of ten lines. Create it in a running event loop."""

    def __init__(self, **settings: Any) -> None:
        self.hub = Hub(Settings(handshakes_per_s=0, **settings), 4096, lambda: NOW, random.Random(1).random)
        self.channel = Channel("en", DEFAULT_EDITIONS["en"], NONCE, self.hub.settings, lambda: NOW)
        self.hub.add(self.channel)
        link = NONCE
        for seq in range(1, 11):
            entry = _entry(seq)
            link = next_link(link, encode_entry(entry))
            self.channel.append(Logged(seq, link, entry))
        connection: Any = partial(Connection, self.hub)
        self._config = uvicorn.Config(
            make_app(self.hub, "0.0"),
            http=connection,
            ws=connection,
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            lifespan="off",
        )
        self._config.load()
        self._state = ServerState()
        self._loop = asyncio.get_running_loop()
        self._errors: list[dict[str, Any]] = []
        self._loop.set_exception_handler(lambda _, context: self._errors.append(context))
        # uvicorn logs the application's exceptions.
        handler = logging.Handler(logging.ERROR)
        handler.emit = lambda record: self._errors.append({"record": record.getMessage()})  # type: ignore[method-assign]
        logging.getLogger("uvicorn.error").addHandler(handler)

    async def talk(self, pieces: Sequence[bytes]) -> FakeTransport:
        """Send the pieces and disconnect. Return the transport with the responses. Raises the product's exceptions."""
        transport = FakeTransport()
        protocol = Connection(self.hub, config=self._config, server_state=self._state, app_state={}, _loop=self._loop)
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        for piece in pieces:
            if transport.is_closing():
                break
            receiver = transport.get_protocol()
            assert isinstance(receiver, asyncio.Protocol)
            receiver.data_received(piece)
            await self._wait_for_responses()
        receiver = transport.get_protocol()
        assert isinstance(receiver, asyncio.Protocol)
        if not transport.is_closing():
            receiver.eof_received()
        receiver.connection_lost(None)
        await self._wait_for_responses()
        errors = self._errors[:]
        self._errors.clear()
        assert errors == []
        return transport

    def is_empty(self) -> bool:
        """Return whether the gateway keeps nothing of any reader."""
        return not (
            kept_of_followers(self.channel)
            or self.hub.admission.followers
            or kept_of_connections(self.hub.limits)
            or self._state.connections
            or self._state.tasks
        )

    async def _wait_for_responses(self) -> None:
        for _ in range(1000):
            if not self._state.tasks:
                return
            await asyncio.sleep(0)
        raise AssertionError("a request is never answered completely")


def _entry(seq: int) -> Entry:
    line = Line(
        id=f"line-{seq}",
        version=1,
        number=seq,
        change=Change.NEW,
        text=f"Line {seq}",
        lang="en",
        dir=DEFAULT_EDITIONS["en"].dir,
        created_at=NOW,
        updated_at=NOW,
        section="politics",
    )
    return Entry(line=line, editor="maha", key=f"k{seq}", submitted_at=NOW, note="for staff only")


def check_responses(sent: bytes, sent_by_reader: Sequence[bytes]) -> str:
    """Check all bytes to a reader with independent parsers. Return how the connection ended."""
    for secret in (b"for staff only", b'"maha"', b"Traceback", b"Internal Server Error"):
        assert secret not in sent, sent[:500]
    data, result = bytes(sent), "no response"
    while data:
        status, headers, body, data = _response(data, sent_by_reader)
        if status == 101:
            head = bytes(sent)[: len(sent) - len(data)]
            return _check_frames(data, may_be_deflated=b"permessage-deflate" in head)
        assert status in STATUSES, (status, body[:200])
        if headers.get(b"content-type", b"").startswith(b"text/event-stream"):
            assert all(
                event.startswith((b"id: ", b"event: ", b"data: ", b"retry: ")) for event in body.split(b"\n") if event
            )
            return "events"
        kind = headers.get(b"content-type", b"").partition(b";")[0]
        if status >= 400 and body and kind != b"text/html":
            refusal = json.loads(body)
            if status != 503 or "followers" not in refusal:  # /readyz of a gateway that is still loading
                assert kind == b"application/problem+json"
                assert refusal.keys() == {"type", "title", "status", "detail", "error"}
                assert refusal["status"] == status
                assert refusal["detail"]
        result = str(status)
    return result


def _response(data: bytes, sent_by_reader: Sequence[bytes]) -> tuple[int, dict[bytes, bytes], bytes, bytes]:
    """Parse the first response in `data`. Return its status, headers and body, and the bytes after it."""
    parser = h11.Connection(h11.CLIENT)
    # h11 needs the method, as a response to HEAD comes without a body. Any response may be to a HEAD that was sent.
    head = bytes(data.partition(b"\r\n\r\n")[0])
    is_head = b"HEAD" in b"".join(sent_by_reader) and _starts_response(data[len(head) + 4 :])
    parser.send(
        h11.Request(
            method="HEAD" if is_head else "GET",
            target="/",
            headers=[("Host", "h"), ("Upgrade", "websocket"), ("Connection", "Upgrade")],
        )
    )
    parser.send(h11.EndOfMessage())
    parser.receive_data(data)
    response: Any = None
    body = bytearray()
    while True:
        event = parser.next_event()
        if isinstance(event, h11.InformationalResponse) and event.status_code == 101:
            return 101, {}, b"", data[len(head) + 4 :]
        if isinstance(event, h11.Response):
            response = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            return response.status_code, dict(response.headers), bytes(body), parser.trailing_data[0]
        elif event is h11.NEED_DATA:
            parser.receive_data(b"")  # the end of a stream of events
        elif event is h11.PAUSED:
            return 101, {}, b"", parser.trailing_data[0]


def _starts_response(data: bytes) -> bool:
    return not data or data.startswith(b"HTTP/1.1 ")


def _check_frames(data: bytes, *, may_be_deflated: bool) -> str:
    result = "101"
    while data:
        parsed = parse_frame(data)
        assert parsed is not None, data[:100]
        bits = data[0] & 0x70
        opcode, payload, data = parsed
        assert not bits or (bits == 0x40 and opcode is Opcode.TEXT and may_be_deflated), "a reserved bit"
        if opcode is Opcode.TEXT:
            assert result == "101", "a message after the close"
            if bits:
                payload = zlib.decompressobj(wbits=-15).decompress(payload + b"\x00\x00\xff\xff")
            assert decode_message(payload.decode()) is not None
        elif opcode is Opcode.CLOSE:
            assert result == "101", "a second close"
            result = f"close {int.from_bytes(payload[:2], 'big') if payload else 1005}"
        else:  # pings are answered even after our close, until the peer's close arrives (RFC 6455, 5.5.2)
            assert opcode is Opcode.PONG, opcode
    return result
