"""The rules for the fields of a line: functions that normalize a value, and checks that yield findings.

Each finding has a stable code. These rules are the same for every edition; `house_rules` has the configurable ones.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import datetime, timedelta
from ipaddress import AddressValueError, IPv6Address
from typing import Final
from urllib.parse import SplitResult, urlsplit

import langcodes
import regex

from ticker.core.edition import Edition, find_term
from ticker.core.invisible import REMOVED, without_invisible
from ticker.core.line import URGENCY_LEAST, Direction
from ticker.core.rules.findings import RuleFinding, refuse, warn
from ticker.core.rules.labels import is_label

ATTRIBUTION_GRAPHEMES: Final = 60
GRAPHEME_CODE_POINTS: Final = 16
"""The maximum number of code points in one grapheme. The longest emoji sequences have 10 to 14."""
URL_CHARACTERS: Final = 2048
URL_SHOWN: Final = 200
"""The maximum number of characters of a URL that a finding suggests."""
REGIONS_MAX: Final = 8
PIN_MAX: Final = timedelta(days=7)
SCHEDULE_MAX: Final = timedelta(days=366)
NOTICE_GRAPHEMES: Final = 280
MARKS_IN_A_ROW: Final = 32
"""The maximum number of combining marks in a row before a text is normalized. Writing needs four or five."""
CHARACTERS_NAMED: Final = 5
"""The maximum number of errors about characters, so that a receipt isn't many times as large as its request."""

SIZE_CODES: Final = frozenset({"too-long", "grapheme"})
"""The codes of refusals for size. No further rule is applied after one."""

_GRAPHEME: Final = regex.compile(r"\X")
_MARKS: Final = regex.compile(r"\p{M}++")
# A letter, number, punctuation mark or symbol, but no invisible one (Hangul fillers, the empty braille pattern).
_VISIBLE: Final = regex.compile(r"[[\p{L}\p{N}\p{P}\p{S}]--[\p{Default_Ignorable_Code_Point}\u2800]]", regex.V1)
# Host names may not contain underscores, but such hosts exist. The DNS itself enforces its limit of 253 characters.
_HOST: Final = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.?", re.ASCII)
_OVERRIDES: Final = frozenset("\u202a\u202b\u202c\u202d\u202e")
_ISOLATES: Final = frozenset("\u2066\u2067\u2068")
_ISOLATE_OR_POP: Final = re.compile("[\u2066-\u2069]")
# Invisible characters that a line can't have: fillers, invisible operators, deprecated and interlinear format
# characters, tags. Joiners, directional marks and variation selectors are not among them, because writing needs them.
_INVISIBLE_SET: Final = (
    "\u115f\u1160\u17b4\u17b5\u2061-\u2065\u206a-\u206f\u2800\u3164\uffa0\ufff9-\ufffb\U000e0000-\U000e007f"
)
_INVISIBLE: Final = re.compile(f"[{_INVISIBLE_SET}]")
# All characters that a line can't have: controls, surrogates, private use, separators, overrides and invisible ones.
_REFUSED: Final = regex.compile(rf"[\p{{Cc}}\p{{Cs}}\p{{Co}}\p{{Zl}}\p{{Zp}}\u202a-\u202e{_INVISIBLE_SET}]")
# The flags of England, Scotland and Wales: a black flag, tags, and the end of the tags (UTS #51).
_TAG_FLAG: Final = re.compile("\U0001f3f4[\U000e0020-\U000e007e]+\U000e007f")
_CHARACTER_NAMES: Final = {
    **dict.fromkeys("\n\r\x0b\x0c\x85\u2028\u2029", "a line break"),
    "\t": "a tab",
    "\x1b": "an escape character",
}
_CATEGORY_NAMES: Final = {"Cc": "control character", "Cs": "lone surrogate", "Co": "private-use character"}
# Right-to-left scripts of languages in which news is written (ISO 15924).
_RTL_SCRIPTS: Final = frozenset({"Arab", "Hebr", "Thaa", "Syrc", "Nkoo", "Adlm", "Mand", "Rohg", "Samr", "Aran"})


