"""Answer a request that is the same as an earlier one, except for its key, without parsing it again. No transport.

When followers reconnect together, their requests differ in little but the key, and in lines that the gateway doesn't
read. To parse a request takes a third of the time that a follower costs.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from ticker.gateway.handshake import KEY, KEY_BYTES
from ticker.gateway.hub import Hub
from ticker.gateway.takeover import Prepared

KEPT_MAX: Final = 512
"""Maximum number of requests that are kept."""
KEPT_BYTES: Final = 1024
"""Longest request that is kept, without the lines that may differ."""

_END: Final = b"\r\n\r\n"
_KEY_LINE: Final = b"\r\nSec-WebSocket-Key: "
_UNREAD: Final = re.compile(
    rb"\r\n(?:User-Agent|Accept(?:-Encoding|-Language)?|Cache-Control|Pragma|Cookie|Referer|DNT|Sec-Fetch-[A-Za-z]+"
    rb"|Sec-CH-UA[A-Za-z-]*|sec-ch-ua[a-z-]*):[\t -~]*(?=\r\n)"
)
"""Complete lines that no part of the gateway reads. In an unusual spelling, they are compared like all others."""
_FORWARDED: Final = re.compile(rb"\r\n[Xx]-[Ff]orwarded-[Ff]or:[\t ]*([\t -~]*)(?=\r\n)")


class Repeated(NamedTuple):
    """A request that is answered like an earlier one, with its own key and `X-Forwarded-For`."""

    prepared: Prepared
    key: bytes
    forwarded: list[str]


class RepeatedOpenings:
    """Keeps prepared answers to the openings of public editions. The key is the request without its varying lines."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._kept: dict[bytes, Prepared] = {}

    def find(self, data: bytes) -> Repeated | None:
        """Return how to answer a request, or None if it must be parsed.

        It is valid if an earlier one with the same lines was: only complete lines with allowed characters are left out.
        """
        if data.find(_END) != len(data) - len(_END):
            return None  # a line after the end of the request is none of its lines
        lines, key, forwarded = self._split(data)
        prepared = self._kept.get(lines)
        if prepared is None or prepared.has_key != (key != b""):
            return None
        channel = prepared.channel
        if prepared.edition is not channel.edition or self._hub.channels.get(channel.name) is not channel:
            del self._kept[lines]  # the edition's settings have changed
            return None
        return Repeated(prepared, key, forwarded)

    def add(self, data: bytes, prepared: Prepared) -> None:
        """Keep the prepared answer to a request, unless the request is unusual or for a private edition."""
        lines, key, _ = self._split(data)
        if (
            prepared.channel.is_private
            or len(lines) > KEPT_BYTES
            or prepared.has_key != (key != b"")
            or (self._hub.trusted and b"x-forwarded-for" in lines.lower())
        ):
            return
        if len(self._kept) >= KEPT_MAX:
            self._kept.clear()
        self._kept[lines] = prepared

    def _split(self, data: bytes) -> tuple[bytes, bytes, list[str]]:
        """Return the lines that matter, the key (empty without a valid one), and the values of `X-Forwarded-For`."""
        before, _, rest = data.partition(_KEY_LINE)
        key = rest[:KEY_BYTES]
        if rest.startswith(b"\r\n", KEY_BYTES) and KEY.fullmatch(key):
            lines = _UNREAD.sub(b"", before + rest[KEY_BYTES:])
        else:
            lines, key = _UNREAD.sub(b"", data), b""
        if not self._hub.trusted:
            return lines, key, []
        forwarded = [value.decode("ascii").strip() for value in _FORWARDED.findall(lines)]
        return _FORWARDED.sub(b"", lines), key, forwarded
