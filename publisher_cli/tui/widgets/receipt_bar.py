"""The line that tells what became of what was handed in last."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from textual.content import Content

from publisher_cli.history import RelatedLine
from publisher_cli.tui.mail import Mail
from publisher_cli.tui.model import Picture
from publisher_cli.tui.widgets.receipts import Told, sister_words, told_of
from ticker.core.position import Position
from ticker.core.submission import Receipt
from ticker.store.reach import reach_of


class Telling:
    """What is told stays until something else is; a receipt's reach is filled in as soon as gateways tell it."""

    def __init__(self, mail: Mail, deadline_s: float) -> None:
        self._mail = mail
        self._deadline_s = deadline_s
        self._said: Told | None = None
        self._receipt: Receipt | None = None
        self._quoted = ""
        self._sisters: Sequence[RelatedLine] = ()

    def say(self, word: str, sentence: str, style: str) -> None:
        """Tell something that is no receipt."""
        self._receipt, self._said = None, Told(word, style, sentence)

    def tell(self, receipt: Receipt, quoted: str, sisters: Sequence[RelatedLine] = ()) -> None:
        """Tell a receipt, of the text `quoted`; `sisters` are what is still up of the same story."""
        self._mail.tell(receipt)
        self._receipt, self._quoted, self._sisters = receipt, quoted, sisters

    def is_of(self, key: str) -> bool:
        """Whether it is the receipt of this key that is told."""
        return self._receipt is not None and self._receipt.key == key

    def words(self, picture: Picture | None, now: datetime) -> Content:
        """All of it: what is under way comes first."""
        if self._mail.under_way:
            waited = f"{self._mail.waited_s(now):.0f} s of {self._deadline_s:g}"
            return Content.styled(" SENDING ", "bold reverse") + Content(f" waiting for the desk · {waited}")
        if (told := self._told(picture, now)) is None:
            return Content("")
        said = Content.styled(f" {told.word} ", told.style) + Content(f" {told.sentence}")
        if self._sisters and self._receipt is not None:
            said += Content.styled(f"\n{sister_words(self._sisters)}", "bold $text-warning")
        if (undoable := self._mail.undoable(now)) is not None:
            said += Content.styled(f"  {undoable[1]:.0f} s left: Ctrl+C takes it back", "bold $text-warning")
        return said

    def _told(self, picture: Picture | None, now: datetime) -> Told | None:
        if self._receipt is None:
            return self._said
        if picture is not None:
            self._receipt = with_reach(self._receipt, picture)
        return told_of(self._receipt, self._quoted, now, None if picture is None else picture.zone)


def with_reach(receipt: Receipt, picture: Picture) -> Receipt:
    """The receipt with how far it has come, which gateways tell a moment after it is on air."""
    if receipt.position is None or receipt.reach is not None or receipt.edition != picture.name:
        return receipt
    reach = reach_of(Position.parse(receipt.position).seq, picture.reports)
    return receipt if reach is None else msgspec.structs.replace(receipt, reach=reach)
