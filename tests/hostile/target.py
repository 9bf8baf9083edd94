"""The processes that the hostile tests attack: a desk and a gateway with low limits."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Final
from urllib.request import ProxyHandler, build_opener

from tests.support.system import Program

VARIABLES: Final = {
    "TICKER_FOLLOWERS": "300",
    "TICKER_FOLLOWERS_PER_ADDRESS": "100",
    "TICKER_HANDSHAKES_PER_S": "0",
    "TICKER_HANDSHAKE_S": "1",
    "TICKER_FOLLOWER_PAUSED_S": "1",
    "TICKER_FRAME_CACHES": "20",
    "TICKER_SELECTIONS_PER_ADDRESS": "12",
    "TICKER_HEARTBEAT_S": "1",
    "TICKER_RETAINED": "2000",
    "TICKER_LOG_LEVEL": "info",
}
SETTINGS: Final = """
[editions.en]
title = "Breaking news"
lang = "en"
dir = "ltr"

[editions.closed]
title = "For our own pages"
lang = "en"
dir = "ltr"
origins = ["https://news.example"]
"""
_open = build_opener(ProxyHandler({})).open


class Target:
    """A desk and a gateway. `files_at_rest`: the gateway's open files without connections."""

    def __init__(self, url: str, desk: Program, gateway: Program) -> None:
        self.redis_url = url
        self.desk = desk
        self.gateway = gateway
        self.files_at_rest = self.open_files

    @property
    def url(self) -> str:
        return self.gateway.url

    @property
    def address(self) -> tuple[str, int]:
        return ("127.0.0.1", self.gateway.port)

    def metrics(self) -> dict[str, float]:
        with _open(f"{self.url}/metrics", timeout=60) as response:
            lines = response.read().decode().splitlines()
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}

    def metric(self, name: str) -> float:
        return self.metrics().get(name, 0.0)

    @property
    def open_files(self) -> int:
        return int(self.metric("process_open_fds"))

    @property
    def resident_bytes(self) -> int:
        return int(self.metric("process_resident_memory_bytes"))

    async def read_metric(self, name: str) -> float:
        return await asyncio.to_thread(self.metric, name)

    async def is_at_rest(self) -> bool:
        """Return whether no follower and no file of one is left. The gateway may have two more connections to Redis."""
        now = await asyncio.to_thread(self.metrics)
        left = [value for name, value in now.items() if name.startswith(("ticker_frame_caches{", "ticker_followers{"))]
        return not any(left) and now["process_open_fds"] <= self.files_at_rest + 2


def unexpected_lines(log: Path) -> list[str]:
    """Return the lines of a log that are errors, not in the log's format, or can be caused by a stranger at will."""
    found = []
    for line in log.read_text(encoding="utf-8").splitlines():
        try:
            record = json.loads(line)
            is_fine = record["level"] in ("info", "warning") and record["logger"] != "uvicorn.error"
        except (ValueError, KeyError):
            is_fine = False
        if not is_fine:
            found.append(line)
    return found
