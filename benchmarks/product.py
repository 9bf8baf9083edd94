"""Run Ticker as users do: a Redis that syncs every write to disk, a gateway process, and the commands."""

from __future__ import annotations

import re
import select
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import msgspec
import redis

from benchmarks.log_writer import EDITION, LogWriter, Posted
from benchmarks.machine import Cores
from benchmarks.process import Process
from benchmarks.programs import BenchError
from benchmarks.subject import fetch, free_port
from ticker.core.edition import DEFAULT_EDITIONS
from ticker.store.keys import EDITIONS, Keys
from ticker.store.server_binary import find_binary

START_S: Final = 30.0
_STALL_BUCKET: Final = re.compile(r'^ticker_loop_stall_seconds_bucket\{le="([^"]+)"[^}]*\} (\S+)$', re.MULTILINE)
BIN: Final = Path(sys.executable).parent
LIFTED: Final = {
    "TICKER_FOLLOWERS": "0",
    "TICKER_FOLLOWERS_PER_ADDRESS": "0",
    "TICKER_HANDSHAKES_PER_S": "0",
}
"""Limits that are lifted, because all load comes from one machine at full speed. Other settings are defaults."""


class Store:
    """A Redis on a Unix socket, with an edition in it. Its durability is that of the embedded server."""

    def __init__(self, cores: Cores) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="ticker-bench-")
        folder = Path(self._folder.name)
        path = folder / "redis.sock"
        options = {
            "port": "0",
            "unixsocket": str(path),
            "dir": str(folder),
            "appendonly": "yes",
            "appendfsync": "always",
            "save": "",
        }
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        self.process = Process("redis", [find_binary({}), *words], {cores.load}, log=folder / "redis.log")
        self.url = f"unix://{path}"
        self.redis = redis.Redis(unix_socket_path=str(path))
        self._path = path

    def __enter__(self) -> Self:
        until = time.monotonic() + START_S
        while True:
            try:
                self.redis.ping()
                break
            except redis.ConnectionError:
                if time.monotonic() > until:
                    self.__exit__(None, None, None)
                    raise BenchError(f"{find_binary({})} didn't start within {START_S:g} s") from None
                time.sleep(0.01)
        self._appending = socket.socket(socket.AF_UNIX)
        self._appending.settimeout(START_S)
        self._appending.connect(str(self._path))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if hasattr(self, "_appending"):
            self._appending.close()
        self.redis.close()
        self.process.stop()
        self._folder.cleanup()

    def make_edition(self, writer: LogWriter) -> None:
        """Create the edition, with the writer's nonce."""
        settings = msgspec.json.encode(DEFAULT_EDITIONS[EDITION])
        self.redis.hset(Keys(EDITION).edition, mapping={"settings": settings, "nonce": writer.nonce})
        self.redis.sadd(EDITIONS, EDITION)

    def append(self, posted: Posted) -> None:
        """Append an entry to the log, without waiting until it is on disk: the next one may be due earlier.

        Raises:
            BenchError: If Redis refused an earlier entry.

        """
        words = (b"XADD", Keys(EDITION).log, f"{posted.seq}-0", b"entry", posted.data, b"link", posted.link)
        parts = [word if isinstance(word, bytes) else word.encode() for word in words]
        self._appending.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%b\r\n" % (len(p), p) for p in parts))
        while select.select([self._appending], [], [], 0)[0]:
            replies = self._appending.recv(65536)
            if not replies or b"-ERR" in replies:
                raise BenchError(f"Redis refused an entry: {replies[:200]!r}")

    def calls(self) -> dict[str, int]:
        """Return the number of calls per Redis command, except for the commands that this method needs."""
        stats: Mapping[str, Any] = self.redis.info("commandstats")
        calls = {name.removeprefix("cmdstat_"): int(values["calls"]) for name, values in stats.items()}
        return {name: count for name, count in calls.items() if name not in {"info", "ping", "client|setinfo"}}


