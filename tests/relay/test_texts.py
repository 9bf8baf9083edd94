from __future__ import annotations

import msgspec
import pytest

from tests.support.relay_simulation import line
from ticker.core.line import Change, Direction, Status
from ticker.relay.texts import inert_text, mark_of, post_text, shorten


def test_post_has_urgency_source_text_and_correction() -> None:
    corrected = msgspec.structs.replace(
        line("a", 2, 1, text="Two ferries are damaged"),
        change=Change.CORRECT,
        attribution="Harbour authority",
        urgency=2,
        correction="An earlier line said three.",
    )
    expected = "Bulletin: Harbour authority: Two ferries are damaged\n\nCorrection: An earlier line said three."
    assert post_text(corrected) == expected


def test_post_of_a_test_edition_begins_with_test() -> None:
    marked = msgspec.structs.replace(line("a", 1, 1, text="A trial"), test=True, urgency=1)
    assert post_text(marked) == "TEST: Flash: A trial"


def test_notice_of_a_withdrawal_has_no_urgency() -> None:
    notice = msgspec.structs.replace(line("a", 2, 1, Status.CANCELED), urgency=1, correction="The report was wrong.")
    assert post_text(notice) == "Withdrawn: The report was wrong."


def test_arabic_post_stays_right_to_left_behind_a_latin_source() -> None:
    arabic = msgspec.structs.replace(
        line("a", 1, 1, text="العاصفة تصل"), lang="ar", dir=Direction.RTL, attribution="Reuters", urgency=3
    )
    assert post_text(arabic) == "عاجل: \u2068Reuters\u2069: العاصفة تصل"


@pytest.mark.parametrize(
    "text", ["@everyone", "#breaking", "/start", "$USD", "https://a.example/x", "a.example", "name@a.example"]
)
def test_no_part_of_a_text_acts_and_its_mark_stays(text: str) -> None:
    inert = inert_text(text)
    assert inert != text
    assert inert.replace("\u2060", "") == text
    assert mark_of(inert) == mark_of(text)


def test_numbers_and_ordinary_punctuation_stay_as_they_are() -> None:
    text = "Central bank: Rate at 3.25 per cent. Why? 50/50, 10:30 (GMT)"
    assert inert_text(text).replace("\u2060", "|") == text.replace("50/50", "50/|50")


def test_text_above_the_limit_ends_with_an_ellipsis() -> None:
    assert shorten("abcdef", 6) == "abcdef"
    assert shorten("abc defg", 5) == "abc…"
