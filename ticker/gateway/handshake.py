"""What a request for a live edition asks for, and the answer's bytes. Decisions only: no transport, no clock."""

from __future__ import annotations

import binascii
import json
from base64 import b64decode
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Final, NamedTuple
from urllib.parse import parse_qsl

from websockets.utils import accept_key

from ticker.core.edition import Edition
from ticker.core.errors import PositionError, SelectionError
from ticker.core.log_window import Reset
from ticker.core.messages import SUBPROTOCOL
from ticker.core.position import Position
from ticker.core.selection import parse_selection
from ticker.gateway.admission import Refusal
from ticker.gateway.frame_cache import Wish
from ticker.gateway.framing import Framing

LINES_MAX: Final = 100
QUERY_FIELDS_MAX: Final = 32
_KNOWN: Final = frozenset({"after", "lines", "section", "region", "urgency"})
_ENDINGS: Final = {b"live": Framing.WEBSOCKET, b"events": Framing.EVENTS}


class Target(NamedTuple):
    """A request target of the form `/v1/{edition}/live` or `/v1/{edition}/events`."""

    edition: str
    framing: Framing
    query: str


def parse_target(url: bytes) -> Target | None:
    """The edition that a request is for; None for every other target."""
    path, _, query = url.partition(b"?")
    parts = path.split(b"/")
    if len(parts) != 4 or parts[0] or parts[1] != b"v1" or parts[3] not in _ENDINGS or not path.isascii():
        return None
    return Target(parts[2].decode("ascii"), _ENDINGS[parts[3]], query.decode("latin-1"))


class Request(NamedTuple):
    """What a follower asks for: its wish, and where it goes on from (None: from the board)."""

    wish: Wish
    after: Position | Reset | None


def parse_request(edition: Edition, framing: Framing, query: str, last_event_id: str | None = None) -> Request:
    """Read a query against the edition's vocabulary.

    A position that can't be read isn't refused: its reader gets a board marked `malformed`, as with any that is lost.

    Raises:
        Refusal: 400, naming the value and what there is.

    """
    fields = parse_fields(query)
    wish = parse_wish(edition, framing, fields)
    # A browser that reconnects by itself asks for the same URL again: what it saw since is in the header.
    given = one_of(fields, "after")
    given = last_event_id or given
    if not given:
        return Request(wish, None)
    try:
        return Request(wish, Position.parse(given))
    except PositionError:
        return Request(wish, Reset.MALFORMED)


