"""The status of a system: of Redis, each edition and each part, as a function of the reports and the time. Pure.

Silence is never taken for health: a part that doesn't report has the time of its last report, and an edition without a
desk that reports accepts no lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

import msgspec

from ticker.core.parts import (
    SILENT_MS,
    STEP_MS,
    Condition,
    EditionReport,
    Kind,
    SeenPart,
    SeenParts,
    Step,
    percentile,
)


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"  # somebody has to look; readers or editors may not notice
    DOWN = "down"  # lines can't be published, or don't reach readers
    UNKNOWN = "unknown"  # nobody has reported yet


class Cause(StrEnum):
    """Why something isn't `ok`. The page has a sentence for each, in each language."""

    REDIS_AWAY = "redis-away"
    REDIS_REFUSES = "redis-refuses"  # a user of Redis lacks the rights to report
    REDIS_UNKNOWN = "redis-unknown"
    NO_DESK = "no-desk"
    DESK_SILENT = "desk-silent"
    DESK_WAITING = "desk-waiting"
    PUBLISHING_STOPPED = "publishing-stopped"
    NO_GATEWAY = "no-gateway"
    LOG_DAMAGED = "log-damaged"
    GATEWAYS_BEHIND = "gateways-behind"
    PART_SILENT = "part-silent"
    PART_ENDED = "part-ended"
    PART_DRAINING = "part-draining"
    PART_WAITING = "part-waiting"
    PART_FAULT = "part-fault"
    DELIVERIES_GIVEN_UP = "deliveries-given-up"
    RECEIVERS_DISABLED = "receivers-disabled"


_LEVELS: Final = {
    Cause.REDIS_UNKNOWN: Level.UNKNOWN,
    Cause.REDIS_REFUSES: Level.WARNING,
    Cause.GATEWAYS_BEHIND: Level.WARNING,
    Cause.PART_SILENT: Level.WARNING,
    Cause.PART_ENDED: Level.OK,
    Cause.PART_DRAINING: Level.WARNING,
    Cause.PART_WAITING: Level.WARNING,
    Cause.PART_FAULT: Level.WARNING,
    Cause.DELIVERIES_GIVEN_UP: Level.WARNING,
    Cause.RECEIVERS_DISABLED: Level.WARNING,
}
"""The level of each cause that isn't `down`."""
_ORDER: Final = (Level.DOWN, Level.WARNING, Level.UNKNOWN, Level.OK)


class Contact(msgspec.Struct):
    """How Redis has answered one gateway. Times as in `ticker.core.parts`.

    Attributes:
        answered_at_ms: The last answer, None before the first one.
        failing_since_ms: The first failure after that, None while it answers.
        refuses: Redis answers, but its user may not report.
        round_trip_ms: How long the last answer took.

    """

    answered_at_ms: int | None = None
    failing_since_ms: int | None = None
    refuses: bool = False
    round_trip_ms: float | None = None


class RedisStatus(msgspec.Struct, frozen=True):
    """Redis, as the gateway that answers sees it. `since`: its last answer, if it is away."""

    level: Level
    cause: Cause | None
    since: datetime | None
    round_trip_ms: float | None


class EditionStatus(msgspec.Struct, frozen=True, kw_only=True):
    """An edition. `desks` accept its lines; `following` of `gateways` follow its log. `since` belongs to the cause.

    `deliveries` are those of the last five minutes.
    """

    name: str
    level: Level
    cause: Cause | None
    since: datetime | None
    desks: int
    following: int
    gateways: int
    readers: int
    deliveries: int


class PartStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A part. `reported_at` is the time of its last report. `answers`: it is the gateway that answers."""

    kind: Kind
    id: str
    level: Level
    cause: Cause | None
    reported_at: datetime
    uptime_s: float
    answers: bool
    readers: int | None
    readers_max: int | None
    waiting: int | None


class LatencyStatus(msgspec.Struct, frozen=True):
    """Bounds in milliseconds within which half, 95 % and 99 % of the entries of the last five minutes were written.

    The time of an entry begins with its submission, and ends when a gateway has written it to all of its followers.
    """

    half_ms: float | None
    most_ms: float | None
    slow_ms: float | None


class HistoryStatus(msgspec.Struct, frozen=True):
    """The last minutes, a value per `step_s`, the oldest first. None: nobody reported, or nothing was delivered."""

    step_s: int
    readers: list[int | None]
    deliveries: list[int | None]
    most_ms: list[float | None]


class SystemStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the status page shows. `at` is the time by Redis's clock.

    `readers` are those of the gateways that report: `gateways` of `gateways_known`.
    """

    at: datetime
    level: Level
    redis: RedisStatus
    editions: list[EditionStatus]
    parts: list[PartStatus]
    readers: int
    readers_max: int
    gateways: int
    gateways_known: int
    deliveries: int
    latency: LatencyStatus
    history: HistoryStatus


def system_status(
    seen: SeenParts, contact: Contact, editions: Sequence[str], answering: str, now_ms: int
) -> SystemStatus:
    """Return the status at a time.

    Args:
        seen: The reports.
        contact: How Redis answers.
        editions: The editions that exist, in the order of every list.
        answering: The id of the gateway that answers.
        now_ms: The time by Redis's clock.

    """
    known = seen.known(now_ms)
    steps = [step for step in seen.steps(now_ms) if step is not None]
    redis = redis_status(contact, now_ms)
    statuses = [edition_status(name, known, _delivered(steps, name), now_ms) for name in editions]
    parts = [part_status(each, answering, now_ms) for each in known]
    gateways = [each for each in known if each.kind is Kind.GATEWAY and not each.report.has_ended]
    reporting = [each.report for each in gateways if each.reports(now_ms)]
    latencies = [sum(counts) for counts in zip(*(step.latencies for step in steps), strict=True)]
    return SystemStatus(
        at=_instant(now_ms),
        level=worst([redis.level, *(each.level for each in statuses), *(each.level for each in parts)]),
        redis=redis,
        editions=statuses,
        parts=parts,
        readers=sum(each.readers for report in reporting for each in report.editions.values()),
        readers_max=sum(report.readers_max for report in reporting),
        gateways=len(reporting),
        gateways_known=len(gateways),
        deliveries=sum(each.deliveries for each in statuses),
        latency=LatencyStatus(*(percentile(latencies, percent) for percent in (50, 95, 99))),
        history=_history(seen.steps(now_ms)),
    )


def worst(levels: Iterable[Level]) -> Level:
    """Return the worst of some levels, or `ok` for an empty list."""
    return min(levels, key=_ORDER.index, default=Level.OK)


def redis_status(contact: Contact, now_ms: int) -> RedisStatus:
    """Return the status of Redis. An answer older than `SILENT_MS` doesn't count, even if nothing has failed."""
    answered = contact.answered_at_ms
    if answered is None and contact.failing_since_ms is None:
        cause, since = Cause.REDIS_UNKNOWN, None
    elif contact.failing_since_ms is not None:
        cause, since = Cause.REDIS_AWAY, contact.failing_since_ms if answered is None else answered
    elif answered is not None and now_ms - answered > SILENT_MS:
        cause, since = Cause.REDIS_AWAY, answered
    elif contact.refuses:
        cause, since = Cause.REDIS_REFUSES, None
    else:
        return RedisStatus(Level.OK, None, None, contact.round_trip_ms)
    return RedisStatus(_level(cause), cause, None if since is None else _instant(since), None)


