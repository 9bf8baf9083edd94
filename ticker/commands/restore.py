"""`ticker restore`: put the editions of a backup in place."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import click

from ticker.commands.backup import count_of
from ticker.commands.options import data_option, run_with_redis
from ticker.console import USAGE, Console, Style, Styled, examples, shared_options
from ticker.core.errors import SettingsError

if TYPE_CHECKING:
    from ticker.backup.reader import Contents
    from ticker.backup.restoring import Restored, Restoring

SHOWN_MAX: Final = 20
"""How many changed lines are printed. With --json, all of them are."""

_EFFECTS: Final = {
    "stale": "the version before it shows",
    "hidden": "the line is hidden: correct it after `tick unhide`, or withdraw it",
    "withdrawn": "the line stays withdrawn",
}


class _Choice(NamedTuple):
    """The options of a restore."""

    editions: tuple[str, ...]
    replaces: bool
    hides: bool
    with_tokens: bool


@click.command(
    epilog=examples("ticker restore ticker.backup --dry-run", "ticker restore ticker.backup --replace --yes"),
    short_help="Put the editions of a backup in place.",
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-e", "--edition", multiple=True, help="Restore only this edition. Can be given several times.")
@click.option("--replace", "replaces", is_flag=True, help="Replace logs that have entries.")
@click.option("--hidden", "hides", is_flag=True, help="Hide every line that would show, until an editor unhides it.")
@click.option("--tokens", "with_tokens", is_flag=True, help="Restore the posting tokens, too.")
@click.option("--dry-run", is_flag=True, help="Print what would be done. Change nothing.")
@click.option("--yes", is_flag=True, help="Don't ask for confirmation.")
@data_option
@shared_options
@click.pass_obj
def restore(
    console: Console,
    /,
    *,
    file: Path,
    edition: tuple[str, ...],
    dry_run: bool,
    yes: bool,
    data: Path | None,
    **options: bool,
) -> int:
    """Put the editions of a backup in place of those in Redis. Every reader gets a new board.

    A text that was withdrawn, corrected or hidden since the backup stays off the board, as far as this server knows.
    Restored held items wait for an approval. The logs that are replaced are kept under another key.
    """
    choice = _Choice(edition, options["replaces"], options["hides"], options["with_tokens"])
    return _restore(console, data, file, choice, asks=not yes, is_dry_run=dry_run)


def _restore(console: Console, data: Path | None, file: Path, choice: _Choice, *, asks: bool, is_dry_run: bool) -> int:
    from ticker.backup import reader, restoring  # noqa: PLC0415 -- slow to import

    with reader.BackupFile(file) as opened:
        contents = opened.check()
        if contents.is_open:
            console.tell(Styled("warning", Style.WARNING, f": other users may read {file}: run chmod 600 {file}"))
        planned = run_with_redis(
            console,
            data,
            lambda redis: restoring.plan_editions(
                redis, opened, contents, choice.editions, datetime.now(UTC), hides=choice.hides
            ),
        )
        if is_dry_run:
            console.show(_document(contents, planned, []), *_lines(contents, planned), "nothing was changed")
            return 0
        if not console.json:
            for line in _lines(contents, planned):
                console.tell(line)
        _check_replaced(planned, choice)
        if asks and not _confirm(console, planned):
            console.tell("nothing was done")
            return USAGE
        wanted = contents.tokens if choice.with_tokens else ()
        done, tokens = run_with_redis(
            console,
            data,
            lambda redis: restoring.restore_all(redis, opened, planned, tokens=wanted, hides=choice.hides),
        )
    console.show(
        {**_document(contents, planned, done), "tokens": tokens},
        *(_done_line(each) for each in done),
        *([f"tokens  {tokens:,} restored"] if choice.with_tokens else []),
    )
    return 0


def _check_replaced(planned: list[Restoring], choice: _Choice) -> None:
    full = [each.edition for each in planned if each.replaced]
    if full and not choice.replaces:
        raise SettingsError(
            f"this server has a log of {', '.join(full)}: nothing was changed; --replace puts the backup in its place"
        )


def _confirm(console: Console, planned: list[Restoring]) -> bool:
    names = ", ".join(each.edition for each in planned)
    if not sys.stdin.isatty():
        raise SettingsError(f"this would give every reader of {names} a new board: confirm with --yes")
    return console.ask(f"Restore {names}, and give every reader a new board?")


def _lines(contents: Contents, planned: list[Restoring]) -> Iterator[str]:
    header = contents.header
    yield f"backup of {header.created_at:%Y-%m-%d %H:%M:%S} UTC, by Ticker {header.software}"
    for each in planned:
        yield from _lines_of(each)


def _lines_of(each: Restoring) -> Iterator[str]:
    name, section, plan = each.edition, each.section, each.plan
    has = (
        count_of(section.entries, "entry", "entries"),
        count_of(section.held, "held item", "held items"),
        count_of(section.editors, "editor", "editors"),
        count_of(section.receipts, "receipt", "receipts"),
    )
    yield f"{name}  has       {', '.join(has)}"
    if each.replaced:
        only = count_of(plan.gone, "line is", "lines are")
        entries = count_of(each.replaced, "entry", "entries")
        yield f"{name}  replaces  {entries}: {only} only in the log that is replaced"
    lost = [each for each in plan.repair.lost if each.effect != "gone"]
    for version in lost[:SHOWN_MAX]:
        change = f"{version.action}, {version.editor}, {version.published_at:%Y-%m-%d %H:%M:%S} UTC"
        yield f"{name}  since     line {version.id}, version {version.version} ({change}): {_EFFECTS[version.effect]}"
    if len(lost) > SHOWN_MAX:
        yield f"  … and {len(lost) - SHOWN_MAX:,} more: --json lists them"
    if plan.hidden:
        yield f"{name}  hides     {count_of(plan.hidden, 'line', 'lines')}, until an editor unhides them"


def _done_line(done: Restored) -> str:
    kept = f"; the log before is kept in the key {done.archive}" if done.archive else ""
    return (
        f"{done.edition}  restored and verified: {count_of(done.entries, 'entry', 'entries')}, at {done.position}{kept}"
    )


def _document(contents: Contents, planned: list[Restoring], done: list[Restored]) -> dict[str, object]:
    return {
        "created_at": contents.header.created_at,
        "editions": [
            {
                "edition": each.edition,
                "entries": each.section.entries,
                "held": each.section.held,
                "replaced": each.replaced,
                "gone": each.plan.gone,
                "hidden": each.plan.hidden,
                "since": each.plan.repair.lost,
            }
            for each in planned
        ],
        "restored": done,
    }
