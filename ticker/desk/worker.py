"""One edition's desk: read its inboxes, settle the requests, publish the held items that are due, survive failures.

A desk waits for new requests and for the bell, which rings whenever an editor is registered, removed or given another
role, and when the log gets another history.
"""

from __future__ import annotations

import asyncio
import math
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Final, NoReturn, Protocol

import structlog

from ticker.backoff import Backoff
from ticker.core.edition import Edition
from ticker.core.errors import LinkError, SettingsError, StoreError, TickerError
from ticker.core.submission import decode_receipt
from ticker.desk.fair_queue import FairQueue
from ticker.desk.ledger import Ledger
from ticker.desk.loader import load_ledger, refresh
from ticker.desk.plan import PendingRequest, PlanContext, PlannedSettlement
from ticker.desk.planner import next_due, plan_due, plan_requests
from ticker.desk.rates import RateLimit
from ticker.desk.state import EditionState
from ticker.settings import Settings
from ticker.store.append import Appended, Stop, append
from ticker.store.bell import last_ring
from ticker.store.connection import CLIENT_ERRORS, Redis, is_cancelled, is_unreachable, redis_fault
from ticker.store.editions import StoredEdition, load_edition, save_edition
from ticker.store.editors import roles
from ticker.store.keys import EDITIONS, Keys
from ticker.store.primary import confirm_primary
from ticker.store.streams import START, StreamEntry, read_streams, redis_ms
from ticker.store.timeouts import BLOCK_MS
from ticker.tracing import Tracer

DUE_PER_ROUND: Final = 16
"""The maximum number of held items that a round publishes."""

REFRESH_S: Final = 3.0
"""The maximum time between two refreshes of the ledger. They find the changes that no stream announces."""

CONFIRM_S: Final = 1.0
"""The longest time for which the desk trusts the Sentinels' word that its server is the primary."""

RETRY_FIRST_S: Final = 0.1
RETRY_MOST_S: Final = 1.0

