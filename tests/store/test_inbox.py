from __future__ import annotations

from ticker.core.line import Change
from ticker.core.submission import Submission, decode_request
from ticker.store.connection import Redis
from ticker.store.inbox import deadline_at_ms, submit
from ticker.store.keys import Keys
from ticker.store.streams import milliseconds_of, read_range


async def test_a_submission_is_appended_to_the_editors_inbox_with_the_time_in_its_id(redis: Redis) -> None:
    submission = Submission(key="k1", change=Change.NEW, text="A line")
    stream_id = await submit(redis, "en", "ann", submission)
    ((found_id, fields),) = await read_range(redis, Keys("en").inbox("ann"))
    assert found_id == stream_id
    assert decode_request(fields[b"submission"], 8192) == submission
    assert deadline_at_ms(stream_id, 30) == milliseconds_of(stream_id) + 30_000
