"""Code of both Python servers: run uvicorn with uvloop and httptools, and read messages from standard input."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable

import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

Send = Callable[[str], Awaitable[None]]


def serve(live: Callable[[WebSocket], Awaitable[None]], send: Send) -> None:
    """Serve `live` on the port from the command line, and pass each line of standard input to `send`."""

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        feeding = asyncio.create_task(feed(send))
        yield
        feeding.cancel()

    app = Starlette(routes=[WebSocketRoute("/", live)], lifespan=lifespan)
    config = uvicorn.Config(
        app, port=int(sys.argv[1]), loop="uvloop", http="httptools", log_level="warning", backlog=4096
    )
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(Announced(config).serve())


class Announced(uvicorn.Server):
    """A server that prints `ready` when it listens."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        sys.stdout.write("ready\n")
        sys.stdout.flush()


async def feed(send: Send) -> None:
    reader = asyncio.StreamReader(limit=1 << 20)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async for line in reader:
        await send(line.decode().rstrip("\n"))
