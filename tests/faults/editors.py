"""The load: editors that submit, may miss the receipt, and submit again with the same key."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from tests.faults.invariants.records import Answer, Attempt
from tests.support.system import Ran, run_program
from ticker.core.errors import TickerError
from ticker.core.held import content_mark
from ticker.core.line import Change, Status
from ticker.core.submission import Decision, DecisionRequest, Receipt, ReceiptStatus, Submission, decode_receipt
from ticker.store.connection import CLIENT_ERRORS, Redis, connect
from ticker.store.editors import register
from ticker.store.held import read_held
from ticker.store.inbox import submit
from ticker.store.receipts import await_receipt, is_safe_from_loss, last_receipt_id, read_receipts
from ticker.store.streams import milliseconds_of, redis_ms

ATTEMPT_S: Final = 0.7
"""Maximum time of a try while the system is broken, so that faults don't stop the load."""
LAST_ATTEMPT_S: Final = 60.0
"""Maximum time of a try once the system is repaired. A busy machine must not reach it."""
DEADLINE_S: Final = 20.0
SHORT_DEADLINE_S: Final = 0.4
_LOST = (*CLIENT_ERRORS, OSError, TimeoutError, TickerError)


class Load:
    """The state that all editors share: the events and the submissions. An event is one try that has ended."""

    def __init__(self, rng: random.Random, *, is_clock_true: bool) -> None:
        self.rng = rng
        self.is_clock_true = is_clock_true
        self.attempts: list[Attempt] = []
        self.held: list[tuple[str, Attempt]] = []  # held items by id, for decisions
        self.events = 0
        self.is_ending = False  # from then on, editors only finish what they have begun
        self._more = asyncio.Condition()
        self._may_submit = asyncio.Event()
        self._may_submit.set()
        self._busy = 0

    def pause(self) -> None:
        """Let no editor begin another submission, until `resume`."""
        self._may_submit.clear()

    def resume(self) -> None:
        self._may_submit.set()

    async def wait_until_quiet(self) -> None:
        """Wait until every editor has an answer. Call `pause` before."""
        async with self._more:
            await self._more.wait_for(lambda: self._busy == 0)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """The context of one submission of an editor. It begins when the load isn't paused."""
        await self._may_submit.wait()
        self._busy += 1
        try:
            yield
        finally:
            self._busy -= 1
            async with self._more:
                self._more.notify_all()

    async def count_event(self) -> None:
        self.events += 1
        async with self._more:
            self._more.notify_all()

    async def wait_for_events(self, events: int) -> None:
        async with self._more:
            await self._more.wait_for(lambda: self.events >= events)

    def count(self, answer: Answer) -> int:
        return sum(each.answer is answer for each in self.attempts)


