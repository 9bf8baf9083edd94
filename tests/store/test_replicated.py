"""An editor learns of a receipt only when it is safe from the loss of its server."""

from __future__ import annotations

import pytest

from tests.support.sentinel import SentinelTrio
from tests.support.waiting import until
from ticker.core.submission import Receipt, ReceiptStatus, encode_receipt
from ticker.store import replicated
from ticker.store.connection import Redis, connect
from ticker.store.keys import Keys
from ticker.store.receipts import StoredReceipt, await_receipt, is_safe_from_loss, read_receipts
from ticker.store.replicated import NotReplicatedError, View, is_safe

STREAM = Keys("en").receipts("ann")
NAMES, ELSEWHERE = (View(is_primary=value, seen_ms=100, may_promote=True) for value in (True, False))
ALONE = View(is_primary=True, seen_ms=9_000, may_promote=False)
UNSEEN = View(is_primary=True, seen_ms=1_000, may_promote=True)


@pytest.mark.parametrize(
    ("views", "safe"),
    [
        ([NAMES, NAMES], True),
        ([NAMES], False),
        ([NAMES, ELSEWHERE], False),
        ([NAMES, UNSEEN], False),  # one of them can't reach the server since the receipt
        ([ALONE, ALONE], True),
        ([ALONE, UNSEEN], False),  # one of them knows a replica
        ([], False),
    ],
)
def test_a_receipt_without_a_replica_is_safe_if_a_majority_of_three_sentinels_keeps_its_server(
    views: list[View], safe: bool
) -> None:
    assert is_safe(views, 2, elapsed_ms=1_200) is safe


def test_a_reply_soon_after_the_receipt_does_not_make_it_safe() -> None:
    """The server could have been cut off from its replica just before the receipt, and from the Sentinels after it."""
    assert not is_safe([NAMES, NAMES], 2, elapsed_ms=500)


async def add(redis: Redis, key: str, status: ReceiptStatus) -> None:
    data = encode_receipt(Receipt(status=status, edition="en", key=key))
    await redis.xadd(STREAM, {"receipt": data, "submission": "7-0", "until": "9"})


async def receipt(redis: Redis, key: str) -> StoredReceipt | None:
    return await await_receipt(redis, "en", "ann", key=key, after="0-0", deadline_at_ms=0)


@pytest.mark.faults
async def test_a_receipt_that_no_replica_has_is_returned_only_when_the_sentinels_can_promote_none(
    sentinel_trio: SentinelTrio, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis = connect(sentinel_trio.url, role="tick", blocking=True)
    await add(redis, "k1", ReceiptStatus.ON_AIR)
    assert await receipt(redis, "k1") is not None
    for server in (sentinel_trio.replica, *sentinel_trio.sentinels[:2]):
        server.pause()
    monkeypatch.setattr(replicated, "HOLD_S", 0.3)
    monkeypatch.setattr(replicated, "ASK_S", 0.2)
    for status in (ReceiptStatus.ON_AIR, ReceiptStatus.HELD):
        await add(redis, status, status)
        with pytest.raises(NotReplicatedError, match="no replica of"):
            await receipt(redis, status)
    monkeypatch.undo()
    await add(redis, "k2", ReceiptStatus.REFUSED)
    assert await receipt(redis, "k2") is not None
    for sentinel in sentinel_trio.sentinels[:2]:
        sentinel.resume()
    assert await receipt(redis, ReceiptStatus.ON_AIR) is not None
    sentinel_trio.replica.resume()
    await redis.aclose()


@pytest.mark.faults
async def test_a_receipt_that_the_server_has_lost_is_not_returned(sentinel_trio: SentinelTrio) -> None:
    redis = connect(sentinel_trio.url, role="tick", blocking=True)
    await add(redis, "k1", ReceiptStatus.ON_AIR)
    (stored,) = await read_receipts(redis, "en", "ann")
    await redis.delete(STREAM)
    assert not await is_safe_from_loss(redis, "en", "ann", stored)
    await redis.aclose()


@pytest.mark.faults
async def test_without_the_rights_to_wait_for_a_replica_the_sentinels_decide(sentinel_trio: SentinelTrio) -> None:
    for server in sentinel_trio.servers:
        server.command("ACL", "SETUSER", "old", "on", ">password", "~*", "&*", "+@all", "-wait", "-publish")
    redis = connect(sentinel_trio.url.replace("://", "://old:password@", 1), role="tick", blocking=True)
    await add(redis, "k1", ReceiptStatus.ON_AIR)
    until(lambda: bool(sentinel_trio.replica.command("EXISTS", STREAM)), "the replica has the receipt")
    assert await receipt(redis, "k1") is not None
    await redis.aclose()
