"""A gateway in a separate process, to measure its memory: `python -m tests.support.gateway_process URL JSON`.

It prints its address when it is ready, and ends at the end of its standard input.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import uvloop

from ticker.gateway.server import Address, Gateway
from ticker.settings import Settings
from ticker.web.app import make_app


class GatewayProcess:
    """A running gateway process."""

    def __init__(self, address: str, pid: int) -> None:
        self.address = address
        self.pid = pid

    @property
    def memory_bytes(self) -> int:
        """Return the proportional set size (PSS): private memory plus a share of shared memory."""
        for line in Path(f"/proc/{self.pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("no PSS in smaps_rollup")


@asynccontextmanager
async def gateway_process(url: str, **settings: Any) -> AsyncIterator[GatewayProcess]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.support.gateway_process",
        url,
        msgspec.json.encode({"drain_s": 0.2, **settings}).decode(),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            address = ""
            while not address.startswith("http"):  # the log comes first
                address = (await process.stdout.readline()).decode().strip()
        yield GatewayProcess(address, process.pid)
        process.stdin.close()
        async with asyncio.timeout(60):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _serve(url: str, settings: Settings) -> None:
    gateway = Gateway(url, settings, Address(port=0), partial(make_app, version="0.0"))
    loop = asyncio.get_running_loop()

    def end() -> None:
        loop.remove_reader(sys.stdin.fileno())
        gateway.stop()

    loop.add_reader(sys.stdin.fileno(), end)
    await gateway.run(lambda: print(gateway.address, flush=True))  # noqa: T201 -- the test reads it


if __name__ == "__main__":
    uvloop.run(_serve(sys.argv[1], msgspec.json.decode(sys.argv[2], type=Settings)))
