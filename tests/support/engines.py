"""Start a browser of an engine: `with start_browser(WEBKIT) as browser: ...`."""

from __future__ import annotations

from contextlib import AbstractContextManager

from scripts.engines import FIREFOX, WEBKIT, Engine, need_engine
from tests.support.engine_bidi import start_bidi_browser
from tests.support.engine_browser import EngineBrowser
from tests.support.engine_playwright import start_playwright_browser
from tests.support.engine_webdriver import start_webdriver_browser


def start_browser(engine: Engine) -> AbstractContextManager[EngineBrowser]:
    """Start the engine's browser that the tests use.

    Raises:
        RuntimeError: If the browser is missing, with the remedy.

    """
    found = need_engine(engine)
    if engine == WEBKIT and not found.is_playwrights:
        return start_webdriver_browser(found)
    if engine == FIREFOX and not found.is_playwrights:
        return start_bidi_browser(found)
    return start_playwright_browser(found)
