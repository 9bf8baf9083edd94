"""Runs one gateway: the listening socket, uvicorn, the feeds and the shutdown."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import random
import resource
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import msgspec
import structlog
import uvicorn
from starlette.applications import Starlette

from ticker import __version__
from ticker.core.edition import in_order
from ticker.gateway.acceptor import Acceptor
from ticker.gateway.connection import Connection
from ticker.gateway.feed import Feeds
from ticker.gateway.hub import Hub
from ticker.gateway.poller import IS_SUPPORTED, Poller
from ticker.http_server import Server, bind, url_of
from ticker.settings import Settings

BACKLOG: Final = 2048
"""Maximum number of connections that wait to be accepted. A client that finds no room retries after one second, then
after three, and is reset in the end."""
USER_TIMEOUT_MS: Final = 30_000
"""How long sent bytes may stay unacknowledged before the kernel drops the peer (Linux, TCP_USER_TIMEOUT)."""
UNSENT_BYTES: Final = 16 * 1024
"""How many bytes a socket accepts beyond those on their way to the peer (TCP_NOTSENT_LOWAT).

By default the kernel holds up to 4 MiB for a peer that reads nothing: 70 GB for 18,000 of them. With this limit it
holds about 30 KiB each. And when a line is withdrawn, bytes in the kernel can't be recalled.
"""
GC_THRESHOLDS: Final = (700, 10, 500)
"""Thresholds of the garbage collector's three generations (`gc.set_threshold`).

With 15,000 followers, a collection of the oldest generation stops the process for 40 ms. It only finds old objects that
refer to each other, and connections leave none. It therefore runs after millions of new objects.
"""

_logger = structlog.get_logger("ticker.gateway")


class Address(msgspec.Struct, frozen=True):
    """The address that a gateway listens on. Port 0 chooses a free port. `shared` allows other processes on it."""

    host: str = "127.0.0.1"
    port: int = 8080
    shared: bool = False


def listen(address: Address) -> socket.socket:
    """Bind the gateway's socket. Every connection that it accepts inherits the options.

    Raises:
        TickerError: If the address can't be bound.

    """
    wanted = {"TCP_USER_TIMEOUT": USER_TIMEOUT_MS, "TCP_NOTSENT_LOWAT": UNSENT_BYTES, "TCP_NODELAY": 1}
    known = {getattr(socket, name): value for name, value in wanted.items() if hasattr(socket, name)}
    return bind(address.host, address.port, option="--port", shared=address.shared, tcp_options=known)


def raise_file_limit() -> int:
    """Raise the process's limit of open files as far as the system allows. Return the new limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(ValueError, OSError):  # macOS reports an unlimited hard limit that it then refuses
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
    return 1_048_576 if soft == resource.RLIM_INFINITY else soft


class _Server(Server):
    """A server that closes the followers' connections gradually before it shuts down."""

    def __init__(self, config: uvicorn.Config, hub: Hub) -> None:
        super().__init__(config)
        self.has_started = asyncio.Event()
        self._hub = hub
        self._poller: Poller | None = None
        self._acceptors: list[Acceptor] = []

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if IS_SUPPORTED:
            await super().startup([])
            self._poller = poller = Poller(self._hub.has_full_slices.set)
            for listener in sockets or []:
                acceptor = Acceptor(self._hub, listener, poller, self.server_state.connections, self._make_connection)
                acceptor.start(self.config.backlog)
                self._acceptors.append(acceptor)
        else:
            await super().startup(sockets)
        self.has_started.set()

    def _make_connection(self, opened_at: float | None, received: bytes) -> asyncio.Protocol:
        config: Any = self.config  # uvicorn's type of the class leaves out our arguments
        connection: asyncio.Protocol = config.http_protocol_class(
            config=config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
            opened_at=opened_at,
            received=received,
        )
        return connection

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        _logger.info("gateway-draining", followers=self._hub.followers)
        await self._hub.drain(lambda: self.force_exit)
        for acceptor in self._acceptors:
            acceptor.stop()
        await super().shutdown(sockets)
        if self._poller is not None:
            self._poller.close()


class Gateway:
    """One gateway. `run` serves until `stop` is called, then drains and returns.

    Attributes:
        hub: Its channels and limits.
        port: The port that it listens on.
        address: Its `http://` URL.

    """

    def __init__(self, url: str, settings: Settings, address: Address, make_app: Callable[[Hub], Starlette]) -> None:
        """Bind the socket.

        Args:
            url: The URL of Redis.
            settings: The limits.
            address: Where to listen.
            make_app: Returns the web application, which answers all requests except those for live editions.

        Raises:
            TickerError: If the address can't be bound, or the keys of private editions can't be read.

        """
        chance = random.SystemRandom().random
        self.hub = Hub(settings, raise_file_limit(), lambda: datetime.now(UTC), chance)
        self._url = url
        self._listener = listen(address)
        self.port: int = self._listener.getsockname()[1]
        self.hub.port = self.port
        self.address = url_of(self._listener)
        self._feeds = Feeds(self.hub, url, f"{socket.gethostname()}:{os.getpid()}:{self.port}", chance)
        self._server = _Server(self._config(make_app(self.hub)), self.hub)

    def _config(self, app: Starlette) -> uvicorn.Config:
        connection: Any = partial(Connection, self.hub)  # uvicorn's type is a class, but it only calls it
        return uvicorn.Config(
            app,
            http=connection,
            ws=connection,  # never called: it makes uvicorn detect upgrades, and `Connection` answers them
            backlog=BACKLOG,
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=5,
        )

    async def run(self, ready: Callable[[], None]) -> None:
        """Serve until stopped. Call `ready` once the editions are loaded and requests are answered.

        Before that, `/healthz` and `/metrics` work, and `/readyz` returns `loading`.
        """
        loaded = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            background = [
                tasks.create_task(self._feeds.run(loaded), name="feeds"),
                tasks.create_task(self.hub.tick(), name="tick"),
                tasks.create_task(self.hub.watch_loop(), name="watch-loop"),
                tasks.create_task(self._announce(loaded, ready), name="announce"),
                tasks.create_task(self.hub.status.run(self._url), name="status"),
            ]
            if self.hub.tracer is not None:
                background.append(tasks.create_task(self.hub.tracer.run(), name="tracer"))
            await self._server.serve(sockets=[self._listener])
            for task in background:
                task.cancel()

    async def _announce(self, loaded: asyncio.Event, ready: Callable[[], None]) -> None:
        await loaded.wait()
        self.hub.is_loading = False
        # The loaded editions live as long as the process: exempt them from garbage collection.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)
        await self._server.has_started.wait()
        _logger.info(
            "gateway-started",
            address=self.address,
            editions=in_order(self.hub.channels),
            followers_max=self.hub.admission.followers_max,
            part=self.hub.status.id,
            version=__version__,
        )
        ready()

    def stop(self) -> None:
        """Drain and end. If called a second time, end immediately."""
        self._server.force_exit = self._server.should_exit
        self._server.should_exit = True
