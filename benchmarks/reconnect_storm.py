"""Simulate a million readers who lose their gateways: `python -m benchmarks.reconnect_storm`.

It prints the table of docs/scaling.md and draws the chart beside it, docs/reconnect-storm.svg, within about ten
minutes. The same seed gives the same table.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import click

from benchmarks.curves import Curve, Plot, draw_plots
from benchmarks.reconnect_model import STEP_S, Action, Client, Course, Event, Fleet, Storm

CHART: Final = Path(__file__).parent.parent / "docs" / "reconnect-storm.svg"
SEED: Final = 1
FLEET: Final = Fleet(gateways=64, readers=1_000_000)
EVERY: Final = range(FLEET.gateways)
TOGETHER: Final = 4
"""The number of gateways that a rolling restart restarts together."""
TURN_S: Final = FLEET.drain_s + FLEET.restart_s + 1.0
ELEMENT: Final = Client()
IMPATIENT: Final = Client(first_s=1.0, most_s=1.0, jitter=0.0, probes=False)


class Scenario(NamedTuple):
    """A row of the table. `seconds`: how long it is simulated."""

    name: str
    client: Client
    events: Sequence[Event]
    seconds: float


SCENARIOS: Final = (
    Scenario("one of 64 gateways ends", ELEMENT, [Event(0, Action.LOSE, [0])], 60),
    Scenario("half of the gateways end", ELEMENT, [Event(0, Action.LOSE, range(32))], 90),
    Scenario(
        "all end, and return after 5 s", ELEMENT, [Event(0, Action.LOSE, EVERY), Event(5, Action.RETURN, EVERY)], 90
    ),
    Scenario(
        "the same, with readers that retry every second",
        IMPATIENT,
        [Event(0, Action.LOSE, EVERY), Event(5, Action.RETURN, EVERY)],
        90,
    ),
    Scenario(
        f"rolling restart, {TOGETHER} at once",
        ELEMENT,
        [Event(number // TOGETHER * TURN_S, Action.DRAIN, [number]) for number in EVERY],
        FLEET.gateways / TOGETHER * TURN_S + 30,
    ),
)


class Panel(NamedTuple):
    """Curves with the same axes. `scenarios`: places in `SCENARIOS`."""

    title: str
    scenarios: Sequence[int]
    per_second: bool


PANELS: Final = (
    Panel("Readers without a connection", (1, 2, 3), per_second=False),
    Panel("Requests per second, answered or not", (1, 2, 3), per_second=True),
    Panel("Readers without a connection", (4,), per_second=False),
)
PER_S: Final = round(1 / STEP_S)


@click.command()
def main() -> None:
    """Print the table, and draw the chart."""
    courses = []
    click.echo("| event | offline at first | back: half | 99 % | all | requests | most per second | refused |")
    click.echo("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for scenario in SCENARIOS:
        course = Storm(FLEET, scenario.client, random.Random(SEED).random).run(scenario.events, scenario.seconds)
        courses.append(course)
        click.echo(row(scenario.name, course))
    CHART.write_text(draw(courses), encoding="utf-8")


def row(name: str, course: Course) -> str:
    """Return a row of the table. The times are those of single losses, in seconds."""
    times = " | ".join(f"{course.away_s(share):.1f} s" for share in (0.5, 0.99, 1.0))
    counts = " | ".join(
        f"{count:,}" for count in (sum(course.requests), max(per_second(course.requests)), sum(course.refused))
    )
    return f"| {name} | {max(course.offline):,} | {times} | {counts} |"


def per_second(counts: Sequence[int]) -> list[int]:
    """Return the sums of whole seconds."""
    return [sum(counts[start : start + PER_S]) for start in range(0, len(counts), PER_S)]


def draw(courses: Sequence[Course]) -> str:
    """Return the chart as a self-contained SVG."""
    caption = f"{FLEET.readers:,} readers of {FLEET.gateways} gateways, simulated"
    return draw_plots(caption, [_plot(panel, courses) for panel in PANELS])


def _plot(panel: Panel, courses: Sequence[Course]) -> Plot:
    curves = [
        Curve(
            SCENARIOS[place].name,
            per_second(courses[place].requests) if panel.per_second else courses[place].offline[::PER_S],
        )
        for place in panel.scenarios
    ]
    return Plot(panel.title, curves, max(len(curve.values) for curve in curves) - 1)


if __name__ == "__main__":
    main()
