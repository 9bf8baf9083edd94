"""Short streams of reports, which any number of processes append to. If one is lost, only a shown figure is wrong."""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec

from ticker.core.errors import UNREADABLE
from ticker.store.connection import Redis
from ticker.store.streams import read_newest

T = TypeVar("T", bound=msgspec.Struct)

KEPT: Final = 1_000
MOST: Final = 2 * KEPT
"""More than such a stream ever has: Redis trims whole nodes of a stream, so it may exceed `KEPT`."""


async def append_to_short(redis: Redis, key: str, field: str, report: msgspec.Struct) -> None:
    """Append a report as JSON in a field."""
    await redis.xadd(key, {field: msgspec.json.encode(report)}, maxlen=KEPT, approximate=True)


async def read_short(redis: Redis, key: str, field: str, kind: type[T], most: int = MOST) -> list[T]:
    """Return the newest reports, newest first. Skip invalid ones, because a reporter's password may be stolen."""
    reports = []
    for _, fields in await read_newest(redis, key, most):
        try:
            reports.append(msgspec.json.decode(fields.get(field.encode(), b""), type=kind))
        except UNREADABLE:
            continue
    return reports
