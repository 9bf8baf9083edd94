"""How many hostile inputs were tried, by kind: told at the end of a run."""

from __future__ import annotations

from collections import Counter
from typing import Final

TRIED: Final[Counter[str]] = Counter()