class Editor:
    """An editor that uses the client library. It submits one change after the other, to its own lines."""

    def __init__(
        self,
        name: str,
        url: str,
        load: Load,
        *,
        edition: str = "en",
        pause_s: float = 0.01,
        attempt_s: float = ATTEMPT_S,
    ) -> None:
        self.name = name
        self._attempt_s = attempt_s
        self._edition = edition
        self._pause_s = pause_s
        self._url = url
        self._load = load
        self._lines: dict[str, Status] = {}
        self._count = 0
        self._on_air: list[tuple[Submission, Attempt]] = []

    async def run(self) -> None:
        """Submit until the load is ending and the last submission has an answer."""
        async with aclosing(connect(self._url, role="tick", blocking=True)) as redis:
            while not self._load.is_ending:
                async with self._load.turn():
                    await self._decide(redis)
                    await self._submit(redis, *self._next())
                await asyncio.sleep(self._load.rng.uniform(0, self._pause_s))

    def _next(self) -> tuple[Submission, Attempt]:
        rng = self._load.rng
        if self._on_air and rng.random() < 0.06:
            return rng.choice(self._on_air)  # submitted again: the receipt is the first one's
        self._count += 1
        key = f"{self.name}-{self._count}"
        fields = self._change(key)
        text = fields.get("text")
        deadline_s = SHORT_DEADLINE_S if rng.random() < 0.2 else DEADLINE_S
        attempt = Attempt(self.name, key, text if isinstance(text, str) and text else None)
        self._load.attempts.append(attempt)
        return Submission(key=key, deadline_s=deadline_s, **fields), attempt

    def _change(self, key: str) -> dict[str, Any]:
        rng = self._load.rng
        shown = [line_id for line_id, status in self._lines.items() if status is Status.USABLE]
        text = f"Line {key} of load {rng.randrange(10**9)}"
        if rng.random() < 0.05:
            return {"change": Change.NEW, "text": " "}  # refused
        if not shown or rng.random() < 0.45:
            return {"change": Change.NEW, "text": text, **rng.choice(_FIELDS)}
        line_id = rng.choice(shown)
        held = [line_id for line_id, status in self._lines.items() if status is Status.WITHHELD]
        change = rng.choice(_CHANGES)
        match change:
            case Change.UPDATE | Change.REFILE:
                return {"change": change, "id": line_id, "text": text}
            case Change.CORRECT:
                return {"change": change, "id": line_id, "text": text, "reason": "The number was wrong."}
            case Change.WITHDRAW:
                return {"change": change, "id": rng.choice([line_id, *held]), "reason": "It was not so."}
            case Change.UNHIDE:
                return {"change": change, "id": rng.choice(held or [line_id])}
            case Change.PIN:
                return {"change": change, "id": line_id, "pinned_until": datetime.now(UTC) + timedelta(hours=20)}
            case _:
                return {"change": change, "id": line_id}

    async def _decide(self, redis: Redis) -> None:
        """Sometimes decide about a held item. Whether the decision reaches the desk doesn't matter."""
        load = self._load
        if not load.held or load.rng.random() > 0.15:
            return
        held, attempt = load.held.pop(load.rng.randrange(len(load.held)))
        decision = load.rng.choice(tuple(Decision))
        request = DecisionRequest(
            key=f"{self.name}-on-{held}", decision=decision, held=held, deadline_s=DEADLINE_S, reason="It was decided."
        )
        attempt.trace.append(f"{self.name}: {decision}")
        with suppress(*_LOST):
            async with asyncio.timeout(ATTEMPT_S):
                if (found := (await read_held(redis, self._edition)).get(held)) is not None:
                    seen = content_mark(found[1], found[1].submission.version)
                    request = msgspec.structs.replace(request, seen=seen)
                await submit(redis, self._edition, self.name, request)

    async def record_final_answers(self, redis: Redis, *, has_lost: bool) -> list[str]:
        """Record the answers to all held items. Return a violation for each that was published before its time."""
        stored = await read_receipts(redis, self._edition, self.name, count=10_000)
        held = {each.key: each for each in self._load.attempts if each.editor == self.name and each.was_held}
        violations = []
        for each in stored:
            if (known := held.get(each.receipt.key)) is None or each.receipt.status is ReceiptStatus.HELD:
                continue
            record_answer(known, each.receipt)
            due, at_ms = known.due_at, milliseconds_of(each.id)
            if (
                self._load.is_clock_true
                and due is not None
                and known.answer is Answer.ON_AIR
                and at_ms < due.timestamp() * 1000
            ):
                violations.append(f"{self.name}/{known.key}: due at {due}, but on air at {at_ms}")
        for known in held.values():
            if has_lost and known.answer is not Answer.ON_AIR:
                known.answer = Answer.UNKNOWN  # the server may have lost the item or its receipt
        return violations

    async def _submit(self, redis: Redis, submission: Submission, attempt: Attempt) -> None:
        """Submit until there is an answer. Give up after one failed try in twenty."""
        while True:
            try:
                async with asyncio.timeout(LAST_ATTEMPT_S if self._load.is_ending else self._attempt_s):
                    receipt = await self._attempt(redis, submission, attempt)
            except _LOST as error:
                attempt.trace.append(type(error).__name__)
                await self._load.count_event()
                await asyncio.sleep(self._load.rng.uniform(0.02, 0.15))
                if not self._load.is_ending and self._load.rng.random() < 0.05:
                    return
            else:
                self._record(submission, attempt, receipt)
                await self._load.count_event()
                return

    async def _attempt(self, redis: Redis, submission: Submission, attempt: Attempt) -> Receipt | None:
        await register(redis, self._edition, self.name)
        after = await last_receipt_id(redis, self._edition, self.name)
        until = await redis_ms(redis) + int(submission.deadline_s * 1000)
        submission = msgspec.structs.replace(submission, deadline_at_ms=until)
        attempt.trace.append(f"submits after {after}, {submission.deadline_s:g} s")
        sent = await submit(redis, self._edition, self.name, submission)
        attempt.trace.append(f"sent {sent}")
        stored = await await_receipt(
            redis, self._edition, self.name, key=submission.key, after=after, deadline_at_ms=until, submission=sent
        )
        # None is about this submission only. An earlier one with the same key may have a receipt that was never read.
        return await self._earlier(redis, submission.key) if stored is None else stored.receipt

    async def _earlier(self, redis: Redis, key: str) -> Receipt | None:
        stored = await read_receipts(redis, self._edition, self.name, count=10_000)
        earlier = [each for each in stored if each.receipt.key == key]
        on_air = [each for each in earlier if each.receipt.position is not None]
        held = [each for each in earlier if each.receipt.status is ReceiptStatus.HELD]
        found = next(iter([*on_air[-1:], *held[-1:]]), None)
        if found is None or not await is_safe_from_loss(redis, self._edition, self.name, found):
            return None
        return found.receipt

    def _record(self, submission: Submission, attempt: Attempt, receipt: Receipt | None) -> None:
        record_answer(attempt, receipt, is_clock_true=self._load.is_clock_true)
        if receipt is not None and receipt.held is not None and receipt.status is ReceiptStatus.HELD:
            attempt.was_held, attempt.due_at = True, receipt.due_at
            self._load.held.append((receipt.held, attempt))
        if receipt is None or receipt.id is None or receipt.status is not ReceiptStatus.ON_AIR:
            return
        self._on_air.append((submission, attempt))
        match submission.change:
            case Change.WITHDRAW:
                self._lines.pop(receipt.id, None)
            case Change.HIDE:
                self._lines[receipt.id] = Status.WITHHELD
            case _:
                self._lines[receipt.id] = Status.USABLE


