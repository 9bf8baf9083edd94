"""Fixtures of the browser tests: the shared ones, a page, and a scripted gateway."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from playwright.sync_api import Page

from tests.support.browser_fixtures import browser, harness, host, reader, whole_browser, whole_reader
from tests.support.browser_harness import BrowserHarness, Host
from tests.support.browser_pages import host_page
from tests.support.browser_reader import Readers
from tests.support.scripted_server import EventsGateway, ScriptedGateway, SocketGateway

__all__ = ["browser", "harness", "host", "reader", "whole_browser", "whole_reader"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser/" in item.nodeid:
            item.add_marker(pytest.mark.browser)


@pytest.fixture
def page(reader: Readers, harness: BrowserHarness, host: Host) -> Page:
    """An empty page."""
    return reader().context.new_page()


@pytest.fixture
def controlled_clock(page: Page) -> None:
    """Let the test control the clock of `page`: it goes on as usual until the test moves it."""
    page.clock.install()


@pytest.fixture(params=["", 'transport="socket"'], ids=["events", "socket"])
def transport(request: pytest.FixtureRequest) -> str:
    """The attribute for each transport. Events are the default."""
    given: str = request.param
    return given


@pytest.fixture
def gateway(page: Page, harness: BrowserHarness, host: Host, transport: str) -> Iterator[ScriptedGateway]:
    """A scripted gateway for the one ticker on the page."""
    if transport:
        yield follow(SocketGateway(page), harness, host)
    else:
        with closing(EventsGateway(page)) as gateway:
            yield follow(gateway, harness, host)


@pytest.fixture
def sockets(page: Page, harness: BrowserHarness, host: Host) -> SocketGateway:
    """A scripted gateway with WebSockets, for behaviour that only they have."""
    gateway = SocketGateway(page)
    follow(gateway, harness, host)
    return gateway


def follow(gateway: ScriptedGateway, harness: BrowserHarness, host: Host) -> ScriptedGateway:
    gateway.page.goto(host.put("/", host_page(harness.address, f'edition="en" lines="3" {gateway.attributes()}')))
    gateway.wait_for_connections(1)
    return gateway
