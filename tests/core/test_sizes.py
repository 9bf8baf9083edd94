"""Texts far above their limits are refused before any other rule is applied, and texts are stored in normal form."""

from __future__ import annotations

import sys
import unicodedata
from datetime import timedelta
from typing import Any, Final

import msgspec
import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from tests.support.strategies import ENGLISH, START, context, likely_submissions, nasty_submissions, post
from ticker.core import lifecycle
from ticker.core.board import Board
from ticker.core.edition import DEFAULT_EDITIONS
from ticker.core.line import Change
from ticker.core.outcome import Hold, Outcome, Publish, Refuse, decide
from ticker.core.rules import fields, house_rules, typography
from ticker.core.submission import Submission

MARKS: Final = "e" + "\u0301\u0316" * 2000
"""About 8 KiB of combining marks, which normalization sorts."""
LONG: Final = "Long " * 1000
LATER: Final = START + timedelta(minutes=5)


def new(**given_fields: Any) -> Submission:
    return msgspec.structs.replace(Submission(key="k", change=Change.NEW, text="Quake: A quake"), **given_fields)


def codes(submission: Submission, board: Board | None = None) -> list[str]:
    outcome = outcome_of(submission, board)
    return [error.code for error in outcome.errors] if isinstance(outcome, Refuse) else []


def outcome_of(submission: Submission, board: Board | None = None) -> Outcome:
    return decide(submission, context(board or Board(), 1, START, edition=DEFAULT_EDITIONS["en"]))


@pytest.fixture
def no_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail the test if a text is normalized or a house rule is applied."""

    def fail(*_: object) -> None:
        raise AssertionError("a rule was applied")

    monkeypatch.setattr(fields, "normal_text", fail)
    monkeypatch.setattr(fields, "normal_regions", fail)
    monkeypatch.setattr(house_rules, "check_house_rules", fail)


@pytest.mark.usefixtures("no_rule")
@pytest.mark.parametrize("field", ["text", "attribution", "coverage", "note", "origin", "break_glass"])
@pytest.mark.parametrize("value", [MARKS, MARKS[:900], LONG])
def test_a_huge_text_is_refused_before_it_is_normalized(field: str, value: str) -> None:
    assert codes(new(**{field: value})) in (["too-long"], ["grapheme"])


@pytest.mark.usefixtures("no_rule")
def test_marks_that_are_in_a_row_after_normalization_are_counted_together() -> None:
    assert codes(new(text="e" + "\u200b".join(["\u0301\u0316" * 10] * 20))) == ["grapheme"]


@pytest.mark.usefixtures("no_rule")
def test_a_huge_number_of_regions_is_refused_before_they_are_looked_up() -> None:
    assert codes(new(regions=("a",) * 2000)) == ["region"]


def test_a_huge_reason_is_refused_before_it_is_normalized() -> None:
    board = Board()
    assert isinstance(post(board, new()), Publish)
    (line,) = board.lines(START, 1)
    withdrawal = Submission(key="w", change=Change.WITHDRAW, id=line.id, reason=MARKS)
    assert codes(withdrawal, board) == ["grapheme"]


@pytest.mark.parametrize("text", ["word " * 33, "A" * 161, "e" + "\u0301" * 20])
def test_no_house_rule_is_applied_after_a_refusal_for_size(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("a rule was applied")

    monkeypatch.setattr(typography, "is_shouted", fail)
    monkeypatch.setattr(house_rules, "check_house_rules", fail)
    assert set(codes(new(text=text))) <= fields.SIZE_CODES
    assert codes(new(text=text))


def test_every_mark_that_normalization_sorts_belongs_to_the_character_before_it() -> None:
    """So a limit of marks in a row bounds the time of normalization."""
    mark = regex.compile(r"\p{M}")
    sorted_marks = [chr(code) for code in range(sys.maxunicode + 1) if unicodedata.combining(chr(code))]
    assert len(sorted_marks) > 800
    assert [each for each in sorted_marks if mark.fullmatch(each) is None] == []


@pytest.mark.parametrize(
    "text",
    ["Hà Nội: Chính phủ họp khẩn", "مُحَمَّد: وَصَلَ ٱلْوَفْدُ", "👩🏽‍❤️‍💋‍👨🏿 " * 8, "नई दिल्ली: क्ष्म्य"],
)
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_texts_that_people_write_are_within_the_sizes(text: str, form: Any) -> None:
    assert list(lifecycle.check_sizes(ENGLISH, new(text=unicodedata.normalize(form, text)))) == []


# The normal form, which is stored


def test_a_held_item_is_stored_in_its_normal_form() -> None:
    raw = new(
        text="  Cafe\u0301 owners: Doors open  ",
        section="Arts & Culture",
        regions=("MENA", "mena", "africa"),
        lang="EN-gb",
        coverage="  ",
        note=" Cafe\u0301 ",
        publish_at=LATER,
    )
    outcome = decide(raw, context(Board(), 1, START))
    assert isinstance(outcome, Hold)
    stored = outcome.held.submission
    assert (stored.attribution, stored.text, stored.split_attribution) == ("Café owners", "Doors open", False)
    assert (stored.section, stored.regions, stored.lang) == ("arts-culture", ("mena", "africa"), "en-GB")
    assert (stored.coverage, stored.note) == (None, "Café")


def test_the_note_and_the_origin_of_an_entry_are_in_their_normal_form() -> None:
    outcome = decide(new(note=" Cafe\u0301 ", origin="Cafe\u0301"), context(Board(), 1, START))
    assert isinstance(outcome, Publish)
    assert (outcome.entry.note, outcome.entry.origin) == ("Café", "Café")


@given(nasty_submissions(["line-1"]) | likely_submissions())
def test_the_normal_form_of_a_normal_form_is_the_same(submission: Submission) -> None:
    if list(lifecycle.check_sizes(ENGLISH, submission)):
        return
    normal = lifecycle.normal_form(ENGLISH, submission)
    assert lifecycle.normal_form(ENGLISH, normal) == normal


@given(st.text(st.sampled_from("a: \u0301\u0316é\u200b"), max_size=200))
def test_the_size_check_never_refuses_a_text_that_the_other_rules_allow(text: str) -> None:
    allowed = not list(fields.check_plain("text", fields.normal_text(text))) and fields.count_graphemes(text) <= 60
    assert not (allowed and list(fields.check_size("text", text, 60)))
