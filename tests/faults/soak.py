"""Soak test: thousands of followers come and go for half an hour, and the gateway's memory must not grow.

    make soak                      30 minutes, 5,000 followers, 3 editions
    make soak MINUTES=1

It fails if memory grows by more than noise, if a log has a warning, if followers or files are left at the end, or if a
process doesn't exit cleanly.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import signal
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple, cast

import httpx
import uvloop

from tests.faults.editors import Editor, Load
from tests.faults.system import open_file_count
from tests.support.servers import RedisServer, short_folder
from tests.support.signals import stop_inheriting_ignored_signals
from tests.support.system import Program, environment
from tests.support.waiting import eventually
from ticker.gateway.server import raise_file_limit

EDITIONS: Final = ("en", "ar", "es")
CHURN_S: Final = 0.2
CHURNED: Final = 0.004
"""Fraction of the followers that leaves and is replaced every `CHURN_S`: all of them in about a minute."""
RETAINED: Final = 100
"""Few entries, so that the logs are full and trimmed soon after the start. From then on nothing may grow."""
WARM_UP: Final = 0.4
GROWTH_MAX: Final = 0.03
"""Maximum growth of a process from the warm-up to the end, as a fraction of its memory, without noise."""
_HANDSHAKE: Final = (
    "GET /v1/{edition}/live?{query} HTTP/1.1\r\nHost: ticker.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
_CLOSE: Final = bytes([0x88, 0x80, 1, 2, 3, 4])


class Trend(NamedTuple):
    """The linear trend of measurements: its rise from the first to the last, as a fraction of their mean.

    `noise` is three standard errors of `growth`.
    """

    growth: float
    noise: float

    @property
    def is_flat(self) -> bool:
        return self.growth - self.noise <= GROWTH_MAX


def trend_of(values: Sequence[float]) -> Trend:
    """Return the trend of at least three measurements at equal intervals."""
    positions = range(len(values))
    slope, start = statistics.linear_regression(positions, values)
    error = statistics.fmean(
        (value - start - slope * place) ** 2 for place, value in zip(positions, values, strict=True)
    )
    spread = statistics.pvariance(positions) * len(values)
    deviation = (error * len(values) / max(1, len(values) - 2) / spread) ** 0.5
    span, mean = len(values) - 1, statistics.fmean(values)
    return Trend(slope * span / mean, 3 * deviation * span / mean)


def warnings_in(log: str) -> list[str]:
    """Return the lines of a log that are warnings, errors, or not in the log's format."""
    found = []
    for line in log.splitlines():
        try:
            is_fine = json.loads(line)["level"] in ("debug", "info")
        except (ValueError, KeyError, TypeError):
            is_fine = not line.strip()
        if not is_fine:
            found.append(line[:300])
    return found


