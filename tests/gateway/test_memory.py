"""The memory that stalled followers cost a gateway."""

from __future__ import annotations

import httpx

from tests.support.gateway_clients import RawClient, Reader
from tests.support.gateway_process import gateway_process
from tests.support.log_writer import LogWriter

ENTRIES = 10_000
STALLED = 200
COST_MAX = 32 * 1024


async def test_stalled_follower_costs_at_most_32_kib(log: LogWriter, redis_url: str) -> None:
    """The gateway is a separate process. The cost is the growth of its memory (PSS).

    Half of the followers stall while they are live, the other half during a replay, each from another position. One
    follower reads.
    """
    async with gateway_process(redis_url, follower_paused_s=600) as process:
        async with Reader(process.address) as reader:
            await reader.until_live()
            for _ in range(2):  # in the second round, the allocator has the memory for 10,000 entries
                await log.post_many(ENTRIES, "x" * 200, known=ENTRIES)
                await reader.until_at(log.head)
            before = process.memory_bytes
            clients = [RawClient(process.address, small=True) for _ in range(STALLED)]
            for number, client in enumerate(clients):
                await client.__aenter__()
                await client.open("/v1/en/live" + (f"?after={log.at(ENTRIES + 300 + number)}" if number % 2 else ""))
            await log.post_many(ENTRIES, "x" * 200, known=ENTRIES)
            await reader.until_at(log.head)
            async with httpx.AsyncClient() as http:
                metrics = (await http.get(f"{process.address}/metrics")).text
            assert f'ticker_followers{{edition="en"}} {STALLED + 1}.0' in metrics
            each = (process.memory_bytes - before) / STALLED
        for client in clients:
            client.socket.close()
    assert each <= COST_MAX
