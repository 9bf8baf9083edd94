"""The number of words of a line."""

from __future__ import annotations

import pytest

from ticker.core.rules.word_count import count_words


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("…!? –", 0),
        ("q", 1),
        ("self-made", 1),
        ("U.S. votes", 2),
        ("FIFA: USA 3, NED 1", 5),
        ("Weather office: Storm", 3),
        ("زلزال قوي", 2),
        ("كَتَبَ الدرسَ كلَّه", 3),
        ("¿Y ahora qué?", 3),
    ],
)
def test_words_and_numbers_are_counted(text: str, count: int) -> None:
    assert count_words(text) == count


@pytest.mark.parametrize("text", ["地震", "台風が上陸", "แผ่นดินไหว", "Reuters: 地震"])
def test_script_without_spaces_between_words_has_no_count(text: str) -> None:
    assert count_words(text) is None
