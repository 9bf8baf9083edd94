"""Submit a request to the desk and determine its outcome: for certain, or that it is not certain."""

from __future__ import annotations

import math
import os
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec

from ticker.backoff import Backoff
from ticker.core.position import Position
from ticker.core.submission import Finding, Receipt, ReceiptStatus, Request, Submission
from ticker.store.client_errors import (
    client_errors,
    explain,
    permission_errors,
    replication_errors,
    response_errors,
)
from ticker.store.direct import waits_of
from ticker.store.editions import load_edition
from ticker.store.editors import register
from ticker.store.inbox import deadline_at_ms, submit
from ticker.store.reach import await_reports, is_complete, reach_of
from ticker.store.receipts import StoredReceipt, await_receipt, is_safe_from_loss, last_receipt_id, walk_receipts
from ticker.store.streams import redis_ms

if TYPE_CHECKING:
    from ticker.store.direct import AnyRedis

GRACE_S: Final = 1.0
"""How long to wait after the request's deadline: for a difference of the clocks, and for the reply to arrive."""

RETRY_MOST_S: Final = 0.5
REACH_S: Final = 0.3
REACH_STEADY_S: Final = 0.02
"""How long to wait for other gateways' reports after the first report."""


def new_key() -> str:
    """Return a new idempotency key: the desk answers two requests with the same key once."""
    return f"k-{os.urandom(8).hex()}"


