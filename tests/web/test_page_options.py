"""The query of a page: ignored values, errors, and the options of an embedded page."""

from __future__ import annotations

import pytest

from ticker.core.edition import DEFAULT_EDITIONS
from ticker.core.selection import EVERYTHING, Selection
from ticker.web.page_options import PageError, PageOptions, parse_page_options

EDITION = DEFAULT_EDITIONS["en"]


def test_query_is_read_completely() -> None:
    query = "section=sports&section=health&urgency=2&lines=7&layout=strip&theme=terminal&scheme=dark&wall=1"
    assert parse_page_options(query, EDITION) == PageOptions(
        layout="strip",
        theme="terminal",
        scheme="dark",
        wall=True,
        lines=7,
        selection=Selection(sections=("health", "sports"), urgency=2),
    )


@pytest.mark.parametrize(
    "query",
    [
        "", "layout=round", "theme=x", "scheme=pink", "wall=yes", "unknown=1", "section=", "urgency=",
        "layout=%3Cscript%3E", "lines=0", "lines=101", "lines=ten", "lines=-1", "lines=00999", "lines=%D9%A3",
        f"lines=0001{'0' * 5000}",
    ],
)  # fmt: skip
def test_wrong_value_that_only_changes_the_looks_counts_as_not_given(query: str) -> None:
    assert parse_page_options(query, EDITION) == PageOptions()


@pytest.mark.parametrize("query", ["section=nonsense", "region=nonsense", "urgency=99", "section=sports&section=x"])
def test_wrong_value_that_would_change_the_lines_is_an_error(query: str) -> None:
    with pytest.raises(PageError) as caught:
        parse_page_options(query, EDITION)
    assert caught.value.status == 400


def test_too_many_parameters_are_an_error() -> None:
    with pytest.raises(PageError, match="too many parameters"):
        parse_page_options("a=1&" * 33, EDITION)


def test_last_of_repeated_values_counts() -> None:
    assert parse_page_options("layout=strip&layout=crawl", EDITION).layout == "crawl"


def test_selection_is_ignored_without_an_edition() -> None:
    assert parse_page_options("section=nonsense&theme=bulletin", None).selection == EVERYTHING


@pytest.mark.parametrize(
    "query",
    ["", "lines=5", "layout=crawl", "section=health&section=sports&urgency=3&lines=20&theme=bulletin&scheme=light"],
)
def test_query_of_the_options_reads_back_as_the_same_options(query: str) -> None:
    options = parse_page_options(query, EDITION)
    assert options.query == query
    assert parse_page_options(options.query, EDITION) == options


def test_embedded_page_is_no_wall() -> None:
    assert parse_page_options("wall=1&lines=5", EDITION).query == "lines=5"
