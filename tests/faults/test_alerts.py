"""Each alert fires in a real Prometheus, when the fault that it is about happens to a real system, and ends after it.

The rules are those of `deploy/prometheus/`, with shorter times: ranges are 30 times shorter (10 s at most), and the
time for which a condition must hold is 60 times shorter.
"""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Event
from typing import Any, Final

import httpx
import pytest
import pytest_asyncio

from tests.faults.clock import Clock
from tests.support.programs import program
from tests.support.prometheus import RULES, alerts
from tests.support.readers import RecordingReader
from tests.support.servers import RedisServer, free_port, short_folder
from tests.support.system import Program, Ran, environment, run_program, settings_without
from tests.support.waiting import until
from tests.support.webhook_receiver import SECRET, WebhookReceiver

pytestmark = [pytest.mark.faults, pytest.mark.slow]

HOST: Final = "127.0.0.1"
SECONDS: Final = {"s": 1, "m": 60}
FOLLOWERS: Final = 3
RANGE_S: Final = 10.0
"""The longest range of the rules, shortened."""


def quick(rules: str) -> str:
    """Return the rules with shorter times. Each threshold of minutes is written as a product with 60."""

    def shorter(by: int, least_ms: int) -> Any:
        def replace(found: re.Match[str]) -> str:
            given_ms = int(found[2]) * SECONDS[found[3]] * 1000
            return f"{found[1]}{min(round(RANGE_S * 1000), max(least_ms, given_ms // by))}ms"

        return replace

    rules = re.sub(r"(for: )(\d+)([sm])", shorter(60, 500), rules)
    rules = re.sub(r"(\[|offset )(\d+)([sm])", shorter(30, 2000), rules)
    return rules.replace(" * 60", " * 0.05")


class Watched:
    """A system whose parts are processes, and the Prometheus that watches it."""

    def __init__(self, folder: Path, redis: RedisServer, receiver: WebhookReceiver) -> None:
        self.folder, self.redis, self.receiver = folder, redis, receiver
        self.clock = Clock(folder)
        self.clock.build()
        self.ports = {name: free_port() for name in ("desk", "gateway", "relay", "prometheus", "native")}
        settings = Path(settings_without(folder, "duplicate", "short"))
        text = settings.read_text(encoding="utf-8")
        settings.write_text(
            text.replace("[editions.en]\n", '[editions.en]\nsecond_person = ["flash"]\n'), encoding="utf-8"
        )
        self.environ = environment(TICKER_REDIS_URL=redis.url, TICK_EDITOR="maha", TICKER_SETTINGS=str(settings))
        limits = {"TICKER_FOLLOWERS": str(FOLLOWERS)}
        self.desk = self._program("desk", "--editions", "en", **self.clock.environment)
        self.gateway = self._program("gateway", "--port", str(free_port()), **limits)

    def _program(self, name: str, *words: str, **variables: str) -> Program:
        metrics = ["--metrics", f"{HOST}:{self.ports[name]}"]
        return Program([name, *words, *metrics], {**self.environ, **variables}, self.folder / f"{name}.log")

    def start_relay(self) -> Program:
        words = ["-e", "en", "--gateway", self.gateway.url, "--state", str(self.folder / "state"), "--allow-private"]
        variables = {"TICKER_RELAY_SECRET_CMS": SECRET, "TICKER_RELAY_RETRY_S": "0.2"}
        return self._program("relay", *words, "--no-board", "--to", f"cms={self.receiver.url}", **variables)

    def tick(self, *words: str, **variables: str) -> Ran:
        return run_program("tick", *words, environ={**self.environ, **variables})

    def post(self, text: str, *words: str) -> Any:
        ran = self.tick("post", text, "-e", "en", "--json", "--no-reach", "--wait", "30", *words)
        assert ran.code in (0, 5), ran
        return ran.json

    @property
    def firing(self) -> set[str]:
        """The names of the alerts that fire now."""
        address = f"http://{HOST}:{self.ports['prometheus']}/api/v1/alerts"
        found: Any = httpx.get(address, trust_env=False, timeout=60).json()
        return {alert["labels"]["alertname"] for alert in found["data"]["alerts"] if alert["state"] == "firing"}

    def wait_for(self, *names: str) -> None:
        until(lambda: set(names) <= self.firing, f"{names} fire")

    def fire_soon(self, names: set[str]) -> bool:
        """Return whether the alerts fire before the longest range of the rules is over."""
        with suppress(AssertionError):
            until(lambda: names <= self.firing, f"{names} fire", RANGE_S)
            return True
        return False

    def wait_for_end_of(self, *names: str) -> None:
        until(lambda: not set(names) & self.firing, f"{names} have ended")

    def query(self, expr: str, prometheus: str = "prometheus") -> list[float]:
        """Return the values of an expression now, or none if Prometheus doesn't answer yet."""
        address = f"http://{HOST}:{self.ports[prometheus]}/api/v1/query"
        try:
            response = httpx.get(address, params={"query": expr}, trust_env=False, timeout=60)
        except httpx.TransportError:
            return []
        if response.status_code == 503:  # it is starting
            return []
        found: Any = response.json()
        return [float(each["value"][1]) for each in found["data"]["result"]]

    @contextmanager
    def prometheus(self, name: str, *options: str) -> Iterator[None]:
        """Run a Prometheus that scrapes every part. Its port is that of `name`."""
        folder = self.folder / name
        folder.mkdir()
        (folder / "ticker.rules.yml").write_text(quick(RULES.read_text(encoding="utf-8")), encoding="utf-8")
        jobs = "".join(
            f"  - job_name: ticker-{part}\n    static_configs: [{{targets: ['{HOST}:{self.ports[part]}']}}]\n"
            for part in ("desk", "gateway", "relay")
        )
        (folder / "prometheus.yml").write_text(
            "global: {scrape_interval: 400ms, scrape_timeout: 400ms, evaluation_interval: 400ms}\n"
            f"rule_files: [ticker.rules.yml]\nscrape_configs:\n{jobs}",
            encoding="utf-8",
        )
        words: list[str | Path] = [
            program("prometheus"),
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'tsdb'}",
            f"--web.listen-address={HOST}:{self.ports[name]}",
            "--log.level=warn",
            *options,
        ]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(words, stdout=log, stderr=log)
        try:
            until(lambda: self.query("ticker_desk_accepting", name) == [1.0], "Prometheus has scraped the desk")
            yield
        finally:
            process.terminate()
            process.wait(60)


