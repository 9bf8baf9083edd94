"""A channel: one edition in a gateway's memory, and its followers.

It holds the retained log as prepared frames, the board, and the views. A pass brings every follower to the head; what
arrives during a pass rides along, so a burst costs one write a follower and not one an entry.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from datetime import datetime
from time import monotonic
from typing import Final

import msgspec

from ticker.core.board import Board
from ticker.core.edition import Edition
from ticker.core.entry import Logged
from ticker.core.line import Facets, Line, Status
from ticker.core.log_window import LogWindow, Reset
from ticker.core.messages import ByeMessage, CloseCode, encode_line
from ticker.core.position import Position
from ticker.core.selection import EVERYTHING, Selection
from ticker.gateway.admission import Refusal
from ticker.gateway.follower import BURST_MARKS, LIVE, Cursor, Follower
from ticker.gateway.frame_cache import View, Wish
from ticker.gateway.framing import Framing, deflated_frame, event, frame_message, websocket_frame, websocket_payload
from ticker.gateway.handshake import Request, parse_request, refusal_response
from ticker.gateway.time_slices import Turns
from ticker.gateway.write_groups import Cohort, Rank, Sheet
from ticker.settings import Settings

SLICE_S: Final = 0.002
"""How long a pass goes on before it lets the loop breathe."""
RECENT_S: Final = 5
"""A follower that was sent an entry within this many seconds needs no heartbeat: silence can last this much longer."""
AHEAD_S: Final = 1.0
"""How long a reader whose position this gateway doesn't have yet (it was elsewhere) waits until that is settled."""
BEHIND: Final = Refusal(503, "behind", "this reader has seen more than this gateway can read now: connect again", 1)
REQUESTS_MAX: Final = 256
REQUEST_LONGEST: Final = 300
"""Characters of a query that is kept: more than any that makes sense, or readers could have us keep megabytes."""
CLOSING_S: Final = 5.0
"""How long a peer has to answer a close."""
TRIM_SLACK: Final = 256
"""Trim in steps: taking items off a list's front costs the whole list."""


class Prepared:
    """An entry as a gateway keeps it: its WebSocket frame, whose facets it goes to, and the line's entry before it."""

    __slots__ = ("_deflated", "earlier", "facets", "frame", "line")

    def __init__(self, frame: bytes, line: Line, facets: tuple[Facets, ...], earlier: int) -> None:
        self.frame = frame
        self.line = line
        self.facets = facets
        self.earlier = earlier
        self._deflated = b""

    def framed(self, framing: Framing, at: Position | None) -> bytes:
        """The entry, whose position is `at`, in the form that followers of this framing are sent."""
        if framing is Framing.WEBSOCKET:
            return self.frame
        payload = websocket_payload(self.frame)
        if framing is Framing.EVENTS:
            return event("line", str(at), payload)
        if not self._deflated:
            self._deflated = deflated_frame(payload)
        return self._deflated

    def is_taken_by(self, selection: Selection) -> bool:
        return selection is EVERYTHING or any(map(selection.matches, self.facets))


class Counts(msgspec.Struct):
    """What has happened since the start, for the metrics."""

    entries: int = 0
    deliveries: int = 0
    passes: int = 0
    resets: Counter[str] = msgspec.field(default_factory=Counter)
    pauses: int = 0
    closed: Counter[int] = msgspec.field(default_factory=Counter)
    heartbeats: int = 0


class Sent(msgspec.Struct, frozen=True):
    """What a pass did: entries `first`..`last` are with `followers` followers, `ms` after the first of them came in."""

    first: int
    last: int
    followers: int
    ms: float


class _Ahead(msgspec.Struct, frozen=True):
    """Who has seen more than the log has here waits since then; so many looks at the whole log there were before."""

    response: bytes
    after: Position
    since: float
    looks: int


