"""The HTTP surface: editions, boards, history, health and metrics."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families

from tests.support.gateway_clients import Reader, refusal, until
from tests.support.gateway_fixtures import Start
from tests.support.log_writer import LogWriter
from ticker.core.line import Change
from ticker.gateway.server import Gateway
from ticker.store.editions import save_edition
from ticker.web.app import InTurn


@pytest_asyncio.fixture
async def full(log: LogWriter, start: Start) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway whose log has 30 entries, of which the first five are trimmed."""
    await log.post_many(30)
    await log.redis.xtrim(log.key, maxlen=25, approximate=False)
    gateway = await start()
    async with httpx.AsyncClient(base_url=gateway.address) as client:
        yield client


async def page(client: httpx.AsyncClient, query: str = "") -> dict[str, Any]:
    response = await client.get(f"/v1/en/lines{query}")
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


def numbers(body: dict[str, Any]) -> list[int]:
    return [int(message["position"].partition("-")[0]) for message in body["lines"]]


async def test_history_begins_with_the_newest_page(log: LogWriter, full: httpx.AsyncClient) -> None:
    body = await page(full, "?limit=10")
    assert numbers(body) == list(range(21, 31))
    assert (body["edition"], body["position"], body["after"], body["before"]) == ("en", log.head, log.head, log.at(21))


async def test_history_pages_backwards_to_the_first_that_is_retained(log: LogWriter, full: httpx.AsyncClient) -> None:
    seen: list[int] = []
    before: str | None = ""
    while before is not None:
        body = await page(full, f"?limit=7{before and '&before=' + before}")
        seen = numbers(body) + seen
        before = body["before"]
    assert seen == list(range(6, 31))


async def test_history_pages_forwards_to_the_head(log: LogWriter, full: httpx.AsyncClient) -> None:
    seen: list[int] = []
    after = log.at(6)
    while after != log.head:
        body = await page(full, f"?limit=7&after={after}")
        seen += numbers(body)
        after = body["after"]
    assert seen == list(range(7, 31))


async def test_the_page_after_the_head_is_empty_and_goes_on_from_there(log: LogWriter, full: httpx.AsyncClient) -> None:
    body = await page(full, f"?after={log.head}")
    assert (body["lines"], body["after"], body["before"]) == ([], log.head, None)


async def test_history_of_an_empty_log_is_an_empty_page(log: LogWriter, gateway: Gateway) -> None:
    async with httpx.AsyncClient(base_url=gateway.address) as client:
        body = await page(client)
    assert (body["lines"], body["after"], body["before"]) == ([], log.at(0), None)


async def test_a_lost_position_is_gone_forwards_and_backwards(log: LogWriter, full: httpx.AsyncClient) -> None:
    lost = {log.at(2): "trimmed", "20-0000000000000000": "replaced", "999-0000000000000000": "replaced"}
    for position, why in lost.items():
        for name in ("after", "before"):
            response = await full.get(f"/v1/en/lines?{name}={position}")
            assert (response.status_code, response.json()["error"]) == (410, why)


async def test_what_cannot_be_read_is_refused(log: LogWriter, full: httpx.AsyncClient) -> None:
    for query, error in {
        "limit=0": "limit",
        "limit=501": "limit",
        "limit=ten": "limit",
        "limit=1&limit=2": "limit",
        "after=yesterday": "after",
        "before=3": "before",
        f"after={log.head}&before={log.head}": "before",
    }.items():
        response = await full.get(f"/v1/en/lines?{query}")
        assert (response.status_code, response.json()["error"]) == (400, error)


async def test_history_is_the_messages_that_readers_get(log: LogWriter, start: Start) -> None:
    await log.post_many(5)
    gateway = await start()
    async with Reader(gateway.address, f"after={log.at(0)}") as reader, httpx.AsyncClient() as client:
        await reader.until_live()
        body = (await client.get(f"{gateway.address}/v1/en/lines")).json()
    assert [msgspec.json.decode(text) for text in reader.texts[:-1]] == body["lines"]


