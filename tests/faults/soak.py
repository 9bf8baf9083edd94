"""The soak: thousands of followers who come and go, for half an hour, and a gateway whose memory stays flat.

    make soak                      30 minutes, 5,000 followers, 3 editions
    make soak MINUTES=1

It fails on memory that grows by more than noise, on any warning in a log, on followers or files that are left at the
end, and on a desk or a gateway that doesn't end cleanly.
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
from tests.faults.rig import files_of
from tests.support.servers import RedisServer, eventually, short_folder
from tests.support.system import Program, environment
from ticker.gateway.server import raise_file_limit

EDITIONS: Final = ("en", "ar", "es")
CHURN_S: Final = 0.2
CHURNED: Final = 0.004
"""What part of the crowd leaves, and is replaced, in as many seconds: all of it in about a minute."""
RETAINED: Final = 100
"""So few that the logs are full, and are trimmed, soon after the start: from then on nothing has to grow."""
WARM_UP: Final = 0.4
GROWTH_MAX: Final = 0.03
"""What part of its memory a process may grow by from the warm-up to the end, besides what noise explains."""
_HANDSHAKE: Final = (
    "GET /v1/{edition}/live?{query} HTTP/1.1\r\nHost: ticker.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
_CLOSE: Final = bytes([0x88, 0x80, 1, 2, 3, 4])


class Trend(NamedTuple):
    """A straight line through measurements: by what part of their mean it rises from the first to the last, and by how
    much of that it may be wrong (three standard errors)."""

    growth: float
    noise: float

    @property
    def is_flat(self) -> bool:
        return self.growth - self.noise <= GROWTH_MAX


def trend_of(values: Sequence[float]) -> Trend:
    """The trend of measurements at equal distances, of which there are three at least."""
    places = range(len(values))
    slope, start = statistics.linear_regression(places, values)
    error = statistics.fmean((value - start - slope * place) ** 2 for place, value in zip(places, values, strict=True))
    spread = statistics.pvariance(places) * len(values)
    deviation = (error * len(values) / max(1, len(values) - 2) / spread) ** 0.5
    span, mean = len(values) - 1, statistics.fmean(values)
    return Trend(slope * span / mean, 3 * deviation * span / mean)


def warnings_in(log: str) -> list[str]:
    """The lines of a log that are warnings or worse, or no log lines at all."""
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
    """One of the crowd: shakes hands, and reads on."""

    def __init__(self, crowd: Crowd, request: bytes) -> None:
        self._crowd = crowd
        self._request = request
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's isn't derived from it
        self.transport.write(self._request)
        self._crowd.members[self] = None

    def data_received(self, data: bytes) -> None:
        self._crowd.received += len(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._crowd.members.pop(self, None)


class Crowd:
    """As many followers as there should be, who come and go in every way there is."""

    def __init__(self, port: int, size: int, chance: random.Random) -> None:
        self.members: dict[Member, None] = {}
        self.received = 0
        self.joined = 0
        self.places: dict[str, list[str]] = {edition: [] for edition in EDITIONS}
        self._port = port
        self._size = size
        self._chance = chance

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            some = self._chance.sample(list(self.members), int(len(self.members) * CHURNED))
            for member in some:
                self._leave(member)
            await asyncio.gather(*(self._join() for _ in range(min(200, self._size - len(self.members)))))
            await asyncio.sleep(CHURN_S)

    def _leave(self, member: Member) -> None:
        if self._chance.random() < 0.5:
            member.transport.abort()
        else:
            member.transport.write(_CLOSE)

    async def _join(self) -> None:
        edition = self._chance.choice(EDITIONS)
        places = self.places[edition]
        query = self._chance.choice(["", "lines=5", "section=sports", "urgency=2"])
        if places and self._chance.random() < 0.5:
            query += f"&after={self._chance.choice(places)}"
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
    """One soak. `findings` say what was wrong; `lines` tell what was measured."""

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
            TICKER_FOLLOWERS_PER_ADDRESS="0",
            TICKER_HANDSHAKES_PER_S="0",
            TICKER_DRAIN_S="2",
            PYTHONWARNINGS="default::ResourceWarning",
        )
        self.desk = Program(["desk"], environ, folder / "desk.log")
        self.gateway = Program(["gateway", "--port", "0"], environ, folder / "gateway.log")

    async def run(self) -> None:
        chance = random.Random(5)
        self.desk.start(wait=False)
        self.gateway.start(wait=False)
        await asyncio.to_thread(self.desk.wait_ready)
        await asyncio.to_thread(self.gateway.wait_ready)
        files = files_of(self.gateway)
        load = Load(chance, clock_is_true=True)
        crowd = Crowd(self.gateway.port, self._followers, chance)
        editors = [
            Editor(f"{name}-{edition}", self._url, load, edition=edition, pause_s=0.2)
            for edition in EDITIONS
            for name in ("maha", "omar")
        ]
        async with asyncio.TaskGroup() as group:
            coming = group.create_task(crowd.run())
            asking = [group.create_task(editor.run()) for editor in editors]
            memory = await self._watch(crowd)
            load.is_ending = True
            await asyncio.gather(*asking)
            coming.cancel()
        crowd.end()
        await self._is_at_rest(files)
        self._judge(memory, crowd, len(load.asked))
        for program in (self.gateway, self.desk):
            program.signal(signal.SIGTERM)
            code = await asyncio.to_thread(program.wait)
            words = warnings_in(program.log)
            self.findings += [f"{program.words[0]} said {line}" for line in words[:5]]
            self.findings += [f"{program.words[0]} ended with {code}"] if code else []

    async def _watch(self, crowd: Crowd) -> dict[str, list[float]]:
        """The memory of the processes, a hundred times or more, evenly over the time."""
        await eventually(lambda: _is_full(crowd, self._followers), "all followers are there", 120)
        memory: dict[str, list[float]] = {"gateway": [], "desk": []}
        until, step_s = time.monotonic() + 60 * self._minutes, max(0.5, 60 * self._minutes / 300)
        async with httpx.AsyncClient(base_url=self.gateway.url, trust_env=False, timeout=30) as client:
            while time.monotonic() < until:
                await asyncio.sleep(step_s)
                for program in (self.gateway, self.desk):
                    memory[program.words[0]].append(resident_kib(program.pid))
                for each in (await client.get("/v1/editions")).json()["editions"]:
                    crowd.places[each["name"]] = [*crowd.places[each["name"]][-50:], each["position"]]
        return memory

    async def _is_at_rest(self, files: int) -> None:
        async def at_rest() -> bool:
            async with httpx.AsyncClient(base_url=self.gateway.url, trust_env=False, timeout=30) as client:
                followers = (await client.get("/readyz")).json()["followers"]
            return followers == 0 and files_of(self.gateway) <= files + 3

        try:
            await eventually(at_rest, "followers and files are gone", 30)
        except AssertionError as error:
            self.findings.append(f"{error}: {files_of(self.gateway)} files are open, {files} were")

    def _judge(self, memory: dict[str, list[float]], crowd: Crowd, asked: int) -> None:
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
            f"{crowd.joined:,} followers came, {self._followers:,} at a time; {crowd.received / 2**20:,.0f} MiB were "
            f"sent; {asked:,} submissions"
        )
        if not crowd.received or not asked:
            self.findings.append("nothing happened")


def _tenths(values: Sequence[float]) -> list[str]:
    """The mean of each tenth of measurements in KiB: whether what grew has stopped growing."""
    size = max(1, len(values) // 10)
    parts = [values[start : start + size] for start in range(0, len(values), size)]
    return [f"{statistics.fmean(part) / 1024:.1f}" for part in parts[:10]]


async def _is_full(crowd: Crowd, size: int) -> bool:
    return len(crowd.members) >= 0.97 * size


def resident_kib(pid: int) -> float:
    """The memory that a process has for itself."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(r"^RssAnon:\s+(\d+) kB", status, re.MULTILINE)
    assert found is not None
    return float(found[1])


async def soak(minutes: float, followers: int) -> Soak:
    with short_folder() as folder, RedisServer(folder / "redis") as server:
        one = Soak(folder, server, minutes, followers)
        try:
            await one.run()
        finally:
            one.gateway.stop()
            one.desk.stop()
    return one


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--followers", type=int, default=5_000)
    given = parser.parse_args(words)
    limit = raise_file_limit()
    if limit < given.followers + 200:
        sys.stdout.write(f"only {limit} files may be open here: {limit - 200} followers\n")
        given.followers = limit - 200
    one = uvloop.run(soak(given.minutes, given.followers))
    sys.stdout.write("\n".join([*one.lines, *(f"FAILED: {finding}" for finding in one.findings)]) + "\n")
    return 1 if one.findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
