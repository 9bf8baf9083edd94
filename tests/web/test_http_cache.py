"""Conditional requests: which `If-None-Match` headers get a 304, whatever is between the client and us."""

from __future__ import annotations

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ticker.web.http_cache import cacheable_response, etag_of, is_current

CONTENT = b"news"
ETAG = etag_of(CONTENT)
STRONG = ETAG.removeprefix("W/")


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


async def get(*headers: tuple[str, str]) -> httpx.Response:
    async def endpoint(request: Request) -> Response:
        return cacheable_response(request, CONTENT, "text/plain", {"Cache-Control": "no-cache", "Vary": "Origin"})

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