async def test_an_etag_saves_the_body_until_something_changes(log: LogWriter, gateway: Gateway) -> None:
    await log.post("one")
    async with httpx.AsyncClient(base_url=gateway.address) as client:
        await until(lambda: gateway.hub.channels["en"].history.log.head == 1, "the gateway has it")
        for path in ("/v1/en/lines", "/v1/en/board", "/v1/editions"):
            first = await client.get(path)
            again = await client.get(path, headers={"If-None-Match": f'"x", {first.headers["ETag"]}'})
            assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
            assert "max-age" in first.headers["Cache-Control"]
        tag = (await client.get("/v1/en/board")).headers["ETag"]
        await log.post("two")
        await until(lambda: gateway.hub.channels["en"].history.log.head == 2, "the gateway has it")
        assert (await client.get("/v1/en/board", headers={"If-None-Match": tag})).status_code == 200


async def test_the_board_is_the_message_that_readers_get(log: LogWriter, start: Start) -> None:
    await log.post("sports", section="sports")
    await log.post("health", section="health")
    gateway = await start()
    async with Reader(gateway.address, "section=sports&lines=5") as reader, httpx.AsyncClient() as client:
        await reader.until_live()
        response = await client.get(f"{gateway.address}/v1/en/board?section=sports&lines=5")
    assert response.json() == msgspec.json.decode(reader.texts[0])


async def test_editions_come_with_their_vocabulary_and_position(log: LogWriter, gateway: Gateway) -> None:
    async with httpx.AsyncClient() as client:
        (edition,) = (await client.get(f"{gateway.address}/v1/editions")).json()["editions"]
    assert (edition["name"], edition["lang"], edition["dir"], edition["position"]) == ("en", "en", "ltr", log.at(0))
    assert edition["sections"]["sports"] == "Sports"


async def test_everything_else_is_refused_in_json(gateway: Gateway) -> None:
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


async def test_any_page_may_read_the_api(gateway: Gateway) -> None:
    async with httpx.AsyncClient(base_url=gateway.address) as client:
        for path in ("/v1/editions", "/v1/en/board", "/v1/en/lines", "/v1/xx/board"):
            response = await client.get(path, headers={"Origin": "https://news.example"})
            assert response.headers["Access-Control-Allow-Origin"] == "*", path


async def test_no_page_elsewhere_may_read_what_is_for_operators_or_for_people(gateway: Gateway) -> None:
    async with httpx.AsyncClient(base_url=gateway.address) as client:
        for path in ("/metrics", "/readyz", "/healthz", "/", "/en", "/en/embed"):
            response = await client.get(path, headers={"Origin": "https://news.example"})
            assert response.status_code == 200
            assert "Access-Control-Allow-Origin" not in response.headers, path


async def test_origins_hold_for_plain_requests(log: LogWriter, start: Start) -> None:
    edition = msgspec.structs.replace(log.edition, origins=("https://ours.example",))
    await save_edition(log.redis, "en", edition, log.nonce)
    gateway = await start()
    async with httpx.AsyncClient(base_url=gateway.address) as client:
        for path in ("/v1/en/board", "/v1/en/lines"):
            ours = await client.get(path, headers={"Origin": "https://ours.example"})
            assert ours.headers["Access-Control-Allow-Origin"] == "https://ours.example"
            theirs = await client.get(path, headers={"Origin": "https://evil.example"})
            assert (theirs.status_code, theirs.json()["error"]) == (403, "origin")
            assert theirs.headers["Access-Control-Allow-Origin"] == "*"  # so that its element learns why
            nobodys = await client.get(path)  # a program, or a page of this gateway
            assert nobodys.status_code == 200
            assert "Access-Control-Allow-Origin" not in nobodys.headers
            assert all("Origin" in each.headers["Vary"] for each in (ours, nobodys))
        policy = (await client.get("/en/embed")).headers["content-security-policy"]
    assert policy.endswith("frame-ancestors 'self' https://ours.example")


