"""Parse requests for a live edition and build the responses. Pure: no transport, no clock."""

from __future__ import annotations

import re
from binascii import b2a_base64
from collections.abc import Mapping
from hashlib import sha1
from typing import Final, NamedTuple
from urllib.parse import parse_qsl, unquote_to_bytes

from ticker.core.board import LINES_MAX
from ticker.core.edition import Edition
from ticker.core.errors import PositionError, SelectionError
from ticker.core.log_window import Reset
from ticker.core.messages import SUBPROTOCOL
from ticker.core.position import Position
from ticker.core.selection import parse_selection
from ticker.core.words import language_with_words
from ticker.gateway.admission import Refusal
from ticker.gateway.frame_cache import StreamOptions
from ticker.gateway.framing import Framing
from ticker.gateway.request_head import Headers

QUERY_FIELDS_MAX: Final = 32
_KNOWN: Final = frozenset({"after", "lang", "lines", "section", "region", "urgency"})
_ENDINGS: Final = {b"live": Framing.WEBSOCKET, b"events": Framing.EVENTS}
KEY: Final = re.compile(rb"[0-9A-Za-z+/]{22}==")
"""A key of a WebSocket: 16 bytes in base64."""
KEY_BYTES: Final = 24
_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_BEFORE_ANSWER: Final = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
)
PARSED_MAX: Final = 256
"""Maximum number of parsed requests that are kept."""
QUERY_MAX: Final = 300
"""Longest query in characters whose parsed request is kept. Without a limit, clients could fill megabytes."""


class Target(NamedTuple):
    """A request target of the form `/v1/{edition}/live` or `/v1/{edition}/events`."""

    edition: str
    framing: Framing
    query: str


def parse_target(url: bytes) -> Target | None:
    """Return the edition and the framing of a target in origin form, or None if it isn't for a live edition."""
    path, _, query = url.partition(b"?")
    if b"%" in path:  # as the application decodes other paths: encoded letters are equivalent (RFC 3986, 6.2.2.2)
        path = unquote_to_bytes(path)
    parts = path.split(b"/")
    if len(parts) != 4 or parts[0] or parts[1] != b"v1" or parts[3] not in _ENDINGS or not path.isascii():
        return None
    return Target(parts[2].decode("ascii"), _ENDINGS[parts[3]], query.decode("latin-1"))


class Request(NamedTuple):
    """A parsed request for a live edition.

    Attributes:
        options: The stream options.
        after: The position to resume from, None if not given, or the reason why it can't be used.

    """

    options: StreamOptions
    after: Position | Reset | None


class RequestParser:
    """Parses requests for one edition and keeps the results.

    When thousands of followers reconnect together, most send the same query.
    """

    def __init__(self, edition: Edition) -> None:
        self._edition = edition
        self._parsed: dict[tuple[Framing, str, str | None], Request] = {}

    def parse(self, framing: Framing, query: str, last_event_id: str | None) -> Request:
        """Parse a request.

        Raises:
            Refusal: As `parse_request`.

        """
        key = (framing, query, last_event_id)
        request = self._parsed.get(key)
        if request is None:
            request = parse_request(self._edition, framing, query, last_event_id)
            if len(query) + len(last_event_id or "") <= QUERY_MAX:
                if len(self._parsed) >= PARSED_MAX:
                    self._parsed.clear()
                self._parsed[key] = request
        return request


def parse_request(edition: Edition, framing: Framing, query: str, last_event_id: str | None = None) -> Request:
    """Parse a query. The edition's settings define the valid sections and regions.

    A malformed position is not an error: the follower gets a board with the reason `malformed`, as for every position
    that can't be used.

    Raises:
        Refusal: 400 if a value is invalid. The message names the value and the valid ones.

    """
    fields = parse_fields(query)
    options = parse_options(edition, framing, fields)
    after = one_of(fields, "after")
    # A browser that reconnects an EventSource requests the same URL. Its newest position is in the header.
    given = last_event_id or after
    if not given:
        return Request(options, None)
    try:
        return Request(options, Position.parse(given))
    except PositionError:
        return Request(options, Reset.MALFORMED)


def parse_options(edition: Edition, framing: Framing, fields: Mapping[str, list[str]]) -> StreamOptions:
    """Parse the selection, the board size, and the language of the words, which is by default the edition's.

    Raises:
        Refusal: 400 if a value is invalid. The message names the value and the valid ones.

    """
    unknown = next((name for name in fields if name not in _KNOWN), None)
    if unknown is not None:
        known = ", ".join(sorted(_KNOWN))
        raise Refusal(400, "parameter", f"there is no parameter {unknown[:40]!a}: there are {known}")
    try:
        selection = parse_selection(
            edition, fields.get("section", []), fields.get("region", []), one_of(fields, "urgency")
        )
    except SelectionError as error:
        raise Refusal(400, error.code, str(error)) from error
    language = language_with_words(one_of(fields, "lang") or edition.lang)
    return StreamOptions(selection, _parse_lines(one_of(fields, "lines"), edition.board_lines), framing, language)


