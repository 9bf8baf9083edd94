"""Editors that submit as `tick` does, without starting a process for each line."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import suppress
from typing import Any, Self

from redis.exceptions import RedisError

from ticker.core.line import Change
from ticker.core.submission import Receipt, Submission
from ticker.store.connection import connect
from ticker.store.editors import register
from ticker.store.inbox import deadline_at_ms, submit
from ticker.store.receipts import await_receipt, last_receipt_id

DEADLINE_S = 600.0
"""No deadline may pass on a busy machine."""


class Editor:
    """An editor with two connections to Redis: one to submit, one to wait for receipts."""

    def __init__(self, url: str, name: str) -> None:
        self.name = name
        self._redis = connect(url, role="tick")
        self._blocking = connect(url, role="tick", blocking=True)

    async def send(self, edition: str, key: str, **fields: Any) -> str:
        """Submit without waiting for the receipt. Return the stream id in the inbox."""
        await register(self._redis, edition, self.name)
        # Confirmed, because the lines of these tests are short.
        plain = {"key": key, "change": Change.NEW, "deadline_s": DEADLINE_S, "confirmed": True}
        wanted = Submission(**{**plain, **fields})
        return await submit(self._redis, edition, self.name, wanted)

    async def ask(self, edition: str, key: str, **fields: Any) -> Receipt:
        """Submit, and return the receipt."""
        after = await last_receipt_id(self._redis, edition, self.name)
        stream_id = await self.send(edition, key, **fields)
        stored = await await_receipt(
            self._blocking,
            edition,
            self.name,
            key=key,
            after=after,
            deadline_at_ms=deadline_at_ms(stream_id, DEADLINE_S),
            submission=stream_id,
        )
        assert stored is not None, f"no receipt for {key}"
        return stored.receipt

    async def post_until_redis_is_gone(self, edition: str, prefix: str, acknowledged: list[Receipt]) -> None:
        """Post one line after the other until the server is gone. Append the receipts to `acknowledged`."""
        with suppress(RedisError, OSError):
            for number in itertools.count():
                receipt = await self.ask(edition, f"{prefix}-{number}", text=f"{prefix} {number}")
                acknowledged.append(receipt)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(self._redis.aclose(), self._blocking.aclose())
