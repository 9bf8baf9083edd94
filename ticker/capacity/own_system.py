"""A system to measure: a Redis server, a gateway and followers, all started here, all on loopback, all ended here."""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from signal import SIGKILL
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import urlsplit

import msgspec

from ticker.core.edition import Edition
from ticker.core.entry import Entry, encode_entry
from ticker.core.errors import TickerError
from ticker.core.line import Change, Direction, Line
from ticker.core.position import next_link
from ticker.store.child_process import tied_to_parent
from ticker.store.connection import Redis, open_redis
from ticker.store.editions import save_edition
from ticker.store.embedded import EmbeddedServer
from ticker.store.keys import Keys

if TYPE_CHECKING:
    from redis.typing import EncodableT, FieldT

T = TypeVar("T")

EDITION: Final = "capacity"
_EDITION: Final = Edition(title="Capacity", lang="en", dir=Direction.LTR, test=True)
_WORDS: Final = "Central bank raises its main rate by half a point to 4.25 %"
START_S: Final = 20.0
ANSWER_S: Final = 40.0
_NO_LIMITS: Final = {"TICKER_FOLLOWERS": "0", "TICKER_FOLLOWERS_PER_ADDRESS": "0", "TICKER_HANDSHAKES_PER_S": "0"}
"""All followers have one address, and connect together."""


class Opened(msgspec.Struct, frozen=True):
    """How many followers are open in all."""

    open: int


class Dropped(msgspec.Struct, frozen=True):
    """How many followers were closed together."""

    dropped: int


class Deliveries(msgspec.Struct, frozen=True):
    """The deliveries since the last report, and the followers that the gateway closed.

    `first_s` and `p99_s` are the latency of the first delivery, and of 99 of 100: None without a delivery.
    """

    deliveries: int
    closed: int
    first_s: float | None
    p99_s: float | None


class OwnSystem:
    """The running system.

    Attributes:
        gateway: The process id of the gateway.
        files: How many followers the gateway can have by its limit of open files.

    """

    def __init__(self, redis: Redis, nonce: str, gateway: Process, crowd: Process, files: int) -> None:
        self._redis = redis
        self._link = nonce
        self._seq = 0
        self._crowd = crowd
        self.gateway = gateway.pid
        self.files = files

    async def open(self, count: int) -> int:
        """Open `count` more followers. Return how many are open in all."""
        return (await self._ask(f"open {count}", Opened)).open

    async def drop(self) -> None:
        """Close all followers together."""
        await self._ask("drop", Dropped)

    async def report(self) -> Deliveries:
        """Return the deliveries since the last report."""
        return await self._ask("report", Deliveries)

    async def post(self) -> None:
        """Append a line whose text has the time of the monotonic clock."""
        self._seq += 1
        now = datetime.now(UTC)
        line = Line(
            id=f"capacity{self._seq}",
            version=1,
            number=self._seq,
            change=Change.NEW,
            text=f"T={time.monotonic_ns()}; {_WORDS}",
            lang=_EDITION.lang,
            dir=_EDITION.dir,
            created_at=now,
            updated_at=now,
        )
        data = encode_entry(Entry(line=line, editor="capacity", key=f"capacity-{self._seq}", submitted_at=now))
        self._link = next_link(self._link, data)
        fields: dict[FieldT, EncodableT] = {"entry": data, "link": self._link}
        await self._redis.xadd(Keys(EDITION).log, fields, id=f"{self._seq}-0")

    async def _ask(self, command: str, kind: type[T]) -> T:
        assert self._crowd.stdin is not None
        assert self._crowd.stdout is not None
        self._crowd.stdin.write(f"{command}\n".encode())
        try:
            async with asyncio.timeout(ANSWER_S):
                line = await self._crowd.stdout.readline()
        except TimeoutError:
            raise TickerError("the followers don't answer: is this machine overloaded?") from None
        if not line:
            raise TickerError("the followers' process has ended: try again with fewer --followers")
        return msgspec.json.decode(line, type=kind)


@asynccontextmanager
async def own_system(environ: Mapping[str, str]) -> AsyncIterator[OwnSystem]:
    """Start a system, and end it with everything that belongs to it, also after an error or a cancellation.

    Raises:
        TickerError: If a part doesn't start.

    """
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="ticker-capacity-")))
        server = await stack.enter_async_context(EmbeddedServer(folder / "data"))
        redis = await stack.enter_async_context(open_redis(server.url, role="ticker"))
        nonce = secrets.token_hex(32)
        await save_edition(redis, EDITION, _EDITION, nonce)
        kept = {name: value for name, value in environ.items() if not name.startswith("TICKER_")}
        variables = {**kept, **_NO_LIMITS, "TICKER_REDIS_URL": server.url, "TICKER_LOG_LEVEL": "error"}
        words = ["ticker", "gateway", "--port", "0", "--json"]
        gateway = await stack.enter_async_context(_running(words, variables))
        address = urlsplit(await _ready(gateway))
        assert address.hostname is not None
        assert address.port is not None
        crowd = await stack.enter_async_context(_running(["ticker.capacity.crowd", str(address.port), EDITION], kept))
        yield OwnSystem(redis, nonce, gateway, crowd, await _followers_max(address.hostname, address.port))


@asynccontextmanager
async def _running(words: list[str], environ: Mapping[str, str]) -> AsyncIterator[Process]:
    """Run a module of this package in a process of its own. Ctrl-C doesn't reach it: we end it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        *words,
        stdin=PIPE,
        stdout=PIPE,
        stderr=None,
        env=dict(environ),
        start_new_session=True,
        preexec_fn=tied_to_parent(SIGKILL),
    )
    try:
        yield process
    finally:
        # The process keeps no data. A drain would only take time.
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _ready(gateway: Process) -> str:
    assert gateway.stdout is not None
    try:
        async with asyncio.timeout(START_S):
            line = await gateway.stdout.readline()
    except TimeoutError:
        raise TickerError(f"the gateway isn't ready after {START_S:g} s: is this machine overloaded?") from None
    if not line:
        raise TickerError("the gateway didn't start: its log is above")
    return str(json.loads(line)["ready"])


async def _followers_max(host: str, port: int) -> int:
    """Return how many followers the gateway can have by its limit of open files."""
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(f"GET /metrics HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    text = (await reader.read()).decode()
    writer.close()
    values = [line.split()[-1] for line in text.splitlines() if line.startswith("ticker_followers_max")]
    if not values:
        raise TickerError("the gateway reports no `ticker_followers_max`")
    return int(float(values[0]))
