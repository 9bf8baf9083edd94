"""Files with lines: JSON Lines, CSV or plain text."""

from __future__ import annotations

from typing import Any

import pytest

from publisher_cli.submit.batch_format import Format, find_format, read_rows
from ticker.core.errors import SettingsError


@pytest.mark.parametrize(
    ("source", "data", "form"),
    [
        ("results.jsonl", b"", Format.JSONL),
        ("results.CSV", b"", Format.CSV),
        ("results.txt", b"{}", Format.TEXT),
        ("-", b'\xef\xbb\xbf\n {"text": "It rains"}', Format.JSONL),
        ("-", b'"Text";Section\nIt rains;sports\n', Format.CSV),
        ("results", b"urgency,text\n2,It rains\n", Format.CSV),
    ],
)
def test_format_follows_from_the_name_or_the_content(source: str, data: bytes, form: Format) -> None:
    assert find_format(source, data) is form


@pytest.mark.parametrize("data", [b"It rains\nIt snows\n", b"<html><body>502", b"headline,text\n", b"", b"\xff"])
def test_anything_else_is_never_taken_for_plain_text(data: bytes) -> None:
    with pytest.raises(SettingsError, match="add --format text"):
        find_format("-", data)


def rows(data: str, form: Format) -> list[Any]:
    return [
        (number, str(row) if isinstance(row, SettingsError) else row) for number, row in read_rows(data.encode(), form)
    ]


def test_text_file_has_one_line_per_row() -> None:
    assert rows("\ufeffIt rains\r\n\n  Met office: It snows \n", Format.TEXT) == [
        (1, {"text": "It rains"}),
        (3, {"text": "Met office: It snows"}),
    ]


def test_csv_file_sets_a_field_per_column_and_leaves_out_empty_cells() -> None:
    data = 'text,urgency,regions,Story,again,undo\n"It rains, and snows",flash,"africa; asia",s,yes,5s\nSun,,,,no,\n'
    assert rows(data, Format.CSV) == [
        (2, {"text": "It rains, and snows", "urgency": 1, "regions": ["africa", "asia"], "coverage": "s",
             "again": True, "undo_s": 5.0}),
        (3, {"text": "Sun", "again": False}),
    ]  # fmt: skip


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_file_may_have_the_delimiter_of_any_spreadsheet(delimiter: str) -> None:
    assert rows(f"section{delimiter}text\nsports{delimiter}Sun\n", Format.CSV) == [
        (2, {"section": "sports", "text": "Sun"})
    ]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("section,url\n", "no column `text`"),
        ("text,headline\n", "there is no column 'headline'"),
        ("text,section,text\nOne,sports,Two\n", "column `text` comes twice"),
        ('text\n"It rains', "line 2 is not CSV"),
    ],
)
def test_csv_file_that_can_not_be_read_is_refused(data: str, why: str) -> None:
    with pytest.raises(SettingsError, match=why):
        rows(data, Format.CSV)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("a,b,c", "it has 3 cells and the header 2"),
        ("Sun,high", "'high' is not an urgency: use flash, bulletin, urgent, routine, or 1 (flash) to 9"),
    ],
)
def test_csv_row_that_can_not_be_read_is_named(row: str, why: str) -> None:
    ((number, error),) = rows(f"text,urgency\n{row}\n", Format.CSV)
    assert number == 2
    assert error.startswith(why)


def test_file_in_another_encoding_is_refused_with_its_line() -> None:
    with pytest.raises(SettingsError, match=r"line 2 is not UTF-8: save the file as UTF-8 \(`CSV UTF-8` in Excel\)"):
        list(read_rows("text\nSeñal\n".encode("latin-1"), Format.CSV))
    ((number, error),) = read_rows("Señal".encode("latin-1"), Format.TEXT)
    assert (number, str(error)) == (1, "it is not UTF-8: save the file as UTF-8")


def test_urgency_in_json_may_be_a_name() -> None:
    assert rows('{"text": "Sun", "urgency": "Bulletin"}', Format.JSONL) == [(1, {"text": "Sun", "urgency": 2})]