def edition_status(name: str, known: Sequence[SeenPart], deliveries: int, now_ms: int) -> EditionStatus:
    """Return the status of an edition: whether a desk publishes its lines, and whether gateways follow its log."""
    desks = [each for each in known if each.kind is Kind.DESK and name in each.report.editions]
    accepting = _conditions(name, desks, now_ms).count(Condition.OK)
    reports = [
        each.report.editions.get(name, EditionReport(Condition.WAITING))
        for each in known
        if each.kind is Kind.GATEWAY and each.reports(now_ms)
    ]
    following = sum(report.condition is Condition.OK for report in reports)
    cause, since = _desk_cause(name, desks, now_ms)
    if cause is None or cause is Cause.PUBLISHING_STOPPED:
        cause = _gateway_cause(reports) or cause
    return EditionStatus(
        name=name,
        level=_level(cause),
        cause=cause,
        since=since,
        desks=accepting,
        following=following,
        gateways=len(reports),
        readers=sum(report.readers for report in reports),
        deliveries=deliveries,
    )


def _conditions(name: str, parts: Iterable[SeenPart], now_ms: int) -> list[Condition]:
    return [each.report.editions[name].condition for each in parts if each.reports(now_ms)]


def _desk_cause(name: str, desks: Sequence[SeenPart], now_ms: int) -> tuple[Cause | None, datetime | None]:
    """Return why no desk publishes an edition, and since when if that is known."""
    conditions = _conditions(name, desks, now_ms)
    if Condition.OK in conditions:
        return None, None
    if Condition.FAULT in conditions:
        return Cause.PUBLISHING_STOPPED, None
    if conditions:
        return Cause.DESK_WAITING, None
    silent = [each.at_ms for each in desks if each.is_silent(now_ms)]
    return (Cause.DESK_SILENT, _instant(max(silent))) if silent else (Cause.NO_DESK, None)


def _gateway_cause(reports: Sequence[EditionReport]) -> Cause | None:
    conditions = [report.condition for report in reports]
    if not conditions:
        return Cause.NO_GATEWAY
    if Condition.FAULT in conditions:
        return Cause.LOG_DAMAGED
    if Condition.OK not in conditions:
        return Cause.NO_GATEWAY
    return Cause.GATEWAYS_BEHIND if Condition.WAITING in conditions else None


def part_status(seen: SeenPart, answering: str, now_ms: int) -> PartStatus:
    """Return the status of a part."""
    report, cause = seen.report, _part_cause(seen, now_ms)
    is_gateway = seen.kind is Kind.GATEWAY
    return PartStatus(
        kind=seen.kind,
        id=report.id,
        level=_level(cause),
        cause=cause,
        reported_at=_instant(seen.at_ms),
        uptime_s=round(report.uptime_s),
        answers=report.id == answering,
        readers=sum(each.readers for each in report.editions.values()) if is_gateway else None,
        readers_max=report.readers_max if is_gateway else None,
        waiting=report.waiting if seen.kind in (Kind.API, Kind.RELAY) else None,
    )


def _part_cause(seen: SeenPart, now_ms: int) -> Cause | None:
    report = seen.report
    conditions = {each.condition for each in report.editions.values()}
    causes = {
        Cause.PART_ENDED: report.has_ended,
        Cause.PART_SILENT: seen.is_silent(now_ms),
        Cause.PART_DRAINING: report.draining,
        Cause.PART_FAULT: Condition.FAULT in conditions,
        Cause.PART_WAITING: Condition.WAITING in conditions,
        Cause.DELIVERIES_GIVEN_UP: report.given_up > 0,
        Cause.RECEIVERS_DISABLED: report.disabled > 0,
    }
    return next((cause for cause, applies in causes.items() if applies), None)


def _level(cause: Cause | None) -> Level:
    return Level.OK if cause is None else _LEVELS.get(cause, Level.DOWN)


def _delivered(steps: Iterable[Step], edition: str) -> int:
    return sum(step.deliveries[edition] for step in steps)


def _history(steps: Sequence[Step | None]) -> HistoryStatus:
    return HistoryStatus(
        step_s=STEP_MS // 1000,
        readers=[None if step is None else sum(step.readers.values()) for step in steps],
        deliveries=[None if step is None else step.deliveries.total() for step in steps],
        most_ms=[None if step is None else percentile(step.latencies, 95) for step in steps],
    )


def _instant(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
