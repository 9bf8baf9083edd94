"""Escaping text for terminals: no character of a text controls the terminal, and nothing else changes."""

from __future__ import annotations

import json
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticker.core.escaping import escape, escape_json

SET_CLIPBOARD = "\x1b]52;c;cm0gLXJmIH4=\x07"
UNSAFE_CATEGORIES = {"Cc", "Cs", "Zl", "Zp"}
OVERRIDES = set("\u202a\u202b\u202c\u202d\u202e")
ANY_TEXT = st.text(st.characters(codec=None, categories=None))  # also lone surrogates


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        (SET_CLIPBOARD, r"\x1b]52;c;cm0gLXJmIH4=\x07"),
        ("C1\x9b31m", r"C1\x9b31m"),
        ("two\nlines\r\tand", r"two\nlines\r\tand"),
        ("\x00\x7f", r"\x00\x7f"),
        ("admin\u202egnp.exe", r"admin\u202egnp.exe"),
        ("a byte that isn't UTF-8: \udcff", r"a byte that isn't UTF-8: \udcff"),
        ("a line\u2028separator", r"a line\u2028separator"),
    ],
)
def test_control_characters_are_escaped(text: str, escaped: str) -> None:
    assert escape(text) == escaped


@pytest.mark.parametrize(
    "text",
    [
        "It rains",
        "هطول أمطار",
        "¿Llueve? «Sí»",
        "می‌خواهم",
        "👩🏽‍🚀 🏴󠁧󠁢󠁥󠁮󠁧󠁿",
        "\u2067نص\u2069: text",
        "1\u200f.",
        "back\\slash",
    ],
)
def test_texts_of_people_stay_as_they_are(text: str) -> None:
    assert escape(text) == text


@pytest.mark.parametrize("text", ["closed too often\u2069", "never closed\u2067", "\u2069\u2067"])
def test_unbalanced_isolates_are_escaped(text: str) -> None:
    assert not {"\u2067", "\u2069"} & set(escape(text))


@given(ANY_TEXT)
def test_escaped_text_has_no_character_that_controls_a_terminal(text: str) -> None:
    for character in escape(text):
        assert unicodedata.category(character) not in UNSAFE_CATEGORIES
        assert character not in OVERRIDES


@given(ANY_TEXT)
def test_escaping_twice_changes_nothing(text: str) -> None:
    assert escape(escape(text)) == escape(text)


@pytest.mark.parametrize("ascii_only", [False, True])
@given(st.text())
def test_escaped_json_means_the_same_on_one_safe_line(ascii_only: bool, text: str) -> None:
    document = json.dumps({"text": text, "other": [1, {}]}, indent=1, ensure_ascii=False)
    escaped = escape_json(document, ascii_only=ascii_only)
    assert json.loads(escaped) == json.loads(document)
    assert escape(escaped) == escaped
    assert "\n" not in escaped
    assert not ascii_only or escaped.isascii()


def test_every_code_point_is_safe_or_escaped() -> None:
    unsafe = {chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) in UNSAFE_CATEGORIES}
    assert not (unsafe | OVERRIDES) & set(escape("".join(unsafe | OVERRIDES)))
