"""Invariants of everything that the gateways serve over HTTP."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from tests.faults.invariants.followers import Expectation, check_board
from tests.faults.invariants.histories import Histories, removed_texts
from ticker.core.entry import Logged
from ticker.core.line import Line
from ticker.core.messages import LineMessage
from ticker.core.position import Position


class Page(msgspec.Struct, frozen=True):
    """A response, or the messages of a replay, as bytes. `name` describes the request."""

    name: str
    body: bytes


def check_pages(pages: Sequence[Page], path: Sequence[Logged], unpublished: Iterable[str] = ()) -> list[str]:
    """No page contains a text that was taken back in `path`, or that was never published."""
    texts = {text: text.encode() for text in (*removed_texts(path), *unpublished)}
    return [f"{page.name} has {text!r}" for page in pages for text, data in texts.items() if data in page.body]


def check_board_page(body: bytes, expected: Expectation) -> list[str]:
    """A board served over HTTP is the fold of the log at the position that it names."""
    board = msgspec.json.decode(body, type=_BoardPage)
    path = expected.histories.path(Position.parse(board.position))
    return [] if path is None else check_board(board.position, board.lines, path, expected)


class _BoardPage(msgspec.Struct):
    position: str
    lines: list[Line]


def check_history(items: Sequence[LineMessage], path: Sequence[Logged], histories: Histories) -> list[str]:
    """The pages of the history together are the log in order, without texts that were taken back."""
    expected = path[len(path) - len(items) :] if len(items) <= len(path) else path
    wanted, found = [str(logged.position) for logged in expected], [item.position for item in items]
    if wanted != found:
        return [f"history has {len(found)} entries, {found[:3]}…, instead of {len(wanted)}, {wanted[:3]}…"]
    removed = removed_texts(path)
    return [
        f"history has {item.position} with a text that is not the log's, or was taken back"
        for item, logged in zip(items, expected, strict=True)
        if item.line.text in removed or not histories.matches(item.line, logged.entry)
    ]
