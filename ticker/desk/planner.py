"""What is to become of a batch of requests, and of what is held and due: decided without I/O, on a ledger that stays.

Each decision stands on those before it in the batch. Only once Redis has settled them does the ledger take them in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Final

import msgspec

from ticker.core.entry import Entry, Logged, encode_entry
from ticker.core.errors import UNREADABLE, SubmissionError
from ticker.core.held import Held, encode_held
from ticker.core.outcome import Context, DecisionOutcome, Hold, Publish, Refuse, decide, decide_held, publish_held
from ticker.core.position import next_link
from ticker.core.submission import (
    KEY_MAX,
    DecisionRequest,
    Finding,
    Receipt,
    ReceiptStatus,
    Submission,
    decode_request,
    encode_receipt,
)
from ticker.desk.ledger import Answer, HeldBytes, Ledger
from ticker.desk.receipts import action_of, receipt_for
from ticker.store.append import AHEAD_MS, Head, HeldChange, NewEntry, Settlement
from ticker.store.inbox import deadline_at_ms
from ticker.store.streams import milliseconds_of

LAST_MS: Final = 253_402_300_799_999
"""The end of year 9999: an id after it is no time at all."""

SALVAGE_BYTES: Final = 1024 * 1024
"""Above this size not even the key is looked for."""


class Waiting(msgspec.Struct, frozen=True):
    """A request in an inbox; `data` is what an editor put there, if it put anything where a request belongs.

    What is held and due comes by itself: its `id` is empty, and `editor` is its author.
    """

    editor: str
    id: str
    data: bytes = b""
    is_ahead: bool = False

    @property
    def is_by_itself(self) -> bool:
        return not self.id

    @property
    def submitted_ms(self) -> int:
        return milliseconds_of(self.id)

    def seen_at(self, redis_ms: int) -> Waiting:
        """The same, marked if its id is ahead of Redis's clock."""
        is_ahead = self.is_ahead or self.submitted_ms > redis_ms + AHEAD_MS
        return msgspec.structs.replace(self, is_ahead=is_ahead)


class Answered(msgspec.Struct, frozen=True):
    """Which key of which editor gets which answer."""

    editor: str
    key: str
    answer: Answer


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """One settlement, and what the ledger takes in when it has come about.

    `answers` begins with the one to whoever asked; the author of what was held has one besides. `logged` is the entry
    that it makes, `held` what is put in the place of something held (None: nothing). `repeats` is true for a key that
    had been answered. `refused` are the codes of what refused it. `failure` is the error in our own rules because of
    which it was refused.
    """

    waiting: Waiting
    settlement: Settlement
    answers: tuple[Answered, ...]
    logged: Logged | None = None
    held: HeldBytes | None = None
    repeats: bool = False
    refused: tuple[str, ...] = ()
    failure: Exception | None = None

    @property
    def status(self) -> ReceiptStatus:
        return self.answers[0].answer.status

    @property
    def is_overdue(self) -> bool:
        """Whether the time of something held has passed while no desk was there."""
        return self.waiting.is_by_itself and self.held is not None and self.held[1].overdue


class Chance(msgspec.Struct, frozen=True, kw_only=True):
    """What decisions need from outside: the time, an id for what is new, and the bounds on what is asked.

    `now` is by the desk's clock, `redis_now` by Redis's.
    """

    now: datetime
    redis_now: datetime
    new_id: Callable[[], str]
    submission_bytes: int
    deadline_s: float
    held_max: int
    overdue_after_s: float


def plan(ledger: Ledger, batch: Sequence[Waiting], chance: Chance) -> list[Planned]:
    """Decide on requests in order.

    Where the log has a fault, those that would need it are left out, and so is all that waits behind them in the same
    inbox, until their deadlines have passed.
    """
    draft = _Draft(ledger, chance)
    stuck: set[str] = set()
    planned: list[Planned] = []
    for waiting in batch:
        if waiting.editor in stuck:
            continue
        settled = draft.settle(waiting)
        if settled is None:
            stuck.add(waiting.editor)
        else:
            planned.append(settled)
    return planned


def plan_due(ledger: Ledger, chance: Chance, most: int) -> list[Planned]:
    """Decide on what is held and due, the earliest first, at most so many. Nothing where the log has a fault."""
    if ledger.fault is not None:
        return []
    due = [held for _, held in ledger.held.values() if held.is_due(chance.redis_now)]
    due.sort(key=lambda held: (held.due_at or held.submitted_at, held.submitted_at))
    draft = _Draft(ledger, chance)
    return [draft.settle_due(held) for held in due[:most]]


