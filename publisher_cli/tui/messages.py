"""The messages that `sync` posts to the application."""

from __future__ import annotations

from collections.abc import Sequence

from textual.message import Message

from publisher_cli.history import RelatedLine
from publisher_cli.tui.model import Connection, EditionModel
from publisher_cli.tui.outbox import SentRequest
from ticker.core.submission import Receipt


class SyncMessage(Message):
    """A message from the task that follows an edition.

    `requested` is the edition that the task was started for. The application ignores messages of an earlier task.
    """

    def __init__(self, requested: str | None) -> None:
        super().__init__()
        self.requested = requested


class ConnectionChanged(SyncMessage):
    """The connection to Redis was opened or lost."""

    def __init__(self, requested: str | None, connection: Connection) -> None:
        super().__init__(requested)
        self.connection = connection


class EditionsListed(SyncMessage):
    """The names of all editions were read."""

    def __init__(self, requested: str | None, names: list[str]) -> None:
        super().__init__(requested)
        self.names = names


class ModelChanged(SyncMessage):
    """The model has changed, or time has passed."""

    def __init__(self, requested: str | None, model: EditionModel) -> None:
        super().__init__(requested)
        self.model = model


class ReceiptArrived(Message):
    """A receipt for this editor was read from the log of receipts."""

    def __init__(self, receipt: Receipt) -> None:
        super().__init__()
        self.receipt = receipt


class RequestSettled(Message):
    """A request of this application has its receipt."""

    def __init__(self, sent: SentRequest, receipt: Receipt) -> None:
        super().__init__()
        self.sent = sent
        self.receipt = receipt


class ReachMeasured(Message):
    """Gateways reported the reach of an entry. `related` are the lines of the same story in other editions."""

    def __init__(self, sent: SentRequest, receipt: Receipt, related: Sequence[RelatedLine]) -> None:
        super().__init__()
        self.sent = sent
        self.receipt = receipt
        self.related = related
