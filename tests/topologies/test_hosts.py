"""The topologies as data: no process, no socket."""

from __future__ import annotations

import msgspec
import pytest

from scripts.topologies.hosts import CLUSTER, HA, SINGLE, TOPOLOGIES, Host, Kind, Topology, fill, levels, problems


@pytest.mark.parametrize("topology", TOPOLOGIES.values(), ids=TOPOLOGIES)
def test_no_topology_has_a_mistake(topology: Topology) -> None:
    assert problems(topology) == []


def changed(topology: Topology, name: str, /, **fields: object) -> Topology:
    """Return the topology with other fields of one host."""
    hosts = tuple(msgspec.structs.replace(host, **fields) if host.name == name else host for host in topology.hosts)
    return msgspec.structs.replace(topology, hosts=hosts)


@pytest.mark.parametrize(
    ("topology", "mistake"),
    [
        (changed(HA, "desk2", name="desk1"), "two hosts are called desk1"),
        (changed(HA, "desk2", number=21), "two hosts have the number 21"),
        (changed(HA, "desk2", number=1), "desk2 has the number 1: it must be 2 to 254"),
        (changed(HA, "desk2", command=("desk", "{valkey9}")), "desk2 names the unknown host valkey9"),
        (
            changed(SINGLE, "valkey", after=("gateway",)),
            "single: these hosts wait for each other, or for an unknown host: valkey, desk, gateway",
        ),
        (
            msgspec.structs.replace(HA, hosts=tuple(host for host in HA.hosts if host.name != "sentinel3")),
            "2 Sentinels: an odd number of at least 3 can lose one and still agree",
        ),
    ],
)
def test_a_mistake_is_found(topology: Topology, mistake: str) -> None:
    assert mistake in problems(topology)


def test_hosts_start_after_those_that_they_need() -> None:
    names = [[host.name for host in level] for level in levels(HA)]
    assert names == [
        ["valkey1"],
        ["valkey2"],
        ["sentinel1", "sentinel2", "sentinel3"],
        ["desk1", "desk2"],
        ["gateway1", "gateway2"],
        ["proxy"],
    ]


def test_names_become_addresses() -> None:
    assert fill(HA.url, HA.addresses) == "redis+sentinel://10.0.0.41:26379,10.0.0.42:26379,10.0.0.43:26379/news"
    with pytest.raises(KeyError):
        fill("{nobody}", HA.addresses)


def test_ha_has_what_a_failover_needs() -> None:
    kinds = {kind: len(HA.of(kind)) for kind in Kind}
    assert kinds == {Kind.SERVER: 2, Kind.SENTINEL: 3, Kind.DESK: 2, Kind.GATEWAY: 2, Kind.PROXY: 1}


def test_every_server_writes_each_line_to_disk_and_evicts_nothing() -> None:
    safe = {"appendonly yes", "appendfsync always", "maxmemory-policy noeviction"}
    servers: list[Host] = [host for topology in TOPOLOGIES.values() for host in topology.of(Kind.SERVER)]
    assert len(servers) > len(CLUSTER.of(Kind.SERVER))
    assert [host.name for host in servers if not safe <= set(host.settings)] == []
