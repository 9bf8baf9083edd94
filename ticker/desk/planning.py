"""What is to become of a batch of submissions: decided without I/O, on a ledger that stays as it is.

Each decision stands on those before it in the batch. Only once Redis has settled them does the ledger take them in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from ticker.core.entry import Entry, Logged, encode_entry
from ticker.core.errors import UNREADABLE, SubmissionError
from ticker.core.line import Change
from ticker.core.position import next_link
from ticker.core.submission import (
    KEY_MAX,
    Finding,
    Outcome,
    Receipt,
    Submission,
    decode_submission,
    encode_receipt,
)
from ticker.core.verdict import Circumstances, Publish, Refuse, decide
from ticker.desk.ledger import Answer, Ledger
from ticker.store.append import AHEAD_MS, Head, NewEntry, Settlement
from ticker.store.inbox import until_ms
from ticker.store.streams import milliseconds_of

LAST_MS: Final = 253_402_300_799_999
"""The end of year 9999: an id after it is no time at all."""

SALVAGE_BYTES: Final = 1024 * 1024
"""Above this size not even the key is looked for."""


class Waiting(msgspec.Struct, frozen=True):
    """A submission in an inbox; `data` is what an editor put there, if it put anything where a submission belongs."""

    editor: str
    id: str
    data: bytes
    is_ahead: bool = False

    @property
    def submitted_ms(self) -> int:
        return milliseconds_of(self.id)

    def seen_at(self, redis_ms: int) -> Waiting:
        """The same, marked if its id is ahead of Redis's clock."""
        is_ahead = self.is_ahead or self.submitted_ms > redis_ms + AHEAD_MS
        return msgspec.structs.replace(self, is_ahead=is_ahead)


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """One submission's settlement, and what the ledger takes in when it has come about.

    `logged` is the entry that it makes. `repeats` is true for a key that had been answered. `failure` is the error in
    our own rules because of which it was refused.
    """

    waiting: Waiting
    settlement: Settlement
    key: str
    answer: Answer
    logged: Logged | None = None
    repeats: bool = False
    failure: Exception | None = None


class Chance(msgspec.Struct, frozen=True):
    """What decisions need from outside: the time, an id for a new line, and the bounds on what is asked."""

    now: datetime
    new_line_id: Callable[[], str]
    submission_bytes: int
    deadline_s: float


