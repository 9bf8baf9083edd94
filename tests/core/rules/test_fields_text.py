"""The rules for the text of a line: its characters, its length, and its normal form."""

from __future__ import annotations

import unicodedata

import msgspec
import pytest
from hypothesis import given

from tests.support.findings import codes_of, found
from tests.support.strategies import ENGLISH, nasty_text
from ticker.core.rules import fields
from ticker.core.rules.findings import Findings

FAMILY = "👩‍👩‍👧‍👦"
VOWELLED = "مُحَمَّدٌ"  # nine code points, four letters


def codes_of_text(text: str) -> list[str]:
    return codes_of(fields.check_text(ENGLISH, text))


# Texts

GOOD_TEXTS = [
    "Quake of magnitude 6.1 strikes off the coast",
    "Sánchez: «Habrá elecciones», ¿cuándo?",
    "El Niño llega — «última hora»",
    "زلزال بقوة ٦٫١ درجات يضرب الساحل",
    "مُحَمَّدٌ يصل إلى القاهرة",
    "می‌خواهم",  # Persian needs its zero-width non-joiner
    f"{FAMILY} reunited 🇵🇸 🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "Price\u00a0rises to 5\u202f%",
    "left-to-right mark \u200e, right-to-left mark \u200f, Arabic letter mark \u061c",
    "isolated \u2068CNN\u2069 and \u2067عربي \u2066nested\u2069 نص\u2069",
    "क्‍ष joined",
    "!",
    "٣",
]


@pytest.mark.parametrize("text", GOOD_TEXTS)
def test_a_good_text_passes(text: str) -> None:
    assert codes_of_text(text) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a\u202ab", "U+202A LEFT-TO-RIGHT EMBEDDING"),
        ("a\u202bb", "U+202B RIGHT-TO-LEFT EMBEDDING"),
        ("a\u202cb", "U+202C POP DIRECTIONAL FORMATTING"),
        ("a\u202db", "U+202D LEFT-TO-RIGHT OVERRIDE"),
        ("عاجل\u202e نص", "U+202E RIGHT-TO-LEFT OVERRIDE"),
        ("uno\u2028dos", "a line break (U+2028)"),
        ("uno\u2029dos", "a line break (U+2029)"),
        ("a\nb", "a line break (U+000A)"),
        ("a\rb", "a line break (U+000D)"),
        ("a\tb", "a tab (U+0009)"),
        ("a\x00b", "the control character U+0000"),
        ("a\x1b[31mb", "an escape character (U+001B)"),
        ("a\x7fb", "the control character U+007F"),
        ("a\x85b", "a line break (U+0085)"),
        ("a\ue000b", "the private-use character U+E000"),
        ("a\ud800b", "the lone surrogate U+D800"),
    ],
)
def test_a_forbidden_character_is_named(text: str, name: str) -> None:
    (finding,) = found(fields.check_text(ENGLISH, text))
    assert finding.code == "character"
    assert finding.detail in (f"the text has {name}: take it out", f"the text has the character {name}: take it out")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a\u3164b", "U+3164 HANGUL FILLER"),
        ("a\u115fb", "U+115F HANGUL CHOSEONG FILLER"),
        ("a\u2800b", "U+2800 BRAILLE PATTERN BLANK"),
        ("a\u2062b", "U+2062 INVISIBLE TIMES"),
        ("a\u206fb", "U+206F NOMINAL DIGIT SHAPES"),
        ("a\ufffab", "U+FFFA INTERLINEAR ANNOTATION SEPARATOR"),
        ("a\U000e0041b", "U+E0041 TAG LATIN CAPITAL LETTER A"),
    ],
)
def test_an_invisible_character_is_named(text: str, name: str) -> None:
    (finding,) = found(fields.check_text(ENGLISH, text))
    assert (finding.code, finding.detail) == ("character", f"the text has the invisible character {name}: take it out")


@pytest.mark.parametrize("character", ["\u200b", "\u2060", "\ufeff", "\u00ad"])
def test_an_invisible_character_that_a_copy_brings_along_is_removed(character: str) -> None:
    assert fields.normal_text(f"{character}Fer{character}ries stop {character}") == "Ferries stop"


def test_removed_characters_are_named() -> None:
    (one,) = Findings.of(fields.check_removed("text", "Fer\u200bries\u200b stop")).warnings
    assert (one.code, one.detail) == (
        "removed", "the text has an invisible character, ZERO WIDTH SPACE (U+200B): it is left out"
    )  # fmt: skip
    (two,) = Findings.of(fields.check_removed("text", "Fer\u00adries\ufeff")).warnings
    assert two.detail == (
        "the text has invisible characters, SOFT HYPHEN (U+00AD), ZERO WIDTH NO-BREAK SPACE (U+FEFF): they are left out"
    )
    assert list(fields.check_removed("text", "Ferries stop")) == []


