"""Handing in what an editor decided, and what is remembered of it until its fate is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec

from publisher_cli.history import RelatedLine, find_related_lines
from publisher_cli.session import Session
from publisher_cli.tui.draft import Draft
from ticker.client.publish import Errand, not_on_air, with_reach
from ticker.core.errors import TickerError
from ticker.core.line import Change, Line
from ticker.core.submission import Receipt, ReceiptStatus, Request, Submission
from ticker.store.connection import CLIENT_ERRORS, Redis

Hear = Callable[["Sent", Receipt, Sequence[RelatedLine]], None]


class Sent(msgspec.Struct, frozen=True):
    """A request on its way. `quoted` is the text that it is about, and `line` the version that it changes.

    `draft` is what it was made of, in the compose line.
    """

    edition: str
    request: Request
    quoted: str
    at: datetime
    draft: Draft | None = None
    line: Line | None = None


async def carry(find: Callable[[], Session], editor: str | None, sent: Sent, hear: Hear) -> None:
    """Hand a request in, and tell what became of it: once for certain, and once more when its reach is known."""
    errand: Errand | None = None
    try:
        session = find()
        async with session.redis() as redis:
            errand = Errand(session, sent.edition, session.editor(editor), sent.request)
            receipt = await errand.run(redis)
            hear(sent, receipt, ())
            if receipt.status is ReceiptStatus.ON_AIR:
                hear(sent, await with_reach(redis, receipt), await _sisters(redis, sent))
    except (TickerError, *CLIENT_ERRORS) as error:
        hear(sent, _unheard(sent, errand, str(error)), ())


async def _sisters(redis: Redis, sent: Sent) -> Sequence[RelatedLine]:
    """What is still up of the same story in other editions, where a line was taken back or put right."""
    line, request = sent.line, sent.request
    if line is None or line.coverage is None or not isinstance(request, Submission):
        return ()
    if request.change not in (Change.WITHDRAW, Change.CORRECT):
        return ()
    now = datetime.now(sent.at.tzinfo)
    return await find_related_lines(redis, sent.edition, line.coverage, line.lang, now, is_test=line.test)


def _unheard(sent: Sent, errand: Errand | None, why: str) -> Receipt:
    if errand is not None and errand.is_sent:
        return errand.unconfirmed(why)
    return not_on_air(sent.edition, sent.request, "no-redis", why)
