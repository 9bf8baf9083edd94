"""Find placeholders and test marks in a text. News with the same words passes: "Test match", "اختبار نووي".

Codes must be in capitals, in scripts that have them. Phrases, and words of other scripts, must stand apart in the text.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

import msgspec
import regex

# Codes are found anywhere in a text. But XXX may be a Roman numeral: "la XXX edición", "Super Bowl XXX".
_ROMAN: Final = (
    r"(?<!\b(?:la|el|las|los|del|al|su|Bowl|Olympiad)\s)XXX(?!\s(?:Olymp|Olimp|Cumbre|Congreso|Aniversario))"
)
_CODES: Final = rf"TK(?!\s?\d)|TKTK\w*|{_ROMAN}|XXXX+|FIXME"
_CODES_BESIDES: Final = r"|TBC(?!\sBank)|TBD|TBA"
"""TBC is tuberculosis in Spanish."""

# These words are news in lower case, and next to other capitals: "NBA DRAFT", "NORTH KOREA TEST FIRES MISSILE".
_WORDS: Final = regex.compile(r"(?<![\w-])(?:TEST|TESTING|DRAFT|PLACEHOLDER|DUMMY|PRUEBA|BORRADOR|MAQUETA)(?![\w-])")
_CAPITALS_BEFORE: Final = regex.compile(r"[\p{Lu}\d]{2,}\s$")

_ANYWHERE: Final = r"""
    lorem\sipsum | headline\s(?:goes\s)?here | text\sgoes\shere | insert\s(?:the\s)?headline | embargoed\s(?:until|till)
    | test,?\splease\signore | (?:inserte|insertar)\s(?:el\s)?(?:titular|título|texto)
    | لوريم\sإيبسوم | ضع\sالعنوان | (?:الرجاء|يرجى)\s(?:عدم\sالنشر|التجاهل)
"""
_AT_START: Final = r"""
    do\snot\s(?:publish|broadcast|run) | not\sfor\s(?:publication|broadcast) | no\s(?:publicar|difundir)
    | embargado\shasta\s(?:las?\s)?\d+ | (?:محظور|محظور\sالنشر|حظر\sالنشر)\sحتى\s(?:الساعة\s)?\d+
"""
# These phrases must stand alone between punctuation marks, or be in capitals in a text that isn't.
_ALONE: Final = r"""
    do\snot\s(?:publish|use|run|broadcast|send|post) | not\sfor\s(?:publication|broadcast|release)
    | this\sis\s(?:only\s)?a\stest | test\s(?:alert|message|notification|push|post|story|line|headline|only)
    | dummy\s(?:text|headline) | please\signore | hold\sfor\s(?:release|approval)
    | no\s(?:publicar|publiquen|difundir|emitir|usar) | est[oa]\ses\s(?:s[oó]lo\s)?una\sprueba
    | (?:texto|mensaje|noticia|titular|línea|notificación)\sde\sprueba | favor\sde\signorar
    | (?:titular|título|texto)\saquí | por\sconfirmar(?=\s*$)
    | لا\s(?:تنشر|تنشروا|تنشره|ينشر) | (?:ليس|ليست|غير)\s(?:مخصص\s|مخصصة\s)?للنشر
    | هذا\s(?:مجرد\s)?اختبار | هذه\s(?:مجرد\s)?تجربة
    | (?:خبر|نص|عنوان|تنبيه|سطر)\sتجريبي | رسالة\sتجريبية | (?:العنوان|النص)\sهنا
"""
_ALONE_AT_START: Final = r"اختبار | تجربة | تجريبي | مسودة"
# All quantifiers are possessive, to avoid catastrophic backtracking on hostile texts.
_WHOLE: Final = r"""
    (?: (?: tests?|testing|draft|placeholder|headline|asdf\w*+|tk|tb[acd]|xxx+|prueba|probando|borrador|titular
    |اختبار|تجربة|تجريبي|مسودة|عنوان) (?!\p{L}) [\s\d\p{P}]*+ )++
