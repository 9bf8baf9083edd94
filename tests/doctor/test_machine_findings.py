from __future__ import annotations

import msgspec
import pytest

from tests.support.healthy import MACHINE
from ticker.doctor.machine_findings import BACKLOG, CODES, MachineFacts, machine_findings
from ticker.gateway import server

FOUND = [
    ("files", {"files": 18_999}),
    ("files-per-process", {"files_per_process": 18_999}),
    ("files-in-all", {"files_in_all": 18_999}),
    ("backlog", {"backlog": 128}),
    ("syn-backlog", {"syn_backlog": 512}),
    ("syn-cookies", {"syn_cookies": False}),
    ("ports", {"ports": 17_999}),
    ("tcp-memory", {"tcp_bytes": 2**20}),
    ("tracked-connections", {"tracked_connections": 35_999}),
    ("overcommit", {"overcommit": 0}),
    ("huge-pages", {"huge_pages": "always"}),
    ("clock-sync", {"is_clock_synchronized": False}),
]


def test_a_machine_with_room_has_no_findings() -> None:
    assert machine_findings(MACHINE) == []


@pytest.mark.parametrize(("code", "change"), FOUND)
def test_each_limit_is_found_alone_with_a_meaning_and_a_fix(code: str, change: dict[str, object]) -> None:
    (finding,) = machine_findings(msgspec.structs.replace(MACHINE, **change))
    assert finding.code == code
    assert finding.meaning
    assert finding.fix
    assert "{" not in finding.sentence + finding.meaning + finding.fix


def test_each_code_has_a_case_above() -> None:
    assert {code for code, _ in FOUND} == set(CODES)


def test_what_is_unknown_is_no_finding() -> None:
    assert machine_findings(MachineFacts(followers=1_000_000, has_redis=True)) == []


def test_settings_for_redis_do_not_matter_on_a_machine_without_it() -> None:
    facts = msgspec.structs.replace(MACHINE, has_redis=False, overcommit=0, huge_pages="always")
    assert machine_findings(facts) == []


def test_the_number_of_followers_decides() -> None:
    facts = msgspec.structs.replace(MACHINE, followers=200_000)
    codes = [finding.code for finding in machine_findings(facts)]
    assert codes == ["files", "ports", "tracked-connections"]


def test_the_backlog_is_the_gateway_s() -> None:
    assert BACKLOG == server.BACKLOG