class PendingRequest:
    """One request, a submission or a decision, from before it is sent until its receipt arrives.

    The request is sent at most once. After a lost connection, only the question for its receipt is repeated.

    Args:
        url: The URL of the Redis, for error messages.
        edition: The name of the edition.
        editor: The editor whose inbox gets the request.
        request: The request. `run` adds an absolute deadline to it.
        may_repeat: Whether an earlier request may have used the same key. That request has its own outcome.

    Attributes:
        is_sent: Whether the request may have reached Redis.

    """

    def __init__(self, url: str, edition: str, editor: str, request: Request, *, may_repeat: bool = False) -> None:
        self.edition = edition
        self.editor = editor
        self.request = request
        self.is_sent = False
        self._may_repeat = may_repeat
        self._url = url
        self._after = ""
        self._doubt = ""

    async def run(self, redis: AnyRedis) -> Receipt:
        """Submit the request and wait for its receipt, at most `GRACE_S` longer than its deadline.

        `redis` must be a blocking client. Errors of Redis don't raise: the receipt then has the status `not-on-air`,
        with a finding `no-redis` or `no-desk`, or if the outcome is open, the status `unknown` and the finding
        `unconfirmed`.

        Raises:
            SubmissionError: If the request can't be encoded.
            StoreError: If this version can't read the desk's receipt.

        """
        wait_s = self.request.deadline_s
        try:
            async with waits_of(redis).timeout(wait_s + GRACE_S):
                return await self._run(redis)
        except TimeoutError:
            return self.unconfirmed(self._doubt or f"Redis didn't answer within {wait_s + GRACE_S:g} s")
        except client_errors() as error:
            return self.not_on_air("no-redis", explain(error, self._url))

    async def _run(self, redis: AnyRedis) -> Receipt:
        try:
            await register(redis, self.edition, self.editor)
        except permission_errors():  # `ticker editor add` has already registered the editor
            pass
        self._after = await last_receipt_id(redis, self.edition, self.editor)
        # An absolute deadline on Redis's clock: a request stuck in a stalled server's buffers is already late when the
        # server resumes.
        until = deadline_at_ms(f"{await redis_ms(redis)}-0", self.request.deadline_s)
        self.request = msgspec.structs.replace(self.request, deadline_at_ms=until)
        stored = await self._await(redis, until, await self._submit(redis))
        if stored is None and self._may_repeat:
            stored = await self._find_earlier(redis)
        return self._receipt_of(stored)

    async def _submit(self, redis: AnyRedis) -> str | None:
        """Return the request's id in the inbox, or None if it is open whether the request arrived."""
        self.is_sent = True
        try:
            return await submit(redis, self.edition, self.editor, self.request)
        except response_errors():
            self.is_sent = False
            raise
        except client_errors():
            return None

    async def outcome(self, redis: AnyRedis, until: datetime) -> Receipt | None:
        """Wait for the next receipt with the same key: the final one of an item that is held.

        Return None after `until` by Redis's clock, or by ours if Redis doesn't answer.
        """
        left_s = (until - datetime.now(UTC)).total_seconds()
        with suppress(TimeoutError):
            async with waits_of(redis).timeout(max(0.0, left_s) + GRACE_S):
                stored = await self._await(redis, int(until.timestamp() * 1000), None)
                return None if stored is None else self._receipt_of(stored)
        return None

    async def _await(self, redis: AnyRedis, until: int, inbox_id: str | None) -> StoredReceipt | None:
        """Wait for the receipt, also through lost connections. Return None once it certainly won't come."""
        backoff = Backoff(RETRY_MOST_S, RETRY_MOST_S, jitter=1)
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
            except replication_errors() as error:
                self._doubt = str(error)
            except client_errors():
                self._doubt = ""
            await waits_of(redis).sleep(backoff.next_s())

    async def _find_earlier(self, redis: AnyRedis) -> StoredReceipt | None:
        """Return the desk's receipt for an earlier request with the same key: it would answer this one with it too.

        An entry that `ticker rotate` took off the screens doesn't count. Then the key counts as new for the desk.
        """
        edition = await load_edition(redis, self.edition)
        found = None
        async for stored in walk_receipts(redis, self.edition, self.editor):
            receipt = stored.receipt
            if receipt.key == self.request.key and receipt.status is not ReceiptStatus.LATE:
                counts = edition is not None and edition.counts(receipt)
                found = stored if counts and not receipt.is_temporary else None
        if found is None or not await is_safe_from_loss(redis, self.edition, self.editor, found):
            return None
        return found

    def _receipt_of(self, stored: StoredReceipt | None) -> Receipt:
        if stored is not None:
            self._after = stored.id
            return stored.receipt
        return self.not_on_air(
            "no-desk",
            f"no desk answered within {self.request.deadline_s:g} s, and it can't be published any more: check that "
            "`ticker up` or `ticker desk` runs, and submit it again",
        )

    def not_on_air(self, code: str, detail: str) -> Receipt:
        """Return a receipt of our own for a request that certainly isn't on air."""
        if self._may_repeat:
            detail += "; an earlier request with this key may be on air, or may still be published: see `tick log`"
        return not_on_air(self.edition, self.request, code, detail)

    def unconfirmed(self, why: str) -> Receipt:
        """Return a receipt of our own for a request whose outcome is open, if it was sent."""
        if not self.is_sent:
            return self.not_on_air("no-redis", f"{why}, and nothing was sent")
        receipt = not_on_air(self.edition, self.request, "unconfirmed", f"{why} after it was sent: it may be on air")
        return msgspec.structs.replace(receipt, status=ReceiptStatus.UNKNOWN)


def not_on_air(edition: str, request: Request, code: str, detail: str) -> Receipt:
    """Return a receipt with the status `not-on-air` and one finding."""
    return Receipt(
        status=ReceiptStatus.NOT_ON_AIR,
        edition=edition,
        key=request.key,
        id=request.id if isinstance(request, Submission) else None,
        errors=(Finding(code, detail),),
    )


async def with_reach(redis: AnyRedis, receipt: Receipt) -> Receipt:
    """Add to the receipt how many followers the entry has reached, if a gateway reports it within `REACH_S`."""
    if receipt.position is None:
        return receipt
    seq = Position.parse(receipt.position).seq
    reach, until = None, time.monotonic() + REACH_S
    try:
        async with waits_of(redis).timeout(REACH_S):
            reports, last = await await_reports(redis, receipt.edition)
            while True:
                is_first, reach = reach is None, reach_of(seq, reports)
                if is_first and reach is not None:
                    until = min(until, time.monotonic() + REACH_STEADY_S)
                left_s = until - time.monotonic()
                if left_s <= 0 or is_complete(seq, reports):
                    break
                more, last = await await_reports(redis, receipt.edition, last, math.ceil(left_s * 1000))
                reports = [*more, *reports]
    except client_errors():  # including `LimitReachedError`
        pass
    return msgspec.structs.replace(receipt, reach=reach)
