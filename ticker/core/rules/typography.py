"""How a text is set: capitals, spaces and quotation marks."""

from __future__ import annotations

from typing import Final

import regex

from ticker.core.edition import Quotes

SHOUTED_LETTERS: Final = 14
"""Fewer capitals than this are an acronym or two, or a score: "FIFA: USA 3, NED 1"."""

_LETTER: Final = regex.compile(r"\p{L}")
_CAPITAL: Final = regex.compile(r"\p{Lu}")
_TWO_SPACES: Final = regex.compile(r"\s{2,}")
# At the end of a word, so that ".NET", ".5", " …" and "..." pass, and not between numbers: "2 : 1".
_LOOSE_MARK: Final = regex.compile(r"(?<=\S)(?<!\d(?=\s:))\s([,;:،؛]|[!?؟]+|\.)(?=\s|$)")
_SETS_MARKS_CLOSE: Final = frozenset({"en", "es", "ar"})
"""Languages that have no space before a mark (French has)."""

_IN_GUILLEMETS: Final = regex.compile(r"«[^«»]*»")
# A straight mark after a digit is feet, inches, minutes; between Hebrew letters it makes an acronym.
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
    """True where nearly all letters are capitals, and more of them than acronyms make."""
    letters, capitals = len(_LETTER.findall(text)), len(_CAPITAL.findall(text))
    return capitals >= SHOUTED_LETTERS and capitals >= 0.9 * letters


def loose_space(text: str, language: str) -> str | None:
    """What is wrong with the spaces, in words; None where nothing is. `language` is the tag's first part."""
    if _TWO_SPACES.search(text) is not None:
        return "two spaces in a row: leave one"
    if language in _SETS_MARKS_CLOSE and (mark := _LOOSE_MARK.search(text)) is not None:
        return f"a space before {mark[1][:3]}: take it out"
    return None


def wrong_quotes(text: str, habit: Quotes) -> str | None:
    """What is against the habit, in words; None where nothing is. Straight apostrophes are against curly ones too."""
    looked_at = _IN_GUILLEMETS.sub("", text) if habit is Quotes.GUILLEMETS else text
    found = _AGAINST[habit].search(looked_at)
    return None if found is None else f"{found[0]} where this edition writes {_WRITES[habit]}"
