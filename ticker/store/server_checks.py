"""Check whether a Redis server is safe for news that must not be lost.

`server_facts` reads the server's configuration; `findings` judges it. The users of editors and
gateways may not read everything: what the server rejects is None, and `findings` reports it as unknown.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import Enum
from functools import partial
from typing import Any, Final, TypeAlias, TypeVar

import msgspec
import redis.asyncio
from redis.asyncio.sentinel import SentinelConnectionPool
from redis.exceptions import NoPermissionError, ResponseError

from ticker.store.connection import Redis, as_text

OLDEST_REDIS: Final = (7, 0)
OLDEST_VALKEY: Final = (7, 2)

VALUE_BYTES: Final = 1024 * 1024
QUERY_BUFFER_BYTES: Final = 4 * 1024 * 1024
"""Ticker's own values and requests are far smaller. `docs/operating.md` has the same limits."""

_Command: TypeAlias = Callable[..., Awaitable[object]]
T = TypeVar("T")


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
    value_bytes_max: int | None = None
    """`proto-max-bulk-len`: the largest value that a client can write."""
    query_buffer_bytes_max: int | None = None
    """`client-query-buffer-limit`: how much of a request the server keeps in memory until it is complete."""
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
        commands = [partial(client.execute_command, target_nodes=node) for node in client.get_primaries()]
        return tuple([await _facts(command, Topology.CLUSTER) for command in commands])
    sentinel = isinstance(client.connection_pool, SentinelConnectionPool)
    return (await _facts(client.execute_command, Topology.SENTINEL if sentinel else Topology.SINGLE),)


def findings(facts: ServerFacts) -> list[Finding]:
    """Return everything unsafe, the most serious first. One finding names all that is unknown."""
    unsafe = [
        Finding(code, sentence.format(facts=facts), remedy)
        for is_unsafe, code, sentence, remedy in _CHECKS
        if is_unsafe(facts)
    ]
    return [finding for finding in (_version(facts), *unsafe, _unknown(facts)) if finding is not None]


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


def _is_wrong_topology(facts: ServerFacts) -> bool:
    return bool(facts.cluster_enabled) and facts.topology is not Topology.CLUSTER


def _is_in_network(facts: ServerFacts) -> bool:
    return facts.tcp_port != 0 or bool(facts.tls_port)


def _is_above(value: int | None, limit: int) -> bool:
    return value is not None and value > limit


_CHECKS: Final[Sequence[tuple[Callable[[ServerFacts], bool | None], str, str, str]]] = (
    (
        _is_wrong_topology,
        "address",
        "the server is a node of a Cluster, but the URL is for a single server",
        "use redis+cluster:// in the URL",
    ),
    (
        lambda facts: facts.is_replica and not _is_wrong_topology(facts),
        "address",
        "the server is a replica, which accepts no writes",
        "use the URL of its primary, or redis+sentinel://",
    ),
    (
        lambda facts: facts.append_only is False,
        "append-only",
        "the server has no append-only file: when it restarts, published lines are lost",
        "set `appendonly yes` and `appendfsync always` in its configuration",
    ),
    (
        lambda facts: facts.append_only is not False and facts.append_fsync not in {None, "always"},
        "fsync",
        (
            "the append-only file is written with `appendfsync {facts.append_fsync}`: "
            "a crash of the machine loses lines that were confirmed as on air"
        ),
        "set `appendfsync always` in its configuration",
    ),
    (
        lambda facts: facts.eviction not in {None, "noeviction"} and facts.memory_limit_bytes != 0,
        "eviction",
        "the server evicts keys when its memory is full (`maxmemory-policy {facts.eviction}`), even whole logs",
        "set `maxmemory-policy noeviction` in its configuration",
    ),
    (
        lambda facts: facts.default_user_open and _is_in_network(facts),
        "open",
        "every client in its network may write anything: the server's default user has no password",
        "create a user for each part (docs/operating.md), then disable the default user with `ticker acl close`",
    ),
    (
        lambda facts: facts.memory_limit_bytes == 0 and _is_in_network(facts),
        "memory",
        "the server has no `maxmemory`: when its data fills the machine's memory, the system kills it",
        "set `maxmemory` in its configuration to about half of the machine's memory",
    ),
    (
        lambda facts: _is_above(facts.value_bytes_max, VALUE_BYTES) and _is_in_network(facts),
        "value-size",
        "an editor's account may write values of {facts.value_bytes_max} bytes to an inbox (`proto-max-bulk-len`)",
        "set `proto-max-bulk-len 1mb` in its configuration",
    ),
    (
        lambda facts: _is_above(facts.query_buffer_bytes_max, QUERY_BUFFER_BYTES) and _is_in_network(facts),
        "query-buffer",
        (
            "a single connection may use {facts.query_buffer_bytes_max} bytes of the server's memory "
            "(`client-query-buffer-limit`)"
        ),
        "set `client-query-buffer-limit 4mb` in its configuration",
    ),
    (
        lambda facts: facts.replicas == 0 and not facts.is_replica,
        "one-server",
        "the server has no replica: while it is down, nothing can be published",
        "add a replica, and Sentinels that promote it (redis+sentinel:// in the URL)",
    ),
)
"""Each unsafe condition with its code, sentence (a format string) and remedy, the most serious first."""

