"""Compressed messages: one copy serves all followers, and no message depends on an earlier one."""

from __future__ import annotations

import json
import zlib

import pytest

from tests.support.gateway_clients import RawClient, Reader
from tests.support.gateway_fixtures import Start
from tests.support.log_writer import LogWriter
from ticker.core.messages import LineMessage
from ticker.gateway.framing import (
    Framing,
    deflate_extension,
    deflated_frame,
    websocket_frame,
    websocket_payload,
)

RSV1 = 0x40
BROWSER = "permessage-deflate; client_max_window_bits"


@pytest.mark.parametrize(
    "offered",
    [
        BROWSER,
        "permessage-deflate",
        "x-other, permessage-deflate; server_no_context_takeover; client_no_context_takeover",
        "permessage-deflate; server_max_window_bits=8, permessage-deflate",
    ],
)
def test_compression_is_negotiated_without_context_takeover(offered: str) -> None:
    answer = deflate_extension(offered)
    assert answer is not None
    assert answer.startswith("permessage-deflate; server_no_context_takeover; client_no_context_takeover")


@pytest.mark.parametrize(
    "offered",
    [
        *(
            "",
            "x-other",
            "permessage-deflate; server_max_window_bits=10",
            "permessage-deflate; what=1",
            ";",
            "é",
            "=,;",
        ),
        "permessage-deflate, " * 30 + "permessage-deflate",  # too long: parsing it would block the event loop
    ],
)
def test_other_offers_are_declined(offered: str) -> None:
    assert deflate_extension(offered) is None


def test_compressed_frame_does_not_depend_on_earlier_ones() -> None:
    payload = json.dumps({"text": "Night trains return in March " * 20}).encode()
    frame = deflated_frame(payload)
    assert frame[0] & RSV1
    assert len(frame) < len(payload) // 2
    assert zlib.decompressobj(wbits=-15).decompress(websocket_payload(frame) + b"\0\0\xff\xff") == payload


def test_short_message_is_not_compressed() -> None:
    assert deflated_frame(b"{}") == websocket_frame(b"{}")


async def test_readers_with_and_without_compression_get_the_same_messages(log: LogWriter, start: Start) -> None:
    await log.post_many(30, "Night trains return in March, and the northern line is open again to the coast " * 3)
    gateway = await start()
    query = f"after={log.at(0)}"
    async with (
        Reader(gateway.address, query) as compressed,
        Reader(gateway.address, query, compression=None) as plain,
    ):
        await compressed.until_live()
        await plain.until_live()
        await log.post("and one more")
        await compressed.until_at(log.at(31))
        await plain.until_at(log.at(31))
        assert _lines(compressed) == _lines(plain) == list(range(1, 32))
        framings = {key.framing for key in gateway.hub.channels["en"].frame_caches}
        assert framings == {Framing.DEFLATED, Framing.WEBSOCKET}


def _lines(reader: Reader) -> list[int]:
    return [message.line.number for message in reader.messages if isinstance(message, LineMessage)]


async def test_compression_can_be_turned_off(log: LogWriter, start: Start) -> None:
    gateway = await start(compression=False)
    async with RawClient(gateway.address) as client:
        response = await client.open(more=f"Sec-WebSocket-Extensions: {BROWSER}\r\n")
        assert b"xtensions" not in response
