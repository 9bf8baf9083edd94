"""Bind a port and serve an application on it. The gateway, its worker processes and the desk's metrics share this."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Generator, Mapping
from typing import Final

import uvicorn
from starlette.applications import Starlette

from ticker.core.errors import TickerError


def bind(
    host: str,
    port: int,
    *,
    option: str,
    shared: bool = False,
    tcp_options: Mapping[int, int] | None = None,
) -> socket.socket:
    """Bind a TCP socket without listening on it yet. Port 0 chooses a free port.

    Args:
        host: An IPv4 or IPv6 address, or a host name.
        port: The port.
        option: The command line option that chooses another address; the error message names it.
        shared: Let other processes bind the same port (SO_REUSEPORT).
        tcp_options: Options of level IPPROTO_TCP. Accepted connections inherit them.

    Raises:
        TickerError: If the address can't be bound. The message names the address and `option`.

    """
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        for name, value in (tcp_options or {}).items():
            bound.setsockopt(socket.IPPROTO_TCP, name, value)
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise TickerError(
            f"can't listen on {host} port {port}: {error.strerror}; choose another with {option}"
        ) from error
    return bound


def url_of(bound: socket.socket) -> str:
    """Return the `http://` URL of a bound socket."""
    host, port = bound.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


HEAD_BYTES: Final = 16 * 1024
"""The largest head of a request to `make_server`."""


class Server(uvicorn.Server):
    """A uvicorn server that leaves signals to its caller. `on_started` is called once it accepts connections."""

    on_started: Callable[[], object] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.on_started is not None:
            self.on_started()

    def stop(self) -> None:
        """Stop accepting connections, answer the requests that have arrived, and end. A second call doesn't wait."""
        self.force_exit = self.should_exit
        self.should_exit = True

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def make_server(app: Starlette, *, on_started: Callable[[], object], shutdown_s: int, connections: int) -> Server:
    """Make a server that ends gracefully.

    Args:
        app: The application.
        on_started: Called once the server accepts connections.
        shutdown_s: How long `stop` waits for the answers to requests, at most. After that it cancels them.
        connections: The most connections and requests. Above it, requests are answered with 503.

    """
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        # httptools doesn't limit the size of a request's head.
        http="h11",
        h11_max_incomplete_event_size=HEAD_BYTES,
        limit_concurrency=connections,
        timeout_graceful_shutdown=shutdown_s,
    )
    server = Server(config)
    server.on_started = on_started
    return server


async def serve(app: Starlette, bound: socket.socket) -> None:
    """Answer requests on a bound socket until cancelled, then close it."""
    config = uvicorn.Config(app, log_config=None, access_log=False, server_header=False, lifespan="off")
    server = Server(config)
    with bound:
        try:
            await server.serve(sockets=[bound])
        finally:
            for each in server.servers:
                each.close()
