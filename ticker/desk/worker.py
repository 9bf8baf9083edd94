"""One edition's desk: reads its inboxes, settles what waits there, and begins again after whatever went wrong."""

from __future__ import annotations

import asyncio
import math
import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Final, NoReturn, Protocol

import msgspec
import structlog

from ticker.backoff import Backoff
from ticker.core.errors import LinkError, SettingsError, StoreError, TickerError
from ticker.core.submission import ReceiptStatus
from ticker.desk.ledger import Ledger
from ticker.desk.loader import catch_up, recall
from ticker.desk.planner import Chance, Planned, Waiting, next_due, plan, plan_due, take_in
from ticker.desk.round_robin import take_turns
from ticker.settings import Settings
from ticker.store.append import BATCH_MAX, Appended, Stop, append
from ticker.store.connection import BLOCK_MS, CLIENT_ERRORS, Redis, is_cancelled
from ticker.store.editions import StoredEdition, load_edition, save_edition
from ticker.store.editors import roles
from ticker.store.keys import Keys
from ticker.store.streams import START, Fields, StreamEntry, read_last, read_streams, redis_ms

TURN: Final = 16
"""How many submissions of one inbox are taken before every other inbox has had its turn."""

LOOK_S: Final = 3.0
"""How often a desk that hears nothing, or never stops hearing, looks for what no stream tells it."""

FAULT_PAUSE_S: Final = 2.0
RETRY_FIRST_S: Final = 0.1
RETRY_MOST_S: Final = 1.0

