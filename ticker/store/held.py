"""What is held in an edition, as it is kept: for the desk, and for editors who look at it."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, cast

from ticker.core.errors import SubmissionError
from ticker.core.held import Held, decode_held
from ticker.store.connection import Redis
from ticker.store.keys import Keys


async def read_held(redis: Redis, edition: str) -> dict[str, tuple[bytes, Held]]:
    """Everything that is held, with its bytes, by id, in the order in which it was submitted.

    What can't be read by this version is left out: a desk of the version that wrote it takes care of it.
    """
    found = await cast("Awaitable[Any]", redis.hgetall(Keys(edition).held))
    held = dict[str, tuple[bytes, Held]]()
    for name, data in found.items():
        try:
            item = decode_held(data)
        except SubmissionError:
            continue
        if item.id.encode() == name:
            held[item.id] = (data, item)
    return dict(sorted(held.items(), key=lambda each: (each[1][1].submitted_at, each[0])))
