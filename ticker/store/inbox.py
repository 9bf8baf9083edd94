"""Inboxes: the streams that editors append their requests to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ticker.core.submission import Request, encode_request
from ticker.store.keys import Keys
from ticker.store.replies import as_text
from ticker.store.streams import milliseconds_of

if TYPE_CHECKING:
    from ticker.store.direct import AnyRedis


async def submit(redis: AnyRedis, edition: str, editor: str, request: Request) -> str:
    """Append a submission or a decision to the editor's inbox, and return its id there.

    Sends the request once. If the connection is lost or the command times out, the request may or may not have
    arrived: submit it again with the same key, and the desk answers with the receipt of the first. The desk ignores
    inboxes of editors that aren't registered.
    """
    return as_text(await redis.xadd(Keys(edition).inbox(editor), {"submission": encode_request(request)}))


def deadline_at_ms(submission_id: str, deadline_s: float) -> int:
    """Return the deadline, by Redis's clock, of a submission with this id in its inbox."""
    return milliseconds_of(submission_id) + max(0, int(deadline_s * 1000))
