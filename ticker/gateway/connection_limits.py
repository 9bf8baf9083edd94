"""Limits on connections that are not followers yet: how many, how slow, and how much they leave unread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from ticker.gateway.admission import Network, counted_as, is_trusted
from ticker.metrics.histograms import Histogram
from ticker.settings import Settings


class Close(StrEnum):
    """The last state of a connection before it closed, for the metrics."""

    REQUESTS = "requests"  # a connection for plain requests, or without any
    REFUSED = "refused"  # its last request was refused
    CUT_OFF = "cut-off"  # it ended because of a limit (handshake_s, unread_bytes, follower_paused_s)
    FOLLOWER = "follower"


class LimitedConnection(Protocol):
    """A connection that can be ended. It must be hashable."""

    def cut_off(self) -> None:
        """End the connection immediately."""


class ConnectionLimits:
    """Counts connections, their overdue requests and their unread responses, and ends those above a limit.

    Times are those of the event loop's clock.

    Attributes:
        opened: Connections accepted.
        closed: Connections closed, by what they were.
        handshake_s: The durations of followers' handshakes: from the connection, or from the first byte of a request
            on an older connection, until the response.
        timed_out: Connections ended because no complete request came within `handshake_s`.
        unread_cut_off: Connections ended because the peer didn't read its responses.
        unread_excess: Those of them that were ended because all write buffers together exceeded `unread_bytes`.
        unread_bytes: Bytes in the write buffers of connections above the high-water mark.

    """

    def __init__(
        self, settings: Settings, connections_max: int, trusted: Sequence[Network], refused: Counter[str]
    ) -> None:
        """Create the limits. `refused` counts refusals by code, for the metrics."""
        self.opened = 0
        self.closed: Counter[Close] = Counter()
        self.handshake_s = Histogram()
        self.timed_out = 0
        self.unread_cut_off = 0
        self.unread_excess = 0
        self.unread_bytes = 0
        self._connections_max = connections_max
        self._per_address_max = settings.followers_per_address
        self._request_s = settings.handshake_s
        self._unread_s = settings.follower_paused_s
        self._unread_bytes_max = settings.unread_bytes
        self._trusted = trusted
        self._refused = refused
        self._per_address: Counter[str] = Counter()
        self._requests: dict[LimitedConnection, float] = {}  # → when its request timeout started
        self._unread: dict[LimitedConnection, tuple[float, int]] = {}  # → since when its write buffer is full, bytes

    def has_room(self, connections: int) -> bool:
        """Return whether the process has a file descriptor for this connection. `connections` counts all of them."""
        if connections <= self._connections_max:
            return True
        self.refuse()
        return False

    def refuse(self) -> None:
        """Count a connection that is closed because the process or the kernel can't hold it."""
        self._refused["connections"] += 1

    def enter(self, address: str) -> bool:
        """Count a connection. Return False if its address is at its limit, `followers_per_address`.

        Connections through a trusted proxy are not limited here, because they all have the proxy's address.
        """
        if self.is_full(address):
            self._refused["address-full"] += 1
            return False
        self._per_address[counted_as(address)] += 1
        return True

    def is_full(self, address: str) -> bool:
        """Return whether an address is at its limit. `enter` would return False."""
        most, counted = self._per_address_max, counted_as(address)
        return bool(most) and self._per_address[counted] >= most and not is_trusted(address, self._trusted)

    def leave(self, address: str) -> None:
        """Stop counting a connection that was closed or has become a follower."""
        counted = counted_as(address)
        self._per_address[counted] -= 1
        if not self._per_address[counted]:
            del self._per_address[counted]

    def start_request_timeout(self, connection: LimitedConnection, now: float) -> None:
        """Start the request timeout, unless it is running: a complete request must come within `handshake_s`."""
        self._requests.setdefault(connection, now)

    def stop_request_timeout(self, connection: LimitedConnection) -> float | None:
        """Stop the request timeout, if it is running: the request is complete, or the connection is closed.

        Return when it started, or None if it wasn't running.
        """
        return self._requests.pop(connection, None)

    def add_unread(self, connection: LimitedConnection, size: int, now: float) -> None:
        """Count the `size` bytes of a write buffer that exceeds its high-water mark.

        If all write buffers together exceed `unread_bytes`, end the connections whose buffers have been full longest.
        """
        self._unread[connection] = (now, size)
        self.unread_bytes += size
        for slowest in list(self._unread):
            if self.unread_bytes <= self._unread_bytes_max:
                break
            self.unread_excess += 1
            self._cut_off_unread(slowest)

    def remove_unread(self, connection: LimitedConnection) -> None:
        """Stop counting a write buffer, if it was counted: the peer has read, or the connection is closed."""
        _, size = self._unread.pop(connection, (0.0, 0))
        self.unread_bytes -= size

    def cut_off_overdue(self, now: float) -> None:
        """End the connections with a late request or an unread response."""
        self._cut_off_silent(now)
        self._cut_off_stalled(now)

    def _cut_off_silent(self, now: float) -> None:
        for connection in [each for each, since in self._requests.items() if now - since > self._request_s]:
            self.timed_out += 1
            self.stop_request_timeout(connection)
            connection.cut_off()

    def _cut_off_stalled(self, now: float) -> None:
        """End the connections with a full write buffer. A peer that reads a few bytes now and then counts as stalled.

        Otherwise it could hold a response in memory for hours.
        """
        for connection in [each for each, (since, _) in self._unread.items() if now - since > self._unread_s]:
            self._cut_off_unread(connection)

    def _cut_off_unread(self, connection: LimitedConnection) -> None:
        self.unread_cut_off += 1
        self.remove_unread(connection)
        connection.cut_off()
