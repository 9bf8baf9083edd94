"""Plan what a relay sends to one receiver: from an edition's messages, the outcomes of attempts, and the time.

Pure: no I/O, no clock. The caller does these steps in this order, for ever:

1. call `receive` for a message or `finish` for the outcome of an attempt;
2. call `start` for the deliveries to attempt now;
3. store `take_changes` on disk, and wait until it is there;
4. begin the attempts.

So an attempt is on disk before the receiver can know of it, and an acknowledgement is on disk before the relay goes on.
If the process dies between any two steps, the receiver gets each delivery that it has not acknowledged, and none whose
acknowledgement was stored.

There is one order per line. A newer version takes the place of an older one that the receiver hasn't acknowledged. The
backlog is the log itself: if `pending` lines wait, unknown lines are left in the log and read again later. Lines that
the receiver may have are still followed, so that a withdrawal never waits for that.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from ticker.backoff import delay_s
from ticker.relay.book import Book, Changes, Limits, Running, has_expired
from ticker.relay.reading import Reading, RelayMessage
from ticker.relay.records import (
    Acknowledged,
    Delivery,
    Disabled,
    Failed,
    Missing,
    Open,
    Outcome,
    Post,
    Record,
    Refused,
    RouteState,
    Unknown,
    Verdict,
)
from ticker.relay.texts import mark_of, post_text

TRIED_MOST: Final = 8
"""How many texts of open attempts are remembered per line."""

LEAVES_COPY: Final = "an earlier attempt may have left another post: look for it, and remove it by hand"


class Plan:
    """The state of one route, and the decisions on it. See the module for the order of the calls.

    Args:
        limits: The limits of the route.
        state: The stored state.
        records: The stored records. The plan owns them from now on.
        chance: Returns a random number from 0 to 1, for the jitter of the delays.

    """

    def __init__(
        self,
        limits: Limits,
        state: RouteState | None = None,
        records: Iterable[Record] = (),
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.limits = limits
        self._book = Book(limits, state or RouteState(), records)
        self._reading = Reading(self._book)
        self._chance = chance
        self._failures = 0  # of the receiver as a whole, since its last success
        self._outage_until = 0.0

    @property
    def state(self) -> RouteState:
        """The part of the state that belongs to no line."""
        return self._book.state

    @property
    def records(self) -> dict[str, Record]:
        """The relay's knowledge of each line, by id."""
        return self._book.records

    @property
    def running(self) -> frozenset[int]:
        """The orders of the attempts that run."""
        return frozenset(self._book.running)

    @property
    def pending(self) -> int:
        """The number of deliveries that are still tried."""
        return self._book.pending

    @property
    def parked(self) -> int:
        """The number of deliveries that the relay has given up."""
        return self._book.parked

    @property
    def oldest_pending_at(self) -> float | None:
        """When the oldest pending delivery was read, in seconds since 1970. None if nothing is pending."""
        return min((delivery.queued_at for delivery in self._book.deliveries()), default=None)

    @property
    def needs_reread(self) -> bool:
        """Whether to call `reread`: there is room for lines left in the log, or the log may be another one."""
        book = self._book
        if book.history.must_reread:
            return True
        return book.is_behind and book.state.disabled is None and book.pending <= self.limits.pending // 2

    def reread(self) -> str | None:
        """Return the position to follow the edition from. None starts with the board."""
        self._book.is_behind = self._book.state.disabled is not None
        return self._book.history.start()

    @property
    def checks(self) -> int:
        """How many readers had to start again because the log may be another one, since one has read everything."""
        return self._book.history.checks

    def receive(self, message: RelayMessage, now: float) -> None:
        """Apply a message of the edition, read at `now`, in seconds since 1970."""
        self._reading.receive(message, now)

    def take_changes(self) -> Changes:
        """Return the changes since the last call. Store them before you begin the attempts of `start`."""
        return self._book.take_changes()

    # The attempts

    def start(self, now: float) -> list[Delivery]:
        """Return the deliveries to attempt now, the most urgent first. `finish` must be called for each."""
        if self._book.state.disabled is not None:
            return []
        started = []
        running = {each.delivery.line: each.delivery for each in self._book.running.values()}
        texts = sum(not delivery.kind.takes_back for delivery in running.values())
        room = {True: self.limits.parallel - (len(running) - texts), False: self._room_for_texts() - texts}
        for record in self._due(now):
            delivery = record.pending
            assert delivery is not None
            if record.line in running:
                continue
            if not record.may_have and delivery.content is not None and has_expired(delivery.content, now):
                self._book.settle(record, delivery, Verdict.EXPIRED)
                continue
            if room[delivery.kind.takes_back] <= 0:
                continue
            room[delivery.kind.takes_back] -= 1
            self._book.running[delivery.order] = Running(delivery, record.may_have, record.post)
            record.may_have = True
            if self.limits.has_posts:
                record.open = _opened(record.post, delivery, now)
            self._book.touch(record.line)
            started.append(delivery)
        return started

    def post(self, delivery: Delivery) -> Post:
        """Return the relay's knowledge of the line's post before a running attempt."""
        return self._book.running[delivery.order].post

    def _room_for_texts(self) -> int:
        """One attempt at a time while the receiver is in trouble: it shows whether the receiver is back."""
        return 1 if self._failures else self.limits.parallel

    def _due(self, now: float) -> list[Record]:
        due = []
        for line in self._book.waiting:
            record = self._book.records[line]
            delivery = record.pending
            if delivery is not None and not record.is_parked and self._due_at(record, delivery) <= now:
                due.append((not delivery.kind.takes_back, delivery.order, record))
        return [record for _, _, record in sorted(due, key=lambda each: each[:2])]

    def _due_at(self, record: Record, delivery: Delivery) -> float:
        # A delivery that takes a text back waits only for its own retries, not for a receiver that is in trouble.
        return record.retry_at if delivery.kind.takes_back else max(record.retry_at, self._outage_until)

    def next_at(self) -> float | None:
        """Return when to call `start` again even if nothing happens, in seconds since 1970, or None."""
        if self._book.state.disabled is not None:
            return None
        running = {each.delivery.line for each in self._book.running.values()}
        waiting = [self._book.records[line] for line in self._book.waiting - running]
        return min(
            (self._due_at(each, each.pending) for each in waiting if each.pending is not None and not each.is_parked),
            default=None,
        )

    @property
    def overtaken(self) -> list[Delivery]:
        """Running attempts of a version that a later one has replaced. The caller may end them early."""
        return [
            each.delivery
            for each in self._book.running.values()
            if (pending := self._book.records[each.delivery.line].pending) is not None
            and pending.order != each.delivery.order
        ]

    # The outcomes of attempts

    def finish(self, delivery: Delivery, outcome: Outcome, now: float) -> None:
        """Apply the outcome of an attempt that `start` returned."""
        ran = self._book.running.pop(delivery.order)
        record = self._book.records[delivery.line]
        self._book.touch(record.line)
        is_newest = record.pending is not None and record.pending.order == delivery.order
        match outcome:
            case Acknowledged():
                self._failures, self._outage_until = 0, 0.0
                self._acknowledge(record, ran, outcome, now, is_newest=is_newest)
            case Failed():
                if outcome.is_unsent:
                    record.may_have, record.open = record.may_have and ran.may_have, ran.post.open
                if outcome.is_outage:
                    self._note_outage(outcome, now)
                self._retry(record, delivery, outcome, now, is_newest=is_newest)
            case Missing() | Unknown() | Refused():
                record.open = ran.post.open
                self._end(record, delivery, outcome, is_newest=is_newest)
            case Disabled():
                self._disable(outcome.reason)
            case _:
                raise AssertionError(outcome)

    def _end(self, record: Record, delivery: Delivery, outcome: Outcome, *, is_newest: bool) -> None:
        """Apply an outcome after which the relay doesn't repeat the attempt."""
        if isinstance(outcome, Missing):
            record.ref = None
        elif isinstance(outcome, Unknown) and is_newest:
            self._park(record, delivery, Verdict.UNKNOWN, outcome.reason)
        elif isinstance(outcome, Refused):
            self._failures, self._outage_until = 0, 0.0
            record.shown = ""  # the text may have been replaced, so it is sent again if it comes back
            if is_newest:
                verdict = Verdict.CANT_UNDO if delivery.kind.takes_back else Verdict.FAILED
                self._book.settle(record, delivery, verdict, outcome.reason)

    def _acknowledge(self, record: Record, ran: Running, outcome: Acknowledged, now: float, *, is_newest: bool) -> None:
        delivery, earlier = ran.delivery, ran.post.open
        if outcome.ref is not None and outcome.ref != record.ref:
            record.ref, record.sent_at = outcome.ref, now
        record.shown = outcome.shown
        settled_at = 0.0 if earlier is None else earlier.at + self.limits.settle_s
        record.open = earlier if outcome.leaves_copy or now < settled_at else None
        if is_newest and now < settled_at:
            # An earlier request may still arrive and undo this one. So do the same again when it can't any more.
            record.failures, record.retry_at = 0, settled_at
            record.reason = "done, and done again when no earlier request can undo it"
            return
        if delivery.kind.takes_back:
            record.ref = None
        verdict = Verdict.GONE if delivery.kind.takes_back else Verdict.DELIVERED
        if is_newest and delivery.kind.takes_back and outcome.leaves_copy:
            self._book.settle(record, delivery, Verdict.CANT_UNDO, LEAVES_COPY)
        elif is_newest:
            self._book.settle(record, delivery, verdict)

    def _note_outage(self, outcome: Failed, now: float) -> None:
        delay = delay_s(
            self._failures, self.limits.retry_first_s, self.limits.retry_most_s, jitter=0.5, chance=self._chance
        )
        self._failures += 1
        if outcome.retry_after_s is not None:
            delay = min(outcome.retry_after_s, self.limits.retry_most_s) * (1 + self._chance() / 4)
        self._outage_until = now + delay

    def _retry(self, record: Record, delivery: Delivery, outcome: Failed, now: float, *, is_newest: bool) -> None:
        if not record.may_have and record.pending is not None and record.pending.kind.takes_back:
            self._book.settle(record, record.pending, Verdict.NEVER_SENT)
        if not is_newest or record.pending is None:
            return
        record.reason = outcome.reason
        most_s = self.limits.urgent_most_s if delivery.kind.takes_back else self.limits.retry_most_s
        delay = delay_s(record.failures, self.limits.retry_first_s, most_s, jitter=0.5, chance=self._chance)
        if outcome.retry_after_s is not None:
            delay = max(delay, min(outcome.retry_after_s, self.limits.retry_most_s))
        record.failures += 1
        record.retry_at = now + delay
        if now - delivery.queued_at >= self.limits.give_up_s:
            verdict = Verdict.CANT_UNDO if delivery.kind.takes_back else Verdict.FAILED
            self._park(record, delivery, verdict, outcome.reason)

    def _park(self, record: Record, delivery: Delivery, verdict: Verdict, reason: str) -> None:
        """Stop trying until `enable`."""
        record.is_parked, record.verdict, record.reason = True, verdict, reason
        self._book.report(delivery, verdict, reason)

    def _disable(self, reason: str) -> None:
        """Stop sending. Withdrawals get the verdict `cant-undo` until `enable`."""
        if self._book.state.disabled is not None:
            return
        self._book.state.disabled = reason
        self._book.is_behind = True
        for line in sorted(self._book.waiting):
            record = self._book.records[line]
            if record.pending is not None and record.pending.kind.takes_back:
                record.verdict = Verdict.CANT_UNDO
                self._book.touch(line)
                self._book.report(record.pending, Verdict.CANT_UNDO, reason)

    def enable(self) -> int:
        """Send everything that failed again, also to a receiver that was disabled. Return the number of deliveries."""
        self._book.state.disabled = None
        self._failures, self._outage_until = 0, 0.0
        for line in self._book.waiting:
            record = self._book.records[line]
            if record.verdict is Verdict.UNKNOWN and record.open is not None:
                # Somebody has looked, and wants the text sent again.
                record.open = msgspec.structs.replace(record.open, tried=())
            record.failures, record.retry_at, record.is_parked = 0, 0.0, False
            self._book.touch(line)
        return len(self._book.waiting)


def _opened(post: Post, delivery: Delivery, now: float) -> Open:
    """Return the open attempts of a line while one more runs."""
    known = post.open or Open(since=now, at=now)
    if post.ref is not None or delivery.content is None or delivery.kind.takes_back:
        return msgspec.structs.replace(known, at=now)  # this attempt creates no post that shows the text
    tried = dict.fromkeys((*known.tried, mark_of(post_text(delivery.content))))
    first = known.first or delivery.order
    return Open(since=known.since, at=now, first=first, tried=tuple(tried)[-TRIED_MOST:])
