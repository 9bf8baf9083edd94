"""How `tick watch` shows what it hears: a live board on a terminal, a line for each entry elsewhere, or JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, TypeAlias

import click

from publisher_cli.history import short_ids
from publisher_cli.output import bidi, messages
from publisher_cli.output.tables import board_row, fitted
from ticker.client.follower import Connecting, Event, Lost, Received
from ticker.console import Console
from ticker.core.board import Board
from ticker.core.entry import Entry
from ticker.core.line import Line
from ticker.core.messages import BoardMessage, ByeMessage, EditionInfo, LineMessage, LiveMessage

if TYPE_CHECKING:
    from rich.console import Console as Terminal
    from rich.console import RenderableType

Show: TypeAlias = Callable[[Event | None, datetime], None]
"""Takes in what happened (None: only time has passed) at an instant."""

KEPT: Final = 500
"""How many lines the board remembers: many more than show, so that what stands below moves up when one goes."""

FRESH: Final = timedelta(seconds=60)
"""How long a line that is new or has changed stands out."""


@contextmanager
def open_screen(console: Console, edition: str) -> Iterator[Show]:
    """Whatever suits where the output goes."""
    if console.json:
        yield JsonLines(console).show
    elif console.is_for_people:
        with LiveBoard(console, edition).open() as show:
            yield show
    else:
        yield PlainLines(console, edition).show


class JsonLines:
    """Each message as it came; how the connection is goes to standard error."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def show(self, event: Event | None, _: datetime) -> None:
        if isinstance(event, Received):
            if isinstance(event.message, BoardMessage | LineMessage | LiveMessage):
                self._console.give_raw(event.data)
                self._console.out.flush()
        elif event is not None:
            self._console.tell(state_of(event))
        else:
            self._console.check_reader()


class PlainLines:
    """The board once, oldest first, then a line for each entry; how the connection is goes to standard error."""

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
            case BoardMessage(position=at, reset=reset, lines=lines):
                if reset is not None:
                    self._console.tell(f"a new board, in place of all above ({reset})")
                for line in sorted(lines, key=lambda line: line.number):
                    self._say(at, "board", line, now)
            case LineMessage(position=at, line=line):
                self._say(at, line.change, line, now)
            case LiveMessage():
                self._console.tell("live")
            case _:
                pass
        self._console.out.flush()

    def _say(self, at: str, what: str, line: Line, now: datetime) -> None:
        seq = at.partition("-")[0]
        edition = messages.edition_name(self._edition, is_test=line.test)
        cells = (edition, seq, messages.clock(line.updated_at, now), what, line.id, messages.marks(line, now))
        self._console.say("  ".join(filter(None, (*cells, bidi.isolated(messages.shown_text(line), line.dir)))))


class LiveBoard:
    """The board on the whole terminal, with how the connection is always in its first line."""

    def __init__(self, console: Console, edition: str) -> None:
        self._console = console
        self._name = edition
        self._info: EditionInfo | None = None
        self._board = Board()
        self._size = 10
        self._at = ""
        self._state = "connecting"
        self._style = "yellow"
        self._retry_at: datetime | None = None

    @contextmanager
    def open(self) -> Iterator[Show]:
        from rich.console import Console as Terminal  # noqa: PLC0415 -- slow to import, and only for terminals
        from rich.live import Live  # noqa: PLC0415

        terminal = Terminal(file=self._console.out, no_color=not self._console.has_colour)
        with Live(console=terminal, screen=True, auto_refresh=False, vertical_overflow="crop") as live:

            def show(event: Event | None, now: datetime) -> None:
                if event is not None:
                    self._take(event, now)
                live.update(self._picture(terminal, now), refresh=True)

            yield show

    def _take(self, event: Event, now: datetime) -> None:
        match event:
            case Connecting():
                self._state, self._style, self._retry_at = state_of(event), "yellow", None
            case Lost(reason=reason, retry_s=retry_s):
                self._state, self._style, self._retry_at = reason, "bold red", now + timedelta(seconds=retry_s)
            case Received(message=BoardMessage() as message):
                self._board, self._info, self._at = Board(), message.edition, message.position
                for line in message.lines:
                    self._board.apply(as_entry(line))
                self._size = max(self._size, len(message.lines))
            case Received(message=LineMessage() as message):
                self._at = message.position
                self._board.apply(as_entry(message.line))
                self._forget()
            case Received(message=LiveMessage()):
                self._state, self._style = "live", "green"
            case Received(message=ByeMessage()):
                self._state, self._style = "the gateway says goodbye", "yellow"
            case Received():
                pass

    def _forget(self) -> None:
        """Keep memory bounded, however long we watch."""
        for entry in list(self._board.newest_first())[KEPT:]:
            self._board.remove(entry.line.id)

    def _picture(self, terminal: Terminal, now: datetime) -> RenderableType:
        from rich.console import Group  # noqa: PLC0415
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        lines = self._board.lines(now, self._size)
        ids = short_ids(entry.line.id for entry in self._board.newest_first())
        rows = [board_row(line, ids[line.id], now) for line in lines]
        styles = ["bold" if now - line.updated_at < FRESH else "" for line in lines]
        head = Table.grid(expand=True)
        head.add_column(ratio=1)
        head.add_column(justify="right", no_wrap=True)
        title = self._name
        if self._info is not None:
            name = messages.edition_name(self._name, is_test=self._info.test)
            title = f"{name}  {bidi.isolated(self._info.title)}"
        head.add_row(Text(title, style="bold"), Text(f"{now.astimezone():%H:%M:%S}"))
        parts: list[RenderableType] = [head, Text(self._connection(now), style=self._style), Text()]
        if not lines:
            parts.append(Text("nothing is on the board" if self._at else "nothing heard yet", style="dim"))
        parts.append(fitted(rows, terminal, styles))
        return Group(*parts)

    def _connection(self, now: datetime) -> str:
        if self._retry_at is not None:
            left = max(0, round((self._retry_at - now).total_seconds()))
            return f"✕ {self._state}; trying again in {left} s. This may be out of date."
        at = f" · entry {self._at.partition('-')[0]}" if self._at else ""
        return f"{'●' if self._state == 'live' else '○'} {self._state}{at}"


def as_entry(line: Line) -> Entry:
    """A line as it came over the wire, for a board: what a reader isn't told is left blank."""
    return Entry(line=line, editor="", key="", submitted_at=line.updated_at)


def state_of(event: Connecting | Lost) -> str:
    """How the connection is, in words."""
    match event:
        case Connecting(gateway=gateway):
            return f"connecting to {gateway}"
        case Lost(reason=reason, retry_s=retry_s):
            return f"{click.style('not live', fg='red')}: {reason}; trying again in {retry_s:.1f} s"
