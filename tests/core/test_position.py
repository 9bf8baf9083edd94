"""Positions: format and parsing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticker.core.errors import PositionError
from ticker.core.position import MARK_DIGITS, SEQ_MAX, Position


@given(st.integers(0, SEQ_MAX), st.text("0123456789abcdef", min_size=MARK_DIGITS, max_size=MARK_DIGITS))
def test_a_formatted_position_parses_to_itself(seq: int, mark: str) -> None:
    assert Position.parse(str(Position(seq, mark))) == Position(seq, mark)


@given(
    st.text()
    | st.from_regex(r"[0-9٠-٩+_ ]{0,18}-[0-9a-fA-F]{14,18}\n?", fullmatch=True)
    | st.builds(lambda seq, mark: f"{seq}-{mark}", st.integers(2**52), st.just("0" * 16))
)
def test_only_formatted_positions_parse(text: str) -> None:
    try:
        position = Position.parse(text)
    except PositionError:
        return
    assert str(position) == text
    assert 0 <= position.seq <= SEQ_MAX


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7",
        "7-",
        "-7-0123456789abcdef",
        "+7-0123456789abcdef",
        "07-0123456789abcdef",
        "7-0123456789ABCDEF",
        "7-0123456789abcde",
        "7-0123456789abcdef0",
        "7-0123456789abcdef\n",
        " 7-0123456789abcdef",
        "٧-0123456789abcdef",
        "9007199254740992-0123456789abcdef",
        "99999999999999999999-0123456789abcdef",
        "1e3-0123456789abcdef",
    ],
)
def test_an_invalid_position_is_quoted_in_the_error(text: str) -> None:
    with pytest.raises(PositionError) as refused:
        Position.parse(text)
    assert ascii(text[:40]) in str(refused.value)


def test_a_long_invalid_position_is_shortened_in_the_error() -> None:
    with pytest.raises(PositionError) as refused:
        Position.parse("x" * 10_000)
    assert len(str(refused.value)) < 200
