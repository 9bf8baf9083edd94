"""`ticker.v1` is frozen: `tests/vectors/messages.json` has recorded messages, which must stay valid byte for byte.

A failure here means that readers of an earlier version would break. Add messages to the file, but never change them.
"""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, get_args

import msgspec
import pytest

from ticker.core.line import Change, Direction, Line, Status
from ticker.core.log_window import Reset
from ticker.core.messages import BoardMessage, EditionInfo, LineMessage, Message, decode_message, encode_message

VECTORS: Final[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "messages.json").read_text(encoding="utf-8")
)
MESSAGES: Final[dict[str, str]] = {vector["name"]: vector["text"] for vector in VECTORS["messages"]}


def fields_of(kind: type[msgspec.Struct]) -> set[str]:
    """Return the field names of a message or of a part of one, as on the wire."""
    fields = {field.encode_name for field in msgspec.structs.fields(kind)}
    return fields if kind in (EditionInfo, Line) else fields | {"type"}


def recorded(kind: type[msgspec.Struct]) -> list[dict[str, Any]]:
    """Return the recorded objects of this kind, with the fields that they have on the wire."""
    objects = [json.loads(text) for text in MESSAGES.values()]
    if kind is EditionInfo:
        return [each["edition"] for each in objects if each["type"] == "board"]
    if kind is Line:
        boards = [line for each in objects if each["type"] == "board" for line in each["lines"]]
        return [*boards, *(each["line"] for each in objects if each["type"] == "line")]
    return [each for each in objects if isinstance(decode_message(json.dumps(each)), kind)]


@pytest.mark.parametrize("text", MESSAGES.values(), ids=MESSAGES)
def test_a_recorded_message_is_encoded_again_to_the_same_bytes(text: str) -> None:
    message = decode_message(text)
    assert message is not None
    assert encode_message(message).decode() == text


@pytest.mark.parametrize("kind", [*get_args(Message), EditionInfo, Line])
def test_every_field_is_recorded_at_least_once(kind: type[msgspec.Struct]) -> None:
    objects = recorded(kind)
    assert len(objects) >= 2
    assert {field for each in objects for field in each} == fields_of(kind)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (Change, {line["change"] for line in recorded(Line)}),
        (Status, {line["status"] for line in recorded(Line)}),
        (Direction, {line["dir"] for line in recorded(Line)}),
        (Reset, {board["reset"] for board in recorded(BoardMessage)} - {None}),
    ],
)
def test_every_value_is_recorded_at_least_once(kind: type[StrEnum], values: set[str]) -> None:
    assert values == set(kind)


@pytest.mark.parametrize(
    "text",
    [vector["text"] for vector in VECTORS["ignored_messages"]],
    ids=[vector["name"] for vector in VECTORS["ignored_messages"]],
)
def test_a_message_of_an_unknown_kind_is_ignored(text: str) -> None:
    assert decode_message(text) is None


@pytest.mark.parametrize(
    ("text", "known"),
    [(vector["text"], vector["known"]) for vector in VECTORS["ignored_fields"]],
    ids=[vector["name"] for vector in VECTORS["ignored_fields"]],
)
def test_an_unknown_field_is_ignored(text: str, known: str) -> None:
    assert decode_message(text) == decode_message(known)


def test_a_renamed_field_would_be_noticed() -> None:
    text = MESSAGES["a corrected line with every field"]
    message = decode_message(text.replace('"coverage"', '"story"'))
    assert isinstance(message, LineMessage)
    assert encode_message(message).decode() != text
