"""The text on the terminal after the application has quit: the last receipts, and the requests without a receipt."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, tzinfo

from publisher_cli.tui.outbox import Outbox
from publisher_cli.tui.widgets.receipt_bar import receipt_notice


def farewell(outbox: Outbox, now: datetime, zone: tzinfo | None) -> Iterator[str]:
    """Yield a line for each of the last receipts, the newest last, and for each request whose outcome is open."""
    for receipt, quoted in outbox.latest_receipts:
        notice = receipt_notice(receipt, quoted, now, zone)
        yield f"{notice.headline}  {notice.sentence}"
    for sent in outbox.open_requests:
        what = f" “{sent.quoted}”" if sent.quoted else ""
        yield f"UNKNOWN  {sent.edition}{what}: it was sent, and may be on air: see `tick log -e {sent.edition}`"
