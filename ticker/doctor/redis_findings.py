"""Judge a Redis server: persistence, eviction, access rights, replicas, clocks and versions. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from ticker.doctor.finding import Check, Finding, Severity, codes_of, judge_all
from ticker.doctor.redis_facts import ReplicaFacts, ServerFacts, Settings, Software, Topology

OLDEST_REDIS: Final = (7, 0)
OLDEST_VALKEY: Final = (7, 2)

VALUE_BYTES: Final = 1024 * 1024
QUERY_BUFFER_BYTES: Final = 4 * 1024 * 1024
"""Ticker's own values and requests are far smaller. `docs/operating.md` has the same limits."""

DOWN: Final = "redis-down"
CLOCK_S: Final = 1.0
"""How far two clocks may differ. Reading them over a network is less exact than NTP."""
MEMORY_SHARE: Final = 0.8
"""The share of `maxmemory` from which the server counts as nearly full."""
SENTINELS: Final = 3
"""With fewer, the majority is lost with one of them."""
REPLICAS_FOR_PARTITION: Final = 2
"""With fewer replicas, `min-replicas-to-write 1` would stop publishing as soon as one is lost."""


def down_finding(reason: str) -> Finding:
    """Return the finding about a Redis that can't be used, with the reason."""
    return Finding(
        code=DOWN,
        severity=Severity.DANGER,
        sentence=reason,
        meaning="nothing can be published. Gateways keep serving what they have",
        fix="redis-cli -h HOST -p 6379 --user USER --askpass PING",
    )


def server_findings(facts: ServerFacts) -> list[Finding]:
    """Return the findings about one server and its replicas. One finding lists all unknown facts."""
    unsafe = judge_all(_CHECKS, facts)
    for replica in facts.replica_facts:
        unsafe += judge_all(_REPLICA_CHECKS, _Pair(facts, replica))
    unknown = _unknown(facts)
    return unsafe if unknown is None else [*unsafe, unknown]


def _is_too_old(facts: ServerFacts) -> bool:
    if facts.software is None or facts.version is None:
        return False
    return _numbers(facts.version) < (OLDEST_VALKEY if facts.software is Software.VALKEY else OLDEST_REDIS)


def _is_wrong_topology(facts: ServerFacts) -> bool:
    return bool(facts.cluster_enabled) and facts.topology is not Topology.CLUSTER


def _is_in_network(facts: ServerFacts) -> bool:
    return facts.tcp_port != 0 or bool(facts.tls_port)


def _is_above(value: float | None, limit: float) -> bool:
    return value is not None and value > limit


def _is_nearly_full(facts: ServerFacts) -> bool:
    limit = facts.memory_limit_bytes
    return bool(limit) and _is_above(facts.memory_bytes, MEMORY_SHARE * (limit or 0))


def _set(name: str, value: str) -> str:
    return f"redis-cli CONFIG SET {name} {value} && redis-cli CONFIG REWRITE"