def count_graphemes(text: str) -> int:
    """Count the characters as a person would: extended grapheme clusters (UAX #29)."""
    if text.isascii():
        return len(text) - text.count("\r\n")
    return len(_GRAPHEME.findall(text))


def check_size(what: str, text: str, graphemes: int, more: int = 0) -> Iterator[RuleFinding]:
    """Refuse a text that can't be within its limit of `graphemes`. Check this before the text is normalized.

    `more` graphemes don't count, because they may belong to another field.

    Normalization sorts combining marks in a row, which takes time in the square of their number.
    """
    if text.isascii() and len(text) <= graphemes + more:
        return
    text = without_invisible(text).strip()  # as normalization does: it can bring marks together
    code_points = len(text)
    if code_points > (graphemes + more) * GRAPHEME_CODE_POINTS:
        yield refuse(
            "too-long", f"the {what} has {code_points:,} code points: {graphemes} characters at most, shorten it"
        )
    elif (marks := max(map(len, _MARKS.findall(text)), default=0)) > MARKS_IN_A_ROW:
        yield refuse(
            "grapheme",
            f"the {what} has {marks} combining marks in a row: {MARKS_IN_A_ROW} at most, take the others out",
        )


def normal_text(text: str) -> str:
    """Return the text in NFC, without surrounding white space and without the invisible characters of copied text.

    Check the size of an untrusted text first.
    """
    return unicodedata.normalize("NFC", without_invisible(text)).strip()


def check_removed(what: str, text: str) -> Iterator[RuleFinding]:
    """Warn of the characters that `normal_text` removes."""
    names = [
        f"{unicodedata.name(character)} (U+{ord(character):04X})" for character in sorted(set(REMOVED) & set(text))
    ]
    if names:
        removed, were = ("an invisible character", "it is") if len(names) == 1 else ("invisible characters", "they are")
        yield warn("removed", f"the {what} has {removed}, {', '.join(names)}: {were} left out")


def is_blank(text: str) -> bool:
    """Return True if the text is empty or has only invisible characters: spaces, lone marks, zero-width characters."""
    return _VISIBLE.search(text) is None


def split_attribution(text: str) -> tuple[str | None, str]:
    """Split `Attribution: text` at its first colon followed by a space.

    The attribution is None if the text lacks such a colon, if a part is blank, if the attribution is longer than 60
    graphemes, or if it is a label such as `BREAKING`.
    """
    before, colon, after = text.partition(": ")
    before, after = before.strip(), after.strip()
    if not colon or is_blank(before) or is_blank(after) or count_graphemes(before) > ATTRIBUTION_GRAPHEMES:
        return None, text
    if is_label(before):
        return None, text
    return before, after


def check_plain(what: str, text: str) -> Iterator[RuleFinding]:
    """Refuse controls, line breaks, bidirectional overrides, unbalanced isolates and too many combining marks."""
    if text.isascii() and text.isprintable():
        return
    names = sorted(set(_refused_characters(text)))
    for name in names[:CHARACTERS_NAMED]:
        yield refuse("character", f"the {what} has {name}: take it out")
    if len(names) > CHARACTERS_NAMED:
        more = len(names) - CHARACTERS_NAMED
        yield refuse("character", f"the {what} has {more} more characters that a line can't have: take them out")
    if (fault := _isolate_fault(text)) is not None:
        yield refuse("isolate", f"the {what} has {fault}: balance them, or leave them out (the page isolates names)")
    for grapheme in _GRAPHEME.finditer(text):
        if len(grapheme[0]) > GRAPHEME_CODE_POINTS:
            yield refuse(
                "grapheme",
                f"one character of the {what} is made of {len(grapheme[0])} code points: "
                f"{GRAPHEME_CODE_POINTS} at most, take the extra marks out",
            )
            return


