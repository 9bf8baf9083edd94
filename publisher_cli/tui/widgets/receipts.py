"""What became of a request, in words that can't be misread. Each is a loud word, then a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Final

import msgspec

from publisher_cli.history import RelatedLine
from publisher_cli.output import bidi, messages
from publisher_cli.times import spell_instant
from ticker.core.line import Change
from ticker.core.position import Position
from ticker.core.submission import Receipt, ReceiptStatus


class Told(msgspec.Struct, frozen=True):
    """A word, its style, and a sentence."""

    word: str
    style: str
    sentence: str


_STYLES: Final = {
    ReceiptStatus.ON_AIR: "bold $text-success",
    ReceiptStatus.HELD: "bold $text-warning",
    ReceiptStatus.DROPPED: "bold $text-warning",
    ReceiptStatus.REFUSED: "bold $text-error",
    ReceiptStatus.LATE: "bold $text-error",
    ReceiptStatus.NOT_ON_AIR: "bold white on red",
}


def told_of(receipt: Receipt, quoted: str, now: datetime, zone: tzinfo | None) -> Told:
    """`quoted` is the text that it is about, isolated."""
    return Told(_word(receipt), _STYLES[receipt.status], _sentence(receipt, quoted, now, zone))


def _word(receipt: Receipt) -> str:
    if receipt.status is ReceiptStatus.ON_AIR:
        return messages.DONE[_change(receipt)].upper()
    if receipt.status in (ReceiptStatus.LATE, ReceiptStatus.NOT_ON_AIR):
        return "NOT ON AIR"
    return {ReceiptStatus.HELD: "HELD", ReceiptStatus.DROPPED: "DROPPED", ReceiptStatus.REFUSED: "REFUSED"}[
        receipt.status
    ]


def _change(receipt: Receipt) -> Change:
    """What was changed; of what was approved, the receipt doesn't say."""
    return Change(receipt.action) if receipt.action in set(Change) else Change.NEW


def _sentence(receipt: Receipt, quoted: str, now: datetime, zone: tzinfo | None) -> str:
    about = f" “{quoted}”" if quoted else ""
    where = messages.edition_name(receipt.edition, is_test=receipt.test)
    match receipt.status:
        case ReceiptStatus.ON_AIR:
            assert receipt.position is not None
            seq = Position.parse(receipt.position).seq
            reach = "" if receipt.reach is None else f" · {messages.reach_words(receipt.reach, _change(receipt))}"
            return f"{where} {seq}{about} (id {receipt.id}){reach}"
        case ReceiptStatus.HELD:
            needs = "; ".join(finding.detail for finding in receipt.needs)
            due = (
                ""
                if receipt.due_at is None
                else f"{', ' if needs else ''}until {spell_instant(receipt.due_at, now, zone)}"
            )
            return f"{where}{about} not on air yet (id {receipt.held}): waits {needs and 'because '}{needs}{due}"
        case ReceiptStatus.DROPPED:
            how = "rejected" if receipt.reason else "taken back"
            by = f" by {receipt.decided_by}" if receipt.decided_by else ""
            why = f": {bidi.isolated(receipt.reason)}" if receipt.reason else ""
            return f"{where}{about} (id {receipt.held}) never went on air: {how}{by}{why}"
        case _:
            return f"{where}{about}: {'; '.join(finding.detail for finding in receipt.errors)}"


def sister_words(sisters: Sequence[RelatedLine]) -> str:
    """What is still up of a story: where, and with which id."""
    each = " · ".join(f"{sister.edition} {sister.id} {bidi.isolated(sister.text, sister.dir)}" for sister in sisters)
    return f"STILL UP, of the same story (Ctrl+N goes there): {each}"
