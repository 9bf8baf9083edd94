"""Start a browser of an engine: `with start_browser(WEBKIT) as browser: ...`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

from scripts.engines import CHROMIUM, WEBKIT, Engine, Found, need_engine
from tests.support.engine_bidi import start_bidi_browser
from tests.support.engine_browser import EngineBrowser
from tests.support.engine_playwright import lend_playwright_browser, start_playwright_browser
from tests.support.engine_webdriver import start_webdriver_browser
from tests.support.shared_playwright import SharedPlaywright


def start_browser(engine: Engine) -> AbstractContextManager[EngineBrowser]:
    """Start the engine's browser that the tests use.

    Raises:
        RuntimeError: If the browser is missing, with the remedy.

    """
    return _start(need_engine(engine))


def _start(found: Found) -> AbstractContextManager[EngineBrowser]:
    if _is_playwrights(found):
        return start_playwright_browser(found)
    return start_webdriver_browser(found) if found.engine == WEBKIT else start_bidi_browser(found)


def _is_playwrights(found: Found) -> bool:
    return found.is_playwrights or found.engine == CHROMIUM


class EnginePool:
    """The browsers that one test process starts once: each costs seconds of processor time."""

    def __init__(self, shared: SharedPlaywright) -> None:
        self._shared = shared
        self._running: dict[str, EngineBrowser] = {}
        self._stack = ExitStack()

    @contextmanager
    def browser(self, engine: Engine) -> Iterator[EngineBrowser]:
        """Lend the engine's browser, without tabs. They are closed at the end."""
        if (running := self._running.get(engine.name)) is None:
            found = need_engine(engine)
            if _is_playwrights(found):
                with lend_playwright_browser(self._shared, found) as browser:
                    yield browser
                return
            running = self._running[engine.name] = self._stack.enter_context(_start(found))
        try:
            yield running
        finally:
            running.forget()

    def close(self) -> None:
        """End all browsers."""
        self._running.clear()
        self._stack.close()
