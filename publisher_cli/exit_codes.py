"""The exit codes of `tick`. Scripts rely on them."""

from __future__ import annotations

from enum import IntEnum

from ticker.core.submission import ReceiptStatus


class Status(IntEnum):
    """How a command ended."""

    DONE = 0  # on air; or read, for a command that only reads
    FAILED = 1  # another failure, which the message explains
    USAGE = 2  # the command is not valid; nothing was sent
    REFUSED = 3  # the desk refused it, and the message explains why
    NOT_ON_AIR = 4  # Redis or the desk didn't answer in time, and it can't be published any more
    HELD = 5  # it waits for its time or for a second person
    UNKNOWN = 6  # sent, but the outcome is open: it may be on air


STATUS_OF = {
    ReceiptStatus.ON_AIR: Status.DONE,
    ReceiptStatus.HELD: Status.HELD,
    ReceiptStatus.DROPPED: Status.DONE,
    ReceiptStatus.REFUSED: Status.REFUSED,
    ReceiptStatus.LATE: Status.NOT_ON_AIR,
    ReceiptStatus.NOT_ON_AIR: Status.NOT_ON_AIR,
    ReceiptStatus.UNKNOWN: Status.UNKNOWN,
}
