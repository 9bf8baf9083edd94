"""The output of `tick watch`: a live board on a terminal, one line per entry elsewhere, or JSON."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from publisher_cli.output import bidi, messages
from ticker.client.follower import Connecting, Event, Lost, Received, editions_at, follow_events
from ticker.client.reading import TokenSource
from ticker.console import Console, Style, Styled
from ticker.core.errors import SettingsError, StoreError
from ticker.core.line import Line
from ticker.core.messages import BoardMessage, ForgetMessage, LineMessage, LiveMessage

if TYPE_CHECKING:
    from publisher_cli.output.live_screen import Show


def only_edition(gateway: str, token: str | None) -> str:
    """Return the name of a gateway's only edition. A private one needs a token.

    Raises:
        StoreError: If the gateway serves no edition, or can't be reached.
        SettingsError: If there are several.

    """
    names = editions_at(gateway, token)
    if not names:
        raise StoreError("there is no edition yet: start the desk (`ticker up` or `ticker desk`), which creates them")
    if len(names) > 1:
        raise SettingsError(f"several editions exist ({', '.join(names)}): choose one with -e or TICK_EDITION")
    return names[0]


async def show_live(
    console: Console,
    find: Callable[[], str],
    edition: str,
    query: Mapping[str, Sequence[str]],
    after: str | None,
    token: TokenSource,
) -> None:
    """Follow an edition through the gateway that `find` names, and show it until cancelled.

    `after` is the position of the last entry that is already known, or None. `token` is for a private edition.

    Raises:
        RefusedError: If the gateway refuses the request for good.
        OutputError: If the output is a pipe whose other end is closed.

    """
    with open_screen(console, edition) as show:
        following = follow_events(find, edition, query, after=after, token=token)
        async with aclosing(following) as events, asyncio.TaskGroup() as tasks:
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
        from publisher_cli.output.live_screen import LiveBoard  # noqa: PLC0415 -- Rich is slow to import

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


def state_of(event: Connecting | Lost) -> Styled:
    """Return the state of the connection as text."""
    match event:
        case Connecting(gateway=gateway):
            return Styled("connecting", Style.WARNING, f" to {gateway}")
        case Lost(reason=reason, retry_s=retry_s):
            return Styled("not live", Style.BAD, f": {reason}; trying again in {retry_s:.1f} s")
