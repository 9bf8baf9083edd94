"""What the exit codes of `tick` mean. Scripts rely on them."""

from __future__ import annotations

from enum import IntEnum

from ticker.core.submission import ReceiptStatus


class Status(IntEnum):
    """How a command ended."""

    DONE = 0  # on air; for commands that only read: read
    FAILED = 1  # something that isn't in this list; the message says what
    USAGE = 2  # the command can't be understood: nothing was sent
    REFUSED = 3  # the desk said no, and why
    NOT_ON_AIR = 4  # no Redis, or no desk in time
    HELD = 5  # waits for its time or for another person


STATUS_OF = {
    ReceiptStatus.ON_AIR: Status.DONE,
    ReceiptStatus.HELD: Status.HELD,
    ReceiptStatus.DROPPED: Status.DONE,
    ReceiptStatus.REFUSED: Status.REFUSED,
    ReceiptStatus.LATE: Status.NOT_ON_AIR,
    ReceiptStatus.NOT_ON_AIR: Status.NOT_ON_AIR,
}
