from __future__ import annotations

import asyncio
import os
import signal
import stat
from contextlib import aclosing
from pathlib import Path

import pytest
import uvloop

from scripts.redis70 import find_redis70
from tests.support.embedded_log import append, length
from tests.support.servers import is_alive
from tests.support.waiting import WAIT_S, eventually
from ticker.core.errors import StoreError
from ticker.doctor.redis_facts import Software as Runs
from ticker.doctor.redis_findings import server_findings
from ticker.doctor.redis_probe import server_facts
from ticker.store import data_folder, embedded, server_binary
from ticker.store.connection import CLIENT_ERRORS, connect
from ticker.store.data_folder import embedded_url
from ticker.store.embedded import EmbeddedServer
from ticker.store.server_binary import ServerProgram, Software, encode_record, read_record

pytestmark = pytest.mark.usefixtures("short_temporary_folder")


# ---- starting and ending ----


async def test_a_started_server_answers_and_has_safe_settings(tmp_path: Path) -> None:
    async with EmbeddedServer(tmp_path / "data") as server:
        assert await append(server.url) == 1
        async with aclosing(connect(server.url, role="ticker")) as client:
            (facts,) = await server_facts(client)
        # Only the owner of its folder can connect, and `ticker up` works without a replica.
        assert [finding.code for finding in server_findings(facts)] == ["one-server"]


def test_the_server_runs_under_uvloop(tmp_path: Path) -> None:
    async def story() -> int:
        async with EmbeddedServer(tmp_path) as server:
            await append(server.url)
            assert server.pid is not None
            os.kill(server.pid, signal.SIGKILL)
            await eventually(lambda: has_restarted(server), "the server is back")
            return await length(server.url)

    assert uvloop.run(story()) == 1


async def test_written_data_is_there_after_the_next_start(tmp_path: Path) -> None:
    async with EmbeddedServer(tmp_path) as server:
        await append(server.url, 3)
    async with EmbeddedServer(tmp_path) as server:
        assert await length(server.url) == 3


async def test_a_value_of_more_than_a_megabyte_is_refused(tmp_path: Path) -> None:
    async with EmbeddedServer(tmp_path) as server, aclosing(connect(server.url, role="tick")) as redis:
        with pytest.raises(CLIENT_ERRORS):
            await redis.execute_command("XADD", "stream", "*", "field", b"x" * 1_100_000)
        assert not await redis.exists("stream")


async def test_a_stopped_server_leaves_only_its_data(tmp_path: Path) -> None:
    async with EmbeddedServer(tmp_path) as server:
        socket = data_folder.socket_path(server.url)
        pid = server.pid
        assert pid is not None
        assert socket.exists()
    assert not socket.parent.exists()
    assert not is_alive(pid)
    assert server.pid is None
    assert {path.name for path in tmp_path.iterdir()} == {*("lock", "redis", "redis.lock", "redis.log", "server.json")}


async def test_stopping_twice_or_before_the_start_does_nothing(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path)
    await server.stop()
    await server.start()
    await server.stop()
    await server.stop()
    assert server.pid is None


async def test_stop_ends_the_supervision(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path)
    await server.start()
    supervision = asyncio.create_task(server.supervise())
    await asyncio.sleep(0)
    await server.stop()
    await asyncio.wait_for(supervision, WAIT_S)
    assert server.restarts == 0


async def test_a_server_that_ignores_sigterm_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "STOP_S", 0.1)
    async with EmbeddedServer(tmp_path) as server:
        pid = server.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
    assert not is_alive(pid)


# ---- the server program ----


