"""Followers in a process of their own: `python -m ticker.capacity.crowd PORT EDITION`, with commands on standard input.

It connects only to 127.0.0.1. It ends at the end of its input.

| command | answer (one line of JSON) |
| --- | --- |
| `open N` | after N more followers got their board: `{"open": N, "failed": 0}` |
| `report` | the deliveries since the last report: `{"deliveries": …, "first_s": …, "p99_s": …, "closed": …}` |
| `drop` | after all connections were closed: `{"dropped": N}` |
"""

from __future__ import annotations

import re
import sys
from typing import Final

from ticker.capacity.followers import Followers

OPEN_S: Final = 20.0

_STAMP: Final = re.compile(rb"T=(\d+);")
_STAMP_BYTES: Final = 32
"""The longest stamp. A stamp may be cut in two by the end of what one call of `recv` returns."""


class Crowd(Followers):
    """Followers that measure how long each line took, by the time that its text has."""

    def __init__(self, port: int, edition: str) -> None:
        super().__init__(port, f"/v1/{edition}/live", open_s=OPEN_S)
        self._latencies: list[int] = []

    def obey(self, words: list[str]) -> dict[str, object]:
        return self._drop() if words == ["drop"] else super().obey(words)

    def _report(self) -> dict[str, object]:
        """Return the deliveries since the last report, with their latencies in seconds."""
        latencies, self._latencies = sorted(self._latencies), []
        closed, self._closed = self._closed, 0
        count = len(latencies)
        return {
            "deliveries": count,
            "first_s": latencies[0] / 1e9 if count else None,
            "p99_s": latencies[min(count * 99 // 100, count - 1)] / 1e9 if count else None,
            "closed": closed,
        }

    def _drop(self) -> dict[str, object]:
        """Close all connections together."""
        count = len(self._sockets)
        for each in self._sockets.values():
            each.close()  # epoll forgets it
        self._sockets.clear()
        self._opening.clear()
        self._ends.clear()
        return {"dropped": count}

    def _count(self, file: int, data: bytes, now: int) -> None:
        data = self._ends.pop(file, b"") + data
        end = 0
        for match in _STAMP.finditer(data):
            self._latencies.append(now - int(match[1]))
            end = match.end()
        if not data.endswith(b"}"):  # a message is cut in two
            self._ends[file] = data[max(end, len(data) - _STAMP_BYTES) :]


if __name__ == "__main__":
    Crowd(int(sys.argv[1]), sys.argv[2]).run()
