"""What the server is that Ticker is pointed at, and what in it is unsafe for news that must not be lost.

`server_facts` asks; `findings` and `require_supported` decide. An editor's or a gateway's user may not ask for
everything: what was refused is None, and is said as such.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, Final

import msgspec
import redis.asyncio
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.sentinel import SentinelConnectionPool
from redis.exceptions import NoPermissionError, ResponseError

from ticker.core.errors import StoreError
from ticker.store.connection import Redis

OLDEST_REDIS: Final = (7, 0)
OLDEST_VALKEY: Final = (7, 2)


class Software(Enum):
    REDIS = "Redis"
    VALKEY = "Valkey"


class Topology(Enum):
    SINGLE = "single"
    SENTINEL = "sentinel"
    CLUSTER = "cluster"


class ServerFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One server; of a Cluster, one primary. None: the server didn't say."""

    software: Software | None = None
    version: str | None = None
    topology: Topology = Topology.SINGLE
    cluster_enabled: bool | None = None
    """Whether the server is a node of a Cluster; with another topology, the URL is wrong."""
    is_replica: bool | None = None
    append_only: bool | None = None
    append_fsync: str | None = None
    eviction: str | None = None
    memory_limit_bytes: int | None = None
    """0 is none: then nothing is ever evicted."""
    replicas: int | None = None
    tcp_port: int | None = None
    """0 is none: then only a Unix socket."""
    tls_port: int | None = None
    default_user_open: bool | None = None
    """Whether anyone who can connect is the default user, without a password."""


class Finding(msgspec.Struct, frozen=True):
    """Something unsafe. `code` is a stable word for programs; the sentences are for people."""

    code: str
    sentence: str
    remedy: str


async def server_facts(client: Redis) -> tuple[ServerFacts, ...]:
    """Ask the server, or each primary of a Cluster: an edition lives on one of them, so each has to be fit.

    Tolerates refused commands. Errors of the connection are redis-py's.
    """
    if isinstance(client, redis.asyncio.RedisCluster):
        client = await client.initialize()
        return tuple([await _facts(_of_node(client, node), Topology.CLUSTER) for node in client.get_primaries()])
    sentinel = isinstance(client.connection_pool, SentinelConnectionPool)
    return (await _facts(client.execute_command, Topology.SENTINEL if sentinel else Topology.SINGLE),)


def require_supported(facts: ServerFacts) -> None:
    """Refuse a server that lacks what Ticker's script and access rules need. An unknown version passes.

    Raises:
        StoreError: For Redis before 7.0 and Valkey before 7.2.

    """
    if (finding := _version(facts)) is not None:
        raise StoreError(f"{finding.sentence}: {finding.remedy}")


def findings(facts: ServerFacts) -> list[Finding]:
    """All that is unsafe, the gravest first. Of what is unknown, one finding that names it."""
    checks = (_version, _address, _append_only, _fsync, _eviction, _open, _single, _unknown)
    return [finding for check in checks if (finding := check(facts)) is not None]


def _version(facts: ServerFacts) -> Finding | None:
    if facts.software is None or facts.version is None:
        return None
    oldest = OLDEST_VALKEY if facts.software is Software.VALKEY else OLDEST_REDIS
    if _numbers(facts.version) >= oldest:
        return None
    return Finding(
        "version",
        f"the server is {facts.software.value} {facts.version}, older than {oldest[0]}.{oldest[1]}",
        "upgrade it to Redis 7.0, Valkey 7.2 or newer",
    )


def _address(facts: ServerFacts) -> Finding | None:
    if facts.cluster_enabled and facts.topology is not Topology.CLUSTER:
        return Finding(
            "address",
            "the server is a node of a Cluster, but the URL names it alone",
            "use redis+cluster:// in the URL",
        )
    if facts.is_replica:
        return Finding(
            "address", "the server is a replica, which takes no writes", "name its primary, or use redis+sentinel://"
        )
    return None


def _append_only(facts: ServerFacts) -> Finding | None:
    if facts.append_only is not False:
        return None
    return Finding(
        "append-only",
        "the server keeps no append-only file: when it restarts, lines that were on air are lost",
        "set `appendonly yes` and `appendfsync always` in its configuration",
    )


