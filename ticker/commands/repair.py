"""`ticker repair`: put a new history in place of a damaged log."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import msgspec

from ticker.commands.options import data_option, run_with_redis
from ticker.console import USAGE, Console, examples, shared_options
from ticker.core.errors import SettingsError

if TYPE_CHECKING:
    from ticker.core.repair import LostVersion
    from ticker.store.log_repair import Damaged

SHOWN_MAX: Final = 20
"""How many faults and lost versions are printed. With --json, all of them are."""

_EFFECTS: Final = {
    "gone": "no version of the line is left: post it again if it is still news",
    "stale": "the version before it shows: check it",
    "hidden": "the line is hidden: correct it after `tick unhide`, or withdraw it",
    "withdrawn": "the line stays withdrawn",
}


@click.command(
    epilog=examples("ticker repair en --dry-run", "ticker repair en --yes"), short_help="Repair a damaged log."
)
@click.argument("edition")
@click.option("--dry-run", is_flag=True, help="Print what would be kept and what is lost. Change nothing.")
@click.option("--yes", is_flag=True, help="Don't ask for confirmation.")
@data_option
@shared_options
@click.pass_obj
def repair(console: Console, /, *, edition: str, dry_run: bool, yes: bool, data: Path | None) -> int:
    """Put a new history in place of a damaged log. It has every readable line, the board, the pins and the held items.

    Every line of it can be changed and withdrawn. Every reader gets the new board. The damaged log is kept under
    another key. A line whose withdrawal was lost stays withdrawn, as far as the receipts tell.
    """
    from ticker.store import log_repair  # noqa: PLC0415 -- slow to import

    damaged = run_with_redis(console, data, lambda redis: log_repair.inspect_log(redis, edition))
    document = _document(damaged)
    if not damaged.plan.is_needed:
        console.show(document, f"{edition}  needs no repair: {_count(damaged.plan.kept, 'entry', 'entries')} verified")
        return 0
    if dry_run:
        console.show(
            document, *_lines(damaged), f"{edition}  nothing was changed: repair it with ticker repair {edition}"
        )
        return 0
    if not console.json:
        for line in _lines(damaged):
            console.tell(line)
    if not yes:
        if not sys.stdin.isatty():
            raise SettingsError(f"this would give every reader of {edition} a new board: confirm with --yes")
        if not console.ask(f"Repair the log of {edition}, and give every reader the new board?"):
            console.tell("nothing was done")
            return USAGE
    archive = run_with_redis(console, data, lambda redis: log_repair.repair_log(redis, damaged))
    console.show(
        {**document, "archive": archive},
        f"{edition}  is repaired; the damaged log is kept in the key {archive}",
    )
    return 0


def _document(damaged: Damaged) -> dict[str, object]:
    plan = damaged.plan
    return {
        "edition": damaged.stored.name,
        "needed": plan.is_needed,
        "faults": msgspec.to_builtins(plan.faults),
        "lost": msgspec.to_builtins(plan.lost),
        "unexplained": msgspec.to_builtins(plan.unexplained),
        "kept": _kept(damaged),
        "archive": None,
    }


def _kept(damaged: Damaged) -> dict[str, int]:
    now = datetime.now(UTC)
    edition = damaged.stored.edition
    shown = damaged.board.lines(now, edition.board_lines, notices=edition.notices)
    return {
        "entries": damaged.plan.kept,
        "lines": len(damaged.board),
        "board": len(shown),
        "pinned": sum(line.is_pinned(now) for line in shown),
        "held": damaged.held,
    }


def _lines(damaged: Damaged) -> Iterator[str]:
    plan, name = damaged.plan, damaged.stored.name
    yield from _at_most([f"{name}  damaged  {fault.detail}" for fault in plan.faults])
    yield from _at_most([f"{name}  lost     {_lost_text(lost)}" for lost in plan.lost])
    if plan.unexplained:
        faults = _count(len(plan.unexplained), "fault", "faults")
        yield (
            f"{name}  unknown  no receipt tells what {faults} destroyed. If it was a withdrawal or a correction, the "
            "text before it shows again: check the board afterwards"
        )
    kept = _kept(damaged)
    yield (
        f"{name}  kept     {_count(kept['entries'], 'entry', 'entries')}, {_count(kept['lines'], 'line', 'lines')}: "
        f"{kept['board']:,} on the board, {kept['pinned']:,} pinned; {_count(kept['held'], 'held item', 'held items')}"
    )


def _lost_text(lost: LostVersion) -> str:
    when = f"{lost.published_at:%Y-%m-%d %H:%M:%S} UTC"
    return f"line {lost.id}, version {lost.version} ({lost.action}, {lost.editor}, {when}): {_EFFECTS[lost.effect]}"


def _at_most(lines: list[str]) -> Iterator[str]:
    yield from lines[:SHOWN_MAX]
    if len(lines) > SHOWN_MAX:
        yield f"  … and {len(lines) - SHOWN_MAX:,} more: --json lists them"


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"
