"""Plan the repair of a damaged log: the entries of its new history, and the versions that were lost.

The new history has every sound entry, in order, so it keeps every readable version of every line, the board and the
pins. The keys of the entries still answer repeated requests. Line ids and versions stay, and held changes stay valid.

The receipts name the lost entries. A lost withdrawal must not bring the text back, so it is made again. A line whose
correction is lost is hidden: its earlier text was wrong.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from ticker.core.entry import Entry
from ticker.core.errors import PositionError
from ticker.core.lifecycle import earlier_facets
from ticker.core.line import Change, Status
from ticker.core.position import Position, history_of
from ticker.core.salvage import Fault, Salvage
from ticker.core.submission import Receipt

MADE_AGAIN: Final = "made by ticker repair from a receipt: the entry itself was lost"
"""The note of an entry that takes a text back again."""

_HARMLESS: Final = frozenset({Change.UPDATE, Change.REFILE, Change.PIN, Change.UNPIN})
"""Changes whose loss leaves the version before them on air. That version wasn't wrong."""

_CHANGES: Final = frozenset(Change)


class Effect(StrEnum):
    """The effect of losing a line's newest version."""

    GONE = "gone"  # no version of the line is left
    STALE = "stale"  # an earlier version shows
    HIDDEN = "hidden"  # an earlier version is left, but it is hidden
    WITHDRAWN = "withdrawn"  # the line stays withdrawn


_EFFECTS: Final = {Status.USABLE: Effect.STALE, Status.WITHHELD: Effect.HIDDEN, Status.CANCELED: Effect.WITHDRAWN}


class LostVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a line that a receipt names and the log has lost. `action` is the change or the decision."""

    seq: int
    id: str
    version: int
    action: str | None
    editor: str
    published_at: datetime
    effect: Effect


class Acknowledged(msgspec.Struct, frozen=True):
    """A receipt for a published entry, and the editor who got it."""

    editor: str
    receipt: Receipt


class _Version(msgspec.Struct, frozen=True):
    """A version of a line, as a receipt names it. `change` is None if the receipt is for a decision."""

    editor: str
    key: str
    action: str | None
    change: Change | None
    id: str
    version: int
    published_at: datetime
    position: Position
    is_of_this_history: bool


class RepairPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The plan of a repair.

    Attributes:
        entries: The entries of the new history.
        kept: How many sound entries the old history has.
        faults: The faults of the old history.
        lost: The newest lost version of each line that lost it.
        lost_positions: The positions of all lost versions. Their keys count as new after the repair.
        unexplained: The faults that no receipt explains: each of them may have been a withdrawal.

    """

    entries: Sequence[Entry]
    kept: int
    faults: Sequence[Fault]
    lost: Sequence[LostVersion]
    lost_positions: frozenset[str]
    unexplained: Sequence[Fault]

    @property
    def is_needed(self) -> bool:
        return bool(self.faults or self.lost)


def confirmed_positions(receipts: Iterable[Acknowledged]) -> frozenset[str]:
    """Return the positions that receipts name."""
    return frozenset(each.receipt.position for each in receipts if each.receipt.position is not None)


def plan_repair(nonce: str, salvaged: Salvage, receipts: Sequence[Acknowledged]) -> RepairPlan:
    """Plan the repair of the log that begins with `nonce`. `receipts` are those that Redis retains, of all editors."""
    sound = list(_without_trims(salvaged))
    latest = {entry.line.id: entry for entry in sound}
    lost: list[LostVersion] = []
    lost_positions: set[str] = set()
    made: list[Entry] = []
    versions = _lost(salvaged, receipts, history_of(nonce), latest)
    for of_line in _by_line(versions, latest):
        before = latest.get(of_line[-1].id)
        made_again = None if before is None else _made_again(before, of_line)
        if made_again is not None:
            made.append(made_again)
        elif not any(version.is_of_this_history for version in of_line):
            continue
        lost.append(_lost_version(of_line[-1], before, made_again))
        lost_positions.update(str(version.position) for version in of_line)
    explained = {version.position.seq for version in versions if version.is_of_this_history}
    explained |= {logged.seq for logged in salvaged.sound}
    # A desk numbers entries without gaps. So an entry far behind the newest one isn't a desk's, and nothing was lost.
    newest_possible = (salvaged.sound[-1].seq if salvaged.sound else 0) + len(salvaged.faults)
    return RepairPlan(
        entries=_renumbered([*sound, *made]),
        kept=len(salvaged.sound),
        faults=salvaged.faults,
        lost=lost,
        lost_positions=frozenset(lost_positions),
        unexplained=[
            fault for fault in salvaged.faults if fault.first <= newest_possible and not _is_explained(fault, explained)
        ],
    )


def _without_trims(salvaged: Salvage) -> Iterator[Entry]:
    """Yield the sound entries. Those that a trim has kept become entries of their own again."""
    known: set[tuple[str, int]] = set()
    for logged in salvaged.sound:
        entry, *kept = logged.entry.with_kept()
        for each in (*kept, entry):
            if (each.line.id, each.line.version) not in known:
                known.add((each.line.id, each.line.version))
                yield each


