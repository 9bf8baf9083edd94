"""The desk on a Redis Cluster and with Sentinels."""

from __future__ import annotations

import pytest

from tests.support.cluster import Cluster
from tests.support.desk_harness import NewHarness, new
from tests.support.sentinel import SentinelTrio
from tests.support.waiting import eventually
from ticker.core.submission import ReceiptStatus
from ticker.store.log_reader import rotate, verify_log


@pytest.mark.faults
async def test_an_edition_is_on_one_node_of_a_cluster(redis_cluster: Cluster, new_harness: NewHarness) -> None:
    for edition in ("en", "ar", "es"):
        harness = new_harness(redis_cluster.url, edition)
        async with harness.desk() as state:
            receipts = [await harness.ask("ann", new("k1")) for _ in range(2)]
            await rotate(harness.redis, edition, "ab" * 32)
            after_rotation = await harness.ask("bob", new("k2"))
        verified = await verify_log(harness.redis, edition)
        assert receipts[0] == receipts[1]
        assert after_rotation.status is ReceiptStatus.ON_AIR
        assert (verified.entries, state.errors) == (1, 0)


@pytest.mark.faults
async def test_a_desk_follows_a_failover_and_publishes_each_line_once(
    sentinel_trio: SentinelTrio, new_harness: NewHarness
) -> None:
    harness = new_harness(sentinel_trio.url)
    async with harness.desk():
        before = await harness.ask("ann", new("k1"))
        sentinel_trio.fail_over()
        returning = new_harness(sentinel_trio.url)
        again = await returning.ask("ann", new("k1"))
        after = await returning.ask("ann", new("k2"))
    entries = await returning.entries()
    assert again == before
    assert after.status is ReceiptStatus.ON_AIR
    assert [entry.key for entry in entries] == ["k1", "k2"]


@pytest.mark.faults
async def test_a_desk_publishes_nothing_without_a_majority_of_the_sentinels(
    sentinel_trio: SentinelTrio, new_harness: NewHarness
) -> None:
    """Behind a cut, the Sentinels may have promoted a replica: what the old primary accepts would be lost."""
    harness = new_harness(sentinel_trio.url)
    async with harness.desk() as state:
        await harness.ask("ann", new("k1"))
        for sentinel in sentinel_trio.sentinels[:2]:
            sentinel.kill()
        await eventually(lambda: not state.accepting, "the desk stops")
        await harness.submit("ann", new("k2"))
        await eventually(lambda: state.errors > 2, "the desk has tried again")
        while_stopped = [entry.key for entry in await harness.entries()]
        for sentinel in sentinel_trio.sentinels[:2]:
            sentinel.start()
        await eventually(lambda: state.accepting, "the desk accepts again")
        await harness.ask("ann", new("k3"))
    entries = await harness.entries()
    assert while_stopped == ["k1"]
    assert [entry.key for entry in entries] == ["k1", "k2", "k3"]


@pytest.mark.faults
async def test_a_desk_goes_on_without_one_of_three_sentinels(
    sentinel_trio: SentinelTrio, new_harness: NewHarness
) -> None:
    harness = new_harness(sentinel_trio.url)
    async with harness.desk() as state:
        sentinel_trio.sentinels[0].pause()
        receipt = await harness.ask("ann", new("k1"))
        sentinel_trio.sentinels[0].resume()
    assert receipt.status is ReceiptStatus.ON_AIR
    assert state.errors == 0
