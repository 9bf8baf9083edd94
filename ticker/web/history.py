"""The API's answers about the past: pages of an edition's history, and one line with its versions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, NamedTuple
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from ticker.core.errors import PositionError
from ticker.core.line import Line, Status
from ticker.core.log_window import Reset
from ticker.core.messages import LineMessage, rfc3339
from ticker.core.position import Position
from ticker.gateway import handshake
from ticker.gateway.admission import Refusal
from ticker.gateway.channel import Channel
from ticker.gateway.framing import websocket_payload
from ticker.gateway.hub import Hub
from ticker.web.api_response import api_response
from ticker.web.cors import readable_channel
from ticker.web.http_cache import last_modified

HISTORY_MAX: Final = 500
"""Maximum number of entries on one page of history."""
VERSIONS_MAX: Final = 100
"""Maximum number of versions with a line: the newest ones."""
_KNOWN: Final = ("after", "before", "since", "until", "limit")
_EXCLUSIVE: Final = (("before", "after"), ("since", "after"), ("until", "before"))
"""Pairs of parameters that can't be used together: two beginnings, two ends, or two positions."""


class HistoryPage(msgspec.Struct, frozen=True):
    """A page of history: `line` messages in the order of the log.

    Attributes:
        edition: The edition's name.
        position: The newest position of the edition.
        after: The position of the last line on this page. Send it as `after` to get newer lines. It can be null only
            for an empty page.
        before: The position of the first line on this page. Send it as `before` to get older lines. It is null if
            nothing older is retained.
        forget: The ids of lines that a reader has to drop after this page.
        lines: The messages.

    """

    edition: str
    position: str
    after: str | None
    before: str | None
    forget: list[str]
    lines: list[LineMessage]


class LineAnswer(msgspec.Struct, frozen=True):
    """One line.

    Attributes:
        edition: The edition's name.
        line: The current version.
        versions: The retained versions, the oldest first. If the line is withdrawn or hidden, only the current one.

    """

    edition: str
    line: Line
    versions: list[LineMessage]


class HistoryQuery(NamedTuple):
    """The checked query of a page of history."""

    after: Position | None
    before: Position | None
    since: datetime | None
    until: datetime | None
    limit: int

    @property
    def is_forwards(self) -> bool:
        """Whether the page begins at the older end of the range."""
        return self.after is not None or (self.since is not None and self.before is None)


class Bounds(NamedTuple):
    """The seqs of a page's first and last entry, and of the range that the page is a part of."""

    first: int
    last: int
    range_first: int
    range_last: int


