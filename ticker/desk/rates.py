"""How many submissions each editor may publish: a burst, and after that a number per minute.

Without this limit, one editor's key could fill the log with new lines within seconds, so that the lines of all others
are trimmed.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import msgspec

from ticker.core.entry import Entry
from ticker.core.line import Change

TAKES_BACK: Final = frozenset({Change.WITHDRAW, Change.HIDE})
"""Changes that take a text off the screens. An editor may always make them to the lines that they posted."""

CLOCKS_DIFFER: Final = timedelta(seconds=30)
"""How much earlier an entry's time may be than the one before it because two desks' clocks differ."""


class RateLimit(msgspec.Struct, frozen=True):
    """The limit per editor. `per_minute` 0 means no limit."""

    per_minute: int
    burst: int = 1


NO_LIMIT: Final = RateLimit(per_minute=0)


class _Bucket(msgspec.Struct):
    """The entries of an editor that count towards the burst: `level` at the time `at`. They drain at the rate."""

    level: float
    at: datetime


class Rates:
    """The rates at which editors publish, computed from the entries of the log. Two desks compute the same."""

    def __init__(self, limit: RateLimit) -> None:
        self.limit = limit
        self._buckets: dict[str, _Bucket] = {}

    def count(self, entry: Entry) -> None:
        """Count an entry of the log."""
        if not (self.limit.per_minute and counts(entry.line.change, entry.posted_by, entry.editor)):
            return
        at, bucket = entry.line.updated_at, self._buckets.get(entry.editor)
        if bucket is None:
            self._buckets[entry.editor] = _Bucket(1, at)
        else:
            at = _not_before(bucket, at)
            bucket.level, bucket.at = self._level(bucket, at) + 1, at

    def wait_s(self, editor: str, now: datetime, more: int = 0) -> float | None:
        """Return how many seconds this editor has to wait before the next submission, or None for no wait.

        `more` entries will be added to the log before it.
        """
        if not self.limit.per_minute:
            return None
        bucket = self._buckets.get(editor)
        at = now if bucket is None else _not_before(bucket, now)
        level = 0.0 if bucket is None else self._level(bucket, at)
        excess = level + more + 1 - self.limit.burst
        return excess * 60 / self.limit.per_minute + (at - now).total_seconds() if excess > 0 else None

    def _level(self, bucket: _Bucket, now: datetime) -> float:
        # If the clock was set back by much, the entry's time says nothing: the editor isn't made to wait for it.
        minutes = abs((now - bucket.at).total_seconds()) / 60
        return max(0.0, bucket.level - minutes * self.limit.per_minute)


def _not_before(bucket: _Bucket, at: datetime) -> datetime:
    """Return the time, or that of the editor's last entry if it is a little later: by another desk's clock.

    Otherwise each change between two desks would drain the bucket by the difference of their clocks.
    """
    return bucket.at if at < bucket.at and bucket.at - at <= CLOCKS_DIFFER else at


def counts(change: Change, posted_by: str, editor: str) -> bool:
    """Return False if an editor takes back a line that they posted."""
    return change not in TAKES_BACK or posted_by != editor
