"""Parse and count the frames that a WebSocket follower sends: closes, pings and pongs."""

from __future__ import annotations

import logging
from collections import Counter
from typing import Final

from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

FRAMES_MAX: Final = 32
FRAMES_S: Final = 10.0
"""A follower may send `FRAMES_MAX` pings and pongs in `FRAMES_S` seconds.

The answers to pings fill the write buffer until the peer reads. And parsing pongs of six bytes takes all of the event
loop's time: ten peers that sent nothing else once blocked all others for more than 15 s.
"""
PARSED_BYTES: Final = 512
"""Number of bytes parsed before the frames are counted. They hold at most 85 frames."""
_DATA: Final = (Opcode.TEXT, Opcode.BINARY, Opcode.CONT)

_logger = logging.getLogger("ticker.gateway.inbound")
_logger.addHandler(logging.NullHandler())  # `websockets` logs the errors of peers: the gateway only counts them
_logger.propagate = False


class Inbound(ServerProtocol):
    """The receiving side of one WebSocket. `frames` counts the frames received after `since`."""

    frames = 0
    since = 0.0

    def __init__(self, message_bytes: int) -> None:
        super().__init__(state=OPEN, max_size=message_bytes, logger=_logger)

    @property
    def is_open(self) -> bool:
        """Whether neither side has sent a close frame."""
        return self.state is OPEN

    def receive(self, data: bytes, now: float) -> bool:
        """Parse up to `PARSED_BYTES` bytes. Return whether they contain a data frame, which no follower may send."""
        if now - self.since > FRAMES_S:
            self.frames, self.since = 0, now
        self.receive_data(data)
        opcodes = Counter(event.opcode for event in self.events_received() if isinstance(event, Frame))
        self.frames += opcodes.total()
        return any(opcodes[opcode] for opcode in _DATA)

    @property
    def has_too_many_frames(self) -> bool:
        """Whether the peer sent more pings and pongs than allowed."""
        return self.frames > FRAMES_MAX
