"""The texts of a line for formats without a field for the direction, the attribution or the correction."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

import msgspec

from ticker.core.line import Direction, Line, Status

FIRST_STRONG_ISOLATE: Final = "\u2068"
POP_ISOLATE: Final = "\u2069"
_MARKS: Final = {Direction.LTR: "\u200e", Direction.RTL: "\u200f"}
_STRONG: Final = {"L": Direction.LTR, "R": Direction.RTL, "AL": Direction.RTL}
_ISOLATES: Final = frozenset({"LRI", "RLI", "FSI"})
_NOT_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Words(msgspec.Struct, frozen=True):
    """The words that feeds add to a line, in the edition's language."""

    withdrawn: str
    correction: str
    test: str


def headline(line: Line, words: Words) -> str:
    """Return the line as one plain text: its attribution and its text, or the notice of its withdrawal.

    Feeds lack a field for the direction of a text, and feed readers use the direction of its first letter. So an
    attribution with letters of the other direction is isolated, and a text that begins with such a letter gets a mark
    in front.
    """
    if line.status is Status.CANCELED:
        text = f"{words.withdrawn}: {line.correction}" if line.correction else words.withdrawn
    else:
        text = f"{_isolated(line.attribution, line.dir)}: {line.text}" if line.attribution else line.text
    if line.test:
        text = f"{words.test}: {text}"
    first = first_strong(text)
    return text if first in (None, line.dir) else _MARKS[line.dir] + text


def body(line: Line, words: Words) -> str:
    """Return the headline and, below it, the reason for a correction."""
    text = headline(line, words)
    if line.status is Status.USABLE and line.correction:
        return f"{text}\n\n{words.correction}: {line.correction}"
    return text


def _isolated(text: str, within: Direction) -> str:
    if all(direction is within for direction in map(_direction, text) if direction is not None):
        return text
    return f"{FIRST_STRONG_ISOLATE}{text}{POP_ISOLATE}"


def first_strong(text: str) -> Direction | None:
    """Return the direction of the first letter that has one, outside of isolates (UAX #9, P2 and P3)."""
    depth = 0
    for char in text:
        kind = unicodedata.bidirectional(char)
        if kind in _ISOLATES:
            depth += 1
        elif kind == "PDI":
            depth = max(depth - 1, 0)
        elif depth == 0 and kind in _STRONG:
            return _STRONG[kind]
    return None


def _direction(char: str) -> Direction | None:
    return _STRONG.get(unicodedata.bidirectional(char))


def xml_text(text: str) -> str:
    """Return the text without the characters that XML 1.0 can't have, not even as references."""
    return _NOT_XML.sub("", text)
