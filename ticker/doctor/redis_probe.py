"""Read the facts of the Redis servers. It changes nothing.

The users of editors and gateways may not read everything: what a server rejects stays unknown.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final, TypeAlias, TypeVar

import msgspec
import redis.asyncio
from redis.asyncio.sentinel import SentinelConnectionPool
from redis.exceptions import AuthenticationError, NoPermissionError, ResponseError

from ticker.doctor.redis_facts import ReplicaFacts, ServerFacts, Settings, Software, Topology
from ticker.store.connection import CLIENT_ERRORS, Redis, replicas_behind_sentinel
from ticker.store.replies import as_text
from ticker.store.rights import RIGHTS, Part, Rights

_Command: TypeAlias = Callable[..., Awaitable[object]]
T = TypeVar("T")


async def server_facts(client: Redis) -> tuple[ServerFacts, ...]:
    """Read the facts of the server, or of each primary of a Cluster: any of them may hold an edition.

    Rejected commands are tolerated. Connection errors of primaries are redis-py's.
    """
    if isinstance(client, redis.asyncio.RedisCluster):
        return await _cluster_facts(client)
    if not isinstance(client.connection_pool, SentinelConnectionPool):
        return (await _facts(client.execute_command, Topology.SINGLE),)
    primary = await _facts(client.execute_command, Topology.SENTINEL)
    sentinels, has_quorum = await _sentinels(client.connection_pool)
    async with replicas_behind_sentinel(client) as replicas:
        found = [await _replica(each.execute_command, _name_of(each), primary.clock_s) for each in replicas]
    primary = msgspec.structs.replace(primary, replica_facts=tuple(found), sentinels=sentinels, has_quorum=has_quorum)
    return (primary,)


async def _sentinels(pool: SentinelConnectionPool) -> tuple[int | None, bool | None]:
    """Return how many Sentinels the first one that answers knows, with itself, and whether they have a quorum."""
    for sentinel in pool.sentinel_manager.sentinels:
        with suppress(OSError, *CLIENT_ERRORS):
            others = await sentinel.execute_command("SENTINEL SENTINELS", pool.service_name)
            try:
                await sentinel.execute_command("SENTINEL CKQUORUM", pool.service_name)
            except ResponseError as error:
                # An ACL may forbid the command: then the answer is unknown.
                return len(others) + 1, False if str(error).startswith("NOQUORUM") else None
            return len(others) + 1, True
    return None, None


async def _cluster_facts(client: redis.asyncio.RedisCluster) -> tuple[ServerFacts, ...]:
    client = await client.initialize()
    found = []
    for node in client.get_primaries():
        primary = await _facts(partial(client.execute_command, target_nodes=node), Topology.CLUSTER)
        replicas = [
            await _replica(partial(client.execute_command, target_nodes=each), each.name, primary.clock_s)
            for each in client.nodes_manager.slots_cache.get(_first_slot(client, node.name), [])[1:]
        ]
        found.append(msgspec.structs.replace(primary, replica_facts=tuple(replicas)))
    return tuple(found)


def _first_slot(client: redis.asyncio.RedisCluster, name: str) -> int:
    slots = client.nodes_manager.slots_cache
    return next((slot for slot, nodes in slots.items() if nodes[0].name == name), -1)


def _name_of(client: redis.asyncio.Redis) -> str:
    options = client.connection_pool.connection_kwargs
    return f"{options.get('host')}:{options.get('port')}"


_SETTINGS: Final = (
    *("append*", "tls-port", "proto-max-bulk-len", "client-query-buffer-limit", "aclfile"),
    *("min-replicas-to-write", "replica-read-only"),
)


async def _facts(command: _Command, topology: Topology) -> ServerFacts:
    clock_s = await _clock(command)
    info, config = await _info_and_config(command)
    user = await _answer(command, "ACL", "GETUSER", "default")
    users = await _answer(command, "ACL", "LIST")
    return ServerFacts(
        software=_software(info),
        version=_version(info),
        topology=topology,
        cluster_enabled=_known(info, "cluster_enabled", bool),
        is_replica=_known(info, "role", lambda role: role == "slave"),
        settings=_settings(info, config),
        append_works=_known(info, "aof_last_write_status", _is_ok),
        rewrite_works=_known(info, "aof_last_bgrewrite_status", _is_ok),
        memory_limit_bytes=_known(info, "maxmemory", int),
        memory_bytes=_known(info, "used_memory", int),
        replicas=_known(info, "connected_slaves", int),
        replicas_to_write=_known(config, "min-replicas-to-write", int),
        tcp_port=_known(info, "tcp_port", int),
        tls_port=_known(config, "tls-port", int),
        default_user_open=_is_open(user) if user is not None else None,
        users=None if users is None else len(users),
        has_acl_file=_known(config, "aclfile", bool),
        stale_users=await _stale_users(command),
        clock_s=clock_s,
    )


async def _replica(command: _Command, name: str, primary_clock_s: float | None) -> ReplicaFacts:
    """Read the facts of a replica. One that doesn't answer counts as not connected."""
    try:
        clock_s = await _clock(command)
        info, config = await _info_and_config(command)
    except AuthenticationError:
        return ReplicaFacts(name=name, accepts_user=False)
    except (OSError, *CLIENT_ERRORS):
        return ReplicaFacts(name=name, is_linked=False)
    return ReplicaFacts(
        name=name,
        version=_version(info),
        is_linked=_known(info, "master_link_status", lambda status: status == "up"),
        is_writable=_known(config, "replica-read-only", lambda value: value == "no"),
        clock_s=None if clock_s is None or primary_clock_s is None else clock_s - primary_clock_s,
        settings=_settings(info, config),
    )


