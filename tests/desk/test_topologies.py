"""The desk on a Redis Cluster and with Sentinels."""

from __future__ import annotations

import pytest

from tests.support.cluster import Cluster
from tests.support.desk_harness import DeskHarness, new
from tests.support.sentinel import SentinelTrio
from ticker.core.submission import ReceiptStatus
from ticker.store.log_reader import rotate, verify_log


@pytest.mark.faults
async def test_an_edition_is_on_one_node_of_a_cluster(redis_cluster: Cluster) -> None:
    for edition in ("en", "ar", "es"):
        newsroom = DeskHarness(redis_cluster.url, edition)
        async with newsroom.desk() as state:
            receipts = [await newsroom.ask("ann", new("k1")) for _ in range(2)]
            await rotate(newsroom.redis, edition, "ab" * 32)
            anew = await newsroom.ask("bob", new("k2"))
        verified = await verify_log(newsroom.redis, edition)
        await newsroom.aclose()
        assert receipts[0] == receipts[1]
        assert anew.status is ReceiptStatus.ON_AIR
        assert (verified.entries, state.errors) == (1, 0)


@pytest.mark.faults
async def test_a_desk_follows_a_failover_and_publishes_each_line_once(sentinel_trio: SentinelTrio) -> None:
    newsroom = DeskHarness(sentinel_trio.url)
    async with newsroom.desk():
        before = await newsroom.ask("ann", new("k1"))
        sentinel_trio.fail_over()
        await newsroom.aclose()
        newsroom.redis = DeskHarness(sentinel_trio.url).redis
        again = await newsroom.ask("ann", new("k1"))
        after = await newsroom.ask("ann", new("k2"))
    entries = await newsroom.entries()
    await newsroom.aclose()
    assert again == before
    assert after.status is ReceiptStatus.ON_AIR
    assert [entry.key for entry in entries] == ["k1", "k2"]
