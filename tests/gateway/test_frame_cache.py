"""What followers with one wish share, decided on a transport that only remembers what was written."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from typing import cast

import msgspec

from tests.support.strategies import ENGLISH, NONCE, START
from ticker.core.entry import Entry, Logged, encode_entry
from ticker.core.line import Change, Direction, Line
from ticker.core.position import Position, next_link
from ticker.core.selection import EVERYTHING, Selection
from ticker.gateway.channel import Channel
from ticker.gateway.follower import Follower
from ticker.gateway.frame_cache import Wish
from ticker.gateway.framing import Framing, websocket_payload
from ticker.settings import Settings

MARK = 4096
WISH = Wish(EVERYTHING, 10, Framing.WEBSOCKET)


class Transport:
    """Remembers what was written; says that it has `buffered` bytes still."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.buffered = 0
        self.aborted = self.closed = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def writelines(self, parts: Iterable[bytes]) -> None:
        self.written.append(b"".join(parts))

    def get_write_buffer_size(self) -> int:
        return self.buffered

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def get_extra_info(self, name: str) -> None:
        """There is no socket: all bytes go through the transport."""

    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...

    def abort(self) -> None:
        self.aborted = True


class Newsroom:
    """A channel, the clock that it asks, and followers of it."""

    def __init__(self, heartbeat_s: int = 25) -> None:
        self.now = START
        self.settings = Settings(follower_buffer_bytes=MARK, heartbeat_s=heartbeat_s)
        self.channel = Channel("en", ENGLISH, NONCE, self.settings, lambda: self.now)
        self.link, self.seq = NONCE, 0

    def post(self, text: str, **fields: object) -> None:
        self.seq += 1
        plain = Line(
            id=f"line-{self.seq}",
            version=1,
            number=self.seq,
            change=Change.NEW,
            text=text,
            lang="en",
            dir=Direction.LTR,
            created_at=START,
            updated_at=START,
        )
        line = msgspec.structs.replace(plain, **fields)
        entry = Entry(line=line, editor="ana", key="k", submitted_at=START)
        self.link = next_link(self.link, encode_entry(entry))
        self.channel.append(Logged(self.seq, self.link, entry))

    def follow(self, wish: Wish = WISH, after: int | None = None) -> tuple[Follower, Transport]:
        transport = Transport()
        follower = Follower(cast("asyncio.Transport", transport), self.channel.view(wish), "192.0.2.1")
        position = None if after is None else self.channel.log.position_at(after)
        self.channel.join(follower, b"", position)
        return follower, transport

    def follow_ahead(self, seq: int) -> tuple[Follower, Transport]:
        """A follower that has seen more, elsewhere."""
        transport = Transport()
        follower = Follower(cast("asyncio.Transport", transport), self.channel.view(WISH), "192.0.2.1")
        self.channel.join(follower, b"HEAD", Position(seq, "0" * 16))
        return follower, transport


async def test_a_piece_has_as_many_entries_as_fit() -> None:
    room = Newsroom()
    for _ in range(50):
        room.post("x" * 300)
    view = room.channel.view(WISH)
    view.followers = 1
    piece = view.piece(0, MARK)
    assert len(piece.data) <= MARK
    assert 0 < piece.entries == piece.until < 50
    rest = view.piece(piece.until, 10**9)
    assert (rest.until, rest.entries) == (50, 50 - piece.entries)


async def test_a_piece_has_one_entry_at_least() -> None:
    room = Newsroom()
    room.post("x" * 2 * MARK)
    view = room.channel.view(WISH)
    view.followers = 1
    assert view.piece(0, MARK).entries == 1


async def test_a_piece_goes_past_what_the_selection_leaves_out() -> None:
    room = Newsroom()
    room.post("mine", section="sports")
    for _ in range(100):
        room.post("not mine", section="health")
    view = room.channel.view(Wish(Selection(sections=("sports",)), 10, Framing.WEBSOCKET))
    view.followers = 1
    assert view.piece(1, MARK) == (b"", 101, 0)
    assert view.piece(0, MARK).entries == 1


async def test_followers_with_one_wish_are_written_the_same_bytes() -> None:
    room = Newsroom()
    room.post("before")
    followers = [room.follow() for _ in range(3)]
    room.post("news")
    await room.channel._pass(2)
    written = [transport.written[-1] for _, transport in followers]
    assert written[0] is written[1] is written[2]


async def test_a_view_keeps_no_more_pieces_than_it_has_followers() -> None:
    room = Newsroom()
    for _ in range(50):
        room.post("x")
    room.follow()
    view = room.channel.view(WISH)
    for cursor in range(50):
        view.piece(cursor, MARK)
    assert len(view._pieces) <= 1


async def test_a_board_is_encoded_once_until_something_comes() -> None:
    room = Newsroom()
    room.post("one")
    view = room.channel.view(WISH)
    first = view.board(None)
    assert view.board(None) is first
    room.post("two")
    assert b'"text":"two"' in view.board(None)


