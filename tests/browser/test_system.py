"""The whole system: from an editor's terminal to a page in a browser, also after kill -9."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.support.browser_pages import expect_lines, expect_live, expect_state
from tests.support.browser_reader import Readers
from tests.support.servers import short_folder
from tests.support.system import System


@pytest.fixture
def system() -> Iterator[System]:
    with short_folder() as folder, System(folder) as system:
        yield system


def test_line_goes_from_the_terminal_to_the_page_and_can_be_withdrawn(reader: Readers, system: System) -> None:
    page = reader().open(f"{system.url}/en")
    expect_live(page)
    posted = system.tick("post", "Mayor: the bridge is open", "-e", "en", "--urgency", "2", "--json")
    assert posted.code == 0, posted.err
    expect_lines(page, "Bulletin Mayor: the bridge is open")
    line_id = posted.json["id"]
    assert system.tick("correct", line_id, "the bridge is closed", "--reason", "it is closed", "-e", "en").code == 0
    expect(page.locator("[part~=correction] [part=note]")).to_be_visible()

    system.kill()
    expect_state(page, "waiting")
    system.start()
    expect_live(page)
    assert system.tick("post", "After the restart", "-e", "en").code == 0
    expect(page.locator("[part~=line] [part=text]").first).to_have_text("After the restart")
    expect(page.locator("[part~=line]")).to_have_count(2)

    assert system.tick("withdraw", line_id, "--reason", "nobody said so", "-e", "en").code == 0
    expect_lines(page, "After the restart", "Withdrawn nobody said so")
    verified = system.ticker("verify", "en")
    assert verified.code == 0, verified.err
    position = page.evaluate("document.querySelector('breaking-ticker').position")
    assert re.match(r"4-[0-9a-f]{16}$", position)


def test_page_falls_back_to_events_if_sockets_fail(reader: Readers, system: System) -> None:
    page = reader().context.new_page()
    page.route_web_socket("**/live**", lambda socket: socket.close(code=1011))
    page.goto(f"{system.url}/ar")
    expect_live(page)
    assert system.tick("post", "خبر عاجل من المحرر", "-e", "ar").code == 0
    expect_lines(page, "خبر عاجل من المحرر")
