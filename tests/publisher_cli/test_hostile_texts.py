"""Texts from outside can't control an editor's terminal: not in the audit, the reach, a live board or an error."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import msgspec
import pytest
import redis

from tests.support.system import System, environment
from tests.support.terminal import Terminal
from tests.support.waiting import until
from ticker.store.data_folder import socket_path
from ticker.store.keys import Keys
from ticker.store.reach import Report

SET_CLIPBOARD = "\x1b]52;c;cm0gLXJmIH4=\x07"
ESCAPED = r"\x1b]52;c;cm0gLXJmIH4=\x07"
OWN_SEQUENCES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
"""Colours and cursor movements, which Rich and the console write."""


def shown(system: System, *words: str) -> str:
    """Return what a command writes to a terminal, without colours."""
    terminal = Terminal("tick", *words, environ={**system.environ, "TICK_EDITOR": "maha"}, columns=200)
    assert terminal.wait() == 0, terminal.seen
    return OWN_SEQUENCES.sub("", terminal.seen)


def test_audit_escapes_the_name_of_an_unknown_field(audit_system: System) -> None:
    with redis.Redis(unix_socket_path=str(socket_path(audit_system.redis_url))) as client:
        submission = json.dumps({"key": "hostile", "change": "new", SET_CLIPBOARD: 1})
        client.xadd(Keys("en").inbox("cleo"), {"submission": submission})
        receipts = Keys("en").receipts("cleo")
        until(lambda: b"hostile" in repr(client.xrange(receipts)).encode(), "it is refused")
    ran = audit_system.tick("audit", "-e", "en")
    assert ESCAPED in ran.out
    assert "\x1b" not in ran.out
    on_terminal = shown(audit_system, "audit", "-e", "en")
    assert ESCAPED in on_terminal
    assert not {"\x1b", "\x07"} & set(on_terminal)


def test_reach_escapes_the_name_of_a_gateway(audit_system: System) -> None:
    line = audit_system.tick("post", "Harbour: A line for a hostile gateway", "-e", "en", "--json").json
    seq = int(line["position"].partition("-")[0])
    report = Report(gateway=f"far{SET_CLIPBOARD}away", first=seq, last=seq, followers=7, ms=3.0)
    with redis.Redis(unix_socket_path=str(socket_path(audit_system.redis_url))) as client:
        client.xadd(Keys("en").reach, {"report": msgspec.json.encode(report)})
    assert audit_system.tick("withdraw", line["id"], "-e", "en", "--reason", "Not so").code == 0
    ran = audit_system.tick("reach", line["id"], "-e", "en")
    assert f"far{ESCAPED}away sent an earlier version" in ran.err
    assert "\x1b" not in ran.err
    assert not {"\x1b", "\x07"} & set(shown(audit_system, "reach", line["id"], "-e", "en"))


class _Refuses(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # the WebSocket client accepts no older one

    def do_GET(self) -> None:
        body = json.dumps({"detail": f"come back{SET_CLIPBOARD}later"}).encode()
        self.send_response(503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def hostile_gateway() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Refuses) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join(15)


def test_live_board_escapes_the_error_of_a_gateway(hostile_gateway: str) -> None:
    words = ("watch", "-e", "en", "--gateway", hostile_gateway)
    terminal = Terminal("tick", *words, environ=environment(), columns=120)
    until(lambda: "come back" in terminal.seen, "the error shows")
    terminal.process.terminate()
    terminal.wait()
    assert f"come back{ESCAPED}later" in terminal.seen
    assert not {"\x1b", "\x07"} & set(OWN_SEQUENCES.sub("", terminal.seen))
