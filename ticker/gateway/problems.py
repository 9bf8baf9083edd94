"""Refusals as problem details (RFC 9457): the types of problems, and the HTTP response of a refusal.

Pure: no transport. Every HTTP error has this form, including a refused handshake or event stream.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

import msgspec

from ticker.gateway.admission import Refusal
from ticker.gateway.request_head import ALLOWED
from ticker.problems import MEDIA_TYPE, Problem, ProblemType

PAGE: Final = "/docs/problems"
"""The path of the page that describes every type. A type is the address of its section."""
EXPOSED: Final = "Age, Date, ETag, Last-Modified, Link, Retry-After"
"""The response headers that scripts of other origins may read (CORS)."""


_REALM: Final = 'Bearer realm="ticker"'
_STATUS: Final = 'Bearer realm="ticker status"'
CHALLENGES: Final = {
    "token": _REALM,
    "token-invalid": f'{_REALM}, error="invalid_token"',
    "token-expired": f'{_REALM}, error="invalid_token", error_description="The token has expired"',
    "token-edition": f'{_REALM}, error="insufficient_scope"',
    "status-token": _STATUS,
    "status-token-invalid": f'{_STATUS}, error="invalid_token"',
}
"""The values of `WWW-Authenticate` by the code of the problem (RFC 6750, 3)."""


def _of_parameter(name: str) -> ProblemType:
    return ProblemType(
        f"The parameter `{name}` is invalid", (400,), "Read `detail`: it names the value and the valid ones."
    )


_RETRY = "Retry after the seconds in `Retry-After`."

PROBLEMS: Final[dict[str, ProblemType]] = {
    **{
        name: _of_parameter(name)
        for name in ("after", "before", "since", "until", "limit", "lines", "section", "region", "urgency", "lang")
    },
    "parameter": ProblemType(
        "The query has an unknown parameter", (400,), "Remove the parameter, or correct its name: `detail` lists them."
    ),
    "key": ProblemType("The handshake has no valid key", (400,), "Use a WebSocket library (RFC 6455)."),
    "body": ProblemType("The request for a WebSocket has a body", (400,), "Send the request without a body."),
    "host": ProblemType("The request doesn't have one valid `Host`", (400,), "Send one header `Host`."),
    "target": ProblemType(
        "The request target is invalid", (400,), "Request a path, or the complete URL of a page with http or https."
    ),
    "malformed": ProblemType("This is not an HTTP request", (400,), "Check the client, or the proxy before it."),
    "method": ProblemType("The method is not allowed", (400, 405), "Use GET or HEAD. A WebSocket is opened with GET."),
    "origin": ProblemType(
        "Pages of this origin may not read the edition",
        (403,),
        "Ask the operator to add it to the edition's `origins`.",
    ),
    "token": ProblemType("The edition is private", (401,), "Send a token: `Authorization: Bearer …`."),
    "token-invalid": ProblemType(
        "The token is not valid", (401,), "Get a new token from the site that gave you this one."
    ),
    "token-expired": ProblemType("The token has expired", (401,), "Get a new token, and send the request again."),
    "token-edition": ProblemType("The token is for another edition", (403,), "Get a token for this edition."),
    "status-token": ProblemType("The status needs a token", (401,), "Send the token: `Authorization: Bearer …`."),
    "status-token-invalid": ProblemType(
        "This is not the token of the status", (401,), "Ask the operator for `TICKER_STATUS_TOKEN`."
    ),
    "status-closed": ProblemType(
        "The status is open only on the gateway's own machine", (403,), "Ask the operator to set `TICKER_STATUS_TOKEN`."
    ),
    "status-guesses": ProblemType("The address sent too many wrong tokens", (429,), _RETRY),
    "status-viewers": ProblemType("Too many people look at the status", (429,), _RETRY),
    "edition": ProblemType("The edition doesn't exist", (404,), "Choose one of `/v1/editions`."),
    "line": ProblemType(
        "The line is not known", (404,), "Check the id. A line that is so old that everybody has forgotten it is gone."
    ),
    "path": ProblemType("Nothing is served at this path", (404,), "Compare the path with `/v1/openapi.json`."),
    "url": ProblemType(
        "The URL can't be embedded", (404, 503), "Give the address of an edition's page on this server."
    ),
    "trimmed": ProblemType("The position is older than the history", (410,), "Start from the board."),
    "replaced": ProblemType("The position belongs to another history", (410,), "Start from the board."),
    "version": ProblemType("The WebSocket version isn't supported", (426,), "Use version 13 (RFC 6455)."),
    "upgrade": ProblemType(
        "This path is a WebSocket", (426,), "Open a WebSocket, or request `/events` over plain HTTP."
    ),
    "address-full": ProblemType("The address has too many connections", (429,), _RETRY),
    "address-busy": ProblemType("The address connects too often", (429,), _RETRY),
    "address-selections": ProblemType(
        "The address uses too many selections", (429,), "Follow without a selection, or retry later."
    ),
    "pipelined": ProblemType(
        "Too many requests wait on this connection", (429,), "Read the responses before you send more requests."
    ),
    "too-big": ProblemType("The request is too big", (431,), "Send fewer or shorter headers, and no body."),
    "internal": ProblemType("The gateway failed", (500,), "Retry later, and report it to the operator."),
    "format": ProblemType("The format isn't available", (501,), "Request oEmbed as `json`."),
    "full": ProblemType("The gateway is full", (503,), _RETRY),
    "busy": ProblemType("Too many readers are connecting", (503,), _RETRY),
    "selections": ProblemType("Too many selections are in use", (503,), "Follow without a selection, or retry later."),
    "loading": ProblemType("The gateway is starting", (503,), _RETRY),
    "no-keys": ProblemType(
        "The gateway can't check tokens", (503,), "Report it to the operator: `access_keys_file` isn't set."
    ),
    "unavailable": ProblemType("The edition can't be read now", (503,), _RETRY),
    "draining": ProblemType("The gateway is about to stop", (503,), f"{_RETRY} Another gateway will answer."),
    "behind": ProblemType(
        "The gateway doesn't have this position yet", (503,), f"{_RETRY} Keep what you show until then."
    ),
}
"""Every kind of problem by its code. Codes are frozen: programs compare them."""


def problem_of(refusal: Refusal) -> Problem:
    """Return the problem details of a refusal. Its code should be in `PROBLEMS`; any other has the status's phrase."""
    known = PROBLEMS.get(refusal.code)
    if known is None:
        phrase = HTTPStatus(refusal.status).phrase
        return Problem("about:blank", phrase, refusal.status, refusal.code, refusal.detail)
    return Problem(f"{PAGE}#{refusal.code}", known.title, refusal.status, refusal.code, refusal.detail)


