"""The form of the API's answers: JSON that shared caches may keep for a second."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from ticker.web import http_cache


def api_response(
    request: Request,
    body: bytes,
    headers: Mapping[str, str],
    modified: str | None = None,
    lifetime: str = http_cache.LINES,
) -> Response:
    """Return a JSON answer, or 304 if the client has it. `headers` has the ones for pages of other origins."""
    own = {"Cache-Control": lifetime, "X-Content-Type-Options": "nosniff"}
    return http_cache.cacheable_response(request, body, "application/json", {**own, **headers}, modified)
