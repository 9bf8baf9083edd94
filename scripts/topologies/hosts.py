"""The hosts of each topology, as data: their programs, addresses, commands and settings. No I/O.

`compose.yaml` has the same hosts as containers, with the same commands and settings: `single` are the services without
a profile, `ha` those with the profile `ha`. A test compares them. In a text, `{NAME}` stands for the address of the
host with this name, and `{password}` for the password of Redis.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

import msgspec

NETWORK: Final = "10.0.0"
"""The first three numbers of each address. `deploy/proxy/` has the gateways at 10.0.0.11 and 10.0.0.12."""
OUTSIDE: Final = 1
"""The number of the address from which editors and readers connect."""

EVERYWHERE: Final = "0.0.0.0"  # noqa: S104 -- of a container, or of a private network
SERVICE: Final = "news"
REDIS_PORT: Final = 6379
SENTINEL_PORT: Final = 26379
READERS_PORT: Final = 8080
DESK_METRICS_PORT: Final = 9100
GATEWAY_METRICS_PORT: Final = 9101
TLS_PORT: Final = 443

_NAME: Final = re.compile(r"\{(\w+)\}")


class Kind(StrEnum):
    """The program of a host."""

    SERVER = "server"  # Valkey or Redis
    SENTINEL = "sentinel"
    DESK = "desk"
    GATEWAY = "gateway"
    PROXY = "proxy"


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """One host, which runs one program.

    Attributes:
        name: Its name, which is also that of the service in `compose.yaml`.
        number: The last number of its address.
        kind: Its program.
        after: The hosts that must be ready before it starts.
        command: The arguments of `ticker`, for a desk or a gateway; the proxy's name for a proxy.
        settings: The lines of its configuration file, for a server or a Sentinel.
        environment: The variables of a desk or a gateway.

    """

    name: str
    number: int
    kind: Kind
    after: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    environment: Mapping[str, str] = {}

    @property
    def address(self) -> str:
        return f"{NETWORK}.{self.number}"

    @property
    def texts(self) -> tuple[str, ...]:
        """Everything that may contain names of hosts."""
        return (*self.command, *self.settings, *self.environment.values())


class Topology(msgspec.Struct, frozen=True, kw_only=True):
    """A set of hosts that together are a system.

    Attributes:
        name: Its name on the command line.
        hosts: Its hosts, in the order of their names in the documentation.
        url: The URL of Redis, with names of hosts.
        summary: A description in one line.

    """

    name: str
    hosts: tuple[Host, ...]
    url: str
    summary: str

    def host(self, name: str) -> Host:
        """Return a host.

        Raises:
            KeyError: If the topology has no host with this name.

        """
        return {host.name: host for host in self.hosts}[name]

    def of(self, kind: Kind) -> tuple[Host, ...]:
        return tuple(host for host in self.hosts if host.kind is kind)

    @property
    def addresses(self) -> dict[str, str]:
        return {host.name: host.address for host in self.hosts}


def fill(text: str, values: Mapping[str, str]) -> str:
    """Replace each `{NAME}` by its value.

    Raises:
        KeyError: If a name has no value.

    """
    return _NAME.sub(lambda found: values[found[1]], text)


def levels(topology: Topology) -> list[list[Host]]:
    """Return the hosts in the order of their start: the hosts of a level need only hosts of the levels before it.

    Raises:
        ValueError: If hosts wait for each other, or for a host that doesn't exist.

    """
    ordered: list[list[Host]] = []
    started: set[str] = set()
    waiting = list(topology.hosts)
    while waiting:
        level = [host for host in waiting if started.issuperset(host.after)]
        if not level:
            names = ", ".join(host.name for host in waiting)
            raise ValueError(f"{topology.name}: these hosts wait for each other, or for an unknown host: {names}")
        ordered.append(level)
        started |= {host.name for host in level}
        waiting = [host for host in waiting if host.name not in started]
    return ordered


def problems(topology: Topology) -> list[str]:
    """Return a sentence for each mistake in the data of a topology."""
    found = []
    names = [host.name for host in topology.hosts]
    found += [f"two hosts are called {name}" for name in _repeated(names)]
    found += [f"two hosts have the number {number}" for number in _repeated(host.number for host in topology.hosts)]
    found += [
        f"{host.name} has the number {host.number}: it must be 2 to 254"
        for host in topology.hosts
        if not 2 <= host.number <= 254
    ]
    known = {*names, "password"}
    for host in topology.hosts:
        unknown = {name for text in host.texts for name in _NAME.findall(text)} - known
        found += [f"{host.name} names the unknown host {name}" for name in sorted(unknown)]
    try:
        levels(topology)
    except ValueError as error:
        found.append(str(error))
    sentinels = len(topology.of(Kind.SENTINEL))
    if sentinels and (sentinels < 3 or sentinels % 2 == 0):
        found.append(f"{sentinels} Sentinels: an odd number of at least 3 can lose one and still agree")
    return found


def _repeated(values: Iterable[object]) -> list[object]:
    seen: set[object] = set()
    return [value for value in values if value in seen or seen.add(value)]  # type: ignore[func-returns-value]


# The settings of docs/operating.md

_SERVER: Final = (
    'requirepass "{password}"',
    "appendonly yes",
    "appendfsync always",
    "maxmemory 512mb",
    "maxmemory-policy noeviction",
    "proto-max-bulk-len 1mb",
    "client-query-buffer-limit 4mb",
)
_IN_REPLICATION: Final = (
    *_SERVER,
    'masterauth "{password}"',
    # Send the data to a new replica immediately: no second one will come.
    "repl-diskless-sync-delay 0",
)
_SECRET: Final = "/run/secrets/redis-password"  # noqa: S105 -- the name of a file


def _server(name: str, number: int, *more: str, after: tuple[str, ...] = ()) -> Host:
    return Host(name=name, number=number, kind=Kind.SERVER, settings=(*_IN_REPLICATION, *more), after=after)


def _sentinel(name: str, number: int) -> Host:
    settings = (
        f"port {SENTINEL_PORT}",
        "protected-mode no",
        "sentinel resolve-hostnames yes",
        "sentinel announce-hostnames yes",
        f"sentinel announce-ip {{{name}}}",
        f"sentinel monitor {SERVICE} {{valkey1}} {REDIS_PORT} 2",
        f'sentinel auth-pass {SERVICE} "{{password}}"',
        f"sentinel down-after-milliseconds {SERVICE} 5000",
        f"sentinel failover-timeout {SERVICE} 30000",
    )
    return Host(name=name, number=number, kind=Kind.SENTINEL, settings=settings, after=("valkey1", "valkey2"))


def _part_environment(url: str, more: Mapping[str, str]) -> Mapping[str, str]:
    return {"TICKER_REDIS_URL": url, "TICKER_REDIS_PASSWORD_FILE": _SECRET, **more}


def _desk(name: str, number: int, url: str, after: tuple[str, ...], **more: str) -> Host:
    command = ("desk", "--metrics", f"{EVERYWHERE}:{DESK_METRICS_PORT}")
    environment = _part_environment(url, more)
    return Host(name=name, number=number, kind=Kind.DESK, command=command, environment=environment, after=after)


def _gateway(name: str, number: int, url: str, after: tuple[str, ...], **more: str) -> Host:
    listen = ("--host", EVERYWHERE, "--port", str(READERS_PORT))
    command = ("gateway", *listen, "--metrics", f"{EVERYWHERE}:{GATEWAY_METRICS_PORT}")
    environment = _part_environment(url, more)
    return Host(name=name, number=number, kind=Kind.GATEWAY, command=command, environment=environment, after=after)


def _proxy(program: str, after: tuple[str, ...]) -> Host:
    return Host(name="proxy", number=10, kind=Kind.PROXY, command=(program,), after=after)


def _parts(url: str, after: tuple[str, ...], proxy: str) -> tuple[Host, ...]:
    """Return two desks and two gateways behind a proxy."""
    trusted = {"TICKER_TRUSTED_PROXIES": "{proxy}"}
    return (
        _desk("desk1", 21, url, after),
        _desk("desk2", 22, url, after),
        _gateway("gateway1", 11, url, (*after, "desk1", "desk2"), **trusted),
        _gateway("gateway2", 12, url, (*after, "desk1", "desk2"), **trusted),
        _proxy(proxy, ("gateway1", "gateway2")),
    )


_SINGLE_URL: Final = f"redis://{{valkey}}:{REDIS_PORT}/0"
_SINGLE_SERVER: Final = Host(name="valkey", number=31, kind=Kind.SERVER, settings=_SERVER)
SINGLE: Final = Topology(
    name="single",
    summary="one server, one desk, one gateway",
    url=_SINGLE_URL,
    hosts=(
        _SINGLE_SERVER,
        _desk("desk", 21, _SINGLE_URL, ("valkey",)),
        _gateway("gateway", 11, _SINGLE_URL, ("valkey", "desk")),
    ),
)

_SENTINELS: Final = ("sentinel1", "sentinel2", "sentinel3")
_HA_URL: Final = f"redis+sentinel://{','.join(f'{{{name}}}:{SENTINEL_PORT}' for name in _SENTINELS)}/{SERVICE}"
HA: Final = Topology(
    name="ha",
    summary="a primary, a replica, three Sentinels, two desks, two gateways, HAProxy with TLS",
    url=_HA_URL,
    hosts=(
        _server("valkey1", 31, "replica-announce-ip {valkey1}"),
        _server(
            "valkey2", 32, "replica-announce-ip {valkey2}", f"replicaof {{valkey1}} {REDIS_PORT}", after=("valkey1",)
        ),
        *(_sentinel(name, 41 + number) for number, name in enumerate(_SENTINELS)),
        *_parts(_HA_URL, _SENTINELS, "haproxy"),
    ),
)

_NODES: Final = tuple(f"node{number}" for number in range(1, 7))
_CLUSTER_URL: Final = f"redis+cluster://{','.join(f'{{{name}}}:{REDIS_PORT}' for name in _NODES)}"
CLUSTER: Final = Topology(
    name="cluster",
    summary="a Cluster of three primaries and three replicas, two desks, two gateways, HAProxy with TLS",
    url=_CLUSTER_URL,
    hosts=(
        *(
            _server(name, 31 + number, "cluster-enabled yes", "cluster-node-timeout 5000")
            for number, name in enumerate(_NODES)
        ),
        *_parts(_CLUSTER_URL, _NODES, "haproxy"),
    ),
)


def _behind(proxy: str) -> Topology:
    """Return two gateways behind a proxy, with one server and one desk."""
    trusted = {"TICKER_TRUSTED_PROXIES": "{proxy}"}
    gateways = ("gateway1", "gateway2")
    return Topology(
        name=proxy,
        summary=f"one server, one desk, two gateways behind {proxy} with TLS",
        url=_SINGLE_URL,
        hosts=(
            _SINGLE_SERVER,
            _desk("desk1", 21, _SINGLE_URL, ("valkey",)),
            *(_gateway(name, 11 + at, _SINGLE_URL, ("valkey", "desk1"), **trusted) for at, name in enumerate(gateways)),
            _proxy(proxy, gateways),
        ),
    )


TOPOLOGIES: Final = {
    topology.name: topology
    for topology in (SINGLE, HA, CLUSTER, _behind("caddy"), _behind("nginx"), _behind("haproxy"))
}
"""Every topology, by its name."""
