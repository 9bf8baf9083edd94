"""Reach: the gateways' reports of which entries they sent to how many followers, and how soon. A short stream."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from ticker.core.submission import Reach
from ticker.store.connection import Redis
from ticker.store.keys import Keys
from ticker.store.short_streams import MOST, append_to_short, read_short

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


async def read_reports(redis: Redis, edition: str, most: int = READ_MAX) -> list[Report]:
    """Return the newest reports, newest first. Skip invalid ones, because a gateway's password may be stolen."""
    return await read_short(redis, Keys(edition).reach, "report", Report, most)


def first_reports(seq: int, reports: Sequence[Report]) -> dict[str, Report]:
    """Return each gateway's first report of entry `seq`. `reports` must be newest first."""
    return {report.gateway: report for report in reports if report.first <= seq <= report.last}


def reach_of(seq: int, reports: Sequence[Report]) -> Reach | None:
    """Return how many followers entry `seq` reached, by each gateway's first report. Return None without a report."""
    reached = first_reports(seq, reports).values()
    if not reached:
        return None
    return Reach(len(reached), sum(each.followers for each in reached), max(each.ms for each in reached))
