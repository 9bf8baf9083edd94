"""Report environment variables with a name like ours that `tick` doesn't know, such as misspelt ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from ticker.console import Console, Style, Styled

_OWN: Final = ("TICK_EDITION", "TICK_EDITOR")
_USED: Final = frozenset(
    {
        *("TICKER_REDIS_URL", "TICKER_REDIS_PASSWORD", "TICKER_REDIS_PASSWORD_FILE", "TICKER_DATA", "TICKER_CONFIG"),
        *("TICKER_GATEWAY_URL", "TICKER_SETTINGS", "TICKER_DEBUG"),
        *("TICKER_ACCESS_TOKEN", "TICKER_ACCESS_TOKEN_FILE"),
    }
)
"""Known variables that aren't settings. Importing the settings takes time."""


def report_unknown_variables(console: Console) -> None:
    """Print a warning for each variable that begins with `TICKER_` or nearly is one of `tick`, and is unknown."""
    for name, nearest in _unknown(console.environ):
        meant = "" if nearest is None else f": did you mean {nearest}?"
        console.tell(Styled("warning", Style.WARNING, f": {name} has no meaning and is ignored{meant}"))


def _unknown(environ: Mapping[str, str]) -> Iterator[tuple[str, str | None]]:
    """Yield each unknown name, with the nearest known one."""
    if any(name.upper().startswith("TICKER_") and name not in _USED for name in environ):
        from ticker.variables import unknown_variables  # noqa: PLC0415 -- it imports all settings

        yield from unknown_variables(environ)
    for name in sorted(environ):
        if name.upper().startswith("TICK_") and name not in _OWN:
            from difflib import get_close_matches  # noqa: PLC0415 -- only needed for a misspelt name

            # Other programs may have variables with this beginning.
            if near := get_close_matches(name.upper(), _OWN, n=1, cutoff=0.75):
                yield name, near[0]
