"""The checks of ended processes accept a clean end, and report a bad one made by hand."""

from __future__ import annotations

import pytest

from tests.faults.invariants.processes import BAD_WORDS, ProcessEnd, check_ends


def test_a_clean_exit_has_no_violation() -> None:
    assert check_ends([ProcessEnd("desk", 0, '{"event": "settled"}', {"before": 9, "after": 9})], []) == []


@pytest.mark.parametrize(
    "ended",
    [
        ProcessEnd("desk", 1, ""),
        ProcessEnd("desk", -9, ""),
        *(ProcessEnd("desk", 0, f"… {word} …") for word in BAD_WORDS),
        ProcessEnd("gateway", 0, "", {"before": 9, "after": 14}),
    ],
)
def test_a_bad_exit_is_reported(ended: ProcessEnd) -> None:
    assert len(check_ends([ended], [])) == 1


def test_a_connection_left_at_the_server_is_reported() -> None:
    assert check_ends([], ["ticker-gateway"]) == ["a connection is left at the server: ticker-gateway"]
