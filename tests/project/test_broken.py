"""Each protection that `make broken` takes out is still where it was: else nobody knows whether a test sees it."""

from __future__ import annotations

import pytest

from tests.broken import PROTECTIONS, ROOT, Protection


@pytest.mark.parametrize("one", PROTECTIONS, ids=lambda one: one.what)
def test_what_is_taken_out_stands_there_once(one: Protection) -> None:
    assert (ROOT / one.file).read_text(encoding="utf-8").count(one.old) == 1


@pytest.mark.parametrize("one", PROTECTIONS, ids=lambda one: one.what)
def test_what_sees_it_is_there(one: Protection) -> None:
    kind, _, rest = one.seen_by.partition(" ")
    files = [] if kind == "schedule" else one.seen_by.partition(" -k ")[0].split()
    assert kind != "schedule" or f'"{rest}"' in (ROOT / "tests/faults/schedule.py").read_text(encoding="utf-8")
    assert all((ROOT / file).is_file() for file in files)
