"""The connection: faults that a scripted gateway plays, each in both transports."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser_pages import (
    HIDE,
    expect_lines,
    expect_live,
    expect_state,
    record,
    recorded,
    state,
    until,
    until_with_clock,
)
from tests.support.scripted_server import EDITION, ScriptedGateway, SocketGateway, line, position

pytestmark = pytest.mark.usefixtures("controlled_clock")


def test_close_code_from_4000_reconnects_after_five_minutes(sockets: SocketGateway, page: Page) -> None:
    sockets.board(line(1, "One"))
    sockets.close(4001)
    expect_state(page, "stopped")
    page.clock.run_for(290_000)
    assert len(sockets.connections) == 1
    expect_lines(page, "One")
    until_with_clock(page, lambda: len(sockets.connections) == 2, "another attempt", 5_000, most_ms=90_000)
    assert sockets.queries()[1]["after"] == [position(1)]


def test_bye_reconnects_after_its_retry_time(gateway: ScriptedGateway, page: Page) -> None:
    gateway.board(line(1, "One"))
    expect_live(page)
    gateway.send("bye", retry_ms=20_000, reason="drain")
    expect_state(page, "waiting")
    page.clock.run_for(19_000)
    assert len(gateway.connections) == 1
    page.clock.run_for(6_000)
    gateway.wait_for_connections(2)
    assert gateway.queries()[1]["after"] == [position(1)]


def test_silent_connection_is_replaced_after_a_minute(gateway: ScriptedGateway, page: Page) -> None:
    gateway.board(line(1, "One"))
    expect_live(page)
    for number in range(2, 6):
        page.clock.run_for(25_000)
        gateway.send("heartbeat", position=position(number))
        page.wait_for_function(f"document.querySelector('breaking-ticker').position === '{position(number)}'")
    assert len(gateway.connections) == 1
    page.clock.run_for(64_000)
    gateway.wait_for_connections(2)
    assert gateway.queries()[1]["after"] == [position(5)]


def test_connection_without_a_first_message_times_out(gateway: ScriptedGateway, page: Page, transport: str) -> None:
    """The probe shows that the server works, so the next attempt uses the other transport."""
    record(page, now=True)
    page.clock.run_for(5_000)  # the clock keeps running meanwhile, by seconds on a busy machine
    assert (page.evaluate("window.connections"), state(page)) == ([], "connecting")
    page.clock.run_for(5_000)
    until(page, lambda: page.evaluate("window.connections.length") > 0, "another attempt")
    assert page.evaluate("window.connections[0]").startswith("http:" if transport else "ws:")


def test_page_reconnects_when_it_resumes_after_an_hour(gateway: ScriptedGateway, page: Page) -> None:
    """The clock jumps if a tab was in the background or the machine slept."""
    gateway.board(line(1, "One"))
    expect_live(page)
    page.evaluate("window.realNow = Date.now; Date.now = () => window.realNow() + 3_600_000")
    page.evaluate(HIDE, False)  # the tab is visible again
    page.clock.run_for(100)
    gateway.wait_for_connections(2)
    assert gateway.queries()[1]["after"] == [position(1)]


def test_hidden_tab_disconnects_after_30_s_and_resumes(gateway: ScriptedGateway, page: Page) -> None:
    gateway.board(line(1, "One"))
    expect_live(page)
    page.evaluate(HIDE, True)
    page.clock.run_for(20_000)
    gateway.line(2, "Within the grace")
    assert state(page) == "live"
    expect_lines(page, "Within the grace", "One")
    page.clock.run_for(15_000)
    assert state(page) == "idle"
    page.evaluate(HIDE, False)
    gateway.wait_for_connections(2)
    assert gateway.queries()[1]["after"] == [position(2)]


def test_briefly_hidden_tab_stays_connected(gateway: ScriptedGateway, page: Page) -> None:
    gateway.board(line(1, "One"))
    expect_live(page)
    page.evaluate(HIDE, True)
    page.clock.run_for(20_000)
    page.evaluate(HIDE, False)
    gateway.send("heartbeat", position=position(1))
    page.clock.run_for(20_000)
    assert (state(page), len(gateway.connections)) == ("live", 1)


def test_offline_and_online_events_take_effect_at_once(gateway: ScriptedGateway, page: Page) -> None:
    gateway.board(line(1, "One"))
    expect_live(page)
    page.context.set_offline(True)
    expect_state(page, "offline")
    expect(page.locator("[part=status]")).to_have_text("Offline")
    page.context.set_offline(False)
    page.clock.run_for(1100)
    gateway.wait_for_connections(2)
    gateway.send("live", position=position(1), replayed=0)
    expect_live(page)
    expect(page.locator("[part=status]")).to_be_empty()


def test_retries_back_off_with_jitter_until_a_connection_was_stable(gateway: ScriptedGateway, page: Page) -> None:
    page.evaluate("""() => {
      window.delays = [];
      const real = setTimeout;
      window.setTimeout = (act, delay) => (delays.push(delay), real(act, delay));
    }""")
    for tries in range(2, 8):  # each connection becomes live and then fails
        gateway.send("live", position=position(1), replayed=0)
        gateway.disconnect()
        until_with_clock(page, lambda tries=tries: len(gateway.connections) == tries, "another attempt", 200)  # type: ignore[misc]
    delays = [
        delay for delay in page.evaluate("delays") if delay % 1 and delay < 30_000
    ]  # a random delay is not a whole number
    assert len(delays) == 6
    assert all(delay <= min(1000 * 2**tries, 30_000) for tries, delay in enumerate(delays))
    assert len(set(delays)) == 6
    gateway.send("live", position=position(1), replayed=0)
    expect_live(page)
    page.clock.run_for(11_000)
    gateway.disconnect()
    until_with_clock(page, lambda: len(gateway.connections) == 8, "another attempt", 200)
    assert page.evaluate("delays.filter(delay => delay % 1).at(-1)") <= 1000


def test_retries_back_off_if_connections_fail_before_they_are_live(gateway: ScriptedGateway, page: Page) -> None:
    page.evaluate("""() => {
      window.delays = [];
      Math.random = () => 0.9999;
      const real = setTimeout;
      window.setTimeout = (act, delay) => (delays.push(delay), real(act, delay));
    }""")
    for tries in range(2, 5):  # each connection brings a board, lasts for longer than a stable one, and fails
        text = f"Before try {tries}"
        gateway.send("board", position=position(tries), reset=None, edition=EDITION, lines=[line(tries, text)])
        expect_lines(page, text)
        page.clock.run_for(11_000)
        gateway.disconnect()
        until_with_clock(page, lambda tries=tries: len(gateway.connections) == tries, "another attempt", 200)  # type: ignore[misc]
    assert page.evaluate("delays.filter(delay => delay % 1)") == pytest.approx([999.9, 1999.8, 3999.6])


def test_unknown_messages_and_fields_are_ignored(gateway: ScriptedGateway, page: Page) -> None:
    gateway.board(line(1, "One"))
    gateway.send("weather", position=position(2), degrees=21)
    gateway.line(3, "Two", shoe_size=44)
    expect_lines(page, "Two", "One")
    assert len(gateway.connections) == 1


def test_message_without_a_type_is_ignored(gateway: ScriptedGateway, page: Page) -> None:
    gateway.board(line(1, "One"), at=5)
    expect_live(page)
    gateway.send_text("[]")
    gateway.line(6, "Two")
    expect_lines(page, "Two", "One")


def test_broken_message_reconnects_from_the_last_position(gateway: ScriptedGateway, page: Page) -> None:
    gateway.board(line(1, "One"), at=5)
    for count, text in enumerate(("{", "null", '{"type":"board","position":"9-x"}', '{"type":"line"}'), 2):
        expect_live(page)
        gateway.send_text(text)
        until(page, lambda: state(page) != "live", "lost, and not only after a minute of silence", within_s=20)
        until_with_clock(page, lambda count=count: len(gateway.connections) == count, "another connection", 500)  # type: ignore[misc]
        assert gateway.queries()[-1]["after"] == [position(5)]
        expect_lines(page, "One")
        gateway.send("live", position=position(5), replayed=0)


def test_repeated_version_changes_nothing(gateway: ScriptedGateway, page: Page) -> None:
    record(page, now=True)
    gateway.board(line(1, "One"))
    for _ in range(2):
        gateway.line(2, "Two")
    gateway.line(2, "Two, corrected", version=2, change="correct", correction="it was wrong")
    gateway.line(2, "Two")
    expect_lines(page, "Correction Two, corrected it was wrong", "One")
    assert recorded(page) == ["Two", "Two, corrected"]


def test_replayed_lines_are_not_live(gateway: ScriptedGateway, page: Page) -> None:
    record(page, now=True)
    gateway.send("board", position=position(1), reset=None, edition=EDITION, lines=[])
    gateway.line(2, "Replayed")
    gateway.send("live", position=position(2), replayed=1)
    gateway.line(3, "News")
    expect_lines(page, "News", "Replayed")
    assert page.evaluate("window.seen.map(each => each.live)") == [False, True]
    assert page.evaluate("window.states") == ["live"]
