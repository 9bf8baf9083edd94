"""A reader may send closes, pings and pongs. Everything else closes its connection, and no other reader notices."""

from __future__ import annotations

from contextlib import suppress

import pytest
from websockets.frames import Opcode

from tests.support.gateway_clients import RawClient, Reader, masked
from tests.support.log_writer import LogWriter
from tests.support.waiting import eventually
from ticker.gateway.follower import Leave, State
from ticker.gateway.inbound import FRAMES_MAX, PARSED_BYTES
from ticker.gateway.server import Gateway

CLOSE_1000 = masked(Opcode.CLOSE, b"\x03\xe8")


async def closes_with(gateway: Gateway, data: bytes) -> int:
    """Let a reader send `data`. Return the code that its connection is closed with."""
    async with RawClient(gateway.address) as client:
        await client.open()
        await client.send(data)
        code = await client.close_code()
        await client.send(CLOSE_1000)
        await client.read_to_end()
    await eventually(lambda: not gateway.hub.admission.followers, "the follower is forgotten")
    return code


def closed(gateway: Gateway) -> dict[Leave, int]:
    """Return how many followers the gateway closed, by reason."""
    left = gateway.hub.channels["en"].counts.left
    return {reason: count for reason, count in left.items() if reason not in (Leave.ENDED, Leave.LOST)}


async def test_text_message_is_closed_with_1008(gateway: Gateway) -> None:
    assert await closes_with(gateway, masked(Opcode.TEXT, b"hello")) == 1008
    assert closed(gateway) == {Leave.SENT_DATA: 1}


async def test_binary_message_is_closed_with_1008(gateway: Gateway) -> None:
    assert await closes_with(gateway, masked(Opcode.BINARY, b"\x00\xff")) == 1008


async def test_first_fragment_is_closed_with_1008(gateway: Gateway) -> None:
    assert await closes_with(gateway, masked(Opcode.TEXT, b"he", fin=False)) == 1008


async def test_empty_message_is_closed_with_1008(gateway: Gateway) -> None:
    assert await closes_with(gateway, masked(Opcode.TEXT, b"")) == 1008


async def test_header_of_a_message_above_4_kib_is_closed_with_1009(gateway: Gateway) -> None:
    frame = masked(Opcode.TEXT, b"x" * 4097)
    assert await closes_with(gateway, frame[:8]) == 1009
    assert closed(gateway) == {Leave.TOO_BIG: 1}


async def test_frame_with_an_enormous_length_is_closed_with_1009(gateway: Gateway) -> None:
    assert await closes_with(gateway, b"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00") == 1009


BROKEN = {
    "a frame that isn't masked": b"\x81\x05hello",
    "a reserved bit, as of a compressed message": b"\xc1\x80\x00\x00\x00\x00",
    "a reserved opcode": b"\x83\x80\x00\x00\x00\x00",
    "a continuation of nothing": b"\x80\x80\x00\x00\x00\x00",
    "a ping in fragments": b"\x09\x80\x00\x00\x00\x00",
    "a ping of 126 bytes": b"\x89\xfe\x00\x7e\x00\x00\x00\x00" + bytes(126),
    "a close with half a code": b"\x88\x81\x00\x00\x00\x00\x03",
    "a close with a code that nobody may send": masked(Opcode.CLOSE, (1005).to_bytes(2, "big")),
    "HTTP": b"GET / HTTP/1.1\r\nHost: h\r\n\r\n",
    "noise": bytes(range(256)),
}


async def test_protocol_errors_are_closed_with_1002(gateway: Gateway) -> None:
    assert {what: await closes_with(gateway, data) for what, data in BROKEN.items()} == dict.fromkeys(BROKEN, 1002)
    assert closed(gateway) == {Leave.PROTOCOL: len(BROKEN)}


async def test_ping_is_answered_with_its_payload(log: LogWriter, gateway: Gateway) -> None:
    async with RawClient(gateway.address) as client:
        await client.open()
        await client.frame()
        await client.frame()
        await client.send(masked(Opcode.PING, b"are you there"))
        assert await client.frame() == (Opcode.PONG, b"are you there")
        await log.post("and it goes on")
        assert b"and it goes on" in (await client.frame())[1]


