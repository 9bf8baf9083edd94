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
        harness = DeskHarness(redis_cluster.url, edition)
        async with harness.desk() as state:
            receipts = [await harness.ask("ann", new("k1")) for _ in range(2)]
            await rotate(harness.redis, edition, "ab" * 32)
            after_rotation = await harness.ask("bob", new("k2"))
        verified = await verify_log(harness.redis, edition)
        await harness.aclose()
        assert receipts[0] == receipts[1]
        assert after_rotation.status is ReceiptStatus.ON_AIR
        assert (verified.entries, state.errors) == (1, 0)


@pytest.mark.faults
async def test_a_desk_follows_a_failover_and_publishes_each_line_once(sentinel_trio: SentinelTrio) -> None:
    harness = DeskHarness(sentinel_trio.url)
    async with harness.desk():
        before = await harness.ask("ann", new("k1"))
        sentinel_trio.fail_over()
        await harness.aclose()
        harness.redis = DeskHarness(sentinel_trio.url).redis
        again = await harness.ask("ann", new("k1"))
        after = await harness.ask("ann", new("k2"))
    entries = await harness.entries()
    await harness.aclose()
    assert again == before
    assert after.status is ReceiptStatus.ON_AIR
    assert [entry.key for entry in entries] == ["k1", "k2"]
