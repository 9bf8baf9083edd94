"""A channel: the history of one edition, its followers, and the passes that send the history to them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

from ticker.core.edition import Edition
from ticker.core.entry import Logged
from ticker.core.line import Line
from ticker.core.log_window import LogWindow, Reset
from ticker.core.position import Position
from ticker.core.selection import EVERYTHING, Selection
from ticker.gateway.broadcast import Broadcaster
from ticker.gateway.follower import Counts, Follower, FollowerContext
from ticker.gateway.frame_cache import FrameCaches, StreamOptions
from ticker.gateway.handshake import RequestParser
from ticker.gateway.history import History
from ticker.gateway.members import Members
from ticker.gateway.time_slices import TimeSlices
from ticker.settings import Settings


class Channel:
    """One edition in a gateway's memory. With `is_private`, its readers need a token.

    The feed calls `append` and `replace`. Connections call `new_follower` and `members.join`. The hub calls `tick` once
    per second. All of these return within one iteration of the event loop.
    """

    def __init__(
        self,
        name: str,
        edition: Edition,
        nonce: str,
        settings: Settings,
        clock: Callable[[], datetime],
    ) -> None:
        self.name = name
        self.is_private = edition.is_private
        self.counts = Counts()
        self.history = History(name, edition, nonce, settings.retained)
        self.frame_caches = FrameCaches(self.history, clock)
        self.members = Members(self.history, self.frame_caches, settings.heartbeat_s, self.counts)
        self.broadcaster = Broadcaster(
            self.history,
            self.members,
            settings.follower_buffer_bytes,
            self.counts,
            now=lambda: clock().timestamp(),
        )
        self.requests = RequestParser(edition)
        self._clock = clock
        self._replaced_at = clock()
        self._paused_max_s = settings.follower_paused_s
        self._context = FollowerContext(
            buffer_bytes=settings.follower_buffer_bytes,
            message_bytes=settings.reader_message_bytes,
            counts=self.counts,
            time_slices=TimeSlices(),
            on_behind=self.members.add_behind,
            on_pause=self.members.pause,
            on_resume=self.members.resume,
            on_close=self.members.start_closing,
            on_lost=self.members.lose,
        )

    # For readers and pages

    @property
    def edition(self) -> Edition:
        """The edition's settings."""
        return self.history.edition

    @property
    def position(self) -> Position:
        """The position of the newest entry."""
        return self.history.log.position

    @property
    def modified_at(self) -> datetime:
        """When a response that depends only on the log and the settings changed last, as far as this gateway knows.

        The clock of the desk gives the time of an entry, and the gateway's own that of new settings and histories.
        """
        latest_at = self.history.latest_at
        return self._replaced_at if latest_at is None else max(self._replaced_at, latest_at)

    def board_lines(self, size: int, selection: Selection = EVERYTHING) -> list[Line]:
        """Return the lines that the board shows now."""
        return self.history.board.lines(self._clock(), size, selection, notices=self.edition.notices)

    def new_follower(self, transport: asyncio.Transport, options: StreamOptions, address: str) -> Follower:
        """Create a follower. The caller makes it the transport's protocol and calls `members.join`."""
        cache = self.frame_caches[options.cache_key]
        slot = self.members.next_slot(cache)
        return Follower(transport, cache, slot, address, options, self._context)

    # Changes of the log

    def append(self, logged: Logged) -> None:
        """Add the entry after the head. The caller has checked its link."""
        self.history.append(logged)
        self.counts.entries += 1
        self.frame_caches.clear_frames()
        self.broadcaster.add_news(logged)
        self.members.admit_reached()

    def replace(
        self,
        nonce: str,
        log: LogWindow[Logged],
        reason: Reset = Reset.REPLACED,
        before: Sequence[Logged] | None = None,
    ) -> None:
        """Replace the log by a new history, or by this one after a gap. Every follower gets a board with the reason.

        `before` are the sound entries of a damaged log before its last damage (see `History.replace`).
        """
        self.history.replace(nonce, log, before)
        self._replaced_at = self._clock()
        self.counts.loaded += self.history.log.head - log.first + 1
        self.frame_caches.clear_frames()
        self.members.reset_all(reason)
        self.broadcaster.cancel_pass()
        self.members.admit_reached()

    def edit(self, edition: Edition) -> None:
        """Use new settings of the edition."""
        self.history.edition = edition
        if self.is_private != edition.is_private:
            self.is_private = edition.is_private
            self.members.change_access(is_private=edition.is_private)
        self._replaced_at = self._clock()
        self.requests = RequestParser(edition)
        self.frame_caches.clear_frames()

    def tick(self, second: int, now: float) -> None:
        """Send the heartbeats of this second, and end everything that takes too long."""
        for follower in self.members.expiries.take_due(self._clock().timestamp()):
            self._context.time_slices.run(follower.close_expired)
        self.frame_caches.start_second()
        self.members.refuse_overdue(now)
        self.broadcaster.send_heartbeats(second)
        self.members.close_paused(self._paused_max_s, now)
        self.members.abort_closing(now)
