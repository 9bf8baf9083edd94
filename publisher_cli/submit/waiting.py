"""How a command waits for its receipt: with an event loop or without one."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, TypeVar

from ticker.client.pending_request import PendingRequest
from ticker.console import Console
from ticker.core.submission import Receipt, ReceiptStatus, Submission

if TYPE_CHECKING:
    from publisher_cli.session import Session
    from ticker.store.direct import AnyRedis

T = TypeVar("T")

LOOKUP_S: Final = 2.0
"""How long to wait for the receipt after Ctrl-C, so that the outcome is known."""


class Answer(NamedTuple):
    """A receipt. `is_interrupted` is true if the editor pressed Ctrl-C while the command waited for it."""

    receipt: Receipt
    is_interrupted: bool


class Waiting(Protocol):
    """`publisher_cli.submit.directly` or `publisher_cli.submit.event_loop`."""

    def run(self, coroutine: Coroutine[object, None, T]) -> T:
        """Run the coroutine to its end, and return its result."""

    def redis(self, session: Session) -> AbstractAsyncContextManager[AnyRedis]:
        """Open a client: see `Session.redis`."""

    async def answer(self, redis: AnyRedis, pending: PendingRequest, show_seconds: Callable[[int], None]) -> Answer:
        """Send the pending request, and return its receipt. Call `show_seconds` every second until then.

        The first Ctrl-C leaves the desk `LOOKUP_S` more seconds, so that the receipt usually has the outcome. A second
        one raises as usual.

        Raises:
            KeyboardInterrupt: If Ctrl-C comes before the request is sent.

        """

    async def wait_for_window(
        self, console: Console, session: Session, redis: AnyRedis, pending: PendingRequest, held: Answer
    ) -> Answer:
        """Wait until the undo window ends, or the change is taken back. Return the final receipt."""


def is_window(receipt: Receipt, submission: Submission) -> bool:
    """Return whether the submission waits only for the end of its undo window."""
    is_timed = submission.publish_at is not None or (
        submission.embargo_until is not None and submission.embargo_until == receipt.due_at
    )
    return receipt.status is ReceiptStatus.HELD and receipt.due_at is not None and not receipt.needs and not is_timed
