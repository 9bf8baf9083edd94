"""The client that polls the tail: the same messages as `follow`, each once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from tests.client.conftest import until_served
from tests.support.system import System
from tests.support.waiting import WAIT_S
from ticker.client import BoardMessage, ForgetMessage, LineMessage, LiveMessage, Publisher, RefusedError, poll
from ticker.core.errors import SettingsError

Messages = AsyncGenerator[BoardMessage | LineMessage | ForgetMessage | LiveMessage]


async def take(messages: Messages, count: int) -> list[BoardMessage | LineMessage | ForgetMessage | LiveMessage]:
    async with asyncio.timeout(WAIT_S):
        return [await anext(messages) for _ in range(count)]


async def test_board_comes_first_and_then_each_change_once(system: System, publisher: Publisher) -> None:
    before = await publisher.post("Before we poll")
    await until_served(system, before)
    async with aclosing(poll(f"{system.url}/en", every_s=0.05)) as messages:
        board, live = await take(messages, 2)
        assert isinstance(board, BoardMessage)
        assert before.id in {line.id for line in board.lines}
        assert isinstance(live, LiveMessage)
        assert live.now is not None
        receipts = [await publisher.post(f"While we poll {number}") for number in range(3)]
        lines = await take(messages, 3)
    assert [message.position for message in lines if isinstance(message, LineMessage)] == [
        receipt.position for receipt in receipts
    ]


async def test_polling_after_a_position_yields_only_what_was_missed(system: System, publisher: Publisher) -> None:
    last = await publisher.post("The last that we have")
    missed = await publisher.post("Missed")
    await until_served(system, missed)
    async with aclosing(poll(f"{system.url}/en", every_s=0.05, after=last.position)) as messages:
        line, live = await take(messages, 2)
    assert isinstance(line, LineMessage)
    assert (line.position, isinstance(live, LiveMessage)) == (missed.position, True)


async def test_edition_that_does_not_exist_is_refused(system: System) -> None:
    with pytest.raises(RefusedError, match="there is no edition 'xx'"):
        await anext(poll(f"{system.url}/xx"))


async def test_value_that_is_no_position_is_an_error(system: System) -> None:
    with pytest.raises(SettingsError, match="not a position"):
        await anext(poll(f"{system.url}/en", after="yesterday"))