def _is_explained(fault: Fault, explained: Container[int]) -> bool:
    return all(seq in explained for seq in range(fault.first, fault.last + 1))


def _lost(salvaged: Salvage, receipts: Sequence[Acknowledged], history: str, latest: Container[str]) -> list[_Version]:
    """Return the versions that receipts name and the log has lost. Older versions were trimmed.

    Those of other histories count only for lines of this one: a repair has copied their entries, without new receipts.
    """
    if not salvaged.sound:
        return []
    there = {str(logged.position) for logged in salvaged.sound}
    keys = {(entry.editor, entry.key) for entry in _without_trims(salvaged)}
    versions = (_version_of(each, history) for each in receipts)
    return [
        version
        for version in versions
        if version is not None
        and str(version.position) not in there
        and (version.editor, version.key) not in keys
        and (version.position.seq > salvaged.sound[0].seq if version.is_of_this_history else version.id in latest)
    ]


def _version_of(each: Acknowledged, history: str) -> _Version | None:
    """Return the version that a receipt names, or None if it names none that this version of Ticker can read."""
    receipt = each.receipt
    if receipt.id is None or receipt.version is None or receipt.published_at is None:
        return None
    try:
        position = Position.parse(receipt.position or "")
    except PositionError:
        return None
    change = Change(receipt.action) if receipt.action in _CHANGES else None
    return _Version(
        each.editor,
        receipt.key,
        receipt.action,
        change,
        receipt.id,
        receipt.version,
        receipt.published_at,
        position,
        receipt.is_of_history(history),
    )


def _by_line(versions: Iterable[_Version], latest: Mapping[str, Entry]) -> list[list[_Version]]:
    """Return the lost versions of each line, ascending, without those before its latest version in the log.

    If an entry has two receipts, use the author's, which names the change, and not the one for the decision.
    """
    found: dict[str, dict[Position, _Version]] = {}
    for version in versions:
        if version.id in latest and version.version <= latest[version.id].line.version:
            continue
        of_line = found.setdefault(version.id, {})
        if version.position not in of_line or version.change is not None:
            of_line[version.position] = version
    lines = [sorted(each.values(), key=lambda version: version.version) for each in found.values()]
    return sorted(lines, key=lambda of_line: of_line[-1].position.seq)


def _made_again(before: Entry, versions: Sequence[_Version]) -> Entry | None:
    """Return an entry that takes the text of `before` off the board as the lost `versions` did.

    Return None if the line may show.
    """
    if before.line.status is Status.CANCELED or not _takes_off(versions):
        return None
    lost = versions[-1]
    is_same = lost.change in (Change.WITHDRAW, Change.HIDE)
    is_withdrawn = lost.change is Change.WITHDRAW
    line = msgspec.structs.replace(
        before.line.without_text(Status.CANCELED if is_withdrawn else Status.WITHHELD),
        change=Change.WITHDRAW if is_withdrawn else Change.HIDE,
        version=lost.version,
        updated_at=lost.published_at,
        expires_at=None if is_withdrawn else before.line.expires_at,
    )
    return Entry(
        line=line,
        earlier_facets=earlier_facets(line, before),
        editor=lost.editor,
        # The key of a lost correction must count as new, so that the same correction can be sent again.
        key=lost.key if is_same else f"repair-{lost.position}",
        submitted_at=lost.published_at,
        note=MADE_AGAIN,
        hidden_version=None if is_withdrawn else before.hidden_version or before.line,
        author=before.posted_by,
    )


def _takes_off(versions: Iterable[_Version]) -> bool:
    """Return whether the text before these versions may not show: it is hidden, or it was corrected or withdrawn."""
    is_hidden = False
    for version in versions:
        if version.change in (Change.HIDE, Change.UNHIDE):
            is_hidden = version.change is Change.HIDE
        elif version.change not in _HARMLESS:
            return True
    return is_hidden


def _lost_version(lost: _Version, before: Entry | None, made: Entry | None) -> LostVersion:
    if before is None:
        effect = Effect.GONE
    else:
        left = before if made is None else made
        effect = _EFFECTS[left.line.status]
    return LostVersion(
        seq=lost.position.seq,
        id=lost.id,
        version=lost.version,
        action=lost.action,
        editor=lost.editor,
        published_at=lost.published_at,
        effect=effect,
    )


def _renumbered(entries: Sequence[Entry]) -> list[Entry]:
    """Give the lines the numbers 1, 2, … in their old order. The numbers of new lines must be higher."""
    numbers = sorted({(entry.line.number, entry.line.id) for entry in entries})
    ranks = {line_id: rank for rank, (_, line_id) in enumerate(numbers, start=1)}
    return [_with_number(entry, ranks[entry.line.id]) for entry in entries]


def _with_number(entry: Entry, number: int) -> Entry:
    line = msgspec.structs.replace(entry.line, number=number)
    hidden = entry.hidden_version
    hidden = None if hidden is None else msgspec.structs.replace(hidden, number=number)
    return msgspec.structs.replace(entry, line=line, hidden_version=hidden)
