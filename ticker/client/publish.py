"""Handing in a submission and telling what became of it: for certain, or that it isn't certain."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

import msgspec
from redis.exceptions import NoPermissionError, ResponseError

from publisher_cli.session import Session
from ticker.core.position import Position
from ticker.core.submission import Finding, Reach, Receipt, ReceiptStatus, Request, Submission
from ticker.store.connection import CLIENT_ERRORS, Redis
from ticker.store.editors import register
from ticker.store.inbox import deadline_at_ms, submit
from ticker.store.reach import reach_of, read_reports
from ticker.store.receipts import StoredReceipt, await_receipt, last_receipt_id, walk_receipts
from ticker.store.streams import redis_ms

GRACE_S: Final = 1.0
"""How much longer than the submission's deadline we wait to hear of it: for Redis's clock, and the way back."""

RETRY_MOST_S: Final = 0.5
REACH_S: Final = 0.3
REACH_POLL_S: Final = 0.005
REACH_STEADY_S: Final = 0.02
"""After the first gateway's report: the others' come within as much, or aren't waited for."""


class Errand:
    """One request, a submission or a ruling, on its way. `is_sent` is true from when it may have reached Redis.

    Sent at most once. What is repeated after a lost connection is only the question what became of it. `may_repeat`
    says that its key may have been used before: what was sent then has a fate of its own.
    """

    def __init__(
        self, session: Session, edition: str, editor: str, request: Request, *, may_repeat: bool = False
    ) -> None:
        self.edition = edition
        self.request = request
        self.is_sent = False
        self._may_repeat = may_repeat
        self._newsroom = session
        self.editor = editor
        self._after = ""

    async def run(self, redis: Redis) -> Receipt:
        """Submit and await the receipt. Never raises for what Redis does: that is a receipt, too."""
        wait_s = self.request.deadline_s
        try:
            async with asyncio.timeout(wait_s + GRACE_S):
                return await self._run(redis)
        except TimeoutError:
            return self.unconfirmed(f"Redis didn't answer within {wait_s + GRACE_S:g} s")
        except (OSError, *CLIENT_ERRORS) as error:
            return self.not_on_air("no-redis", self._newsroom.sentence(error))

    async def _run(self, redis: Redis) -> Receipt:
        with suppress(NoPermissionError):  # then somebody with the right to do it has done it: `ticker editor add`
            await register(redis, self.edition, self.editor)
        self._after = await last_receipt_id(redis, self.edition, self.editor)
        # By an instant of Redis's own clock: what lies in a stalled server's buffers is late when it goes on.
        until = deadline_at_ms(f"{await redis_ms(redis)}-0", self.request.deadline_s)
        self.request = msgspec.structs.replace(self.request, deadline_at_ms=until)
        stored = await self._await(redis, until, await self._submit(redis))
        if stored is None and self._may_repeat:
            stored = await self._earlier(redis)
        return self._told(stored)

    async def _submit(self, redis: Redis) -> str | None:
        """The submission's id in the inbox; None where it is open whether it got there."""
        self.is_sent = True
        try:
            return await submit(redis, self.edition, self.editor, self.request)
        except ResponseError:
            self.is_sent = False
            raise
        except (OSError, *CLIENT_ERRORS):
            return None

    async def outcome(self, redis: Redis, until: datetime) -> Receipt | None:
        """What became of something held, once its receipt has come: the next one with its key.

        None where there is none until then, by Redis's clock; or by ours, where Redis can't be asked.
        """
        left_s = (until - datetime.now(UTC)).total_seconds()
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, left_s) + GRACE_S):
                stored = await self._await(redis, int(until.timestamp() * 1000), None)
                return None if stored is None else self._told(stored)
        return None

    async def _await(self, redis: Redis, until: int, inbox_id: str | None) -> StoredReceipt | None:
        """Ask until there is a receipt, or for certain none; also through lost connections."""
        while True:
            try:
                return await await_receipt(
                    redis,
                    self.edition,
                    self.editor,
                    key=self.request.key,
                    after=self._after,
                    deadline_at_ms=until,
                    submission=inbox_id,
                )
            except (OSError, *CLIENT_ERRORS):
                await asyncio.sleep(random.uniform(0, RETRY_MOST_S))  # noqa: S311 -- no secret

    async def _earlier(self, redis: Redis) -> StoredReceipt | None:
        """What the desk has answered, before this one was sent, to the same key: it would answer it to this one too."""
        found = None
        async for stored in walk_receipts(redis, self.edition, self.editor):
            if stored.receipt.key == self.request.key and stored.receipt.status is not ReceiptStatus.LATE:
                found = stored
        return found

    def _told(self, stored: StoredReceipt | None) -> Receipt:
        if stored is not None:
            self._after = stored.id
            return stored.receipt
        return self.not_on_air(
            "no-desk",
            f"no desk took it within {self.request.deadline_s:g} s, and none will now: see that `ticker up` or "
            "`ticker desk` runs",
        )

    def not_on_air(self, code: str, detail: str) -> Receipt:
        """A receipt of our own, for what is certainly not on air; or not certainly, once it was sent."""
        if self._may_repeat:
            detail += "; if one with this key was sent before, that may be on air, or still come: see `tick log`"
        return not_on_air(self.edition, self.request, code, detail)

    def unconfirmed(self, why: str) -> Receipt:
        """A receipt for what was sent and never heard of again."""
        if not self.is_sent:
            return self.not_on_air("no-redis", f"{why}, and nothing was sent")
        detail = f"{why} after the submission was sent: it may be on air all the same, see `tick log`"
        return not_on_air(self.edition, self.request, "unconfirmed", detail)


def not_on_air(edition: str, request: Request, code: str, detail: str) -> Receipt:
    return Receipt(
        status=ReceiptStatus.NOT_ON_AIR,
        edition=edition,
        key=request.key,
        id=request.id if isinstance(request, Submission) else None,
        errors=(Finding(code, detail),),
    )


async def with_reach(redis: Redis, receipt: Receipt) -> Receipt:
    """The receipt with how far the entry has come, if gateways tell within a moment."""
    if receipt.position is None:
        return receipt
    seq = Position.parse(receipt.position).seq
    reach: Reach | None = None
    with suppress(OSError, *CLIENT_ERRORS):
        async with asyncio.timeout(REACH_S):
            while True:
                steady = reach is not None
                reach = reach_of(seq, await read_reports(redis, receipt.edition))
                if steady:
                    break
                await asyncio.sleep(REACH_POLL_S if reach is None else REACH_STEADY_S)
    return msgspec.structs.replace(receipt, reach=reach)
