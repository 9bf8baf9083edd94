"""Tables on a terminal, and plain lines elsewhere."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest

from publisher_cli.output.rows import Row
from publisher_cli.output.tables import print_board, show_rows
from publisher_cli.output.terminal import Terminal, fitted
from ticker.console import Console
from ticker.core.edition import DEFAULT_EDITIONS
from ticker.core.entry import Entry, Logged
from ticker.core.line import Change, Direction, Line, Status
from ticker.store.editions import StoredEdition

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)

ROWS = (
    Row(("k7m2", "10:30:00", "FLASH"), "Earthquake hits Port Isel", Direction.LTR),
    Row(("p5q7", "10:31:00", ""), "هطول أمطار غزيرة على الساحل", Direction.RTL),
)


def test_pipe_gets_one_line_per_row() -> None:
    out = io.StringIO()
    show_rows(Console({}, out, io.StringIO()), ROWS)
    assert out.getvalue().splitlines() == [
        "k7m2  10:30:00  FLASH  Earthquake hits Port Isel",
        "p5q7  10:31:00  \u2067هطول أمطار غزيرة على الساحل\u2069",
    ]


def printed(rows: tuple[Row, ...], width: int) -> list[str]:
    out = io.StringIO()
    terminal = Terminal(file=out, width=width, no_color=True)
    terminal.print(fitted(rows, terminal))
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_text_is_wrapped_in_its_own_column() -> None:
    first, second, *_ = printed(ROWS[:1], 45)
    assert first == "k7m2  10:30:00  FLASH  Earthquake hits Port"
    assert second == " " * 23 + "Isel"


@pytest.mark.parametrize("width", [36, 45, 200])
def test_each_piece_of_a_right_to_left_text_is_isolated(width: int) -> None:
    for line in printed(ROWS[1:], width):
        assert line.count("\u2067") == line.count("\u2069") == 1


def test_empty_column_takes_no_room() -> None:
    (line,) = printed((Row(("k7m2", ""), "Rain", Direction.LTR),), 80)
    assert line == "k7m2  Rain"


def test_no_rows_print_nothing() -> None:
    out = io.StringIO()
    show_rows(Console({}, out, io.StringIO()), ())
    assert out.getvalue() == ""


def test_control_characters_are_escaped_before_the_text_is_wrapped() -> None:
    hostile = Row(("k7\x1b[8m", ""), "Rain \x1b]52;c;eA==\x07 falls\nand a second line", Direction.LTR)
    assert printed((hostile,), 120) == [r"k7\x1b[8m  Rain \x1b]52;c;eA==\x07 falls\nand a second line"]


def test_rich_console_escapes_texts_that_nobody_has_escaped() -> None:
    out = io.StringIO()
    Terminal(file=out, width=80, no_color=True).print("Rain \x1b]52;c;eA==", highlight=False)
    assert out.getvalue() == "Rain \\x1b]52;c;eA==\n"


def test_text_that_has_no_room_beside_its_cells_stands_below_them() -> None:
    row = Row(
        ("q1sd", "2026-11-27 09:00", "in 14 h 46 min", "waits 10 s", "maha (editor)"), "Rain " * 20, Direction.LTR
    )
    cells, *text = printed((row,), 80)
    assert cells == "q1sd  2026-11-27 09:00  in 14 h 46 min  waits 10 s  maha (editor)"
    assert " ".join(line.strip() for line in text) == ("Rain " * 20).strip()
    assert all(line.startswith("  Rain") and len(line) <= 80 for line in text)


def line(number: int, status: Status) -> Line:
    return Line(
        id=f"line{number}", version=1, number=number, change=Change.NEW, status=status, text="", lang="en",
        dir=Direction.LTR, created_at=NOW, updated_at=NOW,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("statuses", "head"),
    [
        ((), "0 entries, 0 lines on the board"),
        ((Status.USABLE,), "1 entry, 1 line on the board"),
        ((Status.USABLE, Status.CANCELED, Status.USABLE), "3 entries, 2 lines and 1 notice on the board"),
        ((Status.CANCELED, Status.CANCELED), "2 entries, 0 lines and 2 notices on the board"),
    ],
)
def test_board_counts_notices_of_withdrawn_lines_apart(statuses: tuple[Status, ...], head: str) -> None:
    entries = [
        Logged(seq, "00" * 32, Entry(line=line(seq, status), editor="maha", key=f"k{seq}", submitted_at=NOW))
        for seq, status in enumerate(statuses, 1)
    ]
    err = io.StringIO()
    stored = StoredEdition("en", DEFAULT_EDITIONS["en"], "00" * 32)
    print_board(Console({}, io.StringIO(), err), stored, entries, 10, NOW)
    assert err.getvalue().endswith(f"  {head}\n")
