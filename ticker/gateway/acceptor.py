"""Accept connections, many per iteration of the event loop. The usual handshakes are answered here.

uvloop accepts one connection per iteration, and makes a transport and a protocol for it before the request is read.
This module reads the request first. If it is a usual request for a live edition, the only object per connection is the
follower, with its transport. Every other connection goes to `Connection`, with what has been read.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Any, Final

from ticker.gateway import problems, takeover
from ticker.gateway.admission import Refusal
from ticker.gateway.connection_limits import Close
from ticker.gateway.hub import Hub
from ticker.gateway.opening import Opening, parse_opening
from ticker.gateway.poller import READABLE, SLICE_S, Poller
from ticker.gateway.repeated_openings import Repeated, RepeatedOpenings
from ticker.gateway.socket_transport import SocketTransport

HEAD_BYTES: Final = 4096
"""Maximum size of a request that is read here. `Connection` reads longer ones."""
NO_FILES_S: Final = 0.5
"""Delay in seconds before the next attempt if the system has no file for another connection."""
_NO_FILES: Final = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)

MakeConnection = Callable[[float | None, bytes], asyncio.Protocol]
"""Makes a connection's protocol. Its arguments: the time of its opening (None: now), and the bytes already read."""


class Arrival:
    """A connection that has sent nothing yet."""

    __slots__ = ("_acceptor", "address", "descriptor")

    def __init__(self, acceptor: Acceptor, descriptor: int, address: str) -> None:
        self._acceptor = acceptor
        self.descriptor = descriptor
        self.address = address

    def on_events(self, events: int) -> None:
        """Read the request. Called by the poller."""
        self._acceptor.read_arrival(self)

    def cut_off(self) -> None:
        """End the connection: its request is late."""
        self._acceptor.end_arrival(self, Close.CUT_OFF)


