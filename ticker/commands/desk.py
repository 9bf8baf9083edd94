"""`ticker desk`: the desk alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click

from ticker.commands.options import (
    data_option,
    editions_option,
    parse_address,
    settings_for,
    settings_option,
    url_of_redis,
)
from ticker.console import Console, examples, shared_options


@click.command(
    epilog=examples("ticker desk", "ticker desk --editions en --settings ticker.toml --metrics 127.0.0.1:9100"),
    short_help="Run the desk alone.",
)
@click.option(
    "--metrics",
    metavar="HOST:PORT",
    help="Serve /metrics, /healthz and /readyz on this address; port 0 chooses a free port.  [default: no server]",
)
@data_option
@editions_option
@settings_option
@shared_options
@click.pass_obj
def desk(
    console: Console, /, *, metrics: str | None, data: Path | None, editions: str | None, settings: Path | None
) -> None:
    """Run the desk: it applies the rules to what editors submit, and writes the logs.

    Prints `ready` when it accepts submissions. It creates the editions of its settings, and retries after every failure
    of Redis. Two desks may run at the same time, so that one can be restarted while the other works.
    """
    address = None if metrics is None else parse_address(metrics)
    url, chosen = url_of_redis(console, data), settings_for(console, settings, editions)
    from ticker.desk_process import run  # noqa: PLC0415 -- slow to import

    run(url, chosen, metrics=address, environ=console.environ, ready=partial(_print_ready, console))


def _print_ready(console: Console, editions: Sequence[str], metrics_url: str | None) -> None:
    line = "ready" if metrics_url is None else f"ready {metrics_url}"
    console.show({"ready": editions, "metrics": metrics_url}, line)
