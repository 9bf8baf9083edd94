"""Invariants of processes: they end cleanly and leave no files and no connections open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

FILES_MORE: Final = 3
"""A client may open this many connections to Redis after its start; it keeps them."""

BAD_WORDS: Final = (
    "Traceback",
    "Task was destroyed",
    "never retrieved",
    "never awaited",
    "ResourceWarning",
    "Unclosed",
    "feed-failed",
    "desk-failed",
    "rules-failed",
)
"""No log may contain these words."""


class ProcessEnd(msgspec.Struct, frozen=True):
    """A process after SIGTERM. `files`: its open files `before` and `after` the load, both while it was idle."""

    name: str
    code: int
    log: str
    files: Mapping[str, int] = {}


def check_ends(ended: Sequence[ProcessEnd], connections_left: Sequence[str]) -> list[str]:
    """Each process exits with 0, logs no bad word, and leaves no files and no connections open."""
    return [*_violations(ended), *(f"a connection is left at the server: {name}" for name in connections_left)]


def _violations(ended: Sequence[ProcessEnd]) -> Iterator[str]:
    for each in ended:
        if each.code != 0:
            yield f"{each.name} ended with {each.code}: {each.log[-300:]}"
        for word in BAD_WORDS:
            start = each.log.find(word)
            if start >= 0:
                yield f"{each.name} logged: {each.log[max(0, start - 200) : start + 600]}"
        before, after = each.files.get("before"), each.files.get("after")
        if before is not None and after is not None and after > before + FILES_MORE:
            yield f"{each.name} has {after} open files while idle, and had {before}"
