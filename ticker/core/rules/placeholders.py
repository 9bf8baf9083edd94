"""Words that hold a place or mark a test. What is news with the same words passes: "Test match", "اختبار نووي".

Where case tells, codes count in capitals only; elsewhere, and for phrases, it counts how they stand in the text.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

import msgspec
import regex

# Capitals that are no word: they count wherever they stand. XXX is Roman too: "la XXX edición", "Super Bowl XXX".
_ROMAN: Final = (
    r"(?<!\b(?:la|el|las|los|del|al|su|Bowl|Olympiad)\s)XXX(?!\s(?:Olymp|Olimp|Cumbre|Congreso|Aniversario))"
)
_CODES: Final = rf"TK(?!\s?\d)|TKTK\w*|{_ROMAN}|XXXX+|FIXME"
_CODES_BESIDES: Final = r"|TBC(?!\sBank)|TBD|TBA"
"""TBC is tuberculosis in Spanish."""

# Words that are news in small letters, and beside other capitals: "NBA DRAFT", "NORTH KOREA TEST FIRES MISSILE".
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
# Alone between marks or the text's ends; or in capitals that the rest of the text isn't in.
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
# Possessive throughout: a text of such words has one reading, and hostile ones must not be tried in all of theirs.
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
    """The first words that hold a place, as they stand in the text; None where it has none.

    `text` is all of a line that its author wrote, with the attribution. `language` is the tag's first part. `own` are
    an edition's own words: found in any case, but those in capitals in capitals only.
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
    """How many letters of a text are capitals and small ones."""

    capitals: int
    small: int

    @classmethod
    def of(cls, text: str) -> _Case:
        return cls(sum(map(str.isupper, text)), sum(map(str.islower, text)))


def _stands_out(text: str, case: _Case, match: regex.Match[str]) -> bool:
    """True where the words stand alone, or in capitals beside what isn't."""
    before = _just_before(text, match)
    if _EDGE_BEFORE.search(before) and _EDGE_AFTER.match(text, match.end()):
        return True
    own = _Case.of(match[0])
    in_capitals = case.capitals - own.capitals > case.small - own.small
    return match[0].isupper() and not in_capitals and _CAPITALS_BEFORE.search(before) is None


def _just_before(text: str, match: regex.Match[str]) -> str:
    """As much as the patterns look at. No two spaces follow each other, so only a text's own beginning is empty."""
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