CODES: Final = tuple(dict.fromkeys(("version", *(code for _, code, _, _ in _CHECKS), "unknown")))
"""The codes of all findings."""


def _unknown(facts: ServerFacts) -> Finding | None:
    values = {
        "version": facts.version,
        "append-only file": facts.append_only,
        "appendfsync": facts.append_fsync,
        "maxmemory-policy": facts.eviction,
        "maxmemory": facts.memory_limit_bytes,
        "proto-max-bulk-len": facts.value_bytes_max,
        "client-query-buffer-limit": facts.query_buffer_bytes_max,
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


_SETTINGS: Final = ("append*", "tls-port", "proto-max-bulk-len", "client-query-buffer-limit")


async def _facts(command: _Command, topology: Topology) -> ServerFacts:
    info: dict[str, object] = await _answer(command, "INFO") or {}
    config: dict[Any, Any] = await _answer(command, "CONFIG GET", *_SETTINGS) or {}
    user = await _answer(command, "ACL GETUSER", "default")
    settings = {as_text(name): as_text(value) for name, value in config.items()}
    return ServerFacts(
        software=_software(info),
        version=_known(info, "valkey_version", str) or _known(info, "redis_version", str),
        topology=topology,
        cluster_enabled=_known(info, "cluster_enabled", bool),
        is_replica=_known(info, "role", lambda role: role == "slave"),
        append_only=_known(info, "aof_enabled", bool),
        append_fsync=settings.get("appendfsync"),
        eviction=_known(info, "maxmemory_policy", str),
        memory_limit_bytes=_known(info, "maxmemory", int),
        value_bytes_max=_known(settings, "proto-max-bulk-len", int),
        query_buffer_bytes_max=_known(settings, "client-query-buffer-limit", int),
        replicas=_known(info, "connected_slaves", int),
        tcp_port=_known(info, "tcp_port", int),
        tls_port=_known(settings, "tls-port", int),
        default_user_open=_is_open(user) if user is not None else None,
    )


async def _answer(command: _Command, *words: str) -> Any:
    try:
        return await command(*words)
    except (NoPermissionError, ResponseError):
        # The ACL forbids the command, it was renamed, or the server is too old for it: the answer is unknown.
        return None


def _software(info: dict[str, object]) -> Software | None:
    # Valkey calls itself Redis 7.2.4 in redis_version.
    if "valkey_version" in info:
        return Software.VALKEY
    return Software.REDIS if "redis_version" in info else None


def _is_open(user: dict[Any, Any]) -> bool:
    flags: Sequence[Any] = next((value for name, value in user.items() if as_text(name) == "flags"), ())
    words = {as_text(flag) for flag in flags}
    return "on" in words and "nopass" in words


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())


def _known(values: Mapping[str, Any], name: str, kind: Callable[[Any], T]) -> T | None:
    return kind(values[name]) if name in values else None
