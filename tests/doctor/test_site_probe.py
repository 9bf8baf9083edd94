"""The doctor in front of real proxies with real gateways behind them, and beside real parts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import pytest

from scripts.topologies.proxy_files import PROXIES
from tests.support.log_writer import LogWriter
from tests.support.proxies import Proxy
from tests.support.servers import HOST, RedisServer, free_port, short_folder
from tests.support.system import Program, environment
from ticker import __version__
from ticker.doctor.part_findings import part_findings
from ticker.doctor.part_probe import part_facts
from ticker.doctor.site_findings import End, SiteFacts, site_findings
from ticker.doctor.site_probe import site_facts
from ticker.doctor.tls_findings import TlsFacts, tls_findings

HEARTBEAT_S: Final = 1
LATE_S: Final = 1.5

# The files are for port 443, and nginx's doesn't pass on another port.
HOST_WITH_PORT: Final = {"proxy_set_header Host $host;": "proxy_set_header Host $http_host;"}
FAULTS: Final = {
    "ssl_protocols TLSv1.2 TLSv1.3;": "ssl_protocols TLSv1.2;",
    "ssl http2;": "ssl;",
    "location = /metrics { return 404; }": "",
    "location = /readyz { return 404; }": "",
    "proxy_set_header Upgrade $http_upgrade;": "proxy_ignore_headers X-Accel-Buffering;",
    "proxy_set_header X-Forwarded-For $remote_addr;": "",
    "proxy_set_header X-Forwarded-Proto $scheme;": "",
}
OTHER_FAULTS: Final = {
    "proxy_read_timeout 75s;": "proxy_read_timeout 300ms;",
    "proxy_set_header Host $http_host;": "proxy_set_header Host inner.example;",
}


class Behind(NamedTuple):
    """Two gateways. Only the first trusts proxies."""

    trusting: Program
    other: Program
    redis: RedisServer


@pytest.fixture(scope="module")
def behind() -> Iterator[Behind]:
    with short_folder() as folder, RedisServer(folder / "redis") as redis:

        async def begin() -> None:
            log = await LogWriter(redis.url).begin()
            await log.aclose()

        asyncio.run(begin())
        environ = environment(TICKER_REDIS_URL=redis.url, TICKER_HEARTBEAT_S=str(HEARTBEAT_S))
        words = ["gateway", "--port", "0"]
        with (
            Program(words, {**environ, "TICKER_TRUSTED_PROXIES": HOST}, folder / "a.log") as trusting,
            Program(words, environ, folder / "b.log") as other,
        ):
            yield Behind(trusting, other, redis)


async def examined(
    folder: Path, port: int, changes: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> tuple[SiteFacts, TlsFacts]:
    with Proxy(folder / "nginx", "nginx", [port] * 2, {**HOST_WITH_PORT, **changes}) as proxy:
        monkeypatch.setenv("SSL_CERT_FILE", str(proxy.certificate))
        site, tls = await site_facts(urlsplit(proxy.url), HEARTBEAT_S, late_s=LATE_S)
    assert tls is not None
    return site, tls


@pytest.mark.parametrize("name", PROXIES)
async def test_our_file_for_a_proxy_has_no_faults(
    behind: Behind, folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    changes = HOST_WITH_PORT if name == "nginx" else {}
    with Proxy(folder / name, name, [behind.trusting.port] * 2, changes) as proxy:
        monkeypatch.setenv("SSL_CERT_FILE", str(proxy.certificate))
        site, tls = await site_facts(urlsplit(proxy.url), HEARTBEAT_S, late_s=LATE_S)
    assert tls is not None
    assert site_findings(site) == []
    assert tls_findings(tls) == []
    assert (tls.versions, site.via, site.address) == (("TLSv1.2", "TLSv1.3"), "proxy", HOST)
    assert site.live is not None
    assert site.events is not None
    assert (site.live.status, site.live.end, site.events.end) == (101, End.HEARTBEAT, End.HEARTBEAT)
    assert min(site.live.silence_s, site.events.silence_s) >= 0.9 * HEARTBEAT_S


async def test_each_fault_of_a_proxy_is_found(behind: Behind, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site, tls = await examined(folder, behind.trusting.port, FAULTS, monkeypatch)
    codes = [finding.code for finding in site_findings(site)]
    assert codes == ["upgrade", "buffering", "forged-address", "operator-paths", "forwarded-for", "scheme", "http2"]
    assert site.operator_paths == ("/metrics", "/readyz")
    assert [finding.code for finding in tls_findings(tls)] == ["tls-new"]


async def test_a_short_timeout_and_a_missing_trust_are_found(
    behind: Behind, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, _ = await examined(folder, behind.other.port, OTHER_FAULTS, monkeypatch)
    codes = [finding.code for finding in site_findings(site)]
    assert codes == ["proxy-timeout", "trusted-proxies", "scheme", "host"]


async def test_a_certificate_of_an_unknown_authority_is_found_and_the_rest_is_examined(
    behind: Behind, folder: Path
) -> None:
    with Proxy(folder / "nginx", "nginx", [behind.trusting.port] * 2) as proxy:
        site, tls = await site_facts(urlsplit(proxy.url), HEARTBEAT_S, late_s=LATE_S)
    assert tls is not None
    (finding,) = tls_findings(tls)
    assert (finding.code, finding.sentence.endswith("rejected: self-signed certificate")) == ("certificate", True)
    assert site.trouble is None


async def test_a_site_without_gateways_is_found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site, _ = await examined(folder, free_port(), {}, monkeypatch)
    (finding,) = site_findings(site)
    assert finding.code == "site"
    assert finding.sentence.endswith("/v1/editions has the status 502")


async def test_an_address_without_a_server_is_found() -> None:
    site, tls = await site_facts(urlsplit(f"https://{HOST}:{free_port()}"), HEARTBEAT_S)
    assert (site_findings(site)[0].code, tls) == ("site", None)


async def test_a_gateway_can_be_examined_without_a_proxy(behind: Behind) -> None:
    site, tls = await site_facts(urlsplit(behind.other.url), HEARTBEAT_S, late_s=LATE_S)
    assert tls is None
    assert [finding.code for finding in site_findings(site)] == ["operator-paths"]


async def test_the_facts_of_a_gateway_are_read(behind: Behind) -> None:
    facts = await part_facts(urlsplit(behind.other.url))
    assert part_findings([facts]) == []
    assert (facts.followers, facts.followers_max, facts.version) == (0, 18_000, __version__)
    assert facts.clock_s is not None


async def test_a_desk_that_runs_and_one_that_does_not_are_told_apart(behind: Behind, folder: Path) -> None:
    words = ["desk", "--metrics", f"{HOST}:0"]
    with Program(words, environment(TICKER_REDIS_URL=behind.redis.url), folder / "desk.log") as desk:
        url = urlsplit(desk.url)
        running = await part_facts(url)
    stopped = await part_facts(url)
    assert [finding.code for finding in part_findings([running])] == []
    assert [finding.code for finding in part_findings([stopped])] == ["part-down"]
