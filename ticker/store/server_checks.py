"""Check whether a Redis server is safe for news that must not be lost.

`server_facts` reads the server's configuration; `findings` and `require_supported` judge it. The users of editors and
gateways may not read everything: what the server rejects is None, and `findings` reports it as unknown.
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
    """One server, or one primary of a Cluster. None means unknown."""

    software: Software | None = None
    version: str | None = None
    topology: Topology = Topology.SINGLE
    cluster_enabled: bool | None = None
    """Whether the server is a node of a Cluster. If `topology` isn't CLUSTER, the URL is wrong."""
    is_replica: bool | None = None
    append_only: bool | None = None
    append_fsync: str | None = None
    eviction: str | None = None
    memory_limit_bytes: int | None = None
    """0 means no limit: nothing is ever evicted."""
    replicas: int | None = None
    tcp_port: int | None = None
    """0 means that the server listens only on a Unix socket."""
    tls_port: int | None = None
    default_user_open: bool | None = None
    """Whether every client that connects is the default user, without a password."""


class Finding(msgspec.Struct, frozen=True):
    """Something unsafe. `code` is stable, for programs. `sentence` and `remedy` are for people."""

    code: str
    sentence: str
    remedy: str


async def server_facts(client: Redis) -> tuple[ServerFacts, ...]:
    """Read the facts of the server, or of each primary of a Cluster: any of them may hold an edition.

    Rejected commands are tolerated. Connection errors are redis-py's.
    """
    if isinstance(client, redis.asyncio.RedisCluster):
        client = await client.initialize()
        return tuple([await _facts(_of_node(client, node), Topology.CLUSTER) for node in client.get_primaries()])
    sentinel = isinstance(client.connection_pool, SentinelConnectionPool)
    return (await _facts(client.execute_command, Topology.SENTINEL if sentinel else Topology.SINGLE),)


def require_supported(facts: ServerFacts) -> None:
    """Check that the server supports Ticker's scripts and access rules. An unknown version passes.

    Raises:
        StoreError: If it is older than Redis 7.0 or Valkey 7.2.

    """
    if (finding := _version(facts)) is not None:
        raise StoreError(f"{finding.sentence}: {finding.remedy}")


def findings(facts: ServerFacts) -> list[Finding]:
    """Return everything unsafe, the most serious first. One finding names all that is unknown."""
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
            "the server is a node of a Cluster, but the URL is for a single server",
            "use redis+cluster:// in the URL",
        )
    if facts.is_replica:
        return Finding(
            "address",
            "the server is a replica, which accepts no writes",
            "use the URL of its primary, or redis+sentinel://",
        )
    return None


def _append_only(facts: ServerFacts) -> Finding | None:
    if facts.append_only is not False:
        return None
    return Finding(
        "append-only",
        "the server has no append-only file: when it restarts, published lines are lost",
        "set `appendonly yes` and `appendfsync always` in its configuration",
    )


def _fsync(facts: ServerFacts) -> Finding | None:
    if facts.append_only is False or facts.append_fsync in {None, "always"}:
        return None
    return Finding(
        "fsync",
        f"the append-only file is written with `appendfsync {facts.append_fsync}`: "
        "a crash of the machine loses lines that were confirmed as on air",
        "set `appendfsync always` in its configuration",
    )


def _eviction(facts: ServerFacts) -> Finding | None:
    if facts.eviction in {None, "noeviction"} or facts.memory_limit_bytes == 0:
        return None
    return Finding(
        "eviction",
        f"the server evicts keys when its memory is full (`maxmemory-policy {facts.eviction}`), even whole logs",
        "set `maxmemory-policy noeviction` in its configuration",
    )


def _open(facts: ServerFacts) -> Finding | None:
    by_network = facts.tcp_port != 0 or bool(facts.tls_port)
    if not facts.default_user_open or not by_network:
        return None
    return Finding(
        "open",
        "every client in its network may write anything: the server's default user has no password",
        "create a user for each part (docs/operating.md), then disable that user with `ACL SETUSER default off`",
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
    values = {
        "version": facts.version,
        "append-only file": facts.append_only,
        "appendfsync": facts.append_fsync,
        "maxmemory-policy": facts.eviction,
        "replicas": facts.replicas,
        "the default user": facts.default_user_open,
    }
    missing = [name for name, value in values.items() if value is None]
    if not missing:
        return None
    return Finding(
        "unknown",
        f"this Redis user may not read: {', '.join(missing)}",
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
        # The ACL forbids the command, it was renamed, or the server is too old for it: the answer is unknown.
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