_ID_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32 in lower case: no letter looks like a digit or another letter."""

log = structlog.stdlib.get_logger("ticker.desk")


class Connector(Protocol):
    """Makes a client, as `functools.partial(connect, url, role="desk")` does."""

    def __call__(self, *, blocking: bool) -> Redis: ...


def utc_now() -> datetime:
    return datetime.now(UTC)


def new_id() -> str:
    """Return a random id for a new line or a held item."""
    number = secrets.randbits(50)  # one call of the system, and not one per letter
    return "".join(_ID_ALPHABET[number >> shift & 31] for shift in range(45, -5, -5))


def new_nonce() -> str:
    return secrets.token_hex(32)


def _rate_limit(settings: Settings, edition: Edition) -> RateLimit:
    """Return the limit of an edition: its own, or that of the desk."""
    per_minute, burst = edition.submissions_per_minute, edition.submissions_burst
    return RateLimit(
        settings.submissions_per_minute if per_minute is None else per_minute,
        settings.submissions_burst if burst is None else burst,
    )


class EditionDesk:
    """The desk of the edition called `name`. `run` it in a task, once.

    `on_ready` is called each time the desk has loaded everything and starts to accept requests. The settings may not
    turn an edition in use into a test edition, or the reverse: `run` raises SettingsError at its start. A desk that has
    been running reports this as a fault, and continues once it is corrected.

    Set `tracer` to record the traces of entries.
    """

    def __init__(
        self,
        name: str,
        connector: Connector,
        settings: Settings,
        state: EditionState,
        *,
        clock: Callable[[], datetime] = utc_now,
        new_id: Callable[[], str] = new_id,
        on_ready: Callable[[], None] = lambda: None,
    ) -> None:
        self._name = name
        self._keys = Keys(name)
        self._connector = connector
        self._settings = settings
        self._state = state
        self._clock = clock
        self._new_id = new_id
        self._on_ready = on_ready
        self.tracer: Tracer | None = None
        self._loaded: Ledger | None = None
        self._queue = FairQueue(time.perf_counter)
        self._bell = START
        self._refreshed_at = 0.0  # by the event loop's clock, like the next attribute
        self._redis_ms_read_at = 0.0
        self._confirmed_at = -math.inf
        self._has_begun = False
        self._log = log.bind(edition=name)

    async def run(self) -> NoReturn:
        """Settle requests until cancelled, through every failure of Redis.

        Raises:
            SettingsError: If the stored edition forbids its settings (see above).

        """
        backoff = Backoff(RETRY_FIRST_S, RETRY_MOST_S)
        async with (
            aclosing(self._connector(blocking=False)) as redis,
            aclosing(self._connector(blocking=True)) as blocking,
        ):
            while True:
                try:
                    await self._begin(redis, blocking)
                    backoff.reset()
                    while not is_cancelled():
                        await self._round(redis, blocking)
                        self._state.outages.recover("desk", self._name)
                    raise asyncio.CancelledError
                except SettingsError as error:
                    if not self._has_begun:
                        raise
                    self._set_fault(error)
                except (OSError, TickerError, *CLIENT_ERRORS) as error:
                    reason = f"{type(error).__name__}: {error}"[:200]
                    self._state.outages.fail(
                        "desk", self._name, reason, is_redis=is_unreachable(error), fault=redis_fault(error)
                    )
                except Exception:  # noqa: BLE001 - the root of a task: this and the other editions must go on
                    self._log.exception("desk-failed")
                    self._loaded = None
                self._state.accepting = False
                self._state.errors += 1
                await asyncio.sleep(backoff.next_s())

    async def _begin(self, redis: Redis, blocking: Redis) -> None:
        await self._refresh(redis)
        await self._confirm_primary(redis, blocking)
        self._state.accepting = self._has_begun = True
        self._on_ready()

    async def _round(self, redis: Redis, blocking: Redis) -> None:
        """Wait for requests or until a held item is due. Settle a few requests of each inbox, and the due items."""
        ledger = self._ledger
        cursors = {self._keys.inbox(editor): ledger.cursor(editor) for editor in ledger.roles}
        streams = {self._keys.bell: self._bell, **cursors}
        found = await read_streams(blocking, streams, count=self._queue.per_inbox, block_ms=self._block_ms(ledger))
        await self._confirm_primary(redis, blocking)
        if self._keys.bell in found:
            # Load the new roles before anything is settled: the requests may be from an editor who was just removed.
            await self._refresh(redis)
            return
        requests = {editor: each for editor in ledger.roles if (each := self._requests_of(editor, found))}
        self._queue.fill(requests)
        await self._settle(redis)
        await self._publish_due(redis)
        refresh_is_due = asyncio.get_running_loop().time() - self._refreshed_at > REFRESH_S
        if not requests or refresh_is_due:
            await self._refresh(redis)

    async def _confirm_primary(self, redis: Redis, blocking: Redis) -> None:
        """Fail if the Sentinels don't confirm that the server is the primary: it could lose what we write."""
        now = asyncio.get_running_loop().time()
        if now - self._confirmed_at > CONFIRM_S:
            await confirm_primary(redis, blocking)
            self._confirmed_at = now

    def _requests_of(self, editor: str, found: dict[str, list[StreamEntry]]) -> list[PendingRequest]:
        entries = found.get(self._keys.inbox(editor), [])
        return [PendingRequest(editor, stream_id, fields.get(b"submission", b"")) for stream_id, fields in entries]

    async def _settle(self, redis: Redis) -> None:
        """Settle the queued requests in time slices, until all are settled, another desk was faster, or time is up."""
        while self._queue:
            ledger = self._ledger
            planned = plan_requests(ledger, self._queue.take_slice(), self._plan_context())
            if not planned:
                continue
            appended = await self._append(redis, ledger, planned)
            is_ahead = any(item.is_ahead for item in planned[: appended.settled])
            if is_ahead or appended.stop in (Stop.MOVED, Stop.EARLY):
                # The cursors or Redis's clock are not as expected: read them again, and then the requests.
                self._state.moved += appended.stop is Stop.MOVED
                await self._refresh(redis)
                return
            if appended.stop is Stop.DONE and self._queue.is_over:
                return  # the rest stays in the inboxes for the next round
            unsettled = [item.request for item in planned[appended.settled :] if item.request is not None]
            if appended.stop is Stop.AHEAD:
                unsettled = [request.seen_at(appended.redis_ms) for request in unsettled]
            self._queue.put_back(unsettled)

    async def _publish_due(self, redis: Redis) -> None:
        planned = plan_due(self._ledger, self._plan_context(), DUE_PER_ROUND)
        if planned:
            appended = await self._append(redis, self._ledger, planned)
            if appended.stop is Stop.MOVED:
                self._state.moved += 1
                await self._refresh(redis)

    def _block_ms(self, ledger: Ledger) -> int:
        """Return how long to wait for requests: at most until the next held item is due."""
        due = None if ledger.fault is not None else next_due(ledger)
        if due is None:
            return BLOCK_MS
        left_ms = math.ceil((due - self._redis_now(ledger)) / timedelta(milliseconds=1))
        return max(1, min(BLOCK_MS, left_ms))

    def _redis_now(self, ledger: Ledger) -> datetime:
        """Estimate Redis's clock without a round trip. The estimate is ahead by no more than the clocks drift."""
        elapsed_s = asyncio.get_running_loop().time() - self._redis_ms_read_at
        return datetime.fromtimestamp(ledger.redis_ms / 1000 + elapsed_s, UTC)

    def _set_redis_ms(self, ledger: Ledger, redis_ms: int) -> None:
        ledger.redis_ms, self._redis_ms_read_at = redis_ms, asyncio.get_running_loop().time()
        self._state.clock_offset_s = self._clock().timestamp() - redis_ms / 1000

    async def _append(self, redis: Redis, ledger: Ledger, planned: Sequence[PlannedSettlement]) -> Appended:
        began_at = time.time()
        appended = await append(
            redis,
            self._name,
            None if ledger.fault else ledger.head,
            planned,
            self._settings.receipts_retained,
        )
        self._set_redis_ms(ledger, appended.redis_ms)
        try:
            await asyncio.sleep(0)  # lets a gateway in this process send the entry first
        finally:
            settled = planned[: appended.settled]
            for item in settled:
                item.apply_to(ledger)
            for item in settled:
                self._record(item)
                if self.tracer is not None and item.logged is not None:
                    self.tracer.record_append(self._name, item.logged, began_at)
        return appended

    def _count(self, ledger: Ledger) -> None:
        state = self._state
        state.held, state.held_items = len(ledger.held), ledger.held
        state.kept_lines, state.head = ledger.kept_lines, ledger.head.seq

    def _record(self, item: PlannedSettlement) -> None:
        """Count and log a settlement."""
        status = item.status
        self._state.outcomes[status] += 1
        self._count(self._ledger)
        self._state.repeated += item.is_repeat
        self._state.refused.update(item.refused)
        self._state.findings.update(item.findings)
        self._state.entries += item.logged is not None
        self._state.overdue += item.is_overdue
        facts: dict[str, object] = {"editor": item.editor, "submission": item.submission, "status": str(status)}
        if item.logged is not None:
            entry = item.logged.entry
            facts |= {"seq": item.logged.seq, "line": entry.line.id}
            if entry.break_glass is not None:
                self._state.break_glass += 1
                self._log.warning("published-without-second-person", reason=entry.break_glass, **facts)
        if item.held is not None:
            facts["held"] = item.held.id
        if item.refused:
            facts |= {"action": decode_receipt(item.receipt).action, "codes": item.refused}
        if item.failure is not None:
            self._log.error("rules-failed", exc_info=item.failure, **facts)
        self._log.info("settled", repeats=item.is_repeat, **facts)

    async def _refresh(self, redis: Redis) -> None:
        """Bring the ledger up to date with Redis, including the editors and their roles."""
        ledger = self._loaded
        if ledger is None or ledger.fault is not None or not await self._is_refreshed(redis, ledger):
            self._loaded = ledger = await self._load(redis)
            self._set_fault(ledger.fault)
        # Read the bell before the roles: an editor who registers in between rings again, for the next round.
        self._bell = await last_ring(redis, self._name)
        ledger.roles = await roles(redis, self._name)
        self._count(ledger)
        self._set_redis_ms(ledger, await redis_ms(redis))
        await self._check_writes(redis)
        await self._trim_inboxes(redis)
        self._refreshed_at = asyncio.get_running_loop().time()

    async def _check_writes(self, redis: Redis) -> None:
        """Fail if Redis refuses writes. Otherwise nobody would know: it refuses those of `tick` as well.

        The command changes nothing, and a server refuses it for every reason for which it refuses an append. A server
        without memory still trims inboxes.
        """
        await redis.sadd(EDITIONS, self._name)

    async def _trim_inboxes(self, redis: Redis) -> None:
        """Delete the oldest requests of inboxes above their limit: they would be settled after their deadlines anyway.

        Their editors learn that the lines are not on air once the deadlines have passed.
        """
        for editor in self._ledger.roles:
            inbox, most = self._keys.inbox(editor), self._settings.inbox_retained
            if dropped := await redis.xtrim(inbox, maxlen=most, approximate=False):
                self._state.dropped += dropped
                self._log.warning("inbox-flooded", editor=editor, dropped=dropped, inbox_retained=most)

    async def _is_refreshed(self, redis: Redis, ledger: Ledger) -> bool:
        try:
            return await refresh(redis, ledger)
        except LinkError:
            return False

    async def _load(self, redis: Redis) -> Ledger:
        self._loaded = None  # if this fails, the old ledger may be half updated
        while True:
            stored = await self._save_edition(redis)
            settings = self._settings
            limit = _rate_limit(settings, stored.edition)
            ledger = await load_ledger(redis, stored, settings.retained, settings.receipts_retained, limit)
            if ledger.fault is None or await self._has_nonce(redis, stored.nonce):
                return ledger

    async def _has_nonce(self, redis: Redis, nonce: str) -> bool:
        """Return False if the edition has got another history: a log of that one doesn't verify with this nonce."""
        stored = await load_edition(redis, self._name)
        return stored is not None and stored.nonce == nonce

    async def _save_edition(self, redis: Redis) -> StoredEdition:
        """Create the edition in Redis, or update it to its settings.

        Raises:
            SettingsError: If the edition is in use, and only one of the two is a test edition.

        """
        wanted = self._settings.editions[self._name]
        try:
            stored = await load_edition(redis, self._name)
        except StoreError:
            stored = None
        if stored is None or stored.edition != wanted:
            await save_edition(redis, self._name, wanted, new_nonce())
            stored = await load_edition(redis, self._name)
        if stored is None:
            raise StoreError(f"edition {self._name} was deleted while it was created")
        return stored

    def _set_fault(self, fault: LinkError | SettingsError | None) -> None:
        """Set the state's fault, and log it if it is new."""
        reason = None if fault is None else str(fault)
        if isinstance(fault, LinkError) and reason != self._state.fault:
            remedy = f"run `ticker repair {self._name} --dry-run`"
            self._log.error("publishing-stopped", code="log", reason=reason, remedy=remedy)
        elif reason is not None and reason != self._state.fault:
            self._log.error("publishing-stopped", code="settings", reason=reason)
        elif reason is None and self._state.fault is not None:
            self._log.info("publishing-resumed")
        self._state.fault = reason

    @property
    def _ledger(self) -> Ledger:
        assert self._loaded is not None, "the ledger is loaded before the first round"
        return self._loaded

    def _plan_context(self) -> PlanContext:
        return PlanContext(
            now=self._clock(),
            redis_now=self._redis_now(self._ledger),
            new_id=self._new_id,
            submission_bytes=self._settings.submission_bytes,
            deadline_s=self._settings.submission_deadline_s,
            held_max=self._settings.held,
            held_per_editor=self._settings.held_per_editor,
            overdue_after_s=self._settings.overdue_after_s,
        )