_CHECKS: Final[Sequence[Check[ServerFacts]]] = (
    Check(
        code="version",
        severity=Severity.DANGER,
        applies=_is_too_old,
        sentence="the server is {facts.software.value} {facts.version}: Ticker needs Redis 7.0, Valkey 7.2 or newer",
        meaning="it can't separate the rights of editors, and nothing was tested with it",
        fix="sudo apt-get install --only-upgrade redis-server",
    ),
    Check(
        code="address",
        severity=Severity.DANGER,
        applies=_is_wrong_topology,
        sentence="the server is a node of a Cluster, but the URL is for a single server",
        meaning="editions on its other nodes can't be published or read",
        fix="export TICKER_REDIS_URL=redis+cluster://USER@HOST:PORT",
    ),
    Check(
        code="address",
        severity=Severity.DANGER,
        applies=lambda facts: facts.is_replica and not _is_wrong_topology(facts),
        sentence="the server is a replica, which accepts no writes",
        meaning="nothing can be published",
        fix="export TICKER_REDIS_URL=redis+sentinel://USER@HOST:26379/SERVICE",
    ),
    Check(
        code="append-only",
        severity=Severity.DANGER,
        applies=lambda facts: facts.settings.append_only is False,
        sentence="the server has no append-only file",
        meaning="when it restarts, published lines are lost, and withdrawn ones may come back",
        fix=f"{_set('appendonly', 'yes')}\n{_set('appendfsync', 'always')}",
    ),
    Check(
        code="append-error",
        severity=Severity.DANGER,
        applies=lambda facts: facts.append_works is False,
        sentence="the server can't write its append-only file",
        meaning="it refuses every line until it can",
        fix='df -h "$(redis-cli --raw CONFIG GET dir | tail -1)"',
    ),
    Check(
        code="fsync",
        severity=Severity.DANGER,
        applies=lambda facts: (
            facts.settings.append_only is not False and facts.settings.append_fsync not in {None, "always"}
        ),
        sentence="the append-only file is written with `appendfsync {facts.settings.append_fsync}`",
        meaning="a crash of the machine loses lines that were confirmed as on air",
        fix=_set("appendfsync", "always"),
    ),
    Check(
        code="eviction",
        severity=Severity.DANGER,
        applies=lambda facts: facts.settings.eviction not in {None, "noeviction"} and facts.memory_limit_bytes != 0,
        sentence="the server evicts keys when its memory is full (`maxmemory-policy {facts.settings.eviction}`)",
        meaning="whole logs disappear: readers get an empty board",
        fix=_set("maxmemory-policy", "noeviction"),
    ),
    Check(
        code="open",
        severity=Severity.DANGER,
        applies=lambda facts: facts.default_user_open and _is_in_network(facts),
        sentence="the server's default user has no password",
        meaning="every client in its network may publish anything",
        fix="ticker acl apply admin desk gateway\nticker acl close",
    ),
    Check(
        code="clock",
        severity=Severity.WARNING,
        applies=lambda facts: _is_above(abs(facts.clock_s or 0.0), CLOCK_S),
        sentence="the clock of Redis is {facts.clock_s:+.1f} s from this machine's",
        meaning="scheduled lines and embargoes end by the clock of Redis",
        fix="chronyc tracking",
    ),
    Check(
        code="memory",
        severity=Severity.WARNING,
        applies=lambda facts: facts.memory_limit_bytes == 0 and _is_in_network(facts),
        sentence="the server has no `maxmemory`",
        meaning="when its data fills the machine's memory, the system kills it: nothing can be published",
        fix=_set("maxmemory", "1gb"),
    ),
    Check(
        code="memory-full",
        severity=Severity.WARNING,
        applies=_is_nearly_full,
        sentence="the server uses {facts.memory_bytes} of {facts.memory_limit_bytes} bytes (`maxmemory`)",
        meaning="when it is full, it refuses every line",
        fix=_set("maxmemory", "2gb"),
    ),
    Check(
        code="rewrite-error",
        severity=Severity.WARNING,
        applies=lambda facts: facts.rewrite_works is False,
        sentence="the last rewrite of the append-only file failed",
        meaning="the file grows until the disk is full. Then nothing can be published",
        fix="redis-cli BGREWRITEAOF",
    ),
    Check(
        code="rights",
        severity=Severity.WARNING,
        applies=lambda facts: bool(facts.stale_users),
        sentence="users have the rights of another release: {facts.stale_names}",
        meaning="a part lacks a right that it needs, or has one that it doesn't need",
        fix="ticker acl apply {facts.stale_parts}",
    ),
    Check(
        code="acl-file",
        severity=Severity.WARNING,
        applies=lambda facts: facts.has_acl_file is False and _is_above(facts.users, 1),
        sentence="the server has users and no `aclfile`",
        meaning="when it restarts, it forgets them: editors, desk and gateways are locked out",
        fix=(
            "sudo install -o redis -g redis -m 600 /dev/null /etc/redis/users.acl\n"
            "echo 'aclfile /etc/redis/users.acl' | sudo tee -a /etc/redis/redis.conf"
        ),
    ),
    Check(
        code="value-size",
        severity=Severity.WARNING,
        applies=lambda facts: _is_above(facts.settings.value_bytes_max, VALUE_BYTES) and _is_in_network(facts),
        sentence="a client may write values of {facts.settings.value_bytes_max} bytes (`proto-max-bulk-len`)",
        meaning="an editor's account can fill the server's memory",
        fix=_set("proto-max-bulk-len", "1mb"),
    ),
    Check(
        code="query-buffer",
        severity=Severity.WARNING,
        applies=lambda facts: (
            _is_above(facts.settings.query_buffer_bytes_max, QUERY_BUFFER_BYTES) and _is_in_network(facts)
        ),
        sentence=(
            "a client may use {facts.settings.query_buffer_bytes_max} bytes of memory (`client-query-buffer-limit`)"
        ),
        meaning="a single connection can fill the server's memory",
        fix=_set("client-query-buffer-limit", "4mb"),
    ),
    Check(
        code="one-server",
        severity=Severity.WARNING,
        applies=lambda facts: facts.replicas == 0 and not facts.is_replica,
        sentence="the server has no replica",
        meaning="while it is down, nothing can be published. Gateways keep serving what they have",
        fix="redis-cli -h REPLICA REPLICAOF PRIMARY 6379   # and Sentinels, with redis+sentinel:// in TICKER_REDIS_URL",
    ),
    Check(
        code="quorum",
        severity=Severity.DANGER,
        applies=lambda facts: facts.has_quorum is False,
        sentence="too few Sentinels can reach each other to promote a replica",
        meaning="when the server fails, nothing can be published until somebody helps",
        fix="redis-cli -h SENTINEL -p 26379 SENTINEL CKQUORUM SERVICE",
    ),
    Check(
        code="sentinels",
        severity=Severity.WARNING,
        applies=lambda facts: facts.sentinels is not None and facts.sentinels < SENTINELS,
        sentence="only {facts.sentinels} Sentinels watch the server",
        meaning="when one of them fails together with the server, nothing can be published until somebody helps",
        fix="redis-sentinel /etc/redis/sentinel.conf   # on a further machine",
    ),
    Check(
        code="partition",
        severity=Severity.WARNING,
        applies=lambda facts: (
            facts.topology is Topology.SENTINEL
            and facts.replicas_to_write == 0
            and _is_above(facts.replicas, REPLICAS_FOR_PARTITION - 1)
        ),
        sentence="a primary without a connection to its replicas accepts writes (`min-replicas-to-write 0`)",
        meaning="when the network splits, readers get lines that the failover takes back, and no editor is told on air",
        fix=_set("min-replicas-to-write", "1"),
    ),
)


