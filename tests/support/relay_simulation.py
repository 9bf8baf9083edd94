"""A relay, its receiver and an edition's log, simulated with one random seed and a clock of their own.

The plan is the real one. The simulation has the log, the network, the receiver and the disk. It also ends the relay:
after reading, after storing, after the first attempts, and before an outcome is stored.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from typing import Final

import msgspec

from ticker.core.line import Change, Direction, Line, Status
from ticker.core.log_window import Reset
from ticker.core.messages import BoardMessage, EditionInfo, LineMessage, LiveMessage
from ticker.core.position import MARK_DIGITS
from ticker.relay.book import Limits
from ticker.relay.plan import Plan
from ticker.relay.records import (
    Acknowledged,
    Delivery,
    Disabled,
    Failed,
    Kind,
    Outcome,
    Record,
    Report,
    RouteState,
    Verdict,
)

START: Final = datetime(2026, 11, 26, 8, tzinfo=UTC)
INFO: Final = EditionInfo("en", "Breaking news", "en", Direction.LTR)
FAULTS: Final = ("up", "down", "slow", "lossy", "throttled", "broken")


def line(line_id: str, version: int, number: int, status: Status = Status.USABLE, text: str = "") -> Line:
    change = Change.NEW if version == 1 else Change.WITHDRAW if status is Status.CANCELED else Change.UPDATE
    shown = text or f"{line_id} version {version}"
    return Line(
        id=line_id,
        version=version,
        number=number,
        change=change,
        status=status,
        text=shown if status is Status.USABLE else "",
        lang="en",
        dir=Direction.LTR,
        created_at=START,
        updated_at=START,
    )


class Log:
    """An edition's log. A restored backup gives it another history.

    Args:
        chance: The source of all random decisions.
        returns: Whether a restore may bring back a history that an earlier restore has replaced.

    """

    def __init__(self, chance: random.Random, *, returns: bool = False) -> None:
        self.chance = chance
        self._returns = returns
        self._replaced: list[tuple[list[Line], list[str]]] = []
        self.entries: list[Line] = []
        self.marks: list[str] = []
        self._names = count(1)
        self._mark = 1

    @property
    def current(self) -> dict[str, Line]:
        return {entry.id: entry for entry in self.entries}

    def position(self, seq: int) -> str:
        return f"{seq}-{self.marks[seq - 1] if seq else 'f' * MARK_DIGITS}"

    def edit(self) -> None:
        known = [each for each in self.current.values() if each.status is not Status.CANCELED]
        if not known or self.chance.random() < 0.4:
            self._append(line(f"line-{next(self._names)}", 1, len(self.entries) + 1))
            return
        old = self.chance.choice(known[-12:])
        status = self.chance.choice((Status.USABLE, Status.USABLE, Status.CANCELED, Status.WITHHELD))
        text = f"{old.id} version {old.version + 1} of history {self._mark}"
        self._append(line(old.id, old.version + 1, old.number, status, text))

    def _append(self, entry: Line) -> None:
        self.entries.append(entry)
        self.marks.append(f"{self._mark:0{MARK_DIGITS}x}")

    def restore(self) -> None:
        """Lose the newest entries, as after the restore of a backup."""
        if self._returns:
            self._replaced.append((self.entries[:], self.marks[:]))
            if self.chance.random() < 0.5:
                entries, marks = self.chance.choice(self._replaced)
                self.entries, self.marks = entries[:], marks[:]
        kept = self.chance.randrange(len(self.entries) + 1)
        del self.entries[kept:], self.marks[kept:]
        self._mark += 1
        self.edit()

    def messages(self, after: str | None) -> list[BoardMessage | LineMessage | LiveMessage]:
        """Return what a gateway sends to a follower at `after`. Texts that were taken back are left out."""
        seq = 0 if after is None else int(after.partition("-")[0])
        head, current = self.position(len(self.entries)), self.current
        if after is None or seq > len(self.entries) or self.position(seq) != after:
            board = [each for each in current.values() if each.status is not Status.WITHHELD]
            reset = None if after is None else Reset.REPLACED
            return [BoardMessage(head, reset, INFO, board[::-1]), LiveMessage(head, 0)]
        missed = list(enumerate(self.entries[seq:], seq + 1))
        shown = [(n, each, current[each.id].status) for n, each in missed]
        lines = [
            LineMessage(self.position(n), each if status is not Status.CANCELED else each.without_text(Status.CANCELED))
            for n, each, status in shown
        ]
        return [*lines, LiveMessage(head, len(missed))]


class Receiver:
    """Accepts a delivery once by its id, and keeps the newest order of each line, as `docs/relay.md` asks."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self.lines: dict[str, Delivery] = {}

    def take(self, delivery: Delivery) -> None:
        if delivery.id in self.seen:
            return
        self.seen.add(delivery.id)
        known = self.lines.get(delivery.line)
        if known is None or delivery.order > known.order:
            self.lines[delivery.line] = delivery

    @property
    def texts(self) -> dict[str, str]:
        return {
            name: each.content.text
            for name, each in self.lines.items()
            if each.kind is Kind.PUBLISHED and each.content is not None
        }


