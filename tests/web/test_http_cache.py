"""Conditional requests: which `If-None-Match` headers get a 304, whatever is between the client and us."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ticker.web.http_cache import COMPRESSED_MIN, SETTLED, cacheable_response, etag_of, is_current, last_modified

CONTENT = b"news"
ETAG = etag_of(CONTENT)
STRONG = ETAG.removeprefix("W/")
NOW = datetime(2026, 11, 24, 9, 30, 5, 900_000, UTC)
MODIFIED = "Tue, 24 Nov 2026 09:28:05 GMT"


@pytest.mark.parametrize(
    "header",
    [
        ETAG, STRONG, "*", " * ", f'"other", {ETAG}', f'{STRONG},"other"', f' W/"other" ,{STRONG} ', f'"a,b", {ETAG}',
        f"nonsense, {ETAG}",
    ],
)  # fmt: skip
def test_header_that_names_the_content_matches(header: str) -> None:
    assert is_current(header, ETAG)
    assert is_current(header, STRONG)


@pytest.mark.parametrize(
    "header",
    [
        "", '"other"', 'W/"other"', STRONG.strip('"'), '"*", "other"', f'"x{STRONG[1:]}', f'"{STRONG[1:-1]} "',
        f'w/"{STRONG[1:-2]}"', f'"a, {STRONG[1:]}',
    ],
)  # fmt: skip
def test_header_that_does_not_name_the_content_does_not_match(header: str) -> None:
    assert not is_current(header, ETAG)


async def get(*headers: tuple[str, str], content: bytes = CONTENT, modified: str | None = None) -> httpx.Response:
    async def endpoint(request: Request) -> Response:
        fields = {"Cache-Control": "no-cache", "Vary": "Origin"}
        return cacheable_response(request, content, "text/plain", fields, modified)

    transport = httpx.ASGITransport(Starlette(routes=[Route("/", endpoint)]))
    async with httpx.AsyncClient(transport=transport, base_url="http://ticker.example") as client:
        return await client.get("/", headers=list(headers))


async def test_client_without_the_content_gets_it_with_its_etag() -> None:
    response = await get()
    assert (response.status_code, response.content, response.headers["etag"]) == (200, CONTENT, ETAG)
    assert response.headers["cache-control"] == "no-cache"


async def test_client_with_the_content_gets_a_304_with_the_same_headers_and_no_body() -> None:
    response = await get(("If-None-Match", STRONG))
    assert (response.status_code, response.content, response.headers["etag"]) == (304, b"", ETAG)
    assert (response.headers["cache-control"], response.headers["vary"]) == ("no-cache", "Origin")


async def test_etag_may_be_in_any_of_several_headers() -> None:
    response = await get(("If-None-Match", '"other"'), ("If-None-Match", ETAG))
    assert response.status_code == 304


async def test_client_with_the_time_of_the_content_gets_a_304() -> None:
    first = await get(modified=MODIFIED)
    assert (first.status_code, first.headers["last-modified"]) == (200, MODIFIED)
    response = await get(("If-Modified-Since", MODIFIED), modified=MODIFIED)
    assert (response.status_code, response.content, response.headers["last-modified"]) == (304, b"", MODIFIED)


@pytest.mark.parametrize("header", ["Tue, 24 Nov 2026 09:28:06 GMT", "Tue, 24 Nov 2026 09:28:04 GMT", "", "yesterday"])
async def test_client_with_another_time_gets_the_content(header: str) -> None:
    """A later time isn't a validator, either: the client may have taken it from its own clock."""
    assert (await get(("If-Modified-Since", header), modified=MODIFIED)).status_code == 200


async def test_client_with_a_time_gets_the_content_if_its_own_time_is_unknown() -> None:
    assert (await get(("If-Modified-Since", MODIFIED))).status_code == 200


async def test_entity_tag_overrules_the_time() -> None:
    response = await get(("If-None-Match", '"other"'), ("If-Modified-Since", MODIFIED), modified=MODIFIED)
    assert response.status_code == 200
    response = await get(("If-None-Match", ETAG), ("If-Modified-Since", "yesterday"), modified=MODIFIED)
    assert response.status_code == 304


def test_time_is_no_validator_before_it_is_settled() -> None:
    """A line and its withdrawal can have the same second: a client with the first must not get a 304."""
    changed_at = datetime(2026, 11, 24, 9, 28, 5, 300_000, UTC)
    assert last_modified(changed_at, changed_at + SETTLED) == MODIFIED
    assert last_modified(changed_at, changed_at + SETTLED - timedelta(microseconds=1)) is None
    assert last_modified(NOW + SETTLED, NOW) is None
    assert last_modified(None, NOW) is None


async def test_304_of_a_compressed_answer_varies_like_the_answer() -> None:
    content = b"x" * COMPRESSED_MIN
    response = await get(("If-None-Match", etag_of(content)), content=content)
    assert (response.status_code, response.headers["vary"]) == (304, "Origin, Accept-Encoding")