def next_due(ledger: Ledger) -> datetime | None:
    """When the next of what is held goes on air by itself; None where nothing does."""
    waiting = (held for _, held in ledger.held.values() if not held.waits_for_person)
    return min((held.due_at or held.submitted_at for held in waiting), default=None)


def take_in(ledger: Ledger, planned: Planned) -> None:
    """Bring the ledger up to a settlement that has come about."""
    if planned.logged is not None:
        ledger.append(planned.logged.link, planned.logged.entry)
    if (change := planned.settlement.held) is not None:
        ledger.held.pop(change.id, None)
        if planned.held is not None:
            ledger.held[change.id] = planned.held
    if not planned.waiting.is_by_itself:
        ledger.cursors[planned.waiting.editor] = planned.waiting.id
    for answered in planned.answers:
        if answered.key:
            ledger.remember(answered.editor, answered.key, answered.answer)


class _Draft:
    """A ledger with a batch's settlements on top."""

    def __init__(self, ledger: Ledger, chance: Chance) -> None:
        self._ledger = ledger
        self._chance = chance
        self._head: Head | None = None if ledger.fault else ledger.head
        self._entries: dict[str, Entry] = {}
        self._held: dict[str, HeldBytes | None] = {}
        self._answers: dict[tuple[str, str], Answer] = {}
        self._cursors: dict[str, str] = {}

    def get(self, line_id: str, /) -> Entry | None:
        """The latest entry of a line (with `newest_first`, this is a `Lines`)."""
        return self._entries.get(line_id) or self._ledger.board.get(line_id)

    def newest_first(self) -> Iterator[Entry]:
        board = self._ledger.board
        if not self._entries:
            return board.newest_first()
        new = reversed([entry for line_id, entry in self._entries.items() if line_id not in board])
        return chain(new, (self._entries.get(entry.line.id, entry) for entry in board.newest_first()))

    def settle(self, waiting: Waiting) -> Planned | None:
        """What becomes of a request; None for one that has to wait until the log's fault is mended."""
        planned = self._planned(waiting)
        if planned is not None:
            self._cursors[waiting.editor] = waiting.id
            self._stand_on(planned)
        return planned

    def settle_due(self, held: Held) -> Planned:
        """What becomes of something held whose time has come."""
        assert self._head is not None, "what is due waits while the log has a fault"
        failure: Exception | None = None
        verdict: DecisionOutcome
        if self._is_overdue(held):
            verdict = Hold(msgspec.structs.replace(held, overdue=True))
        elif held.editor not in self._ledger.roles:
            verdict = Hold(msgspec.structs.replace(held, needs=(*held.needs, _removed(held)), approved_by=None))
        else:
            try:
                verdict = publish_held(held, self._context(held.editor, held.submitted_at, self._head))
            except Exception as error:  # noqa: BLE001 - or what our rules choke on would be tried for ever
                verdict, failure = Refuse((_FAILURE,)), error
        planned = self._settled(Waiting(held.editor, ""), None, verdict, held, failure=failure)
        self._stand_on(planned)
        return planned

    def _is_overdue(self, held: Held) -> bool:
        late = self._chance.redis_now - (held.due_at or held.submitted_at)
        return late > timedelta(seconds=self._chance.overdue_after_s)

    def _stand_on(self, planned: Planned) -> None:
        """Let what follows in the batch stand on this settlement."""
        if planned.logged is not None:
            self._entries[planned.logged.entry.line.id] = planned.logged.entry
            self._head = Head(planned.logged.seq, planned.logged.link)
        if planned.settlement.held is not None:
            self._held[planned.settlement.held.id] = planned.held
        for answered in planned.answers:
            self._answers[answered.editor, answered.key] = answered.answer

    def _planned(self, waiting: Waiting) -> Planned | None:
        try:
            request = decode_request(waiting.data, self._chance.submission_bytes)
        except SubmissionError as error:
            key = _salvage_key(waiting.data)
            receipt = receipt_for(self._ledger.name, key, None, Refuse((Finding(error.code, str(error)),)))
            refused = self._answered(waiting, key, self._answer(receipt), refused=(error.code,))
            return self._repeated(waiting, key) or refused
        return self._repeated(waiting, request.key) or self._decided(waiting, request)

    def _repeated(self, waiting: Waiting, key: str) -> Planned | None:
        if not key:
            return None
        found = (waiting.editor, key)
        answer = self._answers.get(found) or self._ledger.find_answer(*found)
        if answer is None or (answer.late_ms is not None and waiting.submitted_ms > answer.late_ms):
            return None
        return self._answered(waiting, key, answer, repeats=True)

    def _decided(self, waiting: Waiting, request: Submission | DecisionRequest) -> Planned | None:
        if waiting.is_ahead or waiting.submitted_ms > LAST_MS:
            ahead = msgspec.structs.replace(waiting, is_ahead=True)
            return self._late(ahead, request, self._ledger.redis_ms, _AHEAD)
        deadline_s = min(request.deadline_s, self._chance.deadline_s)
        until = deadline_at_ms(waiting.id, deadline_s)
        if request.deadline_at_ms is not None:
            until = min(until, request.deadline_at_ms)
        if self._ledger.redis_ms > until:
            return self._late(waiting, request, until, *self._why_late(deadline_s))
        if self._head is None:
            return None
        try:
            verdict, held = self._verdict(waiting, request, self._head)
            return self._settled(waiting, request, verdict, held, until=until)
        except Exception as error:  # noqa: BLE001 - or one request that our rules choke on would stop the edition
            return self._settled(waiting, request, Refuse((_FAILURE,)), None, failure=error)

    def _verdict(
        self, waiting: Waiting, request: Submission | DecisionRequest, head: Head
    ) -> tuple[DecisionOutcome, Held | None]:
        """What is to become of a request, and of what is held that it is about."""
        submitted = datetime.fromtimestamp(waiting.submitted_ms / 1000, UTC)
        at = self._context(waiting.editor, submitted, head)
        if isinstance(request, DecisionRequest):
            found = self._find_held(request.held)
            if found is None:
                return Refuse((_nothing_held(request.held),)), None
            return decide_held(request, found[1], at), found[1]
        verdict: DecisionOutcome = decide(request, at)
        if isinstance(verdict, Hold) and self._held_count() >= self._chance.held_max:
            verdict = Refuse((_full(self._chance.held_max),), latest=verdict.latest)
        return verdict, None

    def _find_held(self, held_id: str) -> HeldBytes | None:
        return self._held[held_id] if held_id in self._held else self._ledger.held.get(held_id)

    def _held_count(self) -> int:
        return len(self._ledger.held.keys() | self._held.keys()) - list(self._held.values()).count(None)

    def _context(self, editor: str, submitted: datetime, head: Head) -> Context:
        return Context(
            edition=self._ledger.edition,
            board=self,
            editor=editor,
            role=self._ledger.role_of(editor),
            submitted_at=submitted,
            now=self._chance.now,
            earliest_now=min(self._chance.now, self._chance.redis_now),
            seq=head.seq + 1,
            new_id=self._unused_id(),
        )

    def _unused_id(self) -> str:
        new_id = self._chance.new_id()
        while self.get(new_id) is not None or self._find_held(new_id) is not None:
            new_id = self._chance.new_id()
        return new_id

    def _settled(
        self,
        waiting: Waiting,
        request: Submission | DecisionRequest | None,
        verdict: DecisionOutcome,
        held: Held | None,
        *,
        until: int | None = None,
        failure: Exception | None = None,
    ) -> Planned:
        """What follows from a verdict on a request, or (None) on what is `held` and comes by itself."""
        entry, logged = self._appended(verdict)
        after = (encode_held(verdict.held), verdict.held) if isinstance(verdict, Hold) else None
        by = waiting.editor if isinstance(request, DecisionRequest) else None
        answers = list[Answered]()
        if request is not None:
            receipt = receipt_for(
                self._ledger.name, request.key, action_of(request), verdict, logged=logged, held=held, decided_by=by
            )
            answers.append(Answered(waiting.editor, request.key, self._answer(receipt)))
        change: HeldChange | None = None
        is_kept = isinstance(verdict, Refuse) and request is not None  # a ruling that was refused changes nothing
        if held is not None and not is_kept:
            submission = held.submission
            receipt = receipt_for(
                self._ledger.name,
                submission.key,
                action_of(submission),
                verdict,
                logged=logged,
                held=held,
                decided_by=by,
            )
            answers.append(Answered(held.editor, submission.key, self._answer(receipt)))
            change = self._held_change(held, after, answers[-1].answer, is_published=logged is not None)
        elif after is not None:
            change = HeldChange(id=after[1].id, before=b"", after=after[0], author=waiting.editor)
        settlement = self._settlement(
            waiting,
            answers[0].answer,
            entry=entry,
            held=change,
            deadline_at_ms=until if entry is not None or after is not None else None,
        )
        return Planned(
            waiting=waiting,
            settlement=settlement,
            answers=tuple(answers),
            logged=logged,
            held=after,
            refused=tuple(finding.code for finding in verdict.errors) if isinstance(verdict, Refuse) else (),
            failure=failure,
        )

    def _appended(self, verdict: DecisionOutcome) -> tuple[NewEntry | None, Logged | None]:
        if not isinstance(verdict, Publish):
            return None, None
        assert self._head is not None, "nothing is published on a log with a fault"
        data = encode_entry(verdict.entry)
        logged = Logged(self._head.seq + 1, next_link(self._head.link, data), verdict.entry)
        return NewEntry(data, logged.link), logged

    def _held_change(self, held: Held, after: HeldBytes | None, authors: Answer, *, is_published: bool) -> HeldChange:
        before = self._find_held(held.id)
        assert before is not None, "what is ruled on is held"
        return HeldChange(
            id=held.id,
            before=before[0],
            after=b"" if after is None else after[0],
            author=held.editor,
            receipt=authors.receipt,
            not_before_ms=int(held.due_at.timestamp() * 1000) if is_published and held.due_at is not None else None,
        )

    def _late(self, waiting: Waiting, request: Submission | DecisionRequest, late_ms: int, *errors: Finding) -> Planned:
        receipt = Receipt(
            status=ReceiptStatus.LATE,
            edition=self._ledger.name,
            key=request.key,
            action=action_of(request),
            errors=errors,
        )
        return self._answered(waiting, request.key, self._answer(receipt, late_ms))

    def _why_late(self, deadline_s: float) -> tuple[Finding, ...]:
        late = Finding("late", f"no desk could take it within {max(0.0, deadline_s):g} s: see if it is still news")
        fault = self._ledger.fault
        return (late,) if fault is None else (late, Finding("log", f"the edition takes no lines: {fault}"))

    def _answer(self, receipt: Receipt, late_ms: int | None = None) -> Answer:
        receipt = msgspec.structs.replace(receipt, test=self._ledger.edition.test)
        return Answer(encode_receipt(receipt), receipt.status, late_ms)

    def _answered(
        self, waiting: Waiting, key: str, answer: Answer, *, repeats: bool = False, refused: tuple[str, ...] = ()
    ) -> Planned:
        """Settle a request with nothing but an answer."""
        settlement = self._settlement(waiting, answer, deadline_at_ms=answer.late_ms)
        answers = (Answered(waiting.editor, key, answer),)
        return Planned(waiting=waiting, settlement=settlement, answers=answers, repeats=repeats, refused=refused)

    def _settlement(
        self,
        waiting: Waiting,
        answer: Answer,
        *,
        entry: NewEntry | None = None,
        held: HeldChange | None = None,
        deadline_at_ms: int | None = None,
    ) -> Settlement:
        return Settlement(
            editor=waiting.editor,
            cursor="" if waiting.is_by_itself else self._cursor(waiting.editor),
            submission=waiting.id,
            receipt=answer.receipt,
            entry=entry,
            held=held,
            deadline_at_ms=deadline_at_ms,
            is_ahead=not waiting.is_by_itself and (waiting.is_ahead or waiting.submitted_ms > LAST_MS),
        )

    def _cursor(self, editor: str) -> str:
        return self._cursors.get(editor) or self._ledger.cursor(editor)


_AHEAD: Final = Finding(
    "clock", "the inbox was ahead of the server's clock, so its age can't be told: it was begun anew, submit again"
)
_FAILURE: Final = Finding("internal", "the desk failed on this submission: its log has the details, please report it")


def _nothing_held(held_id: str) -> Finding:
    return Finding("unknown", f"nothing is held as {held_id[:40]!a}: see `tick pending` and `tick scheduled`")


def _removed(held: Held) -> Finding:
    return Finding("removed", f"{held.editor} may no longer post here: another person has to approve it")


def _full(most: int) -> Finding:
    return Finding("held", f"{most} submissions are held already (setting `held`): cancel or approve some")


class _Keyed(msgspec.Struct):
    key: str


def _salvage_key(data: bytes) -> str:
    """The key of what is no submission; empty if it has none that could be one."""
    if len(data) > SALVAGE_BYTES:
        return ""
    try:
        key = msgspec.json.decode(data, type=_Keyed).key
    except UNREADABLE:
        return ""
    return key if 0 < len(key) <= KEY_MAX and key.isprintable() else ""
