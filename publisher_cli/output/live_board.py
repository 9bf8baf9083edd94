"""The output of `tick watch`: a live board on a terminal, one line per entry elsewhere, or JSON."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, TypeAlias

from publisher_cli.history import short_ids
from publisher_cli.output import bidi, messages
from publisher_cli.output.tables import board_row, fitted
from ticker.client.follower import Connecting, Event, Lost, Received, editions_at, follow_events
from ticker.console import Console, Style, Styled
from ticker.core.board import Board
from ticker.core.edition import NOTICES
from ticker.core.entry import Entry
from ticker.core.errors import SettingsError, StoreError
from ticker.core.escaping import escape
from ticker.core.line import Line
from ticker.core.messages import (
    BoardMessage,
    ByeMessage,
    EditionInfo,
    ForgetMessage,
    HeartbeatMessage,
    LineMessage,
    LiveMessage,
    Message,
)

if TYPE_CHECKING:
    from rich.console import RenderableType

    from publisher_cli.output.terminal import Terminal

Show: TypeAlias = Callable[[Event | None, datetime], None]
"""Shows an event at an instant. The event None updates only what depends on the time."""

KEPT: Final = 500
"""How many lines the board keeps: many more than it shows, so that others move up when a line leaves."""

FRESH: Final = timedelta(seconds=60)
"""How long a new or changed line is highlighted."""


def only_edition(gateway: str) -> str:
    """Return the name of a gateway's only edition.

    Raises:
        StoreError: If the gateway serves no edition, or can't be reached.
        SettingsError: If there are several.

    """
    names = editions_at(gateway)
    if not names:
        raise StoreError("there is no edition yet: start the desk (`ticker up` or `ticker desk`), which creates them")
    if len(names) > 1:
        raise SettingsError(f"several editions exist ({', '.join(names)}): choose one with -e or TICK_EDITION")
    return names[0]


async def show_live(
    console: Console, find: Callable[[], str], edition: str, query: Mapping[str, Sequence[str]], after: str | None
) -> None:
    """Follow an edition through the gateway that `find` names, and show it until cancelled.

    `after` is the position of the last entry that is already known, or None.

    Raises:
        RefusedError: If the gateway refuses the request for good.
        OutputError: If the output is a pipe whose other end is closed.

    """
    with open_screen(console, edition) as show:
        async with aclosing(follow_events(find, edition, query, after=after)) as events, asyncio.TaskGroup() as tasks:
            clock = tasks.create_task(_each_second(show))
            try:
                async for event in events:
                    show(event, datetime.now(UTC))
            finally:
                clock.cancel()


async def _each_second(show: Show) -> None:
    """Update the screen once per second: lines expire, pins end, and the countdown to the next attempt changes."""
    while True:
        await asyncio.sleep(1)
        show(None, datetime.now(UTC))


@contextmanager
def open_screen(console: Console, edition: str) -> Iterator[Show]:
    """Open the output that suits the console, and yield its `show` function."""
    if console.json:
        yield JsonLines(console).show
    elif console.is_for_people:
        with LiveBoard(console, edition).open() as show:
            yield show
    else:
        yield PlainLines(console, edition).show


class JsonLines:
    """Prints each message as JSON. The state of the connection goes to standard error."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def show(self, event: Event | None, _: datetime) -> None:
        if isinstance(event, Received):
            if isinstance(event.message, BoardMessage | LineMessage | ForgetMessage | LiveMessage):
                self._console.give_raw(event.data)
                self._console.out.flush()
        elif event is not None:
            self._console.tell(state_of(event))
        else:
            self._console.check_reader()


class PlainLines:
    """Prints the board, oldest line first, then one line per entry. The connection's state goes to standard error."""

    def __init__(self, console: Console, edition: str) -> None:
        self._console = console
        self._edition = edition

    def show(self, event: Event | None, now: datetime) -> None:
        if not isinstance(event, Received):
            if event is None:
                self._console.check_reader()
            else:
                self._console.tell(state_of(event))
            return
        match event.message:
            case BoardMessage(position=position, reset=reset, lines=lines):
                if reset is not None:
                    self._console.tell(f"a new board replaces everything above ({reset})")
                for line in sorted(lines, key=lambda line: line.number):
                    self._say(position, "board", line, now)
            case LineMessage(position=position, line=line):
                self._say(position, line.change, line, now)
            case LiveMessage():
                self._console.tell("live")
            case _:
                pass
        self._console.out.flush()

    def _say(self, position: str, label: str, line: Line, now: datetime) -> None:
        seq = position.partition("-")[0]
        edition = messages.edition_name(self._edition, is_test=line.test)
        cells = (edition, seq, messages.clock(line.updated_at, now), label, line.id, messages.marks(line, now))
        self._console.say("  ".join(filter(None, (*cells, bidi.isolated(messages.shown_text(line), line.dir)))))


