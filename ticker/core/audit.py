"""The audit: who did what, when, and with whose consent, told from the log and the receipts and from nothing else.

The log is proved by its links. Receipts are the desk's word, and nobody else can write them; they are kept for a while
(`receipts_retained`), the newest of each editor.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
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
    """Why something that was on air isn't in the log."""

    TRIMMED = "trimmed"  # older than what is retained
    ANOTHER_LOG = "another-log"  # the log was begun anew, or put back from a backup, since


class Received(msgspec.Struct, frozen=True):
    """A receipt, whose it is, and when it was given, by Redis's clock."""

    editor: str
    received_at: datetime
    receipt: Receipt


class Act(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that was asked for, and what became of it.

    `at` is when it was settled: by the desk's clock for what is in the log, else by Redis's. `editor` asked for it
    (None: somebody whose receipts can't be read); `asked` is a change, or what is to become of something held. `origin`
    is the client's own word. What is in the log has `position`, `submitted`, the line `after` it and the one `before`
    (None also where that was trimmed). `by` gave something held the last word, for the `reason`.
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
        """Everybody who had a part in it."""
        return {name for name in (self.editor, self.decided_by, self.approved_by) if name is not None}


def acts(entries: Sequence[Logged], receipts: Iterable[Received]) -> list[Act]:
    """All that was done, in order: that of the log, and by their times those that never came into it.

    `entries` are what was retained and verified, read after the `receipts`.
    """
    on_air = list(_on_air(entries))
    positions = {act.position for act in on_air if act.position is not None}
    first = entries[0].seq if entries else 1
    others = [act for act in _joined(_distinct(receipts)) if act.position is None or act.position not in positions]
    timed, latest = list[tuple[datetime, Act]](), None
    for act in on_air:  # a clock may have jumped: the log's order is the one that happened
        latest = act.settled_at if latest is None else max(latest, act.settled_at)
        timed.append((latest, act))
    timed += [(act.settled_at, _placed(act, first)) for act in others]
    return [act for _, act in sorted(timed, key=lambda each: each[0])]


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
    """Each receipt once: who asks again with the same key gets the same one. What had no key was no repetition."""
    seen: set[tuple[str, Receipt]] = set()
    for received in receipts:
        known = (received.editor, received.receipt)
        if not received.receipt.key or known not in seen:
            seen.add(known)
            yield received


def _joined(receipts: Iterable[Received]) -> list[Act]:
    """Two receipts of one ruling, to whoever ruled and to the author of what was held, are one act."""
    found: list[Act] = []
    ruled: dict[tuple[str, ReceiptStatus, str], int] = {}
    for received in sorted(receipts, key=lambda each: each.received_at):
        act = _asked(received)
        if act.held is None or act.decided_by is None or act.outcome is ReceiptStatus.REFUSED:
            found.append(act)
            continue
        where = ruled.setdefault((act.held, act.outcome, act.decided_by), len(found))
        if where == len(found):
            found.append(act)
        else:
            authors, rulers = (found[where], act) if found[where].decision is None else (act, found[where])
            found[where] = msgspec.structs.replace(authors, decision=rulers.decision)
    return found


def _asked(received: Received) -> Act:
    receipt = received.receipt
    decision = Decision(receipt.action) if receipt.action in frozenset(Decision) else None
    is_authors = decision is None or receipt.status is ReceiptStatus.REFUSED
    return Act(
        settled_at=received.received_at,
        outcome=receipt.status,
        editor=received.editor if is_authors else None,
        action=receipt.action if is_authors else None,
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


# Before and after

_TOLD_ELSEWHERE: Final = frozenset(
    {"id", "version", "number", "change", "text", "created_at", "updated_at", "correction"}
)


class Difference(msgspec.Struct, frozen=True):
    """What one field of a line was, and what it became."""

    field: str
    before: object
    after: object


def differences(before: Line, after: Line) -> list[Difference]:
    """The fields in which two versions of a line differ, but for its text and what every version has of its own.

    None where one of them has no text: all that went with it, or came back, says nothing more.
    """
    if not (before.text and after.text):
        return []
    return [
        Difference(field, old, new)
        for field in Line.__struct_fields__
        if field not in _TOLD_ELSEWHERE and (old := getattr(before, field)) != (new := getattr(after, field))
    ]


def marked(before: str, after: str) -> tuple[str, str]:
    """Two texts with what differs marked, word by word: `[-gone-]` in the first, `{+new+}` in the second."""
    old, new = before.split(" "), after.split(" ")
    was, becomes = list[str](), list[str]()
    for kind, old_from, old_to, new_from, new_to in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        gone, come = " ".join(old[old_from:old_to]), " ".join(new[new_from:new_to])
        if kind == "equal":
            was.append(gone)
            becomes.append(come)
            continue
        if gone:
            was.append(f"[-{gone}-]")
        if come:
            becomes.append(f"{{+{come}+}}")
    return " ".join(was), " ".join(becomes)


def of_editor(acts: Iterable[Act], editor: str) -> list[Act]:
    return [act for act in acts if editor in act.people]


def of_line(acts: Sequence[Act], ids: Collection[str]) -> list[Act]:
    """What was done about these lines, or about what was held under these ids.

    Something held has an id of its own, and who dropped it named only that.
    """
    held = {act.held for act in acts if act.id in ids and act.held is not None}
    return [act for act in acts if act.id in ids or act.held in held.union(ids)]
