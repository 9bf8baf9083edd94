"""Followers that wait because their position is ahead of the log, on a clock that the test sets."""

from __future__ import annotations

from typing import cast

from ticker.core.position import Position
from ticker.gateway.ahead import AHEAD_S, AheadFollowers
from ticker.gateway.follower import Follower


def follower(name: str) -> Follower:
    """Return a stand-in: followers are only keys here."""
    return cast("Follower", name)


def position(seq: int) -> Position:
    return Position(seq, "0" * 16)


async def test_follower_is_reached_when_its_entry_is_in_the_log() -> None:
    ahead = AheadFollowers()
    ahead.add(follower("five"), b"", position(5), 0.0)
    ahead.add(follower("nine"), b"", position(9), 0.0)
    assert ahead.reached(4) == []
    assert ahead.reached(5) == [follower("five")]
    assert ahead.reached(10) == [follower("five"), follower("nine")]


async def test_check_counts_for_followers_that_came_before_it() -> None:
    ahead = AheadFollowers()
    ahead.add(follower("before"), b"", position(5), 0.0)
    check = ahead.start_check()
    ahead.add(follower("after"), b"", position(5), 0.0)
    assert ahead.unconfirmed(check) == [follower("before")]
    assert set(ahead.unconfirmed(ahead.start_check())) == {follower("before"), follower("after")}


async def test_new_follower_requests_a_check() -> None:
    ahead = AheadFollowers()
    ahead.add(follower("one"), b"", position(5), 0.0)
    assert ahead.check_due.is_set()
    ahead.start_check()
    assert not ahead.check_due.is_set()


async def test_follower_is_overdue_after_its_time() -> None:
    ahead = AheadFollowers()
    ahead.add(follower("one"), b"", position(5), 100.0)
    assert ahead.overdue(100.0 + AHEAD_S / 2) == []
    assert ahead.overdue(100.0 + AHEAD_S) == [follower("one")]


async def test_removed_follower_does_not_wait() -> None:
    ahead = AheadFollowers()
    ahead.add(follower("one"), b"HEAD", position(5), 0.0)
    waiting = ahead.pop(follower("one"))
    assert (waiting.response, waiting.after) == (b"HEAD", position(5))
    assert len(ahead) == 0
