"""A connection to one server that blocks, for a command that ends soon. It needs neither asyncio nor redis-py.

Importing these two takes longer than everything else that `tick post` does. For Sentinel and Cluster, and for more than
one thing at a time, see `ticker.store.connection`.

The methods are coroutine functions, as redis-py's, and return and raise the same. So the functions of this package
take either client. But these methods block and never suspend: `ticker.store.blocking` runs them without an event loop.
"""

from __future__ import annotations

import socket
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from hiredis import Reader, ReplyError, pack_command

from ticker.core.errors import StoreError
from ticker.store.blocking import Limit, LimitReachedError, Waits
from ticker.store.client_errors import client_errors, command_timeout, error_of_reply, explain
from ticker.store.timeouts import BLOCKING_TIMEOUT_S, CONNECT_TIMEOUT_S
from ticker.store.url import Kind, Target, check_files, parse_url

if TYPE_CHECKING:
    from ticker.store.connection import Redis

    AnyRedis: TypeAlias = Redis | "DirectRedis"
    """A client of ours, of either kind."""

Word: TypeAlias = Any

_PARTIAL: Final = object()
_SLICE_S: Final = 0.1
"""How soon a command that waits notices a limit that a signal handler has changed."""
_READ_BYTES: Final = 65_536


def waits_of(redis: AnyRedis) -> Waits:
    """Return the `timeout` and the `sleep` that work for this client."""
    if isinstance(redis, DirectRedis):
        return redis
    import asyncio  # noqa: PLC0415 -- redis-py has imported it

    return asyncio


def is_direct(target: Target) -> bool:
    """Return whether a `DirectRedis` can connect to it."""
    return target.kind in (Kind.SINGLE, Kind.UNIX)


@asynccontextmanager
async def open_direct(url: str, *, role: str, is_login: bool = False) -> AsyncIterator[DirectRedis]:
    """Connect for the length of the context. See `ticker.store.connection.open_redis`."""
    target = parse_url(url)
    check_files(target)
    client = DirectRedis(target, f"ticker-{role}")
    try:
        yield client
    except client_errors() as error:
        raise StoreError(explain(error, url, is_login=is_login)) from error
    finally:
        client.close()


