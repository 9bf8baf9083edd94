"""The messages that `sync` posts to the application."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.message import Message

from publisher_cli.history import RelatedLine
from publisher_cli.tui.model import EditionModel, State
from publisher_cli.tui.steps import Send
from ticker.core.submission import Receipt


@dataclass
class SyncMessage(Message):
    """A message from the task that follows an edition.

    `requested` is the edition that the task was started for. The application ignores messages of an earlier task.
    """

    requested: str | None


@dataclass
class ConnectionChanged(SyncMessage):
    """The connection to Redis was opened, or was lost for a `reason`, or still is."""

    state: State
    reason: str = ""


@dataclass
class EditionsListed(SyncMessage):
    """The names of all editions were read."""

    names: list[str]


@dataclass
class ModelChanged(SyncMessage):
    """The model has changed, or time has passed."""

    model: EditionModel


@dataclass
class ReceiptArrived(Message):
    """A receipt for this editor was read from the log of receipts."""

    receipt: Receipt


@dataclass
class RequestSettled(Message):
    """A request of this application has its receipt."""

    sent: Send
    receipt: Receipt


@dataclass
class ReachMeasured(Message):
    """Gateways reported the reach of an entry. `related` are the lines of the same story in other editions."""

    sent: Send
    receipt: Receipt
    related: Sequence[RelatedLine]
