"""A network that a test can cut: a TCP proxy between a browser and a gateway."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, Self, TypeVar

WAIT_S = 60.0

T = TypeVar("T")


class NetworkProxy:
    """A TCP proxy in front of a port, running in a thread of its own."""

    def __init__(self, port: int) -> None:
        self._target_port = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="network", daemon=True)
        self._transports: set[asyncio.StreamWriter] = set()
        self.is_up = True
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self.port = self._call(self._listen())
        return self

    def __exit__(self, *exc: object) -> None:
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(WAIT_S)
        self._loop.close()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(WAIT_S)

    def cut(self, *, closing: bool) -> None:
        """Stop passing bytes on. With `closing`, the connections are also reset, so that both peers notice."""
        self._call(self._cut(closing))

    def restore(self) -> None:
        """Accept connections again. Those from before the cut are reset."""
        self._call(self._restore())

    async def _listen(self) -> int:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def _close(self) -> None:
        self._server.close()
        self._abort_all()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _abort_all(self) -> None:
        for writer in list(self._transports):
            writer.transport.abort()

    async def _cut(self, closing: bool) -> None:
        self.is_up = False
        if closing:
            self._abort_all()

    async def _restore(self) -> None:
        self.is_up = True
        self._abort_all()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.is_up:
            writer.transport.abort()
            return
        target_reader, target = await asyncio.open_connection("127.0.0.1", self._target_port)
        self._transports |= {writer, target}
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._pump(reader, target))
                tasks.create_task(self._pump(target_reader, writer))
        except* (ConnectionError, OSError):
            pass
        finally:
            self._transports -= {writer, target}
            writer.transport.abort()
            target.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            if self.is_up:  # otherwise the bytes are lost
                writer.write(data)
                await writer.drain()
        if self.is_up:
            writer.transport.abort()
