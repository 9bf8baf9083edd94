"""`DirectRedis` against real servers: the results, the errors and the time limits are those of a client of redis-py."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.servers import RedisServer
from ticker.core.edition import DEFAULT_EDITIONS
from ticker.core.errors import StoreError
from ticker.store.blocking import run
from ticker.store.connection import open_redis
from ticker.store.direct import DirectRedis, open_direct, waits_of
from ticker.store.editions import edition_names, load_edition, save_edition
from ticker.store.editors import register
from ticker.store.replies import as_text
from ticker.store.streams import read_last, read_newest, read_range, read_streams, redis_ms
from ticker.store.url import parse_url, with_password

if TYPE_CHECKING:
    from ticker.store.direct import AnyRedis

Work = Callable[["AnyRedis"], Awaitable[Any]]


def directly(url: str, work: Work) -> Any:
    async def ask() -> Any:
        async with open_direct(url, role="tick") as redis:
            return await work(redis)

    return run(ask())


def with_redis_py(url: str, work: Work) -> Any:
    async def ask() -> Any:
        async with open_redis(url, role="tick", blocking=True) as redis:
            return await work(redis)

    return asyncio.run(ask())


def sentence(ask: Callable[[str, Work], Any], url: str, work: Work) -> str:
    with pytest.raises(StoreError) as caught:
        ask(url, work)
    return str(caught.value)


async def ping(redis: AnyRedis) -> None:
    await redis_ms(redis)


async def write_and_read(redis: AnyRedis) -> None:
    identifier = as_text(await redis.xadd("log", {"entry": b"\xff"}))
    assert await read_streams(redis, {"log": "0", "none": "0"}, count=9) == {"log": [(identifier, {b"entry": b"\xff"})]}


# ---- results ----


def test_results_are_those_of_redis_py(redis_url: str) -> None:
    async def prepare(redis: Any) -> None:
        await save_edition(redis, "en", DEFAULT_EDITIONS["en"], "ab" * 32)
        for number in range(3):
            await redis.xadd("log", {"entry": b"\xff", "number": number}, id=f"{number + 1}-0")

    async def read(redis: AnyRedis) -> list[Any]:
        return [
            await load_edition(redis, "en"),
            await load_edition(redis, "ar"),
            await edition_names(redis),
            await read_range(redis, "log", first="(1-0", count=1),
            await read_range(redis, "log"),
            await read_newest(redis, "log", 2),
            await read_last(redis, "none"),
            await read_streams(redis, {"log": "1-0", "none": "0"}, count=5),
            await read_streams(redis, {"none": "0"}, count=5, block_ms=1),
        ]

    with_redis_py(redis_url, prepare)
    assert directly(redis_url, read) == with_redis_py(redis_url, read)
    assert abs(directly(redis_url, redis_ms) - with_redis_py(redis_url, redis_ms)) < 60_000


def test_an_editor_is_registered_once(redis_server: RedisServer) -> None:
    async def register_twice(redis: AnyRedis) -> list[bool]:
        return [await register(redis, "en", "maha"), await register(redis, "en", "maha")]

    assert directly(redis_server.url, register_twice) == [True, False]
    assert redis_server.command("XLEN", "ticker:{en}:bell") == 1


def test_a_unix_socket_connects_with_the_name_of_the_role(redis_server: RedisServer) -> None:
    async def work(redis: AnyRedis) -> bytes:
        await write_and_read(redis)
        clients: bytes = redis_server.command("CLIENT", "LIST")
        return clients

    assert b" name=ticker-tick " in directly(redis_server.url, work)


def test_tcp_connects_with_a_password_and_a_database(folder: Path) -> None:
    with RedisServer(folder / "r", tcp=True, password="p@ss/word") as server:
        directly(server.url, write_and_read)
        without = server.url.partition("@")[2]
        directly(with_password(f"redis://default@{without}/1", "p@ss/word"), write_and_read)
        assert server.command("EXISTS", "log") == 1  # in database 0, by the first


async def test_tls_connects_and_checks_the_certificate(tls_url: str) -> None:
    await asyncio.to_thread(directly, tls_url, write_and_read)
    untrusted = tls_url.partition("?")[0]
    assert "can't be reached" in await asyncio.to_thread(sentence, directly, untrusted, ping)
    await asyncio.to_thread(directly, f"{untrusted}?ssl_cert_reqs=none", ping)


# ---- errors ----


@pytest.mark.parametrize("user", ["", "default:wrong@", ":wrong@", "nobody:wrong@", "reader:right@"])
def test_a_refusal_has_the_sentence_of_redis_py(folder: Path, user: str) -> None:
    with RedisServer(folder / "r", tcp=True, password="right") as server:
        server.command("ACL", "SETUSER", "reader", "on", ">right", "+@connection", "+hello")
        url = f"redis://{user}127.0.0.1:{server.port}"
        assert sentence(directly, url, ping) == sentence(with_redis_py, url, ping)


def test_a_server_that_is_away_has_the_sentence_of_redis_py(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("direct", "connection"):  # a busy machine takes longer to load the certificates
        monkeypatch.setattr(f"ticker.store.{module}.CONNECT_TIMEOUT_S", 30.0)
    for url in (f"unix://{folder}/none", "redis://127.0.0.1:1", "rediss://127.0.0.1:1"):
        assert sentence(directly, url, ping) == sentence(with_redis_py, url, ping)


class Deaf:
    """A server that answers CLIENT, and with `answer` all other commands. Then it closes the connection."""

    def __init__(self, path: Path, answer: bytes) -> None:
        self.path = path
        self.received: list[bytes] = []
        self._answer = answer
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(path))
        self._listening.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._listening.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"+OK\r\n")
                self.received.append(connection.recv(4096))
                connection.sendall(self._answer)


@pytest.mark.parametrize("answer", [b"", b"$5\r\nha", b"HTTP/1.1 400 Bad Request\r\n"])
def test_a_command_whose_reply_is_lost_is_sent_once(folder: Path, answer: bytes) -> None:
    deaf = Deaf(folder / "s", answer)
    assert "can't be reached" in sentence(directly, f"unix://{deaf.path}", write_and_read)
    assert [data.split(b"\r\n")[2] for data in deaf.received] == [b"XADD"]


def test_a_late_reply_is_not_the_next_commands(redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    redis_server.command("HSET", "names", "a", "late")

    async def work(redis: AnyRedis) -> Any:
        await ping(redis)
        redis_server.pause()
        with monkeypatch.context() as patch:
            patch.setattr("ticker.store.direct.BLOCKING_TIMEOUT_S", 0.05)
            with pytest.raises(Exception, match="Timeout reading from socket"):
                await redis.hmget("names", ["a"])
        redis_server.resume()
        return await redis.hexists("names", "b")

    assert directly(redis_server.url, work) is False


def test_a_server_that_hangs_has_the_sentence_of_redis_py(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("direct", "connection"):
        monkeypatch.setattr(f"ticker.store.{module}.BLOCKING_TIMEOUT_S", 0.5)

    async def hang(redis: AnyRedis) -> None:
        await ping(redis)
        redis_server.pause()
        try:
            await ping(redis)
        finally:
            redis_server.resume()

    assert sentence(directly, redis_server.url, hang) == sentence(with_redis_py, redis_server.url, hang)


def test_the_same_client_works_again_after_a_restart_of_the_server(redis_server: RedisServer) -> None:
    async def work(redis: AnyRedis) -> None:
        await ping(redis)
        redis_server.stop()
        with pytest.raises(OSError, match=r"closed|reset|refused|No such file|Broken pipe"):
            await ping(redis)
        redis_server.start()
        await write_and_read(redis)

    directly(redis_server.url, work)


# ---- time limits ----


def test_a_limit_ends_a_blocked_command_and_a_sleep(redis_url: str) -> None:
    async def work(redis: AnyRedis) -> None:
        for wait in (lambda: read_streams(redis, {"log": "0"}, count=1, block_ms=60_000), lambda: sleep(redis)):
            begun = time.monotonic()
            with pytest.raises(TimeoutError):
                async with waits_of(redis).timeout(60), waits_of(redis).timeout(0.01):
                    await wait()
            assert time.monotonic() - begun < 30
        await write_and_read(redis)  # the limits are gone

    directly(redis_url, work)


async def sleep(redis: AnyRedis) -> None:
    await waits_of(redis).sleep(60)


def test_a_limit_passes_the_error_handlers_inside_of_it(redis_url: str) -> None:
    """As a cancellation by `asyncio.timeout` does: code that tries again after an OSError must end."""

    async def work(redis: AnyRedis) -> None:
        async with waits_of(redis).timeout(0.01):
            while True:
                try:
                    await sleep(redis)
                except OSError:
                    continue

    assert "doesn't answer in time" in sentence(directly, redis_url, work)


def test_an_outer_limit_ends_the_inner_one(redis_url: str) -> None:
    async def work(redis: AnyRedis) -> None:
        assert isinstance(redis, DirectRedis)
        async with redis.timeout(None) as outer:
            outer.end_in(0.01)
            try:
                async with redis.timeout(60):
                    await sleep(redis)
            except TimeoutError:
                pytest.fail("the inner limit isn't reached")

    assert "doesn't answer in time" in sentence(directly, redis_url, work)


def test_a_command_that_waits_reports_it(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ticker.store.direct._SLICE_S", 0.01)
    calls: list[int] = []

    async def work(redis: AnyRedis) -> None:
        assert isinstance(redis, DirectRedis)
        redis.while_waiting = lambda: calls.append(1)
        assert await read_streams(redis, {"log": "0"}, count=1, block_ms=100) == {}

    directly(redis_url, work)
    assert calls


def test_a_coroutine_that_needs_an_event_loop_is_an_error() -> None:
    class Suspends:
        def __await__(self) -> Any:
            yield

    async def work() -> None:
        await Suspends()

    coroutine: Coroutine[Any, Any, None] = work()
    with pytest.raises(RuntimeError, match="needs an event loop"):
        run(coroutine)


def test_a_client_doesnt_show_its_password() -> None:
    assert "secret" not in repr(DirectRedis(parse_url("redis://maha:secret@h"), "ticker-tick"))
