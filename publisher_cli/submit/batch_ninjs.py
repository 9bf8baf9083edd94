"""Read a file of IPTC ninjs 3.1 objects: an array, a single object, or one object per line.

Each item becomes a new line. If the file has several versions of an item, only the newest counts. Withdrawn, hidden
and expired items lack a text, and are left out. The oldest item is posted first.
"""

from __future__ import annotations

import msgspec

from publisher_cli.submit.batch_format import Row
from ticker.core.errors import UNREADABLE, SettingsError
from ticker.formats.ninjs_reader import NinjsItem, read_item


def read_ninjs(data: bytes) -> tuple[list[Row], int]:
    """Return the rows of a file, and how many items were left out. The number of a row is that of its item, from 1.

    Raises:
        SettingsError: If the file isn't JSON.

    """
    rows: list[Row] = []
    newest: dict[str, tuple[int, NinjsItem]] = {}
    documents = _documents(data)
    for number, (path, document) in enumerate(documents, 1):
        try:
            item = read_item(document, path)
        except SettingsError as error:
            rows.append((number, error))
            continue
        if item.uri not in newest or newest[item.uri][1].version <= item.version:
            newest[item.uri] = (number, item)
    lines = sorted(newest.values(), key=lambda each: (each[1].created_at, each[0]))
    rows += [(number, item.fields) for number, item in lines if item.fields is not None]
    return rows, len(documents) - len(rows)


def _documents(data: bytes) -> list[tuple[str, object]]:
    """Return the objects of a file, each with its path."""
    text = data.strip()
    try:
        if text.startswith(b"["):
            items: list[object] = msgspec.json.decode(text)
            return [(f"$[{index}]", item) for index, item in enumerate(items)]
        lines = text.splitlines()
        if len(lines) > 1 and _is_json(lines[0]):
            return [(f"line {number}: $", msgspec.json.decode(line)) for number, line in _numbered(lines)]
        return [("$", msgspec.json.decode(text))]
    except UNREADABLE as error:
        raise SettingsError(f"this is not a file of ninjs objects: {error}") from error


def _numbered(lines: list[bytes]) -> list[tuple[int, bytes]]:
    return [(number, line) for number, line in enumerate(lines, 1) if line.strip()]


def _is_json(line: bytes) -> bool:
    try:
        msgspec.json.decode(line)
    except UNREADABLE:
        return False
    return True
