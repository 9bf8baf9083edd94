"""The proxy files in `deploy/proxy/`, with the real programs in front of real gateways."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, aclosing, asynccontextmanager
from pathlib import Path
from typing import Final

import httpx
import pytest
import pytest_asyncio

from scripts.topologies.proxy_files import PROXIES
from tests.support.gateway_clients import RawClient
from tests.support.log_writer import LogWriter
from tests.support.proxies import BareProxy, Proxy
from tests.support.returning_followers import EventsFollower, ReturningFollower, SocketFollower
from tests.support.servers import HOST, RedisServer, free_port, short_folder
from tests.support.system import Program, environment
from tests.support.waiting import eventually

FOLLOWERS: Final = 200
SPREAD_S: Final = 1
"""`drain_s`: a gateway closes its followers over this time, and spreads their return over it."""
LOSSES_PER_LINE: Final = 10
STATUS_TOKEN: Final = "a token that nobody guesses"


def gateway_at(redis: RedisServer, log: Path, **variables: str) -> Program:
    """Return a gateway with a port that it keeps after a restart, behind a proxy on this machine."""
    settings = {"TICKER_TRUSTED_PROXIES": HOST, "TICKER_DRAIN_S": str(SPREAD_S), **variables}
    words = ["gateway", "--port", str(free_port())]
    return Program(words, environment(TICKER_REDIS_URL=redis.url, **settings), log)


def port_of(gateway: Program) -> int:
    return int(gateway.words[-1])


async def followers_of(gateway: Program) -> int:
    async with httpx.AsyncClient(trust_env=False) as client:
        count: int = (await client.get(f"http://{HOST}:{port_of(gateway)}/readyz")).json()["followers"]
    return count


class Crowd:
    """Followers through a proxy. A line is posted after every `LOSSES_PER_LINE` lost connections."""

    def __init__(self, proxy: Proxy, log: LogWriter) -> None:
        self.proxy = proxy
        self.log = log
        self._losses: asyncio.Queue[None] = asyncio.Queue()
        tls = proxy.tls()
        kinds = (SocketFollower, EventsFollower)
        self.followers: list[ReturningFollower] = [
            kinds[number % 2](proxy.url, tls, lambda: self._losses.put_nowait(None)) for number in range(FOLLOWERS)
        ]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(follower.run()) for follower in self.followers]
        tasks.append(asyncio.create_task(self._post()))
        try:
            await self.all_back()
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _post(self) -> None:
        while True:
            for _ in range(LOSSES_PER_LINE):
                await self._losses.get()
            await self.log.post(f"line {len(self.log.logged) + 1}")

    async def all_back(self) -> None:
        """Wait until all followers are connected and have the whole log."""
        await eventually(
            lambda: all(each.is_live and each.position == self.log.head for each in self.followers),
            "all followers are back",
        )


@asynccontextmanager
async def silent_readers(gateway: Program) -> AsyncIterator[None]:
    """Connect readers that never answer a close frame: they keep the gateway in its drain for a second longer.

    So every follower that is closed comes back while the gateway still answers 503.
    """
    async with AsyncExitStack() as stack:
        for _ in range(3):
            reader = await stack.enter_async_context(RawClient(f"http://{HOST}:{port_of(gateway)}"))
            await reader.open()
        yield


async def roll(gateway: Program) -> None:
    """Restart a gateway, and return once it is ready."""
    async with silent_readers(gateway):
        await asyncio.to_thread(gateway.stop)
    await asyncio.to_thread(gateway.start)


@pytest_asyncio.fixture
async def log(redis_server: RedisServer) -> AsyncIterator[LogWriter]:
    """An edition with an empty log."""
    async with aclosing(await LogWriter(redis_server.url).begin()) as writer:
        yield writer


@pytest.mark.parametrize("name", PROXIES)
async def test_all_followers_survive_a_rolling_restart(
    name: str, log: LogWriter, redis_server: RedisServer, folder: Path
) -> None:
    gateways = [gateway_at(redis_server, folder / f"gateway{number}.log") for number in range(2)]
    with ExitStack() as stack:
        for gateway in gateways:
            stack.enter_context(gateway)
        proxy = stack.enter_context(Proxy(folder / name, name, [port_of(gateway) for gateway in gateways]))
        crowd = Crowd(proxy, log)
        async with crowd.running():
            before = [await followers_of(gateway) for gateway in gateways]
            for gateway in gateways:
                await roll(gateway)
            await crowd.all_back()
    assert min(before) > 0, "the proxy uses both gateways"
    # Each attempt was accepted, so each follower was back after the delay that the gateway gave.
    assert [failure for each in crowd.followers for failure in each.failures] == []
    retries_ms = [retry_ms for each in crowd.followers for retry_ms in each.retries_ms]
    assert len(retries_ms) >= FOLLOWERS
    assert max(retries_ms) <= SPREAD_S * 1000
    # No line was lost, and none came twice.
    assert len(log.logged) >= FOLLOWERS // LOSSES_PER_LINE
    whole = list(range(1, len(log.logged) + 1))
    assert [each.seqs for each in crowd.followers if each.seqs != whole] == []
    assert {each.boards for each in crowd.followers} == {1}


@pytest.mark.parametrize("name", PROXIES)
async def test_a_request_that_a_draining_gateway_refuses_goes_to_the_other_one(name: str, folder: Path) -> None:
    refused: list[str] = []

    async def answer_draining(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
        status = "200 OK" if path == "/healthz" else "503 Service Unavailable"
        if path != "/healthz":
            refused.append(path)
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        writer.close()

    async with AsyncExitStack() as stack:
        servers = [
            await stack.enter_async_context(await asyncio.start_server(answer, HOST, 0))
            for answer in (answer_draining, answer_ok)
        ]
        ports = [server.sockets[0].getsockname()[1] for server in servers]
        proxy = stack.enter_context(Proxy(folder / name, name, ports))
        client = await stack.enter_async_context(httpx.AsyncClient(verify=proxy.tls(), trust_env=False))
        statuses = [(await client.get(f"{proxy.url}/en")).status_code for _ in range(8)]

    assert statuses == [200] * 8
    assert refused, "the proxy asked the draining gateway first at least once"


async def answer_ok(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    writer.close()


async def test_nginx_uses_gateways_at_once_after_both_have_failed(folder: Path) -> None:
    """This is the moment of a rolling restart at which the second gateway stops and the first one is back."""
    ports = [free_port(), free_port()]
    with Proxy(folder / "nginx", "nginx", ports) as proxy:
        async with httpx.AsyncClient(verify=proxy.tls(), trust_env=False) as client, AsyncExitStack() as stack:
            assert (await client.get(f"{proxy.url}/en")).status_code == 502
            for port in ports:
                await stack.enter_async_context(await asyncio.start_server(answer_ok, HOST, port))
            assert (await client.get(f"{proxy.url}/en")).status_code == 200


@pytest.fixture(scope="module")
def limited() -> Iterator[Program]:
    """A gateway with an edition, that accepts two followers per address."""
    with short_folder() as folder, RedisServer(folder / "redis") as redis:

        async def begin() -> None:
            log = await LogWriter(redis.url).begin()
            await log.post("Night trains return")
            await log.aclose()

        asyncio.run(begin())
        variables = {"TICKER_FOLLOWERS_PER_ADDRESS": "2", "TICKER_STATUS_TOKEN": STATUS_TOKEN}
        with gateway_at(redis, folder / "gateway.log", **variables) as gateway:
            yield gateway


@pytest.fixture(scope="module", params=PROXIES)
def proxy(request: pytest.FixtureRequest, limited: Program) -> Iterator[Proxy]:
    with short_folder() as folder, Proxy(folder, request.param, [port_of(limited)] * 2) as running:
        yield running


@pytest.mark.parametrize("path", ["/metrics", "/readyz", "/healthz", "/%6detrics", "/v1/../metrics"])
def test_readers_do_not_reach_the_paths_of_operators(proxy: Proxy, path: str) -> None:
    with httpx.Client(verify=proxy.tls(), trust_env=False) as client:
        assert client.get(f"{proxy.url}/v1/en/board").status_code == 200
        assert client.get(httpx.URL(proxy.url, raw_path=path.encode())).status_code in {400, 404}


def test_plain_http_is_redirected(proxy: Proxy) -> None:
    answer = httpx.get(f"http://{HOST}:{proxy.plain_port}/en", trust_env=False)
    assert answer.status_code == 308
    assert answer.headers["Location"].startswith("https://")


def test_browsers_can_use_http_2(proxy: Proxy) -> None:
    context = proxy.tls()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection((HOST, proxy.port)) as plain,
        context.wrap_socket(plain, server_hostname=HOST) as connection,
    ):
        assert connection.selected_alpn_protocol() == "h2"


def test_a_reader_can_not_forge_its_address(proxy: Proxy) -> None:
    transport = httpx.HTTPTransport(verify=proxy.tls(), local_address="127.0.0.2")
    statuses: list[int] = []
    with httpx.Client(transport=transport) as client, ExitStack() as stack:
        for number in range(3):
            forged = {"X-Forwarded-For": f"203.0.113.{number}", "Forwarded": f"for=203.0.113.{number}"}
            answer = stack.enter_context(client.stream("GET", f"{proxy.url}/v1/en/events", headers=forged))
            statuses.append(answer.status_code)
    assert statuses == [200, 200, 429]


def test_a_reader_can_not_forge_the_scheme_of_its_page(proxy: Proxy) -> None:
    forged = {"X-Forwarded-Proto": "http", "Forwarded": "proto=http"}
    with httpx.Client(verify=proxy.tls(), trust_env=False) as client:
        page = client.get(f"{proxy.url}/en", headers=forged).text
    assert 'rel="canonical" href="https://' in page


def test_a_reader_can_not_forge_the_host_behind_the_address_that_it_requests(proxy: Proxy) -> None:
    """The host of a target in absolute form counts, and not the header `Host` (RFC 9112, 3.2.2)."""
    request = f"GET {proxy.url}/en HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
    with (
        socket.create_connection((HOST, proxy.port)) as plain,
        proxy.tls().wrap_socket(plain, server_hostname=HOST) as connection,
        connection.makefile("rb") as answer,
    ):
        connection.sendall(request.encode())
        page = answer.read().decode()
    assert "evil.example" not in page
    assert f'rel="canonical" href="https://{HOST}' in page or page.startswith("HTTP/1.1 400")


def test_status_needs_its_token_through_a_proxy(proxy: Proxy) -> None:
    with httpx.Client(verify=proxy.tls(), trust_env=False) as client:
        assert client.get(f"{proxy.url}/status").status_code == 401
        refused = client.get(f"{proxy.url}/status.json")
        assert (refused.status_code, "readers" in refused.text) == (401, False)
        answer = client.get(f"{proxy.url}/status.json", headers={"Authorization": f"Bearer {STATUS_TOKEN}"})
    assert [each["name"] for each in answer.json()["editions"]] == ["en"]


@pytest.mark.parametrize("name", PROXIES)
def test_status_is_closed_to_everybody_behind_a_proxy_that_the_gateway_does_not_know(
    name: str, log: LogWriter, redis_server: RedisServer, folder: Path
) -> None:
    """The gateway has neither a token nor a setting that names the proxy."""
    words = ["gateway", "--port", str(free_port())]
    with (
        Program(words, environment(TICKER_REDIS_URL=redis_server.url), folder / "gateway.log") as gateway,
        BareProxy(folder / name, name, gateway.port) as proxy,
        httpx.Client(trust_env=False) as client,
    ):
        assert client.get(f"{gateway.url}/status.json").status_code == 200
        assert client.get(f"{proxy.url}/en", headers={"Host": "news.example"}).status_code == 200
        for host in ("news.example", f"{HOST}:{proxy.port}", "localhost", f"{HOST}:{gateway.port}"):
            answer = client.get(f"{proxy.url}/status.json", headers={"Host": host})
            assert (answer.status_code, answer.json()["error"]) == (403, "status-closed"), host
