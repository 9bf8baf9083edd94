"""Record what Prometheus knows of a system to which many things happen: the data of the dashboard's picture.

`.venv/bin/python -m tests.dashboard.record` runs the topology `ha`, a relay and a posting part for three minutes, with
readers that come and go. Debian's Prometheus scrapes them once per second. At the end the script evaluates each query
of the dashboard as Grafana does, and writes the answers to `tests/dashboard/recording.json`. `tests.dashboard.draw`
makes the picture.
"""

from __future__ import annotations

import asyncio
import logging
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from scripts.topologies import hosts
from scripts.topologies.hosts import HA, Kind
from scripts.topologies.namespaces import Network
from scripts.topologies.system import RunningTopology, Tuning, find_engine
from tests.dashboard.events import Crowd, Events, Newsroom
from tests.dashboard.recording import RECORDING, Answer, Recording, Series, as_grafana_sends, dashboard_queries
from tests.support.newsroom_editions import ARABIC_AND_SPANISH, ENGLISH
from tests.support.programs import program
from tests.support.servers import short_folder
from tests.support.system import Program, environment, run_program
from tests.support.waiting import until
from tests.support.webhook_receiver import SECRET, WebhookReceiver

LASTS_S: Final = 180
SCRAPE_S: Final = 1
LOCAL: Final = "127.0.0.1"
PROMETHEUS_PORT, RELAY_PORT, API_PORT, API_METRICS_PORT = 9090, 9102, 8090, 9103


def tuning(settings: Path) -> Tuning:
    """Return what differs from the topology: a quick failover, and limits that apply."""
    down = f"sentinel down-after-milliseconds {hosts.SERVICE} 3000"
    return Tuning(
        settings={Kind.SENTINEL: (down, f"sentinel failover-timeout {hosts.SERVICE} 6000")},
        environment={
            "TICKER_SETTINGS": str(settings),
            "TICKER_SUBMISSIONS_PER_MINUTE": "70",
            "TICKER_FOLLOWERS": "120",
            "TICKER_DRAIN_S": "2",
        },
    )


@contextmanager
def parts_outside(system: RunningTopology, receiver: WebhookReceiver, folder: Path) -> Iterator[str]:
    """Run a relay and a posting part on the network of readers. Return a token for the posting part."""
    environ = environment(
        TICKER_REDIS_URL=system.url,
        TICKER_RELAY_SECRET_CMS=SECRET,
        TICKER_RELAY_RETRY_S="1",
        TICKER_SETTINGS=str(folder / "ticker.toml"),
    )
    added = run_program("ticker", "editor", "add", "cms", "-e", "en", environ=environ)
    assert added.code == 0, added
    made = run_program("ticker", "token", "create", "cms", "-e", "en", "--json", environ=environ)
    assert made.code == 0, made
    gateway = f"http://{system.topology.host('gateway1').address}:{hosts.READERS_PORT}"
    relay = ["relay", "--to", f"cms={receiver.url}", "-e", "en", "-e", "es", "--gateway", gateway, "--allow-private"]
    relay += ["--state", str(folder / "relay"), "--metrics", f"{LOCAL}:{RELAY_PORT}"]
    api = ["api", "--port", str(API_PORT), "--metrics", f"{LOCAL}:{API_METRICS_PORT}"]
    with Program(relay, environ, folder / "relay.log"), Program(api, environ, folder / "api.log"):
        yield made.json["token"]


@contextmanager
def prometheus(targets: Mapping[str, Sequence[str]], folder: Path) -> Iterator[None]:
    """Run Prometheus with a job per part."""
    folder.mkdir()
    jobs = "".join(
        f"  - job_name: ticker-{part}\n    static_configs: [{{targets: {list(each)}}}]\n"
        for part, each in targets.items()
    )
    interval = f"global: {{scrape_interval: {SCRAPE_S}s, scrape_timeout: {SCRAPE_S}s}}\n"
    (folder / "prometheus.yml").write_text(f"{interval}scrape_configs:\n{jobs}", encoding="utf-8")
    words: list[str | Path] = [
        program("prometheus"),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address={LOCAL}:{PROMETHEUS_PORT}",
        "--log.level=warn",
    ]
    with (folder / "log").open("wb") as log, subprocess.Popen(words, stdout=log, stderr=log) as process:
        try:
            until(lambda: _is_ready(sum(map(len, targets.values()))), "Prometheus has scraped every part")
            yield
        finally:
            process.terminate()


