"""The ledger: what the desk knows of one edition, to decide on submissions. The truth is in Redis."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from typing import TypeAlias

import msgspec

from ticker.core.board import Board
from ticker.core.edition import Role
from ticker.core.entry import Entry
from ticker.core.errors import LinkError
from ticker.core.held import Held
from ticker.core.line import Change
from ticker.core.log_window import LogWindow
from ticker.core.submission import Receipt, ReceiptStatus, encode_receipt
from ticker.store.append import Head
from ticker.store.editions import StoredEdition
from ticker.store.streams import START


class Answer(msgspec.Struct, frozen=True):
    """The receipt that a key has got, as bytes, so that a second asker gets the same ones.

    `late_ms` is set for a late submission: until when (Redis's clock) its key asks for the same thing again. Whoever
    uses the key after that was told that the line isn't on air, and asks anew.
    """

    receipt: bytes
    status: ReceiptStatus
    late_ms: int | None = None


HeldBytes: TypeAlias = tuple[bytes, Held]
"""Something held, as it is kept and as it is understood."""


class _Place(msgspec.Struct, frozen=True):
    """What the ledger keeps of each entry in the retained log."""

    editor: str
    key: str
    change: Change
    line_id: str
    version: int
    published_at: datetime


class Ledger:
    """The board, the head, the cursors, and which keys have been answered, of one edition.

    Bounded: `retained` entries, and `receipts_retained` answers an editor; the key of an entry is known for as long as
    the entry is retained, too. `held` is what waits, with its bytes, by id; `roles` has the editors' own, if they have
    one. `fault` is set where the log doesn't verify: then nothing may be appended to it. `redis_ms` is what Redis's
    clock has reached at least.
    """

    def __init__(self, stored: StoredEdition, retained: int, receipts_retained: int) -> None:
        self.name = stored.name
        self.edition = stored.edition
        self.nonce = stored.nonce
        self.board = Board()
        self.cursors: dict[str, str] = {}
        self.receipt_ids: dict[str, str] = {}  # up to where each editor's receipts have been read
        self.held: dict[str, HeldBytes] = {}
        self.roles: dict[str, Role | None] = {}
        self.fault: LinkError | None = None
        self.redis_ms = 0
        self._retained = retained
        self._receipts_retained = receipts_retained
        self._log: LogWindow[_Place] = LogWindow(0, stored.nonce)
        self._seq_of_line: dict[str, int] = {}
        self._seq_of_key: dict[tuple[str, str], int] = {}
        self._answers: dict[str, dict[str, Answer]] = {}

    @property
    def head(self) -> Head:
        link = self._log.head_link
        assert link is not None, "an empty window begins at the nonce"
        return Head(self._log.head, link)

    def begin_after(self, seq: int) -> None:
        """Begin the window anew: the entries up to `seq` have been trimmed."""
        self.board = Board()
        self._log = LogWindow(seq, None)
        self._seq_of_line.clear()
        self._seq_of_key.clear()

    def cursor(self, editor: str) -> str:
        """The id of the last submission that was taken from the editor's inbox."""
        return self.cursors.get(editor, START)

    def append(self, link: str, entry: Entry) -> None:
        """Take in the entry after the head."""
        line = entry.line
        self._log.append(link, _Place(entry.editor, entry.key, line.change, line.id, line.version, line.updated_at))
        self.board.apply(entry)
        self._seq_of_line[line.id] = self._log.head
        self._seq_of_key[entry.editor, entry.key] = self._log.head
        self._trim()

    def role_of(self, editor: str) -> Role:
        return self.roles.get(editor) or self.edition.role

    def remember(self, editor: str, key: str, answer: Answer) -> None:
        """Keep the answer to a key: the first one, unless that was late and is asked anew, or held and has ended."""
        answers = self._answers.setdefault(editor, {})
        known = answers.get(key)
        if known is None or known.late_ms is not None or known.status is ReceiptStatus.HELD:
            answers.pop(key, None)
            answers[key] = answer
        for oldest in list(islice(answers, max(0, len(answers) - self._receipts_retained))):
            del answers[oldest]

    def find_answer(self, editor: str, key: str) -> Answer | None:
        answer = self._answers.get(editor, {}).get(key)
        seq = self._seq_of_key.get((editor, key))
        if seq is None or (answer is not None and answer.status is ReceiptStatus.ON_AIR):
            return answer
        return self._answer_from_log(seq)

    def _answer_from_log(self, seq: int) -> Answer:
        """The receipt of an entry whose own was trimmed: the same but for its warnings."""
        place, position = self._log[seq], self._log.position_at(seq)
        receipt = Receipt(
            status=ReceiptStatus.ON_AIR,
            edition=self.name,
            key=place.key,
            action=str(place.change),
            id=place.line_id,
            version=place.version,
            position=str(position),
            published_at=place.published_at,
            test=self.edition.test,
        )
        return Answer(encode_receipt(receipt), ReceiptStatus.ON_AIR)

    def _trim(self) -> None:
        first = self._log.first
        for seq in range(first, self._log.head - self._retained + 1):
            place = self._log[seq]
            if self._seq_of_line[place.line_id] == seq:
                del self._seq_of_line[place.line_id]
                self.board.forget(place.line_id)
            if self._seq_of_key[place.editor, place.key] == seq:
                del self._seq_of_key[place.editor, place.key]
        self._log.trim(self._retained)
