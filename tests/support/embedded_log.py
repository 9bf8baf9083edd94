"""A log in an embedded server."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path

import pytest
import redis
import redis.asyncio
import uvloop

from scripts.redis70 import find_redis70
from tests.support.servers import is_alive
from tests.support.waiting import WAIT_S, eventually, until
from ticker.core.errors import StoreError
from ticker.store import data_folder, embedded, server_binary
from ticker.store.connection import CLIENT_ERRORS, connect
from ticker.store.data_folder import embedded_url
from ticker.store.embedded import EmbeddedServer
from ticker.store.server_binary import ServerProgram, Software, encode_record, read_record
from ticker.store.server_checks import Software as Runs
from ticker.store.server_checks import findings, server_facts

LOG = "ticker:{en}:log"


async def append(url: str, count: int = 1) -> int:
    """Append entries, and return the length of the log."""
    async with aclosing(connect(url, role="desk")) as client:
        for _ in range(count):
            await client.xadd(LOG, {"entry": "{}"})
        return int(await client.xlen(LOG))


async def length(url: str) -> int:
    return await append(url, 0)


async def answers(url: str) -> bool:
    try:
        await length(url)
    except redis.RedisError:
        return False
    return True
