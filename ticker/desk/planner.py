"""Plan the outcome of a batch of requests and of held items that are due. Pure: no I/O, and the ledger is not modified.

Each decision takes the ones before it in the batch into account. `PlannedSettlement.apply_to` updates the ledger once
Redis has confirmed the settlement.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from ticker.core.entry import Logged, encode_entry
from ticker.core.errors import SubmissionError
from ticker.core.held import Held, encode_held
from ticker.core.outcome import Context, DecisionOutcome, Drop, Hold, Publish, Refuse, decide, decide_held, publish_held
from ticker.core.position import next_link
from ticker.core.submission import (
    DecisionRequest,
    Finding,
    Receipt,
    ReceiptStatus,
    Submission,
    decode_request,
    encode_receipt,
    salvage_key,
)
from ticker.desk.held_items import HeldBytes
from ticker.desk.ledger import Answer, Ledger
from ticker.desk.limits import check_held, check_rate
from ticker.desk.overlay import Overlay
from ticker.desk.plan import PendingRequest, PlanContext, PlannedSettlement
from ticker.desk.receipts import action_of, receipt_for
from ticker.store.append import Head, HeldChange, NewEntry
from ticker.store.inbox import deadline_at_ms


def plan_requests(ledger: Ledger, requests: Iterable[PendingRequest], context: PlanContext) -> list[PlannedSettlement]:
    """Decide on requests in order, each one before the next is requested from the iterable.

    While the log has a fault, every new request is refused.
    """
    planner = _Planner(ledger, context)
    return [planner.settle(request) for request in requests]


def plan_due(ledger: Ledger, context: PlanContext, most: int) -> list[PlannedSettlement]:
    """Decide on the held items that are due, earliest first, `most` at most. Return none if the log has a fault."""
    if ledger.fault is not None:
        return []
    due = [held for held in ledger.held.all() if held.is_due(context.redis_now)]
    due.sort(key=lambda held: (held.due_at or held.submitted_at, held.submitted_at))
    planner = _Planner(ledger, context)
    return [planner.settle_due(held) for held in due[:most]]


def next_due(ledger: Ledger) -> datetime | None:
    """Return when the next held item is due, or None if all of them wait for a person."""
    waiting = (held for held in ledger.held.all() if not held.waits_for_person)
    return min((held.due_at or held.submitted_at for held in waiting), default=None)


class _Planner:
    """Plans one batch."""

    def __init__(self, ledger: Ledger, context: PlanContext) -> None:
        self._ledger = ledger
        self._context = context
        self._overlay = Overlay(ledger)

    def settle(self, request: PendingRequest) -> PlannedSettlement:
        """Decide on a request."""
        planned = self._settle(request)
        self._overlay.add(planned)
        return planned

    def settle_due(self, held: Held) -> PlannedSettlement:
        """Decide on a held item that is due."""
        assert self._overlay.head is not None, "held items wait while the log has a fault"
        failure: Exception | None = None
        outcome: DecisionOutcome
        if self._is_overdue(held):
            outcome = Hold(msgspec.structs.replace(held, overdue=True))
        elif held.editor not in self._ledger.roles:
            outcome = Hold(msgspec.structs.replace(held, needs=(*held.needs, _removed(held)), approved_by=None))
        else:
            try:
                context = self._rules_context(held.editor, held.submitted_at, self._overlay.head)
                outcome = publish_held(held, context)
            except Exception as error:  # noqa: BLE001 - without this, an item that our rules fail on is retried for ever
                outcome, failure = Refuse((_FAILURE,)), error
        entry, logged = self._new_entry(outcome)
        after = _held_after(outcome)
        answer = self._author_answer(held, outcome, logged)
        planned = PlannedSettlement(
            request=None,
            editor=held.editor,
            cursor="",
            submission="",
            receipt=answer.receipt,
            answers=(answer,),
            entry=entry,
            logged=logged,
            held=self._held_change(held, after, answer, is_published=logged is not None),
            held_after=after,
            refused=_codes(outcome),
            failure=failure,
        )
        self._overlay.add(planned)
        return planned

    def _is_overdue(self, held: Held) -> bool:
        late = self._context.redis_now - (held.due_at or held.submitted_at)
        return late > timedelta(seconds=self._context.overdue_after_s)

    def _settle(self, pending: PendingRequest) -> PlannedSettlement:
        try:
            request = decode_request(pending.data, self._context.submission_bytes)
        except SubmissionError as error:
            key = salvage_key(pending.data)
            return self._repeated(pending, key) or self._unreadable(pending, key, Finding(error.code, str(error)))
        return self._repeated(pending, request.key) or self._decided(pending, request)

    def _unreadable(self, pending: PendingRequest, key: str, error: Finding) -> PlannedSettlement:
        receipt = receipt_for(self._ledger.name, key, None, Refuse((error,)))
        planned = self._answered(pending, self._answer(pending.editor, receipt))
        return msgspec.structs.replace(planned, refused=(error.code,))

    def _repeated(self, pending: PendingRequest, key: str) -> PlannedSettlement | None:
        """Answer a request whose key has been answered. A key that was late counts as new after its deadline."""
        answer = self._overlay.find_answer(pending.editor, key) if key else None
        if answer is None or (answer.late_until_ms is not None and pending.submitted_ms > answer.late_until_ms):
            return None
        return msgspec.structs.replace(self._answered(pending, answer), is_repeat=True)

    def _decided(self, pending: PendingRequest, request: Submission | DecisionRequest) -> PlannedSettlement:
        if not pending.has_valid_time:
            ahead = msgspec.structs.replace(pending, is_ahead=True)
            return self._late(ahead, request, self._ledger.redis_ms, _AHEAD)
        deadline_s = min(request.deadline_s, self._context.deadline_s)
        deadline_ms = deadline_at_ms(pending.id, deadline_s)
        if request.deadline_at_ms is not None:
            deadline_ms = min(deadline_ms, request.deadline_at_ms)
        if self._ledger.redis_ms > deadline_ms:
            return self._late(pending, request, deadline_ms, *self._why_late(deadline_s))
        if self._overlay.head is None:
            return self._settled(pending, request, Refuse((self._damaged(),)), None, deadline_ms)
        try:
            outcome, held = self._outcome(pending, request, self._overlay.head)
            return self._settled(pending, request, outcome, held, deadline_ms)
        except Exception as error:  # noqa: BLE001 - without this, a request that our rules fail on stops the edition
            planned = self._settled(pending, request, Refuse((_FAILURE,)), None, deadline_ms)
            return msgspec.structs.replace(planned, failure=error)

    def _outcome(
        self, pending: PendingRequest, request: Submission | DecisionRequest, head: Head
    ) -> tuple[DecisionOutcome, Held | None]:
        """Return the outcome of a request, and the held item that it decides on."""
        submitted_at = datetime.fromtimestamp(pending.submitted_ms / 1000, UTC)
        context = self._rules_context(pending.editor, submitted_at, head)
        if isinstance(request, DecisionRequest):
            found = self._overlay.find_held(request.held)
            if found is None:
                return Refuse((_not_held(request.held),)), None
            return decide_held(request, found[1], context, self._ledger.role_of(found[1].editor)), found[1]
        if request.forgotten and request.id is not None and self._overlay.find_held(request.id) is not None:
            return Refuse((Finding("held", f"{request.id} is held, not published: use `tick cancel`"),)), None
        too_fast = check_rate(request, pending.editor, self._overlay, self._ledger.rates.limit, self._context)
        if too_fast is not None:
            return too_fast, None
        return check_held(decide(request, context), pending.editor, self._overlay, self._context), None

    def _rules_context(self, editor: str, submitted_at: datetime, head: Head) -> Context:
        return Context(
            edition=self._ledger.edition,
            board=self._overlay,
            editor=editor,
            role=self._ledger.role_of(editor),
            submitted_at=submitted_at,
            now=self._context.now,
            earliest_now=min(self._context.now, self._context.redis_now),
            seq=head.seq + 1,
            new_id=self._unused_id(),
            recent=self._overlay.recent(),
            held=self._overlay.newest_held(),
        )

    def _unused_id(self) -> str:
        new_id = self._context.new_id()
        while self._overlay.get(new_id) is not None or self._overlay.find_held(new_id) is not None:
            new_id = self._context.new_id()
        return new_id

    def _settled(
        self,
        pending: PendingRequest,
        request: Submission | DecisionRequest,
        outcome: DecisionOutcome,
        held: Held | None,
        deadline_ms: int,
    ) -> PlannedSettlement:
        """Settle a request. `held` is the item that a decision was about."""
        entry, logged = self._new_entry(outcome)
        after = _held_after(outcome)
        decided_by = pending.editor if isinstance(request, DecisionRequest) else None
        receipt = receipt_for(
            self._ledger.name,
            request.key,
            request,
            outcome,
            logged=logged,
            held=held,
            decided_by=decided_by,
        )
        answers = [self._answer(pending.editor, receipt)]
        change: HeldChange | None = None
        ends_held = not isinstance(outcome, Refuse) or outcome.ends_held
        if held is not None and ends_held:  # otherwise the item stays as it is
            answers.append(self._author_answer(held, outcome, logged, decided_by))
            change = self._held_change(held, after, answers[-1], is_published=logged is not None)
        elif after is not None:
            change = HeldChange(id=after[1].id, before=b"", after=after[0], author=pending.editor)
        return msgspec.structs.replace(
            self._answered(pending, answers[0]),
            answers=tuple(answers),
            entry=entry,
            logged=logged,
            held=change,
            held_after=after,
            deadline_at_ms=deadline_ms if entry is not None or after is not None else None,
            refused=_codes(outcome),
            findings=_findings(outcome) if decided_by is None else (),
        )

    def _new_entry(self, outcome: DecisionOutcome) -> tuple[NewEntry | None, Logged | None]:
        if not isinstance(outcome, Publish):
            return None, None
        head = self._overlay.head
        assert head is not None, "nothing is published on a log with a fault"
        # Use the earlier of the two clocks. A clock that is fast must not forget lines that still show.
        now = min(self._context.now, self._context.redis_now)
        trim = self._overlay.plan_trim(outcome.entry.line.id, now)
        entry = outcome.entry if trim is None else msgspec.structs.replace(outcome.entry, trim=trim)
        data = encode_entry(entry)
        logged = Logged(head.seq + 1, next_link(head.link, data), entry)
        return NewEntry(data, logged.link, None if trim is None else trim.through), logged

    def _held_change(self, held: Held, after: HeldBytes | None, answer: Answer, *, is_published: bool) -> HeldChange:
        before = self._overlay.find_held(held.id)
        assert before is not None, "the item is held until this settlement"
        return HeldChange(
            id=held.id,
            before=before[0],
            after=b"" if after is None else after[0],
            author=held.editor,
            receipt=answer.receipt,
            not_before_ms=int(held.due_at.timestamp() * 1000) if is_published and held.due_at is not None else None,
        )

    def _author_answer(
        self, held: Held, outcome: DecisionOutcome, logged: Logged | None, decided_by: str | None = None
    ) -> Answer:
        """Return the answer to the author of a held item, under the key of the held submission."""
        submission = held.submission
        receipt = receipt_for(
            self._ledger.name,
            submission.key,
            submission,
            outcome,
            logged=logged,
            held=held,
            decided_by=decided_by,
        )
        return self._answer(held.editor, receipt)

    def _late(
        self, pending: PendingRequest, request: Submission | DecisionRequest, late_until_ms: int, *errors: Finding
    ) -> PlannedSettlement:
        receipt = Receipt(
            status=ReceiptStatus.LATE,
            edition=self._ledger.name,
            key=request.key,
            action=action_of(request),
            errors=errors,
            fingerprint=request.fingerprint,
        )
        return self._answered(pending, self._answer(pending.editor, receipt, late_until_ms))

    def _why_late(self, deadline_s: float) -> tuple[Finding, ...]:
        late = Finding("late", f"no desk answered within {max(0.0, deadline_s):g} s: check whether it is still news")
        return (late,) if self._ledger.fault is None else (late, self._damaged())

    def _damaged(self) -> Finding:
        name = self._ledger.name
        return Finding(
            "log",
            f"the log of {name} is damaged, and nothing can be published ({self._ledger.fault}): "
            f"the operator has to run `ticker repair {name}`",
        )

    def _answer(self, editor: str, receipt: Receipt, late_until_ms: int | None = None) -> Answer:
        history = None if receipt.position is None else self._ledger.history
        receipt = msgspec.structs.replace(receipt, history=history, test=self._ledger.edition.test)
        return Answer.of(editor, receipt, encode_receipt(receipt), late_until_ms)

    def _answered(self, pending: PendingRequest, answer: Answer) -> PlannedSettlement:
        """Settle a request with an answer alone."""
        return PlannedSettlement(
            request=pending,
            editor=pending.editor,
            cursor=self._overlay.cursor(pending.editor),
            submission=pending.id,
            receipt=answer.receipt,
            answers=(answer,),
            deadline_at_ms=answer.late_until_ms,
            is_ahead=not pending.has_valid_time,
        )


_AHEAD: Final = Finding(
    "clock",
    "the inbox contains an id ahead of the server's clock, so the deadline can't be checked; the inbox was reset, "
    "please submit again",
)
_FAILURE: Final = Finding("internal", "the desk failed on this submission: its log has the details, please report it")


def _not_held(held_id: str) -> Finding:
    return Finding("unknown", f"there is no held item {held_id[:40]!a}: see `tick pending` and `tick scheduled`")


def _removed(held: Held) -> Finding:
    return Finding("removed", f"{held.editor} may no longer post here: another person has to approve it")


def _held_after(outcome: DecisionOutcome) -> HeldBytes | None:
    return (encode_held(outcome.held), outcome.held) if isinstance(outcome, Hold) else None


def _codes(outcome: DecisionOutcome) -> tuple[str, ...]:
    return tuple(finding.code for finding in outcome.errors) if isinstance(outcome, Refuse) else ()


def _findings(outcome: DecisionOutcome) -> tuple[tuple[str, str], ...]:
    """Return the code and the effect of each finding that led to the outcome of a submission."""
    found: list[tuple[str, str]] = []
    if isinstance(outcome, Drop):
        return ()
    found += [(each.code, "warn") for each in outcome.warnings]
    if isinstance(outcome, Refuse):
        found += [(each.code, "ask" if each.asks else "refuse") for each in outcome.errors]
    elif isinstance(outcome, Hold):
        found += [(each.code, "review") for each in outcome.held.needs]
        found += [(code, "overridden") for code in outcome.held.overridden]
    else:
        found += [(code, "overridden") for code in outcome.entry.overridden]
    return tuple(found)
