"""Files with one JSON object per line become submissions."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from publisher_cli.submit.batch_file import LINES_MAX, read_items
from publisher_cli.submit.batch_format import Format, read_rows
from publisher_cli.submit.request import ChangeRequest, SubmitOptions
from ticker.core.errors import SettingsError
from ticker.core.line import Change

OPTIONS = SubmitOptions(data=None, edition="en", editor="maha", wait_s=10, wants_reach=False)
NEW = ChangeRequest(change=Change.NEW)
NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


def keys(*documents: Any, change: ChangeRequest = NEW) -> list[str]:
    data = "\n".join(json.dumps(document) for document in documents).encode()
    items, refused = read_items(read_rows(data, Format.JSONL), change, OPTIONS, NOW, None)
    assert refused == {}
    return [item.submission.key for item in items]


def test_key_depends_on_the_fields_and_the_position_among_identical_lines() -> None:
    one, two = {"text": "One"}, {"text": "Two"}
    assert keys(one, two) == list(reversed(keys(two, one)))  # moved, not new
    assert len(set(keys(one, one, two))) == 3  # twice on purpose
    assert keys(one, one)[:1] == keys(one)
    assert keys({"text": "One", "section": "arts"}) == keys({"section": "arts", "text": "One"})
    assert keys({"text": "One", "again": True}) == keys(one)
    assert keys({"text": "One", "section": "arts"}) != keys(one)


def test_line_without_a_field_has_the_commands_option() -> None:
    change = ChangeRequest(change=Change.NEW, fields={"section": "sports", "urgency": 3}, times={"expires_at": "2h"})
    data = b'{"text": "One"}\n{"text": "Two", "section": "arts", "expires_at": null}'
    items, _ = read_items(read_rows(data, Format.JSONL), change, OPTIONS, NOW, None)
    first, second = (item.submission for item in items)
    assert (first.section, first.urgency) == ("sports", 3)
    assert isinstance(first.expires_at, datetime)
    assert (second.section, second.urgency, second.expires_at) == ("arts", 3, None)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"{", "it is not JSON"),
        (b"[1]", "not a JSON object"),
        (b'{"text": "x", "sectoin": "y"}', "there is no field 'sectoin': a line can have text"),
        (b'{"text": 5}', r"Expected `str`, got `int`.*\$\.text"),
        (b'{"text": "x", "expires_at": "soonish"}', "is not a time"),
        (b'{"text": "x", "key": "mine"}', "there is no field 'key'"),
        (b'{"text": "\xff"}', "it is not JSON"),
        (b'{"text": "' + b"x" * 9000 + b'"}', "8,192 is the most"),
        (b"[" * 2000, "it is not JSON"),
    ],
    ids=lambda value: value[:20] if isinstance(value, bytes) else None,
)
def test_invalid_line_is_refused_with_its_number(line: bytes, why: str) -> None:
    items, refused = read_items(
        read_rows(b'\xef\xbb\xbf{"text": "fine"}\n\n' + line, Format.JSONL), NEW, OPTIONS, NOW, None
    )
    assert [item.number for item in items] == [1]
    assert list(refused) == [3]
    assert re.search(why, refused[3][0].detail)


def test_file_with_too_many_lines_is_refused() -> None:
    with pytest.raises(SettingsError, match="10,001 lines, and 10,000 is the most: split it"):
        read_items(read_rows(b'{"text": "x"}\n' * (LINES_MAX + 1), Format.JSONL), NEW, OPTIONS, NOW, None)
