"""The similarity of two texts as news. Typing errors, case and punctuation make no difference, but numbers do."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import islice
from typing import Final

import msgspec
import regex
from rapidfuzz import process
from rapidfuzz.distance import Editop, Levenshtein
from rapidfuzz.fuzz import ratio

TEXT_SIMILAR: Final = 90.0
"""The similarity in per cent from which two texts may be duplicates."""

WORD_SIMILAR: Final = 80.0
"""The similarity in per cent from which two words count as one, mistyped or inflected. Iran and Iraq are below."""

CANDIDATES: Final = 50
"""The maximum number of texts that are compared word by word."""

CHARACTERS_COMPARED: Final = 1000
"""The maximum number of characters that are compared, so that the cost of a submission is bounded."""

# Diacritics of scripts in which they are optional or mark the form of a letter. In other scripts they are vowels.
_DIACRITIC: Final = regex.compile(
    r"[[\p{Mn}&&[\p{Script=Zinh}\p{Script=Arab}\p{Script=Hebr}]]\p{Cf}\u0640'’]", regex.V1
)
_NOT: Final = regex.compile(r"n['’]t\b")
_ARABIC_FORMS: Final = str.maketrans("ىیکةٱ٫٬", "ييكها.,")
_DIGIT: Final = regex.compile(r"[\p{Nd}--[0-9]]", regex.V1)
_THOUSANDS: Final = regex.compile(r"(?<=\d)[.,](?=\d{3}(?!\d))")
_NUMBER: Final = regex.compile(r"\d+(?:[.,:]\d+)*")
_WORD: Final = regex.compile(r"[\p{L}\p{M}\p{N}]+")


Words = tuple[str, ...]


class Comparable(msgspec.Struct, frozen=True):
    """A text in its comparable form: its words, its numbers in their order, and all words as one string."""

    words: Words
    numbers: Words
    joined: str


def _decimal(digit: regex.Match[str]) -> str:
    # `regex` may know digits of a newer Unicode version than Python does.
    return str(unicodedata.decimal(digit[0], digit[0]))


def comparable(text: str) -> Comparable:
    """Remove case, punctuation, diacritics and thousands separators, and unify the forms of alef, yeh and digits."""
    folded = unicodedata.normalize("NFKD", text.casefold()).translate(_ARABIC_FORMS)
    folded = _DIACRITIC.sub("", _NOT.sub(" not", folded))
    folded = _THOUSANDS.sub("", _DIGIT.sub(_decimal, folded))
    words = tuple(_WORD.findall(folded[:CHARACTERS_COMPARED]))
    numbers = tuple(number.replace(",", ".") for number in _NUMBER.findall(folded))
    return Comparable(words, numbers, " ".join(words))


cached_comparable: Final = lru_cache(maxsize=4096)(comparable)
"""Cached, for texts on air: they are compared again and again, and their length is limited."""


# Words that change the meaning of a sentence: negations, persons and directions. Also the numbers, months, days and
# countries that are similar to another one. The others differ by more than WORD_SIMILAR.
_DISTINCTIVE: Final = frozenset(
    form
    for word in """
    not no never without neither nor cannot former ex vice deputy acting male female first second third
    six sixth sixty sixteen seven seventh seventy seventeen eight eighth eighty eighteen nine ninth ninety nineteen
    four fourth fourteen million billion trillion tuesday thursday
    north south east west northeast northwest southeast southwest
    niger nigeria mali malawi gambia zambia austria australia iceland ireland
    ni nunca sin tampoco vicepresidente exministro expresidente primer primera segundo segunda
    dos doce tres trece seis siete sesenta setenta mil miles millón millones billón billones junio julio
    norte sur este oeste noreste noroeste nordeste sureste suroeste sudeste sudoeste
    malaui islandia irlanda
    لا لم لن ليس ليست غير دون بدون عدم نائب سابق السابق سابقا الأول الثاني الثالث الأولى الثانية الثالثة
    ست ستة ستين ستون سبع سبعة سبعين سبعون تسع تسعة تسعين تسعون ثلاث ثلاثة ثلاثين ثلاثون ثمان ثمانية ثمانين ثمانون
    مليون مليونين مليار مليارين يونيو يوليو غامبيا زامبيا أيسلندا أيرلندا
    """.split()  # noqa: SIM905 - one word per line would fill two screens
    for form in comparable(word).words
)


def most_similar(
    text: str, others: Sequence[str], compares: Callable[[int], bool] = lambda _: True
) -> tuple[int, float] | None:
    """Return the index of the most similar duplicate in `others`, and its similarity in per cent, or None.

    Only indexes for which `compares` returns True count.
    """
    ours = comparable(text)
    if not ours.words:
        return None
    theirs = {
        index: form for index, other in enumerate(others) if (form := cached_comparable(other)).numbers == ours.numbers
    }
    similar = process.extract(
        ours.joined,
        {index: form.joined for index, form in theirs.items()},
        scorer=ratio,
        processor=None,
        score_cutoff=TEXT_SIMILAR,
        limit=None,
    )
    candidates = (found for found in similar if compares(found[2]))
    for _, score, index in islice(candidates, CANDIDATES):  # most similar first
        if _is_same_news(ours.words, theirs[index].words):
            return index, score
    return None


def _is_same_news(ours: Words, theirs: Words) -> bool:
    """Return True if no word that differs changes the meaning. The numbers are the same."""
    # Several alignments may have the same distance. In a fixed order, both directions choose the same one.
    first, second = sorted((ours, theirs))
    return not any(_changes_news(first, second, edit) for edit in Levenshtein.editops(first, second))


def _changes_news(ours: Words, theirs: Words, edit: Editop) -> bool:
    """Return True if an added, removed or replaced word changes the meaning."""
    match edit.tag:
        case "insert":
            return theirs[edit.dest_pos] in _DISTINCTIVE
        case "delete":
            return ours[edit.src_pos] in _DISTINCTIVE
        case _:
            mine, other = ours[edit.src_pos], theirs[edit.dest_pos]
            return not _DISTINCTIVE.isdisjoint((mine, other)) or ratio(mine, other) < WORD_SIMILAR
