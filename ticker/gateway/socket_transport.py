"""The transport of a follower: a socket that our own poller watches, and a write buffer that is rarely needed."""

from __future__ import annotations

import asyncio
import os
import socket
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final

from ticker.gateway.poller import READABLE, WRITABLE, Poller

READ_BYTES: Final = 16 * 1024
"""Maximum number of bytes read at once."""
LOW_SHARE: Final = 4
"""Writing resumes once the write buffer is down to this fraction of its high-water mark, as in asyncio."""

Data = bytes | bytearray | memoryview


class SocketTransport(asyncio.Transport):
    """A connected socket as a transport of asyncio. It closes the socket, after it has called `connection_lost`.

    It writes what the socket accepts at once, and keeps references to the rest, without a copy. The protocol must call
    `start` before anything can arrive.
    """

    __slots__ = (
        "_buffer",
        "_buffered",
        "_descriptor",
        "_events",
        "_high",
        "_is_closing",
        "_is_paused",
        "_poller",
        "_protocol",
    )

    def __init__(self, descriptor: int, poller: Poller, buffer_bytes: int) -> None:
        """Use a socket that doesn't block. `buffer_bytes` is the high-water mark of the write buffer."""
        self._descriptor = descriptor
        self._poller = poller
        self._high = buffer_bytes
        self._protocol: asyncio.BaseProtocol | None = None
        self._buffer: deque[memoryview] | None = None
        self._buffered = 0
        self._events = 0  # those that the poller reports
        self._is_closing = False
        self._is_paused = False  # whether the protocol has been told to stop writing

    def start(self, protocol: asyncio.Protocol, *, is_watched: bool = False) -> None:
        """Report what happens to `protocol` from now on. Its `connection_made` isn't called.

        With `is_watched`, the poller watches the socket already, for what can be read.

        Raises:
            OSError: If the kernel refuses to watch the socket. The caller still owns it then.

        """
        if is_watched:
            self._poller.replace(self._descriptor, self)
        else:
            self._poller.add(self._descriptor, self, READABLE)
        self._protocol = protocol
        self._events = READABLE

    def fileno(self) -> int:
        """Return the descriptor of the socket, or -1 once it is closed."""
        return self._descriptor

    # Writing

    def write(self, data: Data) -> None:
        """Send `data`, now or as soon as the socket accepts it. After a close, drop it."""
        if self._is_closing:
            return
        accepted = 0
        if self._buffer is None:
            try:
                accepted = os.write(self._descriptor, data)
            except BlockingIOError:
                pass
            except OSError as error:
                self._break(error)
                return
            if accepted == len(data):
                return
        self._keep((data,), accepted)

    def writelines(self, list_of_data: Iterable[Data]) -> None:
        """Send some pieces in one call of the kernel, without joining them."""
        if self._is_closing:
            return
        pieces, accepted = list(list_of_data), 0
        if self._buffer is None:
            try:
                accepted = os.writev(self._descriptor, pieces)
            except BlockingIOError:
                pass
            except OSError as error:
                self._break(error)
                return
        self._keep(pieces, accepted)

    def _keep(self, pieces: Iterable[Data], accepted: int) -> None:
        """Put `pieces` into the write buffer, without the first `accepted` bytes."""
        for data in pieces:
            size = len(data)
            if accepted >= size:
                accepted -= size
                continue
            if self._buffer is None:
                self._buffer = deque()
                self._watch(self._events | WRITABLE)
            self._buffer.append(memoryview(data)[accepted:])
            self._buffered += size - accepted
            accepted = 0
        if self._buffered > self._high and not self._is_paused and self._protocol is not None:
            self._is_paused = True
            self._protocol.pause_writing()

    def _send_buffer(self) -> None:
        buffer = self._buffer
        assert buffer is not None, "the socket is watched for this"
        try:
            while buffer:
                accepted = os.write(self._descriptor, buffer[0])
                self._buffered -= accepted
                if accepted < len(buffer[0]):
                    buffer[0] = buffer[0][accepted:]
                    break
                buffer.popleft()
        except BlockingIOError:
            pass
        except OSError as error:
            self._lose(error)
            return
        if not buffer:
            self._buffer = None
            if self._is_closing:
                self._lose(None)
                return
            self._watch(self._events & ~WRITABLE)
        if self._is_paused and self._buffered <= self._high // LOW_SHARE and self._protocol is not None:
            self._is_paused = False
            self._protocol.resume_writing()

    def get_write_buffer_size(self) -> int:
        return self._buffered

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return self._high // LOW_SHARE, self._high

    def can_write_eof(self) -> bool:
        return False

    # Reading

    def on_events(self, events: int) -> None:
        """Called by the poller."""
        if events & WRITABLE and self._buffer is not None:
            self._send_buffer()
        if self._descriptor < 0:
            return
        if events & self._events & READABLE:
            self._read()
        elif events & ~(READABLE | WRITABLE):  # the connection is broken, or both sides have ended it
            self._lose(ConnectionResetError())

    def _read(self) -> None:
        try:
            data = os.read(self._descriptor, READ_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self._lose(error)
            return
        protocol = self._protocol
        assert isinstance(protocol, asyncio.Protocol), "the socket is watched for it"
        if data:
            protocol.data_received(data)
            return
        self._watch(self._events & ~READABLE)  # otherwise the end would be reported for ever
        if not protocol.eof_received():
            self.close()

    def pause_reading(self) -> None:
        self._watch(self._events & ~READABLE)

    def resume_reading(self) -> None:
        if not self._is_closing:
            self._watch(self._events | READABLE)

    def is_reading(self) -> bool:
        return bool(self._events & READABLE)

    def _watch(self, events: int) -> None:
        if events != self._events and self._descriptor >= 0:
            self._events = events
            self._poller.change(self._descriptor, events)

    # The end

    def is_closing(self) -> bool:
        return self._is_closing

    def close(self) -> None:
        """Read nothing more, and close the socket after everything in the write buffer is sent."""
        if self._is_closing:
            return
        self._is_closing = True
        self._watch(self._events & ~READABLE)
        if self._buffer is None:
            asyncio.get_running_loop().call_soon(self._lose, None)

    def abort(self) -> None:
        """Drop the write buffer, and close the socket."""
        self._break(None)

    def _break(self, error: OSError | None) -> None:
        self._is_closing = True
        self._buffer, self._buffered = None, 0
        asyncio.get_running_loop().call_soon(self._lose, error)

    def _lose(self, error: OSError | None) -> None:
        """Report the end of the connection, then close the socket. Do nothing if it is closed already."""
        descriptor, protocol = self._descriptor, self._protocol
        if descriptor < 0:
            return
        self._is_closing = True
        self._buffer, self._buffered = None, 0
        self._poller.remove(descriptor)
        try:
            if protocol is not None:
                protocol.connection_lost(error)
        finally:
            self._descriptor, self._protocol = -1, None
            with suppress(OSError):
                os.close(descriptor)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        assert self._protocol is not None, "the connection is open"
        return self._protocol

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return the default, except for `socket`: a socket with a descriptor of its own, which the caller closes."""
        if name == "socket" and self._descriptor >= 0:
            return socket.socket(fileno=os.dup(self._descriptor))
        return default
