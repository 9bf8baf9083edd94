"""The status page and its data over HTTP: access, headers, languages, and a real system whose Redis stops."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.support.channels import make_channel, make_hub, make_line
from tests.support.gateway_clients import Reader
from tests.support.gateway_fixtures import Start
from tests.support.log_writer import LogWriter
from tests.support.servers import RedisServer
from tests.support.waiting import eventually
from ticker.core import parts as core_parts
from ticker.core.parts import Condition, EditionReport, Kind, Report
from ticker.gateway import status_watch
from ticker.settings import Settings
from ticker.store import parts
from ticker.store.connection import close, connect
from ticker.store.parts import PartReporter, reporting
from ticker.store.streams import read_last
from ticker.web.app import make_app
from ticker.web.status import page_language

TOKEN = "a token that nobody guesses"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
SECRET = "SECRETWORD"


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status_watch, "FIRST_READ_S", 0.01)
    monkeypatch.setattr(parts, "REPORT_S", 0.05)
    monkeypatch.setattr(core_parts, "STEP_MS", 500)


def client_of(
    token: str | None = None, peer: str = "127.0.0.1", host: str = "127.0.0.1:8080", **settings: Any
) -> httpx.AsyncClient:
    """Return a client of an application with one edition."""
    hub = make_hub({"en": make_channel("en", [make_line(1, SECRET)])}, Settings(**settings))
    hub.editions.add("en")
    hub.port = 8080
    transport = httpx.ASGITransport(make_app(hub, "0.1.0", status_token=token), client=(peer, 1234))
    return httpx.AsyncClient(transport=transport, base_url=f"http://{host}")


async def test_local_client_gets_page_and_figures_without_a_token() -> None:
    async with client_of() as client:
        page, data = await client.get("/status"), await client.get("/status.json")
    assert (page.status_code, data.status_code) == (200, 200)
    status = data.json()
    assert [each["name"] for each in status["editions"]] == ["en"]
    assert [(each["kind"], each["answers"]) for each in status["parts"]] == [("gateway", True)]
    assert (status["redis"]["cause"], status["level"]) == ("redis-unknown", "down"), "nobody has reported a desk"


async def test_nothing_is_cached_indexed_or_framed() -> None:
    async with client_of() as client:
        for path in ("/status", "/status.json"):
            headers = (await client.get(path)).headers
            assert headers["Cache-Control"] == "private, no-store", path
            assert headers["X-Robots-Tag"] == "noindex", path
            assert "Access-Control-Allow-Origin" not in headers, path
        policy = (await client.get("/status")).headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "require-trusted-types-for 'script'" in policy


@pytest.mark.parametrize("path", ["/status", "/status.json"])
async def test_client_of_another_machine_gets_no_figure_without_a_token(path: str) -> None:
    async with client_of(peer="203.0.113.9") as client:
        answer = await client.get(path)
    assert answer.status_code == 403
    assert "TICKER_STATUS_TOKEN" in answer.text
    assert "18000" not in answer.text


@pytest.mark.parametrize("path", ["/status", "/status.json"])
async def test_client_without_the_token_gets_401_and_the_page_has_a_form(path: str) -> None:
    async with client_of(TOKEN) as client:
        answer = await client.get(path)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="ticker status"'
    assert TOKEN not in answer.text
    assert ('id="door" hidden' in answer.text, 'id="door"' in answer.text) == (False, path == "/status")


async def test_token_opens_the_figures_only_in_its_header() -> None:
    async with client_of(TOKEN, peer="203.0.113.9", host="news.example:8080") as client:
        assert (await client.get("/status.json", headers=BEARER)).status_code == 200
        assert (await client.get("/status.json", params={"token": TOKEN})).status_code == 401
        wrong = await client.get("/status.json", headers={"Authorization": "Bearer something else that is long"})
        assert (wrong.status_code, wrong.json()["error"]) == (401, "status-token-invalid")


async def test_guesses_are_limited_with_a_time_to_wait() -> None:
    async with client_of(TOKEN) as client:
        answers = [await client.get("/status.json", headers={"Authorization": "Bearer guess"}) for _ in range(11)]
    answer = answers[-1]
    assert (answer.status_code, answer.json()["error"]) == (429, "status-guesses")
    assert 1 <= int(answer.headers["Retry-After"]) <= 60


async def test_viewers_are_limited_with_a_clear_error() -> None:
    async with client_of(status_viewers=1) as client:
        assert (await client.get("/status.json", headers={"Ticker-Viewer": "one"})).status_code == 200
        answer = await client.get("/status.json", headers={"Ticker-Viewer": "two"})
    assert (answer.status_code, answer.json()["error"]) == (429, "status-viewers")
    assert "Retry-After" in answer.headers


async def test_request_through_a_proxy_closes_the_status_to_local_clients() -> None:
    """Its first reader betrays a proxy that adds no header: the host is the public one."""
    async with client_of() as client:
        assert (await client.get("/status.json")).status_code == 200
        assert (await client.get("/en", headers={"Host": "news.example"})).status_code == 200
        assert (await client.get("/status.json")).status_code == 403


async def test_viewer_with_the_newest_answer_gets_304() -> None:
    async with client_of() as client:
        first = await client.get("/status.json")
        again = await client.get("/status.json", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_status_has_no_text_of_any_line() -> None:
    async with client_of() as client:
        assert SECRET in (await client.get("/en")).text
        assert SECRET not in (await client.get("/status.json")).text + (await client.get("/status")).text


@pytest.mark.parametrize(
    ("wanted", "accepted", "language"),
    [
        ("", "", "en"),
        ("ar", "es", "ar"),
        ("ar-EG", "", "ar-EG"),
        ("fr", "es", "es"),
        ("", "fr, es-MX;q=0.8, ar;q=0.9", "ar"),
        ("", "de, *;q=0.1", "en"),
        ("", "es;q=nonsense", "en"),
        ('ar"><script>', "", "en"),
        ("ar-" + "x" * 40, "", "en"),
    ],
)
def test_page_has_the_wanted_language_or_the_best_one_of_the_browser(wanted: str, accepted: str, language: str) -> None:
    assert page_language(wanted, accepted) == language


async def test_arabic_page_is_right_to_left() -> None:
    async with client_of() as client:
        page = (await client.get("/status?lang=ar")).text
    assert '<html lang="ar" dir="rtl">' in page


class Watched:
    """The status of a gateway, as a program reads it."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.status: dict[str, Any] = {}

    async def until(self, condition: Callable[[dict[str, Any]], bool], what: str) -> None:
        async def holds() -> bool:
            answer = await self.client.get("/status.json")
            assert answer.status_code == 200, answer.text
            self.status = answer.json()
            return condition(self.status)

        await eventually(holds, what)


