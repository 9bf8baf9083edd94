"""The rules for a line's fields: pure functions from a value to the value in its normal form, or findings.

Each rule has a stable code. Whether a finding refuses or warns is decided here; what may follow what is `lifecycle`.
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
import msgspec
import regex

from ticker.core.edition import Edition, find_term
from ticker.core.line import URGENCY_LEAST, Direction
from ticker.core.submission import Finding

ATTRIBUTION_GRAPHEMES: Final = 60
GRAPHEME_CODE_POINTS: Final = 16
"""The longest emoji sequences have 10 to 14 code points; more than this in one grapheme is only ever abuse."""
URL_CHARACTERS: Final = 2048
REGIONS_MAX: Final = 8
PIN_MAX: Final = timedelta(days=7)
SCHEDULE_MAX: Final = timedelta(days=366)
NOTICE_GRAPHEMES: Final = 280
CHARACTERS_NAMED: Final = 5
"""How many refused characters are named: an inbox could otherwise make a receipt many times its own size."""

_GRAPHEME: Final = regex.compile(r"\X")
# A letter, number, sign or symbol, without those that show nothing: Hangul fillers, the empty braille pattern.
_VISIBLE: Final = regex.compile(r"[[\p{L}\p{N}\p{P}\p{S}]--[\p{Default_Ignorable_Code_Point}\u2800]]", regex.V1)
# Underscores are no part of a host name, but hosts with them are served. The DNS's limit of 253 is left to it.
_HOST: Final = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.?", re.ASCII)
_OVERRIDES: Final = frozenset("\u202a\u202b\u202c\u202d\u202e")
_ISOLATES: Final = frozenset("\u2066\u2067\u2068")
_POP_ISOLATE: Final = "\u2069"
# Cc controls (newline and tab too), Cs lone surrogates, Co private use, Zl and Zp the separators that break a line.
_REFUSED_CATEGORIES: Final = frozenset({"Cc", "Cs", "Co", "Zl", "Zp"})
# The scripts of the languages that newsrooms write from right to left (ISO 15924).
_RTL_SCRIPTS: Final = frozenset({"Arab", "Hebr", "Thaa", "Syrc", "Nkoo", "Adlm", "Mand", "Rohg", "Samr", "Aran"})


class Findings(msgspec.Struct):
    """Findings gathered while the fields of one submission are checked."""

    errors: list[Finding] = msgspec.field(default_factory=list)
    warnings: list[Finding] = msgspec.field(default_factory=list)
    needs: list[Finding] = msgspec.field(default_factory=list)
    """What a second person has to look at."""
    overridden: list[str] = msgspec.field(default_factory=list)
    """The codes of rules that found something and were overridden."""

    def refuse(self, code: str, detail: str) -> None:
        self.errors.append(Finding(code, detail))

    def warn(self, code: str, detail: str) -> None:
        self.warnings.append(Finding(code, detail))

    def review(self, code: str, detail: str) -> None:
        self.needs.append(Finding(code, detail))


def count_graphemes(text: str) -> int:
    """How many characters a person would count (UAX #29 extended grapheme clusters)."""
    return sum(1 for _ in _GRAPHEME.finditer(text))


def normal_text(text: str) -> str:
    """NFC, without space around it."""
    return unicodedata.normalize("NFC", text).strip()


def is_blank(text: str) -> bool:
    """True where nothing would show: no text, or only spaces, marks and characters of no width."""
    return _VISIBLE.search(text) is None


def split_attribution(text: str) -> tuple[str | None, str]:
    """Part `Attribution: text` at the first colon and space within 60 graphemes.

    No part may be blank; a text without such a colon has no attribution.
    """
    before, colon, after = text.partition(": ")
    before, after = before.strip(), after.strip()
    if not colon or is_blank(before) or is_blank(after) or count_graphemes(before) > ATTRIBUTION_GRAPHEMES:
        return None, text
    return before, after


def check_plain(checked: Findings, what: str, text: str) -> None:
    """Refuse what a plain one-line text can't have: controls, line breaks, bidirectional overrides, piles of marks."""
    names = sorted(set(_refused_characters(text)))
    for name in names[:CHARACTERS_NAMED]:
        checked.refuse("character", f"the {what} has the character {name}: take it out")
    if len(names) > CHARACTERS_NAMED:
        more = len(names) - CHARACTERS_NAMED
        checked.refuse("character", f"the {what} has {more} more characters that a line can't have: take them out")
    if (reason := _isolates_fault(text)) is not None:
        checked.refuse("isolate", f"the {what} has {reason}: balance them, or leave them out (the page isolates names)")
    for grapheme in _GRAPHEME.finditer(text):
        if len(grapheme[0]) > GRAPHEME_CODE_POINTS:
            checked.refuse(
                "grapheme",
                f"one character of the {what} is made of {len(grapheme[0])} code points: "
                f"{GRAPHEME_CODE_POINTS} at most, take the extra marks out",
            )
            return


def _refused_characters(text: str) -> Iterator[str]:
    for character in text:
        if character in _OVERRIDES or unicodedata.category(character) in _REFUSED_CATEGORIES:
            name = unicodedata.name(character, "")
            yield f"U+{ord(character):04X}{' ' + name if name else ''}"


def _isolates_fault(text: str) -> str | None:
    depth = 0
    for character in text:
        if character in _ISOLATES:
            depth += 1
        elif character == _POP_ISOLATE:
            depth -= 1
            if depth < 0:
                return "a U+2069 POP DIRECTIONAL ISOLATE without an isolate before it"
    return "an isolate (U+2066 to U+2068) that is never closed by U+2069" if depth else None


def check_text(checked: Findings, edition: Edition, text: str) -> None:
    if is_blank(text):
        checked.refuse("empty", "a line needs a text")
        return
    check_plain(checked, "text", text)
    _check_length(checked, "text", text, edition.text_graphemes)
    if edition.text_warn_graphemes < (graphemes := count_graphemes(text)) <= edition.text_graphemes:
        checked.warn(
            "long", f"the text has {graphemes} characters: more than {edition.text_warn_graphemes} are hard to read"
        )


def check_attribution(checked: Findings, attribution: str) -> None:
    check_plain(checked, "attribution", attribution)
    _check_length(checked, "attribution", attribution, ATTRIBUTION_GRAPHEMES)


def check_notice(checked: Findings, what: str, notice: str | None) -> None:
    """A reason, a note or the name of a coverage: plain, and of a bounded length."""
    if notice is not None:
        check_plain(checked, what, notice)
        _check_length(checked, what, notice, NOTICE_GRAPHEMES)


def _check_length(checked: Findings, what: str, text: str, most: int) -> None:
    if (graphemes := count_graphemes(text)) > most:
        checked.refuse(
            "too-long", f"the {what} has {graphemes} characters: {most} at most, shorten it by {graphemes - most}"
        )


def is_lang(tag: str) -> bool:
    """True for a valid tag of BCP 47, of the length that tags have."""
    return len(tag) <= 35 and langcodes.tag_is_valid(tag)


def check_lang(checked: Findings, tag: str) -> str:
    """The BCP 47 tag in its standard form."""
    if not is_lang(tag):
        checked.refuse("lang", f"{tag[:35]!a} is not a language tag (BCP 47): use one like en, ar or es-MX")
        return tag
    return langcodes.standardize_tag(tag)


def direction_of(lang: str) -> Direction:
    """The direction in which a language is written, by its most likely script."""
    script = langcodes.Language.get(lang).maximize().script
    return Direction.RTL if script in _RTL_SCRIPTS else Direction.LTR


def usual_direction(edition: Edition, lang: str) -> Direction:
    """The direction of a line that states none: an edition's own language is written as the edition says."""
    return edition.dir if lang == edition.lang else direction_of(lang)


def check_urgency(checked: Findings, urgency: int) -> None:
    if not 1 <= urgency <= URGENCY_LEAST:
        checked.refuse("urgency", f"urgency {urgency} is not 1 (flash) to {URGENCY_LEAST}")


def check_term(checked: Findings, kind: str, vocabulary: dict[str, str], given: str) -> str:
    """The vocabulary's id of a section or a region given by id or by name."""
    term = find_term(vocabulary, given)
    if term is None:
        checked.refuse(kind, f"this edition has no {kind} {given[:40]!a}: use one of {', '.join(vocabulary)}")
        return given
    return term


def check_regions(checked: Findings, vocabulary: dict[str, str], given: tuple[str, ...]) -> tuple[str, ...]:
    if len(given) > REGIONS_MAX:
        checked.refuse("region", f"{len(given)} regions are given: {REGIONS_MAX} at most")
        return ()
    return tuple(dict.fromkeys(check_term(checked, "region", vocabulary, region) for region in given))


def check_url(checked: Findings, url: str) -> None:
    """Only http and https, with a host, without credentials: it becomes a link on other people's pages."""
    if len(url) > URL_CHARACTERS:
        checked.refuse("url", f"the URL has {len(url)} characters: {URL_CHARACTERS} at most")
        return
    if not url.isascii() or not url.isprintable() or any(character in url for character in ' <>"{}|\\^`'):
        checked.refuse("url", "the URL has a character that must be percent-encoded: copy it from the address bar")
        return
    try:
        parts = urlsplit(url)
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        port_is_valid, parts = False, urlsplit("")
    if parts.scheme not in ("http", "https") or not _has_host(parts) or not port_is_valid:
        checked.refuse("url", f"{url[:60]!a} is not an http or https URL with a host")
    elif parts.username is not None or parts.password is not None:
        checked.refuse("url", "the URL carries a user name or a password: take it out")


def _has_host(parts: SplitResult) -> bool:
    """True for a name or an address; a name in other letters than ASCII comes as its `xn--` form."""
    host = parts.hostname or ""
    if "[" not in parts.netloc:
        return _HOST.fullmatch(host) is not None
    try:
        return IPv6Address(host).scope_id is None
    except AddressValueError:
        return False


def check_expires(checked: Findings, expires: datetime, now: datetime) -> None:
    _check_future(checked, "expires_at", expires, now)


def check_pinned(checked: Findings, pinned: datetime, now: datetime) -> None:
    if _check_future(checked, "pinned_until", pinned, now) and pinned > now + PIN_MAX:
        checked.refuse("pinned_until", f"a pin ends after {PIN_MAX.days} days at most")


def check_schedule(checked: Findings, what: str, instant: datetime, now: datetime) -> None:
    """Check the time that something is to wait for. An embargo that is over blocks nothing, and is no error."""
    if what == "embargo_until" and instant.tzinfo is not None and instant <= now:
        return
    if _check_future(checked, what, instant, now) and instant > now + SCHEDULE_MAX:
        checked.refuse(what, f"the time for `{what}` is more than {SCHEDULE_MAX.days} days away")


def _check_future(checked: Findings, what: str, instant: datetime, now: datetime) -> bool:
    if instant.tzinfo is None:
        checked.refuse(what, f"the time for `{what}` has no offset from UTC: write it like 2026-11-24T14:30:00Z")
        return False
    if instant.utcoffset() != timedelta(0):
        checked.refuse(what, f"the time for `{what}` is outside of the years 1 to 9999 in UTC")
        return False
    if instant <= now:
        checked.refuse(what, f"the time for `{what}` is not in the future")
        return False
    return True