class _Pair(msgspec.Struct, frozen=True):
    primary: ServerFacts
    replica: ReplicaFacts

    @property
    def differing(self) -> str:
        """The settings that are known on both servers and differ."""
        names = [field.name for field in msgspec.structs.fields(Settings)]
        pairs = [(name, getattr(self.primary.settings, name), getattr(self.replica.settings, name)) for name in names]
        return ", ".join(_REDIS_NAMES[name] for name, one, other in pairs if None not in (one, other) and one != other)


_REDIS_NAMES: Final = {
    "append_only": "appendonly",
    "append_fsync": "appendfsync",
    "eviction": "maxmemory-policy",
    "value_bytes_max": "proto-max-bulk-len",
    "query_buffer_bytes_max": "client-query-buffer-limit",
}

_REPLICA_CHECKS: Final[Sequence[Check[_Pair]]] = (
    Check(
        code="replica-users",
        severity=Severity.DANGER,
        applies=lambda facts: not facts.replica.accepts_user,
        sentence="the replica {facts.replica.name} rejects this user's password",
        meaning="after a failover, editors, desk and gateways are locked out",
        fix=(
            "redis-cli ACL LIST > users.acl   # on the primary; then copy it to the `aclfile` of the replica\n"
            "redis-cli -h REPLICA ACL LOAD"
        ),
    ),
    Check(
        code="replica-link",
        severity=Severity.DANGER,
        applies=lambda facts: facts.replica.is_linked is False,
        sentence="the replica {facts.replica.name} isn't connected to its primary",
        meaning="after a failover, the lines since then are lost, and withdrawn ones come back",
        fix="redis-cli -h REPLICA INFO replication",
    ),
    Check(
        code="replica-writable",
        severity=Severity.DANGER,
        applies=lambda facts: facts.replica.is_writable,
        sentence="the replica {facts.replica.name} accepts writes (`replica-read-only no`)",
        meaning="what is written there by mistake is lost, or damages a log after a failover",
        fix="redis-cli -h REPLICA CONFIG SET replica-read-only yes && redis-cli -h REPLICA CONFIG REWRITE",
    ),
    Check(
        code="replica-settings",
        severity=Severity.WARNING,
        applies=lambda facts: bool(facts.differing),
        sentence="the replica {facts.replica.name} differs from its primary in {facts.differing}",
        meaning="after a failover, the replica's settings count",
        fix="redis-cli -h REPLICA CONFIG SET NAME VALUE && redis-cli -h REPLICA CONFIG REWRITE",
    ),
    Check(
        code="replica-version",
        severity=Severity.WARNING,
        applies=lambda facts: (
            facts.replica.version is not None
            and facts.primary.version is not None
            and _numbers(facts.replica.version) < _numbers(facts.primary.version)
        ),
        sentence="the replica {facts.replica.name} is older ({facts.replica.version}) than its primary",
        meaning="it may not be able to read the data of the primary",
        fix="sudo apt-get install --only-upgrade redis-server   # on the replica",
    ),
    Check(
        code="replica-clock",
        severity=Severity.WARNING,
        applies=lambda facts: _is_above(abs(facts.replica.clock_s or 0.0), CLOCK_S),
        sentence="the clock of the replica {facts.replica.name} is {facts.replica.clock_s:+.1f} s from its primary's",
        meaning="after a failover, a submission whose editor saw NOT ON AIR may be published late",
        fix="chronyc tracking   # on the replica",
    ),
)

CODES: Final = (DOWN, *codes_of(_CHECKS), *codes_of(_REPLICA_CHECKS), "unknown")
"""The codes of all findings."""


def _unknown(facts: ServerFacts) -> Finding | None:
    values = {
        "version": facts.version,
        "append-only file": facts.settings.append_only,
        "appendfsync": facts.settings.append_fsync,
        "maxmemory-policy": facts.settings.eviction,
        "maxmemory": facts.memory_limit_bytes,
        "proto-max-bulk-len": facts.settings.value_bytes_max,
        "client-query-buffer-limit": facts.settings.query_buffer_bytes_max,
        "replicas": facts.replicas,
        "the default user": facts.default_user_open,
    }
    missing = [name for name, value in values.items() if value is None]
    if not missing:
        return None
    return Finding(
        code="unknown",
        severity=Severity.WARNING,
        sentence=f"this Redis user may not read: {', '.join(missing)}",
        meaning="what can't be read can't be checked",
        fix="export TICKER_REDIS_URL=redis://ticker-admin@HOST:6379   # a user with +info +config|get +acl|getuser",
    )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