def _is_ready(parts: int) -> bool:
    try:
        found = ask("query", query="sum(up)")
    except httpx.HTTPError:
        return False
    return [each["value"][1] for each in found] == [str(parts)]


def ask(what: str, **parameters: str) -> Any:
    """Return the result of a request to Prometheus."""
    address = f"http://{LOCAL}:{PROMETHEUS_PORT}/api/v1/{what}"
    response = httpx.get(address, params=parameters, trust_env=False, timeout=60).raise_for_status()
    return response.json()["data"]["result"]


def record(start: int, end: int) -> Recording:
    """Evaluate each query of the dashboard between two times (Unix, in seconds)."""
    answers = []
    for query in dashboard_queries():
        expr = as_grafana_sends(query.expr, SCRAPE_S)
        if query.is_instant:
            found = ask("query", query=expr, time=str(end))
            series = [Series(each["metric"], [_number(each["value"][1])]) for each in found]
        else:
            found = ask("query_range", query=expr, start=str(start), end=str(end), step=str(SCRAPE_S))
            series = [Series(each["metric"], _column(each["values"], start, end)) for each in found]
        answers.append(Answer(query.panel, query.expr, series))
    return Recording(start, end, SCRAPE_S, answers)


def _column(values: list[tuple[float, str]], start: int, end: int) -> list[float | None]:
    """Return a value per scrape, or None for a gap."""
    known = {round(at): _number(text) for at, text in values}
    return [known.get(at) for at in range(start, end + 1, SCRAPE_S)]


def _number(text: str) -> float | None:
    value = float(text)
    return float(f"{value:.4g}") if abs(value) < float("inf") else None


async def run_traffic(system: RunningTopology, token: str, receiver: WebhookReceiver) -> None:
    """Let readers, editors and failures act for `LASTS_S`."""
    addresses = [(each.address, hosts.READERS_PORT) for each in system.topology.of(Kind.GATEWAY)]
    crowd = Crowd(addresses)
    newsroom = Newsroom(system.url, f"http://{LOCAL}:{API_PORT}", token)
    async with crowd, newsroom:
        events = asyncio.create_task(Events(system, crowd, newsroom, receiver).run())
        await asyncio.sleep(LASTS_S)
        await events


def main() -> None:
    logging.getLogger("websockets").setLevel(logging.CRITICAL)
    network = Network()
    with ExitStack() as stack:
        folder = stack.enter_context(short_folder())
        settings = folder / "ticker.toml"
        settings.write_text(ENGLISH + ARABIC_AND_SPANISH, encoding="utf-8")
        receiver = stack.enter_context(WebhookReceiver())
        engine = find_engine("valkey")
        running = RunningTopology(HA, folder / "hosts", network, engine, tuning=tuning(settings))
        system = stack.enter_context(running)
        token = stack.enter_context(parts_outside(system, receiver, folder))
        targets = {
            "gateway": [f"{each.address}:{hosts.GATEWAY_METRICS_PORT}" for each in HA.of(Kind.GATEWAY)],
            "desk": [f"{each.address}:{hosts.DESK_METRICS_PORT}" for each in HA.of(Kind.DESK)],
            "relay": [f"{LOCAL}:{RELAY_PORT}"],
            "api": [f"{LOCAL}:{API_METRICS_PORT}"],
        }
        stack.enter_context(prometheus(targets, folder / "prometheus"))
        start = int(time.time()) + 1
        asyncio.run(run_traffic(system, token, receiver))
        made = record(start, start + LASTS_S - 1)
    made.write(RECORDING)


if __name__ == "__main__":
    main()
