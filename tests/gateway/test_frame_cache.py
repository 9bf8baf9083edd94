"""Frames are encoded once for all followers with the same selection and framing."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from tests.support.channel_harness import MARK, OPTIONS, ChannelHarness
from tests.support.strategies import START
from ticker.core.entry import Entry, Trim
from ticker.core.line import Status
from ticker.core.messages import BoardMessage, decode_message
from ticker.core.selection import Selection
from ticker.core.words import WORDS
from ticker.gateway.frame_cache import FrameCache, StreamOptions
from ticker.gateway.framing import Framing, websocket_frame, websocket_payload


def cache_of(harness: ChannelHarness, options: StreamOptions = OPTIONS) -> FrameCache:
    """Return a frame cache that one follower uses."""
    cache = harness.channel.frame_caches[options.cache_key]
    cache.followers = 1
    return cache


async def test_batch_has_as_many_entries_as_fit() -> None:
    harness = ChannelHarness()
    for _ in range(50):
        harness.post("x" * 300)
    cache = cache_of(harness)
    batch = cache.batch(0, MARK)
    assert len(batch.data) <= MARK
    assert 0 < batch.entries == batch.until < 50
    rest = cache.batch(batch.until, 10**9)
    assert (rest.until, rest.entries) == (50, 50 - batch.entries)


async def test_batch_has_at_least_one_entry() -> None:
    harness = ChannelHarness()
    harness.post("x" * 2 * MARK)
    assert cache_of(harness).batch(0, MARK).entries == 1


async def test_batch_skips_entries_that_the_selection_leaves_out() -> None:
    harness = ChannelHarness()
    harness.post("mine", section="sports")
    for _ in range(100):
        harness.post("not mine", section="health")
    cache = cache_of(harness, StreamOptions(Selection(sections=("sports",)), 10, Framing.WEBSOCKET))
    assert cache.batch(1, MARK) == (b"", 101, 0)
    assert cache.batch(0, MARK).entries == 1


async def test_cache_keeps_no_more_batches_than_it_has_followers() -> None:
    harness = ChannelHarness()
    for _ in range(50):
        harness.post("x")
    cache = cache_of(harness)
    for cursor in range(50):
        cache.batch(cursor, MARK)
    assert len(cache._batches) <= 1


async def test_board_is_encoded_once_until_the_log_changes() -> None:
    harness = ChannelHarness()
    harness.post("one")
    cache = cache_of(harness)
    first = cache.board(10, None)
    assert cache.board(10, None) is first
    harness.post("two")
    assert b'"text":"two"' in cache.board(10, None)


async def test_board_has_the_words_of_the_followers_language() -> None:
    harness = ChannelHarness()
    cache = cache_of(harness)
    cache.followers = 3
    for language in ("es", "", "ar", "es"):
        message = decode_message(websocket_payload(cache.board(10, None, language)))
        assert isinstance(message, BoardMessage)
        assert message.edition.words == ({language: WORDS[language]} if language else None)


async def test_board_is_encoded_again_when_one_of_its_lines_expires() -> None:
    harness = ChannelHarness()
    harness.post("for a minute", expires_at=START + timedelta(minutes=1))
    cache = cache_of(harness)
    assert b"for a minute" in cache.board(10, None)
    harness.now = START + timedelta(seconds=59)
    assert b"for a minute" in cache.board(10, None)
    harness.now = START + timedelta(minutes=1)
    assert b"for a minute" not in cache.board(10, None)


async def test_board_drops_the_notice_of_a_withdrawn_line_at_its_end() -> None:
    harness = ChannelHarness()
    end = START + timedelta(hours=1)
    harness.post("", status=Status.CANCELED, correction="nobody said so", expires_at=end)
    cache = cache_of(harness)
    harness.now = START + timedelta(minutes=59)
    assert b"nobody said so" in cache.board(10, None)
    harness.now = end
    assert b"nobody said so" not in cache.board(10, None)
    assert harness.channel.board_lines(10) == []


async def test_board_has_as_many_notices_as_the_edition_allows() -> None:
    harness = ChannelHarness()
    for _ in range(5):
        harness.post("", status=Status.CANCELED, correction="nobody said so")
    cache = cache_of(harness)
    assert cache.board(10, None).count(b"nobody said so") == len(harness.channel.board_lines(10)) == 3
    harness.channel.edit(msgspec.structs.replace(harness.channel.edition, notices=1))
    assert cache.board(10, None).count(b"nobody said so") == len(harness.channel.board_lines(10)) == 1
    assert b'"notices":1' in cache.board(10, None)


async def test_board_is_encoded_again_when_a_pin_ends() -> None:
    harness = ChannelHarness()
    harness.post("pinned", pinned_until=START + timedelta(minutes=1))
    harness.post("newer")
    cache = cache_of(harness)

    def texts() -> list[str]:
        return [line["text"] for line in msgspec.json.decode(websocket_payload(cache.board(10, None)))["lines"]]

    assert texts() == ["pinned", "newer"]
    harness.now = START + timedelta(minutes=1)
    assert texts() == ["newer", "pinned"]


async def test_cache_is_dropped_after_its_last_follower_has_left() -> None:
    harness = ChannelHarness()
    one, _ = harness.follow()
    other, _ = harness.follow()
    assert list(harness.channel.frame_caches) == [OPTIONS.cache_key]
    one.connection_lost(None)
    assert OPTIONS.cache_key in harness.channel.frame_caches
    other.connection_lost(None)
    assert len(harness.channel.frame_caches) == 0


async def test_followers_with_boards_of_different_sizes_share_a_cache() -> None:
    harness = ChannelHarness()
    harness.post("one")
    harness.post("two")
    _, small = harness.follow(OPTIONS._replace(lines=1))
    _, large = harness.follow(OPTIONS._replace(lines=2))
    assert list(harness.channel.frame_caches) == [OPTIONS.cache_key]
    assert b'"text":"one"' not in small.written[0]
    assert b'"text":"one"' in large.written[0]


async def test_cache_keeps_no_more_boards_than_it_has_followers() -> None:
    harness = ChannelHarness()
    cache = cache_of(harness)
    for size in range(1, 101):
        cache.board(size, None)
    assert len(cache._boards) <= 1


async def test_live_has_the_time_of_the_server_and_is_encoded_once_per_second() -> None:
    harness = ChannelHarness()
    cache = cache_of(harness)
    first = cache.live(0)
    assert msgspec.json.decode(websocket_payload(first))["now"] == "2026-11-24T09:30:00Z"
    assert cache.live(0) is first
    harness.now += timedelta(milliseconds=1_900)
    harness.channel.tick(0, 0.0)
    assert msgspec.json.decode(websocket_payload(cache.live(0)))["now"] == "2026-11-24T09:30:01Z"


SPORTS = StreamOptions(Selection(sections=("sports",)), 10, Framing.WEBSOCKET)
HEALTH = StreamOptions(Selection(sections=("health",)), 10, Framing.EVENTS)
FORGET = b'{"type":"forget","lines":["line-7"]}'


async def test_every_selection_is_sent_the_lines_to_forget_before_the_line() -> None:
    harness = ChannelHarness()
    harness.post("more", section="sports", trim=Trim(through=0, forgotten=("line-7",)))
    line = harness.log[1].frame
    assert cache_of(harness, SPORTS).batch(0, MARK) == (websocket_frame(FORGET) + line, 1, 1)
    assert cache_of(harness, OPTIONS).batch(0, MARK) == (websocket_frame(FORGET) + line, 1, 1)


async def test_lines_to_forget_have_no_position_because_a_line_may_follow() -> None:
    harness = ChannelHarness()
    harness.post("more", section="sports", trim=Trim(through=0, forgotten=("line-7",)))
    assert cache_of(harness, HEALTH).batch(0, MARK) == (b"event: forget\ndata: " + FORGET + b"\n\n", 1, 0)


async def test_the_withdrawal_of_a_forgotten_line_is_sent_to_every_selection() -> None:
    harness = ChannelHarness()
    harness.post("", status=Status.CANCELED, is_for_everyone=True)
    assert cache_of(harness, SPORTS).batch(0, MARK).entries == 1
    assert cache_of(harness, HEALTH).batch(0, MARK).entries == 1


async def test_kept_lines_are_sent_to_nobody() -> None:
    harness = ChannelHarness()
    harness.post("SECRET")
    kept = Entry(line=harness.log[1].line, editor="ana", key="k", submitted_at=START)
    harness.post("news", trim=Trim(through=1, kept=(kept,)))
    batch = cache_of(harness).batch(1, MARK)
    assert batch.entries == 1
    assert b"SECRET" not in batch.data
