"""Passes and heartbeats write to each follower what it hasn't been sent."""

from __future__ import annotations

import asyncio

from tests.support.channel_harness import ChannelHarness
from tests.support.waiting import eventually
from ticker.gateway.broadcast import RECENT_S, SENT_MAX, Sent


async def test_followers_with_equal_options_are_written_the_same_bytes() -> None:
    harness = ChannelHarness()
    harness.post("before")
    transports = [harness.follow()[1] for _ in range(3)]
    harness.post("news")
    await harness.broadcaster.run_pass(2)
    written = [transport.written[-1] for transport in transports]
    assert written[0] is written[1] is written[2]


async def test_paused_follower_gets_its_entries_after_it_resumes() -> None:
    harness = ChannelHarness()
    harness.post("before")
    follower, transport = harness.follow()
    follower.pause_writing()
    harness.post("while it is paused")
    await harness.broadcaster.run_pass(2)
    assert len(transport.written) == 1
    follower.resume_writing()
    await harness.broadcaster.catch_up()
    assert b"while it is paused" in transport.written[-1]


async def test_follower_that_has_left_is_not_written_to() -> None:
    harness = ChannelHarness()
    harness.post("before")
    follower, transport = harness.follow()
    follower.connection_lost(None)
    harness.post("after")
    await harness.broadcaster.run_pass(2)
    assert len(transport.written) == 1


async def test_follower_that_leaves_during_a_pass_is_not_written_to() -> None:
    harness = ChannelHarness()
    harness.post("before")
    follower, transport = harness.follow()
    harness.post("after")
    follower.connection_lost(None)
    assert harness.broadcaster._serve(follower, 2) == 0
    assert len(transport.written) == 1


async def test_pass_reports_which_entries_reached_how_many_followers() -> None:
    harness = ChannelHarness()
    harness.post("before")
    for _ in range(3):
        harness.follow()
    delivering = asyncio.create_task(harness.channel.broadcaster.deliver())
    await harness.broadcaster.sent.get()
    harness.post("two")
    harness.post("three")
    sent = await harness.broadcaster.sent.get()
    delivering.cancel()
    assert harness.broadcaster.sent.empty()
    assert (sent.first, sent.last, sent.followers) == (2, 3, 3)
    assert harness.channel.counts.deliveries == 6


async def test_heartbeat_has_the_position_of_each_follower() -> None:
    harness = ChannelHarness(heartbeat_s=1)
    harness.post("one")
    _, at_head = harness.follow()
    behind, transport = harness.follow()
    harness.post("two")
    behind.cursor = 1
    harness.channel.tick(0, 0.0)
    assert str(harness.log.position_at(1)).encode() in transport.written[-1]
    assert b'"type":"heartbeat"' in transport.written[-1]
    assert b'"type":"heartbeat"' in at_head.written[-1]


async def test_follower_that_was_sent_an_entry_recently_gets_no_heartbeat() -> None:
    harness = ChannelHarness(heartbeat_s=1)
    harness.follow()
    harness.post("one")
    await harness.broadcaster.run_pass(1)
    for second in range(RECENT_S):
        harness.channel.tick(second, 0.0)
        assert harness.channel.counts.heartbeats == 0
    harness.channel.tick(RECENT_S, 0.0)
    assert harness.channel.counts.heartbeats == 1


async def test_paused_follower_gets_no_heartbeat() -> None:
    harness = ChannelHarness(heartbeat_s=1)
    follower, transport = harness.follow()
    follower.pause_writing()
    harness.channel.tick(0, 0.0)
    assert len(transport.written) == 1


async def test_result_that_finds_the_queue_full_is_dropped() -> None:
    harness = ChannelHarness()
    for _ in range(SENT_MAX):
        harness.broadcaster.sent.put_nowait(Sent(1, 1, 1, 0.0))
    harness.post("one")
    delivering = asyncio.create_task(harness.broadcaster.deliver())
    await eventually(lambda: harness.channel.counts.passes, "the pass is finished")
    await asyncio.sleep(0)
    assert not delivering.done()
    assert harness.broadcaster.sent.qsize() == SENT_MAX
    delivering.cancel()
