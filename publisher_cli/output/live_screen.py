"""The board of `tick watch` on a terminal. Importing this module takes long, because it imports Rich."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from publisher_cli.history import short_ids
from publisher_cli.output import bidi, messages
from publisher_cli.output.tables import board_row
from publisher_cli.output.terminal import Terminal, fitted, open_terminal
from ticker.client.follower import Connecting, Event, Lost, Received
from ticker.console import Console
from ticker.core.board import Board
from ticker.core.edition import NOTICES
from ticker.core.entry import Entry
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

Show: TypeAlias = Callable[[Event | None, datetime], None]
"""Shows an event at an instant. The event None updates only what depends on the time."""

KEPT: Final = 500
"""How many lines the board keeps: many more than it shows, so that others move up when a line leaves."""

FRESH: Final = timedelta(seconds=60)
"""How long a new or changed line is highlighted."""


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
        terminal = open_terminal(self._console, self._console.out)
        with Live(console=terminal, screen=True, auto_refresh=False, vertical_overflow="crop") as live:

            def show(event: Event | None, now: datetime) -> None:
                if event is not None:
                    self._apply(event, now)
                live.update(self._render(terminal, now), refresh=True)

            yield show

    def _apply(self, event: Event, now: datetime) -> None:
        match event:
            case Connecting(gateway=gateway):
                self._state, self._style, self._retry_at = f"connecting to {gateway}", "yellow", None
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