def parse_fields(query: str) -> dict[str, list[str]]:
    """Return the fields of a query, each with all its values.

    Raises:
        Refusal: 400 if there are more than 32 fields, or bytes that are not UTF-8.

    """
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=QUERY_FIELDS_MAX)
    except ValueError as error:
        raise Refusal(
            400, "parameter", f"the query can't be parsed: it may have {QUERY_FIELDS_MAX} fields, in UTF-8"
        ) from error
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return fields


def one_of(fields: Mapping[str, list[str]], name: str) -> str | None:
    """Return the value of a field that may be given once, or None if it isn't given.

    Raises:
        Refusal: 400 if it is given more than once.

    """
    values = fields.get(name)
    if not values:
        return None
    if len(values) > 1:
        raise Refusal(400, name, f"`{name}` is given {len(values)} times: give it once")
    return values[0]


def _parse_lines(text: str | None, default: int) -> int:
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) <= 3 and 1 <= int(text) <= LINES_MAX):
        raise Refusal(400, "lines", f"lines {text[:40]!a} is not a number from 1 to {LINES_MAX}")
    return int(text)


def check_origin(edition: Edition, headers: Headers, public_url: str | None = None) -> str | None:
    """Return the origin of the requesting page, or None without an `Origin` header.

    Our own pages may follow every edition. Their origin is `public_url`, or else that of the host that was requested:
    a browser lets no page choose the header `Host`, or `Origin`.

    Raises:
        Refusal: 403 if the edition doesn't allow the origin.

    """
    origins = headers.all(b"origin")
    if not origins:
        return None
    if "*" in edition.origins:
        return origins[0]
    if len(origins) == 1 and (origins[0] in edition.origins or _is_own(origins[0], headers, public_url)):
        return origins[0]
    raise Refusal(403, "origin", f"pages of {origins[0][:100]!a} may not show this edition")


def _is_own(origin: str, headers: Headers, public_url: str | None) -> bool:
    if public_url is not None:
        return origin == public_url.lower()
    # Behind a proxy that ends TLS, the scheme is unknown here.
    scheme, _, host = origin.partition("://")
    return scheme in ("http", "https") and host != "" and host == (headers.one(b"host") or "").lower()


def websocket_response(headers: Headers, extension: str | None) -> tuple[bytes, bytes, bytes]:
    """Return the response to an opening handshake (RFC 6455, 4.2): the key, and what comes before and after its answer.

    `answer_key` returns the answer. `extension` is the negotiated extension, if any.

    `websockets` has `ServerProtocol.accept` for this. The checks here are the same but take a tenth of the time, which
    matters when 20,000 followers reconnect together.

    Raises:
        Refusal: 400 if the key is invalid, 426 if the version is not 13.

    """
    if headers.one(b"sec-websocket-version") != "13":
        raise Refusal(426, "version", "this gateway supports WebSocket version 13 only")
    key = (headers.one(b"sec-websocket-key") or "").encode("latin-1")
    if not KEY.fullmatch(key):
        raise Refusal(400, "key", "there must be one Sec-WebSocket-Key, with 16 bytes in base64")
    offered = headers.tokens(b"sec-websocket-protocol")
    subprotocol = f"Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n" if SUBPROTOCOL in offered else ""
    extensions = "" if extension is None else f"Sec-WebSocket-Extensions: {extension}\r\n"
    return key, _BEFORE_ANSWER, f"\r\n{subprotocol}{extensions}\r\n".encode()


def answer_key(key: bytes) -> bytes:
    """Return the value of `Sec-WebSocket-Accept` for a key (RFC 6455, 4.2.2)."""
    return b2a_base64(sha1(key + _GUID).digest(), newline=False)  # noqa: S324 -- the protocol requires SHA-1


def events_response(origin: str | None) -> bytes:
    """Return the head of a Server-Sent Events response. The end of the connection ends it, so it isn't chunked."""
    headers = "".join(f"{name}: {value}\r\n" for name, value in events_headers(origin).items())
    return f"HTTP/1.1 200 OK\r\n{headers}\r\n".encode()


def events_headers(origin: str | None) -> dict[str, str]:
    """Return the headers of a Server-Sent Events response to a page of `origin`."""
    headers = {
        "Content-Type": "text/event-stream; charset=utf-8",
        "Cache-Control": "no-store",
        "X-Accel-Buffering": "no",
        "X-Content-Type-Options": "nosniff",
        "Connection": "close",
    }
    cors = {"Access-Control-Allow-Origin": _header_value(origin), "Vary": "Origin"} if origin else {}
    return headers | cors


def _header_value(text: str) -> str:
    return "".join(character for character in text if character.isascii() and character.isprintable())