class Member(asyncio.Protocol):
    """A follower in the crowd. It reads and discards everything."""

    def __init__(self, crowd: Crowd, request: bytes) -> None:
        self._crowd = crowd
        self._request = request
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's class isn't derived from it
        self.transport.write(self._request)
        self._crowd.members[self] = None

    def data_received(self, data: bytes) -> None:
        self._crowd.received += len(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._crowd.members.pop(self, None)


class Crowd:
    """Keeps `size` followers connected, and replaces some of them all the time."""

    def __init__(self, port: int, size: int, rng: random.Random) -> None:
        self.members: dict[Member, None] = {}
        self.received = 0
        self.joined = 0
        self.positions: dict[str, list[str]] = {edition: [] for edition in EDITIONS}
        self._port = port
        self._size = size
        self._rng = rng

    async def run(self) -> None:
        """Run until cancelled."""
        while True:
            some = self._rng.sample(list(self.members), int(len(self.members) * CHURNED))
            for member in some:
                self._leave(member)
            await asyncio.gather(*(self._join() for _ in range(min(200, self._size - len(self.members)))))
            await asyncio.sleep(CHURN_S)

    def _leave(self, member: Member) -> None:
        if self._rng.random() < 0.5:
            member.transport.abort()
        else:
            member.transport.write(_CLOSE)

    async def _join(self) -> None:
        edition = self._rng.choice(EDITIONS)
        positions = self.positions[edition]
        query = self._rng.choice(["", "lines=5", "section=sports", "urgency=2"])
        if positions and self._rng.random() < 0.5:
            query += f"&after={self._rng.choice(positions)}"
        request = _HANDSHAKE.format(edition=edition, query=query.lstrip("&")).encode()
        self.joined += 1
        try:
            await asyncio.get_running_loop().create_connection(lambda: Member(self, request), "127.0.0.1", self._port)
        except OSError:
            return

    def end(self) -> None:
        for member in list(self.members):
            member.transport.abort()


class Soak:
    """A soak test. `findings` are the failures, `lines` the measurements."""

    def __init__(self, folder: Path, server: RedisServer, minutes: float, followers: int) -> None:
        self.findings: list[str] = []
        self.lines: list[str] = []
        self._minutes = minutes
        self._followers = followers
        self._url = server.url
        environ = environment(
            TICKER_REDIS_URL=server.url,
            TICKER_RETAINED=str(RETAINED),
            TICKER_RECEIPTS_RETAINED=str(RETAINED),
            TICKER_SUBMISSIONS_PER_MINUTE="0",
            TICKER_FOLLOWERS_PER_ADDRESS="0",
            TICKER_HANDSHAKES_PER_S="0",
            TICKER_DRAIN_S="2",
            PYTHONWARNINGS="default::ResourceWarning",
        )
        self.desk = Program(["desk"], environ, folder / "desk.log")
        self.gateway = Program(["gateway", "--port", "0"], environ, folder / "gateway.log")

    async def run(self) -> None:
        rng = random.Random(5)
        self.desk.start(wait=False)
        self.gateway.start(wait=False)
        await asyncio.to_thread(self.desk.wait_ready)
        await asyncio.to_thread(self.gateway.wait_ready)
        files = open_file_count(self.gateway)
        load = Load(rng, is_clock_true=True)
        crowd = Crowd(self.gateway.port, self._followers, rng)
        editors = [
            Editor(f"{name}-{edition}", self._url, load, edition=edition, pause_s=0.2)
            for edition in EDITIONS
            for name in ("maha", "omar")
        ]
        async with asyncio.TaskGroup() as group:
            coming = group.create_task(crowd.run())
            submitting = [group.create_task(editor.run()) for editor in editors]
            memory = await self._watch(crowd)
            load.is_ending = True
            await asyncio.gather(*submitting)
            coming.cancel()
        crowd.end()
        await self._wait_until_idle(files)
        self._judge(memory, crowd, len(load.attempts))
        for program in (self.gateway, self.desk):
            program.signal(signal.SIGTERM)
            code = await asyncio.to_thread(program.wait)
            words = warnings_in(program.log)
            self.findings += [f"{program.words[0]} logged {line}" for line in words[:5]]
            self.findings += [f"{program.words[0]} ended with {code}"] if code else []

    async def _watch(self, crowd: Crowd) -> dict[str, list[float]]:
        """Measure the memory of the processes at equal intervals, at least a hundred times."""
        await eventually(lambda: _is_full(crowd, self._followers), "all followers are connected", 120)
        memory: dict[str, list[float]] = {"gateway": [], "desk": []}
        until, step_s = time.monotonic() + 60 * self._minutes, max(0.5, 60 * self._minutes / 300)
        async with httpx.AsyncClient(base_url=self.gateway.url, trust_env=False, timeout=30) as client:
            while time.monotonic() < until:
                await asyncio.sleep(step_s)
                for program in (self.gateway, self.desk):
                    memory[program.words[0]].append(resident_kib(program.pid))
                for each in (await client.get("/v1/editions")).json()["editions"]:
                    crowd.positions[each["name"]] = [*crowd.positions[each["name"]][-50:], each["position"]]
        return memory

    async def _wait_until_idle(self, files: int) -> None:
        async def is_idle() -> bool:
            async with httpx.AsyncClient(base_url=self.gateway.url, trust_env=False, timeout=30) as client:
                followers = (await client.get("/readyz")).json()["followers"]
            return followers == 0 and open_file_count(self.gateway) <= files + 3

        try:
            await eventually(is_idle, "followers and files are gone", 30)
        except AssertionError as error:
            self.findings.append(f"{error}: {open_file_count(self.gateway)} files are open, {files} were at the start")

    def _judge(self, memory: dict[str, list[float]], crowd: Crowd, submissions: int) -> None:
        for name, values in memory.items():
            settled = values[int(len(values) * WARM_UP) :]
            trend = trend_of(settled)
            self.lines.append(
                f"{name}: {settled[0] / 1024:.1f} MiB after the warm-up, {settled[-1] / 1024:.1f} at the end, "
                f"grows by {trend.growth:+.2%} ± {trend.noise:.2%} of it over {len(settled)} measurements"
            )
            self.lines.append(f"  by tenths of the time, in MiB: {', '.join(_tenths(values))}")
            if not trend.is_flat:
                self.findings.append(f"the memory of the {name} grows: {trend.growth:+.2%} ± {trend.noise:.2%}")
        self.lines.append(
            f"{crowd.joined:,} followers connected, {self._followers:,} at a time; {crowd.received / 2**20:,.0f} MiB "
            f"sent; {submissions:,} submissions"
        )
        if not crowd.received or not submissions:
            self.findings.append("no data was sent, or nothing was submitted")


def _tenths(values: Sequence[float]) -> list[str]:
    """Return the mean of each tenth of the measurements (KiB) in MiB. They show if growth has stopped."""
    size = max(1, len(values) // 10)
    parts = [values[start : start + size] for start in range(0, len(values), size)]
    return [f"{statistics.fmean(part) / 1024:.1f}" for part in parts[:10]]


async def _is_full(crowd: Crowd, size: int) -> bool:
    return len(crowd.members) >= int(0.97 * size)


def resident_kib(pid: int) -> float:
    """Return the anonymous resident memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(r"^RssAnon:\s+(\d+) kB", status, re.MULTILINE)
    assert found is not None
    return float(found[1])


async def run_soak(minutes: float, followers: int) -> Soak:
    with short_folder() as folder, RedisServer(folder / "redis") as server:
        soak = Soak(folder, server, minutes, followers)
        try:
            await soak.run()
        finally:
            soak.gateway.stop()
            soak.desk.stop()
    return soak


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--followers", type=int, default=5_000)
    options = parser.parse_args(words)
    stop_inheriting_ignored_signals()
    limit = raise_file_limit()
    if limit < options.followers + 200:
        sys.stdout.write(f"the limit on open files is {limit}, so only {limit - 200} followers connect\n")
        options.followers = limit - 200
    soak = uvloop.run(run_soak(options.minutes, options.followers))
    sys.stdout.write("\n".join([*soak.lines, *(f"FAILED: {finding}" for finding in soak.findings)]) + "\n")
    return 1 if soak.findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
