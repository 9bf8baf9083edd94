"""Run the terminal application without a terminal, against a real server and a real desk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

import msgspec
import pytest
from textual._compositor import Compositor
from textual.events import Key, Paste
from textual.keys import _character_to_key, key_to_character
from textual.message import Message
from textual.widgets import Input, Static, TextArea

from publisher_cli.session import Session
from publisher_cli.submit.request import WAIT_S
from publisher_cli.tui.app import DeskApp, utc_now
from publisher_cli.tui.messages import ModelChanged
from publisher_cli.tui.model import EditionModel, State
from publisher_cli.tui.widgets.composer import Composer
from publisher_cli.tui.widgets.line_list import LineList
from tests.support.desk_harness import DeskHarness
from tests.support.strategies import ENGLISH, NONCE, START, context
from tests.support.waiting import eventually
from ticker.core.edition import Edition
from ticker.core.entry import Logged
from ticker.core.errors import StoreError
from ticker.core.held import Held
from ticker.core.line import Change
from ticker.core.outcome import Publish, decide
from ticker.core.submission import Finding, Submission
from ticker.settings import Settings
from ticker.store.editions import StoredEdition

_KEYS = {"\n": "enter", "\t": "tab"}


class HandledMessages:
    """Counts the messages that the widgets of an application have handled: the hook of `App.run_test`."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, message: Message) -> None:
        self.count += 1


class Tui:
    """The running application: press its keys and read its screen."""

    def __init__(self, app: DeskApp, handled: HandledMessages) -> None:
        self.app = app
        self._handled = handled
        self._base = app.screen

    @property
    def screen(self) -> list[str]:
        """The rows of the screen, including directional isolates."""
        return [strip.text for strip in self.app.screen._compositor.render_strips()]

    @property
    def text(self) -> str:
        """The text on the screen, with each run of white space as one space."""
        return " ".join(" ".join(self.screen).split())

    @property
    def italic(self) -> str:
        """All text in italics."""
        segments = [segment for strip in self.app.screen._compositor.render_strips() for segment in strip]
        return "".join(segment.text for segment in segments if segment.style and segment.style.italic)

    @property
    def dialog(self) -> str:
        """The texts of the screen on top."""
        return " ".join(str(static.content) for static in self.app.screen.query(Static))

    @property
    def typed(self) -> str:
        """The text in the composer."""
        return self._base.query_one(Composer).draft.fields.text

    @property
    def lines(self) -> LineList:
        return self._base.query_one(LineList)

    async def press(self, *keys: str) -> None:
        """Press keys. Each one is handled, and the screen is laid out, before the next one is pressed."""
        for key in keys:
            self._post(key)
            await self.settle()

    async def burst(self, *keys: str) -> None:
        """Send all keys together, as a terminal does on a slow machine or a slow line."""
        for key in keys:
            self._post(_KEYS.get(key, key))
        await self.settle()

    def _post(self, key: str) -> None:
        name = _character_to_key(key) if len(key) == 1 else key
        self.app.post_message(Key(name, key if len(key) == 1 else key_to_character(name)))

    async def type(self, text: str) -> None:
        """Type a text. In a text field, the screen is laid out after each run of characters, and not after each one."""
        for is_special, characters in groupby(text, _KEYS.__contains__):
            keys = [_KEYS.get(character, character) for character in characters]
            if not is_special and isinstance(self.app.focused, (Input, TextArea)):
                await self.burst(*keys)
            else:
                await self.press(*keys)

    async def paste(self, text: str) -> None:
        """Send a text to the focused widget in one event, as a terminal does for a paste."""
        self.app.post_message(Paste(text))
        await self.settle()

    async def settle(self) -> None:
        """Wait until the application has handled every message and has laid out the result.

        `Pilot.pause` sleeps until the process is idle. This ends as soon as every task waits for a socket or a timer.
        """
        while True:
            await _all_tasks_wait()
            before = self._handled.count
            self.app.screen._on_timer_update()  # lay it out now, and not with the next frame
            await _all_tasks_wait()
            if self._handled.count == before:
                return

    async def until(self, condition: Callable[[], object], description: str) -> None:
        async def holds() -> bool:
            await self.settle()
            return bool(condition())

        try:
            await eventually(holds, description)
        except AssertionError as error:
            screen = "\n".join(self.screen)
            raise AssertionError(f"{error}; the screen is\n{screen}") from error

    async def shows(self, *texts: str) -> None:
        """Wait until all of `texts` are on the screen."""
        await self.until(lambda: all(text in self.text for text in texts), f"the screen shows {texts}")

    async def is_live(self) -> None:
        """Wait until the application is connected and has loaded an edition."""
        await self.until(lambda: self.app.connection.state is State.LIVE and self.app.model, "it is live")


