"""Follow an edition by polling its tail, through any cache: a content delivery network, or a static host."""

from __future__ import annotations

import asyncio
import gzip
import random
import time
import zlib
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.message import Message as Headers
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final
from urllib.error import HTTPError
from urllib.parse import quote, urlsplit
from urllib.request import OpenerDirector, ProxyHandler, Request, build_opener

import msgspec

from ticker.backoff import Backoff
from ticker.client.reading import (
    LOOPBACK,
    OPEN_S,
    PERMANENT,
    RETRY_FIRST_S,
    RETRY_MOST_S,
    RefusedError,
    TokenSource,
    detail_of,
    parse_edition_url,
    value_of,
)
from ticker.core.errors import PositionError, SettingsError, StoreError
from ticker.core.messages import BoardMessage, LiveMessage, MessageError
from ticker.core.position import Position
from ticker.core.selection import Selection
from ticker.core.tail import News, Tail, TailReader, decode_tail

TAIL_MAX: Final = 4 * 2**20
"""Largest answer in bytes that is read. A tail is far smaller (`ticker.core.tail`)."""


class Answer(msgspec.Struct, frozen=True):
    """An answer to a request. `tail` is None before the first one. `at` is the server's time, if it says so."""

    tail: Tail | None
    etag: str | None
    at: datetime | None


async def poll(
    url: str,
    *,
    every_s: float = 3.0,
    after: str | None = None,
    sections: Iterable[str] = (),
    regions: Iterable[str] = (),
    urgency: int | None = None,
    token: TokenSource = None,
) -> AsyncGenerator[News | LiveMessage]:
    """Yield the messages of an edition, for ever, as `follow` does, but request them again and again.

    It works through a content delivery network and from a static host. The lines arrive in the same order, each once,
    but later. A board has at most 100 lines, and a selection leaves some of them out.

    A random part of half of the interval is added, so that many readers don't request at the same moment. After a
    failure the delays grow up to `RETRY_MOST_S`, if that is longer than `every_s`.

    Args:
        url: The edition's address, as for `follow`.
        every_s: The interval in seconds. Caches keep an answer for a second.
        after: The `position` of the last message that you have. None to start with the board.
        sections: Only lines of these sections.
        regions: Only lines of these regions.
        urgency: Only lines of this urgency or more urgent; 1 is the most urgent.
        token: The token of a private edition, or a function that returns one.

    Raises:
        SettingsError: If `url` isn't the address of an edition, or `after` isn't a position.
        RefusedError: If the server refuses the request for good.

    """
    selection = Selection(tuple(sorted(sections)), tuple(sorted(regions)), urgency)
    gateway, edition = parse_edition_url(url)
    poller = _Poller(f"{gateway}/v1/{quote(edition)}/tail", TailReader(_checked(after), selection), token, every_s)
    while True:
        messages, delay_s = await poller.request()
        for message in messages:
            yield message
        await asyncio.sleep(delay_s)


class _Poller:
    """Requests one tail again and again, and knows what its reader has."""

    def __init__(self, address: str, reader: TailReader, token: TokenSource, every_s: float) -> None:
        self._address = address
        self._reader = reader
        self._token = token
        self._every_s = every_s
        self._backoff = Backoff(RETRY_FIRST_S, RETRY_MOST_S, jitter=1)
        self._last = Answer(None, None, None)
        self._is_known = False  # the server has already served this reader
        self._is_live = False

    async def request(self) -> tuple[Sequence[News | LiveMessage], float]:
        """Request the tail. Return the messages for the reader, and the delay until the next request in seconds.

        Raises:
            RefusedError: If the server refuses the request for good.

        """
        try:
            self._last = await _request(self._address, self._last, await value_of(self._token))
            # Also if it is the last one again: a reader that is ahead of it doesn't wait for ever.
            tail = self._last.tail
            news = [] if tail is None else self._reader.read(tail, time.monotonic())
        except HTTPError as error:
            _check_refusal(error, is_known=self._is_known, renewable=callable(self._token))
        except (OSError, MessageError, StoreError, PositionError, EOFError, zlib.error):
            pass
        else:
            self._is_known = True
            self._backoff.reset()
            return [*news, *self._live_after(news)], self._every_s * random.uniform(1, 1.5)  # noqa: S311 -- no secret
        return [], max(self._every_s, self._backoff.next_s())

    def _live_after(self, news: Sequence[News]) -> Iterator[LiveMessage]:
        """Yield a `LiveMessage` after the first answer, and after each board."""
        boards = sum(isinstance(message, BoardMessage) for message in news)
        if boards or not self._is_live:
            self._is_live = True
            yield LiveMessage(str(self._reader.position), len(news) - boards, self._last.at)


def _checked(position: str | None) -> str | None:
    try:
        return None if position is None else str(Position.parse(position))
    except PositionError as error:
        raise SettingsError(str(error)) from error


async def _request(address: str, last: Answer, token: str | None) -> Answer:
    return await asyncio.to_thread(request_tail, address, last, token)


def request_tail(address: str, last: Answer, token: str | None = None) -> Answer:
    """Request a tail. If it is still that of the `last` answer, it isn't sent again.

    Blocks for up to `OPEN_S` seconds per read.

    Raises:
        OSError: If the server doesn't answer, or (`HTTPError`) answers with an error.
        MessageError: If the answer has another form.

    """
    request = Request(address, headers={"Accept-Encoding": "gzip"})  # noqa: S310 -- http or https, as checked
    if token is not None:
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    if last.tail is not None and last.etag is not None:
        request.add_header("If-None-Match", last.etag)
    try:
        with _opener(address).open(request, timeout=OPEN_S) as response:
            body: bytes = response.read(TAIL_MAX)
            headers: Headers = response.headers
    except HTTPError as error:
        if error.code != HTTPStatus.NOT_MODIFIED:
            raise
        error.close()
        return Answer(last.tail, last.etag, _time_of(error.headers))
    if headers.get("Content-Encoding") == "gzip":
        body = _decompress(body)
    return Answer(decode_tail(body), headers.get("ETag"), _time_of(headers))


def _decompress(body: bytes) -> bytes:
    """Return the content, or raise an error if it is larger than `TAIL_MAX`."""
    decompressor = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    content = decompressor.decompress(body, TAIL_MAX)
    if not decompressor.eof:
        raise gzip.BadGzipFile("the answer is incomplete or too large")
    return content


def _opener(address: str) -> OpenerDirector:
    return build_opener(ProxyHandler({})) if urlsplit(address).hostname in LOOPBACK else build_opener()


def _time_of(headers: Headers) -> datetime | None:
    """Return the time of the server: a cache adds the age of its copy."""
    with suppress(TypeError, ValueError, OverflowError):
        at = parsedate_to_datetime(headers["Date"]) + timedelta(seconds=int(headers.get("Age") or 0))
        return at.astimezone(UTC)
    return None


def _check_refusal(error: HTTPError, *, is_known: bool, renewable: bool) -> None:
    """Raise an error if the refusal is for good. A server that has served this reader will do so again."""
    with error:
        is_permanent = error.code in PERMANENT and not is_known
        if is_permanent or (error.code == HTTPStatus.UNAUTHORIZED and not renewable):
            raise RefusedError(detail_of(error.read(TAIL_MAX)) or f"HTTP {error.code}") from error
