"""The commands that run one part of the system, and those that manage logs and editors."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.support.readers import RecordingReader
from tests.support.servers import RedisServer, free_port, is_alive
from tests.support.system import Program, Ran, environment, run_program
from tests.support.waiting import until


class Parts:
    """A Redis, and commands that use it."""

    def __init__(self, folder: Path, server: RedisServer) -> None:
        self.server = server
        self.folder = folder
        self.environ = environment(TICKER_REDIS_URL=server.url, TICK_EDITOR="maha", TICKER_DRAIN_S="1")
        self.started: list[Program] = []

    def start(self, *words: str) -> Program:
        program = Program(words, self.environ, self.folder / f"{len(self.started)}-{words[0]}.log")
        self.started.append(program)
        return program.start()

    def ticker(self, *words: str) -> Ran:
        return run_program("ticker", *words, environ=self.environ)

    def tick(self, *words: str) -> Ran:
        return run_program("tick", *words, environ=self.environ)


@pytest.fixture
def parts(folder: Path, redis_server: RedisServer) -> Iterator[Parts]:
    all_parts = Parts(folder, redis_server)
    yield all_parts
    for program in reversed(all_parts.started):
        program.stop()


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]


async def test_desk_and_gateway_work_as_separate_processes(parts: Parts) -> None:
    parts.start("desk")
    gateway = parts.start("gateway", "--port", "0")
    async with RecordingReader(gateway.url, "en") as reader:
        assert (await asyncio.to_thread(parts.tick, "post", "From apart", "-e", "en")).code == 0
        await reader.until(lambda: [line.text for line in reader.lines] == ["From apart"])


def test_a_desk_prints_ready_and_exits_with_0(parts: Parts) -> None:
    desk = parts.start("desk", "--editions", "en")
    assert desk.ready == "ready"
    desk.signal(signal.SIGTERM)
    assert desk.wait() == 0
    assert "Traceback" not in desk.log


def test_a_desk_with_metrics_prints_their_url_and_serves_them(parts: Parts) -> None:
    desk = parts.start("desk", "--editions", "en", "--metrics", "127.0.0.1:0")
    assert desk.url.startswith("http://127.0.0.1:")
    with urlopen(f"{desk.url}/metrics") as response:
        assert 'ticker_desk_accepting{edition="en"} 1.0' in response.read().decode()
    assert json.load(urlopen(f"{desk.url}/readyz"))["status"] == "ready"
    desk.signal(signal.SIGTERM)
    assert desk.wait() == 0
    assert "Traceback" not in desk.log


def test_an_invalid_metrics_address_is_refused(folder: Path) -> None:
    environ = environment(TICKER_REDIS_URL=f"unix://{folder}/nothing.sock")
    ran = run_program("ticker", "desk", "--metrics", "9100", environ=environ)
    assert ran.code == 2
    assert "write a host and a port, like 127.0.0.1:9100" in ran.err


def test_a_desk_waits_for_a_missing_redis(parts: Parts) -> None:
    parts.server.kill()
    desk = Program(["desk"], parts.environ, parts.folder / "desk.log")
    parts.started.append(desk)
    desk.start(wait=False)
    until(lambda: "redis-interrupted" in desk.log, "it says that there is no Redis")
    parts.server.start()
    desk.wait_ready()


def test_an_outage_of_redis_is_one_warning_per_process_and_one_line_at_its_end(parts: Parts) -> None:
    """Each edition's desk and feed retries several times."""
    desk = parts.start("desk", "--metrics", "127.0.0.1:0")
    gateway = parts.start("gateway", "--port", "0")
    parts.server.kill()
    for part, counter in ((desk, "ticker_desk_errors_total"), (gateway, "ticker_feed_failures_total")):
        until(lambda part=part, counter=counter: metric(part, counter) >= 9, "each edition has retried")  # type: ignore[misc]
    parts.server.start()
    for part in (desk, gateway):
        until(lambda part=part: "redis-recovered" in part.log, "the end is logged")  # type: ignore[misc]
        events = [json.loads(line) for line in part.log.splitlines() if line.startswith("{")]
        warnings = [event["event"] for event in events if event["level"] == "warning"]
        assert warnings == ["redis-interrupted"], events
        (recovered,) = [event for event in events if event["event"] == "redis-recovered"]
        assert recovered["failures"] >= 9
    assert ('"gateway-started"' in gateway.log, '"desk-started"' in desk.log) == (True, True)


