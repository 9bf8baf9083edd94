"""Find texts by the words in them: editors remember words, not ids."""

from __future__ import annotations

import unicodedata


def has_words(text: str, wanted: str) -> bool:
    """Return whether each word of `wanted` begins a word of `text`.

    Case, accents and punctuation make no difference. An Arabic or Hebrew word may also be inside of a word, because
    articles, prepositions and conjunctions are written together with it.
    """
    from ticker.core.rules.similarity import comparable  # noqa: PLC0415 -- slow to import, and few commands need it

    words = comparable(text).words
    found = comparable(wanted).words
    return bool(found) and all(any(_fits(word, each) for each in words) for word in found)


def _fits(wanted: str, word: str) -> bool:
    return word.startswith(wanted) or (unicodedata.bidirectional(wanted[0]) in ("R", "AL") and wanted in word)
