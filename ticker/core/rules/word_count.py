"""Count the words of a line, to find one that was sent by mistake: a stray key, or half a sentence."""

from __future__ import annotations

from typing import Final

import regex

WORDS_LEAST: Final = 3
"""The minimum number of words of a line that the rule `short` doesn't find."""

_WORD: Final = regex.compile(r"[\p{L}\p{N}][\p{L}\p{N}\p{M}\p{Cf}'’._-]*")
# These scripts put no spaces between words: their words can't be counted without a dictionary.
_NO_SPACES: Final = regex.compile(
    r"[\p{Script=Hani}\p{Script=Hira}\p{Script=Kana}\p{Script=Thai}\p{Script=Laoo}\p{Script=Khmr}\p{Script=Mymr}"
    r"\p{Script=Tibt}]"
)


def count_words(text: str) -> int | None:
    """Return the number of words and numbers, or None if the text has a script without spaces between words."""
    return None if _NO_SPACES.search(text) else len(_WORD.findall(text))
