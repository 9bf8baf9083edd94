"""The publisher that tells a WebSub hub about changes, with a hub on a real socket."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs

import pytest

from tests.support.channels import make_channel, make_hub, make_line
from tests.support.private_editions import private_edition
from tests.support.waiting import eventually
from ticker.core.entry import Entry, Logged, encode_entry
from ticker.core.position import next_link
from ticker.web import websub
from ticker.web.websub import WebSubPublisher


async def test_hub_is_told_about_each_feed_after_a_change_and_again_after_a_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(websub, "INTERVAL_S", 0.01)
    told: list[str] = []
    answers = [b"503 Busy"]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        fields = parse_qs((await reader.readexactly(length)).decode())
        assert fields["hub.mode"] == ["publish"]
        status = answers.pop() if answers else b"202 Accepted"
        told.extend(fields["hub.url"] if status.startswith(b"202") else [])
        writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    channel = make_channel("en", [make_line(1, "One")])
    private = make_channel("es", [make_line(1, "Uno")], private_edition("es"))  # the hub never hears of it
    publisher = WebSubPublisher(make_hub({"es": private, "en": channel}), address, "https://news.example", lambda: 0.0)
    task = asyncio.create_task(publisher.run())
    try:
        feeds = [f"https://news.example/en/{file}" for file in ("feed.json", "feed.atom", "feed.rss")]
        await eventually(lambda: told == feeds, "the hub is told after its failure")
        entry = Entry(line=make_line(2, "Two"), editor="amal", key="k2", submitted_at=make_line(2, "").created_at)
        link = channel.history.log.head_link
        assert link is not None
        channel.append(Logged(2, next_link(link, encode_entry(entry)), entry))
        await eventually(lambda: told == feeds * 2, "the hub is told about the change, once")
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        server.close()
