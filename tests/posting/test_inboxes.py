"""The limits on requests that wait for the desk, and the answers without a Redis. No server runs."""

from __future__ import annotations

import pytest

from ticker.core.line import Change
from ticker.core.submission import ReceiptStatus, Submission
from ticker.posting.inboxes import Inboxes
from ticker.posting.problems import PostingError


def test_requests_are_limited_per_editor_and_make_room_when_they_end() -> None:
    inboxes = Inboxes("redis://127.0.0.1", 10, 2)
    with inboxes.slot("en", "maha", "k1"), inboxes.slot("ar", "maha", "k1"):
        with pytest.raises(PostingError) as refused, inboxes.slot("en", "maha", "k2"):
            pass
        assert (refused.value.code, refused.value.status) == ("editor-busy", 429)
        with inboxes.slot("en", "omar", "k1"):
            assert inboxes.waiting == 3
    with inboxes.slot("en", "maha", "k2"):
        assert inboxes.waiting == 1


def test_requests_are_limited_in_total() -> None:
    inboxes = Inboxes("redis://127.0.0.1", 1, 2)
    with inboxes.slot("en", "maha", "k1"):
        with pytest.raises(PostingError) as refused, inboxes.slot("en", "omar", "k1"):
            pass
        assert (refused.value.code, refused.value.status) == ("busy", 503)


def test_second_request_with_a_key_that_waits_is_a_conflict() -> None:
    inboxes = Inboxes("redis://127.0.0.1", 10, 10)
    with inboxes.slot("en", "maha", "k1"):
        with pytest.raises(PostingError) as refused, inboxes.slot("en", "maha", "k1"):
            pass
        assert (refused.value.code, refused.value.status) == ("in-progress", 409)
        with inboxes.slot("en", "omar", "k1"), inboxes.slot("ar", "maha", "k1"):
            pass


async def test_client_does_not_learn_where_redis_is() -> None:
    inboxes = Inboxes("redis://127.0.0.1:1", 10, 10)  # nothing listens there
    with pytest.raises(PostingError) as refused:
        await inboxes.find_token("0" * 12)
    receipt = await inboxes.submit("en", "maha", Submission(key="k1", change=Change.NEW, text="One"))
    await inboxes.close()
    assert (receipt.status, receipt.errors[0].code) == (ReceiptStatus.NOT_ON_AIR, "no-redis")
    assert "127.0.0.1" not in refused.value.detail + receipt.errors[0].detail
