"""Requests of a mirror to its gateway, over one connection."""

from __future__ import annotations

from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Final
from urllib.parse import urlsplit

import msgspec

from ticker.core.errors import StoreError

TIMEOUT_S: Final = 10.0
ANSWER_MAX: Final = 8 * 2**20
"""Largest answer in bytes that is read."""
KEPT: Final = (
    "Content-Type",
    "Cache-Control",
    "Content-Security-Policy",
    "X-Content-Type-Options",
    "Referrer-Policy",
    "Access-Control-Allow-Origin",
    "Access-Control-Expose-Headers",
    "Cross-Origin-Resource-Policy",
    "X-Robots-Tag",
)
"""The headers that a static host should send with the file, too."""


class Answer(msgspec.Struct, frozen=True):
    """An answer of the gateway. `headers` has those of `KEPT`."""

    status: int
    content: bytes
    etag: str
    headers: Mapping[str, str]


class Gateway:
    """The gateway of a mirror.

    All requests use one connection, so that the same process answers them: another one may not have a withdrawal yet,
    and would answer with the withdrawn text after the first one has answered without it.
    """

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")
        self._connection: HTTPConnection | None = None

    def get(self, target: str, etag: str = "") -> Answer:
        """Request a target. With the entity tag of the last answer, the status may be 304.

        Raises:
            StoreError: If the gateway doesn't answer. The connection is then closed: the next request opens another.

        """
        try:
            connection = self._connection = self._connection or self._open()
            connection.request("GET", target, headers={"If-None-Match": etag} if etag else {})
            response = connection.getresponse()
            content = response.read(ANSWER_MAX + 1)
            if len(content) > ANSWER_MAX:
                raise HTTPException("the answer is too large")
        except (OSError, HTTPException) as error:
            self.close()
            raise StoreError(f"{self.address} doesn't answer {target} ({type(error).__name__})") from error
        if response.will_close:
            self.close()
        headers = {name: value for name in KEPT if (value := response.headers.get(name)) is not None}
        return Answer(response.status, content, response.headers.get("ETag", ""), headers)

    @property
    def is_open(self) -> bool:
        """Whether the connection of the last answer is still open."""
        return self._connection is not None

    def _open(self) -> HTTPConnection:
        parts = urlsplit(self.address)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        return kind(parts.hostname or "", parts.port, timeout=TIMEOUT_S)

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