@contextmanager
def _without_drawing() -> Iterator[None]:
    """Let applications lay out their screens, but send nothing to a terminal: that takes a third of the time.

    There is no terminal. A test that looks at the screen renders all of it (`Tui.screen`).
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Compositor, "render_update", lambda *_, **__: None)
        yield


@asynccontextmanager
async def _run(app: DeskApp, size: tuple[int, int], handled: HandledMessages) -> AsyncIterator[None]:
    with _without_drawing():
        async with app.run_test(size=size, message_hook=handled):
            yield


async def _all_tasks_wait() -> None:
    """Wait until no other task of this event loop can run."""
    loop: Any = asyncio.get_running_loop()
    await asyncio.sleep(0)
    while loop._ready:  # noqa: ASYNC110 -- the loop has no event for it
        await asyncio.sleep(0)


@asynccontextmanager
async def run_tui(
    url: str,
    edition: str | None = "en",
    editor: str = "maha",
    size: tuple[int, int] = (100, 30),
    live: bool = True,
    deadline_s: float = WAIT_S,
    clock: Callable[[], datetime] = utc_now,
) -> AsyncIterator[Tui]:
    """Run the application. With `live`, wait until it is connected."""
    app, handled = DeskApp(lambda: Session(url), edition, editor, deadline_s=deadline_s, clock=clock), HandledMessages()
    async with _run(app, size, handled):
        tui = Tui(app, handled)
        if live:
            await tui.is_live()
        yield tui


@asynccontextmanager
async def run_desks(url: str, **editions: Edition) -> AsyncIterator[dict[str, DeskHarness]]:
    """Run a desk for each edition."""
    async with AsyncExitStack() as stack:
        newsrooms = {}
        for name, edition in editions.items():
            newsroom = newsrooms[name] = DeskHarness(url, name)
            newsroom.settings = msgspec.structs.replace(Settings(), editions={name: edition})
            stack.push_async_callback(newsroom.aclose)
            await stack.enter_async_context(newsroom.desk())
        yield newsrooms


def configure(newsroom: DeskHarness, **fields: Any) -> None:
    """Change fields of the edition that the desk of `newsroom` will have."""
    edition = msgspec.structs.replace(ENGLISH, **fields)
    newsroom.settings = msgspec.structs.replace(Settings(), editions={"en": edition})


def model_of(*texts: str, name: str = "en", editor: str = "maha", edition: Edition = ENGLISH) -> EditionModel:
    """Return a model whose board has one line per text, posted one minute apart by omar. The ids are line-1, line-2…"""
    model = EditionModel(StoredEdition(name, edition, NONCE), editor)
    for seq, text in enumerate(texts, 1):
        now = START + timedelta(minutes=seq)
        submission = Submission(key=f"k{seq}", change=Change.NEW, text=text)
        outcome = decide(submission, context(model.board, seq, now, f"line-{seq}", edition))
        assert isinstance(outcome, Publish)
        model.apply(Logged(seq, f"{seq:064x}", msgspec.structs.replace(outcome.entry, editor="omar")))
    return model


def held_item(held_id: str = "held-1", editor: str = "omar", *, needs: bool = True, **fields: Any) -> Held:
    """Return a held item of `editor`: pending, or with `needs` False scheduled in an hour."""
    submission = Submission(key=held_id, change=Change.NEW, text="Ferries stop", **fields)
    found = (Finding("flash", "a flash needs a second person"),) if needs else ()
    due_at = None if needs else START + timedelta(hours=1)
    return Held(id=held_id, editor=editor, submission=submission, submitted_at=START, needs=found, due_at=due_at)


@asynccontextmanager
async def offline_tui(
    model: EditionModel,
    clock: Callable[[], datetime] = utc_now,
    fault: str = "there is no Redis in this test",
) -> AsyncIterator[Tui]:
    """Run the application without Redis, showing `model`. Each attempt to connect fails because of `fault`."""

    def find() -> Session:
        raise StoreError(fault)

    app, handled = DeskApp(find, model.name, model.editor, clock=clock), HandledMessages()
    async with _run(app, (100, 30), handled):
        tui = Tui(app, handled)
        app.post_message(ModelChanged(model.name, model))
        await tui.until(lambda: app.model is model, "the model is shown")
        yield tui