async def test_requests_that_come_at_once_begin_one_in_a_turn_of_the_loop() -> None:
    """Whoever else the loop serves waits for one of them, and not for all; health isn't asked to wait at all."""
    begun: dict[str, list[int]] = {"/en": [], "/healthz": []}
    turns = 0

    async def app(scope: Any, receive: Any, send: Any) -> None:
        begun[scope["path"]].append(turns)

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    in_turn: Any = InTurn(app)
    counting = asyncio.create_task(count())
    await asyncio.gather(*(in_turn({"path": path}, None, None) for path in ["/en"] * 50 + ["/healthz"] * 50))
    counting.cancel()
    assert len(set(begun["/en"])) == 50
    assert len(set(begun["/healthz"])) == 1


async def metrics(gateway: Gateway) -> dict[tuple[str, ...], float]:
    """Every sample, by its name and the values of its labels."""
    async with httpx.AsyncClient() as client:
        text = (await client.get(f"{gateway.address}/metrics")).text
    return {
        (sample.name, *(sample.labels[label] for label in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_metrics_say_what_the_gateway_does(log: LogWriter, start: Start) -> None:
    await log.post_many(2)
    gateway = await start()
    async with Reader(gateway.address) as reader, Reader(gateway.address, "after=nonsense"):
        await reader.until_live()
        await log.post("news")
        await reader.until_at(log.head)
        await until(lambda: gateway.hub.channels["en"].counts.deliveries == 2, "both have it")
        said = await metrics(gateway)
    expected = {
        ("ticker_followers", "en"): 2,
        ("ticker_head", "en"): 3,
        ("ticker_entries_total", "en"): 3,
        ("ticker_deliveries_total", "en"): 2,
        ("ticker_following", "en"): 1,
        ("ticker_frame_caches", "en"): 1,
        ("ticker_resets_total", "en", "malformed"): 1,
        ("ticker_draining",): 0,
    }
    assert {name: said.get(name) for name in expected} == expected
    assert said["process_resident_memory_bytes",] > 0


async def test_origins_hold_for_websockets(log: LogWriter, start: Start) -> None:
    edition = msgspec.structs.replace(log.edition, origins=("https://ours.example",))
    await save_edition(log.redis, "en", edition, log.nonce)
    gateway = await start()
    assert (await refusal(gateway.address, origin="https://evil.example"))[:2] == (403, "origin")
    async with Reader(gateway.address, origin="https://ours.example") as reader:
        await reader.until_live()


async def test_withdrawn_text_is_gone_everywhere(log: LogWriter, start: Start) -> None:
    """Every way in is asked, and all that comes back is searched for the words that were taken back."""
    line = await log.post("SECRETWORD one", attribution="SECRETWORD", url="https://a.example/SECRETWORD")
    line = await log.change(line, Change.CORRECT, text="SECRETWORD two", correction="It was SECRETWORD")
    gateway = await start()
    ways = ["/v1/en/lines", "/v1/en/board", f"/v1/en/lines?after={log.at(0)}", "/", "/en", "/en/embed"]
    async with Reader(gateway.address) as connected, httpx.AsyncClient(base_url=gateway.address) as client:
        await connected.until_live()
        before = [(await client.get(way)).text for way in ways]
        assert sum("SECRETWORD" in text for text in before) >= 3
        await log.withdraw(line)
        await connected.until_at(log.head)
        after = [(await client.get(way)).text for way in ways]
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


async def test_a_held_line_is_masked_and_its_release_shows_again(log: LogWriter, start: Start) -> None:
    line = await log.post("HELDBACK")
    held = await log.change(line.without_text("withheld"), Change.HIDE)  # type: ignore[arg-type]
    gateway = await start()
    async with Reader(gateway.address, f"after={log.at(0)}") as reader:
        await reader.until_live()
        assert not any("HELDBACK" in text for text in reader.texts)
        await log.change(held, Change.UNHIDE, text="HELDBACK", status="usable")
        await reader.until_at(log.head)
    assert reader.lines[-1].line.text == "HELDBACK"
    async with Reader(gateway.address) as reader:
        await reader.until_live()
    assert [each.text for each in reader.boards[0].lines] == ["HELDBACK"]