async def test_a_board_is_made_anew_when_a_line_of_it_expires() -> None:
    room = Newsroom()
    room.post("for a minute", expires_at=START + timedelta(minutes=1))
    view = room.channel.view(WISH)
    assert b"for a minute" in view.board(None)
    room.now = START + timedelta(seconds=59)
    assert b"for a minute" in view.board(None)
    room.now = START + timedelta(minutes=1)
    assert b"for a minute" not in view.board(None)


async def test_a_board_is_made_anew_when_a_pin_ends() -> None:
    room = Newsroom()
    room.post("pinned", pinned_until=START + timedelta(minutes=1))
    room.post("newer")
    view = room.channel.view(WISH)

    def texts() -> list[str]:
        return [line["text"] for line in msgspec.json.decode(websocket_payload(view.board(None)))["lines"]]

    assert texts() == ["pinned", "newer"]
    room.now = START + timedelta(minutes=1)
    assert texts() == ["newer", "pinned"]


async def test_a_full_transport_is_left_out_until_it_has_room() -> None:
    room = Newsroom()
    room.post("before")
    follower, transport = room.follow()
    follower.pause_writing()
    room.post("while it is full")
    await room.channel._pass(2)
    assert len(transport.written) == 1
    assert room.channel.paused == 1
    follower.resume_writing()
    await room.channel._catch_up()
    assert b"while it is full" in transport.written[-1]
    assert room.channel.paused == 0


async def test_who_has_left_is_not_written_to() -> None:
    room = Newsroom()
    room.post("before")
    follower, transport = room.follow()
    follower.connection_lost(None)
    room.post("after")
    await room.channel._pass(2)
    assert len(transport.written) == 1
    assert (room.channel.followers, room.channel.views) == (0, {})


async def test_who_has_left_since_the_pass_took_its_list_is_not_written_to() -> None:
    room = Newsroom()
    room.post("before")
    follower, transport = room.follow()
    room.post("after")
    cohort = room.channel._cohorts[follower.cohort]
    follower.connection_lost(None)
    assert room.channel._serve(cohort, follower, 2) == 0
    assert len(transport.written) == 1


async def test_leaving_twice_counts_once() -> None:
    room = Newsroom()
    gone: list[Follower] = []
    room.channel.on_gone = gone.append
    one, _ = room.follow()
    other, _ = room.follow()
    room.channel.leave(one)
    one.connection_lost(None)
    assert room.channel.followers == 1
    assert gone == [one]
    other.connection_lost(None)


async def test_a_beat_says_where_each_follower_is() -> None:
    room = Newsroom(heartbeat_s=1)
    room.post("one")
    _, at_head = room.follow()
    behind, transport = room.follow()
    room.post("two")
    behind.cursor = 1
    room.channel.tick(0, 0.0)
    positions = {1: str(room.channel.log.position_at(1)), 2: str(room.channel.log.position_at(2))}
    assert positions[1].encode() in transport.written[-1]
    assert b'"type":"heartbeat"' in transport.written[-1]
    assert b'"type":"heartbeat"' in at_head.written[-1]


async def test_a_reader_ahead_of_this_gateway_is_answered_when_the_entry_comes() -> None:
    room = Newsroom()
    room.post("one")
    _, transport = room.follow_ahead(2)
    assert transport.written == []
    room.post("two")
    assert transport.written[0].startswith(b"HEAD")
    assert b'"reset":"replaced"' in transport.written[0], "its history was another one"


async def test_a_reader_ahead_of_the_whole_log_has_seen_another_history() -> None:
    room = Newsroom()
    _, first = room.follow_ahead(9)
    assert room.channel.is_overtaken.is_set()
    look = room.channel.look()
    _, second = room.follow_ahead(9)
    room.channel.has_all(look)
    assert b'"reset":"replaced"' in first.written[0]
    assert second.written == [], "it came after the log was asked: what it saw may be newer than the answer"


async def test_a_reader_ahead_of_a_gateway_that_can_not_look_comes_back_later() -> None:
    """It has seen what there is; with a board from before that, its page would go back in time."""
    room = Newsroom()
    follower, transport = room.follow_ahead(9)
    loop = asyncio.get_running_loop()
    room.channel.look()
    room.channel.tick(0, loop.time())
    assert transport.written == []
    assert room.channel.is_overtaken.is_set(), "the next look is due"
    room.channel.tick(1, loop.time() + 2)
    assert transport.written[0].startswith(b"HTTP/1.1 503 ")
    assert b'"error": "behind"' in transport.written[0]
    assert transport.closed
    assert (room.channel.followers, room.channel.refused) == (0, {"behind": 1})
    follower.connection_lost(None)
    room.channel.has_all(room.channel.look())
    assert len(transport.written) == 1
