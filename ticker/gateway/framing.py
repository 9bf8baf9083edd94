"""How a message travels: a WebSocket text frame (RFC 6455, 5.2) or a Server-Sent Event (HTML, 9.2). Encoded once."""

from __future__ import annotations

from enum import Enum

from websockets.frames import Frame, Opcode

from ticker.core.wire import BeatMessage, BoardMessage, ByeMessage, LineMessage, LiveMessage, Message, encode_message

_KINDS: dict[type[Message], str] = {
    BoardMessage: "board",
    LineMessage: "line",
    LiveMessage: "live",
    BeatMessage: "beat",
    ByeMessage: "bye",
}


class Framing(Enum):
    """The form of the bytes that a follower is sent."""

    WEBSOCKET = "websocket"
    EVENTS = "events"


def frame_message(framing: Framing, message: Message) -> bytes:
    """A message ready for the transport."""
    payload = encode_message(message)
    if framing is Framing.WEBSOCKET:
        return websocket_frame(payload)
    return event(_KINDS[type(message)], None if isinstance(message, ByeMessage) else message.at, payload)


def websocket_frame(payload: bytes) -> bytes:
    """One unmasked text frame."""
    return bytes(Frame(Opcode.TEXT, payload).serialize(mask=False))


def websocket_payload(frame: bytes) -> bytes:
    """The payload of a frame made by `websocket_frame`: its length tells how long the header is."""
    length = frame[1]
    return frame[2 if length < 126 else 4 if length == 126 else 10 :]


def event(kind: str, at: str | None, payload: bytes) -> bytes:
    """One event. Its id is the position, so that a browser's own `Last-Event-ID` resumes; JSON has no line breaks."""
    head = f"event: {kind}\n" if at is None else f"id: {at}\nevent: {kind}\n"
    return b"%bdata: %b\n\n" % (head.encode(), payload)
