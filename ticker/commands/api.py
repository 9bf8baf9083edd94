"""`ticker api`: the posting part, for content management systems."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from ticker.commands.options import (
    data_option,
    host_option,
    parse_address,
    settings_for,
    settings_option,
    url_of_redis,
)
from ticker.console import Console, examples, shared_options


@click.command(
    epilog=examples("ticker api", "ticker api --port 8090 --metrics 127.0.0.1:9102"),
    short_help="Accept submissions over HTTP, from a CMS.",
)
@host_option
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=8090, show_default=True, help="The port; 0 chooses a free one."
)
@click.option(
    "--metrics", metavar="HOST:PORT", help="Serve /metrics, /healthz and /readyz on this address.  [default: no server]"
)
@data_option
@settings_option
@shared_options
@click.pass_obj
def api(
    console: Console, /, *, host: str, port: int, metrics: str | None, data: Path | None, settings: Path | None
) -> None:
    """Accept submissions and decisions over HTTP, for content management systems (docs/posting.md).

    Each request has a token of `ticker token create`, and is submitted to the inbox of the token's editor. This
    server speaks HTTP without TLS: put a proxy in front of it.

    Prints `ready http://…` when it serves. After SIGTERM it answers the requests that have arrived, and ends; after a
    second SIGTERM it ends immediately.
    """
    address = None if metrics is None else parse_address(metrics)
    url, chosen = url_of_redis(console, data), settings_for(console, settings, None)
    from ticker.api_process import run  # noqa: PLC0415 -- slow to import

    run(
        url,
        chosen,
        address=(host, port),
        metrics=address,
        environ=console.environ,
        ready=partial(_print_ready, console),
    )


def _print_ready(console: Console, address: str) -> None:
    console.show({"ready": address}, f"ready {address}")
