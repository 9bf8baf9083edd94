"""Reach: the gateways' reports of which entries they sent to how many followers, and how soon. A short stream."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from ticker.core.submission import Reach
from ticker.store.keys import Keys
from ticker.store.short_streams import MOST, append_to_short, decode_short, read_short
from ticker.store.streams import START, read_newest, read_streams

if TYPE_CHECKING:
    from ticker.store.connection import Redis
    from ticker.store.direct import AnyRedis

REPORTS_MOST: Final = MOST
"""More reports than the stream ever has."""

READ_MAX: Final = 200


class Report(msgspec.Struct, frozen=True):
    """`gateway` had sent the entries `first` to `last` to `followers` followers after `ms` milliseconds."""

    gateway: str
    first: int
    last: int
    followers: int
    ms: float


async def report_reach(redis: Redis, edition: str, report: Report) -> None:
    """Append a gateway's report. If one is lost, only the shown figure is wrong."""
    await append_to_short(redis, Keys(edition).reach, "report", report)


async def read_reports(redis: AnyRedis, edition: str, most: int = READ_MAX) -> list[Report]:
    """Return the newest reports, newest first. Skip invalid ones, because a gateway's password may be stolen."""
    return await read_short(redis, Keys(edition).reach, "report", Report, most)


async def await_reports(
    redis: AnyRedis, edition: str, after: str | None = None, block_ms: int = 0
) -> tuple[list[Report], str]:
    """Return the reports after id `after`, newest first, and the id of the last one.

    Wait up to `block_ms` for the first. With `after` None, return the newest reports without waiting.
    """
    key = Keys(edition).reach
    if after is None:
        entries = await read_newest(redis, key, READ_MAX)
    else:
        found = await read_streams(redis, {key: after}, count=READ_MAX, block_ms=block_ms)
        entries = found.get(key, [])[::-1]
    last = entries[0][0] if entries else after or START
    return decode_short(entries, "report", Report), last


def first_reports(seq: int, reports: Sequence[Report]) -> dict[str, Report]:
    """Return each gateway's first report of entry `seq`. `reports` must be newest first."""
    return {report.gateway: report for report in reports if report.first <= seq <= report.last}


def reach_of(seq: int, reports: Sequence[Report]) -> Reach | None:
    """Return how many followers entry `seq` reached, by each gateway's first report. Return None without a report."""
    reached = first_reports(seq, reports).values()
    if not reached:
        return None
    return Reach(len(reached), sum(each.followers for each in reached), max(each.ms for each in reached))


def is_complete(seq: int, reports: Sequence[Report]) -> bool:
    """Return whether every gateway that reported the entry before `seq` has also reported `seq`.

    Then nobody else is likely to: only a gateway that started since.
    """
    before = first_reports(seq - 1, reports).keys()
    return bool(before) and before <= first_reports(seq, reports).keys()
