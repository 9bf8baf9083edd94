"""Find how many readers got each version of a line, from the gateways' reports, and print it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from publisher_cli.history import find_line, newest_first
from publisher_cli.output import messages
from publisher_cli.session import Session, find_edition
from ticker.console import Console, Printable, Style, Styled
from ticker.core.entry import Logged
from ticker.core.line import Change
from ticker.core.submission import Reach
from ticker.store.editions import StoredEdition
from ticker.store.reach import REPORTS_MOST, Report, first_reports, reach_of, read_reports
from ticker.store.relays import StoredVerdict, read_verdicts


class VersionReach(msgspec.Struct, frozen=True, kw_only=True):
    """The reach of one version of a line. `reach` is None if no report of it exists, or none is retained."""

    version: int
    change: Change
    seq: int
    published_at: datetime
    reach: Reach | None


class LineReach(msgspec.Struct, frozen=True, kw_only=True):
    """The reach of each version of a line.

    `relays` has the outcome of each version at each receiver of a relay, if the relay reports it. `unheard` are the
    gateways that sent an earlier version to readers and have not yet reported the newest one.
    """

    edition: str
    test: bool
    id: str
    versions: list[VersionReach]
    relays: list[StoredVerdict]
    unheard: list[str]


def show_reach(console: Console, data: Path | None, edition: str | None, line: str, editor: str | None) -> None:
    session = Session.find(console, data)
    found = asyncio.run(_load(session, edition, line, session.editor(editor)))
    if console.json:
        console.give(found)
        return
    for text in _lines(found, datetime.now(UTC)):
        console.say(text)
    if found.unheard:  # their readers may still see an earlier version
        text = (
            f": {', '.join(found.unheard)} sent an earlier version to readers and has not reported version "
            f"{found.versions[-1].version}: check whether it still runs (a gateway that has stopped has no readers)"
        )
        console.tell(Styled("warning", Style.WARNING, text, before="  "))


async def _load(session: Session, given: str | None, name: str, editor: str) -> LineReach:
    async with session.redis() as redis:
        stored = await find_edition(redis, given)
        line = (await find_line(redis, stored.name, name, editor)).line
        entries: list[Logged] = []
        async for found in newest_first(redis, stored.name):
            if found.entry.line.id == line.id:
                entries.append(found)
            if found.seq <= line.number:
                break
        reports = await read_reports(redis, stored.name, REPORTS_MOST)
        return _line_reach(stored, entries[::-1], reports, await read_verdicts(redis, stored.name, line.id))


def _line_reach(
    stored: StoredEdition, entries: Sequence[Logged], reports: Sequence[Report], verdicts: list[StoredVerdict]
) -> LineReach:
    versions = [
        VersionReach(
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
    return LineReach(
        edition=stored.name,
        test=stored.edition.test,
        id=entries[-1].entry.line.id,
        versions=versions,
        relays=verdicts,
        unheard=sorted(sent - first_reports(versions[-1].seq, reports).keys()),
    )


def _lines(found: LineReach, now: datetime) -> Iterator[Printable]:
    yield f"{messages.edition_name(found.edition, is_test=found.test)}  (id {found.id})"
    for version in found.versions:
        published = messages.clock(version.published_at, now)
        reach = "no gateway has reported it, or the report is no longer retained"
        if version.reach is not None:
            reach = messages.reach_text(version.reach, version.change)
        before = f"  {version.seq}  {published}  v{version.version}  "
        yield Styled(messages.DONE[version.change], Style.GOOD, f"  {reach}", before=before)
        for each in found.relays:
            if each.version == version.version:
                yield f"      {each.receiver}  {messages.verdict_text(each.verdict, each.reason)}"
