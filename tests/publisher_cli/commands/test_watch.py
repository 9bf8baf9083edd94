"""`tick watch`: the board as readers see it, also after failures of the gateway."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import Post
from tests.support.prefork import SCRIPTS
from tests.support.system import Program, System, run_program
from tests.support.waiting import until


class Watch:
    """A `tick watch` process, and everything that it prints."""

    def __init__(self, system: System, *words: str) -> None:
        self.out: list[str] = []
        self.err: list[str] = []
        self.process = subprocess.Popen(
            [SCRIPTS / "tick", "watch", *words],
            env=system.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        pipes = ((self.process.stdout, self.out), (self.process.stderr, self.err))
        self._threads = [threading.Thread(target=_copy, args=pair, daemon=True) for pair in pipes]
        for thread in self._threads:
            thread.start()

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in list(self.out)]

    @property
    def seqs(self) -> list[int]:
        return [int(each["position"].partition("-")[0]) for each in self.messages if each["type"] == "line"]

    def until(self, text: str) -> None:
        until(lambda: any(text in line for line in [*self.out, *self.err]), f"{text!r} in {self.out} {self.err}")

    def until_live(self) -> None:
        until(lambda: any('"live"' in line or line == "live" for line in [*self.out, *self.err]), "it is live")

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(60)
        for thread in self._threads:
            thread.join(15)
        return code


def _copy(pipe: Any, lines: list[str]) -> None:
    with pipe:
        for line in pipe:
            lines.append(line.rstrip("\n"))  # noqa: PERF401 -- available before the pipe is closed


@contextmanager
def watching(system: System, *words: str) -> Iterator[Watch]:
    watch = Watch(system, *words)
    try:
        yield watch
    finally:
        if watch.process.poll() is None:
            watch.stop()


@pytest.fixture
def gateway(system: System, tmp_path: Path) -> Iterator[Program]:
    """A second gateway, which a test may kill."""
    environ = {**system.environ, "TICKER_DRAIN_S": "1"}
    program = Program(["gateway", "--port", "0"], environ, tmp_path / "gateway.log")
    program.start()
    program.words = ["gateway", "--port", str(program.port)]
    yield program
    program.stop()


def test_watch_finds_the_gateway_of_ticker_up_and_prints_each_new_line(system: System, post: Post) -> None:
    post("Before")
    with watching(system, "-e", "en") as watch:
        watch.until_live()
        watch.until("Before")
        line_id = post("While we watch", "--urgency", "1")
        watch.until("While we watch")
        assert watch.stop() == 0
    line = next(line for line in watch.out if "While we watch" in line)
    assert line.startswith("en  ")
    assert f"  new  {line_id}  FLASH  While we watch" in line
    assert watch.err[0] == f"connecting to {system.url}"


def test_json_prints_one_message_per_line(system: System, post: Post) -> None:
    with watching(system, "-e", "en", "--json") as watch:
        watch.until_live()
        line_id = post("As a message")
        watch.until(line_id)
    kinds = [message["type"] for message in watch.messages]
    assert kinds[:2] == ["board", "live"]
    assert set(kinds[2:]) == {"line"}


def test_a_selection_leaves_out_other_lines(system: System, post: Post) -> None:
    with watching(system, "-e", "en", "--json", "--section", "sports", "--urgency", "2") as watch:
        watch.until_live()
        post("Too slow", "--section", "sports", "--urgency", "3")
        post("Elsewhere", "--section", "health", "--urgency", "1")
        wanted = post("Goal", "--section", "sports", "--urgency", "2")
        watch.until(wanted)
    assert [message["line"]["text"] for message in watch.messages if message["type"] == "line"] == ["Goal"]


def test_an_unknown_section_is_refused_with_the_known_ones(system: System) -> None:
    ran = system.tick("watch", "-e", "en", "--section", "gossip")
    assert ran.code == 2
    assert "this edition has no section 'gossip': it has politics" in ran.err


def test_an_unknown_edition_is_refused_with_the_known_ones(system: System) -> None:
    ran = system.tick("watch", "-e", "fr")
    assert ran.code == 2
    assert "there is no edition 'fr': there are en, ar, es" in ran.err


def test_without_an_edition_the_error_names_the_editions(system: System) -> None:
    ran = system.tick("watch")
    assert ran.code == 2
    assert "several editions exist (en, ar, es): choose one with -e" in ran.err


def test_a_gateway_that_is_killed_and_comes_back_leaves_no_gap_and_no_repeat(
    system: System, post: Post, gateway: Program
) -> None:
    with watching(system, "-e", "en", "--json", "--gateway", gateway.url) as watch:
        watch.until_live()
        post("Before the kill")
        until(lambda: len(watch.seqs) == 1, "the first line")
        gateway.kill()
        last = [post(f"While it is gone {number}") for number in range(3)][-1]
        gateway.start()
        watch.until(last)
        last = post("After it is back")
        watch.until(last)
    first = watch.seqs[0]
    assert watch.seqs == list(range(first, first + 5))
    assert [message["type"] for message in watch.messages].count("board") == 1
    assert any("not live" in line for line in watch.err)


def test_watch_returns_to_a_gateway_that_was_restarted(system: System, post: Post, gateway: Program) -> None:
    with watching(system, "-e", "en", "--gateway", gateway.url) as watch:
        watch.until_live()
        gateway.stop()
        watch.until("the gateway closed the connection: restart; trying again in")
        gateway.start()
        post("After the restart")
        watch.until("After the restart")


def test_watch_reports_a_missing_gateway_and_waits_for_it(system: System, gateway: Program) -> None:
    gateway.kill()
    with watching(system, "-e", "en", "--gateway", gateway.url) as watch:
        watch.until(f"not live: no gateway answers at {gateway.url}; trying again in")
        gateway.start()
        watch.until_live()


def test_an_arabic_line_is_isolated_with_its_direction(system: System, post: Post) -> None:
    post("Halcyon: المسبار يدخل المدار", edition="ar")
    with watching(system, "-e", "ar") as watch:
        watch.until("المسبار")
    line = next(line for line in watch.out if "المسبار" in line)
    assert line.endswith("\u2067\u2068Halcyon\u2069: المسبار يدخل المدار\u2069")


def test_a_closed_pipe_ends_watch_without_an_error(system: System) -> None:
    done = subprocess.run(
        ["bash", "-c", f"'{SCRIPTS}/tick' watch -e en --json | head -n 1"],
        env=system.environ, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert json.loads(done.stdout)["type"] == "board"
    assert "Error" not in done.stderr
    assert "Exception" not in done.stderr


@pytest.mark.parametrize("options", [[], ["-e", "en"]])
def test_an_invalid_gateway_address_is_refused(system: System, options: list[str]) -> None:
    ran = run_program("tick", "watch", "--gateway", "news.example", *options, environ=system.environ)
    assert ran.code == 2
    assert "write it like http://127.0.0.1:8080" in ran.err


def test_after_continues_behind_a_position_without_a_board(system: System, post: Post) -> None:
    post("Before the position")
    position = system.tick("post", "At the position", "-e", "en", "--again", "--json").json["position"]
    line_id = post("After the position")
    watch = Watch(system, "-e", "en", "--json", "--after", position)
    watch.until_live()
    watch.stop()
    assert [message["type"] for message in watch.messages][:1] == ["line"]
    assert watch.messages[0]["line"]["id"] == line_id
    ran = system.tick("watch", "-e", "en", "--after", "12")
    assert ran.code == 2
    assert "'12' is not a position" in ran.err