class Gateway:
    """One `ticker gateway` for a store. Its followers get the entries that are appended to the store's log.

    They connect over sockets, or with `over_events` over Server-Sent Events.
    """

    name = "gateway"

    def __init__(
        self,
        store: Store,
        cores: set[int],
        *,
        workers: int = 1,
        over_events: bool = False,
        start_s: float = START_S,
    ) -> None:
        self.store = store
        self._start_s = start_s
        self.path = f"/v1/{EDITION}/{'events' if over_events else 'live'}"
        self.dialect = "ticker-events" if over_events else "ticker"
        self.port = free_port()
        command: list[str | Path] = [find_command("ticker"), "gateway", "--port", str(self.port)]
        if workers > 1:
            command += ["--workers", str(workers)]
        self._log = Path(tempfile.mkstemp(prefix="ticker-bench-", suffix=".log")[1])
        self._stalls: dict[str, float] = {}  # upper bound of a bucket → count
        self.process = Process(
            "ticker gateway", command, cores, environ={**LIFTED, "TICKER_REDIS_URL": store.url}, log=self._log
        )

    def __enter__(self) -> Self:
        try:
            self.process.wait_for_line("ready", self._start_s)  # printed once every worker serves
        except BenchError as error:
            log = self._log.read_text(encoding="utf-8", errors="replace")[-2_000:]
            self.__exit__(None, None, None)
            raise BenchError(f"{error}\n{log}") from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.stop()
        self._log.unlink(missing_ok=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def post(self, posted: Posted) -> None:
        self.store.append(posted)

    def longest_stall_ms(self) -> float:
        """Return the event loop's longest delay since the last call, in ms.

        The gateway counts its delays in a histogram: the result is the upper bound of the last bucket that has grown.

        Raises:
            BenchError: If the gateway doesn't report its delays.

        """
        found = _STALL_BUCKET.findall(fetch(f"{self.url}/metrics"))
        if not found:
            raise BenchError("the gateway doesn't report the delays of its event loop")
        longest_s, before, counted, counted_before = 0.0, self._stalls, 0.0, 0.0
        self._stalls = dict.fromkeys((bound for bound, _ in found), 0.0)
        for bound, count in found:  # of each worker
            self._stalls[bound] += float(count)
        for bound, count in self._stalls.items():  # each bucket includes the ones before it
            if count - counted > before.get(bound, 0.0) - counted_before:
                longest_s = float(bound)
            counted, counted_before = count, before.get(bound, 0.0)
        return longest_s * 1e3


class Up:
    """`ticker up` with its own data folder: everything in one process, including the desk."""

    name = "up"
    path = f"/v1/{EDITION}/live"
    dialect = "ticker"

    def __init__(self, data: Path, cores: set[int]) -> None:
        self.data = data
        self.port = free_port()
        begun = time.monotonic()
        command: list[str | Path] = [find_command("ticker"), "up", "--port", str(self.port), "--data", data]
        self.process = Process("ticker up", [*command, "--editions", EDITION], cores, environ=LIFTED)
        try:
            self.process.wait_for_line("ready", START_S)
        except BaseException:
            self.process.stop()
            raise
        self.start_s = time.monotonic() - begun

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.stop()


class Stage(ExitStack):
    """A store with an edition, a writer for its log, and a gateway that is ready."""

    def __init__(self, cores: Cores, *, workers: int = 1, over_events: bool = False) -> None:
        super().__init__()
        self._cores = cores
        self._workers = workers
        self._over_events = over_events

    def __enter__(self) -> Self:
        super().__enter__()
        try:
            self.writer = LogWriter()
            self.store = self.enter_context(Store(self._cores))
            self.store.make_edition(self.writer)
            cores = {self._cores.server} if self._workers == 1 else self._cores.both
            gateway = Gateway(self.store, cores, workers=self._workers, over_events=self._over_events)
            self.gateway = self.enter_context(gateway)
        except BaseException:
            self.close()
            raise
        return self


def find_command(name: str) -> Path:
    """Return the path of one of our commands, next to the Python interpreter or on PATH.

    Raises:
        BenchError: If the command isn't installed.

    """
    for path in (BIN / name, Path(shutil.which(name) or name)):
        if path.exists():
            return path
    raise BenchError(f"the command {name} isn't installed: `make install`")