def metric(part: Program, name: str) -> float:
    """Return the sum of a metric over all its labels."""
    with urlopen(f"{part.url}/metrics", timeout=60) as response:
        lines = response.read().decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


def test_a_command_warns_of_an_unknown_variable_with_the_nearest_name(parts: Parts) -> None:
    parts.environ["TICKER_RETAIND"] = "5"
    ran = parts.ticker("doctor", "redis")
    assert "warning: the variable TICKER_RETAIND has no meaning: did you mean TICKER_RETAINED?" in ran.err


def test_two_desks_work_at_the_same_time(parts: Parts) -> None:
    first = parts.start("desk")
    parts.start("desk")
    assert parts.tick("post", "One", "-e", "en").code == 0
    first.kill()
    assert parts.tick("post", "Two", "-e", "en").code == 0
    texts = [entry["line"]["text"] for entry in parts.tick("log", "-e", "en", "--json").json["entries"]]
    assert texts == ["One", "Two"]


async def test_workers_share_a_port_and_a_dead_one_is_replaced(parts: Parts) -> None:
    parts.start("desk")
    gateway = parts.start("gateway", "--port", "0", "--workers", "2")
    workers = children(gateway.pid)
    assert len(workers) == 2
    readers = [await RecordingReader(gateway.url, "en").open() for _ in range(16)]
    await asyncio.to_thread(parts.tick, "post", "To all", "-e", "en")
    for reader in readers:
        await reader.until(lambda reader=reader: [line.text for line in reader.lines] == ["To all"])  # type: ignore[misc]
    os.kill(workers[0], signal.SIGKILL)
    await asyncio.to_thread(until, lambda: len(set(children(gateway.pid)) - {workers[0]}) == 2, "a new worker")
    await asyncio.to_thread(parts.tick, "post", "To all again", "-e", "en")
    for reader in readers:
        # Some readers were connected to the worker that is dead. They may not have noticed it yet.
        await reader.until(lambda reader=reader: reader.seqs == [1, 2] or reader.close_code is not None)  # type: ignore[misc]
        if reader.close_code is not None:
            await reader.reopen()
        await reader.until(lambda reader=reader: reader.seqs == [1, 2])  # type: ignore[misc]
        await reader.close()
    assert "worker-died" in gateway.log


@pytest.mark.parametrize("options", [[], ["--metrics", "PORT"]])
def test_one_scrape_has_the_metrics_of_all_workers(parts: Parts, options: list[str]) -> None:
    parts.start("desk")
    port = free_port()
    words = [f"127.0.0.1:{port}" if option == "PORT" else option for option in options]
    gateway = parts.start("gateway", "--port", "0", "--workers", "2", *words)
    url = f"http://127.0.0.1:{port}" if options else gateway.url
    for _ in range(5):  # whichever worker answers
        with urlopen(f"{url}/metrics", timeout=60) as response:
            lines = response.read().decode().splitlines()
        for number in range(2):
            assert f'ticker_worker_up{{worker="{number}"}} 1.0' in lines
            assert f'ticker_followers{{edition="en",worker="{number}"}} 0.0' in lines
            assert any(line.startswith("process_open_fds") and f'worker="{number}"' in line for line in lines)
    os.kill(gateway.pid, signal.SIGSTOP)  # it starts no new worker before a scrape has seen the dead one
    try:
        os.kill(children(gateway.pid)[0], signal.SIGKILL)
        until(lambda: sum(up_of(url)) == 1, "the dead worker is reported")
    finally:
        os.kill(gateway.pid, signal.SIGCONT)
    until(lambda: sum(up_of(url)) == 2, "the new worker has its number")


def up_of(url: str) -> list[float]:
    try:
        with urlopen(f"{url}/metrics", timeout=60) as response:
            lines = response.read().decode().splitlines()
    except OSError:  # accepted by the worker that was killed
        return []
    return [float(line.rpartition(" ")[2]) for line in lines if line.startswith("ticker_worker_up{")]


