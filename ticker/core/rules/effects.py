"""The codes and default effects of the house rules, which `house_rules` applies.

An edition changes the effect of a rule in `[editions.en.rules]` of `ticker.toml`: `off`, `warn`, `ask` (its editor must
confirm), `review` (a second person must approve) or `refuse`. The table is in a module of its own, so that reading the
settings doesn't import the text analysis.
"""

from __future__ import annotations

from typing import Final

import msgspec

from ticker.core.edition import Edition, Effect


class HouseRule(msgspec.Struct, frozen=True):
    """A house rule: its default effect, and what it finds, as listed in `docs/operating.md`."""

    effect: Effect
    finds: str


HOUSE_RULES: Final[dict[str, HouseRule]] = {
    "attribution": HouseRule(Effect.WARN, "a line that names no source"),
    "label": HouseRule(Effect.WARN, "a label in place of a source, such as BREAKING: or URGENT:"),
    "short": HouseRule(Effect.ASK, "a line with fewer than three words, its source included"),
    "script": HouseRule(Effect.REFUSE, "a text in another script than its language: it belongs to another edition"),
    "direction": HouseRule(Effect.WARN, "a direction that differs from that of the line's language"),
    "placeholder": HouseRule(Effect.REFUSE, "placeholders and test marks, such as TK, XXX or “do not publish”"),
    "duplicate": HouseRule(Effect.REFUSE, "a new line that is similar to one on the board or of the last hour"),
    "capitals": HouseRule(Effect.WARN, "a text in capitals"),
    "spaces": HouseRule(Effect.WARN, "two spaces in a row, or a space before a punctuation mark"),
    "quotes": HouseRule(Effect.WARN, "quotation marks that differ from the edition's setting `quotes`"),
}


def effect_of(edition: Edition, code: str) -> Effect:
    """Return the effect of a rule in an edition. In a test edition, a placeholder only warns by default."""
    if code in edition.rules:
        return edition.rules[code]
    return Effect.WARN if code == "placeholder" and edition.test else HOUSE_RULES[code].effect
