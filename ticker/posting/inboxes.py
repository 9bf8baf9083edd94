"""Everything that the posting part does with Redis: append a request to an inbox, read receipts, tokens and held items.

A request holds a connection of its own while it waits for the desk. The number of requests is limited, in total and per
editor.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

import msgspec

from ticker.client.pending_request import PendingRequest
from ticker.core.held import Held
from ticker.core.submission import Finding, Receipt, ReceiptStatus, Request
from ticker.outages import Outages
from ticker.posting.problems import PostingError
from ticker.store.connection import CLIENT_ERRORS, Redis, close, connect, explain
from ticker.store.held import read_held
from ticker.store.keys import Keys
from ticker.store.receipts import StoredReceipt, is_safe_from_loss, walk_receipts
from ticker.store.streams import redis_ms
from ticker.store.tokens import Token, find_token

RETRY: Final = {"Retry-After": "1"}
NO_REDIS: Final = "Redis can't be used now: the operator finds the reason in the log"
"""Clients don't learn the address of Redis."""
_PART: Final = ("api", "all")
"""The name of this part and of its editions in the log of outages."""


class Inboxes:
    """The inboxes of all editors, for requests that have been checked.

    Args:
        url: The URL of the Redis.
        requests_max: The most requests that wait at the same time.
        requests_per_editor: The most of one editor.

    """

    def __init__(self, url: str, requests_max: int, requests_per_editor: int) -> None:
        self._url = url
        self._requests_max = requests_max
        self._requests_per_editor = requests_per_editor
        self._shared = connect(url, role="api")
        self._idle: list[Redis] = []
        self._waiting: set[tuple[str, str, str]] = set()
        self._per_editor: Counter[str] = Counter()
        self.outages = Outages()

    @property
    def waiting(self) -> int:
        """The number of requests that wait for the desk."""
        return len(self._waiting)

    async def close(self) -> None:
        for redis in (self._shared, *self._idle):
            await close(redis)
        self._idle.clear()

    async def submit(self, edition: str, editor: str, request: Request) -> Receipt:
        """Append a request to the editor's inbox and wait for its receipt: see `PendingRequest.run`.

        Raises:
            PostingError: `in-progress` if a request with the same key waits. `busy`, `editor-busy` if too many do.
            TickerError: As `PendingRequest.run`.

        """
        with self.slot(edition, editor, request.key):
            async with self._connection() as redis:
                # An earlier request may have used the key: every client has to repeat requests.
                receipt = await PendingRequest(self._url, edition, editor, request, may_repeat=True).run(redis)
        return self._without_address(receipt)

    async def find_receipt(self, edition: str, editor: str, key: str) -> Receipt | None:
        """Return the editor's newest receipt for a key, or None.

        Raises:
            PostingError: `no-redis` if Redis can't be used.
            StoreError: If this version can't read a receipt.

        """
        newest: StoredReceipt | None = None
        async with self._redis() as redis:
            async for stored in walk_receipts(redis, edition, editor):
                if stored.receipt.key == key:
                    newest = stored
            if newest is None or not await is_safe_from_loss(redis, edition, editor, newest):
                return None
        return newest.receipt

    async def find_token(self, token_id: str) -> Token | None:
        """Return the record of a token, or None. It isn't cached: a revoked token is refused immediately.

        Raises:
            PostingError: `no-redis` if Redis can't be used.

        """
        async with self._redis() as redis:
            return await find_token(redis, token_id)

    async def is_editor(self, edition: str, editor: str) -> bool:
        """Return whether the desk reads the editor's inbox.

        Raises:
            PostingError: `no-redis` if Redis can't be used.

        """
        async with self._redis() as redis:
            return bool(await redis.hexists(Keys(edition).editors, editor))

    async def held_items(self, edition: str) -> list[Held]:
        """Return the held items of an edition, the oldest first.

        Raises:
            PostingError: `no-redis` if Redis can't be used.

        """
        async with self._redis() as redis:
            return [held for _, held in (await read_held(redis, edition)).values()]

    async def check(self) -> None:
        """Check that Redis answers.

        Raises:
            PostingError: `no-redis` if it doesn't.

        """
        async with self._redis() as redis:
            await redis_ms(redis)

    def _without_address(self, receipt: Receipt) -> Receipt:
        """Return a receipt that doesn't say why Redis can't be used, and log that instead."""
        if receipt.status not in (ReceiptStatus.NOT_ON_AIR, ReceiptStatus.UNKNOWN):
            return receipt
        for error in receipt.errors:
            if error.code == "no-redis":
                self.outages.fail(*_PART, error.detail, is_redis=True)
        errors = tuple(Finding(each.code, NO_REDIS) if each.code == "no-redis" else each for each in receipt.errors)
        return msgspec.structs.replace(receipt, errors=errors)

    @contextmanager
    def slot(self, edition: str, editor: str, key: str) -> Iterator[None]:
        """Count a request while it waits.

        Raises:
            PostingError: As `submit`.

        """
        mark = (edition, editor, key)
        if mark in self._waiting:
            raise PostingError("in-progress", "a request with this key waits for the desk: ask again", headers=RETRY)
        if len(self._waiting) >= self._requests_max:
            raise PostingError("busy", f"{self._requests_max:,} requests wait for the desk already", headers=RETRY)
        if self._per_editor[editor] >= self._requests_per_editor:
            detail = f"{self._requests_per_editor:,} requests of {editor} wait for the desk already"
            raise PostingError("editor-busy", detail, headers=RETRY)
        self._waiting.add(mark)
        self._per_editor[editor] += 1
        try:
            yield
        finally:
            self._waiting.discard(mark)
            self._per_editor[editor] -= 1
            self._per_editor += Counter()  # drops editors without requests

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Redis]:
        """Lend an idle connection, or a new one. One whose request fails or is cancelled isn't used again."""
        redis = self._idle.pop() if self._idle else connect(self._url, role="api", blocking=True)
        try:
            yield redis
        except BaseException:
            await close(redis)
            raise
        self._idle.append(redis)

    @asynccontextmanager
    async def _redis(self) -> AsyncIterator[Redis]:
        try:
            yield self._shared
        except (OSError, *CLIENT_ERRORS) as error:
            self.outages.fail(*_PART, explain(error, self._url), is_redis=True)
            raise PostingError("no-redis", NO_REDIS, headers={"Retry-After": "2"}) from error
        self.outages.recover(*_PART)