def _refused_characters(text: str) -> Iterator[str]:
    """Yield the name of each character that a line can't have."""
    for character in _REFUSED.findall(_TAG_FLAG.sub("", text)):
        code = f"U+{ord(character):04X}"
        category = unicodedata.category(character)
        if character in _OVERRIDES:
            yield f"the character {code} {unicodedata.name(character)}"
        elif character in _CHARACTER_NAMES:
            yield f"{_CHARACTER_NAMES[character]} ({code})"
        elif _INVISIBLE.match(character):
            yield f"the invisible character {code} {unicodedata.name(character, '')}".rstrip()
        elif category in _CATEGORY_NAMES:
            yield f"the {_CATEGORY_NAMES[category]} {code}"


def _isolate_fault(text: str) -> str | None:
    depth = 0
    for character in _ISOLATE_OR_POP.findall(text):
        if character in _ISOLATES:
            depth += 1
        else:
            depth -= 1
            if depth < 0:
                return "a U+2069 POP DIRECTIONAL ISOLATE without an isolate before it"
    return "an isolate (U+2066 to U+2068) that is never closed by U+2069" if depth else None


def check_text(edition: Edition, text: str) -> Iterator[RuleFinding]:
    if is_blank(text):
        yield refuse("empty", "a line needs a text")
        return
    yield from check_plain("text", text)
    yield from _check_length("text", text, edition.text_graphemes)
    if edition.text_warn_graphemes < (graphemes := count_graphemes(text)) <= edition.text_graphemes:
        yield warn(
            "long", f"the text has {graphemes} characters: more than {edition.text_warn_graphemes} are hard to read"
        )


def check_attribution(attribution: str) -> Iterator[RuleFinding]:
    yield from check_plain("attribution", attribution)
    yield from _check_length("attribution", attribution, ATTRIBUTION_GRAPHEMES)


def check_notice(what: str, notice: str | None) -> Iterator[RuleFinding]:
    """Check a reason, a note or the name of a coverage: plain text of at most 280 graphemes. None passes."""
    if notice is not None:
        yield from check_plain(what, notice)
        yield from _check_length(what, notice, NOTICE_GRAPHEMES)


def _check_length(what: str, text: str, most: int) -> Iterator[RuleFinding]:
    if (graphemes := count_graphemes(text)) > most:
        yield refuse(
            "too-long", f"the {what} has {graphemes} characters: {most} at most, shorten it by {graphemes - most}"
        )


def is_lang(tag: str) -> bool:
    """Return True for a valid BCP 47 tag of at most 35 characters."""
    return len(tag) <= 35 and langcodes.tag_is_valid(tag)


def check_lang(tag: str) -> Iterator[RuleFinding]:
    if not is_lang(tag):
        yield refuse("lang", f"{tag[:35]!r} is not a language tag (BCP 47): use one like en, ar or es-MX")


def normal_lang(tag: str) -> str:
    """Return a valid BCP 47 tag in its standard form."""
    return langcodes.standardize_tag(tag)


def direction_of(lang: str) -> Direction:
    """Return the direction of a language's most likely script."""
    script = langcodes.Language.get(lang).maximize().script
    return Direction.RTL if script in _RTL_SCRIPTS else Direction.LTR


def usual_direction(edition: Edition, lang: str) -> Direction:
    """Return the default direction of a line. The edition sets that of its own language."""
    return edition.dir if lang == edition.lang else direction_of(lang)


def check_urgency(urgency: int) -> Iterator[RuleFinding]:
    if not 1 <= urgency <= URGENCY_LEAST:
        yield refuse("urgency", f"urgency {urgency} is not 1 (flash) to {URGENCY_LEAST}")


def check_term(kind: str, vocabulary: dict[str, str], given: str) -> Iterator[RuleFinding]:
    """Refuse a section or region that the vocabulary has neither as an id nor as a name."""
    if find_term(vocabulary, given) is None:
        yield refuse(kind, f"this edition has no {kind} {given[:40]!r}: use one of {', '.join(vocabulary)}")


