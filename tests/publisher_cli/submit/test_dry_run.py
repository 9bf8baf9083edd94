"""`--dry-run`: the desk's outcome, without a request."""

from __future__ import annotations

import pytest

from tests.support.review_system import held_in
from tests.support.system import System


@pytest.mark.parametrize(
    ("options", "code", "shown"),
    [
        ((), 0, 'would be on air  en  "Tried out": nothing was sent\n'),
        (("--urgency", "1"), 5, "waits: a flash needs a second person"),
        (("--at", "+1h"), 5, "will be published "),
        (("--section", "nope"), 3, "this edition has no section 'nope'"),
    ],
)
def test_dry_run_shows_the_outcome_and_sends_nothing(
    review_system: System, options: tuple[str, ...], code: int, shown: str
) -> None:
    before = review_system.tick("log", "-e", "en", "-n", "1", "--json").json, held_in(review_system)
    ran = review_system.tick("post", "Tried out", "-e", "en", "--dry-run", *options)
    assert ran.code == code, ran
    assert shown in ran.out
    document = review_system.tick("post", "Tried out", "-e", "en", "--dry-run", "--json", *options).json
    assert document["dry_run"] is True
    assert document["status"] == {0: "on-air", 3: "refused", 5: "held"}[code]
    assert (review_system.tick("log", "-e", "en", "-n", "1", "--json").json, held_in(review_system)) == before


def test_dry_run_applies_the_editors_role(review_system: System) -> None:
    ran = review_system.tick("post", "Tried out", "-e", "en", "--dry-run", editor="rana")
    assert ran.code == 5
    assert "rana is a reporter of this edition" in ran.out


def test_dry_run_of_a_change_uses_the_named_line(review_system: System) -> None:
    posted = review_system.tick("post", "The bridge opens", "-e", "en", "--json").json["id"]
    ran = review_system.tick("withdraw", posted, "-e", "en", "--reason", "It doesn't.", "--dry-run")
    assert ran.code == 0
    assert ran.out == 'would be withdrawn  en  "The bridge opens": nothing was sent\n'
    assert review_system.tick("unpin", posted, "-e", "en", "--dry-run").code == 3
