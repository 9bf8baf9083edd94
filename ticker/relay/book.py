"""The records of one route while its relay runs, and the changes of them that are not stored yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import msgspec

from ticker.core.line import Line
from ticker.relay.history import History
from ticker.relay.records import Delivery, Post, Record, Report, RouteState, Verdict


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of one route. Times are in seconds.

    Attributes:
        lines: How many lines are known. The oldest ones with nothing pending leave first.
        pending: How many lines may wait for the receiver.
        parallel: How many attempts run at a time. Withdrawals have as many again.
        retry_first_s: The longest delay after the first failure. It doubles with each failure.
        retry_most_s: The longest delay between two attempts.
        urgent_most_s: The same for a delivery that takes a text back.
        give_up_s: After this time, a delivery is parked.
        sends_board: Whether a new receiver gets the lines of the board.
        settle_s: How long after its start a request may still take effect. 0 for webhooks: their
            receivers ignore an old order.

    """

    lines: int = 10_000
    pending: int = 1_000
    parallel: int = 4
    retry_first_s: float = 1.0
    retry_most_s: float = 300.0
    urgent_most_s: float = 30.0
    give_up_s: float = 3 * 86_400.0
    sends_board: bool = True
    settle_s: float = 0.0

    @property
    def has_posts(self) -> bool:
        """Whether the receiver is a service with posts, which only this relay's state knows."""
        return self.settle_s > 0


class Running(msgspec.Struct, frozen=True):
    """An attempt that runs, with `may_have` and the post of its record before it began."""

    delivery: Delivery
    may_have: bool
    post: Post


class Changes(msgspec.Struct, frozen=True):
    """What to store: the route's state, the records that changed, and the ids of the records to delete."""

    state: RouteState
    records: list[Record]
    deleted: list[str]
    reports: list[Report]


class Book:
    """The state of one route in memory.

    Attributes:
        state: The part that belongs to no line.
        records: The relay's knowledge of each line, by id.
        waiting: The ids of the lines with a pending delivery.
        running: The attempts that run, by order.
        is_behind: Whether lines were left in the log, because too many others wait.
        history: Compares the log that is read with the log that the records are from.

    """

    def __init__(self, limits: Limits, state: RouteState, records: Iterable[Record]) -> None:
        self.limits = limits
        self.state = state
        self.records = {record.line: record for record in records}
        self.waiting = {line for line, record in self.records.items() if record.pending is not None}
        self.running: dict[int, Running] = {}
        self.is_behind = state.disabled is not None
        self.history = History(state)
        self._changed: set[str] = set()
        self._reports: list[Report] = []

    @property
    def parked(self) -> int:
        """The number of deliveries that the relay has given up."""
        return sum(self.records[line].is_parked for line in self.waiting)

    @property
    def pending(self) -> int:
        """The number of deliveries that are still tried."""
        return len(self.waiting) - self.parked

    @property
    def has_room(self) -> bool:
        """Whether a line that isn't known yet may be added now."""
        return not self.is_behind and self.state.disabled is None and self.pending < self.limits.pending

    def deliveries(self) -> Iterator[Delivery]:
        """Yield the pending deliveries."""
        return (pending for line in self.waiting if (pending := self.records[line].pending) is not None)

    def touch(self, line: str) -> None:
        """Note that the record of a line has changed."""
        self._changed.add(line)

    def take_changes(self) -> Changes:
        """Return the changes since the last call. Store them before you begin the attempts of `start`."""
        changed = sorted(self._changed)
        self._changed.clear()
        reports, self._reports = self._reports, []
        return Changes(
            self.state,
            [self.records[line] for line in changed if line in self.records],
            [line for line in changed if line not in self.records],
            reports,
        )

    def settle(self, record: Record, delivery: Delivery, verdict: Verdict, reason: str = "") -> None:
        self.touch(record.line)
        record.pending, record.verdict, record.reason = None, verdict, reason
        record.order = max(record.order, delivery.order)
        record.failures, record.retry_at, record.is_parked = 0, 0.0, False
        self.waiting.discard(record.line)
        self.report(delivery, verdict, reason)

    def delete(self, line: str) -> None:
        del self.records[line]
        self.waiting.discard(line)
        self.touch(line)

    def report(self, delivery: Delivery, verdict: Verdict, reason: str = "") -> None:
        self._reports.append(
            Report(line=delivery.line, version=delivery.version, kind=delivery.kind, verdict=verdict, reason=reason)
        )

    def next_order(self, now: float) -> int:
        # From the clock, so that orders keep growing if the state on disk is lost.
        self.state.order = max(self.state.order + 1, int(now * 1000))
        return self.state.order

    def add(self, line: str, *, may_have: bool = False) -> Record:
        if len(self.records) >= self.limits.lines:
            self._evict()
        record = self.records[line] = Record(line=line, may_have=may_have)
        return record

    def _evict(self) -> None:
        """Drop a tenth of the records: forgotten lines with nothing pending, then old ones, then parked ones."""
        running = {each.delivery.line for each in self.running.values()}
        idle = [
            each
            for each in self.records.values()
            if (each.pending is None or each.is_parked) and each.line not in running
        ]
        idle.sort(key=lambda each: (each.is_parked, not each.is_forgotten, each.order))
        for record in idle[: max(1, self.limits.lines // 10)]:
            self.delete(record.line)

    def queue(self, record: Record, delivery: Delivery) -> None:
        self.touch(record.line)
        record.pending, record.order = delivery, delivery.order
        record.failures, record.retry_at, record.is_parked, record.reason = 0, 0.0, False, ""
        self.waiting.add(record.line)
        if self.state.disabled is not None and delivery.kind.takes_back:
            record.verdict = Verdict.CANT_UNDO
            self.report(delivery, Verdict.CANT_UNDO, self.state.disabled)


def has_expired(line: Line, now: float) -> bool:
    """Return whether a line has left the board at `now`, in seconds since 1970."""
    return line.expires_at is not None and line.expires_at <= datetime.fromtimestamp(now, UTC)
