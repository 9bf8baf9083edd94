"""Measure what editors notice: the start of `ticker up`, the time of `tick post`, and the time until a line shows."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import Any, Final, Self

import redis

from benchmarks.load import Load
from benchmarks.log_writer import EDITION, REGION, SECTION, URGENCY, LogWriter
from benchmarks.machine import Cores, pinned_to
from benchmarks.product import Up, find_command
from benchmarks.programs import BenchError
from benchmarks.scenarios import Effort
from ticker.core.line import Change
from ticker.core.submission import Submission
from ticker.store import connection, editors, inbox
from ticker.store.data_folder import embedded_url
from ticker.store.keys import Keys
from ticker.store.url import parse_url

EDITOR: Final = "bench"
COMMAND_S: Final = 20.0
PIPELINED: Final = 1_000
APART_S: Final = 0.02


class Desk:
    """A data folder with a long log. It is kept between rounds, so only the first start is a cold one."""

    def __init__(self, cores: Cores, effort: Effort) -> None:
        self._cores = cores
        self._effort = effort
        self._stack = ExitStack()
        self._posted = 0

    def __enter__(self) -> Self:
        self._data = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="ticker-bench-")))
        self._prepared = False
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def measure(self) -> tuple[dict[str, float], dict[str, float]]:
        """Run one round. Return the figures of `ticker up`, and those of the yardsticks."""
        if not self._prepared:
            with self._up():
                _fill_log(embedded_url(self._data), self._effort.log_entries)
            self._prepared = True
        with self._up() as up:
            yards = {
                "start_s": _seconds(_UVICORN, self._cores),
                "post_ms": 1e3 * median(_seconds(_NOTHING, self._cores) for _ in range(self._effort.posts)),
                "first_byte_ms": _write_ms(embedded_url(self._data), self._effort.submissions),
            }
            ours = {"start_s": up.start_s, "post_ms": self._post_ms(), **self._first_byte(up)}
        return ours, yards

    def _up(self) -> Up:
        return Up(self._data, {self._cores.server})

    def _post_ms(self) -> float:
        """Return the median time of `tick post`, from the start of the process to its end."""
        return 1e3 * median(self._post_s() for _ in range(self._effort.posts))

    def _post_s(self) -> float:
        self._posted += 1
        text = f"The council votes on proposal {self._posted} tonight, {time.monotonic_ns()}"
        command = [str(find_command("tick")), "post", text, "-e", EDITION, "--section", SECTION, "--region", REGION]
        return _seconds(command, self._cores, {"TICKER_DATA": str(self._data), "TICK_EDITOR": EDITOR})

    def _first_byte(self, up: Up) -> dict[str, float]:
        """Measure the time from before the submission is sent to Redis until a follower has read the line."""
        with Load(up.port, up.dialect, {self._cores.load}) as load:
            load.open(1, [up.path])
            load.reset()
            load.expect(self._effort.submissions)
            asyncio.run(_submit(embedded_url(self._data), self._effort.submissions))
            if not load.await_deliveries(self._effort.patience_s):
                raise BenchError(
                    f"only {load.report().deliveries} of {self._effort.submissions} submissions reached the follower"
                )
            latency = load.report().latency
        return {"first_byte_ms": latency.p50 / 1e6, "first_byte_p99_ms": latency.p99 / 1e6}


_NOTHING: Final = [sys.executable, "-c", "pass"]
_UVICORN: Final = [sys.executable, "-c", "import uvloop, httptools, uvicorn, starlette.applications, redis.asyncio"]


def _seconds(command: list[str], cores: Cores, environ: dict[str, str] | None = None) -> float:
    """Return how long a command takes, while everything else runs."""
    with pinned_to({cores.load}):
        begun = time.monotonic()
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=COMMAND_S,
            env={**os.environ, **(environ or {})},
            check=False,
        )
        seconds = time.monotonic() - begun
    if done.returncode:
        raise BenchError(
            f"{Path(command[0]).name} {command[1]} ended with status {done.returncode}: {done.stderr[-500:]}"
        )
    return seconds


def _client(url: str) -> redis.Redis:
    return redis.Redis(unix_socket_path=parse_url(url).path)


def _fill_log(url: str, entries: int) -> None:
    """Fill the edition's log with entries, as the desk would have done over the years."""
    with _client(url) as client:
        nonce: Any = client.hget(Keys(EDITION).edition, "nonce")
        writer = LogWriter(nonce.decode())
        while writer.head < entries:
            pipeline = client.pipeline(transaction=False)
            for _ in range(min(PIPELINED, entries - writer.head)):
                posted = writer.write()
                fields: dict[Any, Any] = {"entry": posted.data, "link": posted.link}
                pipeline.xadd(Keys(EDITION).log, fields, id=f"{posted.seq}-0")
            pipeline.execute()


def _write_ms(url: str, times: int) -> float:
    """Return the median time of one write to the same server, until it is on disk. A line needs two such writes."""
    taken = []
    with _client(url) as client:
        for _ in range(times):
            begun = time.monotonic()
            client.xadd("bench:scratch", {"submission": "x" * 300}, maxlen=100)
            taken.append(time.monotonic() - begun)
        client.delete("bench:scratch")
    return 1e3 * median(taken)


async def _submit(url: str, times: int) -> None:
    client = connection.connect(url, role="tick")
    try:
        await editors.register(client, EDITION, EDITOR)
        for number in range(times):
            await asyncio.sleep(APART_S)
            posted_at = time.monotonic_ns()
            submission = Submission(
                key=f"bench-{posted_at}",
                change=Change.NEW,
                text=f"T={posted_at}; report number {number} from the exchange",
                section=SECTION,
                regions=(REGION,),
                urgency=URGENCY,
            )
            await inbox.submit(client, EDITION, EDITOR, submission)
    finally:
        await client.aclose()