_ID_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32, in lower case: no letter that looks like a digit or another letter."""

log = structlog.stdlib.get_logger("ticker.desk")


class Connector(Protocol):
    """Makes a client, as `functools.partial(connect, url, role="desk")` does."""

    def __call__(self, *, blocking: bool) -> Redis: ...


class EditionState(msgspec.Struct):
    """How an edition's desk is doing, for whoever watches it.

    `takes` is true while it reads inboxes; `fault` says why nothing can go on air though it does. `outcomes` counts
    settlements by status, `moved` how often another desk was first, `errors` how often it had to begin again; `dropped`
    what was thrown away unread because an inbox had more than `inbox_retained`; `broken_glass` how often a chief went
    without a second person. `refused` counts the codes of the rules and bounds that refused something. `held` is how
    much waits, `overdue` how often the time of something held passed while no desk was there (`overdue_after_s`).
    """

    takes: bool = False
    fault: str | None = None
    outcomes: Counter[ReceiptStatus] = msgspec.field(default_factory=Counter)
    refused: Counter[str] = msgspec.field(default_factory=Counter)
    repeated: int = 0
    moved: int = 0
    errors: int = 0
    dropped: int = 0
    broken_glass: int = 0
    held: int = 0
    overdue: int = 0


def utc_now() -> datetime:
    return datetime.now(UTC)


def new_id() -> str:
    """An id for a new line, or for something held."""
    return "".join(secrets.choice(_ID_ALPHABET) for _ in range(10))


def new_nonce() -> str:
    return secrets.token_hex(32)


class EditionDesk:
    """The desk of the edition called `name`; `run` it in a task, once.

    `on_ready` is called each time it has read everything and begins to take submissions. Where the edition is in use as
    a test and the settings say it is none, or the other way round, nothing may go on air: `run` raises SettingsError at
    its start. A desk that has been at work before tells of it as a fault, and goes on when that is mended.
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
        self._ledger: Ledger | None = None
        self._bell = START
        self._looked_at = 0.0
        self._asked_at = 0.0  # when Redis's clock was read
        self._has_begun = False
        self._log = log.bind(edition=name)

    async def run(self) -> NoReturn:
        """Take submissions until cancelled, through every failure of Redis.

        Raises:
            SettingsError: If what is kept of the edition forbids its settings (see above).

        """
        backoff = Backoff(RETRY_FIRST_S, RETRY_MOST_S)
        async with aclosing(self._connector(blocking=False)) as redis, aclosing(self._connector(blocking=True)) as ears:
            while True:
                try:
                    await self._begin(redis)
                    backoff.reset()
                    while not is_cancelled():
                        await self._round(redis, ears)
                    raise asyncio.CancelledError
                except SettingsError as error:
                    if not self._has_begun:
                        raise
                    self._say_fault(error)
                except (OSError, TickerError, *CLIENT_ERRORS) as error:
                    self._log.warning("desk interrupted", reason=f"{type(error).__name__}: {error}"[:200])
                except Exception:  # noqa: BLE001 - a task's root: the other editions go on, and so does this one
                    self._log.exception("desk failed")
                    self._ledger = None
                self._state.takes = False
                self._state.errors += 1
                await asyncio.sleep(backoff.next_s())

    async def _begin(self, redis: Redis) -> None:
        """Know where things stand, then take submissions."""
        await self._look(redis)
        self._state.takes = self._has_begun = True
        self._on_ready()

    async def _round(self, redis: Redis, ears: Redis) -> None:
        """Wait for requests, or until something held is due; settle a turn of each inbox, and what is due."""
        ledger = self._known()
        cursors = {self._keys.inbox(editor): ledger.cursor(editor) for editor in ledger.roles}
        streams = {self._keys.bell: self._bell, **cursors}
        found = await read_streams(ears, streams, count=TURN, block_ms=self._patience_ms(ledger))
        if self._keys.bell in found:
            # Before anything else is settled: who was removed, or given another role, may have asked for more.
            await self._look(redis)
            return
        waiting = take_turns([self._waiting(editor, found) for editor in ledger.roles])
        await self._settle(redis, waiting)
        await self._publish_due(redis)
        is_overdue = asyncio.get_running_loop().time() - self._looked_at > LOOK_S
        if not waiting or is_overdue or ledger.fault is not None:
            await self._look(redis)
        if waiting and ledger.fault is not None:
            # What waits until its deadline stays in its inbox, where reading finds it at once.
            await asyncio.sleep(FAULT_PAUSE_S)

    def _waiting(self, editor: str, found: dict[str, list[StreamEntry]]) -> Sequence[Waiting]:
        entries = found.get(self._keys.inbox(editor), [])
        return [Waiting(editor, stream_id, _submission_in(fields)) for stream_id, fields in entries]

    async def _settle(self, redis: Redis, waiting: Sequence[Waiting]) -> None:
        """Settle what waits, batch by batch, until all is settled or somebody else was first."""
        while waiting:
            ledger = self._known()
            batch, rest = waiting[:BATCH_MAX], waiting[BATCH_MAX:]
            planned = plan(ledger, batch, self._chance())
            if not planned:
                waiting = rest
                continue
            appended = await self._append(redis, ledger, planned)
            is_ahead = any(item.settlement.is_ahead for item in planned[: appended.settled])
            if is_ahead or appended.stop in (Stop.MOVED, Stop.EARLY):
                # Cursors or Redis's clock may not be what was expected: read them, and what waits, again.
                self._state.moved += appended.stop is Stop.MOVED
                await self._look(redis)
                return
            undone = [item.waiting for item in planned[appended.settled :]]
            if appended.stop is Stop.AHEAD:
                undone = [item.seen_at(appended.redis_ms) for item in undone]
            waiting = [*undone, *rest]

    async def _publish_due(self, redis: Redis) -> None:
        """Put on air what was held until now."""
        planned = plan_due(self._known(), self._chance(), BATCH_MAX)
        if planned:
            appended = await self._append(redis, self._known(), planned)
            if appended.stop is Stop.MOVED:
                self._state.moved += 1
                await self._look(redis)

    def _patience_ms(self, ledger: Ledger) -> int:
        """How long to wait for requests: not past the time at which something held is due."""
        due = None if ledger.fault is not None else next_due(ledger)
        if due is None:
            return BLOCK_MS
        left_ms = math.ceil((due - self._redis_now(ledger)) / timedelta(milliseconds=1))
        return max(1, min(BLOCK_MS, left_ms))

    def _redis_now(self, ledger: Ledger) -> datetime:
        """Redis's clock, as far as it can be told without asking: never ahead of it by more than clocks drift."""
        elapsed_s = asyncio.get_running_loop().time() - self._asked_at
        return datetime.fromtimestamp(ledger.redis_ms / 1000 + elapsed_s, UTC)

    async def _append(self, redis: Redis, ledger: Ledger, planned: Sequence[Planned]) -> Appended:
        appended = await append(
            redis,
            self._name,
            None if ledger.fault else ledger.head,
            [item.settlement for item in planned],
            self._settings.retained,
            self._settings.receipts_retained,
        )
        self._hear_clock(ledger, appended.redis_ms)
        settled = planned[: appended.settled]
        for item in settled:
            take_in(ledger, item)
        try:
            await asyncio.sleep(0)  # a gateway in this process gives it to its readers first: 0.3 ms sooner
        finally:
            for item in settled:
                self._tell(item)
        return appended

    def _hear_clock(self, ledger: Ledger, redis_ms: int) -> None:
        ledger.redis_ms, self._asked_at = redis_ms, asyncio.get_running_loop().time()

    def _tell(self, item: Planned) -> None:
        status = item.status
        self._state.outcomes[status] += 1
        self._state.held = len(self._known().held)
        self._state.repeated += item.repeats
        self._state.refused.update(item.refused)
        self._state.overdue += item.is_overdue
        told: dict[str, object] = {"editor": item.waiting.editor, "submission": item.waiting.id, "status": str(status)}
        if item.logged is not None:
            entry = item.logged.entry
            told |= {"seq": item.logged.seq, "line": entry.line.id}
            if entry.break_glass is not None:
                self._state.broken_glass += 1
                self._log.warning("glass broken: no second person", reason=entry.break_glass, **told)
        if item.settlement.held is not None:
            told["held"] = item.settlement.held.id
        if item.failure is not None:
            self._log.error("rules failed", exc_info=item.failure, **told)
        self._log.info("settled", repeats=item.repeats, **told)

    async def _look(self, redis: Redis) -> None:
        """Bring the ledger up to what Redis has, and find the editors that are new."""
        ledger = self._ledger
        if ledger is None or ledger.fault is not None or not await self._caught_up(redis, ledger):
            self._ledger = ledger = await self._recalled(redis)
            self._say_fault(ledger.fault)
        # The bell first: who registers between the two reads rings for the next round.
        rung = await read_last(redis, self._keys.bell)
        self._bell = START if rung is None else rung[0]
        ledger.roles = await roles(redis, self._name)
        self._state.held = len(ledger.held)
        self._hear_clock(ledger, await redis_ms(redis))
        await self._bound_inboxes(redis)
        self._looked_at = asyncio.get_running_loop().time()

    async def _bound_inboxes(self, redis: Redis) -> None:
        """Throw away the oldest of what waits above an inbox's bound: its turn would come after its deadline.

        Whoever submitted it learns for certain that it isn't on air: it can't be any more.
        """
        for editor in self._known().roles:
            inbox, most = self._keys.inbox(editor), self._settings.inbox_retained
            if dropped := await redis.xtrim(inbox, maxlen=most, approximate=False):
                self._state.dropped += dropped
                self._log.warning("inbox flooded", editor=editor, dropped=dropped, inbox_retained=most)

    async def _caught_up(self, redis: Redis, ledger: Ledger) -> bool:
        try:
            return await catch_up(redis, ledger)
        except LinkError:
            return False

    async def _recalled(self, redis: Redis) -> Ledger:
        self._ledger = None  # half of it may be read when this fails
        stored = await self._stored(redis)
        return await recall(redis, stored, self._settings.retained, self._settings.receipts_retained)

    async def _stored(self, redis: Redis) -> StoredEdition:
        """The edition as it is kept, made or changed to what the settings say.

        Raises:
            SettingsError: If they don't agree on whether it is a test, and it is in use.

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
            raise StoreError(f"edition {self._name} was deleted as it was made")
        return stored

    def _say_fault(self, fault: LinkError | SettingsError | None) -> None:
        told = None if fault is None else str(fault)
        if isinstance(fault, LinkError) and told != self._state.fault:
            remedy = f"put the log right, or begin a new one with `ticker rotate {self._name}`"
            self._log.error("log doesn't verify: nothing goes on air", reason=told, remedy=remedy)
        elif told is not None and told != self._state.fault:
            self._log.error("not this kind of edition: nothing goes on air", reason=told)
        elif told is None and self._state.fault is not None:
            self._log.info("fault mended")
        self._state.fault = told

    def _known(self) -> Ledger:
        assert self._ledger is not None, "the ledger is read before anything is taken"
        return self._ledger

    def _chance(self) -> Chance:
        settings = self._settings
        return Chance(
            now=self._clock(),
            redis_now=self._redis_now(self._known()),
            new_id=self._new_id,
            submission_bytes=settings.submission_bytes,
            deadline_s=settings.submission_deadline_s,
            held_max=settings.held,
            overdue_after_s=settings.overdue_after_s,
        )


def _submission_in(fields: Fields) -> bytes:
    return fields.get(b"submission", b"")
