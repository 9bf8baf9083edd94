"""Short streams of reports, which any number of processes append to. If one is lost, only a shown figure is wrong."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from ticker.core.errors import UNREADABLE
from ticker.store.streams import StreamEntry, read_newest

if TYPE_CHECKING:
    from ticker.store.direct import AnyRedis

T = TypeVar("T", bound=msgspec.Struct)

KEPT: Final = 1_000
MOST: Final = 2 * KEPT
"""More than such a stream ever has: Redis trims whole nodes of a stream, so it may exceed `KEPT`."""


async def append_to_short(redis: AnyRedis, key: str, field: str, report: msgspec.Struct) -> None:
    """Append a report as JSON in a field."""
    await redis.xadd(key, {field: msgspec.json.encode(report)}, maxlen=KEPT, approximate=True)


async def read_short(redis: AnyRedis, key: str, field: str, kind: type[T], most: int = MOST) -> list[T]:
    """Return the newest reports, newest first. Skip invalid ones, because a reporter's password may be stolen."""
    return decode_short(await read_newest(redis, key, most), field, kind)


def decode_short(entries: Iterable[StreamEntry], field: str, kind: type[T]) -> list[T]:
    """Return the reports of stream entries, in their order. Skip invalid ones."""
    reports = []
    for _, fields in entries:
        try:
            reports.append(msgspec.json.decode(fields.get(field.encode(), b""), type=kind))
        except UNREADABLE:
            continue
    return reports
