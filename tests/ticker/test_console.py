"""The console: what commands print, where it goes, and what happens if it can't be written."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest

from ticker.console import ClosedPipeError, Console, OutputError, Style, Styled


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


def test_styled_word_has_its_colour_only_on_a_terminal() -> None:
    line = Styled("held", Style.HELD, "  en", before="  ")
    screen, file = Screen(), io.StringIO()
    Console({}, screen, file).say(line)
    Console({}, screen, file).tell(line)
    Console({"NO_COLOR": "1"}, file, file).say(line)
    assert screen.getvalue() == "  \x1b[1;33mheld\x1b[0m  en\n"
    assert file.getvalue() == "  held  en\n" * 2


def test_no_part_of_a_styled_line_can_contain_a_control_sequence() -> None:
    screen = Screen()
    Console({}, screen, screen).say(Styled("\x1b[8mword", Style.GOOD, "\x1b]52;c;eA==\x07", before="\r"))
    assert screen.getvalue() == "\\r\x1b[1;32m\\x1b[8mword\x1b[0m\\x1b]52;c;eA==\\x07\n"


def test_each_call_prints_one_line() -> None:
    out, err = io.StringIO(), io.StringIO()
    console = Console({}, out, err)
    console.say("refused\non air  en 1")
    console.tell("one\r\nanother")
    assert out.getvalue() == "refused\\non air  en 1\n"
    assert err.getvalue() == "one\\r\\nanother\n"


def test_progress_is_replaced_by_the_next_line_and_shown_only_to_people() -> None:
    screen, file = Screen(), io.StringIO()
    console = Console({}, screen, screen)
    console.show_progress("1 s")
    console.show_progress("2 s")
    console.tell("done")
    console.show_progress("")
    assert screen.getvalue() == "\r\x1b[K1 s\r\x1b[K2 s\r\x1b[Kdone\n"
    Console({}, file, file).show_progress("1 s")
    assert file.getvalue() == ""


def test_json_is_ascii_if_the_terminal_has_another_encoding() -> None:
    buffer = io.BytesIO()
    latin = io.TextIOWrapper(buffer, encoding="latin-1", errors="backslashreplace")
    Console({}, latin).give({"text": "é 😀 نص"})
    written = buffer.getvalue().decode("ascii")
    assert json.loads(written) == {"text": "é 😀 نص"}


def test_json_with_a_lone_surrogate_is_printed() -> None:
    out = io.StringIO()
    Console({}, out).give({"detail": "\udcff"})
    assert out.getvalue() == '{"detail":"\\udcff"}\n'


def test_full_disk_is_an_output_error() -> None:
    with Path("/dev/full").open("w") as full, pytest.raises(OutputError, match="No space left on device"):
        Console({}, full).say("on air")


def test_pipe_without_a_reader_is_closed() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe:
        with pytest.raises(ClosedPipeError):
            Console({}, pipe).check_reader()
        with pytest.raises(ClosedPipeError):
            Console({}, pipe).say("on air")


def test_standard_error_that_cannot_be_written_is_ignored() -> None:
    with Path("/dev/full").open("w") as full:
        Console({}, io.StringIO(), full).tell("warning")
