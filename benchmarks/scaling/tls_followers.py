"""Followers that speak TLS: `python -m benchmarks.scaling.tls_followers PORT PATH tls|plain`.

It obeys commands on standard input, and answers each with a line of JSON. Its own CPU time counts nowhere.

| command | answer |
| --- | --- |
| `open N` | after N more followers are live: `{"open": N, "failed": 0}` |
| `report` | the counts since the last report: `{"deliveries": …, "bytes": …, "closed": …}` |
| `await N` | the same, after at least N deliveries or 20 s |

Each connection makes a full TLS handshake: it resumes no session.
"""

from __future__ import annotations

import select
import socket
import ssl
import sys
import time
from typing import Final

from ticker.capacity.followers import Followers

OPEN_S: Final = 120.0
AWAIT_S: Final = 20.0
ADDRESSES: Final = 64
"""Followers use 127.1.0.1 to .64: proxies limit connections per address."""
SITE: Final = "news.example"

_LINE: Final = b'"type":"line"'


class TlsFollowers(Followers):
    """Followers that count lines. `tls` is None for connections without TLS."""

    def __init__(self, port: int, path: str, tls: ssl.SSLContext | None) -> None:
        super().__init__(port, path, host=SITE, open_s=OPEN_S)
        self._tls = tls
        self._shaking: set[int] = set()
        """Connections whose TLS handshake isn't complete."""
        self._begun = self._deliveries = self._bytes = 0

    def obey(self, words: list[str]) -> dict[str, object]:
        match words:
            case ["await", count]:
                until = time.monotonic() + AWAIT_S
                while self._deliveries < int(count) and time.monotonic() < until:
                    self._poll(0.1)
                return self._report()
            case _:
                return super().obey(words)

    def _report(self) -> dict[str, object]:
        counts: dict[str, object] = {"deliveries": self._deliveries, "bytes": self._bytes, "closed": self._closed}
        self._deliveries = self._bytes = self._closed = 0
        return counts

    def _handle(self, file: int, event: int) -> None:
        if file in self._shaking:
            self._shake_hands(file)
        else:
            super()._handle(file, event)

    def _connect(self) -> int:
        file = super()._connect()
        if self._tls is not None:
            self._shaking.add(file)
        return file

    def _new_socket(self) -> socket.socket:
        each = super()._new_socket()
        each.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
        each.bind((f"127.1.0.{1 + self._begun % ADDRESSES}", 0))
        self._begun += 1
        return each

    def _shake_hands(self, file: int) -> None:
        each = self._sockets[file]
        try:
            if not isinstance(each, ssl.SSLSocket):
                assert self._tls is not None
                each = self._tls.wrap_socket(each, server_hostname=SITE, do_handshake_on_connect=False)
                self._sockets[file] = each
            each.do_handshake()
        except ssl.SSLWantReadError:
            self._epoll.modify(file, select.EPOLLIN)
        except OSError:
            self._lose(file)
        else:
            self._shaking.discard(file)
            self._send_request(file)

    def _read(self, each: socket.socket) -> bytes:
        try:
            data = super()._read(each)
            # epoll reports nothing for bytes that are already decrypted.
            while isinstance(each, ssl.SSLSocket) and each.pending():
                data += super()._read(each)
        except ssl.SSLWantReadError as error:  # part of a record, or a session ticket
            raise BlockingIOError from error
        return data

    def _count(self, file: int, data: bytes, now: int) -> None:
        self._bytes += len(data)
        lines, end = count_lines(self._ends.pop(file, b""), data)
        self._deliveries += lines
        if end:
            self._ends[file] = end

    def _lose(self, file: int) -> None:
        super()._lose(file)
        self._shaking.discard(file)


def count_lines(before: bytes, data: bytes) -> tuple[int, bytes]:
    """Return the number of lines that begin in `data`, and its end if it cuts a message in two. Pure.

    `before` is the end that the last call returned.
    """
    data = before + data
    return data.count(_LINE), b"" if data.endswith(b"}") else data[1 - len(_LINE) :]


def main() -> None:
    """Run the followers."""
    port, path, kind = sys.argv[1:]
    tls = None
    if kind == "tls":
        tls = ssl.create_default_context()
        tls.check_hostname = False
        tls.verify_mode = ssl.CERT_NONE
        tls.set_alpn_protocols(["http/1.1"])
    TlsFollowers(int(port), path, tls).run()


if __name__ == "__main__":
    main()
