"""Compare the script of a text with the script of its language."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final

import langcodes
import regex

from ticker.core.rules.fields import is_lang

# ISO 15924 scripts that combine several Unicode scripts, or are a style of one (UAX #24).
_MADE_OF: Final = {
    "Jpan": ("Hira", "Kana", "Hani"),
    "Hrkt": ("Hira", "Kana"),
    "Kore": ("Hang", "Hani"),
    "Hans": ("Hani", "Bopo"),
    "Hant": ("Hani", "Bopo"),
    "Hanb": ("Hani", "Bopo"),
    "Aran": ("Arab",),
    "Latf": ("Latn",),
    "Latg": ("Latn",),
    "Cyrs": ("Cyrl",),
    "Syre": ("Syrc",),
    "Syrj": ("Syrc",),
    "Syrn": ("Syrc",),
}
_NO_SCRIPT: Final = frozenset({"Zyyy", "Zinh", "Zzzz", "Zxxx"})
_WORD: Final = regex.compile(r"[\p{L}\p{M}]+")
# Common and inherited letters (ʻ, ー) belong to every script.
_LETTER: Final = regex.compile(r"[\p{L}--[\p{Script=Zyyy}\p{Script=Zinh}]]", regex.V1)
_CAPITAL: Final = regex.compile(r"\p{Lu}")


def foreign_script(text: str, lang: str) -> str | None:
    """Return the name of the script of most letters if it is not a script of the language, else None.

    Names and acronyms often keep their script ("إطلاق iPhone Pro Max"). So in a text with letters of its own language,
    words of another script that contain a capital don't count. A language whose script is unknown may have any script.
    """
    own_letter = _letter_of(lang)
    if own_letter is None:
        return None
    if text.isascii() and own_letter.match("a"):
        return None
    own = len(own_letter.findall(text))
    foreign = _letters_besides(own_letter, text, with_names=own == 0)
    return _script_name(foreign[0]) if len(foreign) > own else None


def _letters_besides(own_letter: regex.Pattern[str], text: str, *, with_names: bool) -> list[str]:
    words = [word for word in _WORD.findall(text) if with_names or _CAPITAL.search(word) is None]
    return [letter for word in words for letter in _LETTER.findall(word) if own_letter.match(letter) is None]


def _script_name(letter: str) -> str:
    return unicodedata.name(letter, "other").split()[0].capitalize()


@lru_cache(maxsize=256)
def _letter_of(lang: str) -> regex.Pattern[str] | None:
    """Return a pattern for a letter of the language's scripts, or None if the tag is invalid or the script unknown."""
    script = _script_of(lang)
    if script is None:
        return None
    parts = "".join(rf"\p{{Script={part}}}" for part in _MADE_OF.get(script, (script,)))
    try:
        return regex.compile(rf"[\p{{L}}&&[{parts}]]", regex.V1)
    except regex.error:  # an ISO 15924 code without a Unicode property
        return None


def _script_of(lang: str) -> str | None:
    if not is_lang(lang):
        return None
    language = langcodes.Language.get(lang)
    if language.script is not None:
        return None if language.script in _NO_SCRIPT else language.script
    # For a language that CLDR lacks (mul, zxx, qaa), it returns the script of American English.
    likely = langcodes.Language.make(language=language.language).maximize()
    is_guess = likely.territory == "US" and language.language != "en"
    return None if is_guess else language.maximize().script
