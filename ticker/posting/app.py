"""The Starlette application of the posting part."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from ticker.core.submission import DecisionRequest, Submission
from ticker.posting import answers
from ticker.posting.inboxes import Inboxes
from ticker.posting.openapi import MEDIA_TYPE, openapi, schema_document
from ticker.posting.problems import PAGE, PostingError, problem_response, problems_page
from ticker.posting.requests import (
    check_edition,
    check_has,
    check_same_request,
    check_scope,
    check_token,
    read_authorization,
    read_key,
    read_request,
)
from ticker.store.tokens import Scope, Token

BODY_S: Final = 10.0
"""How long the body of a request may take."""


class Posting:
    """The handlers.

    Args:
        inboxes: The way to the desk.
        body_bytes: The largest body, as the desk's own limit (`submission_bytes`).
        version: The project's version.

    Attributes:
        answered: How many requests got each status and code of a problem (an empty code: none).

    """

    def __init__(self, inboxes: Inboxes, body_bytes: int, version: str) -> None:
        self.inboxes = inboxes
        self.answered: Counter[tuple[int, str]] = Counter()
        self._body_bytes = body_bytes
        self._description = msgspec.json.encode(openapi(version))
        self._schemas = {
            name: msgspec.json.encode(schema_document(kind))
            for name, kind in (("submission", Submission), ("decision", DecisionRequest))
        }

    def routes(self) -> list[Route]:
        """Return all routes. `openapi.json` describes the same."""
        return [
            Route("/v1/openapi.json", self.description),
            Route("/v1/schemas/submission.json", self.submission_schema),
            Route("/v1/schemas/decision.json", self.decision_schema),
            Route(PAGE, self.problems),
            Route("/v1/{edition}/submissions", self.counted(self.submit), methods=["POST"]),
            Route("/v1/{edition}/submissions/{key:path}", self.counted(self.outcome)),
            Route("/v1/{edition}/decisions", self.counted(self.decide), methods=["POST"]),
            Route("/v1/{edition}/held", self.counted(self.held)),
        ]

    def counted(self, handler: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        """Return a handler that answers each error with a problem, and counts the answers."""

        async def handle(request: Request) -> Response:
            code = ""
            try:
                response = await handler(request)
            except PostingError as error:
                code, response = error.code, problem_response(error)
            except Exception:
                self.answered[500, "internal"] += 1
                raise
            self.answered[response.status_code, code] += 1
            return response

        return handle

    async def submit(self, request: Request) -> Response:
        """Submit a new line, or a change of a line."""
        return await self._post(request, Submission)

    async def decide(self, request: Request) -> Response:
        """Submit a decision on a held item."""
        return await self._post(request, DecisionRequest)

    async def outcome(self, request: Request) -> Response:
        """Return the newest receipt for a key of the token's editor."""
        edition, key = request.path_params["edition"], request.path_params["key"]
        token = await self._token(request, edition)
        receipt = await self.inboxes.find_receipt(edition, token.editor, key)
        return answers.found(answers.no_receipt(edition, key) if receipt is None else receipt)

    async def held(self, request: Request) -> Response:
        """Return the held items of an edition."""
        edition = request.path_params["edition"]
        check_has(await self._token(request, edition), Scope.DECIDE)
        return answers.held_items(edition, await self.inboxes.held_items(edition))

    async def description(self, request: Request) -> Response:
        """Return the OpenAPI document."""
        return Response(self._description, headers={"Cache-Control": "max-age=300"}, media_type=MEDIA_TYPE)

    async def submission_schema(self, request: Request) -> Response:
        """Return the JSON Schema of a submission."""
        return _schema_response(self._schemas["submission"])

    async def decision_schema(self, request: Request) -> Response:
        """Return the JSON Schema of a decision."""
        return _schema_response(self._schemas["decision"])

    async def problems(self, request: Request) -> Response:
        """Return the page that describes every problem."""
        return HTMLResponse(problems_page(), headers={"Content-Security-Policy": "default-src 'none'"})

    async def _post(self, request: Request, kind: type[Submission | DecisionRequest]) -> Response:
        edition = request.path_params["edition"]
        token = await self._token(request, edition)
        key = read_key(request.headers.getlist("idempotency-key"))
        submitted = read_request(kind, await self._body(request), key, token)
        check_scope(token, submitted)
        receipt = await self.inboxes.submit(edition, token.editor, submitted)
        check_same_request(submitted, receipt)
        return answers.answer(receipt)

    async def _token(self, request: Request, edition: str) -> Token:
        """Return the token of a request for an edition, in which its editor may post."""
        token_id, secret = read_authorization(request.headers.getlist("authorization"))
        token = check_token(await self.inboxes.find_token(token_id), secret, datetime.now(UTC))
        check_edition(token, edition)
        if not await self.inboxes.is_editor(edition, token.editor):
            raise PostingError("editor", f"the token's editor may not post to {edition}")
        return token

    async def _body(self, request: Request) -> bytes:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise PostingError("media-type", "the body must be JSON, with Content-Type: application/json")
        body = b""
        try:
            async with asyncio.timeout(BODY_S):
                async for part in request.stream():
                    body += part
                    if len(body) > self._body_bytes:
                        raise PostingError("too-big", f"the body has more than {self._body_bytes:,} bytes")
        except TimeoutError:
            raise PostingError("body", f"the body didn't arrive within {BODY_S:g} s") from None
        except ClientDisconnect:
            raise PostingError("body", "the client is gone") from None
        return body


def make_app(posting: Posting) -> Starlette:
    """Make the application."""
    handlers = {404: _not_found, 405: _wrong_method, 500: _failed}
    return Starlette(routes=posting.routes(), exception_handlers=handlers)


def _schema_response(body: bytes) -> Response:
    return Response(body, headers={"Cache-Control": "max-age=300"}, media_type="application/schema+json")


async def _not_found(request: Request, error: Exception) -> Response:
    return problem_response(PostingError("path", "nothing is served at this path"))


async def _wrong_method(request: Request, error: Exception) -> Response:
    allowed = error.headers if isinstance(error, HTTPException) and error.headers else {}
    return problem_response(PostingError("method", f"{request.method} isn't allowed here", headers=allowed))


async def _failed(request: Request, error: Exception) -> Response:
    """Answer after an exception that no handler expected. Its text isn't sent: it may have parts of a line."""
    return problem_response(PostingError("internal", "the request failed: this is a fault, please report it"))