class History:
    """The handlers."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def lines(self, request: Request) -> Response:
        """Return a page of history. Text that was withdrawn later is missing here too."""
        channel, cors = readable_channel(self._hub, request)
        query = parse_query(request.url.query, self._hub.settings.history_page)
        position = query.after or query.before
        if position is not None and position.seq > channel.history.log.head:
            await channel.members.wait_until_certain(position)
        bounds = page_bounds(channel, query)
        links = _links(channel, query, bounds, request.url.path)
        headers = {**cors, "Link": links} if links else cors
        modified = last_modified(channel.modified_at, self._hub.clock())
        return api_response(request, _encode_page(channel, bounds), headers, modified)

    async def line(self, request: Request) -> Response:
        """Return one line with its versions. A withdrawn line has only its notice."""
        channel, cors = readable_channel(self._hub, request)
        if request.url.query:
            raise Refusal(400, "parameter", "a line has no parameters: remove the query")
        body = _encode_line(channel, request.path_params["id"])
        return api_response(request, body, cors, last_modified(channel.modified_at, self._hub.clock()))


def _encode_line(channel: Channel, line_id: str) -> bytes:
    """Return a line's answer.

    Raises:
        Refusal: 404 if the line is unknown or forgotten.

    """
    known = channel.history.board.get(line_id)
    if known is None:
        reason = "it was never published here, or it is so old that everybody has forgotten it"
        raise Refusal(404, "line", f"there is no line {line_id[:40]!a} in the edition {channel.name}: {reason}")
    # If a line is withdrawn or hidden, its earlier versions have lost their text: only this version can be shown.
    most = VERSIONS_MAX if known.line.status is Status.USABLE else 1
    versions = [websocket_payload(entry.frame) for entry in channel.history.versions(line_id, most)]
    head = msgspec.json.encode({"edition": channel.name, "line": known.line})
    return head[:-1] + b',"versions":[' + b",".join(versions) + b"]}"


def _encode_page(channel: Channel, bounds: Bounds) -> bytes:
    log = channel.history.log
    items = log.items(bounds.first - 1, bounds.last)
    messages = [websocket_payload(item.frame) for item in items]
    head = msgspec.json.encode(
        {
            "edition": channel.name,
            "position": str(channel.position),
            "after": _text_of(log.position_at(bounds.last)),
            "before": _text_of(log.position_at(bounds.first)) if bounds.first > log.first else None,
            "forget": [line_id for item in items for line_id in item.forgotten],
        }
    )
    # The messages are encoded already: they are put into the object as they are.
    return head[:-1] + b',"lines":[' + b",".join(messages) + b"]}"


def page_bounds(channel: Channel, query: HistoryQuery) -> Bounds:
    """Return the bounds of a page within the retained log. An empty page has its last entry before the first.

    Raises:
        Refusal: 410 if a position isn't in the retained log.

    """
    history, log = channel.history, channel.history.log
    range_first = log.first if query.since is None else history.first_since(query.since)
    range_last = log.head if query.until is None else history.first_after(query.until) - 1
    first = range_first if query.after is None else _resume(channel, query.after) + 1
    last = range_last if query.before is None else _resume(channel, query.before) - 1
    if query.is_forwards:
        return Bounds(first, max(min(first + query.limit - 1, last), first - 1), range_first, range_last)
    return Bounds(min(max(last - query.limit + 1, first), last + 1), last, range_first, range_last)


def _resume(channel: Channel, position: Position) -> int:
    cursor = channel.history.log.resume(position)
    if isinstance(cursor, Reset):
        raise Refusal(410, cursor, f"the position {position} is no longer valid ({cursor}): start from the board")
    return cursor


def _links(channel: Channel, query: HistoryQuery, bounds: Bounds, path: str) -> str:
    """Return the header `Link` (RFC 8288): `next` has newer entries, `prev` older ones. Each only if there are some."""
    log = channel.history.log
    links: list[str] = []
    if bounds.first > bounds.last:
        return ""
    if bounds.last < bounds.range_last and (after := log.position_at(bounds.last)) is not None:
        end = {} if query.until is None else {"until": rfc3339(query.until)}
        links.append(_link(path, "next", {"after": str(after), **end, "limit": query.limit}))
    if bounds.first > bounds.range_first and (before := log.position_at(bounds.first)) is not None:
        start = {} if query.since is None else {"since": rfc3339(query.since)}
        links.append(_link(path, "prev", {"before": str(before), **start, "limit": query.limit}))
    return ", ".join(links)


def _link(path: str, relation: str, fields: dict[str, str | int]) -> str:
    return f'<{path}?{urlencode(fields)}>; rel="{relation}"'


def parse_query(query: str, limit: int) -> HistoryQuery:
    """Parse the query of a page of history. `limit` is the default size of a page.

    Raises:
        Refusal: 400 if a parameter is unknown or invalid, or if two can't be used together.

    """
    fields = handshake.parse_fields(query)
    unknown = next((name for name in fields if name not in _KNOWN), None)
    if unknown is not None:
        raise Refusal(400, "parameter", f"there is no parameter {unknown[:40]!a}: there are {', '.join(_KNOWN)}")
    for name, other in _EXCLUSIVE:
        if name in fields and other in fields:
            raise Refusal(400, name, f"`{other}` and `{name}` can't be used together: choose one")
    values = {name: handshake.one_of(fields, name) for name in _KNOWN}
    return HistoryQuery(
        after=_parse_position(values["after"], "after"),
        before=_parse_position(values["before"], "before"),
        since=_parse_instant(values["since"], "since"),
        until=_parse_instant(values["until"], "until"),
        limit=_parse_limit(values["limit"], limit),
    )


def _text_of(position: Position | None) -> str | None:
    return None if position is None else str(position)


def _parse_position(text: str | None, name: str) -> Position | None:
    try:
        return None if text is None else Position.parse(text)
    except PositionError as error:
        raise Refusal(400, name, str(error)) from error


def _parse_instant(text: str | None, name: str) -> datetime | None:
    """Parse a time of RFC 3339, and return it in UTC."""
    if text is None:
        return None
    try:
        instant = msgspec.convert(text, datetime)
        if instant.tzinfo is not None:
            return instant.astimezone(UTC)
    except (msgspec.ValidationError, OverflowError):
        pass
    form = "2026-11-24T09:30:00Z, or with an offset like %2B02:00 (+ is a space in a query)"
    raise Refusal(400, name, f"{name} {text[:40]!a} is not a time with a zone: write it like {form}")


def _parse_limit(text: str | None, default: int) -> int:
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) <= 3 and 1 <= int(text) <= HISTORY_MAX):
        raise Refusal(400, "limit", f"limit {text[:40]!a} is not a number from 1 to {HISTORY_MAX}")
    return int(text)
