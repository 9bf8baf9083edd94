from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from benchmarks.reconnect_model import RETRANSMIT_S, STEP_S, TOLD_SPREAD, Action, Client, Course, Event, Fleet, Storm
from benchmarks.reconnect_storm import PANELS, SCENARIOS, draw, per_second, row

CONNECTION = Path(__file__).parents[2] / "ticker" / "widget" / "src" / "connection.js"
FLEET = Fleet(gateways=4, readers=4_000, handshakes_per_s=200, requests_per_s=400)
GATEWAYS = range(FLEET.gateways)
ALL_LOST = [Event(0, Action.LOSE, GATEWAYS), Event(2, Action.RETURN, GATEWAYS)]


def storm(*events: Event, fleet: Fleet = FLEET, client: Client | None = None, seconds: float = 120) -> Course:
    return Storm(fleet, client or Client(), random.Random(7).random).run(events, seconds)


def test_readers_without_trouble_stay_connected() -> None:
    course = storm()

    assert (max(course.offline), sum(course.requests)) == (0, 0)
    assert course.away_s(1) == 0


def test_readers_of_one_lost_gateway_come_back_within_the_first_delay_if_the_others_have_room() -> None:
    roomy = FLEET._replace(handshakes_per_s=2_000, requests_per_s=4_000)

    course = storm(Event(0, Action.LOSE, [0]), fleet=roomy)

    assert course.offline[0] == 1_000
    assert course.away_s(1) <= 1 + STEP_S
    assert (sum(course.requests), sum(course.refused)) == (1_000, 0)


def test_every_reader_comes_back_exactly_once() -> None:
    course = storm(*ALL_LOST)

    assert sum(course.away.values()) == FLEET.readers
    assert course.offline[-1] == 0


def test_gateways_never_admit_more_than_their_rate() -> None:
    """At the start they have one second's worth of handshakes in reserve."""
    course = storm(Event(0, Action.LOSE, GATEWAYS), Event(0, Action.RETURN, GATEWAYS))

    for second in range(1, 5):
        back = FLEET.readers - course.offline[round(second / STEP_S)]
        assert back <= FLEET.gateways * FLEET.handshakes_per_s * (second + 1 + STEP_S)


def test_refused_readers_wait_longer_each_time() -> None:
    patient = storm(*ALL_LOST)
    impatient = storm(*ALL_LOST, client=Client(most_s=1.0))

    assert sum(patient.requests) < 0.75 * sum(impatient.requests)


def test_random_delays_spread_the_first_requests() -> None:
    spread_out = storm(*ALL_LOST, seconds=2)
    together = storm(*ALL_LOST, client=Client(jitter=0), seconds=2)

    assert max(together.requests) == FLEET.readers
    assert max(spread_out.requests) < FLEET.readers / 4


def test_requests_beyond_the_listen_queue_are_sent_again() -> None:
    small = FLEET._replace(readers=40_000)
    lost = Event(0, Action.LOSE, GATEWAYS), Event(0, Action.RETURN, GATEWAYS)

    course = storm(*lost, fleet=small, client=Client(jitter=0), seconds=1 + RETRANSMIT_S + 2 * STEP_S)

    again = [step for step, requests in enumerate(course.requests) if requests > 20_000]
    assert again == [round(1 / STEP_S), round((1 + RETRANSMIT_S) / STEP_S)]


def test_drain_keeps_readers_away_only_for_the_delay_that_they_were_told() -> None:
    roomy = FLEET._replace(handshakes_per_s=2_000, requests_per_s=4_000)

    course = storm(Event(0, Action.DRAIN, [0]), fleet=roomy)

    assert sum(course.away.values()) == 1_000
    assert course.away_s(1) <= 10 * (1 + TOLD_SPREAD) + STEP_S
    assert max(course.offline) < 600  # a gateway that ends at once loses 1,000


def test_drained_gateway_returns_after_its_restart() -> None:
    alone = Fleet(gateways=1, readers=100, drain_s=1.0, restart_s=2.0)

    course = storm(Event(0, Action.DRAIN, [0]), fleet=alone)

    first_back = next(step for step, offline in enumerate(course.offline[40:], 40) if offline < 100)
    assert first_back >= round(3 / STEP_S)
    assert course.offline[-1] == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [("RETRY_DELAY_MS", Client().first_s), ("RETRY_DELAY_MAX_MS", Client().most_s)],
)
def test_delays_are_those_of_the_element(name: str, value: float) -> None:
    found = re.search(rf"const {name} = ([\d_]+);", CONNECTION.read_text(encoding="utf-8"))

    assert found is not None
    assert int(found[1]) == value * 1_000


def test_chart_has_a_curve_for_each_scenario_of_a_panel() -> None:
    courses = [storm(*ALL_LOST, seconds=30) for _ in SCENARIOS]

    svg = draw(courses)

    assert svg.count('points="90.0,') == sum(len(panel.scenarios) for panel in PANELS)


def test_row_has_the_peak_and_the_sum_of_requests() -> None:
    course = storm(Event(0, Action.LOSE, [0]), fleet=FLEET._replace(handshakes_per_s=2_000, requests_per_s=4_000))

    assert row("one ends", course) == (
        f"| one ends | 1,000 | {course.away_s(0.5):.1f} s | {course.away_s(0.99):.1f} s | {course.away_s(1):.1f} s "
        f"| 1,000 | {max(per_second(course.requests)):,} | 0 |"
    )
