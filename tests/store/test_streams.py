from __future__ import annotations

from ticker.store.connection import Redis
from ticker.store.streams import (
    milliseconds_of,
    read_last,
    read_newest,
    read_range,
    read_streams,
    redis_ms,
    seq_of,
)


async def test_streams_are_read_in_one_shape(redis: Redis) -> None:
    for number in range(1, 4):
        await redis.xadd("s", {"n": str(number)}, id=f"{number}-0")
    entries = [(f"{number}-0", {b"n": b"%d" % number}) for number in range(1, 4)]
    assert await read_range(redis, "s") == entries
    assert await read_range(redis, "s", first="(1-0", count=1) == entries[1:2]
    assert await read_newest(redis, "s", 2) == entries[:0:-1]
    assert await read_last(redis, "s") == entries[-1]
    assert await read_last(redis, "empty") is None
    assert await read_streams(redis, {"s": "1-0", "empty": "0-0"}, count=1) == {"s": entries[1:2]}


async def test_the_time_in_an_id_is_that_of_the_servers_clock(redis: Redis) -> None:
    before = await redis_ms(redis)
    stream_id = (await redis.xadd("s", {"n": "1"})) or b""
    assert isinstance(stream_id, bytes)
    assert before <= milliseconds_of(stream_id.decode()) <= await redis_ms(redis)


def test_the_number_of_a_log_entry_is_the_first_part_of_its_id() -> None:
    assert seq_of("1204-0") == 1204
