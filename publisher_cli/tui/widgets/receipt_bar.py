"""The bar that shows the outcome of the latest request: a headline, then a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Final

import msgspec
from textual.content import Content

from publisher_cli.history import RelatedLine
from publisher_cli.output import bidi, messages
from publisher_cli.times import spell_instant
from publisher_cli.tui.model import EditionModel
from publisher_cli.tui.outbox import Outbox
from publisher_cli.tui.widgets.status_bar import Bar
from publisher_cli.tui.wrapping import wrapped
from ticker.core.line import Change
from ticker.core.position import Position
from ticker.core.submission import Receipt, ReceiptStatus
from ticker.store.reach import reach_of

_HEADLINES: Final = {
    ReceiptStatus.ON_AIR: ("ON AIR", "bold $text-success"),
    ReceiptStatus.HELD: ("HELD", "bold $text-warning"),
    ReceiptStatus.DROPPED: ("DROPPED", "bold $text-warning"),
    ReceiptStatus.REFUSED: ("REFUSED", "bold $text-error"),
    ReceiptStatus.LATE: ("NOT ON AIR", "bold $text-error"),
    ReceiptStatus.NOT_ON_AIR: ("NOT ON AIR", "bold white on red"),
    ReceiptStatus.UNKNOWN: ("UNKNOWN", "bold white on red"),
}


class Notice(msgspec.Struct, frozen=True):
    """A headline with its style, and a sentence."""

    headline: str
    style: str
    sentence: str


class ShownReceipt(msgspec.Struct, frozen=True):
    """A receipt with the text that it is about, and the related lines that other editions still show."""

    receipt: Receipt
    quoted: str
    related: Sequence[RelatedLine] = ()


class ReceiptBar(Bar):
    """Shows a receipt or a notice until the next one. A receipt's reach is added once gateways report it."""

    def __init__(self, outbox: Outbox, deadline_s: float) -> None:
        super().__init__()
        self._outbox = outbox
        self._deadline_s = deadline_s
        self._shown: Notice | ShownReceipt | None = None

    def show_notice(self, notice: Notice) -> None:
        self._shown = notice

    def show_receipt(self, receipt: Receipt, quoted: str, now: datetime, related: Sequence[RelatedLine] = ()) -> None:
        self._outbox.mark_shown(receipt, quoted, now)
        self._shown = ShownReceipt(receipt, quoted, related)

    def shows(self, key: str) -> bool:
        """Return whether the bar shows the receipt with this key."""
        return isinstance(self._shown, ShownReceipt) and self._shown.receipt.key == key

    def refresh_text(self, model: EditionModel | None, now: datetime) -> None:
        """Redraw what time or the model has changed."""
        self.show(wrapped(self.text(model, now), self.app.size.width - 2))

    def text(self, model: EditionModel | None, now: datetime) -> Content:
        """Return the text to show. While a request waits for its receipt, that is shown instead."""
        if self._outbox.is_waiting:
            waited = f"{self._outbox.waited_s(now):.0f} s of {self._deadline_s:g}"
            return Content.styled(" SENDING ", "bold reverse") + Content(f" waiting for the desk · {waited}")
        if (notice := self._notice(model, now)) is None:
            return Content("")
        text = Content.styled(f" {notice.headline} ", notice.style) + Content(f" {notice.sentence}")
        if isinstance(self._shown, ShownReceipt) and self._shown.related:
            text += Content.styled(f"\n{_related_sentence(self._shown.related)}", "bold $text-warning")
        if (window := self._outbox.undo_window(now)) is not None:
            text += Content.styled(f"  {window[1]:.0f} s left: Ctrl+C takes it back", "bold $text-warning")
        return text

    def _notice(self, model: EditionModel | None, now: datetime) -> Notice | None:
        if not isinstance(self._shown, ShownReceipt):
            return self._shown
        if model is not None:
            receipt = _with_reach(self._shown.receipt, model)
            self._shown = msgspec.structs.replace(self._shown, receipt=receipt)
        return receipt_notice(self._shown.receipt, self._shown.quoted, now, None if model is None else model.zone)


def _with_reach(receipt: Receipt, model: EditionModel) -> Receipt:
    """Return the receipt with the reach that gateways have reported by now."""
    if receipt.position is None or receipt.reach is not None or receipt.edition != model.name:
        return receipt
    reach = reach_of(Position.parse(receipt.position).seq, model.reports)
    return receipt if reach is None else msgspec.structs.replace(receipt, reach=reach)


def receipt_notice(receipt: Receipt, quoted: str, now: datetime, zone: tzinfo | None) -> Notice:
    """Return the notice for a receipt. `quoted` is the text that it is about, already isolated."""
    headline, style = _HEADLINES[receipt.status]
    if receipt.status is ReceiptStatus.ON_AIR:
        headline = messages.DONE[_change(receipt)].upper()
    return Notice(headline, style, _sentence(receipt, quoted, now, zone))


def _change(receipt: Receipt) -> Change:
    """Return the change that was published. The receipt of an approval doesn't contain it: assume a new line."""
    return Change(receipt.action) if receipt.action in set(Change) else Change.NEW


def _sentence(receipt: Receipt, quoted: str, now: datetime, zone: tzinfo | None) -> str:
    text = f" “{quoted}”" if quoted else ""
    edition = messages.edition_name(receipt.edition, is_test=receipt.test)
    match receipt.status:
        case ReceiptStatus.ON_AIR:
            assert receipt.position is not None
            seq = Position.parse(receipt.position).seq
            reach = "" if receipt.reach is None else f" · {messages.reach_text(receipt.reach, _change(receipt))}"
            return f"{edition} {seq}{text} (id {receipt.id}){_source(receipt)}{reach}"
        case ReceiptStatus.HELD:
            waits = _waits_for(receipt, now, zone)
            return f"{edition}{text} not on air yet (id {receipt.held}): {waits}{_source(receipt)}"
        case ReceiptStatus.DROPPED:
            how = "rejected" if receipt.reason else "taken back"
            editor = f" by {receipt.decided_by}" if receipt.decided_by else ""
            reason = f": {bidi.isolated(receipt.reason)}" if receipt.reason else ""
            return f"{edition}{text} (id {receipt.held}) never went on air: {how}{editor}{reason}"
        case _:
            return f"{edition}{text}: {'; '.join(finding.detail for finding in receipt.errors)}"


def _source(receipt: Receipt) -> str:
    """Return the source of the line: the editor must notice if the colon in the text meant something else."""
    return "" if receipt.attribution is None else f" · source: {bidi.isolated(receipt.attribution)}"


def _waits_for(receipt: Receipt, now: datetime, zone: tzinfo | None) -> str:
    parts = []
    if receipt.needs:
        parts.append(f"waits because {'; '.join(finding.detail for finding in receipt.needs)}")
    if receipt.due_at is not None:
        parts.append(f"waits until {spell_instant(receipt.due_at, now, zone)}")
    return ", ".join(parts)


def _related_sentence(related: Sequence[RelatedLine]) -> str:
    """Name the related lines that other editions still show."""
    lines = " · ".join(f"{line.edition} {line.id} {bidi.isolated(line.text, line.dir)}" for line in related)
    return f"STILL ON AIR, same story (Ctrl+N goes there): {lines}"
