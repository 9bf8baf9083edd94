"""Verdicts: the relays' reports of the outcome of each version of a line at each receiver. A short stream."""

from __future__ import annotations

import msgspec

from ticker.store.connection import Redis
from ticker.store.keys import Keys
from ticker.store.short_streams import append_to_short, read_short


class StoredVerdict(msgspec.Struct, frozen=True):
    """The outcome of version `version` of `line` at `receiver`: a word of `docs/relay.md`, and its reason for staff."""

    receiver: str
    line: str
    version: int
    verdict: str
    reason: str = ""


async def report_verdict(redis: Redis, edition: str, verdict: StoredVerdict) -> None:
    """Append a verdict. If one is lost, only `tick reach` lacks it: the relay's own state has it."""
    await append_to_short(redis, Keys(edition).relays, "verdict", verdict)


async def read_verdicts(redis: Redis, edition: str, line: str) -> list[StoredVerdict]:
    """Return the newest verdict of each receiver on each version of a line, by version and receiver."""
    found: dict[tuple[int, str], StoredVerdict] = {}
    for verdict in await read_short(redis, Keys(edition).relays, "verdict", StoredVerdict):
        if verdict.line == line:
            found.setdefault((verdict.version, verdict.receiver), verdict)
    return [found[key] for key in sorted(found)]
