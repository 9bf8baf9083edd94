"""Plan requests without Redis: a ledger, a context, and requests as they are in inboxes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count

import msgspec

from tests.support.desk_harness import new
from tests.support.strategies import ENGLISH, NONCE, START
from ticker.core.edition import Edition, Role
from ticker.core.held import Held, encode_held
from ticker.core.submission import Receipt, Request, decode_receipt, encode_request
from ticker.desk.ledger import Ledger
from ticker.desk.plan import PendingRequest, PlanContext, PlannedSettlement
from ticker.desk.rates import NO_LIMIT, RateLimit
from ticker.store.editions import StoredEdition

NOW_MS = int(START.timestamp() * 1000)
LATER = START + timedelta(minutes=5)


def ledger(edition: Edition = ENGLISH, rate_limit: RateLimit = NO_LIMIT, **roles: Role | None) -> Ledger:
    """Return the ledger of an empty edition, with the editors ann and bob, and those in `roles`."""
    made = Ledger(StoredEdition("en", edition, NONCE), 100, 100, rate_limit)
    made.redis_ms = NOW_MS
    made.roles = {"ann": None, "bob": None, **roles}
    return made


def ids() -> Iterator[str]:
    return (f"id-{number}" for number in count(1))


def context_at(now: datetime = START, **limits: object) -> PlanContext:
    source = ids()
    context = PlanContext(
        now=now,
        redis_now=now,
        new_id=lambda: next(source),
        submission_bytes=8 * 1024,
        deadline_s=30.0,
        held_max=10,
        held_per_editor=10,
        overdue_after_s=60.0,
    )
    return msgspec.structs.replace(context, **limits)


def pending(*requests: tuple[str, Request], at_ms: int = NOW_MS) -> list[PendingRequest]:
    return [
        PendingRequest(editor, f"{at_ms}-{number}", encode_request(request))
        for number, (editor, request) in enumerate(requests)
    ]


def receipts(planned: list[PlannedSettlement]) -> list[Receipt]:
    return [decode_receipt(each.receipt) for each in planned]


def hold(to: Ledger, held_id: str = "held-1", **fields: object) -> Held:
    held = Held(id=held_id, editor="ann", submission=new("k1", f"Line {held_id}"), submitted_at=START)
    held = msgspec.structs.replace(held, **fields)
    to.held.put(encode_held(held), held)
    return held