def plan(ledger: Ledger, batch: Sequence[Waiting], chance: Chance) -> list[Planned]:
    """Decide on submissions in order.

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


def take_in(ledger: Ledger, planned: Planned) -> None:
    """Bring the ledger up to a settlement that has come about."""
    if planned.logged is not None:
        ledger.append(planned.logged.link, planned.logged.entry)
    ledger.cursors[planned.waiting.editor] = planned.waiting.id
    if planned.key:
        ledger.remember(planned.waiting.editor, planned.key, planned.answer)


class _Draft:
    """A ledger with a batch's settlements on top."""

    def __init__(self, ledger: Ledger, chance: Chance) -> None:
        self._ledger = ledger
        self._chance = chance
        self._head: Head | None = None if ledger.fault else ledger.head
        self._entries: dict[str, Entry] = {}
        self._answers: dict[tuple[str, str], Answer] = {}
        self._cursors: dict[str, str] = {}

    def get(self, line_id: str, /) -> Entry | None:
        """The latest entry of a line (this is a `Lines`)."""
        return self._entries.get(line_id) or self._ledger.board.get(line_id)

    def settle(self, waiting: Waiting) -> Planned | None:
        planned = self._planned(waiting)
        if planned is not None:
            self._cursors[waiting.editor] = waiting.id
            if planned.key:
                self._answers[waiting.editor, planned.key] = planned.answer
            if planned.logged is not None:
                self._entries[planned.logged.entry.line.id] = planned.logged.entry
                self._head = Head(planned.logged.seq, planned.logged.link)
        return planned

    def _planned(self, waiting: Waiting) -> Planned | None:
        try:
            submission = decode_submission(waiting.data, self._chance.submission_bytes)
        except SubmissionError as error:
            key = _salvage_key(waiting.data)
            return self._repeated(waiting, key) or self._refused(
                waiting, key, Refuse((Finding(error.code, str(error)),))
            )
        return self._repeated(waiting, submission.key) or self._decided(waiting, submission)

    def _repeated(self, waiting: Waiting, key: str) -> Planned | None:
        found = (waiting.editor, key)
        answer = self._answers.get(found) or self._ledger.find_answer(*found)
        if answer is None or (answer.late_ms is not None and waiting.submitted_ms > answer.late_ms):
            return None
        return self._settled(waiting, key, answer, repeats=True)

    def _decided(self, waiting: Waiting, submission: Submission) -> Planned | None:
        if waiting.is_ahead or waiting.submitted_ms > LAST_MS:
            ahead = msgspec.structs.replace(waiting, is_ahead=True)
            return self._late(ahead, submission.key, self._ledger.redis_ms, _AHEAD)
        deadline_s = min(submission.deadline_s, self._chance.deadline_s)
        until = until_ms(waiting.id, deadline_s)
        if submission.until_ms is not None:
            until = min(until, submission.until_ms)
        if self._ledger.redis_ms > until:
            return self._late(waiting, submission.key, until, *self._why_late(deadline_s))
        if self._head is None:
            return None
        try:
            verdict = decide(submission, self._circumstances(waiting, submission.change, self._head))
            if isinstance(verdict, Refuse):
                return self._refused(waiting, submission.key, verdict)
            return self._on_air(waiting, submission.key, verdict, self._head, until)
        except Exception as error:  # noqa: BLE001 - or one submission that our rules choke on would stop the edition
            return self._refused(waiting, submission.key, Refuse((_FAILURE,)), error)

    def _circumstances(self, waiting: Waiting, change: Change, head: Head) -> Circumstances:
        return Circumstances(
            edition=self._ledger.edition,
            board=self,
            editor=waiting.editor,
            submitted=datetime.fromtimestamp(waiting.submitted_ms / 1000, UTC),
            now=self._chance.now,
            seq=head.seq + 1,
            line_id=self._unused_line_id() if change is Change.NEW else "",
        )

    def _unused_line_id(self) -> str:
        line_id = self._chance.new_line_id()
        while self.get(line_id) is not None:
            line_id = self._chance.new_line_id()
        return line_id

    def _on_air(self, waiting: Waiting, key: str, verdict: Publish, head: Head, until: int) -> Planned:
        line, data = verdict.entry.line, encode_entry(verdict.entry)
        logged = Logged(head.seq + 1, next_link(head.link, data), verdict.entry)
        receipt = Receipt(
            status=Outcome.ON_AIR,
            edition=self._ledger.name,
            key=key,
            id=line.id,
            version=line.version,
            position=str(logged.position),
            published=line.updated,
            warnings=verdict.warnings,
        )
        return Planned(
            waiting=waiting,
            settlement=Settlement(
                editor=waiting.editor,
                cursor=self._cursor(waiting.editor),
                submission=waiting.id,
                receipt=(data_of_receipt := encode_receipt(receipt)),
                entry=NewEntry(data, logged.link),
                until_ms=until,
            ),
            key=key,
            answer=Answer(data_of_receipt, Outcome.ON_AIR),
            logged=logged,
        )

    def _refused(self, waiting: Waiting, key: str, verdict: Refuse, failure: Exception | None = None) -> Planned:
        latest = verdict.latest
        receipt = Receipt(
            status=Outcome.REFUSED,
            edition=self._ledger.name,
            key=key,
            id=None if latest is None else latest.id,
            version=None if latest is None else latest.version,
            warnings=verdict.warnings,
            errors=verdict.errors,
        )
        return self._settled(waiting, key, Answer(encode_receipt(receipt), Outcome.REFUSED), failure=failure)

    def _late(self, waiting: Waiting, key: str, late_ms: int, *errors: Finding) -> Planned:
        receipt = Receipt(status=Outcome.LATE, edition=self._ledger.name, key=key, errors=errors)
        return self._settled(waiting, key, Answer(encode_receipt(receipt), Outcome.LATE, late_ms))

    def _why_late(self, deadline_s: float) -> tuple[Finding, ...]:
        late = Finding("late", f"no desk could take it within {max(0.0, deadline_s):g} s: see if it is still news")
        fault = self._ledger.fault
        return (late,) if fault is None else (late, Finding("log", f"the edition takes no lines: {fault}"))

    def _settled(
        self, waiting: Waiting, key: str, answer: Answer, *, repeats: bool = False, failure: Exception | None = None
    ) -> Planned:
        """Settle a submission without an entry."""
        settlement = Settlement(
            editor=waiting.editor,
            cursor=self._cursor(waiting.editor),
            submission=waiting.id,
            receipt=answer.receipt,
            until_ms=answer.late_ms,
            is_ahead=waiting.is_ahead or waiting.submitted_ms > LAST_MS,
        )
        return Planned(waiting=waiting, settlement=settlement, key=key, answer=answer, repeats=repeats, failure=failure)

    def _cursor(self, editor: str) -> str:
        return self._cursors.get(editor) or self._ledger.cursor(editor)


_AHEAD: Final = Finding(
    "clock", "the inbox was ahead of the server's clock, so its age can't be told: it was begun anew, submit again"
)
_FAILURE: Final = Finding("internal", "the desk failed on this submission: its log has the details, please report it")


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
