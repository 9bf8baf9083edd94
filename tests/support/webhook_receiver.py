"""A receiver of webhooks that verifies each signature, and fails on request."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self

import msgspec
from standardwebhooks import Webhook

from tests.support.late_replies import delay_reply

SECRET: Final = "whsec_" + "c2VjcmV0IG9mIHRoZSB0ZXN0cyBvZiB0aGUgcmVsYXk="


class Arrived(msgspec.Struct, frozen=True):
    """A request whose signature is valid, and the status that it was answered with."""

    id: str
    body: Any
    status: int
    data: bytes
    headers: dict[str, str]

    @property
    def kind(self) -> str:
        return str(self.body["type"])

    @property
    def line(self) -> dict[str, Any]:
        found: dict[str, Any] = self.body["data"]["line"]
        return found


class WebhookReceiver:
    """Listens on a free port of 127.0.0.1 until the end of the `with` block.

    Attributes:
        status: The status of the next answers. 0 closes the connection without an answer, after the request counts.
        headers: Further headers of the answers.
        gate: While it is cleared, no request is answered.
        begun: The id of each request, before the gate.

    """

    def __init__(self, secret: str = SECRET) -> None:
        self.status = 204
        self.headers: dict[str, str] = {}
        self.gate = threading.Event()
        self.gate.set()
        self.begun: list[str] = []
        self.arrived: list[Arrived] = []
        self.invalid: list[str] = []
        self._webhook = Webhook(secret)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/hook"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.gate.set()
        self._server.shutdown()
        self._server.server_close()

    def where(self, fits: Callable[[Arrived], bool]) -> list[Arrived]:
        return [each for each in list(self.arrived) if fits(each)]

    @property
    def shown(self) -> dict[str, str]:
        """The text of each line that shows: the newest order of each line wins, and each id counts once."""
        newest: dict[str, Arrived] = {}
        for each in self.where(lambda each: each.status < 300):
            known = newest.get(each.line["id"])
            if known is None or each.body["data"]["order"] > known.body["data"]["order"]:
                newest[each.line["id"]] = each
        return {name: each.line["text"] for name, each in newest.items() if each.kind == "line.published"}

    def _handler(receiver) -> type[BaseHTTPRequestHandler]:  # noqa: N805 -- `self` is the handler's
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                data = self.rfile.read(int(self.headers["content-length"]))
                if len(data) < int(self.headers["content-length"]):
                    return  # the relay was killed while it wrote
                headers = {name.lower(): value for name, value in self.headers.items()}
                try:
                    receiver._webhook.verify(data, headers)
                except Exception as error:  # noqa: BLE001 -- every error is a finding
                    receiver.invalid.append(repr(error))
                receiver.begun.append(headers["webhook-id"])
                receiver.gate.wait(60)
                status = receiver.status
                receiver.arrived.append(Arrived(headers["webhook-id"], json.loads(data), status, data, headers))
                delay_reply()
                if status == 0:
                    self.close_connection = True
                    return
                self.send_response(status)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name of the base class
                pass

        return Handler
