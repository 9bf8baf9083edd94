"""A gateway that says exactly what a test tells it to: for faults that a real one doesn't have on demand."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, WebSocketRoute

from tests.browser.showing import until

EDITION = {"name": "en", "title": "Breaking news", "lang": "en", "dir": "ltr"}


def position(number: int) -> str:
    return f"{number}-{number:016x}"


def line(number: int, text: str, **fields: Any) -> dict[str, Any]:
    """A line of the wire; `number` is also its id's."""
    return {
        "id": f"l{number}", "version": 1, "number": number, "change": "new", "status": "usable", "text": text,
        "attribution": None, "lang": "en", "dir": "ltr", "urgency": 4, "section": None, "regions": [],
        "coverage": None, "url": None, "created": "2026-11-24T09:00:00Z", "updated": "2026-11-24T09:00:00Z",
        "expires": None, "correction": None, "pinned": None, **fields,
    }  # fmt: skip


class Gateway:
    """Every WebSocket of a page ends here."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.sockets: list[WebSocketRoute] = []
        self.refuses = False
        page.route_web_socket(lambda url: "/v1/" in url, self._open)

    def _open(self, socket: WebSocketRoute) -> None:
        self.sockets.append(socket)
        if self.refuses:
            socket.close(code=1011)

    def queries(self) -> list[dict[str, list[str]]]:
        return [parse_qs(urlsplit(socket.url).query) for socket in self.sockets]

    def say(self, kind: str, **fields: Any) -> None:
        self.say_text(json.dumps({"type": kind, **fields}))

    def say_text(self, text: str) -> None:
        self.sockets[-1].send(text)

    def board(self, *lines: dict[str, Any], at: int = 1, reset: str | None = None) -> None:
        """A board, and that it is live."""
        self.say("board", at=position(at), reset=reset, edition=EDITION, lines=list(lines))
        self.say("live", at=position(at), replayed=0)

    def line(self, number: int, text: str, **fields: Any) -> None:
        self.say("line", at=position(number), line=line(number, text, **fields))

    def wait(self, count: int) -> None:
        """Until there were `count` connections."""
        until(self.page, lambda: len(self.sockets) >= count, f"{count} connections, {len(self.sockets)} so far")
