"""The desk view on a made-up terminal, in front of a real server and a real desk."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from textual.events import Paste
from textual.pilot import Pilot

from publisher_cli.session import Session as Place
from publisher_cli.tui.app import DeskView, utc_now
from publisher_cli.tui.draft import DEADLINE_S
from publisher_cli.tui.model import State
from publisher_cli.tui.widgets.composer import Composer
from publisher_cli.tui.widgets.lists import LineList
from tests.support.servers import eventually
from ticker.console import Console


class View:
    """A view, the keys that are pressed on it, and what it shows."""

    def __init__(self, app: DeskView, pilot: Pilot[str]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def screen(self) -> list[str]:
        """The terminal's lines, with the marks of direction in them."""
        return [strip.text for strip in self.app.screen._compositor.render_strips()]

    @property
    def text(self) -> str:
        """What is on the terminal, without line breaks and runs of spaces."""
        return " ".join(" ".join(self.screen).split())

    @property
    def slanted(self) -> str:
        """All that is set in italics."""
        segments = [segment for strip in self.app.screen._compositor.render_strips() for segment in strip]
        return "".join(segment.text for segment in segments if segment.style and segment.style.italic)

    @property
    def typed(self) -> str:
        return self.app.query_one(Composer).draft.typed.text

    @property
    def chosen(self) -> str | None:
        return self.app.query_one(LineList).chosen

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def type(self, text: str) -> None:
        await self.press(*(_KEYS.get(character, character) for character in text))

    async def paste(self, text: str) -> None:
        """What a terminal sends for a paste: a text at once, for whatever has the focus."""
        self.app.post_message(Paste(text))
        await self.pilot.pause()

    async def until(self, condition: Callable[[], Any], what: str) -> None:
        async def holds() -> bool:
            await self.pilot.pause()
            return bool(condition())

        try:
            await eventually(holds, what)
        except AssertionError as error:
            screen = "\n".join(self.screen)
            raise AssertionError(f"{error}; the screen is\n{screen}") from error

    async def shows(self, *texts: str) -> None:
        """Wait until all of `texts` are on the screen."""
        await self.until(lambda: all(text in self.text for text in texts), f"it shows {texts}")

    async def is_live(self) -> None:
        await self.until(lambda: self.app.connection.state is State.LIVE and self.app.picture, "it is live")


_KEYS = {" ": "space", "?": "question_mark", "\n": "enter", "\t": "tab"}


@asynccontextmanager
async def view_of(
    url: str,
    edition: str | None = "en",
    editor: str = "maha",
    size: tuple[int, int] = (100, 30),
    live: bool = True,
    deadline_s: float = DEADLINE_S,
    clock: Callable[[], datetime] = utc_now,
) -> AsyncIterator[View]:
    app = DeskView(lambda: Place(url, Console({})), edition, editor, deadline_s=deadline_s, clock=clock)
    async with app.run_test(size=size) as pilot:
        view = View(app, pilot)
        if live:
            await view.is_live()
        yield view
