"""Verdicts: the relays' reports of the outcome of each version of a line at each receiver. A short stream."""

from __future__ import annotations

from typing import Final

import msgspec

from ticker.core.errors import UNREADABLE
from ticker.store.connection import Redis
from ticker.store.keys import Keys
from ticker.store.streams import read_newest

VERDICTS_KEPT: Final = 1_000
VERDICTS_MOST: Final = 2 * VERDICTS_KEPT
"""More than the stream ever has: see `ticker.store.reach`."""


class StoredVerdict(msgspec.Struct, frozen=True):
    """The outcome of version `version` of `line` at `receiver`: a word of `docs/relay.md`, and its reason for staff."""

    receiver: str
    line: str
    version: int
    verdict: str
    reason: str = ""


async def report_verdict(redis: Redis, edition: str, verdict: StoredVerdict) -> None:
    """Append a verdict. If one is lost, only `tick reach` lacks it: the relay's own state has it."""
    await redis.xadd(
        Keys(edition).relays, {"verdict": msgspec.json.encode(verdict)}, maxlen=VERDICTS_KEPT, approximate=True
    )


async def read_verdicts(redis: Redis, edition: str, line: str) -> list[StoredVerdict]:
    """Return the newest verdict of each receiver on each version of a line, by version and receiver.

    Skip invalid ones, because a relay's password may be stolen.
    """
    found: dict[tuple[int, str], StoredVerdict] = {}
    for _, fields in await read_newest(redis, Keys(edition).relays, VERDICTS_MOST):
        try:
            verdict = msgspec.json.decode(fields.get(b"verdict", b""), type=StoredVerdict)
        except UNREADABLE:
            continue
        if verdict.line == line:
            found.setdefault((verdict.version, verdict.receiver), verdict)
    return [found[key] for key in sorted(found)]
