"""The reasons for which Redis fails. A module of its own, because `tick` needs it and no log."""

from __future__ import annotations

from enum import StrEnum


class RedisFault(StrEnum):
    """Why a command of ours failed, for the metrics."""

    UNREACHABLE = "unreachable"
    OUT_OF_MEMORY = "oom"
    READ_ONLY = "read-only"  # a replica, for example after a failover
    NOT_SAVED = "misconf"  # it can't write its files
    TOO_FEW_REPLICAS = "no-replicas"
    DENIED = "denied"  # a wrong password, or rights that are missing
    OTHER = "other"
