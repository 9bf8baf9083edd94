"""Readers drop the lines that the log forgets, and every reader gets the withdrawal of such a line."""

from __future__ import annotations

import pytest

from tests.support.gateway_clients import Reader
from tests.support.gateway_fixtures import Start
from tests.support.log_writer import LogWriter
from tests.support.waiting import eventually
from ticker.core.entry import Trim
from ticker.core.line import VERSION_LAST, Status
from ticker.core.messages import BoardMessage, ForgetMessage, LineMessage, LiveMessage
from ticker.gateway.server import Gateway


async def until_read(log: LogWriter, gateway: Gateway) -> None:
    """Wait until the gateway has the log.

    A gateway whose newest entry has left the log starts again with a board. So these tests post a line more than they
    trim before they call this.
    """
    history = gateway.hub.channels["en"].history
    await eventually(lambda: str(history.log.position) == log.head, "the gateway has the log")


async def trim_old(log: LogWriter) -> None:
    """Append a line with which the first two leave the log: the pinned one is kept, the other is forgotten."""
    kept, forgotten = log.logged[:2]
    trim = Trim(through=2, kept=(kept.entry,), forgotten=(forgotten.entry.line.id,))
    await log.post_and_trim("news", trim, section="sports")


@pytest.mark.parametrize("query", ["", "section=sports", "section=health"])
async def test_connected_reader_is_told_to_forget(log: LogWriter, gateway: Gateway, query: str) -> None:
    async with Reader(gateway.address, query) as reader:
        await reader.until_live()
        for text in ("kept", "forgotten", "third"):
            await log.post(text, section="sports")
        await until_read(log, gateway)
        await trim_old(log)
        last = await log.post("last", section="health" if "health" in query else "sports")
        await reader.until_at(log.head)
    after_live = reader.messages[2:]
    forget = next(message for message in after_live if isinstance(message, ForgetMessage))
    assert forget.lines == (log.logged[1].entry.line.id,)
    following = after_live[after_live.index(forget) + 1]
    assert isinstance(following, LineMessage)
    assert following.line.text == (last.text if "health" in query else "news")


async def test_reader_that_missed_the_trim_is_told_when_it_returns(log: LogWriter, gateway: Gateway) -> None:
    for text in ("kept", "forgotten", "third"):
        await log.post(text, section="sports")
    await until_read(log, gateway)
    await trim_old(log)
    await log.post("last")
    await until_read(log, gateway)
    async with Reader(gateway.address, f"after={log.at(3)}&section=health") as again:
        await again.until_live()
    assert [type(message) for message in again.messages] == [ForgetMessage, LiveMessage]
    live = again.messages[-1]
    assert isinstance(live, LiveMessage)
    assert (live.replayed, live.position) == (0, log.head)


async def test_restarted_gateway_has_the_kept_line_on_its_board(log: LogWriter, start: Start) -> None:
    for text in ("kept", "forgotten"):
        await log.post(text, section="sports")
    await trim_old(log)
    gateway = await start()
    async with Reader(gateway.address) as reader:
        await reader.until_live()
    (board,) = [message for message in reader.messages if isinstance(message, BoardMessage)]
    assert [line.text for line in board.lines] == ["news", "kept"]


@pytest.mark.parametrize("query", ["", "section=health", "urgency=1", "region=asia"])
async def test_withdrawal_of_a_forgotten_line_reaches_every_selection(
    log: LogWriter, gateway: Gateway, query: str
) -> None:
    async with Reader(gateway.address, query) as reader:
        await reader.until_live()
        await log.withdraw_forgotten("k7m2x9ab3c")
        await reader.until_at(log.head)
    (message,) = reader.lines
    assert (message.line.id, message.line.version, message.line.status) == ("k7m2x9ab3c", VERSION_LAST, Status.CANCELED)
    async with Reader(gateway.address, query) as new:
        await new.until_live()
    assert new.boards[0].lines == []


async def test_withdrawal_of_a_forgotten_line_masks_its_entries_in_memory(log: LogWriter, gateway: Gateway) -> None:
    """The gateway has entries for longer than the log: it must not replay the text to a reader that was away."""
    for text in ("kept", "SECRET", "third"):
        await log.post(text)
    await until_read(log, gateway)
    await trim_old(log)
    await log.withdraw_forgotten(log.logged[1].entry.line.id)
    await until_read(log, gateway)
    async with Reader(gateway.address, f"after={log.at(1)}") as again:
        await again.until_live()
    assert "SECRET" not in repr(again.messages)
    assert again.lines[0].line.status is Status.CANCELED
