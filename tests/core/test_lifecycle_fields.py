"""The fields of a change: required and forbidden fields, and the values that a line stores."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone

import pytest
from msgspec import UNSET

from tests.support.line_changes import LINE, SOON, board_with, published, refused, submission
from tests.support.strategies import START, post
from ticker.core.board import Board
from ticker.core.edition import DEFAULT_EDITIONS
from ticker.core.line import Change, Direction
from ticker.core.outcome import Publish


@pytest.mark.parametrize("reason", [None, "", "  ", "\u200b"])
@pytest.mark.parametrize("change", [Change.CORRECT, Change.WITHDRAW])
def test_a_correction_and_a_withdrawal_need_a_reason(change: Change, reason: str | None) -> None:
    assert refused(board_with(), change, reason=reason) == ["reason"]


@pytest.mark.parametrize("change", [change for change in Change if change not in (Change.CORRECT, Change.WITHDRAW)])
def test_other_changes_with_a_reason_are_refused(change: Change) -> None:
    board = board_with(Change.PIN) if change is Change.UNPIN else board_with()
    if change is Change.UNHIDE:
        board = board_with(Change.HIDE)
    assert refused(board, change, reason="because") == ["field"]


CONTENT: dict[str, object] = {
    "text": "Another text",
    "attribution": None,
    "lang": "en",
    "dir": Direction.LTR,
    "urgency": 1,
    "section": "politics",
    "regions": ("mena",),
    "coverage": None,
    "url": None,
    "expires_at": None,
}


@pytest.mark.parametrize("field", CONTENT)
@pytest.mark.parametrize(
    ("before", "change"),
    [
        ((), Change.WITHDRAW),
        ((), Change.HIDE),
        ((Change.HIDE,), Change.UNHIDE),
        ((), Change.PIN),
        ((Change.PIN,), Change.UNPIN),
    ],
)
def test_a_change_without_text_refuses_content_fields(before: tuple[Change, ...], change: Change, field: str) -> None:
    assert refused(board_with(*before), change, **{field: CONTENT[field]}) == ["field"]


@pytest.mark.parametrize("change", [Change.UPDATE, Change.REFILE, Change.CORRECT])
def test_a_rewrite_that_changes_nothing_is_refused(change: Change) -> None:
    assert refused(board_with(), change, text=UNSET) == ["empty"]


FILLED: dict[str, object] = {
    "attribution": "AFP",
    "lang": "ar",
    "urgency": 2,
    "section": "economy",
    "regions": ("asia",),
    "coverage": "Quake",
    "url": "https://example.com/",
    "expires_at": SOON,
}


@pytest.mark.parametrize("field", CONTENT)
@pytest.mark.parametrize("change", [Change.UPDATE, Change.REFILE, Change.CORRECT])
def test_a_rewrite_of_one_field_keeps_the_others(change: Change, field: str) -> None:
    board = board_with(**FILLED)
    before = board.get(LINE)
    assert before is not None
    # Without split_attribution, because a split text would also change the attribution.
    line = published(board, change, **{"text": UNSET, field: CONTENT[field]}, split_attribution=False)
    changed = {name for name in CONTENT if getattr(line, name) != getattr(before.line, name)}
    assert changed == ({"lang", "dir"} if field == "lang" else {field})


def test_a_line_needs_a_text() -> None:
    assert refused(Board(), Change.NEW, text=UNSET) == ["empty"]


def test_a_pin_needs_an_end() -> None:
    assert refused(board_with(), Change.PIN, pinned_until=None) == ["field"]


@pytest.mark.parametrize("change", [Change.UPDATE, Change.CORRECT, Change.WITHDRAW, Change.HIDE])
def test_only_a_new_line_or_a_pin_may_have_pinned_until(change: Change) -> None:
    assert refused(board_with(), change, pinned_until=SOON) == ["field"]


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("text", "a\u202eb", "character"),
        ("attribution", "a\nb", "character"),
        ("attribution", "x" * 61, "too-long"),
        ("coverage", "a\nb", "character"),
        ("lang", "english", "lang"),
        ("urgency", 0, "urgency"),
        ("section", "weather", "section"),
        ("section", "", "section"),
        ("regions", ("mars",), "region"),
        ("url", "javascript:alert(1)", "url"),
        ("expires_at", START, "expires_at"),
        ("pinned_until", START, "pinned_until"),
        ("note", "a\x00b", "character"),
    ],
)
def test_every_field_of_a_new_line_is_checked(field: str, value: object, code: str) -> None:
    assert refused(Board(), Change.NEW, **{field: value}) == [code]


def test_a_reason_is_checked() -> None:
    assert refused(board_with(), Change.CORRECT, reason="a\u202eb") == ["character"]


def test_all_faults_are_reported_together() -> None:
    codes = refused(Board(), Change.NEW, text="a\u202eb", urgency=0, section="weather", reason="because")
    assert sorted(codes) == ["character", "field", "section", "urgency"]


def test_a_refusal_does_not_change_the_board() -> None:
    board = board_with()
    before = list(board.newest_first())
    refused(board, Change.UPDATE, text="a\u202eb")
    assert list(board.newest_first()) == before


def test_a_new_line_has_the_language_and_direction_of_its_edition() -> None:
    outcome = post(Board(), submission(Change.NEW, text="هزة أرضية قوية"), edition=DEFAULT_EDITIONS["ar"])
    assert isinstance(outcome, Publish)
    assert (outcome.entry.line.lang, outcome.entry.line.dir) == ("ar", Direction.RTL)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"lang": "ar"}, ("ar", Direction.RTL)),
        ({"lang": "IW"}, ("he", Direction.RTL)),
        ({"dir": Direction.RTL}, ("en", Direction.RTL)),
        ({"lang": "ar", "dir": Direction.LTR}, ("ar", Direction.LTR)),
        ({}, ("en", Direction.LTR)),
    ],
)
def test_a_line_may_have_another_language_and_direction(
    fields: dict[str, object], expected: tuple[str, Direction]
) -> None:
    line = published(Board(), Change.NEW, **fields)
    assert (line.lang, line.dir) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"text": "Maduro: no deal"}, ("Maduro", "no deal")),
        ({"text": "إعلام إسرائيلي: غارة"}, ("إعلام إسرائيلي", "غارة")),
        ({"text": "Maduro: no deal", "split_attribution": False}, (None, "Maduro: no deal")),
        ({"text": "Maduro: no deal", "attribution": "AFP"}, ("AFP", "Maduro: no deal")),
        ({"text": "Maduro: no deal", "attribution": None}, (None, "Maduro: no deal")),
        ({"text": "No deal", "attribution": " Espan\u0303a "}, ("España", "No deal")),
        ({"text": "No deal", "attribution": "\u200b"}, (None, "No deal")),
    ],
)
def test_an_attribution_is_given_or_split_from_the_text(fields: dict[str, object], expected: tuple[str, str]) -> None:
    line = published(Board(), Change.NEW, **fields)
    assert (line.attribution, line.text) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"text": "More"}, (None, "More")),
        ({"text": "AFP: More"}, ("AFP", "More")),
        ({"text": "At last: More", "split_attribution": False}, ("Reuters", "At last: More")),
        ({"text": UNSET, "attribution": "AFP"}, ("AFP", "Quake")),
        ({"text": UNSET, "urgency": 1}, ("Reuters", "Quake")),
    ],
)
def test_a_new_text_replaces_the_attribution_unless_it_is_not_split(
    fields: dict[str, object], expected: tuple[str, str]
) -> None:
    line = published(board_with(text="Reuters: Quake"), Change.UPDATE, **fields)
    assert (line.attribution, line.text) == expected


def test_values_are_stored_in_their_normal_form() -> None:
    east = timezone(timedelta(hours=3))
    line = published(
        Board(),
        Change.NEW,
        text=" Espan\u0303a ",
        coverage=" Espan\u0303a ",
        section="Arts & Culture",
        regions=("Africa", "africa"),
        expires_at=SOON.astimezone(east),
        pinned_until=SOON.astimezone(east),
    )
    assert (line.text, line.coverage, line.section, line.regions) == ("España", "España", "arts-culture", ("africa",))
    assert [instant and instant.tzinfo for instant in (line.expires_at, line.pinned_until)] == [UTC, UTC]
    assert (line.expires_at, line.pinned_until) == (SOON, SOON)


@pytest.mark.parametrize("coverage", [None, "", " ", "\u200b"])
def test_a_blank_coverage_is_none(coverage: str | None) -> None:
    assert published(board_with(coverage="Quake"), Change.UPDATE, coverage=coverage).coverage is None
