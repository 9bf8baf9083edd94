"""Isolates around right-to-left texts."""

from __future__ import annotations

from publisher_cli.output.bidi import FIRST_STRONG_ISOLATE, POP_ISOLATE, balanced, is_right_to_left, isolated
from ticker.core.line import Direction

ARABIC = "هطول أمطار"


def test_left_to_right_text_stays_as_it_is() -> None:
    assert isolated("Rain in Valmora") == "Rain in Valmora"
    assert isolated("Rain in Valmora", Direction.LTR) == "Rain in Valmora"


def test_right_to_left_text_is_isolated_in_its_direction() -> None:
    assert isolated(ARABIC, Direction.RTL) == f"\u2067{ARABIC}\u2069"
    assert isolated(ARABIC, Direction.LTR) == f"\u2066{ARABIC}\u2069"


def test_text_without_a_direction_follows_its_first_letter() -> None:
    assert isolated(ARABIC) == f"\u2068{ARABIC}\u2069"


def test_latin_name_in_a_right_to_left_text_is_isolated() -> None:
    assert isolated("Reuters", within=Direction.RTL) == "\u2068Reuters\u2069"


def test_one_right_to_left_letter_is_enough() -> None:
    assert is_right_to_left("Score: 2-0 ض")
    assert not is_right_to_left("Score: 2-0")


def test_piece_with_a_whole_isolate_keeps_it() -> None:
    whole = f"{FIRST_STRONG_ISOLATE}Reuters{POP_ISOLATE}: {ARABIC}"
    assert balanced(whole) == whole


def test_piece_with_half_an_isolate_loses_it() -> None:
    assert balanced(f"{FIRST_STRONG_ISOLATE}Reuters") == "Reuters"
    assert balanced(f"Reuters{POP_ISOLATE}: x") == "Reuters: x"