class Killed(Exception):
    """The relay was killed here."""


class Simulation:
    """One schedule of faults. `run` raises AssertionError if the relay breaks a promise."""

    def __init__(
        self,
        seed: int,
        *,
        edits: int = 60,
        gone: bool = False,
        restores: bool = False,
        returns: bool = False,
        pause_s: float = 0.0,
    ) -> None:
        self.chance = random.Random(seed)
        self.log, self.receiver = Log(self.chance, returns=returns), Receiver()
        self.limits = self.make_limits()
        self.now = START.timestamp()
        self.disk: tuple[bytes, dict[str, bytes]] = (msgspec.json.encode(RouteState()), {})
        self.stored_acknowledgements: set[str] = set()
        self.reports: list[Report] = []
        self.attempts, self.deaths = 0, 0
        self.fault, self.kills_left = "up", 25
        self._edits, self._is_gone, self._restores, self._pause_s = edits, gone, restores, pause_s
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._ticket = count()
        self._life = 0
        self._start_relay()

    def make_limits(self) -> Limits:
        return Limits(pending=8, parallel=3, retry_most_s=60.0, give_up_s=1e9)

    # The relay's process

    def _start_relay(self) -> None:
        self._life += 1
        self._wake_at = 0.0
        state, records = self.disk
        loaded = [msgspec.json.decode(each, type=Record) for each in records.values()]
        self.plan = Plan(self.limits, msgspec.json.decode(state, type=RouteState), loaded, self.chance.random)
        self.newest: dict[str, int] = {}
        self.unstored: set[str] = set()
        self._follow(self.plan.reread())
        self._step(lambda: None)

    def _follow(self, after: str | None) -> None:
        self.reading = self.log.messages(after)
        self.read_at = self.log.position(len(self.log.entries))

    def _step(self, apply: Callable[[], None]) -> None:
        """The loop of `ticker.relay.route`: apply, start, store, attempt."""
        try:
            apply()
            self._maybe_die()
            started = self.plan.start(self.now)
            self._store()
            self._maybe_die()
            for delivery in started:
                self._attempt(delivery)
                self._maybe_die()
            for delivery in self.plan.overtaken:
                self._finish_at(self.now, delivery, Failed(reason="overtaken"))
        except Killed:
            self.deaths += 1
            self._start_relay()
            return
        wake = self.plan.next_at()
        if wake is not None and wake > self.now and not self.now < self._wake_at <= wake:
            self._wake_at = wake
            self._at(wake, self._life_event(lambda: None))

    def _maybe_die(self) -> None:
        if self.kills_left and self.chance.random() < 0.05:
            self.kills_left -= 1
            raise Killed

    def _store(self) -> None:
        changes = self.plan.take_changes()
        records = dict(self.disk[1])
        for record in changes.records:
            records[record.line] = msgspec.json.encode(record)
        for deleted in changes.deleted:
            records.pop(deleted, None)
        self.disk = (msgspec.json.encode(changes.state), records)
        self.reports += changes.reports
        self.stored_acknowledgements |= self.unstored
        self.unstored = set()

    def _read(self) -> None:
        if self.plan.needs_reread:
            self._follow(self.plan.reread())
        elif not self.reading:
            self._follow(self.read_at)
        messages, self.reading = self.reading[:5], self.reading[5:]
        for message in messages:
            self.plan.receive(message, self.now)
            if self.plan.needs_reread:
                return  # the plan may have ignored the message
            if isinstance(message, LineMessage) and message.line.id in self.plan.records:
                self.newest[message.line.id] = max(self.newest.get(message.line.id, 0), message.line.version)
            elif isinstance(message, BoardMessage):
                self.newest = {each.id: each.version for each in message.lines}

    # The network

    def _attempt(self, delivery: Delivery) -> None:
        self.attempts += 1
        assert delivery.id not in self.stored_acknowledgements, f"{delivery.id} was acknowledged, and is sent again"
        self._check_newest(delivery)
        delay = self.chance.random()
        match self.fault:
            case "up":
                self._at(self.now + delay / 2, lambda: self.receiver.take(delivery))
                self._finish_at(self.now + delay, delivery, Acknowledged())
            case "down":
                self._finish_at(self.now + delay / 10, delivery, Failed(reason="refused", is_unsent=True))
            case "slow":  # the request may be processed long after the relay has given it up
                self._at(self.now + 40 * delay, lambda: self.receiver.take(delivery))
                self._finish_at(self.now + 20, delivery, Failed(reason="timeout"))
            case "lossy":
                self._at(self.now + delay / 2, lambda: self.receiver.take(delivery))
                self._finish_at(self.now + delay, delivery, Failed(reason="reply lost", is_outage=False))
            case "throttled":
                after = self.chance.choice((None, 5.0, 500.0))
                self._finish_at(self.now + delay / 10, delivery, Failed(reason="429", retry_after_s=after))
            case "broken":
                self._finish_at(self.now + delay / 10, delivery, Failed(reason="500", is_outage=False))
            case _:
                self._finish_at(self.now + delay / 10, delivery, Disabled(reason="410"))

    def _check_newest(self, delivery: Delivery) -> None:
        assert delivery.kind.takes_back or delivery.version >= self.newest.get(delivery.line, 0), (
            f"{delivery.id} is sent although version {self.newest[delivery.line]} is known"
        )

    def _finish_at(self, when: float, delivery: Delivery, outcome: Outcome) -> None:
        def finish() -> None:
            if delivery.order in self.plan.running:  # it may have been ended as overtaken
                self.plan.finish(delivery, outcome, self.now)
                if isinstance(outcome, Acknowledged):
                    self.unstored.add(delivery.id)

        self._at(when, self._life_event(finish))

    def _life_event(self, apply: Callable[[], None]) -> Callable[[], None]:
        """Return an event that happens only if the relay that caused it still lives."""
        life = self._life
        return lambda: self._step(apply) if self._life == life else None

    def _at(self, when: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._events, (when, next(self._ticket), event))

    # The schedule

    def run(self) -> None:
        at = self.now
        for number in range(self._edits):
            if self._pause_s and number == self._edits // 2:
                self._at(at, lambda: setattr(self, "fault", "up"))  # two days of retries would take minutes
                at += self._pause_s
            at += self.chance.expovariate(1 / 4)
            self._at(at, self.log.edit)
            self._at(at + self.chance.random() * 2, lambda: self._step(self._read))
            if number % 6 == 0:
                self._at(at, self._change_fault)
            if self._restores and number % 20 == 19:
                self._at(at, self.log.restore)
        if self._is_gone:
            self._at(self.now + (at - self.now) / 2, lambda: setattr(self, "fault", "gone"))
        self._run_until(at)
        if self._is_gone:
            self._settle()
            self._check_disabled()
            self.fault = "up"
            self.plan.enable()
        self.fault, self.kills_left = "up", 0
        self._settle()
        self._check()

    def _change_fault(self) -> None:
        if self.fault != "gone":
            self.fault = self.chance.choice(FAULTS)

    def _run_until(self, end: float) -> None:
        while self._events and self._events[0][0] <= end:
            self.now, _, event = heapq.heappop(self._events)
            event()
        self.now = max(self.now, end)

    def _settle(self) -> None:
        """Run until the relay has read everything and nothing is pending, or the receiver is disabled."""
        for _ in range(400):
            self._step(self._read)
            self._run_until(self.now + 30)
            # `live` follows the last line, and shows a relay that has read ahead that the log ends there.
            is_at_head = self.plan.state.position == self.log.position(len(self.log.entries))
            has_read = is_at_head and not self.reading and not self.plan.needs_reread
            is_idle = self.plan.state.disabled is not None or (has_read and not self.plan.pending)
            if is_idle and not self._events:
                return
        assert self.plan.state.disabled is not None

    def _check_disabled(self) -> None:
        if self.plan.state.disabled is None:
            return  # nothing was sent after the receiver had begun to answer 410
        for record in self.plan.records.values():
            if record.pending is not None and record.pending.kind.takes_back:
                assert record.verdict is Verdict.CANT_UNDO, record

    def _check(self) -> None:
        expected = {name: each.text for name, each in self.log.current.items() if each.status is Status.USABLE}
        assert self.receiver.texts == expected
        for record in self.plan.records.values():
            known = self.log.current.get(record.line)
            assert record.pending is None, record
            if known is None or known.status is not Status.USABLE:
                assert record.verdict in (Verdict.GONE, Verdict.NEVER_SENT), (record, known)
