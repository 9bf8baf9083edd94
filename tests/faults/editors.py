"""The load: editors who submit, hear or don't hear what became of it, and ask again with the same key."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from contextlib import aclosing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from tests.faults.model import Asked, Told
from tests.support.system import Ran, run_program
from ticker.core.errors import TickerError
from ticker.core.line import Change, Status
from ticker.core.submission import Decision, DecisionRequest, Receipt, ReceiptStatus, Submission, decode_receipt
from ticker.store.connection import CLIENT_ERRORS, Redis, connect
from ticker.store.editors import register
from ticker.store.inbox import submit
from ticker.store.receipts import await_receipt, last_receipt_id, read_receipts
from ticker.store.streams import milliseconds_of, redis_ms

ATTEMPT_S: Final = 0.7
DEADLINE_S: Final = 20.0
HASTY_S: Final = 0.4
_LOST = (*CLIENT_ERRORS, OSError, TimeoutError, TickerError)


class Load:
    """What all editors share: the events so far, and what was asked."""

    def __init__(self, chance: random.Random, *, clock_is_true: bool) -> None:
        self.chance = chance
        self.clock_is_true = clock_is_true
        self.asked: list[Asked] = []
        self.held: list[tuple[str, Asked]] = []  # what was held, by its id: somebody may rule on it
        self.events = 0
        self.is_ending = False  # from then on, only what is under way is asked to its end
        self._more = asyncio.Condition()

    async def event(self) -> None:
        self.events += 1
        async with self._more:
            self._more.notify_all()

    async def until(self, events: int) -> None:
        async with self._more:
            await self._more.wait_for(lambda: self.events >= events)

    def count(self, told: Told) -> int:
        return sum(each.told is told for each in self.asked)


class Editor:
    """An editor at a client library: does one thing after the other, with lines of its own."""

    def __init__(self, name: str, url: str, load: Load, *, edition: str = "en", pause_s: float = 0.01) -> None:
        self.name = name
        self._edition = edition
        self._pause_s = pause_s
        self._url = url
        self._load = load
        self._lines: dict[str, Status] = {}
        self._count = 0
        self._on_air: list[tuple[Submission, Asked]] = []

    async def run(self) -> None:
        """Go on until the load is ending and the last submission is told of."""
        async with aclosing(connect(self._url, role="tick", blocking=True)) as redis:
            while not self._load.is_ending:
                await self._rule(redis)
                await self._ask(redis, *self._next())
                await asyncio.sleep(self._load.chance.uniform(0, self._pause_s))  # it types

    def _next(self) -> tuple[Submission, Asked]:
        chance = self._load.chance
        if self._on_air and chance.random() < 0.06:
            return chance.choice(self._on_air)  # the same again: it gets the first one's receipt
        self._count += 1
        key = f"{self.name}-{self._count}"
        fields = self._change(key)
        text = fields.get("text")
        deadline_s = HASTY_S if chance.random() < 0.2 else DEADLINE_S
        asked = Asked(self.name, key, text if isinstance(text, str) and text else None)
        self._load.asked.append(asked)
        return Submission(key=key, deadline_s=deadline_s, **fields), asked

    def _change(self, key: str) -> dict[str, Any]:
        chance = self._load.chance
        shown = [line_id for line_id, status in self._lines.items() if status is Status.USABLE]
        text = f"Line {key} of load {chance.randrange(10**9)}"
        if chance.random() < 0.05:
            return {"change": Change.NEW, "text": " "}  # refused
        if not shown or chance.random() < 0.45:
            return {"change": Change.NEW, "text": text, **chance.choice(_KINDS)}
        line_id = chance.choice(shown)
        held = [line_id for line_id, status in self._lines.items() if status is Status.WITHHELD]
        change = chance.choice(_CHANGES)
        match change:
            case Change.UPDATE | Change.REFILE:
                return {"change": change, "id": line_id, "text": text}
            case Change.CORRECT:
                return {"change": change, "id": line_id, "text": text, "reason": "The number was wrong."}
            case Change.WITHDRAW:
                return {"change": change, "id": chance.choice([line_id, *held]), "reason": "It was not so."}
            case Change.UNHIDE:
                return {"change": change, "id": chance.choice(held or [line_id])}
            case Change.PIN:
                return {"change": change, "id": line_id, "pinned_until": datetime.now(UTC) + timedelta(hours=20)}
            case _:
                return {"change": change, "id": line_id}

    async def _rule(self, redis: Redis) -> None:
        """Now and then, say what is to become of something held. Whether it got there is nobody's worry here."""
        load = self._load
        if not load.held or load.chance.random() > 0.15:
            return
        held, asked = load.held.pop(load.chance.randrange(len(load.held)))
        decision = load.chance.choice(tuple(Decision))
        ruling = DecisionRequest(
            key=f"{self.name}-on-{held}", decision=decision, held=held, deadline_s=DEADLINE_S, reason="It was decided."
        )
        asked.trace.append(f"{self.name}: {decision}")
        with suppress(*_LOST):
            async with asyncio.timeout(ATTEMPT_S):
                await submit(redis, self._edition, self.name, ruling)

    async def hear_the_end(self, redis: Redis, *, has_lost: bool, clock_is_true: bool) -> list[str]:
        """Take down what became of all that was held, and what went out before its time."""
        stored = await read_receipts(redis, self._edition, self.name, count=10_000)
        asked = {each.key: each for each in self._load.asked if each.editor == self.name and each.was_held}
        violations = []
        for each in stored:
            if (known := asked.get(each.receipt.key)) is None or each.receipt.status is ReceiptStatus.HELD:
                continue
            hear(known, each.receipt)
            due, at_ms = known.due_at, milliseconds_of(each.id)
            if clock_is_true and due is not None and known.told is Told.ON_AIR and at_ms < due.timestamp() * 1000:
                violations.append(f"{self.name}/{known.key}: due at {due}, and on air at {at_ms}")
        for known in asked.values():
            if has_lost and known.told is not Told.ON_AIR:
                known.told = Told.UNKNOWN  # the server lost it, or what was said of it
        return violations

    async def _ask(self, redis: Redis, submission: Submission, asked: Asked) -> None:
        """Submit until something is known, or one time in twenty give up."""
        while True:
            try:
                async with asyncio.timeout(ATTEMPT_S):
                    receipt = await self._attempt(redis, submission, asked)
            except _LOST as error:
                asked.trace.append(type(error).__name__)
                await self._load.event()
                await asyncio.sleep(self._load.chance.uniform(0.02, 0.15))
                if not self._load.is_ending and self._load.chance.random() < 0.05:
                    return
            else:
                self._hear(submission, asked, receipt)
                await self._load.event()
                return

    async def _attempt(self, redis: Redis, submission: Submission, asked: Asked) -> Receipt | None:
        await register(redis, self._edition, self.name)
        after = await last_receipt_id(redis, self._edition, self.name)
        until = await redis_ms(redis) + int(submission.deadline_s * 1000)
        submission = msgspec.structs.replace(submission, deadline_at_ms=until)
        asked.trace.append(f"submits after {after}, {submission.deadline_s:g} s")
        sent = await submit(redis, self._edition, self.name, submission)
        asked.trace.append(f"sent {sent}")
        stored = await await_receipt(
            redis, self._edition, self.name, key=submission.key, after=after, deadline_at_ms=until, submission=sent
        )
        # None is said of this submission. One before it with the same key may have got its receipt unheard.
        return await self._earlier(redis, submission.key) if stored is None else stored.receipt

    async def _earlier(self, redis: Redis, key: str) -> Receipt | None:
        stored = await read_receipts(redis, self._edition, self.name, count=10_000)
        on_air = [each.receipt for each in stored if each.receipt.key == key and each.receipt.position is not None]
        return on_air[-1] if on_air else None

    def _hear(self, submission: Submission, asked: Asked, receipt: Receipt | None) -> None:
        hear(asked, receipt, clock_is_true=self._load.clock_is_true)
        if receipt is not None and receipt.held is not None and receipt.status is ReceiptStatus.HELD:
            asked.was_held, asked.due_at = True, receipt.due_at
            self._load.held.append((receipt.held, asked))
        if receipt is None or receipt.id is None or receipt.status is not ReceiptStatus.ON_AIR:
            return
        self._on_air.append((submission, asked))
        match submission.change:
            case Change.WITHDRAW:
                self._lines.pop(receipt.id, None)
            case Change.HIDE:
                self._lines[receipt.id] = Status.WITHHELD
            case _:
                self._lines[receipt.id] = Status.USABLE


