"""Encode messages as WebSocket text frames (RFC 6455, 5.2), compressed frames (RFC 7692) or Server-Sent Events."""

from __future__ import annotations

from contextlib import suppress
from enum import Enum
from functools import lru_cache
from typing import Final

from websockets.exceptions import InvalidHeader, NegotiationError
from websockets.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory
from websockets.frames import Frame, Opcode
from websockets.headers import build_extension, parse_extension

from ticker.core.messages import ByeMessage, ForgetMessage, Message, encode_message


class Framing(Enum):
    """How messages to a follower are encoded."""

    WEBSOCKET = "websocket"
    DEFLATED = "deflated"  # a WebSocket with permessage-deflate
    EVENTS = "events"


RETRY_MIN_MS: Final = 1_000
OFFER_MAX: Final = 512
"""Longest extension offer in characters that is parsed. Browsers send 42. Parsing 30,000 commas would block the event
loop for 40 ms."""
WINDOW_BITS: Final = 15
DEFLATED_MIN: Final = 200
"""Smallest message in bytes that is compressed. Below that, as for heartbeats, it saves too little."""

# Without context takeover, a compressed message doesn't depend on earlier ones: one copy serves all followers.
_DEFLATE: Final = ServerPerMessageDeflateFactory(server_no_context_takeover=True, client_no_context_takeover=True)


@lru_cache(maxsize=64)
def deflate_extension(offered: str) -> str | None:
    """Return the `Sec-WebSocket-Extensions` of the response, or None if the offer doesn't allow our compression."""
    if len(offered) > OFFER_MAX:
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
    """Return a message in the given framing."""
    payload = encode_message(message)
    if framing is Framing.WEBSOCKET:
        return websocket_frame(payload)
    if framing is Framing.DEFLATED:
        return deflated_frame(payload)
    if isinstance(message, ByeMessage):
        # Browsers use this delay for all later reconnects too, even if no server responds: it must not be 0.
        return b"retry: %d\n" % (message.retry_ms + RETRY_MIN_MS) + event("bye", None, payload)
    position = None if isinstance(message, ForgetMessage) else message.position
    return event(str(message.__struct_config__.tag), position, payload)


def websocket_frame(payload: bytes) -> bytes:
    """Return one unmasked text frame."""
    return bytes(Frame(Opcode.TEXT, payload).serialize(mask=False))


def deflated_frame(payload: bytes) -> bytes:
    """Return one compressed text frame, or a plain one if that isn't larger."""
    plain = websocket_frame(payload)
    if len(payload) < DEFLATED_MIN:
        return plain
    deflate = PerMessageDeflate(True, True, WINDOW_BITS, WINDOW_BITS)
    deflated = bytes(Frame(Opcode.TEXT, payload).serialize(mask=False, extensions=[deflate]))
    return min(deflated, plain, key=len)


def websocket_payload(frame: bytes) -> bytes:
    """Return the payload of a frame made by `websocket_frame`. Its length field gives the length of the header."""
    length = frame[1]
    return frame[2 if length < 126 else 4 if length == 126 else 10 :]


def event(kind: str, position: str | None, payload: bytes) -> bytes:
    """Return one event. Its id is the position, so that `Last-Event-ID` resumes. JSON contains no line breaks."""
    head = f"event: {kind}\n" if position is None else f"id: {position}\nevent: {kind}\n"
    return b"%bdata: %b\n\n" % (head.encode(), payload)
