"""Followers join, leave, pause, wait and close."""

from __future__ import annotations

import asyncio

from websockets.frames import Opcode

from tests.support.channel_harness import ChannelHarness
from tests.support.gateway_clients import masked
from ticker.core.log_window import LogWindow, Reset
from ticker.core.messages import CloseCode
from ticker.gateway.follower import Follower, Leave, State
from ticker.gateway.members import CLOSING_S


def is_replaying(follower: Follower) -> bool:
    return follower.state is State.REPLAYING


async def test_follower_is_live_once_it_is_at_the_head() -> None:
    harness = ChannelHarness()
    harness.post("one")
    follower, transport = harness.follow()
    assert follower.state is State.LIVE
    assert b'"type":"board"' in transport.written[0]
    assert b'"type":"live"' in transport.written[0]


async def test_long_replay_continues_batch_by_batch() -> None:
    harness = ChannelHarness()
    for _ in range(100):
        harness.post("x" * 300)
    follower, transport = harness.follow(after=0)
    assert is_replaying(follower)
    while is_replaying(follower):
        await harness.broadcaster.catch_up()
    assert b"".join(transport.written).count(b'"type":"line"') == 100
    assert b'"replayed":100' in transport.written[-1]
    assert not harness.members.behind


async def test_leaving_twice_counts_once() -> None:
    harness = ChannelHarness()
    lost: list[Follower] = []
    harness.members.on_lost = lost.append
    one, _ = harness.follow()
    other, _ = harness.follow()
    harness.members.leave(one, Leave.ENDED)
    one.connection_lost(None)
    assert (len(harness.members), one.state) == (1, State.LEFT)
    assert lost == [one]
    other.connection_lost(None)


async def test_data_before_the_response_of_the_handshake_ends_the_connection_without_an_answer() -> None:
    """A pong or a close frame would come before the HTTP response."""
    harness = ChannelHarness()
    for early in (masked(Opcode.PING, b"early"), masked(Opcode.TEXT, b"hello"), b"\xff" * 9):
        follower, transport = harness.follow_ahead(9)
        follower.data_received(early)
        assert transport.written == []
        assert transport.closed
        follower.connection_lost(None)
    assert not harness.members.ahead


async def test_paused_follower_is_counted_until_it_resumes_or_leaves() -> None:
    harness = ChannelHarness()
    one, _ = harness.follow()
    other, _ = harness.follow()
    one.pause_writing()
    other.pause_writing()
    assert len(harness.members.paused) == 2
    one.resume_writing()
    other.connection_lost(None)
    assert len(harness.members.paused) == 0
    assert harness.channel.counts.pauses == 2


async def test_follower_paused_for_too_long_is_closed_with_1013() -> None:
    harness = ChannelHarness()
    follower, _ = harness.follow()
    follower.pause_writing()
    now = asyncio.get_running_loop().time()
    harness.channel.tick(0, now + harness.settings.follower_paused_s - 1)
    assert not harness.channel.counts.left
    harness.channel.tick(1, now + harness.settings.follower_paused_s + 1)
    assert harness.channel.counts.left == {Leave.SLOW: 1}
    assert len(harness.members) == 0


async def test_connection_is_aborted_if_the_peer_does_not_answer_the_close_frame() -> None:
    harness = ChannelHarness()
    follower, transport = harness.follow()
    follower.close(CloseCode.RESTART, "restart")
    now = asyncio.get_running_loop().time()
    harness.channel.tick(0, now)
    assert not transport.aborted
    harness.channel.tick(1, now + CLOSING_S + 0.1)
    assert transport.aborted


async def test_replaced_history_sends_every_follower_a_board_with_the_reason() -> None:
    harness = ChannelHarness()
    harness.post("before")
    live, transport = harness.follow()
    paused, paused_transport = harness.follow()
    paused.pause_writing()
    harness.channel.replace("5f" * 32, LogWindow(0, "5f" * 32), Reset.TRIMMED)
    assert live.reset is paused.reset is Reset.TRIMMED
    await harness.broadcaster.catch_up()
    assert b'"reset":"trimmed"' in transport.written[-1]
    harness.link = "5f" * 32
    harness.post("news")
    await harness.broadcaster.run_pass(1)
    assert b'"text":"news"' in transport.written[-1], "its reset is done"
    paused.resume_writing()
    await harness.broadcaster.catch_up()
    assert b'"reset":"trimmed"' in paused_transport.written[-1]
    assert harness.channel.counts.resets == {"trimmed": 2}


async def test_follower_with_a_pending_reset_gets_no_entries_and_no_heartbeat() -> None:
    """Its old cursor means nothing in the new history, even if it is a retained entry there."""
    harness = ChannelHarness(heartbeat_s=1)
    harness.post("old")
    follower, transport = harness.follow()
    follower.pause_writing()
    harness.channel.replace("5f" * 32, LogWindow(0, "5f" * 32))
    harness.link = "5f" * 32
    harness.post("new one")
    harness.post("new two")
    follower.paused_at = None
    harness.channel.tick(0, 0.0)
    assert len(transport.written) == 1
    await harness.broadcaster.run_pass(1)
    assert b'"type":"board"' in transport.written[1]
    assert b'"type":"line"' not in transport.written[1]


async def test_drain_sends_bye_and_a_close_frame() -> None:
    harness = ChannelHarness()
    transports = [harness.follow()[1] for _ in range(3)]
    assert harness.members.close_some(2, lambda: 7) == 2
    closed = [transport for transport in transports if b'"type":"bye"' in b"".join(transport.written)]
    assert len(closed) == 2
    assert all(b'"retry_ms":7' in b"".join(transport.written) for transport in closed)
    assert harness.channel.counts.left == {Leave.DRAINED: 2}


async def test_follower_ahead_of_the_log_is_answered_when_its_entry_comes() -> None:
    harness = ChannelHarness()
    harness.post("one")
    _, transport = harness.follow_ahead(2)
    assert transport.written == []
    harness.post("two")
    assert transport.written[0].startswith(b"HEAD")
    assert b'"reset":"replaced"' in transport.written[0], "its position belongs to another history"


async def test_check_without_further_entries_resets_the_followers_that_came_before_it() -> None:
    harness = ChannelHarness()
    _, first = harness.follow_ahead(9)
    assert harness.members.ahead.check_due.is_set()
    check = harness.members.ahead.start_check()
    _, second = harness.follow_ahead(9)
    harness.members.end_check(check)
    assert b'"reset":"replaced"' in first.written[0]
    assert second.written == [], "it came after the check had started, so its entry may be newer than the result"


async def test_follower_ahead_of_the_log_gets_503_behind_if_the_log_cannot_be_checked() -> None:
    """The reader keeps what it shows. An older board would take it back in time."""
    harness = ChannelHarness()
    follower, transport = harness.follow_ahead(9)
    now = asyncio.get_running_loop().time()
    harness.members.ahead.start_check()
    harness.channel.tick(0, now)
    assert transport.written == []
    assert harness.members.ahead.check_due.is_set(), "another check is due"
    harness.channel.tick(1, now + 2)
    assert transport.written[0].startswith(b"HTTP/1.1 503 ")
    assert b'"error":"behind"' in transport.written[0]
    assert transport.closed
    assert (len(harness.members), harness.members.refused) == (0, {"behind": 1})
    follower.connection_lost(None)
    harness.members.end_check(harness.members.ahead.start_check())
    assert len(transport.written) == 1
