"""A TCP proxy between two parts of the system, which injects network faults.

    async with Proxy(lambda: server.address) as proxy:
        proxy.fail(Fault.DROP_REPLIES)
        ...
        proxy.heal()

`trap` acts at a chosen command of a Redis client, before or after the server has run it.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from enum import StrEnum
from functools import partial
from typing import Final, Self, TypeAlias

import msgspec

Target: TypeAlias = Callable[[], tuple[str, int]]
Rewrite: TypeAlias = Callable[[bytes], bytes]

HOST: Final = "127.0.0.1"
CHUNK: Final = 65_536


class Fault(StrEnum):
    """A fault that a proxy injects into its connections until `heal` is called."""

    NONE = "none"
    DROP_REPLIES = "drop-replies"  # requests arrive, replies are discarded
    DELAY = "delay"  # everything arrives later
    CUT = "cut"  # all connections are reset, new ones too
    HALF_OPEN = "half-open"  # nothing is forwarded, and nothing is closed
    TRUNCATE = "truncate"  # the next reply is cut in the middle, and the connection closed


class Trap(msgspec.Struct):
    """Cut the connection and call `on_trigger` at the `nth` command from now.

    Attributes:
        nth: Counts down. The first command is 1.
        is_after: Cut after the server has replied, but before the client gets the reply. Otherwise the server never
            receives the command.
        command: Count only the commands of this name; an empty string counts all.
        only_observes: Call `on_trigger`, and forward the command without a cut.

    """

    nth: int
    is_after: bool
    command: str = ""
    on_trigger: Callable[[], None] = lambda: None
    only_observes: bool = False
    is_triggered: bool = False

    def matches(self, command: str) -> bool:
        if self.is_triggered or self.command not in ("", command):
            return False
        self.nth -= 1
        return self.nth <= 0


class Proxy:
    """Listens on a free port of 127.0.0.1 and forwards to the address that `target` returns for each connection.

    `listen` opens more ports, to other servers. A fault affects all of them. `injected` counts the dropped replies, the
    delayed chunks and the cuts.
    """

    def __init__(self, target: Target, *, is_redis: bool = False) -> None:
        self.port = 0
        self.fault = Fault.NONE
        self.delay_s = 0.02
        self.injected = 0
        self._target = target
        self._is_redis = is_redis
        self._trap: Trap | None = None
        self._links: set[_Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._passing = asyncio.Event()
        self._passing.set()
        self._servers: list[asyncio.Server] = []

    @property
    def address(self) -> tuple[str, int]:
        return (HOST, self.port)

    def fail(self, fault: Fault) -> None:
        """Inject a fault into the open connections and into new ones."""
        self.fault = fault
        if fault is Fault.HALF_OPEN:
            self._passing.clear()
        if fault is Fault.CUT:
            self.cut()

    def heal(self) -> None:
        """Forward everything again. Reset the connections that have lost bytes."""
        if self.fault in (Fault.DROP_REPLIES, Fault.HALF_OPEN):
            self.cut()
        self.fault = Fault.NONE
        self._passing.set()

    def cut(self) -> None:
        """Reset every open connection."""
        self.injected += len(self._links)
        for link in list(self._links):
            link.abort()

    def trap(self, trap: Trap | None) -> None:
        """Set or replace the trap. None removes it."""
        assert self._is_redis or trap is None, "traps need a Redis client"
        self._trap = trap

    @property
    def connections(self) -> int:
        return len(self._links)

    async def __aenter__(self) -> Self:
        self.port = await self.listen(self._target)
        return self

    async def listen(self, target: Target, rewrite: Rewrite = bytes) -> int:
        """Open another port, which forwards to `target`. `rewrite` may change the replies. Return the port."""
        # Hundreds of followers may reconnect at the same time.
        serve = partial(self._serve, target, rewrite)
        server = await asyncio.start_server(serve, HOST, 0, family=socket.AF_INET, backlog=1024)
        self._servers.append(server)
        port: int = server.sockets[0].getsockname()[1]
        return port

    async def __aexit__(self, *_: object) -> None:
        for server in self._servers:
            server.close()
        self.heal()
        self.fault = Fault.CUT
        while self._tasks:  # a new connection may not have its link yet
            self.cut()
            await asyncio.wait(self._tasks, timeout=0.05)
        for server in self._servers:
            await server.wait_closed()

    async def _serve(
        self, target: Target, rewrite: Rewrite, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if self.fault is Fault.CUT:
            self.injected += 1
            writer.transport.abort()
            return
        try:
            behind_reader, behind_writer = await asyncio.open_connection(*target())
        except OSError:
            writer.transport.abort()
            return
        link = _Link(writer, behind_writer, rewrite)
        self._links.add(link)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._requests(reader, behind_writer, link))
                group.create_task(self._replies(behind_reader, writer, link))
        except* OSError:
            pass
        finally:
            self._links.discard(link)
            link.abort()

    async def _requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, link: _Link) -> None:
        commands = Commands()
        while data := await reader.read(CHUNK):
            await self._passing.wait()
            await self._wait_delay()
            for part, command in commands.feed(data) if self._is_redis else [(data, "")]:
                trap = self._trap
                if command and trap is not None and trap.matches(command):
                    trap.is_triggered = True
                    if trap.only_observes:
                        trap.on_trigger()
                    elif not trap.is_after:
                        self._trigger(trap, link)
                        return
                    else:
                        link.trap = trap
                writer.write(part)
            await writer.drain()
        if writer.can_write_eof():
            with suppress(OSError):
                writer.write_eof()

    async def _replies(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, link: _Link) -> None:
        while data := link.rewrite(await reader.read(CHUNK)):
            if link.trap is not None:
                self._trigger(link.trap, link)
                return
            await self._passing.wait()
            await self._wait_delay()
            if self.fault is Fault.DROP_REPLIES:
                self.injected += 1
                continue
            if self.fault is Fault.TRUNCATE:
                self.fault = Fault.NONE
                self.injected += 1
                writer.write(data[: len(data) // 2])
                await writer.drain()
                writer.close()
                link.behind.transport.abort()
                return
            writer.write(data)
            await writer.drain()
        # The server has closed its side. It won't read what the client still sends.
        writer.close()
        link.behind.close()

    async def _wait_delay(self) -> None:
        if self.fault is Fault.DELAY:
            self.injected += 1
            await asyncio.sleep(self.delay_s)

    def _trigger(self, trap: Trap, link: _Link) -> None:
        self.injected += 1
        self._trap = None
        trap.on_trigger()
        link.abort()


class _Link:
    """The two sides of a connection: to the client in front, and to the server behind."""

    def __init__(self, front: asyncio.StreamWriter, behind: asyncio.StreamWriter, rewrite: Rewrite) -> None:
        self.front = front
        self.rewrite = rewrite
        self.behind = behind
        self.trap: Trap | None = None

    def abort(self) -> None:
        self.front.transport.abort()
        self.behind.transport.abort()


class Commands:
    """Splits the bytes from a Redis client into commands (RESP arrays of bulk strings)."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> Iterator[tuple[bytes, str]]:
        """Yield the bytes and the name, in capitals, of each command that is now complete."""
        self._buffer += data
        while (end := self._end()) is not None:
            whole, self._buffer = self._buffer[: end[0]], self._buffer[end[0] :]
            yield whole, end[1]

    def _end(self) -> tuple[int, str] | None:
        head, found, _ = self._buffer.partition(b"\r\n")
        if not found:
            return None
        assert head[:1] == b"*", f"a Redis client must send arrays, not {head[:20]!r}"
        place, name = len(head) + 2, ""
        for index in range(int(head[1:])):
            end = self._buffer.find(b"\r\n", place)
            if end < 0:
                return None
            start, size = end + 2, int(self._buffer[place + 1 : end])
            place = start + size + 2
            if len(self._buffer) < place:
                return None
            if index == 0:
                name = self._buffer[start : start + size].decode("ascii", "replace").upper()
        return place, name
