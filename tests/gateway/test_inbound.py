"""Frames of a WebSocket follower are parsed and counted."""

from __future__ import annotations

from websockets.frames import Opcode

from tests.support.gateway_clients import masked
from ticker.gateway.inbound import FRAMES_MAX, Inbound

CLOSE_1000 = masked(Opcode.CLOSE, b"\x03\xe8")


def test_data_frame_is_reported() -> None:
    assert Inbound(4096).receive(masked(Opcode.TEXT, b"hello"), 0.0)
    assert not Inbound(4096).receive(masked(Opcode.PING, b"hello"), 0.0)


def test_frame_count_starts_again_after_its_period() -> None:
    inbound = Inbound(4096)
    for second in range(0, 1000, 5):
        for _ in range(FRAMES_MAX // 3):
            inbound.receive(masked(Opcode.PING, b""), float(second))
        assert not inbound.has_too_many_frames


def test_more_frames_than_allowed_are_too_many() -> None:
    inbound = Inbound(4096)
    inbound.receive(masked(Opcode.PONG, b"") * FRAMES_MAX, 0.0)
    assert not inbound.has_too_many_frames
    inbound.receive(masked(Opcode.PONG, b""), 0.0)
    assert inbound.has_too_many_frames


def test_close_frame_ends_the_open_state() -> None:
    inbound = Inbound(4096)
    assert inbound.is_open
    inbound.receive(CLOSE_1000, 0.0)
    assert not inbound.is_open