async def test_frame_is_parsed_byte_by_byte(gateway: Gateway) -> None:
    async with RawClient(gateway.address) as client:
        await client.open()
        await client.frame()
        await client.frame()
        for byte in masked(Opcode.PING, b"slow"):
            await client.send(bytes([byte]))
        assert await client.frame() == (Opcode.PONG, b"slow")


async def test_unsolicited_pongs_are_ignored(log: LogWriter, gateway: Gateway) -> None:
    async with RawClient(gateway.address) as client:
        await client.open()
        await client.frame()
        await client.frame()
        await client.send(masked(Opcode.PONG, b"") * FRAMES_MAX)
        await log.post("news")
        assert b"news" in (await client.frame())[1]


@pytest.mark.parametrize("batch", [1, 100_000])
async def test_flood_of_pongs_is_closed_before_it_is_parsed(gateway: Gateway, batch: int) -> None:
    """Parsing all of them would block the event loop, whether they come in one write or in many."""
    async with RawClient(gateway.address) as client:
        await client.open()
        await client.frame()
        await client.frame()
        (follower, *_) = [each for slot in gateway.hub.channels["en"].members.slots for each in slot]
        with suppress(ConnectionError):
            for _ in range(100_000 // batch):
                await client.send(masked(Opcode.PONG, b"") * batch)
                if follower.state is State.LEFT:
                    break
        await eventually(lambda: not gateway.hub.admission.followers, "the follower is closed")
    assert closed(gateway) == {Leave.SENT_DATA: 1}
    assert follower._inbound is not None
    assert follower._inbound.frames <= FRAMES_MAX + PARSED_BYTES // 6 + 1


async def test_flood_of_pings_is_closed_with_1008_and_not_answered(gateway: Gateway) -> None:
    async with RawClient(gateway.address) as client:
        await client.open()
        await client.frame()
        await client.frame()
        await client.send(masked(Opcode.PING, b"x" * 125) * (FRAMES_MAX + 1))
        opcode, payload = await client.frame()
    assert (opcode, payload[:2]) == (Opcode.CLOSE, (1008).to_bytes(2, "big"))


async def test_close_is_echoed_and_the_connection_ends(gateway: Gateway) -> None:
    async with RawClient(gateway.address) as client:
        await client.open()
        await client.frame()
        await client.frame()
        await client.send(masked(Opcode.CLOSE, (4000).to_bytes(2, "big") + b"bye"))
        assert await client.frame() == (Opcode.CLOSE, (4000).to_bytes(2, "big") + b"bye")
        assert await client.read_to_end() == b""
    await eventually(lambda: not gateway.hub.admission.followers, "the follower is forgotten")


async def test_frames_after_a_close_are_not_parsed(gateway: Gateway) -> None:
    async with RawClient(gateway.address) as client:
        await client.open()
        await client.send(CLOSE_1000 + masked(Opcode.TEXT, b"x" * 5000) * 3)
        assert await client.close_code() == 1000
    await eventually(lambda: not gateway.hub.admission.followers, "the follower is forgotten")
    assert closed(gateway) == {}


async def test_peer_that_does_not_answer_a_close_is_cut_off(gateway: Gateway) -> None:
    async with RawClient(gateway.address) as client:
        await client.open()
        await client.send(masked(Opcode.TEXT, b"hello"))
        assert await client.close_code() == 1008
        assert await client.read_to_end() == b""


async def test_half_closed_connection_is_closed(gateway: Gateway) -> None:
    async with RawClient(gateway.address) as client:
        await client.open()
        client.socket.shutdown(1)
        await client.read_to_end()
    await eventually(lambda: not gateway.hub.admission.followers, "the follower is forgotten")


async def test_peer_that_disconnects_is_forgotten(gateway: Gateway) -> None:
    async with RawClient(gateway.address) as client:
        await client.open()
    await eventually(lambda: not gateway.hub.admission.followers, "the follower is forgotten")


async def test_other_readers_are_not_disturbed(log: LogWriter, gateway: Gateway) -> None:
    async with Reader(gateway.address) as reader:
        await reader.until_live()
        for data in (masked(Opcode.TEXT, b"hello"), b"noise" * 100, masked(Opcode.TEXT, b"x" * 5000)):
            async with RawClient(gateway.address) as client:
                await client.open()
                await client.send(data)
                await client.close_code()
        await log.post("news")
        await reader.until_at(log.head)
    assert len(reader.lines) == 1
