"""`ticker capacity`: measure how many followers this machine carries."""

from __future__ import annotations

import asyncio
import resource
import sys
from typing import TYPE_CHECKING, Final

import click

from ticker.console import Console, examples, shared_options
from ticker.core.errors import SettingsError, TickerError
from ticker.settings import Settings

if TYPE_CHECKING:
    from ticker.capacity.measurement import Measured
    from ticker.capacity.model import Plan, Prediction

FOLLOWERS: Final = 8_000
FOLLOWERS_MAX: Final = 20_000
"""One address has 28,000 ports for connections to one other."""


@click.command(
    short_help="Measure how many followers this machine carries.",
    epilog=examples("ticker capacity", "ticker capacity --workers 4 --every 5 --json"),
)
@click.option(
    "--followers",
    type=click.IntRange(100, FOLLOWERS_MAX),
    default=FOLLOWERS,
    show_default=True,
    help="How many followers to open for the measurement. More are more exact.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    help="The number of gateways' processes to plan for.  [default: one per core]",
)
@click.option(
    "--every",
    "interval_s",
    type=click.FloatRange(0.01, 3600),
    default=1.0,
    show_default=True,
    help="The seconds between two lines to plan for.",
)
@click.option(
    "--within",
    "p99_s",
    type=click.FloatRange(0.01, 60),
    default=1.0,
    show_default=True,
    help="The seconds within which 99 of 100 followers should have a line.",
)
@shared_options
@click.pass_obj
def capacity(console: Console, /, *, followers: int, workers: int | None, interval_s: float, p99_s: float) -> None:
    """Measure within a minute how many followers this machine carries, and what the first limit is.

    It starts a gateway, a Redis server and followers of its own on the loopback address, and ends them. A running
    system isn't touched, but it gets less CPU time meanwhile: run this before readers come. It needs the extra
    `embedded`, or a `redis-server` on PATH.
    """
    if sys.platform != "linux":
        raise TickerError("`ticker capacity` reads Linux's /proc: run it on the server, or in a container")
    from ticker.capacity import counters, measurement, model  # noqa: PLC0415 -- slow to import

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    room = (hard if hard != resource.RLIM_INFINITY else 2**20) - measurement.SPARE_FILES
    if followers > room:
        raise SettingsError(f"--followers is {followers}, but a process may open {hard} files: use at most {room}")
    plan = model.Plan(
        workers=workers or counters.cores(),
        interval_s=interval_s,
        p99_s=p99_s,
        handshakes_per_s=Settings().handshakes_per_s,
    )
    try:
        measured = asyncio.run(measurement.measure(console.environ, followers, console.show_progress))
    finally:
        console.show_progress("")
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    prediction = model.predict(measured.costs, measured.machine, plan)
    console.show(
        {"prediction": prediction, "plan": plan, **_fields(measured)}, *_lines(measured, plan, prediction, model.MARGIN)
    )


def _fields(measured: Measured) -> dict[str, object]:
    return {name: getattr(measured, name) for name in measured.__struct_fields__}


def _lines(measured: Measured, plan: Plan, prediction: Prediction, margin: float) -> list[str]:
    """Return the answer first, then what it rests on. `margin` is the share that the prediction uses."""
    costs, check = measured.costs, measured.check
    followers = _rounded(prediction.followers)
    others = [
        f"{name} {_rounded(each):,}" for name, each in prediction.limits.items() if name != prediction.first_limit
    ]
    memory = costs.process_bytes + costs.kernel_bytes
    texts = [
        f"about {followers:,} followers, with a line every {plan.interval_s:g} s that 99 of 100 have within",
        f" {prediction.p99_s:.2f} s",
        f"\n  first limit      {prediction.first_limit}; the others: {', '.join(others)}",
        f"\n  reconnect storm  {prediction.storm_s:.0f} s until all are back",
        f"\n  then in use      {prediction.cores:.1f} of {measured.machine.cores} cores,",
        f" {prediction.memory_bytes / 1e9:.1f} GB",
        f"\nmeasured with {', '.join(f'{step.followers:,}' for step in measured.steps)} followers",
        f" in {measured.seconds:.0f} s",
        f"\n  per delivery     {costs.delivery_s * 1e6:.1f} µs of CPU, and {costs.idle_s * 1e3:.1f} ms per line",
        f"\n  per follower     {memory / 1e3:.1f} KB of memory, {costs.kernel_bytes / 1e3:.1f} of them in the kernel",
        f"\n  per return       {costs.return_s * 1e6:.0f} µs of CPU",
        f"\n  check            {check.followers:,} followers, as predicted from the smaller numbers / as measured:",
        f" {check.predicted_cpu_per_line_s * 1e3:.0f} / {check.measured_cpu_per_line_s * 1e3:.0f} ms of CPU per line,",
        f" p99 {check.predicted_p99_s * 1e3:.0f} / {check.measured_p99_s * 1e3:.0f} ms",
        f"\nassumed: {plan.workers} workers with equal shares, {1 - margin:.0%} of CPU, time and memory kept free,",
        f" {plan.handshakes_per_s:,} handshakes per second and worker, no proxy on this machine",
        f"\nset `followers` to {-(-followers // plan.workers):,}",
    ]
    if check.is_disturbed:
        texts.append("\nother programs were busy meanwhile: repeat the measurement on a quiet machine")
    return "".join(texts).splitlines()


def _rounded(value: int) -> int:
    """Return two digits: the measurement isn't more exact."""
    unit: int = 10 ** max(len(str(value)) - 2, 0)
    return value - value % unit
