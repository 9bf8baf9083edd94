"""How alike two texts are, as news: typing mistakes, case, marks and small words make no difference; a number does."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import msgspec
import regex
from rapidfuzz import process
from rapidfuzz.distance import Editop, Levenshtein
from rapidfuzz.fuzz import ratio

ALIKE: Final = 90.0
"""From how many per cent on two texts may say the same."""

WORD_ALIKE: Final = 80.0
"""From how many per cent on two words are one and the same, mistyped or inflected: Iran and Iraq are not."""

LOOKED_AT: Final = 50
"""So many texts, the most alike, are looked at word by word."""

COMPARED: Final = 1000
"""The words of so many characters are compared, whatever a text has: what a submission costs the desk is bounded."""

# Diacritics of the scripts in which they are left out at will, or mark a letter's form; in others they are vowels.
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
    """A text in its comparable form: its words, and the numbers in them in their order."""

    words: Words
    numbers: Words
    joined: str


def comparable(text: str) -> Comparable:
    """Without case, marks and diacritics; alef, yeh and digits in one form each; numbers without separators."""
    folded = unicodedata.normalize("NFKD", text.casefold()).translate(_ARABIC_FORMS)
    folded = _DIACRITIC.sub("", _NOT.sub(" not", folded))
    folded = _THOUSANDS.sub("", _DIGIT.sub(lambda digit: str(unicodedata.decimal(digit[0])), folded))
    words = tuple(_WORD.findall(folded[:COMPARED]))
    numbers = tuple(number.replace(",", ".") for number in _NUMBER.findall(folded))
    return Comparable(words, numbers, " ".join(words))


_comparable_again: Final = lru_cache(maxsize=4096)(comparable)
"""For texts that are on air: each is looked at again and again, and none is longer than an edition allows."""


# Words that make other news of the same sentence: negations, who is meant, where; and numbers, months, days and
# countries that differ by a letter or two. Others differ enough to be told apart by themselves.
_DECISIVE: Final = frozenset(
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
    """.split()  # noqa: SIM905 - one word a line would fill two screens
    for form in comparable(word).words
)


def most_similar(text: str, others: Sequence[str]) -> tuple[int, float] | None:
    """Which of `others` says the same as `text`, and how alike they are in per cent; None where none does."""
    ours = comparable(text)
    if not ours.words:
        return None
    theirs = {
        index: form for index, other in enumerate(others) if (form := _comparable_again(other)).numbers == ours.numbers
    }
    alike = process.extract(
        ours.joined,
        {index: form.joined for index, form in theirs.items()},
        scorer=ratio,
        processor=None,
        score_cutoff=ALIKE,
        limit=LOOKED_AT,
    )
    for _, score, index in alike:  # most alike first
        if _says_the_same(ours.words, theirs[index].words):
            return index, score
    return None


def _says_the_same(ours: Words, theirs: Words) -> bool:
    """True where no word that differs makes other news of it. The numbers are the same."""
    return not any(_decides(ours, theirs, edit) for edit in Levenshtein.editops(ours, theirs))


def _decides(ours: Words, theirs: Words, edit: Editop) -> bool:
    """True where a word that was put in, left out or replaced makes other news of it."""
    match edit.tag:
        case "insert":
            return theirs[edit.dest_pos] in _DECISIVE
        case "delete":
            return ours[edit.src_pos] in _DECISIVE
        case _:
            mine, other = ours[edit.src_pos], theirs[edit.dest_pos]
            return not _DECISIVE.isdisjoint((mine, other)) or ratio(mine, other) < WORD_ALIKE
