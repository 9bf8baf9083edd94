from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.support.healthy import REPLICA, SERVER, SETTINGS
from ticker.doctor.redis_facts import ServerFacts, Software, Topology
from ticker.doctor.redis_findings import CODES, DOWN, server_findings


def server(**changes: Any) -> ServerFacts:
    """Return facts with changes. Those of fields of the settings are made there."""
    ours = {name: value for name, value in changes.items() if name in SETTINGS.__struct_fields__}
    others = {name: value for name, value in changes.items() if name not in ours}
    settings = msgspec.structs.replace(SETTINGS, **ours)
    replica = msgspec.structs.replace(REPLICA, settings=settings)
    return msgspec.structs.replace(SERVER, **{"settings": settings, "replica_facts": (replica,), **others})


def with_replica(**changes: Any) -> ServerFacts:
    return server(replica_facts=(msgspec.structs.replace(REPLICA, **changes),))


FOUND = [
    ("version", server(version="7.1.9")),
    ("version", server(software=Software.REDIS, version="6.2.14")),
    ("address", server(cluster_enabled=True)),
    ("address", server(is_replica=True)),
    ("append-only", server(append_only=False)),
    ("append-error", server(append_works=False)),
    ("fsync", server(append_fsync="everysec")),
    ("eviction", server(eviction="allkeys-lru")),
    ("open", server(default_user_open=True)),
    ("open", server(default_user_open=True, tcp_port=0, tls_port=6380)),
    ("clock", server(clock_s=-37.0)),
    ("memory", server(memory_limit_bytes=0)),
    ("memory-full", server(memory_bytes=900 * 2**20)),
    ("rewrite-error", server(rewrite_works=False)),
    ("rights", server(stale_users=("ticker-desk", "ticker-gateway"))),
    ("acl-file", server(has_acl_file=False)),
    ("value-size", server(value_bytes_max=512 * 2**20)),
    ("query-buffer", server(query_buffer_bytes_max=2**30)),
    ("one-server", server(replicas=0)),
    ("quorum", server(has_quorum=False)),
    ("sentinels", server(sentinels=2)),
    ("partition", server(replicas=2)),
    ("replica-users", with_replica(accepts_user=False)),
    ("replica-link", with_replica(is_linked=False)),
    ("replica-writable", with_replica(is_writable=True)),
    ("replica-settings", with_replica(settings=msgspec.structs.replace(SETTINGS, append_fsync="everysec"))),
    ("replica-version", with_replica(version="8.1.0")),
    ("replica-clock", with_replica(clock_s=5.0)),
    ("unknown", server(append_fsync=None)),
    ("unknown", server(memory_limit_bytes=None)),
    ("unknown", server(value_bytes_max=None)),
    ("unknown", server(query_buffer_bytes_max=None)),
]


def test_a_safe_server_has_no_findings() -> None:
    assert server_findings(SERVER) == []


@pytest.mark.parametrize(("code", "facts"), FOUND)
def test_each_fault_is_found_alone_with_a_meaning_and_a_fix(code: str, facts: ServerFacts) -> None:
    (finding,) = server_findings(facts)
    assert finding.code == code
    assert finding.meaning
    assert finding.fix
    assert "{" not in finding.sentence + finding.meaning


def test_each_code_has_a_case_above() -> None:
    assert {code for code, _ in FOUND} | {DOWN} == set(CODES)


@pytest.mark.parametrize(
    "facts",
    [
        server(version="7.2.0"),
        server(software=Software.REDIS, version="7.0.0", replica_facts=()),
        server(cluster_enabled=True, topology=Topology.CLUSTER),
        server(eviction="allkeys-lru", memory_limit_bytes=0, tcp_port=0),
        server(default_user_open=True, tcp_port=0),
        server(memory_limit_bytes=0, tcp_port=0),
        server(value_bytes_max=512 * 2**20, query_buffer_bytes_max=2**30, tcp_port=0),
        server(has_acl_file=False, users=1),
        server(replicas=2, replicas_to_write=1),
        with_replica(version="9.2.0"),
        server(replica_facts=()),
    ],
)
def test_safe_variants_have_no_findings(facts: ServerFacts) -> None:
    assert server_findings(facts) == []


def test_a_missing_append_only_file_is_one_finding() -> None:
    assert [each.code for each in server_findings(server(append_only=False, append_fsync="no"))] == ["append-only"]


def test_an_eviction_policy_is_unsafe_if_the_memory_limit_is_unknown() -> None:
    facts = server(eviction="allkeys-lru", memory_limit_bytes=None)
    assert [finding.code for finding in server_findings(facts)] == ["eviction", "unknown"]


def test_all_unknown_facts_are_named_in_one_finding() -> None:
    (finding,) = server_findings(ServerFacts())
    assert finding.code == "unknown"
    assert "appendfsync" in finding.sentence


def test_the_finding_about_an_old_server_names_its_version() -> None:
    (finding,) = server_findings(server(software=Software.REDIS, version="6.2.14"))
    assert finding.sentence == "the server is Redis 6.2.14: Ticker needs Redis 7.0, Valkey 7.2 or newer"


def test_a_replica_with_other_settings_is_found_with_redis_s_names_of_them() -> None:
    facts = with_replica(settings=msgspec.structs.replace(SETTINGS, append_only=False, eviction="allkeys-lru"))
    (finding,) = server_findings(facts)
    assert finding.sentence.endswith("differs from its primary in appendonly, maxmemory-policy")


def test_the_fix_of_stale_rights_names_the_parts() -> None:
    (finding,) = server_findings(server(stale_users=("ticker-desk", "ticker-gateway")))
    assert finding.fix == "ticker acl apply desk gateway"