class _Refused(asyncio.Protocol):
    """The rest of connections whose requests were refused."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def connection_lost(self, exc: Exception | None) -> None:
        self._hub.limits.closed[Close.REFUSED] += 1


class Acceptor:
    """Accepts the connections of a listening socket."""

    def __init__(
        self, hub: Hub, listener: socket.socket, poller: Poller, connections: set[Any], make: MakeConnection
    ) -> None:
        """Accept nothing yet.

        Args:
            hub: The channels and the limits.
            listener: A bound socket.
            poller: Watches the sockets of followers.
            connections: The connections that `make` has made and that are open.
            make: Makes the protocol of all connections that don't open a live edition at once.

        """
        self._hub = hub
        self._listener = listener
        self._kind = (int(listener.family), int(listener.type), listener.proto)
        self._poller = poller
        self._connections = connections
        self._make = make
        self._refused = _Refused(hub)
        self._openings = RepeatedOpenings(hub)
        self._arrivals: set[Arrival] = set()
        self._passing_on: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        self._is_listening = False

    def start(self, backlog: int) -> None:
        """Listen, and accept connections. `backlog` is how many may wait."""
        self._listener.setblocking(False)
        self._listener.listen(backlog)
        self._is_listening = True
        self._resume()

    def stop(self) -> None:
        """Accept nothing more, and end the connections that have sent nothing."""
        self._is_listening = False
        self._loop.remove_reader(self._listener)
        for arrival in list(self._arrivals):
            self.end_arrival(arrival, Close.REQUESTS)

    def _resume(self) -> None:
        if self._is_listening:
            self._loop.add_reader(self._listener, self._accept)

    def _accept(self) -> None:
        """Accept connections for a time slice."""
        ends_at = monotonic() + SLICE_S
        while monotonic() < ends_at:
            try:
                # Not `accept`: it makes an object per socket, which takes as long as the rest of this method.
                descriptor, peer = self._listener._accept()  # type: ignore[attr-defined]
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _NO_FILES:  # the listening socket stays readable: try again later
                    self._loop.remove_reader(self._listener)
                    self._loop.call_later(NO_FILES_S, self._resume)
                    return
                continue  # the peer has gone already
            try:
                self._admit(descriptor, peer[0] if isinstance(peer, tuple) else "")
            except OSError:
                self._refuse_unwatched(descriptor)
            except BaseException:
                os.close(descriptor)
                raise

    def _refuse_unwatched(self, descriptor: int) -> None:
        """Close a connection that the kernel refuses to watch (`/proc/sys/fs/epoll/max_user_watches`)."""
        os.close(descriptor)
        limits = self._hub.limits
        limits.refuse()
        limits.opened += 1
        limits.closed[Close.REFUSED] += 1

    # The callers of `_admit` and `_take` close the descriptor after an error. Both raise nothing after another object
    # owns it: it would be closed twice, and its number may be that of another socket by then.

    def _admit(self, descriptor: int, address: str) -> None:
        limits = self._hub.limits
        if not limits.has_room(self._count() + 1):
            limits.opened += 1
            limits.closed[Close.REFUSED] += 1
            os.close(descriptor)
            return
        os.set_blocking(descriptor, False)
        if limits.is_full(address):
            self._pass_on(descriptor, None, b"")  # to be refused
            return
        data = _read(descriptor)
        if data is None:
            self._await_request(descriptor, address)
        else:
            self._take(descriptor, address, data, self._loop.time())

    def _count(self) -> int:
        """Return how many connections are open."""
        others = len(self._arrivals) + len(self._passing_on)
        return len(self._connections) + self._hub.admission.followers + others

    def _await_request(self, descriptor: int, address: str) -> None:
        arrival = Arrival(self, descriptor, address)
        self._poller.add(descriptor, arrival, READABLE)
        self._arrivals.add(arrival)
        limits = self._hub.limits
        limits.opened += 1
        limits.enter(address)
        limits.start_request_timeout(arrival, self._loop.time())

    def read_arrival(self, arrival: Arrival) -> None:
        """Read the request of a connection that had sent nothing."""
        data = _read(arrival.descriptor)
        if data is None:
            return
        if not data:
            self.end_arrival(arrival, Close.REQUESTS)
            return
        since = self._forget(arrival)
        self._hub.limits.opened -= 1  # it is counted again as what it becomes
        try:
            self._take(arrival.descriptor, arrival.address, data, since, is_watched=True)
        except BaseException:
            self._poller.discard(arrival.descriptor)
            os.close(arrival.descriptor)
            raise

    def end_arrival(self, arrival: Arrival, reason: Close) -> None:
        """End a connection that has sent nothing."""
        self._forget(arrival)
        self._poller.remove(arrival.descriptor)
        self._hub.limits.closed[reason] += 1
        os.close(arrival.descriptor)

    def _forget(self, arrival: Arrival) -> float | None:
        """Stop counting an arrival. Return when its request timeout started. The poller still watches it."""
        self._arrivals.discard(arrival)
        self._hub.limits.leave(arrival.address)
        return self._hub.limits.stop_request_timeout(arrival)

    def _take(
        self, descriptor: int, address: str, data: bytes, since: float | None, *, is_watched: bool = False
    ) -> None:
        """Decide what becomes of a connection that has sent `data`, or has ended without."""
        limits = self._hub.limits
        if not data:
            limits.opened += 1
            limits.closed[Close.REQUESTS] += 1
            os.close(descriptor)
            return
        request: Repeated | Opening | None = self._openings.find(data)
        if request is None:
            with suppress(Refusal):  # `Connection` refuses it again
                request = parse_opening(data)
        if request is None:
            if is_watched:
                self._poller.remove(descriptor)
            self._pass_on(descriptor, since, data)
            return
        transport = SocketTransport(descriptor, self._poller, self._hub.settings.follower_buffer_bytes)
        transport.start(self._refused, is_watched=is_watched)
        limits.opened += 1
        if self._join(transport, address, data, request) and since is not None:
            limits.handshake_s.observe(self._loop.time() - since)

    def _join(self, transport: SocketTransport, address: str, data: bytes, request: Repeated | Opening) -> bool:
        """Make a follower of a connection. Return False if that was refused or failed. Raise nothing."""
        try:
            if isinstance(request, Opening):
                prepared, key = takeover.prepare(self._hub, request.target, request.headers)
                self._openings.add(data, prepared)
                request = Repeated(prepared, key, request.headers.all(b"x-forwarded-for"))
            prepared, key, forwarded = request
            follower, response = takeover.admit(self._hub, prepared, key, address, forwarded, transport)
            transport.set_protocol(follower)
            prepared.channel.members.join(follower, response, prepared.request.after)
        except Refusal as refusal:
            transport.write(problems.refusal_response(refusal))
            transport.close()
            return False
        except Exception as error:  # noqa: BLE001 -- reported to the loop; the transport owns the descriptor
            transport.abort()
            self._loop.call_exception_handler({"message": "a follower couldn't join", "exception": error})
            return False
        return True

    def _pass_on(self, descriptor: int, since: float | None, received: bytes) -> None:
        """Let a `Connection` handle a connection that was opened at `since` and has sent `received`."""
        accepted = socket.socket(*self._kind, descriptor)  # the last step that may fail
        task = self._loop.create_task(self._connect(accepted, since, received), name="connection")
        self._passing_on.add(task)
        task.add_done_callback(self._passing_on.discard)

    async def _connect(self, accepted: socket.socket, since: float | None, received: bytes) -> None:
        try:
            await self._loop.connect_accepted_socket(lambda: self._make(since, received), accepted)
        except BaseException as error:
            accepted.close()
            if not isinstance(error, OSError):  # otherwise the peer has gone
                raise


def _read(descriptor: int) -> bytes | None:
    """Return what the peer has sent. None: nothing yet. Empty: it has gone."""
    try:
        return os.read(descriptor, HEAD_BYTES)
    except BlockingIOError:
        return None
    except OSError:
        return b""
