from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ticker.core.held import Held, encode_held
from ticker.core.line import Change
from ticker.core.submission import Submission
from ticker.store.connection import Redis
from ticker.store.held import read_held
from ticker.store.keys import Keys

NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)


def held(item_id: str, submitted_at: datetime) -> Held:
    submission = Submission(key=f"k-{item_id}", change=Change.NEW, text="A line")
    return Held(id=item_id, editor="ann", submission=submission, submitted_at=submitted_at)


async def test_held_items_are_read_in_the_order_of_their_submission_without_unreadable_ones(redis: Redis) -> None:
    later, earlier = held("aa", NOW + timedelta(seconds=1)), held("bb", NOW)
    fields = {item.id: encode_held(item) for item in (later, earlier)}
    for name, data in {**fields, "cc": b"nonsense", "dd": fields["aa"]}.items():
        await redis.hset(Keys("en").held, name, data.decode())
    found = await read_held(redis, "en")
    assert list(found.items()) == [("bb", (fields["bb"], earlier)), ("aa", (fields["aa"], later))]
