"""What is said of a verdict: the receipt for whoever asked, and for the author of what was held."""

from __future__ import annotations

from typing import Final

from ticker.core.entry import Logged
from ticker.core.held import Held
from ticker.core.submission import Finding, Outcome, Receipt, Ruling, Submission
from ticker.core.verdict import Drop, Hold, Publish, Refuse

AnyVerdict = Publish | Hold | Drop | Refuse

OVERDUE: Final = Finding("overdue", "its time passed while no desk was there: approve it if it is still news")


def asked_of(request: Submission | Ruling) -> str:
    """What was asked for, in a word: a change, or what is to become of something held."""
    return str(request.handling if isinstance(request, Ruling) else request.change)


def receipt_for(
    edition: str,
    key: str,
    asked: str | None,
    verdict: AnyVerdict,
    *,
    logged: Logged | None = None,
    held: Held | None = None,
    by: str | None = None,
) -> Receipt:
    """The receipt for the request with `key`; `held` is what was held before the verdict, `by` who ruled on it."""
    held_id = None if held is None else held.id
    match verdict:
        case Publish(entry=entry, warnings=warnings):
            assert logged is not None, "what is on air has its place in the log"
            return Receipt(
                status=Outcome.ON_AIR,
                edition=edition,
                key=key,
                asked=asked,
                id=entry.line.id,
                version=entry.line.version,
                position=str(logged.position),
                published=entry.line.updated,
                warnings=warnings,
                held=held_id,
                by=by,
            )
        case Hold(held=after, warnings=warnings, latest=latest):
            return Receipt(
                status=Outcome.HELD,
                edition=edition,
                key=key,
                asked=asked,
                id=after.submission.id or after.id,
                version=None if latest is None else latest.version,
                warnings=warnings,
                held=after.id,
                due=after.due,
                needs=(*((OVERDUE,) if after.overdue else ()), *(after.needs if after.waits_for_person else ())),
                by=by,
            )
        case Drop(reason=reason):
            return Receipt(
                status=Outcome.DROPPED, edition=edition, key=key, asked=asked, held=held_id, by=by, reason=reason
            )
        case Refuse(errors=errors, warnings=warnings, latest=latest):
            return Receipt(
                status=Outcome.REFUSED,
                edition=edition,
                key=key,
                asked=asked,
                id=None if latest is None else latest.id,
                version=None if latest is None else latest.version,
                warnings=warnings,
                errors=errors,
                held=held_id,
                by=by,
            )