def test_each_forbidden_character_is_named_once() -> None:
    details = [finding.detail for finding in found(fields.check_plain("text", "a\nb\nc\u202ed\u202e"))]
    assert len(details) == 2


def test_at_most_five_forbidden_characters_are_named() -> None:
    errors = found(fields.check_plain("text", "".join(map(chr, range(0xE000, 0xEA00)))))
    assert len(errors) == fields.CHARACTERS_NAMED + 1
    assert f"{0xA00 - fields.CHARACTERS_NAMED} more characters" in errors[-1].detail


@pytest.mark.parametrize(
    "text", ["a \u2066b", "a \u2067b", "a \u2068b", "a \u2069b", "\u2069a\u2066", "\u2066\u2067a\u2069"]
)
def test_unbalanced_isolates_are_refused(text: str) -> None:
    assert codes_of_text(text) == ["isolate"]


@pytest.mark.parametrize(
    "text", ["", "\u200b", "\u200e\u200f\u061c", "\u2060\ufeff", "\u00ad", "\u3164", "\u2800", "\u0301"]
)
def test_a_text_of_invisible_characters_is_empty(text: str) -> None:
    assert codes_of_text(text) == ["empty"]


def test_too_many_marks_on_one_letter_are_refused() -> None:
    most = fields.GRAPHEME_CODE_POINTS
    assert codes_of_text("a" + "\u0316" * (most - 1)) == []
    assert codes_of_text("a" + "\u0316" * most) == ["grapheme"]


# Lengths

GRAPHEMES = [
    ("", 0),
    ("abc", 3),
    ("é", 1),
    ("e\u0301", 1),
    (FAMILY, 1),
    ("🇵🇸🇪🇸", 2),
    ("🏴󠁧󠁢󠁥󠁮󠁧󠁿", 1),
    ("👍🏽", 1),
    (VOWELLED, 4),
    ("لا إله", 6),
    ("ñandú", 5),
    ("한국", 2),
    ("한국", 2),
]


@pytest.mark.parametrize(("text", "count"), GRAPHEMES)
def test_graphemes_are_counted_as_characters(text: str, count: int) -> None:
    assert fields.count_graphemes(text) == count


@pytest.mark.parametrize("letter", ["a", "ñ", "ب", "بّ", FAMILY, "🇪🇸"])
def test_a_text_above_the_greatest_length_is_refused(letter: str) -> None:
    # Spaces between the letters, because adjacent flags would join.
    most = " ".join([letter] * 80) + "."
    assert fields.count_graphemes(most) == ENGLISH.text_graphemes
    assert Findings.of(fields.check_text(ENGLISH, most)).errors == ()
    assert codes_of_text(most + ".") == ["too-long"]


def test_the_error_says_by_how_much_a_text_is_too_long() -> None:
    (finding,) = found(fields.check_text(ENGLISH, "x" * 170))
    assert finding.detail == "the text has 170 characters: 160 at most, shorten it by 10"


@pytest.mark.parametrize(("length", "warns"), [(100, False), (101, True), (160, True)])
def test_a_long_text_warns(length: int, warns: bool) -> None:
    findings = Findings.of(fields.check_text(ENGLISH, "ب" * length))
    assert findings.errors == ()
    assert [finding.code for finding in findings.warnings] == (["long"] if warns else [])


def test_the_limits_of_a_text_are_those_of_the_edition() -> None:
    brief = msgspec.structs.replace(ENGLISH, text_graphemes=5, text_warn_graphemes=3)
    assert codes_of(fields.check_text(brief, "abcdef")) == ["too-long"]


@pytest.mark.parametrize(("length", "codes"), [(280, []), (281, ["too-long"])])
def test_a_notice_has_another_limit(length: int, codes: list[str]) -> None:
    assert codes_of(fields.check_notice("reason", "x" * length)) == codes


@pytest.mark.parametrize("notice", ["a\nb", "a\u202eb"])
def test_a_notice_must_be_plain_text(notice: str) -> None:
    (finding,) = found(fields.check_notice("note", notice))
    assert finding.detail.startswith("the note has ")
    assert finding.detail.endswith(": take it out")


def test_a_missing_notice_passes() -> None:
    assert found(fields.check_notice("note", None)) == []


# The normal form


@pytest.mark.parametrize(
    ("given_text", "normal"),
    [
        ("  a b ", "a b"),
        ("Espan\u0303a", "España"),
        ("\u0627\u0653", "آ"),
        ("line\n", "line"),
        ("\u00a0x\u2029", "x"),
        ("Å", "Å"),
    ],
)
def test_a_text_is_normalized(given_text: str, normal: str) -> None:
    assert fields.normal_text(given_text) == normal


@given(nasty_text())
def test_normalizing_twice_changes_nothing(text: str) -> None:
    normal = fields.normal_text(text)
    assert fields.normal_text(normal) == normal
    assert unicodedata.is_normalized("NFC", normal)
