"""What is said of a verdict: the receipt for whoever asked, and for the author of what was held."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from ticker.core.entry import Logged
from ticker.core.held import Held
from ticker.core.outcome import DecisionOutcome, Drop, Hold, Publish, Refuse
from ticker.core.submission import DecisionRequest, Finding, Receipt, ReceiptStatus, Submission

OVERDUE: Final = Finding("overdue", "its time passed while no desk was there: approve it if it is still news")


_STATUS: Final = {
    Publish: ReceiptStatus.ON_AIR,
    Hold: ReceiptStatus.HELD,
    Drop: ReceiptStatus.DROPPED,
    Refuse: ReceiptStatus.REFUSED,
}


def action_of(request: Submission | DecisionRequest) -> str:
    """What was asked for, in a word: a change, or what is to become of something held."""
    return str(request.decision if isinstance(request, DecisionRequest) else request.change)


def receipt_for(
    edition: str,
    key: str,
    action: str | None,
    verdict: DecisionOutcome,
    *,
    logged: Logged | None = None,
    held: Held | None = None,
    decided_by: str | None = None,
) -> Receipt:
    """The receipt for the request with `key`; `held` is what was held before the verdict, `by` who ruled on it."""
    held_id = None if held is None else held.id
    receipt = Receipt(
        status=_STATUS[type(verdict)], edition=edition, key=key, action=action, held=held_id, decided_by=decided_by
    )
    match verdict:
        case Publish(entry=entry, warnings=warnings):
            assert logged is not None, "what is on air has its place in the log"
            return replace(
                receipt,
                id=entry.line.id,
                version=entry.line.version,
                position=str(logged.position),
                published_at=entry.line.updated_at,
                warnings=warnings,
            )
        case Hold(held=after, warnings=warnings, latest=latest):
            return replace(
                receipt,
                id=after.submission.id or after.id,
                version=None if latest is None else latest.version,
                warnings=warnings,
                held=after.id,
                due_at=after.due_at,
                needs=_needs(after),
            )
        case Drop(reason=reason):
            return replace(receipt, reason=reason)
        case Refuse(errors=errors, warnings=warnings, latest=latest):
            receipt = replace(receipt, errors=errors, warnings=warnings)
            return receipt if latest is None else replace(receipt, id=latest.id, version=latest.version)


def _needs(held: Held) -> tuple[Finding, ...]:
    """What another person has to look at: nothing that somebody has approved."""
    overdue = (OVERDUE,) if held.overdue else ()
    return overdue if held.approved_by is not None else (*overdue, *held.needs)
