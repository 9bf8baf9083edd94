"""The problems of the posting part, as problem details (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Final

import msgspec
from starlette.responses import Response

from ticker.core.submission import Receipt
from ticker.problems import MEDIA_TYPE, Problem, ProblemType

PAGE: Final = "/docs/problems"
"""The path of the page that describes every type. A type is the address of its section."""

_AGAIN: Final = "Repeat the request with the same `Idempotency-Key`, after the seconds in `Retry-After`."

PROBLEMS: Final[dict[str, ProblemType]] = {
    "malformed": ProblemType("The body can't be read", (400,), "Correct the member that `detail` names."),
    "idempotency-key": ProblemType(
        "The header `Idempotency-Key` is missing or invalid",
        (400,),
        "Send one, such as a new UUID in double quotes. Send the same one with each retry.",
    ),
    "token": ProblemType(
        "The token is missing or not valid", (401,), "Ask the operator for a new one: `ticker token create`."
    ),
    "scope": ProblemType("The token doesn't allow this", (403,), "Ask the operator for a token with this scope."),
    "edition": ProblemType(
        "The token isn't for this edition", (403,), "Ask the operator for a token for the edition, or correct its name."
    ),
    "editor": ProblemType(
        "The token's editor may not post to the edition", (403,), "Ask the operator: `ticker editor add`."
    ),
    "path": ProblemType("Nothing is served at this path", (404,), "Compare the path with `/v1/openapi.json`."),
    "method": ProblemType("The method is not allowed", (405,), "Use a method that the header `Allow` names."),
    "body": ProblemType("The body didn't arrive in time", (408,), _AGAIN),
    "in-progress": ProblemType("A request with this key is on its way", (409,), _AGAIN),
    "too-big": ProblemType("The body is too big", (413,), "Shorten it."),
    "media-type": ProblemType("The body isn't JSON", (415,), "Send it as `application/json`."),
    "key-reused": ProblemType(
        "The key belongs to another request", (422,), "Use a new `Idempotency-Key` for each new request."
    ),
    "refused": ProblemType(
        "The desk refused the request", (422,), "Read `receipt.errors`: each has a code, and says what to change."
    ),
    "rate": ProblemType("The editor publishes too fast", (429,), _AGAIN),
    "held": ProblemType("Too many held items wait", (429,), f"Decide on some, or cancel some. {_AGAIN}"),
    "editor-busy": ProblemType("Too many requests of the editor wait", (429,), _AGAIN),
    "internal": ProblemType("The posting part failed", (500,), f"Report it to the operator. {_AGAIN}"),
    "busy": ProblemType("Too many requests wait", (503,), _AGAIN),
    "late": ProblemType("No desk answered in time", (503,), f"This request wasn't published. {_AGAIN}"),
    "log": ProblemType("The log is damaged", (503,), f"The operator has to repair it. {_AGAIN}"),
    "no-desk": ProblemType("No desk answered in time", (503,), f"This request wasn't published. {_AGAIN}"),
    "no-redis": ProblemType("Redis can't be used", (503,), f"This request wasn't published. {_AGAIN}"),
}
"""Every kind of problem by its code. Codes are frozen: programs compare them."""


class PostingProblem(Problem, frozen=True, omit_defaults=True):
    """The body of an error. `receipt` is the desk's answer, if the problem comes from the desk."""

    receipt: Receipt | None = None


class PostingError(Exception):
    """A request that is answered with a problem. `code` is one of `PROBLEMS`."""

    def __init__(
        self, code: str, detail: str, *, headers: Mapping[str, str] | None = None, receipt: Receipt | None = None
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})
        self.receipt = receipt

    @property
    def status(self) -> int:
        return PROBLEMS[self.code].statuses[0]


def problem_response(error: PostingError) -> Response:
    """Return the error as an HTTP response. No cache may keep it."""
    kind = PROBLEMS[error.code]
    problem = PostingProblem(f"{PAGE}#{error.code}", kind.title, error.status, error.code, error.detail, error.receipt)
    headers = {"Cache-Control": "no-store", **error.headers}
    return Response(msgspec.json.encode(problem), error.status, headers, MEDIA_TYPE)


def problems_page() -> str:
    """Return the page that describes every problem."""
    sections = "".join(
        f'<section id="{code}"><h2><code>{code}</code></h2><p>{escape(kind.title)} '
        f"({', '.join(map(str, kind.statuses))}).</p><p>{escape(kind.remedy)}</p></section>"
        for code, kind in PROBLEMS.items()
    )
    return f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Problems</title><h1>Problems</h1>{sections}'
