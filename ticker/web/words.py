"""The words of pages and feeds in each language."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import msgspec

from ticker.formats.texts import Words


def words_of(lang: str) -> Mapping[str, str]:
    """Return the words in a language (BCP 47). English replaces a language that isn't supported."""
    words = _load()
    return words.get(lang.partition("-")[0].lower(), words["en"])


def format_words(lang: str) -> Words:
    """Return the words that formats put beside a line."""
    return msgspec.convert(words_of(lang), Words)


@cache
def _load() -> Mapping[str, Mapping[str, str]]:
    source = (files("ticker.web") / "templates" / "words.json").read_bytes()
    return msgspec.json.decode(source, type=dict[str, dict[str, str]])
