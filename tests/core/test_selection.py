"""Selections: parsing, and the lines that they match."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.strategies import ENGLISH, facets, selections
from ticker.core.errors import SelectionError
from ticker.core.line import Facets
from ticker.core.selection import EVERYTHING, Selection, parse_selection


@given(facets())
def test_everything_matches_all_facets(facets: Facets) -> None:
    assert EVERYTHING.matches(facets)


@given(selections(), facets())
def test_a_selection_matches_if_each_of_its_parts_matches(selection: Selection, facets: Facets) -> None:
    parts = (
        Selection(sections=selection.sections),
        Selection(regions=selection.regions),
        Selection(urgency=selection.urgency),
    )
    assert selection.matches(facets) == all(part.matches(facets) for part in parts)


@pytest.mark.parametrize(
    ("selection", "facets", "matches"),
    [
        (Selection(urgency=2), Facets(1), True),
        (Selection(urgency=2), Facets(2), True),
        (Selection(urgency=2), Facets(3), False),
        (Selection(sections=("economy", "sports")), Facets(4, "sports"), True),
        (Selection(sections=("economy", "sports")), Facets(4, "health"), False),
        (Selection(sections=("economy",)), Facets(4, None), False),
        (Selection(regions=("asia", "mena")), Facets(4, None, ("africa", "mena")), True),
        (Selection(regions=("asia",)), Facets(4, None, ("africa", "mena")), False),
        (Selection(regions=("asia",)), Facets(4), False),
        (Selection(("sports",), ("mena",)), Facets(4, "sports", ("africa",)), False),
    ],
)
def test_a_selection_matches_any_of_its_terms_and_the_same_or_more_urgency(
    selection: Selection, facets: Facets, matches: bool
) -> None:
    assert selection.matches(facets) is matches


def test_selections_of_the_same_terms_are_equal() -> None:
    first = parse_selection(ENGLISH, ["sports", "economy", "sports"], ["mena", "asia"], "3")
    second = parse_selection(ENGLISH, ["economy", "sports"], ["asia", "mena", "mena"], "3")
    assert first == second == Selection(("economy", "sports"), ("asia", "mena"), 3)
    assert hash(first) == hash(second)


def test_an_empty_selection_is_everything() -> None:
    assert parse_selection(ENGLISH, [], [], None) == EVERYTHING


@pytest.mark.parametrize("term", ["", "Sports", "SPORTS", "sports ", "weather", "mena", "x" * 100_000])
def test_an_unknown_section_is_refused_with_the_known_ones(term: str) -> None:
    with pytest.raises(SelectionError) as refused:
        parse_selection(ENGLISH, ["economy", term], [], None)
    assert refused.value.code == "section"
    assert ascii(term[:40]) in str(refused.value)
    assert "miscellaneous" in str(refused.value)
    assert len(str(refused.value)) < 300


def test_an_unknown_region_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SelectionError, match="no region 'mars': it has africa, ") as refused:
        parse_selection(ENGLISH, [], ["mars"], None)
    assert refused.value.code == "region"


@pytest.mark.parametrize("urgency", ["1", "4", "9"])
def test_a_valid_urgency_is_parsed(urgency: str) -> None:
    assert parse_selection(ENGLISH, [], [], urgency).urgency == int(urgency)


@given(
    st.text(max_size=3).filter(lambda text: text not in set("123456789"))
    | st.sampled_from(["0", "٣", "10", "1.0", "²"])
)
def test_an_invalid_urgency_is_refused(urgency: str) -> None:
    with pytest.raises(SelectionError) as refused:
        parse_selection(ENGLISH, [], [], urgency)
    assert refused.value.code == "urgency"


@given(st.lists(st.text()), st.lists(st.text()), st.none() | st.text())
def test_any_input_gives_a_selection_or_selection_error(
    sections: list[str], regions: list[str], urgency: str | None
) -> None:
    codes = []
    try:
        parse_selection(ENGLISH, sections, regions, urgency)
    except SelectionError as error:
        codes = [error.code]
    assert set(codes) <= {"section", "region", "urgency"}
