"""The handlers of errors. Each answers with problem details (see `ticker.gateway.problems`)."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from ticker.gateway.admission import Refusal
from ticker.gateway.problems import problem_body, problem_headers
from ticker.gateway.request_head import method_refusal
from ticker.problems import MEDIA_TYPE


def problem_response(refusal: Refusal) -> Response:
    """Return a refusal as an HTTP response."""
    return Response(problem_body(refusal), refusal.status, problem_headers(refusal), MEDIA_TYPE)


async def refused(request: Request, error: Exception) -> Response:
    """Answer a request that a handler has refused."""
    assert isinstance(error, Refusal), "registered for refusals only"
    return problem_response(error)


async def not_found(request: Request, error: Exception) -> Response:
    """Return 404 for a path that no route matches."""
    return problem_response(Refusal(404, "path", f"nothing is served at {request.url.path[:100]!a}"))


async def method_not_allowed(request: Request, error: Exception) -> Response:
    """Return 405 for any method but GET and HEAD."""
    return problem_response(method_refusal())


async def failed(request: Request, error: Exception) -> Response:
    """Return 500 after an exception that no handler expected. The server logs it; its text isn't sent."""
    return problem_response(Refusal(500, "internal", "the gateway failed to answer: this is a fault, please report it"))
