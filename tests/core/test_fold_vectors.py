"""The cases that every reader's fold must meet, whatever language it is written in: `tests/vectors/fold.json`."""

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
from ticker.core.messages import BoardMessage, LineMessage, decode_message

VECTORS: Final[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "fold.json").read_text(encoding="utf-8")
)
CASES: Final[list[dict[str, Any]]] = VECTORS["cases"]


class Reader:
    """A reader of the wire, in the shortest words."""

    def __init__(self) -> None:
        self.board = Board()

    def take(self, message: dict[str, Any]) -> None:
        match decode_message(json.dumps(message)):
            case BoardMessage(lines=lines):
                self.board = Board()
                for line in lines:
                    self.board.apply(reader_entry(line))
            case LineMessage(line=line):
                self.board.apply(reader_entry(line))
            case _:
                pass


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_reader_shows(case: dict[str, Any]) -> None:
    reader, now = Reader(), datetime.fromisoformat(case["now"])
    for message in [case["board"], *case["messages"]]:
        if message is not None:
            reader.take(message)
    shown = reader.board.lines(now, case["size"])
    expected = case["expect"]
    assert [line.id for line in shown] == expected["ids"]
    assert shown == msgspec.convert(expected["lines"], list[Line])
    changes_at = expected["changes_at"]
    assert next_change_at(shown, now) == (None if changes_at is None else datetime.fromisoformat(changes_at))


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_case_is_a_whole_one(case: dict[str, Any]) -> None:
    assert set(case) == {"name", "size", "now", "board", "messages", "expect"}
    assert set(case["expect"]) == {"ids", "lines", "changes_at"}
    for line in case["expect"]["lines"]:
        assert set(line) | {"test"} == set(Line.__struct_fields__)  # only lines of test editions have that
        # Nothing that was taken back carries a text, in no case.
        assert line["status"] == Status.USABLE or (line["text"], line["attribution"], line["url"]) == ("", None, None)


def test_no_two_cases_have_one_name() -> None:
    assert len({case["name"] for case in CASES}) == len(CASES) >= 25
