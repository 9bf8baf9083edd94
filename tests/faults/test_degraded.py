"""Without Redis, gateways serve readers from memory, and a line that `tick` reported as NOT ON AIR never appears."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faults.injector import REPLACE_ENTRY
from tests.faults.proxy import HOST, Proxy, Trap
from tests.support.prefork import SCRIPTS
from tests.support.readers import RecordingReader
from tests.support.servers import RedisServer
from tests.support.system import Program, Ran, environment, run_program
from tests.support.waiting import until
from ticker.core.messages import HeartbeatMessage

pytestmark = pytest.mark.faults


class Processes:
    """A Redis server, a desk and a gateway, each in its own process."""

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
        return httpx.get(f"{self.gateway.url}{path}", trust_env=False, timeout=60)

    @property
    def status(self) -> str:
        return str(self.get("/readyz").json()["status"])

    @property
    def texts(self) -> list[str]:
        """The texts in the log."""
        return [entry["line"]["text"] for entry in self.tick("log", "-e", "en", "--json").json["entries"]]


@pytest.fixture
def system(folder: Path, tcp_server: RedisServer) -> Iterator[Processes]:
    system = Processes(folder, tcp_server)
    with system.desk, system.gateway:
        for text in ("One", "Two", "Three"):
            assert system.post(text).code == 0
        until(lambda: len(system.get("/v1/en/lines").json()["lines"]) == 3, "the gateway has the lines")
        yield system


def kill(server: RedisServer) -> Callable[[], object]:
    server.kill()
    return server.start


def pause(server: RedisServer) -> Callable[[], object]:
    server.pause()
    return server.resume


@pytest.mark.slow
@pytest.mark.parametrize("break_it", [kill, pause])
async def test_a_gateway_without_redis_serves_from_memory_reports_degraded_and_resumes(
    system: Processes, break_it: Callable[[RedisServer], Callable[[], object]]
) -> None:
    async with RecordingReader(system.gateway.url, "en") as steady:
        first = str(system.get("/v1/en/lines").json()["lines"][0]["position"])
        mend = break_it(system.server)
        await asyncio.to_thread(until, lambda: system.status == "degraded", "the gateway is degraded")

        trouble: Any = system.get("/readyz").json()["editions"]["en"]["trouble"]
        assert "Redis can't be read" in trouble
        assert 'ticker_following{edition="en"} 0.0' in system.get("/metrics").text
        assert [line["text"] for line in system.get("/v1/en/board").json()["lines"]] == ["Three", "Two", "One"]
        assert len(system.get("/v1/en/lines?limit=2").json()["lines"]) == 2
        assert "Three" in system.get("/en").text
        async with (
            RecordingReader(system.gateway.url, "en") as new,
            RecordingReader(system.gateway.url, "en", after=first) as back,
        ):
            assert [line.text for line in new.boards[0].lines] == ["Three", "Two", "One"]
            assert [line.text for line in back.lines] == ["Two", "Three"]
            await new.until(lambda: any(isinstance(message, HeartbeatMessage) for message in new.messages))

        mend()
        await asyncio.to_thread(until, lambda: system.status == "ready", "the gateway follows the log again")
        assert 'ticker_following{edition="en"} 1.0' in system.get("/metrics").text
        assert (await asyncio.to_thread(system.post, "Four")).code == 0
        await steady.until(lambda: [line.text for line in steady.lines] == ["Four"])
        assert len(steady.boards) == 1, "the follower got no reset and kept its connection"


def test_a_line_reported_not_on_air_without_redis_never_appears(system: Processes) -> None:
    system.server.kill()
    ran = system.post("Too late", "--wait", "1")
    assert ran.code == 4
    assert ran.json["status"] == "not-on-air"
    assert system.tick("post", "Too late", "-e", "en", "--wait", "1").err.startswith("NOT ON AIR")
    system.server.start()
    assert system.post("In time", "--wait", "20").code == 0
    assert system.texts == ["One", "Two", "Three", "In time"]


def test_a_line_reported_not_on_air_without_a_desk_never_appears(system: Processes) -> None:
    system.desk.kill()
    ran = system.post("Too late", "--wait", "0.5")
    assert (ran.code, ran.json["errors"][0]["code"]) == (4, "no-desk")
    system.desk.start()
    assert system.post("In time", "--wait", "20").code == 0
    assert system.texts == ["One", "Two", "Three", "In time"]


async def test_a_submission_in_a_stalled_servers_buffers_is_late_when_the_server_resumes(system: Processes) -> None:
    """The server stalls before it reads the submission, and resumes after `tick` has printed UNKNOWN."""
    async with Proxy(lambda: system.server.address, is_redis=True) as proxy:
        proxy.trap(Trap(1, is_after=False, command="XADD", on_trigger=system.server.pause, only_observes=True))
        words = ["post", "Too late", "-e", "en", "--json", "--no-reach", "--wait", "1", "--key", "stalled"]
        url = f"redis://{HOST}:{proxy.port}"
        ran = await asyncio.to_thread(system.tick, *words, TICKER_REDIS_URL=url)
        assert ran.code == 6
        system.server.resume()
        inbox = "ticker:{en}:inbox:maha"
        receipts = "ticker:{en}:receipts:maha"
        await asyncio.to_thread(
            until, lambda: system.server.command("XLEN", receipts) == 4, "the desk has written a receipt"
        )
        assert system.server.command("XLEN", inbox) == 0
    assert (await asyncio.to_thread(system.post, "In time", "--wait", "20")).code == 0
    assert system.texts == ["One", "Two", "Three", "In time"]


def test_a_second_try_with_the_key_of_a_late_one_gets_its_own_receipt(system: Processes) -> None:
    """The desk hangs past the first deadline. The second submission must not take the first one's receipt."""
    system.desk.signal(signal.SIGSTOP)
    try:
        assert system.post("Again", "--wait", "0.3", "--key", "again").code == 4
        process = start_tick(
            system, "post", "--yes", "Again", "-e", "en", "--json", "--no-reach", "--wait", "20", "--key", "again"
        )
        inbox = "ticker:{en}:inbox:maha"
        until(lambda: system.server.command("XLEN", inbox) == 2, "both are submitted")
    finally:
        system.desk.signal(signal.SIGCONT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, (out, err)
    assert system.texts == ["One", "Two", "Three", "Again"]


def test_a_forged_entry_is_reported_and_never_shown(system: Processes) -> None:
    log, server = "ticker:{en}:log", system.server
    data = server.command("XRANGE", log, "2-0", "2-0")[0][1][b"entry"]
    server.command("EVAL", REPLACE_ENTRY, 1, log, "2-0", data.replace(b"Two", b"Not so"))
    for program in (system.desk, system.gateway):
        program.stop()
    system.desk.start(wait=False)
    system.gateway.start(wait=False)

    verified = run_program("ticker", "verify", "en", "--json", environ=system.environ)
    assert (verified.code, verified.json["seq"]) == (1, 2)
    system.gateway.wait_ready()
    assert "entry 2 doesn't link" in system.get("/readyz").json()["editions"]["en"]["trouble"]
    assert all("Not so" not in system.get(path).text for path in ("/v1/en/board", "/v1/en/lines", "/en"))
    board = system.get("/v1/en/board").json()
    assert (board["incomplete"], [line["text"] for line in board["lines"]]) == (True, ["Three", "One"])
    assert system.post("Not published", "--wait", "20").code == 3

    server.command("EVAL", REPLACE_ENTRY, 1, log, "2-0", data)
    until(lambda: system.status == "ready", "the gateway follows the log again")
    until(lambda: system.post("In time", "--wait", "20").code == 0, "the desk publishes again")
    assert system.texts == ["One", "Two", "Three", "In time"]


def start_tick(system: Processes, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [SCRIPTS / "tick", *words], env=system.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
