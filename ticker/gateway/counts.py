"""Counters of one channel since the gateway started. The metrics read them."""

from __future__ import annotations

from collections import Counter

import msgspec


class Counts(msgspec.Struct):
    """Counters of one channel.

    Attributes:
        entries: Entries read from the log.
        deliveries: Entries written to followers.
        passes: Passes over all followers.
        resets: Boards sent in place of missed entries, by reason.
        pauses: Times that a write buffer exceeded its high-water mark.
        closed: Followers closed by the gateway, by close code.
        heartbeats: Heartbeats written.

    """

    entries: int = 0
    deliveries: int = 0
    passes: int = 0
    resets: Counter[str] = msgspec.field(default_factory=Counter)
    pauses: int = 0
    closed: Counter[int] = msgspec.field(default_factory=Counter)
    heartbeats: int = 0