def test_workers_end_with_their_parent(parts: Parts) -> None:
    parts.start("desk")
    gateway = parts.start("gateway", "--port", "0", "--workers", "2")
    workers = children(gateway.pid)
    gateway.signal(signal.SIGTERM)
    assert gateway.wait() == 0
    assert not any(map(is_alive, workers))
    gateway.start()
    workers = children(gateway.pid)
    gateway.kill()
    until(lambda: not any(map(is_alive, workers)), "the workers end with a parent that was killed")


def test_a_taken_port_is_refused_with_and_without_workers(parts: Parts) -> None:
    parts.start("desk")
    first = parts.start("gateway", "--port", "0")
    for more in ([], ["--workers", "2"]):
        ran = parts.ticker("gateway", "--port", str(first.port), *more)
        assert ran.code == 1
        assert f"can't listen on 127.0.0.1 port {first.port}" in ran.err.splitlines()[-1]


def test_a_gateway_serves_on_the_given_address(parts: Parts) -> None:
    parts.start("desk")
    port = free_port()
    gateway = parts.start("gateway", "--host", "0.0.0.0", "--port", str(port))
    assert gateway.url == f"http://0.0.0.0:{port}"
    with urlopen(f"http://127.0.0.1:{port}/readyz") as response:
        assert json.load(response)["status"] == "ready"


def test_verify_counts_the_entries_of_an_intact_log(parts: Parts) -> None:
    parts.start("desk")
    assert parts.tick("post", "One", "-e", "en").code == 0
    ran = parts.ticker("verify", "en")
    assert ran.code == 0
    assert ran.out.startswith("en  verified: 1 entry, 1 to 1, at 1-")


def test_verify_names_the_first_bad_entry(parts: Parts) -> None:
    parts.start("desk")
    for text in ("One", "Two", "Three"):
        assert parts.tick("post", text, "-e", "en").code == 0
    parts.server.command("XDEL", "ticker:{en}:log", "2-0")
    ran = parts.ticker("verify", "en")
    assert ran.code == 1
    assert ran.out.startswith("en  not verified, entry 2: entry 2 is missing")
    assert "ticker repair en --dry-run" in ran.err
    document = parts.ticker("verify", "en", "--json")
    assert document.code == 1
    assert (document.json["verified"], document.json["seq"]) == (False, 2)


def test_verify_of_an_unknown_edition_is_refused(parts: Parts) -> None:
    ran = parts.ticker("verify", "en")
    assert ran.code == 1
    assert "there is no edition en" in ran.err


def test_rotate_needs_a_confirmation_and_begins_a_new_log(parts: Parts) -> None:
    parts.start("desk")
    assert parts.tick("post", "Old", "-e", "en").code == 0
    ran = parts.ticker("rotate", "en")
    assert ran.code == 2
    assert "--yes" in ran.err
    ran = parts.ticker("rotate", "en", "--yes", "--json")
    assert ran.code == 0
    assert parts.server.command("XLEN", ran.json["archive"]) == 1
    assert parts.tick("post", "New", "-e", "en", "--json").json["position"].startswith("1-")


def test_a_damaged_log_is_named_to_editors_repaired_and_used_again(parts: Parts) -> None:
    desk = parts.start("desk")
    texts = ("Ferries run again", "Bridge reopens", "School stays shut")
    posted = [parts.tick("post", text, "-e", "en", "--json").json for text in texts]
    desk.stop()
    parts.server.command("XDEL", "ticker:{en}:log", "2-0")
    desk.start()
    refused = parts.tick("post", "Rain moves east", "-e", "en", "--json", "--key", "k1")
    (error,) = refused.json["errors"]
    assert (refused.json["status"], error["code"]) == ("refused", "log")
    assert "entry 2 is missing" in error["detail"]
    assert "`ticker repair en`" in error["detail"]

    dry = parts.ticker("repair", "en", "--dry-run")
    assert dry.code == 0
    assert "damaged  entry 2 is missing" in dry.out
    assert f"lost     line {posted[1]['id']}, version 1 (new, maha," in dry.out
    assert "kept     2 entries, 2 lines: 2 on the board, 0 pinned; 0 held items" in dry.out
    assert "nothing was changed" in dry.out
    assert parts.ticker("verify", "en").code == 1
    unconfirmed = parts.ticker("repair", "en")
    assert unconfirmed.code == 2
    assert "--yes" in unconfirmed.err

    repaired = parts.ticker("repair", "en", "--yes", "--json")
    assert repaired.code == 0
    assert parts.server.command("XLEN", repaired.json["archive"]) == 2
    assert parts.ticker("verify", "en").code == 0
    assert parts.tick("post", "Rain moves east", "-e", "en", "--key", "k1").code == 0
    assert parts.tick("withdraw", posted[0]["id"], "-e", "en", "--reason", "It was wrong").code == 0
    again = parts.ticker("repair", "en", "--json").json
    assert (again["needed"], again["kept"]["lines"]) == (False, 3)


