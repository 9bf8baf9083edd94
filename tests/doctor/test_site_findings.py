from __future__ import annotations

import msgspec
import pytest

from tests.support.healthy import EVENTS, LIVE, SITE
from ticker.doctor.site_findings import BOARD_S, CODES, End, LinkFacts, SiteFacts, site_findings


def link(healthy: LinkFacts, **changes: object) -> LinkFacts:
    return msgspec.structs.replace(healthy, **changes)


FOUND: list[tuple[str, dict[str, object]]] = [
    ("site", {"trouble": "connection refused", "live": None, "events": None}),
    ("upgrade", {"live": LinkFacts(status=426)}),
    ("upgrade", {"live": LinkFacts(status=200)}),
    ("events", {"events": LinkFacts(status=504)}),
    ("buffering", {"events": link(EVENTS, board_s=None, end=End.SILENT)}),
    ("buffering", {"events": LinkFacts(end=End.SILENT)}),
    ("buffering", {"events": link(EVENTS, board_s=BOARD_S + 1)}),
    ("buffering", {"live": link(LIVE, end=End.SILENT)}),
    ("proxy-timeout", {"live": link(LIVE, end=End.CLOSED)}),
    ("proxy-timeout", {"events": link(EVENTS, end=End.CLOSED)}),
    ("forged-address", {"believes_forged": True}),
    ("operator-paths", {"operator_paths": ("/metrics",)}),
    ("trusted-proxies", {"via": "direct", "address": None}),
    ("forwarded-for", {"address": None}),
    ("scheme", {"scheme": "http"}),
    ("host", {"host": "10.0.0.11:8080"}),
    ("http2", {"has_http2": False}),
]


def test_a_healthy_site_has_no_findings() -> None:
    assert site_findings(SITE) == []


@pytest.mark.parametrize(("code", "change"), FOUND)
def test_each_fault_is_found_alone_with_a_meaning_and_a_fix(code: str, change: dict[str, object]) -> None:
    (finding,) = site_findings(msgspec.structs.replace(SITE, **change))
    assert finding.code == code
    assert finding.meaning
    assert finding.fix
    assert "{facts" not in finding.sentence + finding.meaning + finding.fix


def test_each_code_has_a_case_above() -> None:
    assert {code for code, _ in FOUND} == set(CODES)


def test_a_gateway_without_a_proxy_and_without_tls_has_no_findings() -> None:
    facts = SiteFacts(
        url="http://127.0.0.1:8080",
        heartbeat_s=25,
        via="direct",
        scheme="http",
        host="127.0.0.1:8080",
        live=LIVE,
        events=EVENTS,
    )
    assert site_findings(facts) == []
