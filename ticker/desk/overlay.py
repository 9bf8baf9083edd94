"""The ledger as it will be after the settlements planned so far."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from itertools import chain

from ticker.core.entry import Entry, Trim
from ticker.core.held import Held
from ticker.core.rules.recent_lines import RecentLines
from ticker.desk.held_items import HeldBytes
from ticker.desk.ledger import Answer, Ledger
from ticker.desk.plan import PlannedSettlement
from ticker.desk.rates import counts
from ticker.desk.trimming import plan_trim
from ticker.store.append import Head


class Overlay:
    """A ledger plus planned settlements. With `get` and `newest_first` it is the `Lines` of the rules.

    Attributes:
        head: The head of the log after the planned settlements. None while the log has a fault.

    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.head: Head | None = None if ledger.fault else ledger.head
        self._entries: dict[str, Entry] = {}
        self._recent: RecentLines | None = None  # the ledger's, until an entry is planned
        self._unread: list[Entry] = []  # those that `_recent` lacks
        self._is_trimmed = False
        self._held: dict[str, HeldBytes | None] = {}
        self._more_held: defaultdict[str, int] = defaultdict(int)
        self._more_entries: defaultdict[str, int] = defaultdict(int)  # that count towards the rate
        self._answers: dict[tuple[str, str], Answer] = {}
        self._cursors: dict[str, str] = {}

    def get(self, line_id: str, /) -> Entry | None:
        return self._entries.get(line_id) or self._ledger.board.get(line_id)

    def newest_first(self) -> Iterator[Entry]:
        board = self._ledger.board
        if not self._entries:
            return board.newest_first()
        new = reversed([entry for line_id, entry in self._entries.items() if line_id not in board])
        return chain(new, (self._entries.get(entry.line.id, entry) for entry in board.newest_first()))

    def recent(self) -> RecentLines:
        """Return the lines that a new text is compared with."""
        if self._unread and self._recent is None:
            self._recent = self._ledger.recent.copy()
        if self._recent is None:
            return self._ledger.recent
        for entry in self._unread:
            self._recent.add(entry.line)
            for line_id in () if entry.trim is None else entry.trim.forgotten:
                self._recent.discard(line_id)
        self._unread.clear()
        return self._recent

    def find_held(self, held_id: str) -> HeldBytes | None:
        return self._held[held_id] if held_id in self._held else self._ledger.held.get(held_id)

    def newest_held(self) -> Iterator[Held]:
        """Yield the items that will be held, the newest first."""
        new = reversed([item for held_id, item in self._held.items() if held_id not in self._ledger.held])
        old = (self._held.get(held_id, item) for held_id, item in self._ledger.held.newest_first())
        return (item[1] for item in chain(new, old) if item is not None)

    def count_held_of(self, editor: str) -> int:
        """Return how many items of this editor will be held."""
        return self._ledger.held.count_of(editor) + self._more_held[editor]

    def count_held(self) -> int:
        """Return how many items of the present editors will be held. Items of removed editors don't count."""
        return sum(self.count_held_of(editor) for editor in self._ledger.roles)

    def wait_s(self, editor: str, now: datetime) -> float | None:
        """Return how long the rate limit makes an editor wait, as `Rates.wait_s`."""
        return self._ledger.rates.wait_s(editor, now, self._more_entries[editor])

    def find_answer(self, editor: str, key: str) -> Answer | None:
        return self._answers.get((editor, key)) or self._ledger.find_answer(editor, key)

    def cursor(self, editor: str) -> str:
        return self._cursors.get(editor) or self._ledger.cursor(editor)

    def plan_trim(self, line_id: str, now: datetime) -> Trim | None:
        """Return the trim of the next entry, which is of this line. A batch has one trim at most."""
        if self._is_trimmed or self.head is None:
            return None
        return plan_trim(self._ledger, self.head.seq + 1, {*self._entries, line_id}, now)

    def add(self, planned: PlannedSettlement) -> None:
        """Take a planned settlement into account."""
        if planned.logged is not None:
            entry = planned.logged.entry
            self._entries[entry.line.id] = entry
            self._unread.append(entry)
            self._is_trimmed |= entry.trim is not None
            self._more_entries[entry.editor] += counts(entry.line.change, entry.posted_by, entry.editor)
            self.head = Head(planned.logged.seq, planned.logged.link)
        if planned.held is not None:
            had = self.find_held(planned.held.id) is not None
            self._more_held[planned.held.author] += (planned.held_after is not None) - had
            self._held[planned.held.id] = planned.held_after
        if planned.request is not None:
            self._cursors[planned.request.editor] = planned.request.id
        for answer in planned.answers:
            self._answers[answer.editor, answer.key] = answer
