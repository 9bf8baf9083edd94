"""The ledger: its limits, and the answer that it keeps for a key."""

from __future__ import annotations

import pytest

from tests.support.strategies import ENGLISH, NONCE, START, Step, history
from ticker.core.entry import Entry, encode_entry
from ticker.core.held import Held, encode_held
from ticker.core.line import Change
from ticker.core.position import next_link
from ticker.core.submission import ReceiptStatus, Submission, decode_receipt
from ticker.desk.ledger import Answer, Ledger
from ticker.store.append import Head
from ticker.store.editions import StoredEdition

LATE = Answer("ann", "k1", b"late", ReceiptStatus.LATE, 7)
REFUSED = Answer("ann", "k1", b"refused", ReceiptStatus.REFUSED)
ON_AIR = Answer("ann", "k1", b"on air", ReceiptStatus.ON_AIR)


def ledger(retained: int = 100, receipts_retained: int = 100) -> Ledger:
    return Ledger(StoredEdition("en", ENGLISH, NONCE), retained, receipts_retained)


def entries(*changes: Change) -> list[Entry]:
    """Return the entries of these changes. All but new lines change line 0."""
    return history([Step(change, 0, number % 6, None, (), 4, 1, None) for number, change in enumerate(changes)])


def append(to: Ledger, *made: Entry) -> None:
    for entry in made:
        to.append(next_link(to.head.link, encode_entry(entry)), entry)


def test_the_head_of_an_empty_ledger_is_the_nonce() -> None:
    assert ledger().head == Head(0, NONCE)


@pytest.mark.parametrize("first", [REFUSED, ON_AIR])
def test_a_key_keeps_its_first_answer(first: Answer) -> None:
    kept = ledger()
    kept.remember(first)
    kept.remember(LATE)
    assert kept.find_answer("ann", "k1") == first
    assert kept.find_answer("bob", "k1") is None


def test_a_late_answer_is_replaced() -> None:
    kept = ledger()
    kept.remember(LATE)
    kept.remember(REFUSED)
    assert kept.find_answer("ann", "k1") == REFUSED


def test_the_newest_answers_of_each_editor_are_kept() -> None:
    kept = ledger(receipts_retained=3)
    answers = [Answer("ann", f"k{number}", b"refused", ReceiptStatus.REFUSED) for number in range(5)]
    of_bob = Answer("bob", "k0", b"refused", ReceiptStatus.REFUSED)
    for answer in (*answers, of_bob):
        kept.remember(answer)
    assert [kept.find_answer("ann", answer.key) for answer in answers] == [None, None, *answers[2:]]
    assert kept.find_answer("bob", "k0") == of_bob


def test_the_receipt_of_an_entry_is_rebuilt_from_the_log() -> None:
    kept = ledger()
    (entry,) = entries(Change.NEW)
    append(kept, entry)
    answer = kept.find_answer(entry.editor, entry.key)
    assert answer is not None
    receipt = decode_receipt(answer.receipt)
    assert (receipt.status, receipt.id, receipt.published_at) == (
        ReceiptStatus.ON_AIR,
        entry.line.id,
        entry.line.updated_at,
    )
    assert receipt.position == f"1-{kept.head.link[:16]}"


def test_a_trimmed_log_starts_at_its_first_entry() -> None:
    kept = ledger()
    kept.begin_after(41)
    (entry,) = entries(Change.NEW)
    kept.append("ab" * 32, entry)
    assert kept.head == Head(42, "ab" * 32)


def test_the_key_of_a_held_item_is_known_for_as_long_as_the_item_is_held() -> None:
    kept = ledger(receipts_retained=1)
    submission = Submission(key="k1", change=Change.NEW, text="A line")
    held = Held(id="held-1", editor="ann", submission=submission, submitted_at=START)
    kept.held.put(encode_held(held), held)
    kept.remember(Answer("ann", "k1", b"held", ReceiptStatus.HELD))
    assert kept.find_answer("ann", "k1") == Answer("ann", "k1", b"held", ReceiptStatus.HELD)
    kept.remember(Answer("ann", "k2", b"refused", ReceiptStatus.REFUSED))
    answer = kept.find_answer("ann", "k1")
    assert answer is not None
    receipt = decode_receipt(answer.receipt)
    assert (answer.status, receipt.status, receipt.key, receipt.held) == (
        ReceiptStatus.HELD,
        ReceiptStatus.HELD,
        "k1",
        "held-1",
    )
    assert kept.find_answer("bob", "k1") is None
    kept.held.remove("held-1")
    assert kept.find_answer("ann", "k1") is None