@pytest.fixture
def redis70(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for PATH with a `redis-server` 7.0."""
    found = find_redis70()
    assert found is not None, "Redis 7.0 is missing: run `make redis70`"
    folder = tmp_path_factory.mktemp("path")
    (folder / "redis-server").symlink_to(found)
    return folder


async def software(server: EmbeddedServer) -> Runs | None:
    async with aclosing(connect(server.url, role="ticker")) as client:
        return (await server_facts(client))[0].software


def put_on_path(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


async def test_a_redis_on_the_path_does_not_replace_the_server_that_wrote_the_data(
    tmp_path: Path, redis70: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with EmbeddedServer(tmp_path) as server:
        await append(server.url, 3)
    put_on_path(monkeypatch, redis70)
    async with EmbeddedServer(tmp_path) as server:
        assert await software(server) is Runs.VALKEY
        assert await length(server.url) == 3


async def test_data_of_a_missing_newer_server_is_refused_with_its_name_and_called_undamaged(
    tmp_path: Path, redis70: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with EmbeddedServer(tmp_path) as server:
        await append(server.url)
    wrote = ServerProgram("/nowhere/valkey-server", Software.VALKEY, (9, 1, 2))
    data_folder.program_file(tmp_path).write_text(encode_record(wrote), encoding="utf-8")
    put_on_path(monkeypatch, redis70)
    monkeypatch.setattr(server_binary, "_packaged_binary", lambda: None)
    with pytest.raises(StoreError, match=r"written by Valkey 9.1.2 .* only has Redis 7.0.* isn't damaged") as caught:
        await EmbeddedServer(tmp_path).start()
    assert "--fix" not in str(caught.value)


async def test_an_older_server_that_fails_on_newer_data_does_not_call_it_damaged(tmp_path: Path, redis70: Path) -> None:
    async with EmbeddedServer(tmp_path) as server:
        await append(server.url)
    with pytest.raises(StoreError, match=r"can't read what a newer server wrote to .* isn't damaged") as caught:
        await EmbeddedServer(tmp_path, binary=redis70 / "redis-server").start()
    assert "--fix" not in str(caught.value)


async def test_a_newer_server_reads_the_data_of_an_older_one_and_is_recorded(tmp_path: Path, redis70: Path) -> None:
    async with EmbeddedServer(tmp_path, binary=redis70 / "redis-server") as server:
        await append(server.url, 2)
    wrote = read_record(data_folder.program_file(tmp_path))
    assert wrote is not None
    assert (wrote.software, wrote.version[:2]) == (Software.REDIS, (7, 0))
    (redis70 / "redis-server").unlink()
    async with EmbeddedServer(tmp_path) as server:
        assert await length(server.url) == 2
    wrote = read_record(data_folder.program_file(tmp_path))
    assert wrote is not None
    assert wrote.software is Software.VALKEY


# ---- privacy ----


def modes_too_open(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if stat.S_IMODE(path.lstat().st_mode) & 0o077]


async def test_other_users_can_neither_read_the_data_nor_reach_the_socket(tmp_path: Path) -> None:
    before = os.umask(0o000)
    try:
        async with EmbeddedServer(tmp_path / "data") as server:
            await append(server.url)
            socket_folder = data_folder.socket_path(server.url).parent
            assert stat.S_IMODE(socket_folder.stat().st_mode) == 0o700
            assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
            assert modes_too_open(tmp_path / "data" / "redis") == []
    finally:
        os.umask(before)


async def test_the_server_listens_on_no_port(tmp_path: Path) -> None:
    async with EmbeddedServer(tmp_path) as server, aclosing(connect(server.url, role="ticker")) as client:
        assert (await client.info("server"))["tcp_port"] == 0


# ---- the address ----


async def test_another_process_finds_the_address_in_the_data_folder(tmp_path: Path) -> None:
    async with EmbeddedServer(tmp_path) as server:
        assert embedded_url(tmp_path) == server.url
    with pytest.raises(StoreError, match="start it with `ticker up`"):
        embedded_url(tmp_path)


@pytest.mark.parametrize("name", ["a folder with spaces", 'نشرة "quoted" \' and 100%', "x" * 120])
async def test_a_data_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    data = tmp_path / name / "data"
    assert name != "x" * 120 or len(os.fsencode(data)) > 107
    async with EmbeddedServer(data) as server:
        assert await append(server.url) == 1
    assert list((data / "redis" / "appendonlydir").iterdir())


async def test_a_temporary_folder_with_a_long_path_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = tmp_path / ("x" * 100)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    async with EmbeddedServer(tmp_path) as server:
        assert len(os.fsencode(data_folder.socket_path(server.url))) <= data_folder.SOCKET_PATH_BYTES
        assert await append(server.url) == 1


# ---- refusals ----


async def test_a_second_start_is_refused_with_the_pid_of_the_first(tmp_path: Path) -> None:
    async with EmbeddedServer(tmp_path) as server:
        with pytest.raises(StoreError, match=rf"{tmp_path} is in use by process {os.getpid()}: stop that"):
            await EmbeddedServer(tmp_path).start()
        # The refused start has not disturbed the first.
        assert embedded_url(tmp_path) == server.url
        assert await append(server.url) == 1


async def test_a_data_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("", encoding="utf-8")
    with pytest.raises(StoreError, match="can't be used: File exists; name another"):
        await EmbeddedServer(tmp_path / "data").start()


async def test_a_program_that_ends_at_once_is_refused_with_its_last_output(tmp_path: Path) -> None:
    program = tmp_path / "server"
    program.write_text("#!/bin/sh\necho 'out of luck' >&2\nexit 3\n", encoding="utf-8")
    program.chmod(0o700)
    with pytest.raises(StoreError, match="ended with status 3 during its start; its last output was 'out of luck'"):
        await EmbeddedServer(tmp_path / "data", binary=program).start()
    async with EmbeddedServer(tmp_path / "data") as server:
        assert await append(server.url) == 1


async def test_a_program_that_never_answers_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "START_S", 0.1)
    program = tmp_path / "server"
    program.write_text("#!/bin/sh\nexec sleep 60\n", encoding="utf-8")
    program.chmod(0o700)
    with pytest.raises(StoreError, match="didn't answer within"):
        await EmbeddedServer(tmp_path / "data", binary=program).start()
    async with EmbeddedServer(tmp_path / "data") as server:
        assert await append(server.url) == 1


async def test_a_missing_program_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="can't be started: No such file"):
        await EmbeddedServer(tmp_path / "data", binary=tmp_path / "none").start()
    assert not data_folder.address_file(tmp_path / "data").exists()


# ---- deaths ----


async def has_restarted(server: EmbeddedServer, times: int = 1) -> bool:
    return server.restarts >= times and server.pid is not None


async def test_a_killed_server_is_restarted_with_every_acknowledged_entry(tmp_path: Path) -> None:
    async with EmbeddedServer(tmp_path) as server:
        url = server.url
        for times in (1, 2):
            await append(url, 50)
            assert server.pid is not None
            os.kill(server.pid, signal.SIGKILL)
            await eventually(lambda times=times: has_restarted(server, times), "the server is back")
            assert server.url == url
        assert await length(url) == 100


async def test_a_failed_restart_is_retried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "RESTART_FIRST_S", 0.01)
    async with EmbeddedServer(tmp_path) as server:
        await append(server.url)
        moved = data_folder.server_folder(tmp_path).rename(tmp_path / "away")
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
        await eventually(lambda: log_has(tmp_path, "No such file or directory"), "a start fails")
        moved.rename(data_folder.server_folder(tmp_path))
        await eventually(lambda: has_restarted(server), "the server is back")
        assert await length(server.url) == 1


async def log_has(data: Path, words: str) -> bool:
    return words in data_folder.server_log(data).read_text(encoding="utf-8", errors="replace")


async def test_a_truncated_append_only_file_loads(tmp_path: Path) -> None:
    async with EmbeddedServer(tmp_path) as server:
        await append(server.url, 10)
    (file,) = (tmp_path / "redis" / "appendonlydir").glob("*.incr.aof")
    os.truncate(file, file.stat().st_size - 5)
    async with EmbeddedServer(tmp_path) as server:
        assert await length(server.url) == 9


async def test_a_damaged_append_only_file_is_refused(tmp_path: Path) -> None:
    async with EmbeddedServer(tmp_path) as server:
        await append(server.url, 10)
    (file,) = (tmp_path / "redis" / "appendonlydir").glob("*.incr.aof")
    file.write_bytes(file.read_bytes().replace(b"$4\r\nXADD", b"!4\r\nXADD", 1))
    with pytest.raises(StoreError, match=r"status 1 .* Bad file format.* copy .* restore .* DELETES everything"):
        await EmbeddedServer(tmp_path).start()
