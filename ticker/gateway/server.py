"""A gateway as a process: the socket, uvicorn around the application, the feeds, and the way down."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import random
import resource
import socket
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec
import structlog
import uvicorn
from prometheus_client.registry import Collector
from starlette.applications import Starlette

from ticker.gateway.connection import GatewayProtocol
from ticker.gateway.feed import Feeds
from ticker.gateway.hub import Hub
from ticker.http_server import Server, bind, url_of
from ticker.settings import Settings
from ticker.web.app import make_app

BACKLOG: Final = 2048
"""Connections that wait to be accepted. uvloop accepts one in each step of the loop; whoever finds no place here comes
again after a second, or after three, and is reset in the end."""
USER_TIMEOUT_MS: Final = 30_000
"""How long sent bytes may stay unacknowledged before the kernel drops the peer (Linux, TCP_USER_TIMEOUT)."""
UNSENT_BYTES: Final = 16 * 1024
"""How much a socket takes beyond what is on its way to the peer (TCP_NOTSENT_LOWAT).

The kernel would else hold up to 4 MiB for a reader that reads nothing: 70 GB for 18,000 of them, where this makes it
about 30 KiB each. What it holds can't be taken back either when a line is withdrawn.
"""

COLLECT_AFTER: Final = (700, 10, 500)
"""When the garbage collector looks at new objects, at younger ones, and at all of them (`gc.set_threshold`).

A look at all of them stops everything for 40 ms where there are 15,000 followers. It finds cycles of objects that have
lived long, and connections leave none: so it comes after millions of new ones, and not whenever a quarter has joined.
"""

_logger = structlog.get_logger("ticker.gateway")


class Address(msgspec.Struct, frozen=True):
    """Where a gateway listens. Port 0 takes a free one. `shared` lets several processes listen on the same port."""

    host: str = "127.0.0.1"
    port: int = 8080
    shared: bool = False


def listen(address: Address) -> socket.socket:
    """Bind the gateway's socket. Every connection that it accepts inherits the options.

    Raises:
        TickerError: If the address can't be bound.

    """
    wanted = {"TCP_USER_TIMEOUT": USER_TIMEOUT_MS, "TCP_NOTSENT_LOWAT": UNSENT_BYTES}
    known = {getattr(socket, name): value for name, value in wanted.items() if hasattr(socket, name)}
    return bind(address.host, address.port, option="--port", shared=address.shared, tcp_options=known)


def raise_file_limit() -> int:
    """Let the process open as many files as the system allows it; tell how many those are."""
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

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.has_started.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        _logger.info("draining", followers=self._hub.followers)
        await self._hub.drain(lambda: self.force_exit)
        await super().shutdown(sockets)


class Gateway:
    """One gateway. `run` serves until `stop` is called, then drains and returns.

    `/metrics` has what `collectors` tell, too: for what runs in the same process.
    """

    def __init__(
        self, url: str, settings: Settings, address: Address, version: str, collectors: Sequence[Collector] = ()
    ) -> None:
        self._listener = listen(address)
        self.port: int = self._listener.getsockname()[1]
        self.address = url_of(self._listener)
        chance = random.SystemRandom().random
        self.hub = Hub(settings, raise_file_limit(), lambda: datetime.now(UTC), chance)
        self._feeds = Feeds(self.hub, url, f"{socket.gethostname()}:{os.getpid()}:{self.port}", chance)
        self._server = _Server(self._config(make_app(self.hub, version, collectors)), self.hub)

    def _config(self, app: Starlette) -> uvicorn.Config:
        return uvicorn.Config(
            app,
            http=GatewayProtocol,
            ws=GatewayProtocol,  # never made: it tells uvicorn that upgrades are known; `GatewayProtocol` answers them
            backlog=BACKLOG,
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=5,
        )

    async def run(self, ready: Callable[[], None]) -> None:
        """Serve until stopped; `ready` is called once the editions are loaded and requests are answered.

        Before that, health and metrics are answered, and `/readyz` says `loading`.
        """
        loaded = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            background = [
                tasks.create_task(self._feeds.run(loaded), name="feeds"),
                tasks.create_task(self.hub.tick(), name="tick"),
                tasks.create_task(self.hub.watch_loop(), name="watch-loop"),
                tasks.create_task(self._announce(loaded, ready), name="announce"),
            ]
            await self._server.serve(sockets=[self._listener])
            for task in background:
                task.cancel()

    async def _announce(self, loaded: asyncio.Event, ready: Callable[[], None]) -> None:
        await loaded.wait()
        self.hub.is_loading = False
        # What is loaded lives as long as the process: the collector needn't walk it in every full collection.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*COLLECT_AFTER)
        await self._server.has_started.wait()
        ready()

    def stop(self) -> None:
        """Drain and end. A second time: end at once."""
        self._server.force_exit = self._server.should_exit
        self._server.should_exit = True