_KINDS: Final[tuple[dict[str, Any], ...]] = (
    {},
    {},
    {"section": "sports", "urgency": 2},
    {"regions": ("asia", "europe"), "attribution": "Agency"},
    {"url": "https://news.example/story", "coverage": "quake"},
    {"undo_s": 0.3},
    {"undo_s": 1.0, "section": "sports"},
    {"urgency": 1},  # waits for a second person
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


def hear(asked: Asked, receipt: Receipt | None, *, clock_is_true: bool = True) -> None:
    """Take down what an editor was told. None is the certainty that it never comes, by a clock that isn't set back."""
    asked.trace.append("no receipt, for certain" if receipt is None else f"{receipt.status} {receipt.position}")
    if receipt is None:
        if asked.told is not Told.ON_AIR:
            asked.told = Told.NEVER if clock_is_true else Told.UNKNOWN
        return
    match receipt.status:
        case ReceiptStatus.ON_AIR:
            assert receipt.position is not None
            asked.told = Told.ON_AIR
            asked.positions.append(receipt.position)
        case ReceiptStatus.REFUSED | ReceiptStatus.DROPPED:
            asked.told = Told.REFUSED
        case ReceiptStatus.HELD:
            asked.told = Told.HELD
        case ReceiptStatus.LATE:
            asked.told = Told.NEVER
        case ReceiptStatus.NOT_ON_AIR:
            certain = receipt.errors[0].code in ("no-desk", "no-redis") and clock_is_true
            asked.told = Told.NEVER if certain else Told.UNKNOWN


CODES: Final[Mapping[ReceiptStatus, int]] = {
    ReceiptStatus.ON_AIR: 0,
    ReceiptStatus.REFUSED: 3,
    ReceiptStatus.LATE: 4,
    ReceiptStatus.NOT_ON_AIR: 4,
    ReceiptStatus.HELD: 5,
}


class Tick:
    """An editor at a terminal: the real `tick`, one process a submission."""

    def __init__(self, environ: Mapping[str, str], load: Load, folder: Path) -> None:
        self._environ = {**environ, "TICK_EDITOR": "terminal", "TICKER_DATA": str(folder)}
        self._load = load
        self.violations: list[str] = []

    async def run(self, count: int) -> None:
        for number in range(count):
            key = f"terminal-{number}"
            asked = Asked("terminal", key, f"Line {key} of load {self._load.chance.randrange(10**9)}")
            self._load.asked.append(asked)
            await self._post(asked, is_first=True)
            while asked.told is Told.UNKNOWN and self._load.is_ending and self._load.clock_is_true:
                await self._post(asked, is_first=False)  # as the message says: again with the same key
            await self._load.event()

    async def _post(self, asked: Asked, *, is_first: bool) -> None:
        assert asked.text is not None
        words = ["post", asked.text, "-e", "en", "--json", "--no-reach", "--wait", "3", "--key", asked.key]
        ran = await asyncio.to_thread(run_program, "tick", *words, environ=self._environ)
        self._check(ran, asked, is_first=is_first)

    def _check(self, ran: Ran, asked: Asked, *, is_first: bool) -> None:
        if "Traceback" in ran.err or not ran.out.startswith("{"):
            self.violations.append(f"tick said {ran}")
            return
        document = ran.out.encode()
        if b'"status"' not in document:  # e.g. the edition isn't there at this moment: nothing was sent
            asked.told = Told.NEVER if is_first else Told.UNKNOWN
            return
        receipt = decode_receipt(document)
        if CODES[receipt.status] != ran.code:
            self.violations.append(f"tick ended with {ran.code} and said {receipt.status}")
        # What it says of this submission isn't said of one before it with the same key.
        hear(asked, receipt, clock_is_true=self._load.clock_is_true and is_first)
