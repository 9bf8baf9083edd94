"""The receipts of an outcome: for the editor who made the request, and for the author of a held item."""

from __future__ import annotations

from typing import Final

from msgspec import UNSET
from msgspec.structs import replace

from ticker.core.entry import Logged
from ticker.core.held import Held
from ticker.core.outcome import DecisionOutcome, Drop, Hold, Publish, Refuse
from ticker.core.submission import DecisionRequest, Finding, Receipt, ReceiptStatus, Submission

OVERDUE: Final = Finding("overdue", "it was due while no desk was running: approve it if it is still news")

_STATUS: Final = {
    Publish: ReceiptStatus.ON_AIR,
    Hold: ReceiptStatus.HELD,
    Drop: ReceiptStatus.DROPPED,
    Refuse: ReceiptStatus.REFUSED,
}


def action_of(request: Submission | DecisionRequest) -> str:
    """Return the action that a receipt names: a `Change` or a `Decision`."""
    return str(request.decision if isinstance(request, DecisionRequest) else request.change)


def receipt_for(
    edition: str,
    key: str,
    request: Submission | DecisionRequest | None,
    outcome: DecisionOutcome,
    *,
    logged: Logged | None = None,
    held: Held | None = None,
    decided_by: str | None = None,
) -> Receipt:
    """Return the receipt for the request with `key`. It is None if the desk can't read it.

    `logged` is the entry of a `Publish`, `held` the item before the outcome, `decided_by` the editor who decided on it.
    """
    held_id = None if held is None else held.id
    receipt = Receipt(
        status=_STATUS[type(outcome)],
        edition=edition,
        key=key,
        action=None if request is None else action_of(request),
        held=held_id,
        decided_by=decided_by,
        fingerprint=UNSET if request is None else request.fingerprint,
    )
    if held is not None and decided_by is not None:
        # The item may be gone after this: without the text, its author would not know which one it was.
        receipt = replace(receipt, text=_text(held.submission))
    return _with_details(receipt, outcome, logged)


def _with_details(receipt: Receipt, outcome: DecisionOutcome, logged: Logged | None) -> Receipt:
    match outcome:
        case Publish(entry=entry, warnings=warnings):
            assert logged is not None, "a published entry has a position"
            return replace(
                receipt,
                id=entry.line.id,
                version=entry.line.version,
                attribution=entry.line.attribution,
                position=str(logged.position),
                published_at=entry.line.updated_at,
                warnings=warnings,
            )
        case Hold(held=after, warnings=warnings, latest=latest, attribution=attribution):
            return replace(
                receipt,
                id=after.submission.id or after.id,
                version=None if latest is None else latest.version,
                attribution=attribution,
                warnings=warnings,
                held=after.id,
                due_at=after.due_at,
                needs=_needs(after),
            )
        case Drop(reason=reason):
            return replace(receipt, reason=reason)
        case Refuse(errors=errors, warnings=warnings, latest=latest, retry_after_s=retry_after_s):
            receipt = replace(receipt, errors=errors, warnings=warnings, retry_after_s=retry_after_s)
            return receipt if latest is None else replace(receipt, id=latest.id, version=latest.version)


def _text(submission: Submission) -> str | None:
    """Return the submitted text with its source in front, or None for a change without a text."""
    if not isinstance(submission.text, str):
        return None
    return (
        f"{submission.attribution}: {submission.text}" if isinstance(submission.attribution, str) else submission.text
    )


def _needs(held: Held) -> tuple[Finding, ...]:
    """Return what a person must still approve. An approval covers all needs, but not that the item is overdue."""
    overdue = (OVERDUE,) if held.overdue else ()
    return overdue if held.approved_by is not None else (*overdue, *held.needs)
