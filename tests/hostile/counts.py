"""The number of hostile inputs that were tried, by kind. The summary of a test run prints it."""

from __future__ import annotations

from collections import Counter
from typing import Final

TRIED: Final[Counter[str]] = Counter()
