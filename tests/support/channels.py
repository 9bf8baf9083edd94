"""Channels with given lines, without a server: for tests that render boards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from ticker.core.edition import DEFAULT_EDITIONS, Edition
from ticker.core.entry import Entry, Logged, encode_entry
from ticker.core.line import Change, Direction, Line
from ticker.core.position import next_link
from ticker.gateway.channel import Channel
from ticker.gateway.hub import Hub
from ticker.settings import Settings

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


def make_line(number: int, text: str, **fields: Any) -> Line:
    """Make a new English line; `number` is also the number in its id."""
    values: dict[str, Any] = {
        "id": f"l{number}", "version": 1, "number": number, "change": Change.NEW, "text": text, "lang": "en",
        "dir": Direction.LTR, "created_at": NOW, "updated_at": NOW,
    }  # fmt: skip
    return Line(**(values | fields))


def make_channel(name: str, lines: Sequence[Line] = (), edition: Edition | None = None) -> Channel:
    """Make a channel whose log contains `lines`, the oldest first."""
    nonce = sha256(name.encode()).hexdigest()
    channel = Channel(name, edition or DEFAULT_EDITIONS[name], nonce, Settings(), lambda: NOW)
    link = nonce
    for seq, line in enumerate(lines, 1):
        entry = Entry(line=line, editor="amal", key=f"key-{seq}", submitted_at=line.updated_at)
        link = next_link(link, encode_entry(entry))
        channel.append(Logged(seq, link, entry))
    return channel


def make_hub(channels: Mapping[str, Channel], settings: Settings | None = None) -> Hub:
    """Make the hub of a gateway that serves `channels`, or that is still loading if `channels` is empty."""
    hub = Hub(settings or Settings(), 2000, lambda: NOW, lambda: 0.5)
    hub.channels.update(channels)
    hub.is_loading = not channels
    return hub
