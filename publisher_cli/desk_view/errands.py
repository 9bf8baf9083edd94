"""Handing in what an editor decided, and what is remembered of it until its fate is known."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from publisher_cli.desk_view.drafting import Draft
from publisher_cli.newsroom import Newsroom
from publisher_cli.publishing import Errand, not_on_air, with_reach
from ticker.core.errors import TickerError
from ticker.core.submission import Outcome, Receipt, Request
from ticker.store.connections import CLIENT_ERRORS

Hear = Callable[["Sent", Receipt], None]


class Sent(msgspec.Struct, frozen=True):
    """A request on its way. `quoted` is the text that it is about; `draft` what it was made of, in the compose line."""

    edition: str
    request: Request
    quoted: str
    at: datetime
    draft: Draft | None = None


async def carry(find: Callable[[], Newsroom], editor: str | None, sent: Sent, hear: Hear) -> None:
    """Hand a request in, and tell what became of it: once for certain, and once more when its reach is known."""
    errand: Errand | None = None
    try:
        newsroom = find()
        async with newsroom.redis() as redis:
            errand = Errand(newsroom, sent.edition, newsroom.editor(editor), sent.request)
            receipt = await errand.run(redis)
            hear(sent, receipt)
            if receipt.status is Outcome.ON_AIR:
                hear(sent, await with_reach(redis, receipt))
    except (TickerError, *CLIENT_ERRORS) as error:
        hear(sent, _unheard(sent, errand, str(error)))


def _unheard(sent: Sent, errand: Errand | None, why: str) -> Receipt:
    if errand is not None and errand.is_sent:
        return errand.unconfirmed(why)
    return not_on_air(sent.edition, sent.request, "no-redis", why)
