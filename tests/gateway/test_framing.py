"""Messages encoded as WebSocket frames and as events."""

from __future__ import annotations

import json

import pytest
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from ticker.core.messages import ByeMessage, HeartbeatMessage, decode_message
from ticker.gateway.framing import Framing, event, frame_message, websocket_frame, websocket_payload


@pytest.mark.parametrize(
    ("length", "head"),
    [
        (0, b"\x81\x00"),
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (65_535, b"\x81\x7e\xff\xff"),
        (65_536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
    ],
)
def test_length_field_has_the_size_of_rfc_6455(length: int, head: bytes) -> None:
    payload = b"x" * length
    frame = websocket_frame(payload)
    assert frame == head + payload
    assert websocket_payload(frame) == payload


def test_independent_parser_reads_the_frame() -> None:
    reader = StreamReader()
    reader.feed_data(frame_message(Framing.WEBSOCKET, HeartbeatMessage("1-0123456789abcdef")))
    parsing = Frame.parse(reader.read_exact, mask=False)
    with pytest.raises(StopIteration) as done:
        next(parsing)
    frame = done.value.value
    assert (frame.opcode, frame.fin) == (Opcode.TEXT, True)
    assert decode_message(frame.data) == HeartbeatMessage("1-0123456789abcdef")


def test_event_has_its_position_as_id_and_its_kind() -> None:
    data = frame_message(Framing.EVENTS, HeartbeatMessage("1-0123456789abcdef"))
    assert (
        data
        == b'id: 1-0123456789abcdef\nevent: heartbeat\ndata: {"type":"heartbeat","position":"1-0123456789abcdef"}\n\n'
    )


def test_event_without_a_position_has_no_id() -> None:
    assert not frame_message(Framing.EVENTS, ByeMessage(500, "restart")).startswith(b"id:")


def test_text_with_line_breaks_is_one_event() -> None:
    payload = json.dumps({"text": "a\nb\r\nc\u2028d"}).encode()
    assert event("line", "1-0", payload).count(b"\n") == 4
