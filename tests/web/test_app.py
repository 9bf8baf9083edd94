"""The whole application: how requests are paced and refused, and that withdrawn text is gone everywhere."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import msgspec

from tests.support.gateway_clients import Reader, refusal
from tests.support.gateway_fixtures import Start
from tests.support.log_writer import LogWriter
from tests.support.waiting import eventually
from ticker.core.line import Change
from ticker.gateway.server import Gateway
from ticker.store.editions import save_edition
from ticker.web.app import RequestPacing


async def test_unknown_paths_and_other_methods_are_refused_in_json(gateway: Gateway) -> None:
    async with httpx.AsyncClient(base_url=gateway.address) as client:
        for method, path, status, error in (
            ("GET", "/v1/xx/board", 404, "edition"),
            ("GET", "/v1/en/nothing", 404, "path"),
            ("GET", "/v1/en/live", 426, "upgrade"),
            ("POST", "/v1/en/board", 405, "method"),
            ("GET", "/v1/en/board?page=2", 400, "parameter"),
            ("GET", "/v1/%2e%2e/board", 404, "edition"),
        ):
            response = await client.request(method, path)
            assert (response.status_code, response.json()["error"]) == (status, error), path


async def test_no_error_may_be_cached(gateway: Gateway) -> None:
    """A cache may store 404, 405, 410, 414 and 501 for as long as it likes if `Cache-Control` is missing."""
    async with httpx.AsyncClient(base_url=gateway.address) as client:
        for method, path, status in (
            ("GET", "/v1/xx/board", 404), ("GET", "/v1/en/nothing", 404), ("GET", "/v1/en/live", 426),
            ("GET", "/v1/en/lines?after=0-ffffffffffffffff", 410), ("POST", "/v1/en/board", 405),
            ("GET", "/v1/en/board?page=2", 400), ("GET", "/widget/nothing.js", 404), ("GET", "/oembed?url=x", 404),
            ("GET", "/oembed?format=xml", 501), ("GET", "/widget/ticker.js/", 307), ("GET", "/xx", 404),
        ):  # fmt: skip
            response = await client.request(method, path)
            found = (response.status_code, response.headers.get("Cache-Control"))
            assert found in {(status, "no-store"), (status, "no-cache")}, path


async def test_shared_caches_may_not_serve_a_stale_board(log: LogWriter, gateway: Gateway) -> None:
    """Without `must-revalidate`, a cache may serve a withdrawn text for as long as the gateway fails."""
    async with httpx.AsyncClient(base_url=gateway.address) as client:
        for path in ("/v1/editions", "/v1/en/board", "/v1/en/lines"):
            response = await client.get(path)
            assert response.headers["Cache-Control"] == "public, max-age=1, must-revalidate"


async def test_both_encodings_of_a_response_share_a_weak_etag(log: LogWriter, gateway: Gateway) -> None:
    await log.post_many(5, "x" * 900)
    async with httpx.AsyncClient(base_url=gateway.address) as client:
        await eventually(lambda: gateway.hub.channels["en"].history.log.head == 5, "the gateway has the lines")
        answers = [
            await client.get("/v1/en/board", headers={"Accept-Encoding": coding}) for coding in ("gzip", "identity")
        ]
    assert [answer.headers.get("Content-Encoding") for answer in answers] == ["gzip", None]
    assert [answer.headers["ETag"][:2] for answer in answers] == ["W/", "W/"]
    assert all("Accept-Encoding" in answer.headers["Vary"] for answer in answers)


async def test_pages_of_other_origins_can_not_read_metrics_health_or_our_pages(gateway: Gateway) -> None:
    async with httpx.AsyncClient(base_url=gateway.address) as client:
        for path in ("/metrics", "/readyz", "/healthz", "/", "/en", "/en/embed"):
            response = await client.get(path, headers={"Origin": "https://news.example"})
            assert response.status_code == 200
            assert "Access-Control-Allow-Origin" not in response.headers, path


async def test_requests_that_arrive_together_start_one_per_loop_iteration() -> None:
    """Followers wait for one request at a time. Health checks are not paced."""
    started: dict[str, list[int]] = {"/en": [], "/healthz": []}
    iterations = 0

    async def app(scope: Any, receive: Any, send: Any) -> None:
        started[scope["path"]].append(iterations)

    async def count() -> None:
        nonlocal iterations
        while True:
            iterations += 1
            await asyncio.sleep(0)

    paced: Any = RequestPacing(app)
    counting = asyncio.create_task(count())
    await asyncio.gather(*(paced({"path": path}, None, None) for path in ["/en"] * 50 + ["/healthz"] * 50))
    counting.cancel()
    assert len(set(started["/en"])) == 50
    assert len(set(started["/healthz"])) == 1


async def test_only_pages_of_the_editions_origins_may_follow_it(log: LogWriter, start: Start) -> None:
    edition = msgspec.structs.replace(log.edition, origins=("https://ours.example",))
    await save_edition(log.redis, "en", edition, log.nonce)
    gateway = await start()
    assert (await refusal(gateway.address, origin="https://evil.example"))[:2] == (403, "origin")
    async with Reader(gateway.address, origin="https://ours.example") as reader:
        await reader.until_live()


async def test_withdrawn_text_is_gone_from_every_response(log: LogWriter, start: Start) -> None:
    """Request everything that can contain a line, and search all of it for the withdrawn words."""
    line = await log.post("SECRETWORD one", attribution="SECRETWORD", url="https://a.example/SECRETWORD")
    line = await log.change(line, Change.CORRECT, text="SECRETWORD two", correction="It was SECRETWORD")
    gateway = await start()
    paths = ["/v1/en/lines", "/v1/en/board", f"/v1/en/lines?after={log.at(0)}", "/", "/en", "/en/embed"]
    async with Reader(gateway.address) as connected, httpx.AsyncClient(base_url=gateway.address) as client:
        await connected.until_live()
        before = [(await client.get(path)).text for path in paths]
        assert sum("SECRETWORD" in text for text in before) >= 3
        await log.withdraw(line)
        await connected.until_at(log.head)
        after = [(await client.get(path)).text for path in paths]
        for query in ("", f"after={log.at(0)}", f"after={log.at(1)}", "lines=100", "section=sports"):
            async with Reader(gateway.address, query) as reader:
                await reader.until_live()
            after += reader.texts
        async with client.stream("GET", f"/v1/en/events?after={log.at(0)}") as response:
            events = ""
            async for text in response.aiter_text():
                events += text
                if "event: live" in events:
                    break
        after += [events, connected.texts[-1]]
    assert [text for text in after if "SECRETWORD" in text] == []
    assert "It was wrong" in after[0]


async def test_hidden_line_has_no_text_until_it_is_unhidden(log: LogWriter, start: Start) -> None:
    line = await log.post("HIDDEN")
    hidden = await log.change(line.without_text("withheld"), Change.HIDE)  # type: ignore[arg-type]
    gateway = await start()
    async with Reader(gateway.address, f"after={log.at(0)}") as reader:
        await reader.until_live()
        assert not any("HIDDEN" in text for text in reader.texts)
        await log.change(hidden, Change.UNHIDE, text="HIDDEN", status="usable")
        await reader.until_at(log.head)
    assert reader.lines[-1].line.text == "HIDDEN"
    async with Reader(gateway.address) as reader:
        await reader.until_live()
    assert [each.text for each in reader.boards[0].lines] == ["HIDDEN"]