async def _info_and_config(command: _Command) -> tuple[dict[str, object], dict[str, str]]:
    info: dict[str, object] = await _answer(command, "INFO") or {}
    config: dict[Any, Any] = await _answer(command, "CONFIG GET", *_SETTINGS) or {}
    return info, {as_text(name): as_text(value) for name, value in config.items()}


def _settings(info: Mapping[str, object], config: Mapping[str, str]) -> Settings:
    return Settings(
        append_only=_known(info, "aof_enabled", bool),
        append_fsync=config.get("appendfsync"),
        eviction=_known(info, "maxmemory_policy", str),
        value_bytes_max=_known(config, "proto-max-bulk-len", int),
        query_buffer_bytes_max=_known(config, "client-query-buffer-limit", int),
    )


async def _clock(command: _Command) -> float | None:
    """Return how far the server's clock is ahead of this machine's, to about half of the round trip."""
    before = time.time()
    answer = await _answer(command, "TIME")
    if answer is None:
        return None
    seconds, microseconds = answer
    return int(seconds) + int(microseconds) / 1e6 - (before + time.time()) / 2


async def _stale_users(command: _Command) -> tuple[str, ...]:
    """Return the existing users of parts whose rights differ from those of this release."""
    found = []
    for part, rights in RIGHTS.items():
        user = await _answer(command, "ACL", "GETUSER", part.user)
        if user is None:
            continue
        fields = {as_text(name): value for name, value in user.items()}
        commands = set(as_text(fields.get("commands", "")).split())
        keys = set(as_text(fields.get("keys", "")).split())
        if not has_rights(part, rights, commands, keys):
            found.append(part.user)
    return tuple(found)


def has_rights(part: Part, rights: Rights, commands: set[str], keys: set[str]) -> bool:
    """Return whether a user has these rights: words for commands and patterns of keys, as ACL GETUSER returns them.

    Redis 7.0 replaces categories of commands, as the admin has them, by the commands in them.
    """
    words = {word for word in rights.rules if word[0] in "+-"}
    single = {word for word in words if "@" not in word and word[0] == "+"}
    is_same = single <= commands if words - single - {"-@all"} else words == commands
    # The posting part's patterns depend on the tokens.
    return is_same and (part is Part.API or _single(keys) == _single(word for word in rights.rules if "~" in word))


def _single(patterns: Iterable[str]) -> set[str]:
    """Return patterns for reading (%R~) and writing (%W~) alone: Redis joins two with the same keys."""
    found = set[str]()
    for pattern in patterns:
        rights, _, keys = pattern.partition("~")
        found |= {f"%{right}~{keys}" for right in rights.removeprefix("%") or "RW"}
    return found


async def _answer(command: _Command, *words: str) -> Any:
    try:
        return await command(*words)
    except AuthenticationError:
        raise
    except (NoPermissionError, ResponseError):
        # The ACL forbids the command, it was renamed, or the server is too old for it: the answer is unknown.
        return None


def _software(info: Mapping[str, object]) -> Software | None:
    # Valkey calls itself Redis 7.2.4 in redis_version.
    if "valkey_version" in info:
        return Software.VALKEY
    return Software.REDIS if "redis_version" in info else None


def _version(info: Mapping[str, object]) -> str | None:
    return _known(info, "valkey_version", str) or _known(info, "redis_version", str)


def _is_ok(status: object) -> bool:
    return status == "ok"


def _is_open(user: dict[Any, Any]) -> bool:
    flags: Sequence[Any] = next((value for name, value in user.items() if as_text(name) == "flags"), ())
    words = {as_text(flag) for flag in flags}
    return "on" in words and "nopass" in words


def _known(values: Mapping[str, Any], name: str, kind: Callable[[Any], T]) -> T | None:
    return kind(values[name]) if name in values else None
