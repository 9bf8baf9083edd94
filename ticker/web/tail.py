"""The tail of an edition over HTTP: one document for every reader that polls, made for shared caches.

Its address takes no parameters, so caches keep one copy per edition. `docs/cdn.md` has the configuration of caches.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ticker.core.board import LINES_MAX, next_change_at
from ticker.core.edition import Edition
from ticker.core.messages import BoardMessage, EditionInfo, ForgetMessage, encode_message
from ticker.core.position import Position
from ticker.core.tail import TAIL_BYTES, TAIL_ENTRIES
from ticker.core.words import language_with_words
from ticker.gateway.admission import Refusal
from ticker.gateway.channel import Channel
from ticker.gateway.framing import websocket_payload
from ticker.gateway.history import History, PreparedEntry
from ticker.gateway.hub import Hub
from ticker.web.api_response import api_response
from ticker.web.cors import readable_channel

FRESH_S: Final = 1
"""`max-age`: a cache requests the tail at most once in this time."""
REVALIDATION_S: Final = 1
"""`stale-while-revalidate`: how much longer a cache may serve its copy while it requests the tail."""
WITHDRAWN_WITHIN_S: Final = FRESH_S + REVALIDATION_S + 1
"""When a withdrawn text has left every cache that reaches a gateway. One second is for caches that round times up."""


def tail_routes(hub: Hub) -> list[Route]:
    """Return the route of the tail."""
    return [Route("/v1/{edition}/tail", Tails(hub).tail)]


def tail_lifetime(stale_s: int) -> str:
    """Return `Cache-Control` of a tail. `stale_s` is the setting `tail_stale_s`."""
    return f"public, max-age={FRESH_S}, stale-while-revalidate={REVALIDATION_S}, stale-if-error={stale_s}"


class _Made(msgspec.Struct, frozen=True):
    """A tail as it is sent, with the facts that it was made from."""

    edition: Edition
    position: Position
    valid_until: datetime | None
    body: bytes

    def is_of(self, channel: Channel, now: datetime) -> bool:
        """Return whether the tail of `channel` is still this one."""
        if self.edition is not channel.edition or self.position != channel.position:
            return False
        return self.valid_until is None or now < self.valid_until


class Tails:
    """The handler. It makes a tail once per entry, however many readers poll without a cache."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._made: dict[str, _Made] = {}

    async def tail(self, request: Request) -> Response:
        """Return the newest entries and the board."""
        channel, cors = readable_channel(self._hub, request)
        channel.counts.tail_requests += 1
        if request.url.query:
            raise Refusal(400, "parameter", "a tail has no parameters, so that caches keep one copy: remove the query")
        lifetime = tail_lifetime(self._hub.settings.tail_stale_s)
        return api_response(request, self._body(channel), cors, lifetime=lifetime)

    def _body(self, channel: Channel) -> bytes:
        now, made = self._hub.clock(), self._made.get(channel.name)
        if made is not None and made.is_of(channel, now):
            return made.body
        stale_s = WITHDRAWN_WITHIN_S + self._hub.settings.tail_stale_s
        body, valid_until = encode_tail(channel.history, now, stale_s)
        # Editions that are gone mustn't stay here.
        self._made = {name: each for name, each in self._made.items() if name in self._hub.channels}
        self._made[channel.name] = _Made(channel.edition, channel.position, valid_until, body)
        return body


def encode_tail(
    history: History, now: datetime, stale_s: int, *, entries: int = TAIL_ENTRIES
) -> tuple[bytes, datetime | None]:
    """Return the tail of an edition at `now`, and the time at which it changes without an entry, or None.

    It has at most `entries` entries and `TAIL_BYTES` of messages, and a board with at most `LINES_MAX` lines.
    """
    log, edition = history.log, history.edition
    first = log.head + 1
    messages: list[bytes] = []
    room = TAIL_BYTES
    while log.head - first + 1 < entries and first > log.first:
        entry = encode_entry(log[first - 1])
        room -= len(entry)
        if room < 0 or log.position_at(first - 2) is None:
            break
        messages.append(entry)
        first -= 1
    lines = history.board.lines(now, LINES_MAX, notices=edition.notices)
    info = EditionInfo.of(history.name, edition, language_with_words(edition.lang))
    board = encode_message(BoardMessage(str(log.position), None, info, lines, history.is_incomplete))
    facts = {"type": "tail", "position": str(log.position), "after": str(log.position_at(first - 1))}
    head = msgspec.json.encode({**facts, "stale_s": stale_s})
    # The messages are encoded already: they are put into the object as they are.
    body = b"".join((head[:-1], b',"board":', board, b',"messages":[', b",".join(reversed(messages)), b"]}"))
    return body, next_change_at(lines, now)


def encode_entry(entry: PreparedEntry) -> bytes:
    """Return the messages of an entry, separated by commas."""
    line = websocket_payload(entry.frame)
    return encode_message(ForgetMessage(entry.forgotten)) + b"," + line if entry.forgotten else line
