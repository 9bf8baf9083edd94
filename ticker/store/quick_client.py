"""A client for one server that spends less processor time on a command than redis-py's.

redis-py 8.1 sends each command in a task of its own, encodes each argument in Python, and counts connections and
durations for OpenTelemetry even if nobody collects them. A line passes three commands on its way from its editor to its
readers: each took 0.16 ms of processor time, and takes 0.06 ms here.
"""

from __future__ import annotations

import asyncio
from typing import Any

import redis.asyncio
from hiredis import pack_command
from redis.asyncio.connection import AbstractConnection


class QuickConnection(AbstractConnection):
    """A connection of redis-py that never swallows a cancellation, raises redis-py's errors, and can send immediately.

    Before Python 3.12, `asyncio.wait_for` loses a cancellation that arrives just as a command is sent
    (python/cpython#86296), and the task would never end.
    """

    async def send_packed_command(self, *args: Any, **kwargs: Any) -> None:
        task = asyncio.current_task()
        before = 0 if task is None else task.cancelling()
        try:
            await super().send_packed_command(*args, **kwargs)
        except RuntimeError as error:
            raise _error_of(error) from error
        if task is not None and task.cancelling() > before:
            await self.disconnect(nowait=True)  # its reply would be read as the next command's
            raise asyncio.CancelledError

    async def is_idle(self) -> bool:
        """Return whether the connection is open, and nothing waits to be read or written."""
        writer = self._writer
        if writer is None or writer.transport.is_closing() or writer.transport.get_write_buffer_size():
            return False
        try:
            return not await self.can_read()
        except redis.ConnectionError:
            return False

    async def send_now(self, command: bytes) -> None:
        """Send a command on an idle connection. The limit of `read_response` includes the time that this takes."""
        assert self._writer is not None, "it is idle"
        try:
            self._writer.write(command)
        except BaseException as error:
            await self.disconnect(nowait=True)
            raise (_error_of(error) if isinstance(error, RuntimeError) else error) from error


def _error_of(error: RuntimeError) -> Exception:
    """Return redis-py's error if the system has closed a connection, for example after a cut of the network."""
    if "the handler is closed" not in str(error):  # uvloop's, which redis-py doesn't know
        return error
    return redis.ConnectionError("the system has closed the connection")


class QuickRedis(redis.asyncio.Redis):
    """redis-py's client with a shorter way for a command, if its pool has an idle connection.

    Everything else is redis-py's: pipelines, new connections, and what follows from an error. On both ways, the
    connection closes itself after a timeout, a cancellation and a lost connection, and nothing is sent twice.
    """

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        # redis-py splits names with a space, such as `ACL SETUSER`.
        connection = None if " " in args[0] else await self._take()
        if connection is None:
            return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        try:
            await connection.send_now(pack_command(args))
            return await self.parse_response(connection, args[0], **options)  # type: ignore[arg-type]
        finally:
            self._give_back(connection)

    async def _take(self) -> QuickConnection | None:
        """Take the connection of the pool that was used last, if it is idle. No other command can take it meanwhile."""
        pool = self.connection_pool
        if not pool._available_connections:
            return None
        connection = pool._available_connections.pop()
        pool._in_use_connections.add(connection)
        taken = None
        try:
            if isinstance(connection, QuickConnection) and await connection.is_idle():
                taken = connection
        finally:
            if taken is None:
                self._give_back(connection)
        return taken

    def _give_back(self, connection: AbstractConnection) -> None:
        pool = self.connection_pool
        pool._in_use_connections.remove(connection)
        pool._available_connections.append(connection)