class DirectRedis:
    """A connection to the server at `target`, called `name` in CLIENT LIST. It connects with its first command.

    Each command is sent at most once. After an error of the connection, the next command connects again.

    Attributes:
        while_waiting: Is called several times per second while a command waits.

    """

    def __init__(self, target: Target, name: str) -> None:
        self._target = target
        self._name = name
        self._socket: socket.socket | None = None
        self._limits: list[Limit] = []
        self.while_waiting: Callable[[], None] = lambda: None

    def close(self) -> None:
        if self._socket is not None:
            with suppress(OSError):
                self._socket.close()
            self._socket = None

    def timeout(self, delay: float | None, /) -> Limit:
        return Limit(self._limits, delay)

    async def sleep(self, delay: float, /) -> None:
        until = time.monotonic() + delay
        while (left_s := min(_SLICE_S, until - time.monotonic(), self._left_s())) > 0:
            time.sleep(left_s)  # noqa: ASYNC251 -- there is no event loop

    async def hexists(self, key: str, name: str) -> bool:
        return bool(self._command("HEXISTS", key, name))

    async def hmget(self, key: str, names: Iterable[str]) -> list[bytes | None]:
        return list(self._command("HMGET", key, *names))

    async def hsetnx(self, key: str, name: str, value: str) -> int:
        return int(self._command("HSETNX", key, name, value))

    async def smembers(self, key: str) -> set[bytes]:
        return set(self._command("SMEMBERS", key))

    async def time(self) -> tuple[int, int]:
        seconds, microseconds = self._command("TIME")
        return int(seconds), int(microseconds)

    async def xadd(
        self, key: str, fields: Mapping[Any, Any], *, maxlen: int | None = None, approximate: bool = True
    ) -> bytes:
        most = () if maxlen is None else ("MAXLEN", "~" if approximate else "=", maxlen)
        words = [word for field in fields.items() for word in field]
        return bytes(self._command("XADD", key, *most, "*", *words))

    async def xread(self, streams: Mapping[str, str], count: int, block: int | None) -> list[tuple[bytes, Any]]:
        wait = () if block is None else ("BLOCK", block)
        found = self._command("XREAD", "COUNT", count, *wait, "STREAMS", *streams, *streams.values())
        return [(key, _entries(entries)) for key, entries in found or ()]

    async def xrange(self, key: str, first: str, last: str, count: int | None) -> Any:
        return _entries(self._command("XRANGE", key, first, last, *_count(count)))

    async def xrevrange(self, key: str, *, count: int | None) -> Any:
        return _entries(self._command("XREVRANGE", key, "+", "-", *_count(count)))

    def _command(self, *words: Word) -> Any:
        """Send a command, and return its reply."""
        if self._socket is None:
            self._connect()
        return self._exchange(words)

    def _connect(self) -> None:
        target, credentials = self._target, self._target.credentials
        try:
            self._socket = _opened(target, min(CONNECT_TIMEOUT_S, self._left_s()))
        except TimeoutError:
            self._left_s()
            raise command_timeout("Timeout connecting to server") from None
        self._reader = Reader(protocolError=ConnectionError, notEnoughData=_PARTIAL)
        greeting: list[tuple[Word, ...]] = [("CLIENT", "SETNAME", self._name)]
        if credentials:
            user, password = credentials.get("username", "default"), credentials.get("password", "")
            greeting.insert(0, ("AUTH", user, password))
        if target.db:
            greeting.append(("SELECT", target.db))
        try:
            self._exchange(*greeting)
        except BaseException:
            self.close()
            raise

    def _exchange(self, *commands: tuple[Word, ...]) -> Any:
        """Send commands together, and return the last reply. After an error of the connection, close it."""
        until = time.monotonic() + BLOCKING_TIMEOUT_S
        try:
            self._send(b"".join(pack_command(words) for words in commands), until)
            replies = [self._receive(until) for _ in commands]
        except BaseException:
            self.close()  # a late reply would be read as the next command's
            raise
        for reply in replies:
            if isinstance(reply, ReplyError):
                raise error_of_reply(str(reply))
        return replies[-1]

    def _send(self, data: bytes, until: float) -> None:
        assert self._socket is not None
        self._socket.settimeout(self._left_s(until))
        try:
            self._socket.sendall(data)
        except TimeoutError:
            self._left_s()
            raise command_timeout("Timeout writing to socket") from None

    def _receive(self, until: float) -> Any:
        assert self._socket is not None
        while (reply := self._reader.gets()) is _PARTIAL:
            self._socket.settimeout(min(_SLICE_S, self._left_s(until)))
            try:
                data = self._socket.recv(_READ_BYTES)
            except TimeoutError:
                self.while_waiting()
                continue
            if not data:
                raise ConnectionError("the server has closed the connection")
            self._reader.feed(data)
        return reply

    def _left_s(self, until: float = float("inf")) -> float:
        """Return how long a command that ends at `until` may still take."""
        now = time.monotonic()
        if any(limit.until <= now for limit in self._limits):
            raise LimitReachedError
        if until <= now:
            raise command_timeout("Timeout reading from socket")
        return min([until, *(limit.until for limit in self._limits)]) - now


def _opened(target: Target, timeout_s: float) -> socket.socket:
    """Return a socket that is connected to the server."""
    if target.kind is Kind.UNIX:
        opened = socket.socket(socket.AF_UNIX)
    else:
        opened = socket.create_connection(target.nodes[0], timeout_s)
    try:
        opened.settimeout(timeout_s)
        if target.kind is Kind.UNIX:
            opened.connect(target.path)
            return opened
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if target.tls is None:
            return opened
        from ticker.store.tls import tls_context  # noqa: PLC0415 -- it imports ssl

        return tls_context(target.tls).wrap_socket(opened, server_hostname=target.nodes[0][0])
    except BaseException:
        opened.close()
        raise


def _entries(reply: Any) -> list[tuple[bytes, dict[bytes, bytes]]]:
    """Return the entries of a stream as redis-py does: ids and fields."""
    return [(stream_id, dict(zip(words[::2], words[1::2], strict=True))) for stream_id, words in reply]


def _count(count: int | None) -> tuple[Word, ...]:
    return () if count is None else ("COUNT", count)
