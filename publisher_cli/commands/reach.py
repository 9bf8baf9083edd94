"""`tick reach`: how far each version of a line came, and whether what was taken back is gone from the screens."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from publisher_cli import completing
from publisher_cli.exit_codes import Status
from publisher_cli.output import messages
from publisher_cli.session import Session, data_option, edition_option, editor_option, find_edition
from ticker.console import Console, examples, shared_options
from ticker.core.line import Change
from ticker.core.submission import Reach

if TYPE_CHECKING:
    from publisher_cli.history import Found
    from ticker.store.editions import StoredEdition
    from ticker.store.reach import Report


class _Version(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a line, and how far it came; `reach` is None where no gateway's report of it is left."""

    version: int
    change: Change
    seq: int
    published_at: datetime
    reach: Reach | None


class _Traced(msgspec.Struct, frozen=True, kw_only=True):
    """A line's way. `unheard` are gateways that sent it to readers and have said nothing of the newest version yet."""

    edition: str
    test: bool
    id: str
    versions: list[_Version]
    unheard: list[str]


@click.command(
    short_help="Show how many readers have a line.",
    epilog=examples("tick reach last -e en", "tick reach k7m2 -e en --json"),
)
@click.argument("line_id", metavar="ID", shell_complete=completing.lines)
@edition_option
@editor_option
@data_option
@shared_options
@click.pass_obj
def reach(console: Console, /, *, line_id: str, edition: str | None, editor: str | None, data: Path | None) -> Status:
    """Show how many readers got each version of a line, at how many gateways, and within what time.

    For a line that was withdrawn, it is from how many screens the text is gone. Gateways tell by themselves; the newest
    reports are kept, about 1,000 an edition.
    """
    session = Session.find(console, data)
    traced = asyncio.run(_trace(session, edition, line_id, session.editor(editor)))
    if console.json:
        console.give(traced)
        return Status.DONE
    for line in _lines(traced, datetime.now(UTC)):
        console.say(line)
    for line in _doubts(traced):
        console.tell(line)
    return Status.DONE


async def _trace(session: Session, given: str | None, named: str, editor: str) -> _Traced:
    from publisher_cli.history import find_line, newest_first  # noqa: PLC0415 -- `--help` needs no Redis client
    from ticker.store.reach import REPORTS_MOST, read_reports  # noqa: PLC0415

    async with session.redis() as redis:
        stored = await find_edition(redis, given)
        line = (await find_line(redis, stored.name, named, editor)).line
        entries: list[Found] = []
        async for found in newest_first(redis, stored.name):
            if found.entry.line.id == line.id:
                entries.append(found)
            if found.seq <= line.number:
                break
        return _traced(stored, entries[::-1], await read_reports(redis, stored.name, REPORTS_MOST))


def _traced(stored: StoredEdition, entries: Sequence[Found], reports: Sequence[Report]) -> _Traced:
    from ticker.store.reach import first_reports, reach_of  # noqa: PLC0415

    versions = [
        _Version(
            version=found.entry.line.version,
            change=found.entry.line.change,
            seq=found.seq,
            published_at=found.entry.line.updated_at,
            reach=reach_of(found.seq, reports),
        )
        for found in entries
    ]
    earlier = [first_reports(version.seq, reports) for version in versions[:-1]]
    sent = {gateway for each in earlier for gateway, report in each.items() if report.followers}
    unheard = sorted(sent - first_reports(versions[-1].seq, reports).keys())
    return _Traced(
        edition=stored.name,
        test=stored.edition.test,
        id=entries[-1].entry.line.id,
        versions=versions,
        unheard=unheard,
    )


def _lines(traced: _Traced, now: datetime) -> Iterator[str]:
    yield f"{messages.edition_name(traced.edition, is_test=traced.test)}  (id {traced.id})"
    for version in traced.versions:
        done = click.style(messages.DONE[version.change], fg="green", bold=True)
        published = messages.clock(version.published_at, now)
        yield f"  {version.seq}  {published}  v{version.version}  {done}  {_reached(version)}"


def _reached(version: _Version) -> str:
    if version.reach is None:
        return "no gateway's report of it is there (yet, or any more)"
    return messages.reach_words(version.reach, version.change)


def _doubts(traced: _Traced) -> Iterator[str]:
    """Why it may still stand somewhere: silence isn't a proof that it does."""
    if traced.unheard:
        newest = traced.versions[-1]
        warning = click.style("warning", fg="yellow", bold=True)
        yield (
            f"  {warning}: of version {newest.version} nothing was heard from {', '.join(traced.unheard)}, which sent "
            "an earlier one to readers: see whether it still runs (a gateway that ended has no readers any more)"
        )
