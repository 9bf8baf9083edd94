"""The servers of browser tests: a real gateway in a thread with its log in memory, and another site's web server.

Only Redis and the desk are left out, so that a test can publish a line with one call. Everything between the log and
the page is the real code.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import nullcontext
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any, Self, TypeVar

import msgspec
import pytest
import uvicorn

from tests.support.short_waits import shorten_shutdown
from ticker.core.edition import DEFAULT_EDITIONS, Edition
from ticker.core.entry import Entry, Logged, Trim, encode_entry
from ticker.core.line import Change, Line, Status
from ticker.core.log_window import LogWindow
from ticker.core.position import Position, next_link
from ticker.gateway import hub
from ticker.gateway.channel import Channel
from ticker.gateway.connection import Connection
from ticker.gateway.hub import Hub
from ticker.gateway.server import Address, listen
from ticker.settings import Settings
from ticker.web.app import make_app

VERSION = "0.1.0"
WAIT_S = 60.0
DRAIN_STEP_S = 0.02

T = TypeVar("T")


class BrowserHarness:
    """A gateway on a free port of 127.0.0.1. Its methods may be called from any thread except its own."""

    def __init__(
        self,
        editions: dict[str, Edition] | None = None,
        settings: Settings | None = None,
        status_token: str | None = None,
    ) -> None:
        self._settings = settings or Settings(heartbeat_s=1, drain_s=0.2)
        self._editions = dict(DEFAULT_EDITIONS) if editions is None else editions
        self._status_token = status_token
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="gateway", daemon=True)
        self._server: uvicorn.Server | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._histories = 0
        self._patch = pytest.MonkeyPatch()
        self.log: dict[str, list[Logged]] = {}
        self.port = 0
        self.hub = Hub(self._settings, 2000, lambda: datetime.now(UTC), Random(7).random)

    def __enter__(self) -> Self:
        shorten_shutdown(self._patch)
        self._patch.setattr(hub, "DRAIN_STEP_S", DRAIN_STEP_S)
        self._thread.start()
        self.call(self._open())
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(WAIT_S)
        self._loop.close()
        self._patch.undo()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the gateway's event loop and return its result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(WAIT_S)

    def start(self) -> None:
        """Start serving, on the same port as before."""
        self.call(self._start())

    def stop(self) -> None:
        """Stop as for a restart: the followers are sent `bye`."""
        if self._server is not None:
            self.call(self._stop())

    async def _open(self) -> None:
        for name, edition in self._editions.items():
            nonce = self._nonce()
            self.log[name] = []
            self.hub.editions.add(name)
            self.hub.is_loading = False
            self.hub.add(Channel(name, edition, nonce, self._settings, lambda: datetime.now(UTC)))

    def _nonce(self) -> str:
        self._histories += 1
        return sha256(f"history {self._histories}".encode()).hexdigest()

    async def _start(self) -> None:
        listener = listen(Address(port=self.port))
        self.port = self.hub.port = listener.getsockname()[1]
        self.hub.admission.draining = False
        app = make_app(self.hub, VERSION, demo=True, status_token=self._status_token)
        connection: Any = partial(Connection, self.hub)
        config = uvicorn.Config(
            app, http=connection, ws=connection, log_config=None, lifespan="off", proxy_headers=False,
            timeout_graceful_shutdown=1,
        )  # fmt: skip
        server = self._server = uvicorn.Server(config)
        server.capture_signals = nullcontext  # type: ignore[method-assign, assignment]
        self._tasks = [
            asyncio.create_task(work)
            for work in (
                server.serve(sockets=[listener]),
                self.hub.tick(),
                *(channel.broadcaster.deliver() for channel in self.hub.channels.values()),
            )
        ]
        while not server.started:  # noqa: ASYNC110 -- uvicorn has no event for it
            await asyncio.sleep(0.005)

    async def _stop(self) -> None:
        assert self._server is not None
        await self.hub.drain(lambda: False)
        self._server.should_exit = True
        serving, *others = self._tasks
        await serving
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        self._server = None

    # Changes of the log

    def post(self, edition: str, text: str, **fields: Any) -> Line:
        """Publish a new line. It is on the board when this returns."""
        return self.append(edition, self._new_line(edition, text, len(self.log[edition]) + 1, **fields))

    def post_all(self, edition: str, texts: list[str]) -> list[Line]:
        """Publish several lines in one step of the gateway's event loop, so that they arrive together."""
        first = len(self.log[edition]) + 1
        lines = [self._new_line(edition, text, number) for number, text in enumerate(texts, first)]
        self.call(self._append(edition, lines))
        return lines

    def _new_line(self, edition: str, text: str, number: int, **fields: Any) -> Line:
        settings, now = self._editions[edition], datetime.now(UTC)
        values: dict[str, Any] = {
            "id": f"{edition}-{self._histories}-{number}", "version": 1, "number": number, "change": Change.NEW,
            "text": text, "lang": settings.lang, "dir": settings.dir, "created_at": now, "updated_at": now,
            "test": settings.test,
        }  # fmt: skip
        return Line(**(values | fields))

    def change(self, edition: str, line: Line, change: Change, **fields: Any) -> Line:
        """Publish the next version of a line."""
        fields = {"updated_at": datetime.now(UTC), **fields}
        return self.append(
            edition, msgspec.structs.replace(line, **{"change": change, "version": line.version + 1, **fields})
        )

    def withdraw(self, edition: str, line: Line, reason: str) -> Line:
        withdrawn = line.without_text(Status.CANCELED)
        return self.change(edition, withdrawn, Change.WITHDRAW, correction=reason)

    def append(self, edition: str, line: Line) -> Line:
        self.call(self._append(edition, [line]))
        return line

    def forget(self, edition: str, line: Line) -> Line:
        """Publish a new line with which another one is forgotten."""
        new = self._new_line(edition, "With this line, another one is forgotten", len(self.log[edition]) + 1)
        self.call(self._append(edition, [new], Trim(through=0, forgotten=(line.id,))))
        return new

    async def _append(self, edition: str, lines: list[Line], trim: Trim | None = None) -> None:
        channel, log = self.hub.channels[edition], self.log[edition]
        for line in lines:
            entry = Entry(line=line, editor="amal", key=f"key-{len(log)}", submitted_at=line.updated_at, trim=trim)
            link = next_link(channel.history.log.head_link or "", encode_entry(entry))
            logged = Logged(channel.history.log.head + 1, link, entry)
            log.append(logged)
            channel.append(logged)

    def start_new_history(self, edition: str, texts: list[str]) -> None:
        """Replace the history, as a restored backup does: every reader gets a board with a reset."""
        self.call(self._start_new_history(edition, texts))

    async def _start_new_history(self, edition: str, texts: list[str]) -> None:
        nonce = self._nonce()
        self.log[edition] = []
        self.hub.channels[edition].replace(nonce, LogWindow(0, nonce))
        await self._append(edition, [self._new_line(edition, text, number) for number, text in enumerate(texts, 1)])

    def position(self, edition: str) -> Position:
        return self.hub.channels[edition].position

    def followers(self, edition: str) -> int:
        return len(self.hub.channels[edition].members)


class Host:
    """The web server of another site. It serves pages by path, with headers."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[dict[str, str], str]] = {}
        host = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                headers, body = host.pages.get(self.path.partition("?")[0], ({}, ""))
                data = body.encode()
                self.send_response(200 if data else 404)
                for name, value in {"Content-Type": "text/html; charset=utf-8", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name in the base class
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(WAIT_S)

    def put(self, path: str, body: str, **headers: str) -> str:
        """Serve a page and return its address. `_` in the name of a header stands for a hyphen."""
        self.pages[path] = ({name.replace("_", "-"): value for name, value in headers.items()}, body)
        return self.address + path
