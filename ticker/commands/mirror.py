"""`ticker mirror`: the answers of a gateway as files, for static hosts."""

from __future__ import annotations

from pathlib import Path

import click

from ticker.commands.options import data_folder, data_option
from ticker.console import Console, examples, shared_options
from ticker.core.edition import check_name
from ticker.core.errors import SettingsError
from ticker.store.data_folder import gateway_url


@click.command(
    epilog=examples("ticker mirror public", "ticker mirror public -e en --gateway http://10.0.0.11:8080"),
    short_help="Write the tail, feeds and pages as files, for static hosts.",
)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--edition", "-e", "editions", multiple=True, help="Only this edition; repeatable.  [default: all]")
@click.option(
    "--gateway",
    metavar="URL",
    envvar="TICKER_GATEWAY_URL",
    help="Read from this gateway.  [env: TICKER_GATEWAY_URL; default: that of `ticker up` on this machine]",
)
@click.option(
    "--every", type=click.FloatRange(0.1, 3600), default=1.0, show_default=True, help="Seconds between rounds."
)
@click.option(
    "--keep",
    type=click.FloatRange(0, 30 * 86_400),
    default=0.0,
    help="Remove all files after so many seconds without the gateway.  [default: 0, which keeps them]",
)
@click.option("--once", is_flag=True, help="Do one round, and end.")
@data_option
@shared_options
@click.pass_obj
def mirror(
    console: Console,
    /,
    *,
    folder: Path,
    editions: tuple[str, ...],
    gateway: str | None,
    every: float,
    keep: float,
    once: bool,
    data: Path | None,
) -> None:
    """Write an edition's tail, board, feeds and pages into FOLDER, and keep them up to date (docs/cdn.md).

    The folder belongs to the mirror: it must be empty at first. It gets the settings of the web server, too:
    `_headers` and `_nginx.conf`. Private editions are left out.

    Prints `ready` when all files are there.
    """
    address = gateway or gateway_url(data_folder(console, data))
    if address is None:
        raise SettingsError("no gateway is named, and none of `ticker up` runs here: give one with --gateway")
    from ticker import mirror_process  # noqa: PLC0415 -- slow to import

    mirror_process.run(
        console,
        mirror_process.Wanted(
            folder=folder,
            gateway=address,
            editions=[check_name(name) for name in editions],
            every_s=every,
            keep_s=keep,
            once=once,
        ),
    )
