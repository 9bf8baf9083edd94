from __future__ import annotations

import msgspec
import pytest

from tests.support.healthy import PART
from ticker.doctor.part_findings import CODES, PartFacts, part_findings

FOUND: list[tuple[str, dict[str, object]]] = [
    ("part-down", {"trouble": "Connection refused"}),
    ("part-not-ready", {"readiness": "loading"}),
    ("part-full", {"followers": 16_200}),
    ("part-clock", {"clock_s": 3.0}),
    ("part-versions", {"version": "0.2.0"}),
]


def test_two_healthy_parts_of_one_version_have_no_findings() -> None:
    assert part_findings([PART, msgspec.structs.replace(PART, url="http://127.0.0.1:8081")]) == []


@pytest.mark.parametrize(("code", "change"), FOUND)
def test_each_fault_is_found_alone_with_a_meaning_and_a_fix(code: str, change: dict[str, object]) -> None:
    (finding,) = part_findings([PART, msgspec.structs.replace(PART, url="http://127.0.0.1:8081", **change)])
    assert finding.code == code
    assert "http://127.0.0.1:8081" in finding.sentence
    assert finding.meaning
    assert finding.fix


def test_each_code_has_a_case_above() -> None:
    assert {code for code, _ in FOUND} == set(CODES)


def test_a_part_that_does_not_report_its_version_is_no_finding() -> None:
    assert part_findings([PART, PartFacts(url="http://127.0.0.1:9100")]) == []
