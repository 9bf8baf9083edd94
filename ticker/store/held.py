"""Held items as stored in Redis. The desk and `tick` read them."""

from __future__ import annotations

from typing import cast

from ticker.core.errors import SubmissionError
from ticker.core.held import Held, decode_held
from ticker.store.connection import Redis
from ticker.store.keys import Keys
from ticker.store.replies import as_text


async def read_held(redis: Redis, edition: str) -> dict[str, tuple[bytes, Held]]:
    """Return all held items by id, each with its bytes, in the order of submission.

    Items that this version can't read are left out: a desk of the version that wrote them handles them.
    """
    found = await redis.hgetall(Keys(edition).held)
    held = dict[str, tuple[bytes, Held]]()
    for name, data in found.items():
        raw = cast("bytes", data)
        try:
            item = decode_held(raw)
        except SubmissionError:
            continue
        if item.id == as_text(name):
            held[item.id] = (raw, item)
    return dict(sorted(held.items(), key=lambda each: (each[1][1].submitted_at, each[0])))
