from __future__ import annotations

import os
import subprocess
from contextlib import aclosing
from pathlib import Path

import msgspec

from tests.support.cluster import Cluster
from tests.support.sentinel import SentinelTrio
from tests.support.servers import RedisServer
from tests.support.waiting import eventually
from ticker.doctor.redis_facts import ServerFacts, Topology
from ticker.doctor.redis_findings import server_findings
from ticker.doctor.redis_probe import server_facts
from ticker.store.connection import connect
from ticker.store.rights import RIGHTS, Part
from ticker.store.server_binary import find_binary


async def facts_of(url: str) -> tuple[ServerFacts, ...]:
    async with aclosing(connect(url, role="ticker")) as client:
        return await server_facts(client)


async def test_the_facts_of_a_real_server_are_read(redis_server: RedisServer) -> None:
    (facts,) = await facts_of(redis_server.url)
    program = subprocess.run([find_binary(os.environ), "--version"], capture_output=True, check=True, text=True)
    assert facts.software is not None
    assert f"{facts.software.value} server v={facts.version} " in program.stdout
    settings = facts.settings
    assert (settings.append_only, settings.append_fsync, settings.eviction) == (True, "always", "noeviction")
    assert (settings.value_bytes_max, settings.query_buffer_bytes_max) == (2**29, 2**30)
    assert (facts.append_works, facts.rewrite_works, facts.has_acl_file, facts.users) == (True, True, False, 1)
    assert (facts.replicas, facts.tcp_port, facts.default_user_open) == (0, 0, True)
    assert facts.memory_limit_bytes == 0
    assert facts.memory_bytes
    assert facts.clock_s is not None
    assert abs(facts.clock_s) < 1
    assert [finding.code for finding in server_findings(facts)] == ["one-server"]


async def test_an_unsafe_real_server_has_findings(folder: Path) -> None:
    options = {"appendonly": "no", "maxmemory-policy": "allkeys-lru", "maxmemory": "64mb"}
    with RedisServer(folder / "r", tcp=True, options=options) as server:
        (facts,) = await facts_of(server.url)
    codes = [finding.code for finding in server_findings(facts)]
    assert codes == ["append-only", "eviction", "open", "value-size", "query-buffer", "one-server"]


async def test_a_server_with_the_limits_of_the_manual_is_safe(folder: Path) -> None:
    options = {"maxmemory": "1gb", "proto-max-bulk-len": "1mb", "client-query-buffer-limit": "4mb"}
    with RedisServer(folder / "r", tcp=True, password="secret", options=options) as server:
        (facts,) = await facts_of(server.url)
    assert b"secret" not in msgspec.json.encode(facts)
    assert [finding.code for finding in server_findings(facts)] == ["one-server"]


async def test_a_default_user_with_a_password_is_not_open(folder: Path) -> None:
    with RedisServer(folder / "r", tcp=True, password="secret") as server:
        (facts,) = await facts_of(server.url)
    assert facts.default_user_open is False


async def test_what_a_user_may_not_ask_is_unknown(tcp_server: RedisServer) -> None:
    tcp_server.command("ACL", "SETUSER", "editor", "on", ">pw", "+xadd", "+client|setname", "~*")
    (facts,) = await facts_of(f"redis://editor:pw@127.0.0.1:{tcp_server.port}")
    assert facts == ServerFacts()


async def test_a_replica_behind_sentinels_is_read_with_its_faults_and_missing_users(
    sentinel_trio: SentinelTrio,
) -> None:
    (facts,) = await facts_of(sentinel_trio.url)
    assert (facts.topology, facts.replicas, facts.is_replica) == (Topology.SENTINEL, 1, False)
    assert (facts.sentinels, facts.has_quorum) == (3, True)
    (replica,) = facts.replica_facts
    assert replica.name == f"127.0.0.1:{sentinel_trio.replica.port}"
    assert (replica.is_linked, replica.is_writable, replica.accepts_user) == (True, False, True)
    assert replica.settings == facts.settings
    assert abs(replica.clock_s or 9) < 1

    sentinel_trio.replica.command("CONFIG", "SET", "appendfsync", "everysec")
    sentinel_trio.replica.command("CONFIG", "SET", "replica-read-only", "no")
    (facts,) = await facts_of(sentinel_trio.url)
    codes = {finding.code for finding in server_findings(facts)}
    assert {"replica-settings", "replica-writable"} <= codes

    sentinel_trio.primary.command("ACL", "SETUSER", "admin", "on", ">password", "~*", "+@all")
    (facts,) = await facts_of(sentinel_trio.url.replace("://", "://admin:password@", 1))
    assert "replica-users" in {finding.code for finding in server_findings(facts)}

    for sentinel in sentinel_trio.sentinels[1:]:
        sentinel.kill()

    async def is_found() -> bool:
        (facts,) = await facts_of(sentinel_trio.url)
        return "quorum" in {finding.code for finding in server_findings(facts)}

    await eventually(is_found, "the last Sentinel notices that it is alone")


async def test_rights_of_another_release_are_found(tcp_server: RedisServer) -> None:
    for part in Part:
        tcp_server.command("ACL", "SETUSER", part.user, "on", *RIGHTS[part].rules)
    (facts,) = await facts_of(tcp_server.url)
    assert (facts.stale_users, facts.users) == ((), 1 + len(Part))
    tcp_server.command("ACL", "SETUSER", "ticker-desk", "-xdel")
    tcp_server.command("ACL", "SETUSER", "ticker-gateway", "%R~other")
    (facts,) = await facts_of(tcp_server.url)
    assert facts.stale_users == ("ticker-desk", "ticker-gateway")


async def test_each_primary_of_a_cluster_is_asked(redis_cluster: Cluster) -> None:
    facts = await facts_of(redis_cluster.url)
    assert {fact.tcp_port for fact in facts} == {node.port for node in redis_cluster.nodes}
    assert all(fact.topology is Topology.CLUSTER and fact.settings.append_fsync == "always" for fact in facts)


async def test_a_node_of_a_cluster_that_is_named_alone_is_found_out(redis_cluster: Cluster) -> None:
    (facts,) = await facts_of(redis_cluster.nodes[0].url)
    assert "address" in {finding.code for finding in server_findings(facts)}