def _fsync(facts: ServerFacts) -> Finding | None:
    if facts.append_only is False or facts.append_fsync in {None, "always"}:
        return None
    return Finding(
        "fsync",
        f"the append-only file is written with `appendfsync {facts.append_fsync}`: "
        "a crash of the machine loses lines that editors were told are on air",
        "set `appendfsync always` in its configuration",
    )


def _eviction(facts: ServerFacts) -> Finding | None:
    if facts.eviction in {None, "noeviction"} or facts.memory_limit_bytes == 0:
        return None
    return Finding(
        "eviction",
        f"the server may drop keys when its memory is full (`maxmemory-policy {facts.eviction}`): whole logs can go",
        "set `maxmemory-policy noeviction` in its configuration",
    )


def _open(facts: ServerFacts) -> Finding | None:
    by_network = facts.tcp_port != 0 or bool(facts.tls_port)
    if not facts.default_user_open or not by_network:
        return None
    return Finding(
        "open",
        "anyone who reaches the server over the network may write anything: its default user has no password",
        "give each part a user of its own (docs/operating.md), then switch that one off with `ACL SETUSER default off`",
    )


def _single(facts: ServerFacts) -> Finding | None:
    if facts.replicas != 0 or facts.is_replica:
        return None
    return Finding(
        "single",
        "the server has no replica: while it is down, nothing can be published",
        "add a replica, and Sentinels that promote it (redis+sentinel:// in the URL)",
    )


def _unknown(facts: ServerFacts) -> Finding | None:
    asked = {
        "version": facts.version,
        "append-only file": facts.append_only,
        "appendfsync": facts.append_fsync,
        "maxmemory-policy": facts.eviction,
        "replicas": facts.replicas,
        "the default user": facts.default_user_open,
    }
    missing = [name for name, value in asked.items() if value is None]
    if not missing:
        return None
    return Finding(
        "unknown",
        f"the server doesn't tell this user: {', '.join(missing)}",
        "run `ticker check` as a user with +info +config|get +acl|getuser",
    )


_Command = Callable[..., Any]


def _of_node(client: redis.asyncio.RedisCluster, node: ClusterNode) -> _Command:
    return lambda *words: client.execute_command(*words, target_nodes=node)


async def _facts(command: _Command, topology: Topology) -> ServerFacts:
    info: dict[str, Any] = await _answer(command, "INFO") or {}
    config: dict[Any, Any] = await _answer(command, "CONFIG GET", "append*", "tls-port") or {}
    user = await _answer(command, "ACL GETUSER", "default")
    settings = {_text(name): _text(value) for name, value in config.items()}
    return ServerFacts(
        software=_software(info),
        version=_known_text(info, "valkey_version") or _known_text(info, "redis_version"),
        topology=topology,
        cluster_enabled=_known_flag(info, "cluster_enabled"),
        is_replica=info["role"] == "slave" if "role" in info else None,
        append_only=_known_flag(info, "aof_enabled"),
        append_fsync=settings.get("appendfsync"),
        eviction=_known_text(info, "maxmemory_policy"),
        memory_limit_bytes=_known_number(info, "maxmemory"),
        replicas=_known_number(info, "connected_slaves"),
        tcp_port=_known_number(info, "tcp_port"),
        tls_port=int(settings["tls-port"]) if "tls-port" in settings else None,
        default_user_open=_is_open(user) if user is not None else None,
    )


async def _answer(command: _Command, *words: str) -> Any:
    try:
        return await command(*words)
    except (NoPermissionError, ResponseError):
        # Refused by ACL, renamed away, or older than the command: all mean that we can't know.
        return None


def _software(info: dict[str, Any]) -> Software | None:
    # Valkey calls itself Redis 7.2.4 in redis_version.
    if "valkey_version" in info:
        return Software.VALKEY
    return Software.REDIS if "redis_version" in info else None


def _is_open(user: dict[Any, Any]) -> bool:
    flags: Sequence[Any] = next((value for name, value in user.items() if _text(name) == "flags"), ())
    words = {_text(flag) for flag in flags}
    return "on" in words and "nopass" in words


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())


def _known_text(info: dict[str, Any], name: str) -> str | None:
    return str(info[name]) if name in info else None


def _known_number(info: dict[str, Any], name: str) -> int | None:
    return int(info[name]) if name in info else None


def _known_flag(info: dict[str, Any], name: str) -> bool | None:
    return bool(info[name]) if name in info else None


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
