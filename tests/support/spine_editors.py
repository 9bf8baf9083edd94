"""Editors for the spine's tests: they submit as `tick` does, without the start of a process for each line."""

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

DEADLINE_S = 20.0


class Editor:
    """One editor's two connections. Receipts come in the order in which they are asked for."""

    def __init__(self, url: str, name: str) -> None:
        self.name = name
        self._redis = connect(url, role="tick")
        self._blocking = connect(url, role="tick", blocking=True)

    async def send(self, edition: str, key: str, **fields: Any) -> str:
        """Put a submission into the inbox, without waiting for the receipt; its id there."""
        await register(self._redis, edition, self.name)
        wanted = Submission(**{"key": key, "change": Change.NEW, "deadline_s": DEADLINE_S, **fields})
        return await submit(self._redis, edition, self.name, wanted)

    async def ask(self, edition: str, key: str, **fields: Any) -> Receipt:
        """Submit, and wait for the receipt."""
        after = await last_receipt_id(self._redis, edition, self.name)
        stream_id = await self.send(edition, key, **fields)
        stored = await await_receipt(
            self._blocking,
            edition,
            self.name,
            key=key,
            after=after,
            deadline_at_ms=deadline_at_ms(stream_id, DEADLINE_S),
        )
        assert stored is not None, f"no receipt for {key}"
        return stored.receipt

    async def ask_until_redis_is_gone(self, edition: str, prefix: str, acknowledged: list[Receipt]) -> None:
        """Post one line after another; keep the receipts, until the server answers no more."""
        with suppress(RedisError, OSError):
            for number in itertools.count():
                receipt = await self.ask(edition, f"{prefix}-{number}", text=f"{prefix} {number}")
                acknowledged.append(receipt)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(self._redis.aclose(), self._blocking.aclose())
