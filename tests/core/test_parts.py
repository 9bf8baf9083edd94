"""What is known of the parts of a system from their reports: which are silent, and the figures of the last minutes."""

from __future__ import annotations

from typing import Any

from ticker.core.parts import (
    ENDED_MS,
    FORGET_MS,
    LATENCY_BOUNDS_MS,
    PARTS_MAX,
    SILENT_MS,
    STEP_MS,
    STEPS,
    Condition,
    EditionReport,
    Kind,
    Report,
    SeenParts,
    percentile,
)

NOW = 1_800_000_000_000
EDITIONS = frozenset({"en", "ar"})


def report(id: str = "aaaaaaaa", uptime_s: float = 10.0, **fields: Any) -> Report:  # noqa: A002 -- as the field
    return Report(id=id, uptime_s=uptime_s, **fields)


def gateway(uptime_s: float, deliveries: int, latencies: tuple[int, ...] = (), **fields: Any) -> Report:
    editions = {"en": EditionReport(Condition.OK, readers=7, deliveries=deliveries)}
    return report(uptime_s=uptime_s, editions=editions, latencies=latencies, **fields)


def test_part_is_silent_after_four_missing_reports_and_forgotten_later() -> None:
    seen = SeenParts()
    seen.add(Kind.DESK, report(), NOW, EDITIONS)
    assert [each.is_silent(NOW + SILENT_MS) for each in seen.known(NOW + SILENT_MS)] == [False]
    assert [each.is_silent(NOW + SILENT_MS + 1) for each in seen.known(NOW + SILENT_MS + 1)] == [True]
    assert len(seen.known(NOW + FORGET_MS)) == 1
    assert seen.known(NOW + FORGET_MS + 1) == []


def test_part_that_has_ended_is_never_silent_and_forgotten_soon() -> None:
    seen = SeenParts()
    seen.add(Kind.DESK, report(has_ended=True), NOW, EDITIONS)
    assert [each.is_silent(NOW + ENDED_MS) for each in seen.known(NOW + ENDED_MS)] == [False]
    assert seen.known(NOW + ENDED_MS + 1) == []


def test_late_report_does_not_replace_a_newer_one() -> None:
    seen = SeenParts()
    seen.add(Kind.RELAY, report(uptime_s=20.0, waiting=2), NOW, EDITIONS)
    seen.add(Kind.RELAY, report(uptime_s=10.0, waiting=1), NOW + 1, EDITIONS)
    assert [(each.report.waiting, each.at_ms) for each in seen.known(NOW + 1)] == [(2, NOW)]


def test_part_can_not_report_for_a_part_of_another_kind() -> None:
    seen = SeenParts()
    seen.add(Kind.DESK, report(), NOW, EDITIONS)
    seen.add(Kind.GATEWAY, report(uptime_s=99.0, has_ended=True), NOW + 1, EDITIONS)
    assert [(each.kind, each.report.has_ended) for each in seen.known(NOW + 1)] == [(Kind.DESK, False)]


def test_number_of_known_parts_is_limited() -> None:
    seen = SeenParts()
    for number in range(PARTS_MAX + 5):
        seen.add(Kind.GATEWAY, report(f"{number:08x}"), NOW, EDITIONS)
    assert len(seen.known(NOW)) == PARTS_MAX


def test_parts_are_in_the_order_of_their_kinds_and_the_oldest_is_first() -> None:
    seen = SeenParts()
    for kind, id_, uptime_s in ((Kind.RELAY, "1" * 8, 9.0), (Kind.GATEWAY, "2" * 8, 1.0), (Kind.GATEWAY, "3" * 8, 5.0)):
        seen.add(kind, report(id_, uptime_s), NOW, EDITIONS)
    assert [each.report.id[0] for each in seen.known(NOW)] == ["3", "2", "1"]


def test_steps_have_what_was_delivered_between_two_reports() -> None:
    seen = SeenParts()
    seen.add(Kind.GATEWAY, gateway(10, 1000, (5, 1)), NOW, EDITIONS)
    seen.add(Kind.GATEWAY, gateway(12, 1030, (7, 1)), NOW + 2_000, EDITIONS)
    seen.add(Kind.GATEWAY, gateway(15, 1031, (7, 3)), NOW + STEP_MS, EDITIONS)
    steps = seen.steps(NOW + 2 * STEP_MS)
    assert len(steps) == STEPS
    assert steps[:-2] == [None] * (STEPS - 2)
    first, second = steps[-2:]
    assert first is not None
    assert second is not None
    assert (first.deliveries.total(), first.latencies[:2], first.readers) == (30, [2, 0], {"aaaaaaaa": 7})
    assert (second.deliveries.total(), second.latencies[:2]) == (1, [0, 2])


def test_steps_of_an_edition_that_does_not_exist_are_not_kept() -> None:
    seen = SeenParts()
    for uptime_s, deliveries in ((1, 0), (2, 50)):
        editions = {name: EditionReport(Condition.OK, deliveries=deliveries) for name in ("en", "forged")}
        seen.add(Kind.GATEWAY, report(uptime_s=uptime_s, editions=editions), NOW, EDITIONS)
    step = seen.steps(NOW + STEP_MS)[-1]
    assert step is not None
    assert step.deliveries == {"en": 50}


def test_history_is_as_long_as_it_shows() -> None:
    seen = SeenParts()
    for number in range(3 * STEPS):
        seen.add(Kind.GATEWAY, gateway(number, 10 * number), NOW + number * STEP_MS, EDITIONS)
    assert len(seen._steps) == STEPS + 1
    seen.add(Kind.GATEWAY, report("b" * 8), NOW, EDITIONS)
    assert len(seen._steps) == STEPS + 1, "a report from before the history adds nothing"


def test_percentile_is_the_bound_that_so_many_deliveries_are_within() -> None:
    latencies = [0] * len(LATENCY_BOUNDS_MS)
    for bound, count in ((1, 94), (10, 5), (250, 1)):
        latencies[LATENCY_BOUNDS_MS.index(bound)] = count
    assert [percentile(latencies, percent) for percent in (50, 95, 99, 100)] == [1, 10, 10, 250]
    assert percentile([0] * len(LATENCY_BOUNDS_MS), 50) is None
