"""The house rules: what an edition may see otherwise. Each has a code, a default effect, and can be set by edition.

`[editions.en.rules]` of `ticker.toml` names the effect of each by its code: `off`, `warn`, `hold` (for a second person)
or `refuse`. What no edition may see otherwise is in `rules`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from ticker.core.edition import Edition, Effect
from ticker.core.entry import Entry
from ticker.core.line import Line
from ticker.core.rules import Checked
from ticker.core.submission import Submission

DEFAULTS: Final[dict[str, Effect]] = {
    "attribution": Effect.WARN,
    "script": Effect.REFUSE,
    "placeholder": Effect.REFUSE,
    "duplicate": Effect.REFUSE,
    "capitals": Effect.WARN,
    "spaces": Effect.WARN,
    "quotes": Effect.WARN,
}


def check_house(
    checked: Checked, edition: Edition, submission: Submission, line: Line, latest_first: Iterable[Entry], now: datetime
) -> None:
    """Apply every house rule to `line`, the version that `submission` makes. `latest_first` are the edition's lines."""
    check_repetition(checked, edition, submission, line, latest_first, now)


def check_repetition(
    checked: Checked, edition: Edition, submission: Submission, line: Line, latest_first: Iterable[Entry], now: datetime
) -> None:
    """Find what says the same as a line on the board or of the last hour."""
