"""Each protection that `make broken` removes still exists, and so does the test that must fail without it."""

from __future__ import annotations

import pytest

from tests.broken.protection import ROOT, Protection, load_protections

PROTECTIONS = load_protections()


@pytest.mark.parametrize("protection", PROTECTIONS, ids=lambda each: each.name)
def test_the_code_of_a_protection_occurs_once(protection: Protection) -> None:
    assert (ROOT / protection.file).read_text(encoding="utf-8").count(protection.code) == 1


@pytest.mark.parametrize("protection", PROTECTIONS, ids=lambda each: each.name)
def test_the_test_of_a_protection_exists(protection: Protection) -> None:
    kind, _, rest = protection.seen_by.partition(" ")
    if kind == "schedule":
        assert f'"{rest}"' in (ROOT / "tests/faults/schedule.py").read_text(encoding="utf-8")
    else:
        assert all((ROOT / file).is_file() for file in protection.seen_by.partition(" -k ")[0].split())