def desk_report() -> Report:
    return Report(editions={"en": EditionReport(Condition.OK)})


async def test_status_shows_a_redis_that_stops_and_comes_back(
    log: LogWriter, start: Start, redis_server: RedisServer
) -> None:
    gateway = await start()
    desk = reporting(lambda: connect(redis_server.url, role="desk"), Kind.DESK, desk_report)
    async with httpx.AsyncClient(base_url=gateway.address) as client, desk, Reader(gateway.address) as reader:
        await reader.until_live()
        watched = Watched(client)
        await watched.until(lambda status: status["level"] == "ok", "everything works")
        assert {each["kind"] for each in watched.status["parts"]} == {"desk", "gateway"}
        assert watched.status["readers"] == 1
        redis_server.kill()
        await watched.until(lambda status: status["redis"]["cause"] == "redis-away", "Redis is away")
        assert (watched.status["level"], watched.status["readers"]) == ("down", 1), "its readers are still there"
        assert watched.status["redis"]["since"] <= watched.status["at"]
        redis_server.start()
        await watched.until(lambda status: status["level"] == "ok", "everything works again")


async def test_sums_have_all_gateways_and_the_history_of_deliveries(log: LogWriter, start: Start) -> None:
    first, second = await start(), await start()
    async with (
        httpx.AsyncClient(base_url=first.address) as client,
        Reader(first.address) as one,
        Reader(second.address) as another,
    ):
        watched = Watched(client)
        for reader in (one, another):
            await reader.until_live()
        await watched.until(lambda status: status["gateways"] == 2 and status["readers"] == 2, "two gateways")
        await log.post("A line")
        for reader in (one, another):
            await reader.until_at(log.head)
        await watched.until(lambda status: status["deliveries"] == 2, "two deliveries in a complete step")
        latency = watched.status["latency"]
        assert 0 < latency["half_ms"] <= latency["most_ms"] <= latency["slow_ms"]
    gateways = [each for each in watched.status["parts"] if each["kind"] == "gateway"]
    assert [each["answers"] for each in gateways].count(True) == 1
    assert [each["readers"] for each in gateways] == [1, 1]


async def test_part_that_ends_says_so_and_leaves_no_address(redis_server: RedisServer, redis_url: str) -> None:
    redis = connect(redis_url, role="desk")
    try:
        async with reporting(lambda: connect(redis_url, role="desk"), Kind.DESK, desk_report):
            pass
        found = [report for _, report, _ in await parts.PartsReader().read(redis)]
        assert found[-1].has_ended
        newest = await read_last(redis, "ticker:parts:desk")
        assert newest is not None
        assert set(json.loads(newest[1][b"report"])) == {"id", "uptime_s", "has_ended", "editions"}
    finally:
        await close(redis)


async def test_invalid_reports_are_skipped(redis_url: str) -> None:
    redis = connect(redis_url, role="gateway")
    try:
        reporter = PartReporter(Kind.GATEWAY, Report)
        for forged in (b"", b"{}", b"[1]", b'{"id":"<script>","uptime_s":1}', b'{"id":"aaaaaaaa","uptime_s":-1}'):
            await redis.xadd("ticker:parts:gateway", {"report": forged})
        await reporter.report(redis)
        reader = parts.PartsReader()
        assert [report.id for _, report, _ in await reader.read(redis)] == [reporter.id]
        assert await reader.read(redis) == [], "each report is read once"
    finally:
        await close(redis)
