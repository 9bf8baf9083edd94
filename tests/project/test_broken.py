"""Each protection that `make broken` removes still exists, and so does the test that must fail without it."""

from __future__ import annotations

import re

import pytest

from tests.broken.protection import ROOT, Protection, load_protections

PROTECTIONS = load_protections()


@pytest.mark.parametrize("protection", PROTECTIONS, ids=lambda each: each.name)
def test_the_code_of_a_protection_occurs_once(protection: Protection) -> None:
    assert (ROOT / protection.file).read_text(encoding="utf-8").count(protection.code) == 1


@pytest.mark.parametrize("protection", PROTECTIONS, ids=lambda each: each.name)
def test_the_test_of_a_protection_exists(protection: Protection) -> None:
    kind, _, name = protection.seen_by.partition(" ")
    if kind == "schedule":
        assert f'"{name}"' in (ROOT / "tests/faults/schedule.py").read_text(encoding="utf-8")
        return
    files, _, expression = protection.seen_by.partition(" -k ")
    sources = [(ROOT / file).read_text(encoding="utf-8") for file in files.split()]
    # The rows use no other operator than "or", and no parameters of a test.
    words = "|".join(expression.split(" or "))
    assert any(re.search(rf"def test_\w*({words})", source) for source in sources)
