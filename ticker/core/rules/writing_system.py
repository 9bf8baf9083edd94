"""Whether a text is written in the script of the language that it is said to be in."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final

import langcodes
import regex

from ticker.core.rules.fields import is_lang

# Scripts of ISO 15924 that are several of Unicode's together, or a style of one (UAX #24).
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
# Common and inherited letters (ʻ, ー) are of every script.
_LETTER: Final = regex.compile(r"[\p{L}--[\p{Script=Zyyy}\p{Script=Zinh}]]", regex.V1)
_CAPITAL: Final = regex.compile(r"\p{Lu}")


def foreign_script(text: str, lang: str) -> str | None:
    """The name of the script that most of the text is in, where that isn't one of the language's; else None.

    Words of another script with a capital in them don't count beside the language's own: names and acronyms often
    stand as they are ("إطلاق iPhone Pro Max"). A language whose script isn't known is written in any.
    """
    own_letter = _letter_of(lang)
    if own_letter is None:
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
    """Matches a letter of the language's scripts; None for what is no tag, or a language of unknown script."""
    script = _script_of(lang)
    if script is None:
        return None
    parts = "".join(rf"\p{{Script={part}}}" for part in _MADE_OF.get(script, (script,)))
    try:
        return regex.compile(rf"[\p{{L}}&&[{parts}]]", regex.V1)
    except regex.error:  # a code of ISO 15924 that Unicode has no property for
        return None


def _script_of(lang: str) -> str | None:
    if not is_lang(lang):
        return None
    language = langcodes.Language.get(lang)
    if language.script is not None:
        return None if language.script in _NO_SCRIPT else language.script
    # CLDR's table answers for every language that it doesn't have (mul, zxx, qaa) with American English's script.
    likely = langcodes.Language.make(language=language.language).maximize()
    is_guess = likely.territory == "US" and language.language != "en"
    return None if is_guess else language.maximize().script
