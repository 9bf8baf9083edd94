"""Readers that poll the tail, with the cases of `tests/vectors/tail.json`. The element has the same ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ticker.core.messages import BoardMessage, LineMessage, MessageError
from ticker.core.selection import Selection
from ticker.core.tail import News, TailReader, decode_tail

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[1] / "vectors" / "tail.json").read_text(encoding="utf-8"))
TAILS = {name: decode_tail(msgspec.json.encode(tail)) for name, tail in VECTORS["tails"].items()}
CASES: list[dict[str, Any]] = VECTORS["cases"]


def brief(message: News) -> str:
    if isinstance(message, LineMessage):
        return message.position
    return "board" if isinstance(message, BoardMessage) else "forget"


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_reader_takes_what_the_vector_expects(case: dict[str, Any]) -> None:
    selection = case["selection"]
    terms = (tuple(selection.get("section", ())), tuple(selection.get("region", ())), selection.get("urgency"))
    reader = TailReader(case["position"] or None, Selection(*terms))
    taken = [[brief(each) for each in reader.read(TAILS[step["tail"]], step["at_s"])] for step in case["steps"]]
    assert taken == [step["expect"] for step in case["steps"]]


def test_board_of_a_selection_has_only_its_lines() -> None:
    (board,) = TailReader(None, Selection(("sports",))).read(TAILS["three"], 0)
    assert isinstance(board, BoardMessage)
    assert [line.id for line in board.lines] == ["b"]


@pytest.mark.parametrize("data", [b"", b"<html>", b"{}", b'{"type": "board"}', b"\xff"])
def test_document_that_is_no_tail_is_an_error(data: bytes) -> None:
    with pytest.raises(MessageError, match="not the tail"):
        decode_tail(data)
