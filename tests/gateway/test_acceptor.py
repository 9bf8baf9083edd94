"""A connection that can't become a follower is closed once, and nothing counts it any longer."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from tests.support.gateway_clients import HANDSHAKE
from tests.support.gateway_fixtures import kept_of_connections, kept_of_followers
from tests.support.strategies import ENGLISH, NONCE
from tests.support.waiting import WAIT_S, eventually
from ticker.core.log_window import Reset
from ticker.core.position import Position
from ticker.gateway.acceptor import Acceptor
from ticker.gateway.channel import Channel
from ticker.gateway.follower import Follower
from ticker.gateway.hub import Hub
from ticker.gateway.poller import Poller, Watched
from ticker.settings import Settings

REQUEST = HANDSHAKE.format(target="/v1/en/live", more="").encode()


class LimitedPoller(Poller):
    """A poller whose kernel refuses to watch sockets (`/proc/sys/fs/epoll/max_user_watches`) while `is_full`."""

    is_full = False

    def add(self, descriptor: int, user: Watched, events: int) -> None:
        if self.is_full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        super().add(descriptor, user, events)


class Harness:
    """An acceptor with an edition, without a server. `errors` are those that the event loop was told of."""

    def __init__(self) -> None:
        self.errors: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: self.errors.append(context["exception"]))
        settings = Settings()
        self.hub = Hub(settings, 1024, lambda: datetime.now(UTC), lambda: 0.0)
        self.channel = Channel("en", ENGLISH, NONCE, settings, self.hub.clock)
        self.hub.add(self.channel)
        self.poller = LimitedPoller()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._acceptor = Acceptor(self.hub, self._listener, self.poller, set(), lambda *_: asyncio.Protocol())
        self._acceptor.start(10)
        self._clients: list[socket.socket] = []

    def connect(self, data: bytes = b"") -> socket.socket:
        """Connect, and send `data` before the connection is accepted."""
        client = socket.create_connection(self._listener.getsockname())
        client.setblocking(False)
        if data:
            client.send(data)
        self._clients.append(client)
        return client

    async def until_closed(self, client: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(WAIT_S):
                while await loop.sock_recv(client, 65_536):
                    pass
        except ConnectionResetError:  # its request wasn't read
            pass

    def assert_nothing_is_left(self) -> None:
        assert len(self.poller) == 0
        assert self.hub.admission.followers == 0
        assert self.hub.admission._per_address == {}
        assert kept_of_followers(self.channel) == {}
        assert kept_of_connections(self.hub.limits) == {}
        assert self.hub.limits.opened == self.hub.limits.closed.total()

    async def aclose(self) -> None:
        self._acceptor.stop()
        for client in self._clients:
            client.close()
        await eventually(lambda: len(self.poller) == 0, "every connection is gone")
        self.poller.close()
        self._listener.close()


@pytest_asyncio.fixture
async def harness() -> AsyncIterator[Harness]:
    harness = Harness()
    yield harness
    await harness.aclose()


@pytest.mark.parametrize("data", [REQUEST, b""])
async def test_connection_that_the_kernel_refuses_to_watch_is_closed_and_no_longer_counted(
    harness: Harness, data: bytes
) -> None:
    harness.poller.is_full = True
    await harness.until_closed(harness.connect(data))
    harness.assert_nothing_is_left()
    assert harness.hub.admission.refused["connections"] == 1
    assert harness.errors == []
    harness.poller.is_full = False
    served = harness.connect(REQUEST)
    assert b"101" in await asyncio.get_running_loop().sock_recv(served, 12)


@pytest.mark.parametrize("is_late", [False, True])
async def test_error_after_the_takeover_closes_the_descriptor_once(
    harness: Harness, is_late: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    joined: list[Follower] = []
    join = harness.channel.members.join

    def fail(follower: Follower, response: bytes, after: Position | Reset | None) -> None:
        join(follower, response, after)
        joined.append(follower)
        raise RuntimeError("a fault of the gateway")

    with monkeypatch.context() as broken:
        broken.setattr(harness.channel.members, "join", fail)
        client = harness.connect(b"" if is_late else REQUEST)
        if is_late:
            await eventually(lambda: len(harness.poller) == 1, "the connection waits for its request")
            client.send(REQUEST)
        await harness.until_closed(client)
    assert [str(error) for error in harness.errors] == ["a fault of the gateway"]
    harness.assert_nothing_is_left()
    other: Any = harness.connect(REQUEST)  # its descriptor has the same number
    await eventually(lambda: harness.hub.admission.followers == 1, "the other connection is served")
    joined[0].transport.abort()
    for _ in range(5):
        await asyncio.sleep(0)
    assert harness.hub.admission.followers == 1
    assert len(harness.poller) == 1
    assert b"101" in await asyncio.get_running_loop().sock_recv(other, 12)
