"""Facts about a Redis server. None means unknown: the user may not read the value."""

from __future__ import annotations

from enum import Enum

import msgspec


class Software(Enum):
    REDIS = "Redis"
    VALKEY = "Valkey"


class Topology(Enum):
    SINGLE = "single"
    SENTINEL = "sentinel"
    CLUSTER = "cluster"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings that a replica must share with its primary: after a failover, they are those of the server."""

    append_only: bool | None = None
    append_fsync: str | None = None
    eviction: str | None = None
    value_bytes_max: int | None = None
    """`proto-max-bulk-len`: the largest value that a client can write."""
    query_buffer_bytes_max: int | None = None
    """`client-query-buffer-limit`: how much of a request the server keeps in memory until it is complete."""


class ReplicaFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A replica of the server, or of one primary of a Cluster."""

    name: str
    """Its host and port."""
    version: str | None = None
    accepts_user: bool = True
    """Whether it accepts our user and password. Users aren't replicated."""
    is_linked: bool | None = None
    """Whether its connection to the primary works."""
    is_writable: bool | None = None
    clock_s: float | None = None
    """How far its clock is ahead of its primary's."""
    settings: Settings = Settings()


class ServerFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One server, or one primary of a Cluster."""

    software: Software | None = None
    version: str | None = None
    topology: Topology = Topology.SINGLE
    cluster_enabled: bool | None = None
    """Whether the server is a node of a Cluster. If `topology` isn't CLUSTER, the URL is wrong."""
    is_replica: bool | None = None
    settings: Settings = Settings()
    append_works: bool | None = None
    """Whether the last write to the append-only file succeeded."""
    rewrite_works: bool | None = None
    """Whether the last rewrite of the append-only file succeeded."""
    memory_limit_bytes: int | None = None
    """0 means no limit: nothing is ever evicted."""
    memory_bytes: int | None = None
    replicas: int | None = None
    replicas_to_write: int | None = None
    """`min-replicas-to-write`."""
    sentinels: int | None = None
    """How many Sentinels watch it, if `topology` is SENTINEL."""
    has_quorum: bool | None = None
    """Whether enough Sentinels answer each other to promote a replica."""
    tcp_port: int | None = None
    """0 means that the server listens only on a Unix socket."""
    tls_port: int | None = None
    default_user_open: bool | None = None
    """Whether every client that connects is the default user, without a password."""
    users: int | None = None
    """The number of users."""
    has_acl_file: bool | None = None
    stale_users: tuple[str, ...] = ()
    """The users of parts whose rights aren't those of this release."""
    clock_s: float | None = None
    """How far its clock is ahead of this machine's."""
    replica_facts: tuple[ReplicaFacts, ...] = ()
    """Those that could be found: behind Sentinel and in a Cluster."""

    @property
    def stale_names(self) -> str:
        """`stale_users` for a sentence."""
        return ", ".join(self.stale_users)

    @property
    def stale_parts(self) -> str:
        """`stale_users` as arguments of `ticker acl apply`."""
        return " ".join(user.removeprefix("ticker-") for user in self.stale_users)
