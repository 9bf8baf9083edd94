"""The invisible characters that the desk removes: a copy from a page or a document brings them, and they mean nothing.

`tick` imports this module at every start, so it imports nothing that takes time.
"""

from __future__ import annotations

import re
from typing import Final

REMOVED: Final = re.compile("[\u200b\u2060\ufeff\u00ad]")


def without_invisible(text: str) -> str:
    """Return the text without these characters."""
    return REMOVED.sub("", text)
