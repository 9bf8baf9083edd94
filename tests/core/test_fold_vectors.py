"""The board passes `tests/vectors/fold.json`: test cases for readers in any language."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from tests.support.strategies import reader_entry
from ticker.core.board import Board, next_change_at
from ticker.core.line import Line, Status
from ticker.core.messages import BoardMessage, ForgetMessage, LineMessage, decode_message

VECTORS: Final[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "fold.json").read_text(encoding="utf-8")
)
CASES: Final[list[dict[str, Any]]] = VECTORS["cases"]


class Reader:
    """The smallest possible reader."""

    def __init__(self) -> None:
        self.board = Board()

    def receive(self, message: dict[str, Any]) -> None:
        match decode_message(json.dumps(message)):
            case BoardMessage(lines=lines):
                self.board = Board()
                for line in lines:
                    self.board.apply(reader_entry(line))
            case LineMessage(line=line):
                self.board.apply(reader_entry(line))
            case ForgetMessage(lines=forgotten):
                for line_id in forgotten:
                    self.board.remove(line_id)
            case _:
                pass


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_reader_shows_the_expected_lines(case: dict[str, Any]) -> None:
    reader, now = Reader(), datetime.fromisoformat(case["now"])
    for message in [case["board"], *case["messages"]]:
        if message is not None:
            reader.receive(message)
    limit = {"notices": case["notices"]} if "notices" in case else {}
    shown = reader.board.lines(now, case["size"], **limit)
    expected = case["expect"]
    assert [line.id for line in shown] == expected["ids"]
    assert shown == msgspec.convert(expected["lines"], list[Line])
    changes_at = expected["changes_at"]
    assert next_change_at(shown, now) == (None if changes_at is None else datetime.fromisoformat(changes_at))


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_case_is_complete(case: dict[str, Any]) -> None:
    assert set(case) - {"notices"} == {"name", "size", "now", "board", "messages", "expect"}
    assert set(case["expect"]) == {"ids", "lines", "changes_at"}
    for line in case["expect"]["lines"]:
        assert set(line) | {"test"} == set(Line.__struct_fields__)  # only lines of test editions have `test`
        # A hidden or withdrawn line never has a text.
        assert line["status"] == Status.USABLE or (line["text"], line["attribution"], line["url"]) == ("", None, None)


def test_the_names_of_the_cases_are_unique() -> None:
    assert len({case["name"] for case in CASES}) == len(CASES) >= 25
