"""Restart every desk and gateway while thousands of readers follow: `make rolling`, `make rolling READERS=2000`.

The topology is `ha` with a second proxy, with the settings of operators: nothing waits less than there. An editor posts
a line per second. At the end, every reader must have got every line once. The result is a line of JSON, and the chart
of the readers without a connection and of their returns is `docs/rolling-restart.svg` (or `--chart`).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.curves import Curve, Plot, draw_plots
from scripts.topologies.hosts import HA, Kind, Topology
from scripts.topologies.namespaces import Network
from scripts.topologies.system import RunningTopology, Tuning, find_engine
from tests.faults.topologies.crowd import Crowd
from tests.support.servers import short_folder
from tests.support.signals import stop_inheriting_ignored_signals
from ticker.client.publisher import Publisher
from ticker.core.submission import ReceiptStatus

ROOT: Final = Path(__file__).parents[3]
CHART: Final = ROOT / "docs" / "rolling-restart.svg"
READERS: Final = 10_000
SOURCES: Final = range(101, 201)
"""The last numbers of the addresses from which readers connect: servers limit the connections of each."""
LINE_S: Final = 1.0
REST_S: Final = 10.0
"""The time between two restarts. Readers return up to ten seconds after a gateway has closed their connection."""
SETTLE_S: Final = 600.0
STEP_S: Final = 0.5
"""The distance of the chart's points."""


class Rolling(msgspec.Struct):
    """The result.

    Attributes:
        readers: How many there were.
        lines: The lines that were acknowledged, and that every reader must have.
        deliveries: The lines that readers got.
        missed, repeated, replaced: See `Crowd`. Each is a violation.
        returns: How often a reader came back.
        failed: Attempts to connect that failed.
        away_s: The median, the 99th percentile and the maximum of the times without a connection.
        away_most: The most readers that had no connection at the same time.
        returns_most: The most returns within a second.
        restarts_s: The duration of each restart, from SIGTERM until the host was ready again.
        violations: A sentence for each.

    """

    readers: int
    lines: int
    deliveries: int
    missed: int
    repeated: int
    replaced: int
    returns: int
    failed: int
    away_s: tuple[float, float, float]
    away_most: int
    returns_most: int
    restarts_s: dict[str, float]
    violations: list[str]


def with_two_proxies() -> Topology:
    """Return `ha` with a second proxy: ten thousand readers need more files than one process may have open here."""
    (proxy,) = HA.of(Kind.PROXY)
    second = msgspec.structs.replace(proxy, name="proxy2", number=proxy.number + 3)
    trusted = {"TICKER_TRUSTED_PROXIES": "{proxy},{proxy2}"}
    changed = [
        msgspec.structs.replace(host, environment={**host.environment, **trusted})
        if host.kind is Kind.GATEWAY
        else host
        for host in HA.hosts
    ]
    return msgspec.structs.replace(HA, hosts=(*changed, second))


class _Readers:
    """The processes of the crowd, one per proxy."""

    def __init__(self, processes: Sequence[Process]) -> None:
        self._processes = processes

    async def ask(self, word: str) -> list[Crowd]:
        """Send a command to each, and return the answers."""
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.write(f"{word}\n".encode())
        return [await self._answer(process) for process in self._processes]

    async def wait_until_live(self, count: int, least: int = 0) -> None:
        """Wait until all readers are live, and have the entry `least`.

        Raises:
            TimeoutError: If that takes longer than `SETTLE_S`.

        """
        async with asyncio.timeout(SETTLE_S):
            while True:
                states = await self.ask("state")
                sys.stderr.write(f"{sum(each.live for each in states):,} of {count:,} readers are live\r")
                if sum(each.live for each in states) == count and min(each.least for each in states) >= least:
                    return
                await asyncio.sleep(0.5)

    async def _answer(self, process: Process) -> Crowd:
        assert process.stdout is not None
        line = await process.stdout.readline()
        return msgspec.json.decode(line, type=Crowd)


async def run(system: RunningTopology, readers: int, *, rest_s: float = REST_S) -> tuple[Rolling, list[Plot]]:
    """Open the readers, restart the hosts one after the other, and check what the readers got."""
    proxies = system.topology.of(Kind.PROXY)
    sources = [f"10.0.0.{number}" for number in SOURCES]
    share = readers // len(proxies)
    crowd = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.faults.topologies.crowd"),
            *(host.address, str(system.certificate_of(host.name)), str(share), *sources[at :: len(proxies)]),
            cwd=ROOT,
            stdin=PIPE,
            stdout=PIPE,
            start_new_session=True,  # Linux shares the processor between sessions
            limit=1 << 26,
        )
        for at, host in enumerate(proxies)
    ]
    followers = _Readers(crowd)
    try:
        await followers.wait_until_live(share * len(proxies))
        begun_at, restarts, posting = time.monotonic(), list[tuple[str, float, float]](), _Posting(system.url)
        task = asyncio.create_task(posting.run())
        for host in (*system.topology.of(Kind.DESK), *system.topology.of(Kind.GATEWAY)):
            at = time.monotonic() - begun_at
            await asyncio.to_thread(system.restart, host.name)
            restarts.append((host.name, at, time.monotonic() - begun_at - at))
            await asyncio.sleep(rest_s)
        posting.is_ending = True
        await task
        await followers.wait_until_live(share * len(proxies), posting.posted.seq)
        seen = await followers.ask("report")
    finally:
        for process in crowd:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return judge(share * len(proxies), posting.posted, seen, restarts, begun_at)