def normal_term(vocabulary: dict[str, str], given: str) -> str:
    """Return the id of a section or region that is given by id or by name. Return an unknown one as it is."""
    return find_term(vocabulary, given) or given


def check_number_of_regions(given: tuple[str, ...]) -> Iterator[RuleFinding]:
    if len(given) > REGIONS_MAX:
        yield refuse("region", f"{len(given)} regions are given: {REGIONS_MAX} at most")


def check_regions(vocabulary: dict[str, str], given: tuple[str, ...]) -> Iterator[RuleFinding]:
    for region in given:
        yield from check_term("region", vocabulary, region)


def normal_regions(vocabulary: dict[str, str], given: tuple[str, ...]) -> tuple[str, ...]:
    """Return the ids of the first 8 regions, each once."""
    return tuple(dict.fromkeys(normal_term(vocabulary, region) for region in given[:REGIONS_MAX]))


def check_url(url: str) -> Iterator[RuleFinding]:
    """Refuse all but http and https URLs with a host and without credentials: other sites show the URL as a link."""
    if len(url) > URL_CHARACTERS:
        yield refuse("url", f"the URL has {len(url)} characters: {URL_CHARACTERS} at most")
        return
    if not url.isascii() or not url.isprintable() or any(character in url for character in ' <>"{}|\\^`'):
        yield refuse("url", "the URL has a character that must be percent-encoded: copy it from the address bar")
        return
    parts = _http_parts(url)
    if parts is None:
        meant = f"https://{url}"
        with_scheme = _http_parts(meant)
        hint = ""
        if with_scheme is not None and with_scheme.username is None and "." in (with_scheme.hostname or ""):
            hint = f": use {meant[:URL_SHOWN]}"
        yield refuse("url", f"{url[:60]!r} is not an http or https URL with a host{hint}")
    elif parts.username is not None or parts.password is not None:
        yield refuse("url", "the URL carries a user name or a password: take it out")


def _http_parts(url: str) -> SplitResult | None:
    """Return the parts of an http or https URL with a host, or None for anything else."""
    try:
        parts = urlsplit(url)
        is_valid = parts.scheme in ("http", "https") and _has_host(parts) and (parts.port is None or parts.port > 0)
    except ValueError:
        return None
    return parts if is_valid else None


def _has_host(parts: SplitResult) -> bool:
    """Return True if the host is a name or an address. An internationalized name must be in its `xn--` form."""
    host = parts.hostname or ""
    if "[" not in parts.netloc:
        return _HOST.fullmatch(host) is not None
    try:
        return IPv6Address(host).scope_id is None
    except AddressValueError:
        return False


def check_expires(instant: datetime, now: datetime) -> Iterator[RuleFinding]:
    yield from _check_future("expires_at", instant, now, None)


def check_pinned(instant: datetime, now: datetime) -> Iterator[RuleFinding]:
    yield from _check_future("pinned_until", instant, now, PIN_MAX)


def check_schedule(field: str, instant: datetime, now: datetime) -> Iterator[RuleFinding]:
    """Check `publish_at` or `embargo_until`. An embargo that has ended passes, because it delays nothing."""
    if field == "embargo_until" and instant.tzinfo is not None and instant <= now:
        return
    yield from _check_future(field, instant, now, SCHEDULE_MAX)


def _check_future(field: str, instant: datetime, now: datetime, most: timedelta | None) -> Iterator[RuleFinding]:
    """Refuse an instant that isn't in UTC, isn't in the future, or is more than `most` away."""
    if instant.tzinfo is None:
        yield refuse(field, f"the time for `{field}` has no offset from UTC: write it like 2026-11-24T14:30:00Z")
    elif instant.utcoffset() != timedelta(0):
        yield refuse(field, f"the time for `{field}` is outside of the years 1 to 9999 in UTC")
    elif instant <= now:
        yield refuse(field, f"the time for `{field}` is not in the future")
    elif most is not None and instant > now + most:
        yield refuse(field, f"the time for `{field}` is more than {most.days} days away: choose an earlier one")