class LiveBoard:
    """Shows the board on the whole terminal. The state of the connection is always at the top."""

    def __init__(self, console: Console, edition: str) -> None:
        self._console = console
        self._name = edition
        self._info: EditionInfo | None = None
        self._board = Board()
        self._size = 10
        self._position = ""
        self._state = "connecting"
        self._style = "yellow"
        self._retry_at: datetime | None = None

    @contextmanager
    def open(self) -> Iterator[Show]:
        from rich.live import Live  # noqa: PLC0415 -- slow to import, and only for terminals

        from publisher_cli.output.terminal import open_terminal  # noqa: PLC0415 -- as above

        terminal = open_terminal(self._console, self._console.out)
        with Live(console=terminal, screen=True, auto_refresh=False, vertical_overflow="crop") as live:

            def show(event: Event | None, now: datetime) -> None:
                if event is not None:
                    self._apply(event, now)
                live.update(self._render(terminal, now), refresh=True)

            yield show

    def _apply(self, event: Event, now: datetime) -> None:
        match event:
            case Connecting():
                self._state, self._style, self._retry_at = str(state_of(event)), "yellow", None
            case Lost(reason=reason, retry_s=retry_s):
                self._state, self._style, self._retry_at = reason, "bold red", now + timedelta(seconds=retry_s)
            case Received(message=message):
                self._receive(message)

    def _receive(self, message: Message | None) -> None:
        match message:
            case BoardMessage():
                self._board, self._info, self._position = Board(), message.edition, message.position
                for line in message.lines:
                    self._board.apply(as_entry(line))
                self._size = max(self._size, len(message.lines))
            case LineMessage():
                self._position = message.position
                self._board.apply(as_entry(message.line))
                self._trim(message.line.updated_at)
            case ForgetMessage():
                for line_id in message.lines:
                    self._board.remove(line_id)
            case LiveMessage():
                self._state, self._style = "live", "green"
            case ByeMessage():
                self._state, self._style = "the gateway is closing the connection", "yellow"
            case HeartbeatMessage() | None:
                pass

    def _trim(self, now: datetime) -> None:
        """Remove the oldest lines but the pinned ones, so that memory stays bounded."""
        for entry in list(self._board.newest_first())[KEPT:]:
            if not entry.line.is_pinned(now):
                self._board.remove(entry.line.id)

    def _render(self, terminal: Terminal, now: datetime) -> RenderableType:
        from rich.console import Group  # noqa: PLC0415
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        lines = self._board.lines(now, self._size, notices=NOTICES if self._info is None else self._info.notices)
        ids = short_ids(entry.line.id for entry in self._board.newest_first())
        styles = ["bold" if now - line.updated_at < FRESH else "" for line in lines]
        rows = [board_row(line, ids[line.id], now, style) for line, style in zip(lines, styles, strict=True)]
        head = Table.grid(expand=True)
        head.add_column(ratio=1)
        head.add_column(justify="right", no_wrap=True)
        title = self._name
        if self._info is not None:
            name = messages.edition_name(self._name, is_test=self._info.test)
            title = f"{name}  {bidi.isolated(self._info.title)}"
        head.add_row(Text(escape(title), style="bold"), Text(f"{now.astimezone():%H:%M:%S}"))
        parts: list[RenderableType] = [head, Text(escape(self._connection(now)), style=self._style), Text()]
        if not lines:
            parts.append(Text("the board is empty" if self._position else "no message yet", style="dim"))
        parts.append(fitted(rows, terminal))
        return Group(*parts)

    def _connection(self, now: datetime) -> str:
        if self._retry_at is not None:
            left = max(0, round((self._retry_at - now).total_seconds()))
            return f"✕ {self._state}; trying again in {left} s. This may be out of date."
        entry = f" · entry {self._position.partition('-')[0]}" if self._position else ""
        return f"{'●' if self._state == 'live' else '○'} {self._state}{entry}"


def as_entry(line: Line) -> Entry:
    """Return an entry for a line from the gateway. The fields that readers don't get are empty."""
    return Entry(line=line, editor="", key="", submitted_at=line.updated_at)


def state_of(event: Connecting | Lost) -> Styled:
    """Return the state of the connection as text."""
    match event:
        case Connecting(gateway=gateway):
            return Styled("connecting", Style.WARNING, f" to {gateway}")
        case Lost(reason=reason, retry_s=retry_s):
            return Styled("not live", Style.BAD, f": {reason}; trying again in {retry_s:.1f} s")
