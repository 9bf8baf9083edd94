"""The rules for the other fields of a line: values that pass, and values that are refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from tests.support.findings import codes_of, found
from tests.support.strategies import ENGLISH, START
from ticker.core.edition import SECTIONS
from ticker.core.line import Direction
from ticker.core.rules import fields

# Attribution

SPLIT = [
    ("Maduro: Caracas will not negotiate", "Maduro", "Caracas will not negotiate"),
    ("Israeli media: sirens in the north", "Israeli media", "sirens in the north"),
    ("إعلام إسرائيلي: صفارات الإنذار تدوي", "إعلام إسرائيلي", "صفارات الإنذار تدوي"),
    ("Sánchez: «no habrá elecciones»", "Sánchez", "«no habrá elecciones»"),
    ("Reuters: Minister: no deal", "Reuters", "Minister: no deal"),
    ("Reuters: see https://example.com", "Reuters", "see https://example.com"),
    ("Reuters:  two spaces", "Reuters", "two spaces"),
    ("x" * 60 + ": y", "x" * 60, "y"),
    ("بّ" * 60 + ": y", "بّ" * 60, "y"),
]
NOT_SPLIT = [
    "Quake strikes",
    "https://example.com/a",
    "Talks begin at 14:30 in Doha",
    "Polls close 20:00",
    "Ratio of 3:1 agreed",
    "Reuters:no space",
    "BREAKING: Storm nears",
    "Update: Storm nears",
    "عاجل: زلزال قوي",
    "ÚLTIMA HORA: Sube la marea",
    ": nothing before",
    "nothing after: ",
    "nothing after:",
    "\u200f: only a mark before",
    "only a mark after: \u200f",
    "x" * 61 + ": y",
    "بّ" * 61 + ": y",
]


@pytest.mark.parametrize(("text", "attribution", "rest"), SPLIT)
def test_an_attribution_is_split_from_a_text(text: str, attribution: str, rest: str) -> None:
    assert fields.split_attribution(text) == (attribution, rest)


@pytest.mark.parametrize("text", NOT_SPLIT)
def test_a_text_without_attribution_stays_whole(text: str) -> None:
    assert fields.split_attribution(text) == (None, text)


def test_an_attribution_above_its_limit_is_refused() -> None:
    assert found(fields.check_attribution("ب" * 60)) == []
    assert codes_of(fields.check_attribution("ب" * 61)) == ["too-long"]


# Languages


@pytest.mark.parametrize(
    ("tag", "standard"),
    [
        ("en", "en"),
        ("AR", "ar"),
        ("es-mx", "es-MX"),
        ("en_US", "en-US"),
        ("iw", "he"),
        ("az-latn", "az-Latn"),
        ("uz-arab", "uz-Arab"),
        ("zh-hant-tw", "zh-Hant-TW"),
        ("en-x-house", "en-x-house"),
    ],
)
def test_a_language_tag_is_standardized(tag: str, standard: str) -> None:
    assert found(fields.check_lang(tag)) == []
    assert fields.normal_lang(tag) == standard


@pytest.mark.parametrize(
    "tag",
    [
        "",
        "e",
        "english",
        "klingonese",
        "en-",
        "-en",
        "en US",
        "ar\n",
        "é",
        "\ud800",
        "en-" + "x" * 40,
        "xx-YY-ZZ",
        "123",
    ],
)
def test_an_invalid_language_tag_is_refused(tag: str) -> None:
    assert codes_of(fields.check_lang(tag)) == ["lang"]


@pytest.mark.parametrize(
    ("lang", "direction"),
    [
        *(
            (lang, Direction.RTL)
            for lang in ("ar", "he", "fa", "ur", "yi", "ps", "sd", "ug", "ckb", "dv", "syr", "arz")
        ),
        *(
            (lang, Direction.RTL)
            for lang in ("uz-Arab", "az-Arab", "ku-Arab", "ur-Aran", "ar-Arab-EG", "pa-PK", "ff-Adlm")
        ),
        *(
            (lang, Direction.LTR)
            for lang in ("en", "es", "es-MX", "fr", "tr", "ku", "uz", "zh", "hi", "ru", "am", "el")
        ),
        *((lang, Direction.LTR) for lang in ("az-Latn", "ar-Latn", "he-Latn", "ur-Deva", "und", "mul")),
    ],
)
def test_a_language_has_the_direction_of_its_most_likely_script(lang: str, direction: Direction) -> None:
    assert fields.direction_of(lang) is direction


# Urgency, sections, regions


@pytest.mark.parametrize(
    ("urgency", "codes"), [(1, []), (9, []), (0, ["urgency"]), (10, ["urgency"]), (-1, ["urgency"])]
)
def test_an_urgency_outside_the_scale_is_refused(urgency: int, codes: list[str]) -> None:
    assert codes_of(fields.check_urgency(urgency)) == codes


@pytest.mark.parametrize("given_term", ["arts-culture", "Arts & Culture", "ARTS & CULTURE", " arts-culture "])
def test_a_term_is_found_by_its_id_or_name_in_any_case(given_term: str) -> None:
    assert found(fields.check_term("section", SECTIONS, given_term)) == []
    assert fields.normal_term(SECTIONS, given_term) == "arts-culture"


@pytest.mark.parametrize("term", ["", " ", "weather", "polit", "politics,sports"])
def test_an_unknown_term_is_refused_with_the_known_ones(term: str) -> None:
    (finding,) = found(fields.check_term("section", SECTIONS, term))
    assert finding.code == "section"
    assert ", ".join(SECTIONS) in finding.detail


def test_regions_keep_their_order_without_duplicates() -> None:
    some = ("MENA", "africa", "mena")
    assert found(fields.check_regions(ENGLISH.regions, some)) == []
    assert fields.normal_regions(ENGLISH.regions, some) == ("mena", "africa")


def test_too_many_regions_are_refused() -> None:
    some = tuple(ENGLISH.regions)[: fields.REGIONS_MAX]
    assert found(fields.check_number_of_regions(some)) == []
    assert codes_of(fields.check_number_of_regions((*some, "mena"))) == ["region"]


# Times

EAST = timezone(timedelta(hours=3))


@pytest.mark.parametrize(
    ("instant", "refused"),
    [
        (START + timedelta(seconds=1), False),
        (datetime.max.replace(tzinfo=UTC), False),
        (START, True),
        (START - timedelta(days=1), True),
        (datetime.min.replace(tzinfo=UTC), True),
        ((START + timedelta(days=1)).replace(tzinfo=None), True),
        ((START + timedelta(days=1)).astimezone(EAST), True),
        (datetime.max.replace(tzinfo=timezone(-timedelta(hours=23))), True),
        (datetime.min.replace(tzinfo=timezone(timedelta(hours=23))), True),
    ],
)
def test_an_expiry_must_be_in_the_future_and_in_utc(instant: datetime, refused: bool) -> None:
    codes = codes_of(fields.check_expires(instant, START))
    assert codes == (["expires_at"] if refused else [])


@pytest.mark.parametrize(
    ("after", "codes"), [(fields.PIN_MAX, []), (fields.PIN_MAX + timedelta(seconds=1), ["pinned_until"])]
)
def test_a_pin_that_is_too_long_is_refused(after: timedelta, codes: list[str]) -> None:
    assert codes_of(fields.check_pinned(START + after, START)) == codes
