"""The audit: all requests of an edition with their editors, times and approvals, from the log and the receipts alone.

Links prove that the log is unchanged. Receipts aren't linked, but only the desk can write them. Redis keeps the newest
receipts of each editor (`receipts_retained`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Final

import msgspec

from ticker.core.entry import Logged
from ticker.core.line import Line
from ticker.core.position import Position
from ticker.core.submission import Decision, Finding, Receipt, ReceiptStatus


class Missing(StrEnum):
    """Why the log lacks the entry that a receipt names."""

    TRIMMED = "trimmed"  # older than the retained log
    ANOTHER_LOG = "another-log"  # the log has since been rotated or restored from a backup


class Received(msgspec.Struct, frozen=True):
    """A receipt, the editor who received it, and when, by Redis's clock."""

    editor: str
    received_at: datetime
    receipt: Receipt


class Act(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One request and its outcome.

    `settled_at` is by the desk's clock for an entry of the log, else by Redis's. `editor` made the request (None: an
    editor whose receipts can't be read). `action` is a `Change` or a `Decision`. `origin` is the client's description
    of itself. An entry of the log has `position`, `submitted_at`, the version `after` it, and the version `before` it
    unless that was trimmed. `decided_by` made the last decision on a held item, for the given `reason`.
    """

    settled_at: datetime
    outcome: ReceiptStatus
    editor: str | None
    action: str | None
    key: str
    id: str | None = None
    version: int | None = None
    position: str | None = None
    missing: Missing | None = None
    submitted_at: datetime | None = None
    origin: str | None = None
    before: Line | None = None
    after: Line | None = None
    note: str | None = None
    posted_by: str | None = None
    approved_by: str | None = None
    break_glass: str | None = None
    overridden: tuple[str, ...] = ()
    due_at: datetime | None = None
    held: str | None = None
    needs: tuple[Finding, ...] = ()
    errors: tuple[Finding, ...] = ()
    decided_by: str | None = None
    decision: Decision | None = None
    reason: str | None = None

    @property
    def people(self) -> set[str]:
        """The editors who requested, decided on or approved it."""
        return {name for name in (self.editor, self.decided_by, self.approved_by) if name is not None}


class Chain(msgspec.Struct, frozen=True, kw_only=True):
    """The result of checking the links of the retained log.

    `first` and `last` are the numbers of the entries that verify; for an empty log, `last` is below `first`. `fails_at`
    is the number of the first entry that doesn't verify, and `detail` is the reason.
    """

    holds: bool
    first: int
    last: int
    fails_at: int | None = None
    detail: str | None = None


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """The acts of an edition. `unread` lists the editors whose receipts the user may not read."""

    edition: str
    test: bool
    chain: Chain
    unread: list[str]
    acts: list[Act]


def acts(entries: Sequence[Logged], receipts: Iterable[Received]) -> list[Act]:
    """List all acts: those of the log in its order, and the others between them by their times.

    `entries` must be the retained and verified entries of the log. Read them after the `receipts`.
    """
    on_air = list(_on_air(entries))
    by_version = {(act.id, act.version): act for act in on_air}
    first = entries[0].seq if entries else 1
    others = [act for act in _joined(_distinct(receipts)) if not _is_listed(act, by_version)]
    timed, latest = list[tuple[datetime, Act]](), None
    for act in on_air:  # keeps the order of the log, even if a clock has jumped
        latest = act.settled_at if latest is None else max(latest, act.settled_at)
        timed.append((latest, act))
    timed += [(act.settled_at, _placed(act, first)) for act in others]
    return [act for _, act in sorted(timed, key=lambda each: each[0])]


def _is_listed(act: Act, by_version: Mapping[tuple[str | None, int | None], Act]) -> bool:
    """Return whether the act is one of the log. After `ticker repair` its receipt names the position in the old log."""
    listed = by_version.get((act.id, act.version))
    if listed is None or act.outcome is not ReceiptStatus.ON_AIR:
        return False
    is_decision = act.editor is None and act.decided_by is not None and act.decided_by == listed.approved_by
    return act.position == listed.position or act.key == listed.key or is_decision


def _on_air(entries: Iterable[Logged]) -> Iterator[Act]:
    latest: dict[str, Line] = {}
    for logged in entries:
        entry, line = logged.entry, logged.entry.line
        yield Act(
            settled_at=line.updated_at,
            outcome=ReceiptStatus.ON_AIR,
            editor=entry.editor,
            action=str(line.change),
            key=entry.key,
            id=line.id,
            version=line.version,
            position=str(logged.position),
            submitted_at=entry.submitted_at,
            origin=entry.origin,
            before=latest.get(line.id),
            after=line,
            note=entry.note,
            posted_by=entry.author,
            approved_by=entry.approved_by,
            break_glass=entry.break_glass,
            overridden=entry.overridden,
            due_at=entry.due_at,
        )
        latest[line.id] = line


def _distinct(receipts: Iterable[Received]) -> Iterator[Received]:
    """Yield each receipt once: a repeated key gets an equal receipt. Receipts without a key are all different."""
    seen: set[tuple[str, Receipt]] = set()
    for received in receipts:
        known = (received.editor, received.receipt)
        if not received.receipt.key or known not in seen:
            seen.add(known)
            yield received


def _joined(receipts: Iterable[Received]) -> list[Act]:
    """Turn receipts into acts. A decision's two receipts, for the decider and for the author, make one act."""
    found: list[Act] = []
    index_of: dict[tuple[str, ReceiptStatus, str], int] = {}
    for received in sorted(receipts, key=lambda each: each.received_at):
        act = _act_of(received)
        if act.held is None or act.decided_by is None or act.outcome is ReceiptStatus.REFUSED:
            found.append(act)
            continue
        index = index_of.setdefault((act.held, act.outcome, act.decided_by), len(found))
        if index == len(found):
            found.append(act)
        else:
            other = found[index]
            authors, deciders = (other, act) if other.decision is None else (act, other)
            found[index] = msgspec.structs.replace(authors, decision=deciders.decision)
    return found


def _act_of(received: Received) -> Act:
    receipt = received.receipt
    decision = Decision(receipt.action) if receipt.action in frozenset(Decision) else None
    is_own_request = decision is None or receipt.status is ReceiptStatus.REFUSED
    return Act(
        settled_at=received.received_at,
        outcome=receipt.status,
        editor=received.editor if is_own_request else None,
        action=receipt.action if is_own_request else None,
        key=receipt.key,
        id=receipt.id,
        version=receipt.version,
        position=receipt.position,
        due_at=receipt.due_at,
        held=receipt.held,
        needs=receipt.needs,
        errors=receipt.errors,
        decided_by=receipt.decided_by,
        decision=decision,
        reason=receipt.reason,
    )


def _placed(act: Act, first: int) -> Act:
    if act.position is None:
        return act
    is_older = Position.parse(act.position).seq < first
    return msgspec.structs.replace(act, missing=Missing.TRIMMED if is_older else Missing.ANOTHER_LOG)


_NOT_COMPARED: Final = frozenset(
    {"id", "version", "number", "change", "text", "created_at", "updated_at", "correction"}
)


class Difference(msgspec.Struct, frozen=True):
    """The values of one field in two versions of a line."""

    field: str
    before: object
    after: object


def differences(before: Line, after: Line) -> list[Difference]:
    """List the fields that differ between two versions of a line, except the text and fields like `updated_at`.

    The list is empty if one of them lacks a text, because hiding and withdrawing remove many other fields with it.
    """
    if not (before.text and after.text):
        return []
    return [
        Difference(field, old, new)
        for field in Line.__struct_fields__
        if field not in _NOT_COMPARED and (old := getattr(before, field)) != (new := getattr(after, field))
    ]


def marked(before: str, after: str) -> tuple[str, str]:
    """Mark the words that differ in two texts: `[-removed-]` in the first, `{+added+}` in the second."""
    old, new = before.split(" "), after.split(" ")
    first, second = list[str](), list[str]()
    for kind, old_from, old_to, new_from, new_to in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        removed, added = " ".join(old[old_from:old_to]), " ".join(new[new_from:new_to])
        if kind == "equal":
            first.append(removed)
            second.append(added)
            continue
        if removed:
            first.append(f"[-{removed}-]")
        if added:
            second.append(f"{{+{added}+}}")
    return " ".join(first), " ".join(second)


def of_editor(acts: Iterable[Act], editor: str) -> list[Act]:
    return [act for act in acts if editor in act.people]


def of_line(acts: Sequence[Act], ids: Collection[str]) -> list[Act]:
    """Return the acts on these lines or held items.

    The receipt of a rejection or cancellation names only the held item, so acts are also matched by that id.
    """
    held = {act.held for act in acts if act.id in ids and act.held is not None}
    return [act for act in acts if act.id in ids or act.held in held.union(ids)]
