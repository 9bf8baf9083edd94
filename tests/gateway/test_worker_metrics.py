"""One scrape has the metrics of all workers, each with its worker."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from tests.support.servers import short_folder
from tests.support.waiting import eventually
from ticker.gateway import worker_metrics
from ticker.gateway.worker_metrics import Worker, WorkerMetrics


class Draining(Collector):
    """A metric whose value isn't a float, as some of the gateway's."""

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("ticker_draining", "Draining.", value=True)


def registry(followers: int) -> CollectorRegistry:
    made = CollectorRegistry()
    Gauge("ticker_followers", "Followers.", ["edition"], registry=made).labels("en").set(followers)
    Counter("ticker_passes", "Passes.", registry=made).inc(followers)
    made.register(Draining())
    return made


@asynccontextmanager
async def serving(folder: Path, numbers: dict[int, int], count: int) -> AsyncIterator[None]:
    """Serve workers: `numbers` has the followers of each."""
    async with asyncio.TaskGroup() as tasks:
        started = [
            tasks.create_task(WorkerMetrics(Worker(number, count, folder)).serve(registry(followers)))
            for number, followers in numbers.items()
        ]
        await eventually(lambda: all((folder / str(number)).exists() for number in numbers), "the workers listen")
        yield
        for task in started:
            task.cancel()


async def scrape(folder: Path, number: int, count: int, followers: int) -> list[str]:
    gathered = await WorkerMetrics(Worker(number, count, folder)).gather(registry(followers))
    return [line for line in generate_latest(gathered).decode().splitlines() if not line.startswith("#")]


@pytest.mark.parametrize("number", [0, 1, 2])
async def test_each_worker_answers_with_the_metrics_of_all(number: int) -> None:
    with short_folder() as folder:
        followers = {0: 10, 1: 11, 2: 12}
        async with serving(folder, followers, 3):
            lines = await scrape(folder, number, 3, followers[number])
    assert [line for line in lines if line.startswith("ticker_followers")] == [
        'ticker_followers{edition="en",worker="0"} 10.0',
        'ticker_followers{edition="en",worker="1"} 11.0',
        'ticker_followers{edition="en",worker="2"} 12.0',
    ]
    assert 'ticker_passes_total{worker="2"} 12.0' in lines
    assert [line for line in lines if line.startswith("ticker_worker_up")] == [
        f'ticker_worker_up{{worker="{each}"}} 1.0' for each in range(3)
    ]


async def test_missing_worker_is_reported_and_the_others_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_metrics, "READ_S", 0.2)
    with short_folder() as folder:
        (folder / "2").write_bytes(b"")  # left by a worker that was killed
        hanging = socket.socket(socket.AF_UNIX)
        hanging.bind(str(folder / "3"))
        hanging.listen()
        broken = await asyncio.start_unix_server(send_garbage, folder / "4")
        async with serving(folder, {1: 11}, 5), broken:
            lines = await scrape(folder, 0, 5, 10)
        hanging.close()
    up = [line.rpartition(" ")[2] for line in lines if line.startswith("ticker_worker_up")]
    assert up == ["1.0", "1.0", "0.0", "0.0", "0.0"]
    assert sum(line.startswith("ticker_followers") for line in lines) == 2


def send_garbage(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"\xff")
    writer.close()


async def test_restarted_worker_takes_over_the_socket_of_a_dead_one() -> None:
    with short_folder() as folder:
        (folder / "1").write_bytes(b"")
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(WorkerMetrics(Worker(1, 2, folder)).serve(registry(11)))
            await eventually((folder / "1").is_socket, "the worker listens")
            lines = await scrape(folder, 0, 2, 10)
            task.cancel()
    assert 'ticker_followers{edition="en",worker="1"} 11.0' in lines
