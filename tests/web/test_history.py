"""History by time, and one line with its versions, on channels in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.channels import NOW, make_channel, make_hub, make_line
from ticker.core.line import Change, Line, Status
from ticker.gateway.channel import Channel
from ticker.settings import Settings
from ticker.web.app import make_app
from ticker.web.history import VERSIONS_MAX, page_bounds, parse_query

MINUTE = timedelta(minutes=1)
TEXT = "The bridge is closed"


def make_client(channel: Channel) -> httpx.AsyncClient:
    app = make_app(make_hub({channel.name: channel}), "0.1.0")
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://ticker.example")


def lines_at(*minutes: int) -> list[Line]:
    return [make_line(number, f"n{number}", updated_at=NOW + MINUTE * at) for number, at in enumerate(minutes, 1)]


def at(minute: int) -> str:
    return (NOW + MINUTE * minute).strftime("%Y-%m-%dT%H:%M:%SZ")


def found(channel: Channel, query: str) -> list[int]:
    bounds = page_bounds(channel, parse_query(query, 100))
    return list(range(bounds.first, bounds.last + 1))


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        (f"since={at(3)}", [3, 4, 5]),
        (f"since={at(3)}&limit=2", [3, 4]),
        (f"since={at(9)}", []),
        (f"since={at(-9)}", [1, 2, 3, 4, 5]),
        (f"until={at(3)}", [1, 2, 3]),
        (f"until={at(3)}&limit=2", [2, 3]),
        (f"until={at(0)}", []),
        (f"since={at(2)}&until={at(4)}", [2, 3, 4]),
        (f"since={at(2)}&until={at(4)}&limit=2", [2, 3]),
        (f"since={at(4)}&until={at(2)}", []),
        ("since=2026-11-24T11:33:00%2B02:00", [3, 4, 5]),
        ("since=2026-11-24t09:33:00.5z", [4, 5]),
    ],
)
async def test_times_select_the_entries_between_them(query: str, numbers: Sequence[int]) -> None:
    channel = make_channel("en", lines_at(1, 2, 3, 4, 5))
    assert found(channel, query) == numbers


async def test_order_of_the_log_counts_if_the_clock_was_set_back() -> None:
    channel = make_channel("en", lines_at(1, 8, 2, 3, 9))
    assert found(channel, f"since={at(3)}") == [2, 3, 4, 5]
    assert found(channel, f"until={at(3)}") == [1]
    assert found(channel, f"until={at(8)}") == [1, 2, 3, 4]


@given(st.lists(st.integers(0, 20), max_size=20), st.integers(-1, 21), st.integers(1, 7))
async def test_until_and_since_divide_the_log_without_loss_or_repeat(minutes: list[int], cut: int, limit: int) -> None:
    channel = make_channel("en", lines_at(*minutes))
    older = found(channel, f"until={at(cut)}")
    newer = found(channel, f"since={(NOW + MINUTE * cut + timedelta(microseconds=1)).isoformat()[:-6]}Z")
    assert older + newer == list(range(1, len(minutes) + 1))


@pytest.mark.parametrize("start", [f"since={at(2)}&until={at(9)}", f"until={at(9)}"])
async def test_links_stay_within_the_range_of_times(start: str) -> None:
    channel = make_channel("en", lines_at(*range(1, 13)))
    relation = "next" if "since" in start else "prev"
    async with make_client(channel) as client:
        url: str | None = f"/v1/en/lines?{start}&limit=3"
        seen: list[str] = []
        while url is not None:
            response = await client.get(url)
            page = [message["line"]["text"] for message in response.json()["lines"]]
            seen = seen + page if relation == "next" else page + seen
            url = response.links.get(relation, {}).get("url")
    first = 2 if relation == "next" else 1
    assert seen == [f"n{number}" for number in range(first, 10)]


def versions_of(line: Line, count: int) -> list[Line]:
    changes: list[dict[str, Any]] = [
        {"version": number, "text": f"{line.text} {number}"} for number in range(2, count + 1)
    ]
    return [line, *(msgspec.structs.replace(line, change=Change.UPDATE, **each) for each in changes)]


async def get_line(channel: Channel, line_id: str) -> tuple[int, dict[str, Any]]:
    async with make_client(channel) as client:
        response = await client.get(f"/v1/en/lines/{line_id}")
    return response.status_code, response.json()


async def test_line_has_its_versions_the_oldest_first() -> None:
    line = make_line(1, TEXT)
    channel = make_channel("en", [line, make_line(2, "Another"), *versions_of(line, 3)[1:]])
    status, body = await get_line(channel, "l1")
    assert (status, body["line"]["version"], body["line"]["text"]) == (200, 3, f"{TEXT} 3")
    assert [each["line"]["text"] for each in body["versions"]] == [TEXT, f"{TEXT} 2", f"{TEXT} 3"]
    assert body["versions"][-1]["position"] == str(channel.position)


async def test_line_has_at_most_its_newest_versions() -> None:
    channel = make_channel("en", versions_of(make_line(1, TEXT), VERSIONS_MAX + 5))
    versions = (await get_line(channel, "l1"))[1]["versions"]
    assert [each["line"]["version"] for each in versions] == list(range(6, VERSIONS_MAX + 6))


@pytest.mark.parametrize(("status", "change"), [(Status.CANCELED, Change.WITHDRAW), (Status.WITHHELD, Change.HIDE)])
async def test_withdrawn_or_hidden_line_has_only_its_current_version_without_the_text(
    status: Status, change: Change
) -> None:
    line = make_line(1, TEXT, attribution=TEXT, correction=TEXT)
    gone = msgspec.structs.replace(line.without_text(status), version=2, change=change)
    code, body = await get_line(make_channel("en", [line, gone]), "l1")
    assert (code, body["line"]["status"], body["line"]["text"]) == (200, status.value, "")
    assert [each["line"]["version"] for each in body["versions"]] == [2]
    assert TEXT not in str(body)


async def test_line_that_still_shows_is_served_after_its_entries_left_the_memory() -> None:
    channel = make_channel("en", [make_line(1, TEXT), make_line(2, "Another")])
    channel.history.log.trim(1)
    status, body = await get_line(channel, "l1")
    assert (status, body["line"]["text"], body["versions"]) == (200, TEXT, [])


async def test_unknown_or_forgotten_line_gets_404_with_the_reason() -> None:
    channel = make_channel("en", [make_line(1, TEXT)])
    channel.history.board.remove("l1")  # as the log says when it forgets a line
    for line_id in ("l1", "nothing", "%00", "a" * 500):
        status, body = await get_line(channel, line_id)
        assert (status, body["error"]) == (404, "line")
        assert "forgotten" in body["detail"]
        assert len(body["detail"]) < 300


async def test_answers_have_the_time_of_their_last_change() -> None:
    line = make_line(1, TEXT, updated_at=NOW - MINUTE * 9)
    hub = make_hub({"en": make_channel("en", [line])}, Settings())
    hub.channels["en"]._replaced_at = datetime(2026, 1, 1, tzinfo=UTC)
    transport = httpx.ASGITransport(make_app(hub, "0.1.0"))
    async with httpx.AsyncClient(transport=transport, base_url="http://ticker.example") as client:
        for path in ("/v1/editions", "/v1/en/board", "/v1/en/lines", "/v1/en/lines/l1"):
            response = await client.get(path)
            assert response.headers["Last-Modified"] == "Tue, 24 Nov 2026 09:21:00 GMT", path
            headers = {"If-Modified-Since": response.headers["Last-Modified"]}
            assert (await client.get(path, headers=headers)).status_code == 304, path


async def test_board_that_changes_with_the_clock_has_no_time() -> None:
    line = make_line(1, TEXT, updated_at=NOW - MINUTE * 9, expires_at=NOW + MINUTE)
    channel = make_channel("en", [line])
    channel._replaced_at = NOW - MINUTE * 9
    async with make_client(channel) as client:
        assert "Last-Modified" not in (await client.get("/v1/en/board")).headers
        assert "Last-Modified" in (await client.get("/v1/en/lines")).headers


async def test_new_settings_of_an_edition_change_its_time() -> None:
    channel = make_channel("en", [make_line(1, TEXT, updated_at=NOW - MINUTE * 9)])
    channel._replaced_at = NOW - MINUTE * 9
    channel.edit(channel.edition)
    assert channel.modified_at == NOW
