"""Choose the content coding of a response (RFC 9110, 12.5.3)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

_PARAMETER: Final = re.compile(r"q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)")


def choose_coding(accept_encoding: str, available: Sequence[str]) -> str | None:
    """Return the coding in `available` that the client prefers, or None for the content as it is.

    `available` has the best coding first: it wins if the client prefers none. `accept_encoding` is the header's value.
    """
    qualities = dict(map(_parse, accept_encoding.lower().split(",")))
    others = qualities.get("*", 0.0)
    best = max(available, key=lambda coding: qualities.get(coding, others), default=None)
    return best if best is not None and qualities.get(best, others) > 0 else None


def _parse(element: str) -> tuple[str, float]:
    """Return a coding of the header and its quality. A coding with an invalid quality isn't used."""
    coding, _, parameter = (part.strip() for part in element.partition(";"))
    if not parameter:
        return coding, 1.0
    quality = _PARAMETER.fullmatch(parameter)
    return coding, 0.0 if quality is None else float(quality[1])