def test_a_repair_of_an_intact_log_changes_nothing(parts: Parts) -> None:
    parts.start("desk")
    assert parts.tick("post", "One", "-e", "en").code == 0
    ran = parts.ticker("repair", "en", "--yes")
    assert (ran.code, ran.out) == (0, "en  needs no repair: 1 entry verified\n")


def test_doctor_reports_unsafe_settings_with_commands_that_fix_them(parts: Parts) -> None:
    parts.server.command("CONFIG", "SET", "appendfsync", "everysec")
    ran = parts.ticker("doctor", "redis")
    assert ran.code == 1
    assert "appendfsync everysec" in ran.out
    assert "redis-cli CONFIG SET appendfsync always && redis-cli CONFIG REWRITE\n" in ran.out
    document = parts.ticker("doctor", "redis", "--json").json
    assert "fsync" in [finding["code"] for finding in document["findings"]]
    assert document["redis"].startswith("unix://")


def test_doctor_accepts_findings_by_their_codes(parts: Parts) -> None:
    assert parts.ticker("doctor", "redis").code == 1
    ran = parts.ticker("doctor", "redis", "--accept", "one-server")
    assert ran.code == 0
    assert "accepted  the server has no replica" in ran.out
    document = parts.ticker("doctor", "redis", "--accept", "one-server", "--json").json
    assert (document["findings"], document["accepted"][0]["code"]) == ([], "one-server")
    ran = parts.ticker("doctor", "redis", "--accept", "everything")
    assert ran.code == 2
    assert "there are redis-down, version, address" in ran.err


def test_doctor_finds_a_redis_that_is_away_and_examines_the_rest(folder: Path) -> None:
    environ = environment(TICKER_REDIS_URL=f"redis://ticker-admin:a-secret-password@127.0.0.1:{free_port()}")
    ran = run_program("ticker", "doctor", "--json", "--part", f"http://127.0.0.1:{free_port()}", environ=environ)
    codes = {finding["code"] for finding in ran.json["findings"]}
    assert ran.code == 1
    assert {"redis-down", "part-down"} <= codes
    assert ran.json["facts"]["machine"]["followers"] == 18_000
    assert "a-secret-password" not in ran.out + ran.err


def test_a_wrong_password_is_reported_with_the_user(folder: Path) -> None:
    with RedisServer(folder / "guarded", tcp=True, password="a-password-of-the-default-user") as server:
        server.command("ACL", "SETUSER", "ticker-admin", "on", ">right-password", "~*", "+@all")
        url = f"redis://ticker-admin@127.0.0.1:{server.port}"
        environ = environment(TICKER_REDIS_URL=url, TICKER_REDIS_PASSWORD="wrong-password")
        for words in (["verify", "en"], ["repair", "en", "--dry-run"]):
            ran = run_program("ticker", *words, environ=environ)
            assert ran.code == 1, words
            assert "rejects the password of the user ticker-admin" in ran.err
            assert "wrong-password" not in ran.err


def test_an_editor_can_be_added_before_the_first_line(parts: Parts) -> None:
    parts.start("desk")
    assert parts.ticker("editor", "add", "omar", "-e", "en").out.startswith("omar  may post to en (editor)\n")
    assert parts.tick("post", "Known already", "-e", "en", "--editor", "omar").code == 0


def test_without_redis_every_command_fails_with_one_line(folder: Path) -> None:
    environ = environment(TICKER_REDIS_URL=f"unix://{folder}/nothing.sock")
    for words in (["verify", "en"], ["rotate", "en", "--yes"], ["editor", "list"]):
        ran = run_program("ticker", *words, environ=environ)
        assert ran.code == 1, words
        assert len(ran.err.splitlines()) == 1
        assert "can't be reached" in ran.err
