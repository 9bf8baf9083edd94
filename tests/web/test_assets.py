"""The widget's files over HTTP: for pages of every origin, revalidated or immutable."""

from __future__ import annotations

import gzip
import subprocess
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from starlette.applications import Starlette

from scripts.build_widget import find_program
from tests.support.channels import make_hub
from ticker import widget
from ticker.web.assets import Asset, Assets
from ticker.web.pages import page_routes

VERSION = "1.2.3"


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(routes=page_routes(make_hub({}), version=VERSION))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://ticker.example") as client:
        yield client


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("ticker.js", "text/javascript; charset=utf-8"),
        ("ticker.js.map", "application/json"),
        ("themes.css", "text/css; charset=utf-8"),
        ("pages.css", "text/css; charset=utf-8"),
        ("pages.js", "text/javascript; charset=utf-8"),
        ("lines.css", "text/css; charset=utf-8"),
        ("article.css", "text/css; charset=utf-8"),
        ("builder.js", "text/javascript; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
        ("article.svg", "image/svg+xml"),
    ],
)
async def test_newest_file_may_be_loaded_by_every_page_and_is_revalidated(
    client: httpx.AsyncClient, name: str, media_type: str
) -> None:
    response = await client.get(f"/widget/{name}")
    assert (response.status_code, response.headers["content-type"]) == (200, media_type)
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["cross-origin-resource-policy"] == "cross-origin"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "max-age=300" in response.headers["cache-control"]
    sent = {"Accept-Encoding": "identity"}
    head = await client.head(f"/widget/{name}", headers=sent)
    assert head.headers["content-length"] == str(len(response.content))
    again = await client.get(f"/widget/{name}", headers={"If-None-Match": response.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_module_is_served_as_it_was_built(client: httpx.AsyncClient) -> None:
    assert (await client.get("/widget/ticker.js")).content == widget.module()


async def test_release_is_immutable(client: httpx.AsyncClient) -> None:
    response = await client.get(Assets(VERSION).address("ticker.js"))
    assert response.content == widget.module()
    assert "immutable" in response.headers["cache-control"]


async def test_source_map_is_beside_the_module_at_both_addresses(client: httpx.AsyncClient) -> None:
    for address in ("/widget/ticker.js", Assets(VERSION).address("ticker.js")):
        response = await client.get(f"{address}.map")
        assert response.content == widget.source_map()


async def test_module_of_the_tail_is_beside_the_element_at_each_address(client: httpx.AsyncClient) -> None:
    """The element loads it from its own folder. The immutable address changes with either of the two."""
    assets = Assets(VERSION)
    for name in ("ticker.js", "ticker-private.js"):
        release = assets.address(name).rpartition("/")[0]
        response = await client.get(f"{release}/tail.js")
        assert (response.status_code, response.content) == (200, widget.module("tail"))
        assert "immutable" in response.headers["cache-control"]
    assert (await client.get("/widget/tail.js")).content == widget.module("tail")
    one, other = Asset(b"one", "text/plain", loaded=b"a"), Asset(b"one", "text/plain", loaded=b"b")
    assert one.release(VERSION) != other.release(VERSION)


def test_release_names_the_version_and_the_content() -> None:
    one, other = Asset(b"one", "text/plain"), Asset(b"other", "text/plain")
    assert one.release(VERSION).startswith(f"{VERSION}-")
    assert one.release(VERSION) != other.release(VERSION)


def test_integrity_is_the_sha384_of_the_content() -> None:
    asset = Asset(b"alert('Hello, world.');", "text/javascript")
    # The example of the specification, Subresource Integrity, 3.1.
    assert asset.integrity == "sha384-H8BRh8j48O9oYatfu5AZzq6A9RINhZO5H16dQZngK7T62em8MUt1FLm52t+eX6xO"


async def test_earlier_release_is_still_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(widget, "earlier_modules", lambda: {"1.0.0-0123abcd": b"export {};\n"})
    app = Starlette(routes=page_routes(make_hub({}), version=VERSION))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://ticker.example") as client:
        response = await client.get("/widget/1.0.0-0123abcd/ticker.js")
    assert (response.status_code, response.content) == (200, b"export {};\n")
    assert "immutable" in response.headers["cache-control"]


def brotli_decompress(data: bytes) -> bytes:
    """Decompress with Node, which contains Brotli."""
    program = 'process.stdout.write(require("node:zlib").brotliDecompressSync(require("node:fs").readFileSync(0)))'
    return subprocess.run([find_program("node"), "--eval", program], input=data, capture_output=True, check=True).stdout


DECODERS: dict[str | None, Callable[[bytes], bytes]] = {"br": brotli_decompress, "gzip": gzip.decompress, None: bytes}


async def raw(client: httpx.AsyncClient, address: str, **headers: str) -> tuple[httpx.Response, bytes]:
    """Return a response and its body as it was sent."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    async with client.stream("GET", address, headers=sent) as response:
        return response, b"".join([piece async for piece in response.aiter_raw()])


async def test_module_is_served_compressed_with_an_etag_per_coding(client: httpx.AsyncClient) -> None:
    etags, sizes = set(), []
    for address in ("/widget/ticker.js", Assets(VERSION).address("ticker.js")):
        for accepted, coding in (("gzip, deflate, br", "br"), ("gzip", "gzip"), ("identity", None)):
            response, body = await raw(client, address, Accept_Encoding=accepted)
            assert response.headers.get("Content-Encoding") == coding
            assert response.headers["Vary"] == "Accept-Encoding"
            assert DECODERS[coding](body) == widget.module()
            assert coding is None or body == widget.compressed(widget.module())[coding], "the copy of the build"
            etag = response.headers["ETag"]
            again, _ = await raw(client, address, Accept_Encoding=accepted, If_None_Match=etag)
            assert (again.status_code, again.headers["ETag"], again.headers["Vary"]) == (304, etag, "Accept-Encoding")
            other, _ = await raw(client, address, Accept_Encoding="x", If_None_Match=etag)
            assert other.status_code == (200 if coding else 304), "the client has another representation"
            etags.add(etag)
            sizes.append(len(body))
    assert len(etags) == 3
    assert sizes[:3] == sorted(set(sizes)), "Brotli is the smallest"


@pytest.mark.parametrize("name", ["ticker.js.map", "themes.css", "pages.css", "builder.js", "article.svg"])
async def test_other_files_are_compressed_with_gzip(client: httpx.AsyncClient, name: str) -> None:
    response, body = await raw(client, f"/widget/{name}", Accept_Encoding="br, gzip")
    plain, content = await raw(client, f"/widget/{name}", Accept_Encoding="identity")
    assert (response.headers["Content-Encoding"], gzip.decompress(body)) == ("gzip", content)
    assert response.headers["ETag"] != plain.headers["ETag"]


async def test_copy_of_another_build_is_not_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(widget, "module", lambda name="ticker": b"export {};\n" * 200)
    app = Starlette(routes=page_routes(make_hub({}), version=VERSION))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://ticker.example") as client:
        response, body = await raw(client, "/widget/ticker.js", Accept_Encoding="br, gzip")
    assert (response.headers["Content-Encoding"], gzip.decompress(body)) == ("gzip", widget.module())


@pytest.mark.parametrize(
    "path",
    [
        f"/widget/{VERSION}/ticker.js",
        f"/widget/{Assets(VERSION).module.release(VERSION)}/words.json",
        "/widget/words.json",
        "/widget/%2e%2e/pages.py",
        "/widget/x/y/z",
    ],
)
async def test_other_addresses_get_404(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404