def problem_body(refusal: Refusal) -> bytes:
    """Return the body of a refusal, of the media type `MEDIA_TYPE`."""
    return msgspec.json.encode(problem_of(refusal))


def problem_headers(refusal: Refusal) -> dict[str, str]:
    """Return the headers of a refusal (RFC 9110, 10.2.1, 10.2.3 and 15.5.22).

    Pages of any origin may read a refusal, so that their element learns the reason.
    """
    headers = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": EXPOSED}
    if refusal.retry_s is not None:
        headers["Retry-After"] = str(refusal.retry_s)
    if refusal.code in CHALLENGES:
        headers["WWW-Authenticate"] = CHALLENGES[refusal.code]
    if refusal.status == HTTPStatus.UPGRADE_REQUIRED:
        headers |= {"Upgrade": "websocket", "Connection": "Upgrade"}
    if refusal.status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ALLOWED
    return headers


def refusal_response(refusal: Refusal, *, has_body: bool = True) -> bytes:
    """Return a complete HTTP response for a refusal. It announces that the connection will be closed.

    Without `has_body` it is the response to a HEAD: the same headers, and no body.
    """
    body = problem_body(refusal)
    headers = {
        "Content-Type": MEDIA_TYPE,
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        "Connection": "close",
        **problem_headers(refusal),
    }
    if refusal.status == HTTPStatus.UPGRADE_REQUIRED:
        headers |= {"Connection": "close, Upgrade", "Sec-WebSocket-Version": "13"}
    fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"HTTP/1.1 {refusal.status} {HTTPStatus(refusal.status).phrase}\r\n{fields}\r\n"
    return head.encode() + (body if has_body else b"")
