from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest
from websockets.asyncio.server import ServerConnection, serve

from tests.client.conftest import until_served
from tests.support.system import Program, System
from tests.support.waiting import WAIT_S
from ticker.client import BoardMessage, ForgetMessage, LineMessage, LiveMessage, Publisher, RefusedError, follow
from ticker.client.follower import Connecting, Lost, Received, editions_at, follow_events
from ticker.core.errors import SettingsError, StoreError
from ticker.core.log_window import Reset
from ticker.core.messages import SUBPROTOCOL
from ticker.core.position import Position

Messages = AsyncGenerator[BoardMessage | LineMessage | ForgetMessage | LiveMessage]


async def take_until_live(messages: Messages) -> list[BoardMessage | LineMessage | ForgetMessage]:
    """Return the messages before the next `LiveMessage`."""
    taken = list[BoardMessage | LineMessage | ForgetMessage]()
    async with asyncio.timeout(WAIT_S):
        async for message in messages:
            if isinstance(message, LiveMessage):
                return taken
            taken.append(message)
    raise AssertionError("the messages ended")


async def take_line(messages: Messages) -> LineMessage:
    """Return the next message, which must be a line."""
    async with asyncio.timeout(WAIT_S):
        message = await anext(messages)
    assert isinstance(message, LineMessage)
    return message


def seq(message: LineMessage) -> int:
    return Position.parse(message.position).seq


async def test_the_board_comes_first_and_then_each_change(system: System, publisher: Publisher) -> None:
    before = await publisher.post("Before we follow")
    await until_served(system, before)
    async with aclosing(follow(f"{system.url}/en")) as messages:
        (board,) = await take_until_live(messages)
        assert isinstance(board, BoardMessage)
        assert board.reset is None
        assert before.id in {line.id for line in board.lines}
        receipt = await publisher.post("While we follow", urgency=1)
        message = await take_line(messages)
        assert (message.position, message.line.text, message.line.urgency) == (receipt.position, "While we follow", 1)


async def test_following_after_a_position_yields_only_what_was_missed(system: System, publisher: Publisher) -> None:
    last = await publisher.post("The last that we have")
    missed = [await publisher.post(f"Missed {number}") for number in range(3)]
    await until_served(system, missed[-1])
    async with aclosing(follow(f"{system.url}/en", after=last.position)) as messages:
        taken = await take_until_live(messages)
    positions = [message.position for message in taken if isinstance(message, LineMessage)]
    assert positions == [receipt.position for receipt in missed]


async def test_a_killed_gateway_that_returns_leaves_no_gap_and_no_repeat(
    gateway: Program, publisher: Publisher
) -> None:
    async with aclosing(follow(f"{gateway.url}/en")) as messages:
        await take_until_live(messages)
        await publisher.post("Before the gateway is killed")
        first = await take_line(messages)
        gateway.kill()
        for number in range(3):
            await publisher.post(f"While the gateway is gone {number}")
        await asyncio.to_thread(gateway.start)
        missed = await take_until_live(messages)
        await publisher.post("After the gateway is back")
        last = await take_line(messages)
    lines = [message for message in (first, *missed, last) if isinstance(message, LineMessage)]
    assert len(lines) == 5, "no board came between"
    assert [seq(message) for message in lines] == list(range(seq(first), seq(first) + 5))


async def test_a_rotated_log_is_reported_as_a_reset(system: System) -> None:
    async with (
        Publisher(system.redis_url, edition="es", editor="wire") as publisher,
        aclosing(follow(f"{system.url}/es")) as messages,
    ):
        await take_until_live(messages)
        await publisher.post("Before the log is rotated")
        await take_line(messages)
        assert (await asyncio.to_thread(system.ticker, "rotate", "es", "--yes")).code == 0
        async with asyncio.timeout(WAIT_S):
            board = await anext(messages)
        assert isinstance(board, BoardMessage)
        assert board.reset is Reset.REPLACED
        assert board.lines == []


