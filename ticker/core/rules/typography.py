"""The typography of a text: capitals, spaces and quotation marks."""

from __future__ import annotations

from typing import Final

import regex

from ticker.core.edition import Quotes

SHOUTED_LETTERS: Final = 14
"""The minimum number of capitals in a shouted text. Acronyms have fewer: "FIFA: USA 3, NED 1"."""

_LETTER: Final = regex.compile(r"\p{L}")
_CAPITAL: Final = regex.compile(r"\p{Lu}")
_TWO_SPACES: Final = regex.compile(r"\s{2,}")
# Matches only marks at the end of a word, so that ".NET", ".5", " …" and "..." pass, and none between numbers: "2 : 1".
_LOOSE_MARK: Final = regex.compile(r"(?<=\S)(?<!\d(?=\s:))\s([,;:،؛]|[!?؟]+|\.)(?=\s|$)")
_NO_SPACE_BEFORE_MARKS: Final = frozenset({"en", "es", "ar"})
"""Languages without a space before a punctuation mark. French has one."""

_IN_GUILLEMETS: Final = regex.compile(r"«[^«»]*»")
# After a digit, a straight mark means feet, inches or minutes. Between Hebrew letters, it makes an acronym.
_STRAIGHT: Final = r"""(?<!\d)(?<!\p{Script=Hebr}(?=.\p{Script=Hebr}))["']"""
_AGAINST: Final = {
    Quotes.CURLY: regex.compile(rf"{_STRAIGHT}|[«»]"),
    Quotes.STRAIGHT: regex.compile("[“”„‘’‚«»]"),
    Quotes.GUILLEMETS: regex.compile(r'(?<!\d)"|[“”„]'),
}
_WRITES: Final = {
    Quotes.CURLY: "“ ” and ’",
    Quotes.STRAIGHT: "\" and '",
    Quotes.GUILLEMETS: "« », and “ ” within them",
}


def is_shouted(text: str) -> bool:
    """Return True if nearly all letters are capitals, and there are too many for acronyms."""
    letters, capitals = len(_LETTER.findall(text)), len(_CAPITAL.findall(text))
    return capitals >= SHOUTED_LETTERS and capitals >= 0.9 * letters


def loose_space(text: str, language: str) -> str | None:
    """Describe a misplaced space, or return None. `language` is the first part of a language tag."""
    if _TWO_SPACES.search(text) is not None:
        return "two spaces in a row: leave one"
    if language in _NO_SPACE_BEFORE_MARKS and (mark := _LOOSE_MARK.search(text)) is not None:
        return f"a space before {mark[1][:3]}: take it out"
    return None


def wrong_quotes(text: str, style: Quotes) -> str | None:
    """Describe a quotation mark or apostrophe that differs from the edition's style, or return None."""
    checked = _IN_GUILLEMETS.sub("", text) if style is Quotes.GUILLEMETS else text
    found = _AGAINST[style].search(checked)
    return None if found is None else f"{found[0]}, but this edition writes {_WRITES[style]}"