class Posted(msgspec.Struct):
    """What an editor has posted: the acknowledged lines, the number of the last one, and the answers to others."""

    seq: int = 0
    lines: int = 0
    unanswered: list[str] = msgspec.field(default_factory=list)


class _Posting:
    """An editor that posts a line per second."""

    def __init__(self, url: str) -> None:
        self.is_ending = False
        self.posted = Posted()
        self._url = url

    async def run(self) -> None:
        async with Publisher(self._url, edition="en", editor="maha") as publisher:
            while not self.is_ending:
                receipt = await publisher.post(f"Line {self.posted.lines} of the restart")
                if receipt.status is ReceiptStatus.ON_AIR and receipt.position is not None:
                    self.posted.lines, self.posted.seq = self.posted.lines + 1, int(receipt.position.partition("-")[0])
                else:
                    self.posted.unanswered.append(f"{receipt.status}: {receipt.errors}")
                await asyncio.sleep(LINE_S)


def judge(
    readers: int,
    posted: Posted,
    seen: Sequence[Crowd],
    restarts: Sequence[tuple[str, float, float]],
    begun_at: float,
) -> tuple[Rolling, list[Plot]]:
    absences = [(start - begun_at, end - begun_at) for each in seen for start, end in each.absences]
    away = sorted(end - start for start, end in absences) or [0.0]
    seconds = max(int(max((end for _, end in absences), default=0)), int(restarts[-1][1])) + 5
    without = [
        sum(start <= step * STEP_S < end for start, end in absences) for step in range(int(seconds / STEP_S) + 1)
    ]
    returns = [sum(int(end) == second for _, end in absences) for second in range(seconds + 1)]
    missed, repeated, replaced = (
        sum(getattr(each, name) for each in seen) for name in ("missed", "repeated", "replaced")
    )
    deliveries = sum(each.deliveries for each in seen)
    violations = [
        f"{count:,} {what}"
        for count, what in ((missed, "missed"), (repeated, "repeated"), (replaced, "boards replaced what a reader had"))
        if count
    ]
    violations += posted.unanswered
    if deliveries != readers * posted.seq:
        violations.append(f"{deliveries:,} deliveries, not {readers:,} × {posted.seq:,}")
    result = Rolling(
        readers=readers,
        lines=posted.lines,
        deliveries=deliveries,
        missed=missed,
        repeated=repeated,
        replaced=replaced,
        returns=len(absences),
        failed=sum(each.failed for each in seen),
        away_s=(_share(away, 0.5), _share(away, 0.99), away[-1]),
        away_most=max(without),
        returns_most=max(returns),
        restarts_s={name: round(took, 1) for name, _, took in restarts},
        violations=violations,
    )
    marks = [(name, at) for name, at, _ in restarts]
    plots = [
        Plot(
            "Readers without a connection",
            [Curve("each has its position, and returns with it", without)],
            seconds,
            marks,
        ),
        Plot("Returns per second", [Curve("to the other gateway, through a proxy with TLS", returns)], seconds, marks),
    ]
    return result, plots


def _share(values: Sequence[float], share: float) -> float:
    return values[min(len(values) - 1, int(len(values) * share))]


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.topologies.rolling", description=__doc__)
    parser.add_argument("--readers", type=int, default=READERS)
    parser.add_argument("--engine", choices=["valkey", "redis"], default="valkey")
    parser.add_argument("--chart", type=Path, default=CHART)
    options = parser.parse_args(words)
    stop_inheriting_ignored_signals()
    network = Network()
    network.add_own(SOURCES)
    with short_folder() as folder:
        settings = folder / "ticker.toml"
        settings.write_text('[editions.en]\ntitle = "Breaking news"\nlang = "en"\ndir = "ltr"\n', encoding="utf-8")
        tuning = Tuning(
            environment={"TICKER_SUBMISSIONS_PER_MINUTE": "0"},
            desk_words=("--settings", str(settings)),
            sentinel_period_ms=500,
            connections=options.readers // 2 + 1_000,
        )
        with RunningTopology(
            with_two_proxies(), folder / "hosts", network, find_engine(options.engine), tuning=tuning
        ) as system:
            result, plots = asyncio.run(run(system, options.readers))
    caption = f"{result.readers:,} readers while two desks and two gateways restart one after the other"
    options.chart.write_text(draw_plots(caption, plots), encoding="utf-8")
    sys.stdout.write(json.dumps(msgspec.to_builtins(result)) + "\n")
    return 1 if result.violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
