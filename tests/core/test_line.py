"""Lines: when they are visible or pinned, and which fields they keep without the text."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from tests.support.strategies import START
from ticker.core.line import Change, Direction, Facets, Line, Status

SOON = START + timedelta(minutes=1)
LINE = Line(
    id="line-1",
    version=1,
    number=1,
    change=Change.NEW,
    text="A line",
    attribution="AFP",
    lang="en",
    dir=Direction.LTR,
    urgency=2,
    section="sports",
    regions=("mena",),
    url="https://example.com/",
    created_at=START,
    updated_at=START,
    correction="A line was wrong",
)


def line(**fields: object) -> Line:
    return msgspec.structs.replace(LINE, **fields)


@pytest.mark.parametrize(
    ("shown", "is_visible"),
    [
        (line(), True),
        (line(status=Status.CANCELED), True),
        (line(status=Status.WITHHELD), False),
        (line(expires_at=SOON), True),
        (line(expires_at=START), False),
    ],
)
def test_a_line_is_visible_unless_it_is_hidden_or_expired(shown: Line, is_visible: bool) -> None:
    assert shown.shows(START) is is_visible


@pytest.mark.parametrize(
    ("shown", "is_pinned"),
    [
        (line(), False),
        (line(pinned_until=SOON), True),
        (line(pinned_until=START), False),
        (line(pinned_until=SOON, status=Status.CANCELED), False),
    ],
)
def test_a_usable_line_is_pinned_until_its_pin_ends(shown: Line, is_pinned: bool) -> None:
    assert shown.is_pinned(START) is is_pinned


@pytest.mark.parametrize("status", [Status.WITHHELD, Status.CANCELED])
def test_a_line_without_its_text_keeps_only_fields_that_cannot_quote_it(status: Status) -> None:
    left = line(pinned_until=SOON, coverage="Odile").without_text(status)
    assert left.status is status
    assert (left.text, left.attribution, left.url, left.correction, left.pinned_until) == ("", None, None, None, None)
    assert left.coverage is None
    assert left.facets == Facets(2, "sports", ("mena",))