@pytest.fixture(scope="module")
def watched() -> Iterator[Watched]:
    with ExitStack() as stack:
        folder = stack.enter_context(short_folder())
        redis = stack.enter_context(RedisServer(folder / "redis", tcp=True))
        receiver = stack.enter_context(WebhookReceiver())
        watched = Watched(folder, redis, receiver)
        stack.enter_context(watched.desk)
        stack.enter_context(watched.gateway)
        watched.post("The first line")
        stack.enter_context(watched.prometheus("prometheus"))
        yield watched


@pytest_asyncio.fixture(autouse=True)
async def nothing_fires(watched: Watched) -> AsyncIterator[None]:
    await asyncio.to_thread(until, lambda: not watched.firing, "no alert fires before the fault")
    yield


def test_redis_goes_away(watched: Watched) -> None:
    watched.redis.kill()
    watched.wait_for("TickerCannotPublish", "TickerGatewayBehind")
    watched.redis.start()
    watched.wait_for_end_of("TickerCannotPublish", "TickerGatewayBehind")


def test_redis_is_out_of_memory(watched: Watched) -> None:
    watched.redis.command("CONFIG", "SET", "maxmemory", "1")
    watched.wait_for("TickerRedisRefusesWrites")
    watched.redis.command("CONFIG", "SET", "maxmemory", "0")
    watched.wait_for_end_of("TickerRedisRefusesWrites")


def test_gateway_hangs(watched: Watched) -> None:
    def hang(seconds: float) -> None:
        watched.gateway.signal(signal.SIGSTOP)
        try:
            watched.post("A line for a gateway that hangs")
            Event().wait(seconds)
        finally:
            watched.gateway.signal(signal.SIGCONT)
        for _ in range(2):  # its event loop runs again
            assert httpx.get(f"{watched.gateway.url}/healthz", trust_env=False, timeout=60).status_code == 200

    def hang_three_times() -> bool:
        """Stop the gateway three times within a range of the rules. Return whether the alerts fire then."""
        for seconds in (2.6, 1.0, 1.0):
            hang(seconds)
        return watched.fire_soon(expected)

    expected = {"TickerSlowDelivery", "TickerGatewayStalls"}
    until(hang_three_times, f"{expected} fire")
    watched.wait_for_end_of(*expected)
    watched.gateway.signal(signal.SIGSTOP)
    watched.wait_for("TickerGatewayDown")
    watched.gateway.signal(signal.SIGCONT)
    watched.wait_for_end_of("TickerGatewayDown", *expected)


