from __future__ import annotations

import os
import subprocess
from contextlib import aclosing
from pathlib import Path

import msgspec
import pytest

from tests.support.cluster import Cluster
from tests.support.sentinel import SentinelTrio
from tests.support.servers import RedisServer
from ticker.store.connection import connect
from ticker.store.server_binary import find_binary
from ticker.store.server_checks import ServerFacts, Software, Topology, findings, server_facts

SAFE = ServerFacts(
    software=Software.VALKEY,
    version="9.1.2",
    topology=Topology.SENTINEL,
    cluster_enabled=False,
    is_replica=False,
    append_only=True,
    append_fsync="always",
    eviction="noeviction",
    memory_limit_bytes=2**30,
    value_bytes_max=2**20,
    query_buffer_bytes_max=4 * 2**20,
    replicas=1,
    tcp_port=6379,
    tls_port=0,
    default_user_open=False,
)


def test_a_safe_server_has_no_findings() -> None:
    assert findings(SAFE) == []


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("version", {"version": "7.1.9"}),
        ("version", {"software": Software.REDIS, "version": "6.2.14"}),
        ("address", {"cluster_enabled": True}),
        ("address", {"is_replica": True}),
        ("append-only", {"append_only": False}),
        ("fsync", {"append_fsync": "everysec"}),
        ("eviction", {"eviction": "allkeys-lru", "memory_limit_bytes": 1}),
        ("memory", {"memory_limit_bytes": 0}),
        ("value-size", {"value_bytes_max": 512 * 2**20}),
        ("query-buffer", {"query_buffer_bytes_max": 2**30}),
        ("open", {"default_user_open": True}),
        ("open", {"default_user_open": True, "tcp_port": 0, "tls_port": 6380}),
        ("one-server", {"replicas": 0}),
        ("unknown", {"append_fsync": None}),
        ("unknown", {"memory_limit_bytes": None}),
        ("unknown", {"value_bytes_max": None}),
        ("unknown", {"query_buffer_bytes_max": None}),
    ],
)
def test_each_unsafe_setting_is_found_with_a_remedy(code: str, change: dict[str, object]) -> None:
    (finding,) = findings(msgspec.structs.replace(SAFE, **change))
    assert finding.code == code
    assert finding.sentence
    assert finding.remedy


@pytest.mark.parametrize(
    "change",
    [
        {"version": "7.2.0"},
        {"software": Software.REDIS, "version": "7.0.0"},
        {"cluster_enabled": True, "topology": Topology.CLUSTER},
        {"eviction": "allkeys-lru", "memory_limit_bytes": 0, "tcp_port": 0},
        {"default_user_open": True, "tcp_port": 0},
        {"memory_limit_bytes": 0, "tcp_port": 0},
        {"value_bytes_max": 512 * 2**20, "query_buffer_bytes_max": 2**30, "tcp_port": 0},
    ],
)
def test_safe_variants_have_no_findings(change: dict[str, object]) -> None:
    assert findings(msgspec.structs.replace(SAFE, **change)) == []


def test_a_missing_append_only_file_is_one_finding() -> None:
    assert [f.code for f in findings(msgspec.structs.replace(SAFE, append_only=False, append_fsync="no"))] == [
        "append-only"
    ]


def test_an_eviction_policy_is_unsafe_if_the_memory_limit_is_unknown() -> None:
    facts = msgspec.structs.replace(SAFE, eviction="allkeys-lru", memory_limit_bytes=None)
    assert [finding.code for finding in findings(facts)] == ["eviction", "unknown"]


def test_all_unknown_facts_are_named_in_one_finding() -> None:
    (finding,) = findings(ServerFacts())
    assert finding.code == "unknown"
    assert "appendfsync" in finding.sentence


def test_the_finding_about_an_old_server_names_its_version() -> None:
    (finding,) = findings(msgspec.structs.replace(SAFE, software=Software.REDIS, version="6.2.14"))
    assert finding.sentence == "the server is Redis 6.2.14, older than 7.0"
    assert finding.remedy.startswith("upgrade")


async def facts_of(url: str) -> tuple[ServerFacts, ...]:
    async with aclosing(connect(url, role="ticker")) as client:
        return await server_facts(client)


async def test_the_facts_of_a_real_server_are_read(redis_server: RedisServer) -> None:
    (facts,) = await facts_of(redis_server.url)
    program = subprocess.run([find_binary(os.environ), "--version"], capture_output=True, check=True, text=True)
    assert facts.software is not None
    assert f"{facts.software.value} server v={facts.version} " in program.stdout
    assert (facts.append_only, facts.append_fsync, facts.eviction) == (True, "always", "noeviction")
    assert (facts.replicas, facts.tcp_port, facts.default_user_open) == (0, 0, True)
    assert (facts.memory_limit_bytes, facts.value_bytes_max, facts.query_buffer_bytes_max) == (0, 2**29, 2**30)
    assert [finding.code for finding in findings(facts)] == ["one-server"]


async def test_an_unsafe_real_server_has_findings(folder: Path) -> None:
    options = {"appendonly": "no", "maxmemory-policy": "allkeys-lru", "maxmemory": "64mb"}
    with RedisServer(folder / "r", tcp=True, options=options) as server:
        (facts,) = await facts_of(server.url)
    codes = [finding.code for finding in findings(facts)]
    assert codes == ["append-only", "eviction", "open", "value-size", "query-buffer", "one-server"]


async def test_a_server_with_the_limits_of_the_manual_is_safe(folder: Path) -> None:
    options = {"maxmemory": "1gb", "proto-max-bulk-len": "1mb", "client-query-buffer-limit": "4mb"}
    with RedisServer(folder / "r", tcp=True, password="secret", options=options) as server:
        (facts,) = await facts_of(server.url)
    assert [finding.code for finding in findings(facts)] == ["one-server"]


async def test_a_default_user_with_a_password_is_not_open(folder: Path) -> None:
    with RedisServer(folder / "r", tcp=True, password="secret") as server:
        (facts,) = await facts_of(server.url)
    assert facts.default_user_open is False


async def test_what_a_user_may_not_ask_is_unknown(tcp_server: RedisServer) -> None:
    tcp_server.command("ACL", "SETUSER", "editor", "on", ">pw", "+xadd", "+client|setname", "~*")
    (facts,) = await facts_of(f"redis://editor:pw@127.0.0.1:{tcp_server.port}")
    assert facts == ServerFacts()


async def test_a_master_behind_sentinels_tells_its_replica(sentinel_trio: SentinelTrio) -> None:
    (facts,) = await facts_of(sentinel_trio.url)
    assert (facts.topology, facts.replicas, facts.is_replica) == (Topology.SENTINEL, 1, False)


async def test_each_primary_of_a_cluster_is_asked(redis_cluster: Cluster) -> None:
    facts = await facts_of(redis_cluster.url)
    assert {fact.tcp_port for fact in facts} == {node.port for node in redis_cluster.nodes}
    assert all(fact.topology is Topology.CLUSTER and fact.append_fsync == "always" for fact in facts)


async def test_a_node_of_a_cluster_that_is_named_alone_is_found_out(redis_cluster: Cluster) -> None:
    (facts,) = await facts_of(redis_cluster.nodes[0].url)
    assert "address" in {finding.code for finding in findings(facts)}
