"""The text of a line's post on a service such as Telegram, Slack or Mastodon. Pure."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Final

import msgspec

from ticker.core.line import Line, Status
from ticker.core.words import WORDS
from ticker.formats.texts import Words, body

MARKED_CHARS: Final = 300
"""How many letters and digits of a text count for its mark. The shortest limit of a service is longer."""

_ENGLISH: Final = {
    "flash": "Flash",
    "bulletin": "Bulletin",
    "urgent": "Urgent",
    "correction": "Correction",
    "withdrawn": "Withdrawn",
    "test": "TEST",
}
_LABELS: Final = {1: "flash", 2: "bulletin", 3: "urgent"}
_WORD_JOINER: Final = "\u2060"
_ACTIVE: Final = re.compile(r"[@#$/](?=\w)|(?<=[^\W_])\.(?=[^\W\d_])|:(?=//)")
_NO_WORD: Final = re.compile(r"[\W_]+")


def words_in(lang: str) -> dict[str, str]:
    """Return the words beside a line in a language (BCP 47), or in English for other languages."""
    return WORDS.get(lang.partition("-")[0].lower(), _ENGLISH)


def post_text(line: Line) -> str:
    """Return what a post says of a line: its urgency, its source, its text and its correction, or its notice."""
    words = words_in(line.lang)
    text = body(msgspec.structs.replace(line, test=False), msgspec.convert(words, Words))
    label = words[_LABELS[line.urgency]] if line.urgency in _LABELS and line.status is Status.USABLE else ""
    before = [word for word in (words["test"] if line.test else "", label) if word]
    return ": ".join([*before, text])


def inert_text(text: str) -> str:
    """Return the text so that no service makes a link, a mention, a tag or a command of a part of it.

    An invisible word joiner (U+2060) stands behind each character that would start one.
    """
    return _ACTIVE.sub(lambda found: found[0] + _WORD_JOINER, text)


def shorten(text: str, most: int) -> str:
    """Return the text with at most `most` characters. A text that is cut ends with an ellipsis."""
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}\u2026"


def digest_of_text(text: str) -> str:
    """Return a digest of the whole text."""
    return sha256(text.encode()).hexdigest()[:16]


def mark_of(text: str) -> str:
    """Return a digest of how a text begins, which is the same if a service shows the text in its own form."""
    return sha256(_NO_WORD.sub("", text)[:MARKED_CHARS].encode()).hexdigest()[:16]
