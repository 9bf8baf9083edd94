"""The rows of a file with lines: JSON Lines, CSV or plain text."""

from __future__ import annotations

import csv
import re
from codecs import BOM_UTF8
from collections.abc import Iterator
from enum import StrEnum
from io import StringIO
from pathlib import PurePath
from typing import Final, TypeAlias

import msgspec

from publisher_cli.submit.request import parse_urgency, undo_window_s
from ticker.core.errors import UNREADABLE, SettingsError

LINE_BYTES: Final = 8 * 1024
FIELDS: Final = (
    *("text", "attribution", "split_attribution", "lang", "dir", "urgency", "section", "regions", "coverage", "url"),
    *("expires_at", "pinned_until", "note", "publish_at", "embargo_until", "undo_s", "again", "confirmed"),
)
COLUMNS: Final = {
    **{name: name for name in FIELDS},
    "story": "coverage",
    "region": "regions",
    "expires": "expires_at",
    "pin": "pinned_until",
    "at": "publish_at",
    "embargo": "embargo_until",
    "undo": "undo_s",
}
"""The columns of a CSV file, with the field that each one sets. The options' names count, too."""

_YES: Final = ("yes", "true", "1", "x")
_NO: Final = ("no", "false", "0")

Row: TypeAlias = tuple[int, dict[str, object] | SettingsError]
"""The number of a row, and its fields or its error."""


class Format(StrEnum):
    """The format of a file with lines."""

    JSONL = "jsonl"  # one JSON object per line
    CSV = "csv"  # with a header
    TEXT = "text"  # each row is a text
    NINJS = "ninjs"  # IPTC ninjs 3.1 (see `publisher_cli.submit.batch_ninjs`)


_BY_SUFFIX: Final = {
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".json": Format.JSONL,
    ".csv": Format.CSV,
    ".tsv": Format.CSV,
    ".txt": Format.TEXT,
    ".ninjs": Format.NINJS,
}


def find_format(source: str, data: bytes) -> Format:
    """Return the format of a file by its name, or else by its content.

    A file without a telling name is never taken for plain text: an error page would go on air, row by row.

    Raises:
        SettingsError: If neither tells.

    """
    by_name = _BY_SUFFIX.get(PurePath(source).suffix.lower())
    if by_name is not None:
        return by_name
    start = data.removeprefix(BOM_UTF8).lstrip()
    if start.startswith(b"{"):
        return Format.JSONL
    header = start.partition(b"\n")[0].decode(errors="replace")
    names = [name.strip().strip('"').lower() for name in re.split("[,;\t]", header)]
    if "text" in names and all(name in COLUMNS for name in names):
        return Format.CSV
    raise SettingsError(
        "this is neither JSON Lines nor CSV with a column `text`: to post each row as a line, add --format text"
    )


def read_rows(data: bytes, form: Format) -> Iterator[Row]:
    """Yield the rows of a file. Skip empty ones.

    Raises:
        SettingsError: If a CSV file can't be read.

    """
    data = data.removeprefix(BOM_UTF8)
    if form is Format.CSV:
        yield from _csv_rows(data)
        return
    parse = _json_fields if form is Format.JSONL else _text_fields
    for number, line in enumerate(data.splitlines(), 1):
        if line.strip():
            try:
                yield number, parse(line)
            except SettingsError as error:
                yield number, error


def _json_fields(line: bytes) -> dict[str, object]:
    _check_size(line)
    try:
        fields = msgspec.json.decode(line)
    except UNREADABLE as error:
        raise SettingsError(f'it is not JSON: {error}. Write {{"text": "…"}} on one line') from error
    if not isinstance(fields, dict):
        raise SettingsError('it is not a JSON object: write {"text": "…"}')
    unknown = sorted(fields.keys() - set(FIELDS))
    if unknown:
        raise SettingsError(f"there is no field {unknown[0][:40]!r}: a line can have {', '.join(FIELDS)}")
    if isinstance(fields.get("urgency"), str):
        fields["urgency"] = parse_urgency(fields["urgency"])
    return fields


def _text_fields(line: bytes) -> dict[str, object]:
    _check_size(line)
    try:
        return {"text": line.decode().strip()}
    except UnicodeDecodeError as error:
        raise SettingsError("it is not UTF-8: save the file as UTF-8") from error


def _check_size(line: bytes) -> None:
    if len(line) > LINE_BYTES:
        raise SettingsError(f"it has {len(line):,} bytes, and {LINE_BYTES:,} is the most")


def _csv_rows(data: bytes) -> Iterator[Row]:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        number = data[: error.start].count(b"\n") + 1
        raise SettingsError(f"line {number} is not UTF-8: save the file as UTF-8 (`CSV UTF-8` in Excel)") from error
    header = text.lstrip().partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    reader = csv.reader(StringIO(text.lstrip()), delimiter=delimiter, strict=True)
    try:
        columns = [_column(name) for name in next(reader, [])]
        if "text" not in columns:
            raise SettingsError("the file has no column `text`: the first row must have the names of the columns")
        if twice := next((name for name in columns if columns.count(name) > 1), None):
            raise SettingsError(f"the column `{twice}` comes twice in the first row: one of the two would be ignored")
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num, _fields_or_error(columns, cells)
    except csv.Error as error:
        raise SettingsError(f"line {reader.line_num} is not CSV: {error}") from error


def _column(name: str) -> str:
    field = COLUMNS.get(name.strip().lower())
    if field is None:
        raise SettingsError(f"there is no column {name.strip()[:40]!r}: a line can have {', '.join(COLUMNS)}")
    return field


def _fields_or_error(columns: list[str], cells: list[str]) -> dict[str, object] | SettingsError:
    if len(cells) > len(columns):
        return SettingsError(f"it has {len(cells)} cells and the header {len(columns)}: quote texts with commas")
    try:
        given = zip(columns, map(str.strip, cells), strict=False)
        return {field: _value(field, cell) for field, cell in given if cell}
    except SettingsError as error:
        return error


def _value(field: str, cell: str) -> object:
    match field:
        case "urgency":
            return parse_urgency(cell)
        case "regions":
            return [region.strip() for region in re.split("[;,|]", cell) if region.strip()]
        case "undo_s":
            return undo_window_s(cell)
        case "split_attribution" | "again" | "confirmed":
            if cell.lower() not in (*_YES, *_NO):
                raise SettingsError(f"{cell[:40]!r} in the column `{field}` is neither yes nor no")
            return cell.lower() in _YES
        case _:
            return cell
