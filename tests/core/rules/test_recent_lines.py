"""The lines that a new text is compared with."""

from __future__ import annotations

import msgspec
from hypothesis import given

from tests.support.house_rules import SAID, board_of
from tests.support.strategies import histories
from ticker.core.board import Board
from ticker.core.entry import Entry
from ticker.core.line import Status
from ticker.core.rules.recent_lines import DUPLICATE_LINES, RecentLines

TEXT = SAID.partition(": ")[2]


def similar_to(text: str, recent: RecentLines) -> str | None:
    found = recent.find_similar(text, lambda _: True)
    return None if found is None else found[0].id


@given(histories(12))
def test_lines_that_are_kept_are_compared_like_those_of_the_board(log: list[Entry]) -> None:
    board, kept, planned = Board(), RecentLines(), RecentLines()
    for entry in log:
        board.apply(entry)
        planned = kept.copy()
        planned.add(entry.line)
        kept.add(entry.line)
        read = RecentLines(board.newest_first())
        for other in log:
            expected = read.find_similar(other.line.text, lambda _: True)
            assert kept.find_similar(other.line.text, lambda _: True) == expected
            assert planned.find_similar(other.line.text, lambda _: True) == expected


def test_a_change_of_a_line_that_is_older_than_the_newest_is_not_compared() -> None:
    board = board_of(SAID)
    (old,) = board.newest_first()
    kept = RecentLines()
    kept.add(old.line)
    for number in range(2, DUPLICATE_LINES + 2):
        kept.add(msgspec.structs.replace(old.line, id=f"line-{number}", number=number, text=f"Number {number}"))
    kept.add(msgspec.structs.replace(old.line, version=2))
    assert similar_to(TEXT, kept) is None
    assert similar_to("Number 2", kept) == "line-2"


def test_a_removed_line_is_not_compared() -> None:
    kept = RecentLines(board_of(SAID).newest_first())
    assert similar_to(TEXT, kept) == "line-1"
    kept.discard("line-1")
    kept.discard("line-1")
    assert similar_to(TEXT, kept) is None


def test_a_text_that_was_replaced_is_not_compared() -> None:
    board = board_of(SAID)
    (entry,) = board.newest_first()
    kept = RecentLines(board.newest_first())
    kept.add(msgspec.structs.replace(entry.line, version=2, text="Ferries stop at 6"))
    assert similar_to(TEXT, kept) is None
    assert similar_to("Ferries stop at 6", kept) == "line-1"


def test_newer_lines_with_a_text_are_counted() -> None:
    board = board_of("One is here", "Two is there", "Three is away", "Four is gone")
    kept = RecentLines(board.newest_first())
    lines = {entry.line.id: entry.line for entry in board.newest_first()}
    kept.add(lines["line-3"].without_text(Status.WITHHELD))
    assert kept.count_newer(lines["line-1"], 10, lambda _: True) == 2
    assert kept.count_newer(lines["line-1"], 1, lambda _: True) == 1
    assert kept.count_newer(lines["line-1"], 10, lambda line: line.id == "line-4") == 1
