"""How a message travels: in a WebSocket text frame (RFC 6455, 5.2), maybe compressed (RFC 7692), or as an event.

Each form of a message is made once, for all who are sent it.
"""

from __future__ import annotations

from contextlib import suppress
from enum import Enum
from functools import lru_cache
from typing import Final

from websockets.exceptions import InvalidHeader, NegotiationError
from websockets.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory
from websockets.frames import Frame, Opcode
from websockets.headers import build_extension, parse_extension

from ticker.core.messages import (
    BoardMessage,
    ByeMessage,
    HeartbeatMessage,
    LineMessage,
    LiveMessage,
    Message,
    encode_message,
)

_KINDS: Final[dict[type[Message], str]] = {
    BoardMessage: "board",
    LineMessage: "line",
    LiveMessage: "live",
    HeartbeatMessage: "heartbeat",
}


class Framing(Enum):
    """The form of the bytes that a follower is sent."""

    WEBSOCKET = "websocket"
    DEFLATED = "deflated"  # a WebSocket whose peer takes compressed messages
    EVENTS = "events"


RETRY_LEAST_MS: Final = 1_000
OFFER_LONGEST: Final = 512
"""Characters of an offer that is looked at: browsers' have 42. Reading 30,000 commas takes 40 ms, in which nobody is
served."""
WINDOW_BITS: Final = 15
DEFLATED_LEAST: Final = 200
"""Bytes of a message below which compressing it saves nothing worth the work: heartbeats and the like."""

# Without context takeover each message stands for itself: that is what lets one compressed copy serve everybody.
_DEFLATE: Final = ServerPerMessageDeflateFactory(server_no_context_takeover=True, client_no_context_takeover=True)


@lru_cache(maxsize=64)
def deflate_extension(offered: str) -> str | None:
    """The `Sec-WebSocket-Extensions` to answer to what a peer offers; None where it doesn't take our compression."""
    if len(offered) > OFFER_LONGEST:
        return None
    try:
        offers = [parameters for name, parameters in parse_extension(offered) if name == _DEFLATE.name]
    except InvalidHeader:
        return None
    for parameters in offers:
        with suppress(NegotiationError):
            accepted, extension = _DEFLATE.process_request_params(parameters, [])
            if extension.local_max_window_bits == WINDOW_BITS:
                return build_extension([(_DEFLATE.name, accepted)])
    return None


def frame_message(framing: Framing, message: Message) -> bytes:
    """A message ready for the transport."""
    payload = encode_message(message)
    if framing is Framing.WEBSOCKET:
        return websocket_frame(payload)
    if framing is Framing.DEFLATED:
        return deflated_frame(payload)
    if isinstance(message, ByeMessage):
        # Browsers keep to it for as long as they follow, also when nobody answers: never at once.
        return b"retry: %d\n" % (message.retry_ms + RETRY_LEAST_MS) + event("bye", None, payload)
    return event(_KINDS[type(message)], message.position, payload)


def websocket_frame(payload: bytes) -> bytes:
    """One unmasked text frame."""
    return bytes(Frame(Opcode.TEXT, payload).serialize(mask=False))


def deflated_frame(payload: bytes) -> bytes:
    """One compressed text frame, or a plain one where that is not larger."""
    plain = websocket_frame(payload)
    if len(payload) < DEFLATED_LEAST:
        return plain
    deflate = PerMessageDeflate(True, True, WINDOW_BITS, WINDOW_BITS)
    deflated = bytes(Frame(Opcode.TEXT, payload).serialize(mask=False, extensions=[deflate]))
    return min(deflated, plain, key=len)


def websocket_payload(frame: bytes) -> bytes:
    """The payload of a frame made by `websocket_frame`: its length tells how long the header is."""
    length = frame[1]
    return frame[2 if length < 126 else 4 if length == 126 else 10 :]


def event(kind: str, at: str | None, payload: bytes) -> bytes:
    """One event. Its id is the position, so that a browser's own `Last-Event-ID` resumes; JSON has no line breaks."""
    head = f"event: {kind}\n" if at is None else f"id: {at}\nevent: {kind}\n"
    return b"%bdata: %b\n\n" % (head.encode(), payload)
