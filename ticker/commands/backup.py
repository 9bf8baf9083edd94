"""`ticker backup`: save what Redis has of the editions to a file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ticker import __version__
from ticker.commands.options import data_option, run_with_redis
from ticker.console import Console, examples, shared_options

if TYPE_CHECKING:
    from ticker.backup.saving import Saved
    from ticker.store.connection import Redis


@click.command(
    epilog=examples("ticker backup /backups/ticker.backup", "ticker backup en.backup -e en --json"),
    short_help="Save the editions to a file.",
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-e", "--edition", multiple=True, help="Save only this edition. Can be given several times.")
@data_option
@shared_options
@click.pass_obj
def backup(console: Console, /, *, file: Path, edition: tuple[str, ...], data: Path | None) -> int:
    """Save the editions to FILE: logs, held items, receipts, editors, settings and posting tokens.

    Desks and gateways go on meanwhile. Each edition is saved as it is at one moment. FILE is replaced when the new
    backup is complete. Only you can read it: it has notes for staff and texts that aren't public.
    """
    from ticker.backup import saving, writer  # noqa: PLC0415 -- slow to import

    async def save(redis: Redis) -> tuple[list[Saved], int]:
        with writer.BackupWriter(file) as opened:
            names = tuple(dict.fromkeys(edition))
            saved = await saving.save_backup(redis, opened, names, datetime.now(UTC), __version__)
        return saved, opened.bytes

    saved, size = run_with_redis(console, data, save)
    console.show(
        {"file": str(file), "bytes": size, "editions": saved},
        *(_line(each) for each in saved),
        f"saved to {file} ({size:,} bytes)",
    )
    return 0


def _line(saved: Saved) -> str:
    parts = (
        count_of(saved.entries, "entry", "entries"),
        count_of(saved.held, "held item", "held items"),
        count_of(saved.editors, "editor", "editors"),
        count_of(saved.receipts, "receipt", "receipts"),
    )
    return f"{saved.edition}  {', '.join(parts)}, at {saved.position}"


def count_of(number: int, one: str, many: str) -> str:
    """Return a number with its noun."""
    return f"{number:,} {one if number == 1 else many}"
