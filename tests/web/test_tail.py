"""The tail: what it contains, its limits, and what caches may do with it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest
from starlette.applications import Starlette

from tests.support.channels import NOW, make_channel, make_hub, make_line
from tests.support.strategies import NONCE
from ticker.core.board import LINES_MAX
from ticker.core.edition import DEFAULT_EDITIONS
from ticker.core.entry import Entry, Logged, encode_entry
from ticker.core.line import Line
from ticker.core.messages import LineMessage
from ticker.core.position import next_link
from ticker.core.tail import TAIL_BYTES, TAIL_ENTRIES, Tail, TailReader, decode_tail
from ticker.gateway.channel import Channel
from ticker.gateway.history import History
from ticker.gateway.hub import Hub
from ticker.settings import Settings
from ticker.web.app import make_app
from ticker.web.tail import encode_tail


def app_of(channel: Channel, settings: Settings | None = None) -> tuple[Hub, Starlette]:
    hub = make_hub({"en": channel}, settings)
    return hub, make_app(hub, "0.1.0")


async def fetch(app: Starlette, query: str = "", **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://ticker.example") as client:
        return await client.get(f"/v1/en/tail{query}", headers=headers)


def history_of(lines: list[Line]) -> History:
    history = History("en", DEFAULT_EDITIONS["en"], NONCE, 10_000)
    link = NONCE
    for seq, line in enumerate(lines, 1):
        entry = Entry(line=line, editor="amal", key=f"key-{seq}", submitted_at=NOW)
        link = next_link(link, encode_entry(entry))
        history.append(Logged(seq, link, entry))
    return history


def tail_of(lines: list[Line], now: datetime = NOW) -> tuple[Tail, datetime | None]:
    body, changes_at = encode_tail(history_of(lines), now, 63)
    return decode_tail(body), changes_at


def lines(count: int, **fields: Any) -> list[Line]:
    return [make_line(number, f"Line {number}", **fields) for number in range(1, count + 1)]


def test_tail_has_the_newest_entries_and_a_board_of_the_largest_size() -> None:
    tail, _ = tail_of(lines(TAIL_ENTRIES + LINES_MAX))
    log = history_of(lines(TAIL_ENTRIES + LINES_MAX)).log
    positions = [str(log.position_at(LINES_MAX + index)) for index in range(TAIL_ENTRIES + 1)]
    assert (tail.after, tail.position) == (positions[0], positions[-1])
    assert [message.position for message in tail.messages if isinstance(message, LineMessage)] == positions[1:]
    assert [line.number for line in tail.board.lines] == list(range(TAIL_ENTRIES + LINES_MAX, TAIL_ENTRIES, -1))
    assert tail.board.position == tail.position


def test_tail_of_an_empty_log_begins_at_its_start() -> None:
    tail, changes_at = tail_of([])
    assert (tail.after, tail.messages, tail.board.lines, changes_at) == (tail.position, [], [], None)


def test_messages_of_a_tail_are_bounded_in_bytes() -> None:
    tail, _ = tail_of([make_line(number, "é" * 2000) for number in range(1, 40)])
    assert 0 < sum(len(msgspec.json.encode(message)) for message in tail.messages) <= TAIL_BYTES
    assert len(tail.messages) < 20


def test_tail_changes_when_a_line_expires() -> None:
    expires_at = NOW + timedelta(minutes=1)
    expiring = lines(1, expires_at=expires_at)
    tail, changes_at = tail_of(expiring)
    assert (len(tail.board.lines), changes_at) == (1, expires_at)
    assert tail_of(expiring, expires_at)[0].board.lines == []


async def test_caches_may_keep_a_tail_for_a_stated_time() -> None:
    channel = make_channel("en", lines(3))
    _, app = app_of(channel, Settings(tail_stale_s=20))
    response = await fetch(app)
    cache_control = response.headers["Cache-Control"]
    assert cache_control == "public, max-age=1, stale-while-revalidate=1, stale-if-error=20"
    assert response.json()["stale_s"] == 23
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert {"Age", "Date", "ETag"} <= set(response.headers["Access-Control-Expose-Headers"].split(", "))
    again = await fetch(app, **{"If-None-Match": response.headers["ETag"]})
    assert (again.status_code, again.content, again.headers["Cache-Control"]) == (304, b"", cache_control)
    assert channel.counts.tail_requests == 2


@pytest.mark.parametrize("query", ["?", "?lines=3", "?_=1732440000"])
async def test_tail_takes_no_parameters_so_that_caches_keep_one_copy(query: str) -> None:
    _, app = app_of(make_channel("en", lines(3)))
    response = await fetch(app, query)
    if query == "?":  # the same request for HTTP clients
        assert response.status_code == 200
        return
    assert (response.status_code, response.json()["error"]) == (400, "parameter")
    assert response.headers["Cache-Control"] == "no-store"


async def test_tail_is_made_again_after_an_entry_a_change_of_the_edition_and_a_change_of_the_board() -> None:
    now = [NOW]
    channel = make_channel("en", lines(1, expires_at=NOW + timedelta(seconds=5)))
    hub = Hub(Settings(), 2000, lambda: now[0], lambda: 0.5)
    hub.channels["en"], hub.is_loading = channel, False
    app = make_app(hub, "0.1.0")
    first = await fetch(app)
    assert (await fetch(app)).content == first.content
    channel.edit(msgspec.structs.replace(DEFAULT_EDITIONS["en"], title="Other"))
    edited = await fetch(app)
    assert edited.json()["board"]["edition"]["title"] == "Other"
    now[0] += timedelta(seconds=6)
    assert (await fetch(app)).json()["board"]["lines"] == []
    assert edited.json()["board"]["lines"] != []


def test_reader_that_is_ahead_of_a_stale_tail_never_goes_back() -> None:
    """An older copy of a cache has a text that was withdrawn since."""
    old, _ = tail_of(lines(3))
    new, _ = tail_of(lines(5))
    reader = TailReader()
    assert reader.read(new, 100.0) == [new.board]
    assert reader.read(old, 100.0) == []
    assert reader.read(old, 100.0 + old.stale_s - 1) == []
    assert reader.position == new.position
    assert reader.read(new, 200.0) == []
    assert reader.read(old, 300.0) == [], "the time counts from the first older copy after the last newer one"


def test_reader_takes_the_board_of_a_shorter_history_after_no_cache_can_have_an_older_copy() -> None:
    new, _ = tail_of(lines(5))
    shorter, _ = tail_of(lines(2))
    reader = TailReader()
    reader.read(new, 0)
    assert reader.read(shorter, 1.0) == []
    (board,) = reader.read(shorter, 1.0 + shorter.stale_s)
    assert (board.lines, reader.position) == (shorter.board.lines, shorter.position)  # type: ignore[union-attr]
