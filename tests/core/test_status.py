"""The status of Redis, of editions and of parts, as a function of reports and of the time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ticker.core.parts import SILENT_MS, Condition, EditionReport, Kind, Report, SeenPart, SeenParts
from ticker.core.status import Cause, Contact, Level, edition_status, part_status, redis_status, system_status

NOW = 1_800_000_000_000
LONG_AGO = NOW - SILENT_MS - 1
OK, WAITING, FAULT = Condition.OK, Condition.WAITING, Condition.FAULT
ME = "f" * 8


def instant(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def seen(kind: Kind, condition: Condition | None = OK, at_ms: int = NOW, **fields: Any) -> SeenPart:
    editions = {} if condition is None else {"en": EditionReport(condition, readers=5)}
    return SeenPart(kind, Report(**{"id": "a" * 8, "uptime_s": 1.0, "editions": editions, **fields}), at_ms)


DESK, GATEWAY = seen(Kind.DESK), seen(Kind.GATEWAY)


@pytest.mark.parametrize(
    ("contact", "level", "cause", "since"),
    [
        (Contact(), Level.UNKNOWN, Cause.REDIS_UNKNOWN, None),
        (Contact(answered_at_ms=NOW, round_trip_ms=0.4), Level.OK, None, None),
        (Contact(answered_at_ms=NOW - SILENT_MS), Level.OK, None, None),
        (Contact(answered_at_ms=LONG_AGO), Level.DOWN, Cause.REDIS_AWAY, LONG_AGO),
        (Contact(answered_at_ms=NOW - 3000, failing_since_ms=NOW), Level.DOWN, Cause.REDIS_AWAY, NOW - 3000),
        (Contact(failing_since_ms=NOW - 9), Level.DOWN, Cause.REDIS_AWAY, NOW - 9),
        (Contact(answered_at_ms=NOW, refuses=True), Level.WARNING, Cause.REDIS_REFUSES, None),
    ],
)
def test_redis_is_away_since_its_last_answer(
    contact: Contact, level: Level, cause: Cause | None, since: int | None
) -> None:
    status = redis_status(contact, NOW)
    assert (status.level, status.cause) == (level, cause)
    assert status.since == (None if since is None else instant(since))


@pytest.mark.parametrize(
    ("parts", "level", "cause"),
    [
        ([DESK, GATEWAY], Level.OK, None),
        ([GATEWAY], Level.DOWN, Cause.NO_DESK),
        ([DESK], Level.DOWN, Cause.NO_GATEWAY),
        ([seen(Kind.DESK, None), GATEWAY], Level.DOWN, Cause.NO_DESK),
        ([seen(Kind.DESK, OK, LONG_AGO), GATEWAY], Level.DOWN, Cause.DESK_SILENT),
        ([seen(Kind.DESK, OK, LONG_AGO), DESK, GATEWAY], Level.OK, None),
        ([seen(Kind.DESK, has_ended=True), GATEWAY], Level.DOWN, Cause.NO_DESK),
        ([seen(Kind.DESK, WAITING), GATEWAY], Level.DOWN, Cause.DESK_WAITING),
        ([seen(Kind.DESK, FAULT), GATEWAY], Level.DOWN, Cause.PUBLISHING_STOPPED),
        ([seen(Kind.DESK, FAULT), seen(Kind.GATEWAY, FAULT)], Level.DOWN, Cause.LOG_DAMAGED),
        ([DESK, seen(Kind.GATEWAY, WAITING)], Level.DOWN, Cause.NO_GATEWAY),
        ([DESK, seen(Kind.GATEWAY, None)], Level.DOWN, Cause.NO_GATEWAY),
        ([DESK, seen(Kind.GATEWAY, OK, LONG_AGO)], Level.DOWN, Cause.NO_GATEWAY),
        ([DESK, GATEWAY, seen(Kind.GATEWAY, WAITING)], Level.WARNING, Cause.GATEWAYS_BEHIND),
        ([DESK, GATEWAY, seen(Kind.GATEWAY, FAULT)], Level.DOWN, Cause.LOG_DAMAGED),
    ],
)
def test_edition_works_if_a_desk_accepts_its_lines_and_every_gateway_follows(
    parts: list[SeenPart], level: Level, cause: Cause | None
) -> None:
    status = edition_status("en", parts, 0, NOW)
    assert (status.level, status.cause) == (level, cause)


def test_edition_names_the_last_report_of_a_silent_desk() -> None:
    status = edition_status("en", [seen(Kind.DESK, OK, LONG_AGO - 5), seen(Kind.DESK, OK, LONG_AGO), GATEWAY], 0, NOW)
    assert status.since == instant(LONG_AGO)


def test_edition_counts_only_gateways_that_report() -> None:
    parts = [DESK, GATEWAY, GATEWAY, seen(Kind.GATEWAY, OK, LONG_AGO), seen(Kind.GATEWAY, has_ended=True)]
    status = edition_status("en", parts, 40, NOW)
    assert (status.desks, status.following, status.gateways, status.readers, status.deliveries) == (1, 2, 2, 10, 40)


@pytest.mark.parametrize(
    ("part", "level", "cause"),
    [
        (DESK, Level.OK, None),
        (seen(Kind.DESK, OK, LONG_AGO), Level.WARNING, Cause.PART_SILENT),
        (seen(Kind.DESK, OK, LONG_AGO, has_ended=True), Level.OK, Cause.PART_ENDED),
        (seen(Kind.GATEWAY, draining=True), Level.WARNING, Cause.PART_DRAINING),
        (seen(Kind.GATEWAY, WAITING), Level.WARNING, Cause.PART_WAITING),
        (seen(Kind.DESK, FAULT), Level.WARNING, Cause.PART_FAULT),
        (seen(Kind.RELAY, None, given_up=1), Level.WARNING, Cause.DELIVERIES_GIVEN_UP),
        (seen(Kind.RELAY, None, disabled=1), Level.WARNING, Cause.RECEIVERS_DISABLED),
        (seen(Kind.RELAY, None, waiting=9), Level.OK, None),
    ],
)
def test_part_without_a_report_is_never_ok(part: SeenPart, level: Level, cause: Cause | None) -> None:
    status = part_status(part, ME, NOW)
    assert (status.level, status.cause, status.reported_at) == (level, cause, instant(part.at_ms))


def test_sum_has_only_gateways_that_report_and_says_how_many() -> None:
    parts = SeenParts()
    for id_, at_ms in ((ME, NOW), ("b" * 8, NOW), ("c" * 8, LONG_AGO)):
        editions = {"en": EditionReport(OK, readers=100)}
        parts.add(Kind.GATEWAY, Report(id=id_, uptime_s=1, editions=editions, readers_max=500), at_ms, {"en"})
    status = system_status(parts, Contact(answered_at_ms=NOW), ["en"], ME, NOW)
    assert (status.readers, status.readers_max, status.gateways, status.gateways_known) == (200, 1000, 2, 3)
    assert [part.answers for part in status.parts if part.id == ME] == [True]
    assert status.level is Level.DOWN, "no desk has reported"


def test_system_without_any_report_is_not_ok() -> None:
    status = system_status(SeenParts(), Contact(), [], ME, NOW)
    assert status.level is Level.UNKNOWN
    assert status.history.readers == [None] * len(status.history.readers)


def test_every_cause_and_level_has_words_in_every_language() -> None:
    from ticker.web.status import LANGUAGES, page_words  # noqa: PLC0415 -- the only test here that needs the page

    keys = {*Cause, *Kind, *(f"level_{level}" for level in Level)}
    english = page_words()["en"]
    for language in LANGUAGES:
        words = page_words()[language]
        assert keys <= words.keys() == english.keys(), language
        assert [key for key in words if ("{since}" in words[key]) is not ("{since}" in english[key])] == []
