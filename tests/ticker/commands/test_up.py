"""`ticker up`: the whole system in one process, from its start to its end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.support.prefork import SCRIPTS
from tests.support.readers import RecordingReader
from tests.support.servers import RedisServer, free_port, is_alive
from tests.support.system import Program, System, environment
from tests.support.waiting import eventually, until


@pytest.fixture
def own(folder: Path) -> Iterator[System]:
    """A system for one test, not started yet."""
    system = System(folder)
    yield system
    system.stop()


def test_up_prints_one_line_when_it_serves(own: System) -> None:
    process = subprocess.Popen(
        [SCRIPTS / "ticker", *own.words], env=own.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    ready = process.stdout.readline()
    assert ready.startswith("ready http://127.0.0.1:")
    with urlopen(ready.split()[1] + "/readyz") as response:
        assert json.load(response)["status"] == "ready"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert out == ""
    assert process.returncode == 0
    assert "Traceback" not in err
    assert all(json.loads(line)["level"] for line in err.splitlines())  # JSON logs: no terminal


def test_metrics_include_those_of_gateway_and_desk(own: System) -> None:
    with own:
        assert own.tick("post", "Ferries run again", "-e", "en").code == 0
        with urlopen(f"{own.url}/metrics") as response:
            said = response.read().decode().splitlines()
    assert 'ticker_following{edition="en"} 1.0' in said
    assert 'ticker_desk_settled_total{edition="en",status="on-air"} 1.0' in said


def test_json_prints_the_url_as_a_document(own: System) -> None:
    process = subprocess.Popen(
        [SCRIPTS / "ticker", *own.words, "--json"],
        env=own.environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    document = json.loads(process.stdout.readline())
    process.terminate()
    process.communicate(timeout=60)
    assert document["ready"].startswith("http://127.0.0.1:")
    assert process.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_and_nothing_is_left_behind(own: System, number: signal.Signals) -> None:
    own.start()
    server = _server_pid(own)
    assert is_alive(server)
    own.signal(number)
    assert own.wait() == 0
    assert not is_alive(server)
    assert not (own.data / "gateway.url").exists()
    assert not (own.data / "redis.url").exists()


def _server_pid(system: System) -> int:
    children = Path(f"/proc/{system.pid}/task/{system.pid}/children").read_text(encoding="ascii").split()
    assert len(children) == 1
    return int(children[0])


def test_a_second_start_on_the_same_data_is_refused_with_the_pid_of_the_first(own: System) -> None:
    own.start()
    ran = own.ticker("up", "--data", str(own.data), "--port", "0")
    assert ran.code == 1
    assert ran.out == ""
    assert len(ran.err.splitlines()) == 1
    assert f"in use by process {own.pid}" in ran.err
    assert "--data" in ran.err
    assert own.tick("post", "Still here", "-e", "en").code == 0


def test_a_taken_port_is_named_and_nothing_is_left_running(own: System) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = own.ticker("up", "--data", str(own.data), "--port", str(port))
    assert ran.code == 1
    assert f"can't listen on 127.0.0.1 port {port}" in ran.err.splitlines()[-1]
    assert "--port" in ran.err
    assert not (own.data / "redis.url").exists()


def test_after_kill_9_every_acknowledged_line_is_there_and_the_log_verifies(own: System) -> None:
    own.start()
    posting = [
        subprocess.Popen(
            [
                "bash", "-c",
                f"for n in {{1..40}}; do '{SCRIPTS}/tick' post --yes $n -e en --json --wait 1 || break; done",
            ],
            env={**own.environ, "TICK_EDITOR": editor}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )
        for editor in ("maha", "omar")
    ]  # fmt: skip
    until(lambda: len(own.tick("log", "-e", "en", "--json").json["entries"]) >= 4, "some lines are on air")
    own.kill()
    receipts = [json.loads(line) for process in posting for line in process.communicate(timeout=60)[0].splitlines()]
    acknowledged = {receipt["id"]: receipt["position"] for receipt in receipts if receipt["status"] == "on-air"}
    assert len(acknowledged) >= 3
    own.start()
    entries = own.tick("log", "-e", "en", "-n", "1000", "--json").json["entries"]
    there = {entry["line"]["id"]: entry["position"] for entry in entries}
    assert acknowledged.items() <= there.items()
    verified = own.ticker("verify", "en", "--json")
    assert verified.code == 0
    assert verified.json["entries"] == len(entries)
    assert own.tick("post", "And on it goes", "-e", "en").code == 0


async def test_a_reader_resumes_after_kill_9_without_gap_or_repeat(own: System) -> None:
    own.start()
    async with RecordingReader(own.url, "en") as reader:
        await asyncio.to_thread(own.tick, "post", "One", "-e", "en")
        await reader.until(lambda: len(reader.lines) == 1)
        own.kill()
        await reader.until_closed()
        await asyncio.to_thread(own.start)
        await asyncio.to_thread(own.tick, "post", "Two", "-e", "en")
        await reader.reopen()
        await reader.until(lambda: len(reader.lines) == 2)
    assert reader.seqs == [1, 2]
    assert len(reader.boards) == 1


async def test_readers_get_a_bye_message_and_the_end_is_quick(own: System) -> None:
    own.start()
    readers = [await RecordingReader(own.url, "en").open() for _ in range(5)]
    begun = time.monotonic()
    await asyncio.to_thread(own.stop)
    took_s = time.monotonic() - begun
    for reader in readers:
        await reader.until_closed()
    assert {reader.close_code for reader in readers} == {1012}
    assert took_s < 5


async def test_a_second_signal_ends_it_at_once(own: System) -> None:
    own.environ["TICKER_DRAIN_S"] = "60"
    own.start()
    readers = [await RecordingReader(own.url, "en").open() for _ in range(40)]
    server = _server_pid(own)
    own.signal(signal.SIGINT)
    await eventually(lambda: any(reader.close_code is not None for reader in readers), "a reader is disconnected")
    own.signal(signal.SIGINT)
    assert await asyncio.to_thread(own.wait, 5) == 0
    assert not is_alive(server)
    for reader in readers:
        await reader.close()


def test_a_signal_during_the_start_ends_it(own: System) -> None:
    own.start(wait=False)
    until((own.data / "redis.url").exists, "the embedded server is being started")
    own.signal(signal.SIGTERM)
    assert own.wait(60) in {0, -signal.SIGTERM}
    until(lambda: not (own.data / "redis.url").exists(), "the address is gone")


def test_a_warm_start_serves_within_two_seconds(own: System) -> None:
    own.start()
    own.stop()
    begun = time.monotonic()
    own.start()
    assert time.monotonic() - begun < 2 * (1 + os.getloadavg()[0])  # the tests may share their cores with others


def test_a_named_redis_replaces_the_embedded_one(folder: Path, redis_server: RedisServer) -> None:
    environ = environment(TICKER_REDIS_URL=redis_server.url, TICKER_DATA=str(folder / "unused"))
    with Program(["up", "--port", "0", "--editions", "es"], environ, folder / "log") as program:
        assert redis_server.command("SMEMBERS", "ticker:editions") == {b"es"}
        with urlopen(f"{program.url}/v1/editions") as response:
            assert [edition["name"] for edition in json.load(response)["editions"]] == ["es"]
    assert not (folder / "unused").exists()


def test_an_unreachable_named_redis_is_reported_at_once(own: System) -> None:
    url = f"redis://:s3cret@127.0.0.1:{free_port()}"
    ran = own.ticker("up", "--port", "0", TICKER_REDIS_URL=url)
    assert ran.code == 1
    assert "redis://***@127.0.0.1:" in ran.err
    assert "unset TICKER_REDIS_URL" in ran.err
    assert "s3cret" not in ran.err


@pytest.mark.parametrize(
    ("words", "variables", "why"),
    [
        (["--editions", "en,fr"], {}, "--editions names 'fr': the settings have en, ar, es"),
        (["--editions", ""], {}, "--editions names none"),
        ([], {"TICKER_RETAINED": "many"}, "TICKER_RETAINED is 'many'"),
        ([], {"TICKER_LOG_LEVEL": "loud"}, "TICKER_LOG_LEVEL is 'loud'"),
        (["--port", "99999"], {}, "ticker up --help"),
        (["--settings", "/nothing.toml"], {}, "/nothing.toml"),
    ],
)
def test_an_invalid_setting_is_refused_with_one_line(
    own: System, words: list[str], variables: dict[str, str], why: str
) -> None:
    ran = own.ticker("up", "--data", str(own.data), "--port", "0", *words, **variables)
    assert ran.code == 2
    assert len(ran.err.splitlines()) == 1
    assert why in ran.err


def test_settings_come_from_a_file(own: System, tmp_path: Path) -> None:
    settings = tmp_path / "ticker.toml"
    settings.write_text('[editions.fr]\ntitle = "Alerte"\nlang = "fr"\ndir = "ltr"\n', encoding="utf-8")
    own.words += ["--settings", str(settings)]
    own.start()
    assert [edition["name"] for edition in own.tick("editions", "--json").json["editions"]] == ["fr"]
    ran = own.tick("post", "La seule édition", "--json")  # no -e: there is only one
    assert (ran.code, ran.json["edition"]) == (0, "fr")
