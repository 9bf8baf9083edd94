"""The readable log of `ticker up` on a terminal: one line per published entry, with the number of its readers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import aclosing
from datetime import datetime
from typing import Final, NoReturn

from ticker.backoff import Backoff
from ticker.core.entry import Logged, decode_entry
from ticker.core.errors import TickerError
from ticker.core.line import Change, Direction, Line
from ticker.core.submission import Reach
from ticker.store.connection import CLIENT_ERRORS, connect
from ticker.store.log_reader import last_seq, tail
from ticker.store.reach import reach_of, read_reports

REPORT_S: Final = 0.3
"""How long the gateways have to report how many readers got an entry."""

RETRY_S: Final = 1.0
RETRY_MOST_S: Final = 5.0
_WORDS: Final = {
    Change.NEW: "on air",
    Change.UPDATE: "updated",
    Change.REFILE: "refiled",
    Change.CORRECT: "corrected",
    Change.WITHDRAW: "withdrawn",
    Change.HIDE: "hidden",
    Change.UNHIDE: "back on air",
    Change.PIN: "pinned",
    Change.UNPIN: "unpinned",
}
_ISOLATE: Final = "\u2067{}\u2069"
"""Keeps a right-to-left text from changing the order of the other columns."""


async def show_activity(url: str, editions: Iterable[str], show: Callable[[str], None]) -> None:
    """Call `show` with a line of text for each entry of these editions from now on, until cancelled.

    It reads from Redis as any client does, so it costs the fan-out nothing, and it also shows other desks' entries.
    """
    async with asyncio.TaskGroup() as tasks:
        for name in editions:
            tasks.create_task(_show_edition(url, name, show), name=f"activity {name}")


async def _show_edition(url: str, name: str, show: Callable[[str], None]) -> NoReturn:
    seen: int | None = None
    backoff = Backoff(RETRY_S, RETRY_MOST_S)
    while True:
        try:
            async with (
                aclosing(connect(url, role="ticker")) as redis,
                aclosing(connect(url, role="ticker", blocking=True)) as blocking,
            ):
                seen = await last_seq(redis, name) if seen is None else seen
                while True:
                    entries = await tail(blocking, name, seen)
                    backoff.reset()
                    if not entries:
                        seen = min(seen, await last_seq(redis, name))  # `ticker rotate` began a new log
                        continue
                    await asyncio.sleep(REPORT_S)
                    reports = await read_reports(redis, name)
                    for raw in entries:
                        logged = decode_entry(raw.seq, raw.link, raw.data)
                        show(describe(name, logged, reach_of(raw.seq, reports), datetime.now().astimezone()))
                        seen = raw.seq
        except (OSError, TickerError, *CLIENT_ERRORS):
            await asyncio.sleep(backoff.next_s())  # the desk and the gateway report it


def describe(edition: str, logged: Logged, reach: Reach | None, now: datetime) -> str:
    """Return the line of text for an entry. `now` is in the time zone of the terminal."""
    entry = logged.entry
    readers = "" if reach is None else f"  · {reach.followers:,} reader{'' if reach.followers == 1 else 's'}"
    line = entry.hidden_version or entry.line
    text = _ISOLATE.format(_text(line)) if line.dir is Direction.RTL else _text(line)
    word = _WORDS[entry.line.change]
    return f"{now:%H:%M:%S}  {edition}  {entry.editor}  {word}  {text}{readers}"


def _text(line: Line) -> str:
    if not line.text:  # withdrawn: only the reason is left
        return line.correction or ""
    return line.text if line.attribution is None else f"{line.attribution}: {line.text}"
