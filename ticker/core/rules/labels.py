"""Find labels such as `BREAKING:`. They give the urgency or the kind of a line, and never its source.

Labels are known in English, Arabic and Spanish, whatever the edition's language: wires mix them.
"""

from __future__ import annotations

import unicodedata
from typing import Final

import msgspec
import regex

_URGENCIES: Final = {
    1: "flash | newsflash | فلاش",
    2: "breaking | breaking news | just in | alert | news alert | bulletin"
    " | خبر عاجل | نبأ عاجل | عاجل جدا | ultima hora | ultimo momento | ultimo minuto | alerta | boletin",
    3: "urgent | عاجل | urgente",
}
_COMMANDS: Final = {
    "update": "update | updated | developing | developing story | تحديث | محدث | actualizacion | actualizado"
    " | actualizada | en desarrollo",
    "correct": "correction | corrected | تصحيح | تصويب | correccion | corregido",
}
_OTHERS: Final = "live | live updates | exclusive | exclusivo | exclusiva | en vivo | en directo | مباشر | حصري"

_LABEL_CHARACTERS: Final = 40
# The words before a colon, a bar, or a dash between spaces.
_START: Final = regex.compile(rf"^([^:|]{{1,{_LABEL_CHARACTERS}}}?)(?:\s*[:|]|\s[-–—]+\s)")
# Everything but letters: emoji, brackets, asterisks, the number of "UPDATE 2". NFD and Mn: accents, Arabic vowel signs.
_NO_LETTERS: Final = regex.compile(r"[^\p{L}]+")
_MARKS: Final = regex.compile(r"[\p{Mn}\p{Cf}\u0640]")
_ARABIC_FORMS: Final = str.maketrans("ىة", "يه")


class Label(msgspec.Struct, frozen=True):
    """A label at the start of a text: the words as typed, the text after it, and the option to use instead.

    `urgency` or `command` (of `tick`) has the label's meaning; both are None if Ticker can't express it.
    """

    words: str
    rest: str
    urgency: int | None = None
    command: str | None = None


def _folded(text: str) -> str:
    """Return the letters of a text without case, accents and Arabic vowel signs, with single spaces."""
    decomposed = unicodedata.normalize("NFD", text.casefold().translate(_ARABIC_FORMS))
    return _NO_LETTERS.sub(" ", _MARKS.sub("", decomposed)).strip()


def _known() -> dict[str, tuple[int | None, str | None]]:
    known: dict[str, tuple[int | None, str | None]] = {}
    for urgency, words in _URGENCIES.items():
        known |= {_folded(word): (urgency, None) for word in words.split("|")}
    for command, words in _COMMANDS.items():
        known |= {_folded(word): (None, command) for word in words.split("|")}
    return known | {_folded(word): (None, None) for word in _OTHERS.split("|")}


_LABELS: Final = _known()


def is_label(words: str) -> bool:
    """Return True if the words are a label and can't be the name of a source."""
    return len(words) <= _LABEL_CHARACTERS and _folded(words) in _LABELS


def find_label(text: str) -> Label | None:
    """Return the label at the start of a text, or None."""
    start = _START.match(text)
    if start is None or (found := _LABELS.get(_folded(start[1]))) is None:
        return None
    return Label(start[1].strip(), text[start.end() :].strip(), *found)