class Channel:
    """One edition. Everything but `deliver` happens in single steps of the event loop.

    `is_overtaken` is set when somebody has seen more than the log has here: whoever feeds it looks whether there is
    more (`look`), and says so if there isn't (`has_all`). `refused` counts refusals by code.
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
        self.edition = edition
        self.settings = settings
        self.clock = clock
        self.nonce = nonce
        self.log: LogWindow[Prepared] = LogWindow(0, nonce)
        self.board = Board()
        self.counts = Counts()
        self.turns = Turns()
        self.views: dict[Wish, View] = {}
        self.followers = 0
        self.on_sent: Callable[[Sent], None] = lambda sent: None
        self.on_gone: Callable[[Follower], None] = lambda follower: None
        self.refused: Counter[str] = Counter()
        self.is_overtaken = asyncio.Event()
        self._requests: dict[tuple[Framing, str, str | None], Request] = {}
        self._latest: dict[str, int] = {}  # line id → seq of its latest entry
        sheet = Sheet()
        self._cohorts = [Cohort(sheet) for _ in range(settings.heartbeat_s)]
        self._next_cohort = 0
        self._behind: dict[Follower, None] = {}
        self._paused: dict[Follower, None] = {}
        self._closing: dict[Follower, float] = {}
        self._ahead: dict[Follower, _Ahead] = {}
        self._looks = 0
        self._news = asyncio.Event()
        self._news_since: tuple[int, float] | None = None  # first seq not yet sent, and when it came in
        self._heads: deque[int] = deque([0], maxlen=RECENT_S)  # the head at each of the last seconds

    # The log

    @property
    def position(self) -> Position:
        return self.log.position

    def board_lines(self, size: int, selection: Selection = EVERYTHING) -> list[Line]:
        """What shows at this moment, for pages."""
        return self.board.lines(self.clock(), size, selection)

    def append(self, logged: Logged) -> None:
        """Take the entry after the head, whose link was checked."""
        self._keep(logged)
        self._changed()

    def replace(self, nonce: str, log: LogWindow[Logged], why: Cursor = Cursor.REPLACED) -> None:
        """Begin again with another history, or with one that goes on past a hole.

        Every follower is due a new board; `why` is the cursor that says for which reason.
        """
        self.nonce = nonce
        self.log = LogWindow(log.first - 1, log.link_at(log.first - 1))
        self.board = Board()
        self._latest = {}
        for logged in log.iterate(log.first - 1):
            self._keep(logged)
        for cohort in self._cohorts:
            for rank in cohort.ranks():
                cohort.dissolve(rank)
            for follower in cohort.alone:
                follower.cursor, follower.sent = why, 0
            self._behind.update(cohort.alone)
        self._changed()
        self._news_since = None  # nothing of it is news that somebody waits to hear the reach of

    def edit(self, edition: Edition) -> None:
        """Take the edition's new settings."""
        self.edition = edition
        self._requests = {}
        self._forget_made()

    def _keep(self, logged: Logged) -> None:
        entry, line = logged.entry, logged.entry.line
        earlier = self._latest.get(line.id, 0)
        frame = websocket_frame(encode_line(logged.position, line))
        self.log.append(logged.link, Prepared(frame, line, (line.facets, *entry.earlier_facets), earlier))
        self._latest[line.id] = logged.seq
        self.board.apply(entry)
        self.counts.entries += 1
        if line.status is not Status.USABLE:
            self._take_back(earlier, line.status)
        if self.log.head - self.log.first >= self.settings.retained + TRIM_SLACK:
            self._trim()

    def _take_back(self, seq: int, status: Status) -> None:
        """Put frames without text in the place of a line's earlier ones: from now on nobody is sent the text again."""
        while seq >= self.log.first:
            item = self.log[seq]
            if item.line.status is not status or item.line.text:
                line = item.line.without_text(status)
                position = self.log.position_at(seq)
                assert position is not None, "a retained entry has a position"
                frame = websocket_frame(encode_line(position, line))
                self.log[seq] = Prepared(frame, line, item.facets, item.earlier)
            seq = item.earlier

    def _trim(self) -> None:
        first = self.log.first
        for seq, item in enumerate(self.log.items(first - 1, self.log.head - self.settings.retained), first):
            if self._latest.get(item.line.id) == seq:
                del self._latest[item.line.id]
                self.board.forget(item.line.id)
        self.log.trim(self.settings.retained)

    def _changed(self) -> None:
        self._forget_made()
        self._has_news(self.log.head)
        for follower in [f for f, ahead in self._ahead.items() if ahead.after.seq <= self.log.head]:
            self._admit(follower)

    def _has_news(self, first: int) -> None:
        """Have another pass, for entry `first` and later ones."""
        if self._news_since is None:
            self._news_since = (first, asyncio.get_running_loop().time())
        self._news.set()

    def _forget_made(self) -> None:
        for view in self.views.values():
            view.changed()

    # Followers

    def read(self, framing: Framing, query: str, last_event_id: str | None) -> Request:
        """What a request asks for. Kept a while: when thousands come back at once, most ask for the same.

        Raises:
            Refusal: As `parse_request`.

        """
        key = (framing, query, last_event_id)
        request = self._requests.get(key)
        if request is None:
            request = parse_request(self.edition, framing, query, last_event_id)
            if len(query) + len(last_event_id or "") <= REQUEST_LONGEST:
                if len(self._requests) >= REQUESTS_MAX:
                    self._requests.clear()
                self._requests[key] = request
        return request

    def view(self, wish: Wish) -> View:
        """The view that followers with this wish share; it goes with the last of them."""
        view = self.views.get(wish)
        if view is None:
            view = self.views[wish] = View(self, wish)
        return view

    def join(self, follower: Follower, response: bytes, after: Position | Reset | None) -> None:
        """Begin to serve a follower: from its position, or from the board where that is None or doesn't hold."""
        follower.view.followers += 1
        self.followers += 1
        follower.cohort = self._next_cohort
        self._next_cohort = (self._next_cohort + 1) % len(self._cohorts)
        if isinstance(after, Position) and after.seq > self.log.head:
            self._ahead[follower] = _Ahead(response, after, asyncio.get_running_loop().time(), self._looks)
            self.is_overtaken.set()
        else:
            self._begin(follower, response, after)

    def _begin(self, follower: Follower, response: bytes, after: Position | Reset | None) -> None:
        self._cohorts[follower.cohort].alone[follower] = None
        start = self.log.resume(after) if isinstance(after, Position) else after
        if isinstance(start, Reset):
            self.counts.resets[start] += 1
        follower.begin(response, start)
        self._fall_in(follower)

    def _fall_in(self, follower: Follower) -> None:
        """Put a follower in a rank if it is live, at the head, and can be written to past its transport."""
        cohort = self._cohorts[follower.cohort]
        if follower.replayed == LIVE and follower.cursor == self.log.head and follower in cohort.alone:
            descriptor = follower.descriptor()
            if descriptor is not None:
                cohort.fall_in(follower, descriptor)

    def fall_out(self, follower: Follower) -> None:
        """Its transport is going to hold something: no more is to be written past it."""
        self._cohorts[follower.cohort].fall_out(follower)

    def look(self) -> int:
        """Begin a look at the whole log; its number, for `has_all`."""
        self.is_overtaken.clear()
        self._looks += 1
        return self._looks

    def has_all(self, look: int) -> None:
        """Take note that the log had nothing after the head: who came before that look has seen another history."""
        for follower in [f for f, ahead in self._ahead.items() if ahead.looks < look]:
            self._admit(follower)

    def _admit(self, follower: Follower) -> None:
        ahead = self._ahead.pop(follower)
        self._begin(follower, ahead.response, ahead.after)

    def _turn_away(self, follower: Follower) -> None:
        """Have a reader who has seen more than this gateway can read come back later: its lines stand meanwhile."""
        self.refused[BEHIND.code] += 1
        self.leave(follower)
        follower.transport.write(refusal_response(BEHIND))
        follower.transport.close()

    def leave(self, follower: Follower) -> None:
        """Stop serving a follower. Once is enough; a second time does nothing."""
        was_ahead = self._ahead.pop(follower, None) is not None
        if not self._cohorts[follower.cohort].remove(follower) and not was_ahead:
            return
        follower.cursor = Cursor.LEFT
        self._behind.pop(follower, None)
        self._paused.pop(follower, None)
        self.followers -= 1
        view = follower.view
        view.followers -= 1
        if not view.followers and self.views.get(view.wish) is view:
            del self.views[view.wish]

    def is_behind(self, follower: Follower) -> None:
        """The follower has more to read than one piece: go on with it between passes."""
        self._behind[follower] = None
        self._news.set()

    def pause(self, follower: Follower) -> None:
        """Its transport holds more than the high-water mark: leave it out until the peer has read."""
        follower.paused_at = asyncio.get_running_loop().time()
        if follower in self._cohorts[follower.cohort].alone:
            self._paused[follower] = None
            self.counts.pauses += 1

    def resume(self, follower: Follower) -> None:
        follower.paused_at = None
        if follower in self._paused:
            del self._paused[follower]
            self.is_behind(follower)  # not at once: thousands of them may resume in one step of the loop

    def is_closing(self, follower: Follower) -> None:
        self._closing.setdefault(follower, asyncio.get_running_loop().time() + CLOSING_S)

    def is_gone(self, follower: Follower) -> None:
        """Its connection is lost."""
        self._closing.pop(follower, None)
        self.on_gone(follower)

    @property
    def paused(self) -> int:
        return len(self._paused)

    # Passes

    async def deliver(self) -> None:
        """Bring followers to the head whenever there is something to send. Runs until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await self._news.wait()
            self._news.clear()
            news, self._news_since = self._news_since, None
            if news is None:
                await self._catch_up()
                continue
            head, (first, came_in) = self.log.head, news
            served = await self._pass(first)
            self.counts.passes += 1
            if first <= head:
                self.on_sent(Sent(first, head, served, (loop.time() - came_in) * 1000))

    async def _pass(self, first: int) -> int:
        """Advance every follower; tell how many were sent entry `first` or later ones, in this pass or the one before.

        (An entry that came in during a pass went out with it to the followers who were still to come.)
        """
        served, pause_at = 0, monotonic() + SLICE_S
        for cohort in self._cohorts:
            alone = list(cohort.alone)  # who falls out of a rank in this pass was served there
            for rank in cohort.ranks():
                served += self._serve_rank(cohort, rank, first)
                if monotonic() >= pause_at:
                    pause_at = await _breathe()
            for follower in alone:
                served += self._serve(cohort, follower, first)
                if monotonic() >= pause_at:
                    pause_at = await _breathe()
        return served

    def _serve_rank(self, cohort: Cohort, rank: Rank, first: int) -> int:
        """Advance a rank in one step of the loop; tell how many of it were sent entry `first` or later ones."""
        members = len(rank.members)
        if not members or rank.cursor == self.log.head:
            pass
        elif rank.cursor < self.log.first - 1:
            self._behind.update(dict.fromkeys(rank.members))
            self._news.set()
            cohort.dissolve(rank)
        else:
            self._advance_rank(cohort, rank)
        return members if rank.sent >= first else 0

    def _advance_rank(self, cohort: Cohort, rank: Rank) -> None:
        piece = rank.view.piece(rank.cursor, BURST_MARKS * self.settings.follower_buffer_bytes)
        rank.cursor = piece.until
        if piece.data:
            rank.sent = piece.until
            self.counts.deliveries += piece.entries * len(rank.members)
            cohort.write(rank, piece.data)
        if rank.cursor != self.log.head:  # there is more: in the next pass, when they have read this
            self._has_news(self.log.head + 1)

    def _serve(self, cohort: Cohort, follower: Follower, first: int) -> int:
        """Advance one that is alone; tell (0 or 1) whether it was sent entry `first` or later ones."""
        if follower not in cohort.alone:
            return 0
        # Where the last pass left the live ones; all other cursors are a few followers' own.
        is_shared = follower.cursor >= first - 1 and follower.replayed == LIVE
        self.counts.deliveries += follower.advance(in_burst=is_shared)
        self._fall_in(follower)
        return follower.sent >= first

    async def _catch_up(self) -> None:
        """One piece for each follower that is behind; those with more to come stay on the list."""
        behind, self._behind = self._behind, {}
        pause_at = monotonic() + SLICE_S
        for follower in behind:
            if follower in self._cohorts[follower.cohort].alone:
                self.counts.deliveries += follower.advance()
                self._fall_in(follower)
            if monotonic() >= pause_at:
                pause_at = await _breathe()
        await asyncio.sleep(0)

    # Once a second

    def tick(self, second: int, now: float) -> None:
        """Send this second's share of heartbeats; close who has been paused for too long; give up waiting for peers."""
        if self._ahead:
            self.is_overtaken.set()
        for follower in [f for f, ahead in self._ahead.items() if ahead.since + AHEAD_S <= now]:
            self._turn_away(follower)
        self._beat(self._cohorts[second % len(self._cohorts)])
        for follower in [f for f in self._paused if now - (f.paused_at or now) > self.settings.follower_paused_s]:
            follower.close(CloseCode.TRY_LATER, "this reader reads too slowly")
        for follower in [f for f, until in self._closing.items() if until <= now]:
            follower.transport.abort()

    def _beat(self, cohort: Cohort) -> None:
        """Say where each follower is: at the head or on the way there (its selection may leave out all it misses).

        Whoever was sent an entry a moment ago has had its sign of life.
        """
        recent = self._heads[0]
        self._heads.append(self.log.head)
        alone = list(cohort.alone)
        for rank in cohort.ranks():
            if rank.sent <= recent and self.log.position_at(rank.cursor) is not None:
                self.counts.heartbeats += len(rank.members)
                cohort.write(rank, rank.view.heartbeat(rank.cursor))
        for follower in alone:
            if follower.sent <= recent and self.log.position_at(follower.cursor) is not None:
                self.counts.heartbeats += follower.say(follower.view.heartbeat(follower.cursor))

    def close_some(self, most: int, retry_ms: Callable[[], int]) -> int:
        """Say `bye` to up to `most` followers and close them (1012); tell how many there were."""
        closing = [follower for cohort in self._cohorts for follower in cohort][:most]
        for follower in closing:
            bye = ByeMessage(retry_ms(), "restart")
            follower.say(frame_message(follower.view.wish.framing, bye))
            follower.close(CloseCode.RESTART, "restart")
        for follower in list(self._ahead):  # these weren't answered yet, so that a close is nothing that they can read
            self.leave(follower)
            follower.transport.abort()
        return len(closing)

    def cut_off(self) -> None:
        """End every connection that is left, also of peers that haven't answered a close."""
        for follower in [*self._closing, *self._ahead, *(each for cohort in self._cohorts for each in cohort)]:
            follower.transport.abort()


async def _breathe() -> float:
    """Let the loop do something else; tell when to do so again."""
    await asyncio.sleep(0)
    return monotonic() + SLICE_S  # uvloop's own time stands still within a step
