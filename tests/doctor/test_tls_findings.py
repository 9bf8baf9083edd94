from __future__ import annotations

import msgspec
import pytest

from tests.support.healthy import TLS
from ticker.doctor.tls_findings import CODES, tls_findings

FOUND: list[tuple[str, dict[str, object]]] = [
    ("certificate", {"trouble": "certificate has expired", "days_left": None}),
    ("certificate-end", {"days_left": 13.9}),
    ("tls-old", {"versions": ("TLSv1", "TLSv1.2", "TLSv1.3")}),
    ("tls-new", {"versions": ("TLSv1.2",)}),
]


def test_a_server_with_good_tls_has_no_findings() -> None:
    assert tls_findings(TLS) == []


@pytest.mark.parametrize(("code", "change"), FOUND)
def test_each_fault_is_found_alone_with_a_meaning_and_a_fix(code: str, change: dict[str, object]) -> None:
    (finding,) = tls_findings(msgspec.structs.replace(TLS, **change))
    assert finding.code == code
    assert "news.example:443" in finding.sentence
    assert finding.meaning
    assert finding.fix


def test_each_code_has_a_case_above() -> None:
    assert {code for code, _ in FOUND} == set(CODES)
