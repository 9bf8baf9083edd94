"""The invisible characters that the desk removes: a copy from a page or a document brings them, and they mean nothing.

`tick` imports this module at every start, so it imports nothing that takes time.
"""

from __future__ import annotations

from typing import Final

REMOVED: Final = "\u200b\u2060\ufeff\u00ad"
_NOTHING: Final = dict.fromkeys(map(ord, REMOVED))


def without_invisible(text: str) -> str:
    """Return the text without these characters."""
    return text if text.isascii() else text.translate(_NOTHING)
