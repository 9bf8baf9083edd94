"""With Redis gone, readers are served from memory, and editors are told: NOT ON AIR, and never later by surprise."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faults.proxy import HOST, Proxy, Trap
from tests.faults.rig import FORGE
from tests.support.prefork import SCRIPTS
from tests.support.readers import Reader
from tests.support.servers import RedisServer, until
from tests.support.system import Program, Ran, environment, run_program
from ticker.core.messages import HeartbeatMessage

pytestmark = [pytest.mark.faults, pytest.mark.timeout(180)]


class Newsroom:
    """A server, a desk and a gateway, each a process."""

    def __init__(self, folder: Path, server: RedisServer) -> None:
        self.server = server
        self.environ = environment(TICKER_REDIS_URL=server.url, TICK_EDITOR="maha", TICKER_HEARTBEAT_S="1")
        self.desk = Program(["desk", "--editions", "en"], self.environ, folder / "desk.log")
        self.gateway = Program(["gateway", "--port", "0"], self.environ, folder / "gateway.log")

    def tick(self, *words: str, **variables: str) -> Ran:
        return run_program("tick", *words, environ={**self.environ, **variables})

    def post(self, text: str, *words: str) -> Ran:
        return self.tick("post", text, "-e", "en", "--json", "--no-reach", *words)

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"{self.gateway.url}{path}", trust_env=False, timeout=10)

    @property
    def status(self) -> str:
        return str(self.get("/readyz").json()["status"])

    @property
    def texts(self) -> list[str]:
        """Of the log."""
        return [entry["line"]["text"] for entry in self.tick("log", "-e", "en", "--json").json["entries"]]


@pytest.fixture
def newsroom(folder: Path, tcp_server: RedisServer) -> Iterator[Newsroom]:
    room = Newsroom(folder, tcp_server)
    with room.desk, room.gateway:
        for text in ("One", "Two", "Three"):
            assert room.post(text).code == 0
        until(lambda: len(room.get("/v1/en/lines").json()["lines"]) == 3, "the gateway has them")
        yield room


def die(server: RedisServer) -> Callable[[], object]:
    server.kill()
    return server.start


def hang(server: RedisServer) -> Callable[[], object]:
    server.pause()
    return server.resume


@pytest.mark.slow
@pytest.mark.parametrize("break_it", [die, hang])
async def test_with_redis_gone_a_gateway_serves_from_memory_says_so_and_picks_up_by_itself(
    newsroom: Newsroom, break_it: Callable[[RedisServer], Callable[[], object]]
) -> None:
    async with Reader(newsroom.gateway.url, "en") as steady:
        first = str(newsroom.get("/v1/en/lines").json()["lines"][0]["position"])
        mend = break_it(newsroom.server)
        await asyncio.to_thread(until, lambda: newsroom.status == "degraded", "it says that it is degraded")

        trouble: Any = newsroom.get("/readyz").json()["editions"]["en"]["trouble"]
        assert "Redis can't be read" in trouble
        assert 'ticker_following{edition="en"} 0.0' in newsroom.get("/metrics").text
        assert [line["text"] for line in newsroom.get("/v1/en/board").json()["lines"]] == ["Three", "Two", "One"]
        assert len(newsroom.get("/v1/en/lines?limit=2").json()["lines"]) == 2
        assert "Three" in newsroom.get("/en").text
        async with Reader(newsroom.gateway.url, "en") as new, Reader(newsroom.gateway.url, "en", after=first) as back:
            assert [line.text for line in new.boards[0].lines] == ["Three", "Two", "One"]
            assert [line.text for line in back.lines] == ["Two", "Three"]
            await new.until(lambda: any(isinstance(message, HeartbeatMessage) for message in new.messages))

        mend()
        await asyncio.to_thread(until, lambda: newsroom.status == "ready", "it follows again")
        assert 'ticker_following{edition="en"} 1.0' in newsroom.get("/metrics").text
        assert (await asyncio.to_thread(newsroom.post, "Four")).code == 0
        await steady.until(lambda: [line.text for line in steady.lines] == ["Four"])
        assert len(steady.boards) == 1, "it was never reset, and never cut off"


def test_what_was_told_to_be_not_on_air_without_redis_never_comes(newsroom: Newsroom) -> None:
    newsroom.server.kill()
    ran = newsroom.post("Too late", "--wait", "1")
    assert ran.code == 4
    assert ran.json["status"] == "not-on-air"
    assert newsroom.tick("post", "Too late", "-e", "en", "--wait", "1").err.startswith("NOT ON AIR")
    newsroom.server.start()
    assert newsroom.post("In time", "--wait", "20").code == 0
    assert newsroom.texts == ["One", "Two", "Three", "In time"]


def test_what_was_told_to_be_not_on_air_without_a_desk_never_comes(newsroom: Newsroom) -> None:
    newsroom.desk.kill()
    ran = newsroom.post("Too late", "--wait", "0.5")
    assert (ran.code, ran.json["errors"][0]["code"]) == (4, "no-desk")
    newsroom.desk.start()
    assert newsroom.post("In time", "--wait", "20").code == 0
    assert newsroom.texts == ["One", "Two", "Three", "In time"]


async def test_what_lies_in_a_stalled_server_s_buffers_is_late_when_it_goes_on(newsroom: Newsroom) -> None:
    """The server stops with the submission on its doorstep, and goes on when the editor was told: not on air."""
    async with Proxy(lambda: newsroom.server.address, is_redis=True) as proxy:
        proxy.trap(Trap(1, is_after=False, command="XADD", spring=newsroom.server.pause, watches=True))
        words = ["post", "Too late", "-e", "en", "--json", "--no-reach", "--wait", "1", "--key", "stalled"]
        url = f"redis://{HOST}:{proxy.port}"
        ran = await asyncio.to_thread(newsroom.tick, *words, TICKER_REDIS_URL=url)
        assert ran.code == 4
        newsroom.server.resume()
        inbox = "ticker:{en}:inbox:maha"
        receipts = "ticker:{en}:receipts:maha"
        await asyncio.to_thread(until, lambda: newsroom.server.command("XLEN", receipts) == 4, "the desk answers it")
        assert newsroom.server.command("XLEN", inbox) == 0
    assert (await asyncio.to_thread(newsroom.post, "In time", "--wait", "20")).code == 0
    assert newsroom.texts == ["One", "Two", "Three", "In time"]


def test_a_second_try_with_the_key_of_a_late_one_is_told_what_became_of_itself(newsroom: Newsroom) -> None:
    """The desk hangs past the first one's deadline: the second waits for its own answer, not for the first's."""
    newsroom.desk.signal(signal.SIGSTOP)
    try:
        assert newsroom.post("Again", "--wait", "0.3", "--key", "again").code == 4
        process = begin(newsroom, "post", "Again", "-e", "en", "--json", "--no-reach", "--wait", "20", "--key", "again")
        inbox = "ticker:{en}:inbox:maha"
        until(lambda: newsroom.server.command("XLEN", inbox) == 2, "both are submitted")
    finally:
        newsroom.desk.signal(signal.SIGCONT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, (out, err)
    assert newsroom.texts == ["One", "Two", "Three", "Again"]


def test_a_forged_entry_is_never_shown_and_everybody_says_so_until_it_is_put_right(newsroom: Newsroom) -> None:
    log, server = "ticker:{en}:log", newsroom.server
    data = server.command("XRANGE", log, "2-0", "2-0")[0][1][b"entry"]
    server.command("EVAL", FORGE, 1, log, "2-0", data.replace(b"Two", b"Not so"))
    for program in (newsroom.desk, newsroom.gateway):
        program.stop()
    newsroom.desk.start(wait=False)
    newsroom.gateway.start(wait=False)

    verified = run_program("ticker", "verify", "en", "--json", environ=newsroom.environ)
    assert (verified.code, verified.json["seq"]) == (1, 2)
    newsroom.gateway.wait_ready()
    assert "entry 2 doesn't link" in newsroom.get("/readyz").json()["editions"]["en"]["trouble"]
    assert all("Not so" not in newsroom.get(path).text for path in ("/v1/en/board", "/v1/en/lines", "/en"))
    assert newsroom.get("/v1/en/board").status_code in (404, 503)
    assert newsroom.post("Nobody hears it", "--wait", "1").code == 4

    server.command("EVAL", FORGE, 1, log, "2-0", data)
    until(lambda: newsroom.status == "ready", "it follows the log again")
    assert newsroom.post("In time", "--wait", "20").code == 0
    assert newsroom.texts == ["One", "Two", "Three", "In time"]


def begin(newsroom: Newsroom, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [SCRIPTS / "tick", *words], env=newsroom.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