async def test_gateway_is_full(watched: Watched) -> None:
    def ask_again() -> bool:
        response = httpx.get(f"{watched.gateway.url}/v1/en/events", trust_env=False, timeout=60)
        assert response.status_code == 503
        return "TickerReadersTurnedAway" in watched.firing

    readers = [RecordingReader(watched.gateway.url, "en") for _ in range(FOLLOWERS)]
    for reader in readers:
        await reader.__aenter__()
    await asyncio.to_thread(until, ask_again, "the alert fires")
    for reader in readers:
        await reader.__aexit__()
    await asyncio.to_thread(watched.wait_for_end_of, "TickerReadersTurnedAway")


def test_line_waits_for_a_second_person(watched: Watched) -> None:
    item = watched.post("A flash that nobody approves", "--urgency", "flash")["held"]
    watched.wait_for("TickerHeldTooLong")
    assert watched.tick("cancel", str(item), "-e", "en", "--yes").code == 0
    watched.wait_for_end_of("TickerHeldTooLong")


def test_receiver_refuses_a_withdrawal(watched: Watched) -> None:
    relay = watched.start_relay()
    with relay:
        line = watched.post("A line that is withdrawn")["id"]
        until(lambda: line in watched.receiver.shown, "the receiver has the line")
        # Prometheus sees an increase only between two values.
        verdicts = 'ticker_relay_verdicts_total{verdict="cant-undo"}'
        until(lambda: watched.query(verdicts) == [0.0], "Prometheus has the number of verdicts before")
        watched.receiver.status = 410
        assert watched.tick("withdraw", line, "-e", "en", "--reason", "It was wrong.").code == 0
        watched.wait_for("TickerRelayStuck", "TickerWithdrawalNotDelivered")
    watched.receiver.status = 204
    assert run_program("ticker", "relay", "replay", str(watched.folder / "state"), environ=watched.environ).code == 0
    with relay:
        until(lambda: line not in watched.receiver.shown, "the receiver has the withdrawal")
        watched.wait_for_end_of("TickerRelayStuck", "TickerWithdrawalNotDelivered")


def test_clock_of_the_desk_is_wrong(watched: Watched) -> None:
    watched.clock.set(-30)
    watched.wait_for("TickerClockWrong")
    watched.clock.set(0)
    watched.wait_for_end_of("TickerClockWrong")


def test_log_is_damaged(watched: Watched) -> None:
    key = "ticker:{en}:log"
    ((newest_id, _),) = watched.redis.command("XREVRANGE", key, "+", "-", "COUNT", 1)
    newest = int(newest_id.partition(b"-")[0])
    watched.redis.command("XADD", key, f"{newest + 1}-0", "entry", "forged", "link", "00" * 32)
    watched.wait_for("TickerLogDamaged", "TickerCannotPublish", "TickerGatewayBehind")
    assert run_program("ticker", "repair", "en", "--yes", environ=watched.environ).code == 0
    watched.wait_for_end_of("TickerLogDamaged", "TickerCannotPublish", "TickerGatewayBehind")


def test_prometheus_reads_native_histograms(watched: Watched) -> None:
    posted = "ticker_posted_to_written_seconds"
    with watched.prometheus("native", "--enable-feature=native-histograms"):
        until(lambda: bool(watched.query(f"histogram_count({posted})", "native")), "the gateway is scraped")
        assert watched.query(f"histogram_count({posted})", "native") == watched.query(f"{posted}_count")
        (native,) = watched.query(f"histogram_quantile(0.5, {posted})", "native")
        (classic,) = watched.query(f"histogram_quantile(0.5, {posted}_bucket)")
        assert 0.4 * classic < native < 2.5 * classic, "their buckets differ in width"


def test_every_alert_has_a_fault() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    assert [alert.name for alert in alerts() if f'"{alert.name}"' not in source] == []
