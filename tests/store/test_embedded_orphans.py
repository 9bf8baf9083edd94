"""The embedded server when the process that runs it is killed: it ends, or the next start stops it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.embedded_log import append, length
from tests.support.servers import is_alive
from tests.support.waiting import WAIT_S, until
from ticker.core.errors import StoreError
from ticker.store import data_folder, embedded
from ticker.store.data_folder import embedded_url
from ticker.store.embedded import EmbeddedServer

pytestmark = pytest.mark.usefixtures("short_temporary_folder")

UP = """
import asyncio, sys
from pathlib import Path
from ticker.store import embedded
from ticker.store.connection import CLIENT_ERRORS, connect

if sys.argv[2] == "untied":
    embedded.tied_to_parent = lambda: None

async def main():
    async with embedded.EmbeddedServer(Path(sys.argv[1])) as server:
        print(server.pid, flush=True)
        client = connect(server.url, role="desk")
        while True:
            await client.xadd("ticker:{en}:log", {"entry": "{}"})
            print("acknowledged", flush=True)

asyncio.run(main())
"""


@contextmanager
def another_process(data: Path, *, tied: bool = True) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Yield a process like `ticker up`, which prints each acknowledged write, and the pid of its server."""
    words = [sys.executable, "-c", UP, str(data), "tied" if tied else "untied"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as up:
        assert up.stdout is not None
        server = int(up.stdout.readline())
        try:
            yield up, server
        finally:
            up.kill()
            if is_alive(server):
                os.kill(server, signal.SIGKILL)


def kill_amid_writes(up: subprocess.Popen[str]) -> int:
    """Kill the process after some acknowledged writes. Return how many were acknowledged in all."""
    assert up.stdout is not None
    seen = [up.stdout.readline() for _ in range(50)]
    up.kill()
    seen += up.stdout.readlines()
    return seen.count("acknowledged\n")


async def test_a_server_ends_when_its_parent_is_killed_and_loses_nothing(tmp_path: Path) -> None:
    with another_process(tmp_path) as (up, pid):
        acknowledged = kill_amid_writes(up)
        if sys.platform == "linux":  # on other systems it becomes an orphan, which the next start stops
            until(lambda: not is_alive(pid), "the kernel ended the server")
        async with EmbeddedServer(tmp_path) as server:
            assert acknowledged <= await length(server.url) <= acknowledged + 1


async def test_the_next_start_shuts_down_an_orphan_and_nothing_is_lost(tmp_path: Path) -> None:
    with another_process(tmp_path, tied=False) as (up, pid):
        orphan = embedded_url(tmp_path)
        acknowledged = kill_amid_writes(up)
        assert is_alive(pid)
        async with EmbeddedServer(tmp_path) as server:
            assert not is_alive(pid)
            assert server.url != orphan
            assert acknowledged <= await length(server.url) <= acknowledged + 1
        assert not data_folder.socket_path(orphan).parent.exists()


async def test_no_second_server_starts_beside_a_hanging_orphan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "ORPHAN_S", 0.2)
    monkeypatch.setattr(embedded, "PING_S", 0.2)
    with another_process(tmp_path, tied=False) as (up, pid):
        os.kill(pid, signal.SIGSTOP)
        up.kill()
        up.wait(WAIT_S)
        with pytest.raises(StoreError, match=r"an earlier server still writes to .* stop it, and try again"):
            await EmbeddedServer(tmp_path).start()
        os.kill(pid, signal.SIGCONT)
        async with EmbeddedServer(tmp_path) as server:
            assert await append(server.url)


async def test_no_second_server_starts_beside_an_orphan_without_an_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "ORPHAN_S", 0.2)
    with another_process(tmp_path, tied=False) as (up, _):
        data_folder.address_file(tmp_path).unlink()
        up.kill()
        up.wait(WAIT_S)
        with pytest.raises(StoreError, match="an earlier server still writes"):
            await EmbeddedServer(tmp_path).start()


async def test_a_second_process_is_refused_while_the_first_runs(tmp_path: Path) -> None:
    with another_process(tmp_path) as (up, pid):
        with pytest.raises(StoreError, match=f"in use by process {up.pid}"):
            await EmbeddedServer(tmp_path).start()
        assert is_alive(pid)
