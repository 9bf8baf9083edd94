"""Frames encoded once for all followers with the same selection and framing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final, NamedTuple, TypeVar

from ticker.core.board import next_change_at
from ticker.core.log_window import Reset
from ticker.core.messages import BoardMessage, EditionInfo, ForgetMessage, HeartbeatMessage, LiveMessage
from ticker.core.selection import Selection
from ticker.gateway.framing import Framing, frame_message
from ticker.gateway.history import History

K = TypeVar("K")
V = TypeVar("V")

BATCHES_MAX: Final = 256
"""Maximum number of batches that a frame cache keeps between two entries: one per cursor that followers resume from.

It keeps no more than it has followers, so that a few followers with many different positions can't fill the memory.
"""


class CacheKey(NamedTuple):
    """The part of the stream options that decides which frame cache a follower uses."""

    selection: Selection
    framing: Framing


class StreamOptions(NamedTuple):
    """A follower's selection, the size of its boards, its framing, and the language of the words in its boards."""

    selection: Selection
    lines: int
    framing: Framing
    language: str = ""  # from `language_with_words`

    @property
    def cache_key(self) -> CacheKey:
        """The key of the frame cache. One cache has the boards of all sizes."""
        return CacheKey(self.selection, self.framing)


class Batch(NamedTuple):
    """Consecutive entries, ready to write.

    Attributes:
        data: The frames of the entries that the selection matches, and of the lines that readers must drop.
        until: The cursor after the batch.
        entries: The number of entries in `data`.

    """

    data: bytes
    until: int
    entries: int


class _BoardFrame(NamedTuple):
    data: bytes
    valid_until: datetime | None


class FrameCache:
    """The batches, boards and heartbeats for one selection and framing.

    Attributes:
        history: The entries and the board.
        key: The selection and framing.
        followers: How many followers share it.
        seated: How many followers were given a heartbeat slot, with those that left since.
        slot: The number of the heartbeat slot of the last of them.

    """

    __slots__ = (
        "_batches",
        "_boards",
        "_clock",
        "_heartbeats",
        "_lives",
        "_second",
        "followers",
        "history",
        "key",
        "seated",
        "slot",
    )

    def __init__(self, history: History, key: CacheKey, clock: Callable[[], datetime]) -> None:
        self.history = history
        self.key = key
        self.followers = 0
        self.seated = 0
        self.slot = 0
        self._clock = clock
        self._second = clock().replace(microsecond=0)
        self._batches: dict[tuple[int, int], Batch] = {}
        self._boards: dict[tuple[int, Reset | None, str], _BoardFrame] = {}
        self._lives: dict[int, bytes] = {}
        self._heartbeats: dict[int, bytes] = {}

    def clear(self) -> None:
        """Drop all frames, because the history has changed."""
        self._batches.clear()
        self._boards.clear()
        self._lives.clear()
        self._heartbeats.clear()

    def start_second(self, second: datetime) -> None:
        """Send this time in `live` messages from now on. Reading the clock per follower would slow reconnects down."""
        self._second = second
        self._lives.clear()

    def batch(self, cursor: int, bytes_max: int) -> Batch:
        """Return the entries after `cursor`: up to the head, or as many as fit into `bytes_max` (at least one)."""
        batch = self._batches.get((cursor, bytes_max))
        if batch is None:
            batch = self._make_batch(cursor, bytes_max)
            self._keep(self._batches, (cursor, bytes_max), batch)
        return batch

    def _keep(self, frames: dict[K, V], key: K, frame: V) -> None:
        if len(frames) >= min(BATCHES_MAX, self.followers):
            frames.clear()
        frames[key] = frame

    def _make_batch(self, cursor: int, bytes_max: int) -> Batch:
        log, selection, framing = self.history.log, self.key.selection, self.key.framing
        frames: list[bytes] = []
        size, until, entries = 0, cursor, 0
        for entry in log.iterate(cursor):
            # Before the line: a reader that gets only the first of the two resumes before both.
            frame = frame_message(framing, ForgetMessage(entry.forgotten)) if entry.forgotten else b""
            is_included = entry.matches(selection)
            if is_included:
                frame += entry.framed(framing, log.position_at(until + 1))
            if frame:
                if frames and size + len(frame) > bytes_max:
                    break
                frames.append(frame)
                size += len(frame)
            until += 1
            entries += is_included
        return Batch(b"".join(frames), until, entries)

    def board(self, size: int, reset: Reset | None, language: str = "") -> bytes:
        """Return the frame of the current board.

        Args:
            size: The maximum number of lines.
            reset: The reason that the board gives, if any.
            language: The language of the words in it, from `language_with_words`.

        """
        now = self._clock()
        key = size, reset, language
        board = self._boards.get(key)
        if board is None or (board.valid_until is not None and board.valid_until <= now):
            board = self._make_board(size, reset, language, now)
            self._keep(self._boards, key, board)
        return board.data

    def _make_board(self, size: int, reset: Reset | None, language: str, now: datetime) -> _BoardFrame:
        history = self.history
        lines = history.board.lines(now, size, self.key.selection, notices=history.edition.notices)
        edition = EditionInfo.of(history.name, history.edition, language)
        message = BoardMessage(str(history.log.position), reset, edition, lines, history.is_incomplete)
        return _BoardFrame(frame_message(self.key.framing, message), next_change_at(lines, now))

    def live(self, replayed: int) -> bytes:
        """Return the frame of the `live` message after a replay of `replayed` entries, encoded once per second."""
        frame = self._lives.get(replayed)
        if frame is None:
            message = LiveMessage(str(self.history.log.position), replayed, self._second)
            frame = frame_message(self.key.framing, message)
            self._keep(self._lives, replayed, frame)
        return frame

    def heartbeat(self, cursor: int) -> bytes:
        """Return a heartbeat with the position of entry `cursor`, which must be retained."""
        frame = self._heartbeats.get(cursor)
        if frame is None:
            position = str(self.history.log.position_at(cursor))
            frame = frame_message(self.key.framing, HeartbeatMessage(position))
            self._keep(self._heartbeats, cursor, frame)
        return frame


class FrameCaches(dict[CacheKey, FrameCache]):
    """The frame caches of one channel. A cache is created for its first follower and dropped after its last one."""

    def __init__(self, history: History, clock: Callable[[], datetime]) -> None:
        super().__init__()
        self._history = history
        self._clock = clock

    def __missing__(self, key: CacheKey) -> FrameCache:
        cache = self[key] = FrameCache(self._history, key, self._clock)
        return cache

    def release(self, cache: FrameCache) -> None:
        """Stop counting one follower of a cache. Drop the cache after its last follower."""
        cache.followers -= 1
        if not cache.followers and self.get(cache.key) is cache:
            del self[cache.key]

    def start_second(self) -> None:
        """Read the clock for the `live` messages of the next second."""
        second = self._clock().replace(microsecond=0)
        for cache in self.values():
            cache.start_second(second)

    def clear_frames(self) -> None:
        """Drop the frames of every cache, because the history has changed."""
        for cache in self.values():
            cache.clear()