"""
_MARK: Final = r"[:;,.!?()\[\]{}|/،؛؟]"
_EDGE_BEFORE: Final = regex.compile(rf"(?:^|{_MARK}|\s[-–—]+)\s*$")
_EDGE_AFTER: Final = regex.compile(rf"\s*\d*\s*(?:$|{_MARK}|[-–—]+\s)")
_OPENS_BEFORE: Final = regex.compile(r"(?:^|[(\[{])\s*$")
_SHOWS_NOT: Final = regex.compile(r"[\p{Mn}\p{Cf}\u0640]")
_SPACES: Final = regex.compile(r"\s+")


def _phrases(alternatives: str) -> regex.Pattern[str]:
    return regex.compile(rf"(?<![\w-])(?:{alternatives})(?![\w-])", regex.IGNORECASE | regex.VERBOSE)


_CODES_PATTERN: Final = regex.compile(rf"(?<![\w-])(?:{_CODES}{_CODES_BESIDES})(?![\w-])")
_SPANISH_CODES_PATTERN: Final = regex.compile(rf"(?<![\w-])(?:{_CODES})(?![\w-])")
_ANYWHERE_PATTERN: Final = _phrases(_ANYWHERE)
_START_PATTERN: Final = regex.compile(rf"(?:{_AT_START})(?!\w)", regex.IGNORECASE | regex.VERBOSE)
_ALONE_PATTERN: Final = _phrases(_ALONE)
_ALONE_AT_START_PATTERN: Final = _phrases(_ALONE_AT_START)
_WHOLE_PATTERN: Final = regex.compile(_WHOLE, regex.IGNORECASE | regex.VERBOSE)


def find_placeholder(text: str, language: str, own: tuple[str, ...] = ()) -> str | None:
    """Return the first placeholder of a text, as it is written there, or None.

    `text` includes the attribution. `language` is the first part of a language tag. `own` has the edition's own words.
    An own word in capitals is only found in capitals, any other in any case.
    """
    text = _SPACES.sub(" ", _SHOWS_NOT.sub("", unicodedata.normalize("NFC", text))).strip()
    return next(_found(text, language, own), None)


def _found(text: str, language: str, own: tuple[str, ...]) -> Iterator[str]:
    codes = _SPANISH_CODES_PATTERN if language == "es" else _CODES_PATTERN
    if whole := _WHOLE_PATTERN.fullmatch(text):
        yield whole[0]
    for pattern in (codes, _ANYWHERE_PATTERN, *_own_patterns(own)):
        yield from (match[0] for match in pattern.finditer(text))
    if start := _START_PATTERN.match(text):
        yield start[0]
    case = _Case.of(text)
    for pattern in (_WORDS, _ALONE_PATTERN):
        yield from (match[0] for match in pattern.finditer(text) if _stands_out(text, case, match))
    for match in _ALONE_AT_START_PATTERN.finditer(text):
        if _OPENS_BEFORE.search(_just_before(text, match)) and _EDGE_AFTER.match(text, match.end()):
            yield match[0]


class _Case(msgspec.Struct, frozen=True):
    """The number of upper-case and lower-case letters of a text."""

    capitals: int
    small: int

    @classmethod
    def of(cls, text: str) -> _Case:
        return cls(sum(map(str.isupper, text)), sum(map(str.islower, text)))


def _stands_out(text: str, case: _Case, match: regex.Match[str]) -> bool:
    """Return True if the words stand alone, or are in capitals in a text that isn't."""
    before = _just_before(text, match)
    if _EDGE_BEFORE.search(before) and _EDGE_AFTER.match(text, match.end()):
        return True
    own = _Case.of(match[0])
    in_capitals = case.capitals - own.capitals > case.small - own.small
    return match[0].isupper() and not in_capitals and _CAPITALS_BEFORE.search(before) is None


def _just_before(text: str, match: regex.Match[str]) -> str:
    """Return the few characters before a match that the patterns need. It is empty only at the start of the text."""
    return text[max(match.start() - 8, 0) : match.start()]


@lru_cache(maxsize=64)
def _own_patterns(own: tuple[str, ...]) -> tuple[regex.Pattern[str], ...]:
    capitals = tuple(word for word in own if word.isupper())
    others = tuple(word for word in own if not word.isupper())
    return (*_any_of(capitals, 0), *_any_of(others, regex.IGNORECASE))


def _any_of(words: Iterable[str], flags: int) -> Iterator[regex.Pattern[str]]:
    escaped = "|".join(
        _SPACES.sub(
            r"\\s", regex.escape(unicodedata.normalize("NFC", word).strip(), special_only=True, literal_spaces=True)
        )
        for word in words
        if word.strip()
    )
    if escaped:
        yield regex.compile(rf"(?<!\w)(?:{escaped})(?!\w)", flags)
