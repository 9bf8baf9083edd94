"""Traces for OpenTelemetry: an entry's submission, append, feed and pass are one trace. Off by default.

Each part computes the ids of a trace from the entry's link. So the desk and all gateways record one trace without a
word about it in submissions, entries or messages. Only published entries have a trace, and no span has a text, an
editor or a note.

The traces go to a collector as OTLP in JSON over HTTP (https://opentelemetry.io/docs/specs/otlp/#otlphttp). We encode
them ourselves: once OpenTelemetry's SDK is installed, redis-py 8.1 imports it at each start of each command.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Mapping
from http.client import HTTPException
from secrets import token_hex
from typing import Final, NoReturn
from urllib.request import HTTPRedirectHandler, Request, build_opener

import msgspec
import structlog

from ticker import __version__
from ticker.core.entry import Logged

PATH: Final = "/v1/traces"
INTERVAL_S: Final = 1.0
"""How long spans are collected before they are sent together."""
TIMEOUT_S: Final = 5.0
SPANS_MAX: Final = 4096
"""Spans that wait to be sent, at most. Above it, the oldest are dropped: publishing never waits for a collector."""
_INTERNAL: Final = 1
"""`SPAN_KIND_INTERNAL`."""

_logger = structlog.get_logger("ticker.tracing")


class Tracer:
    """Records the spans of entries, and sends them. Times are Unix times, in seconds.

    Args:
        endpoint: The address of the collector, without the path (setting `otlp_endpoint`).
        part: The part of the system that records, such as `desk`.

    """

    def __init__(self, endpoint: str, part: str) -> None:
        self._address = endpoint.rstrip("/") + PATH
        self._resource = {"attributes": _attributes({"service.name": f"ticker-{part}", "service.version": __version__})}
        self._spans: deque[dict[str, object]] = deque(maxlen=SPANS_MAX)
        self._recorded = asyncio.Event()
        self._is_failing = False

    def record_append(self, edition: str, logged: Logged, began_at: float) -> None:
        """Record the entry's submission, which is the root of its trace, and its append, which is over now."""
        ended_at = time.time()
        self._add("submission", edition, logged, (logged.entry.posted_at.timestamp(), ended_at), {})
        self.record("append", edition, logged, (began_at, ended_at))

    def record(self, name: str, edition: str, logged: Logged, times: tuple[float, float], **counts: int) -> None:
        """Record a span below the entry's submission. `times` are its begin and its end, `counts` more attributes."""
        self._add(name, edition, logged, times, counts)

    def _add(self, name: str, edition: str, logged: Logged, times: tuple[float, float], counts: dict[str, int]) -> None:
        trace_id, root_id = logged.link[:32], logged.link[32:48]
        is_root = name == "submission"
        begin, end = times[0], max(times)
        facts: dict[str, str | int] = {"edition": edition, "seq": logged.seq, **counts}
        span = {
            "traceId": trace_id,
            "spanId": root_id if is_root else token_hex(8),
            "name": f"ticker.{name}",
            "kind": _INTERNAL,
            "startTimeUnixNano": str(int(begin * 1e9)),
            "endTimeUnixNano": str(int(end * 1e9)),
            "attributes": _attributes({f"ticker.{key}": value for key, value in facts.items()}),
        }
        self._spans.append(span if is_root else {**span, "parentSpanId": root_id})
        self._recorded.set()

    async def run(self) -> NoReturn:
        """Send the spans until cancelled, and then those that are left."""
        try:
            while True:
                await self._recorded.wait()
                await asyncio.sleep(INTERVAL_S)
                await self._send()
        finally:
            await self._send()

    async def _send(self) -> None:
        """Send all spans. If that fails, they are lost, and the first failure in a row is logged."""
        self._recorded.clear()
        spans, self._spans = list(self._spans), deque(maxlen=SPANS_MAX)
        if not spans:
            return
        scope = {"scope": {"name": "ticker", "version": __version__}, "spans": spans}
        body = msgspec.json.encode({"resourceSpans": [{"resource": self._resource, "scopeSpans": [scope]}]})
        try:
            await asyncio.to_thread(_post, self._address, body)
            self._is_failing = False
        except (OSError, HTTPException, ValueError) as error:
            if not self._is_failing:
                _logger.warning("traces-not-sent", reason=f"{type(error).__name__}: {error}"[:200])
            self._is_failing = True


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Follow no redirect: only the address in the settings is trusted."""


def _post(address: str, body: bytes) -> None:
    """Send spans to the collector.

    Raises:
        OSError: If it can't be reached, or its answer isn't 2xx.

    """
    headers = {"Content-Type": "application/json"}
    request = Request(address, body, headers)  # noqa: S310 -- the settings allow only http and https
    with build_opener(_NoRedirects).open(request, timeout=TIMEOUT_S):
        pass


def _attributes(values: Mapping[str, str | int]) -> list[dict[str, object]]:
    """Return attributes as OTLP has them. In JSON, 64-bit numbers are texts."""
    return [
        {"key": key, "value": {"stringValue": value} if isinstance(value, str) else {"intValue": str(value)}}
        for key, value in values.items()
    ]
