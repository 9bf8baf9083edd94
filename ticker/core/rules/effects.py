"""What the house rules do: the code, the default effect and the meaning of each, and what an edition makes of it.

`[editions.en.rules]` of `ticker.toml` sets the effect of each: `off`, `warn`, `review` (for a second person)
or `refuse`. `house` applies them. This table stands apart: who only reads settings needn't load what reads texts.
"""

from __future__ import annotations

from typing import Final

import msgspec

from ticker.core.edition import Edition, Effect


class HouseRule(msgspec.Struct, frozen=True):
    """One rule that an edition may see otherwise. `finds` completes "it finds …", in `docs/operating.md` too."""

    effect: Effect
    finds: str


HOUSE_RULES: Final[dict[str, HouseRule]] = {
    "attribution": HouseRule(Effect.WARN, "a line that doesn't say who says it"),
    "script": HouseRule(Effect.REFUSE, "a text in other letters than its language's: it is for another edition"),
    "direction": HouseRule(Effect.WARN, "a stated direction in which the line's language isn't written"),
    "placeholder": HouseRule(Effect.REFUSE, "words that hold a place or mark a test, like TK, XXX or “do not publish”"),
    "duplicate": HouseRule(
        Effect.REFUSE, "a new line that says what one on the board, or of the last hour, says already"
    ),
    "capitals": HouseRule(Effect.WARN, "a text that is all capitals"),
    "spaces": HouseRule(Effect.WARN, "two spaces in a row, or one before a punctuation mark"),
    "quotes": HouseRule(Effect.WARN, "quotation marks against the edition's habit, where it has one (`quotes`)"),
}


def effect_of(edition: Edition, code: str) -> Effect:
    """What a rule does in an edition. Test editions are where people write TEST: a placeholder only warns there."""
    if code in edition.rules:
        return edition.rules[code]
    return Effect.WARN if code == "placeholder" and edition.test else HOUSE_RULES[code].effect
