"""The effects of the house rules."""

from __future__ import annotations

import msgspec

from ticker.core.edition import DEFAULT_EDITIONS, Effect
from ticker.core.rules.effects import HOUSE_RULES, effect_of

ENGLISH = DEFAULT_EDITIONS["en"]


def test_the_default_effects_are_as_documented() -> None:
    assert {code: effect_of(ENGLISH, code).value for code in HOUSE_RULES} == {
        "attribution": "warn",
        "label": "warn",
        "short": "ask",
        "script": "refuse",
        "direction": "warn",
        "placeholder": "refuse",
        "duplicate": "refuse",
        "capitals": "warn",
        "spaces": "warn",
        "quotes": "warn",
    }


def test_a_placeholder_only_warns_in_a_test_edition() -> None:
    assert effect_of(msgspec.structs.replace(ENGLISH, test=True), "placeholder") is Effect.WARN


def test_an_edition_overrides_a_default_effect() -> None:
    for test in (False, True):
        edition = msgspec.structs.replace(ENGLISH, test=test, rules={"placeholder": Effect.REVIEW})
        assert effect_of(edition, "placeholder") is Effect.REVIEW