def parse_wish(edition: Edition, framing: Framing, fields: Mapping[str, list[str]]) -> Wish:
    """The selection and the size of the board that a query asks for.

    Raises:
        Refusal: 400, naming the value and what there is.

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
    return Wish(selection, _parse_lines(one_of(fields, "lines"), edition.board_lines), framing)


def parse_fields(query: str) -> dict[str, list[str]]:
    """The fields of a query, each with all its values.

    Raises:
        Refusal: 400 for more than 32 fields, or for bytes that are no UTF-8.

    """
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=QUERY_FIELDS_MAX)
    except ValueError as error:
        raise Refusal(
            400, "parameter", f"the query can't be read: {QUERY_FIELDS_MAX} fields of UTF-8 at most"
        ) from error
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return fields


def one_of(fields: Mapping[str, list[str]], name: str) -> str | None:
    """The value of a field that may be given once; None where it isn't.

    Raises:
        Refusal: 400 where it is given twice.

    """
    values = fields.get(name)
    if not values:
        return None
    if len(values) > 1:
        raise Refusal(400, name, f"`{name}` is given {len(values)} times: once at most")
    return values[0]


def _parse_lines(text: str | None, default: int) -> int:
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) <= 3 and 1 <= int(text) <= LINES_MAX):
        raise Refusal(400, "lines", f"lines {text[:40]!a} is not a number from 1 to {LINES_MAX}")
    return int(text)


class Headers:
    """The headers of a request that a handshake looks at: names in lower case, values as they came."""

    __slots__ = ("_values",)

    def __init__(self, pairs: Iterable[tuple[bytes, bytes]]) -> None:
        self._values: dict[bytes, list[bytes]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    def all(self, name: bytes) -> list[str]:
        values = self._values.get(name)
        return [value.decode("latin-1") for value in values] if values else []

    def one(self, name: bytes) -> str | None:
        """The value of a header that may stand once; None where it stands never, or more than once."""
        values = self.all(name)
        return values[0].strip() if len(values) == 1 else None

    def tokens(self, name: bytes) -> list[str]:
        """The comma-separated parts of a header."""
        return [part.strip() for value in self.all(name) for part in value.split(",")]


def check_origin(edition: Edition, headers: Headers) -> str | None:
    """The origin of the page that asks (None: no page does), where the edition allows it.

    Raises:
        Refusal: 403 where it doesn't.

    """
    origins = headers.all(b"origin")
    if not origins:
        return None
    if "*" in edition.origins or (len(origins) == 1 and origins[0] in edition.origins):
        return origins[0]
    raise Refusal(403, "origin", f"pages of {origins[0][:100]!a} may not show this edition")


def websocket_response(headers: Headers, extension: str | None) -> bytes:
    """The answer to an opening handshake (RFC 6455, 4.2), with the extension that was agreed on, if any.

    Findings here and not with `websockets`' `ServerProtocol.accept`: the same checks in a tenth of the time, which
    counts when 20,000 readers come back at once.

    Raises:
        Refusal: 400 where the key is wrong, 426 where the version is.

    """
    if headers.one(b"sec-websocket-version") != "13":
        raise Refusal(426, "version", "this gateway speaks WebSocket version 13")
    key = headers.one(b"sec-websocket-key")
    if key is None or not _is_key(key):
        raise Refusal(400, "key", "Sec-WebSocket-Key is not 16 bytes in base64, given once")
    subprotocol = f"Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n" if SUBPROTOCOL in _offered(headers) else ""
    extensions = "" if extension is None else f"Sec-WebSocket-Extensions: {extension}\r\n"
    return (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept_key(key)}\r\n{subprotocol}{extensions}\r\n"
    ).encode()


def _is_key(key: str) -> bool:
    try:
        return len(b64decode(key, validate=True)) == 16
    except (binascii.Error, ValueError):
        return False


def _offered(headers: Headers) -> list[str]:
    return headers.tokens(b"sec-websocket-protocol")


def events_response(origin: str | None) -> bytes:
    """The head of a stream of Server-Sent Events. It ends with the connection, so it needs no chunks."""
    cors = f"Access-Control-Allow-Origin: {_header_value(origin)}\r\nVary: Origin\r\n" if origin else ""
    return (
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-store\r\n"
        f"X-Accel-Buffering: no\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n{cors}\r\n"
    ).encode()


def _header_value(text: str) -> str:
    return "".join(character for character in text if character.isascii() and character.isprintable())


def refusal_response(refusal: Refusal) -> bytes:
    """The whole HTTP response for a refusal; the connection closes after it."""
    body = refusal_body(refusal)
    retry = "" if refusal.retry_s is None else f"Retry-After: {refusal.retry_s}\r\n"
    upgrade = "Sec-WebSocket-Version: 13\r\nUpgrade: websocket\r\n" if refusal.status == 426 else ""
    head = (
        f"HTTP/1.1 {refusal.status} {HTTPStatus(refusal.status).phrase}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nCache-Control: no-store\r\nAccess-Control-Allow-Origin: *\r\n"
        f"Connection: close\r\n{retry}{upgrade}\r\n"
    )
    return head.encode() + body


def refusal_body(refusal: Refusal) -> bytes:
    """`{"error": code, "detail": sentence}`, as for every refusal over HTTP."""
    return json.dumps({"error": refusal.code, "detail": refusal.detail}, ensure_ascii=False).encode()
