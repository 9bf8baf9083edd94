"""Reach: which gateway sent which entries to how many followers, and how soon.

A short stream that gateways append to.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from ticker.core.submission import Reach
from ticker.store.connection import Redis
from ticker.store.keys import Keys
from ticker.store.streams import read_newest

REPORTS_KEPT: Final = 1_000
REPORTS_MOST: Final = 2 * REPORTS_KEPT
"""More than are ever there: they are trimmed by whole nodes of the stream."""

READ_MAX: Final = 200


class Report(msgspec.Struct, frozen=True):
    """Entries `first`..`last` were with `followers` followers of `gateway` after `ms` milliseconds."""

    gateway: str
    first: int
    last: int
    followers: int
    ms: float


async def report_reach(redis: Redis, edition: str, report: Report) -> None:
    """Append a gateway's report. It tells of what is public already, so losing one costs nothing but the figure."""
    await redis.xadd(
        Keys(edition).reach, {"report": msgspec.json.encode(report)}, maxlen=REPORTS_KEPT, approximate=True
    )


async def read_reports(redis: Redis, edition: str, most: int = READ_MAX) -> list[Report]:
    """The newest reports, newest first; what can't be read is left out (a gateway's key may be stolen)."""
    reports = []
    for _, fields in await read_newest(redis, Keys(edition).reach, most):
        try:
            reports.append(msgspec.json.decode(fields.get(b"report", b""), type=Report))
        except msgspec.MsgspecError:
            continue
    return reports


def first_reports(seq: int, reports: Sequence[Report]) -> dict[str, Report]:
    """Each gateway's first report of entry `seq`; `reports` are newest first."""
    return {report.gateway: report for report in reports if report.first <= seq <= report.last}


def reach_of(seq: int, reports: Sequence[Report]) -> Reach | None:
    """How far entry `seq` came, by each gateway's first report of it; None where there is none yet."""
    reached = first_reports(seq, reports).values()
    if not reached:
        return None
    return Reach(len(reached), sum(each.followers for each in reached), max(each.ms for each in reached))
