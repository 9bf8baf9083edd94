"""Problem details: every refusal has a type that is described, and a response of the same form."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ticker.core.log_window import Reset
from ticker.gateway.admission import Refusal
from ticker.gateway.problems import PROBLEMS, problem_body, problem_headers, refusal_response

SOURCES = Path(__file__).parents[2] / "ticker"


def test_every_code_of_a_refusal_in_the_sources_is_described_with_its_status() -> None:
    texts = [path.read_text(encoding="utf-8") for path in SOURCES.rglob("*.py")]
    found = {each for text in texts for each in re.findall(r'Refusal\(\s*(\d+),\s*"([a-z-]+)"', text)}
    found |= {("410", reason.value) for reason in (Reset.TRIMMED, Reset.REPLACED)}
    assert len(found) > 20
    missing = [(status, code) for status, code in found if int(status) not in _statuses(code)]
    assert missing == []


def _statuses(code: str) -> tuple[int, ...]:
    return PROBLEMS[code].statuses if code in PROBLEMS else ()


def test_a_problem_has_the_address_of_its_description_and_one_title() -> None:
    problems = [json.loads(problem_body(Refusal(404, "edition", detail))) for detail in ("no ‘xx’", "no ‘yy’")]
    assert [problem["detail"] for problem in problems] == ["no ‘xx’", "no ‘yy’"]
    assert {problem["type"] for problem in problems} == {"/docs/problems#edition"}
    assert {problem["title"] for problem in problems} == {"The edition doesn't exist"}
    assert {(problem["status"], problem["error"]) for problem in problems} == {(404, "edition")}


def test_an_unknown_code_has_the_phrase_of_its_status() -> None:
    problem = json.loads(problem_body(Refusal(403, "new-code", "no")))
    assert (problem["type"], problem["title"]) == ("about:blank", "Forbidden")


@pytest.mark.parametrize(
    ("refusal", "header", "value"),
    [
        (Refusal(503, "full", "full", 5), "Retry-After", "5"),
        (Refusal(426, "upgrade", "a WebSocket"), "Upgrade", "websocket"),
        (Refusal(405, "method", "only GET"), "Allow", "GET, HEAD"),
    ],
)
def test_a_refusal_has_the_headers_of_its_status(refusal: Refusal, header: str, value: str) -> None:
    assert problem_headers(refusal)[header] == value
    head = refusal_response(refusal).partition(b"\r\n\r\n")[0].decode()
    assert f"\r\n{header}: {value}" in head
    assert head.count("\r\nConnection: close") == 1