async def test_a_selection_leaves_out_other_lines(system: System, publisher: Publisher) -> None:
    async with aclosing(follow(f"{system.url}/en", sections=["sports"], urgency=2, lines=5)) as messages:
        (board,) = await take_until_live(messages)
        assert isinstance(board, BoardMessage)
        assert len(board.lines) <= 5
        await publisher.post("Not urgent enough", section="sports", urgency=3)
        await publisher.post("Another section", section="health", urgency=1)
        await publisher.post("Selected", section="sports", urgency=2)
        assert (await take_line(messages)).line.text == "Selected"


@pytest.mark.parametrize(
    ("path", "options", "message"),
    [
        ("fr", {}, "there is no edition 'fr'"),
        ("en", {"sections": ["gossip"]}, "no section 'gossip'"),
        ("en", {"regions": ["atlantis"]}, "no region 'atlantis'"),
    ],
)
async def test_what_the_gateway_refuses_for_good_raises(
    system: System, path: str, options: dict[str, str], message: str
) -> None:
    with pytest.raises(RefusedError, match=message):
        await anext(follow(f"{system.url}/{path}", **options))  # type: ignore[arg-type]


async def test_following_after_an_invalid_position_begins_with_a_reset(system: System) -> None:
    async with aclosing(follow(f"{system.url}/en", after="nonsense")) as messages:
        (board,) = await take_until_live(messages)
    assert isinstance(board, BoardMessage)
    assert board.reset is Reset.MALFORMED


@pytest.mark.parametrize("url", ["news.example/en", "ftp://news.example/en", "http://news.example", "", "http:///en"])
async def test_a_url_that_is_no_edition_raises(url: str) -> None:
    with pytest.raises(SettingsError):
        await anext(follow(url))


async def test_events_report_the_lost_connection_and_the_delay(gateway: Program) -> None:
    events = follow_events(lambda: gateway.url, "en", {})
    async with aclosing(events), asyncio.timeout(WAIT_S):
        assert await anext(events) == Connecting(gateway.url)
        assert isinstance(await anext(events), Received)
        gateway.kill()
        lost = await anext(event async for event in events if isinstance(event, Lost))
        assert lost.reason == "the connection was lost"
        assert 0 <= lost.retry_s <= 0.5
        assert await anext(events) == Connecting(gateway.url)
        refused = await anext(events)
        assert isinstance(refused, Lost)
        assert refused.reason == f"no gateway answers at {gateway.url}"


@asynccontextmanager
async def silent_gateway() -> AsyncIterator[tuple[str, asyncio.Event, asyncio.Event]]:
    """A server that accepts followers and sends nothing. Yields its URL, and events: one is connected, one has left."""
    connected, left = asyncio.Event(), asyncio.Event()

    async def hold(connection: ServerConnection) -> None:
        connected.set()
        await connection.wait_closed()
        left.set()

    async with serve(hold, "127.0.0.1", 0, subprotocols=[SUBPROTOCOL]) as server:  # type: ignore[list-item]
        yield f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/en", connected, left


async def test_cancelling_the_task_closes_the_connection() -> None:
    async def read(url: str) -> None:
        async for _ in follow(url):
            raise AssertionError("nothing was sent")

    async with silent_gateway() as (url, connected, left), asyncio.timeout(WAIT_S):
        task = asyncio.create_task(read(url))
        await connected.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await left.wait()


async def test_cancelling_while_waiting_to_reconnect_ends_at_once() -> None:
    events = follow_events(lambda: "http://127.0.0.1:1", "en", {})
    async with asyncio.timeout(WAIT_S):
        await anext(event async for event in events if isinstance(event, Lost))
        task = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert [event async for event in events] == []


async def test_closing_the_generator_closes_the_connection(gateway: Program) -> None:
    messages = follow(f"{gateway.url}/en")
    await take_until_live(messages)
    await messages.aclose()
    assert [message async for message in messages] == []


def test_editions_at_returns_the_names_of_the_gateways_editions(system: System) -> None:
    assert editions_at(system.url) == ["en", "ar", "es"]
    with pytest.raises(StoreError, match="no gateway answers"):
        editions_at("http://127.0.0.1:1")
    with pytest.raises(SettingsError, match=r"write it like http://127\.0\.0\.1:8080"):
        editions_at("news.example")
