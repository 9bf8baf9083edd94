"""One route: an edition that is sent to one receiver. It acts on the decisions of `ticker.relay.plan`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing, suppress
from typing import Final, NamedTuple, NoReturn, Protocol, TypeAlias

import msgspec
import structlog

from ticker.backoff import Backoff, delay_s
from ticker.client.follower import follow
from ticker.client.reading import RefusedError, TokenSource
from ticker.core.board import LINES_MAX
from ticker.core.messages import ForgetMessage
from ticker.relay.plan import Plan
from ticker.relay.reading import RelayMessage
from ticker.relay.records import Acknowledged, Delivery, Disabled, Failed, Missing, Outcome, Post, Report, Verdict
from ticker.relay.state import StateFile

_logger = structlog.stdlib.get_logger("ticker.relay")

OVERTAKEN_S: Final = 1.0
"""How much longer an attempt may run after a newer version of its line has arrived."""

EVENTS_WAITING: Final = 32
"""Messages that wait in memory. The gateway keeps the rest: the log is the backlog."""

REFUSED_FIRST_S: Final = 1.0
REFUSED_MOST_S: Final = 300.0
"""A proxy may refuse for a moment, and an edition may be created later. A relay never gives up."""

CHECKS_AT_ONCE: Final = 2
CHECK_FIRST_S: Final = 1.0
CHECK_MOST_S: Final = 60.0
"""A slow gateway lacks entries that another one has. The relay checks that twice without a delay, then
after these delays."""

BLIND_S: Final = 1.0


class Target(Protocol):
    """Something that deliveries are sent to."""

    async def attempt(self, delivery: Delivery, edition: str, post: Post) -> Outcome:
        """Send a delivery once, and return the outcome. Must not raise errors of the network.

        `post` is what the relay knew before: a webhook needs none of it.
        """

    async def close(self) -> None:
        """Close the connections."""


class _Read(msgspec.Struct, frozen=True):
    """A message. `reader` is the number of the task that read it."""

    reader: int
    message: RelayMessage


class _Ended(msgspec.Struct, frozen=True):
    delivery: Delivery
    outcome: Outcome


_Event: TypeAlias = _Read | _Ended


class Counts(msgspec.Struct):
    """The work of a route since its start, for the metrics."""

    attempts: int = 0
    acknowledged: int = 0
    failures: int = 0
    verdicts: dict[Verdict, int] = msgspec.field(default_factory=dict)


class Source(NamedTuple):
    """The gateway to read from, and the token for a private edition."""

    gateway: str
    token: TokenSource = None


class Route:
    """Follows an edition, and sends each change of it to one receiver until it is cancelled.

    Args:
        receiver: The receiver's name, for the log and the reports.
        edition: The name of the edition.
        gateway: The address of the gateway, without the edition.
        plan: The decisions, loaded from `state`.
        state: The open state file.
        target: Sends the deliveries.
        report: Called with each verdict, after it was stored.

    """

    def __init__(
        self,
        receiver: str,
        edition: str,
        source: Source,
        plan: Plan,
        state: StateFile,
        target: Target,
        report: Callable[[str, str, Report], None],
    ) -> None:
        self.receiver = receiver
        self.edition = edition
        self.plan = plan
        self.counts = Counts()
        self._token = source.token
        self._url = f"{source.gateway.rstrip('/')}/{edition}"
        self._state = state
        self._target = target
        self._report = report
        self._events: list[_Event] = []
        self._has_events = asyncio.Event()
        self._room = asyncio.Semaphore(EVENTS_WAITING)
        self._attempts: dict[int, asyncio.Task[None]] = {}
        self._ending: set[int] = set()
        self._reader: asyncio.Task[None] | None = None
        self._readers = 0
        self._log = _logger.bind(receiver=receiver, edition=edition)

    async def run(self) -> NoReturn:
        """Run until cancelled.

        Raises:
            StoreError: If the state can't be stored.

        """
        try:
            async with asyncio.TaskGroup() as tasks:
                self._follow(tasks)
                while True:
                    self._step(tasks)
                    await self._wait()
        finally:
            await self._target.close()

    def _step(self, tasks: asyncio.TaskGroup) -> None:
        """Apply everything that has happened, store it, then begin the attempts: see `ticker.relay.plan`."""
        events, self._events = self._events, []
        self._has_events.clear()
        for event in events:
            self._apply(event)
        started = self.plan.start(time.time())
        changes = self.plan.take_changes()
        self._state.save(changes)
        for report in changes.reports:
            self._announce(report)
        for delivery in started:
            self.counts.attempts += 1
            self._attempts[delivery.order] = tasks.create_task(self._attempt(delivery, self.plan.post(delivery)))
        for delivery in self.plan.overtaken:
            if delivery.order not in self._ending:
                self._ending.add(delivery.order)
                asyncio.get_running_loop().call_later(OVERTAKEN_S, self._attempts[delivery.order].cancel)
        if self.plan.needs_reread:
            self._follow(tasks)

    async def _wait(self) -> None:
        """Wait until something happens or an attempt is due."""
        wake = self.plan.next_at()
        # An attempt that is due and wasn't started waits for the end of another one.
        delay = None if wake is None else max(wake - time.time(), 0.0) or BLIND_S
        with suppress(TimeoutError):
            async with asyncio.timeout(delay):
                await self._has_events.wait()

    def _add(self, event: _Event) -> None:
        self._events.append(event)
        self._has_events.set()

    def _apply(self, event: _Event) -> None:
        now = time.time()
        if isinstance(event, _Read):
            self._room.release()
            if event.reader == self._readers:  # others were read before a reread, and would leave a gap
                self.plan.receive(event.message, now)
            return
        order = event.delivery.order
        self._attempts.pop(order, None)
        self._ending.discard(order)
        self.plan.finish(event.delivery, event.outcome, now)
        if isinstance(event.outcome, Acknowledged):
            self.counts.acknowledged += 1
        elif not isinstance(event.outcome, Missing):
            self.counts.failures += 1
            self._warn(event.delivery, event.outcome)

    def _warn(self, delivery: Delivery, outcome: Outcome) -> None:
        if isinstance(outcome, Disabled):
            self._log.error("receiver-disabled", reason=outcome.reason)
        elif isinstance(outcome, Failed):
            record = self.plan.records.get(delivery.line)
            if record is not None and record.failures in (0, 1):  # the retries are in /metrics
                self._log.warning(
                    "delivery-failed", line=delivery.line, version=delivery.version, reason=outcome.reason
                )

    def _announce(self, report: Report) -> None:
        self.counts.verdicts[report.verdict] = self.counts.verdicts.get(report.verdict, 0) + 1
        facts = {"line": report.line, "version": report.version, "kind": str(report.kind)}
        if report.verdict is Verdict.CANT_UNDO:
            self._log.error("withdrawal-not-delivered", reason=report.reason, **facts)
        elif report.verdict is Verdict.FAILED:
            self._log.error("delivery-given-up", reason=report.reason, **facts)
        elif report.verdict is Verdict.UNKNOWN:
            self._log.error("delivery-unknown", reason=report.reason, **facts)
        else:
            self._log.info("delivery-settled", verdict=str(report.verdict), **facts)
        self._report(self.receiver, self.edition, report)

    async def _attempt(self, delivery: Delivery, post: Post) -> None:
        try:
            outcome = await self._target.attempt(delivery, self.edition, post)
        except asyncio.CancelledError:
            if delivery.order not in self._ending:
                raise
            outcome = Failed(reason="a newer version of the line arrived", is_outage=False)
        self._add(_Ended(delivery, outcome))

    def _follow(self, tasks: asyncio.TaskGroup) -> None:
        if self._reader is not None:
            self._reader.cancel()
        self._readers += 1
        self._reader = tasks.create_task(self._read(self._readers, self.plan.reread()))

    async def _read(self, reader: int, after: str | None) -> None:
        if self.plan.checks > CHECKS_AT_ONCE:  # several gateways disagree on the end of the log
            await asyncio.sleep(delay_s(self.plan.checks - CHECKS_AT_ONCE, CHECK_FIRST_S, CHECK_MOST_S))
        backoff = Backoff(REFUSED_FIRST_S, REFUSED_MOST_S)
        while True:
            try:
                async with aclosing(follow(self._url, after=after, lines=LINES_MAX, token=self._token)) as messages:
                    async for message in messages:
                        await self._room.acquire()
                        self._add(_Read(reader, message))
                        if not isinstance(message, ForgetMessage):
                            after = message.position
                            backoff.reset()
            except RefusedError as error:
                self._log.warning("gateway-refused", reason=str(error))
                await asyncio.sleep(backoff.next_s())
