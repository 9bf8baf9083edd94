"""Editions: names and vocabularies."""

from __future__ import annotations

import pytest

from ticker.core.edition import DEFAULT_EDITIONS, check_name, find_term
from ticker.core.errors import SettingsError


@pytest.mark.parametrize("name", ["en", "a", "amal-2", "x" * 32])
def test_a_valid_name_is_returned(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize("name", ["", "En", "2a", "-a", "a b", "a:b", "a}b", "a{b", "é", "x" * 33, "a\n", "a*"])
def test_an_invalid_name_is_refused(name: str) -> None:
    with pytest.raises(SettingsError) as refused:
        check_name(name)
    assert ascii(name[:40]) in str(refused.value)


@pytest.mark.parametrize(
    ("edition", "name", "term"),
    [
        ("ar", "سياسة", "politics"),
        ("es", "política", "politics"),
        ("es", "Varios", "miscellaneous"),
        ("es", "economia", "economy"),  # typed without its accent
    ],
)
def test_a_term_is_found_by_its_translated_name(edition: str, name: str, term: str) -> None:
    assert find_term(DEFAULT_EDITIONS[edition].sections, name) == term
