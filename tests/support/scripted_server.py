"""Gateways that send exactly what a test tells them to: for faults that a real one doesn't produce on demand."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, WebSocketRoute

from tests.support.browser_pages import until

EDITION = {"name": "en", "title": "Breaking news", "lang": "en", "dir": "ltr"}


def position(number: int) -> str:
    return f"{number}-{number:016x}"


def line(number: int, text: str, **fields: Any) -> dict[str, Any]:
    """Return a line as on the wire. `number` is also the number in its id."""
    return {
        "id": f"l{number}", "version": 1, "number": number, "change": "new", "status": "usable", "text": text,
        "attribution": None, "lang": "en", "dir": "ltr", "urgency": 4, "section": None, "regions": [],
        "coverage": None, "url": None, "created_at": "2026-11-24T09:00:00Z", "updated_at": "2026-11-24T09:00:00Z",
        "expires_at": None, "correction": None, "pinned_until": None, **fields,
    }  # fmt: skip


class Connection(Protocol):
    """A connection of a page: a WebSocket or a stream of events."""

    @property
    def url(self) -> str: ...

    def send(self, message: str) -> None: ...


class ScriptedGateway:
    """The server side of a page's connections, in the hands of a test."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.connections: list[Connection] = []

    def attributes(self) -> str:
        """Return the attributes with which an element connects to this gateway."""
        raise NotImplementedError

    def disconnect(self) -> None:
        """Close the latest connection, as a gateway does that restarts."""
        raise NotImplementedError

    def queries(self) -> list[dict[str, list[str]]]:
        return [parse_qs(urlsplit(each.url).query) for each in self.connections]

    def send(self, kind: str, **fields: Any) -> None:
        self.send_text(json.dumps({"type": kind, **fields}))

    def send_text(self, text: str) -> None:
        self.connections[-1].send(text)

    def board(self, *lines: dict[str, Any], at: int = 1, reset: str | None = None) -> None:
        """Send a board, and `live`."""
        self.send("board", position=position(at), reset=reset, edition=EDITION, lines=list(lines))
        self.send("live", position=position(at), replayed=0)

    def line(self, number: int, text: str, **fields: Any) -> None:
        self.send("line", position=position(number), line=line(number, text, **fields))

    def wait_for_connections(self, count: int) -> None:
        """Wait until the page has opened `count` connections in all."""
        until(self.page, lambda: len(self.connections) >= count, f"{count} connections, {len(self.connections)} so far")


class SocketGateway(ScriptedGateway):
    """Accepts every WebSocket of a page."""

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self.refuses = False
        page.route_web_socket(lambda url: "/v1/" in url, self._open)

    def attributes(self) -> str:
        return 'transport="socket"'

    def _open(self, socket: WebSocketRoute) -> None:
        self.connections.append(socket)
        if self.refuses:
            socket.close(code=1011)

    def disconnect(self) -> None:
        self.close(1012)

    def close(self, code: int) -> None:
        socket = self.connections[-1]
        assert isinstance(socket, WebSocketRoute)
        socket.close(code=code)


class Stream:
    """One stream of Server-Sent Events."""

    def __init__(self, url: str, output: BufferedIOBase) -> None:
        self.url = url
        self._output = output
        self.ended = threading.Event()

    def send(self, message: str) -> None:
        try:
            kind = json.loads(message)["type"]
        except (ValueError, TypeError, KeyError):
            kind = "line"  # a broken message needs an event name that the element listens to
        self._output.write(f"event: {kind}\ndata: {message}\n\n".encode())
        self._output.flush()


class EventsGateway(ScriptedGateway):
    """An HTTP server whose event streams send what the test tells them to."""

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                is_stream = "/events" in self.path
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream" if is_stream else "application/json")
                self.send_header("Access-Control-Allow-Origin", "*")
                self.end_headers()
                if is_stream:
                    stream = Stream(self.path, self.wfile)
                    gateway.connections.append(stream)
                    stream.ended.wait()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name in the base class
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def attributes(self) -> str:
        return f'server="http://127.0.0.1:{self._server.server_address[1]}"'

    def disconnect(self) -> None:
        stream = self.connections[-1]
        assert isinstance(stream, Stream)
        stream.ended.set()

    def close(self) -> None:
        """Stop the server."""
        for stream in self.connections:
            assert isinstance(stream, Stream)
            stream.ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
