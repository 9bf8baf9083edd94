"""`tick reach`: the reach of each version of a line."""

from __future__ import annotations

import re

import msgspec
import redis

from tests.support.audit_system import tick_json
from tests.support.commands import one_line
from tests.support.system import System
from ticker.store.data_folder import socket_path
from ticker.store.keys import Keys
from ticker.store.reach import Report


def test_reach_shows_each_version_and_how_many_screens_removed_the_text(audit_system: System) -> None:
    line = tick_json(audit_system, "post", "قطار ليلي يبدأ في الربيع", "-e", "ar")["id"]
    withdrawn = audit_system.tick("withdraw", line, "-e", "ar", "--reason", "It does not")
    assert withdrawn.code == 0
    ran = audit_system.tick("reach", "last", "-e", "ar")
    head, first, second = ran.out.splitlines()
    assert head == f"ar  (id {line})"
    assert re.fullmatch(r"  \d+  \d\d:\d\d:\d\d  v1  on air  1 gateway · 0 readers · (under 1|\d+) ms", first)
    assert re.fullmatch(
        r"  \d+  \d\d:\d\d:\d\d  v2  withdrawn  gone from 0 readers' screens · 1 gateway · (under 1|\d+) ms", second
    )
    document = audit_system.tick("reach", line, "-e", "ar", "--json").json
    assert [version["reach"]["gateways"] for version in document["versions"]] == [1, 1]
    assert document["unheard"] == []


def test_reach_names_a_gateway_that_sent_the_line_and_has_not_reported_its_withdrawal(audit_system: System) -> None:
    line = tick_json(audit_system, "post", "رئيس البلدية يستقيل", "-e", "ar")
    seq = int(line["position"].partition("-")[0])
    report = Report(gateway="far-away:1:8080", first=seq, last=seq, followers=7, ms=3.0)
    add_report(audit_system, report)
    assert audit_system.tick("withdraw", line["id"], "-e", "ar", "--reason", "Mistaken").code == 0
    ran = audit_system.tick("reach", line["id"], "-e", "ar")
    assert "far-away:1:8080 sent an earlier version to readers and has not reported version 2" in one_line(ran)
    assert audit_system.tick("reach", line["id"], "-e", "ar", "--json").json["unheard"] == ["far-away:1:8080"]
    add_report(audit_system, Report(gateway="far-away:1:8080", first=seq + 1, last=seq + 9, followers=0, ms=3.0))
    assert audit_system.tick("reach", line["id"], "-e", "ar").err == ""


def add_report(system: System, report: Report) -> None:
    with redis.Redis(unix_socket_path=str(socket_path(system.redis_url))) as client:
        client.xadd(Keys("ar").reach, {"report": msgspec.json.encode(report)})
