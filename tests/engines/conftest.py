"""Fixtures of the tests in every engine: a browser, a gateway, and another site's web server."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from scripts.engines import ENGINES, Engine
from tests.support.browser_fixtures import harness, host
from tests.support.browser_harness import BrowserHarness, Host
from tests.support.engine_browser import EngineBrowser, Tab
from tests.support.engines import EnginePool

__all__ = ["harness", "host"]

Open = Callable[[str], Tab]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/engines/" in item.nodeid:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="module", params=ENGINES, ids=[engine.name for engine in ENGINES])
def browser(request: pytest.FixtureRequest, engines: EnginePool) -> Iterator[EngineBrowser]:
    engine: Engine = request.param
    with engines.browser(engine) as browser:
        yield browser


@pytest.fixture
def open_page(browser: EngineBrowser, harness: BrowserHarness, host: Host) -> Iterator[Open]:
    """Open pages. At the end of the test, the browser may have logged no error for any of them.

    The servers are arguments so that they end after this.
    """
    tabs: list[Tab] = []

    def open_tab(address: str) -> Tab:
        tabs.append(browser.open(address))
        return tabs[-1]

    yield open_tab
    errors = [error for tab in tabs for error in tab.errors]
    browser.forget()
    assert errors == []
