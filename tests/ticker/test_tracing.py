"""An entry's submission, append, feed and pass are one trace, which has nothing that isn't public."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import pytest
from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from structlog.testing import capture_logs

from tests.support.servers import free_port
from tests.support.strategies import START
from tests.support.system import System, settings_without
from tests.support.waiting import eventually
from ticker import tracing
from ticker.core.entry import Entry, Logged
from ticker.core.errors import SettingsError
from ticker.core.line import Change, Direction, Line
from ticker.settings import load_settings
from ticker.tracing import Tracer

IDS: Final = {"traceId", "spanId", "parentSpanId"}
LINE: Final = Line(
    id="line-1",
    version=1,
    number=1,
    change=Change.NEW,
    text="x",
    lang="en",
    dir=Direction.LTR,
    created_at=START,
    updated_at=START,
)
LOGGED: Final = Logged(1, "ab" * 32, Entry(line=LINE, editor="ana", key="k", submitted_at=START))


class Collector:
    """A collector of OpenTelemetry on a free port. It keeps what arrives."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def spans(self) -> list[Span]:
        """All spans, read with the message types of OpenTelemetry. Unknown fields are errors."""
        requests = [ParseDict(with_base64(json.loads(body)), ExportTraceServiceRequest()) for body in self.bodies]
        return [
            span
            for each in requests
            for found in each.resource_spans
            for scope in found.scope_spans
            for span in scope.spans
        ]

    @contextmanager
    def listening(self) -> Iterator[None]:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        yield
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        bodies = self.bodies

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                data = self.rfile.read(int(self.headers["Content-Length"]))
                assert (self.path, self.headers["Content-Type"]) == ("/v1/traces", "application/json")
                bodies.append(data)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        return Handler


def test_submission_append_feed_and_pass_are_one_trace(folder: Path) -> None:
    collector = Collector()
    variables = {
        "TICKER_OTLP_ENDPOINT": collector.url,
        "TICKER_SETTINGS": settings_without(folder, "duplicate", "short"),
    }
    with collector.listening():
        with System(folder, **variables) as system:
            for text in ("Spoken word one", "Spoken word two"):
                assert system.tick("post", text, "-e", "en", "--note", "for the staff alone").code == 0
            assert system.tick("post", "Not published yet", "-e", "en", "--at", "+2h").code == 5
        spans = collector.spans
    names = ["ticker.append", "ticker.feed", "ticker.pass", "ticker.submission"]
    by_trace: dict[bytes, list[Span]] = {}
    for span in spans:
        by_trace.setdefault(span.trace_id, []).append(span)
    assert [sorted(span.name for span in trace) for trace in by_trace.values()] == [names, names]
    for trace in by_trace.values():
        (root,) = (span for span in trace if span.name == "ticker.submission")
        assert not root.parent_span_id
        assert {span.parent_span_id for span in trace if span is not root} == {root.span_id}
        assert all(span.start_time_unix_nano <= span.end_time_unix_nano for span in trace)
        assert {each.key for span in trace for each in span.attributes} == {
            "ticker.edition",
            "ticker.seq",
            "ticker.followers",
        }
    data = b"".join(collector.bodies)
    for hidden in (b"Spoken", b"staff", b"maha", b"published"):
        assert hidden not in data


def with_base64(value: Any) -> Any:
    """Return JSON with base64 ids, as protobuf has bytes in JSON. OTLP has hexadecimal ids."""
    if isinstance(value, list):
        return [with_base64(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: base64.b64encode(bytes.fromhex(each)).decode() if key in IDS else with_base64(each)
        for key, each in value.items()
    }


async def test_collector_that_is_away_loses_spans_and_is_logged_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "INTERVAL_S", 0.01)
    tracer = Tracer(f"http://127.0.0.1:{free_port()}", "desk")
    with capture_logs() as events:
        running = asyncio.create_task(tracer.run())
        for _ in range(3):
            tracer.record("feed", "en", LOGGED, (0.0, 1.0))
            await eventually(lambda: not tracer._spans, "the spans are gone")
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
    assert [event["event"] for event in events] == ["traces-not-sent"]


async def test_waiting_spans_are_bounded() -> None:
    tracer = Tracer("http://127.0.0.1:9", "desk")
    for _ in range(tracing.SPANS_MAX + 10):
        tracer.record("feed", "en", LOGGED, (0.0, 1.0))
    assert len(tracer._spans) == tracing.SPANS_MAX


def test_endpoint_that_is_no_address_is_refused() -> None:
    with pytest.raises(SettingsError, match="otlp_endpoint is 'collector'"):
        load_settings(None, {"TICKER_OTLP_ENDPOINT": "collector"})