_FIELDS: Final[tuple[dict[str, Any], ...]] = (
    {},
    {},
    {"section": "sports", "urgency": 2},
    {"regions": ("asia", "europe"), "attribution": "Agency"},
    {"url": "https://news.example/story", "coverage": "quake"},
    {"undo_s": 0.3},
    {"undo_s": 1.0, "section": "sports"},
    {"urgency": 1},  # needs a second person
)
_CHANGES: Final = (
    Change.UPDATE,
    Change.REFILE,
    Change.CORRECT,
    Change.WITHDRAW,
    Change.WITHDRAW,
    Change.HIDE,
    Change.UNHIDE,
    Change.PIN,
    Change.UNPIN,
)


def record_answer(attempt: Attempt, receipt: Receipt | None, *, is_clock_true: bool = True) -> None:
    """Record the answer to a submission. No receipt means never on air, unless the clock was set back."""
    attempt.trace.append("no receipt by the deadline" if receipt is None else f"{receipt.status} {receipt.position}")
    if receipt is None:
        if attempt.answer is not Answer.ON_AIR:
            attempt.answer = Answer.NEVER if is_clock_true else Answer.UNKNOWN
        return
    match receipt.status:
        case ReceiptStatus.ON_AIR:
            assert receipt.position is not None
            attempt.answer = Answer.ON_AIR
            attempt.positions.append(receipt.position)
        case ReceiptStatus.REFUSED | ReceiptStatus.DROPPED:
            attempt.answer = Answer.REFUSED
        case ReceiptStatus.HELD:
            attempt.answer = Answer.HELD
        case ReceiptStatus.LATE:
            attempt.answer = Answer.NEVER
        case ReceiptStatus.NOT_ON_AIR:
            attempt.answer = Answer.NEVER if is_clock_true else Answer.UNKNOWN
        case ReceiptStatus.UNKNOWN:
            attempt.answer = Answer.UNKNOWN


EXIT_CODES: Final[Mapping[ReceiptStatus, int]] = {
    ReceiptStatus.ON_AIR: 0,
    ReceiptStatus.REFUSED: 3,
    ReceiptStatus.LATE: 4,
    ReceiptStatus.NOT_ON_AIR: 4,
    ReceiptStatus.HELD: 5,
    ReceiptStatus.UNKNOWN: 6,
}


class TickEditor:
    """An editor that uses the real `tick`, one process per submission."""

    def __init__(self, environ: Mapping[str, str], load: Load, folder: Path) -> None:
        self._environ = {**environ, "TICK_EDITOR": "terminal", "TICKER_DATA": str(folder)}
        self._load = load
        self.violations: list[str] = []

    async def run(self, count: int) -> None:
        for number in range(count):
            key = f"terminal-{number}"
            attempt = Attempt("terminal", key, f"Line {key} of load {self._load.rng.randrange(10**9)}")
            self._load.attempts.append(attempt)
            await self._post(attempt, is_first=True)
            while attempt.answer is Answer.UNKNOWN and self._load.is_ending and self._load.is_clock_true:
                await self._post(attempt, is_first=False)  # as the message advises: again with the same key
            await self._load.count_event()

    async def _post(self, attempt: Attempt, *, is_first: bool) -> None:
        assert attempt.text is not None
        wait_s = "60" if self._load.is_ending else "3"
        words = ["post", attempt.text, "-e", "en", "--json", "--no-reach", "--wait", wait_s, "--key", attempt.key]
        ran = await asyncio.to_thread(run_program, "tick", *words, environ=self._environ)
        self._check(ran, attempt, is_first=is_first)

    def _check(self, ran: Ran, attempt: Attempt, *, is_first: bool) -> None:
        if "Traceback" in ran.err or not ran.out.startswith("{"):
            self.violations.append(f"tick printed {ran}")
            return
        document = ran.out.encode()
        if b'"status"' not in document:  # nothing was sent, for example because the edition could not be read
            attempt.answer = Answer.NEVER if is_first else Answer.UNKNOWN
            return
        receipt = decode_receipt(document)
        if EXIT_CODES[receipt.status] != ran.code:
            self.violations.append(f"tick exited with {ran.code} for {receipt.status}")
        # The answer is about this submission, not about an earlier one with the same key.
        record_answer(attempt, receipt, is_clock_true=self._load.is_clock_true and is_first)
